"""Tasks that networks are scored on, and their names.

In reading order:

    task              the protocol
    compiled_task     compiled physics
    box2d_task        compiled Box2D environments
    environment_task  any registered Gymnasium environment
    data_task         a data set
    presets           settings by name
    known             names and presets of well-known environments
    data_sets         what data sets are made of; the named ones
    mnist             fetching MNIST
    table_file        tables as they come, read as words and numbers
    array_file        arrays as they come
    columns           what is done to the columns of a table
    tables            a user's own table as a data set
    prediction        answers for rows of a table
    data_presets      the data sets and their presets
    trust             what a file may name
    registry          from a name to a task
"""
