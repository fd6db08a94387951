"""An untrained recurrent network as memory: against PyTorch, against Gymnasium, against no memory."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from wann.random_weights.bench.hidden_velocities import judged, measure, rolled_out
from wann.random_weights.bench.recurrent import HIDDEN, LongShortTermMemory, Memory
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds, stream


def network_of(inputs, units=32):
    return LongShortTermMemory(inputs, units, stream(4, Purpose.RANDOM_WEIGHTS, 2))


@pytest.mark.slow
def test_the_recurrent_network_computes_what_pytorch_computes():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    network = network_of(3, 5)
    cell = torch.nn.LSTMCell(3, 5, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.from_numpy(network.weights[:3].T))
        cell.weight_hh.copy_(torch.from_numpy(network.weights[3:].T))
        cell.bias_ih.copy_(torch.from_numpy(network.bias))
        cell.bias_hh.zero_()
    x = stream(0, Purpose.RANDOM_WEIGHTS, 8).normal(size=(4, 7, 3))
    ours = theirs = None
    for step in x:
        ours = network.step(step, *(ours or (np.zeros((7, 5)), np.zeros((7, 5)))))
        theirs = cell(torch.from_numpy(step), theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other.detach().numpy(), atol=1e-12)


@pytest.mark.slow
def test_a_trained_memory_foresees_better_and_better(monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from wann.random_weights.bench import world_model

    monkeypatch.setattr(world_model, "_STEPS", 60)
    network = network_of(3)
    before = network.weights.copy()
    given = HIDDEN["CartPole-v1"], get_task("CartPole-v1"), network
    trained, errors = world_model.trained_memory(*given, 0)
    np.testing.assert_array_equal(network.weights, before)
    assert trained.size == network.size
    assert np.mean(errors[:3]) > 0.8
    assert np.mean(errors[-5:]) < 0.5 * np.mean(errors[:3])
    again, _ = world_model.trained_memory(*given, 0)
    assert again.weights.tobytes() == trained.weights.tobytes() != before.tobytes()


def test_random_weights_are_drawn_as_pytorch_draws_them():
    network = network_of(3)
    assert network.size == 4 * 32 * (3 + 32 + 1)
    assert 0.9 / np.sqrt(32) < np.abs(network.weights).max() <= 1.0 / np.sqrt(32)


@pytest.mark.slow
@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("kind", ["full", "none", "stack", "recurrent"])
def test_compiled_episodes_are_those_of_gymnasium(name, kind):
    task, hidden = get_task(name), HIDDEN[name]
    network = network_of(len(hidden.visible) + 1) if kind == "recurrent" else None

    def remembering():
        return Memory(hidden, kind, network)

    features = remembering().see(np.zeros((1, len(task.inputs)))).shape[1]
    controller = stream(1, Purpose.RANDOM_WEIGHTS, 9).normal(0.0, 2.0, features)
    starts = task.starts(episode_seeds(5, Purpose.EVALUATION, 20, 0))
    ours = rolled_out(task, np.repeat(controller[None], 20, axis=0), starts, remembering)
    np.testing.assert_allclose(ours, judged(task, controller, remembering, 5), rtol=1e-4)


def test_velocities_are_hidden_and_the_last_step_is_remembered():
    hidden = HIDDEN["CartPole-v1"]
    first, second = np.array([[1.2, 5.0, 0.1, 7.0]]), np.array([[2.4, 5.0, 0.21, 7.0]])
    np.testing.assert_allclose(Memory(hidden, "none", None).see(first), [[0.5, 0.1 / 0.21, 1.0]])
    memory = Memory(hidden, "stack", None)
    np.testing.assert_allclose(memory.see(first), [[0.5, 0.1 / 0.21, 0.5, 0.1 / 0.21, 1.0]])
    np.testing.assert_allclose(memory.see(second), [[1.0, 1.0, 0.5, 0.1 / 0.21, 1.0]])
    recurrent = Memory(hidden, "recurrent", network_of(3))
    assert not recurrent.see(first)[0, 2:-1].any()
    recurrent.act(np.array([1.0]))
    assert recurrent.see(first)[0, 2:-1].any()


@pytest.mark.slow
def test_an_untrained_memory_balances_the_pole_and_none_does_not():
    remembering, without = (measure("CartPole-v1", kind, 0) for kind in ("recurrent", "none"))
    assert remembering.score >= 475.0
    assert without.score < 60.0
    assert remembering.trained == 35
    assert remembering.stored == 35 + 4 * 32 * 36
    assert without.trained == without.stored == 3
    assert measure("CartPole-v1", "recurrent", 0).score == remembering.score
