"""The activation functions: stable code, name, symbol, NumPy function, kernel.

The kernels use their own polynomials (no libm call, only IEEE basic operations), so that they vectorise
and give the same bits everywhere; they agree with NumPy to 1e-12 wherever |x| <= 1000.

Source: Gaier and Ha (2019); the codes are those of the published champion files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wann.kernels.lanes import (
    WHOLE,
    absolute,
    inlined_kernel,
    kernel,
    negate_if_odd,
    select_greater,
    times_power_of_two,
)

INVERSE_PI = 0.3183098861837907
LOG2_E = 1.4426950408889634
LIMIT = 500.0


@dataclass(frozen=True, slots=True)
class Activation:
    """One row of the activation table.

    `function` is the NumPy form and the oracle of the compiled one; `symbol` is for drawings and text.
    """

    code: int
    name: str
    symbol: str
    function: Callable[[np.ndarray], np.ndarray]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        result: np.ndarray = 1.0 / (1.0 + np.exp(-x))
    return result


ACTIVATIONS: tuple[Activation, ...] = (
    Activation(1, "linear", "x", lambda x: x),
    Activation(2, "step", "x>0", lambda x: np.where(x > 0.0, 1.0, 0.0)),
    Activation(3, "sin", "sin", lambda x: np.sin(np.pi * x)),
    Activation(4, "gaussian", "gauss", lambda x: np.exp(-x * x / 2.0)),
    Activation(5, "tanh", "tanh", np.tanh),
    Activation(6, "sigmoid", "sigm", _sigmoid),
    Activation(7, "inverse", "−x", lambda x: -x),
    Activation(8, "abs", "|x|", np.abs),
    Activation(9, "relu", "relu", lambda x: np.maximum(x, 0.0)),
    Activation(10, "cos", "cos", lambda x: np.cos(np.pi * x)),
)

BY_CODE = {activation.code: activation for activation in ACTIVATIONS}
BY_NAME = {activation.name: activation for activation in ACTIVATIONS}
NAMES = tuple(BY_NAME)


@kernel
def sin_pi(x):
    """sin(pi x): reduce to half a turn around zero, then an odd polynomial (error below 1e-13).

    Like that of `exp2`, the polynomial is grouped in pairs (Estrin): a shorter chain of operations.
    """
    shifted = x + WHOLE
    r = x - (shifted - WHOLE)
    z = r * r
    z2 = z * z
    low = (3.141592653589635 - 5.167712779987959 * z) + (2.550164035906745 - 0.5992644339357286 * z) * z2
    high = (0.08214479467064854 - 0.007364005472115722 * z) + 0.0004474920849077101 * z2
    return negate_if_odd((low + high * (z2 * z2)) * r, shifted)


@kernel
def exp2(t):
    """2**t as 2**n times a polynomial in the fraction (relative error below 3e-14), |t| at most 1000."""
    shifted = t + WHOLE
    f = t - (shifted - WHOLE)
    f2 = f * f
    f4 = f2 * f2
    low = (1.0 + 0.6931471805599453 * f) + (0.2402265069581299 + 0.055504108664760424 * f) * f2
    middle = (0.009618129159402558 + 0.0013333558179044112 * f) + (
        0.00015403455852453838 + 1.525268684626772e-05 * f
    ) * f2
    high = 1.3255224878668817e-06 + 1.0203121063391729e-07 * f
    return times_power_of_two(low + (middle + high * f4) * f4, shifted)


@kernel
def at_least(x, low):
    """The larger of a value and a bound; a NaN stays a NaN."""
    return select_greater(low, x, low, x)


@kernel
def at_most(x, high):
    """The smaller of a value and a bound; a NaN stays a NaN."""
    return select_greater(x, high, high, x)


@kernel
def step(x):
    """1 where x > 0, else 0."""
    return select_greater(x, 0.0, 1.0, 0.0)


# The exponents below are held within LIMIT, far beyond what any activation can tell apart: nothing overflows,
# and nothing is so small that a product with it would be denormal, which costs 100 times an ordinary one.


@kernel
def gaussian(x):
    """exp(-x**2 / 2)."""
    return exp2(at_least(x * x * (-0.5 * LOG2_E), -LIMIT))


@kernel
def tanh(x):
    """Hyperbolic tangent."""
    return 1.0 - 2.0 / (exp2(at_most(at_least(x * (2.0 * LOG2_E), -LIMIT), LIMIT)) + 1.0)


@kernel
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp2(at_most(at_least(x * -LOG2_E, -LIMIT), LIMIT)))


@inlined_kernel
def activate_three(code, x, y, z):
    """Apply the activation with this code to three floats, or to three blocks of lanes.

    The choice is made once for the three, and they are computed side by side.
    """
    if code == 1:
        return x, y, z
    if code == 2:
        return step(x), step(y), step(z)
    if code == 3:
        return sin_pi(x), sin_pi(y), sin_pi(z)
    if code == 4:
        return gaussian(x), gaussian(y), gaussian(z)
    if code == 5:
        return tanh(x), tanh(y), tanh(z)
    if code == 6:
        return sigmoid(x), sigmoid(y), sigmoid(z)
    if code == 7:
        return 0.0 - x, 0.0 - y, 0.0 - z
    if code == 8:
        return absolute(x), absolute(y), absolute(z)
    if code == 9:
        return at_least(x, 0.0), at_least(y, 0.0), at_least(z, 0.0)
    return sin_pi(x + 0.5), sin_pi(y + 0.5), sin_pi(z + 0.5)


@kernel
def activate(code, x):
    """Apply the activation with this code to one float, or to one block of lanes."""
    return activate_three(code, x, x, x)[0]  # the compiler computes equal things once
