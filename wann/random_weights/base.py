"""What the classifiers here share: checked samples, one seed, two counts of parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wann.utils.arrays import IntArray, RealArray

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise ImportError(
        "wann.random_weights needs scikit-learn, 1.6 or newer: pip install 'wann[data]'"
    ) from None


_ROWS = 4000  # that are answered at once


class RandomWeightClassifier(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """A classifier of scikit-learn that says how many of its numbers were trained.

    A method implements `_learn` and `_scores`, and sets both counts in `_learn`. Its `__init__` takes its
    parameters by keyword, `random_state` among them, and only stores them. Choices are made on rows of the
    training data that `held_out` names.

    After `fit`:
        trained_parameters: numbers that were learned from the labels: weights, scores or bits of a mask.
        stored_parameters: all numbers that a prediction uses, the random ones included.
        classes_: the classes in order; n_features_in_: the inputs.
    """

    trained_parameters: int
    stored_parameters: int
    random_state: Any

    def fit(self, x: Any, y: Any) -> Self:
        """Fit to rows.

        Args:
            x: (N, I) rows of finite numbers; of an image its pixels from 0 to 1, row by row.
            y: (N,) classes, at least two of each.

        Raises:
            ValueError: x or y is something else, or a parameter is wrong; in one line.
        """
        x, y = validate_data(self, x, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        counts = np.bincount(labels)
        if counts.size < 2:
            raise ValueError(f"y has one class only, {self.classes_[0]!r}: there is nothing to tell apart")
        if counts.min() < 2:
            rare = self.classes_[counts.argmin()]
            raise ValueError(f"class {rare!r} has 1 row: each class needs at least 2, one to choose by")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._learn(x, labels.astype(np.int64), seed)
        return self

    def decision_function(self, x: Any) -> RealArray:
        """Scores (N, classes) of rows; the highest is the answer, also of two classes."""
        check_is_fitted(self)
        x = validate_data(self, x, dtype=(np.float64, np.float32), reset=False)
        parts = [self._scores(x[first : first + _ROWS]) for first in range(0, len(x), _ROWS)]
        return np.concatenate(parts)

    def predict(self, x: Any) -> NDArray[Any]:
        """Classes (N,) of rows."""
        answers: NDArray[Any] = self.classes_[self.decision_function(x).argmax(axis=1)]
        return answers

    @abstractmethod
    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        """Learn from rows (N, I) and their places (N,) in `classes_`.

        Random numbers come from `wann.utils.seeding.stream(seed, Purpose.RANDOM_WEIGHTS, ...)`, or from a
        library that is given the seed.
        """

    @abstractmethod
    def _scores(self, x: RealArray) -> RealArray:
        """Scores (n, classes) of some rows (n, I)."""


def held_out(labels: IntArray, share: float, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Rows to learn from and rows to choose by: of each class about this share, one row at least."""
    kept, chosen = [], []
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        count = min(max(1, round(share * rows.size)), rows.size - 1)
        chosen.append(rows[:count])
        kept.append(rows[count:])
    return np.sort(np.concatenate(kept)), np.sort(np.concatenate(chosen))


def check_shape(shape: tuple[int, int] | None, inputs: int) -> tuple[int, int]:
    """Height and width of the images that rows of so many inputs hold.

    Raises:
        ValueError: there are none, or they have another number of pixels.
    """
    if shape is None or len(shape) != 2 or shape[0] * shape[1] != inputs:
        raise ValueError(f"shape must be the (height, width) of images of {inputs} pixels, got {shape!r}")
    return int(shape[0]), int(shape[1])
