"""The time within a step at which a moving body hits an edge.

Conservative advancement: an axis separates both at the time reached so far; the time at which they come close
along it is found as a root, and a new axis is taken there. Source: Box2D's b2TimeOfImpact; Catto, "Continuous
Collision" (2013).
"""

from __future__ import annotations

import math

import numpy as np

from wann.kernels.box2d.constants import (
    BIG,
    EPSILON,
    HALF,
    IMPACT_DISTANCE,
    IMPACT_ITERATIONS,
    IMPACT_PUSHES,
    IMPACT_ROOT_STEPS,
    IMPACT_TOLERANCE,
    ONE,
    PI,
    TWO,
    ZERO,
)
from wann.kernels.box2d.distance import distance, end_of, farthest_corner, farthest_end, place_of
from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.lanes import kernel

TURN = TWO * PI
BY_POINTS, BY_EDGE, BY_FACE = 0, 1, 2  # what an axis is at right angles to
CLEAR = IMPACT_DISTANCE + IMPACT_TOLERANCE + np.float32(2e-4)  # the last is for rounding
BULGE = np.float32(0.126)  # an arc of d rad and radius r is at most r d² / 8 from its chord


@kernel
def _frame_at(shape, body, full_turns, t):
    """Origin, sine and cosine of a body's frame at a share of its sweep."""
    rest = ONE - t
    x, y = rest * body.x0 + t * body.x, rest * body.y0 + t * body.y
    angle = rest * (body.angle0 - full_turns) + t * (body.angle - full_turns)
    s, c = sine(angle), cosine(angle)
    return (
        x - (c * shape.centre_x - s * shape.centre_y),
        y - (s * shape.centre_x + c * shape.centre_y),
        s,
        c,
    )


@kernel
def _unit(x, y):
    length = math.sqrt(x * x + y * y)
    if length < EPSILON:
        return x, y
    inverse = ONE / length
    return x * inverse, y * inverse


@kernel
def _separation(shape, edge, kind, axis_x, axis_y, point_x, point_y, end, corner, x, y, s, c):
    """Separation along an axis: of an end and a corner, or of one of them and a fixed point of the other."""
    if kind == BY_FACE:
        normal_x, normal_y = c * axis_x - s * axis_y, s * axis_x + c * axis_y
        body_x, body_y = (c * point_x - s * point_y) + x, (s * point_x + c * point_y) + y
        edge_x, edge_y = end_of(edge, end)
        return (edge_x - body_x) * normal_x + (edge_y - body_y) * normal_y
    body_x, body_y = place_of(shape, corner, x, y, s, c)
    if kind == BY_POINTS:
        point_x, point_y = end_of(edge, end)
    return (body_x - point_x) * axis_x + (body_y - point_y) * axis_y


@kernel
def _axis(shape, edge, world, x, y, s, c):
    """The separating axis that the last distance gives: its kind, direction and a point of it."""
    end, corner = world.cached_edge_end[0], world.cached_corner[0]
    if world.cached_corners == 1:
        edge_x, edge_y = end_of(edge, end)
        body_x, body_y = place_of(shape, corner, x, y, s, c)
        axis_x, axis_y = _unit(body_x - edge_x, body_y - edge_y)
        return BY_POINTS, axis_x, axis_y, ZERO, ZERO
    other_end, other = world.cached_edge_end[1], world.cached_corner[1]
    if end == other_end:
        kind = BY_FACE
        x1, y1, x2, y2 = (
            shape.corner[corner, 0],
            shape.corner[corner, 1],
            shape.corner[other, 0],
            shape.corner[other, 1],
        )
    else:
        kind = BY_EDGE
        x1, y1 = end_of(edge, end)
        x2, y2 = end_of(edge, other_end)
    axis_x, axis_y = _unit(y2 - y1, -(x2 - x1))
    point_x, point_y = HALF * (x1 + x2), HALF * (y1 + y2)
    if _separation(shape, edge, kind, axis_x, axis_y, point_x, point_y, end, corner, x, y, s, c) < ZERO:
        axis_x, axis_y = -axis_x, -axis_y
    return kind, axis_x, axis_y, point_x, point_y


@kernel
def time_of_impact(shape, edge, world, body):
    """Whether a body touches an edge within its sweep, and at which share of it."""
    full_turns = TURN * np.floor(body.angle0 / TURN)
    reached = ZERO
    world.cached_corners = 0
    for _ in range(IMPACT_ITERATIONS):
        x, y, s, c = _frame_at(shape, body, full_turns, reached)
        apart = distance(shape, edge, world, x, y, s, c)
        if apart <= ZERO:
            return False, ZERO
        if apart < IMPACT_DISTANCE + IMPACT_TOLERANCE:
            return True, reached
        kind, axis_x, axis_y, point_x, point_y = _axis(shape, edge, world, x, y, s, c)
        later = ONE
        for _ in range(IMPACT_PUSHES):
            # The deepest points at the later time decide; the root is between both times.
            x, y, s, c = _frame_at(shape, body, full_turns, later)
            end = corner = 0
            if kind == BY_FACE:
                end = farthest_end(edge, -(c * axis_x - s * axis_y), -(s * axis_x + c * axis_y))
            else:
                corner = farthest_corner(
                    shape, c * (-axis_x) + s * (-axis_y), (-s) * (-axis_x) + c * (-axis_y)
                )
                if kind == BY_POINTS:
                    end = farthest_end(edge, axis_x, axis_y)
            high = _separation(shape, edge, kind, axis_x, axis_y, point_x, point_y, end, corner, x, y, s, c)
            if high > IMPACT_DISTANCE + IMPACT_TOLERANCE:
                return False, ONE
            if high > IMPACT_DISTANCE - IMPACT_TOLERANCE:
                reached = later
                break
            x, y, s, c = _frame_at(shape, body, full_turns, reached)
            low = _separation(shape, edge, kind, axis_x, axis_y, point_x, point_y, end, corner, x, y, s, c)
            if low < IMPACT_DISTANCE - IMPACT_TOLERANCE:
                return False, reached
            if low <= IMPACT_DISTANCE + IMPACT_TOLERANCE:
                return True, reached
            before, after = reached, later
            for step in range(IMPACT_ROOT_STEPS):
                if step & 1:  # by the secant and by halving in turn
                    t = before + (IMPACT_DISTANCE - low) * (after - before) / (high - low)
                else:
                    t = HALF * (before + after)
                x, y, s, c = _frame_at(shape, body, full_turns, t)
                now = _separation(
                    shape, edge, kind, axis_x, axis_y, point_x, point_y, end, corner, x, y, s, c
                )
                if abs(now - IMPACT_DISTANCE) < IMPACT_TOLERANCE:
                    later = t
                    break
                if now > IMPACT_DISTANCE:
                    before, low = t, now
                else:
                    after, high = t, now
    return False, reached


@kernel
def trace_sweep(shape, body, sweep):
    """Note a body's corners at both ends of its sweep, and a box around the whole of it."""
    s, c = sine(body.angle0), cosine(body.angle0)
    x0 = body.x0 - (c * shape.centre_x - s * shape.centre_y)
    y0 = body.y0 - (s * shape.centre_x + c * shape.centre_y)
    low_x = low_y = BIG
    high_x = high_y = -BIG
    for i in range(shape.corners):
        x, y = place_of(shape, i, x0, y0, s, c)
        sweep.corner[0, i, 0], sweep.corner[0, i, 1] = x, y
        low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
        x, y = place_of(shape, i, body.origin_x, body.origin_y, body.sin, body.cos)
        sweep.corner[1, i, 0], sweep.corner[1, i, 1] = x, y
        low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
    turn = body.angle - body.angle0
    margin = CLEAR + shape.reach * turn * turn * BULGE
    sweep.low_x, sweep.low_y, sweep.high_x, sweep.high_y = (
        low_x - margin,
        low_y - margin,
        high_x + margin,
        high_y + margin,
    )
    sweep.margin = margin
    sweep.known = 1


@kernel
def stays_clear(shape, edge, sweep):
    """Whether a whole sweep surely keeps clear of an edge, so that no impact would be found."""
    if (
        sweep.low_x > edge.x2
        or sweep.high_x < edge.x1
        or sweep.low_y > max(edge.y1, edge.y2)
        or sweep.high_y < min(edge.y1, edge.y2)
    ):
        return True
    height = edge.normal_x * edge.x1 + edge.normal_y * edge.y1
    low, high = BIG, -BIG
    for end in range(2):
        for i in range(shape.corners):
            above = edge.normal_x * sweep.corner[end, i, 0] + edge.normal_y * sweep.corner[end, i, 1] - height
            low, high = min(low, above), max(high, above)
    return low > sweep.margin or high < -sweep.margin
