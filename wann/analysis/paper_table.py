"""The paper's table for any champions: random and tuned weights, and a dense network tuned alike."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from wann.analysis.classifier import evaluate_classifier
from wann.analysis.scorecard import evaluate_tuned, scorecard_of
from wann.champion import Champion, Scores
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.evolution.shared_weights import RANGE
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome
from wann.rollouts.samples import outputs
from wann.tasks.data_task import DataTask
from wann.tasks.registry import is_data_set
from wann.utils.arrays import FloatArray
from wann.utils.plain_text import markdown_cell
from wann.utils.seeding import Purpose, stream

TableFormat = Literal["text", "markdown", "csv", "json", "latex"]

COLUMNS = (
    "random weights",  # every connection its own, uniform in the range
    "random shared",  # one for all, uniform in the range
    "ensemble",  # of a classifier at the paper's weights, one vote each
    "tuned shared",  # the best single one
    "tuned weights",  # every connection tuned, from the best single one
    "fixed topology, tuned",  # a dense network of about as many connections, tuned alike
)
"""Columns of the table. Source: Gaier and Ha (2019), tables 1 and 2; the ensemble section 4.2."""

_RANDOM_SETS = 100  # of individual weights, that a classifier is tried with


@dataclass(frozen=True, slots=True)
class Cell:
    """A mean return, or an accuracy from 0 to 1, and its deviation over episodes or weights."""

    mean: float
    std: float | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    """One champion's scores."""

    name: str  # of the file or run, or "paper"
    task: str
    connections: int | None
    budget: int | None  # evaluations that its weights, and the fixed topology's, were tuned with
    cells: Mapping[str, Cell]  # by column; unknown ones are missing


_PUBLISHED: dict[str, tuple[int | None, tuple[Cell | None, ...]]] = {
    "swingup": (
        52,
        (Cell(57, 121), Cell(515, 58), None, Cell(723, 16), Cell(932, 6), Cell(918, 7)),
    ),
    "BipedalWalker-v3": (
        210,
        (Cell(-46, 54), Cell(51, 108), None, Cell(261, 58), Cell(332, 1), Cell(347, 1)),
    ),
    "CarRacing-v3": (
        None,
        (Cell(-69, 31), Cell(375, 177), None, Cell(608, 161), Cell(893, 74), Cell(906, 21)),
    ),
    "mnist": (
        None,
        (None, Cell(0.820, 0.187), Cell(0.916), Cell(0.919), Cell(0.942), None),
    ),
}


def published_row(task: str) -> TableRow | None:
    """The paper's row for a task, where it has one. Source: Gaier and Ha (2019), tables 1 and 2."""
    if task not in _PUBLISHED:
        return None
    connections, cells = _PUBLISHED[task]
    found = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell}
    return TableRow("paper", task, connections, None, found)


def fixed_topology(champion: Champion) -> Champion:
    """A dense network with one hidden layer of tanh nodes, for the champion's task.

    It has as many hidden nodes as bring its connections nearest to the champion's, at least one. Bias and
    inputs feed every hidden node; bias and hidden nodes feed every output. Its `tuned` weights are where
    tuning starts: normal, with a variance of one over the number of a node's sources.
    """
    inputs, count = len(champion.inputs), len(champion.outputs)
    wanted = champion.genome.connection_count - count
    hidden = max(1, round(wanted / (1 + inputs + count)))
    first_output, first_hidden = 1 + inputs, 1 + inputs + count
    nodes = first_hidden + hidden
    below, above = np.arange(first_output), np.arange(first_hidden, nodes)
    into_hidden = np.meshgrid(below, above, indexing="ij")
    into_output = np.meshgrid(
        np.concatenate([[0], above]), np.arange(first_output, first_hidden), indexing="ij"
    )
    source, target = (
        np.concatenate([one.ravel(), other.ravel()]).astype(np.int32)
        for one, other in zip(into_hidden, into_output, strict=True)
    )
    activation = np.full(nodes, BY_NAME["linear"].code, np.int8)
    activation[first_hidden:] = BY_NAME["tanh"].code
    genome = Genome(
        inputs=inputs,
        outputs=count,
        node_id=np.arange(nodes, dtype=np.int32),
        activation=activation,
        mark=np.arange(source.size, dtype=np.int32),
        source=source,
        target=target,
        enabled=np.ones(source.size, np.bool_),
    )
    fan_in = np.where(target < first_hidden, 1 + hidden, 1 + inputs)
    weights = stream(0, Purpose.TUNING, 9).standard_normal(source.size) / np.sqrt(fan_in)
    scores = Scores(np.zeros(1), np.zeros(1), np.zeros(1), ())
    return replace(
        champion,
        genome=genome,
        scores=scores,
        tuned=weights,
        tuning={},
        importance=None,
        origin={"fixed_topology": f"{hidden} hidden tanh nodes"},
    )


def make_row(
    name: str,
    champion: Champion,
    fixed: Champion | None,
    *,
    episodes: int = 100,
    seed: int = 0,
    placement: Placement = DEFAULT_PLACEMENT,
    note: Note | None = None,
) -> TableRow:
    """Score a champion for the table.

    Args:
        name: in the first column.
        champion: with tuned weights, where they are to be scored.
        fixed: its fixed topology, tuned; None leaves that cell empty.
        episodes: fresh ones, for each score.
        seed: of the episodes and the random weights.
        placement: where it is computed; results are the same anywhere.
        note: told in a line what a user should know.

    Raises:
        ValueError: a champion does not fit its task.
        RuntimeError: the environment fails.
    """
    budget = champion.tuning.get("budget") if champion.tuned is not None else None
    if is_data_set(champion.task):
        cells = _accuracies(champion, fixed, seed)
    else:
        card = scorecard_of(champion, episodes=episodes, seed=seed, placement=placement, note=note)
        scores = {
            "random weights": card.individual_random,
            "random shared": card.uniform_shared,
            "tuned shared": card.best_shared,
            "tuned weights": card.tuned,
            "fixed topology, tuned": fixed
            and evaluate_tuned(fixed, episodes=episodes, seed=seed, placement=placement, note=note),
        }
        cells = {name: Cell(score.mean, score.std) for name, score in scores.items() if score}
    return TableRow(name, champion.task, champion.genome.connection_count, budget, cells)


def _accuracies(champion: Champion, fixed: Champion | None, seed: int) -> dict[str, Cell]:
    card = evaluate_classifier(champion)
    task = champion.get_task()
    assert isinstance(task, DataTask)  # noqa: S101 - the caller's
    test, labels = task.samples.test.inputs(), task.samples.test.labels

    def right(which: Champion, sets: FloatArray) -> FloatArray:
        hits = [outputs(which.network, each[None], test)[0].argmax(axis=1) == labels for each in sets]
        return np.array([each.mean() for each in hits])

    random = stream(seed, Purpose.EVALUATION, 2).uniform(
        *RANGE, (_RANDOM_SETS, champion.network.sources.size)
    )
    at_random = right(champion, random)
    cells = {
        "random weights": Cell(float(at_random.mean()), float(at_random.std())),
        "random shared": Cell(card.uniform_shared.accuracy, card.uniform_shared.std),
        "ensemble": Cell(card.ensemble.accuracy),
        "tuned shared": Cell(card.best_shared.accuracy),
    }
    if card.tuned:
        cells["tuned weights"] = Cell(card.tuned.accuracy)
    if fixed is not None and fixed.tuned_sources is not None:
        cells["fixed topology, tuned"] = Cell(float(right(fixed, fixed.tuned_sources[None])[0]))
    return cells


def with_published(rows: Sequence[TableRow]) -> list[TableRow]:
    """The rows by task, each task's published row after its own."""
    ordered = []
    for task in dict.fromkeys(row.task for row in rows):
        ordered += [row for row in rows if row.task == task]
        paper = published_row(task)
        ordered += [paper] if paper else []
    return ordered


def shown_columns(rows: Sequence[TableRow]) -> list[str]:
    """The columns that are not empty in every row."""
    return [name for name in COLUMNS if any(name in row.cells for row in rows)]


def shown_cell(row: TableRow, column: str) -> str:
    """A cell in words: a return with its deviation, or a percentage; a dash where there is nothing."""
    cell = row.cells.get(column)
    if cell is None:
        return "–"
    if is_data_set(row.task):
        spread = "" if cell.std is None else f" ± {100.0 * cell.std:.1f}"
        return f"{100.0 * cell.mean:.1f}{spread} %"
    digits = 0 if abs(cell.mean) >= 10.0 or row.name == "paper" else 2
    return f"{cell.mean:.{digits}f}" + ("" if cell.std is None else f" ± {cell.std:.{digits}f}")


def to_text(rows: Sequence[TableRow], form: TableFormat) -> str:
    """The table as Markdown, CSV, JSON or LaTeX (with the package booktabs)."""
    columns = shown_columns(rows)
    if form == "json":
        return json.dumps([asdict(row) | {"cells": _cell_values(row)} for row in rows], indent=2) + "\n"
    if form == "csv":
        return _to_csv(rows, columns)
    head = ["champion", "task", "connections", *columns]
    if form == "markdown":
        lines = [[markdown_cell(word) for word in _words(row, columns)] for row in rows]
        marks = ["---", "---", *["---:"] * (len(head) - 2)]
        return "".join("| " + " | ".join(line) + " |\n" for line in (head, marks, *lines))
    body = "".join(" & ".join(_latex_words(row, columns)) + r" \\" + "\n" for row in rows)
    return (
        "% needs \\usepackage{booktabs}\n"
        f"\\begin{{tabular}}{{ll{'r' * (len(head) - 2)}}}\n\\toprule\n"
        f"{' & '.join(head)} \\\\\n\\midrule\n{body}\\bottomrule\n\\end{{tabular}}\n"
    )


def _words(row: TableRow, columns: Sequence[str]) -> list[str]:
    size = "–" if row.connections is None else str(row.connections)
    return [row.name, row.task, size, *(shown_cell(row, column) for column in columns)]


def _cell_values(row: TableRow) -> dict[str, Any]:
    return {name: asdict(cell) for name, cell in row.cells.items()}


def _to_csv(rows: Sequence[TableRow], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "champion",
            "task",
            "connections",
            "budget",
            *(f"{name}{end}" for name in columns for end in ("", " std")),
        ]
    )
    for row in rows:
        numbers: list[float | None] = []
        for name in columns:
            cell = row.cells.get(name)
            numbers += [cell.mean, cell.std] if cell else [None, None]
        writer.writerow([row.name, row.task, row.connections, row.budget, *numbers])
    return text.getvalue()


def _latex_words(row: TableRow, columns: Sequence[str]) -> list[str]:
    def cell(text: str) -> str:
        if "±" not in text:
            return _escaped_latex(text)
        return "$" + text.replace("±", r"\pm").replace("%", r"\%") + "$"

    return [*map(_escaped_latex, _words(row, ())), *(cell(shown_cell(row, column)) for column in columns)]


def _escaped_latex(word: str) -> str:
    special = {character: f"\\{character}" for character in "&%$#_{}"}
    special |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$"}
    special |= {"\n": " "}
    return "".join(
        special.get(character, r"\textbackslash{}" if character == "\\" else character) for character in word
    )
