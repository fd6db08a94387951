"""The classification kernel agrees with its NumPy twin, and its bits with nothing but the network."""

import math

import numpy as np
import pytest
from conftest import evolved
from hypothesis import given
from hypothesis import strategies as st

from wann.kernels.activations import BY_CODE
from wann.kernels.lanes import kernel, lane_array, load, store
from wann.networks.network import batch_networks, compile_genome, evaluate_network
from wann.rollouts.samples import classify, classify_numpy, log, make_batch, outputs

WEIGHTS = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
SMOOTH = tuple(code for code, activation in BY_CODE.items() if activation.name != "step")


def networks_of(count, mutations=60, inputs=6, classes=4):
    return [compile_genome(evolved(seed, mutations + seed, inputs, classes, SMOOTH)) for seed in range(count)]


def samples(count, inputs=6, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, inputs)), rng.integers(classes, size=count)


@kernel
def _log_in_lanes(values):
    for b in range(values.shape[1]):
        store(values, 0, b, log(load(values, 0, b)))


def test_the_logarithm_agrees_with_numpy():
    steps = np.linspace(1.0, 40.0, 20_000)
    around_one = 1.0 + np.linspace(-0.4, 0.6, 20_000)
    wide = 2.0 ** np.linspace(-1000, 1000, 20_000)
    edges = np.array([1.0, math.sqrt(2), math.sqrt(0.5), np.nextafter(2.0, 1.0), 2.0, 10.0])
    for values in (steps, around_one, wide, edges):
        lanes = lane_array(1, -(-values.size // 8))
        lanes[:] = 1.0
        lanes.reshape(-1)[: values.size] = values
        _log_in_lanes(lanes)
        np.testing.assert_allclose(lanes.reshape(-1)[: values.size], np.log(values), rtol=0, atol=1e-12)
    assert log(1.0) == 0.0


@given(
    st.integers(0, 10_000),
    st.integers(0, 80),
    st.integers(1, 6),
    st.integers(2, 5),
    st.integers(1, 200),
    st.integers(1, 7),
)
def test_the_kernel_agrees_with_its_twin(seed, mutations, inputs, classes, count, weights):
    network = compile_genome(evolved(seed, mutations, inputs, classes, SMOOTH))
    x, y = samples(count, inputs, classes, seed)
    shared = np.random.default_rng(seed).uniform(-1.2, 1.2, weights)
    found = classify(batch_networks([network]), shared, make_batch(x, y), 0, 1)
    loss, accuracy = classify_numpy(network, shared, x, y)
    np.testing.assert_allclose(found.loss[0], loss, rtol=1e-8, atol=1e-8)
    # Outputs that are equal but for rounding may fall either way.
    assert (abs(found.accuracy[0] - accuracy) <= _close_calls(network, shared, x)).all()


def _close_calls(network, weights, x):
    """Share of samples whose two largest outputs are equal but for rounding, and a little."""
    two = np.sort(outputs(network, weights, x), axis=2)[:, :, -2:]
    return (two[:, :, 1] - two[:, :, 0] < 1e-7).mean(axis=1) + 1e-12


def test_the_outputs_have_the_bits_of_the_forward_pass():
    x, _ = samples(77)
    for network in networks_of(6):
        found = outputs(network, WEIGHTS, x)
        assert found.shape == (6, 77, 4)
        for place, weight in enumerate(WEIGHTS):
            values = evaluate_network(network, x, np.full(77, weight))[:, network.outputs]
            assert found[place].tobytes() == np.ascontiguousarray(values).tobytes()


def test_neither_the_neighbours_nor_the_order_of_the_work_change_a_bit():
    networks, (x, y) = networks_of(40), samples(333)
    batch, together = make_batch(x, y), batch_networks(networks)
    whole = classify(together, WEIGHTS, batch, 0, 40)
    assert len(np.unique(whole.loss)) > 100
    for first, last in ((0, 1), (5, 22), (39, 40)):
        part = classify(together, WEIGHTS, batch, first, last)
        assert part.loss.tobytes() == whole.loss[first:last].tobytes()
        assert part.accuracy.tobytes() == whole.accuracy[first:last].tobytes()
    alone = classify(batch_networks(networks[7:8]), WEIGHTS[2:4], batch, 0, 1)
    assert alone.loss.tobytes() == whole.loss[7:8, 2:4].tobytes()


def test_equal_individual_weights_are_a_shared_weight():
    (network,), (x, y) = networks_of(1), samples(50)
    batch, one = make_batch(x, y), batch_networks([network])
    sets = np.tile(WEIGHTS[:, None], (1, network.sources.size))
    individual, shared = classify(one, sets, batch, 0, 1), classify(one, WEIGHTS, batch, 0, 1)
    np.testing.assert_allclose(individual.loss, shared.loss, rtol=1e-9)
    varied = np.random.default_rng(3).uniform(-1, 1, sets.shape)
    loss, _ = classify_numpy(network, varied, x, y)
    np.testing.assert_allclose(classify(one, varied, batch, 0, 1).loss[0], loss, rtol=1e-8)
    assert outputs(network, varied, x).shape == (6, 50, 4)


def test_a_network_that_says_nothing_loses_the_logarithm_of_the_classes():
    genome = evolved(0, 0, 6, 4)
    silent = compile_genome(genome.evolve(enabled=np.zeros_like(genome.enabled)))
    x, y = samples(90)
    found = classify(batch_networks([silent]), WEIGHTS, make_batch(x, y), 0, 1)
    assert found.loss[0] == pytest.approx([math.log(4)] * 6, abs=1e-12)
    assert found.accuracy[0] == pytest.approx([(y == 0).mean()] * 6)


def test_a_sure_network_loses_nothing_and_a_surely_wrong_one_what_it_was_sure_by():
    genome = evolved(0, 0, 1, 2)
    first = (genome.source == 1) & (genome.target == genome.node_id[2])  # the input to the first output
    network = compile_genome(genome.evolve(enabled=first))
    assert network.sources.tolist() == [1]
    x = np.full((20, 1), 1e4)
    for label, loss in ((0, 0.0), (1, 1e4)):
        batch = make_batch(x, np.full(20, label))
        found = classify(batch_networks([network]), np.array([1.0]), batch, 0, 1)
        assert found.loss[0, 0] == pytest.approx(loss, abs=1e-9)
        assert found.accuracy[0, 0] == 1.0 - label


def test_an_overflow_is_not_a_number_and_stays_with_its_network():
    networks, (_, y) = networks_of(3), samples(30)
    x = np.full((30, 6), 1e308)
    losses = classify(batch_networks(networks), np.array([2.0]), make_batch(x, y), 0, 3).loss
    for network, loss in zip(networks, losses, strict=True):
        alone = classify(batch_networks([network]), np.array([2.0]), make_batch(x, y), 0, 1).loss[0]
        assert loss.tobytes() == alone.tobytes()
    assert not np.isfinite(losses).all()
