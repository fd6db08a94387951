"""The result of rollouts: returns and steps."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from wann.utils.arrays import FloatArray


class EpisodeFailedError(RuntimeError):
    """An episode of a network could not be played to its end."""


class Rollouts(NamedTuple):
    """Outcome of episodes; the leading shape is that of the weights and starts asked for."""

    returns: FloatArray  # sum of rewards of each episode
    steps: NDArray[np.int64]  # steps of each episode
    failures: tuple[tuple[int, str], ...] = ()  # networks that could not be evaluated, by index, and why
    stalled: tuple[int, ...] = ()  # those that the clock alone has judged: one more try may tell otherwise

    def checked(self, trouble: str = "the champion could not be evaluated") -> Self:
        """The same, where no network failed.

        Args:
            trouble: what a failure means, for the message.

        Raises:
            EpisodeFailedError: a network failed; the message ends with the first reason.
        """
        if self.failures:
            raise EpisodeFailedError(f"{trouble}: {self.failures[0][1]}")
        return self
