"""Drawings of networks: everything expressed is shown, nothing overlaps, files are whole and repeatable."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections import Counter
from xml.etree import ElementTree

import matplotlib
import networkx as nx
import numpy as np
import pytest
from conftest import evolved
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, PathCollection, PolyCollection
from PIL import Image

from wann.activations import NAMES
from wann.datasets import pixel_names
from wann.diagram import LARGEST_COLUMN
from wann.draw import draw_genome, genome_graph, graph_figure, layout
from wann.genome import Genome, genome_from_dict, minimal_genome
from wann.layout import NODE_GAP, arrange
from wann.network import compile_genome
from wann.theme import activation_curve, figure_style

INPUTS = ("x", "cos θ", "sin θ", "ẋ", "θ̇")
OUTPUTS = ("force",)


def named(genome: Genome) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (
        tuple(f"sensor {k}" for k in range(genome.inputs)),
        tuple(f"joint {k}" for k in range(genome.outputs)),
    )


def small_genome() -> Genome:
    """Node 4 is a sin between input 1 and the output; node 5 leads nowhere, node 6 is a constant."""
    return genome_from_dict(
        {
            "inputs": 2,
            "outputs": 1,
            "nodes": [
                [0, "linear"],
                [1, "linear"],
                [2, "linear"],
                [3, "tanh"],
                [4, "sin"],
                [5, "abs"],
                [6, "cos"],
            ],
            "connections": [
                [0, 1, 3, False],
                [1, 1, 4, True],
                [2, 4, 3, True],
                [3, 2, 5, True],
                [4, 6, 3, True],
                [5, 5, 3, False],
            ],
        }
    )


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


# The layout


@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(1, 8), st.integers(1, 4))
@settings(max_examples=30)
def test_nodes_of_a_layout_never_overlap_and_edges_lead_right(seed, mutations, inputs, outputs):
    genome = evolved(seed, mutations, inputs, outputs)
    graph = genome_graph(genome, *named(genome))
    places = layout(graph)
    assert list(places) == list(graph)
    for a, b in itertools.combinations(places.values(), 2):
        assert np.hypot(a[0] - b[0], a[1] - b[1]) > NODE_GAP - 1e-6
    assert all(places[source][0] < places[target][0] for source, target in graph.edges)
    leftmost, rightmost = (f(x for x, _ in places.values()) for f in (min, max))
    for node, kind in graph.nodes(data="kind"):
        x = places[node][0]
        assert (x == leftmost) == (kind in ("bias", "input"))
        assert (x == rightmost) == (kind == "output")


def test_the_layout_is_the_same_each_time():
    graphs = [genome_graph(evolved(3, 120), INPUTS, OUTPUTS) for _ in range(2)]
    assert layout(graphs[0]) == layout(graphs[1])


def test_a_layer_too_large_for_a_page_takes_several_columns():
    genome = evolved(1, 400, 64, 10)
    graph = genome_graph(genome, *named(genome))
    hidden = [node for node, kind in graph.nodes(data="kind") if kind == "hidden"]
    layers = Counter(graph.nodes[node]["layer"] for node in hidden)
    assert max(layers.values()) > LARGEST_COLUMN
    places = layout(graph)
    columns = Counter(places[node][0] for node in hidden)
    assert max(columns.values()) <= max(LARGEST_COLUMN, np.ceil(np.sqrt(3 * len(hidden))))
    assert max(columns) < min(places[node][0] for node in graph if graph.nodes[node]["kind"] == "output")
    assert len(columns) < len(layers) + len(hidden) / LARGEST_COLUMN + 1
    assert all(places[source][0] < places[target][0] for source, target in graph.edges)


@pytest.mark.parametrize("seed", range(8))
def test_evolved_networks_have_far_fewer_crossings_than_without_ordering(seed):
    graph = genome_graph(evolved(seed, 250, 8, 2), [str(k) for k in range(8)], "ab")
    index = {node: position for position, node in enumerate(graph)}
    layers = [layer for _, layer in graph.nodes(data="layer")]
    edges = [(index[source], index[target]) for source, target in graph.edges]
    without = arrange(layers, edges, sweeps=0).crossings
    assert without > 0
    assert arrange(layers, edges).crossings < 0.6 * without


# The figure


def boxes_of(figure) -> tuple[dict[str, list], list]:
    """Extents in pixels: of every text by its words, and of every circle."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    (axes,) = figure.axes
    texts = [(text.get_text(), text.get_window_extent(renderer)) for text in axes.texts if text.get_text()]
    circles = []
    for collection in axes.collections:
        if isinstance(collection, EllipseCollection):
            unit = axes.transData.transform((1.0, 0.0))[0] - axes.transData.transform((0.0, 0.0))[0]
            radius = 0.5 * collection.get_widths()[0] * unit
            centres = axes.transData.transform(collection.get_offsets())
            circles += [(x, y, radius) for x, y in centres]
    return texts, circles


LONG = tuple(f"the angular velocity of joint number {k}" for k in range(5))


@pytest.mark.parametrize(
    ("genome", "inputs", "outputs", "title"),
    [
        (small_genome(), ("a", "b"), ("c",), None),
        (evolved(1, 10), INPUTS, OUTPUTS, "Swing-up"),
        (
            evolved(2, 60),
            LONG,
            ("a rather long name of an output",),
            "A title that is longer than the rest " * 3,
        ),
        (evolved(3, 250), INPUTS, OUTPUTS, None),
        (evolved(4, 250, 60, 10), [f"pixel {k}" for k in range(60)], "0123456789", "Digits"),
        (minimal_genome(1, 1, 1, 1.0, rng=np.random.default_rng(0)), "x", "y", None),
    ],
    ids=["constant", "small", "long names", "deep", "many inputs", "smallest"],
)
def test_no_label_is_cut_off_or_touches_another_or_a_node(genome, inputs, outputs, title):
    with figure_style():
        figure = graph_figure(genome_graph(genome, inputs, outputs), title=title)
        assert_nothing_touches(figure)


def assert_nothing_touches(figure):
    texts, circles = boxes_of(figure)
    width, height = figure.get_size_inches() * figure.dpi
    for _, box in texts:
        assert box.x0 > 0.0
        assert box.y0 > 0.0
        assert box.x1 < width
        assert box.y1 < height
    for (_, a), (_, b) in itertools.combinations(texts, 2):
        assert not a.overlaps(b)
    for x, y, radius in circles:
        assert radius < x < width - radius
        assert radius < y < height - radius
        for words, box in texts:
            if words != "1":  # the bias's symbol
                nearest = np.clip([x, y], [box.x0, box.y0], [box.x1, box.y1])
                assert np.hypot(*(nearest - [x, y])) > radius
    for a, b in itertools.combinations(circles, 2):
        assert np.hypot(a[0] - b[0], a[1] - b[1]) > a[2] + b[2]


def test_the_figure_names_inputs_outputs_symbols_and_size():
    with figure_style():
        figure = graph_figure(genome_graph(small_genome(), ("a", "b"), ("c",)), title="A title")
    words = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(words) == sorted(
        [
            "A title",
            "bias",
            "1",
            "a",
            "b",
            "c",
            "linear",
            "sin",
            "tanh",
            "cos",
            "3 connections · 2 hidden nodes",
        ]
    )


def test_one_of_a_kind_is_counted_in_the_singular():
    genome = small_genome()
    genome = genome.evolve(enabled=np.array([True, False, False, False, False, False]))
    with figure_style():
        figure = graph_figure(genome_graph(genome, ("a", "b"), ("c",)))
    assert "1 connection · 0 hidden nodes" in [text.get_text() for text in figure.axes[0].texts]


def test_unused_inputs_are_paler():
    with figure_style():
        figure = graph_figure(genome_graph(small_genome(), ("used", "unused"), ("c",)))
    lightness = {
        text.get_text(): sum(matplotlib.colors.to_rgb(text.get_color())) for text in figure.axes[0].texts
    }
    assert lightness["unused"] > lightness["used"]
    assert lightness["bias"] > lightness["used"]


def test_large_networks_are_drawn_smaller():
    with figure_style():
        figures = [graph_figure(genome_graph(evolved(5, n), INPUTS, OUTPUTS)) for n in (5, 150, 700)]
        radii = [boxes_of(figure)[1][-1][2] for figure in figures]
    assert radii[0] > radii[1] > radii[2]
    assert figures[-1].get_size_inches()[0] < 40.0


@pytest.mark.parametrize("name", NAMES)
def test_every_symbol_fits_into_its_circle_and_differs_from_all_others(name):
    curve = activation_curve(name)
    assert np.all(np.hypot(*curve.T) < 0.85)
    for other in set(NAMES) - {name}:
        grid = np.linspace(-0.6, 0.6, 25)
        mine, theirs = (np.interp(grid, *c.T) for c in (curve, activation_curve(other)))
        assert np.abs(mine - theirs).max() > 0.1


# Images


def image_figure(genome: Genome, shape: tuple[int, int], **options):
    names = [f"class {k}" for k in range(genome.outputs)]
    with figure_style():
        return graph_figure(genome_graph(genome, pixel_names(shape), names), shape=shape, **options)


def uses_of(genome: Genome) -> list[int]:
    """How many connections leave the bias and each pixel."""
    sources = compile_genome(genome).sources.tolist()
    return [sources.count(row) for row in range(genome.first_output)]


def squares_of(figure, pixels: int) -> PolyCollection:
    (found,) = (
        collection
        for collection in figure.axes[0].collections
        if isinstance(collection, PolyCollection) and len(collection.get_paths()) == pixels
    )
    return found


@pytest.mark.parametrize(
    ("seed", "mutations", "shape", "outputs"),
    [(0, 0, (8, 8), 10), (1, 150, (8, 8), 10), (2, 40, (3, 20), 2), (3, 5, (1, 1), 3), (4, 60, (16, 16), 26)],
)
def test_nothing_touches_beside_an_image(seed, mutations, shape, outputs):
    genome = evolved(seed, mutations, shape[0] * shape[1], outputs)
    figure = image_figure(genome, shape, title="Digits")
    with figure_style():
        assert_nothing_touches(figure)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert {"Digits", "bias", "class 0", "connections", "0"} <= set(words)
    assert not any(word.startswith("row") for word in words)


def test_only_used_pixels_are_coloured_the_darker_the_more_connections_leave_them():
    genome = evolved(1, 30, 64, 3)
    uses = np.array(uses_of(genome)[1:])
    assert {0, 1, 2, 3} <= set(uses.tolist())
    squares = squares_of(image_figure(genome, (8, 8)), 64)
    faces = squares.get_facecolors()
    assert faces[:, 3].tolist() == (uses > 0).tolist()
    order = np.argsort(uses, kind="stable")[np.count_nonzero(uses == 0) :]
    lightness = faces[order, :3].sum(axis=1)
    assert np.all((np.diff(lightness) < 0.0) == (np.diff(uses[order]) > 0))
    centres = np.array([path.vertices[:4].mean(axis=0) for path in squares.get_paths()]).reshape(8, 8, 2)
    assert np.all(np.diff(centres[:, :, 0], axis=1) > 0.0)
    assert np.all(np.diff(centres[:, :, 1], axis=0) < 0.0)


def test_a_line_leads_from_each_used_pixel_and_from_nothing_else():
    genome = evolved(2, 30, 64, 10)
    uses = uses_of(genome)
    figure = image_figure(genome, (8, 8))
    (lines,) = (
        collection
        for collection in figure.axes[0].collections
        if isinstance(collection, PathCollection) and len(collection.get_paths()[0].vertices) == 5
    )
    used = [pixel for pixel, count in enumerate(uses[1:]) if count]
    squares = squares_of(figure, 64).get_paths()
    starts = [path.vertices[0] for path in lines.get_paths()][uses[0] > 0 :]
    assert len(starts) == len(used)
    for start, pixel in zip(starts, used, strict=True):
        corners = squares[pixel].vertices
        assert np.all(corners.min(axis=0) < start)
        assert np.all(start < corners.max(axis=0))
    heights = [path.vertices[1, 1] for path in lines.get_paths()]
    ports = [path.vertices[-1, 1] for path in lines.get_paths()]
    assert np.all(np.diff(heights) < 0.0)  # so that no line crosses another before the network begins
    assert np.all(np.diff(ports) < 0.0)


def test_an_image_that_feeds_nothing_is_drawn_without_lines():
    genome = evolved(0, 0, 16, 2)
    genome = genome.evolve(enabled=np.zeros(genome.mark.size, np.bool_))
    figure = image_figure(genome, (4, 4))
    assert "0 connections · 0 hidden nodes · 0 pixels of 16" in [t.get_text() for t in figure.axes[0].texts]


def test_names_of_pixels_make_an_image(tmp_path):
    genome = evolved(1, 20, 64, 10)
    for name in ("a", "b"):
        draw_genome(genome, pixel_names((8, 8)), "0123456789", tmp_path / f"{name}.svg", title="Digits")
    assert {*"0123456789", "bias", "connections"} <= words_of(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    draw_genome(genome, [f"x{k}" for k in range(64)], "0123456789", tmp_path / "c.svg")
    assert "connections" not in words_of(tmp_path / "c.svg")


def words_of(path) -> set[str]:
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    return {element.text.strip() for element in root.iter() if element.text}


# Files


def test_a_vector_file_is_xml_in_which_names_are_text(tmp_path):
    names = ('<b>&"bold"</b>', "$x^2$ </svg>")
    path = tmp_path / "net.svg"
    draw_genome(small_genome(), names, ("<script>",), path, title="<i>&amp;</i>")
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    words = {element.text.strip() for element in root.iter() if element.text}
    assert {*names, "<script>", "<i>&amp;</i>", "bias"} <= words
    assert {element.tag.rpartition("}")[2] for element in root.iter()}.isdisjoint(
        {"script", "b", "i", "image"}
    )


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".PNG"])
def test_every_format_is_written(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    draw_genome(evolved(1, 40), INPUTS, OUTPUTS, str(path))
    content = path.read_bytes()
    if suffix == ".pdf":
        assert content.startswith(b"%PDF-")
        assert content.rstrip().endswith(b"%%EOF")
    elif suffix == ".svg":
        assert ElementTree.fromstring(content).tag.endswith("svg")  # noqa: S314 - our own file
    else:
        with Image.open(path) as image:
            image.load()
            assert image.format == "PNG"
            pixels = np.asarray(image.convert("L"))
        assert pixels[0].min() == 255
        assert pixels.min() < 100
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_the_same_genome_gives_the_same_bytes(tmp_path, suffix):
    paths = [tmp_path / f"{k}{suffix}" for k in range(2)]
    for path in paths:
        draw_genome(evolved(1, 40), INPUTS, OUTPUTS, path, title="Title")
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_another_process_with_other_hashes_gives_the_same_bytes(tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from conftest import evolved; from wann.draw import *;"
        "draw_genome(evolved(1, 40), 'abcde', 'f', sys.argv[2])"
    )
    here = tmp_path / "here.svg"
    there = tmp_path / "there.svg"
    draw_genome(evolved(1, 40), "abcde", "f", here)
    command = [sys.executable, "-c", program, os.path.dirname(__file__), str(there)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    assert here.read_bytes() == there.read_bytes()


def test_odd_names_are_drawn_as_one_line_each(tmp_path):
    path = tmp_path / "net.svg"
    inputs = ("two\nlines\tand\x1b[0m", "日本語 😀 \ud800")
    draw_genome(small_genome(), inputs, ("",), path, title="x" * 500)
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    words = {element.text for element in root.iter() if element.text}
    assert {"two lines and\N{REPLACEMENT CHARACTER}[0m", "日本語 😀 \N{REPLACEMENT CHARACTER}"} <= words
    draw_genome(small_genome(), inputs, ("",), tmp_path / "net.png")


def test_the_users_own_style_is_neither_used_nor_changed(tmp_path):
    with matplotlib.rc_context({"text.usetex": False, "font.size": 30.0, "axes.facecolor": "black"}):
        before = dict(matplotlib.rcParams)
        draw_genome(small_genome(), "ab", "c", tmp_path / "a.svg")
        assert dict(matplotlib.rcParams) == before
    draw_genome(small_genome(), "ab", "c", tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_drawing_needs_no_pyplot(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for suffix in ("svg", "png", "pdf"):
        draw_genome(small_genome(), "ab", "c", tmp_path / f"net.{suffix}")


@pytest.mark.parametrize("name", ["net.jpg", "net", "net.svg.gz", ".svg"])
def test_another_suffix_is_refused_with_the_possible_ones(tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf"):
        draw_genome(small_genome(), "ab", "c", tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_an_error_and_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in ("missing", "file"):
        with pytest.raises(OSError, match=r"net\.svg"):
            draw_genome(small_genome(), "ab", "c", tmp_path / folder / "net.svg")
    assert os.listdir(tmp_path) == ["file"]


def test_a_failure_while_writing_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.svg"
    path.write_text("old")

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", fail)
    with pytest.raises(OSError, match="No space left"):
        draw_genome(small_genome(), "ab", "c", path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["net.svg"]


def test_a_network_of_two_thousand_connections_is_drawn_in_time(tmp_path):
    rng = np.random.default_rng(0)
    hidden = 500
    nodes = [[k, "linear"] for k in range(22)] + [[22 + k, NAMES[k % 10]] for k in range(hidden)]
    # Hidden nodes in order of their ids, each with an earlier source and a way to an output.
    ends = {
        (int(rng.integers(0, 20) if k < 40 else rng.integers(max(22, k - 200), 22 + k)), 22 + k)
        for k in range(hidden)
    }
    ends |= {(22 + k, int(rng.integers(20, 22))) for k in range(hidden)}
    while len(ends) < 2000:
        a, b = sorted(rng.integers(22, 22 + hidden, 2).tolist())
        if b - a > 60:
            ends.add((a, b))
    connections = [[k, a, b, True] for k, (a, b) in enumerate(sorted(ends))]
    genome = genome_from_dict({"inputs": 19, "outputs": 2, "nodes": nodes, "connections": connections})
    start = time.perf_counter()
    draw_genome(genome, *named(genome), tmp_path / "net.svg")
    assert time.perf_counter() - start < 15.0


def test_the_published_champion_is_drawn(tmp_path, published_data):
    from wann.published import read_published

    genome = read_published(published_data / "swing.out", 5, 1)
    graph = genome_graph(genome, INPUTS, OUTPUTS)
    assert graph.number_of_edges() == compile_genome(genome).sources.size
    draw_genome(genome, INPUTS, OUTPUTS, tmp_path / "net.svg")
