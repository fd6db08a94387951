"""Offspring of tuned networks: mutated, with the weights that their parents were tuned to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wann.activations import BY_NAME
from wann.champion import Champion
from wann.evolution import phenotype
from wann.genome import Genome
from wann.innovation import Innovations
from wann.network import FloatArray, compile_genome
from wann.seeding import Purpose, stream
from wann.variation import mutate

_MOST_MUTATIONS = 4  # of a child
_TOURNAMENT = 2
_TRIES = 20  # for a network that there is not yet


@dataclass(frozen=True)
class Mutation:
    """How children differ from their parents.

    Raises:
        ValueError: a share is below 0, or none is above; or there is no such activation.
    """

    shares: tuple[float, float, float, float]  # as `wann.variation.mutate` takes them
    activations: tuple[str, ...]  # that hidden nodes may have

    def __post_init__(self) -> None:
        if len(self.shares) != 4 or not (min(self.shares) >= 0.0 < sum(self.shares) < np.inf):
            raise ValueError(f"'shares' must be four numbers from 0, not all 0, not {self.shares}")
        if not self.activations or any(name not in BY_NAME for name in self.activations):
            raise ValueError(f"'activations' must name some of {', '.join(BY_NAME)}")


def offspring(
    parents: Sequence[Champion], count: int, mutation: Mutation, seed: int, generation: int
) -> list[Champion]:
    """Children of tuned networks, with weights to be tuned from.

    Each has a parent that won a tournament of two, and differs from it by one to four mutations. A child
    that expresses the network of a parent or a sibling is bred anew, and left out where that goes on.

    Args:
        parents: with tuned weights, best first.
        count: of children.
        mutation: how they differ from their parents.
        seed, generation: the address of the randomness.

    Returns:
        At most `count` children; their scores are still those of their parents.
    """
    innovations = Innovations(
        1 + max(int(parent.genome.node_id.max()) for parent in parents),
        1 + max(int(parent.genome.mark.max(initial=0)) for parent in parents),
    )
    known = {phenotype(parent.genome) for parent in parents}
    children: list[Champion] = []
    for index in range(count):
        rng = stream(seed, Purpose.OFFSPRING, generation, index)
        for _ in range(_TRIES):
            parent = parents[int(rng.integers(len(parents), size=_TOURNAMENT).min())]
            genome, tuned = _mutant(parent, mutation, innovations, rng=rng)
            if phenotype(genome) not in known and compile_genome(genome).sources.size:
                known.add(phenotype(genome))
                children.append(replace(parent, genome=genome, tuned=tuned, tuning={}, importance=None))
                break
    return children


def _mutant(
    parent: Champion, mutation: Mutation, innovations: Innovations, *, rng: np.random.Generator
) -> tuple[Genome, FloatArray]:
    """A child's genome, and weights of its enabled connections that change as little as they can.

    What the parent has keeps its weight, and a connection that comes in begins at 0. A new node is entered
    at 1 and left at the weight of the connection that it replaces.
    """
    assert parent.tuned is not None  # noqa: S101 - the caller's
    genome = parent.genome
    weights = dict(zip(genome.mark[genome.enabled].tolist(), parent.tuned.tolist(), strict=True))
    codes = [BY_NAME[name].code for name in mutation.activations]
    for _ in range(int(rng.integers(1, _MOST_MUTATIONS + 1))):
        # A structure that arises again in the same child is another one.
        innovations.begin_generation()
        child = mutate(genome, innovations, mutation.shares, codes, rng=rng)
        if child.node_id.size > genome.node_id.size:
            replaced = genome.mark[genome.enabled & ~child.enabled[: genome.mark.size]]
            mark_in, mark_out = child.mark[-2:].tolist()
            weights[mark_in], weights[mark_out] = 1.0, weights.pop(int(replaced[0]), 0.0)
        genome = child
    return genome, np.array([weights.get(mark, 0.0) for mark in genome.mark[genome.enabled].tolist()])
