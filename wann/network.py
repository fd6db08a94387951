"""The compiled phenotype: a genome's nodes in topological order, dead ends removed, and its forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wann import graph
from wann.activations import BY_CODE, activate_three
from wann.genome import Genome
from wann.lanes import (
    WIDTH,
    blocks_for,
    broadcast,
    element,
    inlined_kernel,
    kernel,
    lane_array,
    load_at,
    store_at,
)

FloatArray = NDArray[np.float64]


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


@kernel
def write_tape(first_row, nodes, first_source, sources, activation, stride, tape, at):
    """Write nodes as the forward passes read them, front to back, with nothing left to look up.

    Of each node: the code of its activation, its place, the number of its first source, the places of its
    sources, -1. A place is where the first lane of a row lies in the flat array of values.

    Args:
        first_row: row of the first computed node; the rows before it hold bias and observation.
        nodes: which computed nodes, each after those it reads.
        first_source, sources, activation: of one `Network`.
        stride: numbers in a row of values.
        tape: (at least `at` + 4 a node + 1 a source,) int64, written.
        at: where to begin.

    Returns:
        Where the tape goes on.
    """
    for k in nodes:
        tape[at] = activation[k]
        tape[at + 1] = (first_row + k) * stride
        tape[at + 2] = first_source[k]
        at += 3
        for c in range(first_source[k], first_source[k + 1]):
            tape[at] = sources[c] * stride
            at += 1
        tape[at] = -1
        at += 1
    return at


# A pass reads a tape once and computes three blocks of lanes from `lane` on, side by side: few loops that end
# unpredictably, and three sums in flight. `second` and `third` say how far behind the first they lie; where
# they lie at one place, the compiler computes that one once, and a pass is one of two blocks, or of one.


@inlined_kernel
def _pass_shared(tape, at, end, weights, values, lane, second, third):
    wx, wy, wz = load_at(weights, lane), load_at(weights, lane + second), load_at(weights, lane + third)
    while at < end:
        code, place = element(tape, at), element(tape, at + 1) + lane
        at += 3
        x = y = z = broadcast(0.0)
        source = element(tape, at)
        while source >= 0:
            source += lane
            x = x + load_at(values, source)
            y = y + load_at(values, source + second)
            z = z + load_at(values, source + third)
            at += 1
            source = element(tape, at)
        x, y, z = activate_three(code, x * wx, y * wy, z * wz)
        store_at(values, place, x)
        store_at(values, place + second, y)
        store_at(values, place + third, z)
        at += 1


@inlined_kernel
def _pass_individual(tape, at, end, weights, values, lane, second, third):
    stride = values.shape[1] * WIDTH
    while at < end:
        code, place, w = (
            element(tape, at),
            element(tape, at + 1) + lane,
            element(tape, at + 2) * stride + lane,
        )
        at += 3
        x = y = z = broadcast(0.0)
        source = element(tape, at)
        while source >= 0:
            source += lane
            x = x + load_at(values, source) * load_at(weights, w)
            y = y + load_at(values, source + second) * load_at(weights, w + second)
            z = z + load_at(values, source + third) * load_at(weights, w + third)
            w += stride
            at += 1
            source = element(tape, at)
        x, y, z = activate_three(code, x, y, z)
        store_at(values, place, x)
        store_at(values, place + second, y)
        store_at(values, place + third, z)
        at += 1


@inlined_kernel
def forward_shared(tape, at, end, weights, values, blocks):
    """Compute values of nodes in all lanes, in place; all connections of a lane carry one weight.

    Args:
        tape: of one network, from `write_tape`.
        at, end: the part of the tape to compute.
        weights: (1, B, WIDTH) one weight per lane.
        values: (rows, B, WIDTH), edited in place.
        blocks: how many of the B blocks to compute.
    """
    lane, left = 0, blocks
    while left >= 3 and left != 4:
        _pass_shared(tape, at, end, weights, values, lane, WIDTH, 2 * WIDTH)
        lane, left = lane + 3 * WIDTH, left - 3
    while left >= 2:
        _pass_shared(tape, at, end, weights, values, lane, WIDTH, WIDTH)
        lane, left = lane + 2 * WIDTH, left - 2
    if left == 1:
        _pass_shared(tape, at, end, weights, values, lane, 0, 0)


@inlined_kernel
def forward_individual(tape, at, end, weights, values, blocks):
    """Compute values of nodes in all lanes, in place; each connection of a lane carries a weight of its own.

    Args:
        tape, at, end: as `forward_shared`.
        weights: (C, B, WIDTH) one weight per connection and lane; B is that of `values`.
        values, blocks: as `forward_shared`.
    """
    lane, left = 0, blocks
    while left >= 3 and left != 4:
        _pass_individual(tape, at, end, weights, values, lane, WIDTH, 2 * WIDTH)
        lane, left = lane + 3 * WIDTH, left - 3
    while left >= 2:
        _pass_individual(tape, at, end, weights, values, lane, WIDTH, WIDTH)
        lane, left = lane + 2 * WIDTH, left - 2
    if left == 1:
        _pass_individual(tape, at, end, weights, values, lane, 0, 0)


@kernel
def constants_first(first_row, first_source, sources, nodes):
    """Order a network's nodes: those that only the bias feeds, then the others; each after those it reads.

    Args:
        first_row, first_source, sources: as `write_tape`.
        nodes: (K,) int32, written.

    Returns:
        How many nodes are constant.
    """
    constant = np.zeros(nodes.size, np.bool_)
    count = 0
    for k in range(nodes.size):
        constant[k] = True
        for c in range(first_source[k], first_source[k + 1]):
            source = sources[c]
            constant[k] &= source == 0 or (source >= first_row and constant[source - first_row])
        count += constant[k]
    front, back = 0, count
    for k in range(nodes.size):
        if constant[k]:
            nodes[front] = k
            front += 1
        else:
            nodes[back] = k
            back += 1
    return count


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
