"""Controls without a hidden layer: ridge regression and logistic regression on the inputs themselves."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from wann.random_weights.base import RandomWeightClassifier
from wann.random_weights.readout import Readout
from wann.utils.arrays import IntArray, RealArray

_ITERATIONS = 200  # of logistic regression


class LinearRidge(RandomWeightClassifier):
    """Ridge regression on the inputs, as the other rows' readout does it on random features.

    Args:
        random_state: seed of the rows that its strength is chosen on.

    Source: Hoerl and Kennard (1970), Ridge regression.
    """

    def __init__(self, *, random_state: Any = None) -> None:
        self.random_state = random_state

    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        self.readout_ = Readout.fit(lambda rows: rows, x, labels, seed=seed)
        self.trained_parameters = self.stored_parameters = self.readout_.size

    def _scores(self, x: RealArray) -> RealArray:
        return self.readout_(x)


class LinearLogistic(RandomWeightClassifier):
    """Multinomial logistic regression on the inputs, by scikit-learn.

    Args:
        random_state: changes nothing; there so that all rows are made alike.

    Source: Cox (1966), Some procedures associated with the logistic qualitative response curve.
    """

    def __init__(self, *, random_state: Any = None) -> None:
        self.random_state = random_state

    def _learn(self, x: RealArray, labels: IntArray, _seed: int) -> None:
        self.model_ = LogisticRegression(max_iter=_ITERATIONS)
        with warnings.catch_warnings():  # on raw pixels the last digits of the weights never settle
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model_.fit(x, labels)
        self.trained_parameters = self.model_.coef_.size + self.model_.intercept_.size
        self.stored_parameters = self.trained_parameters

    def _scores(self, x: RealArray) -> RealArray:
        scores: RealArray = self.model_.predict_proba(x)
        return scores
