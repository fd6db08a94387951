"""From episode returns to a total order: scores, Pareto fronts, crowding distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wann.kernels.lanes import kernel
from wann.networks.genome import Genome
from wann.utils.arrays import FloatArray

SIZES = ("connections", "nodes", "depth")
"""The objectives that are the better the smaller they are."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """What the search knows of a generation, derived from its returns in this one place."""

    per_weight: FloatArray  # (P, W) mean over episodes at each weight
    mean: FloatArray  # (P,) mean over weights of the mean over episodes
    best_weight: FloatArray  # (P,) best mean over episodes of any one weight
    connections: NDArray[np.int64]  # (P,) enabled connections
    nodes: NDArray[np.int64]  # (P,) nodes of every kind
    valid: NDArray[np.bool_]  # (P,) whether every return is finite

    def rows(self, indices: NDArray[np.int64]) -> Ratings:
        """Ratings of some of the networks."""
        return Ratings(*(getattr(self, field.name)[indices] for field in fields(self)))


def score(returns: FloatArray, genomes: Sequence[Genome]) -> Ratings:
    """Ratings of a generation.

    Args:
        returns: (P, W, E) episode returns.
        genomes: the P networks.

    Returns:
        Ratings; a network with a return that is not finite has `valid` False and minus infinity as mean
        and at each weight, so that it ranks last and can never be champion.
    """
    valid: NDArray[np.bool_] = np.asarray(np.isfinite(returns).all(axis=(1, 2)))
    per_weight = np.where(valid[:, None, None], returns, -np.inf).mean(axis=2)
    return scores_of(per_weight, valid, genomes)


def scores_of(per_weight: FloatArray, valid: NDArray[np.bool_], genomes: Sequence[Genome]) -> Ratings:
    """Ratings from mean returns (P, W); the other arguments as in `Ratings`."""
    return Ratings(
        per_weight=per_weight,
        mean=per_weight.mean(axis=1),
        best_weight=per_weight.max(axis=1),
        connections=np.array([genome.connection_count for genome in genomes], np.int64),
        nodes=np.array([genome.node_id.size for genome in genomes], np.int64),
        valid=valid,
    )


def simplicity(sizes: NDArray[Any]) -> FloatArray:
    """Objective that grows as networks shrink: 1 / size, 0 counted as 1 (paper, section 3.1)."""
    shares: FloatArray = 1.0 / np.maximum(sizes, 1)
    return shares


def value_of(objective: str, scores: Ratings, genomes: Sequence[Genome]) -> FloatArray:
    """Values (P,) of a named objective, one of `wann.settings.OBJECTIVES`.

    Of the mean returns at the weights *mean* is the mean, *best* the largest, *worst* the smallest and
    *robustness* minus the standard deviation, so that 0 is the same return at every weight. The others are
    sizes, and the smaller the better: *connections* counts the enabled ones, *nodes* those of every kind,
    *depth* the connections on the longest path to an output.
    """
    if objective == "mean":
        return scores.mean
    if objective == "best":
        return scores.best_weight
    if objective == "worst":
        return np.asarray(scores.per_weight.min(axis=1))
    if objective == "robustness":
        with np.errstate(over="ignore"):
            deviation = np.where(scores.valid[:, None], scores.per_weight, 0.0).std(axis=1)
        return np.where(scores.valid, 0.0 - np.minimum(deviation, np.finfo(np.float64).max), -np.inf)
    if objective == "depth":
        return np.array([genome.depth for genome in genomes], np.float64)
    return np.asarray({"connections": scores.connections, "nodes": scores.nodes}[objective], np.float64)


def objectives_of(names: Sequence[str], scores: Ratings, genomes: Sequence[Genome]) -> FloatArray:
    """Named objectives (P, K), each to be maximised; of sizes it is `simplicity`."""
    columns = [value_of(name, scores, genomes) for name in names]
    return np.column_stack(
        [simplicity(column) if name in SIZES else column for name, column in zip(names, columns, strict=True)]
    )


def best_front(objectives: FloatArray, valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Indices of the networks that none dominates, by descending first objective, then by the next ones.

    Args:
        objectives: (P, K), each to be maximised, finite where valid.
        valid: (P,) who takes part.
    """
    taking_part = np.flatnonzero(valid)
    objectives = np.ascontiguousarray(objectives[taking_part], np.float64)
    members = np.flatnonzero(pareto_fronts(objectives) == 0)
    order = np.lexsort(-objectives[members].T[::-1])
    return taking_part[members[order]]


def total_order(objectives: FloatArray, valid: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Order of the NSGA-II sort, best first.

    Front by front, inside a front by crowding distance, larger first. Ties: the later index first. As
    children stand behind the elites they descend from, a child goes before a parent it equals, and neutral
    changes can drift instead of dying out. Individuals that are not valid come last, by index.

    Args:
        objectives: (P, K), each to be maximised, finite where valid.
        valid: (P,) whether a network takes part; by default all do.

    Returns:
        (P,) indices.

    Source: Deb et al. (2002), sections III-A and III-B.
    """
    if valid is None:
        valid = np.ones(len(objectives), np.bool_)
    taking_part = np.flatnonzero(valid)
    objectives = np.ascontiguousarray(objectives[taking_part], np.float64)
    front = pareto_fronts(objectives)
    crowding = np.empty(front.size)
    for number in range(front.max(initial=-1) + 1):
        members = np.flatnonzero(front == number)
        crowding[members] = crowding_distance(objectives[members])
    order = np.lexsort((-np.arange(front.size), -crowding, front))
    return np.concatenate([taking_part[order], np.flatnonzero(~valid)])


def order_by(values: FloatArray, valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Order of `total_order` for a single objective: values (P,), the largest first, ties as there."""
    order = np.lexsort((-np.arange(len(values)), -values))
    return np.concatenate([order[valid[order]], np.flatnonzero(~valid)])


@kernel
def pareto_fronts(objectives):
    """Number of the front each individual lies in, 0 for those nothing dominates.

    One individual dominates another when it is at least as good in every objective and better in one; equal
    individuals share a front.

    Args:
        objectives: (P, K) float64, contiguous, each to be maximised, all finite.

    Returns:
        (P,) int64.
    """
    count, kinds = objectives.shape
    dominators = np.zeros(count, np.int64)
    dominates = np.zeros((count, count), np.bool_)
    for a in range(count):
        for b in range(a + 1, count):
            a_better, b_better = False, False
            for k in range(kinds):
                if objectives[a, k] > objectives[b, k]:
                    a_better = True
                elif objectives[a, k] < objectives[b, k]:
                    b_better = True
            if a_better and not b_better:
                dominates[a, b] = True
                dominators[b] += 1
            elif b_better and not a_better:
                dominates[b, a] = True
                dominators[a] += 1
    front = np.full(count, -1, np.int64)
    number, left = 0, count
    while left > 0:
        for a in range(count):
            if front[a] == -1 and dominators[a] == 0:
                front[a] = number
        for a in range(count):
            if front[a] == number:
                left -= 1
                for b in range(count):
                    if dominates[a, b]:
                        dominators[b] -= 1
        number += 1
    return front


@kernel
def crowding_distance(objectives):
    """Crowding distance of the members of one front.

    Per objective the members are sorted by value, ties by index; the two ends get infinity, every other the
    distance between its neighbours divided by the range of that objective in the front. An objective that
    is the same for all adds nothing.

    Args:
        objectives: (M, K) float64, contiguous.

    Returns:
        (M,) float64.

    Source: Deb et al. (2002), section III-B. The reference program divides by the maximum and then
    subtracts the minimum (`1/max - min`); here it is the range.
    """
    count, kinds = objectives.shape
    distance = np.zeros(count)
    for k in range(kinds):
        values = objectives[:, k]
        order = np.argsort(values, kind="mergesort")
        span = values[order[-1]] - values[order[0]]
        if span <= 0.0:
            continue
        for place in range(1, count - 1):
            distance[order[place]] += (values[order[place + 1]] - values[order[place - 1]]) / span
        distance[order[0]] = np.inf
        distance[order[-1]] = np.inf
    return distance
