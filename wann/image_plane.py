"""Inputs of a drawing as the image whose pixels they are: which of them feed the network, and how often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.path import Path
from numpy.typing import NDArray

from wann.network import FloatArray
from wann.theme import Sheet, Symbol, Theme

SIDE = (2.0, 3.6)
"""Least and greatest longer side of the image, in inches, as far as the pixels keep within `PIXEL`."""

SHARE = 0.6  # of the network's height that it takes
PIXEL = (0.03, 0.4)
"""Least and greatest side of a pixel, in inches."""

SQUARE = 0.86  # of a pixel's side; the rest is the gap to its neighbours
BESIDE = 0.42  # inches for the bias above the image, and for the scale of colours below it
CROWDED = 1.5  # lines whose distance is below so many of their widths cannot be told apart
FAN = (0.45, 1.6)
"""Least and greatest way from the image to the network, in inches."""

BIAS_RADIUS = 0.09
NAME_SIZE, SCALE_SIZE = 8.0, 7.5  # points
SCALE_STEPS = 4  # at most so many colours of used pixels are explained

_BENT = (Path.MOVETO, Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4)


class ImagePlane:
    """An image, the bias above it and a scale below it; lines lead from its right side to the network.

    A pixel's line runs along its row at a height of its own, behind the used pixels that it passes; where the
    lines of a row lie too close to be told apart, they begin at the image's right side. The middle of that
    side is the origin, the unit is the inch.
    """

    def __init__(
        self, sheet: Sheet, shape: tuple[int, int], uses: Sequence[int], bias_uses: int, beside: float
    ) -> None:
        """An image of so many rows and columns.

        Args:
            sheet: where it is drawn.
            shape: rows and columns.
            uses: how many connections leave each pixel, row by row.
            bias_uses: the same of the bias.
            beside: height of the network, in inches.
        """
        self.sheet = sheet
        self.uses = np.array(uses, np.int64)
        self.bias_color = sheet.theme.input if bias_uses else sheet.theme.faint
        self.side = float(np.clip(np.clip(SHARE * beside, *SIDE) / max(shape), *PIXEL))  # of a pixel
        rows, columns = shape
        row, column = np.divmod(np.arange(self.uses.size), columns)
        top = 0.5 * rows * self.side
        self.centres = np.column_stack([column + 0.5 - columns, 0.5 * rows - row - 0.5]) * self.side
        self.bias = np.array([-BIAS_RADIUS, top + 0.55 * BESIDE])
        self._scale = _Scale(sheet, int(self.uses.max()))
        left = min(-0.5 * (columns * self.side + self._scale.width), -self._scale.width)
        self._scale_place = np.array([left, -top - 0.5 * BESIDE])
        self.width = max(columns * self.side, -left)
        self.height = 2.0 * (top + BESIDE)
        # Lines begin in the bias and the used pixels, and leave the image at these heights.
        used = (self.uses > 0).reshape(shape)
        in_row = np.maximum(used.sum(axis=1, keepdims=True), 1)
        down = ((used.cumsum(axis=1) - 0.5) / in_row - 0.5).ravel()
        starts = self.centres - np.outer(down, [0.0, SQUARE * self.side])
        self.starts = np.vstack([self.bias, starts[used.ravel()]])
        self.gap = SQUARE * self.side / float(in_row.max())  # between neighbouring lines of a row

    def fan(self, heights: FloatArray) -> float:
        """Inches to leave between the image and the ports (n,) of the bias and the used pixels."""
        return float(np.clip(0.3 * np.abs(self.starts[:, 1] - heights).max(), *FAN))

    def draw(self, origin: FloatArray, ports: FloatArray, width: float) -> None:
        """Draw it with its origin at a place of the sheet, and lines of some points' width to the ports.

        Args:
            origin: (2,) the place.
            ports: (n, 2) where the lines of the bias and of the used pixels lead to.
            width: of the lines, in points.
        """
        theme = self.sheet.theme
        squares = _squares(origin + self.centres, SQUARE * self.side, self.uses, self._scale.most, theme)
        self.sheet.axes.add_collection(squares, autolim=False)
        starts = origin + self.starts
        leaving = np.column_stack([np.full(len(starts), origin[0]), starts[:, 1]])
        if 72.0 * self.gap < CROWDED * width:
            starts[1:] = leaving[1:]
        reach = 0.5 * (ports - leaving) * [1.0, 0.0]
        lines = np.stack([starts, leaving, leaving + reach, ports - reach, ports], axis=1)
        colors = [theme.input_line] * len(lines)
        if self.bias_color == theme.faint:
            lines, colors = lines[1:], colors[1:]
        self.sheet.axes.add_collection(
            PathCollection(
                [Path(line, _BENT) for line in lines],
                facecolors="none",
                edgecolors=colors,
                linewidths=width,
                capstyle="butt",
                zorder=2.1,
            ),
            autolim=False,
        )
        bias = origin + self.bias
        self.sheet.draw_symbols([Symbol(bias, "bias", self.bias_color)], BIAS_RADIUS)
        ink = theme.quiet if self.bias_color == theme.faint else theme.ink
        self.sheet.write(bias[0] - BIAS_RADIUS - 0.06, bias[1], "bias", NAME_SIZE, ink, align="right")
        self._scale.draw(*(origin + self._scale_place))


class _Scale:
    """What the colours of the pixels mean, in a line."""

    def __init__(self, sheet: Sheet, most: int) -> None:
        self.sheet = sheet
        self.most = most
        steps = np.unique(np.linspace(1, most, min(most, SCALE_STEPS)).round().astype(np.int64))
        self.steps = np.concatenate([[0], steps])
        self.words = "connections"
        self.side, self.gap = 0.1, 0.12
        self._words_width = sheet.width_of(self.words, SCALE_SIZE)
        self._widths = [self.side + 0.05 + sheet.width_of(str(step), SCALE_SIZE) for step in self.steps]
        self.width = self._words_width + sum(self._widths) + self.gap * len(self._widths)

    def draw(self, left: float, y: float) -> None:
        theme = self.sheet.theme
        self.sheet.write(left, y, self.words, SCALE_SIZE, theme.quiet, align="left")
        x = left + self._words_width + self.gap
        centres = []
        for step, width in zip(self.steps, self._widths, strict=True):
            centres.append((x + 0.5 * self.side, y))
            self.sheet.write(x + self.side + 0.05, y, str(step), SCALE_SIZE, theme.quiet, align="left")
            x += width + self.gap
        squares = _squares(np.array(centres), self.side, self.steps, self.most, theme)
        self.sheet.axes.add_collection(squares, autolim=False)


def _squares(
    centres: FloatArray, side: float, uses: NDArray[np.int64], most: int, theme: Theme
) -> PolyCollection:
    """Squares, the darker the more they are used; where they are not, only a faint rim."""
    corners = 0.5 * side * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    light, dark, faint = (np.array(to_rgba(c)) for c in (theme.input_light, theme.input, theme.faint))
    used = uses[:, None] > 0
    share = np.clip((uses - 1.0) / max(most - 1.0, 1.0), 0.0, 1.0)[:, None]
    colors = light + share * (dark - light)
    return PolyCollection(
        list(centres[:, None] + corners),
        facecolors=np.where(used, colors, 0.0),
        edgecolors=np.where(used, colors, faint),
        linewidths=0.5,
        zorder=2.2,
    )
