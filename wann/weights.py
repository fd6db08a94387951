"""The shared weights of a generation, and the grid on which a new best is confirmed."""

from __future__ import annotations

import numpy as np

from wann.config import Settings
from wann.seeding import Purpose, stream

CONFIRMING_WEIGHTS = 25
"""Points of the confirming grid where the searched weights change from generation to generation."""


def generation_weights(settings: Settings, generation: int) -> np.ndarray:
    """Shared weights every network of a generation is tried with.

    Returns:
        (W,) float64. The fixed series, or values that follow from the seed and the generation alone:
        *uniform* over the range, *normal* around 0, or *stratified*, one value from each of W equal
        parts of the range in ascending order.
    """
    if settings.weight_sampling == "fixed":
        return np.array(settings.weights)
    rng = stream(settings.seed, Purpose.WEIGHTS, generation)
    low, high = settings.weight_range
    if settings.weight_sampling == "normal":
        return rng.normal(0.0, settings.weight_std, settings.weight_count)
    if settings.weight_sampling == "uniform":
        return rng.uniform(low, high, settings.weight_count)
    return stratified(low, high, settings.weight_count, rng=rng)


def stratified(low: float, high: float, count: int, *, rng: np.random.Generator) -> np.ndarray:
    """One value drawn from each of `count` equal parts of [low, high), ascending. Shape (count,)."""
    return low + (high - low) * (np.arange(count) + rng.random(count)) / count


def confirming_weights(settings: Settings) -> np.ndarray:
    """Shared weights a new best is confirmed at: the fixed series, else an even grid over the range."""
    if settings.weight_sampling == "fixed":
        return np.array(settings.weights)
    return np.linspace(*settings.weight_range, CONFIRMING_WEIGHTS)
