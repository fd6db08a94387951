"""Legends of network drawings: what colours, lines and symbols mean."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from wann.kernels.activations import BY_NAME
from wann.utils.arrays import FloatArray
from wann.visualization.diagram import Diagram
from wann.visualization.layout import RADIUS
from wann.visualization.theme import (
    Sheet,
    Symbol,
    Theme,
    blend,
    text_width,
)

LEGEND_SIZE = 7.5  # points
STEPS = 4  # at most so many colours of used pixels are explained


@dataclass(frozen=True, slots=True)
class Tones:
    """Numbers that colour the connections: from blue, where negative, to red, where positive."""

    values: Mapping[int, float]  # by innovation number
    words: str  # what they are

    @property
    def most(self) -> float:
        """The largest size of a number; 1 where all are zero."""
        return max(map(abs, self.values.values()), default=0.0) or 1.0

    def color(self, value: float, theme: Theme) -> str:
        """Colour of a connection."""
        return blend(theme.faint, theme.output if value > 0.0 else theme.input, self._share(value))

    def width(self, value: float) -> float:
        """Width of its line, as a multiple of an ordinary one."""
        return 0.7 + 1.5 * self._share(value)

    def _share(self, value: float) -> float:
        return float(min(abs(value) / self.most, 1.0) ** 0.6)  # the small ones are many, and not all alike


def importance_tones(diagram: Diagram) -> Tones | None:
    """The return lost without each connection; None where that is not known."""
    lost = {edge.mark: edge.importance for edge in diagram.edges if edge.importance is not None}
    return Tones(lost, "return lost without it") if lost else None


def squares(
    centres: FloatArray, side: float, uses: NDArray[np.int64], most: int, theme: Theme
) -> PolyCollection:
    """Squares of pixels, stronger with more use; an unused pixel has only a faint rim."""
    corners = 0.5 * side * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    light, dark, faint, paper = (
        np.array(to_rgba(color)) for color in (theme.input_light, theme.input, theme.faint, theme.paper)
    )
    used = uses[:, None] > 0
    share = np.clip((uses - 1.0) / max(most - 1.0, 1.0), 0.0, 1.0)[:, None]
    colors = light + share * (dark - light)
    return PolyCollection(
        list(centres[:, None] + corners),
        facecolors=np.where(used, colors, paper),
        edgecolors=np.where(used, colors, faint),
        linewidths=0.5,
        zorder=2.2,
    )


# The legend


class _Entry:
    """A sample and its name."""

    def __init__(self, words: str, side: float, size: float) -> None:
        self.words = words
        self.size = size  # points
        self.side = side  # inches of the sample

    @property
    def width(self) -> float:
        return self.side + (0.06 if self.side else 0.0) + text_width(self.words, self.size)


class Legend:
    """Legend: activations with their names, and the meaning of the colours of connections and pixels."""

    def __init__(self, sheet: Sheet, diagrams: Sequence[Diagram], tones: Tones | None, text: float) -> None:
        """Make the legend of some diagrams, with text at a share of its usual size."""
        self.sheet = sheet
        self.tones = tones
        shown = {
            node.activation
            for diagram in diagrams
            for node in diagram.nodes
            if node.kind in ("hidden", "output") or (node.kind == "input" and not diagram.plane)
        }
        pitch = min(diagram.pitch for diagram in diagrams)
        self.size = text * LEGEND_SIZE
        self.radius = text * min(max(RADIUS * pitch, 0.075), 0.1)
        self.gap = 0.22 * text  # inches between entries
        self.pitch = 2.0 * self.radius + 0.07 * text
        self.names = [name for name in BY_NAME if name in shown]
        self.most = max((max(diagram.plane.uses) for diagram in diagrams if diagram.plane), default=0)
        groups = [[(name, 2.0 * self.radius) for name in self.names]]
        if tones:
            samples = [(f"{value:.3g}", 0.25) for value in self._samples(tones)]
            groups.append([(tones.words, 0.0), *samples])
        if self.most:
            groups.append(
                [("connections of a pixel", 0.0), *((str(use), 0.1 * text) for use in self._uses())]
            )
        self.groups = [[_Entry(words, side, self.size) for words, side in group] for group in groups]

    @staticmethod
    def _samples(tones: Tones) -> list[float]:
        low, high = min(tones.values.values()), max(tones.values.values())
        return [
            value
            for value in (low if low < 0.0 else None, 0.0, high if high > 0.0 else None)
            if value is not None
        ]

    def _uses(self) -> list[int]:
        return [0, *np.unique(np.linspace(1, self.most, min(self.most, STEPS)).round().astype(int)).tolist()]

    @property
    def least_width(self) -> float:
        """Inches that it cannot do without."""
        return max(entry.width for group in self.groups for entry in group)

    def _rows(self, width: float) -> list[tuple[int, range]]:
        """Group and entries of each row; each group has the fewest rows of about equal length that fit."""
        rows = []
        for k, group in enumerate(self.groups):
            for number in range(1, len(group) + 1):
                edges = [round(len(group) * row / number) for row in range(number + 1)]
                parts = [range(start, stop) for start, stop in itertools.pairwise(edges)]
                if all(self._width(group, part) <= width for part in parts):
                    break
            rows += [(k, part) for part in parts]
        return rows

    def _width(self, group: list[_Entry], row: range) -> float:
        return sum(group[entry].width for entry in row) + self.gap * (len(row) - 1)

    def height(self, width: float) -> float:
        """Inches that it takes at a width."""
        return self.pitch * len(self._rows(width))

    def draw(self, middle: float, bottom: float, width: float) -> None:
        """Draw it, centred, upwards from a height."""
        color = self.sheet.theme.quiet
        for level, (k, row) in enumerate(reversed(self._rows(width))):
            group = self.groups[k]
            x = middle - 0.5 * self._width(group, row)
            y = bottom + self.pitch * (level + 0.5)
            for entry in row:
                self._draw_sample(k, entry, x, y)
                side = group[entry].side
                words_x = x + side + (0.06 if side else 0.0)
                self.sheet.write(words_x, y, group[entry].words, self.size, color, align="left")
                x += group[entry].width + self.gap

    def _draw_sample(self, k: int, entry: int, x: float, y: float) -> None:
        theme = self.sheet.theme
        side = self.groups[k][entry].side
        place = np.array([x + 0.5 * side, y])
        if k == 0:
            self.sheet.draw_symbols([Symbol(place, self.names[entry], theme.quiet)], self.radius)
        elif side and self.tones and k == 1:
            value = self._samples(self.tones)[entry - 1]
            line = np.array([[x, y], [x + side, y]])
            self.sheet.draw_line(line, self.tones.color(value, theme), self.tones.width(value))
        elif side:
            use = self._uses()[entry - 1]
            drawn = squares(place[None], side, np.array([use]), self.most, theme)
            self.sheet.axes.add_collection(drawn, autolim=False)
