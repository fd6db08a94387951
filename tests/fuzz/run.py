"""Fuzzing of every loader: damaged files must be refused in one line that names them, or read.

    make fuzz                                             a million files, on all processors
    make fuzz ARGS="--count 20000 --only champion,npz"    some loaders alone
    make fuzz ARGS="--again runs/fuzz/npz-1-402.npz"      one file once more, with its traceback

What is found lies under --out, a file for each kind of fault and loader. An input follows from the loader,
the seed and the number that the name of its file holds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

from fuzz import good_files
from fuzz.loaders import LOADERS, placed
from fuzz.trial import damaged, tried
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

COUNT, CHUNK = 1_000_000, 500


class Piece(NamedTuple):
    """Inputs of one loader that are tried together."""

    name: str
    seed: int
    first: int
    count: int


class Tried(NamedTuple):
    """What came of a piece."""

    piece: Piece
    accepted: int
    faults: list[tuple[str, int]]  # and the number of the input
    slowest: float  # s


def try_piece(piece: Piece, good: Path) -> Tried:
    """Try the inputs of a piece; runs in a process of its own."""
    loader, faults, accepted, slowest = LOADERS[piece.name], [], 0, 0.0
    work = good.parent / f"work-{os.getpid()}"
    work.mkdir(exist_ok=True)
    for number in range(piece.first, piece.first + piece.count):
        outcome = tried(loader, damaged(loader, good, piece.seed, number), good, work)
        accepted += outcome.accepted
        slowest = max(slowest, outcome.seconds)
        if outcome.fault:
            faults.append((outcome.fault, number))
    return Tried(piece, accepted, faults, slowest)


def pieces_of(names: list[str], count: int, seed: int) -> list[Piece]:
    """So many inputs, shared out evenly; the loaders take turns, so that the time left is known early."""
    each = -(-count // len(names))
    return [
        Piece(name, seed, first, min(CHUNK, each - first))
        for first in range(0, each, CHUNK)
        for name in names
    ]


def fuzz(options: argparse.Namespace, folder: Path, console: Console) -> int:
    """Try all inputs and print what came of them; gives the number of faults."""
    good = folder / "good"
    good.mkdir()
    good_files.make(good)
    pieces = pieces_of(options.only, options.count, options.seed)
    counts: dict[str, Counter[str]] = {name: Counter() for name in options.only}
    slowest = dict.fromkeys(options.only, 0.0)
    kept: Counter[tuple[str, str]] = Counter()
    columns = (
        TextColumn("files"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with (
        ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool,
        Progress(*columns, console=console) as progress,
    ):
        ended, begun, total = 0, time.monotonic(), sum(piece.count for piece in pieces)
        bar = progress.add_task("", total=total)
        waiting = {pool.submit(try_piece, piece, good): piece for piece in pieces}
        for done in as_completed(waiting):
            try:
                found = done.result()
            except BrokenProcessPool:
                console.print(
                    f"A process died; its input is one of {waiting[done]}, or of another piece under way."
                )
                return 1
            name, _, _, count = found.piece
            counts[name].update({"files": count, "read": found.accepted, "faults": len(found.faults)})
            slowest[name] = max(slowest[name], found.slowest)
            for fault, number in found.faults:
                kept[name, fault] += 1
                if kept[name, fault] == 1:
                    file = f"{name}-{options.seed}-{number}{LOADERS[name].suffix}"
                    options.out.mkdir(parents=True, exist_ok=True)
                    (options.out / file).write_bytes(damaged(LOADERS[name], good, options.seed, number))
                    console.print(f"{name}: {fault}: {options.out / file}", markup=False)
            progress.advance(bar, count)
            ended += count
            if not console.is_terminal and ended * 20 // total > (ended - count) * 20 // total:
                minutes = (time.monotonic() - begun) / ended * (total - ended) / 60.0
                console.print(f"{ended:,} of {total:,} files, {minutes:.0f} min left")
    table = Table("loader", "files", "read", "refused", "faults", "slowest")
    for name, count in counts.items():
        refused = count["files"] - count["read"] - count["faults"]
        numbers = (f"{number:,}" for number in (count["files"], count["read"], refused, count["faults"]))
        table.add_row(name, *numbers, f"{slowest[name]:.2f} s")
    console.print(table)
    for (name, fault), times in kept.most_common():
        console.print(f"{times} x {name}: {fault}", markup=False)
    return sum(count["faults"] for count in counts.values())


def again(path: Path, folder: Path) -> int:
    """Try one file, and print what came of it; gives 1 where it is a fault."""
    words = path.stem.removeprefix("found-").split("-")
    if words[0] not in LOADERS:
        raise SystemExit(f"{path}: its name must begin with one of {', '.join(LOADERS)}")
    loader, good = LOADERS[words[0]], folder / "good"
    good.mkdir()
    good_files.make(good)
    outcome = tried(loader, path.read_bytes(), good, folder)
    print(outcome)
    if outcome.fault:
        placed(loader, good, folder).write_bytes(path.read_bytes())
        loader.load(placed(loader, good, folder))  # once more, for its traceback
    return bool(outcome.fault)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=COUNT, help="files, over all loaders")
    parser.add_argument("--seed", type=int, default=1, help="of the damage")
    parser.add_argument("--only", default=",".join(LOADERS), help="names of loaders")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="folder for what is found")
    parser.add_argument("--again", type=Path, metavar="FILE", help="one file to try once more")
    options = parser.parse_args()
    options.only = options.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        faults = (
            again(options.again, Path(folder)) if options.again else fuzz(options, Path(folder), Console())
        )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
