"""How large a network may be drawn beside the names and the image of its inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wann.utils.arrays import FloatArray
from wann.visualization.input_image import InputImage
from wann.visualization.layout import RADIUS

LARGEST = (12.0, 8.5)
"""Inches of width and height that the nodes keep within, as long as names stay legible."""

PITCH = (0.15, 0.44)
"""Least and greatest distance of neighbouring nodes of a column, in inches."""

NARROW = 0.3
"""Inches between neighbouring nodes; at a given width, columns move together before nodes lie closer."""

LEAST_PITCH = 0.01  # inches; below that nothing can be seen

NAME_SIZE = (5.0, 9.0)
"""Least and greatest size of a name, in points."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an arrangement lies in a diagram."""

    pitch: float  # inches for a unit of the arrangement
    stretch: float  # the same downwards, as a multiple
    origin: tuple[float, float]  # place of the arrangement's origin
    size: tuple[float, float]  # of the diagram

    def placed(self, points: ArrayLike) -> FloatArray:
        """Places in the diagram of points of the arrangement, (..., 2)."""
        scale = [self.pitch, -self.pitch * self.stretch]
        placed: FloatArray = np.asarray(points, np.float64) * scale + self.origin
        return placed


class Room:
    """Room around a network, and the size that is left for the network."""

    def __init__(
        self, left: float, right: float, image: InputImage | None, width: float | None, pitch: float
    ) -> None:
        """Describe the room.

        Args:
            left: inches of the longest name on the left, for each point of its size.
            right: the same on the right.
            image: the image of the inputs.
            width: inches that the diagram takes at most.
            pitch: greatest distance of neighbouring nodes of a column, in inches.
        """
        self.left = left
        self.right = right
        self.image = image
        self.width = width
        self.greatest = pitch

    @property
    def widest(self) -> float | None:
        """Units of the arrangement that the columns should keep within; None without a given width."""
        if self.width is None:
            return None
        beside = sum(self._beside(NARROW, 0.0, np.zeros(0)))
        return max((self.width - beside) / NARROW, 1.0)

    def _beside(self, pitch: float, height: float, ports: FloatArray) -> tuple[float, float]:
        """Inches left and right of the box around the nodes.

        Args:
            pitch: inches between neighbouring nodes of a column.
            height: inches of the box.
            ports: (n,) inches by which the inputs of the network lie below the middle of the box.
        """
        gap, size = 0.2 * pitch + 0.03, name_size(pitch)
        left = gap + self.left * size
        if self.image:
            left = self.image.fit(height, ports) - RADIUS * pitch
        return left, gap + self.right * size

    def frame(self, points: FloatArray, ports: int) -> Frame:
        """Where an arrangement lies.

        Args:
            points: (P, 2) its points, those of inputs first.
            ports: number of the inputs' points.

        Raises:
            ValueError: there is no room for them.
        """
        low, high = points.min(axis=0) - RADIUS, points.max(axis=0) + RADIUS
        box = high - low
        heights = 0.5 * (low + high)[1] - points[:ports, 1]
        # Names of neighbouring nodes do not touch, however close the nodes lie.
        line = 1.25 * NAME_SIZE[0] / 72.0

        def stretch(pitch: float) -> float:
            return max(1.0, line / pitch)

        def beside(pitch: float) -> tuple[float, float]:
            scale = pitch * stretch(pitch)
            return self._beside(pitch, box[1] * scale, heights * scale)

        if self.width is None:
            pitch = float(np.clip(np.min(LARGEST / box), PITCH[0], self.greatest))
        else:
            pitch, too_much = 0.0, min(self.greatest, LARGEST[1] / box[1])
            if sum(beside(too_much)) + box[0] * too_much <= self.width:
                pitch = too_much
            for _ in range(30):
                trial = 0.5 * (pitch + too_much)
                if sum(beside(trial)) + box[0] * trial <= self.width:
                    pitch = trial
                else:
                    too_much = trial
            if pitch < LEAST_PITCH:
                raise ValueError(
                    f"a width of {self.width:g} in leaves no room for the network beside the names"
                )
        left, right = beside(pitch)
        down = pitch * stretch(pitch)
        height = box[1] * down
        full = max(height, self.image.height if self.image else 0.0)
        origin = (left - low[0] * pitch, 0.5 * (full - height) + high[1] * down)
        return Frame(pitch, stretch(pitch), origin, (left + box[0] * pitch + right, full))


def name_size(pitch: float) -> float:
    """Size of names, in points, beside nodes that lie `pitch` inches apart."""
    return float(np.clip(36.0 * pitch, *NAME_SIZE))
