"""A network laid out as plain data: where its nodes lie and which way its connections take.

Inputs left, outputs right. Inputs that are the pixels of an image lie as that image does. Whoever draws it,
on paper, in a film or on a page, needs nothing else.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from wann.kernels.activations import BY_CODE
from wann.networks.genome import BIAS, Genome
from wann.networks.network import compile_genome
from wann.tasks.data_sets import image_shape
from wann.utils.arrays import FloatArray
from wann.visualization.layout import RADIUS, Arrangement, arrange
from wann.visualization.theme import plain_text, text_width

LARGEST = (12.0, 8.5)
"""Inches of width and height that the nodes keep within, as long as names stay legible."""

PITCH = (0.15, 0.44)
"""Least and greatest distance of neighbouring nodes of a column, in inches."""

NARROW = 0.3
"""Where the width is given: columns move together before nodes lie closer than so many inches."""

LEAST_PITCH = 0.01  # inches; below that nothing can be seen

NAME_SIZE = (5.0, 9.0)
"""Least and greatest size of a name, in points."""

LARGEST_COLUMN = 30
"""Hidden nodes that a column may always hold; large networks have larger ones, see `_columns`."""

SIDE = (2.0, 3.6)
"""Least and greatest longer side of an image, in inches, as far as the pixels keep within `PIXEL`."""

SHARE = 0.6  # of the network's height that an image takes
PIXEL = (0.03, 0.4)
"""Least and greatest side of a pixel, in inches."""

SQUARE = 0.86  # of a pixel's side; the rest is the gap to its neighbours
BESIDE = 0.42  # inches for the bias above an image, and as much below it
CROWDED = 0.02  # inches; lines closer than that cannot be told apart
FAN = (0.45, 1.6)
"""Least and greatest way from an image to the network, in inches."""

BIAS_RADIUS = 0.09  # inches, of the bias above an image


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """A circle, or a pixel of an image. Lengths in inches."""

    id: int  # of the genome's node
    kind: str  # "bias", "input", "hidden" or "output"
    label: str  # its name in one printable line; empty if hidden
    activation: str  # name
    layer: int  # length of the longest path to it; outputs share the last one
    x: float  # rightwards from the left edge
    y: float  # downwards from the upper edge
    radius: float  # half the side of a pixel
    used: bool  # whether a connection leaves it; always true of hidden nodes and outputs


@dataclass(frozen=True, slots=True, eq=False)
class DiagramEdge:
    """A connection."""

    mark: int  # innovation number
    source: int  # id of a node
    target: int  # id of a node
    points: (
        FloatArray  # (3k+1, 2) inches: k joined cubic Béziers, centre to centre; the first ones are shared
    )
    # with the other connections of the source up to where they part
    importance: float | None  # return lost without it, where that is known


@dataclass(frozen=True, slots=True)
class Plane:
    """The image whose pixels the inputs are; pixels lie row after row from the upper left."""

    rows: int
    columns: int
    x: float  # left edge, in inches
    y: float  # upper edge, in inches
    side: float  # inches from one pixel to the next
    uses: tuple[int, ...]  # (rows * columns,) how many connections leave each pixel


@dataclass(frozen=True, slots=True, eq=False)
class Diagram:
    """A network laid out. The origin is the upper left corner, x grows rightwards and y downwards."""

    width: float  # inches, room for the names included
    height: float  # inches
    pitch: float  # least distance of neighbouring nodes of a column, in inches
    name_size: float  # points of 1/72 inch that names are written with beside their nodes
    nodes: tuple[DiagramNode, ...]
    edges: tuple[DiagramEdge, ...]
    plane: Plane | None  # where the inputs are an image; they lie at the middle of their pixels
    crossings: int  # pairs of lines between neighbouring columns that cross


def genome_graph(genome: Genome, inputs: Sequence[str], outputs: Sequence[str]) -> nx.DiGraph:
    """What a genome expresses, as a graph on its node ids; the bias, all inputs and all outputs are in it.

    A node has `kind` ("bias", "input", "hidden" or "output"), `label` (its name; empty if hidden),
    `activation` (its name) and `layer` (length of the longest path to it, at least 1 for a hidden node;
    outputs share the last one). An edge has `mark`, the connection's innovation number.

    Args:
        genome: the genome.
        inputs: names of the inputs, the bias not among them.
        outputs: names of the outputs.

    Raises:
        ValueError: there are not as many names as inputs or outputs.
    """
    for kind, names, count in (("input", inputs, genome.inputs), ("output", outputs, genome.outputs)):
        if len(names) != count:
            raise ValueError(f"the genome has {count} {kind}s, but {len(names)} {kind} names are given")
    network = compile_genome(genome)
    ids = [*range(genome.first_output), *network.node.tolist()]
    hidden = [node for node in ids if node >= genome.first_hidden]
    graph = nx.DiGraph()
    graph.add_node(BIAS, kind="bias", label="bias", layer=0)
    for node, label in enumerate(inputs, BIAS + 1):
        graph.add_node(node, kind="input", label=label, layer=0)
    for node, label in enumerate(outputs, genome.first_output):
        graph.add_node(node, kind="output", label=label)
    graph.add_nodes_from(hidden, kind="hidden", label="")
    for node, code in zip(genome.node_id.tolist(), genome.activation.tolist(), strict=True):
        if node in graph:
            graph.nodes[node]["activation"] = BY_CODE[code].name
    for k, node in enumerate(ids[genome.first_output :]):
        into = slice(network.first_source[k], network.first_source[k + 1])
        for row, mark in zip(network.sources[into].tolist(), network.mark[into].tolist(), strict=True):
            graph.add_edge(ids[row], node, mark=mark)
        layers = [graph.nodes[source]["layer"] for source in graph.predecessors(node)]
        graph.nodes[node]["layer"] = 1 + max(layers, default=0)
    last = 1 + max((graph.nodes[node]["layer"] for node in hidden), default=0)
    for node in range(genome.first_output, genome.first_hidden):
        graph.nodes[node]["layer"] = last
    return graph


def diagram_of(
    genome: Genome,
    inputs: Sequence[str],
    outputs: Sequence[str],
    importance: FloatArray | None = None,
    *,
    width: float | None = None,
    pitch: float = PITCH[1],
    before: Diagram | None = None,
) -> Diagram:
    """Lay out what a genome expresses; same genome, same diagram.

    Args:
        genome: the genome.
        inputs: names of the inputs, the bias not among them; those of
            `wann.tasks.data_sets.pixel_names` lie as an image.
        outputs: names of the outputs.
        importance: (C,) return lost without each enabled connection, in the genome's order.
        width: inches that the diagram takes at most; by default what the network wants.
        pitch: greatest distance of neighbouring nodes of a column, in inches.
        before: the diagram of an earlier network, whose order from top to bottom is kept as far as possible.

    Raises:
        ValueError: there are not as many names as inputs or outputs, or not as many numbers as enabled
            connections.
    """
    graph = genome_graph(genome, inputs, outputs)
    lost: Mapping[int, float] = {}
    if importance is not None:
        marks = genome.mark[genome.enabled].tolist()
        if len(marks) != len(importance):
            raise ValueError(
                f"importance must have an entry for each of {len(marks)} enabled connections, "
                f"not {len(importance)}"
            )
        lost = dict(zip(marks, np.asarray(importance, np.float64).tolist(), strict=True))
    return lay_out(graph, lost, shape=image_shape(inputs), width=width, pitch=pitch, before=before)


def lay_out(
    graph: nx.DiGraph,
    lost: Mapping[int, float],
    *,
    shape: tuple[int, int] | None = None,
    width: float | None = None,
    pitch: float = PITCH[1],
    before: Diagram | None = None,
) -> Diagram:
    """Lay out a graph from `genome_graph`.

    Args:
        graph: the network.
        lost: return lost without a connection, by innovation number, where it is known.
        shape: rows and columns of the image whose pixels the inputs are.
        width: inches that the diagram takes at most.
        pitch, before: as `diagram_of`.

    Raises:
        ValueError: the width leaves no room beside the names.
    """
    first = of_kind(graph, "bias", "input")
    used = {node: node not in first or graph.out_degree(node) > 0 for node in graph}
    ports = [node for node in first if used[node]] or [BIAS]  # of the inputs, where they are an image
    shown = graph
    if shape:
        shown = graph.copy()
        shown.remove_nodes_from(set(first) - set(ports))
    names = {node: plain_text(label) for node, label in graph.nodes(data="label")}
    image = _Image(shape, [node in ports for node in first], width) if shape else None
    room = _Room(
        left=0.0 if image else max(text_width(names[node], 1.0) for node in first),
        right=max(text_width(names[node], 1.0) for node in of_kind(graph, "output")),
        image=image,
        width=width,
        pitch=pitch,
    )
    heights = {node.id: -node.y for node in before.nodes} if before else None
    arrangement = _arrange(shown, ports=image is not None, widest=room.widest, heights=heights)
    frame = room.frame(np.array(arrangement.points), len(ports))
    places = dict(zip(shown, frame.placed(arrangement.points).tolist(), strict=False))
    radii = dict.fromkeys(graph, RADIUS * frame.pitch)
    begun: dict[Hashable, FloatArray] = {}
    plane = None
    if image:
        ways = image.ways(np.array([places[node] for node in ports]), frame.size[1])
        begun = dict(zip(ports, ways, strict=True))
        for node, centre in zip(first, image.centres(frame.size[1]).tolist(), strict=True):
            places[node] = centre
            radii[node] = BIAS_RADIUS if node == BIAS else 0.5 * SQUARE * image.side
        uses = tuple(graph.out_degree(node) for node in first if node != BIAS)
        plane = Plane(*image.shape, *image.corner(frame.size[1]), image.side, uses)
    ways_by_ends = _ways(arrangement, frame, list(shown), begun)
    return Diagram(
        width=frame.size[0],
        height=frame.size[1],
        pitch=frame.pitch,
        name_size=_name_size(frame.pitch),
        nodes=tuple(
            DiagramNode(
                id=node,
                kind=entry["kind"],
                label=names[node],
                activation=entry["activation"],
                layer=entry["layer"],
                x=places[node][0],
                y=places[node][1],
                radius=radii[node],
                used=used[node],
            )
            for node, entry in graph.nodes(data=True)
        ),
        edges=tuple(
            DiagramEdge(mark, source, target, ways_by_ends[source, target], lost.get(mark))
            for source, target, mark in graph.edges(data="mark")
        ),
        plane=plane,
        crossings=arrangement.crossings,
    )


def _ways(
    arrangement: Arrangement, frame: _Frame, nodes: Sequence[int], begun: Mapping[Hashable, FloatArray]
) -> dict[tuple[int, int], FloatArray]:
    """Points of each connection, by the ids of its source and its target.

    Args:
        arrangement: of the nodes.
        frame: where it lies.
        nodes: their ids.
        begun: (3k+1, 2) the way of a node's connections before they leave its place in the arrangement.
    """
    points = frame.placed(arrangement.points)
    curves = frame.placed(np.array([segment.curve for segment in arrangement.segments]).reshape(-1, 4, 2))
    into = {
        (arrangement.owner[segment.source], segment.target): k
        for k, segment in enumerate(arrangement.segments)
    }
    ways = {}
    for owner, point in into:
        if arrangement.owner[point] != point:
            continue  # a bend
        passed, before = [], point
        while before != owner:
            passed.append(into[owner, before])
            before = arrangement.segments[passed[-1]].source
        corners = [curves[k] for k in reversed(passed)]
        way = [begun.get(nodes[owner], points[owner][None])]
        for curve in corners:
            way += [_straight(way[-1][-1], curve[0]), curve[1:]]
        way.append(_straight(way[-1][-1], points[point]))
        ways[nodes[owner], nodes[point]] = np.concatenate(way)
    return ways


def _straight(start: FloatArray, end: FloatArray) -> FloatArray:
    """What a straight line adds to joined curves, (3, 2)."""
    return np.array([start + (end - start) / 3.0, start + 2.0 * (end - start) / 3.0, end])


@dataclass(frozen=True, slots=True)
class _Frame:
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


class _Room:
    """What lies beside a network, and how large that lets it be."""

    def __init__(
        self, left: float, right: float, image: _Image | None, width: float | None, pitch: float
    ) -> None:
        """Names of so many inches for each point of their size, an image, and what to keep within."""
        self.left = left
        self.right = right
        self.image = image
        self.width = width
        self.greatest = pitch

    @property
    def widest(self) -> float | None:
        """Units that the columns should keep within."""
        if self.width is None:
            return None
        beside = sum(self._beside(NARROW, 0.0, np.zeros(0)))
        return max((self.width - beside) / NARROW, 1.0)

    def _beside(self, pitch: float, height: float, ports: FloatArray) -> tuple[float, float]:
        """Inches left and right of the box around the nodes, which is so high; ports lie below its middle."""
        gap, size = 0.2 * pitch + 0.03, _name_size(pitch)
        left = gap + self.left * size
        if self.image:
            left = self.image.fit(height, ports) - RADIUS * pitch
        return left, gap + self.right * size

    def frame(self, points: FloatArray, ports: int) -> _Frame:
        """Where the points (P, 2) of an arrangement lie, of which the first so many are those of inputs.

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
        return _Frame(pitch, stretch(pitch), origin, (left + box[0] * pitch + right, full))


class _Image:
    """The inputs as an image, the bias above it; lines lead from its right side to ports of the network.

    A pixel's line runs along its row at a height of its own, behind the pixels that it passes; where the
    lines of a row lie too close to be told apart, they begin at the image's right side.
    """

    def __init__(self, shape: tuple[int, int], used: Sequence[bool], width: float | None) -> None:
        """An image of so many rows and columns.

        Args:
            shape: rows and columns.
            used: whether a connection leaves the bias and each pixel, row by row.
            width: of the whole diagram, in inches.
        """
        self.shape = shape
        self.used = np.array(used)
        self.most = math.inf if width is None else width
        self.side = 0.0
        self.fan = 0.0

    def fit(self, height: float, ports: FloatArray) -> float:
        """Fit it beside a network so high, ports so far below its middle; gives the inches it takes."""
        side = np.clip(SHARE * height, min(SIDE[0], 0.27 * self.most), min(SIDE[1], 0.3 * self.most))
        self.side = float(np.clip(side / max(self.shape), *PIXEL))
        climb = np.abs(self._starts()[:, 1] - ports).max(initial=0.0) if len(ports) else 0.0
        self.fan = float(np.clip(0.3 * climb, FAN[0], min(FAN[1], max(0.2 * self.most, FAN[0]))))
        return self.width + self.fan

    @property
    def width(self) -> float:
        """Inches of it, the bias's name included."""
        return max(self.shape[1] * self.side, 2.0 * BIAS_RADIUS + 0.1 + text_width("bias", NAME_SIZE[1]))

    @property
    def height(self) -> float:
        """Inches of it, with the bias above it and as much below."""
        return self.shape[0] * self.side + 2.0 * BESIDE

    def corner(self, height: float) -> tuple[float, float]:
        """Its upper left corner in a diagram of that height."""
        return self.width - self.shape[1] * self.side, 0.5 * (height - self.shape[0] * self.side)

    def centres(self, height: float) -> FloatArray:
        """Centres of the bias and of all pixels, (1 + rows * columns, 2)."""
        centres: FloatArray = self._centres() + np.array([self.width, 0.5 * height])
        return centres

    def ways(self, ports: FloatArray, height: float) -> list[FloatArray]:
        """The ways (7, 2) from the bias and the used pixels, as far as they are used, to the ports (n, 2)."""
        ways = []
        for start, port in zip(self._starts() + np.array([self.width, 0.5 * height]), ports, strict=True):
            leaving = np.array([self.width, start[1]])
            reach = 0.5 * (port - leaving) * [1.0, 0.0]
            ways.append(np.vstack([start, _straight(start, leaving), leaving + reach, port - reach, port]))
        return ways

    def _centres(self) -> FloatArray:
        """As `centres`, from the middle of the right side."""
        rows, columns = self.shape
        row, column = np.divmod(np.arange(rows * columns), columns)
        pixels = np.column_stack([column + 0.5 - columns, row + 0.5 - 0.5 * rows]) * self.side
        return np.vstack([[-BIAS_RADIUS, -0.5 * rows * self.side - 0.55 * BESIDE], pixels])

    def _starts(self) -> FloatArray:
        """Where the lines of the bias and of the pixels begin, as far as they are used."""
        used = self.used[1:].reshape(self.shape)
        in_row = np.maximum(used.sum(axis=1, keepdims=True), 1)
        down = ((used.cumsum(axis=1) - 0.5) / in_row - 0.5).ravel()
        starts = self._centres()
        starts[1:, 1] += SQUARE * self.side * down
        if SQUARE * self.side / in_row.max() < CROWDED:
            starts[1:, 0] = 0.0
        begun: FloatArray = starts[self.used]
        return begun


def _name_size(pitch: float) -> float:
    return float(np.clip(36.0 * pitch, *NAME_SIZE))


def _arrange(
    graph: nx.DiGraph, *, ports: bool, widest: float | None, heights: Mapping[int, float] | None = None
) -> Arrangement:
    index = {node: position for position, node in enumerate(graph)}
    edges = [(index[source], index[target]) for source, target in graph.edges]
    known = [heights.get(node) for node in graph] if heights else None
    return arrange(_columns(graph), edges, ports=ports, widest=widest, heights=known)


def _columns(graph: nx.DiGraph) -> list[int]:
    """Column of each node: its layer; where one is too large for a page, hidden nodes move on to later ones.

    Each column takes, of the nodes that lie behind nothing that is still to come, those with the longest way
    to go. Source: Coffman and Graham (1972), Optimal scheduling for two-processor systems.
    """
    layers = dict(graph.nodes(data="layer"))
    hidden = sorted(of_kind(graph, "hidden"), key=layers.__getitem__)
    most = max(LARGEST_COLUMN, math.ceil(math.sqrt(3.0 * len(hidden))))
    if max(Counter(layers[node] for node in hidden).values(), default=0) <= most:
        return list(layers.values())
    ahead: dict[Hashable, int] = {}
    for node in reversed(hidden):
        ahead[node] = 1 + max((ahead.get(target, 0) for target in graph.successors(node)), default=0)
    waiting = {node: sum(source in ahead for source in graph.predecessors(node)) for node in hidden}
    ready = [node for node in hidden if not waiting[node]]
    column = 0
    while ready:
        column += 1
        ready.sort(key=lambda node: -ahead[node])
        chosen, ready = ready[:most], ready[most:]
        for node in chosen:
            layers[node] = column
            for target in graph.successors(node):
                if target in waiting:
                    waiting[target] -= 1
                    if not waiting[target]:
                        ready.append(target)
    for node in of_kind(graph, "output"):
        layers[node] = column + 1
    return list(layers.values())


def of_kind(graph: nx.DiGraph, *kinds: str) -> list[Hashable]:
    """Nodes of some kinds, in the graph's order."""
    return [node for node, kind in graph.nodes(data="kind") if kind in kinds]
