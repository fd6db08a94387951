"""A network laid out as plain data: where its nodes lie and which way its connections take.

Inputs left, outputs right. Inputs that are the pixels of an image lie as that image does. Drawings on paper,
films and pages are made from a `Diagram` alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from wann.networks.genome import BIAS, Genome
from wann.tasks.data_sets import image_shape
from wann.utils.arrays import FloatArray
from wann.visualization.drawing_room import PITCH, Frame, Room, name_size
from wann.visualization.genome_graph import columns_of, genome_graph, of_kind
from wann.visualization.input_image import BIAS_RADIUS, SQUARE, InputImage, straight
from wann.visualization.layout import RADIUS, Arrangement, arrange
from wann.visualization.theme import plain_text, text_width


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
    # (3k+1, 2) inches: k joined cubic Béziers, centre to centre. Connections of one source share the first
    # ones, up to where they part.
    points: FloatArray
    importance: float | None  # return lost without it; None if unknown


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
    plane: Plane | None  # the image of the inputs, which lie at the middle of their pixels; None without one
    crossings: int  # pairs of lines between neighbouring columns that cross


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
    """Lay out what a genome expresses. The same genome gives the same diagram.

    Args:
        genome: the genome.
        inputs: names of the inputs, the bias not among them; those of
            `wann.tasks.data_sets.pixel_names` lie as an image.
        outputs: names of the outputs.
        importance: (C,) return lost without each enabled connection, in the genome's order.
        width: greatest width of the diagram in inches; by default the network decides.
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
        lost: return lost without a connection, by innovation number; unknown ones are left out.
        shape: rows and columns of the image whose pixels the inputs are.
        width: greatest width of the diagram in inches.
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
    image = InputImage(shape, [node in ports for node in first], width) if shape else None
    room = Room(
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
        name_size=name_size(frame.pitch),
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
    arrangement: Arrangement, frame: Frame, nodes: Sequence[int], begun: Mapping[Hashable, FloatArray]
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
            way += [straight(way[-1][-1], curve[0]), curve[1:]]
        way.append(straight(way[-1][-1], points[point]))
        ways[nodes[owner], nodes[point]] = np.concatenate(way)
    return ways


def _arrange(
    graph: nx.DiGraph, *, ports: bool, widest: float | None, heights: Mapping[int, float] | None = None
) -> Arrangement:
    index = {node: position for position, node in enumerate(graph)}
    edges = [(index[source], index[target]) for source, target in graph.edges]
    known = [heights.get(node) for node in graph] if heights else None
    return arrange(columns_of(graph), edges, ports=ports, widest=widest, heights=known)
