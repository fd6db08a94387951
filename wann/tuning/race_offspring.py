"""Offspring of tuned networks: mutated, with the tuned weights of their parents."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wann.champion import Champion
from wann.evolution.innovation import Innovations
from wann.evolution.variation import KINDS, mutate
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome, renumbered
from wann.networks.network import Phenotype, compile_genome, phenotype
from wann.utils.arrays import FloatArray
from wann.utils.reading import shown
from wann.utils.seeding import Purpose, stream

_MOST_MUTATIONS = 4  # largest number of mutations of a child
_TOURNAMENT = 2  # parents that are compared
_TRIES = 20  # to breed a new network
_LARGEST_NUMBER = 2**30  # of nodes and innovations that parents have, which are numbered anew beyond


@dataclass(frozen=True)
class Mutation:
    """How children differ from their parents.

    Raises:
        ValueError: a share is below 0, all shares are 0, or an activation is unknown.
    """

    shares: tuple[float, ...]  # as `wann.evolution.variation.mutate` takes them
    activations: tuple[str, ...]  # that hidden nodes may have

    def __post_init__(self) -> None:
        # Races from before some mutations list the shares of the first four.
        fits = 4 <= len(self.shares) <= len(KINDS) and min(self.shares) >= 0.0 < sum(self.shares) < np.inf
        if not fits:
            raise ValueError(
                f"'shares' must be 4 to {len(KINDS)} numbers from 0, not all 0, not {shown(self.shares)}"
            )
        if not self.activations or any(name not in BY_NAME for name in self.activations):
            raise ValueError(f"'activations' must name some of {', '.join(BY_NAME)}")


def offspring(
    parents: Sequence[Champion],
    count: int,
    mutation: Mutation,
    seed: int,
    generation: int,
    *,
    known: Container[Phenotype] = (),
) -> list[Champion]:
    """Children of tuned networks, with weights to be tuned from.

    Each has a parent that won a tournament of two, and differs from it by one to four mutations. A child
    that expresses a known network, or that of a parent or sibling, is bred again, up to twenty times, and
    then left out.

    Args:
        parents: with tuned weights, best first.
        count: of children.
        mutation: how they differ from their parents.
        seed, generation: the address of the randomness.
        known: networks that there were before.

    Returns:
        At most `count` children; their scores are still those of their parents, and their origin counts in
        `offspring` the generations since the search.
    """
    if max(_next_numbers(parents)) > _LARGEST_NUMBER:
        parents = [replace(parent, genome=renumbered(parent.genome)) for parent in parents]
    innovations = Innovations(*_next_numbers(parents))
    taken = {phenotype(parent.genome) for parent in parents}
    children: list[Champion] = []
    for index in range(count):
        rng = stream(seed, Purpose.OFFSPRING, generation, index)
        for _ in range(_TRIES):
            parent = parents[int(rng.integers(len(parents), size=_TOURNAMENT).min())]
            genome, tuned = _mutant(parent, mutation, innovations, rng=rng)
            shape = phenotype(genome)
            if shape not in taken and shape not in known and compile_genome(genome).sources.size:
                taken.add(shape)
                origin = {**parent.origin, "offspring": parent.origin.get("offspring", 0) + 1}
                children.append(
                    replace(parent, genome=genome, tuned=tuned, origin=origin, tuning={}, importance=None)
                )
                break
    return children


def _next_numbers(parents: Sequence[Champion]) -> tuple[int, int]:
    """Node id and innovation number that no parent has, nor one above."""
    genomes = [parent.genome for parent in parents]
    node = max(int(genome.node_id.max()) for genome in genomes)
    return 1 + node, 1 + max(int(genome.mark.max(initial=-1)) for genome in genomes)


def _mutant(
    parent: Champion, mutation: Mutation, innovations: Innovations, *, rng: np.random.Generator
) -> tuple[Genome, FloatArray]:
    """A child's genome, and weights of its enabled connections."""
    assert parent.tuned is not None  # noqa: S101 - the caller's
    genome = parent.genome
    weights = dict(zip(genome.mark[genome.enabled].tolist(), parent.tuned.tolist(), strict=True))
    codes = [BY_NAME[name].code for name in mutation.activations]
    for _ in range(int(rng.integers(1, _MOST_MUTATIONS + 1))):
        # A structure that arises again in the same child is another one.
        innovations.begin_generation()
        child = mutate(genome, innovations, mutation.shares, codes, rng=rng)
        if child.node_id.size > genome.node_id.size:
            weights = _with_node(weights, genome, child)
        genome = child
    return genome, np.array([weights.get(mark, 0.0) for mark in genome.mark[genome.enabled].tolist()])


def _with_node(weights: Mapping[int, float], parent: Genome, child: Genome) -> dict[int, float]:
    """Weights by innovation number of a child that has one node more; any other new connection begins at 0.

    An inserted node is entered at 1 and left at the weight of the connection that it replaces, so nothing
    changes where it is linear. A duplicate has the weights of the node it copies, and what leaves the two is
    halved, so nothing changes where both have the same function. Any other node is entered at 1 and left at
    0.
    """
    weights, node = dict(weights), child.node_id[-1]
    entering, leaving = _around(child, node)
    replaced = parent.mark[parent.enabled & ~child.enabled[: parent.mark.size]]
    if replaced.size:
        weights[entering[0][1]], weights[leaving[0][1]] = 1.0, weights.pop(int(replaced[0]), 0.0)
        return weights
    hidden = parent.node_id[parent.first_hidden :].tolist()
    ends = [end for end, _ in entering], [end for end, _ in leaving]
    for other in hidden:
        sides = _around(parent, other)
        if tuple([end for end, _ in side] for side in sides) == ends:
            for share, old, new in ((1.0, sides[0], entering), (0.5, sides[1], leaving)):
                for (_, mine), (_, copy) in zip(old, new, strict=True):
                    if mine in weights:
                        weights[mine] = weights[copy] = share * weights[mine]
            return weights
    weights |= {mark: 1.0 for _, mark in entering}
    return weights


def _around(genome: Genome, node: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Connections into a node and out of it, as (node at the other end, innovation number), by the node."""
    into, out = genome.target == node, genome.source == node
    return (
        sorted(zip(genome.source[into].tolist(), genome.mark[into].tolist(), strict=True)),
        sorted(zip(genome.target[out].tolist(), genome.mark[out].tolist(), strict=True)),
    )
