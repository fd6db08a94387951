"""`wann front`: the Pareto front is listed, and a network picked."""

import json
import shutil

import numpy as np
import pytest

from wann.champion import load_champion
from wann.run.front import load_front
from wann.run.search import resume, search

TINY = {"population": 12, "max_steps": 60, "confirm_episodes": 4, "episodes": 2, "seed": 1, "threads": 1}


def searched(path, **values):
    return search("swingup", out=path, **(TINY | {"generations": 8} | values)).path


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A finished run; copy it before changing it."""
    return searched(tmp_path_factory.mktemp("ended") / "run")


@pytest.fixture
def run_path(ended, tmp_path):
    shutil.copytree(ended, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_from_before_has_no_front_and_gets_one_with_its_next_generation(
    run_path, wann_command, refused
):
    wanted = (run_path / "front.json").read_bytes()
    with np.load(run_path / "checkpoint.npz") as file:
        old = {name: array for name, array in file.items() if not name.startswith("told_")}
    np.savez(run_path / "checkpoint.npz", **old)
    (run_path / "front.json").unlink()
    message = refused("front", run_path)
    assert f"has no Pareto front yet: 'wann resume {run_path} --set generations=9'" in message
    resume(run_path, threads=1)  # nothing to compute: none yet
    assert not (run_path / "front.json").exists()
    assert wann_command("resume", run_path, "--set", "generations=9", "--quiet")[0] == 0
    assert load_front(run_path).generation == 9
    assert (run_path / "front.json").read_bytes() != wanted


BROKEN = [
    (lambda data: data.update(version=2), "newer than 1"),
    (lambda data: data.update(format="wann-champion"), "is not a front"),
    (lambda data: data.update(generation=0), "'generation' must be at least 1, not 0$"),
    (lambda data: data.update(generation=True), "'generation' must be a whole number, not True$"),
    (lambda data: data.update(generation=1.0), "'generation' must be a whole number, not 1.0$"),
    (lambda data: data.update(objectives=["mean", "speed"]), "'objectives' must be one or more of mean"),
    (lambda data: data.update(objectives=[]), "'objectives' must have at least 1 entries, not 0$"),
    (lambda data: data.update(members=[]), "'members' must have at least 1 entries, not 0$"),
    (lambda data: data.update(members=["one"]), r"'members\[0\]' must be a table, not 'one'$"),
    (lambda data: data["inputs"].append("more"), r"names 6 inputs and 1 outputs, but members\[0\] has 5 and"),
    (lambda data: data["members"][0]["values"].pop("depth"), r"has no 'members\[0\]\.values\.depth'"),
    (
        lambda data: data["members"][0]["values"].update(mean="high"),
        r"\.values\.mean' must be a number, not 'high'$",
    ),
    (lambda data: data["members"][0]["means"].pop(), r"'members\[0\]' must list as many means as weights$"),
    (
        lambda data: data["members"][0].update(means=[], weights=[]),
        r"\.weights' must have at least 1 entries",
    ),
    (lambda data: data["members"][0].pop("genome"), r"has no 'members\[0\]\.genome'$"),
    (lambda data: data["members"][0]["genome"]["nodes"].pop(), "which is not there|declares"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_front_is_refused_in_one_line(run_path, refused, change, message):
    data = json.loads((run_path / "front.json").read_text())
    change(data)
    (run_path / "front.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=message) as caught:
        load_front(run_path)
    assert refused("front", run_path) == str(caught.value)


def test_listing_and_picking_on_the_command_line(run_path, wann_command, refused):
    front = load_front(run_path)
    code, out, err = wann_command("front", run_path)
    assert (code, err) == (0, "")
    assert out.startswith(f"swingup: {len(front.members)} network")
    for head in ("mean", "best weight", "connections", "worst weight", "robustness", "nodes", "depth"):
        assert head in out
    for words in ("smallest", "best", "knee"):
        assert words in out.split("┡")[1]
    assert out.splitlines()[-1] == f"Pick      wann front {run_path} --pick knee"
    code, out, _ = wann_command("front", run_path, "--json")
    listed = json.loads(out)
    assert listed["members"] == [{"number": k} | dict(m.values) for k, m in enumerate(front.members, 1)]
    assert (listed["generation"], listed["objectives"]) == (8, ["mean", "best", "connections"])

    last = len(front.members)
    code, out, err = wann_command("front", run_path, "--pick", last, "--threads=1")
    assert (code, err) == (0, "")
    picked = load_champion(run_path / f"front-{last}.json")
    assert picked.genome == front.members[-1].genome
    assert picked.origin["generation"] == 8
    for command in ("evaluate", "replay", "draw", "search swingup --init-from"):
        assert f"wann {command} {run_path / f'front-{last}.json'}" in out
    code, out, _ = wann_command("front", run_path, "--pick=best", "--out", run_path / "b.json", "--json")
    summary = json.loads(out)
    best = load_champion(run_path / "b.json")
    assert summary["confirmed_mean"] == best.scores.overall
    assert summary["connections"] == best.genome.connection_count
    assert best.genome == front.members[0].genome

    assert "exists already: choose another --out" in refused("front", run_path, "--pick", last)
    assert f"the members 1 to {last}, " in refused("front", run_path, "--pick", last + 1)
    assert "none that is 'elbow'" in refused("front", run_path, "--pick=elbow")
    assert "leave out --out" in refused("front", run_path, "--out", "x.json")
    assert "leave out --threads" in refused("front", run_path, "--threads=1")
    assert "is not a run folder" in refused("front", run_path / "champions")
