"""Estimators of scikit-learn on the search: networks whose connections all share one weight, for tables.

model = WANNClassifier(random_state=0, verbose=1).fit(X, y)
model.predict_proba(X)
model.save("model.json")
WANNClassifier.load("model.json").predict(X)
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from wann.analysis.classifier import choose_members, probabilities
from wann.champion import Champion, champion_from_json, champion_to_dict
from wann.progress import view
from wann.rollouts.samples import outputs
from wann.run.loop import search_in_memory
from wann.settings import PAPER_WEIGHTS, Settings, build_settings
from wann.tasks.data_sets import DataSet, Samples
from wann.tasks.data_task import DataTask
from wann.utils.arrays import FloatArray, IntArray
from wann.utils.files import atomic_path
from wann.utils.json_text import dump_json, need, numbers, parse_json, read_text, strings
from wann.utils.seeding import Purpose, stream

try:
    from joblib import effective_n_jobs
    from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise ImportError("wann.sklearn needs scikit-learn, 1.6 or newer: pip install 'wann[data]'") from None


FORMAT = "wann-estimator"
VERSION = 1

_ACTIVATIONS = tuple(name for name in Settings().activations if name != "step")
_LEAST_VALIDATION = 10  # rows; with fewer, the champion is chosen on the training rows
_GRID = 41  # evenly spaced weights from which "chosen" and "best" choose
_MOST_MEMBERS = 9  # of a regressor's ensemble whose weights are chosen
_NUMBERS = re.compile(r"[<>=|][biuf]\d")  # types of classes that are numbers, as NumPy writes them
_ROWS = 10_000  # that are predicted at once
_NAMES = {"max_steps": "batch_size", "patience": "n_iter_no_change"}  # of settings, and the parameters here


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What the classifier and the regressor share: the parameters, the search, the file."""

    _ENSEMBLES: ClassVar[tuple[str, ...]]
    _WEIGHTS: ClassVar[tuple[float, ...]]  # where none are given

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
        activations: Sequence[str] = _ACTIVATIONS,
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
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.population = population
        self.generations = generations
        self.max_seconds = max_seconds
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.batch_size = batch_size
        self.weights = weights
        self.weight_sampling = weight_sampling
        self.ensemble = ensemble
        self.activations = activations
        self.initial_connection_probability = initial_connection_probability
        self.complexity_probability = complexity_probability
        self.add_connection = add_connection
        self.insert_node = insert_node
        self.enable_connection = enable_connection
        self.change_activation = change_activation
        self.duplicate_node = duplicate_node
        self.delete_node = delete_node
        self.add_feature = add_feature
        self.disable_connection = disable_connection
        self.retries = retries
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to one file of plain JSON, aside and then renamed.

        It holds the parameters, the champion, its weights and all scaling. A `random_state` that is a
        generator is written as None.

        Raises:
            NotFittedError: the model is not fitted.
            ValueError: a parameter or a class is nothing that JSON knows.
            OSError: the file cannot be written; nothing is left behind.
        """
        check_is_fitted(self)
        parameters = self.get_params(deep=False)
        if isinstance(self.random_state, np.random.RandomState):
            parameters["random_state"] = None
        names = getattr(self, "feature_names_in_", None)
        data = {
            "format": FORMAT,
            "version": VERSION,
            "estimator": type(self).__name__,
            "parameters": {name: _plain(value) for name, value in parameters.items()},
            "feature_names": None if names is None else names.tolist(),
            "mean": self.mean_.tolist(),
            "scale": self.scale_.tolist(),
            "weights": self.weights_.tolist(),
            "validation_scores": self.validation_scores_.tolist(),
            **self._answers(),
            "champion": champion_to_dict(self.champion_),
        }
        try:
            text = dump_json(data) + "\n"
        except (TypeError, ValueError) as error:
            raise ValueError(f"{type(self).__name__} cannot be saved as JSON: {error}") from None
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Fitted model from a file of `save`. Loading can run no code.

        Raises:
            ValueError: there is no such file, or it is not a whole and valid model of this class; in one
                line.
        """
        text = read_text(Path(path), "model")
        try:
            return cls._from_json(text)
        except ValueError as error:
            raise ValueError(f"model file {path}: {error}") from None

    @classmethod
    def _from_json(cls, text: str) -> Self:
        data = parse_json(text, "a model", FORMAT, VERSION)
        kind = need(data, "estimator", str)
        if kind != cls.__name__:
            raise ValueError(f"holds a {kind}, not a {cls.__name__}")
        parameters = need(data, "parameters", dict)
        unknown = sorted(set(parameters) - set(cls().get_params(deep=False)))
        if unknown:
            raise ValueError(f"has an unknown parameter {unknown[0]!r}")
        model = cls(**{name: _plain(value) for name, value in parameters.items()})
        model._settings(0)
        champion = champion_from_json(json.dumps(need(data, "champion", dict)))
        model.champion_ = champion
        model.mean_, model.scale_ = _scaling_of(data, "mean", "scale", len(champion.inputs))
        model.n_features_in_ = len(champion.inputs)
        if data.get("feature_names") is not None:
            names = strings(data, "feature_names")
            if tuple(names) != champion.inputs:
                raise ValueError("feature_names must be the inputs of the champion")
            model.feature_names_in_ = np.array(names, object)
        model.weights_ = numbers(data, "weights")
        model.validation_scores_ = numbers(data, "validation_scores")
        if not model.weights_.size or not model.validation_scores_.size:
            raise ValueError("must list at least one of weights and of validation_scores")
        model.n_iter_ = model.validation_scores_.size
        model._take_answers(data)
        return model

    def _answers(self) -> dict[str, Any]:
        """What turns outputs into answers, for a file."""
        raise NotImplementedError

    def _take_answers(self, data: dict[str, Any]) -> None:
        """The same from a file, checked."""
        raise NotImplementedError

    def _settings(self, seed: int) -> Settings:
        """Settings of the search, from checked parameters.

        Raises:
            ValueError: a parameter is wrong, in one line.
        """
        given = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        _check_choice("ensemble", given["ensemble"], self._ENSEMBLES)
        _check_choice("weight_sampling", given["weight_sampling"], ("stratified", "uniform", "fixed"))
        fraction = given["validation_fraction"]
        if not _is_number(fraction) or not 0.0 <= fraction < 1.0:
            raise ValueError(f"parameter 'validation_fraction': must be in [0, 1), got {fraction!r}")
        for name, least in (("n_jobs", None), ("verbose", 0)):
            value = given[name]
            whole = isinstance(value, int) and (least is None or value >= least)
            if not whole and not (name == "n_jobs" and value is None):
                raise ValueError(f"parameter {name!r}: must be a whole number, got {value!r}")
        weights = self._WEIGHTS if given["weights"] is None else given["weights"]
        if not isinstance(weights, tuple) or not weights or not all(_is_number(weight) for weight in weights):
            raise ValueError(f"parameter 'weights': must be one or more finite numbers, got {weights!r}")
        if given["weight_sampling"] == "fixed":
            sampled: dict[str, Any] = {"weights": weights}
        elif min(weights) < max(weights):
            low, high = min(weights), max(weights)
            sampled = {"weight_count": len(weights), "weight_range": (low, high)}
        else:
            raise ValueError(
                f"parameter 'weights': {weights[0]} alone spans no range to draw from; give two, or "
                "weight_sampling='fixed'"
            )
        same = set(given) & set(Settings.model_fields) - {"weights"}
        try:
            return build_settings(
                {name: given[name] for name in same},
                {ours: given[theirs] for ours, theirs in _NAMES.items()},
                sampled,
                {
                    "task": type(self).__name__,
                    "preset": "scikit-learn",
                    "seed": seed,
                    "episodes": 1,
                    "confirm_episodes": 1,
                },
            )
        except ValueError as error:
            message = str(error).replace("setting '", "parameter '")
            for ours, theirs in _NAMES.items():
                message = message.replace(f"'{ours}'", f"'{theirs}'")
            raise ValueError(message) from None

    def _search(self, X: FloatArray, labels: IntArray, targets: FloatArray | None, names: list[str]) -> None:
        """Search for a champion and choose its weights.

        Args:
            X: (N, I) rows.
            labels: (N,) groups that are dealt out one by one: the classes, where there are no targets.
            targets: (N, A) numbers that the outputs should be.
            names: of the A outputs.
        """
        settings = self._settings(int(check_random_state(self.random_state).randint(2**31 - 1)))
        parts = _split(labels, float(self.validation_fraction), settings.seed)
        self.mean_, self.scale_ = _scaling(X[parts[0]], "X")
        X = (X - self.mean_) / self.scale_
        if targets is not None:
            self.target_mean_, self.target_scale_ = _scaling(targets[parts[0]], "y")
            targets = (targets - self.target_mean_) / self.target_scale_
            labels = np.full(len(X), -1)
        train, validation, test = (
            Samples(X[rows], labels[rows], targets=None if targets is None else targets[rows])
            for rows in (*parts, np.arange(0))
        )
        inputs = tuple(getattr(self, "feature_names_in_", (f"x{k}" for k in range(X.shape[1]))))
        task = DataTask(
            name=settings.task,
            env_id=settings.task,
            summary="",
            inputs=inputs,
            outputs=tuple(names),
            episode_steps=settings.max_steps,
            data=DataSet(inputs, tuple(names), train, validation, test),
        )
        with view(quiet=not self.verbose) as shown:
            found = search_in_memory(
                task,
                settings,
                threads=effective_n_jobs(self.n_jobs),
                observer=shown and (lambda progress: shown(progress) if progress.row else None),
            )
        if found.champion is None:
            raise ValueError("no network gave finite numbers: X holds values too far from the others")
        self.champion_: Champion = found.champion
        self.validation_scores_: FloatArray = np.array([row["champion_mean"] for row in found.rows])
        self.n_iter_ = len(found.rows)
        weights = np.array(self._WEIGHTS if self.weights is None else self.weights, np.float64)
        if self.ensemble in ("chosen", "best"):
            grid = np.unique(np.linspace(weights.min(), weights.max(), _GRID))
            given = outputs(self.champion_.network, grid, validation.inputs())
            weights = grid[self._choose(given, validation, 1 if self.ensemble == "best" else _MOST_MEMBERS)]
        self.weights_: FloatArray = weights

    def _choose(self, given: FloatArray, validation: Samples, most: int) -> list[int]:
        """Positions of the best voters, at most so many, from outputs (W, N, A) for validation samples."""
        raise NotImplementedError

    def _reduced(self, X: Any, reduce: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """What `reduce` makes of the outputs (W, n, A) of all voters for some rows, of all rows (N, ...)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        network = self.champion_.network
        parts = [
            reduce(outputs(network, self.weights_, (X[first : first + _ROWS] - self.mean_) / self.scale_))
            for first in range(0, len(X), _ROWS)
        ]
        return np.concatenate(parts)


class WANNClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """Classifier whose network works with one weight that all its connections share.

    The columns of X are moved and scaled to mean 0 and standard deviation 1. Networks are scored by minus
    the cross-entropy of their outputs' softmax, over several shared weights; the champion is chosen on rows
    that the search does not see. The same data and `random_state` give the same model for any `n_jobs`.

    Args:
        population: networks per generation.
        generations: stop after this many.
        max_seconds: stop after this much computing time.
        n_iter_no_change: stop after this many generations without a new champion; None never does.
        validation_fraction: share of each class that is held out to choose the champion on. Where this gives
            fewer than 10 rows, it is chosen on the training rows.
        batch_size: rows that a generation is scored on, drawn afresh for each; all, where there are not more.
        weights: shared weights of the ensembles "mean" and "vote"; their number and range are also those of
            the weights that networks are scored with. None is the paper's -2, -1, -0.5, 0.5, 1 and 2.
        weight_sampling: "stratified" or "uniform" draws the weights of each generation from the range of
            `weights`; "fixed" takes `weights` themselves.
        ensemble: how one network at several weights answers. "mean" averages its probabilities, "vote"
            counts a vote for each weight, "chosen" averages over weights of the range chosen on the
            validation rows, and "best" uses the single one with the least cross-entropy there.
        activations: names of the functions a hidden node may have.
        initial_connection_probability: chance of each input-to-output connection in the first networks.
        complexity_probability: chance that a generation is ranked by (score, size) instead of (score, best
            weight).
        add_connection, insert_node, enable_connection, change_activation, duplicate_node, delete_node,
            add_feature, disable_connection: shares of the mutations. Where a column alone says little, as a
            pixel does, features (`add_feature=0.5, duplicate_node=0.2, retries=5`) learn faster.
        retries: most further mutations of a child that computes the same as another of its generation.
        random_state: seed, or generator that draws one.
        n_jobs: threads; None is 1, and -1 all processors.
        verbose: 1 shows the generation, the champion's score and size, and an estimate of the time left.

    Attributes:
        classes_: (A,) classes.
        champion_: the network, a `wann.Champion`; `wann.draw.draw_genome` draws its genome.
        weights_: (W,) shared weights that answer.
        mean_, scale_: (I,) of the columns of the training rows.
        n_iter_: generations.
        validation_scores_: (n_iter_,) of the champion after each: minus the mean cross-entropy, in nats.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.

    Source: Gaier and Ha (2019).
    """

    _ENSEMBLES = ("mean", "vote", "chosen", "best")
    _WEIGHTS = PAPER_WEIGHTS

    def fit(self, X: Any, y: Any) -> Self:
        """Search for a network.

        Args:
            X: (N, I) finite numbers.
            y: (N,) classes.

        Raises:
            ValueError: a parameter or the data is wrong.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if self.classes_.size < 2:
            raise ValueError(f"y holds one class only, {self.classes_[0]!r}: there is nothing to tell apart")
        self._search(X, labels, None, [str(name) for name in self.classes_.tolist()])
        return self

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
        """Share (N,) of the weights at which the network says what the ensemble says: its confidence."""

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
            return choose_members(of_each, labels)
        own = of_each[:, np.arange(labels.size), labels]
        return [int(np.log(np.maximum(own, np.finfo(float).tiny)).mean(axis=1).argmax())]

    def _answers(self) -> dict[str, Any]:
        classes = self.classes_
        if classes.dtype.kind not in "biufUO" or not all(
            isinstance(name, str) for name in classes.tolist() if classes.dtype.kind == "O"
        ):
            raise ValueError(f"classes must be words or numbers to be saved, not {classes[0]!r}")
        kind = classes.dtype.kind if classes.dtype.kind in "UO" else classes.dtype.str
        return {"classes": {"type": kind, "names": classes.tolist()}}

    def _take_answers(self, data: dict[str, Any]) -> None:
        table = need(data, "classes", dict)
        names, kind = need(table, "names", list), need(table, "type", str)
        words = kind in ("U", "O") and all(isinstance(name, str) for name in names)
        try:
            classes = np.array(names, kind) if words or _NUMBERS.fullmatch(kind) else np.empty(0)
        except (TypeError, ValueError, OverflowError, MemoryError):
            classes = np.empty(0)
        if classes.tolist() != names:
            raise ValueError(f"'classes' are not of the type {kind!r}")
        if np.unique(classes).tolist() != names:
            raise ValueError("'classes' must be in ascending order")
        if classes.size != len(self.champion_.outputs) or classes.size < 2:
            raise ValueError(f"has {classes.size} classes for {len(self.champion_.outputs)} outputs")
        self.classes_ = classes


class WANNRegressor(MultiOutputMixin, RegressorMixin, _Estimator):  # type: ignore[misc]
    """Regressor whose network works with one weight that all its connections share.

    The columns of X and y are moved and scaled to mean 0 and standard deviation 1. Networks are scored by
    minus the mean squared error over several shared weights; the champion is chosen on rows that the search
    does not see. The same data and `random_state` give the same model for any `n_jobs`.

    Args:
        population: networks per generation.
        generations: stop after this many.
        max_seconds: stop after this much computing time.
        n_iter_no_change: stop after this many generations without a new champion; None never does.
        validation_fraction: share of the rows that is held out to choose the champion on. Where this gives
            fewer than 10 rows, it is chosen on the training rows.
        batch_size: rows that a generation is scored on, drawn afresh for each; all, where there are not more.
        weights: shared weights of the ensemble "mean"; their number and range are also those of the weights
            that networks are scored with. None is 0.1, 0.3, 0.5, 0.7, 0.9 and 1.1.
        weight_sampling: "stratified" or "uniform" draws the weights of each generation from the range of
            `weights`; "fixed" takes `weights` themselves.
        ensemble: how one network at several weights answers. "mean" averages its outputs, "chosen" averages
            over weights of the range chosen on the validation rows, and "best" uses the single one with the
            least squared error there.
        activations: names of the functions a hidden node may have.
        initial_connection_probability: chance of each input-to-output connection in the first networks.
        complexity_probability: chance that a generation is ranked by (score, size) instead of (score, best
            weight).
        add_connection, insert_node, enable_connection, change_activation, duplicate_node, delete_node,
            add_feature, disable_connection: shares of the mutations. Where a column alone says little, as a
            pixel does, features (`add_feature=0.5, duplicate_node=0.2, retries=5`) learn faster.
        retries: most further mutations of a child that computes the same as another of its generation.
        random_state: seed, or generator that draws one.
        n_jobs: threads; None is 1, and -1 all processors.
        verbose: 1 shows the generation, the champion's score and size, and an estimate of the time left.

    Attributes:
        champion_: the network, a `wann.Champion`; `wann.draw.draw_genome` draws its genome.
        weights_: (W,) shared weights that answer.
        mean_, scale_: (I,) of the columns of the training rows.
        target_mean_, target_scale_: (A,) of their y.
        n_iter_: generations.
        validation_scores_: (n_iter_,) of the champion after each: minus the mean squared error of scaled y.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.

    Source: Gaier and Ha (2019).
    """

    _ENSEMBLES = ("mean", "chosen", "best")
    # Found by trial: sums must be small to meet numbers, and a sign that changes with the weight hinders.
    _WEIGHTS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.1)

    def fit(self, X: Any, y: Any) -> Self:
        """Search for a network.

        Args:
            X: (N, I) finite numbers.
            y: (N,) or (N, A) finite numbers.

        Raises:
            ValueError: a parameter or the data is wrong.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, ensure_min_samples=2, multi_output=True, y_numeric=True
        )
        self._single = y.ndim == 1
        targets = np.asarray(y, np.float64).reshape(len(X), -1)
        names = ["y"] if self._single else [f"y{k}" for k in range(targets.shape[1])]
        self._search(X, np.zeros(len(X), np.int64), targets, names)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predictions (N,) or (N, A), as y had been.

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
            error = np.square((total + given) / (len(members) + 1) - validation.targets).mean(axis=(1, 2))
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
        table = need(data, "target", dict)
        count = len(self.champion_.outputs)
        self.target_mean_, self.target_scale_ = _scaling_of(table, "mean", "scale", count)
        if not isinstance(table.get("single"), bool) or (table["single"] and count > 1):
            raise ValueError(f"'single' must be true or false, and false for {count} outputs")
        self._single = table["single"]


def _split(labels: IntArray, fraction: float, seed: int) -> tuple[IntArray, IntArray]:
    """Rows for training and for validation, each class dealt out by itself; all for both where too few."""
    held = []
    for label in range(labels.max() + 1):
        rows = np.flatnonzero(labels == label)
        count = min(round(fraction * rows.size), rows.size - 1)
        held.append(stream(seed, Purpose.SPLIT, label).permutation(rows)[:count])
    every, validation = np.arange(labels.size), np.sort(np.concatenate(held))
    if validation.size < _LEAST_VALIDATION:
        return every, every
    return np.setdiff1d(every, validation), validation


def _scaling(values: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each column; 1 for a constant one.

    Raises:
        ValueError: a column holds numbers too far apart.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scaler = StandardScaler().fit(values)
    bad = np.flatnonzero(~(np.isfinite(scaler.mean_) & np.isfinite(scaler.scale_)))
    if bad.size:
        raise ValueError(f"column {bad[0]} of {name} holds numbers too large to be scaled: give smaller ones")
    return scaler.mean_, scaler.scale_


def _scaling_of(data: dict[str, Any], mean: str, scale: str, count: int) -> tuple[FloatArray, FloatArray]:
    """Means and scales from a file, checked."""
    means, scales = numbers(data, mean), numbers(data, scale)
    if means.size != count or scales.size != count or not (scales > 0.0).all():
        raise ValueError(f"{mean!r} and {scale!r} must be {count} numbers each, the scales above 0")
    return means, scales


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"parameter {name!r}: must be one of {', '.join(choices)}, got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plain(value: Any) -> Any:
    """Numbers and tuples of Python from those of NumPy, and tuples from lists."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_plain(each) for each in value)
    return value
