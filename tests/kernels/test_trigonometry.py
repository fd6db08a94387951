"""Sine and cosine against numbers of more digits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wann.kernels.trigonometry import sine_and_cosine


@pytest.fixture(scope="module")
def angles():
    rng = np.random.default_rng(0)
    quarters = np.arange(-700, 700) * (np.pi / 2)
    many = [rng.uniform(-1100, 1100, 5000), rng.uniform(-4, 4, 5000), rng.normal(0, 0.01, 1000), quarters]
    return np.concatenate([*many, quarters.astype(np.float32), [0.0]])


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="no longer floats to compare with")
def test_within_four_fifths_of_the_last_bit(angles):
    ours = np.array([sine_and_cosine(angle) for angle in angles])
    for column, function in enumerate((np.sin, np.cos)):
        exact = function(angles.astype(np.longdouble))
        assert (np.abs(ours[:, column] - exact) <= 0.8 * np.spacing(np.abs(exact.astype(np.float64)))).all()


def test_hardly_ever_another_float_than_the_c_librarys(angles):
    ours = np.array([sine_and_cosine(angle) for angle in angles])
    theirs = np.array([(math.sin(angle), math.cos(angle)) for angle in angles])
    assert (ours == theirs).mean() > 0.95
    assert np.array_equal(ours.astype(np.float32), theirs.astype(np.float32))


def test_known_values():
    assert sine_and_cosine(0.0) == (0.0, 1.0)
    assert sine_and_cosine(math.pi)[1] == -1.0
    assert sine_and_cosine(math.pi)[0] == math.sin(math.pi)
