"""Genomes keep their invariants under any variation, and through their file form."""

import json
import re
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from conftest import ALL_CODES, SHARES, evolved
from hypothesis import given
from hypothesis import strategies as st

from wann.evolution.innovation import Innovations
from wann.evolution.variation import cross, mutate
from wann.networks.genome import (
    MAX_CONNECTIONS,
    MAX_NODES,
    check_genome,
    genome_from_dict,
    genome_to_dict,
    minimal_genome,
    one_output,
    renumbered,
)
from wann.networks.network import compile_genome, evaluate_network


def assert_sound(genome):
    """The invariants, checked without the code under test."""
    nodes = set(genome.node_id.tolist())
    assert len(nodes) == genome.node_id.size
    ends = list(zip(genome.source.tolist(), genome.target.tolist(), strict=True))
    assert {node for pair in ends for node in pair} <= nodes
    assert len(set(ends)) == len(ends)
    assert nx.is_directed_acyclic_graph(nx.DiGraph(ends))
    fixed_inputs = set(range(1 + genome.inputs))
    fixed_outputs = set(range(1 + genome.inputs, 1 + genome.inputs + genome.outputs))
    assert not {target for _, target in ends} & fixed_inputs
    assert not {source for source, _ in ends} & fixed_outputs
    assert len(set(genome.mark.tolist())) == genome.mark.size
    assert all(np.diff(genome.mark) > 0)
    assert set(genome.activation.tolist()) <= set(ALL_CODES)
    assert all(not array.flags.writeable for array in genome.arrays())


@given(
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
    st.lists(st.booleans(), max_size=60),
)
def test_any_sequence_of_mutations_and_crossovers_keeps_a_genome_sound(inputs, outputs, seed, steps):
    rng = np.random.default_rng(seed)
    family = [minimal_genome(inputs, outputs, 1, 0.5, rng=rng) for _ in range(4)]
    innovations = Innovations(family[0].node_id.size, family[0].mark.size)
    for crossing in steps:
        innovations.begin_generation()
        parents = [family[k] for k in rng.integers(4, size=2)]
        parent = cross(*parents, rng=rng) if crossing else parents[0]
        before = genome_to_dict(parent)
        child = mutate(parent, innovations, SHARES, ALL_CODES, rng=rng)
        assert genome_to_dict(parent) == before, "a mutation edited its parent"
        family[rng.integers(4)] = child
    for genome in family:
        assert_sound(genome)
        check_genome(genome)
        copy = genome_from_dict(json.loads(json.dumps(genome_to_dict(genome))))
        assert copy == genome
        assert_sound(copy)


@given(st.integers(0, 1000))
def test_layers_put_every_source_before_its_target(seed):
    genome = evolved(seed, 60, inputs=3, outputs=2)
    layer = dict(zip(genome.node_id.tolist(), genome.layers().tolist(), strict=True))
    for source, target in zip(genome.source.tolist(), genome.target.tolist(), strict=True):
        assert layer[source] < layer[target]
    assert {layer[node] for node in range(4)} == {0}
    assert {layer[node] for node in (4, 5)} == {max(layer.values())}


def test_the_first_networks_have_every_input_to_output_connection_by_chance():
    rng = np.random.default_rng(0)
    genomes = [minimal_genome(5, 2, 9, 0.25, rng=rng) for _ in range(400)]
    pairs = {(s, t) for s in range(6) for t in (6, 7)}
    assert set(zip(genomes[0].source.tolist(), genomes[0].target.tolist(), strict=True)) == pairs
    share = np.mean([genome.enabled.mean() for genome in genomes])
    assert abs(share - 0.25) < 0.02
    assert genomes[0].activation.tolist() == [1] * 6 + [9] * 2
    assert genomes[0].hidden_count == 0


def test_equality_sees_every_gene():
    genome = evolved(1, 30)
    assert genome == evolved(1, 30)
    flipped = genome.enabled.copy()
    flipped[0] = not flipped[0]
    assert genome != genome.evolve(enabled=flipped)
    other = genome.activation.copy()
    other[-1] = 3 if other[-1] != 3 else 4
    assert genome != genome.evolve(activation=other)


SMALL = evolved(2, 12, inputs=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": np.full_like(SMALL.source, 99)}, "connection from node 99, which is not there"),
        ({"target": np.full_like(SMALL.target, 99)}, "connection to node 99, which is not there"),
        ({"target": np.full_like(SMALL.target, 1)}, "connection into an input or the bias"),
        ({"source": np.full_like(SMALL.source, 3)}, "connection out of an output"),
        ({"mark": SMALL.mark[::-1].copy()}, "innovation numbers must ascend"),
        ({"node_id": SMALL.node_id + 1}, "node ids must ascend from 0"),
        ({"activation": np.full_like(SMALL.activation, 11)}, "unknown activation"),
        ({"enabled": SMALL.enabled[:-1].copy()}, "connections of different lengths"),
        ({"inputs": 0}, "needs inputs and outputs, has 0 and 1"),
        ({"outputs": 0}, "needs inputs and outputs, has 2 and 0"),
        ({"inputs": 90}, "declares 92 fixed nodes but lists "),
        (
            {"outputs": 2, "node_id": SMALL.node_id + (SMALL.node_id > 3)},
            "bias, inputs and outputs must have the ids 0 to 4",
        ),
        ({"mark": SMALL.mark - SMALL.mark[0] - 1}, "innovation numbers must ascend from at least 0"),
        ({"activation": SMALL.activation[:-1].copy()}, "unknown activation"),
    ],
)
def test_a_broken_invariant_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        check_genome(replace(SMALL, **change))


PLAIN = genome_to_dict(evolved(2, 12, inputs=2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": -1}, "'inputs' must be at least 0, not -1"),
        ({"outputs": True}, "'outputs' must be a whole number, not True"),
        ({"outputs": 50_001}, "'outputs' must be at most 50000, not 50001"),
        ({"nodes": {}}, "'nodes' must be a list, not {}"),
        ({"nodes": [[0, "linear", 1]]}, "'nodes[0]' must have at most 2 entries, not 3"),
        ({"nodes": [{"0": "linear"}]}, "'nodes[0]' must be a list, not {'0': 'linear'}"),
        ({"nodes": [[0, "linar"]]}, "'nodes[0][1]': unknown activation 'linar'; did you mean 'linear'?"),
        ({"nodes": [[-1, "linear"]]}, "'nodes[0][0]' must be at least 0, not -1"),
        ({"connections": [[0, 1, 3]]}, "has no 'connections[0][3]'"),
        ({"connections": [[0, 1, 3, 1]]}, "'connections[0][3]' must be true or false, not 1"),
        (
            {"connections": [[2**31 - 1, 1, 3, True]]},
            "'connections[0][0]' must be below 2147483647, not 2147483647",
        ),
        ({"connections": [[0, 1.0, 3, True]]}, "'connections[0][1]' must be a whole number, not 1.0"),
        ({"connections": [[0, 1, "x", True]]}, "'connections[0][2]' must be a whole number, not 'x'"),
    ],
)
def test_what_is_no_genome_is_named_with_what_is_there(change, message):
    assert genome_from_dict(PLAIN) == SMALL
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        genome_from_dict(PLAIN | change)
    (name,) = change
    with pytest.raises(ValueError, match=f"^has no '{name}'$"):
        genome_from_dict({key: value for key, value in PLAIN.items() if key != name})


def test_numbers_up_to_the_greatest_are_taken():
    nodes, connections = PLAIN["nodes"], PLAIN["connections"]
    most = 2**31 - 2
    given = PLAIN | {"nodes": [*nodes, [most, "tanh"]], "connections": [*connections, [most, 1, most, True]]}
    assert genome_from_dict(given).node_id[-1] == genome_from_dict(given).mark[-1] == most


@pytest.mark.parametrize(("name", "limit"), [("nodes", MAX_NODES), ("connections", MAX_CONNECTIONS)])
def test_a_list_longer_than_the_limit_is_named_with_both(name, limit):
    with pytest.raises(ValueError, match=f"^'{name}' must have at most {limit} entries, not {limit + 1}$"):
        genome_from_dict(PLAIN | {name: [PLAIN[name][0]] * (limit + 1)})


def test_a_cycle_and_a_duplicate_are_named():
    hidden = np.array([0, 1, 2, 3, 7, 8], np.int32)
    base = {
        "node_id": hidden,
        "activation": np.ones(6, np.int8),
        "mark": np.arange(3, dtype=np.int32),
        "enabled": np.ones(3, np.bool_),
    }
    cycle = SMALL.evolve(**base, source=np.array([1, 7, 8], np.int32), target=np.array([7, 8, 7], np.int32))
    with pytest.raises(ValueError, match="cycle"):
        check_genome(cycle)
    twice = SMALL.evolve(**base, source=np.array([1, 7, 1], np.int32), target=np.array([7, 3, 7], np.int32))
    with pytest.raises(ValueError, match="same connection twice"):
        check_genome(twice)


@given(st.integers(0, 2**32), st.integers(0, 80), st.integers(1, 6), st.integers(1, 5))
def test_what_feeds_one_output_computes_the_same_bits_as_the_whole(seed, mutations, inputs, outputs):
    genome = evolved(seed, mutations, inputs, outputs)
    whole = compile_genome(genome)
    rng = np.random.default_rng(0)
    observations, weights = rng.normal(size=(7, inputs)), rng.uniform(-2, 2, 7)
    wanted = evaluate_network(whole, observations, weights)[:, whole.outputs]
    marks = set()
    for output in range(outputs):
        alone = compile_genome(check_genome(one_output(genome, output)))
        found = evaluate_network(alone, observations, weights)[:, alone.outputs[0]]
        assert found.tobytes() == wanted[:, output].tobytes()
        assert set(alone.mark.tolist()) <= set(whole.mark.tolist())
        marks |= set(alone.mark.tolist())
    assert marks == set(whole.mark.tolist())


@given(st.integers(0, 2**32), st.integers(0, 80), st.integers(1, 6), st.integers(1, 5))
def test_the_depth_is_the_longest_path_of_enabled_connections_to_an_output(seed, mutations, inputs, outputs):
    genome = evolved(seed, mutations, inputs, outputs)
    drawn = nx.DiGraph()
    drawn.add_nodes_from(genome.node_id.tolist())
    drawn.add_edges_from(zip(genome.source[genome.enabled], genome.target[genome.enabled], strict=True))
    feeding = set(genome.node_id[genome.first_output : genome.first_hidden].tolist())
    for output in list(feeding):
        feeding |= nx.ancestors(drawn, output)
    assert genome.depth == nx.dag_longest_path_length(drawn.subgraph(feeding))


@given(st.integers(0, 2**32), st.integers(0, 80))
def test_new_numbers_have_no_gaps_and_change_no_network(seed, mutations):
    genome = evolved(seed, mutations)
    spread = genome.evolve(
        node_id=np.where(genome.node_id < genome.first_hidden, genome.node_id, 3 * genome.node_id),
        mark=(7 * genome.mark + 2**30).astype(np.int32),
        source=np.where(genome.source < genome.first_hidden, genome.source, 3 * genome.source),
        target=np.where(genome.target < genome.first_hidden, genome.target, 3 * genome.target),
    )
    again = check_genome(renumbered(check_genome(spread)))
    assert again.node_id.tolist() == list(range(genome.node_id.size))
    assert again.mark.tolist() == list(range(genome.mark.size))
    assert renumbered(again) == again
    for name in ("sources", "first_source", "activation", "outputs"):
        before, after = getattr(compile_genome(spread), name), getattr(compile_genome(again), name)
        assert (before.dtype, before.tolist()) == (after.dtype, after.tolist())
