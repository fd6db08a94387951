"""MountainCarContinuous-v0: rock a weak car out of a valley, spending little on its engine.

Gymnasium keeps this state in float32 and computes with it in float32 from the second step on; so do the
kernels, by rounding after every operation.

Source: Gymnasium's MountainCarContinuous-v0, after Moore (1990).
"""

from __future__ import annotations

import numpy as np

from wann.kernels.activations import INVERSE_PI, at_least, at_most, sin_pi
from wann.kernels.lanes import absolute, load, select_greater, store, to_float32
from wann.kernels.physics import clipped, observe_kernel, step_kernel
from wann.rollouts.compiled import Dynamics
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.task import Goal
from wann_envs.classic_control import PRESET_NOTES, presets

# Units are the task's own: positions along the track, and one step of time.
ENGINE = float(np.float32(0.0015))  # acceleration at action 1
GRAVITY = 0.0025  # acceleration on the steepest slope
LEFT_END, RIGHT_END = float(np.float32(-1.2)), float(np.float32(0.6))  # the car stops at the left one
GOAL = float(np.float32(0.45))  # position on the right hill that ends the episode
MAX_SPEED = float(np.float32(0.07))
PRIZE = 100.0  # at the goal
COST = 0.1  # of a step at action ±1
MAX_STEPS = 999


@observe_kernel
def _observe(state, observation, blocks):
    for row in range(2):
        for b in range(blocks):
            store(observation, row, b, to_float32(load(state, row, b)))


@step_kernel
def _step(state, observation, action, outcome, blocks):
    for b in range(blocks):
        position, velocity = load(state, 0, b), load(state, 1, b)
        push = to_float32(clipped(load(action, 0, b)))
        # Only the start is no float32, and three times it is not rounded to one.
        angle = 3.0 * position
        angle = select_greater(absolute(position - to_float32(position)), 0.0, angle, to_float32(angle))
        slope = sin_pi(angle * INVERSE_PI + 0.5)
        change = to_float32(to_float32(push * ENGINE) - to_float32(GRAVITY * slope))
        velocity = at_most(at_least(to_float32(velocity + change), -MAX_SPEED), MAX_SPEED)
        position = at_most(at_least(to_float32(position + velocity), LEFT_END), RIGHT_END)
        # At the left end, which it cannot pass, the car loses a speed to the left.
        velocity = select_greater(position, LEFT_END, velocity, at_least(velocity, 0.0))
        store(state, 0, b, position)
        store(state, 1, b, velocity)

        arrived = select_greater(GOAL, position, 0.0, select_greater(0.0, velocity, 0.0, 1.0))
        store(outcome, 0, b, PRIZE * arrived - push * push * COST)
        store(outcome, 1, b, arrived)
    _observe(state, observation, blocks)


TASK = CompiledTask(
    name="MountainCarContinuous-v0",
    env_id="MountainCarContinuous-v0",
    summary="rock a weak car out of a valley, spending little on its engine",
    inputs=("position", "velocity"),
    outputs=("push",),
    dynamics=Dynamics(state_size=2, observe=_observe, step=_step),
    episode_steps=MAX_STEPS,
    presets=presets(MAX_STEPS),
    preset_notes=PRESET_NOTES,
    goal=Goal(
        words="the car reaches the flag from {reached} of {starts} starts; episodes last {median:.0f} "
        "steps in the median",
        measure="steps",
        most=MAX_STEPS - 1,
    ),
)
