"""Pendulum-v1: swing a pendulum up with a motor that is too weak to lift it, and hold it there.

Source: Gymnasium's Pendulum-v1.
"""

from __future__ import annotations

import math

import numpy as np

from wann.kernels.activations import INVERSE_PI, at_least, at_most, sin_pi
from wann.kernels.lanes import load, select_greater, store, to_float32
from wann.kernels.physics import clipped, observe_kernel, step_kernel, wrapped
from wann.rollouts.compiled import Dynamics
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.task import Goal
from wann_envs.classic_control import PRESET_NOTES, presets

GRAVITY = 10.0  # m/s²
LENGTH = 1.0  # m, a uniform rod
MASS = 1.0  # kg
FULL_TORQUE = 2.0  # N·m at action 1
MAX_SPEED = 8.0  # rad/s
TIME_STEP = 0.05  # s
SPEED_COST = 0.1
TORQUE_COST = float(np.float32(0.001))  # Gymnasium computes this cost in float32, as its action is
MAX_STEPS = 200
UPRIGHT = math.cos(math.radians(20.0))  # least cosine of the angle of a pendulum that counts as upright


@observe_kernel
def _observe(state, observation, blocks):
    for b in range(blocks):
        half_turns = load(state, 0, b) * INVERSE_PI
        store(observation, 0, b, to_float32(sin_pi(half_turns + 0.5)))
        store(observation, 1, b, to_float32(sin_pi(half_turns)))
        store(observation, 2, b, to_float32(load(state, 1, b)))


@step_kernel
def _step(state, observation, action, outcome, blocks):
    for b in range(blocks):
        theta, omega = load(state, 0, b), load(state, 1, b)
        torque = to_float32(FULL_TORQUE * clipped(load(action, 0, b)))
        angle = wrapped(theta)
        cost = angle * angle + SPEED_COST * (omega * omega)
        cost = cost + to_float32(TORQUE_COST * to_float32(torque * torque))

        pull = 3.0 * GRAVITY / (2.0 * LENGTH) * sin_pi(theta * INVERSE_PI)
        push = to_float32(3.0 / (MASS * LENGTH * LENGTH) * torque)
        omega = at_most(at_least(omega + (pull + push) * TIME_STEP, -MAX_SPEED), MAX_SPEED)
        store(state, 0, b, theta + omega * TIME_STEP)
        store(state, 1, b, omega)
        store(outcome, 0, b, 0.0 - cost)
        store(outcome, 1, b, 0.0)
    _observe(state, observation, blocks)


@step_kernel
def _count_upright(state, observation, action, outcome, blocks):
    _step(state, observation, action, outcome, blocks)
    for b in range(blocks):
        store(outcome, 0, b, select_greater(load(observation, 0, b), UPRIGHT, 1.0, 0.0))


TASK = CompiledTask(
    name="Pendulum-v1",
    env_id="Pendulum-v1",
    summary="swing a pendulum up with a weak motor and hold it upright",
    inputs=("cos angle", "sin angle", "angular velocity"),
    outputs=("torque",),
    dynamics=Dynamics(state_size=2, observe=_observe, step=_step),
    episode_steps=MAX_STEPS,
    presets=presets(MAX_STEPS, generations=1024),
    preset_notes=PRESET_NOTES,
    goal=Goal(
        words="the pendulum is upright (within 20°) for {median:.1f} of 10 s in the median, and for at least "
        "5 s from {reached} of {starts} starts",
        unit=1.0 / TIME_STEP,
        least=5.0,
        counting=Dynamics(state_size=2, observe=_observe, step=_count_upright),
    ),
)
