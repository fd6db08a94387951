"""The opponent of the lane kernel: the same rollouts, compiled, one lane at a time.

It uses the very same formulas and polynomials, on floats, and stops each episode at its own end.
"""

import numpy as np
from wann_envs import cartpole_swingup as task

from wann.kernels.activations import INVERSE_PI, activate, sin_pi
from wann.kernels.lanes import kernel

POLE_MASS, POLE_LENGTH, TOTAL_MASS = task.POLE_MASS, task.POLE_LENGTH, task.TOTAL_MASS
GRAVITY, FRICTION, FORCE = task.GRAVITY, task.FRICTION, task.FORCE
TIME_STEP, TRACK_HALF = task.TIME_STEP, task.TRACK_HALF


@kernel
def roll_out_scalar(
    outputs,
    first_node,
    first_connection,
    first_source,
    sources,
    activation,
    weights,
    starts,
    max_steps,
    first,
    last,
    returns,
):
    values = np.empty(6 + np.max(first_node[1:] - first_node[:-1]))
    for network in range(first, last):
        node_from, connection_from = first_node[network], first_connection[network]
        count = first_node[network + 1] - node_from
        for lane in range(starts.shape[0]):
            x, v, theta, omega = starts[lane]
            weight, total = weights[lane], 0.0
            for _ in range(max_steps):
                values[0], values[1], values[2] = 1.0, x, v
                values[3] = sin_pi(theta * INVERSE_PI + 0.5)
                values[4] = sin_pi(theta * INVERSE_PI)
                values[5] = omega
                for k in range(count):
                    pointer = node_from + network + k
                    amount = 0.0
                    for c in range(first_source[pointer], first_source[pointer + 1]):
                        amount += values[sources[connection_from + c]]
                    values[6 + k] = activate(activation[node_from + k], amount * weight)
                s, c = values[4], values[3]
                force = min(max(values[outputs[network, 0]], -1.0), 1.0) * FORCE
                swing = POLE_MASS * POLE_LENGTH * omega * omega * s
                drag = FRICTION * v
                linear = (3.0 * POLE_MASS * GRAVITY * s * c - 2.0 * swing + 4.0 * force - 4.0 * drag) / (
                    4.0 * TOTAL_MASS - 3.0 * POLE_MASS * c * c
                )
                angular = (6.0 * TOTAL_MASS * GRAVITY * s - 3.0 * swing * c + 6.0 * (force - drag) * c) / (
                    4.0 * POLE_LENGTH * TOTAL_MASS - 3.0 * POLE_MASS * POLE_LENGTH * c * c
                )
                x += TIME_STEP * v
                theta += TIME_STEP * omega
                v += TIME_STEP * linear
                omega += TIME_STEP * angular
                upright = (sin_pi(theta * INVERSE_PI + 0.5) + 1.0) * 0.5
                total += upright * sin_pi(x * (0.5 / TRACK_HALF) + 0.5)
                if abs(x) > TRACK_HALF:
                    break
            returns[network - first, lane] = total
