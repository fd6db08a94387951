"""Mutations and crossover: pure functions from parents to one child.

A mutation returns `None` when the genome offers nothing to change in that way.
Source: Gaier and Ha (2019), section 3.1, of the mutations that add and enable connections, insert nodes and
change activations; the others are ours. Crossover as in Stanley and Miikkulainen (2002), section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wann.evolution.innovation import Innovations
from wann.kernels import graph
from wann.networks.genome import Genome

KINDS = (
    "add_connection",
    "insert_node",
    "enable_connection",
    "change_activation",
    "duplicate_node",
    "delete_node",
    "add_feature",
    "disable_connection",
)
"""The kinds of mutation, in the order of their shares."""

_FEATURE_SOURCES = 7  # most sources of a new feature
_FEATURE_TARGETS = 3  # most outputs that it feeds
_FEATURE_ON_HIDDEN = 0.3  # chance that its sources are drawn from hidden nodes too
_SAME_ACTIVATION = 0.5  # chance that a duplicate keeps the activation


def add_connection(parent: Genome, innovations: Innovations, *, rng: np.random.Generator) -> Genome | None:
    """Child with one more connection, between two nodes without one; disabled connections count.

    The target lies in a strictly later layer than the source, so nothing leaves an output, nothing enters
    an input and there is no cycle.
    """
    source_positions, target_positions = parent.source_positions(), parent.target_positions()
    layer = graph.layers(
        parent.node_id.size, source_positions, target_positions, parent.first_output, parent.first_hidden
    )
    for source in rng.permutation(layer.size):
        if parent.first_output <= source < parent.first_hidden:
            continue
        free = layer > layer[source]
        free[: parent.first_output] = False
        free[target_positions[source_positions == source]] = False
        targets = free.nonzero()[0]
        if targets.size:
            target = _pick(targets, rng=rng)
            source_id, target_id = int(parent.node_id[source]), int(parent.node_id[target])
            return parent.evolve(
                mark=_append(parent.mark, innovations.connection(source_id, target_id)),
                source=_append(parent.source, source_id),
                target=_append(parent.target, target_id),
                enabled=_append(parent.enabled, True),
            )
    return None


def insert_node(
    parent: Genome, innovations: Innovations, activations: Sequence[int], *, rng: np.random.Generator
) -> Genome | None:
    """Child in which a new hidden node with a random activation replaces an enabled connection.

    The connection is disabled and stays in the genome; two new ones lead into and out of the node.
    """
    expressed = parent.enabled.nonzero()[0]
    if not expressed.size:
        return None
    connection = _pick(expressed, rng=rng)
    node, mark_in, mark_out = innovations.split(int(parent.mark[connection]))
    enabled = parent.enabled.copy()
    enabled[connection] = False
    return parent.evolve(
        node_id=_append(parent.node_id, node),
        activation=_append(parent.activation, _pick(activations, rng=rng)),
        mark=_append(parent.mark, mark_in, mark_out),
        source=_append(parent.source, parent.source[connection], node),
        target=_append(parent.target, node, parent.target[connection]),
        enabled=_append(enabled, True, True),
    )


def enable_connection(parent: Genome, *, rng: np.random.Generator) -> Genome | None:
    """Child with one disabled connection switched on."""
    disabled = (~parent.enabled).nonzero()[0]
    if not disabled.size:
        return None
    enabled = parent.enabled.copy()
    enabled[_pick(disabled, rng=rng)] = True
    return parent.evolve(enabled=enabled)


def disable_connection(parent: Genome, *, rng: np.random.Generator) -> Genome | None:
    """Child with one connection switched off, and without hidden nodes that reached an output by it alone.

    None where no enabled connection would be left.
    """
    expressed = parent.enabled.nonzero()[0]
    if not expressed.size:
        return None
    enabled = parent.enabled.copy()
    enabled[_pick(expressed, rng=rng)] = False
    return _without(parent, np.zeros(parent.node_id.size, np.bool_), enabled)


def change_activation(
    parent: Genome, activations: Sequence[int], *, rng: np.random.Generator
) -> Genome | None:
    """Child in which one hidden node has another activation of the set."""
    if not parent.hidden_count:
        return None
    node = rng.integers(parent.first_hidden, parent.node_id.size)
    others = [code for code in activations if code != parent.activation[node]]
    if not others:
        return None
    activation = parent.activation.copy()
    activation[node] = _pick(others, rng=rng)
    return parent.evolve(activation=activation)


def duplicate_node(
    parent: Genome, innovations: Innovations, activations: Sequence[int], *, rng: np.random.Generator
) -> Genome | None:
    """Child with a copy of a hidden node, which has the same connections, disabled ones included.

    Where all connections share one weight, a second path is what makes a signal stronger. Half of the copies
    keep the activation of the node, the others have one drawn at random. The copy's connections are the last.
    """
    if not parent.hidden_count:
        return None
    position = int(rng.integers(parent.first_hidden, parent.node_id.size))
    node, activation = int(parent.node_id[position]), int(parent.activation[position])
    if rng.random() >= _SAME_ACTIVATION:
        activation = int(_pick(activations, rng=rng))
    copy = innovations.duplicate(node)
    touching = ((parent.source == node) | (parent.target == node)).nonzero()[0]
    return _with_node(
        parent,
        innovations,
        (copy, activation),
        np.where(parent.source[touching] == node, copy, parent.source[touching]),
        np.where(parent.target[touching] == node, copy, parent.target[touching]),
        parent.enabled[touching],
    )


def delete_node(parent: Genome, *, rng: np.random.Generator) -> Genome | None:
    """Child without one hidden node, without those that reached an output by it alone, and their connections.

    None where no enabled connection would be left.
    """
    if not parent.hidden_count:
        return None
    gone = np.zeros(parent.node_id.size, np.bool_)
    gone[rng.integers(parent.first_hidden, parent.node_id.size)] = True
    return _without(parent, gone, parent.enabled)


def _without(parent: Genome, gone: np.ndarray, enabled: np.ndarray) -> Genome | None:
    """Child with connections (C,) that are on, without nodes (N,) and those that then reach no output."""
    source, target = parent.source_positions(), parent.target_positions()
    left = enabled & ~gone[source] & ~gone[target]
    lost = _reaching(parent, source, target, parent.enabled) & ~_reaching(parent, source, target, left)
    lost[: parent.first_hidden] = False  # inputs stay
    gone = gone | lost
    kept = ~gone[source] & ~gone[target]
    if not enabled[kept].any():
        return None
    return parent.evolve(
        node_id=parent.node_id[~gone],
        activation=parent.activation[~gone],
        mark=parent.mark[kept],
        source=parent.source[kept],
        target=parent.target[kept],
        enabled=enabled[kept],
    )


def _reaching(genome: Genome, source: np.ndarray, target: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Which nodes (N,) an output depends on, by the connections that are on; ends as positions."""
    alive = np.zeros(genome.node_id.size, np.bool_)
    alive[genome.first_output : genome.first_hidden] = True
    source, target = source[on], target[on]
    depth = graph.depths(alive.size, source, target)
    reaching: np.ndarray = graph.feeding(alive, graph.ordered(depth[target]), source, target)
    return reaching


def add_feature(
    parent: Genome, innovations: Innovations, activations: Sequence[int], *, rng: np.random.Generator
) -> Genome:
    """Child with a new hidden node that reads one to seven nodes and feeds one to three outputs.

    It reads inputs, and in three cases of ten hidden nodes among them. Where one input alone says little, as
    a pixel does, this is one step in place of many, each of which would have to pay by itself.
    """
    pool = np.arange(1, parent.first_output)
    if parent.hidden_count and rng.random() < _FEATURE_ON_HIDDEN:
        pool = np.append(pool, np.arange(parent.first_hidden, parent.node_id.size))
    outputs = np.arange(parent.first_output, parent.first_hidden)
    sources = rng.choice(pool, min(1 + int(rng.integers(_FEATURE_SOURCES)), pool.size), replace=False)
    targets = rng.choice(outputs, min(1 + int(rng.integers(_FEATURE_TARGETS)), outputs.size), replace=False)
    node = innovations.feature()
    return _with_node(
        parent,
        innovations,
        (node, int(_pick(activations, rng=rng))),
        np.append(parent.node_id[sources], np.full(targets.size, node)),
        np.append(np.full(sources.size, node), parent.node_id[targets]),
        np.ones(sources.size + targets.size, np.bool_),
    )


def _with_node(
    parent: Genome,
    innovations: Innovations,
    node: tuple[int, int],
    source: np.ndarray,
    target: np.ndarray,
    enabled: np.ndarray,
) -> Genome:
    """Child with one more hidden node (id, activation) and its connections."""
    ends = zip(source.tolist(), target.tolist(), strict=True)
    mark = np.array([innovations.connection(*pair) for pair in ends], np.int64)
    # A sibling with the same node may have had its connections numbered in another order.
    order = np.argsort(mark)
    return parent.evolve(
        node_id=_append(parent.node_id, node[0]),
        activation=_append(parent.activation, node[1]),
        mark=_append(parent.mark, *mark[order]),
        source=_append(parent.source, *source[order]),
        target=_append(parent.target, *target[order]),
        enabled=_append(parent.enabled, *enabled[order]),
    )


def mutate(
    parent: Genome,
    innovations: Innovations,
    shares: Sequence[float],
    activations: Sequence[int],
    *,
    rng: np.random.Generator,
) -> Genome:
    """Child with exactly one change, its kind drawn by roulette.

    Unlike the reference, which then leaves the child unchanged, a kind that the parent offers no place for
    is drawn again among the others; only a parent that nothing can change is returned as it is.

    Args:
        shares: shares of the mutations in the order of `KINDS`; missing entries at the end are 0.
        activations: codes a hidden node may have.
    """
    left = list(shares)
    while sum(left) > 0.0:
        kind = _roulette(left, rng=rng)
        match KINDS[kind]:
            case "add_connection":
                child = add_connection(parent, innovations, rng=rng)
            case "insert_node":
                child = insert_node(parent, innovations, activations, rng=rng)
            case "enable_connection":
                child = enable_connection(parent, rng=rng)
            case "change_activation":
                child = change_activation(parent, activations, rng=rng)
            case "duplicate_node":
                child = duplicate_node(parent, innovations, activations, rng=rng)
            case "delete_node":
                child = delete_node(parent, rng=rng)
            case "add_feature":
                child = add_feature(parent, innovations, activations, rng=rng)
            case _:
                child = disable_connection(parent, rng=rng)
        if child is not None:
            return child
        left[kind] = 0.0
    return parent


def cross(fitter: Genome, other: Genome, *, rng: np.random.Generator) -> Genome:
    """Child with the fitter parent's genes; a gene that both have is inherited from either one.

    Genes match by innovation number (connections) and by id (hidden nodes). As genes carry no weight, what
    is exchanged is structure: whether a connection is enabled, and which activation a node has.
    """
    enabled = _inherit(fitter.mark, fitter.enabled, other.mark, other.enabled, rng=rng)
    activation = _inherit(fitter.node_id, fitter.activation, other.node_id, other.activation, rng=rng)
    return fitter.evolve(enabled=enabled, activation=activation)


def _inherit(
    keys: np.ndarray,
    values: np.ndarray,
    other_keys: np.ndarray,
    other_values: np.ndarray,
    *,
    rng: np.random.Generator,
) -> np.ndarray:
    """Values of the first parent, half of those whose key the other has too replaced by its values."""
    _, mine, theirs = np.intersect1d(keys, other_keys, assume_unique=True, return_indices=True)
    from_other = rng.random(mine.size) < 0.5
    child = values.copy()
    child[mine[from_other]] = other_values[theirs[from_other]]
    return child


def _pick(options: Any, *, rng: np.random.Generator) -> Any:
    """One of a sequence, each as likely."""
    return options[rng.integers(len(options))]


def _roulette(shares: Sequence[float], *, rng: np.random.Generator) -> int:
    """Index drawn with a probability in proportion to its share."""
    ball = rng.random() * sum(shares)
    for index, share in enumerate(shares):
        ball -= share
        if ball < 0.0:
            return index
    return max(index for index, share in enumerate(shares) if share > 0.0)  # rounding used up the ball


def _append(array: np.ndarray, *values: object) -> np.ndarray:
    longer = np.empty(array.size + len(values), array.dtype)
    longer[: array.size] = array
    longer[array.size :] = values
    return longer
