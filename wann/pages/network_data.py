"""One network as a page shows it: its arrays, its drawing, its score over the weight, as plain data."""

from __future__ import annotations

from typing import Any

import numpy as np

from wann.analysis.classifier import evaluate_classifier, sweep
from wann.analysis.regressor import r2_over_weights
from wann.analysis.variants import Trials
from wann.champion import Champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.evolution.shared_weights import RANGE
from wann.networks.network import Network
from wann.pages.kept import Kept
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.data_task import DataTask
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray
from wann.utils.seeding import Purpose, episode_seeds
from wann.visualization.diagram import Diagram, diagram_of

PIXELS_PER_INCH = 96.0
"""Unit of the lengths in `diagram_data`."""

_FINE_GRID = (81, 20)  # weights and episodes of a score over the weight, as of `wann plot`
_COARSE_GRID = (41, 10)  # of networks besides the champion
_SMALL_GRID = (17, 4)  # where episodes take long: of Box2D's bodies, or where Python steps the environment
_SWEEP_WEIGHTS = 40  # of the accuracy over the weight; even, as at 0 all outputs are the same
_MOST_SAMPLES = 2_000  # of a test part on which every network is classified, not the champion alone


def exhibit(champion: Champion, task: Task | None, *, best: bool) -> dict[str, Any]:
    """A network with its drawing and its score over the weight, kept for the next call.

    Args:
        champion: the network.
        task: task it is scored on; None shows the confirmed scores.
        best: whether it is the champion, which is scored at more weights and on more episodes.

    Raises:
        RuntimeError: the environment fails.
    """
    digest = champion.digest
    drawing = _drawings.get(digest, lambda: _drawn(champion))
    return drawing | _scores.get((digest, best, task is None), lambda: _scored(champion, task, best))


_drawings: Kept[dict[str, Any]] = Kept(512)  # by the champion's digest
_scores: Kept[dict[str, Any]] = Kept(512)  # by the champion's digest, `best`, and whether there is no task


def _drawn(champion: Champion) -> dict[str, Any]:
    genome, network, tuned = champion.genome, champion.network, champion.tuned_sources
    diagram = diagram_of(genome, champion.inputs, champion.outputs, champion.importance)
    return {
        "key": champion.digest[:16],
        "connections": genome.connection_count,
        "hidden": genome.hidden_count,
        "mean": champion.scores.overall,
        "network": network_data(network),
        "tuned": None if tuned is None else tuned.tolist(),
        "diagram": diagram_data(diagram, network),
    }


def network_data(network: Network) -> dict[str, Any]:
    """A network's arrays as lists, which the page's JavaScript computes with."""
    return {
        "inputs": network.inputs,
        "first_source": network.first_source.tolist(),
        "sources": network.sources.tolist(),
        "activation": network.activation.tolist(),
        "outputs": network.outputs.tolist(),
    }


def diagram_data(diagram: Diagram, network: Network) -> dict[str, Any]:
    """A diagram as lists: nodes with their rows of the network, edges with the places of their sources."""
    scale = PIXELS_PER_INCH
    row_of = dict(enumerate(range(1 + network.inputs)))
    row_of |= {node: 1 + network.inputs + k for k, node in enumerate(network.node.tolist())}
    place_of = {node.id: place for place, node in enumerate(diagram.nodes)}
    connection_of = {mark: c for c, mark in enumerate(network.mark.tolist())}
    nodes, edges, plane = diagram.nodes, diagram.edges, diagram.plane
    return {
        "width": round(scale * diagram.width, 1),
        "height": round(scale * diagram.height, 1),
        "letters": round(scale * diagram.name_size / 72.0, 1),
        "nodes": {
            "id": [node.id for node in nodes],
            "row": [row_of.get(node.id, -1) for node in nodes],
            "kind": [node.kind for node in nodes],
            "label": [node.label for node in nodes],
            "activation": [node.activation for node in nodes],
            "x": [round(scale * node.x, 1) for node in nodes],
            "y": [round(scale * node.y, 1) for node in nodes],
            "radius": [round(scale * node.radius, 1) for node in nodes],
            "used": [node.used for node in nodes],
        },
        "edges": {
            "source": [place_of[edge.source] for edge in edges],
            "target": [place_of[edge.target] for edge in edges],
            "connection": [connection_of[edge.mark] for edge in edges],
            "path": [_path(scale * edge.points) for edge in edges],
            "importance": [edge.importance for edge in edges],
        },
        "plane": None if plane is None else {"uses": list(plane.uses)},
    }


def _path(points: FloatArray) -> str:
    """Joined Béziers (3k+1, 2) as a path of SVG."""
    words = [" ".join(f"{value:.1f}".removesuffix(".0") for value in point) for point in points]
    return f"M{words[0]}C{' '.join(words[1:])}"


def _scored(champion: Champion, task: Task | None, best: bool) -> dict[str, Any]:
    """Score over the weight, and with the tuned weights."""
    scores = champion.scores
    known = {
        "measure": "return",
        "weights": scores.weights.tolist(),
        "mean": _six_digits(scores.mean),
        "std": _six_digits(scores.std),
    }
    tuned = _tuned_score(champion)
    if isinstance(task, DataTask):
        classifies = task.samples.test.targets is None
        if not classifies and task.samples.columns is not None:
            grid = np.linspace(*RANGE, _SWEEP_WEIGHTS + 1)
            found_r2 = r2_over_weights(champion, grid)
            known = {
                "measure": "R²",
                "weights": grid.tolist(),
                # Where it is worse than twice the error of the mean, the chart has a gap.
                "mean": _six_digits(np.where(found_r2 < -1.0, np.nan, found_r2)),
                "std": None,
            }
        if classifies and (best or task.samples.test.labels.size <= _MOST_SAMPLES):
            found = sweep(champion, _SWEEP_WEIGHTS)
            known = {
                "measure": "accuracy",
                "weights": found.weights.tolist(),
                "mean": _six_digits(found.accuracy),
                "std": None,
            }
    elif task is not None and (best or task.threaded):
        usual = _SMALL_GRID if isinstance(task, Box2DTask) else _COARSE_GRID
        points, episodes = (_FINE_GRID if best else usual) if task.threaded else _SMALL_GRID
        grid = np.linspace(*RANGE, points)
        # The episodes of `wann plot`.
        seeds = episode_seeds(0, Purpose.EVALUATION, episodes, 3)
        with LocalEvaluator(task, task.episode_steps) as evaluator:
            trials = Trials(evaluator)
            (returns,) = trials.of_networks([champion.network], grid, seeds, confirming=True)
            if champion.tuned_sources is not None and tuned is None:
                sets = champion.tuned_sources[None]
                tuned = float(trials.of_networks([champion.network], sets, seeds, confirming=True).mean())
        known = {
            "measure": "return",
            "weights": grid.tolist(),
            "mean": _six_digits(returns.mean(axis=1)),
            "std": _six_digits(returns.std(axis=1)),
        }
    if tuned is None and known["measure"] == "accuracy" and champion.tuned_sources is not None:
        tuned = evaluate_classifier(champion).tuned.accuracy  # type: ignore[union-attr]  # it has tuned weights
    return {"profile": known, "tuned_score": tuned}


def _tuned_score(champion: Champion) -> float | None:
    """Score that tuning has measured with the weights it found; None if unknown."""
    if champion.tuned is None:
        return None
    after = champion.tuning.get("after")
    if not isinstance(after, dict):
        return None
    found = after.get("accuracy", after.get("r2", after.get("mean")))
    return float(found) if isinstance(found, int | float) else None


def _six_digits(values: FloatArray) -> list[float | None]:
    """Numbers to six digits; None where one is not finite."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values.tolist()]
