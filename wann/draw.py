"""The topology of a network as a drawing: inputs left, outputs right, an activation in every node.

Inputs that are the pixels of an image are drawn as that image.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Hashable, Mapping, Sequence

import networkx as nx
import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path

from wann.activations import BY_NAME
from wann.datasets import image_shape
from wann.diagram import _columns, genome_graph, of_kind
from wann.diagram import Diagram as Diagram
from wann.diagram import diagram_of as diagram_of
from wann.genome import BIAS, Genome
from wann.image_plane import ImagePlane
from wann.layout import RADIUS, Arrangement, Point, Segment, arrange
from wann.network import FloatArray
from wann.theme import LIGHT, Sheet, Symbol, Theme, check_suffix, figure_style, plain_text, save_figure

LARGEST = (12.0, 8.5)
"""Inches of width and height that the nodes keep within, as long as names stay legible."""

PITCH = (0.15, 0.44)
"""Least and greatest distance of neighbouring nodes of a column, in inches."""

MARGIN = 0.18  # inches around everything
TITLE_SIZE, CAPTION_SIZE, LEGEND_SIZE = 10.5, 8.0, 7.5  # points


def layout(graph: nx.DiGraph) -> dict[Hashable, Point]:
    """Where each node lies, from its attribute `layer`; y grows upwards, every edge leads to a greater x.

    The unit is the least distance of neighbouring nodes of a column; a node's radius is
    `wann.layout.RADIUS`. Nodes of the first and the last layer keep the graph's order from top to bottom.
    """
    points = _arrange(graph, ports=False).points
    return dict(zip(graph, points[: len(graph)], strict=True))


def draw_genome(
    genome: Genome,
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
) -> None:
    """Draw what a genome expresses to a .svg, .png or .pdf file; same genome, same bytes.

    Args:
        genome: the genome.
        inputs: names of the inputs, the bias not among them; those of `wann.datasets.pixel_names` are drawn
            as an image.
        outputs: names of the outputs.
        path: the file to write.
        title: a line above the drawing.

    Raises:
        ValueError: the suffix is another, or there are not as many names as inputs or outputs.
        OSError: the file cannot be written; nothing is left behind.
    """
    check_suffix(path)
    graph = genome_graph(genome, inputs, outputs)
    with figure_style():
        save_figure(graph_figure(graph, title=title, shape=image_shape(inputs)), path)


def graph_figure(
    graph: nx.DiGraph,
    *,
    title: str | None = None,
    shape: tuple[int, int] | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """Figure of a graph from `genome_graph`; to be called within `wann.theme.figure_style`.

    From top to bottom: the title, the network, the legend of its activations, a line that says its size.

    Args:
        graph: the network.
        title: a line above it.
        shape: rows and columns of the image whose pixels the inputs are.
        theme: the colours.
    """
    sheet = Sheet(theme)
    uses = [graph.out_degree(node) for node in of_kind(graph, "input")]
    if shape:
        graph = graph.copy()
        graph.remove_nodes_from([node for node in of_kind(graph, "input") if not graph.out_degree(node)])
    arrangement = _arrange(graph, ports=shape is not None)
    points = np.array(arrangement.points)
    low, high = points.min(axis=0) - RADIUS, points.max(axis=0) + RADIUS
    pitch = float(np.clip(np.min(LARGEST / (high - low)), *PITCH))
    width, height = (high - low) * pitch
    plane = ImagePlane(sheet, shape, uses, graph.out_degree(BIAS), height) if shape else None

    names = {node: plain_text(label) for node, label in graph.nodes(data="label")}
    name_size = float(np.clip(36.0 * pitch, 5.0, 9.0))
    name_gap = 0.2 * pitch + 0.03  # from a node's rim to its name
    left, right = (
        name_gap + max(sheet.width_of(names[node], name_size) for node in of_kind(graph, *kinds))
        for kinds in (("bias", "input"), ("output",))
    )
    room = height
    if plane:
        ports = points[: len(of_kind(graph, "bias", "input"))] * pitch
        fan = plane.fan(ports[:, 1] - 0.5 * (low + high)[1] * pitch)
        left, room = plane.width + fan - RADIUS * pitch, max(height, plane.height)
    title = plain_text(title, 80) if title else ""
    hidden = len(of_kind(graph, "hidden"))
    caption = f"{_counted(graph.number_of_edges(), 'connection')} · {_counted(hidden, 'hidden node')}"
    if plane:
        caption += f" · {_counted(sum(use > 0 for use in uses), 'pixel')} of {len(uses):,}"
    shown = ("hidden", "output") if plane else ("input", "hidden", "output")
    occurring = {graph.nodes[node]["activation"] for node in of_kind(graph, *shown)}
    legend = _Legend(sheet, [name for name in BY_NAME if name in occurring], pitch)

    inner = max(
        left + width + right,
        legend.least_width,
        sheet.width_of(caption, CAPTION_SIZE),
        sheet.width_of(title, TITLE_SIZE, "bold"),
    )
    rows = legend.rows(inner)
    base = MARGIN + 0.36 + legend.pitch * len(rows)  # height of the network's lower edge
    middle = MARGIN + 0.5 * inner
    sheet.resize(2.0 * middle, base + room + (0.4 if title else 0.0) + MARGIN)
    sheet.write(middle, MARGIN + 0.05, caption, CAPTION_SIZE, theme.quiet, align="center")
    legend.draw(rows, middle, MARGIN + 0.22)
    if title:
        title_y = base + room + 0.31
        sheet.write(middle, title_y, title, TITLE_SIZE, theme.ink, align="center", weight="bold")

    lower_left = np.array([middle + 0.5 * (left - width - right), base + 0.5 * (room - height)])
    origin = lower_left - low * pitch
    line_width = min(max(3.0 * pitch, 0.35), 1.1)
    _draw_lines(sheet, graph, arrangement, pitch, origin, line_width)
    if plane:
        place = ports[0] + origin
        plane.draw(np.array([place[0] - fan, base + 0.5 * room]), ports + origin, line_width)
    places = points[: len(graph)] * pitch + origin
    symbols = []
    for (node, kind), place in zip(graph.nodes(data="kind"), places, strict=True):
        if plane and kind in ("bias", "input"):
            continue
        is_used = kind in ("hidden", "output") or graph.out_degree(node) > 0
        color = {"hidden": theme.ink, "output": theme.output}.get(kind, theme.input)
        name = "bias" if kind == "bias" else graph.nodes[node]["activation"]
        symbols.append(Symbol(place, name, color if is_used else theme.faint))
        if kind != "hidden":
            away, align = (1.0, "left") if kind == "output" else (-1.0, "right")
            x = place[0] + away * (RADIUS * pitch + name_gap)
            ink = theme.ink if is_used else theme.quiet
            sheet.write(x, place[1], names[node], name_size, ink, align=align)
    sheet.draw_symbols(symbols, RADIUS * pitch)
    return sheet.figure


def _arrange(graph: nx.DiGraph, *, ports: bool) -> Arrangement:
    index = {node: position for position, node in enumerate(graph)}
    return arrange(
        _columns(graph), [(index[source], index[target]) for source, target in graph.edges], ports=ports
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _draw_lines(
    sheet: Sheet,
    graph: nx.DiGraph,
    arrangement: Arrangement,
    pitch: float,
    origin: FloatArray,
    width: float,
) -> None:
    """The connections, as one path for each source, with a rim of paper where it crosses others."""
    following: dict[int, list[Segment]] = {}
    for segment in arrangement.segments:
        following.setdefault(segment.source, []).append(segment)
    theme = sheet.theme
    paths, colors, widths = [], [], []
    for position, (_, kind) in enumerate(graph.nodes(data="kind")):
        if position in following:
            vertices, codes = _strokes(arrangement, following, position)
            path = Path(np.array(vertices) * pitch + origin, codes)
            paths += [path, path]
            colors += [theme.paper, theme.hidden_line if kind == "hidden" else theme.input_line]
            widths += [2.6 * width, width]
    sheet.axes.add_collection(
        PathCollection(
            paths,
            facecolors="none",
            edgecolors=colors,
            linewidths=widths,
            capstyle="butt",
            joinstyle="round",
            zorder=2,
        ),
        autolim=False,
    )


def _strokes(
    arrangement: Arrangement, following: Mapping[int, Sequence[Segment]], node: int
) -> tuple[list[Point], list[np.uint8]]:
    """Vertices and codes of all lines that leave a node.

    Where a line forks, one branch goes on and the others begin at the far side of the bend, so that
    nothing is drawn twice.
    """
    vertices: list[Point] = []
    codes: list[np.uint8] = []
    starts = [(arrangement.points[node], segment) for segment in following[node]]
    while starts:
        start, segment = starts.pop()
        vertices.append(start)
        codes.append(Path.MOVETO)
        while True:
            vertices += segment.curve
            codes += [Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
            if arrangement.owner[segment.target] != node:
                vertices.append(arrangement.points[segment.target])
                codes.append(Path.LINETO)
                break
            segment, *others = following[segment.target]
            starts += [(other.curve[0], other) for other in others]
    return vertices, codes


class _Legend:
    """Rows of activations with their names."""

    def __init__(self, sheet: Sheet, names: list[str], node_pitch: float) -> None:
        self.sheet = sheet
        self.names = names
        self.radius = min(max(RADIUS * node_pitch, 0.075), 0.1)
        self.pitch = 2.0 * self.radius + 0.07
        self.gap = 0.22
        self.widths = [2.0 * self.radius + 0.06 + sheet.width_of(name, LEGEND_SIZE) for name in names]
        self.least_width = max(self.widths)

    def rows(self, width: float) -> list[range]:
        """The fewest rows of about as many entries that fit into a width."""
        count = len(self.names)
        for number in range(1, count):
            edges = [round(count * row / number) for row in range(number + 1)]
            rows = [range(start, stop) for start, stop in itertools.pairwise(edges)]
            if all(self._width(row) <= width for row in rows):
                return rows
        return [range(entry, entry + 1) for entry in range(count)]

    def _width(self, row: range) -> float:
        return sum(self.widths[entry] for entry in row) + self.gap * (len(row) - 1)

    def draw(self, rows: list[range], middle: float, bottom: float) -> None:
        color = self.sheet.theme.quiet
        symbols = []
        for place, row in enumerate(reversed(rows)):
            x = middle - 0.5 * self._width(row)
            y = bottom + self.pitch * (place + 0.5)
            for entry in row:
                symbols.append(Symbol(np.array([x + self.radius, y]), self.names[entry], color))
                text_x = x + 2.0 * self.radius + 0.06
                self.sheet.write(text_x, y, self.names[entry], LEGEND_SIZE, color, align="left")
                x += self.widths[entry] + self.gap
        self.sheet.draw_symbols(symbols, self.radius)
