"""Optimisers find what they should, and follow from their seed and what they were told alone."""

import numpy as np
import pytest

from wann.tuning.optimisers import LARGEST_CHANGE, LARGEST_COVARIANCE, OPTIMISERS


def climb(name, target, generations, seed=0, sigma=0.5):
    """Let a method maximise minus the squared distance to a target; gives it and its last distance."""
    optimiser = OPTIMISERS[name](target.size, 24, sigma, seed)
    for _ in range(generations):
        optimiser.tell(-np.square(optimiser.ask() - target).sum(axis=1))
    return optimiser, float(np.linalg.norm(optimiser.choice - target))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "within"), [("cma", 1e-3), ("pepg", 0.3)])
@pytest.mark.parametrize("dimensions", [1, 10])
def test_a_method_comes_close_to_the_top_of_a_hill(name, within, dimensions):
    target = np.linspace(-1.0, 1.0, dimensions) + 0.5
    assert climb(name, target, 200)[1] < within


def test_many_dimensions_take_the_separable_form():
    target = np.full(LARGEST_COVARIANCE + 50, 0.3)
    assert climb("cma", target, 150)[1] < 0.5 * np.linalg.norm(target)


def test_random_search_only_looks_around_the_start():
    optimiser, distance = climb("random", np.full(10, 5.0), 50)
    asked = optimiser.ask()
    assert asked.std() == pytest.approx(0.5, rel=0.15)
    assert abs(asked.mean()) < 0.1
    assert distance > 10.0


def test_random_search_takes_the_best_of_its_last_generation():
    optimiser = OPTIMISERS["random"](3, 8, 0.5, 0)
    asked = optimiser.ask()
    optimiser.tell(np.where(np.arange(8) == 5, 1.0, 0.0))
    np.testing.assert_array_equal(optimiser.choice, asked[5])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_told_the_same_again_a_method_asks_the_same(name):
    first, second = (OPTIMISERS[name](6, 8, 0.4, 3) for _ in range(2))
    rng = np.random.default_rng(0)
    for _ in range(12):
        values = rng.normal(size=8)
        np.testing.assert_array_equal(first.ask(), second.ask())
        first.tell(values)
        second.tell(values)
    np.testing.assert_array_equal(first.choice, second.choice)
    assert not np.array_equal(OPTIMISERS[name](6, 8, 0.4, 4).ask(), OPTIMISERS[name](6, 8, 0.4, 3).ask())


def test_pepg_asks_on_both_sides_of_its_mean():
    optimiser = OPTIMISERS["pepg"](5, 8, 0.4, 0)
    plus, minus = np.split(optimiser.ask(), 2)
    np.testing.assert_allclose(plus + minus, 0.0, atol=1e-15)


@pytest.mark.parametrize("name", ["cma", "pepg"])
def test_only_the_order_of_the_values_counts(name):
    first, second = (OPTIMISERS[name](4, 8, 0.4, 1) for _ in range(2))
    rng = np.random.default_rng(2)
    for _ in range(5):
        values = rng.normal(size=8)
        first.ask()
        second.ask()
        first.tell(values)
        second.tell(np.exp(values) * 7.0)
    np.testing.assert_array_equal(first.choice, second.choice)


# Without the bound, the first would overflow after 207 generations; the second climbs slowly, from further.
@pytest.mark.parametrize(
    ("dimensions", "sigma", "generations"),
    [
        (3, 0.1, 220),
        (LARGEST_COVARIANCE + 1, 1e5, 100),
        pytest.param(3, 0.1, 1500, marks=pytest.mark.slow),
        pytest.param(LARGEST_COVARIANCE + 1, 0.1, 1500, marks=pytest.mark.slow),
    ],
)
def test_a_hill_without_a_top_overflows_nothing(dimensions, sigma, generations):
    """As of a network that computes the same at any scale of its weights, but for a little."""
    optimiser = OPTIMISERS["cma"](dimensions, 8, sigma, 0)
    for _ in range(generations):
        asked = optimiser.ask()
        assert np.abs(asked).max() <= LARGEST_CHANGE
        optimiser.tell(asked.sum(axis=1))
    assert np.abs(asked).max() > 0.9 * LARGEST_CHANGE, "it came to the bound"
    assert np.isfinite(optimiser.choice).all()
