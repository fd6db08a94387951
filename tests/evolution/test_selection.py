"""Which networks become parents."""

import numpy as np
from conftest import evolved
from hypothesis import given
from hypothesis import strategies as st

from wann.evolution.ranking import score
from wann.evolution.selection import lexicase, tournament


def lexicase_numpy(returns, sizes, order):
    """One pick in plain NumPy, from the description: the oracle of the compiled selection."""
    cases = np.column_stack([returns.reshape(len(returns), -1), -sizes])
    left = np.arange(len(cases))
    for case in order:
        deviation = np.median(np.abs(cases[:, case] - np.median(cases[:, case])))
        left = left[cases[left, case] >= cases[left, case].max() - deviation]
    return max(index for index in left if sizes[index] == sizes[left].min())


@given(seed=st.integers(0, 10_000), count=st.integers(1, 30))
def test_lexicase_picks_as_its_description_says(seed, count):
    rng = np.random.default_rng(seed)
    genomes = [evolved(seed % 7 + k, k % 9) for k in range(count)]
    returns = rng.normal(size=(count, 3, 2)).round(1)
    scores = score(returns, genomes)
    picks = lexicase(returns, scores, 12, rng=np.random.default_rng(seed))
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(7), (12, 1)), axis=1)
    assert picks.tolist() == [lexicase_numpy(returns, scores.connections, order) for order in orders]


def test_a_specialist_becomes_a_parent_whatever_its_mean():
    returns = np.full((21, 4, 1), 10.0) + np.arange(21)[:, None, None] / 100.0
    returns[3] = [[-1000.0], [-1000.0], [-1000.0], [50.0]]
    genomes = [evolved(1, 5)] * 21
    scores = score(returns, genomes)
    assert scores.mean.argmin() == 3
    picks = lexicase(returns, scores, 400, rng=np.random.default_rng(0))
    share = np.mean(picks == 3)
    # It is picked where the fourth weight comes before the three others: in a quarter of the orders.
    assert 0.15 < share < 0.35


def test_of_networks_with_equal_returns_the_smallest_is_picked_and_of_these_the_later_one():
    genomes = [evolved(1, 20), evolved(2, 0), evolved(2, 0), evolved(3, 20)]
    returns = np.zeros((4, 2, 2))
    assert genomes[1].connection_count < min(genomes[0].connection_count, genomes[3].connection_count)
    picks = lexicase(returns, score(returns, genomes), 20, rng=np.random.default_rng(0))
    assert set(picks.tolist()) == {2}


def test_networks_without_finite_returns_are_never_picked_unless_there_are_no_others():
    genomes = [evolved(seed, 5) for seed in range(6)]
    returns = np.arange(24.0).reshape(6, 2, 2)
    returns[5, 0, 0], returns[4, 1, 1] = np.nan, np.inf
    picks = lexicase(returns, score(returns, genomes), 200, rng=np.random.default_rng(1))
    assert set(picks.tolist()) <= {0, 1, 2, 3}
    returns[:] = np.nan
    picks = lexicase(returns, score(returns, genomes), 9, rng=np.random.default_rng(1))
    assert sorted(set(picks.tolist())) == [0, 1, 2, 3, 4, 5]


def test_returns_near_the_largest_number_are_no_trouble():
    returns = np.array([-1.7e308, 1.7e308, 1.6e308, 1.7e308, 1.7e308])[:, None, None]
    genomes = [evolved(7, 5)] * 5
    picks = lexicase(returns, score(returns, genomes), 10, rng=np.random.default_rng(0))
    assert 0 not in picks


@given(seed=st.integers(0, 1000), size=st.integers(1, 20), cull=st.floats(0, 0.99))
def test_a_tournament_is_won_by_the_best_ranked_of_those_that_are_not_culled(seed, size, cull):
    ranked = np.random.default_rng(seed).permutation(10)
    couples = tournament(ranked, 50, size, cull, rng=np.random.default_rng(seed))
    assert couples.shape == (50, 2)
    place = np.argsort(ranked)
    assert place[couples].max() < max(1, 10 - int(cull * 10))
    if size == 20:
        assert (place[couples] == 0).mean() > 0.7


def test_a_tournament_of_one_is_an_even_draw():
    couples = tournament(np.arange(4), 4000, 1, 0.0, rng=np.random.default_rng(0))
    counts = np.bincount(couples.ravel(), minlength=4)
    assert counts.min() > 1800
