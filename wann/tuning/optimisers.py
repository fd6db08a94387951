"""Black-box optimisers with ask and tell; the candidates follow from the seed and the told values alone.

So only the told values have to be saved: telling them again restores the optimiser.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from wann.utils.arrays import FloatArray
from wann.utils.seeding import Purpose, stream

MEMORY = 20
"""Generations of random search whose best candidate is its choice."""

LARGEST_COVARIANCE = 200
"""Dimensions up to which CMA-ES adapts a whole covariance matrix; beyond, its diagonal."""

LARGEST_CHANGE = 1e6
"""Distance from their start within which CMA-ES looks for weights."""


class Optimiser(Protocol):
    """Maximises a function of D numbers, starting at 0."""

    def ask(self) -> FloatArray:
        """Candidates (n, D) of the next generation."""
        ...

    def tell(self, values: FloatArray) -> None:
        """Values (n,) of the candidates asked for last; the larger, the better."""
        ...

    @property
    def choice(self) -> FloatArray:
        """The point (D,) it takes for the best."""
        ...


class Cma:
    """CMA-ES, of the package `cmaes`; the separable form in many dimensions.

    Source: Hansen (2016), The CMA evolution strategy: a tutorial; Ros and Hansen (2008), A simple
    modification in CMA-ES achieving linear time and space complexity, for the separable form.
    """

    def __init__(self, dimensions: int, population: int, sigma: float, seed: int) -> None:
        import cmaes  # here, as it takes a second: it imports all of SciPy's statistics

        kind = cmaes.CMA if dimensions <= LARGEST_COVARIANCE else cmaes.SepCMA
        # The package refuses a single dimension: another one is added, which no value depends on.
        self._padding = int(dimensions == 1)
        start = np.zeros(dimensions + self._padding)
        own_seed = int(stream(seed, Purpose.TUNING, 0).integers(2**31))
        # A network may compute the same at any scale of its weights; the search would then go on to
        # numbers that overflow.
        bounds = np.tile((-LARGEST_CHANGE, LARGEST_CHANGE), (start.size, 1))
        self._inner = kind(start, sigma, bounds=bounds, population_size=population, seed=own_seed)
        self._asked: list[FloatArray] = []

    def ask(self) -> FloatArray:
        """Candidates of the next generation."""
        self._asked = [self._inner.ask() for _ in range(self._inner.population_size)]
        return np.array(self._asked)[:, self._padding :]

    def tell(self, values: FloatArray) -> None:
        """Values of the candidates."""
        self._inner.tell([(x, -float(value)) for x, value in zip(self._asked, values, strict=True)])

    @property
    def choice(self) -> FloatArray:
        """The mean of the distribution."""
        mean: FloatArray = self._inner.mean[self._padding :]
        return mean.copy()


class Pepg:
    """Parameter-exploring policy gradients with antithetic samples, ranks as values, and Adam.

    Source: Sehnke, Osendorfer, Rückstieß, Graves, Peters and Schmidhuber (2010), Parameter-exploring policy
    gradients, algorithm 2 (symmetric sampling); Kingma and Ba (2015) for Adam.
    """

    _RATE = 0.1  # of the mean, as a share of the initial deviation
    _RATE_SIGMA = 0.1  # of the deviations
    _LARGEST_CHANGE = 0.2  # share by which a deviation may change in one generation
    _BETA = (0.9, 0.999)

    def __init__(self, dimensions: int, population: int, sigma: float, seed: int) -> None:
        self._pairs = max(1, population // 2)
        self._rate = self._RATE * sigma
        self._seed = seed
        self._generation = 0
        self._mean = np.zeros(dimensions)
        self._sigma = np.full(dimensions, sigma)
        self._first = np.zeros(dimensions)
        self._second = np.zeros(dimensions)
        self._noise = np.zeros((self._pairs, dimensions))

    def ask(self) -> FloatArray:
        """Candidates of the next generation: pairs on both sides of the mean."""
        rng = stream(self._seed, Purpose.TUNING, 1, self._generation)
        self._noise = rng.standard_normal(self._noise.shape) * self._sigma
        return np.concatenate([self._mean + self._noise, self._mean - self._noise])

    def tell(self, values: FloatArray) -> None:
        """Values of the candidates."""
        self._generation += 1
        plus, minus = np.split(_centred_ranks(values), 2)
        ascent = ((plus - minus) / 2.0) @ self._noise / np.maximum(self._sigma, 1e-12) / self._pairs
        low, high = self._BETA
        self._first = low * self._first + (1.0 - low) * ascent
        self._second = high * self._second + (1.0 - high) * ascent * ascent
        first = self._first / (1.0 - low**self._generation)
        second = self._second / (1.0 - high**self._generation)
        self._mean = self._mean + self._rate * first / (np.sqrt(second) + 1e-8)
        worth = (plus + minus) / 2.0
        spread = (worth @ (self._noise**2 - self._sigma**2)) / self._sigma / self._pairs
        bound = self._LARGEST_CHANGE * self._sigma
        self._sigma = self._sigma + np.clip(self._RATE_SIGMA * spread, -bound, bound)

    @property
    def choice(self) -> FloatArray:
        """The mean of the distribution."""
        return self._mean.copy()


class RandomSearch:
    """Normal samples around the start, the baseline: nothing is learnt."""

    def __init__(self, dimensions: int, population: int, sigma: float, seed: int) -> None:
        self._shape = (population, dimensions)
        self._sigma = sigma
        self._seed = seed
        self._generation = 0
        self._asked = np.zeros(self._shape)
        self._best: deque[tuple[float, FloatArray]] = deque(maxlen=MEMORY)

    def ask(self) -> FloatArray:
        """Candidates of the next generation."""
        rng = stream(self._seed, Purpose.TUNING, 2, self._generation)
        self._asked = rng.standard_normal(self._shape) * self._sigma
        return self._asked.copy()

    def tell(self, values: FloatArray) -> None:
        """Values of the candidates."""
        self._generation += 1
        best = int(np.argmax(values))
        self._best.append((float(values[best]), self._asked[best].copy()))

    @property
    def choice(self) -> FloatArray:
        """The best of the last generations."""
        if not self._best:
            return np.zeros(self._shape[1])
        return max(self._best, key=lambda found: found[0])[1].copy()


def _centred_ranks(values: FloatArray) -> FloatArray:
    """Ranks from -1/2 for the worst to 1/2 for the best; equal values share the mean of theirs."""
    order = np.sort(values)
    low, high = np.searchsorted(order, values, "left"), np.searchsorted(order, values, "right")
    ranks: FloatArray = (low + high - 1) / 2.0 / max(values.size - 1, 1) - 0.5
    return ranks


OPTIMISERS: dict[str, Callable[[int, int, float, int], Optimiser]] = {
    "cma": Cma,
    "pepg": Pepg,
    "random": RandomSearch,
}
"""Optimisers by name; each takes dimensions, candidates per generation, initial deviation and seed."""
