"""Drawings of networks: nothing overlaps, colours say what they should, files are whole and repeatable."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from xml.etree import ElementTree

import conftest
import matplotlib
import numpy as np
import pytest
from conftest import evolved
from drawings import INPUTS, OUTPUTS, named, small_genome, words_of
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgba
from PIL import Image

from wann.kernels.activations import NAMES
from wann.networks.genome import Genome, genome_from_dict, minimal_genome
from wann.networks.network import compile_genome
from wann.tasks.data_sets import pixel_names
from wann.visualization.diagram import diagram_of
from wann.visualization.legend import Tones, importance_tones
from wann.visualization.network_figure import Look, diagram_figure, draw_genome
from wann.visualization.theme import LIGHT, THEMES, activation_curve, figure_style

# The figure


def figure_of(genome: Genome, inputs, outputs, *, importance=None, **options):
    width = options.get("width")
    inner = None if width is None else width - 0.06
    with figure_style():
        return diagram_figure(diagram_of(genome, inputs, outputs, importance, width=inner), Look(**options))


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


@pytest.mark.slow
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
    for width in (None, 3.4, 7.0):
        for theme in THEMES.values():
            figure = figure_of(genome, inputs, outputs, title=title, width=width, theme=theme)
            with figure_style():
                assert_nothing_touches(figure)
            assert width is None or figure.get_size_inches()[0] == pytest.approx(width)


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
    figure = figure_of(small_genome(), ("a", "b"), ("c",), title="A title")
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
    figure = figure_of(genome, ("a", "b"), ("c",))
    assert "1 connection · 0 hidden nodes" in [text.get_text() for text in figure.axes[0].texts]


def test_unused_inputs_are_paler():
    figure = figure_of(small_genome(), ("used", "unused"), ("c",))
    lightness = {
        text.get_text(): sum(matplotlib.colors.to_rgb(text.get_color())) for text in figure.axes[0].texts
    }
    assert lightness["unused"] > lightness["used"]
    assert lightness["bias"] > lightness["used"]


def test_large_networks_are_drawn_smaller():
    figures = [figure_of(evolved(5, n), INPUTS, OUTPUTS) for n in (5, 150, 700)]
    with figure_style():
        radii = [boxes_of(figure)[1][0][2] for figure in figures]
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
    return figure_of(genome, pixel_names(shape), names, **options)


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


@pytest.mark.slow
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
    assert {"Digits", "bias", "class 0", "connections of a pixel", "0"} <= set(words)
    assert not any(word.startswith("row") for word in words)


def test_only_used_pixels_are_coloured_the_darker_the_more_connections_leave_them():
    genome = evolved(1, 30, 64, 3)
    uses = np.array(uses_of(genome)[1:])
    assert {0, 1, 2, 3} <= set(uses.tolist())
    squares = squares_of(image_figure(genome, (8, 8)), 64)
    faces = squares.get_facecolors()
    paper = to_rgba(LIGHT.paper)
    assert [tuple(face) != paper for face in faces] == (uses > 0).tolist()
    order = np.argsort(uses, kind="stable")[np.count_nonzero(uses == 0) :]
    lightness = faces[order, :3].sum(axis=1)
    assert np.all((np.diff(lightness) < 0.0) == (np.diff(uses[order]) > 0))
    centres = np.array([path.vertices[:4].mean(axis=0) for path in squares.get_paths()]).reshape(8, 8, 2)
    assert np.all(np.diff(centres[:, :, 0], axis=1) > 0.0)
    assert np.all(np.diff(centres[:, :, 1], axis=0) < 0.0)


def test_an_image_that_feeds_nothing_is_drawn_without_lines():
    genome = evolved(0, 0, 16, 2)
    genome = genome.evolve(enabled=np.zeros(genome.mark.size, np.bool_))
    figure = image_figure(genome, (4, 4))
    assert "0 connections · 0 hidden nodes · 0 pixels of 16" in [t.get_text() for t in figure.axes[0].texts]


def test_names_of_pixels_make_an_image(tmp_path):
    genome = evolved(1, 20, 64, 10)
    for name in ("a", "b"):
        draw_genome(genome, pixel_names((8, 8)), "0123456789", tmp_path / f"{name}.svg", Look("Digits"))
    assert {*"0123456789", "bias", "connections of a pixel"} <= words_of(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    draw_genome(genome, [f"x{k}" for k in range(64)], "0123456789", tmp_path / "c.svg")
    assert "connections of a pixel" not in words_of(tmp_path / "c.svg")


# Files


def test_a_vector_file_is_xml_in_which_names_are_text(tmp_path):
    names = ('<b>&"bold"</b>', "$x^2$ </svg>")
    path = tmp_path / "net.svg"
    draw_genome(small_genome(), names, ("<script>",), path, Look("<i>&amp;</i>"))
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


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_the_same_genome_gives_the_same_bytes(tmp_path, suffix):
    paths = [tmp_path / f"{k}{suffix}" for k in range(2)]
    for path in paths:
        draw_genome(evolved(1, 40), INPUTS, OUTPUTS, path, Look("Title"))
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.slow
def test_another_process_with_other_hashes_gives_the_same_bytes(tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from conftest import evolved\n"
        "from wann.visualization.network_figure import draw_genome\n"
        "draw_genome(evolved(1, 40), 'abcde', 'f', sys.argv[2])"
    )
    here = tmp_path / "here.svg"
    there = tmp_path / "there.svg"
    draw_genome(evolved(1, 40), "abcde", "f", here)
    command = [sys.executable, "-c", program, os.path.dirname(conftest.__file__), str(there)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    assert here.read_bytes() == there.read_bytes()


def test_odd_names_are_drawn_as_one_line_each(tmp_path):
    path = tmp_path / "net.svg"
    inputs = ("two\nlines\tand\x1b[0m", "日本語 😀 \ud800")
    draw_genome(small_genome(), inputs, ("",), path, Look("x" * 500))
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


@pytest.mark.slow
def test_a_network_of_two_thousand_connections_is_drawn(tmp_path):
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
    draw_genome(genome, *named(genome), tmp_path / "net.svg")
    assert "2,000 connections · 500 hidden nodes" in words_of(tmp_path / "net.svg")


def test_the_published_champion_is_drawn(tmp_path, published_data):
    from wann.formats.paper import read_published

    draw_genome(read_published(published_data / "swing.out", 5, 1), INPUTS, OUTPUTS, tmp_path / "net.svg")


# Colours


def colors_of(figure) -> dict[str, float]:
    """Colours of lines with their widths, the rims of paper left out."""
    found = {}
    for collection in figure.axes[0].collections:
        if isinstance(collection, PathCollection):
            pairs = zip(collection.get_edgecolors(), collection.get_linewidths(), strict=True)
            found |= {to_hex(color): float(width) for color, width in pairs}
    return found


def test_connections_are_coloured_by_what_the_return_loses_without_them():
    genome = small_genome()
    figure = figure_of(genome, ("a", "b"), ("c",))
    assert set(colors_of(figure)) == {LIGHT.paper, LIGHT.input_line, LIGHT.hidden_line}
    importance = np.array([80.0, 0.0, 5.0, -20.0])  # of the enabled ones, 1 to 4; 3 leads nowhere
    diagram = diagram_of(genome, ("a", "b"), ("c",), importance)
    tones = importance_tones(diagram)
    assert tones.values == {1: 80.0, 2: 0.0, 4: -20.0}
    with figure_style():
        figure = diagram_figure(diagram, tones=tones)
    colors = colors_of(figure)
    assert {LIGHT.output, LIGHT.faint} < set(colors)
    assert colors[LIGHT.output] > colors[LIGHT.faint]
    reds = {value: to_rgba(tones.color(value, LIGHT)) for value in (80.0, -20.0)}
    assert reds[80.0][0] > reds[80.0][2]
    assert reds[-20.0][2] > reds[-20.0][0]
    words = {text.get_text() for text in figure.axes[0].texts}
    assert {"return lost without it", "80", "0", "-20"} <= words


def test_without_importance_tuned_weights_colour_the_connections(tmp_path):
    genome = small_genome()
    importance, tuned = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, -2.5, 0.5, -0.5])
    draw_genome(genome, "ab", "c", tmp_path / "tuned.svg", tuned=tuned)
    assert {"tuned weight", "-2.5", "1.5"} <= words_of(tmp_path / "tuned.svg")
    draw_genome(genome, "ab", "c", tmp_path / "both.svg", tuned=tuned, importance=importance)
    assert "return lost without it" in words_of(tmp_path / "both.svg")
    assert "tuned weight" not in words_of(tmp_path / "both.svg")


def test_equal_numbers_of_zero_can_be_shown():
    assert Tones({1: 0.0}, "weight").color(0.0, LIGHT) == LIGHT.faint


def test_highlighting_leaves_everything_but_what_feeds_an_output_faint():
    genome = evolved(5, 60, 6, 3)
    names = named(genome)
    whole = colors_of(figure_of(genome, *names))
    assert LIGHT.faint not in whole
    figure = figure_of(genome, *names, highlight="joint 1")
    assert LIGHT.faint in colors_of(figure)
    inks = {text.get_text(): text.get_color() for text in figure.axes[0].texts}
    assert inks["joint 1"] == LIGHT.ink
    assert inks["joint 0"] == inks["joint 2"] == LIGHT.quiet


def test_highlighting_an_output_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"no output 'd'; choose from c$"):
        figure_of(small_genome(), "ab", "c", highlight="d")


def test_themes_have_the_same_shapes_in_other_colours():
    light, dark = (figure_of(evolved(1, 40), INPUTS, OUTPUTS, theme=theme) for theme in THEMES.values())
    assert light.get_facecolor() != dark.get_facecolor()
    assert light.get_size_inches().tolist() == dark.get_size_inches().tolist()
    assert not set(colors_of(light)) & set(colors_of(dark))


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_and_lines_stand_out_from_the_paper(theme):
    def luminance(color):
        parts = np.array(to_rgba(color)[:3])
        return np.where(parts <= 0.04, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    def contrast(color):
        low, high = sorted([luminance(color), luminance(theme.paper)])
        return (high + 0.05) / (low + 0.05)

    assert min(contrast(color) for color in (theme.ink, theme.quiet, theme.input, theme.output)) > 4.5
    assert min(contrast(color) for color in (theme.input_line, theme.hidden_line)) > 3.0
