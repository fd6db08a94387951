"""Which evaluator and how many threads never change a number."""

import numpy as np
import pytest
import toys  # noqa: F401  registers its environments
from conftest import evolved

from wann.evaluation.chunks import Work
from wann.evaluation.evaluator import LocalEvaluator
from wann.networks.network import batch_networks, compile_genome
from wann.rollouts.job import Job
from wann.tasks.registry import get_task

TASK = get_task("swingup")
WEIGHTS = np.array([-2.0, -0.5, 1.0])


@pytest.mark.parametrize("count", [1, 2, 23])
def test_threads_do_not_change_a_bit(count):
    networks = [compile_genome(evolved(seed, 3 * seed)) for seed in range(count)]
    direct = TASK.roll_out(Job(batch_networks(networks), WEIGHTS, [1, 2], 80, 0, count))
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


@pytest.mark.slow
@pytest.mark.parametrize("by_weight", [False, True])
@pytest.mark.parametrize("kind", ["swingup", "digits", "toys/Toy-v0", "pool"])
def test_networks_with_weights_of_their_own_score_as_each_alone(kind, by_weight):
    if kind == "pool":
        pytest.importorskip("envpool", reason="the extra envpool is not installed")
        task = get_task("LunarLander-v3", stepping="pool")
    else:
        task = get_task(kind, {"trouble": "raise", "width": 0.3} if kind == "toys/Toy-v0" else None)
    sides = {"inputs": len(task.inputs), "outputs": len(task.outputs)}
    networks = [compile_genome(evolved(seed, mutations, **sides)) for seed, mutations in enumerate((3, 9, 1))]
    ends = np.cumsum([network.sources.size for network in networks])
    weights = np.random.default_rng(2).normal(size=(3, ends[-1]))
    assert len(set(np.diff(ends))) > 1, "networks of different sizes"
    rollouts = None
    for threads in (1, 2):
        with LocalEvaluator(task, 60, threads) as evaluator:
            alone = [
                evaluator.evaluate([network], own, [1, 2])
                for network, own in zip(networks, np.split(weights, ends[:-1], axis=1), strict=True)
            ]
            together = evaluator.evaluate(networks, weights, [1, 2])
        for one, returns, steps in zip(alone, together.returns, together.steps, strict=True):
            assert one.returns[0].tobytes() == returns.tobytes()
            assert one.steps[0].tobytes() == steps.tobytes()
        failed = [index for index, one in enumerate(alone) if one.failures]
        assert [index for index, _ in together.failures] == failed
        assert rollouts is None or rollouts.returns.tobytes() == together.returns.tobytes()
        rollouts = together
    assert (kind == "toys/Toy-v0") == bool(failed), "a failure keeps its place"
    work = Work(networks, weights, [1, 2], by_weight)
    spans = [work.chunk(unit, unit + 1) for unit in reversed(range(work.units))]
    merged = work.merge((chunk, work.roll_out(task, chunk, 60)) for chunk in spans)
    assert merged.returns.tobytes() == rollouts.returns.tobytes()
    task.close()


def test_weights_for_another_number_of_connections_are_refused():
    networks = [compile_genome(evolved(seed, 5)) for seed in range(2)]
    size = sum(network.sources.size for network in networks)
    with LocalEvaluator(TASK, 50, 1) as evaluator, pytest.raises(ValueError, match=f"1 individual .* {size}"):
        evaluator.evaluate(networks, np.ones((3, 1)), [1])


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
