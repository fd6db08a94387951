"""A search from start to end, and its folder.

In reading order:

    checkpoint  a generation as a file
    folder      settings, metrics, checkpoints and champions on disk
    state       running, finished, stopped or failed
    listing     the runs in a folder
    groups      runs that differ only in the seed
    front       the Pareto front of a run
    confirming  networks as champions, confirmed on fresh episodes
    loop        ask, evaluate, tell, record, save
    search      `search` and `resume`
    seeds       one search for each of several seeds
"""
