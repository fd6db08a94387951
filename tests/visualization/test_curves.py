"""Plots of a run: what is shown, gaps in the data, refusals, files."""

from __future__ import annotations

import os
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from wann.analysis.classifier import Accuracy, ClassifierCard, Reliability, Sweep
from wann.visualization.curves import (
    COLUMNS,
    Profile,
    classifier_figure,
    plot_classifier,
    plot_run,
    run_figure,
)
from wann.visualization.theme import figure_style


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


@pytest.mark.slow
@pytest.mark.parametrize("hole", [np.nan, -np.inf])
@pytest.mark.parametrize("holes", [[0, 1, 3], [0, 1, 2, 3]])
def test_gaps_and_infinities_are_no_obstacle(hole, holes):
    values = np.array([3.0, 1.0, 2.0, 5.0])
    values[holes] = hole
    metrics = dict.fromkeys(COLUMNS, values) | {"generation": np.arange(4.0)}
    for profile in (Profile(np.arange(4), values, np.ones(4)), Profile(np.arange(4), np.ones(4), values)):
        *_, axes = panels(metrics, profile)
        assert all(np.isfinite(limit) for limit in axes.get_ylim())


def test_generations_without_metrics_are_shaded():
    metrics = metrics_of(10)
    for name in set(metrics) - {"generation"}:
        metrics[name][[0, 5]] = np.nan
    metrics["generation"] = np.array([1.0, 40, 41, 42, 43, 44, 60, 61, 62, 63])
    _, returns, sizes, _ = panels(metrics, PROFILE)
    for axes in (returns, sizes):
        spans = [patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches]
        assert [(span.x0, span.x1) for span in spans] == [pytest.approx((1, 40)), pytest.approx((43, 60))]
    assert "no metrics kept" in returns.get_legend_handles_labels()[1]
    _, returns, sizes, _ = panels(metrics_of(10), PROFILE)
    assert not returns.patches
    assert not sizes.patches


@pytest.mark.slow
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


# Classifiers


def classifier_of(classes: int) -> tuple[Sweep, ClassifierCard]:
    """Made-up accuracies, many of which end at the same height."""
    rng = np.random.default_rng(0)
    weights = np.linspace(-2.0, 2.0, 21)
    of_class = rng.uniform(0.0, 0.9, classes).round(1) + 0.1 * np.sin(weights[:, None] * np.arange(classes))
    of_class = np.clip(of_class, 0.0, 1.0)
    sweep = Sweep(weights, of_class.mean(axis=1), of_class)
    votes = Reliability(
        (None, 0.17, 0.25, None, 0.5, None, 0.67, None, 0.83, 1.0),
        (None, 0.2, 0.1, None, 0.4, None, 0.6, None, 0.75, 0.95),
        (0, 3, 10, 0, 40, 0, 80, 0, 90, 200),
        0.061,
    )
    mean = Reliability((None,) * 9 + (0.97,), (None,) * 9 + (0.5,), (0,) * 9 + (423,), 0.47)
    card = ClassifierCard(
        task="digits",
        samples=423,
        classes=tuple(f"class {k}" for k in range(classes)),
        per_weight=tuple(Accuracy(0.5, weight=w) for w in (-1.0, 0.5, 1.0)),
        uniform_shared=Accuracy(0.512, std=0.1),
        ensemble=Accuracy(0.734),
        ensemble_mean=Accuracy(0.5),
        ensemble_chosen=Accuracy(0.5),
        best_shared=Accuracy(0.803, weight=1.25),
        tuned=None,
        per_class=((0.5,) * classes,) * 3,
        confusion=((1,) * classes,) * classes,
        reliability_votes=votes,
        reliability_mean=mean,
    )
    return sweep, card


def classifier_panels(classes, **options):
    """Figure, its panels (returns, sizes, accuracy, reliability, counts) and what they show."""
    sweep, card = classifier_of(classes)
    with figure_style():
        figure = classifier_figure(metrics_of(20), sweep, card, **options)
        FigureCanvasAgg(figure).draw()
    return figure, figure.axes, sweep, card


def test_accuracy_is_shown_over_the_weight_for_all_and_for_each_class():
    _, axes, sweep, card = classifier_panels(10)
    assert axes[0].get_ylabel() == "return: − cross-entropy (nats)"
    shown = lines_of(axes[2])
    np.testing.assert_array_equal(shown["all classes"].get_ydata(), sweep.accuracy)
    assert set(shown["mean over the range: 51.2%"].get_ydata()) == {0.512}
    assert set(shown["ensemble of 3 weights: 73.4%"].get_ydata()) == {0.734}
    best = shown["validated best: 80.3% at 1.25"]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (1.25, 0.803)
    of_class = [line for line in axes[2].lines if len(line.get_xdata()) == 21][:10]
    for line, column in zip(of_class, sweep.per_class.T, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), column)
        assert line.get_linewidth() < shown["all classes"].get_linewidth()
    styles = {(line.get_color(), line.get_linestyle()) for line in of_class}
    assert len(styles) == 10
    assert sorted(text.get_text() for text in axes[2].texts) == sorted(card.classes)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3, 10, 26, 60])
def test_names_of_classes_stand_beside_the_panel_and_never_touch(classes):
    figure, axes, *_ = classifier_panels(classes, title="A run")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [text.get_window_extent(renderer) for text in axes[2].texts]
    assert len(boxes) == (classes if classes < 50 else 0)
    panel, next_panel = (axes[k].get_window_extent(renderer) for k in (2, 3))
    for box in boxes:
        assert panel.x1 < box.x0
        assert box.x1 < next_panel.x0
    ordered = sorted(boxes, key=lambda box: box.y0)
    assert all(a.y1 <= b.y0 + 1.0 for a, b in pairwise(ordered))
    labels = axes[2].get_legend_handles_labels()[1]
    assert ("each class" in labels) == (not boxes)
    legends = [axes[k].get_legend().get_window_extent(renderer) for k in (0, 2, 3)]
    assert not legends[0].overlaps(legends[1])
    assert not legends[1].overlaps(legends[2])
    box = figure.get_tightbbox(renderer)
    assert box.x0 >= -1e-6
    assert box.x1 <= figure.get_size_inches()[0] + 1e-6


def test_reliability_is_shown_against_the_diagonal_with_its_counts():
    _, axes, _, card = classifier_panels(3)
    reliable, counts = axes[3:]
    shown = lines_of(reliable)
    line = shown["share of votes: off by 6.1%"]
    assert line.get_xdata().tolist() == [x for x in card.reliability_votes.confidence if x is not None]
    assert line.get_ydata().tolist() == [x for x in card.reliability_votes.accuracy if x is not None]
    single = shown["mean probability: off by 47.0%"]
    assert (single.get_xdata().tolist(), single.get_ydata().tolist()) == ([0.97], [0.5])
    heights = [bar.get_height() for bar in counts.patches]
    assert heights == [*card.reliability_votes.count, *card.reliability_mean.count]
    assert all(0.0 <= bar.get_x() <= bar.get_x() + bar.get_width() <= 1.0 for bar in counts.patches)


def test_a_class_without_samples_leaves_a_gap():
    sweep, card = classifier_of(3)
    sweep.per_class[:, 1] = np.nan
    with figure_style():
        figure = classifier_figure(metrics_of(5), sweep, card)
        FigureCanvasAgg(figure).draw()
    assert [text.get_text() for text in figure.axes[2].texts] == list(card.classes)


@pytest.mark.slow
def test_a_classifier_s_plot_is_written_the_same_twice(tmp_path):
    paths = [tmp_path / f"{k}.svg" for k in range(2)]
    for path in paths:
        plot_classifier(metrics_of(30, champion_from=4), *classifier_of(10), path, title="Run")
    assert paths[0].stat().st_size > 5000
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_classifier_s_plot_is_refused_like_any_other(tmp_path):
    with pytest.raises(ValueError, match="no generation yet"):
        plot_classifier(metrics_of(0), *classifier_of(3), tmp_path / "run.svg")
    with pytest.raises(ValueError, match="must end in"):
        plot_classifier(metrics_of(3), *classifier_of(3), tmp_path / "run.gif")
