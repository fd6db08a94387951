"""Cart-pole swing-up: from hanging down, swing the pole up and balance it in the middle of the track.

Source: Gaier and Ha (2019), whose task follows Gal, McAllister and Rasmussen (2016).
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from wann.activations import INVERSE_PI, sin_pi
from wann.lanes import absolute, load, select_greater, store
from wann.rollout import Dynamics, advance, observe, observe_kernel, step_kernel
from wann.tasks import CompiledTask
from wann_envs import SWINGUP_ID

GRAVITY = 9.82  # m/s²
CART_MASS = 0.5  # kg
POLE_MASS = 0.5  # kg
TOTAL_MASS = CART_MASS + POLE_MASS  # kg
POLE_LENGTH = 0.6  # m
FRICTION = 0.1  # N·s/m, between cart and track
FORCE = 10.0  # N at action 1
TIME_STEP = 0.01  # s
TRACK_HALF = 2.4  # m, the cart must stay within ± this
START_STD = 0.2  # of every entry of the start state around (0, 0, π, 0)
MAX_STEPS = 1000


@observe_kernel
def _observe(state, observation, blocks):
    for b in range(blocks):
        half_turns = load(state, 2, b) * INVERSE_PI
        store(observation, 0, b, load(state, 0, b))
        store(observation, 1, b, load(state, 1, b))
        store(observation, 2, b, sin_pi(half_turns + 0.5))
        store(observation, 3, b, sin_pi(half_turns))
        store(observation, 4, b, load(state, 3, b))


@step_kernel
def _step(state, action, outcome, blocks):
    for b in range(blocks):
        x, v = load(state, 0, b), load(state, 1, b)
        theta, omega = load(state, 2, b), load(state, 3, b)
        half_turns = theta * INVERSE_PI
        s, c = sin_pi(half_turns), sin_pi(half_turns + 0.5)
        push = load(action, 0, b)
        push = select_greater(push, 1.0, 1.0, push)
        push = select_greater(-1.0, push, -1.0, push)
        force = push * FORCE

        swing = POLE_MASS * POLE_LENGTH * omega * omega * s
        drag = FRICTION * v
        acceleration = (3.0 * POLE_MASS * GRAVITY * s * c - 2.0 * swing + 4.0 * force - 4.0 * drag) / (
            4.0 * TOTAL_MASS - 3.0 * POLE_MASS * c * c
        )
        angular = (6.0 * TOTAL_MASS * GRAVITY * s - 3.0 * swing * c + 6.0 * (force - drag) * c) / (
            4.0 * POLE_LENGTH * TOTAL_MASS - 3.0 * POLE_MASS * POLE_LENGTH * c * c
        )
        x = x + TIME_STEP * v
        theta = theta + TIME_STEP * omega
        store(state, 0, b, x)
        store(state, 1, b, v + TIME_STEP * acceleration)
        store(state, 2, b, theta)
        store(state, 3, b, omega + TIME_STEP * angular)

        upright = (sin_pi(theta * INVERSE_PI + 0.5) + 1.0) * 0.5
        centred = sin_pi(x * (0.5 / TRACK_HALF) + 0.5)
        store(outcome, 0, b, upright * centred)
        store(outcome, 1, b, select_greater(absolute(x), TRACK_HALF, 1.0, 0.0))


DYNAMICS = Dynamics(state_size=4, observe=_observe, step=_step)


class CartPoleSwingUpEnv(gymnasium.Env[NDArray[np.float64], NDArray[np.float64]]):
    """Swing up and balance a pole on a cart."""

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 100}

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = spaces.Box(-np.inf, np.inf, (5,), np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)
        self.state: NDArray[np.float64] = np.zeros(4)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Start an episode near the hanging pole."""
        super().reset(seed=seed)
        self.state = self.np_random.normal((0.0, 0.0, np.pi, 0.0), START_STD)
        return observe(DYNAMICS, self.state, 5), {}

    def step(
        self, action: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Advance by 0.01 s."""
        self.state, reward, terminated = advance(DYNAMICS, self.state, np.asarray(action, np.float64))
        return observe(DYNAMICS, self.state, 5), reward, terminated, False, {}


_PUBLISHED = {
    "weight_sampling": "fixed",
    "generations": 1024,
    "episodes": 3,
    "initial_connection_probability": 0.5,
    "complexity_probability": 0.8,
    "cull_ratio": 0.2,
    "max_steps": MAX_STEPS,
}

TASK = CompiledTask(
    name="swingup",
    env_id=SWINGUP_ID,
    summary="swing a pole up and balance it on a cart in the middle of a track",
    inputs=("position", "velocity", "cos angle", "sin angle", "angular velocity"),
    outputs=("force",),
    dynamics=DYNAMICS,
    episode_steps=MAX_STEPS,
    highest_return=1000.0,
    presets={
        "stratified": {
            **_PUBLISHED,
            "weight_sampling": "stratified",
            "population": 192,
            "elite_ratio": 0.2,
            "tournament_size": 8,
            "confirm_episodes": 20,
        },
        "paper": {
            **_PUBLISHED,
            "population": 192,
            "elite_ratio": 0.2,
            "tournament_size": 8,
            "confirm_episodes": 20,
        },
        "laptop": {
            **_PUBLISHED,
            "population": 64,
            "elite_ratio": 0.05,
            "tournament_size": 4,
            "confirm_episodes": 16,
        },
    },
    preset_notes={
        "stratified": "six stratified weights drawn afresh each generation",
        "paper": "the published settings, six fixed weights",
        "laptop": "the published settings for a laptop, six fixed weights",
    },
    published_weight=-1.5,
)
