"""Curves of a run: its scores, the sizes of its networks, and the score of its champion over the weight.

The last is the return over the shared weight; of a classifier its accuracy, for each class too, and how far
the confidence of an ensemble can be relied on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import MaxNLocator, PercentFormatter
from matplotlib.typing import LineStyleType

from wann.analysis.classifier import ClassifierCard, Sweep
from wann.utils.arrays import FloatArray
from wann.visualization.spacing import ascending
from wann.visualization.theme import (
    LIGHT,
    Theme,
    check_suffix,
    figure_style,
    legend_above,
    plain_text,
    quiet_frame,
    save_figure,
)

COLUMNS = (
    "generation",
    "best_mean",
    "median_mean",
    "champion_mean",
    "best_weight_return",
    "median_connections",
    "champion_connections",
)
"""Columns of a run's metrics that are plotted; it may have others."""

SIZE = (10.0, 4.4)  # inches
CLASSIFIER_SIZE = (13.0, 4.8)
TEXT_SIZE, TITLE_SIZE = 8.0, 10.5  # points

LABEL_SIZES = (8.0, 5.0)  # points; names of classes are that large, as long as they are not too many
LABELS_HEIGHT = 3.4  # inches that they have, one below the other
LINE_STYLES: tuple[LineStyleType, ...] = (
    "-",
    (0.0, (4.0, 1.5)),
    (0.0, (1.0, 1.2)),
)  # in turn, once every colour is used


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Returns of one network over the shared weight. W weights; at least one; all arrays are read-only."""

    weights: FloatArray  # (W,)
    mean: FloatArray  # (W,) mean return over episodes
    std: FloatArray  # (W,) standard deviation over episodes

    def __post_init__(self) -> None:
        for field in fields(self):
            array = np.array(getattr(self, field.name), np.float64)
            if array.ndim != 1 or array.size == 0 or array.size != np.size(self.weights):
                raise ValueError(f"{field.name} must hold one number for each weight, got {array.shape}")
            array.flags.writeable = False
            object.__setattr__(self, field.name, array)


def plot_run(
    metrics: Mapping[str, FloatArray],
    profile: Profile,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
) -> None:
    """Plot a run to a .svg, .png or .pdf file; same data, same bytes.

    Args:
        metrics: at least the columns `COLUMNS`, (G,) each for G generations; NaN where there is no value,
            such as a champion's before there is one.
        profile: the champion's returns over the shared weight.
        path: the file to write.
        title: a line above the panels.

    Raises:
        ValueError: the suffix is another, a column is missing or of another length, or there is no row.
        OSError: the file cannot be written; nothing is left behind.
    """
    check_suffix(path)
    columns = checked_metrics(metrics)
    with figure_style():
        save_figure(run_figure(columns, profile, title=title), path)


def run_figure(
    metrics: Mapping[str, FloatArray], profile: Profile, *, title: str | None = None, theme: Theme = LIGHT
) -> Figure:
    """Figure of a run, called within `wann.visualization.theme.figure_style`; arguments as for `plot_run`."""
    figure = Figure(figsize=SIZE, facecolor=theme.paper, layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(2.4, 1.0), width_ratios=(1.25, 1.0))
    plot_learning(figure, grid, metrics, "return", theme)
    over_weight = figure.add_subplot(grid[:, 1])
    plot_profile(over_weight, profile, theme)
    finish(over_weight, theme)
    write_title(figure, title, theme)
    return figure


def plot_classifier(
    metrics: Mapping[str, FloatArray],
    sweep: Sweep,
    card: ClassifierCard,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
) -> None:
    """Plot a run on a data set to a .svg, .png or .pdf file; same data, same bytes.

    Args:
        metrics: as for `plot_run`.
        sweep: the champion's accuracy over the shared weight.
        card: what `wann.analysis.classifier.evaluate_classifier` says of it.
        path: the file to write.
        title: a line above the panels.

    Raises:
        ValueError: as `plot_run`.
        OSError: the file cannot be written; nothing is left behind.
    """
    check_suffix(path)
    columns = checked_metrics(metrics)
    with figure_style():
        save_figure(classifier_figure(columns, sweep, card, title=title), path)


def classifier_figure(
    metrics: Mapping[str, FloatArray],
    sweep: Sweep,
    card: ClassifierCard,
    *,
    title: str | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """Figure of a run on a data set; to be called within `wann.visualization.theme.figure_style`."""
    figure = Figure(figsize=CLASSIFIER_SIZE, facecolor=theme.paper, layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=(2.4, 1.0), width_ratios=(1.15, 1.15, 1.0))
    plot_learning(figure, grid, metrics, "return: − cross-entropy (nats)", theme)
    over_weight = figure.add_subplot(grid[:, 1])
    _plot_sweep(over_weight, sweep, card, theme)
    finish(over_weight, theme)
    reliable = figure.add_subplot(grid[0, 2])
    counts = figure.add_subplot(grid[1, 2], sharex=reliable)
    _plot_reliability(reliable, counts, card, theme)
    for axes in (reliable, counts):
        finish(axes, theme, columns=1)
    reliable.tick_params(labelbottom=False)
    figure.align_ylabels([reliable, counts])
    write_title(figure, title, theme)
    return figure


def write_title(figure: Figure, title: str | None, theme: Theme) -> None:
    """Write a title above the panels, if there is one."""
    if title:
        figure.suptitle(
            plain_text(title, 100), fontsize=TITLE_SIZE, color=theme.ink, fontweight="bold", parse_math=False
        )


def checked_metrics(metrics: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The plotted columns of a run's metrics.

    Raises:
        ValueError: one is missing or of another length, or there is no row.
    """
    missing = [name for name in COLUMNS if name not in metrics]
    if missing:
        raise ValueError(f"metrics lack the column {missing[0]!r}")
    columns = {name: np.asarray(metrics[name], np.float64) for name in COLUMNS}
    rows = columns["generation"].shape
    for name, column in columns.items():
        if column.ndim != 1 or column.shape != rows:
            raise ValueError(f"metrics column {name!r} has shape {column.shape}, 'generation' has {rows}")
    if rows == (0,):
        raise ValueError("metrics hold no generation yet: nothing to plot")
    return columns


def plot_learning(
    figure: Figure, grid: GridSpec, metrics: Mapping[str, FloatArray], label: str, theme: Theme
) -> None:
    """The first column of a figure: returns, and sizes below them."""
    returns = figure.add_subplot(grid[0, 0])
    sizes = figure.add_subplot(grid[1, 0], sharex=returns)
    returns.set_ylabel(label)
    _plot_returns(returns, metrics, theme)
    _plot_sizes(sizes, metrics, theme)
    for axes, label in ((returns, "no metrics kept"), (sizes, "")):
        _shade_gaps(axes, metrics, label, theme)
    for axes in (returns, sizes):
        finish(axes, theme)
    returns.tick_params(labelbottom=False)
    figure.align_ylabels([returns, sizes])


def _plot_returns(axes: Axes, metrics: Mapping[str, FloatArray], theme: Theme) -> None:
    for name, label, color, width in (
        ("best_weight_return", "best at a single weight", theme.mark, 0.8),
        ("best_mean", "best mean of the generation", theme.input_light, 0.8),
        ("median_mean", "median of the population", theme.hidden_line, 0.8),
        ("champion_mean", "champion, confirmed mean", theme.input, 2.0),
    ):
        _line(axes, metrics, name, label, color, width)


def _plot_sizes(axes: Axes, metrics: Mapping[str, FloatArray], theme: Theme) -> None:
    axes.set(xlabel="generation", ylabel="connections")
    _line(axes, metrics, "median_connections", "", theme.hidden_line, 1.0)
    _line(axes, metrics, "champion_connections", "", theme.input, 2.0)
    axes.set_ylim(bottom=0.0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6 if axis is axes.xaxis else 3, integer=True, min_n_ticks=1))


def _shade_gaps(axes: Axes, metrics: Mapping[str, FloatArray], label: str, theme: Theme) -> None:
    """Shade generations of which nothing is known: to a row without any value belong those until the next."""
    generation = metrics["generation"]
    empty = np.all([np.isnan(metrics[name]) for name in COLUMNS if name != "generation"], axis=0)
    for row in np.flatnonzero(empty[:-1]).tolist():
        axes.axvspan(
            float(generation[max(row - 1, 0)]), float(generation[row + 1]),
            color=theme.hidden_line, alpha=0.15, linewidth=0.0, label=label,
        )  # fmt: skip
        label = ""


def _line(
    axes: Axes, metrics: Mapping[str, FloatArray], name: str, label: str, color: str, width: float
) -> None:
    values = _finite(metrics[name])
    # A line through a single point is invisible, and so is a point between gaps.
    marker = "o" if np.isfinite(values).sum() == 1 else ""
    axes.plot(
        metrics["generation"],
        values,
        color=color,
        linewidth=width,
        marker=marker,
        markersize=3.0,
        label=label,
        drawstyle="steps-post" if name.startswith("champion") else "default",
        solid_joinstyle="round",
    )


def short_number(value: float) -> str:
    """A number with three digits, or without decimals."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


def plot_profile(
    axes: Axes,
    profile: Profile,
    theme: Theme,
    *,
    label: str = "mean over episodes",
    shown: Callable[[float], str] = short_number,
) -> None:
    """A score over the shared weight, its mean over the range, and the best; `shown` writes numbers."""
    order = np.argsort(profile.weights, kind="stable")
    weights, mean, std = profile.weights[order], _finite(profile.mean[order]), _finite(profile.std[order])
    axes.set(xlabel="shared weight", ylabel="return")
    if std.any():
        axes.fill_between(
            weights,
            mean - std,
            mean + std,
            color=theme.input,
            alpha=0.15,
            linewidth=0.0,
            label="± one standard deviation",
        )
    marker = "o" if weights.size == 1 else ""
    axes.plot(weights, mean, color=theme.input, linewidth=1.8, marker=marker, label=label)
    if not np.isfinite(mean).any():
        return
    overall = float(np.nanmean(mean))
    axes.axhline(
        overall,
        color=theme.hidden_line,
        linewidth=1.0,
        dashes=(5.0, 3.0),
        label=f"mean over the range: {shown(overall)}",
    )
    best = int(np.nanargmax(mean))
    label = f"best: {shown(float(mean[best]))} at weight {weights[best]:.3g}"
    _plot_best(axes, weights[best], mean[best], label, theme)


def _plot_best(
    axes: Axes, weight: float | None, height: float, label: str, theme: Theme, *, clip_on: bool = True
) -> None:
    """The dot at the best weight."""
    axes.plot(
        np.array([weight], np.float64),
        [height],
        linestyle="",
        marker="o",
        markersize=6.5,
        color=theme.mark,
        markeredgecolor=theme.ink,
        markeredgewidth=0.8,
        label=label,
        zorder=5,
        clip_on=clip_on,
    )


def _plot_sweep(axes: Axes, sweep: Sweep, card: ClassifierCard, theme: Theme) -> None:
    axes.set(xlabel="shared weight", ylabel="accuracy on the test part", ylim=(0.0, 1.0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    _plot_classes(axes, sweep, card.classes, theme)
    axes.plot(sweep.weights, sweep.accuracy, color=theme.ink, linewidth=2.4, label="all classes", zorder=3)
    mean, ensemble, best = card.uniform_shared.accuracy, card.ensemble.accuracy, card.best_shared
    for height, color, label in (
        (ensemble, theme.output, f"ensemble of {len(card.per_weight)} weights: {ensemble:.1%}"),
        (mean, theme.hidden_line, f"mean over the range: {mean:.1%}"),
    ):
        axes.axhline(height, color=color, linewidth=1.2, dashes=(5.0, 3.0), label=label, zorder=2.5)
    label = f"validated best: {best.accuracy:.1%} at {best.weight:.3g}"
    _plot_best(axes, best.weight, best.accuracy, label, theme, clip_on=False)


def _plot_classes(axes: Axes, sweep: Sweep, classes: Sequence[str], theme: Theme) -> None:
    """A thin line for each class, with its name beside its end; without names where they would not fit."""
    axes.margins(x=0.0)
    height = 72.0 * LABELS_HEIGHT  # of the panel in points
    size = min(LABEL_SIZES[0], height / (1.25 * len(classes)))
    if size < LABEL_SIZES[1]:
        for column in sweep.per_class.T:
            axes.plot(sweep.weights, column, color=theme.hidden_line, linewidth=0.5, alpha=0.5)
        axes.lines[0].set_label("each class")
        return
    ends = np.nan_to_num(sweep.per_class[-1])
    order = np.argsort(ends, kind="stable")
    gap = 1.25 * size / height * np.arange(len(classes))
    room = 1.0 - gap[-1]
    places = np.clip(ascending(ends[order] - gap, np.ones(len(classes))), 0.0, room) + gap
    place = dict(zip(order.tolist(), places.tolist(), strict=True))
    for k, name in enumerate(classes):
        turn, hue = divmod(k, len(theme.many))
        color, style = theme.many[hue], LINE_STYLES[turn % len(LINE_STYLES)]
        axes.plot(sweep.weights, sweep.per_class[:, k], color=color, linewidth=0.9, linestyle=style)
        axes.plot(
            [1.0, 1.02, 1.05, 1.07],
            [ends[k], ends[k], place[k], place[k]],
            transform=axes.transAxes,  # the panel is one unit high
            color=color,
            linewidth=1.2,
            linestyle=style,
            clip_on=False,
        )
        axes.text(
            1.08,
            place[k],
            plain_text(name, 14),
            transform=axes.transAxes,
            fontsize=size,
            color=theme.ink,
            verticalalignment="center_baseline",
            parse_math=False,
        )


def _plot_reliability(axes: Axes, counts: Axes, card: ClassifierCard, theme: Theme) -> None:
    """Accuracy over the confidence of the ensemble, with the diagonal; below, a histogram of confidence."""
    axes.set(ylabel="accuracy", xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    counts.set(xlabel="confidence of the ensemble", ylabel="test samples")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    axes.plot([0.0, 1.0], [0.0, 1.0], color=theme.hidden_line, linewidth=1.0, dashes=(5.0, 3.0))
    for side, (found, color, label) in enumerate(
        (
            (card.reliability_votes, theme.input, "share of votes"),
            (card.reliability_mean, theme.output, "mean probability"),
        )
    ):
        filled = np.array(found.count) > 0
        sure, right = (np.array(values, np.float64)[filled] for values in (found.confidence, found.accuracy))
        axes.plot(sure, right, color=color, linewidth=1.0, label=f"{label}: off by {found.error:.1%}")
        sizes = 4.0 + 56.0 * np.array(found.count)[filled] / max(found.count)  # square points
        axes.scatter(sure, right, sizes, color=color, clip_on=False, zorder=3)
        width = 1.0 / len(found.count)
        middles = width * (np.arange(len(found.count)) + 0.3 + 0.4 * side)
        counts.bar(middles, found.count, 0.36 * width, color=color)
    counts.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True, min_n_ticks=1))


def _finite(values: FloatArray) -> FloatArray:
    """The values, with a gap (NaN) where one is infinite."""
    return np.where(np.isfinite(values), values, np.nan)


def finish(axes: Axes, theme: Theme, columns: int = 2) -> None:
    """Give every panel the same quiet frame, with the legend above it."""
    quiet_frame(axes, theme, TEXT_SIZE)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(fontsize=TEXT_SIZE + 1.0, color=theme.ink)
    if axes.get_legend_handles_labels()[1]:
        legend_above(axes, theme, TEXT_SIZE, columns)
