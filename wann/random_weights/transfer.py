"""Transfer: the first layers come from another task and stay as they are, the rest is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wann.random_weights.base import RandomWeightClassifier, check_shape
from wann.random_weights.training import (
    POOL,
    Array32,
    Shapes,
    check_choice,
    convolve,
    descend,
    fan_in,
    functional,
    layer_shapes,
    one_thread,
    torch,
    torch_generator,
)
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream

TorchLayer = tuple[Any, Any]  # weights and biases

_LAYERS, _SOURCE_HEAD, _HEAD, _SOURCE, _TARGET, _CHOSEN = range(6)  # addresses of streams
_CHANNELS = (32, 32)
_AFTER_POOLING, _BEFORE_OUTPUT = 0.25, 0.5  # shares of the units that are dropped out in training
_IMAGES = 1000  # that are passed through frozen layers at once


class Transfer(RandomWeightClassifier):
    """Convolutions that were trained on the first half of the classes, under a head for the second half.

    Two convolutions of 32 filters of 3 x 3 pixels, max-pooling, a hidden layer, the output. The convolutions
    are trained on the rows of the source classes with a head of their own, which is thrown away. They are
    then frozen, and a new head is trained on the rows of the other classes. Only these are told apart: score
    the model on `target_rows`.

    Args:
        shape: height and width of the images.
        layers: "imported"; for comparison "random", the same layers as they were drawn, or "trained", drawn
            and then trained on the target classes together with the head.
        per_class: rows of each target class that the head sees, drawn at random; all where None.
        hidden: units of the head's hidden layer; without one it is linear.
        source_epochs: passes over the source classes.
        epochs: passes over the target classes.
        batch_size: rows of a step.
        learning_rate: learning rate of Adam.
        random_state: seed.

    After `fit`: layers_, weights of the frozen layers. The parameters that count as trained are the head's,
    and the layers' where they were trained on the target; imported ones were trained elsewhere.

    Source: Yosinski et al. 2014, How transferable are features in deep neural networks?, arXiv 1411.1792;
        the network of the Keras example mnist_transfer_cnn.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int] | None = None,
        layers: str = "imported",
        per_class: int | None = None,
        hidden: tuple[int, ...] = (128,),
        source_epochs: int = 2,
        epochs: int = 5,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        random_state: Any = None,
    ) -> None:
        self.shape = shape
        self.layers = layers
        self.per_class = per_class
        self.hidden = hidden
        self.source_epochs = source_epochs
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        check_choice("layers", self.layers, ("imported", "random", "trained"))
        classes = len(self.classes_)
        if classes < 4:
            raise ValueError(
                f"transfer needs at least 4 classes, two to learn from and two to tell: got {classes}"
            )
        if self.per_class is not None and self.per_class < 1:
            raise ValueError(f"per_class must be at least 1, got {self.per_class!r}")
        half, depth = classes // 2, len(_CHANNELS)
        shapes = layer_shapes(x.shape[1], classes - half, self.hidden, _CHANNELS, self.shape)
        layers = _draw(shapes[:depth], seed, _LAYERS)
        head = _draw(shapes[depth:], seed, _HEAD)
        target = self._target(labels, half, seed)
        answers = labels[target] - half
        with one_thread():
            if self.layers == "imported":
                source = np.flatnonzero(labels < half)
                other = _draw((*shapes[depth:-1], (half, *shapes[-1][1:])), seed, _SOURCE_HEAD)
                images = self._images(x[source])
                self._train(layers, other, images, labels[source], self.source_epochs, seed, _SOURCE)
            if self.layers == "trained":
                self._train(layers, head, self._images(x[target]), answers, self.epochs, seed, _TARGET)
            else:  # what the frozen layers see is computed once
                seen = self._seen(self._images(x[target]), layers)
                self._train((), head, seen, answers, self.epochs, seed, _TARGET)
        self.layers_ = _arrays(layers)
        self.head_ = _arrays(head)
        sizes = [sum(part.size for pair in own for part in pair) for own in (self.layers_, self.head_)]
        self.stored_parameters = sum(sizes)
        self.trained_parameters = self.stored_parameters if self.layers == "trained" else sizes[1]

    def _target(self, labels: IntArray, half: int, seed: int) -> IntArray:
        """Rows of the target classes that the head sees."""
        if self.per_class is None:
            return np.flatnonzero(labels >= half)
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, _CHOSEN)
        chosen = [
            rng.permutation(np.flatnonzero(labels == label))[: self.per_class]
            for label in range(half, len(self.classes_))
        ]
        return np.sort(np.concatenate(chosen))

    def _train(
        self,
        layers: Sequence[TorchLayer],
        head: Sequence[TorchLayer],
        inputs: Any,
        labels: IntArray,
        epochs: int,
        seed: int,
        address: int,
    ) -> None:
        """Train layers and head in place; without layers the inputs are the features of the frozen ones."""
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, address)
        draws, targets = torch_generator(rng), torch.from_numpy(labels)
        learned = [part.requires_grad_() for layer in (*layers, *head) for part in layer]

        def loss(batch: Any) -> Any:
            x = inputs[batch]
            if layers:
                x = _dropped(_through(x, layers), _AFTER_POOLING, draws)
            for weight, bias in head[:-1]:
                x = _dropped(functional.relu(functional.linear(x, weight, bias)), _BEFORE_OUTPUT, draws)
            return functional.cross_entropy(functional.linear(x, *head[-1]), targets[batch])

        optimiser = torch.optim.Adam(learned, lr=self.learning_rate)
        descend(optimiser, loss, len(inputs), epochs=epochs, batch_size=self.batch_size, rng=rng)

    def _images(self, x: RealArray) -> Any:
        rows = torch.from_numpy(np.asarray(x, np.float32))
        return rows.reshape(len(rows), 1, *check_shape(self.shape, x.shape[1]))

    def _seen(self, images: Any, layers: Sequence[TorchLayer]) -> Any:
        """Features (n, F) of images, from the frozen layers."""
        with torch.no_grad():
            return torch.cat([_through(some, layers) for some in images.split(_IMAGES)])

    def _scores(self, x: RealArray) -> RealArray:
        layers, head = _tensors(self.layers_), _tensors(self.head_)
        with one_thread(), torch.no_grad():
            outputs = self._seen(self._images(x), layers)
            for depth, (weight, bias) in enumerate(head):
                outputs = functional.linear(outputs, weight, bias)
                if depth < len(head) - 1:
                    outputs = functional.relu(outputs)
        scores = np.full((len(x), len(self.classes_)), -np.inf)
        scores[:, len(self.classes_) // 2 :] = outputs.numpy()
        return scores


def target_rows(labels: IntArray, classes: int) -> NDArray[np.bool_]:
    """Which rows are of the classes that `Transfer` tells apart: the second half, the larger if uneven."""
    return labels >= classes // 2


def _draw(shapes: Shapes, seed: int, address: int) -> list[TorchLayer]:
    """Weights and biases of layers, uniform up to 1 over the root of a unit's inputs."""
    rng = stream(seed, Purpose.RANDOM_WEIGHTS, address)
    layers = []
    for shape in shapes:
        bound = 1.0 / math.sqrt(fan_in(shape))
        weight, bias = (rng.uniform(-bound, bound, size).astype(np.float32) for size in (shape, shape[0]))
        layers.append((torch.from_numpy(weight), torch.from_numpy(bias)))
    return layers


def _through(images: Any, layers: Sequence[TorchLayer]) -> Any:
    """Convolutions, each with ReLU, then max-pooling: (n, features)."""
    for weight, bias in layers:
        images = functional.relu(convolve(images, weight, bias))
    return functional.max_pool2d(images, POOL).flatten(1)


def _dropped(x: Any, share: float, generator: Any) -> Any:
    """A share of the units dropped out, the others raised to keep the mean."""
    return x * (torch.rand(x.shape, generator=generator) >= share) / (1.0 - share)


def _arrays(layers: Sequence[TorchLayer]) -> tuple[tuple[Array32, Array32], ...]:
    return tuple((weight.detach().numpy(), bias.detach().numpy()) for weight, bias in layers)


def _tensors(layers: Sequence[tuple[Array32, Array32]]) -> list[TorchLayer]:
    return [(torch.from_numpy(weight), torch.from_numpy(bias)) for weight, bias in layers]
