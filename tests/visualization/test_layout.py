"""Layered layouts: nothing overlaps, lines keep clear of nodes, few crossings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wann.visualization.layout import NODE_GAP, RADIUS, Arrangement, arrange


@st.composite
def layered_graphs(draw):
    """Layers and edges of a random graph; every layer has a node."""
    count = draw(st.integers(1, 6))
    layer = sorted([*range(count), *draw(st.lists(st.integers(0, count - 1), max_size=12))])
    pairs = [(a, b) for a in range(len(layer)) for b in range(len(layer)) if layer[a] < layer[b]]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40)) if pairs else []
    return layer, edges


def random_graph(seed: int, nodes: int = 60, edges: int = 120, layers: int = 8):
    rng = np.random.default_rng(seed)
    layer = sorted([*range(layers), *rng.integers(0, layers, nodes - layers).tolist()])
    pairs = [(a, b) for a in range(nodes) for b in range(nodes) if layer[a] < layer[b]]
    return layer, [pairs[k] for k in rng.choice(len(pairs), edges, replace=False)]


def traced(arrangement: Arrangement, samples: int = 24):
    """Each segment as (segment, points along its whole way)."""
    t = np.linspace(0.0, 1.0, samples)[:, None]
    for segment in arrangement.segments:
        p0, p1, p2, p3 = np.array(segment.curve)
        curve = (1 - t) ** 3 * p0 + 3 * t * (1 - t) ** 2 * p1 + 3 * t**2 * (1 - t) * p2 + t**3 * p3
        start, end = arrangement.points[segment.source], arrangement.points[segment.target]
        yield segment, np.vstack([start, curve, end])


@given(layered_graphs())
def test_nodes_never_overlap(graph):
    layer, edges = graph
    points = arrange(layer, edges).points[: len(layer)]
    for a, b in itertools.combinations(points, 2):
        assert np.hypot(a[0] - b[0], a[1] - b[1]) > NODE_GAP - 1e-6 > 2 * RADIUS


def columns_of(layer, arrangement):
    """Where the column of each layer is; all of its points lie in it."""
    columns = {}
    for place, (x, _) in zip(layer, arrangement.points, strict=False):
        assert columns.setdefault(place, x) == x
    return np.array([columns[place] for place in range(max(layer) + 1)])


@given(layered_graphs())
def test_a_column_is_further_from_the_one_before_where_lines_climb_further(graph):
    layer, edges = graph
    arrangement = arrange(layer, edges)
    columns = columns_of(layer, arrangement)
    climb = np.zeros(len(columns))
    for segment in arrangement.segments:
        start, end = arrangement.points[segment.source], arrangement.points[segment.target]
        place = int(np.flatnonzero(columns == end[0])[0])
        climb[place] = max(climb[place], abs(end[1] - start[1]))
    assert columns[0] == 0.0
    np.testing.assert_allclose(np.diff(columns), np.clip(1.4 + 0.18 * climb[1:], 2.0, 5.5))


def test_flat_lines_take_the_least_distance_and_steep_ones_the_greatest():
    flat = columns_of([0, 1, 2], arrange([0, 1, 2], [(0, 1), (1, 2)]))
    assert flat.tolist() == [0.0, 2.0, 4.0]
    layer = [*[0] * 60, 1]
    steep = columns_of(layer, arrange(layer, [(k, 60) for k in range(60)]))
    assert steep.tolist() == [0.0, 5.5]


@given(layered_graphs(), st.floats(1.0, 40.0))
def test_columns_move_together_to_stay_within_a_width(graph, widest):
    layer, edges = graph
    free = columns_of(layer, arrange(layer, edges))
    near = columns_of(layer, arrange(layer, edges, widest=widest))
    share = np.clip((widest - 2.0 * RADIUS) / max(free[-1], 1.0), 0.55, 1.0)
    np.testing.assert_allclose(near, share * free)
    assert near[-1] + 2.0 * RADIUS <= widest + 1e-9 or share == 0.55 or free[-1] == 0.0


@given(layered_graphs())
def test_ports_lie_closer_in_the_same_order_and_nothing_else_does(graph):
    layer, edges = graph
    points = arrange(layer, edges, ports=True).points[: len(layer)]
    ports = [point[1] for point, place in zip(points, layer, strict=True) if place == 0]
    steps = np.diff(ports)
    assert np.all(steps < 0.0)
    np.testing.assert_allclose(steps, steps[:1].repeat(steps.size))
    nodes = [point for point, place in zip(points, layer, strict=True) if place > 0]
    for a, b in itertools.combinations(nodes, 2):
        assert np.hypot(a[0] - b[0], a[1] - b[1]) > NODE_GAP - 1e-6


def test_many_ports_take_little_room():
    layer, edges = [0] * 200 + [1], [(port, 200) for port in range(200)]
    heights = [[y for _, y in arrange(layer, edges, ports=ports).points] for ports in (False, True)]
    assert max(heights[1]) - min(heights[1]) < 0.1 * (max(heights[0]) - min(heights[0]))


@given(layered_graphs())
def test_each_layer_is_a_column_and_later_layers_lie_further_right(graph):
    layer, edges = graph
    points = arrange(layer, edges).points
    column = {place: {points[node][0] for node, own in enumerate(layer) if own == place} for place in layer}
    places = [xs.pop() for xs in column.values() if len(xs) == 1]
    assert len(places) == len(column)
    assert all(right - left > 2 * RADIUS for left, right in itertools.pairwise(places))


@given(layered_graphs())
def test_every_edge_is_led_from_its_source_to_its_target(graph):
    layer, edges = graph
    arrangement = arrange(layer, edges)
    into = {target: [] for target in range(len(arrangement.points))}
    for segment in arrangement.segments:
        into[segment.target].append(segment.source)
    found = []
    for node in range(len(layer)):
        for source in into[node]:
            bends, before = 0, source
            while before >= len(layer):
                (before,) = into[before]
                bends += 1
            assert bends == layer[node] - layer[before] - 1
            assert arrangement.owner[source] == before
            found.append((before, node))
    assert sorted(found) == sorted(edges)


@given(layered_graphs())
def test_lines_run_from_left_to_right_and_keep_clear_of_other_nodes(graph):
    layer, edges = graph
    arrangement = arrange(layer, edges)
    nodes = np.array(arrangement.points[: len(layer)])
    for segment, way in traced(arrangement):
        assert np.all(np.diff(way[:, 0]) > 0.0)
        others = [n for n in range(len(layer)) if n not in (segment.source, segment.target)]
        # Between two traced points a line is straight enough that samples of it suffice.
        fine = np.concatenate([np.linspace(a, b, 8) for a, b in itertools.pairwise(way)])
        distance = np.hypot(*(fine[:, None, :] - nodes[None, others, :]).transpose(2, 0, 1))
        assert distance.size == 0 or distance.min() > RADIUS


@pytest.mark.parametrize("seed", range(3))
def test_lines_keep_clear_of_nodes_in_crowded_columns_too(seed):
    layer, edges = random_graph(seed, nodes=90, edges=400, layers=9)
    arrangement = arrange(layer, edges)
    nodes = np.array(arrangement.points[: len(layer)])
    for segment, way in traced(arrangement):
        distance = np.hypot(*(way[:, None, :] - nodes[None]).transpose(2, 0, 1))
        distance[:, [n for n in (segment.source, segment.target) if n < len(layer)]] = np.inf
        assert distance.min() > RADIUS


@given(layered_graphs())
def test_a_line_is_smooth_where_it_bends(graph):
    layer, edges = graph
    arrangement = arrange(layer, edges)
    arriving = {segment.target: segment.curve for segment in arrangement.segments}
    for segment in arrangement.segments:
        if segment.source >= len(layer):
            before = np.subtract(*arriving[segment.source][:1:-1])
            across = np.subtract(segment.curve[0], arriving[segment.source][3])
            after = np.subtract(*segment.curve[1::-1])
            slopes = [direction[1] / direction[0] for direction in (before, across, after)]
            np.testing.assert_allclose(slopes, slopes[0], atol=1e-9)


def test_a_straight_chain_is_drawn_straight():
    arrangement = arrange([0, 1, 2, 3], [(0, 1), (1, 2), (2, 3)])
    assert {y for _, y in arrangement.points} == {0.0}


def test_connections_of_one_source_share_their_way_up_to_where_they_part():
    apart = arrange([0, 0, 3, 3], [(0, 2), (1, 3)])
    shared = arrange([0, 3, 3], [(0, 1), (0, 2)])
    assert len(apart.points) == 4 + 4
    assert len(shared.points) == 3 + 2


def test_nodes_of_the_outer_layers_keep_their_order_evenly_spaced():
    layer = [0, 0, 0, 0, 1, 1, 2, 2, 2]
    edges = [(0, 5), (3, 4), (4, 8), (5, 6), (1, 8), (2, 6)]
    points = arrange(layer, edges).points
    for names in (range(4), range(6, 9)):
        steps = np.diff([points[node][1] for node in names])
        assert np.all(steps < 0.0)
        np.testing.assert_allclose(steps, steps[0])


def test_a_crossing_that_can_be_undone_is_undone():
    layer = [0, 0, 1, 1, 2]
    edges = [(0, 3), (1, 2), (2, 4), (3, 4)]
    assert arrange(layer, edges, sweeps=0).crossings == 1
    assert arrange(layer, edges).crossings == 0


@pytest.mark.parametrize("seed", range(6))
def test_ordering_removes_most_crossings_of_random_graphs(seed):
    layer, edges = random_graph(seed)
    without = arrange(layer, edges, sweeps=0).crossings
    assert arrange(layer, edges).crossings < 0.6 * without


@given(layered_graphs())
def test_crossings_are_counted_as_an_independent_count_has_them(graph):
    layer, edges = graph
    arrangement = arrange(layer, edges)
    ends = [
        (arrangement.points[segment.source], arrangement.points[segment.target])
        for segment in arrangement.segments
    ]
    crossings = sum(
        a[0][0] == b[0][0] and (a[0][1] - b[0][1]) * (a[1][1] - b[1][1]) < 0.0
        for a, b in itertools.combinations(ends, 2)
    )
    assert arrangement.crossings == crossings


@given(layered_graphs())
def test_ordering_never_adds_crossings(graph):
    layer, edges = graph
    assert arrange(layer, edges).crossings <= arrange(layer, edges, sweeps=0).crossings


def test_the_same_graph_is_laid_out_the_same():
    layer, edges = random_graph(1)
    assert arrange(layer, edges) == arrange(layer, edges)


def test_a_layout_does_not_depend_on_the_order_of_the_edges():
    layer, edges = random_graph(2)
    assert arrange(layer, edges).crossings == arrange(layer, edges[::-1]).crossings


def test_an_edge_to_the_same_or_an_earlier_layer_is_refused():
    with pytest.raises(ValueError, match="edge 1 to 0 does not lead to a later layer"):
        arrange([0, 1], [(1, 0)])
    with pytest.raises(ValueError, match="edge 0 to 1 does not lead to a later layer"):
        arrange([0, 0], [(0, 1)])
