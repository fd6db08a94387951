"""The loop of a search: ask, evaluate, tell, confirm, record, save; and its clean stop."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wann.champion import Champion, load_champion
from wann.evaluation.evaluator import Effort, Evaluator, LocalEvaluator
from wann.evaluation.placement import Note
from wann.evaluation.stoppable import Stoppable
from wann.evolution.evolution import Confirmed, Evolution, EvolutionState
from wann.evolution.shared_weights import (
    Occasion,
    confirming_weights,
    duel_weights,
    generation_weights,
    noisy_weights,
)
from wann.networks.network import Network, compile_genome
from wann.rollouts.job import Seeds
from wann.rollouts.result import Rollouts
from wann.run.checkpoint import Checkpoint, Totals
from wann.run.confirming import champion_of, confirmation
from wann.run.folder import RunFolder
from wann.run.front import front_of, front_to_json
from wann.settings import Settings
from wann.tasks.task import Task
from wann.tasks.trust import trust_word
from wann.utils.arrays import FloatArray
from wann.utils.seeding import Purpose, episode_seeds
from wann.utils.signals import BrokenOff, Stop


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run, for its observer."""

    settings: Settings
    generation: int  # number of complete generations
    share: float  # finished part of the next generation, 0 to 1
    row: Mapping[str, Any] | None  # metrics of the last generation; None before the first one of this session
    totals: Totals
    effort: Effort  # of the last evaluation
    steps_per_second: float  # over the last generations
    seconds_left: float  # estimate for the first stop rule that will hold


@dataclass(frozen=True, slots=True)
class Run:
    """A run at the end of a search."""

    path: Path
    settings: Settings
    generations: int
    totals: Totals
    stopped_by: str | None  # the stop rule that ended it; None after a signal

    @property
    def champion(self) -> Champion:
        """The best confirmed network.

        Raises:
            ValueError: there is none, because no network had finite returns.
        """
        return load_champion(self.path)


class Interrupted(KeyboardInterrupt):
    """A signal (Ctrl-C, SIGTERM) ended a search, which is saved; `run` holds its state.

    As a KeyboardInterrupt, it also ends a script that runs one search after the other.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(f"the search in {run.path} was interrupted; it is saved")
        self.run = run


class SearchFailedError(RuntimeError):
    """Most networks of a generation could not be evaluated; the run is saved as it was before it."""


Observer = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search without a run folder."""

    champion: Champion | None  # None if no network had finite returns
    rows: tuple[Mapping[str, Any], ...]  # the metrics, one for each generation
    stopped_by: str  # the stop rule that ended it
    state: EvolutionState  # where it ended, for another search to go on from


def search_in_memory(
    task: Task,
    settings: Settings,
    *,
    threads: int | None = None,
    observer: Observer | None = None,
    start: EvolutionState | None = None,
) -> Found:
    """Search on a given task, without writing files.

    Args:
        task: what networks are scored on.
        settings: of the search; those that name a task are words for the observer only.
        threads, observer: as `search`.
        start: state to go on from, such as that of an earlier search; a new population by default.

    Raises:
        SearchFailedError: most networks of a generation could not be evaluated.
    """
    memory = _Memory(settings)
    evolution = Evolution(settings, len(task.inputs), len(task.outputs), start)
    with LocalEvaluator(task, settings.max_steps, threads) as evaluator:
        ended = Loop(memory, task, evolution, evaluator, Totals(), observer, None, Stop()).run()
    return Found(memory.champion, tuple(memory.rows), str(ended.stopped_by), evolution.state)


class _Memory:
    """Stands in for a run folder: keeps the rows of metrics and the champion."""

    path = Path("memory")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rows: list[Mapping[str, Any]] = []
        self.champion: Champion | None = None

    def append_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows += rows

    def save_champion(self, champion: Champion, generation: int) -> None:  # noqa: ARG002
        self.champion = champion

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        pass

    def save_front(self, text: str) -> None:
        pass

    def drop_front(self) -> None:
        pass

    def log_failures(self, generation: int, failures: Sequence[tuple[int, str]]) -> None:
        pass


class Loop:
    """One session of a run: continues it until a stop rule holds or a signal comes."""

    def __init__(
        self,
        folder: RunFolder | _Memory,
        task: Task,
        evolution: Evolution,
        evaluator: Evaluator,
        totals: Totals,
        observer: Observer | None,
        note: Note | None,
        stop: Stop,
    ) -> None:
        self._folder = folder
        self._settings = folder.settings
        self._task = task
        self._evolution = evolution
        self._evaluator = evaluator
        self._stoppable = Stoppable(evaluator, task, stop)
        self._totals = totals
        self._observer = observer
        self._note = note
        self._stop = stop
        self._row: dict[str, Any] | None = None  # of the last generation
        self._unsaved: list[dict[str, Any]] = []  # rows of metrics since the last checkpoint
        self._saved_at = self._front_due = time.monotonic()
        self._pace: list[tuple[float, int, int]] = [(time.monotonic(), totals.steps, evolution.generation)]
        self._effort = evaluator.effort

    def run(self) -> Run:
        """Run until a stop rule or a signal ends the search.

        Raises:
            SearchFailedError: most networks of a generation could not be evaluated; the run is saved.
        """
        reason = self._stop_reason()
        while reason is None:
            before = self._evolution.state
            try:
                self._row = self._generation()
            except (BrokenOff, SearchFailedError) as error:
                # The generation is dropped: it will be computed again, to the same bits.
                self._evolution = Evolution(
                    self._settings, len(self._task.inputs), len(self._task.outputs), before
                )
                self._save()
                self.save_front()
                if isinstance(error, BrokenOff):
                    raise Interrupted(self._where(None)) from None
                raise
            reason = self._stop_reason()
            stopping = reason is not None or self._stop.is_set()
            overdue = time.monotonic() - self._saved_at >= self._settings.checkpoint_seconds
            if overdue or stopping:
                self._save()
                if stopping or time.monotonic() >= self._front_due:
                    self.save_front()
            self._pace.append((time.monotonic(), self._totals.steps, self._evolution.generation))
            del self._pace[:-50]
            self._show(0.0)
            if stopping and reason is None:
                raise Interrupted(self._where(None))
        return self._where(reason)

    def _where(self, reason: str | None) -> Run:
        return Run(self._folder.path, self._settings, self._evolution.generation, self._totals, reason)

    def _generation(self) -> dict[str, Any]:
        settings, evolution = self._settings, self._evolution
        begun = time.perf_counter()
        number = evolution.generation
        genomes, networks = evolution.ask(), evolution.networks
        compiled = time.perf_counter()
        marks = np.concatenate([network.mark for network in networks])
        weights = noisy_weights(settings, generation_weights(settings, number), marks, number)
        count = settings.episodes * (len(weights) if settings.own_episodes else 1)
        skipped = settings.skip_episodes.count(number + 1)
        seeds: Seeds = episode_seeds(settings.seed, Purpose.EPISODES, count, number, skipped)
        if settings.own_episodes:
            seeds = np.reshape(seeds, (len(weights), settings.episodes))
        rollouts = self._stoppable.evaluate(networks, weights, seeds, progress=self._show)
        self._effort = self._evaluator.effort
        self._look_at_failures(rollouts, len(genomes))
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
            "failed": len(rollouts.failures),
            "seconds_evaluation": round(evaluation, 6),
            "seconds_waiting": round(self._effort.waiting, 6),
            "seconds_variation": round(variation, 6),
            "seconds_other": round(seconds - evaluation - variation, 6),
            "workers": self._effort.workers,
            "retried": self._effort.retried,
        }
        self._unsaved.append(row)
        return row

    def _look_at_failures(self, rollouts: Rollouts, count: int) -> None:
        """Log failed networks.

        Raises:
            SearchFailedError: most of the generation did.
        """
        failures = rollouts.failures
        if not failures:
            return
        generation = self._evolution.generation + 1
        self._folder.log_failures(generation, failures)
        first = failures[0][1]
        log = self._folder.path / "failures.log"
        if 2 * len(failures) > count:
            slow = any("took longer than" in reason or "time limit" in reason for _, reason in failures)
            longer = ", --set episode_seconds=N gives them more time" * slow
            again = f"wann resume {shlex.quote(str(self._folder.path))}"
            again += trust_word(self._settings.task, self._settings.env_kwargs)
            raise SearchFailedError(
                f"{len(failures)} of {count} networks of generation {generation} could not be evaluated; the "
                f"run is saved, and '{again}' plays the same "
                f"episodes again{longer}, --set skip_episodes={generation} plays others. All reasons are in "
                f"{log}; the first:\n{first}"
            )
        if self._note and not (self._row and self._row["failed"]):
            self._note(
                f"{len(failures)} of {count} networks of generation {generation} could not be evaluated and "
                f"rank last ({first.splitlines()[0]}); all reasons are in {log}"
            )

    def _confirm(self) -> tuple[int, int]:
        """Try a candidate on fresh episodes; gives the numbers of networks and environment steps used."""
        settings, evolution = self._settings, self._evolution
        candidate = evolution.candidate()
        if candidate is None:
            return 0, 0
        network, weights = compile_genome(candidate), confirming_weights(settings)
        networks = steps = 0
        if settings.champion_rule == "duel" and evolution.champion:
            won, networks, steps = self._duel(compile_genome(evolution.champion.genome), network)
            if not won:
                return networks, steps
        scattered, seeds = confirmation(settings, network, evolution.generation)
        rollouts = self._confirming([network], scattered, seeds)
        if evolution.confirm(candidate, weights, rollouts.returns[0]) and evolution.champion:
            self.save_champion(evolution.champion)
        return networks + 1, steps + int(rollouts.steps.sum())

    def _duel(self, champion: Network, challenger: Network) -> tuple[bool, int, int]:
        """Whether a challenger is clearly better on fresh episodes; and the networks and steps used.

        Clearly is by two standard errors of the difference: there is a challenger in every generation, and a
        champion would else give way to luck again and again. A quarter of the episodes comes first, where
        most challengers lose: they had luck in their generation.
        """
        settings, generation = self._settings, self._evolution.generation
        pair, weights = [champion, challenger], duel_weights(settings, generation)
        marks = np.concatenate([network.mark for network in pair])
        scattered = noisy_weights(settings, weights, marks, generation, Occasion.DUEL)
        episodes = -(-settings.confirm_episodes // 2)
        seeds = episode_seeds(settings.seed, Purpose.DUEL, episodes, generation)
        first, steps = -(-episodes // 4), 0
        leads = np.empty((len(weights), 0))
        for part in filter(len, (seeds[:first], seeds[first:])):
            rollouts = self._confirming(pair, scattered, part)
            leads = np.concatenate([leads, rollouts.returns[1] - rollouts.returns[0]], axis=1)
            steps += int(rollouts.steps.sum())
            if not leads.mean() > 0.0:  # nor where an environment failed
                return False, 2, steps
        return bool(leads.mean() > 2.0 * leads.std() / np.sqrt(leads.size)), 2, steps

    def _confirming(self, networks: Sequence[Network], weights: FloatArray, seeds: Sequence[int]) -> Rollouts:
        """Evaluate on the task's own environment, and log failures."""
        rollouts = self._stoppable.evaluate(networks, weights, seeds, confirming=True)
        if rollouts.failures:
            self._folder.log_failures(self._evolution.generation, rollouts.failures)
        return rollouts

    def save_champion(self, confirmed: Confirmed) -> None:
        """Write a champion's file."""
        champion = champion_of(self._settings, self._task, confirmed)
        self._folder.save_champion(champion, confirmed.generation)

    def _save(self) -> None:
        # The rows first: a checkpoint never stands for generations whose rows are not on disk.
        self._folder.append_metrics(self._unsaved)
        self._unsaved.clear()
        state = self._evolution.state
        if state.told:
            state = replace(state, told=state.told.front(self._settings.named_objectives))
        self._folder.save_checkpoint(Checkpoint(state, self._totals))
        self._saved_at = time.monotonic()

    def save_front(self) -> None:
        """Write the Pareto front of the last complete generation, which the checkpoint has too."""
        begun = time.monotonic()
        front = front_of(self._settings, self._task, self._evolution.state)
        if front:
            self._folder.save_front(front_to_json(front))
        else:
            self._folder.drop_front()
        # While the run goes on it may cost a hundredth of the time.
        self._front_due = begun + 100.0 * (time.monotonic() - begun)

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

    def _show(self, share: float) -> None:
        """Tell the observer the progress, with the finished share of the next generation."""
        if not self._observer:
            return
        settings, totals, generation = self._settings, self._totals, self._evolution.generation
        then, steps, first = self._pace[0]
        elapsed = max(time.monotonic() - then, 1e-9)
        done = generation + share
        per_generation = elapsed / (done - first) if done > first else math.inf
        left = [(settings.generations - done) * per_generation]
        if settings.max_seconds is not None:
            left.append(max(settings.max_seconds - totals.seconds, 0.0))
        if settings.max_evaluations is not None:
            generations = (settings.max_evaluations - totals.evaluations) / settings.population
            left.append(max(generations, 0.0) * per_generation)
        pace = (totals.steps - steps) / elapsed
        self._observer(
            Progress(settings, generation, share, self._row, totals, self._effort, pace, min(left))
        )


def _at_least(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value >= limit
