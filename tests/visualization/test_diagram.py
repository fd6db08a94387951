"""Networks laid out as plain data: everything expressed is there, and nothing overlaps."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import fields
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from conftest import evolved
from drawings import INPUTS, OUTPUTS, named, small_genome
from hypothesis import given, settings
from hypothesis import strategies as st

from wann.champion import load_champion
from wann.networks.network import compile_genome
from wann.tasks.data_sets import pixel_names
from wann.visualization.diagram import Diagram, diagram_of
from wann.visualization.genome_graph import LARGEST_COLUMN, genome_graph
from wann.visualization.layout import arrange
from wann.visualization.theme import text_width

# The graph


def test_the_graph_holds_what_is_expressed_and_every_input_and_output():
    graph = genome_graph(small_genome(), ("a", "b"), ("c",))
    assert dict(graph.nodes) == {
        0: {"kind": "bias", "label": "bias", "activation": "linear", "layer": 0},
        1: {"kind": "input", "label": "a", "activation": "linear", "layer": 0},
        2: {"kind": "input", "label": "b", "activation": "linear", "layer": 0},
        3: {"kind": "output", "label": "c", "activation": "tanh", "layer": 2},
        4: {"kind": "hidden", "label": "", "activation": "sin", "layer": 1},
        6: {"kind": "hidden", "label": "", "activation": "cos", "layer": 1},
    }
    assert dict(graph.edges) == {(1, 4): {"mark": 1}, (4, 3): {"mark": 2}, (6, 3): {"mark": 4}}


@given(st.integers(0, 2**32), st.integers(0, 80), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=30)
def test_the_graph_agrees_with_the_compiled_network(seed, mutations, inputs, outputs):
    genome = evolved(seed, mutations, inputs, outputs)
    graph = genome_graph(genome, *named(genome))
    network = compile_genome(genome)
    assert nx.is_directed_acyclic_graph(graph)
    assert graph.number_of_edges() == network.sources.size
    assert sorted(mark for *_, mark in graph.edges(data="mark")) == sorted(network.mark.tolist())
    assert set(graph) == {*range(genome.first_output), *network.node.tolist()}
    layer = dict(graph.nodes(data="layer"))
    assert all(layer[source] < layer[target] for source, target in graph.edges)
    for node, kind in graph.nodes(data="kind"):
        if kind in ("bias", "input"):
            assert layer[node] == 0
        elif kind == "output":
            assert layer[node] == max(layer.values())
        else:
            before = [layer[source] for source in graph.predecessors(node)]
            assert layer[node] == 1 + max(before, default=0)
            assert layer[node] < max(layer.values())


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (("a",), ("c",), "has 2 inputs, but 1 input names"),
        (("a", "b"), (), "has 1 outputs, but 0 output names"),
    ],
)
def test_a_wrong_number_of_names_is_refused(inputs, outputs, message):
    with pytest.raises(ValueError, match=message):
        genome_graph(small_genome(), inputs, outputs)


# The diagram


def assert_sound(diagram: Diagram) -> None:
    """Nodes do not overlap, names fit, and connections lead from centre to centre, left to right."""
    nodes = {node.id: node for node in diagram.nodes}
    places = np.array([(node.x, node.y) for node in diagram.nodes])
    radii = np.array([node.radius for node in diagram.nodes])
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    if diagram.plane is None:
        assert np.all(distance > radii[:, None] + radii[None])
    for node in diagram.nodes:
        assert node.radius < node.x < diagram.width - node.radius
        assert node.radius - 1e-9 <= node.y <= diagram.height - node.radius + 1e-9
        width = text_width(node.label, diagram.name_size)
        if node.kind == "output":
            assert node.x + node.radius + width < diagram.width
        elif node.kind != "hidden" and not diagram.plane:
            assert node.x - node.radius - width > 0.0
    for edge in diagram.edges:
        assert len(edge.points) % 3 == 1
        x = edge.points[:, 0]
        assert np.all(np.diff(x) > -1e-9)
        source, target = nodes[edge.source], nodes[edge.target]
        np.testing.assert_allclose(edge.points[-1], (target.x, target.y))
        if not diagram.plane or source.kind == "hidden":
            np.testing.assert_allclose(edge.points[0], (source.x, source.y))


@given(
    st.integers(0, 2**32),
    st.integers(0, 150),
    st.integers(1, 8),
    st.integers(1, 4),
    st.sampled_from([None, 3.4, 7.0]),
)
@settings(max_examples=25)
def test_a_diagram_shows_what_is_expressed_and_is_sound(seed, mutations, inputs, outputs, width):
    genome = evolved(seed, mutations, inputs, outputs)
    diagram = diagram_of(genome, *named(genome), width=width)
    assert_sound(diagram)
    graph = genome_graph(genome, *named(genome))
    assert [node.id for node in diagram.nodes] == list(graph)
    assert {(e.source, e.target, e.mark) for e in diagram.edges} == set(graph.edges(data="mark"))
    assert width is None or diagram.width <= width + 1e-6
    outer = {node.x for node in diagram.nodes if node.kind in ("bias", "input")}
    assert outer == {min(node.x for node in diagram.nodes)}
    assert {node.x for node in diagram.nodes if node.kind == "output"} == {max(n.x for n in diagram.nodes)}


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (1, 5)])
@pytest.mark.parametrize("width", [None, 7.0, 3.4])
def test_pixels_lie_as_the_image_does(shape, width):
    genome = evolved(1, 40, shape[0] * shape[1], 4)
    diagram = diagram_of(genome, pixel_names(shape), "abcd", width=width)
    assert_sound(diagram)
    plane = diagram.plane
    assert (plane.rows, plane.columns) == shape
    pixels = [node for node in diagram.nodes if node.kind == "input"]
    for k, node in enumerate(pixels):
        row, column = divmod(k, shape[1])
        assert node.x == pytest.approx(plane.x + (column + 0.5) * plane.side)
        assert node.y == pytest.approx(plane.y + (row + 0.5) * plane.side)
        assert 2.0 * node.radius < plane.side
    sources = Counter(edge.source for edge in diagram.edges)
    assert plane.uses == tuple(sources[node.id] for node in pixels)
    right = plane.x + plane.columns * plane.side
    for edge in diagram.edges:
        if 1 <= edge.source <= len(pixels):
            start = edge.points[0]
            assert start[0] <= right + 1e-9
            node = pixels[edge.source - 1]
            assert abs(start[1] - node.y) < node.radius + 1e-9
    assert width is None or diagram.width <= width + 1e-6


def test_lines_that_cannot_be_told_apart_do_not_cross_the_image():
    genome = evolved(1, 40, 784, 4)
    diagram = diagram_of(genome, pixel_names((28, 28)), "abcd")
    right = diagram.plane.x + 28 * diagram.plane.side
    for edge in diagram.edges:
        if 1 <= edge.source <= 784:
            assert edge.points[:, 0].min() == pytest.approx(right)


def test_connections_of_a_source_share_their_way_up_to_where_they_part():
    diagram = diagram_of(evolved(3, 120), INPUTS, OUTPUTS)
    by_source: dict[int, list] = {}
    for edge in diagram.edges:
        by_source.setdefault(edge.source, []).append(edge)
    shared = 0
    for a, b in itertools.chain.from_iterable(itertools.combinations(e, 2) for e in by_source.values()):
        length = min(len(a.points), len(b.points))
        same = np.all(a.points[:length] == b.points[:length], axis=1)
        shared += int(np.argmin(same)) >= 4
    assert shared > 0


def test_importance_goes_to_its_connection():
    diagram = diagram_of(small_genome(), "ab", "c", np.array([1.0, 2.0, 3.0, 4.0]))
    assert {edge.mark: edge.importance for edge in diagram.edges} == {1: 1.0, 2: 2.0, 4: 4.0}
    assert {edge.importance for edge in diagram_of(small_genome(), "ab", "c").edges} == {None}


def test_importance_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"entry for each of 4 enabled connections, not 3$"):
        diagram_of(small_genome(), "ab", "c", np.zeros(3))


def test_a_width_without_room_for_the_network_is_refused():
    with pytest.raises(ValueError, match="a width of 1 in leaves no room for the network beside the names"):
        diagram_of(small_genome(), ("a very long name of an input", "b"), "c", width=1.0)


def test_a_diagram_is_the_same_each_time():
    one, two = (diagram_of(evolved(3, 120), INPUTS, OUTPUTS) for _ in range(2))
    assert one.nodes == two.nodes
    assert all(np.array_equal(a.points, b.points) for a, b in zip(one.edges, two.edges, strict=True))
    rest = [f.name for f in fields(Diagram) if f.name not in ("nodes", "edges")]
    assert [getattr(one, name) for name in rest] == [getattr(two, name) for name in rest]


def test_a_later_network_keeps_the_order_of_an_earlier_one():
    """The nodes that both have change their order far less often than without looking back."""
    swaps = {True: 0, False: 0}
    for seed in range(6):
        old = diagram_of(evolved(seed, 100), INPUTS, OUTPUTS)
        grown = evolved(seed, 108)
        for follow in swaps:
            new = diagram_of(grown, INPUTS, OUTPUTS, before=old if follow else None)
            assert_sound(new)
            before = {node.id: node for node in old.nodes}
            both = [(before[n.id], n) for n in new.nodes if n.kind == "hidden" and n.id in before]
            swaps[follow] += sum(
                a[0].layer == b[0].layer
                and a[1].layer == b[1].layer
                and (a[0].y - b[0].y) * (a[1].y - b[1].y) < 0
                for a, b in itertools.combinations(both, 2)
            )
    assert swaps[True] < 0.7 * swaps[False]


def test_a_layer_too_large_for_a_page_takes_several_columns():
    genome = evolved(1, 400, 64, 10)
    graph = genome_graph(genome, *named(genome))
    hidden = [node for node, kind in graph.nodes(data="kind") if kind == "hidden"]
    layers = Counter(graph.nodes[node]["layer"] for node in hidden)
    assert max(layers.values()) > LARGEST_COLUMN
    diagram = diagram_of(genome, *named(genome))
    places = {node.id: (node.x, node.y) for node in diagram.nodes}
    columns = Counter(places[node][0] for node in hidden)
    assert max(columns.values()) <= max(LARGEST_COLUMN, np.ceil(np.sqrt(3 * len(hidden))))
    assert max(columns) < min(places[node][0] for node in graph if graph.nodes[node]["kind"] == "output")
    assert len(columns) < len(layers) + len(hidden) / LARGEST_COLUMN + 1
    assert all(places[source][0] < places[target][0] for source, target in graph.edges)


def crossings_without(genome, inputs, outputs) -> int:
    """Crossings of the same layers and bends where nothing is reordered."""
    graph = genome_graph(genome, inputs, outputs)
    index = {node: position for position, node in enumerate(graph)}
    layers = [layer for _, layer in graph.nodes(data="layer")]
    edges = [(index[source], index[target]) for source, target in graph.edges]
    return arrange(layers, edges, sweeps=0).crossings


@pytest.mark.parametrize("seed", range(8))
def test_evolved_networks_have_far_fewer_crossings_than_without_ordering(seed):
    genome = evolved(seed, 250, 8, 2)
    without = crossings_without(genome, *named(genome))
    assert without > 0
    assert diagram_of(genome, *named(genome)).crossings < 0.6 * without


def test_champions_have_far_fewer_crossings_than_without_ordering():
    experiments = Path(__file__).parents[2] / "experiments"
    champions = [load_champion(path) for path in sorted(experiments.glob("*/champion*.json"))]
    assert len(champions) >= 8
    parts = [(champion.genome, champion.inputs, champion.outputs) for champion in champions]
    parts = [part for part in parts if part[0].inputs < 64]
    with_ordering = [diagram_of(*part).crossings for part in parts]
    without = [crossings_without(*part) for part in parts]
    assert all(a <= b for a, b in zip(with_ordering, without, strict=True))
    assert sum(with_ordering) < 0.6 * sum(without)
