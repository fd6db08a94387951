"""A race of networks: which of them is the best when its weights are tuned, by successive halving.

Everything lies in a folder, from which an interrupted race goes on:

race.json           the plan, and the seconds so far
entrants/0017.json  the networks, as champion files
round-1/0017.json   what a tuning of that round made of one
champion.json       the best of all tunings; there when the race has ended
"""

from __future__ import annotations

import math
import os
import secrets
import shutil
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from wann.champion import Champion, dump_json, load_champion, need, parse_json, read_text, save_champion
from wann.entrants import Entrants
from wann.evaluator import Evaluator
from wann.files import atomic_path, lock_folder
from wann.placement import Note, Placement, open_evaluator
from wann.stopping import Stop, stop_signals
from wann.tune import (
    EpisodeFailedError,
    Interrupted,
    Observer,
    Progress,
    Tuned,
    check_method,
    resume_tuning,
    stepped_task,
    tune,
)
from wann.tuning import Plan, is_tuning, plan_from, state_path

FORMAT, VERSION = "wann-race", 1

_ROUNDS = 3  # at most
_SHARE = 4  # one of so many goes on, with so many times the budget


def race(
    entrants: Entrants,
    out: str | os.PathLike[str],
    *,
    threads: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    observer: Observer | None = None,
    note: Note | None = None,
    **plan: Any,
) -> Tuned:
    """Tune many networks, the more promising ones longer, and keep the best that came of it.

    All are tuned with a sixteenth of the budget, the best quarter of them with a quarter, and the best
    quarter of these with the whole; up to four networks need two such rounds, one needs one. Each tuning
    starts anew, all are judged on the same episodes, by which their weights were chosen, and the best of
    all rounds wins.

    Args:
        entrants: from `wann.entrants.entrants_of`; of one task.
        out: a new folder.
        threads, workers, address: where it is computed, as for `wann.search`; never changes a number.
        observer: called after every generation of a tuning; it counts the evaluations of all.
        note: told in a line what a user should know.
        plan: fields of `wann.tuning.Plan`, but `freeze` and `weight`; the budget is that of the last round.

    Returns:
        The best champion with its tuned weights; `tuning["race"]` says what it was chosen from. Its scores
        before and after are of fresh episodes that no choice has seen.

    Raises:
        ValueError: an argument is wrong, or the folder cannot be written.
        RuntimeError: the environment fails.
        Interrupted: a signal ended the race, after saving.

    Source: successive halving, Jamieson and Talwalkar (2016), Algorithm 1.
    """
    placement = Placement(threads, workers, address)
    for name in ("freeze", "weight"):
        if name in plan:
            raise ValueError(f"a race has no {name!r}: what it means differs from network to network")
    given = plan_from(plan)
    if not entrants.champions:
        raise ValueError("a race needs at least one network")
    check_method(given, stepped_task(entrants.champions[0]))
    folder = Path(out)
    check_new(folder)
    state = _State(given, len(entrants.champions), entrants.own, 0.0)
    _create(folder, entrants, state)
    (_, least), *later = rounds_of(state.networks, given.budget)
    if later and least < given.population and note:
        note(
            f"the first round's budget, {least}, is less than a generation of {given.population}: "
            "a larger --budget tells the networks apart better"
        )
    return _Session(folder, state, placement, observer, note).run()


def resume_race(
    out: str | os.PathLike[str],
    *,
    threads: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    observer: Observer | None = None,
    note: Note | None = None,
    **changes: Any,
) -> Tuned:
    """Go on with a race exactly where it stopped.

    Args:
        out: its folder.
        threads, workers, address, observer, note: as `race`.
        changes: none.

    Raises:
        ValueError: the folder is no race, it is damaged, or something is to change.
        RuntimeError, Interrupted: as `race`.
    """
    for name in changes:
        raise ValueError(
            f"setting {name!r} determines the race and cannot change: race anew to another --out"
        )
    folder = Path(out)
    placement = Placement(threads, workers, address)
    return _Session(folder, _State.load(folder), placement, observer, note).run()


def is_race(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a race."""
    return (Path(path) / "race.json").is_file()


def rounds_of(networks: int, budget: int) -> list[tuple[int, int]]:
    """How many networks each round tunes, and with how many evaluations each."""
    count = 1
    while count < _ROUNDS and _SHARE ** (count - 1) < networks:
        count += 1
    return [
        (math.ceil(networks / _SHARE**number), max(1, budget // _SHARE ** (count - 1 - number)))
        for number in range(count)
    ]


def check_new(folder: Path) -> None:
    """Refuse a folder that a race cannot begin in.

    Raises:
        ValueError: there is something in it, or it is none.
    """
    if is_race(folder):
        raise ValueError(
            f"{folder} holds a race already: go on with wann resume {folder}, or choose another --out"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not an empty folder: choose another --out")
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise ValueError(f"cannot write to {folder}: {there} is no folder to write to")


def _create(folder: Path, entrants: Entrants, state: _State) -> None:
    """Make the folder of a race: aside and then renamed, so that it is there whole or not at all."""
    aside = folder.with_name(f".wann-{secrets.token_hex(8)}")
    try:
        (aside / "entrants").mkdir(parents=True)
        for index, champion in enumerate(entrants.champions):
            save_champion(champion, _entrant_path(aside, index))
        state.save(aside)
        if folder.exists():  # and empty
            folder.rmdir()
        aside.rename(folder)
    except OSError as error:
        raise ValueError(f"cannot write to {folder}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _entrant_path(folder: Path, index: int) -> Path:
    return folder / "entrants" / f"{index:04d}.json"


@dataclass
class _State:
    """What a race keeps beside its champion files."""

    plan: Plan
    networks: int
    own: tuple[int, ...]  # entrants that are the champions of their runs
    seconds: float

    def save(self, folder: Path) -> None:
        data = {
            "format": FORMAT,
            "version": VERSION,
            "plan": asdict(self.plan),
            "networks": self.networks,
            "own": list(self.own),
            "seconds": self.seconds,
        }
        with atomic_path(folder / "race.json") as temporary:
            temporary.write_text(dump_json(data) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> _State:
        path = folder / "race.json"
        try:
            data = parse_json(read_text(path, "race"), "a race", FORMAT, VERSION)
            plan, own = plan_from(need(data, "plan", dict)), need(data, "own", list)
            networks, seconds = data.get("networks"), data.get("seconds")
            if not isinstance(networks, int) or networks < 1 or not isinstance(seconds, int | float):
                raise ValueError("'networks' and 'seconds' must be numbers")
            if not all(isinstance(index, int) and 0 <= index < networks for index in own):
                raise ValueError("'own' must list networks of the race")
            return cls(plan, networks, tuple(own), float(seconds))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from None


class _Session:
    """One session of a race: from where it stands until it ends or a signal comes."""

    def __init__(
        self, folder: Path, state: _State, placement: Placement, observer: Observer | None, note: Note | None
    ) -> None:
        self._folder, self._state = folder, state
        self._placement, self._observer, self._note = placement, observer, note
        self._rounds = rounds_of(state.networks, state.plan.budget)
        self._plans = [replace(state.plan, budget=budget) for _, budget in self._rounds]
        self._costs = [plan.generations * plan.population for plan in self._plans]
        self._total = sum(size * cost for (size, _), cost in zip(self._rounds, self._costs, strict=True))
        self._before = 0  # evaluations of all tunings that have ended
        self._begun = time.monotonic()
        self._best = -math.inf  # of those
        self._progress = Progress(0, self._total, math.nan, math.nan, math.nan, state.seconds)

    def run(self) -> Tuned:
        """Go on to the end of the race."""
        with ExitStack() as stack:
            stack.enter_context(lock_folder(self._folder, "process is running this race"))
            if (self._folder / "champion.json").exists():
                champion = load_champion(self._folder)
                self._before = self._total
                return Tuned(self._folder / "champion.json", champion, self._at(0, math.nan, ""))
            for leftover in self._folder.rglob(".wann-*"):  # of a killed process
                leftover.unlink(missing_ok=True)
            stop = stack.enter_context(stop_signals())
            entrants = [
                load_champion(_entrant_path(self._folder, index)) for index in range(self._state.networks)
            ]
            task, plan = stepped_task(entrants[0]), self._state.plan
            episodes = plan.episodes_until(plan.generations) // plan.generations
            evaluator = stack.enter_context(
                open_evaluator(task, task.episode_steps, self._placement, episodes, self._note)
            )
            try:
                champion = self._race(entrants, evaluator, stop)
            except KeyboardInterrupt:
                raise Interrupted(Tuned(self._folder, None, self._progress)) from None
            finally:
                self._save_seconds()
            return Tuned(self._folder / "champion.json", champion, self._progress)

    def _race(self, entrants: Sequence[Champion], evaluator: Evaluator, stop: Stop) -> Champion:
        field = list(range(len(entrants)))
        best, rows, failed = None, [], None
        for number, (size, _) in enumerate(self._rounds, 1):
            (self._folder / f"round-{number}").mkdir(exist_ok=True)
            tuned: dict[int, Champion] = {}
            begun = self._before
            there = sorted(field[:size])
            for place, index in enumerate(there):
                if stop.is_set():
                    raise KeyboardInterrupt
                self._before = begun + place * self._costs[number - 1]
                part = f"round {number}/{len(self._rounds)}, network {place + 1}/{len(there)}"
                try:
                    tuned[index] = self._tuned(entrants[index], number, index, evaluator, part)
                except EpisodeFailedError as error:
                    failed = error
                    if self._note:
                        self._note(f"network {index} is out of the race: {error}")
                    continue
                if best is None or _judged(tuned[index]) > _judged(best[2]):
                    best = (number, index, tuned[index])
            if not tuned:
                break
            self._before = begun + size * self._costs[number - 1]
            field = sorted(tuned, key=lambda index: (-_judged(tuned[index]), index))
            rows.append(self._row(self._plans[number - 1], tuned))
        if best is None:
            assert failed is not None  # noqa: S101 - there is an entrant
            raise failed
        number, index, champion = best
        told = {"networks": len(entrants), "round": number, "network": index, "rounds": rows}
        champion = replace(champion, tuning={**champion.tuning, "race": told})
        save_champion(champion, self._folder / "champion.json")
        self._before = self._total
        self._show(0, math.nan, self._progress.part)
        return champion

    def _row(self, plan: Plan, tuned: Mapping[int, Champion]) -> dict[str, Any]:
        """What a round came to."""
        judged = {index: _judged(champion) for index, champion in tuned.items()}
        own = [judged[index] for index in self._state.own if index in judged]
        return {
            "networks": len(tuned),
            "evaluations": plan.generations * plan.population,
            "best": max(judged.values()),
            "median": statistics.median(judged.values()),
            "champion": max(own, default=None),
        }

    def _tuned(self, entrant: Champion, number: int, index: int, evaluator: Evaluator, part: str) -> Champion:
        """An entrant, tuned in a round: now, or before."""
        path, plan = self._folder / f"round-{number}" / f"{index:04d}.json", self._plans[number - 1]
        if path.exists():
            champion = load_champion(path)
        else:

            def observe(now: Progress) -> None:
                self._show(now.done, now.best, part)

            shared: dict[str, Any] = {"evaluator": evaluator, "observer": observe, "note": self._note}
            result = (
                resume_tuning(path, **shared)
                if is_tuning(path)
                else tune(entrant, path, **shared, **asdict(plan))
            )
            assert result.champion is not None  # noqa: S101 - a signal raises
            champion = result.champion
        state_path(path).unlink(missing_ok=True)  # nothing goes on with it, and there are many
        self._best = max(self._best, _judged(champion))
        self._at(0, self._best, part)
        return champion

    def _at(self, done: int, best: float, part: str) -> Progress:
        """Where the race stands, so many evaluations into a tuning that has come to such a mean return."""
        self._progress = Progress(
            self._before + done,
            self._total,
            math.nan,
            best if math.isinf(self._best) else self._best,
            math.nan,
            self._state.seconds + time.monotonic() - self._begun,
            part,
        )
        return self._progress

    def _show(self, done: int, best: float, part: str) -> None:
        progress = self._at(done, best, part)
        if self._observer:
            self._observer(progress)

    def _save_seconds(self) -> None:
        now = time.monotonic()
        self._state.seconds += now - self._begun
        self._begun = now
        self._state.save(self._folder)


def _judged(champion: Champion) -> float:
    """Mean return on the episodes that a tuning chose by; the same episodes for all of a race."""
    return float(champion.tuning["chosen_by"])
