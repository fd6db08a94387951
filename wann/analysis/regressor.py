"""How well a champion predicts numbers: per shared weight, over the range, and as the mean over weights.

Everything is measured on the test part, which no search sees, in the units of the table; the best weight is
chosen on the validation part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wann.champion import Champion
from wann.evolution.shared_weights import UNIFORM_WEIGHTS, check_weights
from wann.rollouts.samples import outputs
from wann.settings import NUMBER_WEIGHTS
from wann.tasks.columns import Columns
from wann.tasks.data_sets import Samples
from wann.tasks.data_task import DataTask
from wann.utils.arrays import FloatArray

_BEST_OF = 81  # number of weights that the best shared one is chosen from


@dataclass(frozen=True, slots=True)
class Fit:
    """Agreement of predicted numbers with the right ones."""

    r2: float  # 1 - mean square error / variance of the right numbers; 0 for their mean
    rmse: float  # root mean square error
    mae: float  # mean absolute error
    std: float | None = None  # of R² over the weights, where it is a mean over them
    weight: float | None = None  # of a single shared weight
    weights: tuple[float, ...] | None = None  # of a mean over several

    def to_dict(self) -> dict[str, Any]:
        """The values that are given, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class RegressorCard:
    """How well a champion predicts the numbers of the test part."""

    task: str
    target: str  # name of the predicted column
    samples: int  # of the test part
    spread: float  # standard deviation of the right numbers
    weight_range: tuple[float, float]  # of the weights that confirmed the champion
    per_weight: tuple[Fit, ...]
    uniform_shared: Fit  # the mean of each measure over weights of the range
    ensemble: Fit  # the mean of the predictions of `per_weight`
    best_shared: Fit  # the single weight of the range that is best on the validation part
    tuned: Fit | None  # individually tuned weights, where the champion has any

    def to_dict(self) -> dict[str, Any]:
        """The card as plain numbers and words, for JSON."""
        rows = {name: getattr(self, name) for name in ("uniform_shared", "ensemble", "best_shared", "tuned")}
        return {
            "task": self.task,
            "target": self.target,
            "samples": self.samples,
            "spread": self.spread,
            "weight_range": list(self.weight_range),
            "per_weight": [each.to_dict() for each in self.per_weight],
            **{name: row and row.to_dict() for name, row in rows.items()},
        }


def evaluate_regressor(champion: Champion, weights: Sequence[float] = NUMBER_WEIGHTS) -> RegressorCard:
    """Score a champion that predicts numbers on the test part of its table.

    Args:
        champion: the network.
        weights: shared weights to report one by one, and to average over, each within ±1000.

    Returns:
        The card. `uniform_shared` is over 41 weights evenly spaced over the range of the weights that
        confirmed the champion; `best_shared` is the best of 81 of them on the validation part.

    Raises:
        ValueError: the weights are out of range, or the champion does not predict numbers.
    """
    check_weights(weights)
    columns, validation, test = _parts_of(champion)
    confirmed = champion.scores.weights
    low, high = float(confirmed.min()), float(confirmed.max())
    grid, fine = (np.linspace(low, high, points).round(9) for points in (UNIFORM_WEIGHTS, _BEST_OF))
    wanted = columns.answers(_targets(test))
    best = fine[np.argmin(_errors(champion, columns, fine, validation))]
    listed = np.array(weights, np.float64)
    found = _answers(champion, columns, listed, test)
    over_range = [_fit(row, wanted) for row in _answers(champion, columns, grid, test)]
    tuned = champion.tuned_sources
    return RegressorCard(
        task=champion.task,
        target=champion.outputs[0],
        samples=len(wanted),
        spread=float(wanted.std()),
        weight_range=(low, high),
        per_weight=tuple(
            _fit(row, wanted, weight=float(weight)) for row, weight in zip(found, listed, strict=True)
        ),
        uniform_shared=Fit(
            r2=float(np.mean([each.r2 for each in over_range])),
            rmse=float(np.mean([each.rmse for each in over_range])),
            mae=float(np.mean([each.mae for each in over_range])),
            std=float(np.std([each.r2 for each in over_range])),
        ),
        ensemble=_fit(found.mean(axis=0), wanted, weights=tuple(listed.tolist())),
        best_shared=_fit(_answers(champion, columns, np.array([best]), test)[0], wanted, weight=float(best)),
        tuned=None if tuned is None else _fit(_answers(champion, columns, tuned[None], test)[0], wanted),
    )


def r2_over_weights(champion: Champion, weights: FloatArray) -> FloatArray:
    """R² on the test part at each of W shared weights.

    Raises:
        ValueError: the champion does not predict numbers.
    """
    columns, _, test = _parts_of(champion)
    wanted = columns.answers(_targets(test))
    return np.array([_fit(row, wanted).r2 for row in _answers(champion, columns, weights, test)])


def answers_on_test(champion: Champion, weight: float) -> tuple[FloatArray, FloatArray]:
    """Right and predicted numbers (N,) of the test part, at a shared weight.

    Raises:
        ValueError: the champion does not predict numbers.
    """
    columns, _, test = _parts_of(champion)
    return columns.answers(_targets(test)), _answers(champion, columns, np.array([weight]), test)[0]


def _parts_of(champion: Champion) -> tuple[Columns, Samples, Samples]:
    task = champion.get_task()
    if not isinstance(task, DataTask) or task.samples.columns is None or task.samples.columns.target is None:
        raise ValueError(f"{champion.task} holds no numbers to predict: use wann.evaluate")
    return task.samples.columns, task.samples.validation, task.samples.test


def _targets(samples: Samples) -> FloatArray:
    assert samples.targets is not None  # noqa: S101 - the caller's
    return samples.targets[:, 0]


def _answers(champion: Champion, columns: Columns, weights: FloatArray, samples: Samples) -> FloatArray:
    """Predicted numbers (W, N)."""
    return columns.answers(outputs(champion.network, weights, samples.inputs())[:, :, 0])


def _errors(champion: Champion, columns: Columns, weights: FloatArray, samples: Samples) -> FloatArray:
    wrong: FloatArray = _answers(champion, columns, weights, samples) - columns.answers(_targets(samples))
    errors: FloatArray = np.square(wrong).mean(axis=1)
    return errors


def _fit(found: FloatArray, wanted: FloatArray, **of: Any) -> Fit:
    missed = found - wanted
    square = float(np.square(missed).mean())
    variance = float(wanted.var())
    r2 = 1.0 - square / variance if variance > 0.0 else float(square == 0.0)
    return Fit(r2, square**0.5, float(np.abs(missed).mean()), **of)
