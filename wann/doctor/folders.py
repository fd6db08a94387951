"""Checks of the folders that files are written to."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from wann.doctor.finding import CheckResult


def run_folders() -> CheckResult:
    """Whether run folders can be made here, and how much space there is."""
    folder = Path("runs")
    if reason := cannot_write(folder):
        return CheckResult(
            "problem",
            f"{folder.absolute()} cannot be written to: {reason}",
            "start where you may write, or give searches --out FOLDER",
        )
    free = shutil.disk_usage(_existing(folder)).free
    found = f"{folder.absolute()}, {_bytes(free)} free"
    if free < 2**26:
        return CheckResult("problem", found, "free some space, or give searches --out FOLDER on another disk")
    return CheckResult("note", found, "free some space") if free < 2**30 else CheckResult("ok", found)


def ray_files() -> CheckResult:
    """Whether Ray can write its files, and how much space there is.

    Source: Ray 2.60 for the folder.
    """
    named = os.environ.get("RAY_TMPDIR") or (os.environ.get("TMPDIR") if sys.platform == "linux" else None)
    folder = Path(named or "/tmp") / "ray"  # noqa: S108  Ray's choice
    if reason := cannot_write(folder):
        fix = "export RAY_TMPDIR=FOLDER, a short path that can be written to"
        return CheckResult("problem", f"{folder} cannot be written to ({reason}): Ray will not start", fix)
    usage = shutil.disk_usage(_existing(folder))
    found = f"{folder}, {_bytes(usage.free)} free"
    if usage.free < 0.05 * usage.total:
        return CheckResult("note", f"{found}: Ray complains above 95 % of the disk", "free some space")
    return CheckResult("ok", found)


def cannot_write(folder: Path) -> str | None:
    """Why a folder or a file in it cannot be made; None if it can."""
    existing = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    return next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)


def _bytes(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"
