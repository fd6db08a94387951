"""The regressor."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import validate_data

from wann.settings import NUMBER_WEIGHTS
from wann.sklearn.estimator import Estimator, Scaling, scaling_of
from wann.sklearn.rows import importance_of
from wann.tasks.data_sets import Samples
from wann.utils.arrays import FloatArray
from wann.utils.reading import checked


class WANNRegressor(MultiOutputMixin, RegressorMixin, Estimator):  # type: ignore[misc]
    """Regressor whose network works with one weight that all its connections share.

    The columns of X and y are moved and scaled to mean 0 and standard deviation 1. Networks are scored by
    minus the mean squared error over several shared weights; the champion is chosen on rows that the search
    does not see. The same data and `random_state` give the same model for any `n_jobs`.

    Args:
        population: networks per generation.
        generations: stop after this many generations.
        max_seconds: stop after this many seconds of computing; None sets no limit.
        n_iter_no_change: stop after this many generations without a new champion; None never does.
        validation_fraction: share of the rows that is held out to choose the champion on. If these are
            fewer than 10 rows, it is chosen on the training rows.
        batch_size: rows that a generation is scored on, drawn afresh for each; at most all rows.
        weights: shared weights of the ensemble "mean"; their number and range are also those of the weights
            that networks are scored with. None is 0.1, 0.3, 0.5, 0.7, 0.9 and 1.1.
        weight_sampling: "stratified" or "uniform" draws the weights of each generation from the range of
            `weights`; "fixed" takes `weights` themselves.
        ensemble: how the outputs of one network at several weights are combined. "mean" averages them,
            "chosen" averages over weights of the range chosen on the validation rows, and "best" uses the
            one with the least squared error there.
        activations: names of the functions a hidden node may have.
        initial_connection_probability: chance of each input-to-output connection in the first networks.
        complexity_probability: chance that a generation is ranked by (score, size) instead of (score, best
            weight).
        add_connection, insert_node, enable_connection, change_activation, duplicate_node, delete_node,
            add_feature, disable_connection: shares of the mutations. Where a column alone says little, as a
            pixel does, features (`add_feature=0.5, duplicate_node=0.2, retries=5`) learn faster.
        retries: greatest number of further mutations of a child that computes the same as another child.
        warm_start: whether `fit` goes on from the last population of the `fit` before, on the same columns,
            for as many generations again. A model from a file has no population.
        random_state: seed, or generator that draws one.
        n_jobs: threads; None is 1, and -1 all processors.
        verbose: 1 shows the generation, the champion's score and size, and an estimate of the time left.

    Attributes:
        champion_: the network, a `wann.Champion`.
        weights_: (W,) shared weights of the predictions.
        mean_, scale_: (I,) mean and standard deviation of the columns of the training rows.
        target_mean_, target_scale_: (A,) the same of their y.
        n_iter_: number of generations.
        validation_scores_: (n_iter_,) score of the champion after each: minus the mean squared error of
            scaled y.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.

    Source: Gaier and Ha (2019).
    """

    __module__ = "wann.sklearn"  # the name in pickles
    _ENSEMBLES = ("mean", "chosen", "best")
    _WEIGHTS = NUMBER_WEIGHTS

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Search for a network.

        Args:
            X: (N, I) finite numbers.
            y: (N,) or (N, A) finite numbers.
            sample_weight: (N,) how much each row counts in the score and in the choice of weights; a row of
                weight 0 is left out.

        Raises:
            ValueError: a parameter or the data is wrong.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, ensure_min_samples=2, multi_output=True, y_numeric=True
        )
        importance = importance_of(sample_weight, len(X))
        if importance is not None:
            kept = importance > 0.0
            X, y, importance = X[kept], y[kept], importance[kept]
        self._single = y.ndim == 1
        targets = np.asarray(y, np.float64).reshape(len(X), -1)
        names = ["y"] if self._single else [f"y{k}" for k in range(targets.shape[1])]
        self._search(X, np.zeros(len(X), np.int64), targets, names, importance)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predictions (N,) or (N, A), in the shape of the y of `fit`.

        Args:
            X: (N, I) finite numbers.
            return_std: return also the standard deviation, of the same shape, over the ensemble's weights.
        """
        found = self._reduced(X, lambda given: np.stack([given.mean(axis=0), given.std(axis=0)], axis=1))
        mean = found[:, 0] * self.target_scale_ + self.target_mean_
        spread = found[:, 1] * self.target_scale_
        if self._single:
            mean, spread = mean[:, 0], spread[:, 0]
        return (mean, spread) if return_std else mean

    def _choose(self, given: FloatArray, validation: Samples, most: int) -> list[int]:
        """Voters whose mean has the least squared error, one added at a time while that helps."""
        assert validation.targets is not None  # noqa: S101
        members: list[int] = []
        total, least = np.zeros(given.shape[1:]), math.inf
        while len(members) < most:
            squares = np.square((total + given) / (len(members) + 1) - validation.targets)
            if validation.importance is None:
                error = squares.mean(axis=(1, 2))
            else:
                error = np.average(squares.mean(axis=2), axis=1, weights=validation.importance)
            error[members] = math.inf
            candidate = int(error.argmin())
            if not error[candidate] < least:
                break
            members.append(candidate)
            total, least = total + given[candidate], float(error[candidate])
        return members or [0]

    def _answers(self) -> dict[str, Any]:
        scaling = {"mean": self.target_mean_.tolist(), "scale": self.target_scale_.tolist()}
        return {"target": {"single": self._single, **scaling}}

    def _take_answers(self, data: dict[str, Any]) -> None:
        table = checked(_TargetTable, data.get("target"), "target")
        count = len(self.champion_.outputs)
        self.target_mean_, self.target_scale_ = scaling_of(table, count)
        if table.single and count > 1:
            raise ValueError(f"'target.single' must be false for {count} outputs")
        self._single = table.single


class _TargetTable(Scaling):
    single: bool
