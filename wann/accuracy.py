"""What a classifier gets right: per shared weight and class, over the range, and as an ensemble over weights.

Everything is measured on the test part, which no search sees; what has to be chosen, a best weight or the
members of an ensemble, is chosen on the validation part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wann.champion import Champion
from wann.classify import outputs
from wann.config import PAPER_WEIGHTS
from wann.network import FloatArray
from wann.tasks import DataTask

IntArray = NDArray[np.int64]

RANGE = (-2.0, 2.0)
"""The range the paper reports over."""

UNIFORM_WEIGHTS = 41
"""Evenly spaced weights, both ends included, that stand for U(-2, 2)."""

_SWEEP_WEIGHTS = 81
_MOST_MEMBERS = 9  # of an ensemble whose weights are chosen


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of samples that are classified right."""

    accuracy: float
    std: float | None = None  # over the weights, where it is a mean
    weight: float | None = None  # where it is at a single one
    weights: tuple[float, ...] | None = None  # where several take part

    def to_dict(self) -> dict[str, Any]:
        """What there is of it, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class ClassifierCard:
    """Accuracy of a champion on test data. Source of the rows: Gaier and Ha (2019), section 4.2."""

    task: str
    samples: int  # of the test part
    classes: tuple[str, ...]
    per_weight: tuple[Accuracy, ...]
    uniform_shared: Accuracy  # one shared weight, uniform in the range
    ensemble: Accuracy  # the majority of `per_weight`; where it is tied, the larger mean probability
    ensemble_mean: Accuracy  # the largest mean probability of `per_weight`
    ensemble_chosen: Accuracy  # the same of weights chosen on the validation part
    best_shared: Accuracy  # the single weight that is best on the validation part
    tuned: Accuracy | None  # individually tuned weights, where the champion has any
    per_class: tuple[tuple[float, ...], ...]  # (W, classes) accuracy of each of `per_weight` on each class
    confusion: tuple[tuple[int, ...], ...]  # (classes, classes) of the ensemble: the class, and what was said

    def to_dict(self) -> dict[str, Any]:
        """The card as plain numbers and words, for JSON."""
        return {
            "task": self.task,
            "samples": self.samples,
            "classes": list(self.classes),
            "per_weight": [each.to_dict() for each in self.per_weight],
            **{
                name: getattr(self, name).to_dict()
                for name in ("uniform_shared", "ensemble", "ensemble_mean", "ensemble_chosen", "best_shared")
            },
            "tuned": self.tuned.to_dict() if self.tuned else None,
            "per_class": [list(row) for row in self.per_class],
            "confusion": [list(row) for row in self.confusion],
        }


def evaluate_classifier(champion: Champion, weights: Sequence[float] = PAPER_WEIGHTS) -> ClassifierCard:
    """Score a champion of a data set on its test part.

    Args:
        champion: the network.
        weights: shared weights to report one by one, and to make an ensemble of, each within ±1000.

    Returns:
        The card. `uniform_shared` is over 41 weights evenly spaced over the range. On the validation part,
        `best_shared` is the best of 81, and `ensemble_chosen` of up to 9 of 41.

    Raises:
        ValueError: the weights are out of range, or the champion is not for a data set.
    """
    if not len(weights) or not (np.abs(weights) <= 1000.0).all():
        raise ValueError(f"weights must be one or more finite numbers within ±1000, not {list(weights)}")
    task = champion.get_task()
    if not isinstance(task, DataTask):
        raise ValueError(f"{champion.task} is not a data set: use wann.evaluate")
    network, data = champion.network, task.samples
    test, labels = data.test.inputs(), data.test.labels
    validation, known = data.validation.inputs(), data.validation.labels

    sweep, grid = np.linspace(*RANGE, _SWEEP_WEIGHTS), np.linspace(*RANGE, UNIFORM_WEIGHTS)
    best = float(sweep[np.argmax(_hits(outputs(network, sweep, validation), known).mean(axis=1))])
    chosen = grid[choose_members(probabilities(outputs(network, grid, validation)), known)]

    listed = np.array(weights, np.float64)
    found = outputs(network, listed, test)
    hits, of_each = _hits(found, labels), probabilities(found)
    voted = vote(of_each)
    over_range = _hits(outputs(network, grid, test), labels).mean(axis=1)
    tuned = champion.tuned_sources
    count = len(data.classes)

    def right(said: IntArray) -> float:
        return float((said == labels).mean())

    return ClassifierCard(
        task=champion.task,
        samples=labels.size,
        classes=data.classes,
        per_weight=tuple(
            Accuracy(float(row.mean()), weight=float(weight))
            for row, weight in zip(hits, listed, strict=True)
        ),
        uniform_shared=Accuracy(float(over_range.mean()), std=float(over_range.std())),
        ensemble=Accuracy(right(voted), weights=tuple(listed.tolist())),
        ensemble_mean=Accuracy(right(of_each.mean(axis=0).argmax(axis=1)), weights=tuple(listed.tolist())),
        ensemble_chosen=Accuracy(
            right(probabilities(outputs(network, chosen, test)).mean(axis=0).argmax(axis=1)),
            weights=tuple(chosen.tolist()),
        ),
        best_shared=Accuracy(
            float(_hits(outputs(network, np.array([best]), test), labels).mean()), weight=best
        ),
        tuned=None
        if tuned is None
        else Accuracy(float(_hits(outputs(network, tuned[None], test), labels).mean())),
        per_class=tuple(tuple(float(row[labels == c].mean()) for c in range(count)) for row in hits),
        confusion=tuple(
            tuple(np.bincount(voted[labels == c], minlength=count).tolist()) for c in range(count)
        ),
    )


def probabilities(outputs: FloatArray) -> FloatArray:
    """Softmax over the last axis."""
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    result: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return result


def vote(probabilities: FloatArray) -> IntArray:
    """Class (N,) that most of W voters find most probable; of tied ones that with the larger mean.

    Args:
        probabilities: (W, N, A).
    """
    classes = probabilities.shape[2]
    said = probabilities.argmax(axis=2)
    votes = (said[:, :, None] == np.arange(classes)).sum(axis=0)
    result: IntArray = (votes + probabilities.mean(axis=0) * 0.5).argmax(axis=1)
    return result


def choose_members(probabilities: FloatArray, labels: IntArray) -> list[int]:
    """Voters whose mean probability is most often right, one added at a time while that helps.

    Args:
        probabilities: (W, N, A).
        labels: (N,).

    Returns:
        Positions of at most nine voters, in the order they were chosen; the first of equals each time.
    """
    members: list[int] = []
    total, best = np.zeros(probabilities.shape[1:]), -1.0
    while len(members) < _MOST_MEMBERS:
        right = ((total + probabilities).argmax(axis=2) == labels).mean(axis=1)
        right[members] = -1.0
        candidate = int(right.argmax())
        if right[candidate] <= best:
            break
        members.append(candidate)
        total, best = total + probabilities[candidate], float(right[candidate])
    return members


def _hits(outputs: FloatArray, labels: IntArray) -> NDArray[np.bool_]:
    """Whether each voter is right about each sample (W, N)."""
    result: NDArray[np.bool_] = outputs.argmax(axis=2) == labels
    return result
