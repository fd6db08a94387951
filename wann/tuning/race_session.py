"""A race in progress: its rounds, generations of offspring, and the state that it saves."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from wann.champion import Champion, Scores, Weight, load_champion, save_champion
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import Note, Placement
from wann.networks.network import Phenotype, phenotype
from wann.rollouts.result import EpisodeFailedError
from wann.tuning.plan import TuningPlan, is_tuning, plan_from, state_path
from wann.tuning.race_offspring import Mutation, offspring
from wann.tuning.session import (
    OtherMachineError,
    Tuned,
    TuningInterrupted,
    TuningObserver,
    TuningProgress,
)
from wann.tuning.subject import stepped_task
from wann.tuning.tune import resume_tuning, tune
from wann.utils.files import atomic_path, lock_folder
from wann.utils.json_text import dump_json
from wann.utils.reading import (
    Natural,
    Naturals,
    Schema,
    Words,
    checked,
    in_file,
    parse_json,
    read_text,
    shown,
)
from wann.utils.signals import Stop, stop_signals

FORMAT, VERSION = "wann-race", 1

_ROUNDS = 3  # largest number of rounds
_SHARE = 4  # one network in four goes on, with four times the budget

_MOST_NETWORKS = 1_000_000
_MOST_GENERATIONS = 10_000
_PARENTS = 4  # of a generation of offspring: the best so far
_CHILDREN = (16, 2)  # children of a generation, and how many of them are tuned longer
_CHILD_BUDGET = (8, 2)  # divisors of the budget of a child, and of one that is tuned longer
_CHILD_SIGMA = 0.5  # share of the plan's sigma for children: their weights are good already


def rounds_of(networks: int, budget: int) -> list[tuple[int, int]]:
    """Rounds of a race, as (number of networks, evaluations per network)."""
    count = 1
    while count < _ROUNDS and _SHARE ** (count - 1) < networks:
        count += 1
    return [
        (math.ceil(networks / _SHARE**number), max(1, budget // _SHARE ** (count - 1 - number)))
        for number in range(count)
    ]


def check_generations(generations: Any, least: int = 0) -> None:
    """Check the number of generations of offspring.

    Raises:
        ValueError: it is not a whole number in the range.
    """
    if (
        isinstance(generations, bool)
        or not isinstance(generations, int)
        or not least <= generations <= _MOST_GENERATIONS
    ):
        raise ValueError(
            f"generations must be a whole number from {least}{', which the race has,' * bool(least)} to "
            f"{_MOST_GENERATIONS}, not {shown(generations)}"
        )


def entrant_path(folder: Path, index: int) -> Path:
    """Path of the champion file of an entrant."""
    return folder / "entrants" / f"{index:04d}.json"


@dataclass
class RaceState:
    """The saved state of a race, besides its champion files."""

    plan: TuningPlan
    networks: int
    own: tuple[int, ...]  # entrants that are the champions of their runs
    mutation: Mutation
    generations: int  # of offspring
    seconds: float

    def save(self, folder: Path) -> None:
        """Write the state into the folder of the race."""
        data = {
            "format": FORMAT,
            "version": VERSION,
            "plan": asdict(self.plan),
            "networks": self.networks,
            "own": list(self.own),
            "mutation": asdict(self.mutation),
            "generations": self.generations,
            "seconds": self.seconds,
        }
        with atomic_path(folder / "race.json") as temporary:
            temporary.write_text(dump_json(data) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> RaceState:
        """Read what `save` wrote.

        Raises:
            ValueError: it is damaged.
        """
        path = folder / "race.json"
        text = read_text(path, "race")
        with in_file(path):
            table = checked(_RaceTable, parse_json(text, "a race", FORMAT, VERSION))
            check_generations(table.generations)
            if not all(index < table.networks for index in table.own):
                raise ValueError("'own' must list networks of the race")
            return cls(
                plan_from(table.plan),
                table.networks,
                tuple(table.own),
                Mutation(tuple(table.mutation.shares), tuple(table.mutation.activations)),
                table.generations,
                table.seconds,
            )


class _MutationTable(Schema):
    shares: list[float]
    activations: Words


class _RaceTable(Schema):
    """What race.json must be."""

    plan: dict[str, Any]
    networks: Annotated[Natural, Field(ge=1, le=_MOST_NETWORKS)]
    own: Naturals
    mutation: _MutationTable
    generations: Natural
    seconds: Annotated[float, Field(ge=0.0)]


@dataclass(frozen=True)
class _Standing:
    """A tuned network, and its place in the race."""

    champion: Champion
    phenotype: Phenotype
    told: Mapping[str, Any]

    @property
    def judged(self) -> float:
        """Mean return on the episodes that a tuning chose by; the same episodes for all of a race."""
        return float(self.champion.tuning["chosen_by"])


@dataclass(frozen=True)
class _Stage:
    """A stage of a race: a round, or a tuning of the children of a generation."""

    name: str  # of its folder
    words: str  # to be shown
    plan: TuningPlan  # of each tuning
    size: int  # tunings, where none is missing
    told: Mapping[str, int]  # number of the round or generation, for the champion file
    bred: bool = False  # whether its networks are children that have no scores yet


class RaceSession:
    """One session of a race: from where it stands until it ends or a signal comes."""

    def __init__(
        self,
        folder: Path,
        state: RaceState,
        placement: Placement,
        observer: TuningObserver | None,
        note: Note | None,
    ) -> None:
        self._folder, self._state = folder, state
        self._placement, self._observer, self._note = placement, observer, note
        self._rounds = rounds_of(state.networks, state.plan.budget)
        self._total = sum(
            _cost(stage.plan, stage.size)
            for stage in (
                *map(self._round, range(1, len(self._rounds) + 1)),
                *(stage for number in range(1, state.generations + 1) for stage in self._stages(number)),
            )
        )
        self._before = 0  # evaluations of all tunings that have ended
        self._begun = time.monotonic()
        self._standings: list[_Standing] = []
        self._failed: EpisodeFailedError | None = None
        self._stop = Stop()
        self._progress = TuningProgress(0, self._total, math.nan, math.nan, math.nan, state.seconds)

    def run(self) -> Tuned:
        """Go on to the end of the race."""
        with ExitStack() as stack:
            stack.enter_context(lock_folder(self._folder, "process is running this race"))
            ended = self._ended()
            if ended:
                self._before = self._total
                return Tuned(self._folder / "champion.json", ended, self._at(0, math.nan, ""))
            self._state.save(self._folder)  # there may be more generations than before
            for place in (".", "entrants", "round-*", "generation-*"):
                for leftover in self._folder.glob(f"{place}/.wann-*.*"):  # of a killed process
                    leftover.unlink(missing_ok=True)
            self._stop = stack.enter_context(stop_signals())
            entrants = [
                load_champion(entrant_path(self._folder, index)) for index in range(self._state.networks)
            ]
            task, plan = stepped_task(entrants[0]), self._state.plan
            episodes = plan.episodes_until(plan.generations) // plan.generations
            self._evaluator = stack.enter_context(
                open_evaluator(task, task.episode_steps, self._placement, episodes, self._note)
            )
            try:
                champion = self._race(dict(enumerate(entrants)))
            except KeyboardInterrupt:
                raise TuningInterrupted(Tuned(self._folder, None, self._progress)) from None
            finally:
                self._save_seconds()
            return Tuned(self._folder / "champion.json", champion, self._progress)

    def _ended(self) -> Champion | None:
        """The winner, if the race has ended."""
        if not (self._folder / "champion.json").exists():
            return None
        champion = load_champion(self._folder)
        _check_tuned(champion, self._folder / "champion.json", ("race", *_RECORD))
        return champion if len(champion.tuning["race"]["generations"]) >= self._state.generations else None

    def _round(self, number: int) -> _Stage:
        size, budget = self._rounds[number - 1]
        words = f"round {number}/{len(self._rounds)}"
        plan = replace(self._state.plan, budget=budget)
        return _Stage(f"round-{number}", words, plan, size, {"round": number})

    def _stages(self, number: int) -> tuple[_Stage, _Stage]:
        """The two stages of a generation: all children, then the best of them."""
        plan, told = self._state.plan, {"generation": number}
        name, words = f"generation-{number}", f"generation {number}/{self._state.generations}"
        # Each with candidates and episodes of its own: what has been fitted to is not seen again.
        first, longer = (
            replace(
                plan,
                budget=max(1, plan.budget // share),
                sigma=plan.sigma * _CHILD_SIGMA,
                turn=2 * number - 1 + turn,
            )
            for turn, share in enumerate(_CHILD_BUDGET)
        )
        return (
            _Stage(name, words, first, _CHILDREN[0], told, bred=True),
            _Stage(f"{name}-longer", f"{words} longer", longer, _CHILDREN[1], told),
        )

    def _race(self, entrants: Mapping[int, Champion]) -> Champion:
        order, rounds = [*entrants], []
        for number, (size, _) in enumerate(self._rounds, 1):
            stage = self._round(number)
            tuned = self._tune_all(stage, {index: entrants[index] for index in sorted(order[:size])})
            if not tuned:
                break
            order = _ranked(tuned)
            rounds.append(_row(stage, tuned, self._state.own))
        if not self._standings:
            assert self._failed is not None  # noqa: S101 - there is an entrant
            raise self._failed
        generations = [self._generation(number) for number in range(1, self._state.generations + 1)]
        best = max(self._standings, key=lambda standing: standing.judged)
        told = {"networks": len(entrants), **best.told, "rounds": rounds, "generations": generations}
        champion = replace(best.champion, tuning={**best.champion.tuning, "race": told})
        save_champion(champion, self._folder / "champion.json")
        self._before = self._total
        self._show(0, math.nan, self._progress.part)
        return champion

    def _generation(self, number: int) -> dict[str, Any]:
        """Breed and tune children of the best so far; gives the row of results."""
        best: dict[Phenotype, Champion] = {}
        for standing in sorted(self._standings, key=lambda standing: -standing.judged):
            best.setdefault(standing.phenotype, standing.champion)
        children = offspring(
            [*best.values()][:_PARENTS], _CHILDREN[0], self._state.mutation,
            self._state.plan.seed, number, known=best,
        )  # fmt: skip
        if len(children) < _CHILDREN[0] and self._note:
            self._note(
                f"generation {number} has only {len(children)} children: the mutations of the search hardly "
                "lead to new networks"
            )
        first, second = self._stages(number)
        tuned = self._tune_all(first, dict(enumerate(children)))
        order = sorted(_ranked(tuned)[: _CHILDREN[1]])
        longer = self._tune_all(second, {index: tuned[index].champion for index in order})
        return {**_row(first, tuned), "longer": _row(second, longer)}

    def _tune_all(self, stage: _Stage, entrants: Mapping[int, Champion]) -> dict[int, _Standing]:
        """Tune networks, by number, each to a file of its own; failed ones leave the race."""
        (self._folder / stage.name).mkdir(exist_ok=True)
        tuned: dict[int, _Standing] = {}
        begun = self._before
        for place, (index, entrant) in enumerate(entrants.items(), 1):
            if self._stop.is_set():
                raise KeyboardInterrupt
            path = self._folder / stage.name / f"{index:04d}.json"
            part = f"{stage.words}, network {place}/{len(entrants)}"
            try:
                champion = self._tuned(stage, entrant, path, part)
                told = {**stage.told, "network": index, "file": f"{stage.name}/{path.name}"}
                tuned[index] = _Standing(champion, phenotype(champion.genome), told)
                self._standings.append(tuned[index])
            except EpisodeFailedError as error:
                self._failed = error
                if self._note:
                    self._note(f"network {index} of {stage.name} is out of the race: {error}")
            self._before = begun + _cost(stage.plan, place)
            self._at(0, math.nan, part)
        self._before = begun + _cost(stage.plan, stage.size)
        return tuned

    def _tuned(self, stage: _Stage, entrant: Champion, path: Path, part: str) -> Champion:
        """The tuned entrant; one that was tuned before is read from its file."""
        if path.exists():
            champion = load_champion(path)
            _check_tuned(champion, path, _RECORD)
            if champion.genome != entrant.genome:
                raise ValueError(f"{path} is not the network that is tuned here: remove it to tune that one")
        else:

            def observe(now: TuningProgress) -> None:
                self._show(now.done, now.best, part)

            shared: dict[str, Any] = {"placement": self._evaluator, "observer": observe, "note": self._note}
            try:
                result = resume_tuning(path, **shared) if is_tuning(path) else None
            except OtherMachineError:
                state_path(path).unlink()
                result = None
            if result is None:
                entrant = self._scored(entrant) if stage.bred else entrant
                weight: Weight | None = None if entrant.tuned is None else "tuned"
                result = tune(entrant, path, **shared, **asdict(replace(stage.plan, weight=weight)))
            assert result.champion is not None  # noqa: S101 - a signal raises
            champion = result.champion
        state_path(path).unlink(missing_ok=True)  # nothing goes on with it, and there are many
        return champion

    def _scored(self, child: Champion) -> Champion:
        """A child with scores of its own: its parent's weights and episodes, which are played whole."""
        weights, seeds = child.scores.weights, child.scores.episode_seeds
        rollouts = self._evaluator.evaluate([child.network], weights, seeds, confirming=True)
        rollouts.checked("it could not be scored")
        return replace(child, scores=Scores.from_returns(weights, rollouts.returns[0], seeds))

    def _at(self, done: int, best: float, part: str) -> TuningProgress:
        """Progress of the race: `done` evaluations into this tuning, whose best mean return is `best`."""
        self._progress = TuningProgress(
            self._before + done,
            self._total,
            math.nan,
            max((standing.judged for standing in self._standings), default=best),
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


_RECORD = (
    *("method", "budget", "max_steps", "evaluations"),
    *("start_weight", "chosen_by", "scored_on", "before", "after"),
)
"""What the file of a tuned champion tells of its tuning, at least."""


def _check_tuned(champion: Champion, path: Path, names: Sequence[str]) -> None:
    """Refuse a champion file that does not tell how it was tuned.

    Raises:
        ValueError: it does not.
    """
    missing = [f"tuning.{name}" for name in names if name not in champion.tuning]
    missing += ["tuned"] * (champion.tuned is None)
    if missing:
        raise ValueError(
            f"{path}: has no {missing[0]!r}; remove it, and 'wann resume' tunes that network again"
        )


def _row(stage: _Stage, tuned: Mapping[int, _Standing], own: Sequence[int] = ()) -> dict[str, Any]:
    """Results of a stage; `champion` is the best of the runs' own champions."""
    judged = {index: standing.judged for index, standing in tuned.items()}
    return {
        "networks": len(tuned),
        "evaluations": stage.plan.generations * stage.plan.population,
        "best": max(judged.values(), default=None),
        "median": statistics.median(judged.values()) if judged else None,
        "champion": max((judged[index] for index in own if index in judged), default=None),
    }


def _cost(plan: TuningPlan, tunings: int) -> int:
    """Evaluations of a number of tunings."""
    return tunings * plan.generations * plan.population


def _ranked(tuned: Mapping[int, _Standing]) -> list[int]:
    """Numbers of the networks, the best first."""
    return sorted(tuned, key=lambda index: (-tuned[index].judged, index))
