"""LunarLander-v3 and LunarLanderContinuous-v3: land between two flags on a hull with two legs.

Source: Gymnasium's LunarLander-v3 by Oleg Klimov, whose numbers come out bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding

from wann.kernels.box2d.records import EPISODE
from wann.kernels.box2d.shapes import FRICTION, Body, Hinge, box, build_model, lay_edges, polygon
from wann.kernels.lanes import kernel
from wann.kernels.physics import clipped
from wann.kernels.trigonometry import sine_and_cosine
from wann.rollouts.worlds import Mechanics
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.known import lander
from wann.utils.arrays import FloatArray

FPS = 50.0  # steps/s
SCALE = 30.0  # pixels/m
WIDTH, HEIGHT = 600.0 / SCALE, 400.0 / SCALE  # m, of the picture

HULL = ((-14, 17), (-17, 0), (-17, -10), (17, -10), (17, 0), (14, 17))  # pixels
LEG_AWAY, LEG_DOWN = 20.0 / SCALE, 18.0 / SCALE
LEG_HALF_SIZE = 2.0 / SCALE, 8.0 / SCALE
SPRING_TORQUE = 40.0  # N·m
TILT = 0.05  # rad, of the legs at the start
GRAVITY = -10.0  # m/s², upwards
MAX_STEPS = 1000

CHUNKS = 11  # points of the ground
PAD_HEIGHT = HEIGHT / 4.0  # of the five points in the middle, before smoothing
GROUND_FRICTION = 0.1
PUSH = 1000.0  # N, the largest in either direction
WIND_POWER, TURBULENCE_POWER = 15.0, 1.5  # N and N·m, the largest

MAIN_POWER, SIDE_POWER = 13.0, 0.6  # N·s per m between the middle and the nozzle
MAIN_NOZZLE = 4.0 / SCALE  # below the hull's origin
SIDE_AWAY = 12.0  # pixels

_PER_STEP = 4  # numbers drawn for a step: two dispersions, force and torque of the wind


def build_lander(gravity: float = GRAVITY) -> np.void:
    """MODEL record: the hull, then the right and the left leg, on a joint each."""
    hull = polygon([(x / SCALE, y / SCALE) for x, y in HULL])
    x, y = WIDTH / 2.0, HEIGHT
    bodies = [Body(polygon=hull, density=5.0, friction=0.1, position=(x, y))]
    hinges = []
    for leg, side in ((1, -1.0), (2, 1.0)):
        bodies.append(
            Body(
                polygon=box(*LEG_HALF_SIZE),
                density=1.0,
                position=(x - side * 20.0 / SCALE, y),
                angle=side * TILT,
            )
        )
        hinges.append(
            Hinge(
                bodies=(0, leg),
                anchors=((0.0, 0.0), (side * 20.0 / SCALE, LEG_DOWN)),
                limits=(0.9 - 0.5, 0.9) if side < 0.0 else (-0.9, -0.9 + 0.5),
                speed=0.3 * side,
                torque=SPRING_TORQUE,
            )
        )
    return build_model(
        bodies, hinges, body_order=(2, 0, 1), joint_order=(1, 0), gravity=gravity, one_ground=True
    )


def episodes(
    seeds: Sequence[int],
    max_steps: int,
    *,
    enable_wind: bool = False,
    wind_power: float = WIND_POWER,
    turbulence_power: float = TURBULENCE_POWER,
) -> tuple[np.ndarray, FloatArray]:
    """Episodes as `reset(seed=...)` starts them, and all that their steps will draw.

    Args:
        seeds: of Gymnasium's random stream.
        max_steps: for how many steps to draw, that inside of `reset` not counted.
        enable_wind: whether it blows until a leg touches the ground.
        wind_power: N, the largest force.
        turbulence_power: N·m, the largest torque.

    Returns:
        EPISODE records (E,), and four numbers for each step (E, 4 * (max_steps + 1)): the two dispersions (m)
        of the engines in step t, that inside of `reset` being the first, and force and torque of the wind
        in the t-th step in which it blows. Both are read-only.
    """
    wind = (wind_power, turbulence_power) if enable_wind else None
    return _episodes(tuple(seeds), max_steps, wind)


@lru_cache(maxsize=16)
def _episodes(
    seeds: tuple[int, ...], max_steps: int, wind: tuple[float, float] | None
) -> tuple[np.ndarray, FloatArray]:
    steps = max_steps + 1
    records, noise = np.zeros(len(seeds), EPISODE), np.zeros((len(seeds), steps, _PER_STEP))
    for record, rows, seed in zip(records, noise, seeds, strict=True):
        generator, _ = seeding.np_random(seed)
        _lay_moon(record, generator.uniform(0.0, HEIGHT / 2.0, CHUNKS + 1))
        record["push_x"], record["push_y"] = generator.uniform(-PUSH, PUSH, 2)
        if wind:
            starts = [int(generator.integers(-9999, 9999)) for _ in wind]
            for column, start, power in zip((2, 3), starts, wind, strict=True):
                rows[:, column] = [_gust(start + k) * power for k in range(steps)]
        rows[:, :2] = generator.uniform(-1.0, 1.0, (steps, 2)) / SCALE
    flat = noise.reshape(len(seeds), steps * _PER_STEP)
    records.flags.writeable = flat.flags.writeable = False
    return records, flat


def _lay_moon(record: np.void, heights: FloatArray) -> None:
    """A line along the bottom, and ten smoothed chunks with a flat pad in their middle."""
    middle = CHUNKS // 2
    heights[middle - 2 : middle + 3] = PAD_HEIGHT
    before, after = np.roll(heights, 1), np.roll(heights, -1)
    x = np.array([WIDTH / (CHUNKS - 1) * i for i in range(CHUNKS)])
    points = np.stack([x, (0.33 * (before + heights + after))[:CHUNKS]], axis=1)
    bottom = np.array([(0.0, 0.0), (WIDTH, 0.0)])
    lay_edges(
        record,
        np.concatenate([bottom[:1], points[:-1]]),
        np.concatenate([bottom[1:], points[1:]]),
        np.array([FRICTION] + [GROUND_FRICTION] * (CHUNKS - 1)),
    )


def _gust(index: int) -> float:
    """Strength of the wind, from -1 to 1: it never repeats itself."""
    return math.tanh(math.sin(0.02 * index) + math.sin(math.pi * 0.01 * index))


@kernel
def _blow(world, noise):
    """The wind pushes and turns the hull until a leg touches the ground."""
    if world.body[1].on_ground or world.body[2].on_ground:
        return
    hull = world.body[0]
    row = _PER_STEP * world.windy_steps
    hull.force_x += np.float32(noise[row + 2])
    hull.torque += np.float32(noise[row + 3])
    world.windy_steps += 1


@kernel
def _kick(model, world, impulse_x, impulse_y, point_x, point_y):
    """An impulse (N·s) on the hull at a point of the world, all in single precision."""
    shape, hull = model.shape[0], world.body[0]
    hull.vx += shape.inverse_mass * impulse_x
    hull.vy += shape.inverse_mass * impulse_y
    hull.spin += shape.inverse_inertia * ((point_x - hull.x) * impulse_y - (point_y - hull.y) * impulse_x)


@kernel
def _fire(model, world, noise, main, side, direction):
    """Both engines fire with their powers, from 0 to 1; the side engine to the right where direction is 1."""
    world.main_power, world.side_power = main, side
    hull = world.body[0]
    sine, cosine = sine_and_cosine(np.float64(hull.angle))
    x, y = np.float64(hull.origin_x), np.float64(hull.origin_y)
    first, second = noise[_PER_STEP * world.steps], noise[_PER_STEP * world.steps + 1]
    if main > 0.0:
        down = MAIN_NOZZLE + 2.0 * first
        away_x = sine * down + -cosine * second
        away_y = -cosine * down - sine * second
        _kick(
            model,
            world,
            np.float32(-away_x * MAIN_POWER * main),
            np.float32(-away_y * MAIN_POWER * main),
            np.float32(x + away_x),
            np.float32(y + away_y),
        )
    if side > 0.0:
        out = 3.0 * second + direction * SIDE_AWAY / SCALE
        away_x = sine * first + -cosine * out
        away_y = -cosine * first - sine * out
        # 17 here and 14 below: so it is in Gymnasium, where the nozzle's height depends on the angle.
        _kick(
            model,
            world,
            np.float32(-away_x * SIDE_POWER * side),
            np.float32(-away_y * SIDE_POWER * side),
            np.float32(x + away_x - sine * 17.0 / SCALE),
            np.float32(y + away_y + cosine * 14.0 / SCALE),
        )
    if (main > 0.0 or side > 0.0) and not hull.awake:
        hull.awake = 1
        hull.quiet = np.float32(0.0)


@kernel
def _act(model, world, noise, action):
    """Fire the engine of the largest output, the first of equals; a NaN is passed over."""
    choice = -1
    for k in range(action.shape[0]):
        if not math.isnan(action[k]) and (choice < 0 or action[k] > action[choice]):
            choice = k
    _blow(world, noise)
    main, side = 1.0 if choice == 2 else 0.0, 1.0 if choice == 1 or choice == 3 else 0.0
    _fire(model, world, noise, main, side, choice - 2.0)


@kernel
def _act_continuous(model, world, noise, action):
    """Fire the main engine with half to full power where its output is positive, a side engine beyond 0.5."""
    throttle, turn = np.float64(np.float32(clipped(action[0]))), np.float64(np.float32(clipped(action[1])))
    _blow(world, noise)
    main = (throttle + 1.0) * 0.5 if throttle > 0.0 else 0.0
    side = abs(turn) if abs(turn) > 0.5 else 0.0
    _fire(model, world, noise, main, side, 1.0 if turn > 0.0 else -1.0)


@kernel
def _observe(model, episode, world, observation):  # noqa: ARG001  a signature of all tasks
    hull = world.body[0]
    x = (np.float64(hull.origin_x) - WIDTH / 2.0) / (WIDTH / 2.0)
    y = (np.float64(hull.origin_y) - (PAD_HEIGHT + LEG_DOWN)) / (HEIGHT / 2.0)
    vx = np.float64(hull.vx) * (WIDTH / 2.0) / FPS
    vy = np.float64(hull.vy) * (HEIGHT / 2.0) / FPS
    angle = np.float64(hull.angle)
    right, left = (1.0 if world.body[1].on_ground else 0.0), (1.0 if world.body[2].on_ground else 0.0)
    observation[0], observation[1] = np.float32(x), np.float32(y)
    observation[2], observation[3] = np.float32(vx), np.float32(vy)
    observation[4], observation[5] = angle, np.float32(20.0 * np.float64(hull.spin) / FPS)
    observation[6], observation[7] = right, left

    shaping = -100.0 * math.sqrt(x * x + y * y) - 100.0 * math.sqrt(vx * vx + vy * vy) - 100.0 * abs(angle)
    shaping = shaping + 10.0 * right + 10.0 * left
    reward = shaping - world.shaping if world.steps > 0 else 0.0
    reward -= world.main_power * 0.30
    reward -= world.side_power * 0.03
    crashed, asleep = world.body[0].touched != 0 or abs(x) >= 1.0, world.body[0].awake == 0
    if crashed:
        reward = -100.0
    if asleep:
        reward = 100.0
    world.shaping = shaping
    world.reward = reward
    world.terminated = crashed or asleep


_BOUNDS = np.array([2.5, 2.5, 10.0, 10.0, 2.0 * math.pi, 10.0, 1.0, 1.0], np.float32)
_LOW = np.array([*-_BOUNDS[:6], -0.0, -0.0], np.float32)  # Gymnasium's, of the observation
_LARGEST = 1e6  # of an argument: sums of forces stay within single precision
_NUMBERS = ("gravity", "wind_power", "turbulence_power")


def _task(name: str, continuous: bool, env_kwargs: Mapping[str, Any]) -> Box2DTask:
    """The lander with these arguments of Gymnasium's."""
    facts = (
        lander("land between two flags with throttled engines", ("main engine", "side engines"))
        if continuous
        else lander(
            "land between two flags with three engines that are on or off",
            ("no engine", "left engine", "main engine", "right engine"),
        )
    )
    wind = {key: env_kwargs[key] for key in ("enable_wind", *_NUMBERS[1:]) if key in env_kwargs}
    model = build_lander(env_kwargs.get("gravity", GRAVITY))
    return Box2DTask(
        name=name,
        env_id=name,
        summary=facts.summary,
        inputs=facts.inputs,
        outputs=facts.outputs,
        mechanics=Mechanics(
            model, _act_continuous if continuous else _act, _observe, partial(episodes, **wind)
        ),
        observation_space=spaces.Box(_LOW, _BOUNDS),
        action_space=spaces.Box(-1.0, 1.0, (2,), np.float32) if continuous else spaces.Discrete(4),
        variant=partial(_variant, name, continuous),
        episode_steps=MAX_STEPS,
        presets=facts.presets,
        preset_notes=facts.preset_notes,
        goal=facts.goal,
        env_kwargs=dict(env_kwargs),
    )


def _variant(name: str, continuous: bool, env_kwargs: Mapping[str, Any]) -> Box2DTask | None:
    """The lander with arguments that Gymnasium takes without a complaint."""
    switches = [env_kwargs.get(key, False) for key in ("continuous", "enable_wind")]
    numbers = [env_kwargs.get(key, 0.0) for key in _NUMBERS]
    known = {"continuous", "enable_wind", *_NUMBERS}
    if set(env_kwargs) - known or not all(isinstance(each, bool) for each in switches):
        return None
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers):
        return None
    if not all(abs(each) <= _LARGEST for each in numbers):  # nor is any NaN
        return None
    if not -12.0 < env_kwargs.get("gravity", GRAVITY) < 0.0:
        return None
    return _task(name, env_kwargs.get("continuous", continuous), env_kwargs)


TASK = _task("LunarLander-v3", False, {})
CONTINUOUS = _task("LunarLanderContinuous-v3", True, {})
