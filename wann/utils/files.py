"""Files that are there whole or not at all, written aside and renamed; folders that one process writes to."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes `path` when the block ends without an exception.

    The temporary file is empty, lies in the folder of `path`, and has the same suffix, as writers that
    choose a format by it need. At the end it is flushed to disk before the renaming, so that after a power
    cut either the old or the new content is there. After an exception, KeyboardInterrupt included, it is
    removed and `path` is as it was. Its permissions are those of any new file, 0666 less the umask.

    Args:
        path: the file to make or to replace.

    Yields:
        The temporary path.

    Raises:
        IsADirectoryError: `path` is a folder; raised before the block is entered.
        OSError: the folder is missing or cannot be written to, likewise; or the disk is full.
    """
    final = Path(path)
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, "Is a directory", str(final))
    # A short name of its own, so that a name near the longest the file system allows still works.
    temporary = final.with_name(f".wann-{secrets.token_hex(8)}{final.suffix}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        # The caller knows the final name, not ours.
        raise type(error)(error.errno, error.strerror, str(final)) from None
    try:
        with naming(final):
            yield temporary
            _flush_to_disk(temporary)
        os.replace(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)


def lock_folder(path: str | os.PathLike[str], user: str) -> AbstractContextManager[object]:
    """Context manager that keeps a second process from writing to a folder.

    Args:
        path: the folder.
        user: what another process that holds it would be, for the message.

    Raises:
        ValueError: another process holds it, or it cannot be written to; or something in it is a link, by
            which a folder from elsewhere could have other files written.
    """
    for place in Path(path).glob("*"):
        if place.is_symlink():
            raise ValueError(
                f"{place} is a link, which is not written through: put what it leads to in its place"
            )
    try:
        return FileLock(Path(path) / ".lock", timeout=0).acquire()
    except Timeout:
        raise ValueError(f"{path} is in use: another {user}") from None
    except OSError as error:
        raise ValueError(f"cannot write to {path}: {error.strerror or error}") from None


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name a file in an OSError that does not: a write to a full disk knows only a number."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


def _flush_to_disk(path: Path) -> None:
    """Wait until the content of a file has reached the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
