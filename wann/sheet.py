"""A figure measured in inches, on which text and activation symbols are put."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wann.activations import BY_NAME
from wann.theme import Theme

FloatArray = NDArray[np.float64]

CURVE_WIDTH, CURVE_HEIGHT = 0.62, 0.5  # half sizes of a curve in a circle of radius 1
CURVE_REACH = {"gaussian": 3.0, "tanh": 3.0, "sigmoid": 5.0, "cos": 1.5}  # greatest argument; others 1


class Symbol(NamedTuple):
    """A node to draw: its centre in inches, its activation (or "bias"), the colour of rim and curve."""

    centre: FloatArray
    name: str
    color: str


class Sheet:
    """A figure with one invisible axes all over it, whose unit is the inch."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.figure = Figure(facecolor=theme.paper)
        self.axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.axis("off")
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()

    def resize(self, width: float, height: float) -> None:
        """Make the figure so many inches wide and high."""
        self.figure.set_size_inches(width, height)
        self.axes.set(xlim=(0.0, width), ylim=(0.0, height))

    def width_of(self, text: str, size: float, weight: str = "normal") -> float:
        """Inches that a line of text takes."""
        label = self.figure.text(0.0, 0.0, text, fontsize=size, fontweight=weight, parse_math=False)
        width = label.get_window_extent(self._renderer).width / self.figure.dpi
        label.remove()
        return float(width)

    def write(
        self, x: float, y: float, text: str, size: float, color: str, *, align: str, weight: str = "normal"
    ) -> None:
        """Put a line of text with its middle at height y; `align` says which of its ends lies at x."""
        self.axes.text(
            x,
            y,
            text,
            fontsize=size,
            color=color,
            horizontalalignment=align,
            verticalalignment="center_baseline",
            fontweight=weight,
            parse_math=False,
        )

    def draw_symbols(self, symbols: Sequence[Symbol], radius: float) -> None:
        """Circles with a curve on a thin axis in each; with a 1 for the bias."""
        centres = np.array([symbol.centre for symbol in symbols])
        colors = [symbol.color for symbol in symbols]
        diameters = np.full(len(symbols), 2.0 * radius)
        width = min(max(6.0 * radius, 0.4), 1.1)
        circles = EllipseCollection(
            diameters,
            diameters,
            np.zeros(len(symbols)),
            units="xy",
            offsets=centres,
            offset_transform=self.axes.transData,
            facecolors=self.theme.paper,
            edgecolors=colors,
            linewidths=width,
            zorder=3,
        )
        axis = np.array([[-CURVE_WIDTH, 0.0], [CURVE_WIDTH, 0.0]])
        curved = [symbol for symbol in symbols if symbol.name != "bias"]
        inks = [symbol.color for symbol in curved]
        zeros = [symbol.centre + radius * axis for symbol in curved]
        curves = [symbol.centre + radius * activation_curve(symbol.name) for symbol in curved]
        round_ends = {"capstyle": "round", "joinstyle": "round"}
        for collection in (
            circles,
            LineCollection(zeros, colors=self.theme.faint, linewidths=0.5 * width, zorder=4),
            LineCollection(curves, colors=inks, linewidths=1.1 * width, zorder=5, **round_ends),
        ):
            self.axes.add_collection(collection, autolim=False)
        for symbol in symbols:
            if symbol.name == "bias":
                x, y = symbol.centre
                self.write(x, y, "1", 72.0 * radius, symbol.color, align="center")


def activation_curve(name: str) -> FloatArray:
    """Graph of an activation in a circle of radius 1: (S, 2).

    The zero lies at the centre, the values -1 and 1 at the same distance below and above for all.
    """
    x = np.array([-1.0, 0.0, 1e-9, 1.0]) if name == "step" else np.linspace(-1.0, 1.0, 61)
    y = BY_NAME[name].function(x * CURVE_REACH.get(name, 1.0))
    return np.column_stack([CURVE_WIDTH * x, CURVE_HEIGHT * y])
