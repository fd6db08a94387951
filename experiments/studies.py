"""What the studies share: the figures of a run as a row of results, and the file of the rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import wann
from wann.analysis.achievement import achievement
from wann.analysis.scorecard import profile
from wann.evaluation.placement import Placement
from wann.evolution.shared_weights import UNIFORM_WEIGHTS
from wann.run.checkpoint import Totals
from wann.run.folder import RunFolder
from wann.utils.files import atomic_path

Row = dict[str, Any]

ENOUGH = 20  # episodes, for all figures of a champion


def score(path: Path, *, episodes: int = 100, threads: int | None = None, workers: int | None = None) -> Row:
    """What a run found and spent, and what its champion scores on fresh episodes.

    Where `episodes` are fewer than `ENOUGH`, they are dear: then only 41 shared weights are tried, and the
    best one is chosen on one half of the episodes and scored on the other.

    Raises:
        ValueError: the folder is no run, or has no champion.
    """
    folder = RunFolder.open(path)
    checkpoint, _ = folder.load_checkpoint()
    totals = checkpoint.totals if checkpoint else Totals()
    champion = wann.load_champion(path)
    scores = _full if episodes >= ENOUGH else _brief
    return {
        "task": folder.settings.task,
        "preset": folder.settings.preset,
        "seed": folder.settings.seed,
        "confirmed_mean": champion.scores.overall,
        "confirmed_best": champion.scores.best[1],
        "episodes": episodes,
        **scores(champion, episodes, threads, workers),
        **_goal(champion),
        "connections": champion.genome.connection_count,
        "hidden_nodes": champion.genome.hidden_count,
        "generations": checkpoint.state.generation if checkpoint else 0,
        "steps": totals.steps,
        "seconds": totals.seconds,
    }


def _full(champion: wann.Champion, episodes: int, threads: int | None, workers: int | None) -> Row:
    card = wann.evaluate(champion, episodes=episodes, seed=0, threads=threads, workers=workers)
    return {
        "paper_weights": fmean(weight.mean for weight in card.per_weight),
        "uniform_shared": card.uniform_shared.mean,
        "best_shared": card.best_shared.mean,
        "best_weight": card.best_shared.weight,
        "individual_random": card.individual_random.mean,
    }


def _goal(champion: wann.Champion) -> Row:
    done = achievement(champion)
    return {"reached": done.reached, "median_amount": done.median} if done else {}


def _brief(champion: wann.Champion, episodes: int, threads: int | None, workers: int | None) -> Row:
    weights, returns = profile(
        champion, points=UNIFORM_WEIGHTS, episodes=episodes, placement=Placement(threads, workers)
    )
    best = int(returns[:, ::2].mean(axis=1).argmax())
    return {
        "paper_weights": None,
        "uniform_shared": float(returns.mean()),
        "best_shared": float(returns[best, 1::2].mean()),
        "best_weight": float(weights[best]),
        "individual_random": None,
    }


def key_of(row: Row) -> tuple[str, str, int]:
    """What tells a run from the others: of a row, or of its settings."""
    return row["task"], row["preset"], row["seed"]


def with_row(rows: Sequence[Row], row: Row, key: Sequence[str]) -> list[Row]:
    """The rows with one more, in place of what has the same key, ordered by the key."""

    def key_in(other: Row) -> list[Any]:
        return [other[name] for name in key]

    return sorted([*(other for other in rows if key_in(other) != key_in(row)), row], key=key_in)


def keep_champion(run: Path, path: Path) -> None:
    """Copy a run's champion to a study."""
    with atomic_path(path) as temporary:
        shutil.copyfile(run / "champion.json", temporary)


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write a study's results."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
