"""Sine and cosine of a float64 angle to the last bit but rarely, with the same bits on every machine.

Cody and Waite's reduction (1980) by a quarter turn in three parts, then Taylor's polynomials; what is lost in
rounding the rest is carried along as a second number.
"""

from __future__ import annotations

import math

import numpy as np

from wann.kernels.lanes import WHOLE, kernel

# A quarter turn: two parts of 33 bits, whose multiples are exact up to 2**20, and what then is left.
_FIRST = float.fromhex("0x1.921fb544p+0")
_SECOND = float.fromhex("0x1.0b4611a6p-34")
_THIRD = float.fromhex("0x1.3198a2e037073p-69")
_QUARTERS = 2.0 / math.pi

# 1/3!, 1/5!, ... with alternating signs, the highest first, and 1/4!, 1/6!, ...
_HIGH_ODD, *_rest_odd = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(9, 0, -1)]
_HIGH_EVEN, *_rest_even = [(-1.0) ** k / math.factorial(2 * k) for k in range(10, 1, -1)]
_ODD, _EVEN = tuple(_rest_odd), tuple(_rest_even)


@kernel
def sine_and_cosine(angle):
    """Sine and cosine of an angle (float64, rad, at most 1e5 in size)."""
    quarters = (angle * _QUARTERS + WHOLE) - WHOLE
    rough = angle - quarters * _FIRST
    part = quarters * _SECOND
    finer = rough - part
    shift = finer - rough  # Knuth's exact difference: `finer` and `lost` add up to `rough - part`
    lost = (rough - (finer - shift)) - (part + shift)
    lost = lost - quarters * _THIRD
    r = finer + lost
    rest = (finer - r) + lost

    z = r * r
    odd = _HIGH_ODD
    for coefficient in _ODD:
        odd = odd * z + coefficient
    sine = r + (r * z * odd + rest * (1.0 - 0.5 * z))
    even = _HIGH_EVEN
    for coefficient in _EVEN:
        even = even * z + coefficient
    near = 1.0 - 0.5 * z
    cosine = near + (((1.0 - near) - 0.5 * z) + (z * z * even - r * rest))

    turn = np.int64(quarters) & 3
    if turn & 1:
        sine, cosine = cosine, -sine
    if turn & 2:
        sine, cosine = -sine, -cosine
    return sine, cosine
