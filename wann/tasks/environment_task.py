"""Tasks on any registered Gymnasium environment, stepped in Python or in envpool."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property, partial

from wann.rollouts.job import Job
from wann.rollouts.repeatability import Repeatability, same_seed_same_episode
from wann.rollouts.result import Rollouts
from wann.rollouts.stepper import Stepper
from wann.tasks.task import Task

_POOL_LANES = 256  # a network fills some twenty; larger pools are no faster


@dataclass(frozen=True, eq=False, kw_only=True)
class GymnasiumTask(Task):
    """Any registered environment, stepped in Python; only the forward pass is compiled."""

    _steppers: dict[int, Stepper] = field(
        default_factory=dict, init=False, repr=False
    )  # by the limit on steps

    def roll_out(self, job: Job) -> Rollouts:
        """Run networks of a batch one episode after the other, for one thread; see `Task.roll_out`."""
        max_steps = job.max_steps
        if max_steps not in self._steppers:
            self._steppers[max_steps] = Stepper(
                lambda: self.make_env(max_steps=max_steps, disable_env_checker=True),
                self.observation_codec,
                self.action_codec,
                fresh=self.fresh_env,
                limit_seconds=self.episode_seconds,
                stop_without_reward=self.stop_without_reward,
            )
        return self._steppers[max_steps].roll_out(job)

    def repeatability(self, episode_seconds: float | None = None) -> Repeatability:
        """Whether the same seed gives the same episode, found out by playing some.

        Raises:
            TimeoutError: an episode took much longer than it may.
        """
        make = partial(self.make_env, disable_env_checker=True)
        return same_seed_same_episode(
            make, self.observation_codec, self.action_codec, episode_seconds=episode_seconds
        )

    def close(self) -> None:
        """Close the environments that were kept."""
        while self._steppers:
            self._steppers.popitem()[1].close()
        if self.confirming is not self:
            self.confirming.close()


@dataclass(frozen=True, eq=False, kw_only=True)
class PoolTask(GymnasiumTask):
    """An environment in envpool: all rollouts of some networks at once, stepped in C++.

    Its episodes have other start states than Gymnasium's for the same seeds. Champions are always confirmed,
    evaluated and shown on Gymnasium's own environment.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "stepping", "pool")
        object.__setattr__(self, "lanes", _POOL_LANES)

    @cached_property
    def confirming(self) -> Task:
        """The task on Gymnasium's own environment."""
        shared = {each.name for each in fields(self) if each.init}
        return GymnasiumTask(**{name: getattr(self.whole, name) for name in shared})

    def roll_out(self, job: Job) -> Rollouts:
        """Run networks of a batch in a pool; see `Task.roll_out`."""
        from wann.rollouts.envpool import pool_episodes  # envpool is an extra, and slow to import

        return pool_episodes(self.env_id, job, self.stop_without_reward)
