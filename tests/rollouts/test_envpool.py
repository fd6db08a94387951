"""The C++ pool: episodes that follow from their own seeds, whatever else is played with them."""

import sys
import warnings
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from conftest import evolved
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import wann.rollouts.envpool
from wann.networks.network import batch_networks, compile_genome, evaluate_network
from wann.rollouts.envpool import pool_available, pool_episodes
from wann.rollouts.job import Job
from wann.rollouts.spaces import action_codec, observation_codec
from wann.rollouts.stepper import Stepper

WEIGHTS = np.array([-1.5, 0.5, 2.0])
SEEDS = (7, 2**31 - 1, 0, 123456)
IDS = ("BipedalWalker-v3", "LunarLander-v3", "LunarLanderContinuous-v3", "Pendulum-v1")


@pytest.fixture
def envpool():
    return pytest.importorskip("envpool", reason="the extra envpool is not installed")


def spaces_of(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an error in the import of Box2D would end the process
        try:
            env = gymnasium.make(env_id)
        except gymnasium.error.DependencyNotInstalled as error:
            pytest.skip(str(error))
    with env:
        return env.observation_space, env.action_space


def networks_for(env_id, count, mutations=30):
    observations, actions = spaces_of(env_id)
    inputs, outputs = observations.shape[0], action_codec(actions).size
    return [compile_genome(evolved(seed, mutations, inputs, outputs)) for seed in range(count)]


def alone(envpool, env_id, network, weight, seed, max_steps):
    """Return and steps of one episode in a pool of its own, one network evaluated at a time."""
    decode = action_codec(spaces_of(env_id)[1]).decode
    one = envpool.make_dm(env_id, num_envs=1, seed=[seed])
    moment, total, steps = one.reset(), 0.0, 0
    while steps < max_steps and not moment.last()[0]:
        values = evaluate_network(network, moment.observation.obs.astype(np.float64), weight[None])
        action = np.asarray(decode(values[0, network.outputs]))
        moment = one.step(action[None].astype(one.spec.action_array_spec["action"].dtype))
        total, steps = total + float(moment.reward[0]), steps + 1
    return total, steps


def equal(one, other):
    return (
        one.returns.tobytes() == other.returns.tobytes()
        and one.steps.tobytes() == other.steps.tobytes()
        and one.failures == other.failures
    )


@pytest.mark.parametrize("individual", [False, True], ids=["shared", "individual"])
@pytest.mark.parametrize("env_id", IDS)
def test_an_episode_among_others_is_the_one_played_alone(envpool, env_id, individual):
    networks = networks_for(env_id, 1 if individual else 3)
    weights = WEIGHTS
    if individual:
        weights = np.random.default_rng(1).uniform(-2, 2, (3, networks[0].sources.size))
    together = pool_episodes(env_id, Job(batch_networks(networks), weights, SEEDS, 80, 0, len(networks)))
    assert together.returns.shape == (len(networks), 3, 4)
    assert together.failures == ()
    for n, w, e in np.ndindex(together.returns.shape):
        found = together.returns[n, w, e], together.steps[n, w, e]
        assert found == alone(envpool, env_id, networks[n], weights[w], SEEDS[e], 80)


@pytest.mark.parametrize("env_id", ["BipedalWalker-v3", "LunarLander-v3"])
def test_chunks_threads_and_the_size_of_the_pool_change_nothing(envpool, env_id, monkeypatch):
    batch = batch_networks(networks_for(env_id, 5))
    whole = pool_episodes(env_id, Job(batch, WEIGHTS, SEEDS, 150, 0, 5))
    assert len(np.unique(whole.steps)) > 10, "episodes of many lengths"
    assert equal(whole, pool_episodes(env_id, Job(batch, WEIGHTS, SEEDS, 150, 0, 5), threads=2))
    for first, last in ((0, 1), (1, 4), (4, 5)):
        part = pool_episodes(env_id, Job(batch, WEIGHTS, SEEDS, 150, first, last))
        assert part.returns.tobytes() == whole.returns[first:last].tobytes()
        assert part.steps.tobytes() == whole.steps[first:last].tobytes()
    backwards = pool_episodes(env_id, Job(batch, WEIGHTS[::-1], SEEDS[::-1], 150, 0, 5))
    assert (backwards.returns[:, ::-1, ::-1] == whole.returns).all()
    monkeypatch.setattr(wann.rollouts.envpool, "MOST_LANES", 7)  # cuts networks in two
    assert equal(whole, pool_episodes(env_id, Job(batch, WEIGHTS, SEEDS, 150, 0, 5)))


def test_a_seed_gives_its_own_start(envpool):
    batch = batch_networks(networks_for("LunarLander-v3", 1))
    returns = pool_episodes("LunarLander-v3", Job(batch, WEIGHTS[:1], range(40), 50, 0, 1)).returns
    assert len(np.unique(returns)) == 40


def test_it_is_the_task_of_gymnasium(envpool):
    # The random numbers differ, so only the distributions can be compared.
    env_id, seeds = "LunarLander-v3", range(60)
    observations, actions = spaces_of(env_id)
    batch = batch_networks(networks_for(env_id, 2))
    ours = pool_episodes(env_id, Job(batch, WEIGHTS[:1], seeds, 1000, 0, 2))
    make = lambda: gymnasium.make(env_id)  # noqa: E731
    with Stepper(make, observation_codec(observations), action_codec(actions)) as stepper:
        theirs = stepper.roll_out(Job(batch, WEIGHTS[:1], seeds, 1000, 0, 2))
    for one, other in ((ours.returns, theirs.returns), (ours.steps, theirs.steps)):
        difference = one.mean(axis=(1, 2)) - other.mean(axis=(1, 2))
        error = np.sqrt((one.var(axis=(1, 2)) + other.var(axis=(1, 2))) / 60)
        assert (np.abs(difference) < 4 * error).all()


@pytest.mark.parametrize("env_id", [*IDS[:3], "BipedalWalkerHardcore-v3"])
def test_the_pool_is_available_where_it_plays_gymnasiums_task(envpool, env_id):
    assert pool_available(env_id, *spaces_of(env_id)) is None


def test_every_reason_against_the_pool_is_named(envpool, monkeypatch):
    walker = spaces_of("BipedalWalker-v3")
    box, choice = spaces.Box(-1, 1, (24,)), spaces.Discrete(4)
    with monkeypatch.context() as patch:
        patch.setattr(envpool, "list_all_envs", lambda: ["LunarLander-v3"])
        assert "envpool has no BipedalWalker-v3" in pool_available("BipedalWalker-v3", *walker)
    for other in ("Hopper-v5", "CartPole-v1", "package:Name-v0", "wann/CartPoleSwingUp-v0"):
        assert "only Gymnasium's own Box2D" in pool_available(other, *walker)
    assert "hardcore" in pool_available("BipedalWalker-v3", *walker, {"hardcore": True})
    assert "in one row" in pool_available("BipedalWalker-v3", spaces.Discrete(24), walker[1])
    assert "(24,) numbers" in pool_available("BipedalWalker-v3", spaces.Box(-1, 1, (25,)), walker[1])
    for other in (choice, spaces.Box(-2, 1, (4,)), spaces.Box(-1, 1, (5,))):
        assert "other actions" in pool_available("BipedalWalker-v3", box, other)
    assert "in one row" in pool_available("BipedalWalker-v3", box, spaces.MultiBinary(4))
    monkeypatch.setitem(sys.modules, "envpool", None)
    assert "pip install 'wann[envpool]'" in pool_available("BipedalWalker-v3", *walker)


def test_a_pool_that_seeds_by_place_is_not_used(envpool, monkeypatch):
    def by_place(env_id, seeds, max_steps, threads):
        return envpool.make_dm(env_id, num_envs=seeds.size, seed=int(seeds[0]), max_episode_steps=max_steps)

    monkeypatch.setattr(wann.rollouts.envpool, "_make", by_place)
    assert "more than its own seed" in pool_available("LunarLander-v3", *spaces_of("LunarLander-v3"))


def test_a_pool_without_a_seed_for_each_environment_is_too_old(monkeypatch):
    spec = SimpleNamespace(config=SimpleNamespace(_fields=("num_envs", "seed")))
    old = SimpleNamespace(
        __version__="0.8.4", list_all_envs=lambda: ["LunarLander-v3"], make_spec=lambda env_id: spec
    )
    monkeypatch.setitem(sys.modules, "envpool", old)
    assert "0.8.4" in pool_available("LunarLander-v3", spaces.Box(-1, 1, (8,)), spaces.Discrete(4))


def test_a_seed_that_the_pool_cannot_take_is_refused():
    batch = batch_networks([compile_genome(evolved(0, 3, 3, 1))])
    for seed in (-1, 2**31):
        with pytest.raises(ValueError, match=f"not {seed}"):
            pool_episodes("Pendulum-v1", Job(batch, WEIGHTS, (1, seed), 10, 0, 1))


class ScriptedPool:
    """Stands in for a pool: what its environments give is written down beforehand.

    Args:
        action: spec of an action.
        observations: (T+1, N, I).
        rewards: (T, N).
        lengths: (N,) steps of each episode.
    """

    def __init__(self, action, observations, rewards, lengths):
        self.spec = SimpleNamespace(action_array_spec={"action": action})
        self.observations, self.rewards, self.lengths = observations, rewards, np.asarray(lengths)
        self.clock = np.zeros(len(self.lengths), int)
        self.taken = []

    def _moment(self, ids):
        now = self.clock[ids]
        return SimpleNamespace(
            observation=SimpleNamespace(obs=self.observations[now, ids]),
            reward=self.rewards[now - 1, ids],
            step_type=np.where(now == self.lengths[ids], 2, 1),
        )

    def reset(self):
        return self._moment(np.arange(len(self.lengths)))

    def step(self, actions, ids):
        assert (self.clock[ids] < self.lengths[ids]).all(), "stepped after its end"
        self.taken.append((ids, actions))
        self.clock[ids] += 1
        return self._moment(ids)


FLOATS = SimpleNamespace(dtype=np.float32, shape=[-1, 2], minimum=-0.4, maximum=1.6)
CHOICE = SimpleNamespace(dtype=np.int32, shape=[-1], minimum=1, maximum=2)


@pytest.fixture
def scripted(monkeypatch):
    def install(*script):
        made = ScriptedPool(*script)
        monkeypatch.setattr(wann.rollouts.envpool, "_make", lambda *_: made)
        return made

    return install


@pytest.mark.slow
@settings(max_examples=60)
@given(
    seed=st.integers(0, 20),
    weight=st.floats(),
    observations=hnp.arrays(np.float32, (1, 5, 3), elements=st.floats(-1e6, 1e6, width=32)),
    choice=st.booleans(),
)
def test_outputs_become_the_actions_of_gymnasiums_space(scripted, seed, weight, observations, choice):
    network, weights = compile_genome(evolved(seed, 15, 3, 2)), np.array([weight])
    space = spaces.Discrete(2, start=1) if choice else spaces.Box(-0.4, 1.6, (2,), np.float32)
    script = np.repeat(observations, 2, axis=0), np.zeros((1, 5)), [1] * 5
    made = scripted(CHOICE if choice else FLOATS, *script)
    pool_episodes("Any-v0", Job(batch_networks([network]), weights, range(5), 1, 0, 1))
    values = evaluate_network(network, observations[0].astype(np.float64), np.full(5, weight))
    expected = [action_codec(space).decode(row) for row in values[:, network.outputs]]
    ((_, actions),) = made.taken
    assert actions.dtype == (np.int32 if choice else np.float32)
    assert (actions == np.array(expected)).all()


def broken(places, observation_is=None, reward_is=None):
    """Script for 3 networks x 2 seeds, 4 to 9 steps, with something wrong at the given (time, lane)."""
    rng = np.random.default_rng(3)
    observations, rewards = rng.normal(size=(10, 6, 3)), rng.normal(size=(9, 6))
    for now, lane in places:
        if observation_is is not None:
            observations[now, lane] = observation_is
        if reward_is is not None:
            rewards[now - 1, lane] = reward_is
    return FLOATS, observations, rewards, [4, 5, 6, 7, 8, 9]


def play_broken(scripted, script):
    scripted(*script)
    batch = batch_networks([compile_genome(evolved(seed, 10, 3, 2)) for seed in range(3)])
    return pool_episodes("Any-v0", Job(batch, np.array([0.5]), (11, 12), 9, 0, 3))


@pytest.mark.parametrize("wrong", [{"reward_is": np.nan}, {"reward_is": np.inf}, {"observation_is": np.nan}])
def test_what_is_not_finite_fails_its_network_and_no_other(scripted, wrong):
    sound = play_broken(scripted, broken([]))
    assert sound.failures == ()
    assert sound.steps.ravel().tolist() == [4, 5, 6, 7, 8, 9]
    found = play_broken(scripted, broken([(5, 3), (2, 3), (3, 2)], **wrong))
    ((index, reason),) = found.failures
    assert index == 1
    assert "after step 3 of the episode with seed 11, weight 0.5" in reason, "the first episode that failed"
    assert ("return" if "reward_is" in wrong else "observation x0") in reason
    assert np.isnan(found.returns[1]).all()
    assert found.returns[[0, 2]].tobytes() == sound.returns[[0, 2]].tobytes()
    assert found.steps.ravel().tolist() == [4, 5, 3, 2, 8, 9]


def test_the_observation_that_ends_an_episode_may_hold_anything(scripted):
    sound = play_broken(scripted, broken([]))
    assert equal(sound, play_broken(scripted, broken([(4, 0), (9, 5)], observation_is=np.nan)))


def test_a_return_that_ends_beyond_all_numbers_fails_too(scripted):
    found = play_broken(scripted, broken([(9, 5)], reward_is=-np.inf))
    assert found.failures[0][0] == 2
    assert "the return is -inf (after step 9 of the episode with seed 12" in found.failures[0][1]
