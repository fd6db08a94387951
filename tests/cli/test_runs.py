"""`wann runs`."""

import json
import re
import shutil

from wann.cli import runs as module
from wann.run.state import RunState, write_end
from wann.utils.terminal import PlainConsole


def test_runs_are_listed_with_state_and_score_in_80_columns(ended, tmp_path, wann_command):
    for seed in (1, 2, 3):
        shutil.copytree(ended, tmp_path / f"all/seed-{seed}")
    write_end(tmp_path / "all/seed-2", RunState("failed", "the environment broke"))
    (tmp_path / "all/seed-3/ended.json").write_text("{")
    code, out, err = wann_command("runs", tmp_path / "all")
    assert code == 0
    assert "swingup, preset" in out
    assert "seed-1" in out
    assert "4/4" in out
    assert "2 runs; 1 finished, 1 failed" in out
    assert "failed seed-2: the environment broke" in out
    assert "seed-3/ended.json" in err
    assert max(map(len, out.splitlines()[:-2])) <= 80

    code, out, _ = wann_command("runs", tmp_path / "all", "--json")
    first, second = json.loads(out)["runs"]
    assert (first["state"], first["reason"], second["state"]) == ("finished", "generations", "failed")
    assert first["generation"] == first["generations"] == 4


def test_a_single_run_may_be_named_and_a_folder_without_runs_is_refused(
    ended, tmp_path, wann_command, refused
):
    _, out, _ = wann_command("runs", ended)
    assert "1 run; 1 finished" in out
    assert "is not a run folder, and there is none in it" in refused("runs", tmp_path)


def test_runs_of_several_tasks_with_long_names_have_room_in_80_columns(
    ended, tmp_path, wann_command, monkeypatch
):
    names = ("short", "BipedalWalkerHardcore-v3-2026-11-29-ab12", "group/seed-10")
    for name in names:
        shutil.copytree(ended, tmp_path / "all" / name)
    config = tmp_path / "all" / names[1] / "config.toml"
    config.write_text(config.read_text().replace('"swingup"', '"BipedalWalkerHardcore-v3"'))
    (tmp_path / "all/short/ended.json").unlink()
    monkeypatch.setattr(module, "screen", lambda: PlainConsole(width=80))
    monkeypatch.chdir(tmp_path)
    _, out, _ = wann_command("runs", "all")
    assert max(map(len, out.splitlines())) <= 80
    assert "BipedalWalkerHardcore-v3, preset " in out
    assert re.search(r"…\S*-2026-11-29-ab12 +11 +finished +4/4 ", out)
    assert re.search(r"^  short +11 +finished ", out, re.MULTILINE)
    assert re.search(r"^  group/seed-10 +11 +finished ", out, re.MULTILINE)
