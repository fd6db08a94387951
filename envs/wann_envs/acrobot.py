"""Acrobot-v1: swing the free end of two hanging links above a line by a motor at the joint between them.

Source: Gymnasium's Acrobot-v1, after Sutton (1996), with the equations of Sutton and Barto's book.
"""

from __future__ import annotations

import math

from wann.kernels.activations import INVERSE_PI, at_least, at_most, sin_pi
from wann.kernels.lanes import kernel, load, select_greater, store, to_float32
from wann.kernels.physics import largest, observe_kernel, step_kernel, wrapped
from wann.rollouts.compiled import Dynamics
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.task import Goal
from wann_envs.classic_control import PRESET_NOTES, presets

# Both links are 1 m long and of 1 kg and 1 kg·m², so that factors of one are left out below.
GRAVITY = 9.8  # m/s²
MIDDLE = 0.5  # m, from a link's upper joint to its centre of mass
INERTIA = 1.0  # kg·m²
MAX_SPEEDS = 4.0 * math.pi, 9.0 * math.pi  # rad/s, of the two joints
HEIGHT = 1.0  # m, the line above the fixed joint
TIME_STEP = 0.2  # s
MAX_STEPS = 500


@observe_kernel
def _observe(state, observation, blocks):
    for b in range(blocks):
        for joint in range(2):
            half_turns = load(state, joint, b) * INVERSE_PI
            store(observation, 2 * joint, b, to_float32(sin_pi(half_turns + 0.5)))
            store(observation, 2 * joint + 1, b, to_float32(sin_pi(half_turns)))
            store(observation, 4 + joint, b, to_float32(load(state, 2 + joint, b)))


@kernel
def _accelerations(angle1, angle2, speed1, speed2, torque):
    half_turns1, half_turns2 = angle1 * INVERSE_PI, angle2 * INVERSE_PI
    s, c = sin_pi(half_turns2), sin_pi(half_turns2 + 0.5)
    d1 = MIDDLE * MIDDLE + (1.0 + MIDDLE * MIDDLE + 2.0 * MIDDLE * c) + INERTIA + INERTIA
    d2 = MIDDLE * MIDDLE + MIDDLE * c + INERTIA
    phi2 = MIDDLE * GRAVITY * sin_pi((angle1 + angle2) * INVERSE_PI)
    phi1 = (
        (MIDDLE + 1.0) * GRAVITY * sin_pi(half_turns1)
        - MIDDLE * (speed2 * speed2) * s
        - 2.0 * MIDDLE * speed2 * speed1 * s
        + phi2
    )
    ratio = d2 / d1
    second = (torque + ratio * phi1 - MIDDLE * (speed1 * speed1) * s - phi2) / (
        MIDDLE * MIDDLE + INERTIA - d2 * d2 / d1
    )
    return 0.0 - (d2 * second + phi1) / d1, second


@step_kernel
def _step(state, observation, action, outcome, blocks):
    half = 0.5 * TIME_STEP
    for b in range(blocks):
        a1, a2 = load(state, 0, b), load(state, 1, b)
        v1, v2 = load(state, 2, b), load(state, 3, b)
        torque = largest(action, b) - 1.0
        # Runge and Kutta's step of fourth order: the slopes are speeds `p` and accelerations `q`.
        q11, q12 = _accelerations(a1, a2, v1, v2, torque)
        p21, p22 = v1 + half * q11, v2 + half * q12
        q21, q22 = _accelerations(a1 + half * v1, a2 + half * v2, p21, p22, torque)
        p31, p32 = v1 + half * q21, v2 + half * q22
        q31, q32 = _accelerations(a1 + half * p21, a2 + half * p22, p31, p32, torque)
        p41, p42 = v1 + TIME_STEP * q31, v2 + TIME_STEP * q32
        q41, q42 = _accelerations(a1 + TIME_STEP * p31, a2 + TIME_STEP * p32, p41, p42, torque)
        sixth = TIME_STEP / 6.0
        a1 = wrapped(a1 + sixth * (v1 + 2.0 * p21 + 2.0 * p31 + p41))
        a2 = wrapped(a2 + sixth * (v2 + 2.0 * p22 + 2.0 * p32 + p42))
        v1 = v1 + sixth * (q11 + 2.0 * q21 + 2.0 * q31 + q41)
        v2 = v2 + sixth * (q12 + 2.0 * q22 + 2.0 * q32 + q42)
        store(state, 0, b, a1)
        store(state, 1, b, a2)
        store(state, 2, b, at_most(at_least(v1, -MAX_SPEEDS[0]), MAX_SPEEDS[0]))
        store(state, 3, b, at_most(at_least(v2, -MAX_SPEEDS[1]), MAX_SPEEDS[1]))

        height = 0.0 - sin_pi(a1 * INVERSE_PI + 0.5) - sin_pi((a2 + a1) * INVERSE_PI + 0.5)
        store(outcome, 0, b, select_greater(height, HEIGHT, 0.0, -1.0))
        store(outcome, 1, b, select_greater(height, HEIGHT, 1.0, 0.0))
    _observe(state, observation, blocks)


TASK = CompiledTask(
    name="Acrobot-v1",
    env_id="Acrobot-v1",
    summary="swing the end of two links above a line by the joint between them",
    inputs=(
        "cos first angle",
        "sin first angle",
        "cos second angle",
        "sin second angle",
        "first angular velocity",
        "second angular velocity",
    ),
    outputs=("torque left", "no torque", "torque right"),
    dynamics=Dynamics(state_size=4, observe=_observe, step=_step),
    episode_steps=MAX_STEPS,
    presets=presets(MAX_STEPS),
    preset_notes=PRESET_NOTES,
    goal=Goal(
        words="the end swings above the line from {reached} of {starts} starts; episodes last {median:.0f} "
        "steps in the median",
        measure="steps",
        most=MAX_STEPS - 1,
    ),
)
