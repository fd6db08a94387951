"""What the studies share: the figures of a run as a row of results, and the file of the rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import wann
from wann.files import atomic_path
from wann.storage import RunFolder, Totals

Row = dict[str, Any]


def score(path: Path, *, episodes: int = 100, threads: int | None = None, workers: int | None = None) -> Row:
    """What a run found and spent, and what its champion scores on fresh episodes.

    Raises:
        ValueError: the folder is no run, or has no champion.
    """
    folder = RunFolder.open(path)
    checkpoint, _ = folder.load_checkpoint()
    totals = checkpoint.totals if checkpoint else Totals()
    champion = wann.load_champion(path)
    card = wann.evaluate(champion, episodes=episodes, seed=0, threads=threads, workers=workers)
    return {
        "task": folder.settings.task,
        "preset": folder.settings.preset,
        "seed": folder.settings.seed,
        "confirmed_mean": champion.scores.overall,
        "confirmed_best": champion.scores.best[1],
        "episodes": episodes,
        "paper_weights": fmean(weight.mean for weight in card.per_weight),
        "uniform_shared": card.uniform_shared.mean,
        "best_shared": card.best_shared.mean,
        "best_weight": card.best_shared.weight,
        "individual_random": card.individual_random.mean,
        "connections": champion.genome.connection_count,
        "hidden_nodes": champion.genome.hidden_count,
        "generations": checkpoint.state.generation if checkpoint else 0,
        "steps": totals.steps,
        "seconds": totals.seconds,
    }


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write a study's results."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
