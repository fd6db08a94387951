"""Tiny searches, and all that a run must reproduce."""

import csv

import numpy as np
import toys  # noqa: F401  registers its environments

from wann.run.folder import MEASURED
from wann.run.search import search

TINY = {"population": 10, "max_steps": 60, "confirm_episodes": 4, "episodes": 2, "seed": 1}
TINY |= {"elite_ratio": 0.2, "tournament_size": 8}
LEXICASE = {"selection": "lexicase", "contender_ratio": 0.4, "duplicate_node": 0.2, "delete_node": 0.13}
LEXICASE |= {"add_feature": 0.1, "disable_connection": 0.1, "retries": 5, "champion_rule": "duel"}


def tiny(path, **values):
    """A tiny search on one thread."""
    return search("swingup", out=path, **(TINY | {"generations": 12, "threads": 1} | values))


def result(path):
    """All that a run must reproduce: metrics and population but for the clock's columns, champions' bytes."""
    with open(path / "metrics.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in MEASURED:
            del row[name]
    champions = {file.name: file.read_bytes() for file in (path / "champions").iterdir()}
    champions["the front"] = (path / "front.json").read_bytes()
    with np.load(path / "checkpoint.npz") as file:
        population = {name: array.tobytes() for name, array in file.items() if name != "seconds"}
    return rows, (path / "champion.json").read_bytes(), champions, population


def files(path):
    return {file.name: file.read_bytes() for file in path.rglob("*") if file.is_file()}


TOY = {"population": 12, "generations": 5, "confirm_episodes": 3, "episodes": 2, "seed": 2, "threads": 1}
TOY |= {"fresh_env": False}


def toy(path, name="Counting", **values):
    """A tiny search on one of the toys."""
    return search(f"toys/{name}-v0", out=path, **(TOY | values))
