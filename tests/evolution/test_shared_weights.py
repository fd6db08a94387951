"""Shared weights of a generation."""

import numpy as np
import pytest

from wann.evolution.shared_weights import (
    RANGE,
    UNIFORM_WEIGHTS,
    check_weights,
    confirming_weights,
    duel_weights,
    generation_weights,
)
from wann.settings import Settings


def drawn(generations=400, **settings):
    made = Settings(**settings)
    return np.array([generation_weights(made, generation) for generation in range(generations)])


def test_reports_are_over_the_paper_s_range_at_every_tenth():
    assert RANGE == (-2.0, 2.0)
    assert np.diff(np.linspace(*RANGE, UNIFORM_WEIGHTS)) == pytest.approx(0.1)


def test_the_fixed_series_is_the_paper_s_by_default():
    settings = Settings(weight_sampling="fixed")
    assert generation_weights(settings, 3).tolist() == [-2, -1, -0.5, 0.5, 1, 2]
    assert confirming_weights(settings).tolist() == [-2, -1, -0.5, 0.5, 1, 2]


def test_stratified_weights_hold_one_value_from_each_equal_part():
    weights = drawn(weight_sampling="stratified", weight_count=8, weight_range=(-2.0, 2.0))
    assert (np.floor((weights + 2) * 2) == np.arange(8)).all()
    # uniform inside its part
    inside = (weights + 2) * 2 - np.arange(8)
    assert abs(inside.mean() - 0.5) < 0.02
    assert abs(inside.std() - np.sqrt(1 / 12)) < 0.01


def test_uniform_weights_fill_the_range():
    weights = drawn(weight_sampling="uniform", weight_count=10, weight_range=(1.0, 3.0))
    assert weights.min() >= 1.0
    assert weights.max() < 3.0
    assert np.histogram(weights, 4, (1.0, 3.0))[0] == pytest.approx(np.full(4, 1000), abs=130)


def test_normal_weights_have_the_given_spread():
    weights = drawn(weight_sampling="normal", weight_count=10, weight_std=0.7)
    assert abs(weights.mean()) < 0.05
    assert abs(weights.std() - 0.7) < 0.03


@pytest.mark.parametrize("sampling", ["uniform", "normal", "stratified"])
def test_drawn_weights_follow_from_seed_and_generation(sampling):
    settings = Settings(weight_sampling=sampling, seed=5)
    assert generation_weights(settings, 9).tolist() == generation_weights(settings, 9).tolist()
    assert generation_weights(settings, 9).tolist() != generation_weights(settings, 10).tolist()
    other = Settings(weight_sampling=sampling, seed=6)
    assert generation_weights(settings, 9).tolist() != generation_weights(other, 9).tolist()
    grid = confirming_weights(settings)
    assert grid.tolist() == np.linspace(-2, 2, 25).tolist()


@pytest.mark.parametrize("bound", [1000.0, -1000.0])
def test_each_weight_that_is_reported_at_lies_within_a_thousand(bound):
    check_weights([bound])
    check_weights([0.5, bound, -2.0])
    beyond = np.nextafter(bound, 2.0 * bound).item()
    for weights in ([beyond], [0.5, beyond], [beyond, 0.5]):
        with pytest.raises(ValueError, match="one or more finite numbers within ±1000, not ") as caught:
            check_weights(weights)
        assert str(caught.value).endswith(f", not {weights}")


@pytest.mark.parametrize("weights", [[], [np.nan], [0.5, np.inf], [-np.inf, 0.5], [0.5, np.nan]])
def test_no_weight_and_one_that_is_no_number_cannot_be_reported_at(weights):
    with pytest.raises(ValueError, match="one or more finite numbers"):
        check_weights(weights)


def test_a_duel_s_weights_are_an_even_grid_that_is_shifted_from_generation_to_generation():
    settings = Settings(weight_sampling="uniform", weight_range=(1.0, 3.0), seed=4)
    grids = np.array([duel_weights(settings, generation) for generation in range(300)])
    assert grids.shape == (300, 50)
    np.testing.assert_allclose(np.diff(grids), 2.0 / 50, atol=1e-12)
    shifts = (grids[:, 0] - 1.0) * 50 / 2.0
    assert shifts.min() >= 0.0
    assert shifts.max() < 1.0
    assert abs(shifts.mean() - 0.5) < 0.06
    fixed = Settings(weight_sampling="fixed", weights=(0.25, 4.0))
    assert duel_weights(fixed, 3).tolist() == [0.25, 4.0]
