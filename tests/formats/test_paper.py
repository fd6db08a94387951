"""The published champion: read, scored as its authors and others scored it, written again."""

import dataclasses
import json

import numpy as np
import pytest
import toys  # noqa: F401 - registers them
from conftest import evolved
from hypothesis import given, settings
from hypothesis import strategies as st

from wann.analysis.scorecard import evaluate
from wann.champion import Champion, Scores, load_champion, save_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.formats.paper import import_champion, read_published, read_published_weights, write_published
from wann.kernels.activations import BY_CODE
from wann.networks.genome import genome_to_dict
from wann.networks.network import compile_genome, evaluate_network
from wann.tasks import known, registry
from wann.tasks.registry import get_task

# Mean and standard deviation of the return over 100 starts by shared weight, measured with an
# implementation independent of ours (../shared/paper.md, last table), rounded to whole numbers.
ORACLE = {
    -2.0: (553, 110),
    -1.5: (649, 143),
    -1.0: (685, 88),
    -0.5: (521, 5),
    -0.2: (3, 2),
    0.2: (3, 2),
    0.5: (522, 4),
    0.8: (706, 10),
    1.0: (702, 7),
    1.5: (686, 17),
    2.0: (684, 27),
}
EPISODES = 100
ROUNDING = 0.5


@pytest.fixture(scope="session")
def champion(published_data):
    return import_champion(
        published_data / "swing.out", "swingup", published_data / "cartpole_swingup.wann.json"
    )


@pytest.fixture(scope="session")
def scorecard(champion):
    return evaluate(champion, episodes=EPISODES, weights=tuple(ORACLE), seed=0)


def matrix_of(path):
    """Adjacency as a pattern (-1 disabled, 0 none, 1 enabled), and activation codes, of a published file."""
    matrix = np.genfromtxt(path, delimiter=",")
    adjacency = matrix[:, :-1]
    return np.where(np.isnan(adjacency), -1, adjacency != 0), matrix[:, -1]


# the published champion


def test_the_published_champion_has_29_nodes_and_52_connections(champion):
    assert champion.genome.node_id.size == 29
    assert champion.genome.connection_count == 52
    assert champion.genome.hidden_count == 29 - 1 - 5 - 1
    assert champion.task == "swingup"
    assert champion.origin == {"imported_from": "swing.out"}


def test_its_tuned_weights_are_the_published_offsets_to_minus_one_and_a_half(champion, published_data):
    offsets, score = json.loads((published_data / "cartpole_swingup.wann.json").read_text())
    assert champion.tuned == pytest.approx(np.array(offsets) - 1.5)
    genome = champion.genome
    weights, stated = read_published_weights(published_data / "cartpole_swingup.wann.json", genome, 0.0)
    assert weights.tolist() == offsets
    assert stated == score == 932


@pytest.mark.parametrize("weight", ORACLE)
def test_each_weight_scores_what_the_oracle_measured(scorecard, weight):
    wanted, wanted_std = ORACLE[weight]
    (score,) = (row for row in scorecard.per_weight if row.weight == weight)
    error = np.sqrt((score.std**2 + wanted_std**2) / EPISODES)
    assert abs(score.mean - wanted) <= 3 * error + ROUNDING


def test_it_scores_what_the_paper_says_over_the_range_and_when_tuned(scorecard):
    assert 515 <= scorecard.uniform_shared.mean <= 530
    assert scorecard.tuned.mean >= 900
    assert scorecard.best_shared.mean == pytest.approx(706, abs=5)
    assert scorecard.best_shared.weight == pytest.approx(0.8, abs=0.15)


def test_an_imported_champion_holds_its_scores_and_survives_its_file(champion, tmp_path):
    assert champion.scores.weights.tolist() == [-2, -1, -0.5, 0.5, 1, 2]
    assert len(champion.scores.episode_seeds) == 20
    save_champion(champion, tmp_path / "champion.json")
    loaded = load_champion(tmp_path / "champion.json")
    assert loaded.genome == champion.genome
    assert loaded.tuned.tobytes() == champion.tuned.tobytes()
    assert loaded.scores.mean.tobytes() == champion.scores.mean.tobytes()


def test_the_published_file_survives_a_round_trip(published_data, tmp_path):
    first = read_published(published_data / "swing.out", 5, 1)
    write_published(first, tmp_path / "again.out")
    pattern, codes = matrix_of(tmp_path / "again.out")
    wanted, wanted_codes = matrix_of(published_data / "swing.out")
    # Ours may order the hidden nodes otherwise: bring the original's rows into our order.
    order = own_order(first)
    assert sorted(order) == list(range(29))
    assert (pattern == wanted[np.ix_(order, order)]).all()
    assert (codes[6:] == wanted_codes[order][6:]).all(), "codes of bias and inputs mean nothing"
    again = read_published(tmp_path / "again.out", 5, 1)
    assert described(again, read_ids(order)) == described(first)


def own_order(genome):
    """Rows of the original matrix in the order in which `write_published` lists their nodes."""
    layer = genome.layers()
    layer[genome.first_output : genome.first_hidden] = layer.max() + 1
    ours = np.argsort(layer, kind="stable")
    hidden = genome.hidden_count
    row_of = np.concatenate([np.arange(6), 6 + hidden + np.arange(1), 6 + np.arange(hidden)])
    return row_of[ours].tolist()


def read_ids(order):
    """Id that each node of the file read again had in the original: both list outputs before hidden nodes."""
    hidden = len(order) - 7
    id_of_row = [*range(6), *range(7, 7 + hidden), 6]
    row_of_id = [*range(6), 6 + hidden, *range(6, 6 + hidden)]
    return {node: id_of_row[order[row]] for node, row in enumerate(row_of_id)}


def described(genome, renamed=None):
    """A genome as sets, free of innovation numbers and with other ids where asked."""
    renamed = renamed or {int(node): int(node) for node in genome.node_id}
    nodes = {
        (renamed[int(node)], BY_CODE[int(code)].name)
        for node, code in zip(genome.node_id, genome.activation, strict=True)
    }
    connections = {
        (renamed[int(source)], renamed[int(target)], bool(enabled))
        for source, target, enabled in zip(genome.source, genome.target, genome.enabled, strict=True)
    }
    return nodes, connections


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), mutations=st.integers(0, 60), outputs=st.integers(1, 3))
def test_any_genome_computes_the_same_after_the_published_format(tmp_path, seed, mutations, outputs):
    genome = evolved(seed, mutations, inputs=4, outputs=outputs)
    write_published(genome, tmp_path / "genome.out")
    again = read_published(tmp_path / "genome.out", 4, outputs)
    assert again.connection_count == genome.connection_count
    assert again.mark.size == genome.mark.size
    observations = np.random.default_rng(seed).normal(size=(20, 4))
    weights = np.full(20, 0.8)
    values = []
    for made in (genome, again):
        network = compile_genome(made)
        values.append(evaluate_network(network, observations, weights)[:, network.outputs])
    # The order of a sum may differ, and a step turns that into a jump: compare where none is near.
    if not (genome.activation == 2).any():
        assert values[0] == pytest.approx(values[1], abs=1e-9)
    # Written a third time, the file stays the same: the order is settled.
    write_published(again, tmp_path / "again.out")
    third = read_published(tmp_path / "again.out", 4, outputs)
    write_published(third, tmp_path / "third.out")
    assert (tmp_path / "third.out").read_text() == (tmp_path / "again.out").read_text()


# broken files


def row(*numbers):
    return ",".join(map(str, numbers))


# bias, one input, one hidden node, one output: 4 rows of 5
GOOD = [row(0, 0, 1, 0, 1), row(0, 0, 1, "nan", 1), row(0, 0, 0, 1, 9), row(0, 0, 0, 0, 1)]


def test_the_small_file_that_the_broken_ones_start_from_is_good(tmp_path):
    (tmp_path / "good.out").write_text("\n".join(GOOD))
    genome = read_published(tmp_path / "good.out", 1, 1)
    assert described(genome) == (
        {(0, "linear"), (1, "linear"), (2, "linear"), (3, "relu")},
        {(0, 3, True), (1, 3, True), (1, 2, False), (3, 2, True)},
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "must have N rows and N.1 columns|fewer than"),
        (["0,1,x,0,1", *GOOD[1:]], "is not a comma-separated matrix of numbers"),
        ([GOOD[0][:-3], *GOOD[1:]], "is not a comma-separated matrix of numbers"),
        (GOOD[:3], r"must have N rows and N\+1 columns, not 3 and 5"),
        ([*GOOD, GOOD[3]], r"must have N rows and N\+1 columns, not 5 and 5"),
        (["0,0,1", "0,0,1"], "has 2 nodes, fewer than the task's 3"),
        ([row(0, 0, 1, 0, 11), *GOOD[1:]], "unknown activation code 11"),
        ([*GOOD[:3], row(0, 0, 0, 0, 0)], "unknown activation code 0"),
        ([*GOOD[:3], row(0, 0, 0, 0, 1.5)], "unknown activation code 1.5"),
        ([*GOOD[:3], row(0, 0, 0, 0, "nan")], "unknown activation code nan"),
        ([*GOOD[:3], row(0, 0, 0, 0, "inf")], "unknown activation code inf"),
        ([row(0, 0, "inf", 0, 1), *GOOD[1:]], "infinite weight"),
        ([*GOOD[:2], row(0, 0, 1, 1, 9), GOOD[3]], "cycle"),
        ([*GOOD[:3], row(0, 0, 1, 0, 1)], "out of an output"),
        ([*GOOD[:2], row(0, 1, 0, 1, 9), GOOD[3]], "into an input or the bias"),
    ],
)
def test_a_broken_matrix_is_refused_with_what_is_wrong(tmp_path, lines, message):
    path = tmp_path / "broken.out"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=message) as caught:
        read_published(path, 1, 1)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    genome = evolved(1, 3)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81")
    for name, message in (("none", "cannot read"), (".", "cannot read"), ("binary", "is not")):
        with pytest.raises(ValueError, match=message):
            read_published(tmp_path / name, 5, 1)
        with pytest.raises(ValueError, match=message):
            read_published_weights(tmp_path / name, genome, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[[1, 2], 3", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("3", r"must hold \[\[weights\], score\], all of them finite numbers"),
        ("[[1, 2]]", r"must hold \[\[weights\], score\]"),
        ("[1, 2]", r"must hold \[\[weights\], score\]"),
        ('[[1, "2"], 3]', r"must hold \[\[weights\], score\]"),
        ("[[1, true], 3]", r"must hold \[\[weights\], score\]"),
        ("[[1, NaN], 3]", r"must hold \[\[weights\], score\]"),
        ("[[1, 1e999], 3]", r"must hold \[\[weights\], score\]"),
        ("[[1, 1" + "0" * 400 + "], 3]", r"must hold \[\[weights\], score\]"),
        ("[[1, 1" + "0" * 5000 + "], 3]", "is not JSON"),
        ("[[1, 2], null]", r"must hold \[\[weights\], score\]"),
        ("[[1, 2], Infinity]", r"must hold \[\[weights\], score\]"),
        ("[[1, 2], 3]", "has 2 weights, but the network has 3 connections"),
        ("[[1, 2, 3, 4], 3]", "has 4 weights, but the network has 3 connections"),
    ],
)
def test_broken_tuned_weights_are_refused_with_what_is_wrong(tmp_path, text, message):
    (tmp_path / "good.out").write_text("\n".join(GOOD))
    genome = read_published(tmp_path / "good.out", 1, 1)
    path = tmp_path / "broken.wann.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_published_weights(path, genome, -1.5)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_prefix_of_the_published_file_is_refused_or_named_by_its_shape(published_data, tmp_path):
    text = (published_data / "swing.out").read_text().rstrip()
    path = tmp_path / "short.out"
    for length in range(0, len(text) - 2, 97):
        path.write_text(text[:length])
        with pytest.raises(ValueError, match=r"must have N rows|not a comma-separated matrix|fewer than"):
            read_published(path, 5, 1)


def test_a_network_of_another_size_than_the_task_s_is_refused_on_import(tmp_path):
    (tmp_path / "good.out").write_text("\n".join(GOOD))
    with pytest.raises(ValueError, match="has 4 nodes, fewer than the task's 7"):
        import_champion(tmp_path / "good.out", "swingup")


def test_an_unknown_task_is_refused_on_import(published_data):
    with pytest.raises(ValueError, match="unknown task 'swing'; did you mean 'swingup'"):
        import_champion(published_data / "swing.out", "swing")


def test_a_champion_is_imported_for_any_environment_with_its_arguments(tmp_path):
    write_published(evolved(4, 12, inputs=3), tmp_path / "it.out")
    champions = [
        import_champion(tmp_path / "it.out", "Pendulum-v1", env_kwargs=env_kwargs)
        for env_kwargs in (None, {"g": 1.0})
    ]
    assert [dict(champion.env_kwargs) for champion in champions] == [{}, {"g": 1.0}]
    assert champions[0].inputs == get_task("Pendulum-v1").inputs
    assert champions[0].scores.mean.tolist() != champions[1].scores.mean.tolist()
    with pytest.raises(ValueError, match=r"does not take these arguments: .*'gee'"):
        import_champion(tmp_path / "it.out", "Pendulum-v1", env_kwargs={"gee": 1.0})


def test_a_champion_is_imported_on_fresh_instances_where_the_environment_needs_them(tmp_path, monkeypatch):
    entry = dataclasses.replace(known.GENERIC, fresh_env=True)
    monkeypatch.setattr(registry, "KNOWN", {**known.KNOWN, "toys/Hidden-v0": entry})
    write_published(evolved(4, 12, inputs=3), tmp_path / "it.out")
    champion = import_champion(tmp_path / "it.out", "toys/Hidden-v0")
    assert champion.fresh_env
    scores = champion.scores
    with LocalEvaluator(champion.get_task(), 1000) as evaluator:
        returns = evaluator.evaluate([champion.network], scores.weights, scores.episode_seeds[::-1]).returns[
            0
        ]
    assert returns.mean(axis=1) == pytest.approx(scores.mean, abs=1e-12)


def test_an_environment_that_fails_is_told_on_import(tmp_path):
    write_published(evolved(4, 12, inputs=3), tmp_path / "it.out")
    trouble = {"trouble": "raise", "width": 9.0}
    with pytest.raises(
        (ValueError, RuntimeError), match="could not be evaluated: ArithmeticError: the motor"
    ):
        import_champion(tmp_path / "it.out", "toys/Toy-v0", env_kwargs=trouble)


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="Not a directory"):
        write_published(evolved(1, 3), tmp_path / "file" / "genome.out")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_tuned_weights_belong_to_their_connections_whatever_the_order(tmp_path):
    """Each weight of the file is for the next non-zero entry of the matrix, row by row."""
    (tmp_path / "good.out").write_text("\n".join(GOOD))
    genome = read_published(tmp_path / "good.out", 1, 1)
    (tmp_path / "good.wann.json").write_text("[[0.5, 0.25, 3.0], 10]")
    weights, score = read_published_weights(tmp_path / "good.wann.json", genome, -1.0)
    assert score == 10
    scores = Scores.from_returns(np.array([1.0]), np.zeros((1, 1)), (1,))
    champion = Champion("swingup", ("a",), ("b",), genome, scores, weights)
    # hidden = relu(-0.5 * bias - 0.75 * input), output = 2 * hidden
    value = champion.values(np.array([-4.0]), "tuned")
    assert value[champion.network.outputs] == pytest.approx([2 * (-0.5 + 3.0)])
    assert genome_to_dict(genome)["connections"][2][3] is False
