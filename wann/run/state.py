"""The state of a run: running, finished, stopped or failed; read without loading the engine.

A session keeps the lock of its folder while it works, and at its end leaves `ended.json`, which the next one
removes. A folder with neither was killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from wann.utils.files import atomic_path, is_locked
from wann.utils.reading import Schema, checked, in_file, one_line, parse_json, read_text

StateName = Literal["running", "finished", "stopped", "failed"]

STATES: tuple[StateName, ...] = get_args(StateName)
"""Running in some process; finished by a stop rule; stopped by a signal or killed; failed with an error."""

FORMAT = "wann-ended"
VERSION = 1
FILE = "ended.json"


class _Ended(Schema):
    """What the file holds, beside its form."""

    state: StateName
    reason: str


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run, and its reason: a stop rule, "signal", "killed", or an error in one line."""

    name: StateName
    reason: str = ""

    @property
    def words(self) -> str:
        """Such as "finished" or "stopped (killed)": the usual reason is left out, and so is an error."""
        usual = {"finished": "generations", "stopped": "signal"}
        plain = self.name in ("running", "failed") or self.reason == usual[self.name]
        return self.name if plain else f"{self.name} ({self.reason})"


def read_state(path: Path) -> RunState:
    """The state of the run in a folder.

    A run of an older version left no `ended.json`: it counts as killed.

    Raises:
        ValueError: `ended.json` is damaged.
    """
    if is_locked(path):
        return RunState("running")
    file = path / FILE
    try:
        text = read_text(file)
    except ValueError:
        if is_locked(path):  # a session has begun since
            return RunState("running")
        if file.exists():
            raise
        return RunState("stopped", "killed")
    with in_file(file):
        ended = checked(_Ended, parse_json(text, "the end of a run", FORMAT, VERSION))
    return RunState(ended.state, one_line(ended.reason))


def write_end(path: Path, state: RunState) -> None:
    """Say how a session ended; only while holding the lock of the folder."""
    data = {"format": FORMAT, "version": VERSION, "state": state.name, "reason": state.reason}
    with atomic_path(path / FILE) as temporary:
        temporary.write_text(json.dumps(data) + "\n", encoding="utf-8")


@contextmanager
def session_of(path: Path) -> Iterator[None]:
    """A session of a run, held by the lock: until its end nothing says how the last one ended.

    An error is written down as the reason of a failure. Any other end is the block's own to write.
    """
    (path / FILE).unlink(missing_ok=True)
    try:
        yield
    except Exception as error:
        with suppress(OSError):  # of a full disk, maybe that very error
            write_end(path, RunState("failed", one_line(error) or type(error).__name__))
        raise
