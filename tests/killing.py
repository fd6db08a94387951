"""Kills searches, tunings, races and comparisons at random moments, and goes on to the same bytes.

    python tests/killing.py --kills 1000

A command runs in a fork of this process, where everything is loaded, so that most moments lie in its work.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from races import OPTIONS
from searches import TINY, result, tiny

from wann.cli.main import main
from wann.random_weights.bench.comparison import RESULTS

MOST = 3  # kills of one command, before it goes on to its end


class Command(NamedTuple):
    """A command that writes, the one that goes on with it, and what must be the same at the end."""

    start: list[str]
    go_on: list[str]
    begun: str  # the file that is there once there is something to go on with
    outcome: Callable[[Path], object]


def commands(folder: Path) -> dict[str, Command]:
    """Small commands of every kind that can be resumed, that write to `OUT`; makes what they need."""
    run, table = folder / "run", folder / "table.npz"
    if not run.exists():
        tiny(run, generations=8)
        rng = np.random.default_rng(0)
        labels = np.repeat(["a", "b", "c"], 20)
        rows = rng.normal(size=(60, 4)) + 3.0 * (labels[:, None] == np.array(["a", "b", "c", "d"]))
        np.savez(table, x=rows, y=labels)
    quiet = ["--quiet", "--threads=1"]
    settings = [f"--set={name}={value}" for name, value in (TINY | {"generations": 40}).items()]
    search = ["search", "swingup", "--out=OUT", "--set=checkpoint_seconds=0", *settings, *quiet]
    compared = [
        "compare",
        str(table),
        "--methods=elm-1000,ridge",
        "--seeds=3",
        "--out=OUT",
        "--quiet",
    ]
    tuned = ["tune", str(run), "--out=OUT", *(option for option in OPTIONS if "steps" not in option), *quiet]
    raced = ["race", str(run), "--networks=3", "--out=OUT", *OPTIONS, *quiet]
    resume = ["resume", "OUT", *quiet]
    return {
        "search": Command(search, resume, "config.toml", result),
        "tune": Command(tuned, resume, "", lambda path: path.read_bytes()),
        "race": Command(raced, resume, "race.json", lambda path: (path / "champion.json").read_bytes()),
        "compare": Command(compared, compared, RESULTS, scores),
    }


def scores(folder: Path) -> object:
    """What a comparison has measured, but for the seconds."""
    results = json.loads((folder / RESULTS).read_text())["results"]
    return sorted((each["method"], each["of"], each["score"], each["stored"]) for each in results)


def begin(arguments: list[str], out: Path) -> int:
    """Run a command in a fork of this process, unheard; gives its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        main([argument.replace("OUT", str(out)) for argument in arguments])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        os._exit(code)


def to_the_end(arguments: list[str], out: Path) -> float:
    """Seconds that a command takes."""
    begun = time.monotonic()
    code = os.waitstatus_to_exitcode(os.waitpid(begin(arguments, out), 0)[1])
    if code:
        raise AssertionError(f"{' '.join(arguments)} ended with {code} in {out}")
    return time.monotonic() - begun


def has_begun(command: Command, out: Path) -> bool:
    """Whether there is something to go on with."""
    if command.begun:
        return (out / command.begun).exists()
    return out.exists() or out.with_suffix(".tuning.npz").exists()


def kill_and_resume(command: Command, out: Path, seconds: float, rng: random.Random) -> int:
    """Start a command, kill it some times at random moments, let it end; gives the number of kills."""
    kills = rng.randint(1, MOST)
    for _ in range(kills):
        child = begin(command.go_on if has_begun(command, out) else command.start, out)
        time.sleep(rng.uniform(0.0, seconds))
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if not has_begun(command, out):  # what an early death has left is in nobody's way, or empty
            shutil.rmtree(out, ignore_errors=True)
    to_the_end(command.go_on if has_begun(command, out) else command.start, out)
    return kills


def kill(folder: Path, kills: int, seed: int, names: tuple[str, ...], tell: Callable[[str], None]) -> int:
    """Kill commands in turn, until there have been so many kills.

    Raises:
        AssertionError: a command did not go on to the bytes of an undisturbed one; its folder is left.
    """
    rng = random.Random(seed)  # noqa: S311
    known = commands(folder)
    wanted, seconds = {}, {}
    for name in names:
        whole = folder / f"{name}-whole"
        seconds[name] = to_the_end(known[name].start, whole)
        wanted[name] = known[name].outcome(whole)
    done, number, begun = 0, 0, time.monotonic()
    while done < kills:
        name = names[number % len(names)]
        out = folder / f"{name}-{number}"
        done += kill_and_resume(known[name], out, seconds[name], rng)
        if known[name].outcome(out) != wanted[name]:
            raise AssertionError(f"the {name} in {out} ended otherwise than the undisturbed one, seed {seed}")
        for path in folder.glob(f"{out.name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        number += 1
        left = (time.monotonic() - begun) / done * max(kills - done, 0)
        tell(f"{done} of {kills} kills, all resumed to the same bytes; {left / 60.0:.0f} min left")
    return done


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default="search,tune,race,compare")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="wann-kills-"))
    shown = 0.0

    def show(text: str) -> None:
        global shown
        if time.monotonic() - shown > 5.0:
            shown = time.monotonic()
            print(text, flush=True)

    total = kill(place, options.kills, options.seed, tuple(options.kinds.split(",")), show)
    print(f"{total} kills, all resumed to the same bytes")
    shutil.rmtree(place)
    sys.exit(0)
