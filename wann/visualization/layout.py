"""Layered layout of a directed graph: order within the layers, coordinates, and curves between them.

The unit of length is the distance between two neighbouring nodes of a column; y grows upwards. A
connection over several layers passes through a *bend* in each layer between, and the connections of one
source share their bends up to where they part, so that they run as one line that forks. Everything here
is plain data and deterministic; no drawing.

Source: the stages of Sugiyama, Tagawa and Toda (1981), Methods for visual understanding of hierarchical
system structures; coordinates by least squares instead of their priority method.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wann.utils.arrays import FloatArray
from wann.visualization.crossings import count_crossings, reduce_crossings
from wann.visualization.spacing import ascending

RADIUS = 0.36
"""Radius of a node."""

NODE_GAP = 1.0
BEND_GAP = 0.24
LEAST_BEND_GAP = 0.07
BENDS_HEIGHT = 16.0  # lines move closer together when the bends of a column would take more
CLEARANCE = 0.06
"""Least distance from a line to a node that it passes."""

CLOSEST = 0.55  # columns move together to so much of their distance, where room is scarce

SWEEPS = 16  # at most so many ways of ordering are tried from either side
SIFTING = 2_000_000  # the fewer points, the further each is moved to remove crossings
PLACEMENTS = 40  # at most so many rounds of least squares

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Segment:
    """Piece of a connection between the columns of two neighbouring layers.

    A straight line from the source's centre to the first point, a cubic curve with the four points, and a
    straight line from the last point to the target's centre: the curve lies between the columns, so that
    it can meet no node.
    """

    source: int  # point (node or bend) it comes from
    target: int  # point (node or bend) it leads to
    curve: tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A finished layout. Points 0..N-1 are the nodes, the others bends."""

    points: tuple[Point, ...]  # where each point lies
    owner: tuple[int, ...]  # node whose connections pass through each point; a node owns itself
    segments: tuple[Segment, ...]
    crossings: int  # pairs of segments that cross


def arrange(
    layer: Sequence[int],
    edges: Sequence[tuple[int, int]],
    *,
    sweeps: int = SWEEPS,
    ports: bool = False,
    widest: float | None = None,
    heights: Sequence[float | None] | None = None,
) -> Arrangement:
    """Lay out a graph whose edges all lead to a later layer.

    Nodes of the first and the last layer keep the given order from top to bottom, evenly spaced: readers
    look for names there, and drawings of one task can be compared. The others are reordered.

    Args:
        layer: (N,) layer of each node, from 0; N at least 1.
        edges: pairs of nodes, source first.
        sweeps: most attempts at fewer crossings, from either side; 0 leaves the given order.
        ports: whether nodes of the first layer are mere points, which take no more room than bends.
        widest: width to keep within, if the columns can move together that far.
        heights: (N,) of the nodes in an earlier layout, where known. Its order is kept but for moves that
            remove crossings.

    Raises:
        ValueError: an edge does not lead to a later layer.
    """
    graph = _Layered(layer, edges, ports)
    if heights is not None:
        _sort_by_height(graph, heights)
    order, crossings = _ordered(graph, sweeps if heights is None else 0, sweeps > 0)
    height = _place(graph, order)
    column = _columns(graph, height, math.inf if widest is None else widest)
    points = tuple((column[place], y) for place, y in zip(graph.layer, height, strict=True))
    segments = _curves(graph, order, points)
    return Arrangement(points, tuple(graph.owner), segments, crossings)


class _Layered:
    """The graph with bends put in: every segment leads from one layer to the next."""

    def __init__(self, layer: Sequence[int], edges: Sequence[tuple[int, int]], ports: bool) -> None:
        self.nodes = len(layer)
        self.ports = ports
        self.layer = list(layer)
        self.owner = list(range(self.nodes))
        furthest: dict[int, int] = {}
        for source, target in edges:
            if layer[target] <= layer[source]:
                raise ValueError(f"edge {source} to {target} does not lead to a later layer")
            furthest[source] = max(furthest.get(source, 0), layer[target])
        bends: dict[tuple[int, int], int] = {}
        for source in sorted(furthest):
            for place in range(layer[source] + 1, furthest[source]):
                bends[source, place] = len(self.layer)
                self.layer.append(place)
                self.owner.append(source)
        self.left: list[list[int]] = [[] for _ in self.layer]
        self.right: list[list[int]] = [[] for _ in self.layer]
        for source, place in bends:
            self._join(bends.get((source, place - 1), source), bends[source, place])
        for source, target in edges:
            self._join(bends.get((source, layer[target] - 1), source), target)
        self.order: list[list[int]] = [[] for _ in range(max(self.layer) + 1)]
        for point, place in enumerate(self.layer):
            self.order[place].append(point)

    def _join(self, source: int, target: int) -> None:
        self.right[source].append(target)
        self.left[target].append(source)

    def is_node(self, point: int) -> bool:
        """Whether a point takes a node's room."""
        return point < self.nodes and not (self.ports and self.layer[point] == 0)


def _sort_by_height(graph: _Layered, heights: Sequence[float | None]) -> None:
    """Sort the points of the inner layers, in place, by their heights of before.

    A new node lies where those are that it reads, a bend where its source is.
    """
    height = [0.0] * len(graph.layer)
    for points in graph.order:
        for point in points:
            known = heights[point] if point < graph.nodes else None
            if known is None:
                sources = graph.left[point]
                known = sum(height[source] for source in sources) / len(sources) if sources else 0.0
            height[point] = known
    for points in graph.order[1:-1]:
        points.sort(key=lambda point: -height[point])


def _ordered(graph: _Layered, sweeps: int, moves: bool) -> tuple[list[list[int]], int]:
    """The points of each layer in an order with few crossings, and how many there are."""
    order = np.array([point for points in graph.order for point in points], np.int64)
    first = np.concatenate([[0], np.cumsum([len(points) for points in graph.order])])
    left, right = ((*_joined(neighbours),) for neighbours in (graph.left, graph.right))
    if moves:
        order = reduce_crossings(order, first, *left, *right, sweeps, SIFTING)
    layers = [order[low:high].tolist() for low, high in itertools.pairwise(first.tolist())]
    return layers, int(count_crossings(order, first, *right))


def _joined(neighbours: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each point's neighbours begin in one flat array, and that array."""
    first = np.concatenate([[0], np.cumsum([len(points) for points in neighbours])])
    return first, np.array([other for points in neighbours for other in points], np.int64)


# Coordinates


def _place(graph: _Layered, order: list[list[int]]) -> list[float]:
    """Height of every point: short and straight lines, nothing closer than its gap.

    Minimises the weighted sum of squared height differences along the segments, layer after layer; each
    step is exact, and the sum is convex, so this approaches the optimum.
    """
    most_bends = max(sum(not graph.is_node(point) for point in points) for points in order)
    bend_gap = max(min(BEND_GAP, BENDS_HEIGHT / max(most_bends, 1)), LEAST_BEND_GAP)
    gap_by_nodes = np.array([bend_gap, RADIUS + min(0.22, CLEARANCE + bend_gap), NODE_GAP])
    height = np.zeros(len(graph.layer))
    columns = []
    for points in order:
        is_node = np.array([graph.is_node(point) for point in points], np.int64)
        offset = np.concatenate([[0.0], gap_by_nodes[is_node[:-1] + is_node[1:]].cumsum()])
        height[points] = 0.5 * offset[-1] - offset
        columns.append(_Column(graph, points, offset, points is order[0] or points is order[-1]))
    for _ in range(PLACEMENTS):
        before = height.copy()
        for column in (*columns, *columns[-2:0:-1]):
            column.settle(height)
        if np.abs(height - before).max() < 0.01:
            break
    return height.tolist()


class _Column:
    """One layer's part in the least squares."""

    def __init__(self, graph: _Layered, points: list[int], offset: FloatArray, is_outer: bool) -> None:
        self.points = np.array(points, np.int64)
        self.is_outer = is_outer
        self.offset = offset  # least distance of each point from the first
        links = [
            (index, other, _STRAIGHTNESS[graph.is_node(point) + graph.is_node(other)])
            for index, point in enumerate(points)
            for other in (*graph.left[point], *graph.right[point])
        ]
        self.member = np.array([link[0] for link in links], np.int64)
        self.other = np.array([link[1] for link in links], np.int64)
        self.share = np.array([link[2] for link in links])
        self.weight = np.bincount(self.member, self.share, len(points))

    def settle(self, height: FloatArray) -> None:
        """Give the layer's points, in place, the best heights for those of the neighbouring layers."""
        total = np.bincount(self.member, self.share * height[self.other], len(self.points))
        # A point without links stays where it is, as far as the others let it.
        wanted = np.where(self.weight > 0.0, total / np.maximum(self.weight, 1.0), height[self.points])
        weight = np.where(self.weight > 0.0, self.weight, 0.01)
        best = -(ascending(-wanted - self.offset, weight) + self.offset)
        # Even spacing keeps the least gap, as in an outer layer it is the same everywhere.
        height[self.points] = np.linspace(best[0], best[-1], len(best)) if self.is_outer else best


_STRAIGHTNESS = (4.0, 2.0, 1.0)  # weight of a segment with 0, 1, 2 nodes at its ends


def _columns(graph: _Layered, height: list[float], widest: float) -> list[float]:
    """Where each layer's column lies: further from the one before where lines have further to climb."""
    columns = [0.0] * (max(graph.layer) + 1)
    climb = [0.0] * len(columns)
    for point, targets in enumerate(graph.right):
        for target in targets:
            rise = abs(height[target] - height[point])
            climb[graph.layer[target]] = max(climb[graph.layer[target]], rise)
    for place in range(1, len(columns)):
        columns[place] = columns[place - 1] + min(max(1.4 + 0.18 * climb[place], 2.0), 5.5)
    closer = min(max((widest - 2.0 * RADIUS) / max(columns[-1], 1.0), CLOSEST), 1.0)
    return [closer * x for x in columns]


# Curves


def _curves(graph: _Layered, order: list[list[int]], points: Sequence[Point]) -> tuple[Segment, ...]:
    """The segments' curves. They are smooth in the bends and pass every node at a distance."""
    steepest = _steepest(graph, order, points)
    through = [0.0] * len(points)
    for bend in range(graph.nodes, len(points)):
        slopes = [_slope(points[graph.left[bend][0]], points[bend])]
        slopes += [_slope(points[bend], points[target]) for target in graph.right[bend]]
        if min(slopes) > 0.0 or max(slopes) < 0.0:
            # The harmonic mean: no curve overshoots its ends.
            low, high = min(slopes), max(slopes)
            slope = 2.0 * low * high / (low + high)
            through[bend] = max(-steepest[bend], min(steepest[bend], slope))
    segments = []
    for source, targets in enumerate(graph.right):
        for target in targets:
            chord = _slope(points[source], points[target])
            ends = []
            for point in (source, target):
                limit = steepest[point]
                slope = max(-limit, min(limit, 0.7 * chord)) if graph.is_node(point) else through[point]
                ends.append(slope)
            segments.append(Segment(source, target, _curve(points[source], points[target], *ends)))
    return tuple(segments)


def _slope(start: Point, end: Point) -> float:
    return (end[1] - start[1]) / (end[0] - start[0])


def _steepest(graph: _Layered, order: list[list[int]], points: Sequence[Point]) -> list[float]:
    """Greatest slope at each point with which a line keeps clear of the nodes above and below it."""
    room = [RADIUS] * len(points)
    for column in order:
        for direction in (column, column[::-1]):
            node_height = math.inf
            for point in direction:
                height = points[point][1]
                room[point] = min(room[point], abs(node_height - height) - RADIUS - CLEARANCE)
                if graph.is_node(point):
                    node_height = height
    return [max(free, 0.0) / RADIUS for free in room]


def _curve(
    start: Point, end: Point, start_slope: float, end_slope: float
) -> tuple[Point, Point, Point, Point]:
    x0, x3 = start[0] + RADIUS, end[0] - RADIUS
    y0, y3 = start[1] + start_slope * RADIUS, end[1] - end_slope * RADIUS
    reach = 0.42 * (x3 - x0)
    return (x0, y0), (x0 + reach, y0 + start_slope * reach), (x3 - reach, y3 - end_slope * reach), (x3, y3)
