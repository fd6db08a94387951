"""The comparison of networks that work without trained weights.

In reading order:

    method             a method and its measurement
    methods            the rows
    methods_torch      rows that need PyTorch
    champions          rows of our own champions
    recurrent          an untrained recurrent network
    world_model        the same, trained
    hidden_velocities  tasks whose velocities are hidden
    comparison         measurements, and the folder that keeps them
    table              the table
    figure             the figure
"""
