"""The order of points within the layers of a graph, such that few lines between neighbouring layers cross.

Points are 0..P-1. `order` holds the points of layer after layer, those of layer k from `first[k]` to
`first[k + 1]`. The neighbours of point p in the layer before are `left[left_first[p]:left_first[p + 1]]`,
those in the layer after likewise `right`. Everything is compiled and deterministic.

Source: the sweeps are those of Sugiyama, Tagawa and Toda (1981), Methods for visual understanding of
hierarchical system structures; the moves are the sifting of Matuszewski, Schönfeld and Molitor (1999), Using
sifting for k-layer straightline crossing minimization.
"""

from __future__ import annotations

import numpy as np

from wann.kernels.lanes import kernel


@kernel
def count_crossings(order, first, right_first, right):
    """Pairs of lines between neighbouring layers that cross, ends that meet not counted."""
    position = np.empty(order.size, np.int64)
    _find_positions(order, first, position)
    total = 0
    for place in range(first.size - 2):
        size = first[place + 2] - first[place + 1]
        passed = np.zeros(size + 1, np.int64)  # Fenwick tree: how many lines so far end up to a position
        lines = 0
        for k in range(first[place], first[place + 1]):
            point = order[k]
            for e in range(right_first[point], right_first[point + 1]):
                total += lines
                entry = position[right[e]] + 1
                while entry > 0:
                    total -= passed[entry]
                    entry -= entry & -entry
            for e in range(right_first[point], right_first[point + 1]):
                lines += 1
                entry = position[right[e]] + 1
                while entry <= size:
                    passed[entry] += 1
                    entry += entry & -entry
    return total


@kernel
def reduce_crossings(order, first, left_first, left, right_first, right, sweeps, work):
    """The order with the fewest crossings that some ways of searching come upon; the outer layers stay.

    Args:
        order, first, left_first, left, right_first, right: the graph, see above.
        sweeps: how often the layers are sorted, for each way of searching.
        work: comparisons of two points spent on moving points in each round of moves, about.

    Returns:
        (P,) the order.
    """
    position = np.empty(order.size, np.int64)
    fewest = count_crossings(order, first, right_first, right)
    best = order.copy()
    layers = first.size - 1
    reach = 1 + work // order.size
    for way in range(4):
        rightwards, by_median = way % 2 == 0, way >= 2
        now = order.copy()
        for sweep in range(sweeps):
            for step in range(1, layers - 1):
                if rightwards:
                    _sort_layer(now, first, step, step - 1, left_first, left, by_median, position)
                else:
                    place = layers - 1 - step
                    _sort_layer(now, first, place, place + 1, right_first, right, by_median, position)
            rightwards = not rightwards
            if sweep % 4 == 3:
                _sift(now, first, left_first, left, right_first, right, reach, position)
            crossings = count_crossings(now, first, right_first, right)
            if crossings < fewest:
                fewest = crossings
                best[:] = now
    removed = fewest
    while removed > 0.001 * fewest:
        removed = _sift(best, first, left_first, left, right_first, right, reach, position)
        fewest -= removed
    return best


@kernel
def _find_positions(order, first, position):
    """Where each point lies within its layer, (P,) written."""
    for place in range(first.size - 1):
        for k in range(first[place], first[place + 1]):
            position[order[k]] = k - first[place]


@kernel
def _sort_layer(order, first, place, other, neighbour_first, neighbours, by_median, position):
    """Sort a layer, in place, by the mean or median position of each point's neighbours in another layer.

    A point without neighbours there keeps its place.
    """
    for k in range(first[other], first[other + 1]):
        position[order[k]] = k - first[other]
    low, high = first[place], first[place + 1]
    keys = np.empty(high - low)
    linked = np.empty(high - low, np.int64)
    count = 0
    for k in range(low, high):
        start, stop = neighbour_first[order[k]], neighbour_first[order[k] + 1]
        if start == stop:
            continue
        if by_median:
            ends = position[neighbours[start:stop]]
            _sort(ends)
            keys[count] = 0.5 * (ends[(ends.size - 1) // 2] + ends[ends.size // 2])
        else:
            total = 0
            for e in range(start, stop):
                total += position[neighbours[e]]
            keys[count] = total / (stop - start)
        linked[count] = order[k]
        count += 1
    for k in range(1, count):  # by insertion: after the first sweeps little is out of order
        key, point = keys[k], linked[k]
        free = k
        while free > 0 and keys[free - 1] > key:
            keys[free], linked[free] = keys[free - 1], linked[free - 1]
            free -= 1
        keys[free], linked[free] = key, point
    taken = 0
    for k in range(low, high):
        if neighbour_first[order[k]] < neighbour_first[order[k] + 1]:
            order[k] = linked[taken]
            taken += 1


@kernel
def _sift(order, first, left_first, left, right_first, right, reach, position):
    """Move every point, in place, to where in its layer it makes the fewest crossings.

    Args:
        order, first, left_first, left, right_first, right: the graph, see above; outer layers stay.
        reach: how many places up or down a point is tried in.
        position: (P,) scratch.

    Returns:
        How many crossings less there are now.
    """
    _find_positions(order, first, position)
    before, after = np.empty(left.size, np.int64), np.empty(right.size, np.int64)
    removed = 0
    for place in range(1, first.size - 2):
        low, high = first[place], first[place + 1]
        for k in range(low, high):
            point = order[k]
            start, stop = left_first[point], left_first[point + 1]
            before[start:stop] = position[left[start:stop]]
            _sort(before[start:stop])
            start, stop = right_first[point], right_first[point + 1]
            after[start:stop] = position[right[start:stop]]
            _sort(after[start:stop])
        for point in order[low:high].copy():
            index = low + position[point]
            best_gain, best_index = 0, index
            for step in (-1, 1):
                gain = 0
                other = index + step
                while low <= other < high and abs(other - index) <= reach:
                    passed = order[other]
                    upper, lower = (passed, point) if step < 0 else (point, passed)
                    gain += _gain(before, left_first, upper, lower) + _gain(after, right_first, upper, lower)
                    if gain > best_gain:
                        best_gain, best_index = gain, other
                    other += step
            if best_gain > 0:
                step = 1 if best_index > index else -1
                while index != best_index:
                    order[index] = order[index + step]
                    position[order[index]] = index - low
                    index += step
                order[index] = point
                position[point] = index - low
                removed += best_gain
    return removed


@kernel
def _sort(values):
    """Sort whole numbers, in place; there are few, and NumPy's way takes seconds to compile."""
    for k in range(1, values.size):
        value = values[k]
        free = k
        while free > 0 and values[free - 1] > value:
            values[free] = values[free - 1]
            free -= 1
        values[free] = value


@kernel
def _gain(ends, first, upper, lower):
    """Crossings on one side that go when two points of a layer change places; ends ascend for each point."""
    low = first[lower]
    below = above = low
    gain = 0
    for k in range(first[upper], first[upper + 1]):
        while below < first[lower + 1] and ends[below] < ends[k]:
            below += 1
        while above < first[lower + 1] and ends[above] <= ends[k]:
            above += 1
        gain += (below - low) - (first[lower + 1] - above)
    return gain
