"""Supermasks: masks over a network's initial weights, read off a trained copy or learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from wann.random_weights.base import held_out
from wann.random_weights.dense import initial_weights, train
from wann.random_weights.training import (
    NetworkClassifier,
    check_choice,
    check_share,
    descend,
    forward,
    functional,
    layer_shapes,
    one_thread,
    torch,
    torch_generator,
)
from wann.utils.arrays import IntArray, RealArray
from wann.utils.seeding import Purpose, stream

_ORDER, _MASKS, _HELD_OUT, _RANDOM, _SAMPLES = range(2, 7)  # addresses of streams; 0 and 1 are those of dense
_ROUNDS = 25  # masks of 0.8**0 to 0.8**24 of the weights
_KEPT = 0.8  # of the weights, from one round to the next
_KEPT_OUTPUT = 0.9  # of the output layer's

Masks = list[NDArray[np.bool_]]

CRITERIA = ("large-final-same-sign", "large-final", "magnitude-increase", "movement", "random")
"""What scores a weight: the larger the score, the longer it is kept."""


class CriterionMask(NetworkClassifier):
    """A mask over the initial weights, read off a trained copy of the network; no biases.

    The weights with the highest scores are kept, by layer: 0.8**n of each, 0.9**n of the output layer's, n
    from 0 to 24. The mask whose network tells most rows right that were held out is taken. The weights of
    this network are never trained, but the mask knows those that were.

    Args:
        criterion: score of a weight, from its first and its last value in the copy: one of `CRITERIA`.
        weights: "initial", or "signed": the sign of each initial weight times its layer's standard deviation.
        hidden: units of the hidden layers.
        epochs: passes over the rows that train the copy, with Adam.
        batch_size: rows of a step.
        learning_rate: learning rate of Adam.
        validation_share: share of the rows, held out to choose the mask.
        random_state: seed.

    After `fit`: density_, the share of all weights that is kept.

    Source: Zhou et al. 2019, Deconstructing lottery tickets, arXiv 1905.01067.
    """

    def __init__(
        self,
        *,
        criterion: str = "large-final-same-sign",
        weights: str = "initial",
        hidden: tuple[int, ...] = (300, 100),
        epochs: int = 5,
        batch_size: int = 60,
        learning_rate: float = 1.2e-3,
        validation_share: float = 1 / 12,
        random_state: Any = None,
    ) -> None:
        self.criterion = criterion
        self.weights = weights
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_share = validation_share
        self.random_state = random_state

    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        check_choice("criterion", self.criterion, CRITERIA)
        check_choice("weights", self.weights, ("initial", "signed"))
        check_share("validation_share", self.validation_share)
        shapes = layer_shapes(x.shape[1], len(self.classes_), self.hidden)
        learning, choosing = held_out(
            labels, self.validation_share, stream(seed, Purpose.RANDOM_WEIGHTS, _HELD_OUT)
        )
        first = initial_weights(shapes, seed)
        last = [weight.clone() for weight in first]
        if self.criterion != "random":
            train(
                last,
                [torch.zeros(shape[0]) for shape in shapes],
                self._rows(x[learning], shapes[0]),
                labels[learning],
                seed,
                epochs=self.epochs,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
            )
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, _RANDOM)
        scores = [
            _scores(self.criterion, before.numpy(), after.detach().numpy(), rng)
            for before, after in zip(first, last, strict=True)
        ]
        used = signed(first) if self.weights == "signed" else first
        best, most = _masks(scores, 0), -1
        rows = self._rows(x[choosing], shapes[0])
        with one_thread(), torch.no_grad():
            for masks in (_masks(scores, number) for number in range(_ROUNDS)):
                masked = [weight * torch.from_numpy(mask) for weight, mask in zip(used, masks, strict=True)]
                right = int((forward(rows, masked).argmax(dim=1).numpy() == labels[choosing]).sum())
                if right > most:  # of equal ones the densest
                    best, most = masks, right
        self._keep(used, best)
        total = sum(mask.size for mask in best)
        self.density_ = self.stored_parameters / total
        self.trained_parameters = 0 if self.criterion == "random" else total


def _scores(criterion: str, first: RealArray, last: RealArray, rng: np.random.Generator) -> RealArray:
    """Scores of a layer's weights by one of `CRITERIA`; minus infinity is never kept."""
    if criterion == "large-final":
        return np.abs(last)
    if criterion == "magnitude-increase":
        return np.abs(last) - np.abs(first)
    if criterion == "movement":
        return np.abs(last - first)
    if criterion == "random":
        return rng.random(first.shape)
    return np.where(np.sign(first) == np.sign(last), np.abs(last), -np.inf)


def _masks(scores: Sequence[RealArray], number: int) -> Masks:
    """The masks of one round."""
    masks = []
    for depth, score in enumerate(scores):
        share = (_KEPT_OUTPUT if depth == len(scores) - 1 else _KEPT) ** number
        count = max(1, round(share * score.size))
        mask = np.zeros(score.size, np.bool_)
        mask[np.argsort(-score.ravel(), kind="stable")[:count]] = True
        masks.append(mask.reshape(score.shape) & np.isfinite(score))
    return masks


def signed(weights: Sequence[Any]) -> list[Any]:
    """The sign of each weight times the standard deviation of its layer."""
    return [torch.sign(weight) * weight.std(correction=0) for weight in weights]


class LearnedMask(NetworkClassifier):
    """A mask learned by gradient descent while the weights stay as they were drawn; no biases.

    Each weight is used with a probability, sigmoid of its logit. A step draws a mask and takes the gradient
    of the probabilities for that of the mask. Predictions use the weights with a probability above a half.

    Args:
        hidden: units of the hidden layers.
        weights: "signed" or "initial", as in `CriterionMask`.
        rescale: in each step, multiply each layer by its weights over those in use.
        epochs: passes over the rows.
        batch_size: rows of a step.
        learning_rate: learning rate of Adam.
        random_state: seed.

    After `fit`: probabilities_, of each layer, with which a weight is used.

    Source: Zhou et al. 2019, Deconstructing lottery tickets, arXiv 1905.01067; Adam stands for its gradient
        descent with a learning rate of 100, which needs far more passes.
    """

    def __init__(
        self,
        *,
        hidden: tuple[int, ...] = (300, 100),
        weights: str = "signed",
        rescale: bool = True,
        epochs: int = 20,
        batch_size: int = 250,
        learning_rate: float = 0.1,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.weights = weights
        self.rescale = rescale
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def _learn(self, x: RealArray, labels: IntArray, seed: int) -> None:
        check_choice("weights", self.weights, ("signed", "initial"))
        shapes = layer_shapes(x.shape[1], len(self.classes_), self.hidden)
        first = initial_weights(shapes, seed)
        weights = signed(first) if self.weights == "signed" else first
        rows, targets = self._rows(x, shapes[0]), torch.from_numpy(labels)
        logits = [torch.zeros(shape, requires_grad=True) for shape in shapes]
        draws = torch_generator(stream(seed, Purpose.RANDOM_WEIGHTS, _MASKS))

        def loss(batch: Any) -> Any:
            used = []
            for weight, logit in zip(weights, logits, strict=True):
                mask = bernoulli_mask(logit, draws)
                if self.rescale:
                    weight = weight * (mask.numel() / mask.detach().sum().clamp(min=1.0))
                used.append(weight * mask)
            return functional.cross_entropy(forward(rows[batch], used), targets[batch])

        order = stream(seed, Purpose.RANDOM_WEIGHTS, _ORDER)
        with one_thread():
            optimiser = torch.optim.Adam(logits, lr=self.learning_rate)
            descend(optimiser, loss, len(rows), epochs=self.epochs, batch_size=self.batch_size, rng=order)
        # The factors of `rescale` are left out: without biases they change no answer.
        self.probabilities_ = tuple(torch.sigmoid(logit).detach().numpy() for logit in logits)
        self._keep(weights, [probability > 0.5 for probability in self.probabilities_])
        self.trained_parameters = sum(logit.numel() for logit in logits)
        self._seed = seed

    def sampled_scores(self, x: Any, y: Any, masks: int = 10) -> RealArray:
        """Accuracies (masks,) of networks whose masks are drawn with `probabilities_`, as in the paper."""
        check_is_fitted(self)
        rows = torch.from_numpy(np.asarray(x, np.float32))
        found = []
        with one_thread(), torch.no_grad():
            for number in range(masks):
                rng = stream(self._seed, Purpose.RANDOM_WEIGHTS, _SAMPLES, number)
                used = [
                    torch.from_numpy(weight * (rng.random(weight.shape) < probability))
                    for weight, probability in zip(self.weights_, self.probabilities_, strict=True)
                ]
                answers = self.classes_[forward(rows, used).argmax(dim=1).numpy()]
                found.append(float((answers == np.asarray(y)).mean()))
        return np.array(found)


def bernoulli_mask(logits: Any, generator: Any) -> Any:
    """A mask of 0 and 1 drawn with the probabilities sigmoid(logits), whose gradient it takes for its own."""
    probabilities = torch.sigmoid(logits)
    drawn = (torch.rand(logits.shape, generator=generator) < probabilities).to(logits.dtype)
    return drawn + (probabilities - probabilities.detach())
