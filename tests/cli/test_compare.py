"""`wann compare`: a folder of results, and a table."""

import json

import numpy as np
import pytest
from benches import Made

from wann.analysis.classifier import evaluate_classifier
from wann.champion import save_champion
from wann.cli import compare as module
from wann.cli.main import main
from wann.random_weights.bench import comparison
from wann.random_weights.bench.comparison import RESULTS, compare, open_bench
from wann.utils.terminal import PlainConsole


@pytest.fixture
def made():
    return Made()


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digit"], "unknown data set 'digit'; did you mean 'digits'?"),
        (["digits", "--methods", "elm"], "unknown method 'elm' for digits; did you mean 'elm-"),
        (["digits", "--methods", ","], "names no method"),
        (["digits", "--label", "x"], "--label names a column of csv:FILE, and the data set is digits"),
        (["digits", "--data", "."], "the new place of a table, and the task is digits"),
        (["digits", "--minutes", "0"], "0"),
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


def test_on_a_narrow_terminal_no_word_is_broken(tmp_path, wann_command, monkeypatch):
    monkeypatch.setattr(module, "screen", lambda: PlainConsole(width=80))
    _, out, _ = wann_command(
        "compare", "digits", "--methods=ridge", "--seeds=1", "--quiet", "--out", tmp_path
    )
    assert max(map(len, out.splitlines()[:-1])) <= 80
    for word in ("ridge", "accuracy", "published", "trained", "stored", "seconds"):
        assert word in out.split(), word
    assert "ridge: Ridge regression on the inputs" in out


def test_the_result_is_one_json_object(tmp_path, wann_command, refused):
    _, out, _ = wann_command("compare", "digits", "--list", "--json")
    assert "ridge" in {method["name"] for method in json.loads(out)["methods"]}
    command = ("compare", "digits", "--methods=ridge", "--seeds=1", "--quiet", "--out", tmp_path, "--json")
    _, out, _ = wann_command(*command)
    assert json.loads(out)["rows"][0]["method"] == "ridge"
    assert "leave out --format" in refused(*command, "--format=csv")
