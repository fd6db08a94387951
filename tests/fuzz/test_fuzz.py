"""Damaged files: every loader reads them or refuses them in one line that names them."""

import os
import pickle
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA
from fuzz import good_files
from fuzz.loaders import LOADERS, Loader
from fuzz.mutations import Trap
from fuzz.trial import damaged, tried

DAMAGED = DATA / "damaged"
INPUTS = 20_000  # over all loaders; `make fuzz` tries a million


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the good files."""
    folder = tmp_path_factory.mktemp("fuzz") / "good"
    folder.mkdir()
    good_files.make(folder)
    return folder


@pytest.mark.parametrize("name", LOADERS)
def test_a_good_file_is_read(name, good, tmp_path):
    for file in LOADERS[name].good:
        outcome = tried(LOADERS[name], (good / file).read_bytes(), good, tmp_path)
        assert outcome.fault == ""
        assert outcome.accepted or name == "mnist", outcome.message  # whose checksum is another


@pytest.mark.slow
@pytest.mark.parametrize("name", LOADERS)
def test_damaged_files_are_read_or_refused_in_one_line(name, good, tmp_path):
    faults = {}
    for number in range(-(-INPUTS // len(LOADERS))):
        outcome = tried(LOADERS[name], damaged(LOADERS[name], good, 0, number), good, tmp_path)
        if outcome.fault:
            faults.setdefault(outcome.fault, number)
    assert not faults, f"numbers of inputs of seed 0: {faults}"


def test_an_input_follows_from_its_address(good):
    for loader in LOADERS.values():
        first, second = (damaged(loader, good, 3, number) for number in (5, 6))
        assert damaged(loader, good, 3, 5) == first
        assert damaged(loader, good, 4, 5) != first or first == second


def _fails(_path: Path) -> None:
    raise KeyError("x")


def _control(path: Path) -> None:
    raise ValueError(f"{path}\x1b[31m")


def _nameless(_path: Path) -> None:
    raise ValueError("is wrong")


def _long(path: Path) -> None:
    raise ValueError(f"{path}: {'x' * 5000}")


def _subclass(path: Path) -> None:
    path.read_bytes().decode("ascii")


def _memory(_path: Path) -> None:
    np.ones(10**10)


def _code(path: Path) -> None:
    pickle.loads(path.read_bytes())  # noqa: S301  a trap of our own


@pytest.mark.parametrize(
    ("load", "fault"),
    [
        (_fails, "KeyError"),
        (_control, "control characters"),
        (_nameless, "without the file"),
        (_long, "characters"),
        (_subclass, "UnicodeDecodeError"),
        (_memory, "Error at"),
        (_code, "SystemExit"),
    ],
)
def test_what_is_wrong_with_an_outcome_is_noticed(load, fault, tmp_path):
    loader = Loader("made", (), LOADERS["champion"].mutation, ".bin", load)
    content = pickle.dumps(Trap()) if load is _code else b"\xff"
    assert fault in tried(loader, content, tmp_path, tmp_path).fault


def test_a_loader_that_does_not_end_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr("fuzz.trial.SECONDS", 0.2)

    def spin(_path: Path) -> None:
        end = time.monotonic() + 20.0
        while time.monotonic() < end:
            pass

    loader = Loader("made", (), LOADERS["champion"].mutation, ".bin", spin)
    assert "takes more than 0.2 s" in tried(loader, b"", tmp_path, tmp_path).fault


def _found() -> list[Path]:
    return sorted(DAMAGED.glob("found-*")) if DAMAGED.is_dir() else []


@pytest.mark.parametrize("path", _found() or [None], ids=lambda path: path.stem if path else "none")
def test_files_that_once_ended_in_a_traceback_no_longer_do(path, good, tmp_path):
    if path is None:
        pytest.skip(f"damaged files are not at {DAMAGED}")
    loader = LOADERS[path.stem.split("-")[1]]
    outcome = tried(loader, path.read_bytes(), good, tmp_path)
    assert outcome.fault == ""


@pytest.mark.parametrize("name", LOADERS)
def test_a_pipe_in_place_of_a_file_is_refused(name, good, tmp_path):
    """To open it would wait for ever for another process to write."""
    if name in ("genome", "assignment", "arguments"):
        pytest.skip("it reads no file")

    def replaced(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)
        LOADERS[name].load(path)

    loader = replace(LOADERS[name], load=replaced)
    outcome = tried(loader, b"", good, tmp_path)
    assert outcome.fault == ""
    assert "regular file" in outcome.message or "not a run folder" in outcome.message or name == "mnist_cache"
