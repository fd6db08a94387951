"""`wann prune`: what it writes, prints and refuses."""

import json

import numpy as np
import pytest
import toys  # noqa: F401 - registers them
from champions import TOY, champion_of
from commands import FEW

from wann.champion import load_champion, save_champion


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


@pytest.mark.slow
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
