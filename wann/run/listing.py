"""The runs in a folder, each in a line; read without loading the engine, so that hundreds take no time."""

from __future__ import annotations

import csv
import math
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wann.run.state import RunState, StateName, read_state

_DEEPEST = 3  # folders of folders of runs
_TAIL = 4096  # bytes; a row of metrics has some 400


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
    changed: float  # when the metrics last changed, in seconds since 1970

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
    try:
        settings = tomllib.loads(config.read_text(encoding="utf-8"))
        row, changed = _last_row(metrics)
    except OSError as error:
        raise ValueError(f"cannot read {error.filename or path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"{config}: {error}") from None
    try:
        line = RunLine(
            path,
            str(settings["task"]),
            str(settings["preset"]),
            int(settings["seed"]),
            state,
            int(row.get("generation", 0)),
            int(settings["generations"]),
            _number(row, "champion_mean"),
            _number(row, "champion_best_weight"),
            int(row["champion_connections"]) if _number(row, "champion_mean") is not None else None,
            int(row.get("evaluations", 0)),
            changed,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if state.reason == "killed" and line.generation >= line.generations:
        # Runs of older versions do not say how they ended.
        return replace(line, state=RunState("finished", "generations"))
    return line


def _last_row(path: Path) -> tuple[dict[str, str], float]:
    """The last whole row of a table by column, empty where there is none; and when the file changed."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno())
        head = file.readline().decode()
        file.seek(max(len(head), size.st_size - _TAIL))
        rows = file.read().decode(errors="replace").rpartition("\n")[0].splitlines()
    if not rows:
        return {}, size.st_mtime
    names, values = csv.reader([head, rows[-1]])
    return dict(zip(names, values, strict=False)), size.st_mtime


def _number(row: dict[str, str], name: str) -> float | None:
    value = float(row.get(name) or math.nan)
    return value if math.isfinite(value) else None


def counted_states(lines: Sequence[RunLine]) -> str:
    """How many runs are in each state: "8 finished, 2 running"."""
    order: tuple[StateName, ...] = ("finished", "running", "stopped", "failed")
    counts = {name: sum(line.state.name == name for line in lines) for name in order}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
