"""The commands `wann sensitivity` and `wann prune`: what they write, print and refuse."""

import csv
import json

import numpy as np
import pytest
import toys  # noqa: F401 - registers them
from champions import TOY, champion_of

from wann.champion import champion_to_json, load_champion, save_champion

FEW = ("--episodes", "3", "--threads", "1")


@pytest.fixture
def toy(tmp_path):
    """A champion's file."""
    path = tmp_path / "toy.json"
    save_champion(champion_of("toys/Toy-v0", TOY, [0.5, 1.0]), path)
    return path


def test_prune_writes_the_smaller_champion_beside_the_other_which_it_leaves_alone(wann_command, toy):
    before = toy.read_bytes()
    code, out, err = wann_command("prune", toy, *FEW, "--fresh", "5", "--tolerance", "0")
    assert (code, err) == (0, "")
    assert "5 connections, 3 hidden nodes → 2 connections, 1 hidden node\n" in out
    assert "linear 5" in out
    assert out.splitlines()[-1] == f"Wrote {toy.with_suffix('.pruned.json')}"
    smaller = load_champion(toy.with_suffix(".pruned.json"))
    assert smaller.genome.connection_count == smaller.importance.size == 2
    assert toy.read_bytes() == before
    assert wann_command("draw", toy.with_suffix(".pruned.json"))[0] == 0


def test_prune_writes_a_map_of_importance_and_json(wann_command, toy, tmp_path):
    out_path, map_path = tmp_path / "small.json", tmp_path / "map.json"
    options = ("--fresh", "2", "--weight", "best", "--out", out_path, "--map", map_path, "--json")
    code, out, err = wann_command("prune", toy, *FEW, *options)
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert data["weight"] == load_champion(toy).best_weight
    assert data["champion"] == str(out_path)
    mapped = load_champion(map_path)
    assert mapped.genome == TOY
    importance = {row["mark"]: row["importance"] for row in data["importance"]}
    assert mapped.importance.tolist() == [importance[mark] for mark in TOY.mark[TOY.enabled].tolist()]


def test_prune_says_where_nothing_can_go(wann_command, tmp_path):
    genome = TOY.evolve(enabled=np.isin(TOY.mark, [10, 11]))
    path = tmp_path / "it.json"
    save_champion(champion_of("toys/Toy-v0", genome, np.linspace(0.1, 2.0, 20)), path)
    code, out, err = wann_command("prune", path, *FEW, "--weight", "0.9")
    assert (code, err) == (0, "")
    assert "nothing can go within the tolerance" in out
    assert "shared 0.5" not in out  # of many weights only the mean and the best are listed
    assert "judged: 0.9" in out


def test_sensitivity_writes_a_figure_a_table_and_a_summary(wann_command, toy, tmp_path):
    table = tmp_path / "it.csv"
    code, out, err = wann_command("sensitivity", toy, *FEW, "--table", table)
    assert (code, err) == (0, "")
    assert "robustness to noise 0." in out
    assert out.splitlines()[-2:] == [f"Wrote {toy.with_suffix('.sensitivity.png')}", f"Wrote {table}"]
    assert toy.with_suffix(".sensitivity.png").stat().st_size > 10_000
    head, *rows = csv.reader(table.read_text(encoding="utf-8").splitlines())
    assert head == ["kind", "what", "at", "mean", "std"]
    assert {row[0] for row in rows} == {"sweep", "noise", "flip", "random"}


def test_sensitivity_as_json_is_the_same_as_its_table(wann_command, toy, tmp_path):
    table, figure = tmp_path / "it.json", tmp_path / "it.svg"
    options = ("--weight", "0.5", "--seed", "3", "--table", table, "--out", figure, "--json")
    code, out, err = wann_command("sensitivity", toy, *FEW, *options)
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert data.pop("figure") == str(figure)
    assert json.loads(table.read_text(encoding="utf-8")) == data
    assert (data["weight"], data["seed"], data["episodes"]) == (0.5, 3, 3)
    assert figure.exists()


def test_a_classifier_is_analysed_too(wann_command, refused, digits, tmp_path):
    path = tmp_path / "digits.json"
    save_champion(digits, path)
    code, out, err = wann_command("prune", path, "--tolerance", "5%")
    assert (code, err) == (0, "")
    assert "accuracy on the test part" in out
    code, out, err = wann_command(
        "sensitivity", path.with_suffix(".pruned.json"), "--out", tmp_path / "a.svg"
    )
    assert (code, err) == (0, "")
    assert "test samples" in out
    assert "digits is a data set" in refused("prune", path, "--fresh", "3", "--out", tmp_path / "b.json")
    assert "digits is a data set" in refused("sensitivity", path, "--episodes", "3")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prune", "--tolerance", "120%"], "tolerance must be from 0% to below 100%, not 1.2"),
        (["prune", "--tolerance", "-1%"], "tolerance must be from 0% to below 100%"),
        (
            ["prune", "--tolerance", "a bit"],
            "'a bit' is neither a share such as 1% nor a number such as 0.01",
        ),
        (["prune", "--weight", "tuned"], "no tuned weights"),
        (["prune", "--weight", "worst"], '\'worst\' is neither a number, "best" nor "tuned"'),
        (["prune", "--weight", "0"], "there is nothing to lose"),
        (["prune", "--out", "toy.json"], "toy.json exists already: choose another --out"),
        (["prune", "--map", "toy.json"], "toy.json exists already: choose another --map"),
        (["prune", "--out", "same.json", "--map", "same.json"], "--map and --out name the same file"),
        (["prune", "--out", "no/where.json"], "no/where.json cannot be written"),
        (["sensitivity", "--out", "no/where.svg"], "no/where.svg cannot be written"),
        (["sensitivity", "--out", "it.gif"], "must end in .svg, .png, .pdf"),
        (["sensitivity", "--table", "it.txt"], "it.txt: a table's name must end in .csv or .json"),
        (["sensitivity", "--weight", "0"], "there is nothing to lose"),
        (["sensitivity", "--data", "x"], "--data names the folder of MNIST"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(refused, toy, monkeypatch, arguments, words):
    monkeypatch.chdir(toy.parent)
    monkeypatch.setenv("WANN_DATA", "unused")  # --data sets it
    files = sorted(toy.parent.iterdir())
    command, *options = arguments
    assert words in refused(command, toy.name, *FEW, *options)
    assert sorted(toy.parent.iterdir()) == files


@pytest.mark.parametrize("command", ["prune", "sensitivity"])
def test_an_unknown_task_is_one_line(refused, toy, command):
    text = champion_to_json(load_champion(toy)).replace("toys/Toy-v0", "toys/Tay-v0")
    toy.write_text(text, encoding="utf-8")
    assert "unknown task 'toys/Tay-v0'; did you mean" in refused(command, toy, *FEW)
