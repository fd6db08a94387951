"""The compiled phenotype: a genome's nodes in topological order, dead ends removed, and its forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wann.kernels import graph
from wann.kernels.activations import BY_CODE
from wann.kernels.forward import forward_individual, forward_shared, write_tape
from wann.kernels.lanes import (
    WIDTH,
    blocks_for,
    kernel,
    lane_array,
)
from wann.networks.genome import Genome
from wann.utils.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A feed-forward network as flat arrays. I inputs, A outputs, K computed nodes, C connections.

    Values are held in rows: row 0 is the bias, rows 1..I the observation, row 1+I+k the computed node k. A
    node's sources all lie in earlier rows. Read-only, a few kB.
    """

    inputs: int
    first_source: NDArray[np.int32]  # (K+1,) node k reads sources[first_source[k]:first_source[k+1]]
    sources: NDArray[np.int32]  # (C,) rows, ascending within a node
    activation: NDArray[np.int8]  # (K,) codes
    outputs: NDArray[np.int32]  # (A,) rows
    node: NDArray[np.int32]  # (K,) ids of the genome's nodes behind the computed ones
    mark: NDArray[np.int32]  # (C,) innovation numbers of the genome's connections behind the sources

    def __post_init__(self) -> None:
        for array in (
            self.first_source,
            self.sources,
            self.activation,
            self.outputs,
            self.node,
            self.mark,
        ):
            array.flags.writeable = False

    @property
    def rows(self) -> int:
        """Number of rows of values: bias, inputs and computed nodes."""
        return 1 + self.inputs + self.activation.size


def compile_genome(genome: Genome) -> Network:
    """Network that a genome describes: enabled connections only, and only nodes that an output depends on.

    The genome is not changed. Nodes are ordered by layer, then by id; a connection that leads nowhere is
    dropped, a node without sources that an output depends on is kept, as it still computes a constant.
    """
    return Network(genome.inputs, *_compile(genome.first_output, genome.outputs, *genome.arrays()))


@kernel
def _compile(first_output, output_count, node_id, activation, mark, source_id, target_id, enabled):
    """The fields of a `Network` after `inputs`, from the arrays of a genome."""
    on = np.flatnonzero(enabled)
    source = graph.positions_of(node_id, source_id[on])
    target = graph.positions_of(node_id, target_id[on])
    node_count = activation.size
    depth = graph.depths(node_count, source, target)
    order = graph.ordered(depth[target])
    alive = np.zeros(node_count, np.bool_)
    alive[first_output : first_output + output_count] = True
    alive = graph.feeding(alive, order, source, target)

    row = np.full(node_count, -1, np.int32)
    row[:first_output] = np.arange(first_output)
    computed = np.flatnonzero(alive[first_output:]) + first_output
    computed = computed[graph.ordered(depth[computed])]
    for k in range(computed.size):
        row[computed[k]] = first_output + k

    first_source = np.zeros(computed.size + 1, np.int32)
    for c in range(source.size):
        if alive[target[c]]:
            first_source[row[target[c]] - first_output + 1] += 1
    for k in range(computed.size):
        first_source[k + 1] += first_source[k]
    # Filled in the order of the source's row, so each node's sources come out ascending.
    connection = np.empty(first_source[-1], np.int64)
    fill = first_source[:-1].copy()
    for c in graph.ordered(row[source]):
        if alive[target[c]]:
            k = row[target[c]] - first_output
            connection[fill[k]] = c
            fill[k] += 1
    sources = row[source[connection]]
    codes = activation[computed]
    outputs = row[first_output : first_output + output_count].copy()
    return first_source, sources, codes, outputs, node_id[computed], mark[on[connection]]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkBatch:
    """Networks of one task laid end to end, as the kernels take them. P networks."""

    inputs: int
    outputs: NDArray[np.int32]  # (P, A) rows
    first_node: NDArray[np.int64]  # (P+1,) where each network's nodes begin
    first_connection: NDArray[np.int64]  # (P+1,) where each network's sources begin
    first_source: NDArray[np.int32]  # each network's own row pointers, one more than its nodes
    sources: NDArray[np.int32]
    activation: NDArray[np.int8]

    @property
    def size(self) -> int:
        """Number of networks."""
        return self.first_node.size - 1

    @property
    def most_rows(self) -> int:
        """Rows of values that the largest network needs."""
        return 1 + self.inputs + int(np.diff(self.first_node).max())


def batch_networks(networks: Sequence[Network]) -> NetworkBatch:
    """Lay networks with equal inputs and outputs end to end; at least one."""
    sizes = [network.activation.size for network in networks]
    counts = [network.sources.size for network in networks]
    return NetworkBatch(
        inputs=networks[0].inputs,
        outputs=np.stack([network.outputs for network in networks]),
        first_node=np.concatenate([[0], np.cumsum(sizes)]),
        first_connection=np.concatenate([[0], np.cumsum(counts)]),
        first_source=np.concatenate([network.first_source for network in networks]),
        sources=np.concatenate([network.sources for network in networks]),
        activation=np.concatenate([network.activation for network in networks]),
    )


def evaluate_network(network: Network, observations: FloatArray, weights: FloatArray) -> FloatArray:
    """Value of every row for a batch of observations.

    Args:
        network: the network.
        observations: (L, I), one lane each.
        weights: (L,) one shared weight per lane, or (L, C) individual ones.

    Returns:
        (L, rows) float64: bias, inputs, computed nodes.
    """
    lanes, shared = len(observations), weights.ndim == 1
    blocks = max(1, blocks_for(lanes))
    values = lane_array(network.rows, blocks)
    flat = values.reshape(network.rows, blocks * WIDTH)
    flat[0] = 1.0
    flat[1 : 1 + network.inputs, :lanes] = observations.T
    lane_weights = lane_array(1 if shared else network.sources.size, blocks)
    lane_weights.reshape(len(lane_weights), blocks * WIDTH)[:, :lanes] = weights.T
    nodes = np.arange(network.activation.size, dtype=np.int32)
    parts = (network.first_source, network.sources, network.activation)
    tape = np.empty(network.sources.size + 4 * nodes.size, np.int64)
    write_tape(1 + network.inputs, nodes, *parts, blocks * WIDTH, tape, 0)
    forward = forward_shared if shared else forward_individual
    forward(tape, 0, tape.size, lane_weights, values, blocks)
    return flat[:, :lanes].T.copy()


def evaluate_network_numpy(network: Network, observations: FloatArray, weights: FloatArray) -> FloatArray:
    """Plain NumPy twin of `evaluate_network`, the oracle of the compiled pass; same arguments and result."""
    values = np.ones((len(observations), network.rows))
    values[:, 1 : 1 + network.inputs] = observations
    for k, code in enumerate(network.activation):
        low, high = network.first_source[k], network.first_source[k + 1]
        inputs = values[:, network.sources[low:high]]
        if weights.ndim == 1:
            total = inputs.sum(axis=1) * weights
        else:
            total = (inputs * weights[:, low:high]).sum(axis=1)
        values[:, 1 + network.inputs + k] = BY_CODE[int(code)].function(total)
    return values


Phenotype = tuple[bytes, ...]
"""What a network computes, as a key: the same for two networks that are alike node for node."""


def expressed(network: Network) -> Phenotype:
    """The phenotype of a compiled network."""
    arrays = network.first_source, network.sources, network.activation, network.outputs
    return tuple(array.tobytes() for array in arrays)


def phenotype(genome: Genome) -> Phenotype:
    """The phenotype of a genome."""
    return expressed(compile_genome(genome))
