"""Parts that the classifier and the regressor share: the parameters, the search, the file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from joblib import effective_n_jobs
from pydantic import Field
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from wann.champion import ESTIMATOR, Champion, champion_from_dict, champion_to_dict
from wann.evolution.evolution import EvolutionState
from wann.progress import view
from wann.rollouts.samples import outputs
from wann.run.loop import search_in_memory
from wann.settings import Settings, build_settings, with_changes
from wann.sklearn.rows import scaling_from, split_rows
from wann.tasks.columns import Column, Columns, Target
from wann.tasks.data_sets import DataSet, Samples
from wann.tasks.data_task import DataTask
from wann.utils.arrays import FloatArray, IntArray
from wann.utils.files import atomic_path
from wann.utils.json_text import dump_json
from wann.utils.plain_text import plain
from wann.utils.reading import Numbers, Schema, Words, checked, in_file, parse_json, read_text, shown

FORMAT = ESTIMATOR
VERSION = 1

ACTIVATIONS = tuple(name for name in Settings().activations if name != "step")
_GRID = 41  # evenly spaced weights from which "chosen" and "best" choose
_MOST_MEMBERS = 9  # of a regressor's ensemble whose weights are chosen
_ROWS = 10_000  # that are predicted at once
_NAMES = {"max_steps": "batch_size", "patience": "n_iter_no_change"}  # of settings, and the parameters here


class Estimator(BaseEstimator):  # type: ignore[misc]
    """Base class of the classifier and the regressor."""

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
        warm_start: bool = False,
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
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to one file of plain JSON, aside and then renamed.

        It holds the parameters, the champion, its weights and all scaling. A `random_state` that is a
        generator is written as None.

        Raises:
            NotFittedError: the model is not fitted.
            ValueError: a parameter or a class cannot be written as JSON.
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
            "parameters": {name: _python_value(value) for name, value in parameters.items()},
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
            ValueError: there is no such file, or it is not a whole and valid model of this class.
        """
        text = read_text(Path(path), "model")
        with in_file(path, "model"):
            return cls._from_json(text)

    @classmethod
    def _from_json(cls, text: str) -> Self:
        data = parse_json(text, "a model", FORMAT, VERSION)
        table = checked(_ModelTable, data)
        if table.estimator != cls.__name__:
            raise ValueError(f"holds a {table.estimator}, not a {cls.__name__}")
        unknown = sorted(set(table.parameters) - set(cls().get_params(deep=False)))
        if unknown:
            raise ValueError(f"has an unknown parameter {shown(unknown[0])}")
        model = cls(**{name: _python_value(value) for name, value in table.parameters.items()})
        model._settings(0)
        champion = champion_from_dict(table.champion)
        model.champion_, model._state = champion, None
        model.mean_, model.scale_ = scaling_of(table, len(champion.inputs))
        model.n_features_in_ = len(champion.inputs)
        if table.feature_names is not None:
            if tuple(map(plain, table.feature_names)) != champion.inputs:
                raise ValueError("feature_names must be the inputs of the champion")
            model.feature_names_in_ = np.array(table.feature_names, object)
        model.weights_ = np.array(table.weights, np.float64)
        model.validation_scores_ = np.array(table.validation_scores, np.float64)
        model.n_iter_ = model.validation_scores_.size
        model._take_answers(data)
        return model

    def _answers(self) -> dict[str, Any]:
        """Fields of the file that turn outputs into predictions."""
        raise NotImplementedError

    def _take_answers(self, data: dict[str, Any]) -> None:
        """Read and check the fields of `_answers`."""
        raise NotImplementedError

    def _settings(self, seed: int) -> Settings:
        """Settings of the search, from checked parameters.

        Raises:
            ValueError: a parameter is wrong, in one line.
        """
        given = {name: _python_value(value) for name, value in self.get_params(deep=False).items()}
        _check_choice("ensemble", given["ensemble"], self._ENSEMBLES)
        _check_choice("weight_sampling", given["weight_sampling"], ("stratified", "uniform", "fixed"))
        fraction = given["validation_fraction"]
        if not _is_number(fraction) or not 0.0 <= fraction < 1.0:
            raise ValueError(f"parameter 'validation_fraction': must be in [0, 1), got {shown(fraction)}")
        if not isinstance(given["warm_start"], bool):
            raise ValueError(
                f"parameter 'warm_start': must be True or False, got {shown(given['warm_start'])}"
            )
        for name, least in (("n_jobs", None), ("verbose", 0)):
            value = given[name]
            whole = isinstance(value, int) and (least is None or value >= least)
            if not whole and not (name == "n_jobs" and value is None):
                raise ValueError(f"parameter {name!r}: must be a whole number, got {shown(value)}")
        weights = self._WEIGHTS if given["weights"] is None else given["weights"]
        if not isinstance(weights, tuple) or not weights or not all(_is_number(weight) for weight in weights):
            raise ValueError(f"parameter 'weights': must be one or more finite numbers, got {shown(weights)}")
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

    def _search(
        self,
        X: FloatArray,
        labels: IntArray,
        targets: FloatArray | None,
        names: list[str],
        importance: FloatArray | None = None,
    ) -> None:
        """Search for a champion and choose its weights.

        Args:
            X: (N, I) rows.
            labels: (N,) classes, by which rows are stratified; all 0 with targets.
            targets: (N, A) numbers that the outputs should be.
            names: names of the A outputs.
            importance: (N,) how much each row counts; all alike where it is not given.
        """
        settings = self._settings(int(check_random_state(self.random_state).randint(2**31 - 1)))
        start = self._warm_state(X.shape[1], len(names), settings) if self.warm_start else None
        if start:
            settings = with_changes(settings, {"generations": start.generation + settings.generations})
        parts = split_rows(labels, float(self.validation_fraction), settings.seed)
        self.mean_, self.scale_ = scaling_from(X[parts[0]], "X")
        X = (X - self.mean_) / self.scale_
        if targets is not None:
            self.target_mean_, self.target_scale_ = scaling_from(targets[parts[0]], "y")
            targets = (targets - self.target_mean_) / self.target_scale_
            labels = np.full(len(X), -1)
        train, validation, test = (
            Samples(
                X[rows],
                labels[rows],
                targets=None if targets is None else targets[rows],
                importance=None if importance is None else importance[rows],
            )
            for rows in (*parts, np.arange(0))
        )
        inputs = tuple(getattr(self, "feature_names_in_", (f"x{k}" for k in range(X.shape[1]))))
        columns = self._columns(inputs, names)
        task = DataTask(
            name=settings.task,
            env_id=settings.task,
            summary="",
            inputs=inputs,
            outputs=tuple(names),
            episode_steps=settings.max_steps,
            data=DataSet(inputs, tuple(names), train, validation, test, columns=columns),
        )
        with view(quiet=not self.verbose) as shown:
            found = search_in_memory(
                task,
                settings,
                threads=effective_n_jobs(self.n_jobs),
                observer=shown and (lambda progress: shown(progress) if progress.row else None),
                start=start,
            )
        if found.champion is None:
            raise ValueError("no network gave finite numbers: X holds values too far from the others")
        self.champion_: Champion = found.champion
        self._state: EvolutionState | None = found.state
        self.validation_scores_: FloatArray = np.array([row["champion_mean"] for row in found.rows])
        self.n_iter_ = len(found.rows)
        weights = np.array(self._WEIGHTS if self.weights is None else self.weights, np.float64)
        if self.ensemble in ("chosen", "best"):
            grid = np.unique(np.linspace(weights.min(), weights.max(), _GRID))
            given = outputs(self.champion_.network, grid, validation.inputs())
            weights = grid[self._choose(given, validation, 1 if self.ensemble == "best" else _MOST_MEMBERS)]
        self.weights_: FloatArray = weights

    def _warm_state(self, inputs: int, outputs: int, settings: Settings) -> EvolutionState | None:
        """The population of the last `fit`, whose champion must prove itself anew; None before one.

        Raises:
            ValueError: it has another size or shape.
        """
        state: EvolutionState | None = getattr(self, "_state", None)
        if state is None:
            return None
        genome = state.population[0]
        for what, found, wanted in (
            ("inputs", genome.inputs, inputs),
            ("outputs", genome.outputs, outputs),
            ("networks", len(state.population), settings.population),
        ):
            if found != wanted:
                raise ValueError(
                    f"warm_start goes on from a population with {found} {what}, not {wanted}: set it to False"
                )
        return replace(state, champion=None, told=None, stale=0)

    def _columns(self, inputs: tuple[str, ...], names: list[str]) -> Columns | None:
        """What is done to the columns of X, and to a single column of numbers y; kept with the champion."""
        target = None
        if hasattr(self, "target_mean_"):
            if len(names) > 1:
                return None
            mean, scale = float(self.target_mean_[0]), float(self.target_scale_[0])
            target = Target(name=names[0], mean=mean, scale=scale)
        return Columns(
            columns=tuple(
                Column(name=str(name), fill=mean)
                for name, mean in zip(inputs, self.mean_.tolist(), strict=True)
            ),
            mean=tuple(self.mean_.tolist()),
            scale=tuple(self.scale_.tolist()),
            target=target,
        )

    def _choose(self, given: FloatArray, validation: Samples, most: int) -> list[int]:
        """Positions of the best weights, at most `most`, from outputs (W, N, A) for validation samples."""
        raise NotImplementedError

    def _reduced(self, X: Any, reduce: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Results (N, ...) of `reduce`, which is given the outputs (W, n, A) at all weights for some rows."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        network = self.champion_.network
        parts = [
            reduce(outputs(network, self.weights_, (X[first : first + _ROWS] - self.mean_) / self.scale_))
            for first in range(0, len(X), _ROWS)
        ]
        return np.concatenate(parts)


class Scaling(Schema):
    """Means and scales of columns in a file."""

    mean: Numbers
    scale: Numbers


class _ModelTable(Scaling):
    """What the file of a model must be, whatever it predicts."""

    estimator: str
    parameters: dict[str, Any]
    feature_names: Words | None = None
    weights: Annotated[Numbers, Field(min_length=1)]
    validation_scores: Annotated[Numbers, Field(min_length=1)]
    champion: dict[str, Any]


def scaling_of(table: Scaling, count: int) -> tuple[FloatArray, FloatArray]:
    """Means and scales of a file, each of `count` entries.

    Raises:
        ValueError: there are more or fewer, or a scale is not above 0.
    """
    means, scales = np.array(table.mean, np.float64), np.array(table.scale, np.float64)
    if means.size != count or scales.size != count or not (scales > 0.0).all():
        raise ValueError(f"'mean' and 'scale' must be {count} numbers each, the scales above 0")
    return means, scales


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"parameter {name!r}: must be one of {', '.join(choices)}, got {shown(value)}")


def _is_number(value: Any) -> bool:
    largest = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -largest <= value <= largest


def _python_value(value: Any) -> Any:
    """Numbers and tuples of Python from those of NumPy, and tuples from lists and dictionaries."""
    if isinstance(value, Mapping):
        value = [*value.items()]
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_python_value(each) for each in value)
    return value
