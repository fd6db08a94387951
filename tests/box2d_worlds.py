"""Worlds of Gymnasium's Box2D tasks as records."""

from __future__ import annotations

import numpy as np
from gymnasium.utils import seeding

from wann.kernels.box2d.records import new_worlds


def new_world():
    """One zeroed WORLD record."""
    return new_worlds(1)[0]


def copy_bodies(world, bodies):
    """Copy the state of Box2D's bodies, as it is now, into a WORLD record."""
    for record, body in zip(world["body"], bodies, strict=False):
        record["x"], record["y"] = body.worldCenter
        record["origin_x"], record["origin_y"] = body.position
        record["angle"] = body.angle
        record["vx"], record["vy"] = body.linearVelocity
        record["spin"] = body.angularVelocity
        record["awake"] = body.awake


class Spy:
    """A random generator that remembers what its uniform draws gave, by their bounds."""

    def __init__(self, seed):
        self.generator, _ = seeding.np_random(seed)
        self.drawn = {}

    def uniform(self, low, high, size=None):
        value = self.generator.uniform(low, high, size)
        self.drawn.setdefault((low, high), []).append(value)
        return value

    def __getattr__(self, name):
        return getattr(self.generator, name)


def reset_with_spy(env, seed):
    """Reset an environment to a seed; returns the observation and the generator."""
    env._np_random = spy = Spy(seed)
    return env.reset()[0], spy


def float32(values):
    """Box2D's or Python's floats as NumPy's float32."""
    return np.asarray(values, np.float64).astype(np.float32)
