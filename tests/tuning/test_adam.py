"""The PyTorch module against the compiled pass, and its gradients against differences."""

import numpy as np
import pytest
from conftest import evolved
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'wann[torch]'")

import torch

from wann.kernels.activations import BY_CODE
from wann.networks.genome import genome_from_dict
from wann.networks.network import compile_genome, evaluate_network
from wann.tuning.adam import Adam, TorchNetwork


@given(st.integers(0, 500), st.integers(0, 60), st.integers(1, 4))
@settings(max_examples=40)
def test_the_module_computes_what_the_network_computes(seed, changes, outputs):
    network = compile_genome(evolved(seed, changes, inputs=5, outputs=outputs))
    rng = np.random.default_rng(seed)
    weights, inputs = rng.normal(size=network.sources.size), rng.normal(size=(7, 5))
    expected = evaluate_network(network, inputs, np.tile(weights, (7, 1)))[:, network.outputs]
    found = TorchNetwork(network, weights)(torch.tensor(inputs)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def chain(*activations):
    """input -> one hidden node after the other -> output, one connection each."""
    hidden = range(3, 3 + len(activations))
    path = [1, *hidden, 2]
    return compile_genome(
        genome_from_dict(
            {
                "inputs": 1,
                "outputs": 1,
                "nodes": [
                    [0, "linear"],
                    [1, "linear"],
                    [2, "linear"],
                    *map(list, zip(hidden, activations, strict=True)),
                ],
                "connections": [[k, path[k], path[k + 1], True] for k in range(len(path) - 1)],
            }
        )
    )


@pytest.mark.parametrize("name", [each.name for each in BY_CODE.values() if each.name != "step"])
def test_gradients_agree_with_differences(name):
    network = chain(name)
    inputs, weights = torch.tensor([[0.37]], dtype=torch.float64), np.array([0.8, -1.3])
    module = TorchNetwork(network, weights)
    module(inputs).sum().backward()
    for k in range(2):
        step = np.zeros(2)
        step[k] = 1e-6
        up, down = (
            evaluate_network(network, np.array([[0.37]]), (weights + s)[None])[0, network.outputs[0]]
            for s in (step, -step)
        )
        assert module.weights.grad[k].item() == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-6)


def samples(rng):
    """Two classes that the sign of the first of three inputs tells apart."""
    inputs = rng.normal(size=(200, 3))
    return inputs, (inputs[:, 0] > 0.0).astype(np.int64)


@pytest.mark.slow
def test_adam_lowers_the_loss_and_leaves_what_is_frozen():
    network = compile_genome(evolved(4, 40, inputs=3, outputs=2))
    start = np.full(network.sources.size, 0.7)
    free = np.arange(start.size) % 2 == 0
    adam = Adam(network, start, free, 0.05)
    rng = np.random.default_rng(0)

    def loss():
        inputs, labels = samples(np.random.default_rng(9))
        out = evaluate_network(network, inputs, np.tile(adam.weights, (200, 1)))[:, network.outputs]
        out = out - out.max(axis=1, keepdims=True)
        return float((np.log(np.exp(out).sum(axis=1)) - out[np.arange(200), labels]).mean())

    before = loss()
    for step in range(100):
        adam.step(*samples(rng), None, step / 100)
    assert loss() < before - 0.05
    np.testing.assert_array_equal(adam.weights[~free], start[~free])
    assert not np.array_equal(adam.weights[free], start[free])


@pytest.mark.slow
def test_adam_goes_on_from_its_state_bit_for_bit():
    network = compile_genome(evolved(4, 40, inputs=3, outputs=2))
    start, free = np.full(network.sources.size, 0.7), np.ones(network.sources.size, bool)
    whole, other = Adam(network, start, free, 0.05), Adam(network, start, free, 0.05)
    batches = [samples(np.random.default_rng(k)) for k in range(10)]
    for k, batch in enumerate(batches):
        whole.step(*batch, None, k / 10)
    for k, batch in enumerate(batches[:5]):
        other.step(*batch, None, k / 10)
    resumed = Adam(network, start, free, 0.05)
    resumed.state = other.state
    for k, batch in enumerate(batches[5:], 5):
        resumed.step(*batch, None, k / 10)
    np.testing.assert_array_equal(resumed.weights, whole.weights)
    np.testing.assert_array_equal(resumed.state, whole.state)


@pytest.mark.slow
def test_numbers_as_targets_are_met_by_their_square():
    network = compile_genome(evolved(1, 30, inputs=3, outputs=1))
    adam = Adam(network, np.full(network.sources.size, 0.5), np.ones(network.sources.size, bool), 0.05)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(100, 3))
    targets = np.tanh(inputs[:, :1])

    def error():
        out = evaluate_network(network, inputs, np.tile(adam.weights, (100, 1)))[:, network.outputs]
        return float(np.square(out - targets).mean())

    before = error()
    for step in range(150):
        adam.step(inputs, np.zeros(100, np.int64), targets, step / 150)
    assert error() < before
