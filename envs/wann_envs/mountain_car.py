"""MountainCar-v0: rock a weak car out of a valley with three settings of its engine.

Source: Gymnasium's MountainCar-v0, after Moore (1990).
"""

from __future__ import annotations

from wann.kernels.activations import INVERSE_PI, at_least, at_most, sin_pi
from wann.kernels.lanes import load, select_greater, store, to_float32
from wann.kernels.physics import largest, observe_kernel, step_kernel
from wann.rollouts.compiled import Dynamics
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.task import Goal
from wann_envs.classic_control import PRESET_NOTES, presets

# Units are the task's own: positions along the track, and one step of time.
ENGINE = 0.001  # acceleration, to either side
GRAVITY = 0.0025  # acceleration on the steepest slope
LEFT_END, RIGHT_END = -1.2, 0.6  # the car stops at the left one
GOAL = 0.5  # position on the right hill that ends the episode
MAX_SPEED = 0.07
MAX_STEPS = 200


@observe_kernel
def _observe(state, observation, blocks):
    for row in range(2):
        for b in range(blocks):
            store(observation, row, b, to_float32(load(state, row, b)))


@step_kernel
def _step(state, observation, action, outcome, blocks):
    for b in range(blocks):
        position, velocity = load(state, 0, b), load(state, 1, b)
        slope = sin_pi(3.0 * position * INVERSE_PI + 0.5)
        velocity = velocity + ((largest(action, b) - 1.0) * ENGINE + slope * -GRAVITY)
        velocity = at_most(at_least(velocity, -MAX_SPEED), MAX_SPEED)
        position = at_most(at_least(position + velocity, LEFT_END), RIGHT_END)
        # At the left end, which it cannot pass, the car loses a speed to the left.
        velocity = select_greater(position, LEFT_END, velocity, at_least(velocity, 0.0))
        store(state, 0, b, position)
        store(state, 1, b, velocity)

        rolls_back = select_greater(0.0, velocity, 0.0, 1.0)
        store(outcome, 0, b, -1.0)
        store(outcome, 1, b, select_greater(GOAL, position, 0.0, rolls_back))
    _observe(state, observation, blocks)


TASK = CompiledTask(
    name="MountainCar-v0",
    env_id="MountainCar-v0",
    summary="rock a weak car out of a valley in as few steps as possible",
    inputs=("position", "velocity"),
    outputs=("push left", "no push", "push right"),
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
