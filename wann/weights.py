"""The shared weights of a generation, the grid that confirms a new best, and the range of reports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wann.config import Settings
from wann.seeding import Purpose, stream

CONFIRMING_WEIGHTS = 25
"""Points of the confirming grid where the searched weights change from generation to generation."""

RANGE = (-2.0, 2.0)
"""The range the paper reports over."""

UNIFORM_WEIGHTS = 41
"""Evenly spaced weights, both ends included, that stand for U(-2, 2): no luck of the draw, and comparable."""


def check_weights(weights: Sequence[float]) -> None:
    """Refuse shared weights that nothing can be reported at.

    Raises:
        ValueError: there are none, or one is not a finite number within ±1000.
    """
    if not len(weights) or not (np.abs(weights) <= 1000.0).all():
        raise ValueError(f"weights must be one or more finite numbers within ±1000, not {list(weights)}")


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
