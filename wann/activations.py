"""The activation functions: stable code, name, symbol, NumPy function, kernel.

The kernels use their own polynomials (no libm call, only IEEE basic operations), so that they vectorise
and give the same bits everywhere; they agree with NumPy to 1e-12 wherever |x| <= 1000.

Source: Gaier and Ha (2019); the codes are those of the published champion files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wann.lanes import absolute, floor, kernel, load, power_of_two, select_greater, store

INVERSE_PI = 0.3183098861837907
_LOG2_E = 1.4426950408889634
_SHIFT = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to a whole number held in the low bits


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
    """sin(pi x): reduce to half a turn around zero, then an odd polynomial (error below 1e-15).

    Like the exponential's, the polynomial is grouped in pairs (Estrin): a shorter chain of operations.
    """
    turns = floor(x + 0.5)
    r = x - turns
    z = r * r
    z2 = z * z
    low = (3.1415926535897927 - 5.1677127800497855 * z) + (2.5501640398618677 - 0.599264528825224 * z) * z2
    high = (0.08214587881631043 - 0.0073703643265304155 * z) + (
        0.0004659870158043378 - 2.113362735205297e-05 * z
    ) * z2
    p = low + high * (z2 * z2)
    is_odd = turns - 2.0 * floor(0.5 * turns)
    return p * r * (1.0 - 2.0 * is_odd)


@kernel
def exponential(x):
    """e**x as 2**n times a polynomial in the fraction (relative error below 3e-14).

    The exponent is held within ±500, far beyond what any activation can tell apart: nothing overflows, and
    no result is so small that a product with it would be denormal, which costs 100 times an ordinary one.
    """
    t = x * _LOG2_E
    t = select_greater(-500.0, t, -500.0, t)
    t = select_greater(t, 500.0, 500.0, t)
    shifted = t + _SHIFT
    f = t - (shifted - _SHIFT)
    f2 = f * f
    f4 = f2 * f2
    low = (1.0 + 0.6931471805599453 * f) + (0.2402265069581299 + 0.055504108664760424 * f) * f2
    middle = (0.009618129159402558 + 0.0013333558179044112 * f) + (
        0.00015403455852453838 + 1.525268684626772e-05 * f
    ) * f2
    high = 1.3255224878668817e-06 + 1.0203121063391729e-07 * f
    p = low + (middle + high * f4) * f4
    return p * power_of_two(shifted)


@kernel
def step(x):
    """1 where x > 0, else 0."""
    return select_greater(x, 0.0, 1.0, 0.0)


@kernel
def gaussian(x):
    """exp(-x**2 / 2)."""
    return exponential(x * x * -0.5)


@kernel
def tanh(x):
    """Hyperbolic tangent."""
    return 1.0 - 2.0 / (exponential(2.0 * x) + 1.0)


@kernel
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exponential(0.0 - x))


@kernel
def relu(x):
    """The larger of x and 0; written this way round, a NaN stays a NaN."""
    return select_greater(0.0, x, 0.0, x)


@kernel
def activate(code, x):
    """Apply the activation with this code to one float."""
    if code == 1:
        return x
    elif code == 2:
        return step(x)
    elif code == 3:
        return sin_pi(x)
    elif code == 4:
        return gaussian(x)
    elif code == 5:
        return tanh(x)
    elif code == 6:
        return sigmoid(x)
    elif code == 7:
        return 0.0 - x
    elif code == 8:
        return absolute(x)
    elif code == 9:
        return relu(x)
    return sin_pi(x + 0.5)


@kernel
def activate_row(code, values, row, blocks):
    """Apply the activation with this code to the first blocks of a row of lanes, in place.

    The choice is made once for the row, not for every block.
    """
    if code == 1:
        return
    elif code == 2:
        for b in range(blocks):
            store(values, row, b, step(load(values, row, b)))
    elif code == 3:
        for b in range(blocks):
            store(values, row, b, sin_pi(load(values, row, b)))
    elif code == 4:
        for b in range(blocks):
            store(values, row, b, gaussian(load(values, row, b)))
    elif code == 5:
        for b in range(blocks):
            store(values, row, b, tanh(load(values, row, b)))
    elif code == 6:
        for b in range(blocks):
            store(values, row, b, sigmoid(load(values, row, b)))
    elif code == 7:
        for b in range(blocks):
            store(values, row, b, 0.0 - load(values, row, b))
    elif code == 8:
        for b in range(blocks):
            store(values, row, b, absolute(load(values, row, b)))
    elif code == 9:
        for b in range(blocks):
            store(values, row, b, relu(load(values, row, b)))
    else:
        for b in range(blocks):
            store(values, row, b, sin_pi(load(values, row, b) + 0.5))
