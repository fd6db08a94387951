"""The loop: ask, evaluate, tell, confirm, record, save; resume; stop cleanly."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np

from wann.champion import Champion, Scores, load_champion
from wann.config import CHANGEABLE, Settings, build_settings, changed_names, with_changes
from wann.evaluator import Effort, Evaluator, LocalEvaluator
from wann.evolution import Confirmed, Evolution, phenotype
from wann.front import front_of, front_to_json, load_front
from wann.genome import Genome
from wann.network import FloatArray, Network, compile_genome
from wann.placement import Note, Placement, open_evaluator
from wann.rollout import Rollouts
from wann.seeding import Purpose, episode_seeds
from wann.stepping import Verdict
from wann.stopping import BrokenOff, Stop, stop_signals
from wann.storage import Checkpoint, RunFolder, Totals, as_initial, is_run
from wann.tasks import DataTask, GymnasiumTask, Task, best_stepping, get_task, preset_settings
from wann.weights import Occasion, confirming_weights, duel_weights, generation_weights, noisy_weights


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands."""

    settings: Settings
    generation: int  # how many are complete
    share: float  # of the next one that is done, 0 to 1
    row: Mapping[str, Any] | None  # the last one's row of metrics; None where this session has none yet
    totals: Totals
    effort: Effort  # of the last evaluation
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


class SearchFailedError(RuntimeError):
    """Most networks of a generation could not be evaluated; the run is saved as it was before it."""


Observer = Callable[[Progress], None]


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

    Where it runs never changes a number: threads, Ray workers and clusters give the same bits.

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
        settings: any setting of `wann.config.Settings` by name, in place of the preset's.

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


@dataclass(frozen=True, slots=True)
class Found:
    """What a search without a run folder ends with."""

    champion: Champion | None  # None where no network had finite returns
    rows: tuple[Mapping[str, Any], ...]  # the metrics, one for each generation
    stopped_by: str  # the stop rule that ended it


def search_in_memory(
    task: Task, settings: Settings, *, threads: int | None = None, observer: Observer | None = None
) -> Found:
    """Search on a task that is at hand, writing no file.

    Args:
        task: what networks are scored on.
        settings: of the search; those that name a task are words for the observer only.
        threads, observer: as `search`.

    Raises:
        SearchFailedError: most networks of a generation could not be evaluated.
    """
    memory = _Memory(settings)
    evolution = Evolution(settings, len(task.inputs), len(task.outputs))
    with LocalEvaluator(task, settings.max_steps, threads) as evaluator:
        ended = _Loop(memory, task, evolution, evaluator, Totals(), observer, None, Stop()).run()
    return Found(memory.champion, tuple(memory.rows), str(ended.stopped_by))


def resume(
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    observer: Observer | None = None,
    note: Note | None = None,
    **changes: Any,
) -> Run:
    """Go on with a run exactly where it stopped, on any number of threads or workers.

    Args:
        path: its run folder.
        threads, workers, address, observer: as `search`.
        note: told in a line what a user should know, such as that the last checkpoint was damaged and the
            one before it is used.
        changes: new values of stop rules.

    Raises:
        ValueError: the folder is no run that can go on, or a change is not one of a stop rule.
        SearchFailedError, Interrupted: as `search`.
    """
    placement = Placement(threads, workers, address)
    folder = RunFolder.open(path)
    for name in changes:
        if name in Settings.model_fields and name not in CHANGEABLE:
            raise ValueError(
                f"setting {name!r} determines the run and cannot change when it is resumed; "
                f"these can: {', '.join(CHANGEABLE)}"
            )
    return _run(folder, with_changes(folder.settings, changes), placement, observer, note)


def pick(
    path: str | os.PathLike[str],
    which: int | str,
    *,
    threads: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    note: Note | None = None,
) -> Champion:
    """A member of a run's Pareto front as a champion, confirmed on fresh episodes as the run's own are.

    Args:
        path: the run folder.
        which: as `wann.front.Front.position`.
        threads, workers, address, note: as `search`.
        progress: called with the episodes done and to be done.

    Raises:
        ValueError: the folder is no run, has no front, or its front no such member.
        RuntimeError: the environment fails.
    """
    settings, front = RunFolder.open(path).settings, load_front(path)
    genome, generation = front.members[front.position(which)].genome, front.generation
    placement = Placement(threads, workers, address)
    champions, failures = _confirm(settings, [genome], generation, placement, progress, note)
    if failures:
        raise RuntimeError(f"the network could not be evaluated: {failures[0][1]}")
    return champions[0]


def last_networks(
    path: str | os.PathLike[str],
    *,
    most: int | None = None,
    threads: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    note: Note | None = None,
) -> list[Champion]:
    """The networks that a run has come to, each as a champion, confirmed on fresh episodes.

    First its champion, then those that it would evaluate next: the elites, best first, and their children.
    Of each phenotype there is one; none of those to come lacks a connection to an output, and none failed.

    Args:
        path: the run folder.
        most: so many at most.
        threads, workers, address, note: as `search`.
        progress: as `pick`.

    Raises:
        ValueError: the folder is no run, or has no champion yet.
    """
    folder = RunFolder.open(path)
    champion = load_champion(folder.path)
    checkpoint, damage = folder.load_checkpoint()
    if damage and note:
        note(damage)
    once = {phenotype(champion.genome): champion.genome}
    for genome in checkpoint.state.population if checkpoint else ():
        if compile_genome(genome).sources.size:
            once.setdefault(phenotype(genome), genome)
    genomes = [*once.values()][1:most]
    if not genomes or checkpoint is None:
        return [champion]
    placement, generation = Placement(threads, workers, address), checkpoint.state.generation
    champions, failures = _confirm(folder.settings, genomes, generation, placement, progress, note)
    failed = {index for index, _ in failures}
    return [champion, *(other for index, other in enumerate(champions) if index not in failed)]


def _confirm(
    settings: Settings,
    genomes: Sequence[Genome],
    generation: int,
    placement: Placement,
    progress: Callable[[int, int], None] | None,
    note: Note | None,
) -> tuple[list[Champion], Sequence[tuple[int, str]]]:
    """Networks of a run as champions, confirmed on fresh episodes; and which failed, and why."""
    task, networks = task_of(settings), [compile_genome(genome) for genome in genomes]
    sets = weights = confirming_weights(settings)
    seeds = _confirming_seeds(settings, generation)
    if settings.weight_noise:  # scatters those of every network in its own way
        sets = np.concatenate(
            [_confirmation(settings, network, generation)[0] for network in networks], axis=1
        )
    total = len(networks) * len(weights) * len(seeds)

    def advance(share: float) -> None:
        if progress:
            progress(round(share * total), total)

    with open_evaluator(task, settings.max_steps, placement, total, note) as evaluator:
        rollouts = evaluator.evaluate(networks, sets, seeds, confirming=True, progress=advance)
    champions = [
        _champion_of(settings, task, Confirmed(genome, generation, weights, returns))
        for genome, returns in zip(genomes, rollouts.returns, strict=True)
    ]
    return champions, rollouts.failures


def resolve(
    task: str,
    preset: str | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    note: Note | None = None,
) -> Settings:
    """The settings of a search: the preset's, then those given; and what the environment needs, found out.

    Raises:
        ValueError: a name or value is wrong.
    """
    settings = dict(settings or {})
    found = get_task(task, env_kwargs, settings.get("stepping"))
    if isinstance(found, DataTask):
        found = found.read()
    if "stepping" not in settings:
        settings["stepping"] = best_stepping(found)
    resolved = build_settings(preset_settings(found, preset), settings)
    if isinstance(found, DataTask) and resolved.champion_rule == "duel":
        raise ValueError(
            f"setting 'champion_rule': {task} is a data set, with one validation part and no fresh episodes "
            "for a duel: set it to 'record'"
        )
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


def task_of(settings: Settings) -> Task:
    """The task that a run's settings name."""
    return get_task(
        settings.task, settings.env_kwargs, settings.stepping, settings.fresh_env, settings.episode_seconds
    )


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


def new_run_path(task: str) -> Path:
    """A run folder's default place: `runs/<task>-<date>-<four random digits>`."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", task)
    return Path("runs") / f"{name}-{date.today().isoformat()}-{token_hex(2)}"


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
        except ValueError:
            folder.remove_if_empty()  # so that the same command works when what is wrong has been mended
            raise
        stop = stack.enter_context(stop_signals())
        folder.drop_leftovers()
        checkpoint, damage = folder.load_checkpoint()
        if damage and note:
            note(damage)
        # Only now: a run that is in use or damaged keeps the settings it had.
        if changed_names(folder.settings, settings):
            folder.save_settings(settings)
        state = checkpoint.state if checkpoint else None
        evolution = Evolution(
            settings, len(task.inputs), len(task.outputs), state, initial.genome if initial else None
        )
        totals = checkpoint.totals if checkpoint else Totals()
        folder.truncate_metrics(evolution.generation)
        folder.drop_champions_after(evolution.generation)
        loop = _Loop(folder, task, evolution, evaluator, totals, observer, note, stop)
        if evolution.champion:
            loop.save_champion(evolution.champion)
        loop.save_front()
        return loop.run()


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


class _Loop:
    """One session of a run: from where it stands until a stop rule holds or a signal comes."""

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
        seeds = episode_seeds(settings.seed, Purpose.EPISODES, settings.episodes, number)
        rollouts = self._evaluate(networks, weights, seeds)
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

    def _evaluate(
        self,
        networks: Sequence[Network],
        weights: FloatArray,
        seeds: Sequence[int],
        *,
        confirming: bool = False,
    ) -> Rollouts:
        """Evaluate; where that may take long a signal breaks it off, else the generation ends first."""
        here = isinstance(self._evaluator, LocalEvaluator)
        # Ray's own compiled code must not be left by an exception: there the signal is seen between waits.
        self._stop.raises = here and not self._task.threaded

        def progress(share: float) -> None:
            if not here and self._stop.is_set():
                raise BrokenOff
            if not confirming:
                self._show(share)

        try:
            return self._evaluator.evaluate(
                networks, weights, seeds, confirming=confirming, progress=progress
            )
        finally:
            self._stop.raises = False

    def _look_at_failures(self, rollouts: Rollouts, count: int) -> None:
        """Log what failed.

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
            raise SearchFailedError(
                f"{len(failures)} of {count} networks of generation {generation} could not be evaluated; the "
                f"run is saved, and 'wann resume' tries again. All reasons are in {log}; the first:\n{first}"
            )
        if self._note and not (self._row and self._row["failed"]):
            self._note(
                f"{len(failures)} of {count} networks of generation {generation} could not be evaluated and "
                f"rank last ({first.splitlines()[0]}); all reasons are in {log}"
            )

    def _confirm(self) -> tuple[int, int]:
        """Try a candidate on fresh episodes; networks and environment steps that took."""
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
        scattered, seeds = _confirmation(settings, network, evolution.generation)
        rollouts = self._confirming([network], scattered, seeds)
        if evolution.confirm(candidate, weights, rollouts.returns[0]) and evolution.champion:
            self.save_champion(evolution.champion)
        return networks + 1, steps + int(rollouts.steps.sum())

    def _duel(self, champion: Network, challenger: Network) -> tuple[bool, int, int]:
        """Whether a challenger is clearly the better one on fresh episodes; networks and steps that took.

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
        """Evaluate on the environment that counts, and log what fails."""
        rollouts = self._evaluate(networks, weights, seeds, confirming=True)
        if rollouts.failures:
            self._folder.log_failures(self._evolution.generation, rollouts.failures)
        return rollouts

    def save_champion(self, confirmed: Confirmed) -> None:
        """Write a champion's file."""
        champion = _champion_of(self._settings, self._task, confirmed)
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
        """Tell the observer where the run stands, with a share of the next generation done."""
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


def _confirmation(
    settings: Settings, network: Network, generation: int
) -> tuple[FloatArray, tuple[int, ...]]:
    """Weights, with noise where the settings ask for it, and episode seeds that confirm a network."""
    weights = noisy_weights(
        settings, confirming_weights(settings), network.mark, generation, Occasion.CONFIRMATION
    )
    return weights, _confirming_seeds(settings, generation)


def _confirming_seeds(settings: Settings, generation: int) -> tuple[int, ...]:
    return episode_seeds(settings.seed, Purpose.CONFIRMATION, settings.confirm_episodes, generation)


def _champion_of(settings: Settings, task: Task, confirmed: Confirmed) -> Champion:
    noise = {"weight_noise": settings.weight_noise} if settings.weight_noise else {}
    return Champion(
        task=task.name,
        inputs=task.inputs,
        outputs=task.outputs,
        genome=confirmed.genome,
        scores=Scores.from_returns(
            confirmed.weights, confirmed.returns, _confirming_seeds(settings, confirmed.generation)
        ),
        origin={
            "preset": settings.preset,
            "seed": settings.seed,
            "generation": confirmed.generation,
            "stepping": settings.stepping,
            **noise,
        },
        env_kwargs=settings.env_kwargs,
        fresh_env=settings.fresh_env,
    )
