"""Kernels that only the tests need."""

from wann.kernels.activations import activate, activate_three
from wann.kernels.lanes import kernel, load, store


@kernel
def activate_row(code, values, row, blocks):
    """Apply the activation with this code to the first blocks of a row of lanes, in place."""
    b = 0
    while b + 3 <= blocks:
        x, y, z = load(values, row, b), load(values, row, b + 1), load(values, row, b + 2)
        x, y, z = activate_three(code, x, y, z)
        store(values, row, b, x)
        store(values, row, b + 1, y)
        store(values, row, b + 2, z)
        b += 3
    while b < blocks:
        store(values, row, b, activate(code, load(values, row, b)))
        b += 1
