"""Networks that work without trained weights, as estimators of scikit-learn, and their comparison.

    from wann.random_weights import KitchenSinks

    model = KitchenSinks(features=2000, random_state=0).fit(x, y)
    model.score(x_test, y_test), model.trained_parameters

Each class names its source. `wann compare` sets them side by side.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wann.random_weights.dense import DenseNetwork
    from wann.random_weights.edge_popup import HiddenSubnetwork
    from wann.random_weights.kitchen_sinks import KitchenSinks
    from wann.random_weights.linear import LinearLogistic, LinearRidge
    from wann.random_weights.random_convolution import RandomConvolution
    from wann.random_weights.random_hidden_layer import RandomHiddenLayer
    from wann.random_weights.receptive_fields import ReceptiveFields
    from wann.random_weights.supermask import CriterionMask, LearnedMask
    from wann.random_weights.transfer import Transfer

# Imported on first use: some need scikit-learn, some PyTorch.
_HOME = {
    "CriterionMask": "supermask",
    "DenseNetwork": "dense",
    "HiddenSubnetwork": "edge_popup",
    "KitchenSinks": "kitchen_sinks",
    "LearnedMask": "supermask",
    "LinearLogistic": "linear",
    "LinearRidge": "linear",
    "RandomConvolution": "random_convolution",
    "RandomHiddenLayer": "random_hidden_layer",
    "ReceptiveFields": "receptive_fields",
    "Transfer": "transfer",
}

__all__ = [
    "CriterionMask",
    "DenseNetwork",
    "HiddenSubnetwork",
    "KitchenSinks",
    "LearnedMask",
    "LinearLogistic",
    "LinearRidge",
    "RandomConvolution",
    "RandomHiddenLayer",
    "ReceptiveFields",
    "Transfer",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'wann.random_weights' has no attribute {name!r}")
    value = getattr(import_module(f"wann.random_weights.{_HOME[name]}"), name)
    globals()[name] = value
    return value
