"""The Pareto front of a run: networks of its last generation that no other one beats in every objective."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from wann.evolution.evolution import EvolutionState
from wann.evolution.ranking import SIZES, value_of
from wann.evolution.shared_weights import generation_weights
from wann.networks.genome import Genome, genome_from_dict, genome_to_dict
from wann.run.folder import RunFolder
from wann.settings import OBJECTIVES, Settings
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray
from wann.utils.json_text import dump_json
from wann.utils.plain_text import plain
from wann.utils.reading import Natural, Numbers, Schema, Words, checked, in_file, parse_json

FORMAT = "wann-front"
VERSION = 1

PICKS = ("smallest", "best", "knee")
"""Words that pick a member of a front; a number does too."""


@dataclass(frozen=True)
class FrontMember:
    """A network of the front, and its scores in its generation."""

    values: Mapping[
        str, float
    ]  # of every name in `wann.settings.OBJECTIVES`; see `wann.evolution.ranking.value_of`
    weights: FloatArray  # (W,) shared weights of the generation
    means: FloatArray  # (W,) mean return at each
    genome: Genome


@dataclass(frozen=True)
class Front:
    """Networks of one generation that none of it dominates, each phenotype once; at least one."""

    task: str  # name of the task
    generation: int  # number of complete generations
    objectives: tuple[str, ...]  # that define the front
    inputs: tuple[str, ...]  # names of the observation's entries
    outputs: tuple[str, ...]  # names of the action's entries
    members: tuple[FrontMember, ...]  # best in the first objective first

    def position(self, which: int | str) -> int:
        """Position of a member.

        Args:
            which: its number, from 1 on; "smallest" for the fewest connections, "best" for the largest mean
                return, the better of the other as a tie-break; "knee" for the member nearest to the point
                that is best in every objective, where each objective goes from 0, its worst on the front,
                to 1, its best (the first of equals).

        Raises:
            ValueError: there is no such member.
        """
        values = {name: np.array([member.values[name] for member in self.members]) for name in OBJECTIVES}
        size, mean = values["connections"], values["mean"]
        if which == "smallest":
            return int(np.lexsort((-mean, size))[0])
        if which == "best":
            return int(np.lexsort((size, -mean))[0])
        if which == "knee":
            distance = np.zeros(len(self.members))
            for name in self.objectives:
                column = -values[name] if name in SIZES else values[name]
                best, span = column.max(), np.ptp(column)
                if span > 0.0:
                    distance += np.square((best - column) / span)
            return int(np.argmin(distance))
        if isinstance(which, str) or not 1 <= which <= len(self.members):
            raise ValueError(
                f"the front has the members 1 to {len(self.members)}, {', '.join(PICKS[:-1])} and "
                f"{PICKS[-1]}, but none that is {which!r}"
            )
        return which - 1


def front_of(settings: Settings, task: Task, state: EvolutionState) -> Front | None:
    """The front of the last complete generation; None before the first, or if no return was finite."""
    if state.told is None:
        return None
    told = state.told.front(settings.named_objectives)
    if not told.genomes:
        return None
    columns = {name: value_of(name, told.scores, told.genomes).tolist() for name in OBJECTIVES}
    weights = generation_weights(settings, state.generation - 1)
    return Front(
        task=task.name,
        generation=state.generation,
        objectives=settings.named_objectives,
        inputs=task.inputs,
        outputs=task.outputs,
        members=tuple(
            FrontMember({name: column[k] for name, column in columns.items()}, weights, means, genome)
            for k, (genome, means) in enumerate(zip(told.genomes, told.scores.per_weight, strict=True))
        ),
    )


def front_to_json(front: Front) -> str:
    """The front as text, a member a line."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "task": front.task,
        "generation": front.generation,
        "objectives": list(front.objectives),
        "inputs": list(front.inputs),
        "outputs": list(front.outputs),
        "members": [_member_to_dict(member) for member in front.members],
    }
    return dump_json(data) + "\n"


def _member_to_dict(member: FrontMember) -> dict[str, Any]:
    values = {name: int(value) if name in SIZES else value for name, value in member.values.items()}
    return {
        "values": values,
        "weights": member.weights.tolist(),
        "means": member.means.tolist(),
        "genome": genome_to_dict(member.genome),
    }


def load_front(run: str | os.PathLike[str]) -> Front:
    """Front of a run, from its folder. Loading can run no code.

    Raises:
        ValueError: the folder is not a run or has no front yet, or the file is not a whole and valid front.
    """
    folder = RunFolder.open(run)
    text = folder.read_front()
    with in_file(folder.path / "front.json"):
        return front_from_json(text)


def front_from_json(text: str) -> Front:
    """Front from the text of its file.

    Raises:
        ValueError: the text is not a whole and valid front, in one line.
    """
    table = checked(_FrontTable, parse_json(text, "a front", FORMAT, VERSION))
    if not set(table.objectives) <= set(OBJECTIVES):
        raise ValueError(f"'objectives' must be one or more of {', '.join(OBJECTIVES)}")
    members = tuple(_member(row, table, f"members[{place}]") for place, row in enumerate(table.members))
    return Front(
        plain(table.task),
        table.generation,
        tuple(table.objectives),
        tuple(map(plain, table.inputs)),
        tuple(map(plain, table.outputs)),
        members,
    )


def _member(row: _MemberTable, front: _FrontTable, place: str) -> FrontMember:
    genome = genome_from_dict(row.genome, f"{place}.genome")
    found, wanted = (genome.inputs, genome.outputs), (len(front.inputs), len(front.outputs))
    if found != wanted:
        raise ValueError(
            f"names {wanted[0]} inputs and {wanted[1]} outputs, but {place} has {found[0]} and {found[1]}"
        )
    weights, means = np.array(row.weights, np.float64), np.array(row.means, np.float64)
    if weights.size != means.size:
        raise ValueError(f"{place!r} must list as many means as weights")
    missing = [name for name in OBJECTIVES if name not in row.values]
    if missing:
        raise ValueError(f"has no '{place}.values.{missing[0]}'")
    return FrontMember({name: float(row.values[name]) for name in OBJECTIVES}, weights, means, genome)


class _MemberTable(Schema):
    values: dict[str, float]
    weights: Annotated[Numbers, Field(min_length=1)]
    means: Numbers
    genome: dict[str, Any]


class _FrontTable(Schema):
    """What a front must be in its file."""

    task: str
    generation: Annotated[Natural, Field(ge=1)]
    objectives: Annotated[Words, Field(min_length=1)]
    inputs: Words
    outputs: Words
    members: Annotated[list[_MemberTable], Field(min_length=1, fail_fast=True)]
