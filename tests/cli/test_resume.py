"""`wann resume`: a run goes on as if it had never ended."""

import json
import re
import shlex

import pytest
from commands import SET, files, rows, searched

from wann.run.folder import RunFolder


def test_resume_with_more_generations_equals_the_longer_run(wann_command, run_path, tmp_path):
    code, out, err = wann_command("resume", run_path, "--set", "generations=11", "--threads", "2", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["generations"] == 11
    longer = searched(tmp_path / "longer", generations=11)
    assert rows(run_path) == rows(longer)
    for name in ("champion.json", "config.toml"):
        assert (run_path / name).read_bytes() == (longer / name).read_bytes()
    champions = {name: text for name, text in files(longer).items() if name.startswith("champions")}
    assert champions
    assert {name: text for name, text in files(run_path).items() if name.startswith("champions")} == champions


def test_resuming_a_finished_run_computes_nothing(wann_command, no_evaluation, run_path):
    before = files(run_path)
    code, out, err = wann_command("resume", run_path, "--quiet")
    assert (code, err) == (0, "")
    assert out.startswith("Ended by generations after generation 4.\n")
    assert files(run_path) == before


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("generations", 3),
        ("target_score", 0),
        ("max_seconds", 0.000001),
        ("max_evaluations", 5),
        ("patience", 1),
    ],
)
def test_the_command_to_resume_that_a_search_ends_with_makes_it_longer(wann_command, tmp_path, rule, value):
    path = tmp_path / "run"
    values = [*SET, "--preset=paper", "--set=generations=6", f"--set={rule}={value}"]
    code, out, _ = wann_command("search", "swingup", *values, "--out", path, "--quiet")
    assert code == 0
    assert out.startswith(f"Ended by {rule} after generation ")
    before = len(rows(path))
    assert before < 6
    program, *arguments = shlex.split(out.splitlines()[-1].removeprefix("Resume"))
    assert program == "wann"
    code, out, _ = wann_command(*arguments, "--quiet")
    assert code == 0
    assert len(rows(path)) == (2 * before if rule == "generations" else 6)


def test_resume_starts_a_run_without_a_checkpoint_from_the_beginning(wann_command, ended, run_path):
    for name in ("checkpoint.npz", "champion.json", "metrics.csv"):
        (run_path / name).unlink()
    header = (ended / "metrics.csv").read_bytes().splitlines(keepends=True)[0]
    (run_path / "metrics.csv").write_bytes(header)
    code, _, err = wann_command("resume", run_path, "--quiet")
    assert (code, err) == (0, "")
    assert rows(run_path) == rows(ended)
    assert (run_path / "champion.json").read_bytes() == (ended / "champion.json").read_bytes()


def test_a_run_whose_checkpoints_are_both_damaged_is_refused(refused, run_path):
    (run_path / "checkpoint.npz").write_bytes(b"PK")
    before = files(run_path)
    line = refused("resume", run_path, "--set=generations=50")
    assert line.startswith(f"{run_path} cannot be resumed: checkpoint.npz is damaged")
    assert files(run_path) | {".lock": b""} == before | {".lock": b""}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "population=9",
            "'population' determines the run and cannot change when it is resumed; these can: gen",
        ),
        ("seed=9", "'seed' determines the run"),
        ("task=biped", "'task' determines the run"),
        ("preset=paper", "'preset' determines the run"),
        ("generatons=9", "unknown setting 'generatons'; did you mean 'generations'"),
        ("generations=0", "'generations': input should be greater than"),
        ("generations=none", "'generations': .*valid integer"),
        ("generations", "given as name=value"),
    ],
)
def test_a_wrong_change_at_resume_is_refused(refused, no_evaluation, run_path, assignment, message):
    before = files(run_path)
    assert re.search(message, refused("resume", run_path, "--set", assignment))
    assert files(run_path) == before


def test_a_resumed_run_on_a_disk_that_cannot_be_written_ends_in_one_line(refused, run_path):
    """The lock file is a folder here: as root nothing else is unwritable for sure."""
    (run_path / ".lock").unlink(missing_ok=True)
    (run_path / ".lock").mkdir()
    assert refused("resume", run_path, codes=(1, 2)).startswith(f"cannot write to {run_path}: ")


def test_going_on_keeps_an_extension_that_was_made_in_between(wann_command, tmp_path):
    some = (*SET, "--set=generations=20")
    search = ("search", "swingup", *some, "--out", tmp_path / "run", "--resume", "--quiet")
    assert wann_command(*search)[0] == 0
    assert wann_command("resume", tmp_path / "run", "--set", "patience=1000", "--quiet")[0] == 0
    assert wann_command(*search)[0] == 0
    assert RunFolder.open(tmp_path / "run").settings.patience == 1000
