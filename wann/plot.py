"""Curves of a run: what it learned, how large the networks were, and the return over the shared weight."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wann.network import FloatArray
from wann.theme import LIGHT, Theme, check_suffix, figure_style, plain_text, save_figure

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
TEXT_SIZE, TITLE_SIZE = 8.0, 10.5  # points


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
    columns = _checked(metrics)
    with figure_style():
        save_figure(run_figure(columns, profile, title=title), path)


def run_figure(
    metrics: Mapping[str, FloatArray], profile: Profile, *, title: str | None = None, theme: Theme = LIGHT
) -> Figure:
    """Figure of a run; to be called within `wann.theme.figure_style`. Arguments as for `plot_run`."""
    figure = Figure(figsize=SIZE, facecolor=theme.paper, layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(2.4, 1.0), width_ratios=(1.25, 1.0))
    returns = figure.add_subplot(grid[0, 0])
    sizes = figure.add_subplot(grid[1, 0], sharex=returns)
    over_weight = figure.add_subplot(grid[:, 1])
    _plot_returns(returns, metrics, theme)
    _plot_sizes(sizes, metrics, theme)
    _plot_profile(over_weight, profile, theme)
    for axes in (returns, sizes, over_weight):
        _finish(axes, theme)
    returns.tick_params(labelbottom=False)
    figure.align_ylabels([returns, sizes])
    if title:
        figure.suptitle(
            plain_text(title, 100), fontsize=TITLE_SIZE, color=theme.ink, fontweight="bold", parse_math=False
        )
    return figure


def _checked(metrics: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The plotted columns."""
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


def _plot_returns(axes: Axes, metrics: Mapping[str, FloatArray], theme: Theme) -> None:
    axes.set_ylabel("return")
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


def _plot_profile(axes: Axes, profile: Profile, theme: Theme) -> None:
    order = np.argsort(profile.weights, kind="stable")
    weights, mean, std = profile.weights[order], _finite(profile.mean[order]), _finite(profile.std[order])
    axes.set(xlabel="shared weight", ylabel="return")
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
    axes.plot(weights, mean, color=theme.input, linewidth=1.8, marker=marker, label="mean over episodes")
    if not np.isfinite(mean).any():
        return
    overall = float(np.nanmean(mean))
    axes.axhline(
        overall,
        color=theme.hidden_line,
        linewidth=1.0,
        dashes=(5.0, 3.0),
        label=f"mean over the range: {_short(overall)}",
    )
    best = int(np.nanargmax(mean))
    axes.plot(
        weights[best],
        mean[best],
        linestyle="",
        marker="o",
        markersize=6.5,
        color=theme.mark,
        markeredgecolor=theme.ink,
        markeredgewidth=0.8,
        label=f"best: {_short(mean[best])} at weight {weights[best]:.3g}",
        zorder=5,
    )


def _finite(values: FloatArray) -> FloatArray:
    """The values, with a gap (NaN) where one is infinite."""
    return np.where(np.isfinite(values), values, np.nan)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


def _finish(axes: Axes, theme: Theme) -> None:
    """The same quiet frame for every panel, with the legend above it."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.quiet)
    axes.set_facecolor(theme.paper)
    axes.grid(axis="y", color=theme.faint, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.quiet, labelsize=TEXT_SIZE)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(fontsize=TEXT_SIZE + 1.0, color=theme.ink)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=2,
            fontsize=TEXT_SIZE,
            labelcolor=theme.ink,
            frameon=False,
            borderaxespad=0.4,
            handlelength=1.6,
            columnspacing=1.4,
        )
