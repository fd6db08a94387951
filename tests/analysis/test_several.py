"""Several runs: intervals and a rank test."""

import numpy as np
import pytest

from wann.analysis import several
from wann.analysis.paper_table import Cell, TableRow, to_text
from wann.analysis.several import aggregate, half_interval, rank_tests


def rows(*means, column="random shared"):
    return [
        TableRow(f"run {k}", "swingup", 10 * k, None, {column: Cell(mean, 1.0)})
        for k, mean in enumerate(means, 1)
    ]


def test_the_interval_is_that_of_student():
    pytest.importorskip("scipy")
    values = np.array([1.0, 2.0, 3.0, 4.0])
    # 3.182 is the 97.5 % quantile of Student's t with 3 degrees of freedom.
    assert half_interval(values) == pytest.approx(3.182446 * np.std(values, ddof=1) / 2.0)
    assert half_interval(values[:2]) is None


def test_a_group_is_one_row_with_the_mean_of_its_runs():
    row = aggregate("both", rows(1.0, 2.0, 6.0))
    assert (row.name, row.task, row.runs, row.connections) == ("both", "swingup", 3, 20)
    assert row.cells["random shared"].mean == 3.0
    other = rows(1.0, column="tuned weights")
    assert not aggregate("both", [*rows(1.0), *other]).cells, "a column that some run lacks is left out"


def test_the_rank_test_is_exact_and_tells_which_group_is_better():
    pytest.importorskip("scipy")
    (test,) = rank_tests(rows(5.0, 6.0, 7.0), rows(1.0, 2.0, 3.0, 4.0))
    # Of the 35 ways to divide seven ranks, two are as far apart as this one.
    assert (test.column, test.share) == ("random shared", 1.0)
    assert test.p == pytest.approx(2 / 35)
    assert rank_tests(rows(1.0, 2.0, 3.0), rows(4.0, 5.0, 6.0))[0].share == 0.0
    assert not rank_tests(rows(1.0, 2.0), rows(4.0, 5.0, 6.0))


def test_without_scipy_there_are_means_alone(monkeypatch):
    monkeypatch.setattr(several, "find_spec", lambda _name: None)
    assert not several.can_infer()
    assert aggregate("both", rows(1.0, 2.0, 6.0)).cells["random shared"] == Cell(3.0, None)
    assert not rank_tests(rows(1.0, 2.0, 3.0), rows(4.0, 5.0, 6.0))


def test_every_format_tells_how_many_runs_there_are():
    group = [aggregate("both", rows(1.0, 2.0, 6.0))]
    assert to_text(group, "markdown").startswith("| champion | task | runs | connections | random shared |")
    assert to_text(group, "csv").splitlines()[0].endswith("budget,runs,random shared,random shared ci95")
    assert '"runs": 3' in to_text(group, "json")
    assert "swingup & 3 & 20 &" in to_text(group, "latex")
    single = rows(1.0)
    assert "runs" not in to_text(single, "csv") + to_text(single, "markdown") + to_text(single, "latex")
