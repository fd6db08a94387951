"""Whole episodes of one world against Gymnasium's fresh environments, bit for bit."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from wann.kernels.box2d.records import new_worlds
from wann.kernels.box2d.world import start, step_alone
from wann.kernels.lanes import kernel
from wann.rollouts.compiled import Pointer
from wann.rollouts.worlds import ACT, OBSERVE
from wann.tasks.registry import get_task

pytest.importorskip("Box2D", reason="Box2D is the oracle")

from gymnasium.envs.box2d.bipedal_walker import BipedalWalkerHeuristics
from gymnasium.envs.box2d.lunar_lander import heuristic


@kernel
def play(act, observe, model, episode, noise, world, outputs, states, observations, rewards, ends):
    """An episode with these outputs of a network (T, A), whose first belong to the step inside of `reset`."""
    start(model, episode, world)
    for t in range(len(outputs)):
        act(model, world, noise, outputs[t])
        step_alone(model, episode, world)
        observe(model, episode, world, observations[t])
        for b in range(model.bodies):
            body, row = world.body[b], states[t, b]
            row[0], row[1], row[2] = body.origin_x, body.origin_y, body.angle
            row[3], row[4], row[5] = body.vx, body.vy, body.spin
            row[6] = body.awake
        rewards[t], ends[t] = world.reward if t > 0 else 0.0, world.terminated
        world.steps += 1


def states_of(env):
    bodies = [env.hull if hasattr(env, "hull") else env.lander, *env.legs]
    return [
        (*body.position, body.angle, *body.linearVelocity, body.angularVelocity, body.awake)
        for body in bodies
    ]


def assert_same_episode(task, seed, policy, max_steps):
    """Play an episode in both; returns its steps, last reward, end, and whether something fell asleep."""
    env = gymnasium.make(task.env_id, **task.env_kwargs).unwrapped  # a used one orders contacts differently
    seen, _ = env.reset(seed=seed)
    act = policy(env, np.random.default_rng(seed), len(task.outputs))
    outputs, states, observations = [np.zeros(len(task.outputs))], [states_of(env)], [seen]
    rewards, ends = [0.0], [False]
    while not ends[-1] and len(outputs) <= max_steps:
        outputs.append(np.asarray(act(seen), np.float64))
        seen, reward, terminated, *_ = env.step(task.action(outputs[-1]))
        states.append(states_of(env))
        observations.append(seen)
        rewards.append(float(reward))
        ends.append(terminated)
    env.close()

    mechanics, world = task.mechanics, new_worlds(1)[0]
    episodes, noise = mechanics.episodes([seed], max_steps)
    came = [np.zeros(np.shape(wanted)) for wanted in (states, observations, rewards, ends)]
    play(
        Pointer.to(mechanics.act, ACT),
        Pointer.to(mechanics.observe, OBSERVE),
        mechanics.model,
        episodes.copy()[0],
        noise.copy()[0],
        world,
        np.array(outputs),
        *came,
    )
    names = ("states", "observations", "rewards", "ends")
    for name, wanted, found in zip(names, (states, observations, rewards, ends), came, strict=True):
        differs = (found != np.asarray(wanted, np.float64)).reshape(len(found), -1).any(axis=1)
        assert not differs.any(), f"seed {seed}, {name} differ from step {differs.argmax()} on"
    assert not world["overflow"]
    return len(outputs) - 1, rewards[-1], ends[-1], (came[0][1:, :, 6] == 0).any()


def noise(_env, rng, size):
    return lambda _: rng.normal(size=size)


def bang_bang(env, rng, size):
    gains = rng.normal(size=(size, env.observation_space.shape[0]))
    return lambda seen: np.sign(np.sin(37.0 * gains @ seen))


def network(env, rng, size):
    """As networks of a search do: smooth in what is seen."""
    gains = rng.normal(size=(size, env.observation_space.shape[0]))
    return lambda seen: np.tanh(gains @ seen)


def pose(_env, rng, size):
    """Motors that hold still, so that the walker comes to rest as it stands or kneels."""
    held = rng.choice([-1.0, 0.0, 0.1, 1.0], size)
    return lambda _: held


def walk(_env, _rng, _size):
    heuristics = BipedalWalkerHeuristics()
    return lambda seen: heuristics.step_heuristic(seen).copy()


def land(env, _rng, size):
    return lambda seen: heuristic(env, seen) if env.continuous else np.eye(size)[heuristic(env, seen)]


@pytest.mark.parametrize(
    ("policy", "first", "sleeps"),
    [
        pytest.param(noise, 0, False, marks=pytest.mark.slow),
        pytest.param(bang_bang, 25, False, marks=pytest.mark.slow),
        (network, 50, False),
        (pose, 75, True),
    ],
)
def test_walks_are_gymnasiums(policy, first, sleeps):
    task = get_task("BipedalWalker-v3")
    played = [assert_same_episode(task, seed, policy, 300) for seed in range(first, first + 25)]
    assert any(reward == -100.0 for _, reward, _, _ in played), "a fall"
    assert not sleeps or any(asleep for *_, asleep in played)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "steps", "at_the_end"), [(0, 1600, False), (6, 1544, True)])
def test_long_walks_are_gymnasiums(seed, steps, at_the_end):
    played, reward, terminated, _ = assert_same_episode(get_task("BipedalWalker-v3"), seed, walk, 1600)
    assert (played, terminated, reward > 0.0) == (steps, at_the_end, True)


WINDS = [{}, {"enable_wind": True, "wind_power": 12.0, "turbulence_power": 0.7}]


@pytest.mark.parametrize("wind", WINDS, ids=["calm", "wind"])
@pytest.mark.parametrize("name", ["LunarLander-v3", "LunarLanderContinuous-v3"])
def test_landings_and_crashes_are_gymnasiums(name, wind):
    task, last = get_task(name, wind), []
    for seed in range(25):
        policy = (land, noise, land, bang_bang, network)[seed % 5]
        last.append(assert_same_episode(task, seed, policy, 500)[1])
    assert {-100.0, 100.0} <= set(last), "a crash and a landing"
