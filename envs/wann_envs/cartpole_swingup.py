"""Cart-pole swing-up: from hanging down, swing the pole up and balance it in the middle of the track.

Source: Gaier and Ha (2019), whose task follows Gal, McAllister and Rasmussen (2016).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import logger, spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from wann.kernels.activations import INVERSE_PI, sin_pi
from wann.kernels.lanes import absolute, load, select_greater, store
from wann.kernels.physics import observe_kernel, step_kernel
from wann.rollouts.compiled import Dynamics, advance, observe
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.presets import LEXICASE_NOTE, lexicase
from wann.tasks.task import Goal
from wann.utils.arrays import FloatArray
from wann_envs import SWINGUP_ID

if TYPE_CHECKING:
    from wann_envs.rendering import Window


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
UPRIGHT = math.cos(math.radians(20.0))  # least cosine of the angle of a pole that counts as upright


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
def _step(state, observation, action, outcome, blocks):
    for b in range(blocks):
        x, v = load(state, 0, b), load(state, 1, b)
        theta, omega = load(state, 2, b), load(state, 3, b)
        c, s = load(observation, 2, b), load(observation, 3, b)
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
    _observe(state, observation, blocks)
    for b in range(blocks):
        x, upright = load(state, 0, b), (load(observation, 2, b) + 1.0) * 0.5
        centred = sin_pi(x * (0.5 / TRACK_HALF) + 0.5)
        store(outcome, 0, b, upright * centred)
        store(outcome, 1, b, select_greater(absolute(x), TRACK_HALF, 1.0, 0.0))


@step_kernel
def _count_upright(state, observation, action, outcome, blocks):
    _step(state, observation, action, outcome, blocks)
    for b in range(blocks):
        store(outcome, 0, b, select_greater(load(observation, 2, b), UPRIGHT, 1.0, 0.0))


DYNAMICS = Dynamics(state_size=4, observe=_observe, step=_step)


class CartPoleSwingUpEnv(gymnasium.Env[FloatArray, FloatArray]):
    """Swing up and balance a pole on a cart.

    ## Description

    A pole hangs from a cart on a track and swings freely about the cart's middle. The cart can be pushed
    to either side. The task is to swing the pole up and to balance it in the middle of the track. The
    motor is strong enough to do so, but the track is short: the cart must not leave it.

    The physics is a uniform pole of 0.5 kg and 0.6 m on a cart of 0.5 kg, with friction between cart and
    track, advanced by explicit Euler steps of 0.01 s.

    ## Action Space

    An array of shape `(1,)`, float64:

    | Num | Action                          | Min | Max | Unit |
    |-----|---------------------------------|-----|-----|------|
    | 0   | Push on the cart to the right   | -1  | 1   | 10 N |

    A value outside the range acts as the nearest one inside. A wrong shape, or a number that is not
    finite, is refused with `ValueError`.

    ## Observation Space

    An array of shape `(5,)`, float64. The position grows to the right, the angle counterclockwise
    from the upright pole.

    | Num | Observation                  | Min  | Max | Unit  |
    |-----|------------------------------|------|-----|-------|
    | 0   | Position of the cart         | -Inf | Inf | m     |
    | 1   | Velocity of the cart         | -Inf | Inf | m/s   |
    | 2   | Cosine of the pole's angle   | -1   | 1   |       |
    | 3   | Sine of the pole's angle     | -1   | 1   |       |
    | 4   | Angular velocity of the pole | -Inf | Inf | rad/s |

    The position lies within ±2.4 m except in the observation that ends an episode.

    ## Rewards

    After each step, in [-1, 1], and in [0, 1] as long as the cart is on the track:

        (cos(angle) + 1) / 2 * cos(position / 2.4 * pi / 2)

    An episode of 1000 steps returns less than 1000, since the pole starts at the bottom.

    ## Starting State

    Position, velocity, angle and angular velocity are drawn from normal distributions with the means
    0 m, 0 m/s, π rad (hanging down) and 0 rad/s and a standard deviation of 0.2 each.

    `reset(options={"state": [position, velocity, angle, angular velocity]})` starts from that state.

    ## Episode End

    1. Termination: the position of the cart is beyond ±2.4 m.
    2. Truncation: the episode has 1000 steps (by the wrapper that `gymnasium.make` adds).

    ## Arguments

    `render_mode`: `"rgb_array"`, for which `render()` gives an array of shape (360, 640, 3) and no screen
    is needed; `"human"`, which shows every step in a window in real time; or None.

    ## Version History

    * v0: first version.

    ## Source

    Gaier and Ha, *Weight Agnostic Neural Networks*, NeurIPS 2019, whose task follows Gal, McAllister and
    Rasmussen, *Improving PILCO with Bayesian Neural Network Dynamics Models*, 2016.
    """

    # Not a ClassVar, as the base class declares it otherwise.
    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": round(1.0 / TIME_STEP)}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"render_mode must be None or one of {modes}, not {render_mode!r}")
        self.render_mode = render_mode
        self.observation_space = spaces.Box(
            np.array([-np.inf, -np.inf, -1.0, -1.0, -np.inf]),
            np.array([np.inf, np.inf, 1.0, 1.0, np.inf]),
            dtype=np.float64,
        )
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)
        self.state: FloatArray | None = None  # (4,) as in the options of `reset`; None before the first
        self._push = 0.0  # the last action, clipped
        self._window: Window | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Start an episode near the hanging pole, or from a given state.

        Args:
            seed: makes the start, and those of the following episodes, repeatable.
            options: `state`, the start: position (m), velocity (m/s), angle (rad), angular velocity (rad/s).

        Returns:
            The observation (5,) and an empty dictionary.

        Raises:
            ValueError: an option is unknown, or the state is not four finite numbers on the track.
        """
        start = _start_from(options or {})
        super().reset(seed=seed)
        if start is None:
            start = self.np_random.normal((0.0, 0.0, np.pi, 0.0), START_STD)
        self.state = start
        self._push = 0.0
        if self.render_mode == "human":
            self.render()
        return observe(DYNAMICS, start, 5), {}

    def step(self, action: FloatArray) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """Advance by 0.01 s.

        Args:
            action: (1,) share of the full force, clipped to [-1, 1].

        Returns:
            The observation (5,), the reward, whether the cart has left the track, False, an empty dictionary.

        Raises:
            ValueError: the action is not one finite number in an array of shape (1,).
            ResetNeeded: there was no `reset` before.
        """
        if self.state is None:
            raise ResetNeeded("step() needs a preceding reset()")
        push = _finite_array("action", action, 1)
        self.state, observation, reward, terminated = advance(DYNAMICS, self.state, push, 5)
        self._push = min(1.0, max(-1.0, float(push[0])))
        if self.render_mode == "human":
            self.render()
        return observation, reward, terminated, False, {}

    def render(self) -> NDArray[np.uint8] | None:
        """Draw the state and the force of the last step.

        Returns:
            (360, 640, 3) uint8 in the mode `rgb_array`; None in the mode `human`, which shows it, and waits
            until the next picture is due.

        Raises:
            ResetNeeded: there was no `reset` before.
            DependencyNotInstalled: pygame is missing.
        """
        if self.render_mode is None:
            logger.warn("render() draws nothing without a render mode: give one to gymnasium.make")
            return None
        if self.state is None:
            raise ResetNeeded("render() needs a preceding reset()")
        from wann_envs import rendering

        picture = rendering.draw_cart_pole(
            position=self.state[0],
            angle=self.state[2],
            push=self._push,
            track=rendering.Track(half=TRACK_HALF, pole=POLE_LENGTH),
        )
        if self.render_mode == "rgb_array":
            return rendering.to_array(picture)
        if self._window is None:
            self._window = rendering.Window("Cart-pole swing-up", self.metadata["render_fps"])
        self._window.show(picture)
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None


def _finite_array(name: str, value: Any, size: int) -> FloatArray:
    """A new float64 array (size,) from an array or a list that must be of that shape."""
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be finite numbers of shape ({size},), not {value!r:.80}") from None
    if array.shape != (size,):
        raise ValueError(f"{name} must have the shape ({size},), not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, not {array.tolist()}")
    return array


def _start_from(options: dict[str, Any]) -> FloatArray | None:
    """The start state that the options of `reset` ask for, if any."""
    unknown = ", ".join(sorted(repr(name) for name in options if name != "state"))
    if unknown:
        raise ValueError(f"options may hold 'state' only, not {unknown}")
    if "state" not in options:
        return None
    state = _finite_array("options['state']", options["state"], 4)
    if abs(state[0]) > TRACK_HALF:
        raise ValueError(f"options['state'] must start within ±{TRACK_HALF} m, not at {state[0]} m")
    return state


_PUBLISHED = {
    "weight_sampling": "fixed",
    "population": 192,
    "generations": 1024,
    "episodes": 3,
    "initial_connection_probability": 0.5,
    "complexity_probability": 0.8,
    "cull_ratio": 0.2,
    "elite_ratio": 0.2,
    "tournament_size": 8,
    "confirm_episodes": 20,
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
    presets={
        "lexicase": lexicase(_PUBLISHED),
        "stratified": {**_PUBLISHED, "weight_sampling": "stratified"},
        "paper": _PUBLISHED,
        "laptop": {
            **_PUBLISHED,
            "population": 64,
            "elite_ratio": 0.05,
            "tournament_size": 4,
            "confirm_episodes": 16,
        },
    },
    preset_notes={
        "lexicase": LEXICASE_NOTE,
        "stratified": "six stratified weights drawn afresh each generation",
        "paper": "the published settings, six fixed weights",
        "laptop": "the published settings for a laptop, six fixed weights",
    },
    published_weight=-1.5,
    goal=Goal(
        words="the pole is upright (within 20°) for {median:.1f} of 10 s in the median, and for at least 5 s "
        "from {reached} of {starts} starts",
        unit=1.0 / TIME_STEP,
        least=5.0,
        counting=Dynamics(state_size=4, observe=_observe, step=_count_upright),
    ),
)
