"""Each mutation makes exactly one change of its kind."""

import networkx
import numpy as np
import pytest
from conftest import ALL_CODES, SHARES, evolved
from hypothesis import given
from hypothesis import strategies as st

from wann.evolution.innovation import Innovations
from wann.evolution.variation import (
    add_connection,
    add_feature,
    change_activation,
    cross,
    delete_node,
    disable_connection,
    duplicate_node,
    enable_connection,
    insert_node,
    mutate,
)
from wann.networks.genome import check_genome, minimal_genome

ALL_SHARES = (0.20, 0.25, 0.05, 0.50, 0.3, 0.2, 0.3, 0.2)


def fresh_numbers(genome) -> Innovations:
    return Innovations(int(genome.node_id.max()) + 1, int(genome.mark.max()) + 1)


seeds = st.integers(0, 10_000)


@given(seeds, seeds)
def test_inserting_a_node_replaces_a_connection_by_a_path(genome_seed, seed):
    parent = evolved(genome_seed, 25)
    child = insert_node(parent, fresh_numbers(parent), ALL_CODES, rng=np.random.default_rng(seed))
    off = np.flatnonzero(parent.enabled & ~child.enabled[: parent.mark.size])
    assert off.size == 1
    node = child.node_id[-1]
    assert child.node_id.size == parent.node_id.size + 1
    assert child.mark.size == parent.mark.size + 2
    assert child.source[-2:].tolist() == [parent.source[off[0]], node]
    assert child.target[-2:].tolist() == [node, parent.target[off[0]]]
    assert child.enabled[-2:].all()
    assert child.connection_count == parent.connection_count + 1


@given(seeds, seeds)
def test_an_added_connection_is_new_and_leads_to_a_later_layer(genome_seed, seed):
    parent = evolved(genome_seed, 25)
    child = add_connection(parent, fresh_numbers(parent), rng=np.random.default_rng(seed))
    if child is None:
        return
    ends = (child.source[-1], child.target[-1])
    assert ends not in set(zip(parent.source.tolist(), parent.target.tolist(), strict=True))
    layer = dict(zip(parent.node_id.tolist(), parent.layers().tolist(), strict=True))
    assert layer[ends[0]] < layer[ends[1]]
    assert child.connection_count == parent.connection_count + 1
    assert child.node_id is parent.node_id


def test_every_legal_connection_can_be_added_and_no_other():
    parent = evolved(3, 15, inputs=2)
    layer = dict(zip(parent.node_id.tolist(), parent.layers().tolist(), strict=True))
    there = set(zip(parent.source.tolist(), parent.target.tolist(), strict=True))
    legal = {
        (s, t)
        for s in layer
        for t in layer
        if layer[s] < layer[t] and s != 3 and t > 2 and (s, t) not in there
    }
    seen = set()
    for seed in range(600):
        child = add_connection(parent, fresh_numbers(parent), rng=np.random.default_rng(seed))
        seen.add((int(child.source[-1]), int(child.target[-1])))
    assert seen == legal


def test_nothing_can_be_added_to_a_full_network():
    parent = minimal_genome(3, 2, 1, 1.0, rng=np.random.default_rng(0))
    assert add_connection(parent, fresh_numbers(parent), rng=np.random.default_rng(0)) is None


@given(seeds, seeds)
def test_enabling_switches_one_disabled_connection_on(genome_seed, seed):
    parent = evolved(genome_seed, 25)
    child = enable_connection(parent, rng=np.random.default_rng(seed))
    if parent.enabled.all():
        assert child is None
        return
    changed = np.flatnonzero(parent.enabled != child.enabled)
    assert changed.size == 1
    assert child.enabled[changed[0]]


@given(seeds, seeds)
def test_changing_an_activation_gives_one_hidden_node_another_of_the_set(genome_seed, seed):
    parent, allowed = evolved(genome_seed, 25), (1, 5, 9)
    child = change_activation(parent, allowed, rng=np.random.default_rng(seed))
    if not parent.hidden_count:
        assert child is None
        return
    changed = np.flatnonzero(parent.activation != child.activation)
    assert changed.size == 1
    assert changed[0] >= parent.first_hidden
    assert child.activation[changed[0]] in allowed


def test_a_set_of_one_activation_leaves_nothing_to_change():
    parent = evolved(4, 25)
    parent = parent.evolve(activation=np.ones_like(parent.activation))
    assert change_activation(parent, (1,), rng=np.random.default_rng(0)) is None


def around(genome, node):
    """Where a node's connections come from and lead to, and whether they are on."""
    ends = zip(genome.source.tolist(), genome.target.tolist(), genome.enabled.tolist(), strict=True)
    return {
        ((s if t == node else None), (t if s == node else None), on) for s, t, on in ends if node in (s, t)
    }


@given(seeds, seeds)
def test_a_duplicate_has_the_connections_of_its_node(genome_seed, seed):
    parent = evolved(genome_seed, 25)
    numbers = fresh_numbers(parent)
    child = duplicate_node(parent, numbers, ALL_CODES, rng=np.random.default_rng(seed))
    copy, old = int(child.node_id[-1]), parent.mark.size
    assert child.node_id.size == parent.node_id.size + 1
    originals = [n for n in parent.node_id[parent.first_hidden :] if around(parent, n) == around(child, copy)]
    assert originals
    assert child.mark[:old].tolist() == parent.mark.tolist()
    assert child.enabled[:old].tolist() == parent.enabled.tolist()
    check_genome(child)
    # A sibling that copies the same node gets the same numbers.
    again = duplicate_node(parent, numbers, ALL_CODES, rng=np.random.default_rng(seed))
    assert again == child


def test_half_of_the_duplicates_keep_the_activation():
    parent = evolved(5, 40)
    same = 0
    for seed in range(1000):
        child = duplicate_node(parent, fresh_numbers(parent), ALL_CODES, rng=np.random.default_rng(seed))
        code_of = dict(zip(parent.node_id.tolist(), parent.activation.tolist(), strict=True))
        twins = [
            n
            for n in parent.node_id[parent.first_hidden :]
            if around(parent, n) == around(child, child.node_id[-1])
        ]
        same += any(code_of[int(node)] == child.activation[-1] for node in twins)
    # One in ten of the others draws the same by chance.
    assert abs(same / 1000 - 0.55) < 0.05


@given(seeds, seeds)
def test_a_deleted_node_leaves_with_its_connections_and_nothing_that_reaches_an_output(genome_seed, seed):
    parent = evolved(genome_seed, 25)
    child = delete_node(parent, rng=np.random.default_rng(seed))
    if child is None:
        return
    gone = set(parent.node_id.tolist()) - set(child.node_id.tolist())
    assert gone
    kept = np.array(
        [not {s, t} & gone for s, t in zip(parent.source.tolist(), parent.target.tolist(), strict=True)]
    )
    assert child.mark.tolist() == parent.mark[kept].tolist()
    assert child.enabled.tolist() == parent.enabled[kept].tolist()
    assert child.enabled.any()
    check_genome(child)
    # With one of them gone the others reach no output, and nothing else has lost its way to one.
    hidden = set(parent.node_id[parent.first_hidden :].tolist())
    assert any(gone == {node} | (hidden & reaching(parent, ()) - reaching(parent, (node,))) for node in gone)


@given(seeds, seeds)
def test_disabling_switches_a_connection_off_and_drops_what_reached_an_output_by_it_alone(genome_seed, seed):
    parent = evolved(genome_seed, 25)
    child = disable_connection(parent, rng=np.random.default_rng(seed))
    if child is None:
        return
    check_genome(child)
    on_of = dict(zip(child.mark.tolist(), child.enabled.tolist(), strict=True))
    ends = zip(parent.mark.tolist(), parent.source.tolist(), parent.target.tolist(), strict=True)
    gone = set(parent.node_id.tolist()) - set(child.node_id.tolist())
    hidden = set(parent.node_id[parent.first_hidden :].tolist())
    off = [
        (mark, source, target)
        for (mark, source, target), on in zip(ends, parent.enabled.tolist(), strict=True)
        if on and not on_of.get(mark, False) and target not in gone
    ]
    # One connection to what stays is off, and the others that are gone left from nodes that are.
    assert sum(source not in gone for _, source, _ in off) <= 1
    assert gone == hidden & reaching(parent, ()) - reaching(child, ())
    assert {mark for mark in parent.mark.tolist() if mark not in on_of} == {
        mark
        for mark, source, target in zip(
            parent.mark.tolist(), parent.source.tolist(), parent.target.tolist(), strict=True
        )
        if {source, target} & gone
    }
    assert child.connection_count < parent.connection_count


def test_the_only_enabled_connection_is_not_disabled():
    parent = minimal_genome(2, 1, 1, 0.0, rng=np.random.default_rng(0))
    parent = enable_connection(parent, rng=np.random.default_rng(0))
    assert disable_connection(parent, rng=np.random.default_rng(0)) is None


def reaching(genome, without):
    """Ids of the nodes from which an output can be reached by enabled connections, some nodes left out."""
    on = genome.enabled
    way = networkx.DiGraph(zip(genome.source[on].tolist(), genome.target[on].tolist(), strict=True))
    way.remove_nodes_from(without)
    outputs = set(range(genome.first_output, genome.first_hidden)) & set(way)
    return outputs.union(*(networkx.ancestors(way, output) for output in outputs))


@given(seeds, seeds)
def test_a_feature_reads_up_to_seven_nodes_and_feeds_up_to_three_outputs(genome_seed, seed):
    parent = evolved(genome_seed, 12, inputs=9, outputs=4)
    child = add_feature(parent, fresh_numbers(parent), ALL_CODES, rng=np.random.default_rng(seed))
    node, old = int(child.node_id[-1]), parent.mark.size
    entering = child.source[old:][child.target[old:] == node]
    leaving = child.target[old:][child.source[old:] == node]
    assert entering.size + leaving.size == child.mark.size - old
    assert 1 <= entering.size <= 7
    assert 1 <= leaving.size <= 3
    assert all(parent.first_output <= target < parent.first_hidden for target in leaving)
    assert not any(source == 0 or parent.first_output <= source < parent.first_hidden for source in entering)
    assert child.enabled[old:].all()
    check_genome(child)


def test_without_hidden_nodes_there_is_nothing_to_duplicate_or_delete():
    parent = minimal_genome(3, 2, 1, 1.0, rng=np.random.default_rng(0))
    assert duplicate_node(parent, fresh_numbers(parent), ALL_CODES, rng=np.random.default_rng(0)) is None
    assert delete_node(parent, rng=np.random.default_rng(0)) is None


def test_the_last_enabled_connections_are_not_deleted():
    parent = minimal_genome(1, 1, 1, 0.0, rng=np.random.default_rng(0))
    parent = enable_connection(parent, rng=np.random.default_rng(0))
    parent = insert_node(parent, fresh_numbers(parent), ALL_CODES, rng=np.random.default_rng(0))
    assert delete_node(parent, rng=np.random.default_rng(0)) is None


@given(seeds, st.integers(1, 60))
def test_any_sequence_of_all_mutations_leaves_a_valid_genome(seed, count):
    rng = np.random.default_rng(seed)
    genome = minimal_genome(6, 3, 1, 0.3, rng=rng)
    numbers = Innovations(genome.node_id.size, genome.mark.size)
    for _ in range(count):
        numbers.begin_generation()
        genome = mutate(genome, numbers, ALL_SHARES, ALL_CODES, rng=rng)
    check_genome(genome)


@given(seeds, seeds)
def test_a_child_differs_by_exactly_one_change(genome_seed, seed):
    parent = evolved(genome_seed, 25)
    child = mutate(parent, fresh_numbers(parent), SHARES, ALL_CODES, rng=np.random.default_rng(seed))
    old = parent.mark.size
    differences = (
        int(np.sum(parent.enabled != child.enabled[:old])),
        int(np.sum(parent.activation != child.activation[: parent.activation.size])),
        child.mark.size - old,
        child.node_id.size - parent.node_id.size,
    )
    # enabled flips, activation changes, new connections, new nodes
    assert differences in {(1, 0, 2, 1), (0, 0, 1, 0), (1, 0, 0, 0), (0, 1, 0, 0)}


def test_the_roulette_follows_the_shares():
    parent = evolved(5, 40)
    counts = dict.fromkeys(("add", "insert", "enable", "activation"), 0)
    draws = 4000
    for seed in range(draws):
        child = mutate(parent, fresh_numbers(parent), SHARES, ALL_CODES, rng=np.random.default_rng(seed))
        if child.node_id.size > parent.node_id.size:
            counts["insert"] += 1
        elif child.mark.size > parent.mark.size:
            counts["add"] += 1
        elif (child.activation != parent.activation).any():
            counts["activation"] += 1
        else:
            counts["enable"] += 1
    for name, share in zip(counts, SHARES, strict=True):
        assert abs(counts[name] / draws - share) < 4 * np.sqrt(share * (1 - share) / draws), (name, counts)


def test_a_kind_without_a_place_is_drawn_again_among_the_others():
    parent = minimal_genome(3, 1, 1, 1.0, rng=np.random.default_rng(0))  # full, no hidden node, all enabled
    for seed in range(50):
        child = mutate(parent, fresh_numbers(parent), SHARES, ALL_CODES, rng=np.random.default_rng(seed))
        assert child.node_id.size == parent.node_id.size + 1


def test_a_parent_that_nothing_can_change_is_returned():
    parent = minimal_genome(3, 1, 1, 1.0, rng=np.random.default_rng(0))
    shares = (1.0, 0.0, 1.0, 1.0)
    child = mutate(parent, fresh_numbers(parent), shares, ALL_CODES, rng=np.random.default_rng(0))
    assert child is parent


def test_crossover_takes_matching_genes_from_either_and_the_rest_from_the_fitter():
    ancestor = evolved(6, 20)
    numbers = fresh_numbers(ancestor)
    rng = np.random.default_rng(1)
    fitter, other = ancestor, ancestor
    for _ in range(30):
        numbers.begin_generation()
        fitter = mutate(fitter, numbers, SHARES, ALL_CODES, rng=rng)
        other = mutate(other, numbers, SHARES, ALL_CODES, rng=rng)
    on_of = dict(zip(other.mark.tolist(), other.enabled.tolist(), strict=True))
    code_of = dict(zip(other.node_id.tolist(), other.activation.tolist(), strict=True))
    origins = set()
    for seed in range(60):
        child = cross(fitter, other, rng=np.random.default_rng(seed))
        assert child.mark is fitter.mark
        assert child.node_id is fitter.node_id
        for mark, mine, got in zip(fitter.mark.tolist(), fitter.enabled, child.enabled, strict=True):
            assert got in (mine, on_of.get(mark, mine))
            if mark in on_of and on_of[mark] != mine:
                origins.add(("connection", mark, bool(got == mine)))
        for node, mine, got in zip(fitter.node_id.tolist(), fitter.activation, child.activation, strict=True):
            assert got in (mine, code_of.get(node, mine))
            if code_of.get(node, mine) != mine:
                origins.add(("node", node, bool(got == mine)))
    kinds = {(kind, key) for kind, key, _ in origins}
    assert len(kinds) > 5
    assert len(origins) == 2 * len(kinds), "each differing gene comes now from one parent, now from the other"


class TestInnovations:
    def test_the_same_structure_in_one_generation_shares_its_numbers(self):
        numbers = Innovations(10, 20)
        numbers.begin_generation()
        assert numbers.connection(1, 5) == numbers.connection(1, 5) == 20
        assert numbers.connection(5, 1) == 21
        assert numbers.split(3) == numbers.split(3) == (10, 22, 23)
        assert numbers.split(4) == (11, 24, 25)

    def test_a_later_generation_gets_new_numbers(self):
        numbers = Innovations(10, 20)
        first = numbers.connection(1, 5), numbers.split(3)
        numbers.begin_generation()
        assert (numbers.connection(1, 5), numbers.split(3)) != first
        assert (numbers.next_node, numbers.next_mark) == (12, 26)

    def test_two_children_that_split_one_connection_share_node_and_connections(self):
        parent = minimal_genome(1, 1, 1, 1.0, rng=np.random.default_rng(0))
        numbers = fresh_numbers(parent)
        numbers.begin_generation()
        children = [insert_node(parent, numbers, (5,), rng=np.random.default_rng(s)) for s in range(20)]
        nodes = {(int(c.node_id[-1]), *c.mark[-2:].tolist(), int(c.source[-2])) for c in children}
        assert len(nodes) == 2  # one for each of the two connections that were split


@pytest.mark.parametrize("seed", range(3))
def test_a_mutation_depends_on_its_generator_alone(seed):
    parent = evolved(8, 30)
    children = [
        mutate(parent, fresh_numbers(parent), SHARES, ALL_CODES, rng=np.random.default_rng(seed))
        for _ in range(2)
    ]
    assert children[0] == children[1]
