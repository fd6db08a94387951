"""The kernel of many worlds against Gymnasium's own episodes of the same networks, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from champions import genome_of
from conftest import evolved

from wann.kernels.box2d.records import MOST_CONTACTS
from wann.networks.network import batch_networks, compile_genome
from wann.rollouts.job import Job
from wann.rollouts.worlds import WORLDS, roll_out
from wann.tasks.registry import get_task

WALKER, LANDER = get_task("BipedalWalker-v3"), get_task("LunarLander-v3")
TASKS = [
    WALKER,
    LANDER,
    get_task("LunarLander-v3", {"enable_wind": True, "gravity": -7.0}),
    get_task("LunarLanderContinuous-v3"),
]
NAMES = ["walker", "lander", "windy lander", "throttled lander"]
tasks = pytest.mark.parametrize("task", TASKS, ids=NAMES)


def networks_of(task, count, mutations=25):
    sides = len(task.inputs), len(task.outputs)
    return [compile_genome(evolved(seed, mutations, *sides)) for seed in range(count)]


def assert_equal(one, other):
    assert one.returns.tobytes() == other.returns.tobytes()
    assert one.steps.tolist() == other.steps.tolist()
    assert not one.failures
    assert not other.failures


@tasks
def test_returns_and_steps_are_gymnasiums(task):
    pytest.importorskip("Box2D", reason="Box2D is the oracle")
    batch = batch_networks(networks_of(task, 3))
    job = Job(batch, np.array([-1.5, -0.3, 0.8, 2.0]), [3, 4], 150, 0, 3)
    came = task.roll_out(job)
    assert_equal(came, task.outside.roll_out(job))
    assert len(np.unique(came.steps)) > 2, "episodes of several lengths"


@tasks
def test_returns_with_individual_weights_are_gymnasiums(task):
    pytest.importorskip("Box2D", reason="Box2D is the oracle")
    networks = networks_of(task, 3)
    rng = np.random.default_rng(1)
    sets = rng.uniform(-2.0, 2.0, (3, networks[1].sources.size))
    job = Job(batch_networks(networks), sets, [5, 6], 150, 1, 2)
    assert_equal(task.roll_out(job), task.outside.roll_out(job))


@tasks
def test_outputs_that_are_not_finite_do_what_they_do_in_gymnasium(task):
    pytest.importorskip("Box2D", reason="Box2D is the oracle")
    job = Job(batch_networks(networks_of(task, 2)), np.array([np.inf, np.nan, -np.inf, 1e200]), [7], 60, 0, 2)
    assert_equal(task.roll_out(job), task.outside.roll_out(job))


@tasks
@pytest.mark.parametrize("individual", [False, True], ids=["shared", "individual"])
def test_a_rollout_depends_on_nothing_beside_it(task, individual):
    networks = networks_of(task, 5)
    batch, begins = batch_networks(networks), np.cumsum([0, *(each.sources.size for each in networks)])
    rng = np.random.default_rng(2)
    weights = rng.uniform(-2.0, 2.0, (5, begins[-1]) if individual else 5)
    seeds = [1, 2, 3, 4]

    def part(first, last, rows=slice(None), episodes=seeds):
        own = (
            np.ascontiguousarray(weights[rows, begins[first] : begins[last]]) if individual else weights[rows]
        )
        return roll_out(task.mechanics, Job(batch, own, episodes, 120, first, last))

    whole = part(0, 5)
    assert whole.returns.size > WORLDS, "worlds are used again"
    for first, last in ((0, 1), (1, 4), (2, 5), (4, 5)):
        some = part(first, last)
        assert some.returns.tobytes() == whole.returns[first:last].tobytes()
        assert some.steps.tolist() == whole.steps[first:last].tolist()
    for network, row, episode in ((0, 0, 0), (3, 2, 1), (4, 4, 3)):
        one = part(network, network + 1, slice(row, row + 1), seeds[episode : episode + 1])
        assert one.returns.tobytes() == whole.returns[network, row, episode].tobytes()
        assert one.steps.item() == whole.steps[network, row, episode]


@pytest.mark.parametrize("max_steps", [1, 2, 49, 50])
def test_the_limit_on_steps_cuts_episodes_off(max_steps):
    batch, weights = batch_networks(networks_of(WALKER, 2)), np.array([-1.0, 1.0])
    came = WALKER.roll_out(Job(batch, weights, [1, 2], max_steps, 0, 2))
    whole = WALKER.roll_out(Job(batch, weights, [1, 2], 300, 0, 2))
    assert came.steps.tolist() == np.minimum(whole.steps, max_steps).tolist()
    assert came.steps.max() == max_steps


def crowded(seeds, max_steps):
    """The lander's episodes; that with seed 13 has a thicket of lines below where it starts."""
    records, noise = LANDER.mechanics.episodes(seeds, max_steps)
    records = records.copy()
    for record, seed in zip(records, seeds, strict=True):
        if seed == 13:
            first, last = record["edges"], record["edges"] + MOST_CONTACTS + 20
            record["edge"][first:last] = record["edge"][1]
            middle = {"x1": 4.0, "x2": 16.0, "y1": 10.0, "y2": 10.0, "normal_x": 0.0, "normal_y": 1.0}
            box = {"low_x": 4.0, "high_x": 16.0, "low_y": 9.9, "high_y": 10.1}
            for name, value in (middle | box).items():
                record["edge"][name][first:last] = value
            record["edges"] = last
    return records, noise


def test_a_network_with_more_contacts_than_fit_fails_and_the_others_go_on():
    none, main = 9, 11  # which engine fires
    falling, rising = (compile_genome(genome_of(8, 4, [], [(0, engine, True)])) for engine in (none, main))
    batch = batch_networks([rising, falling, rising])
    mechanics = replace(LANDER.mechanics, episodes=crowded)
    job = Job(batch, np.array([1.0]), [12, 13], 60, 0, 3)
    came, plain = roll_out(mechanics, job), LANDER.roll_out(job)
    assert [index for index, _ in came.failures] == [1]
    assert f"more than the {MOST_CONTACTS} contacts" in came.failures[0][1]
    assert came.steps[1, 0, 1] < plain.steps[1, 0, 1]
    for index in (0, 2):
        assert came.returns[index].tobytes() == plain.returns[index].tobytes()
    assert came.returns[1, 0, 0] == plain.returns[1, 0, 0]
    assert not plain.failures
