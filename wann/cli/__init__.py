"""The command line: one file for each command. Only here and in `wann.progress` is anything printed.

In reading order:

    main      the program, and how errors end
    options   options that several commands share
    commands  the list of commands
"""
