"""Checks of one environment or data set."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from wann.doctor.finding import CheckResult, Finding, one_line, run_check
from wann.settings import build_settings
from wann.utils.words import counted

EPISODE_SECONDS = 3.0  # time for which episodes are compared, about
SPEED_SECONDS = 1.0  # time for which steps are counted


def examine_task(name: str, env_kwargs: Mapping[str, Any]) -> Iterator[Finding]:
    """Check an environment or a data set; ends after the first problem.

    Args:
        name: name of a task or a registered id.
        env_kwargs: further arguments of the environment; of a table, the `label` column.
    """
    from wann.tasks.registry import is_data_set
    from wann.tasks.task import quiet_mujoco

    if is_data_set(name):
        yield run_check("data set", partial(_data_set, name, env_kwargs))
        return
    quiet_mujoco()  # before an environment loads a model
    box2d = _is_compiled_box2d(name, env_kwargs)
    checks = {"environment": _environment, "its episodes": _episodes}
    checks |= ({"compiled physics": _compiled_physics} if box2d else {}) | {"its speed": _speed}
    for check, function in checks.items():
        finding = run_check(check, partial(function, name, env_kwargs))
        if box2d and finding.level == "problem" and _lacks_an_extra(name, env_kwargs):
            found = f"searches and scores work, in compiled physics; it cannot be shown: {finding.found}"
            yield replace(finding, level="note", found=found)
            return
        yield finding
        if finding.level == "problem":
            return  # the checks after it need what has failed


def _is_compiled_box2d(name: str, env_kwargs: Mapping[str, Any]) -> bool:
    """Whether it is an environment that needs Box2D only to be shown."""
    from wann.tasks.box2d_task import Box2DTask
    from wann.tasks.registry import COMPILED, get_task

    if name not in COMPILED:
        return False
    try:
        return isinstance(get_task(name, env_kwargs), Box2DTask)
    except ValueError:  # which the first check tells
        return False


def _lacks_an_extra(name: str, env_kwargs: Mapping[str, Any]) -> bool:
    """Whether an environment cannot be made only since a package is not installed."""
    from wann.tasks.registry import get_task
    from wann.tasks.task import MissingExtraError

    try:
        get_task(name, env_kwargs).make_env(disable_env_checker=True).close()
    except MissingExtraError:
        return True
    except Exception:  # noqa: BLE001  whatever an environment raises
        return False
    return False


def _environment(name: str, env_kwargs: Mapping[str, Any]) -> CheckResult:
    """Whether it can be made and searched, and a network's inputs and outputs fit it."""
    import numpy as np

    from wann.tasks.registry import get_task

    try:
        task = get_task(name, env_kwargs, "gymnasium")
        with closing(task.make_env(disable_env_checker=True)) as env:
            start, _ = env.reset(seed=0)
            task.observe(start)
            env.step(task.action(np.zeros(len(task.outputs))))
    except Exception as error:  # noqa: BLE001  whatever an environment raises
        return _refusal(error, "check its name, its arguments and the packages it needs")
    inputs, outputs = counted(len(task.inputs), "input"), counted(len(task.outputs), "output")
    return CheckResult("ok", f"{task.env_id} makes a step; networks of {inputs}, {outputs}")


def _data_set(name: str, env_kwargs: Mapping[str, Any]) -> CheckResult:
    """Whether it can be read and searched."""
    from wann.tasks.data_task import DataTask
    from wann.tasks.registry import get_task

    try:
        task = get_task(name, env_kwargs)
        if not isinstance(task, DataTask):
            raise TypeError(f"{name} is no data set")
        data = task.samples
    except Exception as error:  # noqa: BLE001  whatever reading a file raises
        return _refusal(error, "check its name and its file")
    sizes = (f"{getattr(data, part).labels.size} {part}" for part in ("train", "validation", "test"))
    inputs, classes = counted(len(data.inputs), "input"), f"{len(data.classes)} classes"
    if data.train.targets is not None:
        classes = f"{data.classes[0]} to predict"
    return CheckResult("ok", f"{inputs}, {classes}; samples: {', '.join(sizes)}")


def _refusal(error: Exception, fix: str) -> CheckResult:
    """Why a task cannot be searched; with the fix that the error names, or else the given one."""
    text = " ".join(str(error).split()) if isinstance(error, ValueError) else one_line(error)
    found, _, named = text.partition("; ")
    if "pip install" in found:
        named = found[found.index("pip install") :]
    return CheckResult("problem", found, named or fix)


def _episodes(name: str, env_kwargs: Mapping[str, Any]) -> CheckResult:
    """Whether the same seed gives the same episode."""
    from wann.rollouts import repeatability
    from wann.tasks.registry import get_task

    task = get_task(name, env_kwargs, "gymnasium")
    make = partial(task.make_env, disable_env_checker=True)
    result = repeatability.same_seed_same_episode(
        make, task.observation_codec, task.action_codec, seconds=EPISODE_SECONDS
    )
    compared = f"{counted(result.episodes, 'episode')}, {counted(result.steps, 'step')}"
    if result.verdict is repeatability.Verdict.REPEATABLE:
        return CheckResult("ok", f"the same seed gives the same episode ({compared} compared)")
    if result.verdict is repeatability.Verdict.FRESH:
        how = (
            "compiled physics, where nothing outlives an episode"
            if get_task(name, env_kwargs).stepping == "compiled"
            else "a fresh instance for each episode, which is slower"
        )
        found = f"hidden state outlives an episode: {result.difference}"
        return CheckResult("note", found, f"none needed: searches use {how}")
    return CheckResult(
        "problem",
        f"the same seed gives different episodes: {result.difference}",
        "let the environment draw from self.np_random only, which reset(seed=...) seeds",
    )


def _compiled_physics(name: str, env_kwargs: Mapping[str, Any]) -> CheckResult:
    """Whether compiled physics gives the bits of the installed Gymnasium."""
    from wann.rollouts.same_bits import KNOWN_VERSIONS
    from wann.tasks.box2d_task import Box2DTask
    from wann.tasks.registry import get_task

    task = get_task(name, env_kwargs)
    if not isinstance(task, Box2DTask):
        raise TypeError(f"{name} has no compiled Box2D")
    done = task.comparison
    if done.difference is None:
        compared = f"{counted(done.episodes, 'episode')}, {counted(done.steps, 'step')}"
        return CheckResult("ok", f"it gives the installed Gymnasium's bits ({compared} compared)")
    return CheckResult(
        "note",
        f"the installed Gymnasium gives other numbers, and confirms what searches find: {done.difference}",
        f"pip install {' '.join(KNOWN_VERSIONS)}: then compiled physics confirms too, which is faster",
    )


def _speed(name: str, env_kwargs: Mapping[str, Any]) -> CheckResult:
    """Steps per second under random actions, and so how long a generation takes."""
    from wann.tasks.registry import get_task, preset_settings

    task = get_task(name, env_kwargs)
    settings = build_settings(preset_settings(task, None))
    with closing(task.make_env(disable_env_checker=True)) as env:
        steps, episodes, seconds = _random_episodes(env)
    rate = steps / seconds
    found = f"{rate:,.0f} steps/s in Gymnasium on one processor"
    if task.stepping == "compiled":
        return CheckResult("ok", f"{found}; searches use compiled physics, which is far faster")
    weights = len(settings.weights) if settings.weight_sampling == "fixed" else settings.weight_count
    rollouts = settings.population * weights * settings.episodes
    length = min(steps / max(episodes, 1), settings.max_steps)
    estimate = rollouts * length / rate
    found += f"; a generation of {settings.population} networks takes about {_duration(estimate)}"
    found += f" while episodes last {length:.0f} steps as random ones do"
    if estimate < 60.0:
        return CheckResult("ok", found)
    return CheckResult("note", found, "start with --preset laptop, or give it --workers N")


def _random_episodes(env: Any) -> tuple[int, int, float]:
    """Steps, ended episodes and seconds of random actions, for about `SPEED_SECONDS`."""
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(256)]
    env.reset(seed=0)
    steps = episodes = 0
    started = time.perf_counter()
    while (seconds := time.perf_counter() - started) < SPEED_SECONDS:
        _, _, terminated, truncated, _ = env.step(actions[steps % 256])
        steps += 1
        if terminated or truncated:
            episodes += 1
            env.reset(seed=episodes)
    return steps, episodes, seconds


def _duration(seconds: float) -> str:
    if seconds >= 120.0:
        return f"{seconds / 60.0:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 10.0 else f"{seconds:.1f} s"
