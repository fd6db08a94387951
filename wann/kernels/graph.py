"""Order and reachability on directed graphs given as plain arrays of node positions.

Nodes are 0..N-1, connection `c` runs from `sources[c]` to `targets[c]`. All functions are linear in
N + C and compiled.
"""

from __future__ import annotations

import numpy as np

from wann.kernels.lanes import kernel


@kernel
def depths(node_count, sources, targets):
    """Length of the longest path that ends in each node.

    Args:
        node_count: N.
        sources, targets: (C,) int32 node positions.

    Returns:
        (N,) int32, 0 for a node nothing enters. All entries are -1 when the graph has a cycle.
    """
    count = sources.size
    waiting = np.zeros(node_count, np.int32)
    first = np.zeros(node_count + 1, np.int32)
    for c in range(count):
        waiting[targets[c]] += 1
        first[sources[c] + 1] += 1
    for node in range(node_count):
        first[node + 1] += first[node]
    fill = first[:-1].copy()
    outgoing = np.empty(count, np.int32)
    for c in range(count):
        outgoing[fill[sources[c]]] = targets[c]
        fill[sources[c]] += 1

    depth = np.zeros(node_count, np.int32)
    ready = np.empty(node_count, np.int32)
    done, found = 0, 0
    for node in range(node_count):
        if waiting[node] == 0:
            ready[found] = node
            found += 1
    while done < found:
        node = ready[done]
        done += 1
        for k in range(first[node], first[node + 1]):
            target = outgoing[k]
            depth[target] = max(depth[target], depth[node] + 1)
            waiting[target] -= 1
            if waiting[target] == 0:
                ready[found] = target
                found += 1
    if found < node_count:
        depth[:] = -1
    return depth


@kernel
def layers(node_count, sources, targets, first_output, first_hidden):
    """Layer of each node: 0 for bias and inputs, at least 1 for hidden nodes, one after them for outputs.

    Args:
        node_count: N.
        sources, targets: (C,) int32 node positions.
        first_output, first_hidden: where the outputs and the hidden nodes begin.

    Returns:
        (N,) int32.
    """
    layer = depths(node_count, sources, targets)
    last = 0
    for node in range(first_hidden, node_count):
        layer[node] = max(layer[node], 1)
        last = max(last, layer[node])
    layer[first_output:first_hidden] = last + 1
    return layer


@kernel
def feeding(reached, order, sources, targets):
    """Mark every node from which a marked node can be reached.

    Args:
        reached: (N,) bool, the nodes to start from; edited in place and returned.
        order: (C,) int64, positions of the connections sorted by the depth of their target, ascending.
        sources, targets: (C,) int32 node positions.
    """
    for k in range(order.size - 1, -1, -1):
        c = order[k]
        if reached[targets[c]]:
            reached[sources[c]] = True
    return reached


@kernel
def ordered(keys):
    """Positions of the keys in ascending order, (n,) int64; equal keys keep their order.

    Args:
        keys: (n,) whole numbers in a range not much wider than n.
    """
    order = np.empty(keys.size, np.int64)
    if not keys.size:
        return order
    low = keys.min()
    place = np.zeros(keys.max() - low + 2, np.int64)
    for key in keys:
        place[key - low + 1] += 1
    for k in range(1, place.size):
        place[k] += place[k - 1]
    for k in range(keys.size):
        order[place[keys[k] - low]] = k
        place[keys[k] - low] += 1
    return order


@kernel
def positions_of(ids, wanted):
    """Position in `ids` (ascending, at least 0) of each entry of `wanted`; -1 if `ids` lacks it."""
    found = np.empty(wanted.size, np.int32)
    # A table is fastest; where ids lie far apart it would be large, so search instead.
    if ids[-1] > 64 * (ids.size + wanted.size) + 4096:
        for k in range(wanted.size):
            position = np.searchsorted(ids, wanted[k])
            hit = position < ids.size and ids[position] == wanted[k]
            found[k] = position if hit else -1
        return found
    table = np.full(ids[-1] + 1, -1, np.int32)
    for position in range(ids.size):
        table[ids[position]] = position
    for k in range(wanted.size):
        node = wanted[k]
        found[k] = table[node] if 0 <= node < table.size else -1
    return found
