"""The page of a folder of runs, as a file and live."""

import re
import shutil
from base64 import b64decode

import httpx
import pytest

import wann.run.search
from wann.pages import many_runs
from wann.pages.many_runs import RunsWatcher, runs_data, runs_routes
from wann.pages.render import render_runs, render_runs_part
from wann.pages.server import serving
from wann.run.state import RunState, write_end

TINY = {"population": 8, "max_steps": 50, "confirm_episodes": 4, "episodes": 2, "threads": 1}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A finished run of three generations; copy it before changing it."""
    path = tmp_path_factory.mktemp("ended") / "run"
    wann.run.search.search("swingup", out=path, generations=3, seed=11, **TINY)
    return path


@pytest.fixture
def folder(ended, tmp_path):
    """Two groups of runs, whose states differ."""
    for name in ("a/seed-1", "a/seed-2", "b/seed-1"):
        shutil.copytree(ended, tmp_path / "all" / name)
    config = tmp_path / "all/b/seed-1/config.toml"
    config.write_text(config.read_text().replace("population = 8", "population = 9"))
    write_end(tmp_path / "all/a/seed-2", RunState("failed", "it raised <b>&"))
    return tmp_path / "all"


def test_the_page_shows_states_groups_curves_and_the_best_networks(folder):
    (folder / "a/seed-1/report.html").touch()
    data = runs_data(folder)
    assert data["headline"] == "3 runs of swingup."
    assert data["lede"] == "2 finished, 1 failed."
    assert [(group["name"], group["runs"]) for group in data["groups"]] == [
        ("population=8", 2),
        ("population=9", 1),
    ]
    assert [run["name"] for run in data["runs"]] == ["a/seed-1", "a/seed-2", "b/seed-1"]
    assert [run["page"] for run in data["runs"]] == ["a/seed-1/report.html", "", ""]
    assert len(data["networks"]) == 2
    assert data["commands"] == ["wann runs runs/all", "wann plot runs/all", "wann table runs/all --untuned"]
    for picture in (data["curves"], *data["networks"]):
        for theme in ("light", "dark"):
            kind, _, text = picture[theme].partition("base64,")
            assert kind == "data:image/svg+xml;"
            assert b"<svg" in b64decode(text)
    page = render_runs(data)
    assert "it raised &lt;b&gt;&amp;" in page
    assert "<b>&" not in page
    assert '<a href="a/seed-1/report.html">' in page
    assert "<script" not in page
    assert "script-src &#39;none&#39;" in page


def test_the_page_takes_names_of_folders_and_errors_as_text(ended, tmp_path):
    folder, name = tmp_path / "all", 'javascript:x"<b>\x1b'
    shutil.copytree(ended, folder / name)
    (folder / name / "report.html").touch()
    write_end(folder / name, RunState("failed", "\x1b[31m<i>"))
    page = render_runs(runs_data(folder))
    assert '<a href="javascript%3Ax%22%3Cb%3E%1B/report.html">' in page
    assert "\\x1b[31m&lt;i&gt;" in page
    assert "<b>" not in page
    assert "\x1b" not in page
    assert str(tmp_path) not in page


def test_runs_of_several_tasks_have_no_common_curves_and_damaged_ones_are_counted(folder):
    config = folder / "b/seed-1/config.toml"
    config.write_text(config.read_text().replace('"swingup"', '"CartPole-v1"'))
    (folder / "a/seed-2/metrics.csv").write_text("nonsense\n1\n")
    data = runs_data(folder)
    assert data["curves"] is None
    assert data["headline"] == "2 runs of 2 tasks."
    assert data["lede"] == "2 finished; 1 run cannot be read."
    for path in folder.rglob("metrics.csv"):
        path.write_text("nonsense\n1\n")
    with pytest.raises(ValueError, match="none of the 3 runs in"):
        runs_data(folder)


def test_the_live_page_follows_the_runs(folder, monkeypatch):
    monkeypatch.setattr(many_runs, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(many_runs, "_REST", 0.0)
    with serving(runs_routes(RunsWatcher(folder))) as address, httpx.Client() as client:
        page = client.get(address).text
        assert "2 finished, 1 failed." in page
        assert 'fetch("part.html"' in page
        base = address.partition("?")[0]
        part = client.get(f"{base}part.html")
        again = client.get(f"{base}part.html", headers={"If-None-Match": part.headers["ETag"]})
        assert again.status_code == 304
        (folder / "b/seed-1/ended.json").unlink()
        write_end(folder / "a/seed-2", RunState("stopped", "signal"))
        changed = client.get(f"{base}part.html", headers={"If-None-Match": part.headers["ETag"]})
        assert changed.status_code == 200
        assert re.search(r"2 finished, 1 stopped", changed.text)
        shutil.rmtree(folder)
        assert client.get(f"{base}part.html").text == changed.text, "the last reading stays"
    assert "<html" not in render_runs_part({"runs": [], "groups": [], "commands": []})
