"""What a network is scored on: the task protocol and the registry of names."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import gymnasium
import numpy as np

from wann.config import nearest
from wann.network import FloatArray, NetworkBatch
from wann.rollout import Dynamics, Rollouts, roll_out

BUILT_IN = {"swingup": "wann_envs.cartpole_swingup:TASK"}
"""Names of the tasks and where each is defined, as `module:attribute`."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """W weights x E start states laid out as lanes, L = W x E, weights outermost."""

    weights: FloatArray  # (L,) shared, or (L, C) individual
    starts: FloatArray  # (L, S)
    shape: tuple[int, int]  # (W, E)

    def of_weights(self, first: int, last: int) -> Episodes:
        """The lanes of the weights `first` to `last - 1`."""
        lanes = slice(first * self.shape[1], last * self.shape[1])
        return Episodes(self.weights[lanes], self.starts[lanes], (last - first, self.shape[1]))


@dataclass(frozen=True, slots=True)
class CompiledTask:
    """A task whose physics is compiled: the kernel and the Gymnasium environment share its functions."""

    name: str
    env_id: str  # registered Gymnasium id; its unwrapped environment keeps `state`, an array (S,)
    summary: str  # one line
    inputs: tuple[str, ...]  # names of the observation's entries
    outputs: tuple[str, ...]  # names of the action's entries
    dynamics: Dynamics
    episode_steps: int  # steps after which the environment cuts an episode off
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # settings by preset name
    preset_notes: Mapping[str, str] = field(default_factory=dict)  # one line for each preset
    default_preset: str = "stratified"
    published_weight: float | None = None  # constant that published tuned weights are offsets to

    def make_env(self, render_mode: str | None = None, max_steps: int | None = None) -> gymnasium.Env:
        """The Gymnasium environment, cut off after `max_steps` where that is given."""
        return gymnasium.make(self.env_id, render_mode=render_mode, max_episode_steps=max_steps)

    def starts(self, seeds: Sequence[int]) -> FloatArray:
        """Start states (E, S): what the environment's own `reset(seed=...)` gives for each seed."""
        env: Any = _bare_env(self.env_id)
        states = []
        with _BARE_ENV_LOCK:  # searches in several threads share the environment
            for seed in seeds:
                env.reset(seed=seed)
                states.append(env.state)
        return np.array(states, np.float64)

    def episodes(self, weights: FloatArray, seeds: Sequence[int]) -> Episodes:
        """Lanes for every weight on every episode.

        Args:
            weights: (W,) shared weights, or (W, C) sets of individual weights for one network.
            seeds: E episode seeds.
        """
        return Episodes(
            weights=np.repeat(weights, len(seeds), axis=0),
            starts=np.tile(self.starts(seeds), (len(weights), 1)),
            shape=(len(weights), len(seeds)),
        )

    def roll_out(
        self, networks: NetworkBatch, episodes: Episodes, max_steps: int, first: int, last: int
    ) -> Rollouts:
        """Run networks `first` to `last - 1` of a batch on the same episodes.

        Returns:
            Rollouts of shape (last - first, W, E).
        """
        flat = roll_out(self.dynamics, networks, episodes.weights, episodes.starts, max_steps, first, last)
        shape = (last - first, *episodes.shape)
        return Rollouts(flat.returns.reshape(shape), flat.steps.reshape(shape))

    def action(self, outputs: FloatArray) -> FloatArray:
        """Action (A,) in the environment's range from the network's outputs (A,)."""
        space: Any = _bare_env(self.env_id).action_space
        return np.clip(outputs, space.low, space.high)


Task = CompiledTask


_BARE_ENV_LOCK = threading.Lock()


@cache
def _bare_env(env_id: str) -> gymnasium.Env:
    return gymnasium.make(env_id).unwrapped


def task_names() -> tuple[str, ...]:
    """Names of the tasks that can be searched."""
    return tuple(BUILT_IN)


@cache
def get_task(name: str) -> Task:
    """The task with this name.

    Raises:
        ValueError: there is none, with the nearest name.
    """
    if name not in BUILT_IN:
        raise ValueError(f"unknown task {name!r}; {nearest(name, BUILT_IN)}")
    module, _, attribute = BUILT_IN[name].partition(":")
    task: Task = getattr(import_module(module), attribute)
    return task


def preset_settings(task: Task, preset: str | None) -> dict[str, Any]:
    """Settings of a task's preset, the default one where none is named, with `task` and `preset` set.

    Raises:
        ValueError: the task has no such preset, with the nearest name.
    """
    preset = preset or task.default_preset
    if preset not in task.presets:
        raise ValueError(f"task {task.name!r} has no preset {preset!r}; {nearest(preset, task.presets)}")
    return {"task": task.name, "preset": preset, **task.presets[preset]}
