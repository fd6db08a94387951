"""What a task is asked to roll out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wann.networks.network import NetworkBatch
from wann.utils.arrays import FloatArray

Seeds = Sequence[int] | NDArray[np.int64]
"""Seeds (E,) of episodes; or (W, E), where each weight has its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Networks `first` to `last - 1` of a batch, at each of W weights, on each of E episodes."""

    networks: NetworkBatch  # P networks
    weights: FloatArray  # (W,) shared; or (W, C) sets of individual ones, in the order of sources
    seeds: Seeds  # of the episodes
    max_steps: int  # after which an episode is cut off
    first: int  # network
    last: int  # one past the last network

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the returns: (last - first, W, E)."""
        return self.last - self.first, len(self.weights), np.shape(self.seeds)[-1]

    @property
    def seed_of(self) -> NDArray[np.int64]:
        """Seeds (W, E): that of each episode at each weight."""
        return np.broadcast_to(np.asarray(self.seeds, np.int64), self.shape[1:])

    def distinct_seeds(self) -> tuple[list[int], NDArray[np.int64]]:
        """The seeds without repetition; and which one each episode has, (W * E,), weight by weight."""
        distinct, which = np.unique(self.seed_of, return_inverse=True)
        return distinct.tolist(), which.reshape(-1)
