"""Compiling and pruning never change an output; the compiled pass agrees with its twin."""

import networkx as nx
import numpy as np
import pytest
from compiled_twins import activate_row
from conftest import evolved
from hypothesis import given
from hypothesis import strategies as st

from wann.kernels.activations import BY_CODE, BY_NAME
from wann.kernels.forward import constants_first
from wann.kernels.lanes import lane_array
from wann.networks.genome import genome_from_dict, genome_to_dict, minimal_genome
from wann.networks.network import batch_networks, compile_genome, evaluate_network, evaluate_network_numpy

genomes = st.builds(
    evolved,
    st.integers(0, 10_000),
    st.integers(0, 80),
    inputs=st.integers(1, 6),
    outputs=st.integers(1, 3),
)


SMOOTH = tuple(code for code, activation in BY_CODE.items() if activation.name != "step")


def outputs_by_hand(genome, observation, weight):
    """Walk the genome itself, dead ends included, node by node; sources in the order of layer and id."""
    on = genome.enabled
    edges = nx.DiGraph()
    edges.add_nodes_from(genome.node_id.tolist())
    edges.add_edges_from(zip(genome.source[on].tolist(), genome.target[on].tolist(), strict=True))
    code = dict(zip(genome.node_id.tolist(), genome.activation.tolist(), strict=True))
    depth = {}
    for node in nx.topological_sort(edges):
        depth[node] = max((depth[source] + 1 for source in edges.predecessors(node)), default=0)
    value = {0: 1.0} | {1 + k: x for k, x in enumerate(observation)}
    for node in nx.topological_sort(edges):
        if node not in value:
            total = 0.0
            for source in sorted(edges.predecessors(node), key=lambda node: (depth[node], node)):
                total += value[source]
            lanes = lane_array(1, 1)
            lanes[0] = total * weight
            activate_row(code[node], lanes, 0, 1)
            value[node] = lanes[0, 0, 0]
    return [value[1 + genome.inputs + k] for k in range(genome.outputs)]


@given(genomes, st.integers(0, 1000), st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]))
def test_compiling_and_pruning_never_change_an_output(genome, seed, weight):
    observation = np.random.default_rng(seed).normal(size=genome.inputs)
    network = compile_genome(genome)
    values = evaluate_network(network, observation[None], np.array([weight]))[0]
    assert values[network.outputs].tolist() == outputs_by_hand(genome, observation, weight)


@given(st.integers(0, 10_000), st.integers(0, 40), st.integers(1, 30), st.booleans())
def test_the_compiled_pass_agrees_with_its_numpy_twin(seed, mutations, lanes, shared):
    # Without the step function, which may turn a rounding error of 1e-16 into 1.
    network = compile_genome(evolved(seed, mutations, inputs=3, outputs=2, codes=SMOOTH))
    rng = np.random.default_rng(lanes)
    observations = rng.normal(size=(lanes, 3))
    weights = rng.uniform(-1, 1, lanes if shared else (lanes, network.sources.size))
    compiled = evaluate_network(network, observations, weights)
    np.testing.assert_allclose(
        compiled, evaluate_network_numpy(network, observations, weights), rtol=1e-9, atol=1e-9
    )


@given(genomes, st.integers(2, 40))
def test_a_lane_does_not_depend_on_its_neighbours(genome, lanes):
    network = compile_genome(genome)
    rng = np.random.default_rng(lanes)
    observations, weights = rng.normal(size=(lanes, genome.inputs)), rng.normal(size=lanes)
    together = evaluate_network(network, observations, weights)
    for lane in range(0, lanes, 7):
        alone = evaluate_network(network, observations[lane : lane + 1], weights[lane : lane + 1])[0]
        assert alone.tobytes() == together[lane].tobytes()


@given(genomes)
def test_equal_individual_weights_are_a_shared_weight(genome):
    network = compile_genome(genome)
    observation = np.ones((1, genome.inputs)) * 0.3
    shared = evaluate_network(network, observation, np.array([0.7]))
    individual = evaluate_network(network, observation, np.full((1, network.sources.size), 0.7))
    np.testing.assert_allclose(shared, individual, rtol=1e-9, atol=1e-9)


def test_a_shared_weight_multiplies_the_sum_of_the_sources():
    """Once, as in the lanes of a search: three products rounded one by one would have other bits."""
    network = compile_genome(minimal_genome(3, 1, BY_NAME["linear"].code, 1.0, rng=np.random.default_rng(0)))
    values, weight = [0.1, 0.7, 0.3], 1.1
    assert network.sources.tolist() == [0, 1, 2, 3]
    together = (((1.0 + values[0]) + values[1]) + values[2]) * weight
    one_by_one = ((weight + values[0] * weight) + values[1] * weight) + values[2] * weight
    assert together != one_by_one
    shared = evaluate_network(network, np.array([values]), np.array([weight]))
    individual = evaluate_network(network, np.array([values]), np.full((1, 4), weight))
    assert (shared[0, -1], individual[0, -1]) == (together, one_by_one)


@given(genomes)
def test_a_network_holds_only_what_an_output_depends_on(genome):
    network = compile_genome(genome)
    on = genome.enabled
    edges = nx.DiGraph()
    edges.add_nodes_from(genome.node_id.tolist())
    edges.add_edges_from(zip(genome.source[on].tolist(), genome.target[on].tolist(), strict=True))
    outputs = range(1 + genome.inputs, 1 + genome.inputs + genome.outputs)
    needed = set(outputs).union(*(nx.ancestors(edges, node) for node in outputs))
    assert set(network.node.tolist()) == {node for node in needed if node > genome.inputs}
    expressed = {(s, t) for s, t in edges.edges if t in needed}
    rows = [*range(1 + genome.inputs), *network.node.tolist()]
    compiled = {
        (rows[source], int(network.node[k]))
        for k in range(network.node.size)
        for source in network.sources[network.first_source[k] : network.first_source[k + 1]]
    }
    assert compiled == expressed
    marks = dict(
        zip(
            zip(genome.source.tolist(), genome.target.tolist(), strict=True),
            genome.mark.tolist(),
            strict=True,
        )
    )
    ends = [
        (rows[network.sources[c]], int(network.node[k]))
        for k in range(network.node.size)
        for c in range(network.first_source[k], network.first_source[k + 1])
    ]
    assert network.mark.tolist() == [marks[pair] for pair in ends]


@given(genomes)
def test_sources_lie_before_their_node(genome):
    network = compile_genome(genome)
    for k in range(network.node.size):
        sources = network.sources[network.first_source[k] : network.first_source[k + 1]]
        assert (sources < 1 + genome.inputs + k).all()


@given(genomes)
def test_compiling_leaves_the_genome_alone_and_follows_from_it(genome):
    before = genome_to_dict(genome)
    network = compile_genome(genome)
    assert genome_to_dict(genome) == before
    again = compile_genome(genome_from_dict(before))
    for name in ("first_source", "sources", "activation", "outputs", "node", "mark"):
        assert getattr(network, name).tobytes() == getattr(again, name).tobytes()
        with pytest.raises(ValueError, match="read-only"):
            getattr(network, name)[...] = 0


def test_an_output_without_sources_computes_its_function_of_zero():
    genome = evolved(0, 0, inputs=2)
    genome = genome.evolve(
        enabled=np.zeros_like(genome.enabled), activation=np.full_like(genome.activation, 10)
    )
    network = compile_genome(genome)
    for weights in (np.array([1.0]), np.ones((1, 0))):
        values = evaluate_network(network, np.ones((1, 2)), weights)
        assert values[0, network.outputs] == pytest.approx([1.0], abs=1e-12)  # cos 0


def test_a_batch_lays_networks_end_to_end():
    networks = [compile_genome(evolved(seed, 10 * seed)) for seed in range(4)]
    batch = batch_networks(networks)
    assert batch.size == 4
    assert batch.most_rows == max(network.rows for network in networks)
    for index, network in enumerate(networks):
        first, last = batch.first_node[index], batch.first_node[index + 1]
        assert batch.activation[first:last].tolist() == network.activation.tolist()
        assert batch.first_source[first + index : last + index + 1].tolist() == network.first_source.tolist()


@pytest.mark.parametrize("seed", range(12))
def test_constant_nodes_come_first_and_are_those_that_no_input_changes(seed):
    network = compile_genome(evolved(seed, 60))
    nodes = np.empty(network.activation.size, np.int32)
    count = constants_first(1 + network.inputs, network.first_source, network.sources, nodes)
    assert sorted(nodes) == list(range(nodes.size))
    done = set(range(1 + network.inputs))
    for k in nodes.tolist():
        low, high = network.first_source[k], network.first_source[k + 1]
        assert set(network.sources[low:high].tolist()) <= done, "a node comes after those it reads"
        done.add(1 + network.inputs + k)
    rng = np.random.default_rng(seed)
    values = evaluate_network(network, rng.normal(size=(50, network.inputs)), np.full(50, 0.7))
    computed = values[:, 1 + network.inputs :]
    assert (computed[:, nodes[:count]] == computed[0, nodes[:count]]).all()
    paths = nx.DiGraph()
    paths.add_nodes_from(range(network.rows))
    for k in range(nodes.size):
        for source in network.sources[network.first_source[k] : network.first_source[k + 1]]:
            paths.add_edge(int(source), 1 + network.inputs + k)
    fed = set().union(*(nx.descendants(paths, row) for row in range(1, 1 + network.inputs)))
    assert {1 + network.inputs + int(k) for k in nodes[count:]} == fed & set(
        range(1 + network.inputs, network.rows)
    )
