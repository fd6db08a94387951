"""The loop: ask, evaluate, tell, confirm, record, save; resume; stop cleanly."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from secrets import token_hex
from types import FrameType
from typing import Any

import numpy as np

from wann.champion import Champion, Scores, load_champion
from wann.config import CHANGEABLE, Settings, build_settings, changed_names, with_changes
from wann.evaluator import Evaluator, LocalEvaluator
from wann.evolution import Confirmed, Evolution
from wann.network import compile_genome
from wann.seeding import Purpose, episode_seeds
from wann.storage import Checkpoint, RunFolder, Totals, is_run
from wann.tasks import get_task, preset_settings
from wann.weights import confirming_weights, generation_weights


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after a generation."""

    settings: Settings
    row: Mapping[str, Any]  # the generation's row of metrics
    totals: Totals
    steps_per_second: float  # over the last generations
    seconds_left: float  # estimate until the first stop rule that time brings about


@dataclass(frozen=True, slots=True)
class Run:
    """A run where it stands when a search ends."""

    path: Path
    settings: Settings
    generations: int
    totals: Totals
    stopped_by: str | None  # the stop rule that ended it; None where a signal did

    @property
    def champion(self) -> Champion:
        """The best confirmed network.

        Raises:
            ValueError: none was confirmed, as no network had finite returns.
        """
        return load_champion(self.path)


class Interrupted(KeyboardInterrupt):
    """A signal (Ctrl-C, SIGTERM) ended a search, after it had saved; `run` says where it stands.

    As a KeyboardInterrupt, it also ends a script that runs one search after the other.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(f"the search in {run.path} was interrupted; it is saved")
        self.run = run


Observer = Callable[[Progress], None]


def search(
    task: str = "swingup",
    *,
    preset: str | None = None,
    out: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    observer: Observer | None = None,
    **settings: Any,
) -> Run:
    """Search for a weight-agnostic network.

    Args:
        task: name of the task, see `wann.task_names()`.
        preset: name of the task's preset to start from; its default one where it is not given.
        out: the new run folder; `runs/<task>-<date>-<random>` where it is not given.
        threads: how many evaluate; every processor where it is not given. Never changes a number.
        observer: called after every generation.
        settings: any setting of `wann.config.Settings` by name, in place of the preset's.

    Raises:
        ValueError: a name or value is wrong, or the folder cannot be written.
        Interrupted: a signal ended the search, after saving.
    """
    resolved = build_settings(preset_settings(get_task(task), preset), settings)
    with LocalEvaluator(get_task(task), resolved.max_steps, threads) as evaluator:
        folder = RunFolder.create(out or new_run_path(task), resolved)
        return _run(folder, resolved, evaluator, observer)


def resume(
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    observer: Observer | None = None,
    note: Callable[[str], None] | None = None,
    **changes: Any,
) -> Run:
    """Go on with a run exactly where it stopped.

    Args:
        path: its run folder.
        threads, observer: as `search`.
        note: told in a line when the last checkpoint was damaged and the one before it is used.
        changes: new values of stop rules.

    Raises:
        ValueError: the folder is no run that can go on, or a change is not one of a stop rule.
        Interrupted: a signal ended the search, after saving.
    """
    folder = RunFolder.open(path)
    for name in changes:
        if name in Settings.model_fields and name not in CHANGEABLE:
            raise ValueError(
                f"setting {name!r} determines the run and cannot change when it is resumed; "
                f"these can: {', '.join(CHANGEABLE)}"
            )
    settings = with_changes(folder.settings, changes)
    with LocalEvaluator(get_task(settings.task), settings.max_steps, threads) as evaluator:
        return _run(folder, settings, evaluator, observer, note)


def new_run_path(task: str) -> Path:
    """A run folder's default place: `runs/<task>-<date>-<four random digits>`."""
    return Path("runs") / f"{task}-{date.today().isoformat()}-{token_hex(2)}"


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


def _run(
    folder: RunFolder,
    settings: Settings,
    evaluator: Evaluator,
    observer: Observer | None,
    note: Callable[[str], None] | None = None,
) -> Run:
    task = get_task(settings.task)
    with folder.lock(), _stop_signals() as stop:
        folder.drop_leftovers()
        checkpoint, damage = folder.load_checkpoint()
        if damage and note:
            note(damage)
        # Only now: a run that is in use or damaged keeps the settings it had.
        if changed_names(folder.settings, settings):
            folder.save_settings(settings)
        state = checkpoint.state if checkpoint else None
        evolution = Evolution(settings, len(task.inputs), len(task.outputs), state)
        totals = checkpoint.totals if checkpoint else Totals()
        folder.truncate_metrics(evolution.generation)
        folder.drop_champions_after(evolution.generation)
        if evolution.champion:
            _save_champion(folder, evolution.champion)
        return _Loop(folder, evolution, evaluator, totals, observer).run(stop)


class _Loop:
    """One session of a run: from where it stands until a stop rule holds or a signal comes."""

    def __init__(
        self,
        folder: RunFolder,
        evolution: Evolution,
        evaluator: Evaluator,
        totals: Totals,
        observer: Observer | None,
    ) -> None:
        self._folder = folder
        self._settings = folder.settings
        self._evolution = evolution
        self._evaluator = evaluator
        self._totals = totals
        self._observer = observer
        self._unsaved: list[dict[str, Any]] = []  # rows of metrics since the last checkpoint
        self._saved_at = time.monotonic()
        self._pace: list[tuple[float, int, int]] = [(time.monotonic(), totals.steps, evolution.generation)]

    def run(self, stop: threading.Event) -> Run:
        reason = self._stop_reason()
        while reason is None:
            row = self._generation()
            reason = self._stop_reason()
            stopping = reason is not None or stop.is_set()
            overdue = time.monotonic() - self._saved_at >= self._settings.checkpoint_seconds
            if overdue or stopping:
                self._save()
            if self._observer:
                self._observer(self._progress(row))
            if stopping and reason is None:
                raise Interrupted(self._where(None))
        return self._where(reason)

    def _where(self, reason: str | None) -> Run:
        return Run(self._folder.path, self._settings, self._evolution.generation, self._totals, reason)

    def _generation(self) -> dict[str, Any]:
        settings, evolution = self._settings, self._evolution
        begun = time.perf_counter()
        number = evolution.generation
        genomes = evolution.ask()
        networks = [compile_genome(genome) for genome in genomes]
        compiled = time.perf_counter()
        weights = generation_weights(settings, number)
        seeds = episode_seeds(settings.seed, Purpose.EPISODES, settings.episodes, number)
        rollouts = self._evaluator.evaluate(networks, weights, seeds)
        evaluated = time.perf_counter()
        scores = evolution.tell(rollouts.returns)
        told = time.perf_counter()
        confirming = self._confirm()
        ended = time.perf_counter()

        confirmed_seconds = ended - told
        evaluation = evaluated - compiled + confirmed_seconds
        variation = told - evaluated + compiled - begun
        champion = evolution.champion
        best = int(np.argmax(scores.mean))
        row = {
            "generation": evolution.generation,
            "best_mean": float(scores.mean[best]),
            "median_mean": float(np.median(scores.mean)),
            "best_weight_return": float(scores.best_weight.max()),
            "champion_mean": champion.mean if champion else float("nan"),
            "champion_best_weight": float(champion.returns.mean(axis=1).max()) if champion else float("nan"),
            "champion_connections": champion.genome.connection_count if champion else 0,
            "champion_nodes": champion.genome.node_id.size if champion else 0,
            "best_connections": int(scores.connections[best]),
            "best_nodes": int(scores.nodes[best]),
            "median_connections": float(np.median(scores.connections)),
            "median_nodes": float(np.median(scores.nodes)),
        }
        seconds = time.perf_counter() - begun
        self._totals = Totals(
            self._totals.evaluations + len(genomes) + confirming[0],
            self._totals.steps + int(rollouts.steps.sum()) + confirming[1],
            self._totals.seconds + seconds,
        )
        row |= {
            "evaluations": self._totals.evaluations,
            "steps": self._totals.steps,
            "seconds_evaluation": round(evaluation, 6),
            "seconds_variation": round(variation, 6),
            "seconds_other": round(seconds - evaluation - variation, 6),
        }
        self._unsaved.append(row)
        return row

    def _confirm(self) -> tuple[int, int]:
        """Try a candidate on fresh episodes; networks and environment steps that took."""
        settings, evolution = self._settings, self._evolution
        candidate = evolution.candidate()
        if candidate is None:
            return 0, 0
        weights = confirming_weights(settings)
        rollouts = self._evaluator.evaluate(
            [compile_genome(candidate)], weights, _confirming_seeds(settings, evolution.generation)
        )
        if evolution.confirm(candidate, weights, rollouts.returns[0]) and evolution.champion:
            _save_champion(self._folder, evolution.champion)
        return 1, int(rollouts.steps.sum())

    def _save(self) -> None:
        # The rows first: a checkpoint never stands for generations whose rows are not on disk.
        self._folder.append_metrics(self._unsaved)
        self._unsaved.clear()
        self._folder.save_checkpoint(Checkpoint(self._evolution.state, self._totals))
        self._saved_at = time.monotonic()

    def _stop_reason(self) -> str | None:
        settings, evolution, totals = self._settings, self._evolution, self._totals
        champion = evolution.champion
        reached = {
            "generations": evolution.generation >= settings.generations,
            "target_score": _at_least(champion.mean if champion else None, settings.target_score),
            "max_seconds": _at_least(totals.seconds, settings.max_seconds),
            "max_evaluations": _at_least(totals.evaluations, settings.max_evaluations),
            "patience": _at_least(evolution.state.stale, settings.patience),
        }
        return next((rule for rule, holds in reached.items() if holds), None)

    def _progress(self, row: Mapping[str, Any]) -> Progress:
        now, settings, totals = time.monotonic(), self._settings, self._totals
        self._pace.append((now, totals.steps, self._evolution.generation))
        del self._pace[:-50]
        then, steps, generation = self._pace[0]
        elapsed = max(now - then, 1e-9)
        per_generation = elapsed / max(self._evolution.generation - generation, 1)
        left = [(settings.generations - self._evolution.generation) * per_generation]
        if settings.max_seconds is not None:
            left.append(max(settings.max_seconds - totals.seconds, 0.0))
        if settings.max_evaluations is not None:
            generations = (settings.max_evaluations - totals.evaluations) / settings.population
            left.append(max(generations, 0.0) * per_generation)
        return Progress(settings, row, totals, (totals.steps - steps) / elapsed, min(left))


def _at_least(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value >= limit


def _confirming_seeds(settings: Settings, generation: int) -> tuple[int, ...]:
    return episode_seeds(settings.seed, Purpose.CONFIRMATION, settings.confirm_episodes, generation)


def _save_champion(folder: RunFolder, confirmed: Confirmed) -> None:
    settings = folder.settings
    task = get_task(settings.task)
    champion = Champion(
        task=task.name,
        inputs=task.inputs,
        outputs=task.outputs,
        genome=confirmed.genome,
        scores=Scores.from_returns(
            confirmed.weights, confirmed.returns, _confirming_seeds(settings, confirmed.generation)
        ),
        origin={"preset": settings.preset, "seed": settings.seed, "generation": confirmed.generation},
    )
    folder.save_champion(champion, confirmed.generation)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Event that SIGINT and SIGTERM set, so that a run ends after saving; a second SIGINT ends it at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
