"""The run folder: nothing that was safely on disk is ever lost."""

import csv
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import evolved

import wann.run.folder
from wann.champion import Champion, Scores, champion_to_json
from wann.cli.main import main
from wann.run.folder import MEASURED, METRICS, RunFolder
from wann.run.search import resume, search
from wann.settings import Settings, with_changes

TINY = {"population": 8, "max_steps": 50, "confirm_episodes": 4, "seed": 19, "threads": 1}
OURS = ".wann-"  # how the temporary names of wann.utils.files begin


def new_folder(path, **values):
    return RunFolder.create(path, Settings(**values))


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A run of six generations with a checkpoint after each; copy it before changing it."""
    path = tmp_path_factory.mktemp("ended") / "run"
    search("swingup", out=path, generations=6, checkpoint_seconds=0.0, **TINY)
    return path


@pytest.fixture
def run_path(ended, tmp_path):
    shutil.copytree(ended, tmp_path / "run")
    return tmp_path / "run"


def result(path):
    """All that a run must reproduce: metrics and population but for the clock's columns, champions' bytes."""
    with open(path / "metrics.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in MEASURED:
            del row[name]
    champions = {file.name: file.read_bytes() for file in (path / "champions").iterdir()}
    with np.load(path / "checkpoint.npz") as file:
        population = {name: array.tobytes() for name, array in file.items() if name != "seconds"}
    return rows, (path / "champion.json").read_bytes(), champions, population


def leftovers(path):
    return [file.name for file in path.rglob("*") if file.name.startswith(OURS) or ".next." in file.name]


def test_a_run_goes_on_from_the_checkpoint_before_to_the_same_end(ended, run_path, capsys):
    path = run_path / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SystemExit) as caught:
        main(["resume", str(run_path), "--quiet"])
    assert caught.value.code == 0
    captured = capsys.readouterr().err.splitlines()
    assert len(captured) == 1
    assert captured[0].startswith("note: checkpoint.npz is damaged")
    assert result(run_path) == result(ended)


def test_a_damaged_checkpoint_never_takes_the_place_of_the_whole_one_before(ended, run_path, monkeypatch):
    """The process is killed while it replaces a checkpoint, after it went on from the one before."""
    path = run_path / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:-100])

    def replace(source, target):
        if Path(target) == path:
            raise KeyboardInterrupt
        rename(source, target)

    rename = os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            resume(run_path, threads=1)
    resume(run_path, threads=1)
    assert result(run_path) == result(ended)


# metrics


def test_metrics_come_back_column_by_column(ended):
    columns = RunFolder.open(ended).read_metrics()
    assert tuple(columns) == METRICS
    assert columns["generation"].tolist() == [1, 2, 3, 4, 5, 6]
    assert all(column.shape == (6,) for column in columns.values())
    assert (np.diff(columns["evaluations"]) >= TINY["population"]).all()


def test_why_networks_failed_is_added_to_a_log(tmp_path):
    folder = RunFolder.create(tmp_path / "run", Settings())
    assert not (folder.path / "failures.log").exists()
    folder.log_failures(3, [(0, "one line"), (7, "first\n\nTraceback:\n  größer\n")])
    folder.log_failures(4, [(1, "later")])
    assert (folder.path / "failures.log").read_text(encoding="utf-8") == (
        "generation 3, network 0: one line\n\ngeneration 3, network 7: first\n\nTraceback:\n  größer\n\n"
        "generation 4, network 1: later\n\n"
    )


def test_a_half_written_last_row_is_ignored(ended, run_path):
    whole = (ended / "metrics.csv").read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for length in range(last, len(whole)):
        (run_path / "metrics.csv").write_bytes(whole[:length])
        assert RunFolder.open(run_path).read_metrics()["generation"].tolist() == [1, 2, 3, 4, 5]


def test_rows_after_the_checkpoint_are_dropped_on_resume_and_computed_again(ended, run_path):
    shutil.copy(run_path / "checkpoint.previous.npz", run_path / "checkpoint.npz")
    with open(run_path / "metrics.csv", "a", encoding="utf-8") as file:
        file.write("7,1,2,3\r\n8,12")
    resume(run_path, threads=1)
    assert result(run_path) == result(ended)


def test_truncating_keeps_the_first_rows_to_the_byte(ended, run_path):
    folder = RunFolder.open(run_path)
    folder.truncate_metrics(4)
    kept = (run_path / "metrics.csv").read_bytes()
    assert (ended / "metrics.csv").read_bytes().startswith(kept)
    assert kept.count(b"\n") == 1 + 4


@pytest.mark.parametrize("text", ["", "a,b\r\n1,2\r\n", "generation\r\n"])
def test_metrics_with_other_columns_are_refused(run_path, text):
    (run_path / "metrics.csv").write_text(text)
    with pytest.raises(ValueError, match=r"metrics\.csv does not have the columns of a run's metrics"):
        RunFolder.open(run_path).read_metrics()


def test_columns_that_are_refused_come_with_a_way_on(ended, run_path):
    (run_path / "metrics.csv").write_text("damaged\n")
    with pytest.raises(ValueError, match=r"move it away, and 'wann resume' goes on without its rows$"):
        resume(run_path, threads=1)
    (run_path / "metrics.csv").rename(run_path / "damaged.csv")
    resume(run_path, threads=1)


@pytest.mark.parametrize(
    "edit",
    [
        lambda row: "x" * 200_000 + row,
        lambda row: row.replace(".", ".\r", 1),
        lambda row: row.replace(",", ",\x00", 1),
        lambda row: row.replace("3,", "inf,", 1),
        lambda row: row.replace("3,", "-3,", 1),
        lambda row: row.replace("3,", "1,", 1),
        lambda row: row.replace("3,", "3.5,", 1),
        lambda row: row.rsplit(",", 1)[0] + ",inf",
        lambda row: row.rsplit(",", 1)[0] + ",1e999",
        lambda row: row + ",1",
        lambda row: row.rsplit(",", 1)[0],
        lambda row: "",
        lambda row: row.encode().replace(b",", b",\xff", 1),
    ],
)
def test_a_damaged_row_is_a_gap_and_costs_no_other(ended, run_path, edit):
    lines = (ended / "metrics.csv").read_text().split("\n")
    assert lines[3].startswith("3,")
    damaged = edit(lines[3])
    content = [line.encode() for line in lines]
    content[3] = damaged if isinstance(damaged, bytes) else damaged.encode()
    (run_path / "metrics.csv").write_bytes(b"\n".join(content))
    whole, columns = (RunFolder.open(path).read_metrics() for path in (ended, run_path))
    assert columns["generation"].tolist() == [1, 2, 3, 4, 5, 6]
    for name in set(METRICS) - {"generation"}:
        assert np.isnan(columns[name][2])
        np.testing.assert_array_equal(np.delete(columns[name], 2), np.delete(whole[name], 2))
    notes = []
    resume(run_path, threads=1, note=notes.append)
    assert notes == ["metrics.csv lacks 1 of 6 generations: curves have a gap there"]


def test_one_row_without_values_stands_for_a_gap_of_any_length(ended, run_path):
    lines = (ended / "metrics.csv").read_text().splitlines(keepends=True)
    (run_path / "metrics.csv").write_text("".join([lines[0], lines[3], lines[6]]))
    folder = RunFolder.open(run_path)
    columns = folder.read_metrics()
    assert columns["generation"].tolist() == [1, 3, 4, 6]
    assert np.isnan(columns["best_mean"]).tolist() == [True, False, True, False]
    assert folder.last_generation() == 6


@pytest.mark.parametrize("left", ["header", "nothing"])
def test_a_run_goes_on_without_its_metrics_and_says_so(ended, run_path, left):
    metrics = run_path / "metrics.csv"
    header = metrics.read_bytes().splitlines(keepends=True)[0]
    metrics.unlink()
    if left == "header":
        metrics.write_bytes(header)
    notes = []
    resume(run_path, threads=1, note=notes.append, generations=8)
    search("swingup", out=run_path.with_name("longer"), generations=8, **TINY)
    assert notes == ["metrics.csv lacks 6 of 6 generations: curves have a gap there"]
    rows, *rest = result(run_path)
    all_rows, *all_rest = result(run_path.with_name("longer"))
    assert (rows, rest) == (all_rows[6:], all_rest)
    assert RunFolder.open(run_path).read_metrics()["generation"].tolist() == [1, 7, 8]


def test_a_run_whose_copy_lost_the_folder_of_champions_goes_on(ended, run_path):
    shutil.rmtree(run_path / "champions")
    resume(run_path, threads=1)
    assert (run_path / "champion.json").read_bytes() == (ended / "champion.json").read_bytes()
    (kept,) = (run_path / "champions").iterdir()
    assert kept.read_bytes() == (ended / "champion.json").read_bytes()


def test_missing_metrics_are_refused(run_path):
    (run_path / "metrics.csv").unlink()
    with pytest.raises(ValueError, match=r"cannot read .*metrics\.csv: No such file"):
        RunFolder.open(run_path).read_metrics()


# the folder


def test_an_opened_run_has_the_settings_it_was_made_with(tmp_path):
    made = Settings(
        population=9,
        weight_sampling="fixed",
        weights=(0.1 + 0.2, -1e-300),
        target_score=1 / 3,
        activations=("abs",),
    )
    RunFolder.create(tmp_path / "run", made)
    assert RunFolder.open(tmp_path / "run").settings == made
    changed = with_changes(made, {"target_score": None, "patience": 3})
    RunFolder.open(tmp_path / "run").save_settings(changed)
    assert RunFolder.open(str(tmp_path / "run")).settings == changed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no valid format, but None"),
        ("format = 2\n", "has format 2, newer than 1, the newest known here: update wann"),
        ('format = "1"\n', "has no valid format, but '1'"),
        ("format = 0\n", "has no valid format, but 0"),
        ("format = 1\npopulatoin = 5\n", "unknown setting 'populatoin'; did you mean 'population'"),
        ("format = 1\npopulation = 1\n", "setting 'population': input should be greater than"),
        ("format = \n", "Invalid value"),
        (b"\xff\xfe", "codec can't decode"),
    ],
)
def test_a_folder_with_broken_settings_is_refused(tmp_path, text, message):
    config = tmp_path / "config.toml"
    config.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ValueError, match=message) as caught:
        RunFolder.open(tmp_path)
    assert str(caught.value).startswith(f"{config}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_one_that_is_no_run_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"run folder .*/none does not exist"):
        RunFolder.open(tmp_path / "none")
    with pytest.raises(ValueError, match=r"is not a run folder: it holds no config\.toml"):
        RunFolder.open(tmp_path)
    (tmp_path / "file").write_text("format = 1\n")
    with pytest.raises(ValueError, match="is not a run folder"):
        RunFolder.open(tmp_path / "file")


def test_a_new_run_is_refused_where_something_is_and_leaves_it_alone(tmp_path, run_path):
    with pytest.raises(ValueError, match="holds a run already: resume it, or choose another --out"):
        new_folder(run_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="exists and is not an empty folder"):
        new_folder(tmp_path / "full")
    with pytest.raises(ValueError, match="exists and is not an empty folder"):
        new_folder(tmp_path / "full" / "thesis.txt")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.txt"]


def test_a_new_run_may_lie_in_an_empty_folder_and_below_missing_ones(tmp_path):
    (tmp_path / "empty").mkdir()
    assert new_folder(tmp_path / "empty").path == tmp_path / "empty"
    assert new_folder(tmp_path / "a" / "b" / "c").read_metrics()["generation"].size == 0


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "run", "/proc/run"):
        with pytest.raises(ValueError, match=r"cannot write to .*run: "):
            new_folder(path)


@pytest.mark.parametrize("failing", [1, 2])
def test_a_run_that_could_not_be_made_whole_leaves_nothing_behind(tmp_path, monkeypatch, failing):
    calls = []

    def fail(descriptor):
        calls.append(descriptor)
        if len(calls) == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ValueError, match=r"cannot write to .*: No space left on device"):
        new_folder(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", [["checkpoint.npz"], ["checkpoint.npz", "champion.json"]])
def test_a_run_that_never_came_to_a_checkpoint_starts_from_the_beginning(ended, run_path, missing):
    for name in [*missing, "checkpoint.previous.npz"]:
        (run_path / name).unlink()
    resume(run_path, threads=1)
    assert result(run_path) == result(ended)


def test_champions_of_generations_to_be_computed_again_are_dropped(run_path):
    folder = RunFolder.open(run_path)
    for name in ("000003.json", "000004.json", "999999.json", "notes.json"):
        (run_path / "champions" / name).write_text("{}")
    folder.drop_champions_after(3)
    names = {path.name for path in (run_path / "champions").iterdir()}
    assert "000003.json" in names
    assert "notes.json" in names
    assert not names & {"000004.json", "999999.json"}


def test_what_a_killed_process_left_half_written_is_removed_on_resume(ended, run_path):
    for name in (".wann-0123456789abcdef.npz", "champions/.wann-00.json", "checkpoint.next.npz"):
        (run_path / name).write_text("half")
    resume(run_path, threads=1)
    assert leftovers(run_path) == []
    assert result(run_path) == result(ended)


# a full disk


@pytest.mark.parametrize("written", [0, 3000])
def test_a_full_disk_during_a_checkpoint_loses_nothing(ended, run_path, monkeypatch, capsys, written):
    whole = (run_path / "checkpoint.npz").read_bytes()

    def fill(path, **arrays):
        path.write_bytes(b"x" * written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(wann.run.folder.np, "savez", fill)
        with pytest.raises(SystemExit) as caught:
            main(["resume", str(run_path), "--set", "generations=9", "--quiet"])
    captured = capsys.readouterr()
    assert caught.value.code not in (0, None)
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert "No space left on device" in captured.err
    assert leftovers(run_path) == []
    assert (run_path / "checkpoint.npz").read_bytes() == whole
    assert RunFolder.open(run_path).load_checkpoint()[0].state.generation == 6
    resume(run_path, threads=1)
    search("swingup", out=run_path.with_name("longer"), generations=9, **TINY)
    assert result(run_path) == result(run_path.with_name("longer"))


FULL_DISK = """
import contextlib, gc, io, json, resource, sys
from wann.cli.main import main
from wann.run.folder import RunFolder
from wann.run.search import search

path, warm, limits = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
search("swingup", out=warm, generations=2, population=4, max_steps=20, threads=1)  # compiled, loaded
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for limit in limits:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        # Writing more than so many bytes to a file now fails with OSError: Python ignores SIGXFSZ.
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            main(["resume", path, "--set", "generations=12", "--quiet"])
        except SystemExit as end:
            code = end.code
        gc.collect()
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    checkpoint, note = RunFolder.open(path).load_checkpoint()
    print(json.dumps([limit, code, out.getvalue(), err.getvalue(), checkpoint.state.generation, note]))
"""


@pytest.mark.slow
def test_a_truly_full_disk_ends_in_one_line_and_the_run_goes_on_to_the_same_end(run_path, tmp_path):
    # What fails first is the settings, the champion, the metrics (a row cut off), at last the checkpoint.
    size = {
        name: (run_path / name).stat().st_size for name in ("metrics.csv", "champion.json", "checkpoint.npz")
    }
    limits = [0, 300, size["metrics.csv"] + 60, size["champion.json"] - 60, size["champion.json"] + 60]
    limits += [size["checkpoint.npz"] - 4000, size["checkpoint.npz"] - 2000]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(run_path), str(tmp_path / "warm"), json.dumps(limits)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report[0] for report in reports] == limits
    for limit, code, out, err, generation, note in reports:
        assert code == 1, f"at {limit} bytes: {err}"
        assert out == ""
        assert len(err.splitlines()) == 1
        assert str(run_path) in err
        assert "File too large" in err
        assert generation >= 6, "the earlier checkpoint still loads"
        assert note is None
    assert {Path(line[3].split(": ")[1]).name for line in reports} >= {"config.toml", "checkpoint.next.npz"}
    assert leftovers(run_path) == []
    resume(run_path, generations=12, threads=1)
    search("swingup", out=tmp_path / "undisturbed", generations=12, **TINY)
    assert result(run_path) == result(tmp_path / "undisturbed")


def test_the_line_about_a_full_disk_names_the_folder(run_path, monkeypatch, capsys):
    def fill(path, **arrays):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(wann.run.folder.np, "savez", fill)
    with pytest.raises(SystemExit):
        main(["resume", str(run_path), "--set", "generations=9", "--quiet"])
    assert capsys.readouterr().err == (
        f"wann: {run_path / 'checkpoint.next.npz'}: No space left on device; "
        "the last checkpoint is safe, 'wann resume' goes on from it\n"
    )


# a folder from elsewhere


@pytest.mark.parametrize("name", ["failures.log", "metrics.csv", "champions", ".lock"])
def test_nothing_is_written_through_a_link(run_path, tmp_path, name):
    place, mine = run_path / name, tmp_path / "mine"
    if place.is_dir():
        shutil.move(place, mine)
    else:
        mine.write_bytes(place.read_bytes() if place.exists() else b"mine")
        place.unlink(missing_ok=True)
    place.symlink_to(mine)
    before = [path.read_bytes() for path in sorted(mine.rglob("*"))] or mine.read_bytes()
    with pytest.raises(ValueError, match=f"{re.escape(name)} is a link, which is not written through"):
        resume(run_path, generations=20, threads=1)
    assert ([path.read_bytes() for path in sorted(mine.rglob("*"))] or mine.read_bytes()) == before


# one process at a time


def test_a_run_is_held_by_one_at_a_time(tmp_path):
    folder = new_folder(tmp_path / "run")
    with folder.lock(), pytest.raises(ValueError, match="is in use: another process is running this search"):
        RunFolder.open(folder.path).lock()
    with folder.lock():
        pass


@pytest.mark.slow
def test_a_second_process_is_refused_in_one_line_and_changes_nothing(tmp_path, capsys):
    path = tmp_path / "run"
    arguments = [f"--set={name}={value}" for name, value in TINY.items() if name not in ("threads", "seed")]
    command = [sys.executable, "-m", "wann", "search", "swingup", "--out", str(path), "--threads", "1"]
    first = subprocess.Popen(
        [*command, "--quiet", "--set", "generations=1000000", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: (path / "champion.json").exists() or first.poll() is not None)
        before = (path / "config.toml").read_bytes()
        for second in (
            ["resume", str(path), "--set", "generations=3"],
            [
                "search",
                "swingup",
                "--out",
                str(path),
                "--resume",
                "--set=generations=3",
                "--seed=1",
                *arguments,
            ],
        ):
            with pytest.raises(SystemExit) as caught:
                main(second)
            captured = capsys.readouterr()
            assert caught.value.code == 2
            assert captured.out == ""
            (line,) = captured.err.splitlines()
            assert line == f"wann: {path} is in use: another process is running this search"
            assert (path / "config.toml").read_bytes() == before
        assert first.poll() is None, "the first goes on"
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    # The lock of a killed process holds nobody up.
    assert resume(path, generations=1, threads=1).stopped_by == "generations"


def wait_for(condition, seconds=600.0):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.005)


def test_the_champions_of_a_run_are_written_whole(run_path):
    folder = RunFolder.open(run_path)
    champion = Champion(
        "swingup",
        ("a", "b", "c", "d", "e"),
        ("f",),
        evolved(1, 5),
        Scores.from_returns(np.array([1.0]), np.ones((1, 2)), (1, 2)),
    )
    folder.save_champion(champion, 123)
    text = champion_to_json(champion)
    assert (run_path / "champions" / "000123.json").read_text(encoding="utf-8") == text
    assert (run_path / "champion.json").read_text(encoding="utf-8") == text


def test_a_second_search_for_the_same_folder_leaves_the_first_one_s_files(tmp_path, monkeypatch):
    """The first makes its folder between the second's look and its start."""
    path = tmp_path / "run"
    look = Path.exists

    def late(self, *args, **kwargs):
        answer = look(self, *args, **kwargs)
        if self == path:
            monkeypatch.setattr(Path, "exists", look)
            RunFolder.create(path, Settings(population=9))
        return answer

    monkeypatch.setattr(Path, "exists", late)
    with pytest.raises(ValueError, match="cannot write to"):
        RunFolder.create(path, Settings(population=8))
    assert RunFolder.open(path).settings.population == 9
    assert {"metrics.csv", "champions", "config.toml"} <= {file.name for file in path.iterdir()}


def test_a_run_from_before_a_column_was_added_goes_on(tmp_path):
    run = tmp_path / "run"
    search("swingup", out=run, threads=1, population=4, generations=2, max_steps=10, confirm_episodes=1)
    path = run / "metrics.csv"
    rows = [line.split(",")[:-1] for line in path.read_text().splitlines()]  # without `retried`, the last
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    resume(run, threads=1, generations=3)
    metrics = RunFolder.open(run).read_metrics()
    assert metrics["generation"].tolist() == [1, 2, 3]
    assert metrics["retried"].tolist() == [0, 0, 0]
