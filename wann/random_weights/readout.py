"""Ridge regression on features made a few rows at a time; its strength is chosen on held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from wann.random_weights.base import held_out
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream

try:
    from scipy.linalg import LinAlgError, cho_factor, cho_solve
    from scipy.linalg.blas import dsyrk, ssyrk
except ImportError:
    raise ImportError("wann.random_weights needs SciPy: pip install 'wann[data]'") from None

STRENGTHS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Ridge strengths that are tried, in units of the mean variance of the features times the rows."""

HELD_OUT = 1.0 / 6.0
"""Share of the training rows that the strength is chosen on."""

_CHUNK = 12_000_000  # numbers of features that are made at once
_MOST_EXACT = 5_000  # features up to which sums are kept in float64: 10,000 would take 2.4 GB in all
_LEAST_ROUGH = 1e-3  # strength from which sums in float32 are exact enough


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """Linear outputs of D features for K classes, fitted to targets of +1 for a row's class and -1 else."""

    weights: RealArray  # (D, K)
    intercept: RealArray  # (K,) not penalised
    strength: float  # the chosen one of `STRENGTHS`

    @property
    def size(self) -> int:
        """Numbers that were fitted."""
        return int(self.weights.size + self.intercept.size)

    def __call__(self, features: RealArray) -> RealArray:
        """Outputs (n, K) of features (n, D)."""
        outputs: RealArray = features @ self.weights + self.intercept
        return outputs

    @classmethod
    def fit(
        cls,
        features: Callable[[RealArray], RealArray],
        x: RealArray,
        labels: IntArray,
        *,
        seed: int,
        strengths: Sequence[float] = STRENGTHS,
    ) -> Self:
        """Choose the strength on a share of the rows by accuracy, then fit to all of them.

        Args:
            features: of rows (n, I) of x, in any type: (n, D).
            x: (N, I) rows.
            labels: (N,) classes from 0, each at least twice.
            seed: seed of the choice of rows.
            strengths: one or more; of equals the larger wins.

        Raises:
            ValueError: no strength gives finite weights.
        """
        classes = int(labels.max()) + 1
        count = features(x[:1]).shape[1]
        kept, chosen = held_out(labels, HELD_OUT, stream(seed, Purpose.RANDOM_WEIGHTS, 0))
        sums = _Sums if len(kept) > count else _Rows
        fitting = sums(count, classes)
        usable = sorted(strengths, reverse=True)
        if fitting.dtype == np.float32:
            usable = [each for each in usable if each >= _LEAST_ROUGH]
        for rows in _chunks(kept, count):
            fitting.add(features(x[rows]), labels[rows])
        hits: dict[float, int] = {}
        if len(usable) > 1:
            tried = [cls(*fitting.solved(strength), strength) for strength in usable]
            hits = dict.fromkeys(usable, 0)
            for rows in _chunks(chosen, count):
                held = features(x[rows])
                for readout in tried:
                    hits[readout.strength] += int((readout(held).argmax(axis=1) == labels[rows]).sum())
        best = max(usable, key=lambda strength: hits.get(strength, 0))
        for rows in _chunks(chosen, count):
            fitting.add(features(x[rows]), labels[rows])
        weights, intercept = fitting.solved(best)
        if not np.isfinite(weights).all():
            raise ValueError("no finite readout fits: x holds values too far from the others")
        return cls(weights, intercept, best)


def _chunks(rows: IntArray, count: int) -> Iterator[IntArray]:
    size = max(1, _CHUNK // count)
    return (rows[first : first + size] for first in range(0, len(rows), size))


def _targets(labels: IntArray, classes: int, dtype: Any) -> RealArray:
    targets = np.full((len(labels), classes), -1.0, dtype)
    targets[np.arange(len(labels)), labels] = 1.0
    return targets


class _Sums:
    """The normal equations: sums over rows of the products of D features, fewer than the rows."""

    def __init__(self, count: int, classes: int) -> None:
        self.dtype = np.float64 if count <= _MOST_EXACT else np.float32
        # The lower triangle alone, in the order of BLAS, so that it adds in place.
        self._products = np.zeros((count, count), self.dtype, order="F")
        self._crossed = np.zeros((count, classes))
        self._sum = np.zeros(count)
        self._targets = np.zeros(classes)
        self._rows = 0

    def add(self, features: RealArray, labels: IntArray) -> None:
        """Take in some rows."""
        features = features.astype(self.dtype, copy=False)
        targets = _targets(labels, self._targets.size, self.dtype)
        add_products = dsyrk if self.dtype == np.float64 else ssyrk
        self._products = add_products(
            1.0, features.T, beta=1.0, c=self._products, lower=True, overwrite_c=True
        )
        self._crossed += features.T @ targets
        self._sum += features.sum(axis=0, dtype=np.float64)
        self._targets += targets.sum(axis=0)
        self._rows += len(features)

    def solved(self, strength: float) -> tuple[RealArray, RealArray]:
        """Weights (D, K) and intercept (K,)."""
        mean, target_mean = self._sum / self._rows, self._targets / self._rows
        root = (mean * np.sqrt(self._rows)).astype(self.dtype)
        centred = self._products.copy(order="F")
        for column, value in zip(centred.T, root, strict=True):  # no second matrix for the outer product
            column -= value * root
        variance = float(np.trace(centred)) / len(centred)
        centred[np.diag_indices_from(centred)] += strength * (variance or 1.0)
        right = self._crossed - self._rows * np.outer(mean, target_mean)
        weights = _solve(centred, right.astype(self.dtype))
        return weights, target_mean - mean @ weights


class _Rows:
    """The dual form: the rows themselves, no more of them than features."""

    def __init__(self, count: int, classes: int) -> None:
        self.dtype = np.float64
        self._count, self._classes = count, classes
        self._features: list[RealArray] = []
        self._labels: list[IntArray] = []

    def add(self, features: RealArray, labels: IntArray) -> None:
        """Take in some rows."""
        self._features.append(features.astype(np.float64))
        self._labels.append(labels)

    def solved(self, strength: float) -> tuple[RealArray, RealArray]:
        """Weights (D, K) and intercept (K,)."""
        features, labels = np.concatenate(self._features), np.concatenate(self._labels)
        targets = _targets(labels, self._classes, np.float64)
        mean, target_mean = features.mean(axis=0), targets.mean(axis=0)
        features -= mean
        products = features @ features.T
        variance = float(np.trace(products)) / self._count
        products[np.diag_indices_from(products)] += strength * (variance or 1.0)
        weights = features.T @ _solve(products, targets - target_mean)
        return weights, target_mean - mean @ weights


def _solve(matrix: RealArray, right: RealArray) -> RealArray:
    """Solution of a symmetric system; NaN if it is not definite. The lower triangle is overwritten."""
    try:
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        solution: RealArray = cho_solve(factor, right, overwrite_b=True, check_finite=False)
    except LinAlgError:
        return np.full_like(right, np.nan)
    return solution
