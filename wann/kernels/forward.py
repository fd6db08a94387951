"""The forward pass in lanes, for shared and individual weights; called by kernels of other modules."""

from __future__ import annotations

import numpy as np

from wann.kernels.activations import activate, activate_three
from wann.kernels.lanes import (
    WIDTH,
    broadcast,
    element,
    inlined_kernel,
    kernel,
    load_at,
    store_at,
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


@inlined_kernel
def forward_alone(first_row, first_source, sources, activation, shared, weights, values):
    """Compute values of all nodes for one observation, in place: the same operations as a lane.

    Args:
        first_row: row of the first computed node.
        first_source, sources, activation: of one `Network`, (K + 1,), (C,), (K,).
        shared: whether all connections carry one weight.
        weights: (1,) the shared weight, or (at least C,) individual ones.
        values: (rows,), edited in place.
    """
    for k in range(activation.size):
        total = 0.0
        if shared:
            for c in range(first_source[k], first_source[k + 1]):
                total += values[sources[c]]
            total *= weights[0]
        else:
            for c in range(first_source[k], first_source[k + 1]):
                total += values[sources[c]] * weights[c]
        values[first_row + k] = activate(activation[k], total)


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
