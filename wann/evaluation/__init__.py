"""Evaluation of networks, in threads of this process or on Ray; the results are the same.

In reading order:

    chunks         a generation cut into pieces of work
    evaluator      the protocol, and threads
    ray_evaluator  Ray; the only module that imports it
    placement      from options to an evaluator
"""
