"""Files are there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wann.utils import files
from wann.utils.files import atomic_path


def test_the_file_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "out.json"
    with atomic_path(path) as temporary:
        temporary.write_text("{}")
        assert not path.exists()
    assert path.read_text() == "{}"
    assert os.listdir(tmp_path) == ["out.json"]


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with atomic_path(str(path)) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_an_exception_leaves_everything_as_it_was(tmp_path, error):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("name", ["film.mp4", "archive.tar.gz", "plain", "checkpoint.npz"])
def test_the_temporary_file_lies_beside_with_the_same_suffix(tmp_path, name):
    path = tmp_path / name
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == path.suffix
        assert temporary != path


def test_a_name_of_the_greatest_length_works(tmp_path):
    path = tmp_path / ("n" * 251 + ".svg")
    with atomic_path(path) as temporary:
        temporary.write_text("x")
    assert path.read_text() == "x"


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        with atomic_path(tmp_path / "out.txt") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == 0o666 & ~mask


def test_the_content_is_flushed_before_the_renaming(tmp_path, monkeypatch):
    path, order = tmp_path / "out.txt", []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        order.append(("fsync", os.fstat(descriptor).st_size, path.exists()))
        fsync(descriptor)

    def note_replace(source: Path, target: Path) -> None:
        order.append(("replace", source.stat().st_size, path.exists()))
        replace(source, target)

    monkeypatch.setattr(files.os, "fsync", note_fsync)
    monkeypatch.setattr(files.os, "replace", note_replace)
    with atomic_path(path) as temporary:
        temporary.write_text("12345")
    assert order == [("fsync", 5, False), ("replace", 5, False)]


def test_a_full_disk_at_the_flush_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"), atomic_path(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_missing_folder_is_refused_before_the_block_with_the_name_the_caller_knows(tmp_path):
    path = tmp_path / "missing" / "out.txt"
    with pytest.raises(FileNotFoundError) as caught, atomic_path(path):
        pytest.fail("the block was entered")
    assert caught.value.filename == str(path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError), atomic_path(tmp_path / "file" / "out.txt"):
        pytest.fail("the block was entered")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError), atomic_path(tmp_path):
        pytest.fail("the block was entered")


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "out.txt"
    with atomic_path(path) as first, atomic_path(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert os.listdir(tmp_path) == ["out.txt"]
