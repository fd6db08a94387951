"""What a task is asked to roll out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wann.networks.network import NetworkBatch
from wann.utils.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Networks `first` to `last - 1` of a batch, at each of W weights, on each of E episodes."""

    networks: NetworkBatch  # P networks
    weights: FloatArray  # (W,) shared; or (W, C) sets of individual ones, in the order of sources
    seeds: Sequence[int]  # (E,) of the episodes
    max_steps: int  # after which an episode is cut off
    first: int  # network
    last: int  # one past the last network

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the returns: (last - first, W, E)."""
        return self.last - self.first, len(self.weights), len(self.seeds)
