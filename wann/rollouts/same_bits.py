"""Whether the installed Gymnasium gives the bits of a compiled Box2D task, found out by playing both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wann.kernels.box2d.lane_solver import solve_positions, solve_velocities, solver_scratch
from wann.kernels.box2d.records import new_worlds
from wann.kernels.box2d.world import begin_step, end_step, move_bodies, start
from wann.rollouts.spaces import ActionCodec, ObservationCodec
from wann.rollouts.time_limit import AnyEnv, MakeEnv, opened
from wann.rollouts.worlds import Mechanics
from wann.utils.arrays import FloatArray

KNOWN_VERSIONS = ("gymnasium==1.4.0", "box2d==2.3.10")
"""Packages whose bits the compiled tasks have, as pip names them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What playing the same episodes on both has shown."""

    difference: str | None = None  # the first one, in words; None where there is none
    episodes: int = 0  # compared; 0 where there is no Gymnasium's environment here
    steps: int = 0


class SingleWorld:
    """An episode of a compiled Box2D task, step by step, computed as a search's are.

    Args:
        mechanics: of the task.
        seed: of the episode.
        max_steps: for how many steps numbers are drawn.
        inputs: entries of an observation.
        outputs: entries of an action.
    """

    def __init__(self, mechanics: Mechanics, seed: int, max_steps: int, inputs: int, outputs: int) -> None:
        episodes, noise = mechanics.episodes([seed], max_steps)
        self._mechanics = mechanics
        self._episode = episodes.copy()[0]  # what is read-only is of another type to a kernel
        self._noise = noise.copy()[0]
        self._worlds, self._members = new_worlds(1), np.zeros(1, np.int64)
        self._scratch = solver_scratch(1)
        self.observation: FloatArray = np.zeros(inputs)
        start(mechanics.model, self._episode, self.record)
        self.step(np.zeros(outputs))  # `reset` ends with a step of its own, without an action

    @property
    def record(self) -> Any:
        """The WORLD record."""
        return self._worlds[0]

    def step(self, outputs: FloatArray) -> None:
        """One step with a network's outputs (A,): `observation` and `record` are those after it."""
        model, episode, world = self._mechanics.model, self._episode, self.record
        self._mechanics.act(model, world, self._noise, outputs)
        begin_step(model, episode, world)
        solve_velocities(model, self._worlds, self._members, 1, self._scratch)
        move_bodies(model, world)
        solve_positions(model, self._worlds, self._members, 1, self._scratch)
        end_step(model, episode, world)
        self._mechanics.observe(model, episode, world, self.observation)
        world["steps"] += 1


EPISODES = ((1, 0.0, 0), (2, 1.5, 7), (4, 1.5, 1), (5, 0.7, 25))
"""Seed, strength of the random outputs, and steps for which each is held; with 0 steps all are 0."""

_STEPS = 160  # of an episode at most


def compare(
    mechanics: Mechanics, make_env: MakeEnv, observations: ObservationCodec, actions: ActionCodec
) -> Comparison:
    """Play a few hundred steps in both, with falls and impacts, until something differs.

    Args:
        mechanics: of the task.
        make_env: makes Gymnasium's environment, which is fresh for each episode.
        observations, actions: the codecs of the task's spaces.

    Raises:
        ValueError: the environment cannot be made.
    """
    steps = 0
    for number, (seed, strength, hold) in enumerate(EPISODES):
        rng = np.random.default_rng(seed)
        sequence = strength * rng.normal(size=(_STEPS, actions.size))
        if hold:
            sequence = np.repeat(sequence, hold, axis=0)[:_STEPS]
        with opened(make_env) as env:
            world = SingleWorld(mechanics, seed, _STEPS, observations.size, actions.size)
            found, played = _compare(env, world, seed, sequence, observations, actions)
        steps += played
        if found:
            return Comparison(found, number + 1, steps)
    return Comparison(None, len(EPISODES), steps)


def _compare(
    env: AnyEnv,
    world: SingleWorld,
    seed: int,
    sequence: FloatArray,
    observations: ObservationCodec,
    actions: ActionCodec,
) -> tuple[str | None, int]:
    """The first difference of an episode in words, if there is one, and the steps that were played."""
    names = (*observations.names, "the reward", "the end")
    now = 0
    try:
        seen, _ = env.reset(seed=seed)
        wanted = [*observations.encode(seen), 0.0, 0.0]
        for now in range(len(sequence) + 1):
            record = world.record
            reward = record["reward"] if now else 0.0
            came = [*world.observation, reward, float(record["terminated"])]
            if found := _difference(wanted, came, names):
                return f"step {now} of the episode with seed {seed}: {found}", now
            if now == len(sequence) or record["terminated"]:
                break
            world.step(sequence[now])
            seen, gained, terminated, _, _ = env.step(actions.decode(sequence[now]))
            wanted = [*observations.encode(seen), float(gained), float(terminated)]
    except Exception as error:  # noqa: BLE001  whatever another version raises
        reason = " ".join(str(error).split())
        return f"step {now} of the episode with seed {seed}: {type(error).__name__}: {reason}", now
    return None, now


def _difference(wanted: Sequence[float], came: Sequence[float], names: Sequence[str]) -> str | None:
    for name, one, other in zip(names, wanted, came, strict=True):
        if one != other and not (math.isnan(one) and math.isnan(other)):
            return f"{name} is {float(one)!r} in Gymnasium, and {float(other)!r} in compiled code"
    return None
