"""How the page of a run shows its task: a live simulation, films, samples to choose from, or words."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np

from wann.champion import Champion, Weight
from wann.evolution.shared_weights import RANGE
from wann.pages.clips import record_clips
from wann.pages.kept import Kept
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.data_sets import NAMED, image_shape
from wann.tasks.data_task import DataTask
from wann.tasks.task import Task
from wann.utils.seeding import Purpose, episode_seeds

_LIVE_TASK = "swingup"  # whose physics the page computes itself
_STARTS = 20  # episodes of it that can be watched
_CLIP_WEIGHTS = 9
_VOTES = 20  # weights that vote; even, as at 0 every output is the same
_SAMPLES = 20  # of a test part, to choose from
_FILMS: Kept[dict[str, Any]] = Kept(4)  # by the champion's digest


def task_view(champion: Champion, task: Task | None, trouble: str, clips: bool) -> dict[str, Any]:
    """How the page shows the task, as plain data.

    Args:
        champion: the run's champion.
        task: its task; None if it cannot be made.
        trouble: why it cannot be made.
        clips: whether episodes are filmed if the page cannot compute the task itself.
    """
    if task is None:
        return {"kind": "words", "note": f"The task is not at hand here: {trouble}"}
    if isinstance(task, DataTask):
        return _samples(champion, task)
    if isinstance(task, CompiledTask) and task.name == _LIVE_TASK:
        starts = task.starts(episode_seeds(0, Purpose.EVALUATION, _STARTS, 3))
        rate = int(task.make_env().metadata["render_fps"])
        return {"kind": "swingup", "starts": starts.tolist(), "steps": task.episode_steps, "rate": rate}
    if not clips:
        note = (
            "Episodes are not filmed while a search runs: 'wann play' shows it live, 'wann report' as films."
        )
        return {"kind": "words", "note": note}
    return _FILMS.get(champion.digest, lambda: _films(champion))


def _films(champion: Champion) -> dict[str, Any]:
    grid = np.linspace(*RANGE, _CLIP_WEIGHTS)
    weights: list[Weight] = [*grid.tolist()]
    if champion.tuned is not None:
        weights.append("tuned")
    try:
        found = record_clips(champion, weights)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        return {"kind": "words", "note": f"Its episodes could not be filmed: {error}"}
    return {
        "kind": "clips",
        "step": float(grid[1] - grid[0]),
        "clips": [
            {
                "key": f"{clip.weight} {sha256(clip.film).hexdigest()[:16]}",
                "weight": clip.weight,
                "source": clip.source,
                "total": clip.total,
                "steps": clip.steps,
                "cut": clip.cut,
            }
            for clip in found
        ],
    }


def _samples(champion: Champion, task: DataTask) -> dict[str, Any]:
    """Classes, the image's shape, some samples of the test part, and the weights that vote."""
    test = task.samples.test
    rows = np.linspace(0, test.labels.size - 1, min(_SAMPLES, test.labels.size)).round().astype(np.int64)
    # Of a data set that is sorted by class, evenly spaced rows show them all.
    return {
        "kind": "samples" if test.targets is None else "words",
        "note": "The task is a data set of numbers to predict: there is nothing to watch.",
        "classes": list(champion.outputs),
        "shape": image_shape(champion.inputs),
        "prepare": task.name if task.name in NAMED else "",  # the path of one's own table stays here
        "thing": "a digit" if task.name in NAMED else "an image",
        "votes": np.linspace(*RANGE, _VOTES).tolist(),
        "samples": [
            {"inputs": [float(f"{x:.6g}") for x in values], "label": int(label)}
            for values, label in zip(test.inputs(rows).tolist(), test.labels[rows].tolist(), strict=True)
        ],
    }
