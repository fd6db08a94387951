"""Parts that the methods on PyTorch share: plain layers, one thread, seeded draws, descent in batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wann.random_weights.base import RandomWeightClassifier, check_shape
from wann.utils.arrays import RealArray
from wann.utils.one_thread import one_thread as one_thread

try:  # the names are for the other modules too, so that the message is in one place
    import torch as torch
    from torch.nn import functional as functional
except ImportError as error:
    raise ImportError("PyTorch is not installed: pip install 'wann[torch]'") from error

Array32 = NDArray[np.float32]
Shapes = tuple[tuple[int, ...], ...]

POOL = 2  # pixels along each side that max-pooling joins after the convolutions
_SIDE = 3  # pixels along each side of a convolution's filters
_TRUNCATED = 0.87962566103423978  # standard deviation of a normal draw that is cut at 2


def torch_generator(rng: np.random.Generator) -> Any:
    """PyTorch's own generator, for draws in every step, seeded by the next number of `rng`."""
    return torch.Generator().manual_seed(int(rng.integers(2**63 - 1)))


def layer_shapes(
    inputs: int,
    classes: int,
    hidden: Sequence[int],
    channels: Sequence[int] = (),
    shape: tuple[int, int] | None = None,
) -> Shapes:
    """Shapes of the weights that `forward` takes.

    Args:
        inputs: columns of a row.
        classes: outputs.
        hidden: units of the hidden layers.
        channels: filters of 3 x 3 pixels in convolutions before them, which need `shape`.
        shape: height and width of the images.

    Raises:
        ValueError: a layer is empty, or the rows are no images of this shape, or these are too small.
    """
    if min((*hidden, *channels), default=1) < 1:
        raise ValueError(f"hidden and channels must hold numbers from 1, got {hidden!r} and {channels!r}")
    found: list[tuple[int, ...]] = []
    if channels:
        height, width = check_shape(shape, inputs)
        sides = [side - (_SIDE - 1) * len(channels) for side in (height, width)]
        if min(sides) < POOL:
            raise ValueError(
                f"{len(channels)} convolutions need images of at least {POOL + (_SIDE - 1) * len(channels)} "
                f"pixels a side, not {height} x {width}"
            )
        before = 1
        for count in channels:
            found.append((count, before, _SIDE, _SIDE))
            before = count
        inputs = before * (sides[0] // POOL) * (sides[1] // POOL)
    for units in (*hidden, classes):
        found.append((units, inputs))
        inputs = units
    return tuple(found)


def forward(x: Any, weights: Sequence[Any], biases: Sequence[Any] = ()) -> Any:
    """Outputs (n, classes): ReLU between layers, max-pooling between the convolutions and the dense layers.

    Args:
        x: (n, I) rows, or (n, 1, height, width) images where the first layer is a convolution.
        weights: weights of each layer; four axes make a convolution, two a dense layer.
        biases: biases of each layer; empty without biases.
    """
    for depth, weight in enumerate(weights):
        bias = biases[depth] if biases else None
        if weight.ndim == 4:
            x = convolve(x, weight, bias)
        else:
            if x.ndim == 4:
                x = functional.max_pool2d(x, POOL).flatten(1)
            x = functional.linear(x, weight, bias)
        if depth < len(weights) - 1:
            x = functional.relu(x)
    return x


def convolve(images: Any, filters: Any, bias: Any = None) -> Any:
    """Convolution without a margin; a third faster than as it comes, for the channels lie last."""
    return functional.conv2d(images, filters.contiguous(memory_format=torch.channels_last), bias)


def fan_in(shape: tuple[int, ...]) -> int:
    """Weights that one unit of a layer reads."""
    return math.prod(shape[1:])


def glorot(rng: np.random.Generator, shape: tuple[int, int]) -> Array32:
    """Weights (outputs, inputs) by Glorot and Bengio: normal, cut at twice the standard deviation."""
    draws = rng.standard_normal(shape)
    while (far := np.abs(draws) > 2.0).any():
        draws[far] = rng.standard_normal(int(far.sum()))
    return (draws / _TRUNCATED * math.sqrt(2.0 / sum(shape))).astype(np.float32)


def descend(
    optimiser: Any,
    loss: Callable[[Any], Any],
    rows: int,
    *,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    cosine: bool = False,
) -> None:
    """Go through all rows `epochs` times, in a new order each time, one step a batch.

    Args:
        optimiser: optimiser of PyTorch, on the parameters to learn and no others.
        loss: loss of the batch whose rows (n,) it is given.
        rows: how many there are.
        epochs: times; 0 leaves the parameters as they are.
        batch_size: rows of a step.
        rng: for the order.
        cosine: let the learning rate sink to 0 along half a cosine, a little each step.

    Raises:
        ValueError: a number is too small, or the loss is no longer finite.
    """
    if epochs < 0 or batch_size < 1:
        raise ValueError(
            f"epochs must be at least 0 and batch_size at least 1, got {epochs} and {batch_size}"
        )
    steps = max(1, epochs * -(-rows // batch_size))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps) if cosine else None
    for _ in range(epochs):
        order = torch.from_numpy(rng.permutation(rows))
        for first in range(0, rows, batch_size):
            optimiser.zero_grad()
            lost = loss(order[first : first + batch_size])
            lost.backward()
            optimiser.step()
            if schedule:
                schedule.step()
        if not torch.isfinite(lost):
            raise ValueError("the loss is no longer finite: choose a smaller learning_rate")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a value that is not among the choices.

    Raises:
        ValueError: it is not.
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def check_share(name: str, value: float) -> None:
    """Refuse a value that is not a share above 0, up to 1.

    Raises:
        ValueError: it is not.
    """
    if not 0.0 < value <= 1.0:
        raise ValueError(f"{name} must be above 0 and at most 1, got {value!r}")


class NetworkClassifier(RandomWeightClassifier):
    """A network of plain layers, each weight of which is used or masked.

    After `fit`:
        weights_: weights of each layer, as `forward` takes them.
        masks_: mask of each layer, True if the weight is used.
        biases_: biases of each layer; empty without biases.
        shift_, scale_: numbers that are taken from each input, and divide it.
    """

    weights_: tuple[Array32, ...]
    masks_: tuple[NDArray[np.bool_], ...]
    biases_: tuple[Array32, ...] = ()
    shift_: float = 0.0
    scale_: float = 1.0
    shape: tuple[int, int] | None = None

    def _rows(self, x: RealArray, layer: tuple[int, ...]) -> Any:
        """Rows as the first layer takes them: images for a convolution."""
        rows = torch.from_numpy(((x - self.shift_) / self.scale_).astype(np.float32))
        if len(layer) == 4:
            rows = rows.reshape(len(rows), 1, *check_shape(self.shape, x.shape[1]))
        return rows

    def _keep(
        self,
        weights: Sequence[Any],
        masks: Sequence[NDArray[np.bool_]] | None = None,
        biases: Sequence[Any] = (),
    ) -> None:
        """Set what predictions use and count it; without masks all weights are used."""
        self.weights_ = tuple(weight.detach().numpy().copy() for weight in weights)
        self.masks_ = tuple(masks or (np.ones(weight.shape, np.bool_) for weight in self.weights_))
        self.biases_ = tuple(bias.detach().numpy().copy() for bias in biases)
        self.stored_parameters = sum(int(mask.sum()) for mask in self.masks_) + sum(
            bias.size for bias in self.biases_
        )

    def _scores(self, x: RealArray) -> RealArray:
        weights = [
            torch.from_numpy(weight * mask) for weight, mask in zip(self.weights_, self.masks_, strict=True)
        ]
        biases = [torch.from_numpy(bias) for bias in self.biases_]
        with one_thread(), torch.no_grad():
            scores: RealArray = forward(self._rows(x, self.weights_[0].shape), weights, biases).numpy()
        return scores
