"""Rollouts: networks are run on episodes or samples, and give returns.

In reading order:

    job            networks, weights and episodes to roll out
    result         returns and steps
    compiled       the lane kernel over compiled physics
    worlds         the kernel of Box2D tasks: many worlds at a time
    spaces         observations to inputs, outputs to actions
    time_limit     a time limit on environments
    failure        what an environment raised, in words
    stepper        environments stepped in Python
    repeatability  whether a seed gives the same episode again
    same_bits      whether Gymnasium's Box2D gives the bits of the compiled one
    envpool        environments stepped in C++
    samples        batches of a data set
    losses         squared errors, and samples that do not count alike
"""
