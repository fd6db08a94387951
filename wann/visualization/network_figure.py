"""Drawings of networks: inputs left, outputs right, an activation's curve in every node."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path

from wann.networks.genome import Genome
from wann.utils.arrays import FloatArray
from wann.utils.words import counted
from wann.visualization.diagram import Diagram, DiagramEdge, DiagramNode, Plane, diagram_of
from wann.visualization.input_image import SQUARE
from wann.visualization.legend import Legend, Tones, importance_tones, squares
from wann.visualization.theme import (
    LIGHT,
    Sheet,
    Symbol,
    Theme,
    check_suffix,
    figure_style,
    plain_text,
    save_figure,
    text_width,
)

MARGIN = 0.18
"""Inches around a drawing; where its width is given, it goes to a page that has a margin: see `TIGHT`."""

TIGHT = 0.03
TITLE_SIZE, CAPTION_SIZE = 10.5, 8.0  # points
FULL = 5.5  # inches; a narrower drawing has smaller text, down to `SMALLEST` of it
SMALLEST = 0.7
LEAST_SIZE = 5.0  # points; text that would be wider than the drawing shrinks to no less


@dataclass(frozen=True, slots=True)
class Look:
    """How the drawing of a network looks."""

    title: str | None = None  # a line above the network
    theme: Theme = LIGHT  # the colours
    width: float | None = None  # inches of the drawing; None for what the network wants
    highlight: str | None = None  # name of an output; nodes and connections that do not feed it are faint


def draw_genome(
    genome: Genome,
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: str | os.PathLike[str],
    look: Look = Look(),
    *,
    importance: FloatArray | None = None,
    tuned: FloatArray | None = None,
) -> None:
    """Draw the network of a genome to a .svg, .png or .pdf file. The same genome gives the same bytes.

    Connections are coloured by their importance if it is given, else by their tuned weights if these are.

    Args:
        genome: the genome.
        inputs: names of the inputs, the bias not among them; those of
            `wann.tasks.data_sets.pixel_names` are drawn as an image.
        outputs: names of the outputs.
        path: the file to write.
        look: title, colours, width and highlighted output.
        importance: (C,) return lost without each enabled connection, in the genome's order.
        tuned: (C,) weights of the enabled connections, in the genome's order.

    Raises:
        ValueError: the suffix is another, there are not as many names as inputs or outputs, no output has
            the name to highlight, or the width leaves no room.
        OSError: the file cannot be written; nothing is left behind.
    """
    check_suffix(path)
    inner = None if look.width is None else look.width - 2.0 * TIGHT
    diagram = diagram_of(genome, inputs, outputs, importance, width=inner)
    tones = importance_tones(diagram)
    if tones is None and tuned is not None:
        marks = genome.mark[genome.enabled].tolist()
        tones = Tones(dict(zip(marks, np.asarray(tuned).tolist(), strict=True)), "tuned weight")
    with figure_style():
        save_figure(diagram_figure(diagram, look, tones), path)


def diagram_figure(
    diagram: Diagram,
    look: Look = Look(),
    tones: Tones | None = None,
) -> Figure:
    """Figure of a diagram; to be called within `wann.visualization.theme.figure_style`.

    From top to bottom: the title, the network, the legend, a line that says its size.

    Args:
        diagram: the network.
        look: title, colours, width, at least the diagram's, and highlighted output.
        tones: values that colour the connections.

    Raises:
        ValueError: no output has the name to highlight.
    """
    theme, width = look.theme, look.width
    sheet = Sheet(theme)
    text = text_share(width)
    legend = Legend(sheet, [diagram], tones, text)
    title = plain_text(look.title, 80) if look.title else ""
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
    shown = feeding(diagram, look.highlight) if look.highlight is not None else None
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
    words = f"{counted(len(diagram.edges), 'connection', ',')} · {counted(hidden, 'hidden node', ',')}"
    if diagram.plane:
        uses = diagram.plane.uses
        words += f" · {counted(sum(use > 0 for use in uses), 'pixel', ',')} of {len(uses):,}"
    return words


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
        """Add the connections of one source; shared parts are drawn once, with the first connection."""
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
    """Points of the connections of one source, each without the part it shares with earlier ones."""
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
    drawn = squares(centres, SQUARE * plane.side, uses, most, sheet.theme)
    sheet.axes.add_collection(drawn, autolim=False)
