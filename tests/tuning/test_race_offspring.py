"""Offspring of tuned networks: what they inherit, and that they are new."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import evolved
from hypothesis import given
from hypothesis import strategies as st

from wann.champion import Champion, Scores
from wann.evolution.innovation import Innovations
from wann.evolution.variation import enable_connection, insert_node
from wann.networks.genome import minimal_genome
from wann.networks.network import evaluate_network, phenotype
from wann.tuning.race_offspring import Mutation, offspring

SMOOTH = ("linear", "sin", "tanh")
KINDS = ("add", "insert", "enable", "change", "duplicate", "delete", "feature", "disable")
SHARES = {kind: tuple(float(kind == other) for other in KINDS) for kind in KINDS}
NEUTRAL = ("add", "insert", "enable", "duplicate", "feature")
CHANGE = SHARES["change"]
ALL = Mutation((0.2, 0.25, 0.05, 0.5), SMOOTH)


def parent_of(genome, seed=0):
    """A tuned champion of three inputs and two outputs."""
    tuned = np.random.default_rng(seed).normal(size=genome.connection_count)
    scores = Scores(np.array([1.0]), np.zeros(1), np.zeros(1), (0,))
    return Champion("toys/Toy-v0", ("a", "b", "c"), ("x", "y"), genome, scores, tuned)


def values_of(champion):
    """Outputs at tuned weights for some inputs."""
    inputs = np.random.default_rng(1).normal(size=(20, 3))
    network = champion.network
    values = [evaluate_network(network, row[None], champion.tuned_sources[None])[0] for row in inputs]
    return np.array(values)[:, network.outputs]


@pytest.fixture
def parents():
    return [parent_of(evolved(seed, 25, 3, 2), seed) for seed in (3, 4, 5)]


@pytest.mark.parametrize("kind", NEUTRAL)
def test_more_structure_changes_nothing_before_it_is_tuned(parents, kind):
    """What comes in begins at 0, or takes the place of what it replaces."""
    found = 0
    for parent in parents:
        parent = replace(
            parent, genome=parent.genome.evolve(activation=np.ones_like(parent.genome.activation))
        )
        for child in offspring([parent], 6, Mutation(SHARES[kind], ("linear",)), 0, 1):
            np.testing.assert_allclose(values_of(child), values_of(parent), rtol=1e-9, atol=1e-9)
            found += 1
    assert found > 6


def test_a_duplicate_has_the_weights_of_its_node_and_what_leaves_both_is_halved():
    genome = minimal_genome(1, 1, 1, 0.0, rng=np.random.default_rng(0))
    genome = enable_connection(genome, rng=np.random.default_rng(1))
    numbers = Innovations(genome.node_id.size, genome.mark.size)
    genome = insert_node(genome, numbers, [5], rng=np.random.default_rng(0))
    parent = replace(parent_of(genome), inputs=("a",), outputs=("x",), tuned=np.array([3.0, 8.0]))
    once = next(
        child
        for child in offspring([parent], 40, Mutation(SHARES["duplicate"], ("tanh",)), 0, 1)
        if child.genome.hidden_count == 2
    )
    assert once.tuned.tolist() == [3.0, 4.0, 3.0, 4.0]


def test_a_deleted_node_takes_its_weights_along_and_the_others_keep_theirs(parents):
    for parent in parents:
        weight_of = dict(zip(parent.genome.mark[parent.genome.enabled].tolist(), parent.tuned, strict=True))
        for child in offspring([parent], 4, Mutation(SHARES["delete"], SMOOTH), 0, 1):
            assert child.genome.hidden_count < parent.genome.hidden_count
            marks = child.genome.mark[child.genome.enabled].tolist()
            assert child.tuned.tolist() == [weight_of[mark] for mark in marks]


def test_another_activation_keeps_all_weights(parents):
    for child in offspring(parents[:1], 6, Mutation(CHANGE, SMOOTH), 0, 1):
        assert child.tuned.tolist() == parents[0].tuned.tolist()
        assert (child.genome.activation != parents[0].genome.activation).any()


@given(seed=st.integers(0, 2**40), generation=st.integers(1, 1000))
def test_children_are_new_valid_and_differ_by_a_few_mutations(seed, generation):
    parents = [parent_of(evolved(other, 12, 3, 2), other) for other in (1, 2)]
    children = offspring(parents, 5, ALL, seed, generation)
    assert len({phenotype(champion.genome) for champion in [*parents, *children]}) == 7
    for child in children:
        genome = child.genome
        assert child.tuned.shape == (genome.connection_count,)
        assert len(set(genome.mark.tolist())) == genome.mark.size
        assert any(
            np.isin(parent.genome.mark, genome.mark).all()
            and 0 <= genome.node_id.size - parent.genome.node_id.size <= 4
            and 0 <= genome.mark.size - parent.genome.mark.size <= 8
            for parent in parents
        )
        assert np.isfinite(values_of(child)).all()
    again = offspring(parents, 5, ALL, seed, generation)
    assert [phenotype(child.genome) for child in again] == [phenotype(child.genome) for child in children]
    assert all((one.tuned == other.tuned).all() for one, other in zip(again, children, strict=True))


def test_other_addresses_give_other_children(parents):
    def shapes(seed, generation):
        return {phenotype(child.genome) for child in offspring(parents, 8, ALL, seed, generation)}

    assert shapes(0, 1) != shapes(0, 2) != shapes(1, 2)


def test_the_better_parents_have_more_children(parents):
    children = offspring(parents, 90, ALL, 0, 1)
    counts = [
        sum(np.isin(parent.genome.mark, child.genome.mark).all() for child in children) for parent in parents
    ]
    assert counts[0] > counts[2]


def test_what_belongs_to_the_parent_alone_is_left_out(parents):
    parent = replace(parents[0], tuning={"seed": 1}, importance=np.zeros(parents[0].genome.connection_count))
    for child in offspring([parent], 3, ALL, 0, 1):
        assert not child.tuning
        assert child.origin == {"offspring": 1}
    again = offspring([child], 1, ALL, 0, 1)
    assert again[0].origin == {"offspring": 2}
    for child in offspring([parent], 3, ALL, 0, 1):
        assert child.importance is None


def test_a_network_that_is_known_is_bred_anew(parents):
    first = offspring(parents, 8, ALL, 0, 1)
    known = {phenotype(child.genome) for child in first[:4]}
    again = offspring(parents, 8, ALL, 0, 1, known=known)
    assert len(again) == 8
    assert not known & {phenotype(child.genome) for child in again}


def test_the_largest_numbers_are_no_obstacle(parents):
    genome = parents[0].genome
    far = genome.evolve(mark=genome.mark + (2**31 - 1 - genome.mark.max()))
    seen = offspring([replace(parents[0], genome=far)], 8, ALL, 0, 1)
    plain = offspring(parents[:1], 8, ALL, 0, 1)
    assert [phenotype(child.genome) for child in seen] == [phenotype(child.genome) for child in plain]
    assert [child.tuned.tolist() for child in seen] == [child.tuned.tolist() for child in plain]


def test_there_are_no_children_where_nothing_can_change():
    genome = minimal_genome(3, 2, 1, 1.0, rng=np.random.default_rng(0))
    assert offspring([parent_of(genome)], 4, Mutation(CHANGE, SMOOTH), 0, 1) == []


@pytest.mark.parametrize(
    ("shares", "activations"),
    [
        ((0.0, 0.0, 0.0, 0.0), SMOOTH),
        ((-0.1, 0.5, 0.5, 0.1), SMOOTH),
        ((np.nan, 0.5, 0.5, 0.1), SMOOTH),
        ((0.5, 0.5), SMOOTH),
        ((0.2, 0.25, 0.05, 0.5), ()),
        ((0.2, 0.25, 0.05, 0.5), ("linear", "cubic")),
    ],
)
def test_what_is_no_mutation_is_refused(shares, activations):
    with pytest.raises(ValueError, match=r"'shares'|'activations'"):
        Mutation(shares, activations)
