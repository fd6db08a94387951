"""The lane kernel against a plain NumPy twin of the whole rollout."""

import numpy as np
import pytest
from conftest import ALL_CODES, evolved

from wann.kernels.activations import BY_NAME
from wann.kernels.lanes import lane_array
from wann.networks.network import batch_networks, compile_genome, evaluate_network_numpy
from wann.rollouts.compiled import advance, observe, roll_out
from wann.rollouts.job import Job
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.registry import COMPILED, facts, get_task

TASK = get_task("swingup")
SMOOTH = tuple(code for code in ALL_CODES if code != BY_NAME["step"].code)


def roll_out_numpy(network, weight, start, max_steps):
    """One episode with NumPy's forward pass and the dynamics stepped one lane at a time."""
    state, observation, total = start, observe(TASK.dynamics, start, 5), 0.0
    for step in range(max_steps):
        outputs = evaluate_network_numpy(network, observation[None], weight[None])[0, network.outputs]
        state, observation, reward, terminated = advance(TASK.dynamics, state, outputs, 5)
        total += reward
        if terminated:
            return total, step + 1
    return total, max_steps


@pytest.mark.parametrize("individual", [False, True], ids=["shared", "individual"])
@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_agrees_with_the_twin(seed, individual):
    # Without the step function, which may turn a rounding error of 1e-16 into 1.
    network = compile_genome(evolved(seed, 25, codes=SMOOTH))
    rng = np.random.default_rng(seed)
    lanes = 11
    starts = rng.normal((0, 0, np.pi, 0), 0.2, (lanes, 4))
    weights = rng.uniform(-2, 2, (lanes, network.sources.size) if individual else lanes)
    rollouts = roll_out(TASK.dynamics, batch_networks([network]), weights, starts, 60, 0, 1)
    for lane in range(lanes):
        total, steps = roll_out_numpy(network, weights[lane], starts[lane], 60)
        assert rollouts.steps[0, lane] == steps
        assert rollouts.returns[0, lane] == pytest.approx(total, abs=1e-6)


def test_lanes_end_at_their_own_time_without_disturbing_the_others():
    networks = [compile_genome(evolved(seed, 30)) for seed in range(6)]
    batch = batch_networks(networks)
    rng = np.random.default_rng(5)
    starts = rng.normal((0, 0, np.pi, 0), 0.2, (37, 4))
    starts[:, 0] = rng.uniform(-2.39, 2.39, 37)  # many near the end of the track
    weights = rng.uniform(-2, 2, 37)
    together = roll_out(TASK.dynamics, batch, weights, starts, 300, 0, 6)
    assert len(np.unique(together.steps)) > 20, "episodes of many lengths"
    assert (together.steps == 300).any()
    for index, network in enumerate(networks):
        for lane in range(37):
            alone = roll_out(
                TASK.dynamics,
                batch_networks([network]),
                weights[lane : lane + 1],
                starts[lane : lane + 1],
                300,
                0,
                1,
            )
            assert alone.steps[0, 0] == together.steps[index, lane]
            assert alone.returns[0, 0].tobytes() == together.returns[index, lane].tobytes()


@pytest.mark.parametrize("individual", [False, True], ids=["shared", "individual"])
@pytest.mark.parametrize("max_steps", [1, 15, 300])
@pytest.mark.parametrize("lanes", [9, 17, 18, 19, 26, 33])
def test_lanes_that_take_turns_compute_what_each_does_alone(lanes, max_steps, individual):
    networks = [compile_genome(evolved(seed, 25)) for seed in range(2)]
    batch, counts = batch_networks(networks), [network.sources.size for network in networks]
    rng = np.random.default_rng(lanes)
    starts = rng.normal((0, 0, np.pi, 0), 0.2, (lanes, 4))
    starts[::3, 0] = rng.uniform(-2.39, 2.39, len(starts[::3]))  # some near the end of the track
    weights = rng.uniform(-2, 2, (lanes, sum(counts)) if individual else lanes)
    together = roll_out(TASK.dynamics, batch, weights, starts, max_steps, 0, 2)
    assert max_steps < 300 or len(np.unique(together.steps)) > 2, "episodes of several lengths"
    for index, first in enumerate((0, counts[0])):
        own = weights[:, first : first + counts[index]] if individual else weights
        for lane in range(lanes):
            one = slice(lane, lane + 1)
            alone = roll_out(TASK.dynamics, batch, own[one], starts[one], max_steps, index, index + 1)
            assert alone.steps[0, 0] == together.steps[index, lane]
            assert alone.returns[0, 0].tobytes() == together.returns[index, lane].tobytes()


@pytest.mark.parametrize("name", [name for name in COMPILED if isinstance(facts(name), CompiledTask)])
def test_a_step_leaves_the_observation_of_the_new_state(name):
    task = get_task(name)
    rng = np.random.default_rng(1)
    state = lane_array(task.dynamics.state_size, 2)
    state.reshape(len(state), -1)[:] = task.starts(range(16)).T
    observation, observed = lane_array(len(task.inputs), 2), lane_array(len(task.inputs), 2)
    outcome, action = lane_array(2, 2), lane_array(len(task.outputs), 2)
    task.dynamics.observe(state, observation, 2)
    for _ in range(20):
        action[:] = rng.normal(size=action.shape)
        before = observation.copy()
        task.dynamics.step(state, observation, action, outcome, 2)
        task.dynamics.observe(state, observed, 2)
        assert observation.tobytes() == observed.tobytes() != before.tobytes()


def test_a_part_of_a_batch_equals_that_part_of_the_whole():
    batch = batch_networks([compile_genome(evolved(seed, 10 * seed)) for seed in range(5)])
    weights, seeds = np.array([-1.0, 0.5, 2.0]), [3, 4]
    whole = TASK.roll_out(Job(batch, weights, seeds, 100, 0, 5))
    part = TASK.roll_out(Job(batch, weights, seeds, 100, 2, 4))
    assert whole.returns.shape == (5, 3, 2)
    assert part.returns.tobytes() == whole.returns[2:4].tobytes()
    assert part.steps.tobytes() == whole.steps[2:4].tobytes()


def test_start_states_are_those_of_the_environment_s_own_reset():
    env = TASK.make_env()
    starts = TASK.starts([7, 8, 7])
    for seed, start in zip([7, 8, 7], starts, strict=True):
        env.reset(seed=seed)
        assert env.unwrapped.state.tolist() == start.tolist()
    env.close()


def test_a_network_that_overflows_gives_a_return_that_is_not_finite_and_nothing_else_suffers():
    calm = compile_genome(evolved(1, 20))
    wild = evolved(2, 0)
    wild = wild.evolve(enabled=np.ones_like(wild.enabled))
    batch = batch_networks([compile_genome(wild), calm])
    starts = np.array([[0.0, np.nan, np.pi, 0.0], [0.0, 0.0, np.pi, 0.0]])
    rollouts = roll_out(TASK.dynamics, batch, np.ones(2), starts, 50, 0, 2)
    assert np.isnan(rollouts.returns[:, 0]).all()
    assert np.isfinite(rollouts.returns[:, 1]).all()
