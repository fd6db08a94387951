"""Tasks of Gymnasium's Box2D environments whose physics is compiled, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import gymnasium

from wann.rollouts.job import Job
from wann.rollouts.result import Rollouts
from wann.rollouts.same_bits import Comparison, compare
from wann.rollouts.worlds import WORLDS, Mechanics, roll_out
from wann.tasks.environment_task import GymnasiumTask
from wann.tasks.task import MissingExtraError, Task, TaskSpec

_COMPARISONS: dict[TaskSpec, Comparison] = {}  # found out once in a process


@dataclass(frozen=True, eq=False, kw_only=True)
class Box2DTask(Task):
    """An environment whose every number is computed here as Box2D does, many worlds at a time.

    An episode is Gymnasium's own with that seed. Box2D itself is needed only to show it. Where the installed
    one gives other bits, networks are confirmed on Gymnasium, as its episodes are those that count.
    """

    mechanics: Mechanics
    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]
    variant: Callable[[Mapping[str, Any]], Box2DTask | None]  # the task with these arguments
    confirm_outside: bool | None = None  # whether Gymnasium confirms; by default where its bits are others

    @property
    def spec(self) -> TaskSpec:
        """Plain values that make the same task in another process, which confirms where this one does."""
        return super().spec._replace(confirm_outside=self.confirms_on_gymnasium)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stepping", "compiled")
        object.__setattr__(self, "threaded", True)
        object.__setattr__(self, "lanes", WORLDS)
        object.__setattr__(self, "own_weights_together", True)

    @property
    def spaces(self) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
        """The environment's spaces of observations and actions."""
        return self.observation_space, self.action_space

    @property
    def comparison(self) -> Comparison:
        """Whether the installed Gymnasium gives other bits, found out once in a process."""
        key = super().spec
        if key not in _COMPARISONS:
            make = partial(self.make_env, disable_env_checker=True)
            try:
                found = compare(self.mechanics, make, self.observation_codec, self.action_codec)
            except MissingExtraError:  # there is nothing to compare with, which is found out in no time
                return Comparison()
            except ValueError as error:
                found = Comparison(str(error))
            _COMPARISONS[key] = found
        return _COMPARISONS[key]

    @property
    def confirms_on_gymnasium(self) -> bool:
        """Whether networks are confirmed on Gymnasium."""
        return bool(self.comparison.difference) if self.confirm_outside is None else self.confirm_outside

    @property
    def confirming(self) -> Task:
        """The task with whole episodes, or its environment where its bits are others."""
        return self.outside if self.confirms_on_gymnasium else self.whole

    @cached_property
    def outside(self) -> GymnasiumTask:
        """The same task, stepped by Gymnasium."""
        shared = {each.name for each in fields(Task) if each.init}
        return GymnasiumTask(**{name: getattr(self.whole, name) for name in shared})

    def roll_out(self, job: Job) -> Rollouts:
        """Run networks of a batch in many worlds at a time; see `Task.roll_out`."""
        return roll_out(self.mechanics, job, self.stop_without_reward)

    def close(self) -> None:
        """Close the environments on which networks were confirmed."""
        if "outside" in vars(self):
            self.outside.close()

    def with_arguments(self, env_kwargs: Mapping[str, Any]) -> Box2DTask | None:
        """The task for an environment with these arguments; None where only Gymnasium steps it."""
        return self.variant(env_kwargs) if env_kwargs else self
