"""One layer of random filters, pooled, under a linear readout."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wann.random_weights.base import RandomWeightClassifier, check_shape
from wann.random_weights.readout import Readout
from wann.random_weights.training import (
    Array32,
    check_choice,
    convolve,
    descend,
    functional,
    one_thread,
    torch,
)
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream

_FILTERS, _HEAD, _ORDER = range(1, 4)  # addresses of streams; 0 is the readout's
_LEARNING_RATE = 1e-3  # of Adam, where the filters are trained
_BATCH = 128  # rows of its steps


class RandomConvolution(RandomWeightClassifier):
    """Random filters, ReLU, mean pooling; only a ridge readout is fitted.

    Args:
        shape: height and width of the images.
        filters: how many.
        size: pixels along each side of a filter.
        pool: pixels along each side of the squares whose mean is taken; what does not fill one is left out.
        learn: "readout"; for comparison "all": the filters are trained first, by Adam under a linear layer
            that is then thrown away.
        epochs: passes over the rows that train the filters.
        random_state: seed.

    After `fit`: filters_ (filters, 1, size, size), each of length 1 where they are random; readout_.

    Source: Jarrett et al. 2009, What is the best multi-stage architecture for object recognition?; Saxe et
        al. 2011, On random weights and unsupervised feature learning.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int] | None = None,
        filters: int = 64,
        size: int = 5,
        pool: int = 4,
        learn: str = "readout",
        epochs: int = 3,
        random_state: Any = None,
    ) -> None:
        self.shape = shape
        self.filters = filters
        self.size = size
        self.pool = pool
        self.learn = learn
        self.epochs = epochs
        self.random_state = random_state

    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        check_choice("learn", self.learn, ("readout", "all"))
        if min(self.filters, self.size, self.pool) < 1:
            raise ValueError(
                f"filters, size and pool must be at least 1, got {self.filters}, {self.size} and {self.pool}"
            )
        height, width = check_shape(self.shape, x.shape[1])
        sides = [(side - self.size + 1) // self.pool for side in (height, width)]
        if min(sides) < 1:
            raise ValueError(
                f"filters of {self.size} pixels pooled by {self.pool} need images of at least "
                f"{self.size + self.pool - 1} pixels a side, not {height} x {width}"
            )
        draws = stream(seed, Purpose.RANDOM_WEIGHTS, _FILTERS).standard_normal(
            (self.filters, 1, self.size, self.size)
        )
        length = np.sqrt((draws**2).sum(axis=(1, 2, 3), keepdims=True))
        filters = torch.from_numpy((draws / length).astype(np.float32))
        if self.learn == "all":
            with one_thread():
                self._train_filters(filters, x, labels, self.filters * math.prod(sides), seed)
        self.filters_: Array32 = filters.detach().numpy()
        self.readout_ = Readout.fit(self.features, x, labels, seed=seed)
        self.trained_parameters = self.readout_.size + (filters.numel() if self.learn == "all" else 0)
        self.stored_parameters = self.readout_.size + filters.numel()

    def _train_filters(self, filters: Any, x: RealArray, labels: IntArray, features: int, seed: int) -> None:
        """Train the filters in place, under a linear layer that starts as random."""
        images, targets = self._images(x), torch.from_numpy(labels)
        draws = stream(seed, Purpose.RANDOM_WEIGHTS, _HEAD).standard_normal((len(self.classes_), features))
        head = torch.from_numpy((draws / math.sqrt(features)).astype(np.float32))
        bias = torch.zeros(len(self.classes_))
        learned = [part.requires_grad_() for part in (filters, head, bias)]

        def loss(batch: Any) -> Any:
            outputs = functional.linear(self._pooled(images[batch], filters), head, bias)
            return functional.cross_entropy(outputs, targets[batch])

        descend(
            torch.optim.Adam(learned, lr=_LEARNING_RATE),
            loss,
            len(images),
            epochs=self.epochs,
            batch_size=_BATCH,
            rng=stream(seed, Purpose.RANDOM_WEIGHTS, _ORDER),
        )

    def _images(self, x: RealArray) -> Any:
        rows = torch.from_numpy(np.asarray(x, np.float32))
        return rows.reshape(len(rows), 1, *check_shape(self.shape, x.shape[1]))

    def _pooled(self, images: Any, filters: Any) -> Any:
        """Features (n, features) of images."""
        return functional.avg_pool2d(functional.relu(convolve(images, filters)), self.pool).flatten(1)

    def features(self, x: RealArray) -> RealArray:
        """Means (n, filters * pooled height * pooled width) of the filters' outputs for rows (n, I)."""
        with one_thread(), torch.no_grad():
            pooled: RealArray = self._pooled(self._images(x), torch.from_numpy(self.filters_)).numpy()
        return pooled

    def _scores(self, x: RealArray) -> RealArray:
        return self.readout_(self.features(x))
