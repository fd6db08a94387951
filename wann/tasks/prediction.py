"""Answers for rows of a table: classes with their probabilities, or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wann.networks.network import Network, evaluate_network
from wann.tasks.columns import Columns
from wann.utils.arrays import FloatArray

_AT_ONCE = 10_000  # rows


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a network says of N rows."""

    answers: NDArray[Any]  # (N,) names of the classes, or numbers
    classes: tuple[str, ...] = ()  # A names; none where numbers are predicted
    probabilities: FloatArray | None = None  # (N, A)


def predict(
    network: Network,
    columns: Columns,
    classes: tuple[str, ...],
    codes: FloatArray,
    lanes: Sequence[FloatArray],
) -> Prediction:
    """Answers for rows of a table.

    Args:
        network: the network.
        columns: what is done to the columns first.
        classes: names of the A outputs.
        codes: (N, C) what the columns hold.
        lanes: one or more sets of weights, each as `evaluate_network` takes them for a row. The answer is
            the mean over them, of the probabilities or of the numbers.
    """
    outputs = np.empty((len(lanes), len(codes), len(classes)))
    for first in range(0, len(codes), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        inputs = columns.inputs(codes[rows])
        for place, own in enumerate(lanes):
            found = evaluate_network(network, inputs, np.repeat(own, len(inputs), axis=0))
            outputs[place, rows] = found[:, network.outputs]
    if columns.target is not None:
        return Prediction(columns.answers(outputs.mean(axis=0)[:, 0]))
    shares = probabilities(outputs).mean(axis=0)
    return Prediction(np.array(classes)[shares.argmax(axis=1)], classes, shares)


def probabilities(outputs: FloatArray) -> FloatArray:
    """Softmax over the last axis."""
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    result: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return result
