"""The classification kernel: samples are lanes, and all shared weights go through a network in one pass.

The weighted sum of a node is its weight times the sum over its sources. That sum's part over inputs is the
same for every shared weight, so it is computed once; the order of the additions is that of
`wann.kernels.forward.forward_shared`, and so are the bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import types

from wann.kernels.activations import LIMIT, LOG2_E, activate_three, at_least, exp2
from wann.kernels.lanes import (
    WHOLE,
    WIDTH,
    absolute,
    blocks_for,
    broadcast,
    compiled,
    element,
    exponent_of,
    inlined_kernel,
    kernel,
    lane_array,
    load,
    load_at,
    mantissa_of,
    select_greater,
    store,
    store_at,
)
from wann.networks.network import Network, NetworkBatch, batch_networks, evaluate_network_numpy
from wann.utils.arrays import FloatArray, IntArray

_TILE = 3  # blocks of samples that go through a network together: their inputs stay in the fast caches
_GROUP = 16  # networks that a tile goes through before the next one
_LN_2 = 0.6931471805599453
_SQRT_2 = 1.4142135623730951
_LANE_ARRAY = types.float64[:, :, ::1]


@kernel
def log(x):
    """Natural logarithm of a positive number that is not denormal (absolute error below 1e-12).

    With m in [sqrt(1/2), sqrt(2)) and t = (m - 1) / (m + 1), log(m) = 2 (t + t**3 / 3 + t**5 / 5 + ...).
    """
    m, n = mantissa_of(x), exponent_of(x) - (WHOLE + 1023.0)
    n = select_greater(m, _SQRT_2, n + 1.0, n)
    m = select_greater(m, _SQRT_2, m * 0.5, m)
    t = (m - 1.0) / (m + 1.0)
    z = t * t
    z2 = z * z
    low = (2.0 + z * (2.0 / 3.0)) + (2.0 / 5.0 + z * (2.0 / 7.0)) * z2
    high = (2.0 / 9.0 + z * (2.0 / 11.0)) + (2.0 / 13.0 + z * (2.0 / 15.0)) * z2
    return n * _LN_2 + t * (low + (high + (2.0 / 17.0) * (z2 * z2)) * (z2 * z2))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples as the kernel takes them, in tiles of `_TILE` blocks. N samples, I inputs."""

    size: int
    inputs: FloatArray  # (tiles * (1 + I), _TILE, WIDTH); of each tile the first row is the bias
    labels: FloatArray  # (tiles, _TILE, WIDTH) positions of the classes; -1 where a lane holds no sample
    targets: FloatArray | None = None  # (N, A) numbers that the outputs should be, instead of labels
    importance: FloatArray | None = None  # (N,) how much each sample counts; None where all count alike


def make_batch(
    inputs: FloatArray,
    labels: IntArray | None = None,
    targets: FloatArray | None = None,
    importance: FloatArray | None = None,
) -> Batch:
    """Samples (N, I) and, to score networks, labels (N,) or targets (N, A), and their importance (N,)."""
    size, width = inputs.shape
    tiles = -(-blocks_for(size) // _TILE)
    lanes = lane_array(tiles * (1 + width), _TILE)
    padded = np.zeros((tiles * _TILE * WIDTH, 1 + width))
    padded[:, 0] = 1.0
    padded[:size, 1:] = inputs
    by_tile = padded.reshape(tiles, _TILE * WIDTH, 1 + width).transpose(0, 2, 1)
    lanes.reshape(tiles, 1 + width, _TILE * WIDTH)[:] = by_tile
    places = lane_array(tiles, _TILE)
    places[:] = -1.0
    if labels is not None:
        places.reshape(-1)[:size] = labels
    return Batch(size, lanes, places, targets, importance)


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """How n networks classify a batch at W weights."""

    loss: FloatArray  # (n, W) mean cross-entropy of the softmax of the outputs, in nats
    accuracy: FloatArray  # (n, W) share of samples whose largest output, the first of equals, is their class


def classify(
    networks: NetworkBatch, weights: FloatArray, batch: Batch, first: int, last: int
) -> Classification:
    """Score networks `first` to `last - 1` on a batch.

    Args:
        networks: the networks.
        weights: (W,) shared weights, or (W, C) sets of individual weights where a single network is computed,
            in the order of its sources.
        batch: samples with labels.

    Returns:
        Classification. A network's numbers depend on nothing but itself, its weights and the batch.
    """
    shape = (last - first, len(weights))
    totals = _run(networks, weights, batch, first, last, lane_array(0, 1))
    loss, hits = (total.reshape(shape) / batch.size for total in totals)
    return Classification(loss, hits)


def outputs(network: Network, weights: FloatArray, inputs: FloatArray) -> FloatArray:
    """Outputs (W, N, A) of a network for samples (N, I), before the softmax; weights as `classify`."""
    batch = make_batch(np.asarray(inputs, np.float64))
    kept = lane_array(len(weights) * network.outputs.size, batch.labels.shape[0] * _TILE)
    _run(batch_networks([network]), weights, batch, 0, 1, kept)
    flat = kept.reshape(len(weights), network.outputs.size, -1)[:, :, : batch.size]
    return np.ascontiguousarray(flat.transpose(0, 2, 1))


def each_output(
    networks: NetworkBatch, weights: FloatArray, batch: Batch, first: int, last: int
) -> Iterator[FloatArray]:
    """Outputs (W, A, N) of networks `first` to `last - 1`, one after the other; the next overwrites them."""
    count = networks.outputs.shape[1]
    kept = lane_array(len(weights) * count, batch.labels.shape[0] * _TILE)
    for network in range(first, last):
        _run(networks, weights, batch, network, network + 1, kept)
        yield kept.reshape(len(weights), count, -1)[:, :, : batch.size]


def _run(
    networks: NetworkBatch, weights: FloatArray, batch: Batch, first: int, last: int, kept: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Totals of the cross-entropy and of the hits, (n * W,) each."""
    weights = np.asarray(weights, np.float64)
    shared = weights.ndim == 1
    count = (last - first) * len(weights)
    loss, hits = np.zeros(count), np.zeros(count)
    _classify(
        1 + networks.inputs,
        networks.outputs,
        networks.first_node,
        networks.first_connection,
        networks.first_source,
        networks.sources,
        networks.activation,
        np.array(weights.reshape(len(weights), -1)),
        shared,
        batch.inputs,
        batch.labels,
        first,
        last,
        loss,
        hits,
        kept,
        # Scratch, made here because NumPy can align it: values of computed nodes, running totals.
        lane_array(networks.most_rows - 1 - networks.inputs, len(weights) * _TILE),
        lane_array(count, 1),
        lane_array(count, 1),
    )
    return loss, hits


@kernel
def _write_tape(first_row, first_source, sources, activation, stride, tape, at):
    """Write a network as `_forward_shared` reads it, front to back; gives where the tape goes on.

    Of each computed node: the code of its activation, the places of its inputs in a tile, -1, the places of
    the computed nodes it reads in `values`, whose rows have `stride` numbers, -1.
    """
    for k in range(activation.size):
        tape[at] = activation[k]
        at += 1
        c, high = first_source[k], first_source[k + 1]
        # Sources come in ascending order: inputs first, then nodes.
        while c < high and sources[c] < first_row:
            tape[at] = sources[c] * (_TILE * WIDTH)
            at += 1
            c += 1
        tape[at] = -1
        at += 1
        while c < high:
            tape[at] = (sources[c] - first_row) * stride
            at += 1
            c += 1
        tape[at] = -1
        at += 1
    return at


@inlined_kernel
def _forward_shared(tape, at, end, weights, inputs, tile, values):
    """Values of computed nodes for one tile: (K, W * _TILE, WIDTH), the blocks of a weight together."""
    count = weights.shape[0]
    place = 0
    while at < end:
        code = element(tape, at)
        at += 1
        first = second = third = broadcast(0.0)
        source = element(tape, at)
        while source >= 0:
            source += tile
            first = first + load_at(inputs, source)
            second = second + load_at(inputs, source + WIDTH)
            third = third + load_at(inputs, source + 2 * WIDTH)
            at += 1
            source = element(tape, at)
        begin = c = at + 1
        for w in range(count):
            x, y, z = first, second, third
            lane = w * (_TILE * WIDTH)
            c = begin
            source = element(tape, c)
            while source >= 0:
                source += lane
                x = x + load_at(values, source)
                y = y + load_at(values, source + WIDTH)
                z = z + load_at(values, source + 2 * WIDTH)
                c += 1
                source = element(tape, c)
            weight = weights[w, 0]
            x, y, z = activate_three(code, x * weight, y * weight, z * weight)
            store_at(values, place, x)
            store_at(values, place + WIDTH, y)
            store_at(values, place + 2 * WIDTH, z)
            place += _TILE * WIDTH
        at = c + 1


@inlined_kernel
def _forward_individual(tape, at, end, weights, inputs, tile, values):
    """As `_forward_shared`, with sets of individual weights (W, C)."""
    count = weights.shape[0]
    place = 0
    own = 0  # the node's first connection
    while at < end:
        code = element(tape, at)
        begin = at + 1
        for w in range(count):
            x = y = z = broadcast(0.0)
            lane = w * (_TILE * WIDTH)
            c, connection = begin, own
            source = element(tape, c)
            while source >= 0:
                source += tile
                weight = weights[w, connection]
                x = x + load_at(inputs, source) * weight
                y = y + load_at(inputs, source + WIDTH) * weight
                z = z + load_at(inputs, source + 2 * WIDTH) * weight
                c += 1
                connection += 1
                source = element(tape, c)
            c += 1
            source = element(tape, c)
            while source >= 0:
                source += lane
                weight = weights[w, connection]
                x = x + load_at(values, source) * weight
                y = y + load_at(values, source + WIDTH) * weight
                z = z + load_at(values, source + 2 * WIDTH) * weight
                c += 1
                connection += 1
                source = element(tape, c)
            x, y, z = activate_three(code, x, y, z)
            store_at(values, place, x)
            store_at(values, place + WIDTH, y)
            store_at(values, place + 2 * WIDTH, z)
            place += _TILE * WIDTH
            at, after = c + 1, connection
        own = after


@kernel
def _score(outputs, first_row, values, b, labels, tile, t, losses, counts, total):
    """Add the cross-entropy and the hits of one block of samples at one weight to their totals."""
    label = load(labels, tile, t)
    best, index, own = broadcast(-np.inf), broadcast(-1.0), broadcast(0.0)
    for a in range(outputs.size):
        output = load(values, outputs[a] - first_row, b)
        own = select_greater(0.5, absolute(label - float(a)), output, own)
        index = select_greater(output, best, float(a), index)
        best = select_greater(output, best, output, best)
    scale = broadcast(0.0)
    for a in range(outputs.size):
        below = load(values, outputs[a] - first_row, b) - best
        scale = scale + exp2(at_least(below * LOG2_E, -LIMIT))
    entropy = log(scale) - (own - best)
    # A lane without a sample counts for nothing, whatever it computed.
    entropy = select_greater(label, -0.5, entropy, 0.0)
    hit = select_greater(label, -0.5, select_greater(0.5, absolute(label - index), 1.0, broadcast(0.0)), 0.0)
    store(losses, total, 0, load(losses, total, 0) + entropy)
    store(counts, total, 0, load(counts, total, 0) + hit)


@compiled(
    types.void(
        types.int64,  # first_row
        types.int32[:, ::1],  # outputs
        types.int64[::1],  # first_node
        types.int64[::1],  # first_connection
        types.int32[::1],  # first_source
        types.int32[::1],  # sources
        types.int8[::1],  # activation
        types.float64[:, ::1],  # weights
        types.boolean,  # shared
        _LANE_ARRAY,  # inputs
        _LANE_ARRAY,  # labels
        types.int64,  # first
        types.int64,  # last
        types.float64[::1],  # loss, written
        types.float64[::1],  # hits, written
        _LANE_ARRAY,  # kept, the outputs, written where it has rows
        *([_LANE_ARRAY] * 3),  # scratch
    )
)
def _classify(
    first_row,
    outputs,
    first_node,
    first_connection,
    first_source,
    sources,
    activation,
    weights,
    shared,
    inputs,
    labels,
    first,
    last,
    loss,
    hits,
    kept,
    values,
    losses,
    counts,
):
    count = weights.shape[0]
    tape_from = np.zeros(_GROUP + 1, np.int64)
    for group in range(first, last, _GROUP):
        stop = min(group + _GROUP, last)
        nodes, connections = (
            first_node[stop] - first_node[group],
            first_connection[stop] - first_connection[group],
        )
        tape = np.empty(3 * nodes + connections, np.int64)
        for network in range(group, stop):
            node_from, node_to = first_node[network], first_node[network + 1]
            tape_from[network - group + 1] = _write_tape(
                first_row,
                first_source[node_from + network : node_to + network + 1],
                sources[first_connection[network] : first_connection[network + 1]],
                activation[node_from:node_to],
                count * _TILE * WIDTH,
                tape,
                tape_from[network - group],
            )
        for tile in range(labels.shape[0]):
            for network in range(group, stop):
                at, end = tape_from[network - group], tape_from[network - group + 1]
                tile_at = tile * first_row * _TILE * WIDTH
                if shared:
                    _forward_shared(tape, at, end, weights, inputs, tile_at, values)
                else:
                    _forward_individual(tape, at, end, weights, inputs, tile_at, values)
                for w in range(count):
                    total = (network - first) * count + w
                    for t in range(_TILE):
                        _score(
                            outputs[network],
                            first_row,
                            values,
                            w * _TILE + t,
                            labels,
                            tile,
                            t,
                            losses,
                            counts,
                            total,
                        )
                if kept.shape[0] > 0:
                    for a in range(outputs.shape[1]):
                        for b in range(count * _TILE):
                            row, block = (b // _TILE) * outputs.shape[1] + a, tile * _TILE + b % _TILE
                            store(kept, row, block, load(values, outputs[network, a] - first_row, b))
    for total in range(loss.size):
        for lane in range(WIDTH):
            loss[total] += losses[total, 0, lane]
            hits[total] += counts[total, 0, lane]


def classify_numpy(
    network: Network, weights: FloatArray, inputs: FloatArray, labels: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Plain NumPy twin of `classify` for one network, the oracle of the kernel: loss (W,), accuracy (W,)."""
    loss, accuracy = np.empty(len(weights)), np.empty(len(weights))
    for place, weight in enumerate(weights):
        of_each = np.broadcast_to(weight, (len(inputs), *np.shape(weight)))
        out = evaluate_network_numpy(network, inputs, of_each)[:, network.outputs]
        below = out - out.max(axis=1, keepdims=True)
        chosen = below[np.arange(len(labels)), labels]
        loss[place] = (np.log(np.exp(below).sum(axis=1)) - chosen).mean()
        accuracy[place] = (out.argmax(axis=1) == labels).mean()
    return loss, accuracy
