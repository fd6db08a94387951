"""Champions of the weight-agnostic search as rows of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wann.analysis.classifier import evaluate_classifier
from wann.analysis.paper_table import Cell, published_row
from wann.champion import load_champion
from wann.random_weights.bench.method import Measurement
from wann.run.folder import RunFolder, is_run

_IMAGES_OF = {"mnist28": "mnist"}  # a data set, and the one with the same images as champions see them


@dataclass(frozen=True, slots=True)
class ChampionMethod:
    """One way to give a champion its weights."""

    name: str
    title: str
    column: str  # of `wann.analysis.paper_table`, for the published figure
    trained: int | None  # weights that are trained; None means all


METHODS = (
    ChampionMethod(
        "wann-random", "Weight-agnostic search, random shared weight, mean over 41", "random shared", 0
    ),
    ChampionMethod("wann-ensemble", "The same, ensemble of six shared weights", "ensemble", 0),
    ChampionMethod("wann-tuned-shared", "The same, tuned shared weight", "tuned shared", 1),
    ChampionMethod("wann-tuned", "The same, tuned weights", "tuned weights", None),
)
"""The rows of champions, in the order of the paper's table."""

REMARK = (
    "wann-...: its topology was searched, the seconds are those of the search; stored are its connections"
)


def measure_champion(path: Path, data_set: str) -> tuple[str, dict[str, Measurement]]:
    """Accuracy of a champion on the test part with the weights that it has; nothing is tuned.

    Args:
        path: its run folder or file.
        data_set: data set of the comparison; champions of `mnist` stand beside `mnist28` too, as those
            are the same images.

    Returns:
        Its name, and its accuracy by method.

    Raises:
        ValueError: it cannot be read, or is for another task.
    """
    champion = load_champion(path)
    if champion.task not in (data_set, _IMAGES_OF.get(data_set)):
        raise ValueError(f"{path} is a champion for {champion.task}: --champion must be one for {data_set}")
    card = evaluate_classifier(champion)
    shares = {
        "wann-random": card.uniform_shared.accuracy,
        "wann-ensemble": card.ensemble.accuracy,
        "wann-tuned-shared": card.best_shared.accuracy,
    }
    if card.tuned:
        shares["wann-tuned"] = card.tuned.accuracy
    connections, seconds = champion.genome.connection_count, _search_seconds(path)
    found = {}
    for method in METHODS:
        if method.name in shares:
            trained = connections if method.trained is None else method.trained
            found[method.name] = Measurement(shares[method.name], trained, connections, seconds)
    return path.name if is_run(path) else path.stem, found


def _search_seconds(path: Path) -> float:
    """Computing time of the search; 0 where only the champion's file is there."""
    if not is_run(path):
        return 0.0
    metrics = RunFolder.open(path).read_metrics()
    parts = ("seconds_evaluation", "seconds_variation", "seconds_other")
    return float(sum(np.nansum(metrics[part]) for part in parts))


def published(data_set: str, column: str) -> str:
    """The paper's figure beside a row; empty if the paper has none."""
    row = published_row(_IMAGES_OF.get(data_set, data_set))
    cell: Cell | None = row.cells.get(column) if row else None
    if cell is None:
        return ""
    spread = "" if cell.std is None else f" ± {100.0 * cell.std:.1f}"
    return f"{100.0 * cell.mean:.1f}{spread} % (Gaier and Ha 2019)"
