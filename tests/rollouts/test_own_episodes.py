"""Episodes of its own for each weight: the returns of each weight alone on its episodes."""

from __future__ import annotations

import numpy as np
import pytest
import toys  # noqa: F401  registers its environments
from conftest import evolved

from wann.evaluation.evaluator import LocalEvaluator
from wann.networks.network import batch_networks, compile_genome
from wann.rollouts.job import Job
from wann.tasks.registry import get_task

WEIGHTS = np.array([-1.5, -0.4, 0.3, 1.0])
SEEDS = np.array([[5, 6], [7, 8], [6, 5], [5, 5]])  # some of them the same
TASKS = {
    "lanes": get_task("swingup"),
    "worlds": get_task("LunarLander-v3"),
    "gymnasium": get_task("swingup", stepping="gymnasium"),
}
tasks = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


def networks_of(task, count=3):
    sides = len(task.inputs), len(task.outputs)
    return [compile_genome(evolved(seed, 15, *sides)) for seed in range(count)]


def alone(task, networks, max_steps):
    """Returns and steps of each weight on its own episodes."""
    jobs = [
        Job(batch_networks(networks), WEIGHTS[w : w + 1], seeds.tolist(), max_steps, 0, len(networks))
        for w, seeds in enumerate(SEEDS)
    ]
    parts = [task.roll_out(job) for job in jobs]
    return np.concatenate([p.returns for p in parts], 1), np.concatenate([p.steps for p in parts], 1)


@tasks
@pytest.mark.parametrize("count", [1, 3], ids=["weight by weight", "network by network"])
def test_each_weight_is_tried_on_its_own_episodes(task, count):
    networks = networks_of(task, count)
    returns, steps = alone(task, networks, 60)
    with LocalEvaluator(task, 60, 2) as evaluator:
        came = evaluator.evaluate(networks, WEIGHTS, SEEDS)
    assert came.returns.tobytes() == returns.tobytes()
    assert came.steps.tolist() == steps.tolist()
    assert came.returns[:, 0, 0].tolist() != came.returns[:, 3, 0].tolist()


def test_the_pool_does_so_too():
    pytest.importorskip("envpool")
    task = get_task("LunarLander-v3", stepping="pool")
    networks = networks_of(task)
    returns, _ = alone(task, networks, 60)
    job = Job(batch_networks(networks), WEIGHTS, SEEDS, 60, 0, 3)
    assert task.roll_out(job).returns.tobytes() == returns.tobytes()


def test_a_failure_names_the_episode_of_its_weight():
    task = get_task("toys/Toy-v0", {"trouble": "nan", "width": 9.0})
    job = Job(batch_networks(networks_of(task, 1)), WEIGHTS[1:], SEEDS[1:], 60, 0, 1)
    ((_, reason),) = task.roll_out(job).failures
    assert "seed 7" in reason.splitlines()[0]
