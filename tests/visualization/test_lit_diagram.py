"""Networks at work: what lights up, where, and how the pictures compare with drawing all parts anew."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import evolved

from wann.champion import Champion, Scores
from wann.tasks.data_sets import pixel_names
from wann.visualization import lit_diagram
from wann.visualization.diagram import diagram_of
from wann.visualization.lit_diagram import LivingDiagram
from wann.visualization.theme import DARK, LIGHT

INPUTS, OUTPUTS = ("a", "b", "c"), ("y",)


def champion_of(genome, inputs=INPUTS, outputs=OUTPUTS, tuned=None) -> Champion:
    scores = Scores(np.array([1.0]), np.zeros(1), np.zeros(1), (1,))
    return Champion("swingup", tuple(inputs), tuple(outputs), genome, scores, tuned)


def living_of(champion, width=400, theme=LIGHT):
    diagram = diagram_of(champion.genome, champion.inputs, champion.outputs)
    return diagram, LivingDiagram(champion, diagram, width, theme=theme)


def color_at(living, picture, node) -> np.ndarray:
    """Colour between the centre of a node and its rim, beside its curve."""
    x, y = (np.array([node.x, node.y + 0.72 * node.radius]) + living._corner) * living.scale
    return picture[round(y), round(x)].astype(int)


@pytest.fixture(scope="module")
def champion():
    genome = evolved(3, 25, 3, 1)
    return champion_of(genome, tuned=np.linspace(-2.0, 2.0, genome.connection_count))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_nodes_are_red_where_positive_and_blue_where_negative(champion, theme):
    diagram, living = living_of(champion, 700, theme)
    values = champion.values(np.array([2.0, -2.0, 0.0]), 1.0)
    picture = living.picture(values, 1.0)
    rows = dict(zip([*range(4), *champion.network.node.tolist()], values, strict=True))
    checked = 0
    for node in diagram.nodes:
        red, _, blue = color_at(living, picture, node)
        if node.used and abs(rows[node.id]) > 0.3:
            assert (red > blue) == (rows[node.id] > 0.0), node
            checked += 1
    assert checked > 3


def test_the_stronger_a_signal_the_further_a_node_is_from_the_paper(champion):
    diagram, living = living_of(champion, 700)
    node = next(node for node in diagram.nodes if node.kind == "input" and node.used)
    values = np.zeros(champion.network.rows)
    distances = []
    for value in (0.0, 0.2, 1.0, 5.0):
        values[node.id] = value
        distances.append(np.abs(color_at(living, living.picture(values, 1.0), node) - 255).sum())
    assert np.all(np.diff(distances) > 0)
    assert distances[0] == 0


def test_lines_carry_the_signal_times_the_weight(champion):
    _, living = living_of(champion)
    values = champion.values(np.array([1.0, -1.0, 0.5]), 1.0)
    assert np.array_equal(living.picture(values, 1.0), living.picture(values, 1.0))
    pictures = {w: living.picture(values, w) for w in (1.0, -1.0, 0.0, "tuned")}
    assert len({picture.tobytes() for picture in pictures.values()}) == 4


def test_a_picture_is_what_drawing_its_parts_one_over_another_gives(champion):
    """The oracle paints every part in turn, as any drawing program does."""
    kept = []
    original = lit_diagram._mask
    lit_diagram._mask = lambda *arguments: kept.append(original(*arguments)) or kept[-1]
    try:
        diagram, living = living_of(champion)
    finally:
        lit_diagram._mask = original
    values = champion.values(np.array([1.0, -1.0, 0.5]), 1.0)
    order = living._order
    colors = living._colors(values, 1.0)
    painted = np.ones((living.size[0] * living.size[1], 3))
    for (where, alpha), part in zip(kept, order, strict=True):
        color = np.ones(3) if part < 0 else colors[part]
        painted[where] += alpha[:, None] * (color - painted[where])
    overlay = living._overlay(diagram)
    cover = overlay[:, :, 3].reshape(-1, 1)
    painted = painted * (1.0 - cover) + overlay[:, :, :3].reshape(-1, 3) * cover
    found = living.picture(values, 1.0).reshape(-1, 3)
    assert np.abs(found - 255.0 * painted).max() < 2.5


def test_inputs_that_feed_nothing_stay_dark():
    genome = evolved(3, 25, 3, 1)
    genome = genome.evolve(enabled=genome.enabled & (genome.source != 1))
    champion = champion_of(genome)
    diagram, living = living_of(champion, 700)
    values = champion.values(np.array([5.0, 5.0, 5.0]), 1.0)
    node = diagram.nodes[1]
    assert not node.used
    assert color_at(living, living.picture(values, 1.0), node).tolist() == [255, 255, 255]


def test_a_small_network_is_not_blown_up_and_lies_in_the_middle():
    champion = champion_of(evolved(0, 1, 3, 1))
    _, living = living_of(champion, 1500)
    assert living.scale == pytest.approx(125.0)
    picture = living.picture(np.zeros(champion.network.rows), 1.0)
    assert picture.shape[1] == 1500
    used = np.flatnonzero((picture != 255).any(axis=(0, 2)))
    assert used[0] > 200
    assert 1500 - used[-1] > 200


def test_names_are_whole(champion):
    _, living = living_of(champion, 300)
    picture = living.picture(np.zeros(champion.network.rows), 1.0)
    edge = np.concatenate([picture[[0, -1]].reshape(-1, 3), picture[:, [0, -1]].reshape(-1, 3)])
    assert np.all(edge == 255)


def test_pixels_are_lit_too():
    genome = evolved(1, 30, 16, 2)
    champion = champion_of(genome, pixel_names((4, 4)), ("0", "1"))
    diagram, living = living_of(champion, 600)
    node = next(node for node in diagram.nodes if node.kind == "input" and node.used)
    values = np.zeros(champion.network.rows)
    dark = color_at(living, living.picture(values, 1.0), node)
    values[node.id] = 1.0
    assert np.abs(color_at(living, living.picture(values, 1.0), node) - dark).max() > 50
