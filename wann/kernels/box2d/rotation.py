"""Sine and cosine in single precision, of one angle or of sixteen: the bits of glibc's `sinf` and `cosf`.

Box2D calls `sinf` and `cosf`, so the bits of a world are those of a C library. The nearest multiple of a
quarter turn is taken off, and a polynomial in double precision is rounded to a float32 once. The method and
the coefficients are those of Wilco Dijkstra's routines in Arm's optimized routines (2018), which glibc has
taken over; built for processors that multiply and add with one rounding, as glibc chooses at run time on
every recent one. Here that operation is asked for by name, hence the bits are the same on all machines.
"""

from __future__ import annotations

import numpy as np

from wann.kernels.lanes import (
    WHOLE,
    absolute,
    inlined_kernel,
    select_greater,
)
from wann.kernels.lanes32 import WHOLE32, fused, narrowed, negate_second_half, where_odd, widened

_QUARTERS_PER_RADIAN = float.fromhex("0x1.45F306DC9C883p-1")
_QUARTER = float.fromhex("0x1.921FB54442D18p0")  # rad
_QUARTER_LOW = float.fromhex("0x1.1A62633145C07p-54")  # rad, what is missing in it
_BELOW_FAR = float.fromhex("0x1.dffffep6")  # rad, the float32 below 120, from where glibc is more exact

_S3 = float.fromhex("-0x1.555545995a603p-3")
_S5 = float.fromhex("0x1.1107605230bc4p-7")
_S7 = float.fromhex("-0x1.994eb3774cf24p-13")
_C2 = float.fromhex("-0x1.ffffffd0c621cp-2")
_C4 = float.fromhex("0x1.55553e1068f19p-5")
_C6 = float.fromhex("-0x1.6c087e89a359dp-10")
_C8 = float.fromhex("0x1.99343027bf8c3p-16")

_TINY = np.float32(2.0**-12)  # rad, below which the sine is the angle


@inlined_kernel
def _within_quarter(x):
    """Sine and cosine of what is left of x without the nearest quarter turns, and WHOLE32 + their number."""
    wide = widened(x)
    quarters = (wide * _QUARTERS_PER_RADIAN + WHOLE) - WHOLE
    rest = fused(-quarters, _QUARTER, wide)
    rest = rest - select_greater(absolute(wide), _BELOW_FAR, quarters * _QUARTER_LOW, 0.0)
    square = rest * rest
    cube = rest * square
    high = fused(square, _S7, _S5)
    sine_of_rest = fused(cube * square, high, fused(cube, _S3, rest))
    fourth = square * square
    high = fused(square, _C8, _C6)
    cosine_of_rest = fused(fourth * square, high, fused(fourth, _C4, fused(square, _C2, 1.0)))
    return narrowed(sine_of_rest), narrowed(cosine_of_rest), narrowed(quarters) + WHOLE32


@inlined_kernel
def sine(x):
    """Sine of an angle in float32, or of sixteen."""
    sine_of_rest, cosine_of_rest, quarters = _within_quarter(x)
    found = negate_second_half(quarters, where_odd(quarters, cosine_of_rest, sine_of_rest))
    return select_greater(absolute(x), _TINY, found, x)


@inlined_kernel
def cosine(x):
    """Cosine of an angle in float32, or of sixteen."""
    sine_of_rest, cosine_of_rest, quarters = _within_quarter(x)
    return negate_second_half(quarters + np.float32(1.0), where_odd(quarters, sine_of_rest, cosine_of_rest))
