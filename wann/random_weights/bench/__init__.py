"""The comparison of networks that work without trained weights.

In reading order:

    method             what a row is
    methods            the rows
    methods_torch      rows that need PyTorch
    champions          rows of our own champions
    recurrent          an untrained recurrent network
    world_model        the same, trained
    hidden_velocities  tasks whose velocities are hidden
    comparison         measuring, and what is kept of it
    table              the table
    figure             the figure
"""
