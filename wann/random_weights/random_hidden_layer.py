"""Neural networks with random weights: a hidden layer of tanh units, with or without direct links."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from wann.random_weights.hidden_layer import HiddenLayerClassifier, Layer
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream


class RandomHiddenLayer(HiddenLayerClassifier):
    """Random tanh units, the readout by ridge regression: an extreme learning machine.

    With `direct_links` the readout sees the inputs too: a random vector functional link network.

    Args:
        units: units of the hidden layer.
        direct_links: whether the inputs feed the readout as well.
        scale: standard deviation of the normal weights and biases; "unit" is 1 over the root mean square
            length of the rows, so that what goes into a unit has a deviation of about 1. A fixed interval
            does not fit every data set.
        trained: train hidden layer and readout by gradient descent instead, from the same start.
        random_state: seed.

    Source: Cao, Wang, Ming and Gao (2018), A review on neural networks with random weights; Pao, Park and
    Sobajic (1994) for the direct links; Huang, Zhu and Siew (2006) for the network without.
    """

    def __init__(
        self,
        *,
        units: int = 1000,
        direct_links: bool = False,
        scale: float | Literal["unit"] = "unit",
        trained: bool = False,
        random_state: Any = None,
    ) -> None:
        self.units = units
        self.direct_links = direct_links
        self.scale = scale
        self.trained = trained
        self.random_state = random_state

    def _draw(self, x: RealArray, _labels: IntArray, seed: int) -> Layer:
        if self.scale == "unit":
            length = float(np.sqrt(np.einsum("ni,ni->", x, x, dtype=np.float64) / len(x)))
            scale = 1.0 / max(length, 1e-12)
        else:
            scale = float(self.scale)
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, 1)
        weights = rng.normal(0.0, scale, (x.shape[1], self.units))
        return Layer(weights, rng.normal(0.0, scale, self.units), "tanh")
