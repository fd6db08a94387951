"""Evaluation of networks, in threads of this process or on Ray; the results are the same.

In reading order:

    chunks         a generation cut into pieces of work
    apart          a call in a process that can be killed
    evaluator      the protocol, and threads
    ray_cluster    joining and starting Ray; the only module that imports it
    ray_evaluator  evaluations on it
    stoppable      evaluations that a signal may break off
    placement      where a user wants it
    opening        from a placement to an evaluator
"""
