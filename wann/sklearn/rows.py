"""Rows of X and y: how much each counts, which are for validation, how columns are scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from wann.utils.arrays import FloatArray, IntArray
from wann.utils.seeding import Purpose, stream

_LEAST_VALIDATION = 10  # rows; with fewer, the champion is chosen on the training rows


def importance_of(sample_weight: Any, rows: int) -> FloatArray | None:
    """How much each of N rows counts; None where none are given.

    Raises:
        ValueError: they are not one for each row, not finite, negative, or all 0.
    """
    if sample_weight is None:
        return None
    given = np.asarray(sample_weight, np.float64)
    given = np.full(rows, given) if given.ndim == 0 else given
    if given.shape != (rows,):
        raise ValueError(f"sample_weight.shape == {given.shape}, expected {(rows,)}!")
    if not np.isfinite(given).all() or (given < 0.0).any():
        raise ValueError("sample_weight must hold finite numbers, none below 0")
    if not given.any():
        raise ValueError("sample_weight must not hold zero weights only")
    return given


def split_rows(labels: IntArray, fraction: float, seed: int) -> tuple[IntArray, IntArray]:
    """Rows for training and for validation, stratified by class; all rows for both if there are too few."""
    held = []
    for label in range(labels.max() + 1):
        rows = np.flatnonzero(labels == label)
        count = min(round(fraction * rows.size), rows.size - 1)
        held.append(stream(seed, Purpose.SPLIT, label).permutation(rows)[:count])
    every, validation = np.arange(labels.size), np.sort(np.concatenate(held))
    if validation.size < _LEAST_VALIDATION:
        return every, every
    return np.setdiff1d(every, validation), validation


def scaling_from(values: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each column; 1 for a constant one.

    Raises:
        ValueError: a column holds numbers too far apart.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scaler = StandardScaler().fit(values)
    bad = np.flatnonzero(~(np.isfinite(scaler.mean_) & np.isfinite(scaler.scale_)))
    if bad.size:
        raise ValueError(f"column {bad[0]} of {name} holds numbers too large to be scaled: give smaller ones")
    return scaler.mean_, scaler.scale_
