"""How a champion developed: side by side, and as a film in which nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import evolved
from drawings import INPUTS, OUTPUTS, words_of
from PIL import Image

from wann.champion import Champion, Scores, save_champion
from wann.run.folder import RunFolder
from wann.settings import build_settings
from wann.visualization import development
from wann.visualization.development import Stage, draw_development, film_development, read_stages
from wann.visualization.diagram import diagram_of
from wann.visualization.film import count_frames


def stage(generation: int, mutations: int) -> Stage:
    scores = Scores(np.array([1.0]), np.array([10.0 * mutations]), np.zeros(1), (1,))
    return Stage(generation, Champion("swingup", INPUTS, OUTPUTS, evolved(1, mutations), scores))


STAGES = [stage(8, 2), stage(32, 12), stage(128, 30), stage(1024, 60)]
METRICS = {
    "generation": np.arange(1.0, 1025.0),
    "champion_mean": np.linspace(0.0, 600.0, 1024),
    "best_mean": np.linspace(50.0, 650.0, 1024),
}


@pytest.fixture
def run(tmp_path):
    folder = RunFolder.create(tmp_path / "run", build_settings({"task": "swingup"}))
    for each in STAGES:
        save_champion(each.champion, folder.path / "champions" / f"{each.generation:06d}.json")
    return folder


def test_the_champion_that_stood_at_a_generation_is_the_latest_until_then(run):
    found = read_stages(run, [8, 31, 32, 500, 1024])
    assert [each.generation for each in found] == [8, 31, 32, 500, 1024]
    sizes = [each.champion.genome.connection_count for each in found]
    first, second, third, last = (each.champion.genome.connection_count for each in STAGES)
    assert sizes == [first, first, second, third, last]
    assert [each.generation for each in read_stages(run)] == [8, 32, 128, 1024]


def test_a_generation_before_the_first_champion_is_refused(run):
    with pytest.raises(ValueError, match=r"has no champion at generation 7: its first came at 8$"):
        read_stages(run, [7])


def test_a_generation_that_the_run_has_not_come_to_is_refused(run):
    with pytest.raises(ValueError, match=r"has no generation 2000: it is at 1024$"):
        read_stages(run, [8, 2000])


def test_a_run_without_champions_is_refused(tmp_path):
    folder = RunFolder.create(tmp_path / "run", build_settings({"task": "swingup"}))
    with pytest.raises(ValueError, match=r"holds no champions yet$"):
        read_stages(folder)


@pytest.mark.parametrize("width", [None, 3.4])
def test_stages_stand_side_by_side_with_generation_and_score(tmp_path, width):
    paths = [tmp_path / f"{name}.svg" for name in "ab"]
    for path in paths:
        draw_development(STAGES, path, title="Swing-up", width=width)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    words = words_of(paths[0])
    assert {"Swing-up", "generation 8", "generation 32", "generation 128", "generation 1,024"} <= words
    assert any(word.startswith("mean return 600.0 · ") for word in words)


def test_all_networks_have_nodes_of_one_size():
    diagrams = development._in_one_scale(STAGES, 3.0)
    assert len({round(diagram.pitch, 6) for diagram in diagrams}) == 1
    assert all(diagram.width <= 3.0 + 1e-6 for diagram in diagrams)


def test_one_stage_alone_can_be_drawn(tmp_path):
    draw_development(STAGES[:1], tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as image:
        assert image.width > 1000


@pytest.mark.slow
def test_a_film_holds_all_frames_and_ends_with_the_last_champion(tmp_path, monkeypatch):
    monkeypatch.setattr(development, "FRAMES", (4, 4))
    monkeypatch.setattr(development, "FILM_DOTS", 30)
    calls = []
    path = tmp_path / "film"
    frames = film_development(
        STAGES, METRICS, path, title="Swing-up", progress=lambda done, total: calls.append((done, total))
    )
    assert frames == count_frames(path) == len(list(path.iterdir()))
    assert calls == [(k, 4) for k in range(1, 5)]
    pictures = []
    for name in sorted(path.iterdir()):
        with Image.open(name) as image:
            pictures.append(np.asarray(image, int))
    assert {picture.shape for picture in pictures} == {(216, 383, 3)}
    assert np.array_equal(pictures[-1], pictures[-development.PACE])
    assert np.abs(pictures[0] - pictures[-1]).max() > 100


def test_between_two_networks_what_both_have_moves_and_the_rest_fades():
    old, new = (
        development._Drawn.of(diagram_of(each.champion.genome, INPUTS, OUTPUTS)) for each in STAGES[1:3]
    )
    half = development._between(old, new, 0.5)
    assert set(half.nodes) == set(old.nodes) | set(new.nodes)
    assert set(half.lines) == set(old.lines) | set(new.lines)
    for parts, before, after in ((half.nodes, old.nodes, new.nodes), (half.lines, old.lines, new.lines)):
        for key, (_, place, there) in parts.items():
            if key in before and key in after:
                np.testing.assert_allclose(place, 0.5 * (before[key][1] + after[key][1]))
                assert there == 1.0
            else:
                assert there == 0.5
    for share, ends in ((0.0, old), (1.0, new)):
        there = {key for key, part in development._between(old, new, share).nodes.items() if part[2] > 0.0}
        assert there == set(ends.nodes)


def test_inputs_and_outputs_of_all_champions_of_a_film_lie_alike():
    laid = [
        development._stretched(diagram, 1.5)
        for diagram in development._in_one_scale(STAGES, development.NETWORK_WIDTH, follow=True)
    ]
    ends = {
        tuple(round(node.x, 9) for node in diagram.nodes if node.kind in ("bias", "input", "output"))
        for diagram in laid
    }
    assert len(ends) == 1
    for diagram in laid:
        places = {node.id: (node.x, node.y) for node in diagram.nodes}
        for edge in diagram.edges:
            np.testing.assert_allclose(edge.points[0], places[edge.source])
            np.testing.assert_allclose(edge.points[-1], places[edge.target])
