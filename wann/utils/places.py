"""Default places of files, and the refusal of one that is taken."""

from __future__ import annotations

from pathlib import Path


def companion(path: Path, name: str, ending: str | None = None) -> Path:
    """Default place of a file about a champion.

    Args:
        path: a run folder, in which it is called `name`, or a champion file, beside which it lies.
        name: of the file.
        ending: what it has there in place of the champion file's suffix; by default a dot and `name`.
    """
    if path.is_dir():
        return path / name
    return path.with_name(path.stem + (f".{name}" if ending is None else ending))


def refuse_taken(path: Path, option: str = "--out") -> None:
    """Refuse a file that there is already.

    Raises:
        ValueError: there is; the message names the option that chooses another.
    """
    if path.exists():
        raise ValueError(f"{path} exists already: choose another {option}")
