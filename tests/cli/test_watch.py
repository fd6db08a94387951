"""`wann watch`: a run, or a folder of runs."""

import shutil

import httpx
import pytest

from wann.cli import watch as module
from wann.cli.main import main


def test_the_command_refuses_a_folder_that_never_was_in_one_line(capsys, tmp_path):
    with pytest.raises(SystemExit) as caught:
        main(["watch", str(tmp_path / "nowhere"), "--no-browser"])
    captured = capsys.readouterr()
    assert (caught.value.code, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert captured.err.startswith("wann: run folder ")


def test_a_folder_of_runs_is_watched_on_one_page(ended, tmp_path, wann_command, monkeypatch):
    for seed in (1, 2):
        shutil.copytree(ended, tmp_path / f"all/seed-{seed}")
    seen = {}

    def wait(what, address, *, no_browser):
        seen[what] = httpx.get(address).text

    monkeypatch.setattr(module, "until_interrupted", wait)
    assert wann_command("watch", tmp_path / "all", "--no-browser") == (0, "", "")
    assert "<h1>2 runs of swingup.</h1>" in seen[f"Watching the runs in {tmp_path / 'all'}"]
