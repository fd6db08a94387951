"""`wann compare`: what it measures, keeps, leaves out, shows and refuses."""

import csv
import io
import json
import math

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from benches import Made
from filelock import FileLock

from wann.random_weights import RandomHiddenLayer
from wann.random_weights.bench import comparison
from wann.random_weights.bench.comparison import RESULTS, Row, compare, open_bench
from wann.random_weights.bench.figure import draw_comparison
from wann.random_weights.bench.methods import data_methods, recurrent_methods
from wann.random_weights.bench.table import explanation, shown_score, to_text


@pytest.fixture
def made():
    return Made()


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


def test_a_folder_is_written_to_by_one_comparison_at_a_time(made, tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(ValueError, match="in use: another comparison"):
        compare(made.bench, tmp_path)
    assert made.seen == []
