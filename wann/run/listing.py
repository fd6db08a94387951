"""The runs in a folder, each in a line; read without loading the engine, so that hundreds take no time."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from wann.run.state import RunState, StateName, read_state
from wann.utils.reading import (
    LARGEST_ARRAYS,
    LARGEST_SETTINGS,
    Natural,
    Schema,
    checked,
    in_file,
    load_toml,
    read_bytes,
)

_DEEPEST = 3  # folders of folders of runs
_TAIL = 4096  # bytes; a row of metrics has some 400
_COUNTS = {"generation", "champion_connections", "evaluations"}  # columns of metrics


class _Settings(Schema):
    """The settings that are shown."""

    task: str
    preset: str
    seed: Natural
    generations: int = Field(ge=1)


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a line; a number is None where there is none yet."""

    path: Path
    task: str
    preset: str
    seed: int
    state: RunState
    generation: int  # complete ones
    generations: int  # at which it stops
    mean: float | None  # confirmed mean return of the champion
    best: float | None  # its confirmed return at its best shared weight
    connections: int | None  # of the champion
    evaluations: int

    def to_dict(self) -> dict[str, Any]:
        """The same as plain words and numbers."""
        return {
            "run": os.fspath(self.path),
            "task": self.task,
            "preset": self.preset,
            "seed": self.seed,
            "state": self.state.name,
            "reason": self.state.reason,
            "generation": self.generation,
            "generations": self.generations,
            "confirmed_mean": self.mean,
            "best_shared": self.best,
            "connections": self.connections,
            "evaluations": self.evaluations,
        }


def find_runs(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Run folders: those given, and those in folders given, down to three levels; each once.

    Those of a folder are in the order of their names, in which seed-2 is before seed-10.

    Raises:
        ValueError: a path does not exist or holds no run.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise ValueError(f"run folder {path} does not exist")
        runs = list(_runs_in(path, _DEEPEST))
        if not runs:
            raise ValueError(f"{path} is not a run folder, and there is none in it")
        found.update(dict.fromkeys(runs))
    return list(found)


def _runs_in(path: Path, depth: int) -> Iterator[Path]:
    if (path / "config.toml").is_file():
        yield path
    elif depth and path.is_dir():
        try:
            inner = [Path(entry.path) for entry in os.scandir(path) if entry.is_dir()]
        except OSError:  # not ours to read
            return
        for each in sorted(inner, key=_natural):
            yield from _runs_in(each, depth - 1)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Key of an order in which numbers in names count as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def read_line(path: Path) -> RunLine:
    """A run in a line, also while it goes on.

    Raises:
        ValueError: a file is damaged.
    """
    state = read_state(path)
    config, metrics = path / "config.toml", path / "metrics.csv"
    content = read_bytes(config, largest=LARGEST_SETTINGS)
    with in_file(config):
        settings = checked(_Settings, load_toml(content))
    row = _last_row(read_bytes(metrics, largest=LARGEST_ARRAYS))
    mean, best = (row.get(name) for name in ("champion_mean", "champion_best_weight"))
    line = RunLine(
        path,
        settings.task,
        settings.preset,
        settings.seed,
        state,
        int(row.get("generation", 0)),
        settings.generations,
        mean,
        best,
        None if mean is None else int(row["champion_connections"]),
        int(row.get("evaluations", 0)),
    )
    if state.reason == "killed" and line.generation >= line.generations:
        # Runs of older versions do not say how they ended.
        return replace(line, state=RunState("finished", "generations"))
    return line


def _last_row(content: bytes) -> dict[str, float]:
    """The finite numbers of the last whole row of metrics by column; empty before the first."""
    first = content.partition(b"\n")[0]
    names = first.decode("utf-8", "replace").rstrip("\r").split(",")
    rows = content[max(len(first) + 1, len(content) - _TAIL) :].decode("utf-8", "replace").split("\n")
    for row in reversed(rows[:-1]):  # what follows the last line is being written
        values = row.rstrip("\r").split(",")
        with suppress(ValueError):
            found = {name: float(value) for name, value in zip(names, values, strict=True)}
            finite = {name: value for name, value in found.items() if math.isfinite(value)}
            if finite.keys() >= _COUNTS and finite["generation"] >= 1.0:
                return finite
    return {}


def counted_states(lines: Sequence[RunLine]) -> str:
    """How many runs are in each state: "8 finished, 2 running"."""
    order: tuple[StateName, ...] = ("finished", "running", "stopped", "failed")
    counts = {name: sum(line.state.name == name for line in lines) for name in order}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
