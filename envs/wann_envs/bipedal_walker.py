"""BipedalWalker-v3: walk over slightly uneven ground with a hull on two legs of two parts.

Source: Gymnasium's BipedalWalker-v3 by Oleg Klimov, whose numbers come out bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding

from wann.kernels.box2d.lidar import cast_ray
from wann.kernels.box2d.records import EPISODE
from wann.kernels.box2d.shapes import Body, Hinge, box, build_model, lay_edges, polygon
from wann.kernels.lanes import kernel
from wann.kernels.physics import clipped
from wann.rollouts.worlds import Mechanics
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.known import walker
from wann.utils.arrays import FloatArray

FPS = 50.0  # steps/s
SCALE = 30.0  # pixels/m
WIDTH, HEIGHT = 600.0 / SCALE, 400.0 / SCALE  # m, of the picture

HULL = ((-30, 9), (6, 9), (34, 1), (34, -8), (-30, -8))  # pixels
LEG_WIDTH, LEG_HEIGHT = 8.0 / SCALE, 34.0 / SCALE
HIP = -8.0 / SCALE  # above the hull's origin
LOWER_WIDTH = 0.8 * LEG_WIDTH
TILT = 0.05  # rad, of the legs at the start, one backwards and one forwards
KNEE = 1.0  # rad, added to a knee's angle in the observation
TORQUE = 80.0  # N·m, the motors' largest
HIP_SPEED, KNEE_SPEED = 4.0, 6.0  # rad/s
MAX_STEPS = 1600

SPACING = 14.0 / SCALE  # of the ground's points
POINTS, PAD, GRASS = 200, 20, 10  # points: all, those of the flat start, and those between two flat ones
GROUND = HEIGHT / 4.0  # where it starts
GROUND_FRICTION = 2.5
CLOUD_DRAWS = (POINTS // 20) * (1 + 2 * 5)  # each has a place, and two coordinates for each of five corners
PUSH = 5.0  # N, the largest

RAYS, RANGE = 10, 160.0 / SCALE
RAY_X = tuple(math.sin(1.5 * i / 10.0) * RANGE for i in range(RAYS))
RAY_Y = tuple(math.cos(1.5 * i / 10.0) * RANGE for i in range(RAYS))

# In single precision, as NumPy's floats make it of Python's.
_ZERO = np.float32(0.0)
_TORQUE = np.float32(TORQUE)
_SPEEDS = tuple(np.float32(speed) for speed in (HIP_SPEED, KNEE_SPEED))
_EFFORT_COST = np.float32(0.00035 * TORQUE)


def _model() -> np.void:
    x, y = SPACING * PAD / 2.0, GROUND + 2.0 * LEG_HEIGHT
    hull = polygon([(corner_x / SCALE, corner_y / SCALE) for corner_x, corner_y in HULL])
    bodies = [Body(polygon=hull, density=5.0, friction=0.1, position=(x, y))]
    hinges = []
    for number, side in enumerate((-1.0, 1.0)):
        upper, lower = 1 + 2 * number, 2 + 2 * number
        bodies += [
            Body(
                polygon=box(width / 2.0, LEG_HEIGHT / 2.0),
                density=1.0,
                position=(x, y - LEG_HEIGHT * halves / 2.0 - HIP),
                angle=side * TILT,
            )
            for width, halves in ((LEG_WIDTH, 1.0), (LOWER_WIDTH, 3.0))
        ]
        hinges += [
            Hinge(
                bodies=(0, upper),
                anchors=((0.0, HIP), (0.0, LEG_HEIGHT / 2.0)),
                limits=(-0.8, 1.1),
                speed=side,
                torque=TORQUE,
            ),
            Hinge(
                bodies=(upper, lower),
                anchors=((0.0, -LEG_HEIGHT / 2.0), (0.0, LEG_HEIGHT / 2.0)),
                limits=(-1.6, -0.1),
                speed=1.0,
                torque=TORQUE,
            ),
        ]
    return build_model(
        bodies, hinges, body_order=(4, 3, 0, 1, 2), joint_order=(3, 2, 0, 1), edge_spacing=SPACING
    )


MODEL = _model()
"""Bodies: the hull, then upper and lower part of either leg; joints: hip and knee of either leg."""


def episodes(seeds: Sequence[int], max_steps: int) -> tuple[np.ndarray, FloatArray]:
    """Episodes as `reset(seed=...)` starts them.

    Args:
        seeds: of Gymnasium's random stream.
        max_steps: unused, as a walk draws nothing on its way.

    Returns:
        EPISODE records (E,) and an empty array (E, 0), both read-only.
    """
    del max_steps
    return _episodes(tuple(seeds))


@lru_cache(maxsize=16)
def _episodes(seeds: tuple[int, ...]) -> tuple[np.ndarray, FloatArray]:
    records, noise = np.zeros(len(seeds), EPISODE), np.zeros((len(seeds), 0))
    x = np.array([i * SPACING for i in range(POINTS)])
    for record, seed in zip(records, seeds, strict=True):
        generator, _ = seeding.np_random(seed)
        points = np.stack([x, _ground(generator)], axis=1)
        lay_edges(record, points[:-1], points[1:], GROUND_FRICTION)
        generator.random(CLOUD_DRAWS)
        record["push_x"] = generator.uniform(-PUSH, PUSH)
    records.flags.writeable = noise.flags.writeable = False
    return records, noise


def _ground(generator: np.random.Generator) -> list[float]:
    """Heights of the ground's points: stretches of a random walk, each begun by two points of one height."""
    heights = [GROUND] * PAD
    height, slope = GROUND, 0.0
    while True:
        stretch = int(generator.integers(GRASS // 2, GRASS))
        points = min(stretch, POINTS - len(heights))
        if points > 0:
            heights.append(height)
        for bump in generator.uniform(-1.0, 1.0, max(points - 1, 0)).tolist():
            slope = 0.8 * slope + 0.01 * ((height < GROUND) - (height > GROUND))
            slope += bump / SCALE
            height += slope
            heights.append(height)
        if points < stretch:
            return heights


@kernel
def _act(model, world, noise, action):  # noqa: ARG001  a signature of all tasks
    for j in range(model.joints):
        output = np.float32(clipped(action[j]))
        effort = abs(output)
        speed = _SPEEDS[j % 2]
        joint = world.joint[j]
        joint.speed = speed if output > _ZERO else -speed if output < _ZERO else _ZERO
        joint.torque = _TORQUE * effort
        world.effort[j] = effort
    for b in range(model.bodies):
        body = world.body[b]
        if not body.awake:
            body.awake = 1
            body.quiet = _ZERO


@kernel
def _observe(model, episode, world, observation):
    hull = world.body[0]
    x, y, angle = np.float64(hull.origin_x), np.float64(hull.origin_y), np.float64(hull.angle)
    observation[0] = angle
    observation[1] = np.float32(2.0 * np.float64(hull.spin) / FPS)
    observation[2] = np.float32(0.3 * np.float64(hull.vx) * WIDTH / FPS)
    observation[3] = np.float32(0.3 * np.float64(hull.vy) * HEIGHT / FPS)
    for leg in range(2):
        row = 4 + 5 * leg
        for part in range(2):
            hinge = model.hinge[2 * leg + part]
            a, b = world.body[hinge.body_a], world.body[hinge.body_b]
            bend = np.float64(b.angle - a.angle - hinge.reference)
            observation[row + 2 * part] = bend if part == 0 else np.float32(bend + KNEE)
            top_speed = HIP_SPEED if part == 0 else KNEE_SPEED
            observation[row + 2 * part + 1] = np.float32(np.float64(b.spin - a.spin) / top_speed)
        observation[row + 4] = 1.0 if world.body[2 + 2 * leg].on_ground else 0.0
    for i in range(RAYS):
        observation[14 + i] = cast_ray(
            model, episode, hull.origin_x, hull.origin_y, np.float32(x + RAY_X[i]), np.float32(y - RAY_Y[i])
        )

    shaping = 130.0 * x / SCALE
    shaping -= 5.0 * abs(angle)
    reward = np.float32(shaping - world.shaping if world.steps > 0 else 0.0)
    for j in range(model.joints):
        reward -= _EFFORT_COST * world.effort[j]
    world.shaping = shaping
    world.reward = reward
    fallen = world.body[0].touched != 0 or x < 0.0
    if fallen:
        world.reward = -100.0
    world.terminated = fallen or x > (POINTS - GRASS) * SPACING


_LEG = ((-math.pi, math.pi), (-5.0, 5.0), (-math.pi, math.pi), (-5.0, 5.0), (0.0, 5.0))
_BOUNDS = np.array(
    [(-math.pi, math.pi), *[(-5.0, 5.0)] * 3, *_LEG, *_LEG, *[(-1.0, 1.0)] * RAYS], np.float32
).T  # Gymnasium's, of the observation

_KNOWN = walker("walk with four motors over slightly uneven ground", MAX_STEPS)


def _variant(env_kwargs: Mapping[str, Any]) -> Box2DTask | None:
    """The walker on even ground is the only one that is compiled."""
    return replace(TASK, env_kwargs=dict(env_kwargs)) if env_kwargs == {"hardcore": False} else None


TASK = Box2DTask(
    name="BipedalWalker-v3",
    env_id="BipedalWalker-v3",
    summary=_KNOWN.summary,
    inputs=_KNOWN.inputs,
    outputs=_KNOWN.outputs,
    mechanics=Mechanics(MODEL, _act, _observe, episodes),
    observation_space=spaces.Box(_BOUNDS[0], _BOUNDS[1]),
    action_space=spaces.Box(-1.0, 1.0, (4,), np.float32),
    variant=_variant,
    episode_steps=MAX_STEPS,
    presets=_KNOWN.presets,
    preset_notes=_KNOWN.preset_notes,
    fresh_env=True,  # Gymnasium's keeps its world, in which a second episode is another
)
