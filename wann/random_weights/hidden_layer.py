"""One random hidden layer and a linear readout; and the same network with its hidden layer trained."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from wann.random_weights.base import RandomWeightClassifier
from wann.random_weights.readout import Readout
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream

_BATCH = 128  # rows
_STEPS = 2500  # of training at most: of MNIST 5.3 times all rows
_PASSES = 50  # over the rows at most
_RATE = 3e-3  # at first; it falls to 0 along a line
_DECAYS = (0.9, 0.999)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """H hidden units: gain * activation(x @ weights + bias)."""

    weights: RealArray  # (I, H)
    bias: RealArray  # (H,)
    activation: Literal["cos", "tanh", "sigmoid"]
    gain: float = 1.0
    seen: RealArray | None = None  # (I, H) 1 where a unit sees an input, else 0; None where it sees all

    @property
    def size(self) -> int:
        """Weights and biases that are there."""
        seen = self.weights.size if self.seen is None else int(self.seen.sum())
        return int(seen + self.bias.size)

    def __call__(self, x: RealArray) -> RealArray:
        """Values (n, H) of the units for rows (n, I), in the type of x."""
        sums = x @ self.weights.astype(x.dtype, copy=False)
        sums += self.bias.astype(x.dtype, copy=False)
        return self.activate(sums)

    def activate(self, sums: RealArray) -> RealArray:
        """Values of the units from their sums, which are used up."""
        if self.activation == "cos":
            np.cos(sums, out=sums)
        elif self.activation == "tanh":
            np.tanh(sums, out=sums)
        else:  # 1 / (1 + exp(-s)), which never overflows in this form
            sums *= 0.5
            np.tanh(sums, out=sums)
            sums += 1.0
            sums *= 0.5
        if self.gain != 1.0:
            sums *= sums.dtype.type(self.gain)
        return sums

    def slope(self, sums: RealArray, values: RealArray) -> RealArray:
        """Derivative of the values with respect to the sums."""
        if self.activation == "cos":
            return -self.gain * np.sin(sums)
        if self.activation == "tanh":
            return self.gain - values * values / self.gain
        return values * (self.gain - values) / self.gain


class HiddenLayerClassifier(RandomWeightClassifier):
    """A random hidden layer, the readout by ridge regression; a method implements `_draw`.

    With `trained` the same layer, drawn alike, is where gradient descent on the cross-entropy starts, by
    Adam on hidden layer and readout together: the ablation of the random layer.
    """

    trained: bool
    direct_links: bool = False

    @abstractmethod
    def _draw(self, x: RealArray, labels: IntArray, seed: int) -> Layer:
        """The random layer for these training rows."""

    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        self.layer_ = self._draw(x, labels, seed)
        if self.trained:
            self.layer_, self.readout_ = self._descend(x, labels, seed)
        else:
            self.readout_ = Readout.fit(self._features, x, labels, seed=seed)
        self.trained_parameters = self.readout_.size + (self.layer_.size if self.trained else 0)
        self.stored_parameters = self.readout_.size + self.layer_.size

    def _features(self, x: RealArray) -> RealArray:
        values = self.layer_(x)
        return np.hstack([x, values]) if self.direct_links else values

    def _scores(self, x: RealArray) -> RealArray:
        return self.readout_(self._features(x))

    def _descend(self, x: RealArray, labels: IntArray, seed: int) -> tuple[Layer, Readout]:
        """Hidden layer and readout after gradient descent. Source: Kingma and Ba (2015), algorithm 1."""
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, 9)
        x = x.astype(np.float32, copy=False)
        classes = int(labels.max()) + 1
        skipped = x.shape[1] if self.direct_links else 0
        layer = replace(
            self.layer_,
            weights=self.layer_.weights.astype(np.float32),
            bias=self.layer_.bias.astype(np.float32),
        )
        numbers = [
            layer.weights,
            layer.bias,
            np.zeros((skipped + layer.bias.size, classes), np.float32),
            np.zeros(classes, np.float32),
        ]
        means = [np.zeros_like(each) for each in numbers]
        squares = [np.zeros_like(each) for each in numbers]
        steps = min(_STEPS, math.ceil(_PASSES * len(x) / _BATCH))
        for step in range(1, steps + 1):
            rows = rng.integers(len(x), size=_BATCH)
            slopes = gradients(layer, numbers[2], numbers[3], x[rows], labels[rows], skipped)
            rate = _RATE * (1.0 - (step - 1) / steps)
            rate *= np.sqrt(1.0 - _DECAYS[1] ** step) / (1.0 - _DECAYS[0] ** step)
            for number, slope, mean, square in zip(numbers, slopes, means, squares, strict=True):
                mean += (1.0 - _DECAYS[0]) * (slope - mean)
                square += (1.0 - _DECAYS[1]) * (slope * slope - square)
                number -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8))
        return layer, Readout(numbers[2], numbers[3], 0.0)


def gradients(
    layer: Layer, weights: RealArray, intercept: RealArray, x: RealArray, labels: IntArray, skipped: int
) -> tuple[RealArray, RealArray, RealArray, RealArray]:
    """Slopes of the mean cross-entropy of the softmax, by back-propagation.

    Args:
        layer: H units.
        weights, intercept: (S + H, K) and (K,) of the readout; the first S rows are those of direct links.
        x: (n, I) rows.
        labels: (n,) their classes.
        skipped: S, the direct links: I or 0.

    Returns:
        With respect to the layer's weights and bias, and to the readout's.
    """
    sums = x @ layer.weights + layer.bias
    values = layer.activate(sums.copy())
    features = np.hstack([x, values]) if skipped else values
    scores = features @ weights + intercept
    scores -= scores.max(axis=1, keepdims=True)
    error = np.exp(scores)
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(len(x)), labels] -= 1.0
    error /= len(x)
    back = (error @ weights[skipped:].T) * layer.slope(sums, values)
    into = x.T @ back
    if layer.seen is not None:
        into *= layer.seen
    return into, back.sum(axis=0), features.T @ error, error.sum(axis=0)
