"""Parts of a task's physics: signatures of its kernels, and small kernels that several tasks share."""

from __future__ import annotations

import math

from numba import types

from wann.kernels.activations import INVERSE_PI, at_least, at_most
from wann.kernels.lanes import (
    WHOLE,
    absolute,
    broadcast,
    compiled,
    kernel,
    load,
    select_greater,
)

LANE_ARRAY = types.float64[:, :, ::1]
OBSERVE = types.void(LANE_ARRAY, LANE_ARRAY, types.int64)
STEP = types.void(LANE_ARRAY, LANE_ARRAY, LANE_ARRAY, LANE_ARRAY, types.int64)

observe_kernel = compiled(OBSERVE)
"""Decorator of `observe(state, observation, blocks)`.

It fills `observation` (I, B, WIDTH) from `state` (S, B, WIDTH) in the first `blocks` blocks.
"""

step_kernel = compiled(STEP)
"""Decorator of `step(state, observation, action, outcome, blocks)`.

It advances `state` (S, B, WIDTH) and `observation` (I, B, WIDTH), which is what `observe` makes of the state,
in place by one step under `action` (A, B, WIDTH), the network's raw outputs, and fills `outcome`
(2, B, WIDTH): row 0 the reward, row 1 whether the episode terminated (1 or 0).
"""


TURN = 2.0 * math.pi  # rad


@kernel
def largest(action, b):
    """Index of the largest output in each lane, as a float; the first of equals. A NaN is passed over."""
    best, index = broadcast(-math.inf), broadcast(0.0)
    for row in range(action.shape[0]):
        output = load(action, row, b)
        index = select_greater(output, best, float(row), index)
        best = select_greater(output, best, output, best)
    return index


@kernel
def clipped(output):
    """An output within [-1, 1]; a NaN becomes 0, the middle."""
    number = select_greater(absolute(output), -1.0, output, 0.0)
    return at_most(at_least(number, -1.0), 1.0)


@kernel
def wrapped(angle):
    """An angle (rad) within half a turn of 0; one that is there already stays as it is."""
    turns = (angle * (0.5 * INVERSE_PI) + WHOLE) - WHOLE
    return angle - turns * TURN
