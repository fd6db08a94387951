"""`wann draw`: a topology, or how it developed."""

import re

import pytest
from commands import BEGINNINGS, SET

from wann.tasks.registry import get_task


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_draw_writes_the_topology(wann_command, ended, tmp_path, suffix):
    out_path = tmp_path / f"topology{suffix}"
    code, out, err = wann_command("draw", ended, "--out", out_path)
    assert (code, out, err) == (0, f"Wrote {out_path}\n", "")
    assert out_path.read_bytes().startswith(BEGINNINGS[suffix])


def test_draw_shows_the_names_of_inputs_and_outputs(wann_command, ended, tmp_path):
    assert wann_command("draw", ended, "--out", tmp_path / "it.svg")[0] == 0
    text = (tmp_path / "it.svg").read_text()
    for name in (*get_task("swingup").inputs, *get_task("swingup").outputs):
        assert name in text


def test_draw_shows_only_what_feeds_one_output_on_request(wann_command, refused, ended, tmp_path):
    whole, part = tmp_path / "whole.svg", tmp_path / "part.svg"
    assert wann_command("draw", ended, "--out", whole)[0] == 0
    assert wann_command("draw", ended, "--out", part, "--only", "force")[0] == 0
    assert "output force of swingup" in part.read_text()
    assert "output force" not in whole.read_text()
    line = refused("draw", ended, "--out", tmp_path / "none.svg", "--only", "torque")
    assert line == "the champion has no output 'torque'; choose from force"
    assert not (tmp_path / "none.svg").exists()


def test_draw_highlights_an_output_and_takes_a_theme_and_a_width(wann_command, refused, ended, tmp_path):
    files = {}
    for name, options in {
        "plain": [],
        "highlight": ["--highlight", "force"],
        "dark": ["--theme", "dark"],
        "column": ["--width", "col"],
        "same": ["--width", "86.36mm"],
    }.items():
        path = tmp_path / f"{name}.svg"
        assert wann_command("draw", ended, "--out", path, *options)[0] == 0
        files[name] = path.read_text()
    assert files["column"] == files["same"]
    assert len(set(files.values())) >= 3
    assert f'width="{3.4 * 72:g}pt"' in files["column"]
    line = refused("draw", ended, "--highlight", "torque")
    assert line == "the champion has no output 'torque'; choose from force"
    assert "--only leaves a single output: leave out --highlight" in refused(
        "draw", ended, "--only", "force", "--highlight", "force"
    )


@pytest.mark.parametrize("width", ["wide", "0in", "-3", "1e3in", "5ft"])
def test_draw_refuses_a_width_that_is_none(refused, ended, width):
    assert "is not col, page, or 1 to 40 inches such as 3.4in or 86mm" in refused(
        "draw", ended, f"--width={width}"
    )


def test_draw_shows_the_development_of_a_run(wann_command, refused, ended, tmp_path):
    generation = min(int(path.stem) for path in (ended / "champions").glob("*.json"))
    path = tmp_path / "development.svg"
    code, out, err = wann_command("draw", ended, "--generations", f"{generation},4", "--out", path)
    assert (code, out, err) == (0, f"Wrote {path}\n", "")
    assert {f"generation {generation}", "generation 4"} <= set(
        re.findall(r"generation \d+", path.read_text())
    )
    assert "is not a list of generations such as 8,32,128,1024" in refused(
        "draw", ended, "--generations", "a"
    )
    assert "has no champion at generation 0" in refused("draw", ended, "--generations", "0")
    assert "is not a run folder" in refused("draw", ended / "champion.json", "--generations", "4")


@pytest.mark.slow
def test_draw_films_the_development_of_a_run(wann_command, refused, ended, tmp_path):
    path = tmp_path / "film.mp4"
    code, out, _ = wann_command("draw", ended, "--film", path)
    assert code == 0
    assert re.fullmatch(rf"Wrote {re.escape(str(path))}, \d+ frames\n", out)
    assert path.read_bytes().startswith(BEGINNINGS[".mp4"])
    assert "path must end in .mp4 or .gif" in refused("draw", ended, "--film", tmp_path / "film.avi")
    assert "leave out --width" in refused("draw", ended, "--film", path, "--width", "col")


def test_draw_writes_beside_the_champion_by_default(wann_command, run_path, short):
    assert wann_command("draw", run_path)[1] == f"Wrote {run_path / 'champion.svg'}\n"
    assert (run_path / "champion.svg").is_file()
    assert wann_command("draw", short)[1] == f"Wrote {short.with_suffix('.svg')}\n"
    assert short.with_suffix(".svg").is_file()


def test_a_generation_that_a_run_has_not_come_to_is_refused(wann_command, tmp_path):
    run_path = tmp_path / "run"
    assert (
        wann_command("search", "swingup", *SET, "--set=generations=2", "--out", run_path, "--quiet")[0] == 0
    )
    code, _, err = wann_command("draw", run_path, "--generations", "1,3", "--out", tmp_path / "d.png")
    assert (code, err) == (2, f"wann: {run_path} has no generation 3: it is at 2\n")
