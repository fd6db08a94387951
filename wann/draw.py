"""Drawings of networks: inputs left, outputs right, an activation's curve in every node.

`draw_genome` draws one network, `draw_development` several of one run side by side.
"""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.path import Path
from numpy.typing import NDArray

from wann.activations import BY_NAME
from wann.diagram import SQUARE, Diagram, DiagramEdge, DiagramNode, Plane, diagram_of
from wann.genome import Genome
from wann.layout import RADIUS
from wann.network import FloatArray
from wann.theme import (
    LIGHT,
    Sheet,
    Symbol,
    Theme,
    blend,
    check_suffix,
    figure_style,
    plain_text,
    save_figure,
    text_width,
)

MARGIN = 0.18
"""Inches around a drawing; where its width is given, it goes to a page that has a margin: see `TIGHT`."""

TIGHT = 0.03
TITLE_SIZE, CAPTION_SIZE, LEGEND_SIZE = 10.5, 8.0, 7.5  # points
FULL = 5.5  # inches; a narrower drawing has smaller text, down to `SMALLEST` of it
SMALLEST = 0.7
LEAST_SIZE = 5.0  # points; text that would be wider than the drawing shrinks to no less
STEPS = 4  # at most so many colours of used pixels are explained
DEVELOPMENT = 12.0  # inches of width of a development, where it is not given
ABREAST = 2.6  # inches that a network of a development takes at least, as far as there are so many


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


def draw_genome(
    genome: Genome,
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    theme: Theme = LIGHT,
    width: float | None = None,
    importance: FloatArray | None = None,
    tuned: FloatArray | None = None,
    highlight: str | None = None,
) -> None:
    """Draw what a genome expresses to a .svg, .png or .pdf file; same genome, same bytes.

    Connections are coloured by what the return loses without them where that is known, else by their tuned
    weights where there are any.

    Args:
        genome: the genome.
        inputs: names of the inputs, the bias not among them; those of `wann.datasets.pixel_names` are drawn
            as an image.
        outputs: names of the outputs.
        path: the file to write.
        title: a line above the drawing.
        theme: the colours.
        width: inches; by default what the network wants.
        importance: (C,) return lost without each enabled connection, in the genome's order.
        tuned: (C,) weights of the enabled connections, in the genome's order.
        highlight: name of an output; what does not feed it is faint.

    Raises:
        ValueError: the suffix is another, there are not as many names as inputs or outputs, no output has
            the name to highlight, or the width leaves no room.
        OSError: the file cannot be written; nothing is left behind.
    """
    check_suffix(path)
    diagram = diagram_of(
        genome, inputs, outputs, importance, width=None if width is None else width - 2.0 * TIGHT
    )
    tones = importance_tones(diagram)
    if tones is None and tuned is not None:
        marks = genome.mark[genome.enabled].tolist()
        tones = Tones(dict(zip(marks, np.asarray(tuned).tolist(), strict=True)), "tuned weight")
    with figure_style():
        figure = diagram_figure(
            diagram, title=title, theme=theme, width=width, tones=tones, highlight=highlight
        )
        save_figure(figure, path)


def diagram_figure(
    diagram: Diagram,
    *,
    title: str | None = None,
    theme: Theme = LIGHT,
    width: float | None = None,
    tones: Tones | None = None,
    highlight: str | None = None,
) -> Figure:
    """Figure of a diagram; to be called within `wann.theme.figure_style`.

    From top to bottom: the title, the network, the legend, a line that says its size.

    Args:
        diagram: the network.
        title: a line above it.
        theme: the colours.
        width: inches of the figure, at least the diagram's.
        tones: what colours the connections.
        highlight: name of an output; what does not feed it is faint.

    Raises:
        ValueError: no output has the name to highlight.
    """
    sheet = Sheet(theme)
    text = text_share(width)
    legend = Legend(sheet, [diagram], tones, text)
    title = plain_text(title, 80) if title else ""
    caption = size_of(diagram)
    if width is None:
        margin = MARGIN
        inner = max(
            diagram.width,
            legend.least_width,
            text_width(caption, text * CAPTION_SIZE),
            text_width(title, text * TITLE_SIZE, "bold"),
        )
    else:
        margin, inner = TIGHT, width - 2.0 * TIGHT
    head = 0.4 * text if title else 0.0
    foot = legend.height(inner) + 0.36 * text
    total = margin + head + diagram.height + foot + margin
    sheet.resize(inner + 2.0 * margin, total)
    middle = margin + 0.5 * inner
    if title:
        write_fitting(
            sheet,
            middle,
            total - margin - 0.09 * text,
            title,
            text * TITLE_SIZE,
            theme.ink,
            inner,
            weight="bold",
        )
    corner = np.array([middle - 0.5 * diagram.width, total - margin - head])
    shown = feeding(diagram, highlight) if highlight is not None else None
    paint(sheet, diagram, corner, tones=tones, shown=shown)
    legend.draw(middle, margin + 0.22 * text, inner)
    write_fitting(sheet, middle, margin + 0.05 * text, caption, text * CAPTION_SIZE, theme.quiet, inner)
    return sheet.figure


def text_share(width: float | None) -> float:
    """How large the text of a drawing is whose width is given, as a share of the usual size."""
    return 1.0 if width is None else float(np.clip(width / FULL, SMALLEST, 1.0))


def size_of(diagram: Diagram) -> str:
    """Size of a network in words."""
    hidden = sum(node.kind == "hidden" for node in diagram.nodes)
    words = f"{_counted(len(diagram.edges), 'connection')} · {_counted(hidden, 'hidden node')}"
    if diagram.plane:
        uses = diagram.plane.uses
        words += f" · {_counted(sum(use > 0 for use in uses), 'pixel')} of {len(uses):,}"
    return words


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def feeding(diagram: Diagram, output: str) -> set[int]:
    """Ids of an output of that name and of the nodes that feed it.

    Raises:
        ValueError: there is no such output.
    """
    labels = {node.label: node.id for node in diagram.nodes if node.kind == "output"}
    name = plain_text(output)
    if name not in labels:
        raise ValueError(f"the champion has no output {output!r}; choose from {', '.join(labels)}")
    into = defaultdict(list)
    for edge in diagram.edges:
        into[edge.target].append(edge.source)
    reached = {labels[name]}
    waiting = [labels[name]]
    while waiting:
        new = set(into[waiting.pop()]) - reached
        reached |= new
        waiting += new
    return reached


def write_fitting(
    sheet: Sheet,
    x: float,
    y: float,
    text: str,
    size: float,
    color: str,
    room: float,
    *,
    weight: str = "normal",
) -> None:
    """Put a line of text with its middle at a place, smaller where it would be wider than the room."""
    size = max(min(size, size * room / max(text_width(text, size, weight), 1e-9)), LEAST_SIZE)
    while text_width(text, size, weight) > room and len(text) > 1:
        text = f"{text[:-2].rstrip()}…"
    sheet.write(x, y, text, size, color, align="center", weight=weight)


# The network


def paint(
    sheet: Sheet,
    diagram: Diagram,
    corner: FloatArray,
    *,
    tones: Tones | None = None,
    shown: set[int] | None = None,
) -> None:
    """Draw a diagram onto a sheet.

    Args:
        sheet: where to.
        diagram: the network.
        corner: (2,) place of its upper left corner, in inches from the lower left one of the sheet.
        tones: what colours the connections.
        shown: ids of the nodes that are not faint; all by default.
    """
    theme = sheet.theme
    places = {node.id: corner + np.array([node.x, -node.y]) for node in diagram.nodes}
    kinds = {node.id: node.kind for node in diagram.nodes}
    width = float(np.clip(3.0 * diagram.pitch, 0.35, 1.1))

    def plain_color(edge: DiagramEdge) -> str:
        if tones is not None:
            return tones.color(tones.values.get(edge.mark, 0.0), theme)
        return theme.hidden_line if kinds[edge.source] == "hidden" else theme.input_line

    faint = [edge for edge in diagram.edges if shown is not None and edge.target not in shown]
    clear = [edge for edge in diagram.edges if shown is None or edge.target in shown]
    for edges, order in ((faint, 1.9), (clear, 2.0)):
        lines = _Lines(corner)
        for group in _by_source(edges, tones):
            colors = [theme.faint if edges is faint else plain_color(edge) for edge in group]
            widths = [
                width * (tones.width(tones.values.get(edge.mark, 0.0)) if tones else 1.0) for edge in group
            ]
            lines.add(group, colors, widths, theme.paper)
        lines.draw(sheet, order)

    if diagram.plane:
        _draw_plane(sheet, diagram, diagram.plane, corner, shown)
    symbols = defaultdict(list)
    for node in diagram.nodes:
        if diagram.plane and node.kind == "input":
            continue
        is_clear = node.used and (shown is None or node.id in shown)
        color = {"hidden": theme.ink, "output": theme.output}.get(node.kind, theme.input)
        name = "bias" if node.kind == "bias" else node.activation
        symbols[node.radius].append(Symbol(places[node.id], name, color if is_clear else theme.faint))
        if node.kind != "hidden":
            _write_name(sheet, diagram, node, places[node.id], theme.ink if is_clear else theme.quiet)
    for radius, alike in symbols.items():
        sheet.draw_symbols(alike, radius)


def _write_name(sheet: Sheet, diagram: Diagram, node: DiagramNode, place: FloatArray, color: str) -> None:
    away, align = (1.0, "left") if node.kind == "output" else (-1.0, "right")
    gap = 0.2 * diagram.pitch + 0.03
    size = diagram.name_size
    if diagram.plane and node.kind == "bias":
        gap, size = 0.06, min(CAPTION_SIZE, 1.2 * size)
    sheet.write(place[0] + away * (node.radius + gap), place[1], node.label, size, color, align=align)


def _by_source(edges: Iterable[DiagramEdge], tones: Tones | None) -> list[list[DiagramEdge]]:
    """Connections of one source together, the strongest first; the sources with the strongest come last."""
    groups: dict[int, list[DiagramEdge]] = defaultdict(list)
    for edge in edges:
        groups[edge.source].append(edge)
    if tones is None:
        return list(groups.values())
    values = tones.values

    def strength(edge: DiagramEdge) -> float:
        return abs(values.get(edge.mark, 0.0))

    for group in groups.values():
        group.sort(key=strength, reverse=True)
    return sorted(groups.values(), key=lambda group: strength(group[0]))


class _Lines:
    """Lines of connections, each source's above those before it with a rim of paper where they cross."""

    def __init__(self, corner: FloatArray) -> None:
        self.corner = corner
        self.paths: list[Path] = []
        self.colors: list[str] = []
        self.widths: list[float] = []

    def add(
        self, edges: Sequence[DiagramEdge], colors: Sequence[str], widths: Sequence[float], paper: str
    ) -> None:
        """Connections of one source; what they share is drawn once, as part of the first of them."""
        strokes: dict[tuple[str, float], list[Path]] = {}
        for way, color, width in zip(parted(edges), colors, widths, strict=True):
            vertices = self.corner + way * [1.0, -1.0]
            codes = np.full(len(way), Path.CURVE4, np.uint8)
            codes[0] = Path.MOVETO
            strokes.setdefault((color, width), []).append(Path(vertices, codes))
        paths = {key: Path.make_compound_path(*alike) for key, alike in strokes.items()}
        for (_, width), path in paths.items():
            self._put(path, paper, width + max(1.6 * width, 0.6))
        for (color, width), path in reversed(paths.items()):
            self._put(path, color, width)

    def _put(self, path: Path, color: str, width: float) -> None:
        self.paths.append(path)
        self.colors.append(color)
        self.widths.append(width)

    def draw(self, sheet: Sheet, order: float) -> None:
        if self.paths:
            sheet.axes.add_collection(
                PathCollection(
                    self.paths,
                    facecolors="none",
                    edgecolors=self.colors,
                    linewidths=self.widths,
                    capstyle="butt",
                    joinstyle="round",
                    zorder=order,
                ),
                autolim=False,
            )


def parted(edges: Iterable[DiagramEdge]) -> list[FloatArray]:
    """Points of the connections of one source, each without what it shares with those before it."""
    seen: set[bytes] = set()
    ways = []
    for edge in edges:
        pieces = [edge.points[k : k + 4].tobytes() for k in range(0, len(edge.points) - 1, 3)]
        fresh = next((k for k, piece in enumerate(pieces) if piece not in seen), len(pieces) - 1)
        seen.update(pieces)
        ways.append(edge.points[3 * fresh :])
    return ways


def _draw_plane(
    sheet: Sheet, diagram: Diagram, plane: Plane, corner: FloatArray, shown: set[int] | None
) -> None:
    """The pixels, the darker the more connections leave them, above the lines that pass behind them."""
    pixels = [node for node in diagram.nodes if node.kind == "input"]
    centres = corner + np.array([[node.x, -node.y] for node in pixels])
    uses = np.array(plane.uses, np.int64)
    if shown is not None:
        uses[[node.id not in shown for node in pixels]] = 0
    most = max(plane.uses)
    squares = _squares(centres, SQUARE * plane.side, uses, most, sheet.theme)
    sheet.axes.add_collection(squares, autolim=False)


def _squares(
    centres: FloatArray, side: float, uses: NDArray[np.int64], most: int, theme: Theme
) -> PolyCollection:
    """Squares, the stronger the more they are used; where they are not, only a faint rim."""
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
    """Rows of activations with their names; what the colours of connections and of pixels mean."""

    def __init__(self, sheet: Sheet, diagrams: Sequence[Diagram], tones: Tones | None, text: float) -> None:
        """What so many diagrams need, with text of a share of its usual size."""
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
        """Group and entries of each row: of each group the fewest rows of about equal length that fit."""
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
            squares = _squares(place[None], side, np.array([use]), self.most, theme)
            self.sheet.axes.add_collection(squares, autolim=False)
