"""Random kitchen sinks: random Fourier features and a linear readout."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.kernel_approximation import RBFSampler

from wann.random_weights.hidden_layer import HiddenLayerClassifier, Layer
from wann.utils.arrays import IntArray, RealArray


class KitchenSinks(HiddenLayerClassifier):
    """Cosines of random projections with random phases, the readout by ridge regression.

    The features stand for the kernel exp(-gamma |x - z|^2): their products are its values on average.

    Args:
        features: how many; 10,000 take 60,000 rows of MNIST within 2.5 GB.
        gamma: parameter of the kernel, above 0; "scale" is 1 over the inputs times their variance, as in
            scikit-learn.
        trained: train frequencies, phases and readout by gradient descent instead, from the same start.
        random_state: seed.

    Source: Rahimi and Recht (2007), Random features for large-scale kernel machines; Rahimi and Recht (2008),
    Weighted sums of random kitchen sinks.
    """

    def __init__(
        self,
        *,
        features: int = 2000,
        gamma: float | Literal["scale"] = "scale",
        trained: bool = False,
        random_state: Any = None,
    ) -> None:
        self.features = features
        self.gamma = gamma
        self.trained = trained
        self.random_state = random_state

    def _draw(self, x: RealArray, _labels: IntArray, seed: int) -> Layer:
        sampler = RBFSampler(gamma=self.gamma, n_components=self.features, random_state=seed).fit(x)
        return Layer(
            sampler.random_weights_, sampler.random_offset_, "cos", gain=float(np.sqrt(2.0 / self.features))
        )
