"""Learning curves of groups of runs: medians with the quartiles around them, and where each run ended."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from wann.utils.arrays import FloatArray
from wann.utils.words import counted
from wann.visualization.theme import (
    LIGHT,
    Theme,
    check_suffix,
    figure_style,
    legend_above,
    plain_text,
    quiet_frame,
    save_figure,
    text_width,
)

Over = Literal["generations", "evaluations", "seconds"]

OVERS: tuple[Over, ...] = get_args(Over)
"""What curves can be drawn over."""

COLUMNS = (
    "generation",
    "champion_mean",
    "champion_best_weight",
    "champion_connections",
    "evaluations",
    "seconds_evaluation",
    "seconds_variation",
    "seconds_other",
)
"""Columns of a run's metrics that are used; it may have others."""

LABELS: Mapping[Over, str] = {
    "generations": "generation",
    "evaluations": "networks evaluated",
    "seconds": "computing time in seconds",
}

WIDTH, HEIGHT, LINE_HEIGHT = 10.0, 4.6, 0.19  # inches; the last for each line of names
TEXT_SIZE, TITLE_SIZE = 8.0, 10.5  # points
_LEGEND, _HANDLE = 5.8, 0.5  # inches: the width of the names above the curves, the line before each
_POINTS = 400  # of a curve
_FEWEST = 3  # runs that have quartiles; fewer are drawn one by one


@dataclass(frozen=True, slots=True)
class Curves:
    """The runs of a group: its name, and the metrics of each run by column."""

    name: str
    runs: Sequence[Mapping[str, FloatArray]]


def plot_groups(
    groups: Sequence[Curves],
    path: str | os.PathLike[str],
    *,
    over: Over = "generations",
    title: str | None = None,
    label: str = "return",
) -> None:
    """Plot groups of runs to a .svg, .png or .pdf file; same data, same bytes.

    Args:
        groups: the groups, at least one with a run that has a generation.
        path: the file to write.
        over: the horizontal axis.
        title: a line above the panels.
        label: what the scores are.

    Raises:
        ValueError: the suffix is another, or there is nothing to plot.
        OSError: the file cannot be written; nothing is left behind.
    """
    check_suffix(path)
    with figure_style():
        save_figure(groups_figure(groups, over=over, title=title, label=label), path)


def groups_figure(
    groups: Sequence[Curves],
    *,
    over: Over = "generations",
    title: str | None = None,
    label: str = "return",
    theme: Theme = LIGHT,
) -> Figure:
    """Figure of groups of runs, called within `wann.visualization.theme.figure_style`.

    Each curve ends where half of its group's runs have ended.

    Raises:
        ValueError: no run has a generation yet.
    """
    groups = [Curves(group.name, [run for run in group.runs if run["generation"].size]) for group in groups]
    groups = [group for group in groups if group.runs]
    if not groups:
        raise ValueError("no run has a generation yet: nothing to plot")
    names = len(groups)
    widest = max(text_width(_shown_name(group), TEXT_SIZE) for group in groups)
    columns = 2 if names > 1 and 2.0 * (widest + _HANDLE) <= _LEGEND else 1
    figure = Figure(
        figsize=(WIDTH, HEIGHT + LINE_HEIGHT * max(0, -(-names // columns) - 2)),
        facecolor=theme.paper,
        layout="constrained",
    )
    grid = figure.add_gridspec(2, 2, height_ratios=(2.4, 1.0), width_ratios=(1.7, 1.0))
    scores, sizes = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0])
    sizes.sharex(scores)
    ends = figure.add_subplot(grid[:, 1])
    for place, group in enumerate(groups):
        color = _color(place, names, theme)
        _plot_group(scores, group, over, "champion_mean", color, label=True)
        _plot_group(sizes, group, over, "champion_connections", color)
    scores.set_ylabel(f"{label}, confirmed mean")
    sizes.set(xlabel=LABELS[over], ylabel="connections")
    sizes.set_ylim(bottom=0.0)
    sizes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True, min_n_ticks=1))
    if over != "seconds":
        sizes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    if over == "evaluations":
        sizes.xaxis.set_major_formatter(EngFormatter(sep=""))
    _plot_ends(ends, groups, theme)
    ends.set_xlabel(f"{label} at the end")
    for axes in (scores, sizes, ends):
        quiet_frame(axes, theme, TEXT_SIZE)
        for each in (axes.xaxis.label, axes.yaxis.label):
            each.set(fontsize=TEXT_SIZE + 1.0, color=theme.ink)
    ends.grid(visible=False, axis="y")
    ends.grid(visible=True, axis="x", color=theme.faint, linewidth=0.6)
    scores.tick_params(labelbottom=False)
    figure.align_ylabels([scores, sizes])
    for axes, count in ((scores, columns), (ends, 3)):
        legend_above(axes, theme, TEXT_SIZE, count)
    if title:
        figure.suptitle(
            plain_text(title, 100), fontsize=TITLE_SIZE, color=theme.ink, fontweight="bold", parse_math=False
        )
    return figure


def _color(place: int, count: int, theme: Theme) -> str:
    if count <= 2:
        return (theme.input, theme.output)[place]
    return theme.many[place % len(theme.many)]


def axis_of(run: Mapping[str, FloatArray], over: Over) -> FloatArray:
    """Where the generations of a run lie on the horizontal axis, (G,) in ascending order."""
    if over == "generations":
        return np.asarray(run["generation"], np.float64)
    if over == "evaluations":  # none are known where generations are missing
        return np.maximum.accumulate(np.nan_to_num(run["evaluations"]))
    seconds = run["seconds_evaluation"] + run["seconds_variation"] + run["seconds_other"]
    return np.cumsum(np.nan_to_num(seconds))


def quartiles(
    runs: Sequence[Mapping[str, FloatArray]], over: Over, column: str
) -> tuple[FloatArray, FloatArray]:
    """Quartiles of a column over runs.

    A run counts with its last value so far, also beyond its end: no curve jumps where a run ends. There is no
    quartile before half of the runs have a finite value, nor where half of them have ended.

    Args:
        runs: metrics by column, (G,) each.
        over: the horizontal axis.
        column: of the metrics.

    Returns:
        Places (P,), maybe none, and the lower quartile, the median and the upper quartile there, (3, P).
    """
    axes = [axis_of(run, over) for run in runs]
    last = float(np.median([axis[-1] for axis in axes]))
    if over == "generations":
        places = np.unique(np.concatenate(axes))
        places = places[places <= last]
    else:
        places = np.linspace(0.0, last, _POINTS)
    if places.size > _POINTS:
        places = places[np.unique(np.linspace(0, places.size - 1, _POINTS).round().astype(int))]
    values = np.full((len(runs), places.size), np.nan)
    for row, run, axis in zip(values, runs, axes, strict=True):
        before = np.searchsorted(axis, places, side="right") - 1
        row[before >= 0] = run[column][before[before >= 0]]
    values[~np.isfinite(values)] = np.nan
    enough = 2 * np.isfinite(values).sum(axis=0) >= len(runs)
    if not enough.any():
        return np.empty(0), np.empty((3, 0))
    return places[enough], np.nanpercentile(values[:, enough], [25.0, 50.0, 75.0], axis=0)


def _plot_group(
    axes: Axes, group: Curves, over: Over, column: str, color: str, *, label: bool = False
) -> None:
    count = len(group.runs)
    name = _shown_name(group) if label else None
    if count < _FEWEST:
        for place, run in enumerate(group.runs):
            values = np.where(np.isfinite(run[column]), run[column], np.nan)
            marker = "o" if values.size == 1 else ""
            axes.step(
                axis_of(run, over),
                values,
                where="post",
                color=color,
                linewidth=1.5,
                marker=marker,
                markersize=3.0,
                label=None if place else name,
            )
        return
    places, (low, middle, high) = quartiles(group.runs, over, column)
    axes.fill_between(places, low, high, step="post", color=color, alpha=0.18, linewidth=0.0)
    marker = "o" if places.size == 1 else ""
    axes.step(
        places, middle, where="post", color=color, linewidth=1.8, marker=marker, markersize=3.0, label=name
    )


def _shown_name(group: Curves) -> str:
    return f"{plain_text(group.name, 56)} ({counted(len(group.runs), 'run')})"


def _plot_ends(axes: Axes, groups: Sequence[Curves], theme: Theme) -> None:
    """Every run's last confirmed scores as dots, a line of dots for each group and score, with its median."""
    for place, group in enumerate(groups):
        color = _color(place, len(groups), theme)
        for column, shift, filled in (("champion_mean", 0.0, True), ("champion_best_weight", 0.3, False)):
            found = np.array([run[column][-1] for run in group.runs])
            found = found[np.isfinite(found)]
            if not found.size:
                continue
            height = place + shift
            axes.scatter(
                found,
                np.full(found.size, height),
                18.0,
                facecolor=color if filled else "none",
                edgecolor=color,
                linewidth=0.9,
                alpha=0.75,
                zorder=3,
            )
            if found.size == 1:
                continue
            middle = float(np.median(found))
            axes.plot(middle, height, zorder=4, **_median_mark(theme))
    for filled, name in ((True, "mean"), (False, "best weight")):
        axes.scatter(
            [], [], 18.0, facecolor=theme.quiet if filled else "none", edgecolor=theme.quiet, label=name
        )
    axes.plot(
        [], [], linestyle="", marker="|", markersize=8.0, color=theme.ink, markeredgewidth=1.6, label="median"
    )
    axes.set_yticks([])
    axes.set_ylim(len(groups) - 0.4, -0.4)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))


def _median_mark(theme: Theme) -> dict[str, Any]:
    return {
        "linestyle": "",
        "marker": "|",
        "markersize": 14.0,
        "color": theme.ink,
        "markeredgewidth": 1.6,
    }
