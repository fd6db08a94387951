"""The rows of the comparison: each method, its cost, the figure it has to reach, and its ablation.

A row is measured by a function of a problem and a seed. Those of a data set are estimators; `classifier`
makes such a function of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from wann.random_weights.bench.method import Anchor, Measurement, Method, Problem, classifier


def data_methods() -> Mapping[str, Method]:
    """The rows for a data set, by name. Nothing heavy is imported before a row is measured."""
    from wann.random_weights.bench.methods_torch import METHODS as TORCH

    return {method.name: method for method in (*_METHODS, *TORCH)}


def recurrent_methods() -> Mapping[str, Mapping[str, Method]]:
    """The rows for each task whose velocities are hidden, by task and name; measured with (None, seed)."""
    return {
        task: {method.name: method for method in _recurrent(task)} for task in ("CartPole-v1", "Pendulum-v1")
    }


def _recurrent(task: str) -> Iterator[Method]:
    def measured(kind: str) -> Callable[[Any, int], Measurement]:
        def measure(_: Any, seed: int) -> Measurement:
            from wann.random_weights.bench import hidden_velocities

            return hidden_velocities.measure(task, kind, seed)  # type: ignore[arg-type]  # one of those below

        return measure

    gated = task == "CartPole-v1"
    seconds = 5.0 if gated else 20.0
    yield Method(
        "recurrent",
        "Untrained recurrent network as memory",
        measured("recurrent"),
        seconds,
        anchor=Anchor("866 ± 69 on CarRacing-v0, trained 895 ± 79", "Tallec et al. 2019"),
        gate=475.0 if gated else None,
    )
    yield Method(
        "recurrent-trained",
        "The same, trained to predict what is seen next",
        measured("trained"),
        seconds + 30.0,
        needs="torch",
        ablation_of="recurrent",
    )
    yield Method(
        "memoryless",
        "The same without memory",
        measured("none"),
        seconds,
        ablation_of="recurrent",
        ceiling=60.0 if gated else None,
    )
    yield Method("two-steps", "Two observations instead of memory", measured("stack"), seconds)
    yield Method("full", "All entries, velocities too", measured("full"), seconds, remark="nothing is hidden")


def _made(module: str, name: str, **parameters: Any) -> Callable[[Problem, int], Any]:
    """A function that makes an estimator of this package for a problem and a seed."""

    def make(problem: Problem, seed: int) -> Any:
        kind = getattr(import_module(f"wann.random_weights.{module}"), name)
        own = {"shape": problem.shape} if "shape" in kind().get_params() else {}
        return kind(random_state=seed, **own, **parameters)

    return make


def _row(
    name: str, title: str, seconds: float, module: str, kind: str, parameters: Mapping[str, Any], **rest: Any
) -> Method:
    return Method(name, title, classifier(_made(module, kind, **parameters)), seconds, **rest)


_SINKS = ("kitchen_sinks", "KitchenSinks")
_LAYER = ("random_hidden_layer", "RandomHiddenLayer")
_FIELDS = ("receptive_fields", "ReceptiveFields")
_MCDONNELL = "McDonnell et al. 2015, code"

_METHODS: tuple[Method, ...] = (
    _row("ridge", "Ridge regression on the inputs", 6, "linear", "LinearRidge", {}),
    _row("logistic", "Logistic regression on the inputs", 60, "linear", "LinearLogistic", {}, drawn=False),
    _row(
        "kitchen-sinks-2000",
        "Random kitchen sinks, 2,000 features",
        20,
        *_SINKS,
        {"features": 2000},
        gate=0.954,
    ),
    _row(
        "kitchen-sinks-2000-trained",
        "The same, features trained",
        150,
        *_SINKS,
        {"features": 2000, "trained": True},
        ablation_of="kitchen-sinks-2000",
    ),
    _row(
        "kitchen-sinks-10000",
        "Random kitchen sinks, 10,000 features",
        200,
        *_SINKS,
        {"features": 10_000},
        gate=0.972,
    ),
    _row("elm-1000", "ELM: 1,000 random tanh units", 8, *_LAYER, {"units": 1000}, gate=0.928),
    _row(
        "elm-1000-trained",
        "The same, units trained",
        80,
        *_LAYER,
        {"units": 1000, "trained": True},
        ablation_of="elm-1000",
    ),
    _row(
        "rvfl-1000",
        "RVFL: 1,000 random tanh units, direct links",
        15,
        *_LAYER,
        {"units": 1000, "direct_links": True},
        gate=0.938,
    ),
    _row(
        "rvfl-1000-trained",
        "The same, units trained",
        80,
        *_LAYER,
        {"units": 1000, "direct_links": True, "trained": True},
        ablation_of="rvfl-1000",
    ),
    _row("elm-4000", "ELM: 4,000 random tanh units", 60, *_LAYER, {"units": 4000}, gate=0.963),
    _row(
        "fields-1600",
        "1,600 random receptive fields",
        15,
        *_FIELDS,
        {"units": 1600},
        images=True,
    ),
    _row(
        "fields-1600-trained",
        "The same, weights in the fields trained",
        120,
        *_FIELDS,
        {"units": 1600, "trained": True},
        images=True,
        ablation_of="fields-1600",
    ),
    _row(
        "fields-4000",
        "4,000 random receptive fields",
        70,
        *_FIELDS,
        {"units": 4000},
        images=True,
        gate=0.973,
    ),
    _row(
        "difference-fields-1600",
        "1,600 receptive fields, differences of images",
        15,
        *_FIELDS,
        {"units": 1600, "weights": "differences"},
        images=True,
        anchor=Anchor("97.7 % on MNIST", _MCDONNELL),
        remark="weights sampled from the training images",
    ),
    _row(
        "difference-fields-4000",
        "4,000 receptive fields, differences of images",
        70,
        *_FIELDS,
        {"units": 4000, "weights": "differences"},
        images=True,
        anchor=Anchor("98.8 % to 99.0 % on MNIST with 8,000", _MCDONNELL),
        remark="weights sampled from the training images",
    ),
)
