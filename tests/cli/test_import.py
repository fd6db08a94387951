"""`wann import`: a published network becomes a champion that all commands take."""

import json


def test_import_makes_a_champion_that_all_commands_take(wann_command, published_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tuned = published_data / "cartpole_swingup.wann.json"
    code, out, err = wann_command("import", published_data / "swing.out", "--tuned", tuned)
    assert (code, err) == (0, "")
    assert out == "Wrote swing.json: 52 connections, 22 hidden nodes\n"
    assert wann_command("import", published_data / "swing.out", "--out", "plain.json")[0] == 0
    _, out, _ = wann_command("evaluate", "swing.json", "--episodes", 2, "--json")
    assert json.loads(out)["tuned"]["mean"] > 800
    _, out, _ = wann_command("evaluate", "plain.json", "--episodes", 1, "--json")
    assert json.loads(out)["tuned"] is None


def test_import_replaces_no_file(refused, published_data, tmp_path):
    (tmp_path / "mine.json").write_text("mine")
    line = refused("import", published_data / "swing.out", "--out", tmp_path / "mine.json")
    assert line == f"{tmp_path / 'mine.json'} exists already: choose another --out"
    assert (tmp_path / "mine.json").read_text() == "mine"
