"""Figure of a champion's sensitivity: to the shared weight, noise, single signs and random weights."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from wann.analysis.sensitivity import Sensitivity
from wann.evolution.shared_weights import RANGE
from wann.visualization.curves import Profile, finish, plot_profile, short_number, write_title
from wann.visualization.theme import LIGHT, Theme, check_suffix, figure_style, plain_text, save_figure

SIZE = (10.0, 7.4)  # inches
MOST_NAMED = 14
"""Connections that are named, the most important ones; the others are one curve without names."""


def plot_sensitivity(
    found: Sensitivity, path: str | os.PathLike[str], *, title: str | None = None, theme: Theme = LIGHT
) -> None:
    """Plot a champion's sensitivity to a .svg, .png or .pdf file; same data, same bytes.

    Args:
        found: what `wann.analysis.sensitivity.measure` found.
        path: the file to write.
        title: a line above the panels.
        theme: colours.

    Raises:
        ValueError: the suffix is another.
        OSError: the file cannot be written; nothing is left behind.
    """
    check_suffix(path)
    with figure_style():
        save_figure(sensitivity_figure(found, title=title, theme=theme), path)


def sensitivity_figure(found: Sensitivity, *, title: str | None = None, theme: Theme = LIGHT) -> Figure:
    """Figure of a sensitivity; to be called within `wann.visualization.theme.figure_style`."""
    figure = Figure(figsize=SIZE, facecolor=theme.paper, layout="constrained")
    sweep, noise, flips, random = figure.subplots(2, 2, width_ratios=(1.25, 1.0)).flat
    plot_profile(
        sweep,
        Profile(found.sweep_weights, found.sweep_mean, found.sweep_std),
        theme,
        label=_label(found),
        shown=partial(_shown, found),
    )
    _plot_noise(noise, found, theme)
    _plot_flips(flips, found, theme)
    _plot_random(random, found, theme)
    for axes in (sweep, noise):
        axes.set_ylabel(_label(found))
        if found.measure == "accuracy":
            axes.set_ylim(0.0, 1.0)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    for axes in (sweep, noise, flips, random):
        finish(axes, theme, columns=2 if axes is sweep else 1)
    flips.grid(axis="y", visible=False)
    flips.grid(axis="x", color=theme.faint, linewidth=0.6)
    write_title(figure, title, theme)
    return figure


def _label(found: Sensitivity) -> str:
    return "mean return" if found.measure == "return" else "accuracy on the test part"


def _base(found: Sensitivity) -> str:
    return "the tuned weights" if found.weight == "tuned" else f"shared weight {found.weight:.3g}"


def _shown(found: Sensitivity, value: float) -> str:
    return f"{value:.1%}" if found.measure == "accuracy" else short_number(value)


def _plot_noise(axes: Axes, found: Sensitivity, theme: Theme) -> None:
    mean = found.noisy.mean(axis=1)
    axes.set(xlabel="noise (standard deviation, in parts of the weight)")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.fill_between(
        found.strengths,
        found.noisy.min(axis=1),
        found.noisy.max(axis=1),
        color=theme.input,
        alpha=0.15,
        linewidth=0.0,
        label=f"least to most of {found.noisy.shape[1]} draws",
    )
    label = f"mean over draws; robustness to noise {found.robustness:.2f}"
    axes.plot(found.strengths, mean, color=theme.input, linewidth=1.8, label=label)
    _plot_levels(axes, found, theme, upright=False)


def _plot_levels(axes: Axes, found: Sensitivity, theme: Theme, *, upright: bool) -> None:
    """Where the champion stands untouched, and where with all weights 0."""
    for value, color, name in (
        (found.score, theme.mark, _base(found)),
        (found.nothing, theme.hidden_line, "all weights 0"),
    ):
        line = (axes.axvline if upright else axes.axhline)(value, color=color, linewidth=1.4)
        line.set(dashes=(5.0, 3.0), label=f"{name}: {_shown(found, value)}")


def _plot_flips(axes: Axes, found: Sensitivity, theme: Theme) -> None:
    """A bar for each connection, the one that matters most on top; many that matter less share one."""
    order = np.argsort(-np.abs(found.lost), kind="stable")
    named, others = order[:MOST_NAMED], order[MOST_NAMED:]
    names = [f"{found.connections[c][1]} → {found.connections[c][2]}" for c in named]
    axes.set(xlabel=f"{found.measure} lost with the sign of one connection flipped")
    axes.barh(np.arange(named.size), found.lost[named], 0.62, color=theme.input)
    if others.size:
        low, high = float(found.lost[others].min()), float(found.lost[others].max())
        axes.barh([named.size], [high - low], 0.62, left=[low], color=theme.input_light)
        names.append(f"{others.size} others, least to most" if others.size > 1 else "one other")
    axes.use_sticky_edges = False  # bars that begin at an edge would be cut off there
    axes.margins(x=0.03)
    axes.axvline(0.0, color=theme.quiet, linewidth=0.8)
    axes.set_yticks(np.arange(len(names)), [plain_text(name, 44) for name in names], parse_math=False)
    axes.invert_yaxis()
    if found.measure == "accuracy":
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))


def _plot_random(axes: Axes, found: Sensitivity, theme: Theme) -> None:
    """How many sets of individual random weights score how much."""
    axes.set(xlabel=_label(found), ylabel="sets of weights")
    mean = _shown(found, float(found.random.mean()))
    label = f"each weight at random in ±{RANGE[1]:g}: mean {mean}"
    axes.hist(
        found.random, bins=min(20, max(5, found.random.size // 3)), color=theme.input_light, label=label
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    if found.measure == "accuracy":
        axes.set_xlim(0.0, 1.0)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    _plot_levels(axes, found, theme, upright=True)
