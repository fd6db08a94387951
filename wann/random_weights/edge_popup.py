"""Hidden subnetworks: random weights that never change, and scores that pick the ones in use."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wann.random_weights.training import (
    Array32,
    NetworkClassifier,
    check_choice,
    check_share,
    descend,
    fan_in,
    forward,
    functional,
    layer_shapes,
    one_thread,
    torch,
)
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream

_WEIGHTS, _SCORES, _ORDER = range(3)  # addresses of the streams of random numbers


class HiddenSubnetwork(NetworkClassifier):
    """The subnetwork that edge-popup finds in a random network. No biases.

    Each layer uses the weights with the largest scores in size and no others. The gradient goes straight
    through this choice, so that the score of a masked weight moves as well. Only scores are learned.

    Args:
        hidden: units of the hidden layers.
        channels: filters of 3 x 3 pixels in convolutions before them; they need `shape`.
        shape: height and width of the images.
        kept: share of each layer's weights that is used; 1 masks none.
        learn: "scores"; for comparison "weights" (random scores, the weights are trained) or "nothing".
        weights: "signed", all of one size with a random sign, or "normal". Their standard deviation is
            sqrt(2 / (kept * inputs of a unit)).
        epochs: passes over the rows.
        batch_size: rows of a step.
        learning_rate: learning rate of stochastic gradient descent with momentum 0.9 at the start; it sinks
            to 0 along half a cosine.
        weight_decay: weight decay of the learned values.
        random_state: seed.

    Source: Ramanujan et al. 2019, What's hidden in a randomly weighted neural network?, arXiv 1911.13299.
    """

    def __init__(
        self,
        *,
        hidden: tuple[int, ...] = (300, 100),
        channels: tuple[int, ...] = (),
        shape: tuple[int, int] | None = None,
        kept: float = 0.5,
        learn: str = "scores",
        weights: str = "signed",
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.1,
        weight_decay: float = 1e-4,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.channels = channels
        self.shape = shape
        self.kept = kept
        self.learn = learn
        self.weights = weights
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state

    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        check_choice("learn", self.learn, ("scores", "weights", "nothing"))
        check_choice("weights", self.weights, ("signed", "normal"))
        check_share("kept", self.kept)
        shapes = layer_shapes(x.shape[1], len(self.classes_), self.hidden, self.channels, self.shape)
        self.shift_, self.scale_ = float(x.mean()), float(x.std()) or 1.0
        rows, targets = self._rows(x, shapes[0]), torch.from_numpy(labels)
        weights = [torch.from_numpy(weight) for weight in self._draw_weights(shapes, seed)]
        scores = [torch.from_numpy(score) for score in _draw_scores(shapes, seed)]
        learned = {"scores": scores, "weights": weights, "nothing": []}[self.learn]
        for part in learned:
            part.requires_grad_()

        def loss(batch: Any) -> Any:
            used = [
                weight * subset_mask(score, self.kept) for weight, score in zip(weights, scores, strict=True)
            ]
            return functional.cross_entropy(forward(rows[batch], used), targets[batch])

        if learned:
            optimiser = torch.optim.SGD(
                learned, lr=self.learning_rate, momentum=0.9, weight_decay=self.weight_decay
            )
            order = stream(seed, Purpose.RANDOM_WEIGHTS, _ORDER)
            with one_thread():
                descend(
                    optimiser,
                    loss,
                    len(rows),
                    epochs=self.epochs,
                    batch_size=self.batch_size,
                    rng=order,
                    cosine=True,
                )
        masks = [subset_mask(score.detach(), self.kept).numpy() > 0 for score in scores]
        self._keep(weights, masks)
        self.trained_parameters = sum(part.numel() for part in learned)

    def _draw_weights(self, shapes: tuple[tuple[int, ...], ...], seed: int) -> list[Array32]:
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, _WEIGHTS)
        drawn = []
        for shape in shapes:
            draws = rng.standard_normal(shape)
            if self.weights == "signed":
                draws = np.where(draws < 0.0, -1.0, 1.0)
            drawn.append((draws * math.sqrt(2.0 / (self.kept * fan_in(shape)))).astype(np.float32))
        return drawn


def _draw_scores(shapes: tuple[tuple[int, ...], ...], seed: int) -> list[Array32]:
    rng = stream(seed, Purpose.RANDOM_WEIGHTS, _SCORES)
    bounds = [1.0 / math.sqrt(fan_in(shape)) for shape in shapes]
    return [
        rng.uniform(-bound, bound, shape).astype(np.float32)
        for bound, shape in zip(bounds, shapes, strict=True)
    ]


def subset_mask(scores: Any, kept: float) -> Any:
    """1 for the share `kept` of the scores that is largest in size, else 0; fewer where sizes are equal.

    The gradient that reaches the mask goes on to the sizes as it is (straight-through estimator).
    """
    size = scores.abs()
    dropped = scores.numel() - round(kept * scores.numel())
    flat = size.detach().numpy().ravel()
    # NumPy's partition is five times as fast here as PyTorch's kthvalue.
    least = np.partition(flat, dropped - 1)[dropped - 1] if dropped else -1.0
    mask = (size.detach() > float(least)).to(scores.dtype)
    return mask + (size - size.detach()) if scores.requires_grad else mask
