"""Pages of a run for a browser.

In reading order:

    render          from data to one HTML file
    kept            costly parts kept for the next page
    network_data    networks as data of a page
    shown_networks  which networks the page of a run shows
    clips           short films
    task_view       how the page of a run shows its task
    report          the page of a run
    server          serving a page
    watch           the page of a run under way
    many_runs       the page of a folder of runs, also live
    recorder        an environment filmed as it is played
    player          a champion that plays
    play            the page on which it does
"""
