"""What the tests of several commands share."""

import csv
import os
import subprocess
import sys

import toys

from wann.run import search
from wann.run.folder import MEASURED

TINY = {"population": 8, "max_steps": 50, "confirm_episodes": 4, "episodes": 2, "seed": 11}
SET = [f"--set={name}={value}" for name, value in TINY.items()]
_TOY = {"population": 8, "confirm_episodes": 3, "episodes": 2, "seed": 11, "generations": 3}
TOY_SET = [f"--set={name}={value}" for name, value in _TOY.items()]
BEGINNINGS = {
    ".svg": b"<?xml",
    ".png": b"\x89PNG",
    ".pdf": b"%PDF",
    ".gif": b"GIF8",
    ".mp4": b"\x00\x00\x00",
}
"""How a file of each kind begins."""
FEW = ("--episodes", "3", "--threads", "1")


def searched(path, **values):
    search.search("swingup", out=path, threads=1, **(TINY | {"generations": 4} | values))
    return path


def rows(path):
    """Metrics as text, but for the columns that a clock measured."""
    with open(path / "metrics.csv", newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name not in MEASURED} for row in found]


def files(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def in_a_process_of_its_own(*arguments):
    """As `wann_command`, where a traceback of the environment may be shown, and no toy is registered yet."""
    done = subprocess.run(
        [sys.executable, "-m", "wann", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.path.dirname(toys.__file__)},
    )
    return done.returncode, done.stdout, done.stderr


def in_one_line(text):
    """Text without its line breaks and columns."""
    return " ".join(text.split())
