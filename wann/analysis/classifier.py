"""Accuracy of a classifier: per shared weight and class, over the range, and as an ensemble over weights.

How sure an ensemble is of an answer follows from the disagreement between its weights: it is the share of
them that agree, or the mean probability. Everything is measured on the test part, which no search sees; what
has to be chosen, a best weight or the members of an ensemble, is chosen on the validation part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wann.champion import Champion
from wann.evolution.shared_weights import RANGE, UNIFORM_WEIGHTS, check_weights
from wann.rollouts.samples import outputs
from wann.settings import PAPER_WEIGHTS
from wann.tasks.data_sets import DataSet
from wann.tasks.data_task import DataTask
from wann.tasks.prediction import probabilities
from wann.utils.arrays import FloatArray, IntArray

CONFIDENCE_BINS = 10
"""Number of bins, of equal width, for confidences."""

_BEST_OF = 81  # number of weights that the best shared one is chosen from
_SWEEP_WEIGHTS = (
    80  # an even number: at 0, which an odd one has, all outputs are equal and the first class wins
)
_WEIGHTS_AT_ONCE = 9  # of a sweep, which need not hold the outputs at all of its weights
_MOST_MEMBERS = 9  # largest ensemble whose weights are chosen


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of samples that are classified right."""

    accuracy: float
    std: float | None = None  # over the weights, of a mean
    weight: float | None = None  # of a single shared weight
    weights: tuple[float, ...] | None = None  # of an ensemble

    def to_dict(self) -> dict[str, Any]:
        """The values that are given, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often answers are right beside how sure they are, in B bins of equal width from 0 to 1.

    A bin holds the confidences above its lower end and up to its upper end.
    """

    confidence: tuple[float | None, ...]  # (B,) mean; None where the bin is empty
    accuracy: tuple[float | None, ...]  # (B,) share of right answers; None where the bin is empty
    count: tuple[int, ...]  # (B,) answers
    error: float  # expected calibration error: mean over the answers of a bin's |accuracy - confidence|

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers and lists, for JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """Accuracy over W shared weights."""

    weights: FloatArray  # (W,)
    accuracy: FloatArray  # (W,) share of all samples
    per_class: FloatArray  # (W, classes) share of each class; NaN where it has no sample


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
    per_class: tuple[tuple[float | None, ...], ...]  # (W, classes) as `per_weight`; None without samples
    confusion: tuple[tuple[int, ...], ...]  # (classes, classes) of the ensemble: the class, and what was said
    reliability_votes: Reliability  # of `ensemble`; confidence is the share of its weights that agree
    reliability_mean: Reliability  # of `ensemble_mean`; confidence is the mean probability

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
            "reliability_votes": self.reliability_votes.to_dict(),
            "reliability_mean": self.reliability_mean.to_dict(),
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
    check_weights(weights)
    network, data = champion.network, _data_of(champion)
    test, labels = data.test.inputs(), data.test.labels
    validation, known = data.validation.inputs(), data.validation.labels

    fine, grid = (np.linspace(*RANGE, points).round(9) for points in (_BEST_OF, UNIFORM_WEIGHTS))
    best = float(fine[np.argmax(_hits(outputs(network, fine, validation), known).mean(axis=1))])
    chosen = grid[choose_members(probabilities(outputs(network, grid, validation)), known)]

    listed = np.array(weights, np.float64)
    found = outputs(network, listed, test)
    hits, of_each = _hits(found, labels), probabilities(found)
    voted, mean = vote(of_each), of_each.mean(axis=0)
    averaged = mean.argmax(axis=1)
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
        ensemble_mean=Accuracy(right(averaged), weights=tuple(listed.tolist())),
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
        per_class=tuple(
            tuple(None if np.isnan(share) else float(share) for share in row)
            for row in _by_class(hits, labels, count)
        ),
        confusion=tuple(
            tuple(np.bincount(voted[labels == c], minlength=count).tolist()) for c in range(count)
        ),
        reliability_votes=reliability(agreement(of_each, voted), voted == labels),
        reliability_mean=reliability(mean.max(axis=1), averaged == labels),
    )


def sweep(champion: Champion, points: int = _SWEEP_WEIGHTS) -> Sweep:
    """Accuracy on the test part over an even grid of shared weights on the range.

    Raises:
        ValueError: the champion is not for a data set.
    """
    data = _data_of(champion)
    test, labels = data.test.inputs(), data.test.labels
    weights = np.linspace(*RANGE, points)
    parts = np.array_split(weights, -(-points // _WEIGHTS_AT_ONCE))
    hits = np.concatenate([_hits(outputs(champion.network, part, test), labels) for part in parts])
    return Sweep(weights, hits.mean(axis=1), _by_class(hits, labels, len(data.classes)))


def _data_of(champion: Champion) -> DataSet:
    task = champion.get_task()
    if not isinstance(task, DataTask):
        raise ValueError(f"{champion.task} is not a data set: use wann.evaluate")
    if task.samples.test.targets is not None:
        raise ValueError(f"{champion.task} has numbers to predict instead of classes: there is no accuracy")
    return task.samples


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


def agreement(probabilities: FloatArray, said: IntArray) -> FloatArray:
    """Share (N,) of W voters that find a class most probable.

    Args:
        probabilities: (W, N, A).
        said: (N,) the class.
    """
    result: FloatArray = (probabilities.argmax(axis=2) == said).mean(axis=0)
    return result


def reliability(confidence: FloatArray, right: NDArray[np.bool_], bins: int = CONFIDENCE_BINS) -> Reliability:
    """Sort answers by how sure they are, and count how many are right.

    Args:
        confidence: (N,) from 0 to 1; N at least 1.
        right: (N,) whether each answer is right.
        bins: how many.

    Source: Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, section 2.
    """
    place = np.searchsorted(np.arange(1, bins) / bins, confidence)
    count = np.bincount(place, minlength=bins)
    sure, hits = (np.bincount(place, values, bins) for values in (confidence, right))
    divisor = np.maximum(count, 1)
    return Reliability(
        confidence=tuple(x if n else None for x, n in zip((sure / divisor).tolist(), count, strict=True)),
        accuracy=tuple(x if n else None for x, n in zip((hits / divisor).tolist(), count, strict=True)),
        count=tuple(count.tolist()),
        error=float(np.abs(hits - sure).sum() / count.sum()),
    )


def choose_members(
    probabilities: FloatArray, labels: IntArray, importance: FloatArray | None = None
) -> list[int]:
    """Voters whose mean probability is most often right, one added at a time while that helps.

    Args:
        probabilities: (W, N, A).
        labels: (N,).
        importance: (N,) how much each sample counts; all alike where it is not given.

    Returns:
        Positions of at most nine voters, in the order they were chosen; the first of equals each time.
    """
    members: list[int] = []
    total, best = np.zeros(probabilities.shape[1:]), -1.0
    while len(members) < _MOST_MEMBERS:
        right = np.average((total + probabilities).argmax(axis=2) == labels, axis=1, weights=importance)
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


def _by_class(hits: NDArray[np.bool_], labels: IntArray, classes: int) -> FloatArray:
    """Share of each class that each voter gets right (W, classes); NaN for a class without samples."""
    shares = np.full((len(hits), classes), np.nan)
    for place in np.unique(labels):
        shares[:, place] = hits[:, labels == place].mean(axis=1)
    return shares
