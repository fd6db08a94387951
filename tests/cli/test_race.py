"""`wann race`: many networks are tuned, and fewer in each round."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from races import OPTIONS, PLAN, TINY

from wann import progress
from wann.champion import load_champion, save_champion
from wann.evaluation.placement import Placement
from wann.networks.genome import minimal_genome
from wann.run.search import search
from wann.tuning.race import race
from wann.tuning.race_entrants import entrants_of
from wann.utils.terminal import PlainConsole


@pytest.fixture(scope="module")
def run_path(tmp_path_factory):
    """A finished run; not to be changed."""
    return search("swingup", out=tmp_path_factory.mktemp("ended") / "run", threads=1, **TINY).path


@pytest.fixture(scope="module")
def entrants(run_path):
    return entrants_of([run_path], networks=5, placement=Placement(1))


@pytest.fixture(scope="module")
def raced(entrants, tmp_path_factory):
    """A finished race and what it gave; not to be changed."""
    return race(entrants, tmp_path_factory.mktemp("raced") / "race", placement=Placement(1), **PLAN)


@pytest.mark.slow
def test_the_command_shows_the_rounds_and_what_came_of_it(wann_command, run_path, raced, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run_path, copy)
    code, out, err = wann_command("race", copy, "--networks", 5, *OPTIONS)
    assert code == 0
    assert "round 1/3, network 1/5" in err
    for part in ("run's champion", ".json won.", "cma: 464 evaluations", f"wann draw {copy}/race"):
        assert part in out
    assert (copy / "race/champion.json").read_bytes() == raced.path.read_bytes()
    code, out, err = wann_command("resume", copy / "race", "--json")
    assert err == ""
    summary = json.loads(out)
    assert (code, summary["evaluations"]) == (0, 464)
    assert summary["tuning"]["race"]["networks"] == 5
    code, _, err = wann_command("resume", copy / "race", "--set", "budget=512")
    assert (code, err.count("\n")) == (2, 1)
    assert "'budget' determines the race" in err
    code, out, err = wann_command("resume", copy / "race", "--set", "generations=1")
    assert code == 0
    assert "generation 1/1, network 1/16" in err
    assert "generation 1/1 longer, network 2/2" in err
    assert "longer" in out
    assert "cma: 1232 evaluations" in out
    assert f"wann resume {copy}/race --set generations=9" in out
    code, _, err = wann_command("race", copy)
    assert (code, err.count("\n")) == (2, 1)
    assert f"{copy / 'race'} holds a race already: go on with wann resume {copy / 'race'}" in err


def test_of_many_generations_the_last_eight_are_shown(wann_command, raced, tmp_path):
    shutil.copytree(raced.path.parent, tmp_path / "race")
    row = {"networks": 2, "evaluations": 8, "best": 1.0, "median": 1.0, "champion": None}
    told = raced.champion.tuning["race"] | {"generations": [{**row, "longer": row}] * 20}
    tuning = raced.champion.tuning | {"race": told}
    save_champion(replace(raced.champion, tuning=tuning), tmp_path / "race/champion.json")
    code, out, _ = wann_command("resume", tmp_path / "race")
    assert (code, out.count("generation "), out.count("...")) == (0, 8, 1)
    assert "generation 13" in out
    assert "generation 12" not in out
    assert f"cma: {464 + 20 * 2 * 16} evaluations" in out


def test_a_narrow_terminal_shows_where_it_stands(wann_command, run_path, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "PlainConsole", partial(PlainConsole, force_terminal=True, width=80))
    _, _, err = wann_command("race", run_path, "--networks", 5, *OPTIONS, "--out", tmp_path / "race")
    assert "Round 3/3, network 1/1" in err
    assert "464/464" in err
    assert "best " in err


def test_what_cannot_be_raced_is_refused_in_one_line(wann_command, run_path, tmp_path, monkeypatch):
    champion = tmp_path / "champion.json"
    save_champion(load_champion(run_path), champion)
    empty = replace(
        load_champion(run_path), genome=minimal_genome(5, 1, 1, 0.0, rng=np.random.default_rng(0))
    )
    save_champion(empty, tmp_path / "empty.json")
    other = search("CartPole-v1", out=tmp_path / "other", threads=1, **TINY | {"generations": 1}).path
    out = ["--out", tmp_path / "race"]
    for arguments, message in (
        ([champion], "needs a place: name it with --out"),
        ([run_path, champion], "needs a place: name it with --out"),
        ([run_path, other, *out], f"{other} is of CartPole-v1, and {run_path} of swingup"),
        ([run_path, "--method", "adam", *out], "adam needs gradients"),
        ([run_path, "--method", "adm", *out], "unknown method 'adm'"),
        ([run_path, "--out", tmp_path], "exists and is not an empty folder"),
        ([tmp_path / "nowhere"], f"{tmp_path / 'nowhere'}"),
        ([run_path, tmp_path / "empty.json", *out], "the champion of " + str(tmp_path / "empty.json")),
        ([run_path, "--out", champion / "race"], f"{champion} is no folder to write to"),
        ([run_path, *out, "--networks", 0], "--networks"),
    ):
        code, printed, err = wann_command("race", *arguments)
        assert (code, printed, err.count("\n")) == (2, "", 1), err
        assert message in err
    assert not (tmp_path / "race").exists()
    empty_folder, unfinished = tmp_path / "folder", tmp_path / "unfinished"
    empty_folder.mkdir()
    monkeypatch.chdir(empty_folder)
    code, _, err = wann_command("race", run_path, "--out", ".")
    assert (code, "choose another --out than the folder that you are in" in err) == (2, True)
    unfinished.mkdir()
    (unfinished / "race.json").touch()
    code, _, err = wann_command("race", unfinished, *out)
    assert (code, f"{unfinished} has no champion yet" in err) == (2, True)


def test_a_damaged_race_is_told_in_one_line(raced, tmp_path, wann_command):
    copy = tmp_path / "race"
    for text in (
        "",
        "{",
        "[]",
        '{"format": "wann-race", "version": 1}',
        '{"format": "wann-race", "version": 9}',
        (raced.path.parent / "race.json").read_text().replace('"linear"', '"cubic"'),
        (raced.path.parent / "race.json").read_text().replace('"generations": 0', '"generations": -1'),
    ):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(raced.path.parent, copy)
        (copy / "race.json").write_text(text)
        code, _, err = wann_command("resume", copy)
        assert (code, err.count("\n")) == (2, 1), err
        assert str(copy / "race.json") in err


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("champion.json", {"race": []}, "'tuning.race' must be a table, not []"),
        ("champion.json", {"race": None}, "has no 'tuning.race'"),
        ("champion.json", {"before": "high"}, "'tuning.before' must be a table, not 'high'"),
        ("champion.json", {"budget": None}, "has no 'tuning.budget'; remove it"),
        ("round-1/0000.json", {"chosen_by": None}, "has no 'tuning.chosen_by'; remove it"),
        ("round-1/0000.json", {"chosen_by": "x"}, "'tuning.chosen_by' must be a number, not 'x'"),
    ],
)
def test_a_damaged_champion_of_a_race_is_told_in_one_line(raced, tmp_path, refused, file, change, message):
    copy = tmp_path / "race"
    shutil.copytree(raced.path.parent, copy)
    data = json.loads((copy / file).read_text())
    data["tuning"] = {k: v for k, v in (data["tuning"] | change).items() if v is not None or k not in change}
    if file != "champion.json":
        (copy / "champion.json").unlink()
    (copy / file).write_text(json.dumps(data))
    line = refused("resume", copy)
    assert str(copy / file) in line
    assert message in line


def test_a_round_s_file_of_another_network_is_refused(raced, tmp_path, refused):
    copy = tmp_path / "race"
    shutil.copytree(raced.path.parent, copy)
    (copy / "champion.json").unlink()
    shutil.copy(copy / "round-1/0001.json", copy / "round-1/0000.json")
    assert "round-1/0000.json is not the network that is tuned here" in refused("resume", copy)
