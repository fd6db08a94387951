"""The shared weights of a generation, the grid that confirms a new best, and the range of reports."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from wann.settings import Settings
from wann.utils.seeding import Purpose, stream

CONFIRMING_WEIGHTS = 25
"""Points of the confirming grid where the searched weights change from generation to generation."""

DUEL_WEIGHTS = 50
"""Points of the grid of weights on which a challenger meets the champion."""

RANGE = (-2.0, 2.0)
"""The range the paper reports over."""

UNIFORM_WEIGHTS = 41
"""Evenly spaced weights, both ends included, that stand for U(-2, 2): no luck of the draw, and comparable."""


class Occasion(IntEnum):
    """Use of weights; each has noise of its own. The numbers are part of every run."""

    GENERATION = 0
    CONFIRMATION = 1
    DUEL = 2


def check_weights(weights: Sequence[float]) -> None:
    """Refuse shared weights that nothing can be reported at.

    Raises:
        ValueError: the list is empty, or an entry is not a finite number within ±1000.
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


def noisy_weights(
    settings: Settings,
    weights: np.ndarray,
    marks: np.ndarray,
    generation: int,
    occasion: Occasion = Occasion.GENERATION,
) -> np.ndarray:
    """Weights of connections that scatter around each shared one, where the settings ask for noise.

    The noise follows from the seed, the generation, the place of the shared weight and the connection's
    innovation number: in a generation, a connection that several networks have has the same in all of them.

    Args:
        settings: settings of the search.
        weights: (W,) shared weights.
        marks: (C,) innovation numbers of connections, those of several networks laid end to end.
        generation: which one.
        occasion: what for.

    Returns:
        (W, C) float64, or the shared weights (W,) themselves without noise.
    """
    if not settings.weight_noise:
        return weights
    scattered = np.empty((len(weights), marks.size))
    for place, weight in enumerate(weights):
        rng = stream(settings.seed, Purpose.WEIGHT_NOISE, generation, place, int(occasion))
        # Drawn in the order of the numbers, so that one does not depend on which others are there.
        by_mark = rng.standard_normal(int(marks.max(initial=-1)) + 1)
        scattered[place] = weight + settings.weight_noise * by_mark[marks]
    return scattered


def stratified(low: float, high: float, count: int, *, rng: np.random.Generator) -> np.ndarray:
    """One value drawn from each of `count` equal parts of [low, high), ascending. Shape (count,)."""
    return low + (high - low) * (np.arange(count) + rng.random(count)) / count


def duel_weights(settings: Settings, generation: int) -> np.ndarray:
    """Shared weights of a duel: the fixed series, else an even grid over the range, shifted at random.

    An even grid has less luck in it than as many stratified weights, whose gaps differ.
    """
    if settings.weight_sampling == "fixed":
        return np.array(settings.weights)
    low, high = settings.weight_range
    shift = stream(settings.seed, Purpose.DUEL_WEIGHTS, generation).random()
    return low + (high - low) * (np.arange(DUEL_WEIGHTS) + shift) / DUEL_WEIGHTS


def confirming_weights(settings: Settings) -> np.ndarray:
    """Shared weights a new best is confirmed at: the fixed series, else an even grid over the range."""
    if settings.weight_sampling == "fixed":
        return np.array(settings.weights)
    return np.linspace(*settings.weight_range, CONFIRMING_WEIGHTS)
