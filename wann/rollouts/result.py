"""The result of rollouts: returns and steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wann.utils.arrays import FloatArray


class Rollouts(NamedTuple):
    """Outcome of episodes; the leading shape is that of the weights and starts asked for."""

    returns: FloatArray  # sum of rewards of each episode
    steps: NDArray[np.int64]  # steps of each episode
    failures: tuple[tuple[int, str], ...] = ()  # networks that could not be evaluated, by index, and why
