"""A dense network with trained weights, and the same network untrained, to compare the others with."""

from __future__ import annotations

from typing import Any

from wann.random_weights.training import (
    NetworkClassifier,
    Shapes,
    descend,
    forward,
    functional,
    glorot,
    layer_shapes,
    one_thread,
    torch,
)
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream

_WEIGHTS, _ORDER = range(2)  # addresses of the streams of random numbers


class DenseNetwork(NetworkClassifier):
    """A dense network with ReLU and biases that start at 0, trained by Adam; LeNet-300-100 as it stands.

    Args:
        hidden: units of the hidden layers.
        epochs: passes over the rows; 0 leaves the network untrained.
        batch_size: rows of a step.
        learning_rate: learning rate of Adam.
        random_state: seed.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition; the settings of
        Zhou et al. 2019, arXiv 1905.01067.
    """

    def __init__(
        self,
        *,
        hidden: tuple[int, ...] = (300, 100),
        epochs: int = 5,
        batch_size: int = 60,
        learning_rate: float = 1.2e-3,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        shapes = layer_shapes(x.shape[1], len(self.classes_), self.hidden)
        weights, biases = initial_weights(shapes, seed), [torch.zeros(shape[0]) for shape in shapes]
        train(
            weights,
            biases,
            self._rows(x, shapes[0]),
            labels,
            seed,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
        )
        self._keep(weights, biases=biases)
        self.trained_parameters = self.stored_parameters if self.epochs else 0


def initial_weights(shapes: Shapes, seed: int) -> list[Any]:
    """Weights of dense layers by Glorot and Bengio."""
    rng = stream(seed, Purpose.RANDOM_WEIGHTS, _WEIGHTS)
    return [torch.from_numpy(glorot(rng, (shape[0], shape[1]))) for shape in shapes]


def train(
    weights: list[Any],
    biases: list[Any],
    rows: Any,
    labels: IntArray,
    seed: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
) -> None:
    """Train a network's weights and biases in place, by Adam on the cross-entropy of rows (N, I)."""
    targets = torch.from_numpy(labels)
    learned = [part.requires_grad_() for part in (*weights, *biases)]

    def loss(batch: Any) -> Any:
        return functional.cross_entropy(forward(rows[batch], weights, biases), targets[batch])

    order = stream(seed, Purpose.RANDOM_WEIGHTS, _ORDER)
    with one_thread():
        optimiser = torch.optim.Adam(learned, lr=learning_rate)
        descend(optimiser, loss, len(rows), epochs=epochs, batch_size=batch_size, rng=order)
