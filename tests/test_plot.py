"""Plots of a run: what is shown, gaps in the data, refusals, files."""

from __future__ import annotations

import os
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from wann.plot import COLUMNS, Profile, plot_run, run_figure
from wann.theme import figure_style


def metrics_of(generations: int, champion_from: int = 0) -> dict[str, np.ndarray]:
    """Columns as a run writes them, with others than the plotted ones among them."""
    rng = np.random.default_rng(0)
    columns = {name: 100.0 * rng.random(generations).cumsum() for name in COLUMNS}
    columns["generation"] = np.arange(1.0, generations + 1.0)
    columns["seconds_other"] = np.zeros(generations)
    for name in columns:
        if name.startswith("champion"):
            columns[name][:champion_from] = np.nan
    return columns


PROFILE = Profile(np.linspace(-2.0, 2.0, 9), np.array([5.0, 4, 3, 0, 1, 0, 6, 9, 7]), np.full(9, 0.5))


def panels(metrics, profile, **options):
    """Figure and its panels: returns, sizes, profile."""
    with figure_style():
        figure = run_figure(metrics, profile, **options)
        FigureCanvasAgg(figure).draw()
    return figure, *figure.axes


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


def test_the_learning_curves_show_their_columns():
    metrics = metrics_of(20, champion_from=3)
    _, returns, sizes, _ = panels(metrics, PROFILE)
    shown = lines_of(returns)
    for label, name in (
        ("best at a single weight", "best_weight_return"),
        ("best mean of the generation", "best_mean"),
        ("median of the population", "median_mean"),
        ("champion, confirmed mean", "champion_mean"),
    ):
        np.testing.assert_array_equal(shown[label].get_xdata(), metrics["generation"])
        np.testing.assert_array_equal(shown[label].get_ydata(), metrics[name])
    for line, name in zip(sizes.lines, ("median_connections", "champion_connections"), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), metrics[name])
    assert sizes.get_ylim()[0] == 0.0


def test_the_champion_is_the_strongest_line():
    _, returns, *_ = panels(metrics_of(20), PROFILE)
    width = {label: line.get_linewidth() for label, line in lines_of(returns).items()}
    strongest = width.pop("champion, confirmed mean")
    assert all(strongest > other for other in width.values())


def test_the_profile_shows_mean_band_best_weight_and_overall_mean():
    *_, axes = panels(metrics_of(5), PROFILE)
    shown = lines_of(axes)
    np.testing.assert_array_equal(shown["mean over episodes"].get_ydata(), PROFILE.mean)
    best = shown["best: 9 at weight 1.5"]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (1.5, 9.0)
    assert set(shown["mean over the range: 3.89"].get_ydata()) == {PROFILE.mean.mean()}
    (band,) = axes.collections
    vertices = band.get_paths()[0].vertices
    assert vertices[:, 1].max() == 9.5
    assert vertices[:, 1].min() == -0.5


def test_weights_in_any_order_make_the_same_profile():
    order = np.random.default_rng(0).permutation(9)
    shuffled = Profile(PROFILE.weights[order], PROFILE.mean[order], PROFILE.std[order])
    *_, axes = panels(metrics_of(5), shuffled)
    np.testing.assert_array_equal(lines_of(axes)["mean over episodes"].get_xdata(), PROFILE.weights)


def test_a_single_generation_is_shown_by_points_at_a_whole_number():
    _, returns, sizes, _ = panels(metrics_of(1), PROFILE)
    assert all(line.get_marker() == "o" for line in (*returns.lines, *sizes.lines))
    low, high = returns.get_xlim()
    assert [tick for tick in sizes.get_xticks() if low <= tick <= high] == [1.0]


@pytest.mark.parametrize("generations", [1, 2, 700])
def test_every_text_lies_inside_the_figure(generations):
    figure, *axes = panels(metrics_of(generations), PROFILE, title="A run " * 30)
    renderer = FigureCanvasAgg(figure).get_renderer()
    box = figure.get_tightbbox(renderer)
    width, height = figure.get_size_inches()
    assert box.x0 >= -1e-6
    assert box.y0 >= -1e-6
    assert box.x1 <= width + 1e-6
    assert box.y1 <= height + 1e-6
    legends = [panel.get_legend().get_window_extent(renderer) for panel in (axes[0], axes[2])]
    assert not legends[0].overlaps(legends[1])


@pytest.mark.parametrize("hole", [np.nan, -np.inf])
@pytest.mark.parametrize("holes", [[0, 1, 3], [0, 1, 2, 3]])
def test_gaps_and_infinities_are_no_obstacle(hole, holes):
    values = np.array([3.0, 1.0, 2.0, 5.0])
    values[holes] = hole
    metrics = dict.fromkeys(COLUMNS, values) | {"generation": np.arange(4.0)}
    for profile in (Profile(np.arange(4), values, np.ones(4)), Profile(np.arange(4), np.ones(4), values)):
        *_, axes = panels(metrics, profile)
        assert all(np.isfinite(limit) for limit in axes.get_ylim())


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_every_format_is_written_the_same_twice(tmp_path, suffix):
    paths = [tmp_path / f"{k}{suffix}" for k in range(2)]
    for path in paths:
        plot_run(metrics_of(30, champion_from=4), PROFILE, path, title="Run")
    assert paths[0].stat().st_size > 5000
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_title_with_markup_is_text(tmp_path):
    plot_run(metrics_of(3), PROFILE, tmp_path / "run.svg", title='<b>&"$x$</b>')
    root = ElementTree.fromstring((tmp_path / "run.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own file
    assert '<b>&"$x$</b>' in {element.text for element in root.iter()}


def test_a_missing_column_is_named(tmp_path):
    metrics = metrics_of(3)
    del metrics["median_mean"]
    with pytest.raises(ValueError, match="lack the column 'median_mean'"):
        plot_run(metrics, PROFILE, tmp_path / "run.svg")


def test_columns_of_different_length_are_refused(tmp_path):
    metrics = metrics_of(3)
    metrics["best_mean"] = np.zeros(2)
    with pytest.raises(ValueError, match=r"'best_mean' has shape \(2,\), 'generation' has \(3,\)"):
        plot_run(metrics, PROFILE, tmp_path / "run.svg")


def test_a_run_without_a_generation_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no generation yet"):
        plot_run(metrics_of(0), PROFILE, tmp_path / "run.svg")


def test_another_suffix_is_refused_with_the_possible_ones(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf, not '\.gif'"):
        plot_run(metrics_of(3), PROFILE, tmp_path / "run.gif")


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match=r"run\.svg"):
        plot_run(metrics_of(3), PROFILE, tmp_path / "missing" / "run.svg")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("weights", "mean", "std", "name"),
    [
        ([], [], [], "weights"),
        ([1.0, 2.0], [1.0], [1.0, 2.0], "mean"),
        ([1.0], [1.0], [[1.0]], "std"),
        (1.0, [1.0], [1.0], "weights"),
    ],
)
def test_a_profile_of_the_wrong_shape_is_refused(weights, mean, std, name):
    with pytest.raises(ValueError, match=f"{name} must hold one number for each weight"):
        Profile(np.array(weights), np.array(mean), np.array(std))


def test_a_profile_is_read_only_and_leaves_its_sources_alone():
    mean = np.array([1.0, 2.0])
    profile = Profile(np.array([0.5, 1.0]), mean, np.zeros(2))
    mean[0] = 7.0
    assert profile.mean[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        profile.mean[0] = 3.0
