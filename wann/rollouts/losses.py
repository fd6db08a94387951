"""Scores of networks on samples that the kernel does not add up itself: squared errors, weighted samples."""

from __future__ import annotations

import numpy as np

from wann.networks.network import NetworkBatch
from wann.rollouts.samples import Batch, each_output
from wann.utils.arrays import FloatArray


def weighted_entropy(
    networks: NetworkBatch, weights: FloatArray, batch: Batch, first: int, last: int
) -> FloatArray:
    """Cross-entropy (n, W) of networks `first` to `last - 1`, its mean weighted by the importance of samples.

    Args:
        networks, weights: as `classify`.
        batch: samples with labels and importance.
    """
    labels = batch.labels.reshape(-1)[: batch.size].astype(np.int64)
    found = np.empty((last - first, len(weights)))
    for place, given in enumerate(each_output(networks, weights, batch, first, last)):
        for w, row in enumerate(given):  # (A, N)
            below = row - row.max(axis=0)
            entropy = np.log(np.exp(below).sum(axis=0)) - below[labels, np.arange(batch.size)]
            found[place, w] = np.average(entropy, weights=batch.importance)
    return found


def squared_error(
    networks: NetworkBatch, weights: FloatArray, batch: Batch, first: int, last: int
) -> FloatArray:
    """Mean squared error (n, W) of the outputs of networks `first` to `last - 1`, over samples and outputs.

    Args:
        networks, weights: as `classify`.
        batch: samples with targets.
    """
    assert batch.targets is not None, "the batch has labels, not targets"  # noqa: S101
    wanted = np.ascontiguousarray(batch.targets.T)
    found = np.empty((last - first, len(weights)))
    for place, given in enumerate(each_output(networks, weights, batch, first, last)):
        # Weight by weight, so that the additions are in the same order whichever weights come together.
        squares = (np.square(row - wanted) for row in given)
        if batch.importance is None:
            found[place] = [square.mean() for square in squares]
        else:
            found[place] = [np.average(square.mean(axis=0), weights=batch.importance) for square in squares]
    return found
