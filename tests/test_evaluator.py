"""Which evaluator and how many threads never change a number."""

import numpy as np
import pytest
from conftest import evolved

from wann.evaluator import LocalEvaluator
from wann.network import batch_networks, compile_genome
from wann.tasks import get_task

TASK = get_task("swingup")
WEIGHTS = np.array([-2.0, -0.5, 1.0])


@pytest.mark.parametrize("count", [1, 2, 23])
def test_threads_do_not_change_a_bit(count):
    networks = [compile_genome(evolved(seed, 3 * seed)) for seed in range(count)]
    direct = TASK.roll_out(batch_networks(networks), WEIGHTS, [1, 2], 80, 0, count)
    for threads in (1, 2, 3, 7):
        with LocalEvaluator(TASK, 80, threads) as evaluator:
            rollouts = evaluator.evaluate(networks, WEIGHTS, [1, 2])
        assert rollouts.returns.shape == (count, 3, 2)
        assert rollouts.returns.tobytes() == direct.returns.tobytes()
        assert rollouts.steps.tobytes() == direct.steps.tobytes()


def test_every_return_stands_at_its_weight_and_its_episode():
    networks = [compile_genome(evolved(seed, 20)) for seed in range(5)]
    with LocalEvaluator(TASK, 80, 2) as evaluator:
        for chosen in (networks, networks[:1]):
            returns = evaluator.evaluate(chosen, WEIGHTS, [1, 2, 3]).returns
            turned = evaluator.evaluate(chosen, WEIGHTS[::-1], [3, 1, 2]).returns
            assert turned.tolist() == returns[:, ::-1][:, :, [2, 0, 1]].tolist()
            assert len(np.unique(returns)) > returns.size / 2


def test_no_threads_are_refused():
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        LocalEvaluator(TASK, 80, 0)


def test_individual_weights_are_sets_for_one_network():
    network = compile_genome(evolved(4, 30))
    sets = np.random.default_rng(0).uniform(-2, 2, (9, network.sources.size))
    sets[0] = 0.5
    with LocalEvaluator(TASK, 50, 2) as evaluator:
        rollouts = evaluator.evaluate([network], sets, [5])
        shared = evaluator.evaluate([network], np.array([0.5]), [5])
    assert rollouts.returns.shape == (1, 9, 1)
    assert rollouts.returns[0, 0, 0] == pytest.approx(shared.returns[0, 0, 0], abs=1e-6)
    assert len(np.unique(rollouts.returns)) > 5
