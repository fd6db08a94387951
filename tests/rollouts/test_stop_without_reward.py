"""Episodes that end where no new highest return comes, against the returns of episodes of every length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import evolved

from wann.networks.network import batch_networks, compile_genome
from wann.rollouts.job import Job
from wann.run.search import resolve
from wann.tasks.environment_task import GymnasiumTask, PoolTask
from wann.tasks.registry import get_task

STEPS = 40
PENDULUM, LANDER = get_task("Pendulum-v1"), get_task("LunarLander-v3")
TASKS = {
    "lanes": replace(PENDULUM, dynamics=PENDULUM.goal.counting),  # 1 for every step upright
    "worlds": LANDER,
    "gymnasium": LANDER.outside,
}
tasks = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


def job_of(task, max_steps):
    episodes = 2 if isinstance(task, GymnasiumTask) else 7
    sides = len(task.inputs), len(task.outputs)
    batch = batch_networks([compile_genome(evolved(seed, 12, *sides)) for seed in range(3)])
    return Job(batch, np.array([-1.5, -0.4, 0.3, 1.0, 2.0]), list(range(episodes)), max_steps, 0, 3)


def cut_off(task, patience, max_steps=STEPS):
    """Returns and steps, by the definition: from what episodes of 1, 2, 3 ... steps have returned."""
    returns = [task.roll_out(job_of(task, limit)).returns for limit in range(1, max_steps + 1)]
    whole = task.roll_out(job_of(task, max_steps))
    came, steps = whole.returns.copy(), whole.steps.copy()
    for place in np.ndindex(came.shape):
        highest, reached = 0.0, 0
        for now in range(1, int(whole.steps[place]) + 1):
            if returns[now - 1][place] > highest:
                highest, reached = returns[now - 1][place], now
            if now - reached >= patience:
                came[place], steps[place] = returns[now - 1][place], now
                break
    return came, steps


@pytest.mark.parametrize("patience", [1, 6])
@tasks
def test_an_episode_ends_after_so_many_steps_without_a_new_highest_return(task, patience):
    returns, steps = cut_off(task, patience)
    came = replace(task, stop_without_reward=patience).roll_out(job_of(task, STEPS))
    assert came.returns.tobytes() == returns.tobytes()
    assert came.steps.tolist() == steps.tolist()
    assert patience in steps, "some are cut off as early as can be"
    assert len(np.unique(steps)) > 1, "and others later"


def test_the_pool_ends_them_too():
    pytest.importorskip("envpool")
    pooled = get_task("LunarLander-v3", stepping="pool", stop_without_reward=6)
    returns, steps = cut_off(pooled.whole, 6)
    came = pooled.roll_out(job_of(pooled, STEPS))
    assert came.returns.tobytes() == returns.tobytes()
    assert came.steps.tolist() == steps.tolist()


@tasks
def test_champions_are_confirmed_on_whole_episodes(task):
    cut = replace(task, stop_without_reward=2)
    whole, job = task.roll_out(job_of(task, STEPS)), job_of(task, STEPS)
    assert cut.confirming.roll_out(job).returns.tobytes() == whole.returns.tobytes()
    assert cut.roll_out(job).returns.tobytes() != whole.returns.tobytes()
    assert get_task(*cut.spec).stop_without_reward == 2, "other processes know of it"
    assert task.confirming is task


def test_what_stands_in_for_an_environment_is_confirmed_on_whole_episodes_of_it():
    shared = {"name": "x", "env_id": "x", "summary": "", "inputs": (), "outputs": (), "episode_steps": 9}
    pooled = PoolTask(**shared, stop_without_reward=3)
    assert type(pooled.confirming) is GymnasiumTask
    assert pooled.confirming.stop_without_reward is None
    other_bits = replace(LANDER, confirm_outside=True, stop_without_reward=3)
    assert type(other_bits.confirming) is GymnasiumTask
    assert other_bits.confirming.stop_without_reward is None


@pytest.mark.parametrize("name", ["stop_without_reward", "own_episodes"])
def test_a_data_set_has_no_episodes_to_end(name):
    with pytest.raises(ValueError, match=f"'{name}': digits is a data set"):
        resolve("digits", settings={name: True if name == "own_episodes" else 5})
