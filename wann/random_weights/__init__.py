"""Networks that work without trained weights, as estimators of scikit-learn, and their comparison.

    from wann.random_weights import KitchenSinks

    model = KitchenSinks(features=2000, random_state=0).fit(x, y)
    model.score(x_test, y_test), model.trained_parameters

Each class names its source. `wann compare` sets them side by side.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Imported on first use: some need scikit-learn, some PyTorch.
_HOME: dict[str, str] = {
    "CriterionMask": "supermask",
    "DenseNetwork": "dense",
    "HiddenSubnetwork": "edge_popup",
    "LearnedMask": "supermask",
    "RandomConvolution": "random_convolution",
    "Transfer": "transfer",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'wann.random_weights' has no attribute {name!r}")
    value = getattr(import_module(f"wann.random_weights.{_HOME[name]}"), name)
    globals()[name] = value
    return value
