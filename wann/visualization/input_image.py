"""The inputs of a network as the image whose pixels they are, and the lines that lead from it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wann.utils.arrays import FloatArray
from wann.visualization.theme import text_width

SIDE = (2.0, 3.6)
"""Least and greatest longer side of an image, in inches, as far as the pixels keep within `PIXEL`."""

SHARE = 0.6  # of the network's height that an image takes
PIXEL = (0.03, 0.4)
"""Least and greatest side of a pixel, in inches."""

SQUARE = 0.86  # of a pixel's side; the rest is the gap to its neighbours
BESIDE = 0.42  # inches for the bias above an image, and as much below it
BIAS_RADIUS = 0.09  # inches
BIAS_SIZE = 9.0  # points of the bias's name, the greatest size of a name
CROWDED = 0.02  # inches; lines closer than that cannot be told apart
FAN = (0.45, 1.6)
"""Least and greatest way from an image to the network, in inches."""


class InputImage:
    """The inputs as an image, the bias above it; lines lead from its right side to ports of the network.

    A pixel's line runs along its row at a height of its own, behind the pixels that it passes; where the
    lines of a row lie too close to be told apart, they begin at the image's right side.
    """

    def __init__(self, shape: tuple[int, int], used: Sequence[bool], width: float | None) -> None:
        """An image, not yet fitted beside a network.

        Args:
            shape: rows and columns.
            used: whether a connection leaves the bias and each pixel, row by row.
            width: width of the whole diagram in inches.
        """
        self.shape = shape
        self.used = np.array(used)
        self.most = math.inf if width is None else width
        self.side = 0.0
        self.fan = 0.0

    def fit(self, height: float, ports: FloatArray) -> float:
        """Fit the image beside a network.

        Args:
            height: inches of the network.
            ports: (n,) inches by which the ports lie below the network's middle.

        Returns:
            Inches of the image and of the lines between it and the network.
        """
        side = np.clip(SHARE * height, min(SIDE[0], 0.27 * self.most), min(SIDE[1], 0.3 * self.most))
        self.side = float(np.clip(side / max(self.shape), *PIXEL))
        climb = np.abs(self._starts()[:, 1] - ports).max(initial=0.0) if len(ports) else 0.0
        self.fan = float(np.clip(0.3 * climb, FAN[0], min(FAN[1], max(0.2 * self.most, FAN[0]))))
        return self.width + self.fan

    @property
    def width(self) -> float:
        """Width in inches, the bias's name included."""
        return max(self.shape[1] * self.side, 2.0 * BIAS_RADIUS + 0.1 + text_width("bias", BIAS_SIZE))

    @property
    def height(self) -> float:
        """Height in inches, with the bias above the image and as much space below."""
        return self.shape[0] * self.side + 2.0 * BESIDE

    def corner(self, height: float) -> tuple[float, float]:
        """The upper left corner, in a diagram of `height` inches."""
        return self.width - self.shape[1] * self.side, 0.5 * (height - self.shape[0] * self.side)

    def centres(self, height: float) -> FloatArray:
        """Centres of the bias and of all pixels, (1 + rows * columns, 2)."""
        centres: FloatArray = self._centres() + np.array([self.width, 0.5 * height])
        return centres

    def ways(self, ports: FloatArray, height: float) -> list[FloatArray]:
        """Paths (7, 2) from the bias and the pixels to the ports (n, 2); unused ones have none."""
        ways = []
        for start, port in zip(self._starts() + np.array([self.width, 0.5 * height]), ports, strict=True):
            leaving = np.array([self.width, start[1]])
            reach = 0.5 * (port - leaving) * [1.0, 0.0]
            ways.append(np.vstack([start, straight(start, leaving), leaving + reach, port - reach, port]))
        return ways

    def _centres(self) -> FloatArray:
        """Centres as `centres` gives them, measured from the middle of the right side."""
        rows, columns = self.shape
        row, column = np.divmod(np.arange(rows * columns), columns)
        pixels = np.column_stack([column + 0.5 - columns, row + 0.5 - 0.5 * rows]) * self.side
        return np.vstack([[-BIAS_RADIUS, -0.5 * rows * self.side - 0.55 * BESIDE], pixels])

    def _starts(self) -> FloatArray:
        """Where the lines of the bias and of the pixels begin; unused ones have none."""
        used = self.used[1:].reshape(self.shape)
        in_row = np.maximum(used.sum(axis=1, keepdims=True), 1)
        down = ((used.cumsum(axis=1) - 0.5) / in_row - 0.5).ravel()
        starts = self._centres()
        starts[1:, 1] += SQUARE * self.side * down
        if SQUARE * self.side / in_row.max() < CROWDED:
            starts[1:, 0] = 0.0
        begun: FloatArray = starts[self.used]
        return begun


def straight(start: FloatArray, end: FloatArray) -> FloatArray:
    """Points (3, 2) that a straight line adds to joined curves."""
    return np.array([start + (end - start) / 3.0, start + 2.0 * (end - start) / 3.0, end])
