"""The walker's starts, actions, observations and rewards against Gymnasium's, bit for bit."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from box2d_worlds import copy_bodies, float32, new_world, reset_with_spy
from wann_envs.bipedal_walker import GRASS, MODEL, POINTS, SPACING, _act, _observe, episodes

from wann.rollouts.spaces import action_codec

pytest.importorskip("Box2D", reason="Box2D is the oracle")


NO_NOISE = np.zeros(0)
JOINTS = 4


def fresh_env():
    return gymnasium.make("BipedalWalker-v3").unwrapped  # a used world orders contacts differently


class Walk:
    """A walk of Gymnasium's environment, and the record of its world."""

    def __init__(self, seed):
        self.env = fresh_env()
        self.decode = action_codec(self.env.action_space).decode
        self.seen, _ = self.env.reset(seed=seed)
        (self.episode,), _ = episodes([seed], 0)
        self.world, self.observation = new_world(), np.zeros(24)
        self.observe()

    def observe(self):
        """Let the kernel observe Gymnasium's world, and compare."""
        env, world = self.env, self.world
        copy_bodies(world, [env.hull, *env.legs])
        world["body"]["touched"][0] = env.game_over
        for body in (2, 4):
            world["body"]["on_ground"][body] = env.legs[body - 1].ground_contact
        _observe(MODEL, self.episode, world, self.observation)
        world["steps"] += 1
        assert self.observation.tolist() == self.seen.astype(np.float64).tolist()

    def step(self, outputs):
        """One step by a network's outputs; returns reward and end of the episode."""
        env, world = self.env, self.world
        _act(MODEL, world, NO_NOISE, outputs)
        self.seen, reward, terminated, *_ = env.step(self.decode(outputs))
        for record, joint in zip(world["joint"], env.joints, strict=True):
            assert (record["speed"], record["torque"]) == (joint.motorSpeed, joint.GetMaxMotorTorque())
        self.observe()
        assert world["reward"] == float(reward)
        assert world["terminated"] == terminated
        return reward, terminated


@pytest.mark.parametrize("first", [0, pytest.param(50, marks=pytest.mark.slow)])
def test_starts_are_gymnasiums(first):
    seeds = range(first, first + 50)
    records, noise = episodes(seeds, 1600)
    assert noise.shape == (50, 0)
    env = fresh_env()
    for record, seed in zip(records, seeds, strict=True):
        _, spy = reset_with_spy(env, seed)
        edges = record["edge"][: record["edges"]]
        assert np.array_equal(edges["x1"], float32(env.terrain_x[:-1]))
        assert np.array_equal(edges["x2"], float32(env.terrain_x[1:]))
        assert np.array_equal(edges["y1"], float32(env.terrain_y[:-1]))
        assert np.array_equal(edges["y2"], float32(env.terrain_y[1:]))
        assert (edges["friction"] == 2.5).all()
        assert (record["push_x"], record["push_y"]) == (*float32(spy.drawn[-5, 5]), 0.0)


def test_starts_are_kept_and_cannot_be_changed():
    records, noise = episodes([1, 2], 10)
    again, _ = episodes((1, 2), 20)
    assert again is records
    with pytest.raises(ValueError, match="read-only"):
        records["push_x"] = 0.0
    assert not noise.flags.writeable


@pytest.mark.parametrize("seed", range(6))
def test_steps_are_gymnasiums(seed):
    rng = np.random.default_rng(seed)
    walk = Walk(seed)
    for _ in range(150):
        outputs = rng.normal(0.0, 1.0, JOINTS)
        if seed % 2:
            outputs = np.sign(outputs)
        _, terminated = walk.step(outputs)
        if terminated:
            break


def test_outputs_that_are_no_action():
    walk = Walk(9)
    for odd in (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-60, 1e300, -1.0000001):
        for joint in range(JOINTS):
            outputs = np.full(JOINTS, 0.3)
            outputs[joint] = odd
            walk.step(outputs)


def moved(walk, x):
    """The walk goes on with its walker moved so that the hull is at x."""
    env = walk.env
    way = x - env.hull.position.x
    for body in (env.hull, *env.legs):
        body.position = (body.position.x + way, body.position.y + 3.0)
    return walk.step(np.full(JOINTS, 0.5))


@pytest.mark.parametrize(
    ("x", "ends", "lost"),
    [
        (0.02, False, False),
        (-0.02, True, True),
        ((POINTS - GRASS) * SPACING - 0.05, False, False),
        ((POINTS - GRASS) * SPACING + 0.05, True, False),
        (POINTS * SPACING + 2.0, True, False),
    ],
)
def test_ends_of_the_ground(x, ends, lost):
    reward, terminated = moved(Walk(3), x)
    assert terminated == ends
    assert (reward == -100) == lost


def test_a_fall_ends_the_episode():
    walk = Walk(4)
    outputs = np.ones(JOINTS)
    for _ in range(300):
        reward, terminated = walk.step(outputs)
        if terminated:
            break
    assert reward == -100


def test_motors_wake_bodies_that_sleep():
    world = new_world()
    world["body"]["awake"], world["body"]["quiet"] = [0, 1, 0, 1, 1], 0.3
    _act(MODEL, world, NO_NOISE, np.zeros(JOINTS))
    assert (world["body"]["awake"] == 1).all()
    assert world["body"]["quiet"].tolist() == [0.0, np.float32(0.3), 0.0, np.float32(0.3), np.float32(0.3)]
