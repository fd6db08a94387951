"""Scores of several runs: means with confidence intervals, and a rank test between two groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from wann.analysis.paper_table import COLUMNS, Cell, TableRow
from wann.utils.arrays import FloatArray

CONFIDENCE = 0.95
"""Of the intervals."""

FEWEST = 3
"""Runs of a group that have an interval or are tested."""

NEEDED = "confidence intervals and the rank test need scipy: pip install 'wann[data]'"
"""A note where `can_infer` is false."""


@dataclass(frozen=True, slots=True)
class RankTest:
    """Mann and Whitney's test of one column between two groups of runs."""

    column: str
    p: float  # two-sided
    share: float  # of the pairs of runs in which the first group's is better; ties count half

    def to_dict(self) -> dict[str, Any]:
        """The same as plain words and numbers."""
        return {"column": self.column, "p": self.p, "share": self.share}


def can_infer() -> bool:
    """Whether scipy is installed, which intervals and tests need."""
    return find_spec("scipy") is not None


def aggregate(name: str, rows: Sequence[TableRow]) -> TableRow:
    """One row for the champions of several runs of a task.

    A cell is the mean over runs and half of its interval, from Student's t; without scipy, or of fewer than
    `FEWEST` runs, the mean alone. A column that some run lacks is left out.

    Args:
        name: of the group.
        rows: of the runs, at least one.
    """
    cells = {}
    for column in COLUMNS:
        values = _values(rows, column)
        if values is not None:
            cells[column] = Cell(float(values.mean()), half_interval(values))
    sizes = [row.connections for row in rows if row.connections is not None]
    budgets = {row.budget for row in rows}
    return TableRow(
        name,
        rows[0].task,
        round(float(np.median(sizes))) if sizes else None,
        budgets.pop() if len(budgets) == 1 else None,
        cells,
        len(rows),
    )


def half_interval(values: FloatArray) -> float | None:
    """Half of the confidence interval of a mean, from Student's t; None where there is none."""
    count = len(values)
    if count < FEWEST or not can_infer():
        return None
    from scipy.stats import t

    return float(t.ppf((1.0 + CONFIDENCE) / 2.0, count - 1) * np.std(values, ddof=1) / np.sqrt(count))


def rank_tests(first: Sequence[TableRow], second: Sequence[TableRow]) -> list[RankTest]:
    """A test for every column that all runs of both groups have; empty without scipy or with few runs.

    Exact for small groups without ties, else from the normal distribution.
    """
    if min(len(first), len(second)) < FEWEST or not can_infer():
        return []
    from scipy.stats import mannwhitneyu

    tests = []
    for column in COLUMNS:
        one, other = _values(first, column), _values(second, column)
        if one is not None and other is not None:
            found = mannwhitneyu(one, other, alternative="two-sided")
            pairs = len(one) * len(other)
            tests.append(RankTest(column, float(found.pvalue), float(found.statistic) / pairs))
    return tests


def _values(rows: Sequence[TableRow], column: str) -> FloatArray | None:
    """Means of a column, one for each row; None where one lacks it."""
    if not all(column in row.cells for row in rows):
        return None
    return np.array([row.cells[column].mean for row in rows])
