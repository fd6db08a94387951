"""Curves of several runs."""

import numpy as np
import pytest

from wann.visualization.group_curves import COLUMNS, Curves, axis_of, plot_groups, quartiles


def metrics(means, seconds=1.0):
    count = len(means)
    columns = {name: np.ones(count) for name in COLUMNS}
    return columns | {
        "generation": np.arange(1.0, count + 1),
        "evaluations": 10.0 * np.arange(1, count + 1),
        "champion_mean": np.array(means, float),
        "seconds_evaluation": np.full(count, seconds),
        "seconds_variation": np.zeros(count),
        "seconds_other": np.zeros(count),
    }


def test_quartiles_are_those_of_the_runs_at_each_generation():
    values = np.random.default_rng(0).normal(size=(7, 5))
    places, found = quartiles([metrics(row) for row in values], "generations", "champion_mean")
    np.testing.assert_array_equal(places, np.arange(1, 6))
    np.testing.assert_allclose(found, np.percentile(values, [25, 50, 75], axis=0))


def test_a_run_keeps_its_last_value_and_the_curve_ends_where_half_of_the_runs_have_ended():
    runs = [metrics([1.0]), metrics([2.0, 3.0, 4.0]), metrics([5.0, 6.0, 7.0, 8.0])]
    places, (low, middle, high) = quartiles(runs, "generations", "champion_mean")
    assert places.tolist() == [1, 2, 3]
    assert middle.tolist() == [2, 3, 4]
    assert (low[2], high[2]) == (2.5, 5.5)


def test_nothing_is_drawn_before_half_of_the_runs_have_a_champion():
    nan = np.nan
    runs = [metrics([nan, nan, 3.0]), metrics([nan, 2.0, 2.0]), metrics([nan, nan, nan])]
    places, found = quartiles(runs, "generations", "champion_mean")
    assert places.tolist() == [3]
    assert found[1].tolist() == [2.5]


def test_the_axis_may_be_evaluations_or_seconds():
    run = metrics([1, 2, 3], seconds=0.5)
    assert axis_of(run, "evaluations").tolist() == [10, 20, 30]
    assert axis_of(run, "seconds").tolist() == [0.5, 1.0, 1.5]
    places, found = quartiles([run] * 3, "seconds", "champion_mean")
    assert (places[0] >= 0.5, places[-1]) == (True, 1.5)
    assert found[1][np.searchsorted(places, 1.01)] == 2.0


@pytest.mark.parametrize("over", ["generations", "evaluations", "seconds"])
def test_runs_that_have_just_begun_are_drawn_beside_long_ones(tmp_path, over):
    runs = [metrics(np.ones(5000))] * 2 + [metrics([2.0])] * 3
    places, found = quartiles(runs, over, "champion_mean")
    assert places[-1] == axis_of(runs[-1], over)[-1]
    assert found[:, -1].tolist() == [1.0, 2.0, 2.0]
    plot_groups([Curves("some", runs)], tmp_path / "a.svg", over=over)


@pytest.mark.parametrize("over", ["generations", "evaluations", "seconds"])
def test_where_most_runs_have_no_champion_there_is_no_curve(tmp_path, over):
    runs = [metrics([1.0, 2.0])] + [metrics([np.nan, np.nan])] * 3
    places, found = quartiles(runs, over, "champion_mean")
    assert (places.shape, found.shape) == ((0,), (3, 0))
    plot_groups([Curves("some", runs)], tmp_path / "a.svg", over=over)


@pytest.mark.parametrize("over", ["generations", "evaluations", "seconds"])
def test_lost_generations_leave_a_gap(over):
    whole = metrics([1, 2, 3, 4], seconds=0.5)
    lost = {name: column.copy() for name, column in whole.items()}
    for name in lost.keys() - {"generation"}:
        lost[name][1] = np.nan
    assert np.isfinite(axis_of(lost, over)).all()
    assert (np.diff(axis_of(lost, over)) >= 0).all()
    _, found = quartiles([lost] * 3, over, "champion_mean")
    assert found[1][-1] == 4.0
    assert np.isfinite(found).all()


@pytest.mark.parametrize("over", ["generations", "evaluations", "seconds"])
def test_the_same_runs_give_the_same_bytes(tmp_path, over):
    groups = [
        Curves("one", [metrics([1, 2, 3]), metrics([2, 3]), metrics([np.nan, 3])]),
        Curves("two <$x_1$>", [metrics([1])]),
        Curves("none", [metrics([])]),
    ]
    for name in ("a.svg", "b.svg"):
        plot_groups(groups, tmp_path / name, over=over, title="both")
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert "one (3 runs)" in text
    assert "two &lt;$x_1$&gt; (1 run)" in text
    assert "none" not in text.replace("none;", "").replace(': none"', "")


def test_without_a_generation_there_is_nothing_to_plot(tmp_path):
    with pytest.raises(ValueError, match="no run has a generation yet"):
        plot_groups([Curves("none", [metrics([])])], tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())
