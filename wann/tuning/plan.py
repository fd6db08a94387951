"""The plan of a tuning, and the state file from which it can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from wann.champion import Champion, Weight, champion_from_json, champion_to_json
from wann.tuning.optimisers import OPTIMISERS
from wann.utils.arrays import FloatArray
from wann.utils.files import atomic_path
from wann.utils.nearest import nearest
from wann.utils.reading import Schema, checked, in_file, parse_json, read_arrays, shown, take

METHODS = (*OPTIMISERS, "adam")
"""CMA-ES, parameter-exploring policy gradients, random search; and Adam, by gradients, on data sets."""

FORMAT, VERSION = "wann-tuning", 2


@dataclass(frozen=True)
class TuningPlan:
    """Everything that determines a tuning, besides the champion.

    Raises:
        ValueError: a value is out of range.
    """

    method: str = "cma"
    budget: int = 20_000  # evaluations; one scores a candidate on all episodes of its generation
    episodes: int = 64  # per evaluation in the last stage, the same for all candidates; see `episodes_in`
    max_steps: int | None = (
        None  # cuts episodes of generations off; checks and the final choice use whole ones
    )
    population: int = 64  # candidates per generation
    sigma: float = 0.1  # standard deviation of the first candidates around the start weights
    seed: int = 0
    freeze: tuple[str, ...] = ()  # parts of the network that keep their start weights
    weight: Weight | None = None  # start weight; None for the best shared one
    turn: int = (
        0  # number of a tuning among several with one seed: other candidates and episodes, same checks
    )

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"unknown method {shown(self.method)}; {nearest(str(self.method), METHODS)}")
        for name, least, most in (
            ("budget", 1, 10**9),
            ("episodes", 1, 10_000),
            ("max_steps", 1, 10**9),
            ("population", 4, 10_000),
            ("seed", 0, 2**63),
            ("turn", 0, 2**31),
        ):
            value = getattr(self, name)
            if name == "max_steps" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ValueError(f"{name} must be a whole number from {least} to {most}, not {shown(value)}")
        if not _is_number(self.sigma) or not 0.0 < self.sigma <= 100.0:
            raise ValueError(f"sigma must be above 0 and at most 100, not {shown(self.sigma)}")
        if self.method == "pepg" and self.population % 2:
            raise ValueError(f"pepg asks candidates in pairs: population must be even, not {self.population}")
        weight: Any = self.weight
        if weight not in (None, "tuned") and not (_is_number(weight) and abs(weight) <= 1000.0):
            raise ValueError(f"weight must be a finite number within ±1000, not {shown(self.weight)}")
        if not all(isinstance(part, str) for part in self.freeze):
            raise ValueError(f"freeze must name parts of the network, not {shown(self.freeze)}")

    @property
    def generations(self) -> int:
        """Whole generations that the budget pays for, at least one."""
        return max(1, self.budget // self.population)

    def stage(self, generation: int) -> int:
        """Stage (0 to `STAGES` - 1) of a generation: each has half as many generations as the one before."""
        return sum(generation >= end for end in self.stage_ends[:-1])

    def episodes_in(self, generation: int) -> int:
        """Episodes of a generation: from stage to stage twice as many, so that stages cost about the same.

        Few episodes are noise that carries a search past optima that are near and poor; many at the end
        tell good from lucky.
        """
        return self._stage_episodes[self.stage(generation)]

    def episodes_until(self, generation: int) -> int:
        """Episodes of all candidates of the generations before this one."""
        begun, count = 0, 0
        for end, episodes in zip(self.stage_ends, self._stage_episodes, strict=True):
            count += max(0, min(generation, end) - begun) * episodes
            begun = end
        return count * self.population

    @property
    def stage_ends(self) -> list[int]:
        """One past the last generation of each stage; the last stage is never empty."""
        whole = 2**STAGES - 1
        shares = (2**STAGES - 2 ** (STAGES - 1 - stage) for stage in range(STAGES))
        return [self.generations * share // whole for share in shares]

    @property
    def _stage_episodes(self) -> list[int]:
        return [max(1, self.episodes >> (STAGES - 1 - stage)) for stage in range(STAGES)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


STAGES = 5
"""Number of stages of a tuning; each has twice the episodes of the one before."""

CHANGEABLE = ("budget",)
"""Settings that may change when a tuning is resumed. A longer budget stretches the stages: finished work is
kept, so the result differs from a tuning with this budget from the start."""


def plan_from(given: Mapping[str, Any]) -> TuningPlan:
    """Plan from the names and values of its fields.

    Raises:
        ValueError: there is no such field, or a value is out of range.
    """
    names = [field.name for field in fields(TuningPlan)]
    for name in given:
        if name not in names:
            raise ValueError(f"unknown setting {shown(name)} of a tuning; {nearest(name, names)}")
    freeze = given.get("freeze", ())
    if not isinstance(freeze, list | tuple):
        raise ValueError(f"freeze must be a list of parts of the network, not {shown(freeze)}")
    return TuningPlan(**{**given, "freeze": tuple(freeze)})


def state_path(out: str | os.PathLike[str]) -> Path:
    """Where a tuning keeps what it needs to go on: beside the champion file that it makes."""
    path = Path(out)
    return path.with_name(path.name + ".tuning.npz")


def is_tuning(path: str | os.PathLike[str]) -> bool:
    """Whether a champion file is, or will be, the result of a tuning that can be resumed."""
    return state_path(path).is_file()


@dataclass
class Saved:
    """The saved state of a tuning: every value that the method was told, or the state of Adam."""

    plan: TuningPlan
    champion: Champion
    start: FloatArray  # (C,) start weights, in the order of the network's sources
    values: FloatArray  # (generations, candidates) mean returns
    state: FloatArray  # of Adam; of others (1, D) the current best offsets, to check a replay by
    kept: FloatArray  # (n, C) the best sets of weights that were checked
    kept_means: FloatArray  # (n,)
    hard: FloatArray  # seeds of the episodes that went worst in checks, ascending
    start_mean: float
    seconds: float

    def save(self, path: Path) -> None:
        """Write it, aside and then renamed."""
        header = {
            "format": FORMAT,
            "version": VERSION,
            "plan": {**asdict(self.plan), "freeze": list(self.plan.freeze)},
            "champion": champion_to_json(self.champion),
            "start_mean": self.start_mean,
            "seconds": self.seconds,
        }
        arrays = {name: getattr(self, name) for name in _SAVED_ARRAYS}
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: Path) -> Saved:
        """Read it; loading can run no code.

        Raises:
            ValueError: there is none, or it is damaged, in one line.
        """
        if not path.exists():
            raise ValueError(f"there is no tuning to go on with: {path} is missing")
        arrays = read_arrays(path)
        with in_file(path):
            taken = {name: take(arrays, name, "f", shape) for name, shape in _SAVED_ARRAYS.items()}
            data = parse_json(str(take(arrays, "header", "U", ())), "a tuning", FORMAT, VERSION)
            if data["version"] < VERSION:
                raise ValueError("it is from an older version of tuning: tune again to another --out")
            header = checked(_Header, data)
            champion, plan = champion_from_json(header.champion), plan_from(header.plan)
            saved = cls(plan, champion, **taken, start_mean=header.start_mean, seconds=header.seconds)
            if not saved.start.shape == saved.kept.shape[1:] == champion.network.sources.shape:
                raise ValueError("its weights do not fit its champion")
            if saved.kept_means.size != len(saved.kept) or not len(saved.kept):
                raise ValueError("its best weights and their returns are not as many")
            if plan.method == "adam" and saved.state.size and saved.state.shape != (4, saved.start.size):
                raise ValueError("its state is not one of Adam")
            if saved.values.shape[1] != plan.population:
                raise ValueError("its returns do not fit its plan")
            if not all(
                np.isfinite(each).all() for each in (saved.start, saved.kept, saved.state, saved.hard)
            ):
                raise ValueError("its weights or seeds are not finite")
            if (saved.hard < 0.0).any() or (saved.hard % 1.0).any():
                raise ValueError("its seeds of episodes are not whole numbers, at least 0")
        return saved


class _Header(Schema):
    """What the words of a tuning's file must be."""

    plan: dict[str, Any]
    champion: str
    start_mean: float
    seconds: Annotated[float, Field(ge=0.0)]


_SAVED_ARRAYS: Mapping[str, tuple[int | None, ...]] = {
    "start": (None,),
    "values": (None, None),
    "state": (None, None),
    "kept": (None, None),
    "kept_means": (None,),
    "hard": (None,),
}
"""Arrays of a tuning's file, and the numbers of their dimensions."""
