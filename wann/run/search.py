"""`search` and `resume`: from settings to a run folder and its loop."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from secrets import token_hex
from typing import Any

from wann.champion import Champion, load_champion
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import Note, Placement
from wann.evolution.evolution import Evolution
from wann.evolution.shared_weights import (
    generation_weights,
)
from wann.rollouts.repeatability import Verdict
from wann.run.checkpoint import Totals
from wann.run.folder import RunFolder, as_initial, is_run, task_of
from wann.run.loop import Interrupted, Loop, Observer, Run
from wann.run.state import RunState, session_of, write_end
from wann.settings import CHANGEABLE, Settings, build_settings, changed_names, with_changes
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.data_task import DataTask
from wann.tasks.environment_task import GymnasiumTask
from wann.tasks.registry import best_stepping, get_task, preset_settings
from wann.tasks.task import Task
from wann.tasks.trust import grant
from wann.utils.signals import stop_signals


def search(
    task: str = "swingup",
    *,
    preset: str | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    init_from: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    go_on: bool = False,
    threads: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    observer: Observer | None = None,
    note: Note | None = None,
    **settings: Any,
) -> Run:
    """Search for a weight-agnostic network.

    Results are the same anywhere: threads, Ray workers and clusters give the same bits.

    Args:
        task: name of a task (`wann.task_names()`) or any registered Gymnasium id.
        preset: name of the task's preset to start from; its default one where it is not given.
        env_kwargs: arguments of the environment.
        init_from: a champion, of this or another task, whose topology the search starts from: the first
            generation has it once as it is, and for the rest with one mutation each. The run keeps a copy.
        out: the new run folder; `runs/<task>-<date>-<random>` where it is not given.
        go_on: go on where `out` holds this search already.
        threads: how many evaluate in this process.
        workers: Ray evaluators, one CPU each; without `address` on a cluster that is started here.
        address: "auto" or HOST:PORT of a Ray cluster to join.
        observer: called after every generation, and now and then in between.
        note: told in a line what a user should know.
        settings: any setting of `wann.settings.Settings` by name, in place of the preset's.

    Raises:
        ValueError: a name or value is wrong, the folder cannot be written, or the cluster cannot be reached.
        SearchFailedError: most networks of a generation could not be evaluated.
        Interrupted: a signal ended the search, after saving.
    """
    placement = Placement(threads, workers, address)
    initial, digest = as_initial(load_champion(init_from)) if init_from is not None else (None, None)
    if settings.get("initial_genome", digest) != digest:
        raise ValueError(
            "the settings (initial_genome) are those of a run that started from a champion: give the "
            "initial.json of that run as --init-from"
        )
    resolved = resolve(task, preset, env_kwargs, settings | {"initial_genome": digest}, note)
    if initial:
        _check_fits(initial, task_of(resolved))
    if out is not None and go_on and is_same_search(out, resolved):
        folder = RunFolder.open(out)
        given = {name: getattr(resolved, name) for name in settings if name in CHANGEABLE}
        return _run(folder, with_changes(folder.settings, given), placement, observer, note)
    folder = RunFolder.create(out or new_run_path(task), resolved, initial)
    return _run(folder, resolved, placement, observer, note)


def resume(
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    trust: bool = False,
    observer: Observer | None = None,
    note: Note | None = None,
    **changes: Any,
) -> Run:
    """Go on with a run exactly where it stopped, on any number of threads or workers.

    Args:
        path: its run folder.
        threads, workers, address, observer: as `search`.
        trust: whether the run may import the module that its task names, as `wann.load_champion`.
        note: told in a line what a user should know, such as that the last checkpoint was damaged and the
            one before it is used.
        changes: new values of stop rules, or generations whose episodes are skipped; see
            `wann.settings.CHANGEABLE`.

    Raises:
        ValueError: the folder is no run that can go on, or a setting cannot be changed.
        SearchFailedError, Interrupted: as `search`.
    """
    placement = Placement(threads, workers, address)
    folder = RunFolder.open(path)
    if trust:
        grant(folder.settings.task, folder.settings.env_kwargs)
    for name in changes:
        if name in Settings.model_fields and name not in CHANGEABLE:
            raise ValueError(
                f"setting {name!r} determines the run and cannot change when it is resumed; "
                f"these can: {', '.join(CHANGEABLE)}"
            )
    settings = with_changes(folder.settings, changes)
    if "skip_episodes" in changes:  # the generations are named, not the whole list
        skipped = tuple(sorted((*folder.settings.skip_episodes, *settings.skip_episodes)))
        settings = with_changes(settings, {"skip_episodes": skipped})
    return _run(folder, settings, placement, observer, note)


def resolve(
    task: str,
    preset: str | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    note: Note | None = None,
) -> Settings:
    """The settings of a search: the preset's, then those given, then those found out about the environment.

    Raises:
        ValueError: a name or value is wrong.
    """
    settings = dict(settings or {})
    found = get_task(task, env_kwargs, settings.get("stepping"))
    if isinstance(found, DataTask):
        found = found.read()
        if note:
            for text in found.samples.notes:
                note(text)
    if "stepping" not in settings:
        settings["stepping"] = best_stepping(found)
    resolved = build_settings(preset_settings(found, preset), settings)
    if isinstance(found, DataTask) and resolved.champion_rule == "duel":
        raise ValueError(
            f"setting 'champion_rule': {task} is a data set, with one validation part and no fresh episodes "
            "for a duel: set it to 'record'"
        )
    for name in ("stop_without_reward", "own_episodes"):
        if isinstance(found, DataTask) and getattr(resolved, name):
            raise ValueError(f"setting {name!r}: {task} is a data set, without episodes: leave it out")
    if isinstance(found, Box2DTask):  # of the environment, however it is stepped
        resolved = with_changes(resolved, {"fresh_env": found.fresh_env})
    if isinstance(found, GymnasiumTask) and "fresh_env" not in settings:
        try:
            verdict = (
                Verdict.FRESH if found.fresh_env else found.repeatability(resolved.episode_seconds).verdict
            )
        except TimeoutError as error:
            raise ValueError(f"task {task!r}: {error}") from None
        note = note or (lambda _text: None)
        if verdict is Verdict.NEVER:
            note(f"{task} gives different episodes for the same seed: its results cannot be repeated exactly")
        elif verdict is Verdict.FRESH:
            resolved = with_changes(resolved, {"fresh_env": True})
            note(f"{task} keeps hidden state: every episode gets a fresh instance")
    return resolved


def _check_fits(initial: Champion, task: Task) -> None:
    """Refuse to start from a network of another shape.

    Raises:
        ValueError: its inputs or outputs are not as many as the task's.
    """
    found, wanted = ((len(side.inputs), len(side.outputs)) for side in (initial, task))
    if found != wanted:
        raise ValueError(
            f"a search for {task.name!r} cannot start from this champion of {initial.task!r}: it has "
            f"{found[0]} inputs and {found[1]} outputs, not {wanted[0]} and {wanted[1]}"
        )


def new_run_path(task: str, ending: str | None = None) -> Path:
    """Default path of a run folder: `runs/<task>-<ending>`, by default `<date>-<four random digits>`."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", task)
    return Path("runs") / f"{name}-{ending or f'{date.today().isoformat()}-{token_hex(2)}'}"


def is_same_search(path: str | os.PathLike[str], settings: Settings) -> bool:
    """Whether a folder holds a run with these settings, stop rules aside.

    Raises:
        ValueError: it holds a run with other settings, named.
    """
    if not is_run(path):
        return False
    differing = set(changed_names(RunFolder.open(path).settings, settings)) - set(CHANGEABLE)
    if differing:
        raise ValueError(
            f"{path} holds a run with other settings ({', '.join(sorted(differing))}): choose another --out"
        )
    return True


def _check_skipped(before: Settings, now: Settings, generations: int) -> None:
    """Refuse to change the episodes of a generation that is complete.

    Raises:
        ValueError: the setting names one more than before, or no longer.
    """
    for number in sorted({*before.skip_episodes, *now.skip_episodes}):
        if number <= generations and before.skip_episodes.count(number) != now.skip_episodes.count(number):
            raise ValueError(
                f"setting 'skip_episodes': generation {number} is complete, its episodes stay as they were"
            )


def _run(
    folder: RunFolder,
    settings: Settings,
    placement: Placement,
    observer: Observer | None,
    note: Note | None,
) -> Run:
    initial = folder.load_initial()
    task = task_of(settings)
    episodes = settings.population * generation_weights(settings, 0).size * settings.episodes
    with folder.lock(), ExitStack() as stack:
        try:
            evaluator = stack.enter_context(
                open_evaluator(task, settings.max_steps, placement, episodes, note)
            )
        except (ValueError, RuntimeError):
            folder.remove_if_empty()  # so that the same command works when what is wrong has been mended
            raise
        stop = stack.enter_context(stop_signals())
        folder.drop_leftovers()
        checkpoint, damage = folder.load_checkpoint()
        if damage:
            folder.set_damaged_aside()
            if note:
                note(damage)
        _check_skipped(folder.settings, settings, checkpoint.state.generation if checkpoint else 0)
        # Only now: a run that is in use or damaged keeps the settings it had, and how it ended.
        stack.enter_context(session_of(folder.path))
        if changed_names(folder.settings, settings):
            folder.save_settings(settings)
        state = checkpoint.state if checkpoint else None
        evolution = Evolution(
            settings, len(task.inputs), len(task.outputs), state, initial.genome if initial else None
        )
        totals = checkpoint.totals if checkpoint else Totals()
        lacking = folder.truncate_metrics(evolution.generation)
        if lacking and note:
            note(lacking)
        folder.drop_champions_after(evolution.generation)
        loop = Loop(folder, task, evolution, evaluator, totals, observer, note, stop)
        if evolution.champion:
            loop.save_champion(evolution.champion)
        loop.save_front()
        try:
            run = loop.run()
        except Interrupted:
            write_end(folder.path, RunState("stopped", "signal"))
            raise
        write_end(folder.path, RunState("finished", str(run.stopped_by)))
        return run
