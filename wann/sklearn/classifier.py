"""The classifier."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from wann.analysis.classifier import choose_members
from wann.settings import PAPER_WEIGHTS
from wann.sklearn.estimator import ACTIVATIONS, Estimator
from wann.sklearn.rows import importance_of
from wann.tasks.data_sets import Samples
from wann.tasks.prediction import probabilities
from wann.utils.arrays import FloatArray
from wann.utils.reading import Schema, checked, shown

_NUMBERS = re.compile(r"[<>=|][biuf]\d")  # types of classes that are numbers, as NumPy writes them


class WANNClassifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """Classifier whose network works with one weight that all its connections share.

    The columns of X are moved and scaled to mean 0 and standard deviation 1. Networks are scored by minus
    the cross-entropy of their outputs' softmax, over several shared weights; the champion is chosen on rows
    that the search does not see. The same data and `random_state` give the same model for any `n_jobs`.

    Args:
        population: networks per generation.
        generations: stop after this many generations.
        max_seconds: stop after this many seconds of computing; None sets no limit.
        n_iter_no_change: stop after this many generations without a new champion; None never does.
        validation_fraction: share of each class that is held out to choose the champion on. If these are
            fewer than 10 rows, it is chosen on the training rows.
        batch_size: rows that a generation is scored on, drawn afresh for each; at most all rows.
        weights: shared weights of the ensembles "mean" and "vote"; their number and range are also those of
            the weights that networks are scored with. None is the paper's -2, -1, -0.5, 0.5, 1 and 2.
        weight_sampling: "stratified" or "uniform" draws the weights of each generation from the range of
            `weights`; "fixed" takes `weights` themselves.
        ensemble: how the outputs of one network at several weights are combined. "mean" averages its
            probabilities, "vote" counts a vote for each weight, "chosen" averages over weights of the range
            chosen on the validation rows, and "best" uses the one with the least cross-entropy there.
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
        class_weight: how much each class counts, by its name; "balanced" lets all classes count alike. It is
            multiplied by the `sample_weight` of `fit`.
        random_state: seed, or generator that draws one.
        n_jobs: threads; None is 1, and -1 all processors.
        verbose: 1 shows the generation, the champion's score and size, and an estimate of the time left.

    Attributes:
        classes_: (A,) classes.
        champion_: the network, a `wann.Champion`.
        weights_: (W,) shared weights of the predictions.
        mean_, scale_: (I,) mean and standard deviation of the columns of the training rows.
        n_iter_: number of generations.
        validation_scores_: (n_iter_,) score of the champion after each: minus the mean cross-entropy in nats.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.

    Source: Gaier and Ha (2019).
    """

    __module__ = "wann.sklearn"  # the name in pickles
    _ENSEMBLES = ("mean", "vote", "chosen", "best")
    _WEIGHTS = PAPER_WEIGHTS

    def __init__(
        self,
        *,
        population: int = 64,
        generations: int = 200,
        max_seconds: float | None = None,
        n_iter_no_change: int | None = 50,
        validation_fraction: float = 0.2,
        batch_size: int = 1000,
        weights: Sequence[float] | None = None,
        weight_sampling: str = "stratified",
        ensemble: str = "mean",
        activations: Sequence[str] = ACTIVATIONS,
        initial_connection_probability: float = 0.5,
        complexity_probability: float = 0.5,
        add_connection: float = 0.5,
        insert_node: float = 0.25,
        enable_connection: float = 0.05,
        change_activation: float = 0.5,
        duplicate_node: float = 0.0,
        delete_node: float = 0.0,
        add_feature: float = 0.0,
        disable_connection: float = 0.0,
        retries: int = 0,
        class_weight: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            population=population,
            generations=generations,
            max_seconds=max_seconds,
            n_iter_no_change=n_iter_no_change,
            validation_fraction=validation_fraction,
            batch_size=batch_size,
            weights=weights,
            weight_sampling=weight_sampling,
            ensemble=ensemble,
            activations=activations,
            initial_connection_probability=initial_connection_probability,
            complexity_probability=complexity_probability,
            add_connection=add_connection,
            insert_node=insert_node,
            enable_connection=enable_connection,
            change_activation=change_activation,
            duplicate_node=duplicate_node,
            delete_node=delete_node,
            add_feature=add_feature,
            disable_connection=disable_connection,
            retries=retries,
            warm_start=warm_start,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Search for a network.

        Args:
            X: (N, I) finite numbers.
            y: (N,) classes.
            sample_weight: (N,) how much each row counts in the score and in the choice of weights; a row of
                weight 0 is left out.

        Raises:
            ValueError: a parameter or the data is wrong.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        importance = importance_of(sample_weight, len(X))
        if importance is not None:
            kept = importance > 0.0
            X, y, importance = X[kept], y[kept], importance[kept]
        self.classes_, labels = np.unique(y, return_inverse=True)
        if self.classes_.size < 2:
            raise ValueError(f"y holds one class only, {self.classes_[0]!r}: there is nothing to tell apart")
        if self.class_weight is not None:
            importance = self._class_importance(y) * (1.0 if importance is None else importance)
        self._search(X, labels, None, [str(name) for name in self.classes_.tolist()], importance)
        return self

    def _class_importance(self, y: NDArray[Any]) -> FloatArray:
        """How much each row counts by its class."""
        given = self.class_weight
        if isinstance(given, list | tuple):  # from a file
            given = dict(given)
        if not isinstance(given, Mapping) and given != "balanced":
            raise ValueError(f"parameter 'class_weight': must be 'balanced' or a dictionary, got {given!r}")
        try:
            found: FloatArray = compute_sample_weight(given, y)
        except ValueError as error:
            raise ValueError(f"parameter 'class_weight': {error}") from None
        return found

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities (N, A) of the classes: the ensemble's mean, or its share of the votes.

        Where votes are tied, half a vote is split by the mean probability.
        """
        return self._reduced(X, self._shares)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class (N,) of each row, the first of equals."""
        most = self.predict_proba(X).argmax(axis=1)
        answer: NDArray[Any] = self.classes_[most]
        return answer

    def agreement(self, X: Any) -> FloatArray:
        """Confidence (N,): share of the weights at which the network predicts the class of the ensemble."""

        def agreeing(given: FloatArray) -> FloatArray:
            share: FloatArray = (given.argmax(axis=2) == self._shares(given).argmax(axis=1)).mean(axis=0)
            return share

        return self._reduced(X, agreeing)

    def _shares(self, given: FloatArray) -> FloatArray:
        of_each = probabilities(given)
        mean: FloatArray = of_each.mean(axis=0)
        if self.ensemble != "vote":
            return mean
        votes = (of_each.argmax(axis=2)[:, :, None] == np.arange(given.shape[2])).sum(axis=0)
        shares: FloatArray = (votes + 0.5 * mean) / (len(given) + 0.5)
        return shares

    def _choose(self, given: FloatArray, validation: Samples, most: int) -> list[int]:
        of_each, labels = probabilities(given), validation.labels
        if most > 1:
            return choose_members(of_each, labels, validation.importance)
        own = of_each[:, np.arange(labels.size), labels]
        likelihood = np.log(np.maximum(own, np.finfo(float).tiny))
        return [int(np.average(likelihood, axis=1, weights=validation.importance).argmax())]

    def _answers(self) -> dict[str, Any]:
        classes = self.classes_
        if classes.dtype.kind not in "biufUO" or not all(
            isinstance(name, str) for name in classes.tolist() if classes.dtype.kind == "O"
        ):
            raise ValueError(f"classes must be words or numbers to be saved, not {classes[0]!r}")
        kind = classes.dtype.kind if classes.dtype.kind in "UO" else classes.dtype.str
        return {"classes": {"type": kind, "names": classes.tolist()}}

    def _take_answers(self, data: dict[str, Any]) -> None:
        table = checked(_ClassesTable, data.get("classes"), "classes")
        names, kind = table.names, table.type
        words = kind in ("U", "O") and all(isinstance(name, str) for name in names)
        try:
            classes = np.array(names, kind) if words or _NUMBERS.fullmatch(kind) else np.empty(0)
        except (TypeError, ValueError, OverflowError, MemoryError):
            classes = np.empty(0)
        if classes.tolist() != names:
            raise ValueError(f"'classes' are not of the type {shown(kind)}")
        if np.unique(classes).tolist() != names:
            raise ValueError("'classes' must be in ascending order")
        if classes.size != len(self.champion_.outputs) or classes.size < 2:
            raise ValueError(f"has {classes.size} classes for {len(self.champion_.outputs)} outputs")
        self.classes_ = classes


class _ClassesTable(Schema):
    names: list[Any]
    type: str
