"""The rows of the comparison that PyTorch computes. It is imported when a row is measured, not before."""

from __future__ import annotations

from wann.random_weights.methods import Method

METHODS: tuple[Method, ...] = ()
"""Rows for a data set."""

IMAGE_PRIOR: tuple[Method, ...] = ()
"""Rows of the task `image-prior`: measured with (None, seed); the score is in decibels."""
