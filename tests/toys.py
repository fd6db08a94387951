"""Small environments, registered by importing this module: quick, and with whatever troubles a search."""

from __future__ import annotations

import os
import signal
import time
from typing import ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces


class Toy(gymnasium.Env):
    """Three numbers that noise moves; the action should follow the first of them.

    Args:
        render_mode: none.
        noise: how much they move.
        trouble: what happens where the first action of an episode is within `width` of 0.5: "raise", "nan"
            (as the reward), "lost" (NaN as the observation), or nothing.
        width: see `trouble`; 9 troubles everyone.
    """

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 10}
    observation_space = spaces.Box(-10.0, 10.0, (3,), np.float64)
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)
    length = 6

    def __init__(self, render_mode=None, noise=0.3, trouble=None, width=0.02):
        self.render_mode = render_mode
        self.noise, self.trouble, self.width = noise, trouble, width
        self.point, self.age = np.zeros(3), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.point, self.age = self.np_random.uniform(-1.0, 1.0, 3), 0
        return self.point.copy(), {}

    def step(self, action):
        troubled = self.trouble and self.age == 0 and abs(float(action[0]) - 0.5) < self.width
        if troubled and self.trouble == "raise":
            raise ArithmeticError(f"the motor\nbroke at {float(action[0])}")
        reward = 1.0 - abs(float(action[0]) - self.point[0])
        self.point = np.clip(self.point + self.noise * self.np_random.normal(size=3), -10.0, 10.0)
        self.age += 1
        observation = self.point.copy()
        if troubled and self.trouble == "nan":
            reward = float("nan")
        if troubled and self.trouble == "lost":
            observation[1] = np.nan
        return observation, reward, self.age == self.length, False, {}

    def render(self):
        return np.full((40, 60, 3), 200, np.uint8)


class Hidden(Toy):
    """An episode depends on how many were played before on the same instance."""

    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        self.played = 0

    def reset(self, *, seed=None, options=None):
        _, info = super().reset(seed=seed)
        self.played += 1
        self.point[0] += 0.01 * min(self.played, 50)
        return self.point.copy(), info


class Unseeded(Toy):
    """Ignores the seed."""

    generator = np.random.default_rng(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.point = self.generator.uniform(-1.0, 1.0, 3)
        return self.point.copy(), {}


class Napping(Toy):
    """Sleeps, or computes, where the first action of an episode is near 0.5: in every process, each time."""

    seconds = 60.0
    asleep = True

    def step(self, action):
        if self.age == 0 and abs(float(action[0]) - 0.5) < self.width:
            if self.asleep:
                time.sleep(self.seconds)
            end = time.thread_time() + self.seconds
            while time.thread_time() < end:
                pass
        return super().step(action)


class Startled(Toy):
    """Sleeps once in its life: in the thirtieth episode since `played` was set to 0."""

    played = 0

    def reset(self, *, seed=None, options=None):
        Startled.played += 1
        if Startled.played == 30:
            time.sleep(60.0)
        return super().reset(seed=seed)


class Counting(Toy):
    """Sends its process a signal in the middle of a generation: after so many steps of all instances."""

    steps, at, number = 0, -1, signal.SIGINT

    def step(self, action):
        Counting.steps += 1
        if Counting.steps == Counting.at:
            os.kill(os.getpid(), Counting.number)
        return super().step(action)


class Parts(Toy):
    """Observations and actions in parts."""

    observation_space = spaces.Dict(
        {
            "gear": spaces.Discrete(3),
            "arm": spaces.Tuple((spaces.Box(-10.0, 10.0, (2,), np.float64), spaces.MultiBinary(2))),
        }
    )
    action_space = spaces.MultiDiscrete([2, 3])

    def seen(self):
        x, y, z = self.point
        return {"gear": np.int64(z > 0), "arm": (np.array([x, y]), np.array([x > 0, y > 0], np.int8))}

    def reset(self, *, seed=None, options=None):
        _, info = super().reset(seed=seed)
        return self.seen(), info

    def step(self, action):
        assert self.action_space.contains(action), action
        gear, arm = self.effect(action)
        _, _, terminated, truncated, info = super().step([0.0])
        wanted = self.seen()["gear"]
        return self.seen(), float(gear == wanted) + 0.1 * arm, terminated, truncated, info

    def effect(self, action):
        return int(action[0]), float(action[1])


class Choices(Parts):
    """An action is a Dict with a Tuple in it."""

    action_space = spaces.Dict(
        {"gear": spaces.Discrete(2), "arm": spaces.Tuple((spaces.Box(0.0, 4.0, (1,)), spaces.MultiBinary(1)))}
    )

    def effect(self, action):
        force, brake = action["arm"]
        return int(action["gear"]), float(force[0]) - float(brake[0])


class Picture(Toy):
    """Observes a raw image."""

    observation_space = spaces.Box(0, 255, (8, 9, 3), np.uint8)


class Unbounded(Toy):
    """Takes any action."""

    action_space = spaces.Box(-np.inf, np.inf, (1,), np.float64)


class Picky(Toy):
    """Refuses a value of its argument."""

    def __init__(self, render_mode=None, size=1):
        assert size < 5, "size must be below 5"
        super().__init__(render_mode)


class Words(Toy):
    """Observes text."""

    observation_space = spaces.Text(9)


TOYS = (Toy, Hidden, Unseeded, Napping, Startled, Counting, Parts, Choices, Picky, Picture, Unbounded, Words)
for kind in TOYS:
    gymnasium.register(f"toys/{kind.__name__}-v0", kind)
