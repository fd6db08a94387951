"""States of runs: running, finished, stopped and failed are told apart."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from searches import tiny

from wann.run import search, state
from wann.run.folder import RunFolder
from wann.run.listing import find_runs, read_line
from wann.run.loop import Interrupted, SearchFailedError
from wann.run.search import resume
from wann.run.state import FILE, RunState, read_state, session_of
from wann.utils.files import is_locked

HOLD = """
import sys
from wann.utils.files import lock_folder
with lock_folder(sys.argv[1], "other"):
    print("held", flush=True)
    sys.stdin.read()
"""


def held(path):
    """A process that keeps the lock of a folder until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, os.fspath(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def run(undisturbed, tmp_path):
    return Path(shutil.copytree(undisturbed, tmp_path / "undisturbed"))


def test_a_run_is_running_while_a_process_holds_it_and_killed_after_that_was_killed(run):
    (run / FILE).unlink()
    process = held(run)
    try:
        assert read_state(run) == RunState("running")
        assert is_locked(run)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert read_state(run) == RunState("stopped", "killed")
    # A run of an older version left nothing when it had ended.
    assert read_line(run).state == RunState("finished", "generations")


@pytest.mark.parametrize("ended", [True, False])
def test_a_session_that_begins_between_two_looks_is_running(run, monkeypatch, ended):
    if not ended:  # as after a kill
        (run / FILE).unlink()
    looks = []

    def look(path):
        looks.append(path)
        if len(looks) > 1:
            return True
        (run / FILE).unlink(missing_ok=True)  # a session takes the lock and begins
        return False

    monkeypatch.setattr(state, "is_locked", look)
    assert read_state(run) == RunState("running")


def test_who_asks_keeps_nobody_from_the_lock(run):
    before = (run / ".lock").stat().st_mtime_ns
    assert not is_locked(run)
    with RunFolder.open(run).lock():
        assert is_locked(run)
    assert (run / ".lock").stat().st_mtime_ns == before
    assert not is_locked(run / "champions")


def test_a_stop_rule_finishes_a_run_and_resuming_it_says_so_again(run):
    assert read_state(run) == RunState("finished", "generations")
    before = (run / FILE).read_bytes()
    resume(run, threads=1)
    assert (run / FILE).read_bytes() == before
    resume(run, threads=1, patience=1)
    assert read_state(run).name == "finished"


def test_a_signal_stops_a_run(tmp_path):
    sent = []

    def stop(progress):
        if progress.generation == 2 and not sent:
            sent.append(True)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        tiny(tmp_path / "run", observer=stop)
    assert read_state(tmp_path / "run") == RunState("stopped", "signal")
    line = read_line(tmp_path / "run")
    assert line.generation < line.generations == 12


def test_an_error_fails_a_run_and_its_reason_is_kept_in_one_line(tmp_path, monkeypatch):
    def fail(_loop):
        raise SearchFailedError("most of it\nfailed")

    monkeypatch.setattr(search.Loop, "run", fail)
    with pytest.raises(SearchFailedError):
        tiny(tmp_path / "run")
    assert read_state(tmp_path / "run") == RunState("failed", "most of it failed")
    monkeypatch.undo()
    resume(tmp_path / "run", threads=1)
    assert read_state(tmp_path / "run").name == "finished"


def test_nothing_says_how_a_session_ended_while_one_works(run):
    with session_of(run):
        assert not (run / FILE).exists()


def test_a_full_disk_does_not_hide_the_error(run, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state, "write_end", fail)
    with pytest.raises(SearchFailedError, match="the reason"), session_of(run):
        raise SearchFailedError("the reason")


def test_words_of_a_foreign_end_are_one_plain_line(run):
    ended = {"format": "wann-ended", "version": 1, "state": "failed", "reason": "a\x1b[31m\n" + "b" * 9000}
    (run / FILE).write_text(json.dumps(ended))
    reason = read_state(run).reason
    assert reason.startswith(r"a\x1b[31m b")
    assert len(reason) < 600


@pytest.mark.parametrize("text", ["{", '{"format": "wann-ended", "version": 1, "state": "gone"}'])
def test_a_damaged_end_is_named(run, text):
    (run / FILE).write_text(text)
    with pytest.raises(ValueError, match=FILE):
        read_line(run)


def test_a_line_tells_what_the_run_s_files_say(run):
    folder = RunFolder.open(run)
    metrics, line = folder.read_metrics(), read_line(run)
    assert (line.task, line.preset, line.seed) == ("swingup", folder.settings.preset, folder.settings.seed)
    assert (line.generation, line.generations) == (12, 12)
    assert (line.mean, line.best) == (metrics["champion_mean"][-1], metrics["champion_best_weight"][-1])
    assert line.connections == metrics["champion_connections"][-1]
    assert line.evaluations == metrics["evaluations"][-1]


def test_a_half_written_last_row_is_left_out(run):
    with open(run / "metrics.csv", "a") as file:
        file.write("13,1.0,2.")
    assert read_line(run).generation == 12
    with open(run / "metrics.csv", "a") as file:
        file.write("nonsense\n" + "inf," * 20 + "1\n")
    assert read_line(run).generation == 12
    (run / "metrics.csv").write_text((run / "metrics.csv").read_text().partition("\n")[0] + "\n")
    assert read_line(run).mean is None


def test_runs_are_found_in_folders_of_folders_in_the_order_of_their_numbers(run, tmp_path):
    for name in ("b/seed-10", "b/seed-2", "a"):
        target = tmp_path / "all" / name
        target.mkdir(parents=True)
        (target / "config.toml").write_bytes((run / "config.toml").read_bytes())
    (tmp_path / "all/notes").mkdir()
    names = [path.relative_to(tmp_path / "all").as_posix() for path in find_runs([tmp_path / "all"])]
    assert names == ["a", "b/seed-2", "b/seed-10"]
    assert find_runs([tmp_path / "all/a", tmp_path / "all"])[0] == tmp_path / "all/a"
    assert len(find_runs([tmp_path / "all/a", tmp_path / "all"])) == 3
    with pytest.raises(ValueError, match="is not a run folder, and there is none in it"):
        find_runs([tmp_path / "all/notes"])
    with pytest.raises(ValueError, match="does not exist"):
        find_runs([tmp_path / "nowhere"])
