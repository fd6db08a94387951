"""Ranking against a slow textbook version."""

import math

import numpy as np
from conftest import evolved
from hypothesis import given
from hypothesis import strategies as st

from wann.evolution.ranking import (
    SIZES,
    best_front,
    crowding_distance,
    objectives_of,
    order_by,
    pareto_fronts,
    score,
    simplicity,
    total_order,
    value_of,
)
from wann.settings import OBJECTIVES

# Few distinct values, so that ties and equal individuals are the rule.
populations = st.integers(1, 6).flatmap(
    lambda kinds: st.lists(
        st.lists(st.sampled_from([-2.5, -1.0, 0.0, 0.25, 3.0, 1e6]), min_size=kinds, max_size=kinds),
        min_size=1,
        max_size=25,
    )
)


def dominates(one: list[float], other: list[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def textbook_fronts(points: list[list[float]]) -> list[list[int]]:
    """Peel off the individuals that nothing left dominates, again and again."""
    left, fronts = list(range(len(points))), []
    while left:
        front = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        fronts.append(front)
        left = [i for i in left if i not in front]
    return fronts


def textbook_crowding(points: list[list[float]], front: list[int]) -> dict[int, float]:
    """Deb et al. (2002), the procedure of section III-B, with sorted() keeping ties by index."""
    distance = dict.fromkeys(front, 0.0)
    for k in range(len(points[0])):
        by_value = sorted(front, key=lambda i: points[i][k])
        span = points[by_value[-1]][k] - points[by_value[0]][k]
        if span == 0:
            continue
        for before, i, after in zip(by_value, by_value[1:], by_value[2:], strict=False):
            distance[i] += (points[after][k] - points[before][k]) / span
        distance[by_value[0]] = distance[by_value[-1]] = math.inf
    return distance


def textbook_order(points: list[list[float]]) -> list[int]:
    order = []
    for front in textbook_fronts(points):
        crowding = textbook_crowding(points, front)
        order += sorted(front, key=lambda i: (-crowding[i], -i))
    return order


@given(populations)
def test_fronts_and_order_agree_with_the_textbook(points):
    objectives = np.array(points)
    numbers = pareto_fronts(objectives)
    for number, front in enumerate(textbook_fronts(points)):
        assert np.flatnonzero(numbers == number).tolist() == front
    assert total_order(objectives).tolist() == textbook_order(points)


@given(populations, st.randoms(use_true_random=False))
def test_the_best_front_is_what_nothing_dominates_by_the_first_objective_then_the_next(points, random):
    valid = np.array([random.random() < 0.8 for _ in points])
    kept = np.flatnonzero(valid).tolist()
    front = [i for i in kept if not any(dominates(points[j], points[i]) for j in kept)]
    wanted = sorted(front, key=lambda i: [-value for value in points[i]])
    assert best_front(np.array(points), valid).tolist() == wanted


@given(populations, st.randoms(use_true_random=False))
def test_the_invalid_come_last_and_change_nothing_for_the_others(points, random):
    valid = np.array([random.random() < 0.7 for _ in points])
    objectives = np.array(points)
    objectives[~valid] = -np.inf
    order = total_order(objectives, valid).tolist()
    kept = np.flatnonzero(valid)
    alone = [] if not kept.size else kept[textbook_order([points[i] for i in kept])].tolist()
    assert order == alone + np.flatnonzero(~valid).tolist()


def test_crowding_divides_by_the_range_of_the_front():
    # 10..40 as in the reference's slip: the middle ones are (30-10)/30 and (40-20)/30 apart.
    distance = crowding_distance(np.array([[10.0], [20.0], [30.0], [40.0]]))
    np.testing.assert_allclose(distance, [np.inf, 20 / 30, 20 / 30, np.inf])


def test_scores_are_means_and_the_best_weight():
    genomes = [evolved(seed, 20) for seed in range(2)]
    returns = np.array([[[1.0, 3.0], [5.0, 7.0]], [[0.0, 0.0], [np.nan, 9.0]]])
    scores = score(returns, genomes)
    assert scores.mean[0] == 4.0
    assert scores.best_weight[0] == 6.0
    assert scores.valid.tolist() == [True, False]
    assert scores.mean[1] == scores.best_weight[1] == -np.inf
    assert scores.connections.tolist() == [genome.enabled.sum() for genome in genomes]
    assert scores.nodes.tolist() == [len(genome.node_id) for genome in genomes]


def test_named_objectives_are_what_their_names_say():
    genomes = [evolved(seed, 20) for seed in range(3)]
    returns = np.array([[[1.0, 3.0], [5.0, 7.0]], [[-9.0, 1.0], [-4.0, -4.0]], [[0.0, 0.0], [np.nan, 9.0]]])
    scores = score(returns, genomes)
    wanted = {
        "mean": [4.0, -4.0, -np.inf],
        "best": [6.0, -4.0, -np.inf],
        "worst": [2.0, -4.0, -np.inf],
        "robustness": [-2.0, 0.0, -np.inf],
        "connections": [int(genome.enabled.sum()) for genome in genomes],
        "nodes": [len(genome.node_id) for genome in genomes],
        "depth": [genome.depth for genome in genomes],
    }
    assert list(wanted) == list(OBJECTIVES)
    for name, values in wanted.items():
        found = value_of(name, scores, genomes)
        assert found.tolist() == values
        assert not np.signbit(found[found == 0.0]).any()
        larger_is_better = [1.0 / value for value in values] if name in SIZES else values
        assert objectives_of((name,), scores, genomes)[:, 0].tolist() == larger_is_better
    some = scores.rows(np.array([1, 0]))
    assert value_of("worst", some, []).tolist() == [-4.0, 2.0]


def test_robustness_of_returns_beyond_all_squares_is_a_number():
    scores = score(np.array([[[1e300], [-1e300]]]), [evolved(0, 3)])
    assert np.isfinite(value_of("robustness", scores, []))


def test_infinite_returns_are_invalid_too():
    genomes = [evolved(0, 3)] * 2
    scores = score(np.array([[[np.inf]], [[-np.inf]]]), genomes)
    assert not scores.valid.any()


def test_no_connections_count_as_one():
    assert simplicity(np.array([0, 1, 4])).tolist() == [1.0, 1.0, 0.25]


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
def test_with_one_objective_the_total_order_is_that_of_the_values(seed, count):
    rng = np.random.default_rng(seed)
    values, valid = rng.integers(0, 8, count).astype(float), rng.random(count) < 0.8
    values[~valid] = -np.inf
    assert order_by(values, valid).tolist() == total_order(values[:, None], valid).tolist()
