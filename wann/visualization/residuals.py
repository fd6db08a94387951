"""Figure of a run that predicts numbers: learning curves, R² over the weight, residuals."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wann.utils.arrays import FloatArray
from wann.visualization.curves import (
    CLASSIFIER_SIZE,
    Profile,
    checked_metrics,
    finish,
    plot_learning,
    plot_profile,
    write_title,
)
from wann.visualization.theme import LIGHT, Theme, check_suffix, figure_style, plain_text, save_figure

_LEAST_R2 = -1.0  # lower ones are below the panel


def plot_regressor(
    metrics: Mapping[str, FloatArray],
    profile: Profile,
    answers: tuple[FloatArray, FloatArray],
    path: str | os.PathLike[str],
    *,
    target: str,
    title: str | None = None,
) -> None:
    """Plot a run that predicts numbers to a .svg, .png or .pdf file; same data, same bytes.

    Args:
        metrics: as for `wann.visualization.curves.plot_run`.
        profile: the champion's R² on the test part over the shared weight.
        answers: the right numbers (N,) of the test part, and the predicted ones.
        path: the file to write.
        target: name of the predicted column.
        title: a line above the panels.

    Raises:
        ValueError: as `plot_run`.
        OSError: the file cannot be written; nothing is left behind.
    """
    check_suffix(path)
    columns = checked_metrics(metrics)
    with figure_style():
        figure = Figure(figsize=CLASSIFIER_SIZE, facecolor=LIGHT.paper, layout="constrained")
        grid = figure.add_gridspec(2, 3, height_ratios=(2.4, 1.0), width_ratios=(1.15, 1.0, 1.0))
        plot_learning(figure, grid, columns, "return: − mean square error (scaled)", LIGHT)
        over_weight = figure.add_subplot(grid[:, 1])
        plot_profile(over_weight, profile, LIGHT, label="test part")
        over_weight.set_ylabel("R² on the test part")
        best = float(np.nanmax(profile.mean))
        over_weight.set_ylim(max(_LEAST_R2, float(np.nanmin(profile.mean)) - 0.05), max(best, 0.0) + 0.1)
        finish(over_weight, LIGHT)
        left = figure.add_subplot(grid[:, 2])
        _plot_residuals(left, *answers, target, LIGHT)
        finish(left, LIGHT)
        write_title(figure, title, LIGHT)
        save_figure(figure, path)


def _plot_residuals(axes: Axes, wanted: FloatArray, found: FloatArray, target: str, theme: Theme) -> None:
    """What is left over each predicted number."""
    axes.axhline(0.0, color=theme.hidden_line, linewidth=1.0)
    axes.plot(
        found,
        wanted - found,
        linestyle="",
        marker="o",
        markersize=3.0,
        markeredgewidth=0.0,
        alpha=0.6,
        color=theme.input,
        label=f"{len(wanted)} rows of the test part",
    )
    axes.set_xlabel(f"predicted {plain_text(target, 40)}", parse_math=False)
    axes.set_ylabel("residual: right − predicted")
