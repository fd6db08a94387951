"""CartPole-v1: balance a pole on a cart that is pushed to the left or to the right at every step.

Source: Gymnasium's CartPole-v1, after Barto, Sutton and Anderson (1983).
"""

from __future__ import annotations

import math

from wann.kernels.activations import INVERSE_PI, sin_pi
from wann.kernels.lanes import absolute, load, select_greater, store, to_float32
from wann.kernels.physics import largest, observe_kernel, step_kernel
from wann.rollouts.compiled import Dynamics
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.task import Goal
from wann_envs.classic_control import PRESET_NOTES, presets

GRAVITY = 9.8  # m/s²
POLE_MASS = 0.1  # kg
TOTAL_MASS = POLE_MASS + 1.0  # kg, with the cart
HALF_LENGTH = 0.5  # m, from the pivot to the pole's middle
MASS_LENGTH = POLE_MASS * HALF_LENGTH  # kg·m
FORCE = 10.0  # N, to either side
TIME_STEP = 0.02  # s
TRACK_HALF = 2.4  # m, an episode ends beyond ± this
ANGLE_LIMIT = 12 * 2 * math.pi / 360  # rad, an episode ends beyond ± this
MAX_STEPS = 500


@observe_kernel
def _observe(state, observation, blocks):
    for row in range(4):
        for b in range(blocks):
            store(observation, row, b, to_float32(load(state, row, b)))


@step_kernel
def _step(state, observation, action, outcome, blocks):
    for b in range(blocks):
        x, v = load(state, 0, b), load(state, 1, b)
        theta, omega = load(state, 2, b), load(state, 3, b)
        half_turns = theta * INVERSE_PI
        s, c = sin_pi(half_turns), sin_pi(half_turns + 0.5)
        force = select_greater(largest(action, b), 0.0, FORCE, -FORCE)

        push = (force + MASS_LENGTH * (omega * omega) * s) / TOTAL_MASS
        angular = (GRAVITY * s - c * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * (c * c) / TOTAL_MASS))
        acceleration = push - MASS_LENGTH * angular * c / TOTAL_MASS
        x = x + TIME_STEP * v
        theta = theta + TIME_STEP * omega
        store(state, 0, b, x)
        store(state, 1, b, v + TIME_STEP * acceleration)
        store(state, 2, b, theta)
        store(state, 3, b, omega + TIME_STEP * angular)

        fallen = select_greater(absolute(theta), ANGLE_LIMIT, 1.0, 0.0)
        store(outcome, 0, b, 1.0)
        store(outcome, 1, b, select_greater(absolute(x), TRACK_HALF, 1.0, fallen))
    _observe(state, observation, blocks)


# A network whose connections are all 0 cannot balance, and one of the 25 confirming weights is 0.
_TARGETS = {
    "lexicase": MAX_STEPS * 24 / 25,
    "stratified": MAX_STEPS * 24 / 25,
    "paper": float(MAX_STEPS),
    "laptop": float(MAX_STEPS),
}

TASK = CompiledTask(
    name="CartPole-v1",
    env_id="CartPole-v1",
    summary="balance a pole on a cart by pushing it to either side",
    inputs=("position", "velocity", "angle", "angular velocity"),
    outputs=("push left", "push right"),
    dynamics=Dynamics(state_size=4, observe=_observe, step=_step),
    episode_steps=MAX_STEPS,
    presets={name: {**preset, "target_score": _TARGETS[name]} for name, preset in presets(MAX_STEPS).items()},
    preset_notes={name: f"{note}; ends once it balances" for name, note in PRESET_NOTES.items()},
    goal=Goal(
        words="the pole is balanced to the end from {reached} of {starts} starts, for {median:.0f} of 500 "
        "steps in the median",
        measure="steps",
        least=MAX_STEPS,
    ),
)
