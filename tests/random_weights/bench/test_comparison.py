"""`wann compare`: what it measures, keeps, leaves out, shows and refuses."""

import csv
import io
import json
import math

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from filelock import FileLock

from wann.analysis.classifier import evaluate_classifier
from wann.champion import save_champion
from wann.cli.main import main
from wann.random_weights import RandomHiddenLayer
from wann.random_weights.bench import comparison
from wann.random_weights.bench.comparison import RESULTS, Bench, Row, compare, open_bench
from wann.random_weights.bench.figure import draw_comparison
from wann.random_weights.bench.method import Anchor, Measurement, Method
from wann.random_weights.bench.methods import data_methods, recurrent_methods
from wann.random_weights.bench.table import explanation, shown_score, to_text


class Made:
    """Three methods that take no time, and a note of what was measured."""

    def __init__(self):
        self.seen = []
        self.stop_at = None
        methods = (
            Method(
                "slow", "Slow", self._measure("slow", 0.9), 50.0, gate=0.8, anchor=Anchor("91 %", "A 1999")
            ),
            Method("quick", "Quick", self._measure("quick", 0.5), 1.0, ablation_of="slow", ceiling=0.2),
            Method("still", "Still | so", self._measure("still", 0.7), 2.0, drawn=False, remark="a remark"),
            Method("pixels", "Pixels", self._measure("pixels", 0.7), 2.0, images=True),
            Method("ten", "Ten", self._measure("ten", 0.7), 2.0, least_classes=10),
        )
        named = {method.name: method for method in methods}
        self.bench = Bench("made", "test accuracy", True, named, None, "d1", 1.0, images=False)

    def _measure(self, name, score):
        def measure(_, seed):
            if (name, seed) == self.stop_at:
                raise KeyboardInterrupt
            self.seen.append((name, seed))
            return Measurement(score + 0.01 * seed, 10, 1000, 0.25)

        return measure


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def refused(capsys):
    """Runs a command that must fail in one line; gives that line."""

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        assert caught.value.code == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0].removeprefix("wann: ")

    return call


def test_seed_after_seed_the_cheapest_first(made, tmp_path):
    told = []
    rows = compare(made.bench, tmp_path / "c", seeds=2, observer=told.append)
    assert made.seen == [("quick", 0), ("still", 0), ("slow", 0), ("quick", 1), ("slow", 1)]
    assert [(now.done, now.total, now.method, now.seed) for now in told][-1] == (4, 5, "slow", 1)
    assert told[0].seconds_left > told[-1].seconds_left
    by_name = {row.name: row for row in rows}
    assert list(by_name) == ["slow", "quick", "still", "pixels", "ten"]
    assert by_name["slow"].mean() == pytest.approx(0.905)
    assert by_name["slow"].spread == pytest.approx(0.01 / math.sqrt(2.0))
    assert by_name["still"].spread is None
    assert by_name["slow"].reached
    assert by_name["quick"].reached is False
    assert by_name["pixels"].left_out == "needs images"
    assert by_name["ten"].left_out == "needs 10 classes or more"


def test_an_interrupted_comparison_goes_on_where_it_stopped(made, tmp_path):
    made.stop_at = ("slow", 0)
    with pytest.raises(KeyboardInterrupt):
        compare(made.bench, tmp_path, seeds=2)
    made.stop_at = None
    before, made.seen = made.seen, []
    rows = compare(made.bench, tmp_path, seeds=2)
    assert made.seen == [("slow", 0), ("quick", 1), ("slow", 1)]
    assert before == [("quick", 0), ("still", 0)]
    whole = compare(Made().bench, tmp_path / "other", seeds=2)
    assert to_text(made.bench, rows, "json") == to_text(made.bench, whole, "json")
    assert (tmp_path / RESULTS).read_bytes() != b""
    fewer = compare(made.bench, tmp_path, seeds=1, methods=["slow"])
    assert [len(row.outcomes) for row in fewer] == [1]
    assert len(made.seen) == 3


def test_what_the_budget_does_not_hold_is_left_out_and_named(made, tmp_path):
    rows = compare(made.bench, tmp_path, seeds=2, budget=30.0)
    assert ("slow", 0) in made.seen  # the others took no time, so it is expected to take little
    made = Made()
    rows = compare(made.bench, tmp_path / "b", seeds=2, budget=30.0, methods=["slow"])
    assert made.seen == []
    assert rows[0].left_out == "about 50 s a seed, more than the budget had left"
    assert "left out, about 50 s a seed, more than the budget had left: slow" in explanation(made.bench, rows)
    compare(made.bench, tmp_path / "b", seeds=2, budget=90.0, methods=["slow"])
    assert made.seen == [("slow", 0), ("slow", 1)]


def test_a_missing_extra_leaves_out_what_needs_it(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "find_spec", lambda name: None if name == "torch" else object())
    bench = open_bench("digits")
    names = [name for name, method in bench.methods.items() if method.needs == "torch"]
    assert len(names) > 5
    rows = compare(bench, tmp_path, seeds=1, methods=[*names, "ridge"])
    assert {row.name for row in rows if row.outcomes} == {"ridge"}
    lines = explanation(bench, rows)
    assert f"left out, needs PyTorch: pip install 'wann[torch]': {', '.join(names)}" in lines


def test_every_row_has_a_name_of_its_own_and_its_ablation_a_row(digits):
    for methods in (data_methods(), *recurrent_methods().values()):
        for name, method in methods.items():
            assert name == method.name
            assert method.ablation_of is None or method.ablation_of in methods
            assert method.seconds > 0.0
            assert method.gate is None or method.ceiling is None
    gated = {name: method.gate for name, method in data_methods().items() if method.gate}
    asked = {"kitchen-sinks-2000": 0.954, "kitchen-sinks-10000": 0.972, "rvfl-1000": 0.938, "elm-4000": 0.963}
    assert (asked | {"fields-4000": 0.973}).items() <= gated.items()


@pytest.mark.slow
def test_a_data_set_is_learned_from_two_parts_and_judged_on_the_third(tmp_path):
    bench = open_bench("digits")
    problem = bench.problem
    assert (len(problem.x), len(problem.test_x), problem.shape) == (1198, 599, (8, 8))
    assert problem.x.max() == 1.0
    (row,) = compare(bench, tmp_path, methods=["elm-1000"], seeds=1)
    model = RandomHiddenLayer(units=1000, random_state=0).fit(problem.x, problem.y)
    assert row.mean() == pytest.approx(model.score(problem.test_x, problem.test_y), abs=1e-9)
    assert row.mean("trained") == model.trained_parameters
    assert row.gate is None  # that is for MNIST
    assert open_bench("CartPole-v1").methods["recurrent"].gate == 475.0


def test_a_table_of_ones_own_is_compared(tmp_path, refused):
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 20)
    x = rng.normal(size=(60, 4)) + 3.0 * (y[:, None] == np.array(["a", "b", "c", "d"]))
    np.savez(tmp_path / "own.npz", x=x, y=y)
    rows = compare(
        open_bench(str(tmp_path / "own.npz")), tmp_path, methods=["elm-1000", "fields-1600", "ridge"], seeds=2
    )
    assert [len(row.outcomes) for row in rows] == [2, 2, 0]
    assert rows[0].name == "ridge"
    assert rows[0].mean() > 0.8
    assert rows[2].left_out == "needs images"
    np.savez(tmp_path / "few.npz", x=x[:4], y=np.array(["a", "b", "c", "d"]))
    message = refused("compare", tmp_path / "few.npz", "--out", tmp_path / "f")
    assert "class 'a' has 1 row: each class needs at least 3" in message


def test_champions_have_rows_of_their_own(digits, tmp_path, refused):
    save_champion(digits, tmp_path / "mine.json")
    bench = open_bench("digits")
    rows = compare(bench, tmp_path / "c", methods=["ridge"], seeds=1, champions=[tmp_path / "mine.json"])
    card = evaluate_classifier(digits)
    shown = {row.name: row for row in rows}
    assert list(shown) == ["wann-random", "wann-ensemble", "wann-tuned-shared", "ridge"]
    assert shown["wann-ensemble"].outcomes["mine"].score == card.ensemble.accuracy
    assert shown["wann-random"].outcomes["mine"].score == card.uniform_shared.accuracy
    assert [shown[name].mean("trained") for name in list(shown)[:3]] == [0, 0, 1]
    assert shown["wann-random"].mean("stored") == digits.genome.connection_count
    again = compare(bench, tmp_path / "c", methods=["ridge"], seeds=1)
    assert [row.name for row in again] == list(shown)
    message = refused("compare", "CartPole-v1", "--champion", tmp_path / "mine.json", "--out", tmp_path / "d")
    assert message == "--champion is for a data set, and the task is CartPole-v1: leave it out"
    assert not (tmp_path / "d").exists()


def test_the_table_says_the_same_in_every_form(made, tmp_path):
    rows = compare(made.bench, tmp_path, seeds=2)
    assert shown_score(made.bench, rows[0]) == "90.50 ± 0.71 %"
    markdown = to_text(made.bench, rows, "markdown")
    assert (
        "| slow | Slow | 90.50 ± 0.71 % | 2 | 10 | 1,000 | 0.2 | 91 % (A 1999) | at least 80 %: yes |"
        in markdown
    )
    assert "| quick | Quick | 50.50 ± 0.71 % | 2 | 10 | 1,000 | 0.2 | – | below 20 %: NO |" in markdown
    assert r"Still \| so; a remark" in markdown
    assert "- left out, needs images: pixels" in markdown
    table = list(csv.DictReader(io.StringIO(to_text(made.bench, rows, "csv"))))
    data = json.loads(to_text(made.bench, rows, "json"))
    for line, row, mine in zip(table, data["rows"], rows, strict=True):
        assert line["method"] == row["method"] == mine.name
        assert line["left_out"] == (row["left_out"] or "") == mine.left_out
        if mine.outcomes:
            assert float(line["mean"]) == row["mean"] == mine.mean()
    assert data["rows"][0]["outcomes"]["seed 1"] == {
        "score": 0.91,
        "trained": 10,
        "stored": 1000,
        "seconds": 0.25,
    }


def test_the_figure_is_drawn_the_same_each_time(made, tmp_path):
    rows = compare(made.bench, tmp_path, seeds=2)
    for name in ("a.svg", "b.svg"):
        draw_comparison(made.bench, rows, tmp_path / name)
    drawn = (tmp_path / "a.svg").read_bytes()
    assert drawn == (tmp_path / "b.svg").read_bytes()
    assert b"slow: Slow, 90.50" in drawn
    with pytest.raises(ValueError, match="nothing was measured"):
        draw_comparison(made.bench, [Row("a", "A")], tmp_path / "c.svg")


def test_results_of_something_else_are_left_alone(made, tmp_path, refused):
    compare(made.bench, tmp_path, seeds=1)
    kept = (tmp_path / RESULTS).read_bytes()
    message = refused("compare", "digits", "--methods", "ridge", "--out", tmp_path)
    assert message.endswith("results.json is of made, not of digits as it is now: choose another --out")
    for damage in ("{}", "no JSON", '{"format": "wann-comparison", "version": 1, "results": [{}]}'):
        (tmp_path / RESULTS).write_text(damage)
        assert "holds no results of a comparison" in refused("compare", "digits", "--out", tmp_path)
        assert (tmp_path / RESULTS).read_text() == damage
    assert kept


def test_a_folder_is_written_to_by_one_comparison_at_a_time(made, tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(ValueError, match="in use: another comparison"):
        compare(made.bench, tmp_path)
    assert made.seen == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digit"], "unknown data set 'digit'; did you mean 'digits'?"),
        (["digits", "--methods", "elm"], "unknown method 'elm' for digits; did you mean 'elm-"),
        (["digits", "--methods", ","], "names no method"),
        (["digits", "--label", "x"], "--label names a column of csv:FILE, and the data set is digits"),
        (["digits", "--data", "."], "--data names the folder of MNIST, and the task is digits"),
        (["digits", "--budget", "0"], "0"),
        (["digits", "--seeds", "0"], "0"),
        (["nowhere.npz"], "cannot read nowhere.npz"),
        (["digits", "--champion", "nowhere.json"], "nowhere.json"),
    ],
)
def test_wrong_arguments_are_refused_in_a_line(arguments, message, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused("compare", *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command_writes_its_folder_and_prints_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["compare", "digits", "--methods", "ridge,logistic", "--seeds", "2"])
    assert caught.value.code == 0
    shown = capsys.readouterr()
    folder = tmp_path / "runs" / "compare-digits"
    names = ["comparison.png", "comparison.svg", "results.json", "table.csv", "table.md"]
    assert sorted(path.name for path in folder.iterdir() if path.name != ".lock") == names
    assert "Ridge regression on the inputs" in shown.out
    assert "measurement 1 of 3: ridge, seed 0; about" in shown.err
    with pytest.raises(SystemExit):
        main(["compare", "digits", "--methods", "ridge", "--seeds", "2", "--quiet", "--format", "json"])
    again = capsys.readouterr()
    assert again.err == ""
    assert json.loads(again.out)["rows"][0]["seeds"] == 2
    with pytest.raises(SystemExit):
        main(["compare", "CartPole-v1", "--list"])
    assert capsys.readouterr().out.splitlines()[2].split() == [
        "memoryless",
        "The",
        "same",
        "without",
        "memory",
    ]


def test_an_interrupted_command_says_how_to_go_on(tmp_path, monkeypatch, capsys, made):
    made.stop_at = ("slow", 0)
    monkeypatch.setattr(comparison, "open_bench", lambda name, label: made.bench)
    with pytest.raises(SystemExit) as caught:
        main(["compare", "made", "--out", str(tmp_path / "c")])
    assert caught.value.code == 130
    assert capsys.readouterr().err.splitlines()[-1].endswith("the same command goes on")
    assert len(json.loads((tmp_path / "c" / RESULTS).read_text())["results"]) == 2
