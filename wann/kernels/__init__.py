"""Compiled functions that other kernels call; a task's author imports from here.

In reading order:

    lanes         rollouts side by side as one machine value; the decorators of every kernel
    lanes32       what only single precision needs
    activations   the table of activation functions
    trigonometry  sine and cosine in double precision, of any angle
    graph         order, layers and reachability on arrays of ids
    forward       the forward pass
    physics       signatures and small helpers of a task's physics

The sub-package `box2d` has the rigid bodies of the walker and the lander.
"""
