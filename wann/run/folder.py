"""The run folder: resolved settings, metrics, checkpoints, champions; written so that nothing is ever lost.

config.toml              the resolved settings
metrics.csv              one row per generation
initial.json             the champion that the search started from, if it did
checkpoint.npz           the last complete generation
checkpoint.previous.npz  the one before it
failures.log             networks that could not be evaluated, and why
champions/000128.json    each new champion, confirmed on fresh episodes
champion.json            the best of them
front.json               the Pareto front of the last complete generation
ended.json               how the last session ended; none while one works, or if it was killed
"""

from __future__ import annotations

import csv
import math
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from wann.champion import Champion, champion_from_json, save_champion
from wann.run.checkpoint import FORMAT, Checkpoint, NewerFormatError, pack, unpack
from wann.settings import Settings, build_settings, to_toml
from wann.tasks.registry import get_task
from wann.tasks.task import Task
from wann.tasks.trust import refuse_untrusted, trust_word
from wann.utils.arrays import FloatArray
from wann.utils.files import atomic_path, lock_folder, naming
from wann.utils.reading import (
    LARGEST_ARRAYS,
    LARGEST_SETTINGS,
    in_file,
    load_toml,
    read_bytes,
    read_text,
    shown,
)

METRICS = (
    "generation",
    "best_mean",  # best mean return of this generation, over its weights and episodes
    "median_mean",  # median of the mean returns of this generation
    "best_weight_return",  # best return of any network of this generation at any one weight
    "champion_mean",  # confirmed mean return of the champion so far
    "champion_best_weight",  # its best confirmed return at one weight
    "champion_connections",
    "champion_nodes",
    "best_connections",  # of the network with the best mean return
    "best_nodes",
    "median_connections",
    "median_nodes",
    "evaluations",  # networks evaluated so far, confirmations included
    "steps",  # environment steps so far
    "failed",  # networks of this generation that could not be evaluated; failures.log says why
    "seconds_evaluation",  # of this generation
    "seconds_waiting",  # of these, beyond what its busiest worker computed
    "seconds_variation",
    "seconds_other",
    "workers",  # threads or evaluator processes that took part
    "retried",  # chunks that were computed again, as their worker was lost
)
"""Columns of metrics.csv."""

MEASURED = (
    "seconds_evaluation",
    "seconds_waiting",
    "seconds_variation",
    "seconds_other",
    "workers",
    "retried",
)
"""The columns that depend on where it ran; all others follow from the settings."""

_ADDED = ("failed", "seconds_waiting", "workers", "retried")  # columns that runs from before do not have


class RunFolder:
    """One run on disk. Make it with `create` or `open`; hold `lock()` while writing."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], settings: Settings, initial: Champion | None = None
    ) -> RunFolder:
        """A new run folder with its settings; fails before the search if it cannot be written.

        Args:
            path: of the folder; it may exist if it is empty.
            settings: of the run.
            initial: the champion whose digest they name as `initial_genome`, from `as_initial`.

        Raises:
            ValueError: the folder exists and is not empty, or cannot be written.
        """
        folder = cls(Path(path), settings)
        try:
            if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
                what = (
                    "holds a run already: resume it, or choose another --out"
                    if is_run(folder.path)
                    else "exists and is not an empty folder: choose another --out"
                )
                raise ValueError(f"{path} {what}")
            # Outside the block that cleans up: if another process was faster, what is there is its own.
            (folder.path / "champions").mkdir(parents=True)
            try:
                folder._write_metrics([])
                if initial:
                    save_champion(initial, folder.path / "initial.json")
                folder.save_settings(settings)  # the last, as it makes the folder a run
            except OSError:
                folder.remove_if_empty()
                raise
        except OSError as error:
            raise ValueError(f"cannot write to {path}: {error.strerror or error}") from None
        return folder

    def remove_if_empty(self) -> None:
        """Remove a folder in which no search has begun, so that the same command works later."""
        if any(path.exists() for path in self._checkpoints()):
            return
        with suppress(OSError):
            (self.path / "champions").rmdir()  # first, as it fails where there is a champion
            for name in ("metrics.csv", "initial.json", "ended.json", "config.toml", ".lock"):
                (self.path / name).unlink(missing_ok=True)
            self.path.rmdir()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunFolder:
        """An existing run folder.

        Raises:
            ValueError: it is missing, is not a run folder, has a newer format, or its settings are broken.
        """
        path = Path(path)
        if not path.exists():
            raise ValueError(f"run folder {path} does not exist")
        if not is_run(path):
            raise ValueError(f"{path} is not a run folder: it holds no config.toml")
        config = path / "config.toml"
        content = read_bytes(config, largest=LARGEST_SETTINGS)
        with in_file(config):
            values = load_toml(content)
            written = values.pop("format", None)
            if isinstance(written, int) and written > FORMAT:
                raise ValueError(
                    f"has format {written}, newer than {FORMAT}, the newest known here: update wann"
                )
            if written != FORMAT or isinstance(written, bool):
                raise ValueError(f"has no valid format, but {shown(written)}")
            return cls(path, build_settings(values))

    def lock(self) -> AbstractContextManager[object]:
        """Context manager that keeps a second process from writing to this run.

        Raises:
            ValueError: another process holds it.
        """
        return lock_folder(self.path, "process is running this search")

    def drop_leftovers(self) -> None:
        """Remove what a killed process left half-written; only while holding the lock."""
        (self.path / "checkpoint.next.npz").unlink(missing_ok=True)
        for folder in (self.path, self.path / "champions"):
            for path in folder.glob(".wann-*"):  # the temporary names of `wann.utils.files`
                if path.suffix in (".toml", ".csv", ".npz", ".json"):
                    path.unlink(missing_ok=True)

    def save_settings(self, settings: Settings) -> None:
        """Write the resolved settings."""
        header = "# Everything that determines this run. `wann resume` may change its stop rules.\n"
        path = self.path / "config.toml"
        with atomic_path(path) as temporary:
            temporary.write_text(f"{header}format = {FORMAT}\n\n{to_toml(settings)}", encoding="utf-8")
        self.settings = settings

    def load_initial(self) -> Champion | None:
        """The champion that the search starts from; None if it starts anew.

        Raises:
            ValueError: it is missing, or not what it was when the run began.
        """
        if self.settings.initial_genome is None:
            return None
        path = self.path / "initial.json"
        text = read_text(path, "initial champion")
        if sha256(text.encode()).hexdigest() != self.settings.initial_genome:
            raise ValueError(f"{path} is not what it was when the run began: its SHA-256 differs")
        with in_file(path):
            return champion_from_json(text)

    # metrics

    def append_metrics(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Add rows to metrics.csv, and wait until they are on disk."""
        path = self.path / "metrics.csv"
        with naming(path), open(path, "a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, METRICS, lineterminator="\n").writerows(rows)
            file.flush()
            os.fsync(file.fileno())

    def truncate_metrics(self, generations: int) -> str | None:
        """Drop the rows after this many generations: they are about to be computed again.

        Returns:
            A note where rows are missing, or None. Nothing but curves depends on them.
        """
        there = (self.path / "metrics.csv").exists()
        kept = [row for row in self._metric_rows() if int(row["generation"]) <= generations] if there else []
        self._write_metrics(kept)
        lost = generations - len(kept)
        if not lost:
            return None
        return f"metrics.csv lacks {lost} of {generations} generations: curves have a gap there"

    def read_metrics(self) -> dict[str, FloatArray]:
        """Columns of metrics.csv by name, (G,) each.

        Rows that are not whole are left out. Where generations are missing, one row stands for them: it has
        the first one's number, and NaN in all other columns.

        Raises:
            ValueError: the file is missing or has other columns.
        """
        rows = self._metric_rows()
        columns = {name: np.array([float(row[name]) for row in rows]) for name in METRICS}
        generation = columns["generation"]
        missing = np.concatenate([[0.0], generation])[:-1] + 1.0
        gaps = np.flatnonzero(generation > missing)
        return {
            name: np.insert(column, gaps, missing[gaps] if name == "generation" else np.nan)
            for name, column in columns.items()
        }

    def last_generation(self) -> int:
        """The last generation with a row in metrics.csv; 0 before the first.

        Raises:
            ValueError: as `read_metrics`.
        """
        rows = self._metric_rows()
        return int(rows[-1]["generation"]) if rows else 0

    def _metric_rows(self) -> list[dict[str, str]]:
        path = self.path / "metrics.csv"
        text = read_bytes(path, largest=LARGEST_ARRAYS).decode("utf-8", "replace")
        first, *lines = text[: text.rfind("\n") + 1].split("\n")
        names = first.rstrip("\r").split(",")
        if not set(METRICS) - set(_ADDED) <= set(names) <= set(METRICS):
            raise ValueError(
                f"{path} does not have the columns of a run's metrics: move it away, and 'wann resume' goes "
                "on without its rows"
            )
        nothing, rows, last = dict.fromkeys(_ADDED, "0"), [], 0
        for line in lines:  # numbers alone, so nothing is quoted
            values = line.rstrip("\r").split(",")
            row = nothing | dict(zip(names, values, strict=False))
            if len(values) == len(names) and _is_whole(row) and int(row["generation"]) > last:
                rows.append(row)
                last = int(row["generation"])
        return rows

    def _write_metrics(self, rows: Sequence[Mapping[str, object]]) -> None:
        path = self.path / "metrics.csv"
        with (
            atomic_path(path) as temporary,
            open(temporary, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, METRICS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    # failures

    def log_failures(self, generation: int, failures: Iterable[tuple[int, str]]) -> None:
        """Add to failures.log the reasons why networks of a generation, by index, could not be evaluated."""
        path = self.path / "failures.log"
        with naming(path), open(path, "a", encoding="utf-8") as file:
            for index, reason in failures:
                file.write(f"generation {generation}, network {index}: {reason.rstrip()}\n\n")

    # champions

    def save_champion(self, champion: Champion, generation: int) -> None:
        """Write a new champion, both under its generation and as the best."""
        (self.path / "champions").mkdir(exist_ok=True)  # a copy may have dropped the empty folder
        for path in (self.path / "champions" / f"{generation:06d}.json", self.path / "champion.json"):
            save_champion(champion, path)

    def champions(self) -> dict[int, Path]:
        """Champion files by generation, in ascending order."""
        return champion_files(self.path)

    def drop_champions_after(self, generation: int) -> None:
        """Remove champions of later generations, which are about to be found again."""
        for found, path in self.champions().items():
            if found > generation:
                path.unlink()

    # the Pareto front

    def save_front(self, text: str) -> None:
        """Write front.json, from `wann.run.front.front_to_json`."""
        with atomic_path(self.path / "front.json") as temporary:
            temporary.write_text(text, encoding="utf-8")

    def drop_front(self) -> None:
        """Remove front.json: it is of a generation that is about to be computed again."""
        (self.path / "front.json").unlink(missing_ok=True)

    def read_front(self) -> str:
        """Text of front.json.

        Raises:
            ValueError: there is none, or it cannot be read.
        """
        path = self.path / "front.json"
        if not path.exists():
            more = f"{shlex.quote(str(self.path))} --set generations={self.last_generation() + 1}"
            more += trust_word(self.settings.task, self.settings.env_kwargs)
            raise ValueError(
                f"{self.path} has no Pareto front yet: 'wann resume {more}' computes a generation, and its "
                "front with it"
            )
        return read_text(path, "front")

    # checkpoints

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint aside, keep the one before, and rename.

        Raises:
            OSError: it cannot be written; the checkpoints on disk are as they were.
        """
        current, previous = self._checkpoints()
        upcoming = self.path / "checkpoint.next.npz"
        with atomic_path(upcoming) as temporary:
            np.savez(temporary, allow_pickle=False, **pack(checkpoint))
        if current.exists():
            os.replace(current, previous)
        os.replace(upcoming, current)

    def load_checkpoint(self) -> tuple[Checkpoint | None, str | None]:
        """The last whole checkpoint, and a note when it is not the newest; None before the first one.

        Raises:
            ValueError: there are checkpoints, but none is whole, or one cannot be read.
        """
        problems = []
        for path in self._checkpoints():
            if not path.exists():
                continue
            content = read_bytes(path, largest=LARGEST_ARRAYS)  # where that fails the file may be whole
            try:
                checkpoint = unpack(content)
            except NewerFormatError as error:
                raise ValueError(f"{path} {error}") from None
            except ValueError as error:
                problems.append(f"{path.name} is damaged ({error})")
                continue
            note = "; ".join(problems)
            return checkpoint, f"{note}: going on from {path.name}" if note else None
        if problems:
            raise ValueError(f"{self.path} cannot be resumed: {'; '.join(problems)}")
        return None, None

    def set_damaged_aside(self) -> None:
        """Take the newest checkpoint, which is damaged, out of the way of the next; only with the lock.

        Else the next one would take its place, and it that of the whole one before.
        """
        with suppress(FileNotFoundError):
            os.replace(self._checkpoints()[0], self.path / "checkpoint.damaged.npz")

    def _checkpoints(self) -> tuple[Path, Path]:
        return self.path / "checkpoint.npz", self.path / "checkpoint.previous.npz"


_MOST_GENERATIONS = 10**9  # of the settings
_RETURNS = ("best_mean", "median_mean", "best_weight_return", "champion_mean", "champion_best_weight")


def _is_whole(row: Mapping[str, str]) -> bool:
    """Whether a row of metrics holds numbers, of which returns alone may be no finite ones."""
    try:
        numbers = {name: float(value) for name, value in row.items()}
        return 0 < int(row["generation"]) <= _MOST_GENERATIONS and all(
            math.isfinite(number) for name, number in numbers.items() if name not in _RETURNS
        )
    except ValueError:
        return False


def as_initial(champion: Champion) -> tuple[Champion, str]:
    """The part of a champion that a search starts from, without individual weights; and its digest.

    Returns:
        The champion to keep as initial.json, and the setting `initial_genome` that names it.
    """
    initial = replace(champion, tuned=None, tuning={}, importance=None)
    return initial, initial.digest


def champion_files(path: Path) -> dict[int, Path]:
    """Champion files of a run folder by generation, in ascending order."""
    paths = (path / "champions").glob("*.json")
    return dict(sorted((int(each.stem), each) for each in paths if each.stem.isdecimal()))


def is_run(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a run."""
    return (Path(path) / "config.toml").is_file()


def task_of(settings: Settings) -> Task:
    """The task that a run's settings name.

    Raises:
        UntrustedError: it would import a module that the user has not named; see `wann.tasks.trust`.
        ValueError: there is no such task.
    """
    refuse_untrusted(settings.task, settings.env_kwargs)
    return get_task(
        settings.task,
        settings.env_kwargs,
        settings.stepping,
        settings.fresh_env,
        settings.episode_seconds,
        stop_without_reward=settings.stop_without_reward,
    )
