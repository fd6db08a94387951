"""What a network is scored on: tasks, and how a name becomes one."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple, Protocol

import gymnasium
import numpy as np
from gymnasium.error import DependencyNotInstalled, DeprecatedEnv, UnregisteredEnv
from numpy.typing import NDArray

from wann.classify import Batch, classify, make_batch, squared_error
from wann.datasets import NAMED, DataSet, Samples, is_table, load_named, load_table, table_name
from wann.nearest import nearest
from wann.network import FloatArray, NetworkBatch
from wann.rollout import Dynamics, Rollouts, roll_out
from wann.seeding import Purpose, stream
from wann.spaces import ActionCodec, ObservationCodec, action_codec, observation_codec
from wann.stepping import Repeatability, Stepper, same_seed_same_episode

Stepping = Literal["compiled", "gymnasium", "pool"]
Part = Literal["train", "validation", "test"]

COMPILED = {
    "swingup": "wann_envs.cartpole_swingup:TASK",
    "CartPole-v1": "wann_envs.cartpole:TASK",
    "Acrobot-v1": "wann_envs.acrobot:TASK",
    "MountainCar-v0": "wann_envs.mountain_car:TASK",
    "MountainCarContinuous-v0": "wann_envs.mountain_car_continuous:TASK",
    "Pendulum-v1": "wann_envs.pendulum:TASK",
}
"""Tasks with compiled physics, and where each is defined, as `module:attribute`."""

_NOT_THEIRS = ("id", "max_episode_steps", "render_mode", "disable_env_checker")
"""Arguments of `gymnasium.make` that are not the environment's."""

_POOL_LANES = 256  # a network fills some twenty; larger pools are no faster
_UNLIMITED_STEPS = 1000  # of an environment that sets no limit itself


class TaskSpec(NamedTuple):
    """Plain words and numbers from which `get_task` makes the same task in any process."""

    name: str
    env_kwargs: str  # JSON
    stepping: Stepping
    fresh_env: bool
    episode_seconds: float | None
    data: DataSet | None = None  # of a data set, so that no other process has to find or read it


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a task is about, in words and in numbers of an episode; a return alone says little.

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
    """What a network is scored on: an environment, the names of its inputs and outputs, its presets.

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
    goal: Goal | None = None  # what a champion is said to do, where the task has words for it
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)  # for gymnasium.make
    fresh_env: bool = False  # whether every episode needs an instance of its own
    episode_seconds: float | None = None  # what an episode may take where Python steps it

    stepping: Stepping = field(default="gymnasium", init=False)
    threaded: bool = field(default=False, init=False)  # whether threads can compute side by side
    lanes: int = field(default=1, init=False)  # rollouts that one call computes side by side
    own_weights_together: bool = field(
        default=False, init=False
    )  # whether one call computes several networks with individual weights

    @property
    def spec(self) -> TaskSpec:
        """What makes this task again elsewhere."""
        kwargs = json.dumps(dict(self.env_kwargs), sort_keys=True)
        return TaskSpec(self.name, kwargs, self.stepping, self.fresh_env, self.episode_seconds)

    @property
    def confirming(self) -> Task:
        """The task on the environment that counts, where this one is stepped in a stand-in."""
        return self

    def make_env(
        self, render_mode: str | None = None, max_steps: int | None = None, **options: Any
    ) -> gymnasium.Env:
        """The Gymnasium environment, cut off after `max_steps` where that is given.

        Raises:
            ValueError: an extra is not installed, or the environment does not take its arguments.
        """
        if render_mode is not None:  # not every environment knows the argument
            options["render_mode"] = render_mode
        return _make(self.env_id, max_episode_steps=max_steps, **self.env_kwargs, **options)

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
        env.close()
        return env.observation_space, env.action_space

    def observe(self, observation: Any) -> FloatArray:
        """Network inputs (I,) from an observation of the environment."""
        return self.observation_codec.encode(observation)

    def action(self, outputs: FloatArray) -> Any:
        """Action of the environment from the network's outputs (A,)."""
        return self.action_codec.decode(outputs)

    def roll_out(
        self,
        networks: NetworkBatch,
        weights: FloatArray,
        seeds: Sequence[int],
        max_steps: int,
        first: int,
        last: int,
    ) -> Rollouts:
        """Run networks `first` to `last - 1` of a batch at every weight on every episode.

        Args:
            networks: the batch.
            weights: (W,) shared weights, or (W, C) sets of individual weights where a single network is run.
            seeds: E episode seeds.
            max_steps: steps after which an episode is cut off.

        Returns:
            Rollouts of shape (last - first, W, E).
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of environments that were kept for the next call."""


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

    def roll_out(
        self,
        networks: NetworkBatch,
        weights: FloatArray,
        seeds: Sequence[int],
        max_steps: int,
        first: int,
        last: int,
    ) -> Rollouts:
        """Run networks of a batch in the lane kernel; see `Task.roll_out`."""
        flat = roll_out(
            self.dynamics,
            networks,
            np.repeat(weights, len(seeds), axis=0),
            np.tile(self.starts(seeds), (len(weights), 1)),
            max_steps,
            first,
            last,
        )
        shape = (last - first, len(weights), len(seeds))
        return Rollouts(flat.returns.reshape(shape), flat.steps.reshape(shape))


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


@dataclass(frozen=True, eq=False, kw_only=True)
class GymnasiumTask(Task):
    """Any registered environment, stepped in Python; only the forward pass is compiled."""

    _steppers: dict[int, Stepper] = field(
        default_factory=dict, init=False, repr=False
    )  # by the limit on steps

    def roll_out(
        self,
        networks: NetworkBatch,
        weights: FloatArray,
        seeds: Sequence[int],
        max_steps: int,
        first: int,
        last: int,
    ) -> Rollouts:
        """Run networks of a batch one episode after the other, for one thread; see `Task.roll_out`."""
        if max_steps not in self._steppers:
            self._steppers[max_steps] = Stepper(
                lambda: self.make_env(max_steps=max_steps, disable_env_checker=True),
                self.observation_codec,
                self.action_codec,
                fresh=self.fresh_env,
                limit_seconds=self.episode_seconds,
            )
        return self._steppers[max_steps].roll_out(networks, weights, seeds, max_steps, first, last)

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


@dataclass(frozen=True, eq=False, kw_only=True)
class PoolTask(GymnasiumTask):
    """An environment's stand-in in envpool: all rollouts of some networks at once, stepped in C++.

    Its episodes have other start states than Gymnasium's for the same seeds. Confirmed, evaluated and shown
    is always Gymnasium's own.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "stepping", "pool")
        object.__setattr__(self, "lanes", _POOL_LANES)

    @cached_property
    def confirming(self) -> Task:
        """The task on Gymnasium's own environment."""
        return get_task(self.name, self.env_kwargs, "gymnasium", self.fresh_env, self.episode_seconds)

    def roll_out(
        self,
        networks: NetworkBatch,
        weights: FloatArray,
        seeds: Sequence[int],
        max_steps: int,
        first: int,
        last: int,
    ) -> Rollouts:
        """Run networks of a batch in a pool; see `Task.roll_out`."""
        from wann.pool import pool_episodes  # envpool is an extra, and slow to import

        return pool_episodes(self.env_id, networks, weights, seeds, max_steps, first, last)


@dataclass(frozen=True, eq=False, kw_only=True)
class DataTask(Task):
    """A data set: networks are scored by minus the mean cross-entropy of their outputs' softmax.

    Where samples have targets instead of classes, it is minus the mean squared error of the outputs.

    An episode is a batch of random samples of the training part, as many as an episode may have steps; its
    seed decides which, so that a generation is scored on the same ones. Champions are confirmed on the whole
    validation part, dealt out over the episodes.
    """

    data: DataSet | None = None  # loaded when it is first needed, where it is not given
    part: Part = "train"

    def __post_init__(self) -> None:
        object.__setattr__(self, "stepping", "compiled")
        object.__setattr__(self, "threaded", True)

    @property
    def spec(self) -> TaskSpec:
        """What makes this task again elsewhere, the data with it."""
        return super().spec._replace(data=self.samples)

    @property
    def samples(self) -> DataSet:
        """The data set.

        Raises:
            ValueError: as `wann.datasets.load_named`.
        """
        return self.data or _named(self.name)

    def read(self) -> DataTask:
        """The task with its data at hand: what is wrong with them shows before anything is written.

        Raises:
            ValueError: as `samples`.
        """
        return replace(self, data=self.samples)

    @property
    def confirming(self) -> Task:
        """The task on the validation part."""
        return self.on("validation")

    def on(self, part: Part) -> DataTask:
        """The task on another part of the data."""
        return replace(self, part=part)

    def make_env(
        self,
        render_mode: str | None = None,  # noqa: ARG002
        max_steps: int | None = None,  # noqa: ARG002
        **options: Any,  # noqa: ARG002
    ) -> gymnasium.Env:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self.name} is a data set: there is nothing to step, to act on or to replay")

    def roll_out(
        self,
        networks: NetworkBatch,
        weights: FloatArray,
        seeds: Sequence[int],
        max_steps: int,
        first: int,
        last: int,
    ) -> Rollouts:
        """Classify batches with networks of a batch; a step is a sample. See `Task.roll_out`."""
        shape = (last - first, len(weights), len(seeds))
        returns, steps = np.empty(shape), np.empty(shape, np.int64)
        samples: Samples = getattr(self.samples, self.part)
        random = self.part == "train"
        for place, seed in enumerate(seeds):
            batch = _drawn(samples, seed, max_steps) if random else _dealt(samples, place, len(seeds))
            if batch.targets is None:
                returns[:, :, place] = -classify(networks, weights, batch, first, last).loss
            else:
                returns[:, :, place] = -squared_error(networks, weights, batch, first, last)
            steps[:, :, place] = batch.size
        return Rollouts(returns, steps)

    def close(self) -> None:
        """Let go of the batches that were kept, and with them of the samples."""
        _drawn.cache_clear()
        _dealt.cache_clear()


@lru_cache(maxsize=1)
def _named(name: str) -> DataSet:
    return load_named(name)


@lru_cache(maxsize=4)  # the chunks of an evaluation, in all threads, have the same batches
def _drawn(samples: Samples, seed: int, size: int) -> Batch:
    """So many random samples, or all of them; fixed by the seed."""
    total = samples.labels.size
    if size >= total:
        return _dealt(samples, 0, 1)
    rows = np.sort(stream(seed, Purpose.BATCH).choice(total, size, replace=False, shuffle=False))
    return _batch(samples, rows)


@lru_cache(maxsize=4)
def _dealt(samples: Samples, place: int, count: int) -> Batch:
    """One of so many equal parts of all samples.

    Raises:
        ValueError: there are not so many.
    """
    if count > samples.labels.size:
        raise ValueError(f"{count} episodes are more than the {samples.labels.size} samples of this part")
    return _batch(samples, np.arange(place, samples.labels.size, count))


def _batch(samples: Samples, rows: NDArray[np.int64]) -> Batch:
    targets = None if samples.targets is None else samples.targets[rows]
    return make_batch(samples.inputs(rows), samples.labels[rows], targets)


def task_names() -> tuple[str, ...]:
    """Names of the tasks with ready presets; every other registered environment id is a task too."""
    return (*COMPILED, *NAMED, *_known().KNOWN)


def is_data_set(name: str) -> bool:
    """Whether a name stands for a data set instead of an environment."""
    return name in NAMED or is_table(name)


class Facts(Protocol):
    """What is known of a task without making its environment."""

    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def inputs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def outputs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def presets(self) -> Mapping[str, Mapping[str, Any]]: ...  # noqa: D102
    @property
    def preset_notes(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def default_preset(self) -> str: ...  # noqa: D102


def facts(name: str) -> Facts:
    """Facts of one of `task_names()`; needs no extra."""
    if name in COMPILED:
        return _load(COMPILED[name])
    if name in NAMED:
        return _data_task(name, {}, None)
    known: Facts = _known().KNOWN[name]
    return known


def get_task(
    name: str,
    env_kwargs: Mapping[str, Any] | str | None = None,
    stepping: Stepping | None = None,
    fresh_env: bool | None = None,
    episode_seconds: float | None = None,
    data: DataSet | None = None,
) -> Task:
    """The task with this name: one of `task_names()`, or any registered Gymnasium id.

    Args:
        name: of the task, "Name-v0", or "module:Name-v0" for one that importing the module registers; or
            "csv:FILE" or "FILE.npz" for a user's own table, see `wann.datasets.load_table`.
        env_kwargs: arguments of the environment, or their JSON; of a CSV file, the `label` column.
        stepping: "compiled" for compiled physics, "gymnasium" for the environment itself, "pool" for
            envpool's; by default compiled physics where there are any and the environment has no arguments.
        fresh_env: whether every episode needs an instance of its own; by default where that is known.
        episode_seconds: what an episode may take; compiled ones are not timed.
        data: of a data set, where it is at hand; it is loaded where it is not given.

    Raises:
        ValueError: there is no such task, with the nearest name; or it cannot be searched, with the reason.
    """
    if not isinstance(env_kwargs, str):
        env_kwargs = json.dumps(dict(env_kwargs or {}), sort_keys=True)
    if is_data_set(name):
        if stepping not in (None, "compiled"):
            raise ValueError(f"{name} is a data set: there is nothing to step, leave out --no-compiled")
        return _data_task(name, json.loads(env_kwargs), data)
    return _get_task(name, env_kwargs, stepping, fresh_env, episode_seconds)


def _get_task(
    name: str,
    kwargs_json: str,
    stepping: Stepping | None,
    fresh_env: bool | None,
    episode_seconds: float | None,
) -> Task:
    env_kwargs = json.loads(kwargs_json)
    for argument in _NOT_THEIRS:
        if argument in env_kwargs:
            instead = ": give --set max_steps=N" if argument == "max_episode_steps" else ""
            raise ValueError(f"task {name!r}: {argument!r} is no argument of an environment{instead}")
    compiled = _load(COMPILED[name]) if name in COMPILED else None
    if compiled and not env_kwargs and stepping in (None, "compiled"):
        return compiled
    if stepping == "compiled":
        raise ValueError(
            f"task {name!r} has no compiled physics: leave stepping out, or choose from {', '.join(COMPILED)}"
            if compiled is None
            else f"the compiled physics of {name!r} has no arguments: leave out --env-kwargs or stepping"
        )
    known = compiled or _known().KNOWN.get(name)
    env_id = compiled.env_id if compiled else name
    try:
        env = _make(env_id, **env_kwargs)
    except _UnknownEnvError:
        close = get_close_matches(name, [*COMPILED, *NAMED, *gymnasium.registry], n=1, cutoff=0.5)
        if name.endswith(".csv"):
            close = [f"csv:{name}"]
        hint = (
            f"did you mean {close[0]!r}?"
            if close
            else "'wann tasks' lists some, and any registered Gymnasium id is one"
        )
        raise ValueError(f"unknown task {name!r}; {hint}") from None
    except ValueError as error:
        raise ValueError(f"task {name!r}: {error}") from None
    env.close()
    try:
        observations = observation_codec(env.observation_space, None)
        actions = action_codec(env.action_space, None)
        if known and len(known.inputs) == observations.size:
            observations = observation_codec(env.observation_space, known.inputs)
        if known and len(known.outputs) == actions.size:
            actions = action_codec(env.action_space, known.outputs)
    except ValueError as error:
        raise ValueError(f"task {name!r} cannot be searched: {error}") from None
    presets = known or _known().GENERIC
    limit = env.spec.max_episode_steps if env.spec else None
    if stepping == "pool":
        reason = why_no_pool(env_id, env.observation_space, env.action_space, env_kwargs)
        if reason:
            raise ValueError(f"task {name!r} cannot be stepped in the pool: {reason}")
    kind = PoolTask if stepping == "pool" else GymnasiumTask
    return kind(
        name=name,
        env_id=env_id,
        summary=known.summary if known else "registered environment, names derived from its spaces",
        inputs=observations.names,
        outputs=actions.names,
        episode_steps=limit or _UNLIMITED_STEPS,
        presets=presets.presets,
        preset_notes=presets.preset_notes,
        default_preset=presets.default_preset,
        published_weight=compiled.published_weight if compiled else None,
        # Without compiled physics nothing else than the task's own rewards can be counted.
        goal=known.goal if known and not (known.goal and known.goal.counting) else None,
        env_kwargs=env_kwargs,
        fresh_env=getattr(known, "fresh", False) if fresh_env is None else fresh_env,
        episode_seconds=episode_seconds,
    )


def _data_task(name: str, arguments: Mapping[str, Any], data: DataSet | None) -> DataTask:
    """The task of a data set.

    Raises:
        ValueError: there are arguments that it does not take, or its file is not what it was.
    """
    ready: DataTask = import_module("wann_envs.data_sets").TASKS.get(name)
    known = {"label", "sha256"} if name.startswith("csv:") else {"sha256"} if is_table(name) else set()
    unknown = sorted(set(arguments) - known)
    if unknown:
        raise ValueError(f"{name} is a data set that takes no argument {unknown[0]!r}: leave it out")
    if ready:
        return replace(ready, data=data)
    data = data or load_table(name, arguments.get("label"))
    if arguments.get("sha256", data.digest) != data.digest:
        raise ValueError(f"{name} is not the file that it was when the search began: its SHA-256 differs")
    table: DataTask = import_module("wann_envs.data_sets").TABLE
    name = table_name(name)
    return replace(
        table,
        name=name,
        env_id=name,
        inputs=data.inputs,
        outputs=data.classes,
        env_kwargs={**arguments, "sha256": data.digest},
        data=data,
    )


def best_stepping(task: Task) -> Stepping:
    """The fastest way to step a task's episodes that this machine has."""
    if task.stepping == "compiled" or why_no_pool(task.env_id, *task.spaces, task.env_kwargs):
        return task.stepping
    return "pool"


def why_no_pool(
    env_id: str,
    observations: gymnasium.Space[Any],
    actions: gymnasium.Space[Any],
    env_kwargs: Mapping[str, Any],
) -> str | None:
    """Why an environment's episodes cannot be played in envpool's; None where they can."""
    if find_spec("envpool") is None:
        return "envpool is not installed: pip install 'wann[envpool]'"
    from wann.pool import pool_available

    return pool_available(env_id, observations, actions, env_kwargs)


def _load(place: str) -> CompiledTask:
    module, _, attribute = place.partition(":")
    task: CompiledTask = getattr(import_module(module), attribute)
    return task


def _known() -> Any:
    """The module with the documented facts of well-known environments."""
    return import_module("wann_envs.known")


class _UnknownEnvError(ValueError):
    """No environment is registered under this id."""


def _make(env_id: str, **arguments: Any) -> gymnasium.Env:
    """`gymnasium.make`, whose failures become one line that says how to mend them."""
    if env_id.count(":") > 1:
        raise _UnknownEnvError
    try:
        env = gymnasium.make(env_id, **arguments)
        if "mujoco" in sys.modules:
            _quiet_mujoco()
        return env
    except DependencyNotInstalled as error:
        raise ValueError(f"{env_id} needs an extra: {_extra(str(error))}") from None
    except UnregisteredEnv:
        raise _UnknownEnvError from None
    except DeprecatedEnv as error:
        raise ValueError(" ".join(str(error).split())) from None
    except ModuleNotFoundError as error:
        missing = error.name or getattr(error.__cause__, "name", None) or env_id.split(":")[0]
        raise ValueError(f"there is no module {missing!r}: install it, or check the name") from None
    except TypeError as error:
        raise ValueError(f"does not take these arguments: {error}") from None
    except gymnasium.error.Error:  # a name that is none
        raise _UnknownEnvError from None
    except Exception as error:  # noqa: BLE001 - whatever its constructor raises
        reason = " ".join(str(error).split())
        raise ValueError(f"cannot be made: {type(error).__name__}: {reason}") from None


@cache
def _quiet_mujoco() -> None:
    """Keep MuJoCo from writing its warnings to the screen, and to a file in the working folder."""
    with suppress(ImportError, AttributeError):  # not every version has the switch
        import_module("mujoco").set_mju_user_warning(lambda _: None)


def _extra(message: str) -> str:
    for extra, word in (("box2d", "box2d"), ("mujoco", "mujoco")):
        if word in message.lower():
            return f'pip install "wann[{extra}]"'
    return message.splitlines()[0]


def preset_settings(task: Task, preset: str | None) -> dict[str, Any]:
    """Settings of a task's preset, the default one where none is named, with what makes the task again.

    Raises:
        ValueError: the task has no such preset, with the nearest name.
    """
    preset = preset or task.default_preset
    if preset not in task.presets:
        raise ValueError(f"task {task.name!r} has no preset {preset!r}; {nearest(preset, task.presets)}")
    return {
        "task": task.name,
        "env_kwargs": dict(task.env_kwargs),
        "stepping": task.stepping,
        "preset": preset,
        "max_steps": task.episode_steps,
        **task.presets[preset],
    }
