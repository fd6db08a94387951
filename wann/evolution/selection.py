"""Which networks of a generation become parents: by tournament, or by lexicase."""

from __future__ import annotations

import numpy as np

from wann.evolution.ranking import Ratings
from wann.kernels.lanes import kernel
from wann.utils.arrays import FloatArray, IntArray


def tournament(
    ranked: IntArray, picks: int, size: int, cull_ratio: float, *, rng: np.random.Generator
) -> IntArray:
    """Parents by tournament: each pick is the best of a few contestants drawn for it.

    Args:
        ranked: (P,) indices of the networks, best first.
        picks: number of couples.
        size: contestants of each tournament.
        cull_ratio: worst part of the order that takes no part.
        rng: draws the contestants.

    Returns:
        (picks, 2) indices; one may occur more than once.

    Source: Gaier and Ha (2019), section 3.1, and its reference implementation.
    """
    contestants = ranked[: max(1, len(ranked) - int(cull_ratio * len(ranked)))]
    # They are ranked, so the winner of a tournament is its lowest position.
    contests = rng.integers(len(contestants), size=(picks, 2, size))
    winners: IntArray = contestants[contests.min(axis=2)]
    return winners


def lexicase(returns: FloatArray, scores: Ratings, picks: int, *, rng: np.random.Generator) -> IntArray:
    """Parents by epsilon-lexicase: case after case, only networks near the best in it stay.

    The cases are the returns, one for each weight and episode, and the number of connections, the fewer the
    better. Each pick draws an order of them, so that a network that excels in some cases becomes a parent
    where those come early, whatever its mean is. Near the best is what falls short by at most the median
    absolute deviation of the generation in that case. Of the networks that stay to the end the smallest is
    picked, of equals the later one, as in `wann.evolution.ranking.total_order`.

    Args:
        returns: (P, W, E) episode returns.
        scores: scores of the same P networks; invalid networks take no part unless all are invalid.
        picks: number of parents.
        rng: draws the orders.

    Returns:
        (picks,) indices; one may occur more than once.

    Source: La Cava, Spector and Danai (2016), *Epsilon-lexicase selection for regression*.
    """
    taking_part = np.flatnonzero(scores.valid)
    if not taking_part.size:
        return np.arange(picks) % len(returns)
    sizes = scores.connections[taking_part]
    cases = np.column_stack([returns[taking_part].reshape(len(taking_part), -1), -sizes])
    with np.errstate(over="ignore"):
        tolerance = np.median(np.abs(cases - np.median(cases, axis=0)), axis=0)
    orders = rng.permuted(np.tile(np.arange(cases.shape[1]), (picks, 1)), axis=1)
    chosen: IntArray = taking_part[_lexicase(cases, tolerance, sizes, orders)]
    return chosen


@kernel
def _lexicase(cases, tolerance, sizes, orders):
    """Positions (K,) of the picks; cases (P, C), tolerance (C,), sizes (P,), orders (K, C)."""
    picked = np.empty(orders.shape[0], np.int64)
    left = np.empty(cases.shape[0], np.int64)
    for pick in range(orders.shape[0]):
        count = cases.shape[0]
        left[:] = np.arange(count)
        for case in orders[pick]:
            if count == 1:
                break
            best = -np.inf
            for k in range(count):
                best = max(best, cases[left[k], case])
            kept = 0
            for k in range(count):
                if cases[left[k], case] >= best - tolerance[case]:
                    left[kept] = left[k]
                    kept += 1
            count = kept
        smallest = left[0]
        for k in range(1, count):
            if sizes[left[k]] <= sizes[smallest]:
                smallest = left[k]
        picked[pick] = smallest
    return picked
