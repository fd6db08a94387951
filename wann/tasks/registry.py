"""The task with a name, and its presets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import gymnasium

from wann.rollouts.spaces import action_codec, observation_codec
from wann.rollouts.time_limit import close as close_env
from wann.tasks import data_presets
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.data_sets import NAMED, DataSet
from wann.tasks.data_task import DataTask
from wann.tasks.environment_task import GymnasiumTask, PoolTask
from wann.tasks.known import GENERIC, KNOWN, Known
from wann.tasks.table_file import TableOptions, table_options
from wann.tasks.tables import is_table, load_table, predicts_numbers, table_name
from wann.tasks.task import NOT_THEIRS, Stepping, Task, UnknownEnvError, make
from wann.tasks.trust import grant
from wann.utils.nearest import nearest

COMPILED = {
    "swingup": "wann_envs.cartpole_swingup:TASK",
    "CartPole-v1": "wann_envs.cartpole:TASK",
    "Acrobot-v1": "wann_envs.acrobot:TASK",
    "MountainCar-v0": "wann_envs.mountain_car:TASK",
    "MountainCarContinuous-v0": "wann_envs.mountain_car_continuous:TASK",
    "Pendulum-v1": "wann_envs.pendulum:TASK",
    "BipedalWalker-v3": "wann_envs.bipedal_walker:TASK",
    "LunarLander-v3": "wann_envs.lunar_lander:TASK",
    "LunarLanderContinuous-v3": "wann_envs.lunar_lander:CONTINUOUS",
}
"""Tasks with compiled physics, and where each is defined, as `module:attribute`."""
_OF_COLUMNS = {
    "drop",
    "columns",
    "separator",
    "decimal",
    "encoding",
}  # arguments of tables with named columns
_ESTIMATORS = ("WANNClassifier", "WANNRegressor")  # tasks of their champions
_UNLIMITED_STEPS = 1000  # of an environment without a limit of its own


def task_names() -> tuple[str, ...]:
    """Names of the tasks with ready presets; every other registered environment id is a task too."""
    return (*COMPILED, *NAMED, *KNOWN)


def is_data_set(name: str) -> bool:
    """Whether a name stands for a data set instead of an environment."""
    return name in NAMED or is_table(name)


def score_name(task: str, env_kwargs: Mapping[str, Any]) -> str:
    """What the scores of a task's networks are, told by its name and arguments; also of an estimator's."""
    if predicts_numbers(task, env_kwargs) or task == "WANNRegressor":
        return "− squared error"
    return "log-likelihood" if is_data_set(task) or task == "WANNClassifier" else "return"


def facts(name: str) -> Task | Known:
    """Facts about one of `task_names()`, without making its environment; needs no extra."""
    if name in COMPILED:
        return _load(COMPILED[name])
    if name in NAMED:
        return _data_task(name, {}, None)
    return KNOWN[name]


def get_task(
    name: str,
    env_kwargs: Mapping[str, Any] | str | None = None,
    stepping: Stepping | None = None,
    fresh_env: bool | None = None,
    episode_seconds: float | None = None,
    data: DataSet | None = None,
    confirm_outside: bool | None = None,
    stop_without_reward: int | None = None,
) -> Task:
    """The task with this name: one of `task_names()`, or any registered Gymnasium id.

    The name is the caller's own: a module in it is imported, and a table is opened. For names in files see
    `wann.tasks.trust`.

    Args:
        name: of the task, "Name-v0", or "module:Name-v0" for one that importing the module registers; or
            "csv:FILE" or "FILE.npz" for a user's own table, see `wann.tasks.data_sets.load_table`.
        env_kwargs: arguments of the environment, or their JSON; of a CSV file, the `label` column.
        stepping: "compiled" for compiled physics, "gymnasium" for the environment itself, "pool" for
            envpool's; by default compiled physics where there are any that take the environment's arguments.
        fresh_env: whether every episode needs an instance of its own; by default where that is known.
        episode_seconds: what an episode may take; compiled ones are not timed.
        data: of a data set, where it is at hand; it is loaded where it is not given.
        confirm_outside: whether Gymnasium confirms what a compiled Box2D task finds; by default where the
            installed one gives other bits.
        stop_without_reward: steps without a new highest return after which an episode is cut off, where it
            does not confirm a network.

    Raises:
        ValueError: there is no such task, with the nearest name; or it cannot be searched, with the reason.
    """
    if not isinstance(env_kwargs, str):
        env_kwargs = json.dumps(dict(env_kwargs or {}), sort_keys=True)
    if name in _ESTIMATORS:
        raise ValueError(
            f"a fitted {name} holds no rows: 'wann predict FILE ROWS --answers COLUMN' measures it on yours"
        )
    grant(name, json.loads(env_kwargs))
    if is_data_set(name):
        if stepping not in (None, "compiled"):
            raise ValueError(f"{name} is a data set: there is nothing to step, leave out --no-compiled")
        table = _data_task(name, json.loads(env_kwargs), data)
        grant(table.name, table.env_kwargs)  # with its whole path and its checksum
        return table
    task = _get_task(name, env_kwargs, stepping, fresh_env, episode_seconds)
    # A copy, as what it confirms on cannot be shared by searches in several threads.
    if isinstance(task, Box2DTask):
        task = replace(task, confirm_outside=confirm_outside, episode_seconds=episode_seconds)
    return task if stop_without_reward is None else replace(task, stop_without_reward=stop_without_reward)


def _get_task(
    name: str,
    kwargs_json: str,
    stepping: Stepping | None,
    fresh_env: bool | None,
    episode_seconds: float | None,
) -> Task:
    env_kwargs = json.loads(kwargs_json)
    for argument in NOT_THEIRS:
        if argument in env_kwargs:
            instead = ": give --set max_steps=N" if argument == "max_episode_steps" else ""
            raise ValueError(f"task {name!r}: {argument!r} is not an argument of an environment{instead}")
    compiled = _load(COMPILED[name]) if name in COMPILED else None
    fitting = compiled.with_arguments(env_kwargs) if compiled else None
    if fitting and stepping in (None, "compiled"):
        return fitting
    if stepping == "compiled":
        raise ValueError(
            f"task {name!r} has no compiled physics: leave stepping out, or choose from {', '.join(COMPILED)}"
            if compiled is None
            else f"the compiled physics of {name!r} does not take these arguments: leave out --env-kwargs or "
            "stepping"
        )
    known = fitting or compiled or KNOWN.get(name)
    env_id = compiled.env_id if compiled else name
    try:
        env = make(env_id, **env_kwargs)
    except UnknownEnvError:
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
    close_env(env)
    try:
        observations = observation_codec(env.observation_space, None)
        actions = action_codec(env.action_space, None)
        if known and len(known.inputs) == observations.size:
            observations = observation_codec(env.observation_space, known.inputs)
        if known and len(known.outputs) == actions.size:
            actions = action_codec(env.action_space, known.outputs)
    except ValueError as error:
        raise ValueError(f"task {name!r} cannot be searched: {error}") from None
    presets = known or GENERIC
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
        fresh_env=presets.fresh_env if fresh_env is None else fresh_env,
        episode_seconds=episode_seconds,
    )


def _data_task(name: str, arguments: Mapping[str, Any], data: DataSet | None) -> DataTask:
    """The task of a data set.

    Raises:
        ValueError: there are arguments that it does not take, or its file is not what it was.
    """
    ready = data_presets.TASKS.get(name)
    known = set() if ready else set(TableOptions.model_fields)
    if name.endswith(".npz"):
        known -= _OF_COLUMNS
    unknown = sorted(set(arguments) - known)
    if unknown:
        raise ValueError(f"{name} is a data set that takes no argument {unknown[0]!r}: leave it out")
    if ready:
        return replace(ready, data=data)
    data = data or load_table(name, options=table_options(arguments))
    name = table_name(name)
    kept = {**arguments, **data.settled, "sha256": data.digest}
    return replace(
        data_presets.TABLE if data.train.targets is None else data_presets.NUMBERS,
        name=name,
        env_id=name,
        inputs=data.inputs,
        outputs=data.classes,
        env_kwargs={word: value for word, value in kept.items() if value is not None},
        data=data,
    )


def best_stepping(task: Task) -> Stepping:
    """The fastest way to step a task's episodes on this machine."""
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
    from wann.rollouts.envpool import pool_available

    return pool_available(env_id, observations, actions, env_kwargs)


def _load(place: str) -> CompiledTask | Box2DTask:
    module, _, attribute = place.partition(":")
    task: CompiledTask | Box2DTask = getattr(import_module(module), attribute)
    return task


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
