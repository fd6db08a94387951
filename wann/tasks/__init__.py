"""Tasks that networks are scored on, and their names.

In reading order:

    task              the protocol
    compiled_task     compiled physics
    box2d_task        compiled Box2D environments
    environment_task  any registered Gymnasium environment
    data_task         a data set
    presets           settings by name
    known             names and presets of well-known environments
    data_sets         reading data sets and tables
    mnist             fetching MNIST
    data_presets      the data sets and their presets
    trust             what a file may name
    registry          from a name to a task
"""
