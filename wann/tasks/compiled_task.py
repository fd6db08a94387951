"""Tasks whose physics is compiled."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import gymnasium
import numpy as np

from wann.rollouts.compiled import Dynamics, roll_out
from wann.rollouts.job import Job
from wann.rollouts.result import Rollouts
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class CompiledTask(Task):
    """A task whose physics is compiled: all rollouts of a network run side by side in lanes.

    The unwrapped environment keeps its start in `state`, an array (S,).
    """

    dynamics: Dynamics

    def __post_init__(self) -> None:
        object.__setattr__(self, "stepping", "compiled")
        object.__setattr__(self, "threaded", True)
        object.__setattr__(self, "own_weights_together", True)

    def starts(self, seeds: Sequence[int]) -> FloatArray:
        """Start states (E, S): what the environment's own `reset(seed=...)` gives for each seed."""
        return _starts(self.env_id, tuple(seeds))

    def with_arguments(self, env_kwargs: Mapping[str, Any]) -> CompiledTask | None:
        """The task for an environment with these arguments: itself where there are none."""
        return None if env_kwargs else self

    def roll_out(self, job: Job) -> Rollouts:
        """Run networks of a batch in the lane kernel; see `Task.roll_out`."""
        seeds, which = job.distinct_seeds()
        flat = roll_out(
            self.dynamics,
            job.networks,
            np.repeat(job.weights, job.shape[2], axis=0),
            self.starts(seeds)[which],
            job.max_steps,
            job.first,
            job.last,
            self.stop_without_reward,
        )
        return Rollouts(flat.returns.reshape(job.shape), flat.steps.reshape(job.shape))


_BARE_ENV_LOCK = threading.Lock()  # searches in several threads share the environment


@cache
def _bare_env(env_id: str) -> gymnasium.Env:
    return gymnasium.make(env_id).unwrapped


@lru_cache(maxsize=16)
def _starts(env_id: str, seeds: tuple[int, ...]) -> FloatArray:
    env: Any = _bare_env(env_id)
    states = []
    with _BARE_ENV_LOCK:
        for seed in seeds:
            env.reset(seed=seed)
            states.append(np.array(env.state, np.float64))
    starts = np.array(states)
    starts.flags.writeable = False
    return starts
