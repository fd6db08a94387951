"""Random receptive fields: hidden units that each see one random rectangle of an image."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wann.random_weights.base import check_shape
from wann.random_weights.hidden_layer import HiddenLayerClassifier, Layer
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream

_NORM = 2.0  # length of the weights of a unit
_BORDER = 3.0 / 28.0  # of a side, that no rectangle reaches into
_LEAST_AREA = 10.0 / 784.0  # of an image, that a rectangle covers


class ReceptiveFields(HiddenLayerClassifier):
    """Sigmoid units that each see a random rectangle, the readout by ridge regression.

    Args:
        shape: height and width of the images whose pixels the rows hold.
        units: units of the hidden layer.
        weights: "random", normal ones; or "differences" of two training images of different classes, which
            are sampled from the data and no purely random weights.
        trained: train hidden layer and readout by gradient descent instead, from the same start; a unit
            goes on seeing its rectangle alone.
        random_state: seed.

    Source: McDonnell, Tissera, Vladusich, van Schaik and Tapson (2015), Fast, simple and accurate handwritten
    digit classification by training shallow neural network classifiers with the extreme learning machine
    algorithm. The biases of the random weights are ours: the sum at the mean image is normal.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int] | None = None,
        units: int = 1600,
        weights: Literal["random", "differences"] = "random",
        trained: bool = False,
        random_state: Any = None,
    ) -> None:
        self.shape = shape
        self.units = units
        self.weights = weights
        self.trained = trained
        self.random_state = random_state

    def _draw(self, x: RealArray, labels: IntArray, seed: int) -> Layer:
        shape = check_shape(self.shape, x.shape[1])
        if self.weights not in ("random", "differences"):
            raise ValueError(f"weights must be 'random' or 'differences', got {self.weights!r}")
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, 1)
        seen = rectangles(shape, self.units, rng)
        if self.weights == "random":
            weights: RealArray = rng.standard_normal((self.units, x.shape[1])) * seen
            weights *= _NORM / np.linalg.norm(weights, axis=1, keepdims=True)
            bias = rng.standard_normal(self.units) - weights @ x.mean(axis=0, dtype=np.float64)
        else:
            weights, bias = _differences(x.astype(np.float64, copy=False), labels, seen, rng)
        return Layer(weights.T, bias, "sigmoid", seen=seen.T.astype(np.float32))


def rectangles(shape: tuple[int, int], count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Random rectangles (count, pixels), True inside: away from the border, none very small.

    Two rows and two columns are drawn, each pair distinct, until they are far enough apart.
    """
    seen = np.zeros((count, *shape), np.bool_)
    margins = [min(round(_BORDER * side), (side - 2) // 2) for side in shape]
    least = min(_LEAST_AREA * shape[0] * shape[1], _largest(shape, margins))
    for field in seen:
        while True:
            (top, bottom), (left, right) = (
                np.sort(rng.choice(np.arange(margin, side - margin), 2, replace=False))
                for side, margin in zip(shape, margins, strict=True)
            )
            if (bottom - top) * (right - left) >= least:
                break
        field[top : bottom + 1, left : right + 1] = True
    return seen.reshape(count, -1)


def _largest(shape: tuple[int, int], margins: list[int]) -> int:
    height, width = (side - 2 * margin - 1 for side, margin in zip(shape, margins, strict=True))
    return height * width


def _differences(
    x: RealArray, labels: IntArray, seen: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[RealArray, RealArray]:
    """Weights (H, I) and biases (H,): a unit's sum is 0 half way between its two images."""
    weights, bias = np.empty(seen.shape), np.empty(len(seen))
    for unit, field in enumerate(seen):
        while True:
            one, other = rng.integers(len(x), size=2)
            row = np.where(field, x[one] - x[other], 0.0)
            length = np.linalg.norm(row)
            if labels[one] != labels[other] and length > 0.0:
                break
        weights[unit] = _NORM * row / length
        bias[unit] = -0.5 * weights[unit] @ (x[one] + x[other])
    return weights, bias
