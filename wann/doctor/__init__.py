"""Checks of a machine and of an environment, each finding with its fix.

In reading order:

    finding   what a check finds
    examine   the list of the checks
    probe     Python code tried in a process of its own
    packages  Python, the packages and the optional ones
    engine    compiled code and processors
    folders   where files are written, and the space there
    screen    pictures, films and windows
    task      an environment or a data set
"""
