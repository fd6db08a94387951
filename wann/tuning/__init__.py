"""Weights of a champion tuned one by one.

In reading order:

    plan            what a tuning is asked for
    optimisers      CMA-ES and others
    adam            gradients
    subject         the task and the connections that may change
    session         a tuning under way
    tune            `tune` and `resume_tuning`
    kept            tunings kept beside champions
    race_entrants   who takes part in a race
    race_offspring  children of tuned networks
    race_session    a race under way
    race            `race` and `resume_race`
"""
