"""Data sets as tasks: searched, confirmed and evaluated on parts that never mix, the same bits anywhere."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import evolved

from wann.analysis import classifier
from wann.analysis.scorecard import evaluate
from wann.champion import Champion, Scores, load_champion
from wann.cli.main import main
from wann.evaluation.evaluator import LocalEvaluator
from wann.networks.network import batch_networks, compile_genome
from wann.rollouts.job import Job
from wann.rollouts.samples import classify, make_batch, outputs
from wann.run.folder import MEASURED
from wann.run.search import resume, search
from wann.tasks.data_sets import Samples
from wann.tasks.data_task import DataTask
from wann.tasks.registry import best_stepping, get_task, preset_settings, task_names

WEIGHTS = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
TINY = {"population": 16, "generations": 4, "tournament_size": 3, "initial_connection_probability": 0.4}


@pytest.fixture
def table(tmp_path) -> str:
    """Three noisy clouds in four features."""
    pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    points = rng.normal(size=(240, 4)) + 2.0 * np.eye(4)[labels]
    lines = [
        ",".join(map(repr, row.tolist())) + f",{'abc'[k]}" for row, k in zip(points, labels, strict=True)
    ]
    path = tmp_path / "clouds.csv"
    path.write_text("p,q,r,s,kind\n" + "\n".join(lines))
    return f"csv:{path}"


@pytest.fixture
def task(table) -> DataTask:
    found = get_task(table, {"label": "kind"})
    assert isinstance(found, DataTask)
    return found


def networks_of(count: int):
    return [compile_genome(evolved(seed, 20, 4, 3)) for seed in range(count)]


def test_returns_are_minus_the_cross_entropy_and_steps_are_samples(task):
    networks = networks_of(3)
    rollouts = task.roll_out(Job(batch_networks(networks), WEIGHTS, [5], 10_000, 0, 3))
    assert rollouts.returns.shape == rollouts.steps.shape == (3, 6, 1)
    train = task.samples.train
    wanted = classify(batch_networks(networks), WEIGHTS, make_batch(train.inputs(), train.labels), 0, 3).loss
    assert (-rollouts.returns[:, :, 0]).tobytes() == wanted.tobytes()
    assert (rollouts.steps == train.labels.size).all()


def test_neither_threads_nor_chunks_change_a_bit(task):
    networks = networks_of(21)
    direct = task.roll_out(Job(batch_networks(networks), WEIGHTS, [1, 2], 50, 0, 21))
    for threads in (1, 2, 5):
        with LocalEvaluator(task, 50, threads) as evaluator:
            rollouts = evaluator.evaluate(networks, WEIGHTS, [1, 2])
            alone = evaluator.evaluate(networks[4:5], WEIGHTS, [1, 2])
        assert rollouts.returns.tobytes() == direct.returns.tobytes()
        assert alone.returns.tobytes() == direct.returns[4:5].tobytes()


def test_a_seed_is_a_batch_the_same_for_all_networks_and_another_for_another_seed(task):
    one, same, other = (
        task.roll_out(Job(batch_networks(networks_of(2)), WEIGHTS, [seed], 50, 0, 2)) for seed in (1, 1, 2)
    )
    assert one.returns.tobytes() == same.returns.tobytes()
    assert (one.returns != other.returns).any()
    assert (one.steps == 50).all()


def test_confirming_takes_the_whole_validation_part_dealt_out_over_the_episodes(task):
    networks = batch_networks(networks_of(1))
    validation = task.samples.validation
    whole = -classify(networks, WEIGHTS, make_batch(validation.inputs(), validation.labels), 0, 1).loss
    one = task.confirming.roll_out(Job(networks, WEIGHTS, [3], 10, 0, 1))
    assert one.returns[:, :, 0].tobytes() == whole.tobytes()
    five = task.confirming.roll_out(Job(networks, WEIGHTS, range(5), 10, 0, 1))
    assert five.steps[0, 0].sum() == validation.labels.size
    np.testing.assert_allclose((five.returns * five.steps).sum(axis=2) / five.steps.sum(axis=2), whole)
    with pytest.raises(ValueError, match="999 episodes are more than the 33 samples"):
        task.confirming.roll_out(Job(networks, WEIGHTS, range(999), 10, 0, 1))


def test_a_search_never_sees_the_test_part(task):
    data = task.samples
    spoilt = Samples(np.full_like(data.test.values, np.nan), data.test.labels)
    blind = replace(task, data=replace(data, test=spoilt))
    networks = networks_of(4)
    for one, other in ((task, blind), (task.confirming, blind.confirming)):
        with LocalEvaluator(one, 60, 1) as seeing, LocalEvaluator(other, 60, 1) as unseeing:
            returns = seeing.evaluate(networks, WEIGHTS, [1]).returns
            assert returns.tobytes() == unseeing.evaluate(networks, WEIGHTS, [1]).returns.tobytes()


def test_the_paper_s_settings_are_those_of_the_paper():
    paper = preset_settings(get_task("mnist"), "paper")
    wanted = {
        "population": 960,
        "generations": 4096,
        "episodes": 1,
        "max_steps": 1000,
        "initial_connection_probability": 0.05,
        "elite_ratio": 0.2,
        "tournament_size": 32,
        "cull_ratio": 0.2,
        "weight_sampling": "fixed",
    }
    assert {name: paper[name] for name in wanted} == wanted
    assert "step" not in paper["activations"]
    assert len(paper["activations"]) == 9


def test_named_sets_are_tasks_without_being_loaded():
    for name, inputs in (("digits", 64), ("mnist", 256), ("mnist28", 784)):
        found = get_task(name)
        assert (len(found.inputs), len(found.outputs)) == (inputs, 10)
        assert name in task_names()
        assert best_stepping(found) == "compiled"
        assert found.threaded


def test_what_needs_an_environment_fails_in_one_line(task):
    for act in (
        task.make_env,
        lambda: task.observe(np.zeros(4)),
        lambda: task.action(np.zeros(3)),
        lambda: task.spaces,
    ):
        with pytest.raises(ValueError, match="is a data set: there is nothing to step") as caught:
            act()
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="is a data set: there is nothing to step"):
        get_task("digits", stepping="gymnasium")
    with pytest.raises(ValueError, match="takes no argument 'gravity'"):
        get_task("digits", {"gravity": 1})


def rows(path: Path) -> list[list[str]]:
    with (path / "metrics.csv").open() as file:
        return [[row[key] for key in row if key not in MEASURED] for row in csv.DictReader(file)]


def test_a_search_ends_with_a_champion_and_goes_on_to_the_same_bits(table, tmp_path):
    options = {"env_kwargs": {"label": "kind"}, **TINY}
    whole = search(table, out=tmp_path / "whole", threads=2, **options)
    search(table, out=tmp_path / "parts", threads=1, **options | {"generations": 2})
    parts = resume(tmp_path / "parts", threads=1, generations=4)
    assert rows(whole.path) == rows(parts.path)
    assert (whole.path / "champion.json").read_bytes() == (parts.path / "champion.json").read_bytes()
    champion = load_champion(whole.path)
    assert champion.inputs == ("p", "q", "r", "s")
    assert champion.outputs == ("a", "b", "c")
    assert champion.env_kwargs["label"] == "kind"
    with pytest.raises(ValueError, match="nothing to step"):
        champion.act(np.zeros(4))


def test_a_file_that_has_changed_is_not_searched_on(table, tmp_path):
    ended = search(table, out=tmp_path / "run", env_kwargs={"label": "kind"}, **TINY)
    path = Path(table.removeprefix("csv:"))
    path.write_text(path.read_text() + "\n0,0,0,0,a")
    with pytest.raises(ValueError, match="is not the file that it was when the search began"):
        resume(ended.path, generations=9)


@pytest.mark.slow
def test_workers_get_the_data_with_the_task(table):
    pytest.importorskip("ray")
    from wann.evaluation.ray_evaluator import RayEvaluator

    task, networks = get_task(table, {"label": "kind"}), networks_of(9)
    Path(table.removeprefix("csv:")).unlink()
    with LocalEvaluator(task, 50, 1) as local:
        wanted = local.evaluate(networks, WEIGHTS, [4])
    with RayEvaluator(task, 50, workers=1) as remote:
        found = remote.evaluate(networks, WEIGHTS, [4])
        confirmed = remote.evaluate(networks[:1], WEIGHTS, [4], confirming=True)
    assert not found.failures
    assert found.returns.tobytes() == wanted.returns.tobytes()
    assert confirmed.steps[0, 0, 0] == task.samples.validation.labels.size


# Evaluation


def test_a_classifier_s_card_agrees_with_plain_counting(table, tmp_path):
    ended = search(table, out=tmp_path / "run", env_kwargs={"label": "kind"}, **TINY | {"generations": 12})
    champion = load_champion(ended.path)
    card = evaluate(champion)
    task = champion.get_task()
    test = task.samples.test
    batch = make_batch(test.inputs(), test.labels)
    network = batch_networks([champion.network])
    found = classify(network, WEIGHTS, batch, 0, 1).accuracy[0]
    assert [score.accuracy for score in card.per_weight] == pytest.approx(found.tolist())
    grid = classify(network, np.linspace(-2, 2, 41), batch, 0, 1).accuracy[0]
    assert card.uniform_shared.accuracy == pytest.approx(grid.mean())
    assert card.uniform_shared.std == pytest.approx(grid.std())
    assert np.sum(card.confusion) == test.labels.size
    assert np.trace(card.confusion) / test.labels.size == pytest.approx(card.ensemble.accuracy)
    assert np.sum(card.confusion, axis=1).tolist() == np.bincount(test.labels).tolist()
    counts = np.bincount(test.labels)
    for score, by_class in zip(card.per_weight, card.per_class, strict=True):
        assert np.dot(by_class, counts) / counts.sum() == pytest.approx(score.accuracy)
    best = classify(network, np.array([card.best_shared.weight]), batch, 0, 1).accuracy[0, 0]
    assert card.best_shared.accuracy == pytest.approx(best)
    assert card.tuned is None
    of_each = np.array([outputs(champion.network, np.array([w]), test.inputs())[0] for w in WEIGHTS])
    of_each = np.exp(of_each) / np.exp(of_each).sum(axis=2, keepdims=True)
    sure_of_votes, right_by_votes, sure_of_mean, right_by_mean = [], [], [], []
    for sample, label in enumerate(test.labels.tolist()):
        said = of_each[:, sample].argmax(axis=1).tolist()
        mean = of_each[:, sample].mean(axis=0)
        winner = max(range(3), key=lambda k: (said.count(k), mean[k]))
        sure_of_votes.append(said.count(winner) / 6)
        right_by_votes.append(winner == label)
        sure_of_mean.append(mean.max())
        right_by_mean.append(mean.argmax() == label)
    assert_counted(card.reliability_votes, sure_of_votes, right_by_votes)
    assert_counted(card.reliability_mean, sure_of_mean, right_by_mean)
    with pytest.raises(ValueError, match="weights must be"):
        evaluate(champion, weights=[np.inf])


def assert_counted(found: classifier.Reliability, sure: list[float], right: list[bool]):
    """Reliability by plain counting."""
    error = 0.0
    for place, bin_ in enumerate(zip(found.confidence, found.accuracy, found.count, strict=True)):
        members = [k for k, value in enumerate(sure) if place / 10 < value <= (place + 1) / 10]
        assert bin_[2] == len(members)
        if members:
            confidence, share = (sum(values[k] for k in members) / len(members) for values in (sure, right))
            assert bin_[:2] == pytest.approx((confidence, share))
            error += len(members) / len(sure) * abs(confidence - share)
        else:
            assert bin_[:2] == (None, None)
    assert sum(found.count) == len(sure)
    assert found.error == pytest.approx(error)


def test_reliability_is_what_counting_makes_of_it():
    rng = np.random.default_rng(0)
    sure = np.concatenate([np.arange(1, 11) / 10, np.arange(1, 7) / 6, rng.uniform(0.3, 1.0, 99)])
    right = rng.random(sure.size) < 0.6
    assert_counted(classifier.reliability(sure, right), sure.tolist(), right.tolist())
    certain = classifier.reliability(np.ones(5), np.array([True, True, True, True, False]))
    assert certain.count == (0,) * 9 + (5,)
    assert certain.error == pytest.approx(0.2)
    json.dumps(certain.to_dict(), allow_nan=False)


def test_agreement_is_the_share_of_voters():
    of_each = np.array([[[0.6, 0.4], [0.1, 0.9]], [[0.2, 0.8], [0.4, 0.6]]])
    assert classifier.agreement(of_each, np.array([0, 1])).tolist() == [0.5, 1.0]


def test_a_sweep_agrees_with_single_weights(table, tmp_path):
    champion = load_champion(search(table, out=tmp_path / "run", env_kwargs={"label": "kind"}, **TINY).path)
    sweep = classifier.sweep(champion, 11)
    assert sweep.weights.tolist() == np.linspace(-2, 2, 11).tolist()
    card = evaluate(champion, weights=sweep.weights)
    assert sweep.accuracy.tolist() == [score.accuracy for score in card.per_weight]
    assert [tuple(row) for row in sweep.per_class.tolist()] == list(card.per_class)


@pytest.mark.slow
def test_a_class_without_test_samples_is_no_obstacle(tmp_path, capsys):
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    arrays = {"x_train": rng.normal(size=(60, 4)), "y_train": labels}
    np.savez(tmp_path / "t.npz", **arrays, x_test=rng.normal(size=(8, 4)), y_test=np.arange(8) % 2)
    ended = search(str(tmp_path / "t.npz"), out=tmp_path / "run", **TINY)
    champion = load_champion(ended.path)
    card = evaluate(champion)
    assert {row[2] for row in card.per_class} == {None}
    swept = classifier.sweep(champion)
    assert np.isnan(swept.per_class).all(axis=0).tolist() == [False, False, True]
    assert not np.isnan(swept.per_class[:, :2]).any()
    assert (swept.weights != 0.0).all(), "where all outputs are equal, the first class would win"
    assert ran(["evaluate", ended.path], capsys)[0] == 0
    code, out, _ = ran(["evaluate", ended.path, "--json"], capsys)
    assert code == 0
    assert json.loads(out)["per_class"][0][2] is None
    assert ran(["plot", ended.path], capsys)[0] == 0


def test_what_is_not_for_a_data_set_has_no_accuracy():
    genome = evolved(0, 3)
    scores = Scores(np.ones(1), np.ones(1), np.zeros(1), (0,))
    champion = Champion("swingup", tuple("abcde"), ("f",), genome, scores)
    for measure in (classifier.evaluate_classifier, classifier.sweep):
        with pytest.raises(ValueError, match="swingup is not a data set"):
            measure(champion)


def test_a_vote_goes_to_the_majority_and_a_tie_to_the_larger_mean():
    of_each = np.array(
        [
            [[0.6, 0.4, 0.0], [0.5, 0.3, 0.2]],
            [[0.6, 0.4, 0.0], [0.2, 0.6, 0.2]],
            [[0.0, 1.0, 0.0], [0.3, 0.3, 0.4]],
        ]
    )
    assert classifier.vote(of_each).tolist() == [0, 1]
    assert classifier.vote(of_each[1:]).tolist() == [1, 1]


def test_members_are_chosen_while_they_help():
    labels = np.array([0, 1, 0, 1])
    useless = np.tile([0.5, 0.5], (4, 1))
    half = np.array([[0.9, 0.1], [0.6, 0.4], [0.9, 0.1], [0.6, 0.4]])
    other = np.array([[0.4, 0.6], [0.1, 0.9], [0.4, 0.6], [0.1, 0.9]])
    assert classifier.choose_members(np.array([half, other]), labels) == [0, 1]
    assert classifier.choose_members(np.array([half, other, useless]), labels) == [0, 1]
    assert classifier.choose_members(np.array([useless, half, other]), labels) == [0]
    assert (
        len(classifier.choose_members(np.random.default_rng(0).random((30, 99, 2)), np.arange(99) % 2)) <= 9
    )


def test_a_search_on_data_that_cannot_be_read_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("WANN_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="images-idx3"):
        search("mnist", out=tmp_path / "run", **TINY)
    assert not (tmp_path / "run").exists()


def test_a_run_on_a_table_can_be_used_from_another_folder(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    ended = search("csv:clouds.csv", out=tmp_path / "run", env_kwargs={"label": "kind"}, **TINY)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_champion(ended.path).task == table
    assert evaluate(load_champion(ended.path)).samples == 81
    assert resume(ended.path, generations=5).generations == 5


@pytest.mark.parametrize(
    ("kind", "scale", "unit"),
    [
        ("uint8", 255, 255.0),
        ("int64", 255, 255.0),
        ("float64", 16, 16.0),
        ("float64", 1, 1.0),
        ("int64", 4095, 4095.0),
    ],
)
def test_pixels_are_divided_by_what_is_white_in_the_training_part(tmp_path, kind, scale, unit):
    rng = np.random.default_rng(0)
    images = (rng.random((60, 3, 4)) * scale).astype(kind)
    images[:, 0, 0] = scale
    np.savez(tmp_path / "images.npz", X=images, Y=np.arange(60) % 3)
    data = get_task(str(tmp_path / "images.npz")).samples
    rows = [tuple(row) for row in (images / unit).reshape(60, -1).tolist()]
    for part in (data.train, data.validation, data.test):
        assert {tuple(row) for row in part.inputs().tolist()} <= set(rows)


def ran(arguments, capsys) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0, *capsys.readouterr()


@pytest.mark.slow
def test_the_commands_take_a_table_from_search_to_evaluation(table, tmp_path, capsys):
    run = tmp_path / "run"
    tiny = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
    code, out, _ = ran(["search", table, "--label", "kind", "--out", run, *tiny], capsys)
    assert code == 0
    assert "samples: 126 train, 33 validation, 81 test" in out
    assert "wann replay" not in out
    code, out, _ = ran(["evaluate", run], capsys)
    assert code == 0
    for words in (
        "81 test samples",
        "shared -0.5",
        "of these 6, one vote each",
        "best on validation",
        "says",
    ):
        assert words in out
    code, out, _ = ran(["evaluate", run, "--json"], capsys)
    card = json.loads(out)
    assert {"per_weight", "uniform_shared", "ensemble", "best_shared", "tuned"} <= set(card)
    assert set(card["uniform_shared"]) == {"accuracy", "std"}
    assert [entry["weight"] for entry in card["per_weight"]] == WEIGHTS.tolist()
    assert "std" not in card["ensemble"]
    code, _, error = ran(["evaluate", run, "--episodes", "3"], capsys)
    assert (code, error.count("\n")) == (2, 1)
    assert "is scored once: leave out --episodes" in error
    for name in ("reliability_votes", "reliability_mean"):
        assert set(card[name]) == {"confidence", "accuracy", "count", "error"}
        assert sum(card[name]["count"]) == 81
    code, out, error = ran(["plot", run], capsys)
    assert (code, out, error) == (0, f"Wrote {run / 'curves.png'}\n", "")
    code, out, error = ran(["draw", run, "--only", "b"], capsys)
    assert (code, out, error) == (0, f"Wrote {run / 'champion.svg'}\n", "")
    assert ">output b of csv:" in (run / "champion.svg").read_text()
    code, _, error = ran(["replay", run], capsys)
    assert code == 2
    assert error.count("\n") == 1
    assert "is a data set: there is nothing to replay" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "digits", "--no-compiled"], "digits is a data set"),
        (["search", "digits", "--label", "x"], "takes no argument 'label'"),
        (["search", "csv:none.csv"], "cannot read none.csv"),
        (["search", "none.npz"], "cannot read none.npz"),
        (["search", "none.csv", "--label", "x"], "unknown task 'none.csv'; did you mean 'csv:none.csv'"),
        (["search", "Digits"], "unknown task 'Digits'; did you mean 'digits'"),
        (["search", "digits", "--data", "."], "the new place of a table, and the task is digits"),
    ],
)
def test_wrong_commands_end_in_one_line(arguments, message, capsys):
    code, _, error = ran([*arguments, "--quiet"], capsys)
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_a_duel_on_a_data_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'champion_rule': digits is a data set.* set it to 'record'"):
        search("digits", out=tmp_path / "run", champion_rule="duel")
    assert not (tmp_path / "run").exists()
