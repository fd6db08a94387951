"""The compiled classic control tasks against Gymnasium's own environments."""

import os
from dataclasses import dataclass

import gymnasium
import numpy as np
import pytest
from conftest import ALL_CODES, evolved
from wann_envs import acrobot, cartpole, mountain_car, mountain_car_continuous, pendulum

from wann.kernels.activations import BY_NAME
from wann.kernels.lanes import blocks_for, kernel, lane_array, load, store, to_float32
from wann.kernels.physics import largest
from wann.networks.network import batch_networks, compile_genome, evaluate_network_numpy
from wann.rollouts.compiled import roll_out
from wann.settings import build_settings
from wann.tasks.registry import preset_settings

SLOW = "WANN_SLOW" in os.environ  # more and whole episodes: minutes instead of seconds
SMOOTH = tuple(code for code in ALL_CODES if code != BY_NAME["step"].code)
EPISODES = 2000 if SLOW else 1000


@dataclass(frozen=True)
class Case:
    """One task and what its test needs to know."""

    task: object
    steps: int  # of the random episodes, where the test is not the slow one
    low: tuple  # states that the random starts are drawn from
    high: tuple
    tolerance: float = 1e-12  # of a state after one step


TASKS = {
    case.task.name: case
    for case in (
        Case(cartpole.TASK, 500, (-2.4, -3, -0.21, -3), (2.4, 3, 0.21, 3)),
        # A step of 0.2 s at such speeds makes 10,000 times more of a rounding error.
        Case(acrobot.TASK, 60, (-np.pi, -np.pi, -9, -21), (np.pi, np.pi, 9, 21), tolerance=1e-9),
        Case(mountain_car.TASK, 100, (-1.2, -0.07), (0.55, 0.07)),
        Case(mountain_car_continuous.TASK, 120, (-1.2, -0.07), (0.5, 0.07)),
        Case(pendulum.TASK, 60, (-7, -8), (7, 8)),
    )
}


@pytest.fixture(params=TASKS.values(), ids=TASKS)
def case(request):
    return request.param


def is_discrete(task):
    return len(task.outputs) > 1


def scaled_action(task, space, outputs):
    """Action of the environment: the largest output, or the clipped ones in the space's range and type."""
    if is_discrete(task):
        return int(np.argmax(outputs))
    return (space.low + (np.clip(outputs, -1, 1) + 1) / 2 * (space.high - space.low)).astype(space.dtype)


def lanes_of(columns):
    """(rows, blocks, WIDTH) from (L, rows)."""
    lanes = lane_array(columns.shape[1], blocks_for(len(columns)))
    lanes.reshape(columns.shape[1], -1)[:, : len(columns)] = columns.T
    return lanes


def columns_of(lanes, count):
    """(L, rows) from (rows, blocks, WIDTH)."""
    return lanes.reshape(len(lanes), -1)[:, :count].T.copy()


def kernel_step(task, states, outputs):
    """The kernels' new states, observations, rewards and ends of one step of many episodes."""
    lanes, outcome = lanes_of(states), lane_array(2, blocks_for(len(states)))
    observation = lane_array(len(task.inputs), blocks_for(len(states)))
    task.dynamics.observe(lanes, observation, lanes.shape[1])
    task.dynamics.step(lanes, observation, lanes_of(outputs), outcome, lanes.shape[1])
    reward, ended = columns_of(outcome, len(states)).T
    return columns_of(lanes, len(states)), columns_of(observation, len(states)), reward, ended != 0.0


def gymnasium_step(task, env, states, outputs):
    """As `kernel_step`, by Gymnasium's environment, one episode after the other."""
    results = []
    for state, output in zip(states, outputs, strict=True):
        # The state is kept in float32 where Gymnasium does so, all but the start.
        narrow = task.name == "MountainCarContinuous-v0" and (np.float32(state) == state).all()
        env.state = state.astype(np.float32 if narrow else np.float64)
        env.steps_beyond_terminated = None
        observation, reward, ended, _, _ = env.step(scaled_action(task, env.action_space, output))
        results.append((np.array(env.state, np.float64), observation, reward, ended))
    return tuple(np.array(part) for part in zip(*results, strict=True))


def random_starts(case, *, rng):
    """Half from the environment's own reset, half from anywhere, with many at the edges."""
    starts = rng.uniform(case.low, case.high, (EPISODES, len(case.low)))
    edges = np.where(rng.random(starts.shape) < 0.5, case.low, case.high)
    starts = np.where(rng.random(starts.shape) < 0.1, edges, starts)
    if case.task.name == "MountainCarContinuous-v0":
        starts = starts.astype(np.float32).astype(np.float64)
    starts[: EPISODES // 2] = case.task.starts(range(EPISODES // 2))
    return starts


def distance(task, ours, theirs):
    """Between states, entry by entry; an angle of just half a turn may be at either end of its range."""
    difference = ours - theirs
    if task.name == "Acrobot-v1":
        angles = difference[:, :2]
        at_the_end = np.pi - np.abs(ours[:, :2]) < 1e-9
        difference[:, :2] = np.where(at_the_end, angles - 2 * np.pi * np.round(angles / 2 / np.pi), angles)
    return np.abs(difference)


@pytest.mark.slow
def test_every_step_of_random_episodes_agrees_with_gymnasium_s_own(case):
    task, rng = case.task, np.random.default_rng(7)
    env = gymnasium.make(task.env_id, disable_env_checker=True).unwrapped
    env.reset(seed=0)
    states = random_starts(case, rng=rng)
    ends = unequal = compared = 0
    for _ in range(task.episode_steps if SLOW else case.steps):
        outputs = rng.normal(size=(len(states), len(task.outputs)))
        ours, observed, reward, ended = kernel_step(task, states, outputs)
        their_states, their_observed, their_reward, their_ended = gymnasium_step(task, env, states, outputs)
        apart = distance(task, ours, their_states)
        if task.name == "MountainCarContinuous-v0":
            # A float32: the nearest, or its neighbour where the exact value lies between two.
            assert (apart <= np.spacing(np.abs(their_states).astype(np.float32))).all()
            unequal += np.count_nonzero(apart)
        else:
            assert apart.max() < case.tolerance
        assert (
            np.abs(observed - their_observed) <= np.spacing(np.abs(their_observed) + np.float32(1e-6))
        ).all()
        unequal += np.count_nonzero(observed != their_observed)
        compared += observed.size
        np.testing.assert_allclose(reward, their_reward, rtol=0, atol=1e-9)
        assert ended.tolist() == their_ended.tolist()
        ends += np.count_nonzero(ended)
        states = ours[~ended]
        if not len(states):
            break
    assert unequal <= 1e-4 * compared, "observations are rounded to float32 as Gymnasium's are"
    assert ends >= (0 if task.name == "Pendulum-v1" else 100), "many episodes have ended"


@pytest.mark.slow
def test_whole_rollouts_agree_with_gymnasium_s_environment(case):
    task, rng = case.task, np.random.default_rng(11)
    # Without the step function, which may turn a rounding error of 1e-16 into 1.
    networks = [
        compile_genome(evolved(seed, 15, len(task.inputs), len(task.outputs), SMOOTH)) for seed in range(100)
    ]
    seeds, weights = [3, 4], rng.uniform(-2, 2, 2)
    lanes = [(weight, seed) for weight in weights for seed in seeds]
    starts, lane_weights = np.tile(task.starts(seeds), (2, 1)), np.repeat(weights, 2)
    batch = batch_networks(networks)
    rollouts = roll_out(task.dynamics, batch, lane_weights, starts, task.episode_steps, 0, len(networks))
    env = gymnasium.make(task.env_id, disable_env_checker=True)
    # Those that do most, as many networks never move the car or lift the pendulum.
    for index in np.argsort(rollouts.returns.std(axis=1))[-3:]:
        network = networks[index]
        for lane, (weight, seed) in enumerate(lanes):
            total, steps, over = 0.0, 0, False
            observation, _ = env.reset(seed=seed)
            while not over:
                inputs = observation[None].astype(np.float64)
                values = evaluate_network_numpy(network, inputs, np.array([weight]))
                action = scaled_action(task, env.action_space, values[0, network.outputs])
                observation, reward, terminated, truncated, _ = env.step(action)
                total, steps, over = total + reward, steps + 1, terminated or truncated
            assert rollouts.steps[index, lane] == steps
            assert rollouts.returns[index, lane] == pytest.approx(total, abs=1e-6)
    assert len(np.unique(rollouts.returns)) > 5, "not all networks do the same"
    env.close()


def test_a_task_describes_gymnasium_s_environment(case):
    task = case.task
    env = gymnasium.make(task.env_id)
    assert env.spec.max_episode_steps == task.episode_steps
    assert env.observation_space.shape == (len(task.inputs),)
    assert env.observation_space.dtype == np.float32
    actions = env.action_space.n if is_discrete(task) else env.action_space.shape[0]
    assert actions == len(task.outputs)
    observation, _ = env.reset(seed=5)
    observed = lane_array(len(task.inputs), 1)
    task.dynamics.observe(lanes_of(task.starts([5])), observed, 1)
    np.testing.assert_allclose(columns_of(observed, 1)[0], observation, rtol=2**-23, atol=0)
    env.close()


def test_presets_are_valid_and_told_apart(case):
    for preset in case.task.presets:
        settings = build_settings(preset_settings(case.task, preset))
        assert settings.max_steps == case.task.episode_steps
    assert (
        set(case.task.presets)
        == set(case.task.preset_notes)
        == {*("lexicase", "stratified", "paper", "laptop")}
    )


def test_the_largest_output_is_the_first_of_equals_and_never_one_that_is_no_number():
    @kernel
    def chosen(action, result):
        for b in range(result.shape[1]):
            store(result, 0, b, largest(action, b))

    values = [-1e300, -1.0, 0.0, 1.0, np.inf, np.nan]
    for count in (2, 3):
        outputs = np.stack(np.meshgrid(*[values] * count), axis=-1).reshape(-1, count)
        result = lane_array(1, blocks_for(len(outputs)))
        chosen(lanes_of(outputs), result)
        assert columns_of(result, len(outputs))[:, 0].tolist() == [
            np.argmax(np.where(np.isnan(row), -np.inf, row)) for row in outputs
        ]


def test_rounding_to_float32_is_that_of_numpy():
    @kernel
    def alone(x):
        return to_float32(x)

    @kernel
    def side_by_side(values):
        for b in range(values.shape[1]):
            store(values, 0, b, to_float32(load(values, 0, b)))

    rng = np.random.default_rng(2)
    values = rng.normal(size=4000) * 10.0 ** rng.integers(-46, 40, 4000)
    between = 1.0 + np.arange(8) * 2.0**-24  # every other one lies just between two float32
    values = np.concatenate([values, between, -between, [0.0, -0.0, np.inf, -np.inf, np.nan]])
    with np.errstate(over="ignore", under="ignore"):
        rounded = values.astype(np.float32).astype(np.float64)
    lanes = lanes_of(values[:, None])
    side_by_side(lanes)
    assert columns_of(lanes, values.size)[:, 0].tobytes() == rounded.tobytes()
    assert np.array([alone(x) for x in values]).tobytes() == rounded.tobytes()


@pytest.mark.parametrize("task", [pendulum.TASK, mountain_car_continuous.TASK], ids=lambda task: task.name)
def test_outputs_are_clipped_to_the_range_and_the_middle_where_they_are_no_number(task):
    outputs = np.array([[np.inf], [1.0], [-7.0], [-1.0], [np.nan], [0.0]])
    states, _, reward, _ = kernel_step(task, np.repeat(task.starts([1]), 6, axis=0), outputs)
    for one, same in ((0, 1), (2, 3), (4, 5)):
        assert states[one].tolist() == states[same].tolist()
        assert reward[one] == reward[same]
    assert len(np.unique(states[:, 1])) == 3
