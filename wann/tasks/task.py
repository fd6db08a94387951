"""The protocol of tasks, which networks are scored on."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import import_module
from typing import Any, Literal, NamedTuple

import gymnasium
import numpy as np
from gymnasium.error import DependencyNotInstalled, DeprecatedEnv, UnregisteredEnv
from numpy.typing import NDArray

from wann.rollouts.compiled import Dynamics
from wann.rollouts.failure import in_one_line
from wann.rollouts.job import Job
from wann.rollouts.result import Rollouts
from wann.rollouts.spaces import ActionCodec, ObservationCodec, action_codec, observation_codec
from wann.rollouts.time_limit import OutOfTimeError, close
from wann.tasks.columns import Columns
from wann.tasks.data_sets import DataSet
from wann.utils.arrays import FloatArray
from wann.utils.signals import BrokenOff

Stepping = Literal["compiled", "gymnasium", "pool"]

NOT_THEIRS = ("id", "max_episode_steps", "render_mode", "disable_env_checker")
"""Arguments of `gymnasium.make` that are not the environment's."""


class TaskSpec(NamedTuple):
    """Plain words and numbers from which `get_task` makes the same task in any process."""

    name: str
    env_kwargs: str  # JSON
    stepping: Stepping
    fresh_env: bool
    episode_seconds: float | None
    data: DataSet | None = None  # of a data set, so that no other process has to find or read it
    confirm_outside: bool | None = None  # see `wann.tasks.box2d_task`
    stop_without_reward: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The goal of a task, in words and as a condition on an episode; a return alone says little.

    An episode's amount is its return or its steps. It reaches the goal where the amount lies within bounds.
    """

    words: str  # a sentence with the fields `reached`, `starts` and `median`, the median amount
    measure: Literal["return", "steps"] = "return"
    unit: float = 1.0  # return or steps in one unit of the amount
    least: float = -math.inf
    most: float = math.inf
    counting: Dynamics | None = None  # the same physics, whose rewards are counted in place of the task's own

    def amounts(self, returns: FloatArray, steps: NDArray[np.int64]) -> FloatArray:
        """Amounts (E,) of episodes with these returns and steps, (E,) each."""
        of: NDArray[Any] = returns if self.measure == "return" else steps
        return np.asarray(of / self.unit, np.float64)


@dataclass(frozen=True, eq=False)
class Task:
    """A task: an environment, the names of its inputs and outputs, and its presets.

    I inputs, A outputs.
    """

    name: str  # what the user types
    env_id: str  # registered Gymnasium id
    summary: str  # one line
    inputs: tuple[str, ...]  # names of the observation's entries
    outputs: tuple[str, ...]  # names of the action's entries
    episode_steps: int  # steps after which the environment cuts an episode off
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # settings by preset name
    preset_notes: Mapping[str, str] = field(default_factory=dict)  # one line for each preset
    default_preset: str = "lexicase"
    published_weight: float | None = None  # constant that published tuned weights are offsets to
    goal: Goal | None = None  # condition and words for what a champion does, if the task has them
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)  # for gymnasium.make
    fresh_env: bool = False  # whether every episode needs an instance of its own
    episode_seconds: float | None = None  # limit of an episode that Python steps
    stop_without_reward: int | None = None  # steps without a new highest return that end an episode

    stepping: Stepping = field(default="gymnasium", init=False)
    threaded: bool = field(default=False, init=False)  # whether threads can compute side by side
    lanes: int = field(default=1, init=False)  # rollouts that one call computes side by side
    own_weights_together: bool = field(
        default=False, init=False
    )  # whether one call computes several networks with individual weights

    @property
    def spec(self) -> TaskSpec:
        """Plain values that make the same task in another process."""
        kwargs = json.dumps(dict(self.env_kwargs), sort_keys=True)
        spec = TaskSpec(self.name, kwargs, self.stepping, self.fresh_env, self.episode_seconds)
        return spec._replace(stop_without_reward=self.stop_without_reward)

    @property
    def columns(self) -> Columns | None:
        """What is done to the columns of a user's own table; None for all other tasks."""
        return None

    @property
    def confirming(self) -> Task:
        """The task whose returns count: whole episodes, on its own environment and no faster stand-in."""
        return self.whole

    @cached_property
    def whole(self) -> Task:
        """The same task, whose episodes go on without reward."""
        return self if self.stop_without_reward is None else replace(self, stop_without_reward=None)

    def make_env(
        self, render_mode: str | None = None, max_steps: int | None = None, **options: Any
    ) -> gymnasium.Env:
        """The Gymnasium environment, cut off after `max_steps` where that is given.

        Raises:
            ValueError: an extra is not installed, or the environment does not take its arguments.
        """
        if render_mode is not None:  # not every environment knows the argument
            options["render_mode"] = render_mode
        return make(self.env_id, max_episode_steps=max_steps, **self.env_kwargs, **options)

    @cached_property
    def observation_codec(self) -> ObservationCodec:
        """How an observation becomes the network's inputs."""
        return observation_codec(self.spaces[0], self.inputs)

    @cached_property
    def action_codec(self) -> ActionCodec:
        """How the network's outputs become an action."""
        return action_codec(self.spaces[1], self.outputs)

    @cached_property
    def spaces(self) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
        """The environment's spaces of observations and actions."""
        env = self.make_env()
        close(env)
        return env.observation_space, env.action_space

    def observe(self, observation: Any) -> FloatArray:
        """Network inputs (I,) from an observation of the environment."""
        return self.observation_codec.encode(observation)

    def action(self, outputs: FloatArray) -> Any:
        """Action of the environment from the network's outputs (A,)."""
        return self.action_codec.decode(outputs)

    def roll_out(self, job: Job) -> Rollouts:
        """Run networks of a batch at every weight on every episode.

        Args:
            job: which networks, weights and episodes; sets of individual weights are of a single network,
                unless `own_weights_together`.

        Returns:
            Rollouts of shape (last - first, W, E).
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of environments that were kept for the next call."""


class UnknownEnvError(ValueError):
    """No environment is registered under this id."""


class MissingExtraError(ValueError):
    """An environment needs a package that is not installed."""


def make(env_id: str, **arguments: Any) -> gymnasium.Env:
    """`gymnasium.make`, whose failures become one line that says how to mend them."""
    if env_id.count(":") > 1:
        raise UnknownEnvError
    try:
        env = gymnasium.make(env_id, **arguments)
        if "mujoco" in sys.modules:
            quiet_mujoco()
        return env
    except DependencyNotInstalled as error:
        raise MissingExtraError(f"{env_id} needs an extra: {_extra(str(error))}") from None
    except UnregisteredEnv:
        raise UnknownEnvError from None
    except DeprecatedEnv as error:
        raise ValueError(" ".join(str(error).split())) from None
    except ModuleNotFoundError as error:
        missing = error.name or getattr(error.__cause__, "name", None) or env_id.split(":")[0]
        raise ValueError(f"there is no module {missing!r}: install it, or check the name") from None
    except TypeError as error:
        raise ValueError(f"does not take these arguments: {error}") from None
    except gymnasium.error.Error:  # a name that is none
        raise UnknownEnvError from None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | BrokenOff | OutOfTimeError):
            raise
        raise ValueError(f"cannot be made: {in_one_line(error)}") from None


@cache
def quiet_mujoco() -> None:
    """Keep MuJoCo from writing its warnings to the screen, and to a file in the working folder."""
    with suppress(ImportError, AttributeError):  # not every version has the switch
        import_module("mujoco").set_mju_user_warning(lambda _: None)


def _extra(message: str) -> str:
    for extra, word in (("box2d", "box2d"), ("mujoco", "mujoco")):
        if word in message.lower():
            return f'pip install "wann[{extra}]"'
    return message.splitlines()[0]
