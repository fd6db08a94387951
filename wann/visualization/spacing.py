"""Places pushed apart as little as may be, by isotonic regression."""

from __future__ import annotations

import numpy as np

from wann.kernels.lanes import kernel


@kernel
def ascending(wanted, weight):
    """The ascending values nearest to the wanted ones in the sense of weighted least squares.

    Isotonic regression by pooling adjacent violators.

    Args:
        wanted, weight: (n,) values and what their distances count.

    Returns:
        (n,) values.
    """
    mean, share = wanted.copy(), weight.copy()  # of the pools so far
    first = np.empty(wanted.size + 1, np.int64)  # where each begins
    pools = 0
    for k in range(wanted.size):
        mean[pools], share[pools], first[pools] = wanted[k], weight[k], k
        while pools > 0 and mean[pools - 1] > mean[pools]:
            together = share[pools - 1] + share[pools]
            mean[pools - 1] = (mean[pools] * share[pools] + mean[pools - 1] * share[pools - 1]) / together
            share[pools - 1] = together
            pools -= 1
        pools += 1
    first[pools] = wanted.size
    values = np.empty(wanted.size)
    for pool in range(pools):
        values[first[pool] : first[pool + 1]] = mean[pool]
    return values
