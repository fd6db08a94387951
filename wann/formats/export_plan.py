"""Contents of an export in any format: the nodes in order, their weights, and the descriptions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymnasium import spaces

from wann.champion import Champion, Weight
from wann.kernels.activations import BY_CODE
from wann.tasks.columns import Columns, Target
from wann.tasks.data_sets import NAMED, image_shape
from wann.tasks.data_task import DataTask
from wann.tasks.table_file import MISSING
from wann.tasks.tables import is_table
from wann.tasks.task import Task
from wann.version import __version__

_CLASSES_NOTE = "one for each class; the largest names the class, their softmax gives probabilities."
_NUMBERS_NOTE = "the predicted numbers."


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node of the network, in words and numbers."""

    node: int  # id in the genome
    activation: str  # name
    sources: tuple[int, ...]  # rows of values that it adds up, ascending
    weights: tuple[float, ...]  # theirs, where every connection has its own; else empty


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """A network to be written. Row 0 of its values is the bias, then come I inputs, then the nodes."""

    name: str  # what functions are called in languages where all names are in one place
    task: str
    inputs: tuple[str, ...]  # of the network
    outputs: tuple[str, ...]
    nodes: tuple[PlannedNode, ...]
    output_rows: tuple[int, ...]
    weight: float | None  # the shared weight; None where every connection has its own
    action: str  # how the outputs become an action, a sentence
    columns: Columns | None = None  # of a table, whose rows the file takes instead of the inputs

    @property
    def takes(self) -> tuple[str, ...]:
        """Names of the numbers that the file takes: the columns of a table, or the inputs."""
        return self.columns.names if self.columns else self.inputs

    @property
    def terms(self) -> list[tuple[int, str, float, float, float]]:
        """How each input is made of a row: column, kind and value of `Term`; mean and scale."""
        if self.columns is None:
            return []
        scaling = zip(self.columns.terms, self.columns.mean, self.columns.scale, strict=True)
        return [(term.column, term.kind, term.value, mean, scale) for term, mean, scale in scaling]

    @property
    def words(self) -> list[list[str] | None]:
        """Words of each column of a table, whose positions stand for them; None for one of numbers."""
        every = self.columns.columns if self.columns else ()
        return [None if column.words is None else list(column.words) for column in every]

    @property
    def missing(self) -> list[str]:
        """Words, in small letters, that say that a value of a table is missing."""
        return sorted(MISSING)

    @property
    def target(self) -> Target | None:
        """The column of numbers that a table's network predicts."""
        return self.columns.target if self.columns else None

    @property
    def individual(self) -> bool:
        """Whether every connection has a weight of its own."""
        return self.weight is None

    @property
    def sources(self) -> list[int]:
        """Rows that the nodes add up, node by node, (C,)."""
        return [source for node in self.nodes for source in node.sources]

    @property
    def weights(self) -> list[float]:
        """Individual weights in the order of `sources`."""
        return [weight for node in self.nodes for weight in node.weights]

    @property
    def first_source(self) -> list[int]:
        """Where each node's sources begin, and the end, (K+1,)."""
        places = [0]
        for node in self.nodes:
            places.append(places[-1] + len(node.sources))
        return places

    @property
    def header(self) -> list[str]:
        """Lines that tell a reader what the file is; the first two hold no word of the champion's.

        (Python would read a name like "coding: utf-7" there as the encoding of the file.)
        """
        if self.weight is None:
            weights = "Every connection has a weight of its own, tuned."
        else:
            weights = f"All connections carry one weight, an argument; by default {self.weight!r}."
        return [
            f"A weight-agnostic neural network, written by wann {__version__}.",
            "A node adds up its sources in ascending order and then applies its activation.",
            f"Task: {self.task}",
            weights,
            f"{len(self.nodes)} nodes, {len(self.sources)} connections.",
            f"Outputs: {self.action}",
            *self._table_lines(),
        ]

    def _table_lines(self) -> list[str]:
        if self.columns is None:
            unit = NAMED[self.task].white if self.task in NAMED else None
            return [f"It takes pixels divided by {unit:g}."] if unit else []
        every = self.columns.columns
        if image_shape(self.columns.names):
            unit = self.columns.scale[0]
            return [f"It takes pixels as they are in the file, row by row, and divides them by {unit!r}."]
        lines = [
            "It takes the columns of the table as they are in the file, and moves and scales them itself; "
            "NaN stands for a missing value.",
            f"Columns: {', '.join(self.columns.names)}",
        ]
        for column in every:
            if column.words is not None:
                named = ", ".join(f"{code} is {word!r}" for code, word in enumerate(column.words))
                lines.append(f"Column {column.name!r}: {named}, -1 another word.")
        return lines


def make_plan(champion: Champion, weight: Weight | None, path: Path) -> ExportPlan:
    """The plan of a champion's network.

    Args:
        champion: the champion.
        weight: default of the shared weight, or "tuned" for the individual ones; the best shared weight
            where it is not given.
        path: the file to be written, after which functions are named.

    Raises:
        ValueError: there are no tuned weights, or the weight is not finite.
    """
    own = champion.weights(weight)
    network = champion.network
    individual = own.ndim == 2
    nodes = []
    for k in range(network.activation.size):
        part = slice(network.first_source[k], network.first_source[k + 1])
        nodes.append(
            PlannedNode(
                int(network.node[k]),
                BY_CODE[int(network.activation[k])].name,
                tuple(network.sources[part].tolist()),
                tuple(own[0, part].tolist()) if individual else (),
            )
        )
    return ExportPlan(
        name=_identifier(path.stem),
        task=champion.task,
        inputs=champion.inputs,
        outputs=champion.outputs,
        nodes=tuple(nodes),
        output_rows=tuple(network.outputs.tolist()),
        weight=None if individual else float(own[0]),
        action=_action_note(champion),
        columns=_columns_of(champion),
    )


def _columns_of(champion: Champion) -> Columns | None:
    """What is done to the columns of a champion's table; None for other tasks, or where it is not known.

    Raises:
        ValueError: numbers are predicted, and how they are scaled is not known.
    """
    if champion.columns is None and champion.task == "WANNRegressor":
        raise ValueError(
            "the file does not say how the regressor scales its numbers, as it predicts several at once, or "
            "is of an old version: fit a regressor for each number, and save it"
        )
    if champion.columns is None and not is_table(champion.task):
        return None
    return champion.table_columns


def _identifier(stem: str) -> str:
    """A name that every language takes, and none has a use of its own for."""
    return "wann_" + re.sub("[^A-Za-z0-9]", "_", stem)


def _action_note(champion: Champion) -> str:
    """How the outputs become an action, as `wann.rollouts.spaces.ActionCodec` does it."""
    if champion.columns is not None:
        return _CLASSES_NOTE if champion.columns.target is None else _NUMBERS_NOTE
    try:
        task: Task = champion.get_task()
        if isinstance(task, DataTask):
            if task.samples.train.targets is not None:
                return _NUMBERS_NOTE
            return _CLASSES_NOTE
        space: Any = task.spaces[1]
    except ValueError:  # the environment is not installed: the network is all there is
        return "raw values, in the order of the task's actions."
    if isinstance(space, spaces.Discrete):
        return "one for each action; the largest, the first of equal ones, is chosen."
    if isinstance(space, spaces.MultiBinary):
        return "a button is on where its output is above 0."
    if isinstance(space, spaces.Box):
        limits = sorted(set(zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True)))
        if limits == [(-1.0, 1.0)]:
            return "clip each to [-1, 1]: that is the action."
        ranges = ", ".join(f"{low:g} to {high:g}" for low, high in limits[:4])
        return f"clip each to [-1, 1] and scale that to the range of the action ({ranges})."
    return "the parts of the action in the order of its space; of each choice the largest is taken."
