"""The kernels' own functions against NumPy."""

import numpy as np
import pytest
from compiled_twins import activate_row

from wann.kernels.activations import ACTIVATIONS, BY_CODE, activate, gaussian, sigmoid
from wann.kernels.lanes import WIDTH, kernel, lane_array


def by_lanes(code: int, values: np.ndarray) -> np.ndarray:
    """The compiled activation, eight lanes at a time."""
    blocks = -(-values.size // WIDTH)
    lanes = lane_array(1, blocks)
    lanes.reshape(-1)[: values.size] = values
    activate_row(code, lanes, 0, blocks)
    return lanes.reshape(-1)[: values.size].copy()


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.name)
def test_a_kernel_agrees_with_numpy_to_1e_12(activation):
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [np.linspace(-1000, 1000, 100_001), rng.normal(size=50_000), rng.normal(size=50_000) * 30, [0.0]]
    )
    exact = activation.function(values)
    # sin(pi x) in NumPy is itself wrong by half an ulp of pi x.
    tolerance = 1e-12 if np.abs(exact).max() <= 1.0 else 0.0
    np.testing.assert_allclose(by_lanes(activation.code, values), exact, rtol=0, atol=tolerance)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_one_float_and_eight_lanes_give_the_same_bits(code):
    @kernel
    def alone(code, values, out):
        for k in range(values.size):
            out[k] = activate(code, values[k])

    values = np.random.default_rng(code).normal(size=1000) * 5
    out = np.empty_like(values)
    alone(code, values, out)
    assert out.tobytes() == by_lanes(code, values).tobytes()


def test_lanes_do_not_touch_each_other():
    values = np.random.default_rng(3).normal(size=24)
    for code in BY_CODE:
        together = by_lanes(code, values)
        alone = [by_lanes(code, values[k : k + 1])[0] for k in range(24)]
        assert together.tolist() == alone


def test_exact_values_are_exact():
    for name, x, y in (
        ("sin", 0.0, 0.0),
        ("sin", 1.0, 0.0),
        ("gaussian", 0.0, 1.0),
        ("tanh", 0.0, 0.0),
        ("sigmoid", 0.0, 0.5),
        ("step", 0.0, 0.0),
        ("step", 1e-300, 1.0),
        ("relu", -3.0, 0.0),
        ("abs", -3.0, 3.0),
        ("inverse", 2.0, -2.0),
    ):
        code = next(activation.code for activation in ACTIVATIONS if activation.name == name)
        assert by_lanes(code, np.array([x]))[0] == y, name


def test_nothing_overflows_or_turns_denormal():
    for function in (gaussian, sigmoid):

        @kernel
        def alone(x, function=function):
            return function(x)

        assert 0.0 < alone(-1e6) < 1e-100
    for code in BY_CODE:
        assert np.isfinite(by_lanes(code, np.array([-1e300, -1e17, 1e17, 1e300]))).all()


def test_codes_are_those_of_the_published_files():
    names = ["linear", "step", "sin", "gaussian", "tanh", "sigmoid", "inverse", "abs", "relu", "cos"]
    assert [BY_CODE[code].name for code in range(1, 11)] == names


def test_not_a_number_stays_visible():
    for activation in ACTIVATIONS:
        if activation.name != "step":
            assert np.isnan(by_lanes(activation.code, np.array([np.nan]))[0]), activation.name
