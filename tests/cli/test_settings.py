"""`wann settings`: lists every setting."""

import json
import re

import pytest
from commands import in_one_line

from wann.cli import settings as module
from wann.run.search import resolve
from wann.settings import Settings
from wann.settings_file import read_settings_file
from wann.utils.terminal import PlainConsole


def test_settings_lists_every_setting_with_its_value(wann_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = wann_command("settings", "--preset", "laptop")
    assert (code, err) == (0, "")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    values = {cell[0]: cell[1] for cell in cells if cell[0]}
    assert set(values) == set(Settings.model_fields)
    assert values["preset"] == "laptop"
    assert values["population"] == "64"
    assert values["patience"] == "not set"
    assert all(cell[2] for cell in cells if cell[0])  # a long value is folded into further lines


def test_settings_are_named_one_by_one_with_what_they_may_be(wann_command, refused):
    _, out, _ = wann_command("settings", "population", "selection", "target_score", "task")
    head, meaning, allowed, example, *_ = out.splitlines()
    assert (head, meaning) == ("population = 768", "  networks per generation".ljust(200))
    assert allowed.strip() == "whole number at least 2 and at most 1,000,000"
    assert example == "  --set population=768"
    assert "one of tournament, lexicase" in out
    assert "number, or not set" in out
    assert "--set target_score=VALUE" in out
    assert "--set task" not in out
    assert "did you mean 'population'?" in refused("settings", "populatoin")


def test_settings_as_json(wann_command):
    _, out, _ = wann_command("settings", "--preset", "laptop", "--json")
    found = json.loads(out)
    assert (found["task"], found["preset"]) == ("swingup", "laptop")
    assert set(found["settings"]) == set(Settings.model_fields)
    assert found["settings"]["population"]["value"] == 64
    assert found["settings"]["patience"]["value"] is None


@pytest.mark.parametrize("preset", ["lexicase", "stratified", "paper", "laptop"])
def test_the_file_to_start_from_gives_the_search_that_the_preset_gives(wann_command, tmp_path, preset):
    _, out, _ = wann_command("settings", "--preset", preset, "--toml")
    assert max(map(len, out.splitlines())) <= 110
    path = tmp_path / "mine.toml"
    path.write_text(out)
    values, notes = read_settings_file(path)
    assert notes == ()
    values.pop("task")
    assert resolve("swingup", values.pop("preset"), values.pop("env_kwargs"), values) == resolve(
        "swingup", preset
    )
    # What is not set is there too, to be filled in.
    assert "# patience =\n" in out
    named = set(re.findall(r"^(?:# )?(\w+) =", out, re.MULTILINE))
    assert named == set(Settings.model_fields) - {"stepping", "fresh_env", "initial_genome"}


def test_on_a_narrow_terminal_every_meaning_lies_below_its_setting(wann_command, monkeypatch):
    monkeypatch.setattr(module, "screen", lambda: PlainConsole(width=80))
    _, out, _ = wann_command("settings")
    assert max(map(len, out.splitlines())) <= 80
    assert "│" not in out
    for name, field in Settings.model_fields.items():
        assert f"{name} = " in out
        assert in_one_line(field.description) in in_one_line(out)
