"""The lander's starts, actions, observations and rewards against Gymnasium's, bit for bit."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import pytest
from box2d_worlds import copy_bodies, float32, new_world, reset_with_spy
from wann_envs.lunar_lander import _act, _act_continuous, _observe, build_lander, episodes

from wann.rollouts.spaces import action_codec

pytest.importorskip("Box2D", reason="Box2D is the oracle")

from gymnasium.envs.box2d.lunar_lander import heuristic

WIND = {"enable_wind": True, "wind_power": 12.0, "turbulence_power": 0.7}
MODEL = build_lander()


def new_env(continuous=False, **arguments):
    name = "LunarLanderContinuous-v3" if continuous else "LunarLander-v3"
    return gymnasium.make(name, **arguments).unwrapped


class Flight:
    """A flight of Gymnasium's environment, and the record of its world."""

    def __init__(self, env, seed, wind=None):
        self.env, self.act = env, _act_continuous if env.continuous else _act
        self.decode = action_codec(env.action_space).decode
        self.seen, _ = env.reset(seed=seed)
        (self.episode,), (self.noise,) = episodes([seed], 1000, **(wind or {}))
        self.world, self.observation = new_world(), np.zeros(8)
        self.act(MODEL, self.world, self.noise, np.zeros(2 if env.continuous else 4))
        self.observe()
        self.forces, self.torques = [], []
        lander, step = env.lander, env.world.Step
        push, turn = lander.ApplyForceToCenter, lander.ApplyTorque

        def compared_step(*arguments):
            self.compare_velocities()
            step(*arguments)

        env.world.Step = compared_step
        lander.ApplyForceToCenter = lambda force, wake: (self.forces.append(force), push(force, wake))
        lander.ApplyTorque = lambda torque, wake: (self.torques.append(torque), turn(torque, wake))

    def compare_velocities(self):
        hull, lander = self.world["body"][0], self.env.lander
        assert (hull["vx"], hull["vy"], hull["spin"]) == (*lander.linearVelocity, lander.angularVelocity)

    def copy(self):
        env, bodies = self.env, self.world["body"]
        copy_bodies(self.world, [env.lander, *env.legs])
        bodies["touched"][0] = env.game_over
        bodies["on_ground"][1:3] = [leg.ground_contact for leg in env.legs]
        bodies["force_x"] = bodies["force_y"] = bodies["torque"] = 0.0

    def observe(self):
        """Let the kernel observe Gymnasium's world, and compare."""
        self.copy()
        _observe(MODEL, self.episode, self.world, self.observation)
        self.world["steps"] += 1
        assert self.observation.tolist() == self.seen.astype(np.float64).tolist()

    def step(self, outputs):
        """One step by a network's outputs; returns reward and end of the episode."""
        world, hull = self.world, self.world["body"][0]
        self.copy()
        self.forces.clear()
        self.torques.clear()
        self.act(MODEL, world, self.noise, outputs)
        wind = hull["force_x"], hull["torque"]
        self.seen, reward, terminated, *_ = self.env.step(self.decode(outputs))
        if self.forces:
            assert wind == (*float32([self.forces[0][0]]), *float32(self.torques))
        else:
            assert wind == (0.0, 0.0)
        self.observe()
        assert world["reward"] == float(reward)
        assert world["terminated"] == terminated
        return float(reward), terminated


@pytest.mark.parametrize("wind", [{}, WIND], ids=["calm", "wind"])
@pytest.mark.parametrize("first", [0, pytest.param(50, marks=pytest.mark.slow)])
def test_starts_are_gymnasiums(first, wind):
    seeds, steps = range(first, first + 50), 20
    records, noise = episodes(seeds, steps, **wind)
    env = new_env(**wind)
    for record, row, seed in zip(records, noise.reshape(50, steps + 1, 4), seeds, strict=True):
        _, spy = reset_with_spy(env, seed)
        start = (env.wind_idx - 1, env.torque_idx - 1) if wind else ()
        for _ in range(steps):
            env.step(0)
        edges = record["edge"][: record["edges"]]
        fixtures = env.moon.fixtures  # in the order in which they were made
        ends = float32([fixture.shape.vertices for fixture in fixtures]).reshape(-1, 4)
        assert np.array_equal(np.stack([edges[name] for name in ("x1", "y1", "x2", "y2")], axis=1), ends)
        assert np.array_equal(edges["friction"], float32([fixture.friction for fixture in fixtures]))
        assert [record["push_x"], record["push_y"]] == float32(spy.drawn[-1000.0, 1000.0]).tolist()
        assert (row[:, :2].ravel() == np.array(spy.drawn[-1.0, 1.0]) / 30.0).all()
        if wind:
            gusts = [
                [math.tanh(math.sin(0.02 * (k + t)) + math.sin(math.pi * 0.01 * (k + t))) for k in start]
                for t in range(steps + 1)
            ]
            assert (row[:, 2:] == np.array(gusts) * [12.0, 0.7]).all()
        else:
            assert (row[:, 2:] == 0.0).all()


def test_starts_are_kept_and_cannot_be_changed():
    records, noise = episodes([1, 2], 10)
    assert episodes((1, 2), 10)[1] is noise
    assert episodes([1, 2], 11)[1].shape == (2, 48)
    for array in (records, noise):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def as_outputs(env, action):
    return np.eye(4)[action] if not env.continuous else np.array(action, np.float64)


@pytest.mark.parametrize("wind", [{}, WIND], ids=["calm", "wind"])
@pytest.mark.parametrize("continuous", [False, True], ids=["discrete", "continuous"])
def test_steps_are_gymnasiums(continuous, wind):
    ends = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        env = new_env(continuous, **wind)
        flight = Flight(env, seed, wind)
        for _ in range(400):
            outputs = rng.normal(0.0, 1.0, 2 if continuous else 4)
            if seed % 2:
                outputs = as_outputs(env, heuristic(env, flight.seen))
            reward, terminated = flight.step(outputs)
            if terminated:
                ends.append(reward)
                break
    assert -100.0 in ends  # a crash
    assert wind or 100.0 in ends  # a landing


@pytest.mark.parametrize("continuous", [False, True], ids=["discrete", "continuous"])
def test_outputs_that_are_no_action(continuous):
    flight = Flight(new_env(continuous), 9)
    for odd in (np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -0.5, 0.50000001, 0.5000001, 1e-60, 1e300):
        for number in range(2 if continuous else 4):
            for other in (0.0, -0.7, np.nan):
                outputs = np.full(2 if continuous else 4, other)
                outputs[number] = odd
                flight.step(outputs)


def test_flying_away_ends_the_episode():
    flight = Flight(new_env(), 2)
    flight.env.lander.linearVelocity = (30.0, 10.0)
    for _ in range(60):
        reward, terminated = flight.step(np.array([1.0, 0.0, 0.0, 0.0]))
        if terminated:
            break
    assert reward == -100.0
    assert abs(flight.seen[0]) >= 1.0


def test_engines_turn_with_any_angle():
    flight = Flight(new_env(), 5)
    rng = np.random.default_rng(0)
    for _ in range(300):
        lander = flight.env.lander
        lander.angle = rng.choice([-3.0, 40.0, 900.0]) + rng.normal()
        lander.position = (10.0, 10.0)
        flight.step(rng.normal(size=4))


def test_an_engine_wakes_the_lander():
    world = new_world()
    _, (noise,) = episodes([0], 0)
    world["body"]["quiet"] = 0.3
    _act(MODEL, world, noise, np.array([1.0, 0.0, 0.0, 0.0]))
    assert not world["body"]["awake"].any()
    _act(MODEL, world, noise, np.array([0.0, 0.0, 1.0, 0.0]))
    assert world["body"]["awake"].tolist() == [1, 0, 0, 0, 0]
    assert world["body"]["quiet"][0] == 0.0
