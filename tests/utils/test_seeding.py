"""Streams are functions of their address."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wann.utils.seeding import Purpose, episode_seeds, stream, streams

addresses = st.tuples(
    st.integers(0, 2**63 - 1),
    st.sampled_from(list(Purpose)),
    st.lists(st.integers(0, 10**6), max_size=3).map(tuple),
)


@given(addresses)
def test_the_same_address_gives_the_same_numbers(address):
    seed, purpose, where = address
    assert (
        stream(seed, purpose, *where).random(3).tolist() == stream(seed, purpose, *where).random(3).tolist()
    )


@given(addresses, addresses)
def test_different_addresses_give_different_numbers(one, other):
    padded = [(seed, purpose, (*where, 0, 0, 0)[:3]) for seed, purpose, where in (one, other)]
    same = padded[0] == padded[1]
    numbers = [stream(seed, purpose, *where).random(2).tolist() for seed, purpose, where in padded]
    assert (numbers[0] == numbers[1]) == same


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**6), st.integers(1, 20))
def test_moving_one_generator_equals_making_each(seed, place, count):
    moved = []
    for rng in streams(seed, Purpose.VARIATION, place, count):
        moved.append(rng.random(3).tolist())
        rng.integers(7)  # leaves half a word behind, which must not leak into the next stream
    made = [stream(seed, Purpose.VARIATION, place, index).random(3).tolist() for index in range(count)]
    assert moved == made


def test_episode_seeds_fit_gymnasium_and_follow_from_the_address():
    seeds = episode_seeds(7, Purpose.EPISODES, 1000, 3)
    assert seeds == episode_seeds(7, Purpose.EPISODES, 1000, 3)
    assert seeds[:5] == episode_seeds(7, Purpose.EPISODES, 5, 3)
    assert seeds != episode_seeds(7, Purpose.EPISODES, 1000, 4)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert len(set(seeds)) > 990


def test_streams_of_neighbouring_addresses_are_not_correlated():
    numbers = np.array([stream(1, Purpose.VARIATION, g, i).random(64) for g in range(8) for i in range(32)])
    correlation = np.corrcoef(numbers)
    off_diagonal = correlation[~np.eye(len(numbers), dtype=bool)]
    assert np.abs(off_diagonal).max() < 0.65
    assert abs(numbers.mean() - 0.5) < 0.01
