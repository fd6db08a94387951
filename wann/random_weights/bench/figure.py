"""Figure of a comparison: the score against parameters trained, parameters stored and seconds."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from wann.random_weights.bench.comparison import Bench, Row
from wann.random_weights.bench.table import measured, shown_score
from wann.utils.arrays import FloatArray
from wann.visualization.theme import LIGHT, Theme, check_suffix, figure_style, quiet_frame, save_figure

_TEXT, _NUMBER = 8.0, 6.5  # points
_WIDTH, _HEIGHT, _LINE = 12.0, 4.6, 0.17  # inches
_COLUMNS = 2  # of the legend
_TICKS = (0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
_AXES = (("trained", "parameters trained"), ("stored", "parameters stored"), ("seconds", "seconds to fit"))


def draw_comparison(
    bench: Bench, rows: Sequence[Row], path: str | os.PathLike[str], theme: Theme = LIGHT
) -> None:
    """Draw the rows that there is something of, to a .svg, .png or .pdf file.

    Each is a number that the legend explains; a line leads from a row to its ablation.

    Raises:
        ValueError: the suffix is another, or there is nothing to draw.
        OSError: the file cannot be written.
    """
    check_suffix(path)
    shown = measured(rows)
    if not shown:
        raise ValueError(f"{path}: nothing was measured, so there is nothing to draw")
    lines = -(-len(shown) // _COLUMNS)
    height = _HEIGHT + _LINE * lines
    with figure_style():
        figure = Figure(figsize=(_WIDTH, height), facecolor=theme.paper)
        bottom = (0.75 + _LINE * lines) / height
        grid = figure.add_gridspec(1, 3, left=0.06, right=0.985, top=1.0 - 0.25 / height, bottom=bottom)
        for place, (what, label) in enumerate(_AXES):
            axes = figure.add_subplot(grid[place])
            _draw(axes, bench, shown, what, theme)
            axes.set_xlabel(label, fontsize=_TEXT, color=theme.ink)
            if place == 0:
                axes.set_ylabel(bench.score, fontsize=_TEXT, color=theme.ink)
        for place, row in enumerate(shown):
            column, line = divmod(place, lines)
            figure.text(
                0.06 + 0.93 / _COLUMNS * column,
                (0.12 + _LINE * (lines - 1 - line)) / height,
                f"{place + 1}   {row.name}: {row.title}, {shown_score(bench, row)}",
                fontsize=_TEXT,
                color=_color(row, theme),
                parse_math=False,
            )
        save_figure(figure, path)


def _color(row: Row, theme: Theme) -> str:
    if row.name.startswith("wann-"):
        return theme.output
    return theme.quiet if row.ablation_of else theme.input


def _draw(axes: Axes, bench: Bench, rows: Sequence[Row], what: str, theme: Theme) -> None:
    quiet_frame(axes, theme, _TEXT)
    scores = np.array([row.mean() for row in rows])
    values = np.array([row.mean(what) for row in rows])  # type: ignore[arg-type]  # one of _AXES
    place = {row.name: index for index, row in enumerate(rows)}
    for index, row in enumerate(rows):
        base = place.get(row.ablation_of or "")
        if base is not None:
            both = [base, index]
            axes.plot(values[both], scores[both], color=theme.faint, linewidth=0.9, zorder=1)
        axes.errorbar(
            values[index], scores[index], row.spread or 0.0, color=_color(row, theme), linewidth=0.9, zorder=2
        )
        axes.scatter(
            values[index],
            scores[index],
            s=110,
            facecolor=theme.paper if row.ablation_of else _color(row, theme),
            edgecolor=_color(row, theme),
            linewidth=0.9,
            zorder=3,
        )
    for (value, score), indices in _together(values, scores, bench).items():
        open_mark = rows[indices[-1]].ablation_of
        axes.text(
            value,
            score,
            "·".join(str(index + 1) for index in indices),
            fontsize=_NUMBER if len(indices) == 1 else 0.7 * _NUMBER,
            color=_color(rows[indices[-1]], theme) if open_mark else theme.paper,
            ha="center",
            va="center_baseline",
            zorder=4,
        )
    positive = values[values > 0.0]
    if what == "trained":  # nothing may be
        axes.set_xscale("symlog", linthresh=1.0, linscale=0.5)
        axes.set_xlim(-0.3, max(values.max(), 1.0) * 2.5)
    elif positive.size:
        axes.set_xscale("log")
        axes.set_xlim(positive.min() / 2.0, positive.max() * 2.0)
        axes.xaxis.set_minor_locator(NullLocator())
    if bench.percent:
        axes.set_yscale("logit")
        axes.yaxis.set_major_locator(FixedLocator(_TICKS))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100.0 * value:g} %"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
        _leave_room(axes, scores)


def _together(values: FloatArray, scores: FloatArray, bench: Bench) -> dict[tuple[float, float], list[int]]:
    """Rows by their places in the figure; rows that lie upon each other share a place."""
    digits = 3 if bench.percent else 0
    places: dict[tuple[str, float], list[int]] = {}
    for index, (value, score) in enumerate(zip(values, scores, strict=True)):
        places.setdefault((f"{value:.1e}", round(float(score), digits)), []).append(index)
    return {(float(values[own[0]]), float(scores[own[0]])): own for own in places.values()}


def _leave_room(axes: Axes, scores: FloatArray) -> None:
    """Limits a little beyond the scores, on the logit scale."""
    inner = np.clip(scores, 0.02, 0.9995)
    odds = np.log(inner / (1.0 - inner))
    low, high = odds.min() - 0.35, odds.max() + 0.35
    axes.set_ylim(1.0 / (1.0 + np.exp(-low)), 1.0 / (1.0 + np.exp(-high)))
