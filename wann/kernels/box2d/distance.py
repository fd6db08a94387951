"""How far a polygon is from an edge: the algorithm of Gilbert, Johnson and Keerthi (1988).

A simplex of up to three corners of the difference of both shapes closes in on the origin. The last simplex is
kept in the world, as the next search begins there. Source: Box2D's b2Distance; Catto, "Computing Distance"
(2010).
"""

from __future__ import annotations

import math

from wann.kernels.box2d.constants import DISTANCE_ITERATIONS, EPSILON, HALF, ONE, TWO, ZERO
from wann.kernels.lanes import kernel


@kernel
def farthest_corner(shape, x, y):
    """The polygon's corner that lies farthest in a direction of its own frame."""
    best, farthest = 0, shape.corner[0, 0] * x + shape.corner[0, 1] * y
    for i in range(1, shape.corners):
        along = shape.corner[i, 0] * x + shape.corner[i, 1] * y
        if along > farthest:
            farthest, best = along, i
    return best


@kernel
def farthest_end(edge, x, y):
    """The end of the edge that lies farther in a direction."""
    return 1 if edge.x2 * x + edge.y2 * y > edge.x1 * x + edge.y1 * y else 0


@kernel
def end_of(edge, end):
    """Place of an end of the edge."""
    if end == 0:
        return edge.x1, edge.y1
    return edge.x2, edge.y2


@kernel
def place_of(shape, i, x, y, s, c):
    """Place of a polygon's corner, for a frame whose origin is at x, y."""
    return (
        (c * shape.corner[i, 0] - s * shape.corner[i, 1]) + x,
        (s * shape.corner[i, 0] + c * shape.corner[i, 1]) + y,
    )


@kernel
def _put(corner, edge, shape, end, i, x, y, s, c):
    corner.edge_end, corner.corner = end, i
    corner.edge_x, corner.edge_y = end_of(edge, end)
    corner.body_x, corner.body_y = place_of(shape, i, x, y, s, c)
    corner.x, corner.y = corner.body_x - corner.edge_x, corner.body_y - corner.edge_y


@kernel
def _copy(to, corner):
    to.edge_end, to.corner = corner.edge_end, corner.corner
    to.edge_x, to.edge_y, to.body_x, to.body_y = corner.edge_x, corner.edge_y, corner.body_x, corner.body_y
    to.x, to.y, to.share = corner.x, corner.y, corner.share


@kernel
def _metric(world):
    """Length or signed area of the simplex."""
    p, q, r = world.simplex[0], world.simplex[1], world.simplex[2]
    if world.simplex_corners == 2:
        x, y = p.x - q.x, p.y - q.y
        return math.sqrt(x * x + y * y)
    if world.simplex_corners == 3:
        return (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x)
    return ZERO


@kernel
def _reduce_two(world):
    """Keep the part of a segment that is nearest to the origin."""
    p, q = world.simplex[0], world.simplex[1]
    x, y = q.x - p.x, q.y - p.y
    share_q = -(p.x * x + p.y * y)
    if share_q <= ZERO:
        p.share = ONE
        world.simplex_corners = 1
        return
    share_p = q.x * x + q.y * y
    if share_p <= ZERO:
        q.share = ONE
        world.simplex_corners = 1
        _copy(p, q)
        return
    inverse = ONE / (share_p + share_q)
    p.share, q.share = share_p * inverse, share_q * inverse


@kernel
def _reduce_three(world):
    """Keep the part of a triangle that is nearest to the origin."""
    p, q, r = world.simplex[0], world.simplex[1], world.simplex[2]
    x12, y12 = q.x - p.x, q.y - p.y
    d12_1, d12_2 = q.x * x12 + q.y * y12, -(p.x * x12 + p.y * y12)
    x13, y13 = r.x - p.x, r.y - p.y
    d13_1, d13_2 = r.x * x13 + r.y * y13, -(p.x * x13 + p.y * y13)
    x23, y23 = r.x - q.x, r.y - q.y
    d23_1, d23_2 = r.x * x23 + r.y * y23, -(q.x * x23 + q.y * y23)
    turn = x12 * y13 - y12 * x13
    d123_1 = turn * (q.x * r.y - q.y * r.x)
    d123_2 = turn * (r.x * p.y - r.y * p.x)
    d123_3 = turn * (p.x * q.y - p.y * q.x)
    if d12_2 <= ZERO and d13_2 <= ZERO:
        p.share = ONE
        world.simplex_corners = 1
    elif d12_1 > ZERO and d12_2 > ZERO and d123_3 <= ZERO:
        inverse = ONE / (d12_1 + d12_2)
        p.share, q.share = d12_1 * inverse, d12_2 * inverse
        world.simplex_corners = 2
    elif d13_1 > ZERO and d13_2 > ZERO and d123_2 <= ZERO:
        inverse = ONE / (d13_1 + d13_2)
        p.share, r.share = d13_1 * inverse, d13_2 * inverse
        world.simplex_corners = 2
        _copy(q, r)
    elif d12_1 <= ZERO and d23_2 <= ZERO:
        q.share = ONE
        world.simplex_corners = 1
        _copy(p, q)
    elif d13_1 <= ZERO and d23_1 <= ZERO:
        r.share = ONE
        world.simplex_corners = 1
        _copy(p, r)
    elif d23_1 > ZERO and d23_2 > ZERO and d123_1 <= ZERO:
        inverse = ONE / (d23_1 + d23_2)
        q.share, r.share = d23_1 * inverse, d23_2 * inverse
        world.simplex_corners = 2
        _copy(p, r)
    else:
        inverse = ONE / (d123_1 + d123_2 + d123_3)
        p.share, q.share, r.share = d123_1 * inverse, d123_2 * inverse, d123_3 * inverse


@kernel
def distance(shape, edge, world, x, y, s, c):
    """Distance between an edge and a polygon whose frame has its origin at x, y; 0 where they overlap.

    Begins with the corners that are kept in the world (none where `cached_corners` is 0), and keeps those
    that it ends with.
    """
    world.simplex_corners = world.cached_corners
    for i in range(world.simplex_corners):
        _put(world.simplex[i], edge, shape, world.cached_edge_end[i], world.cached_corner[i], x, y, s, c)
        world.simplex[i].share = ZERO
    if world.simplex_corners > 1:
        old, new = world.cached_metric, _metric(world)
        if new < HALF * old or TWO * old < new or new < EPSILON:
            world.simplex_corners = 0
    if world.simplex_corners == 0:
        _put(world.simplex[0], edge, shape, 0, 0, x, y, s, c)
        world.simplex[0].share = ONE
        world.simplex_corners = 1

    p, q, r = world.simplex[0], world.simplex[1], world.simplex[2]
    for _ in range(DISTANCE_ITERATIONS):
        before = world.simplex_corners
        end0, corner0, end1, corner1 = p.edge_end, p.corner, q.edge_end, q.corner
        end2, corner2 = r.edge_end, r.corner
        if before == 2:
            _reduce_two(world)
        elif before == 3:
            _reduce_three(world)
        count = world.simplex_corners
        if count == 3:
            break  # the origin is inside
        if count == 1:
            towards_x, towards_y = -p.x, -p.y
        else:
            along_x, along_y = q.x - p.x, q.y - p.y
            if along_x * (-p.y) - along_y * (-p.x) > ZERO:
                towards_x, towards_y = -along_y, along_x
            else:
                towards_x, towards_y = along_y, -along_x
        if towards_x * towards_x + towards_y * towards_y < EPSILON * EPSILON:
            break
        end = farthest_end(edge, -towards_x, -towards_y)
        corner = farthest_corner(shape, c * towards_x + s * towards_y, (-s) * towards_x + c * towards_y)
        _put(world.simplex[count], edge, shape, end, corner, x, y, s, c)
        if (
            (end == end0 and corner == corner0)
            or (before > 1 and end == end1 and corner == corner1)
            or (before > 2 and end == end2 and corner == corner2)
        ):
            break  # no corner is nearer
        world.simplex_corners += 1

    if world.simplex_corners == 1:
        apart_x, apart_y = p.edge_x - p.body_x, p.edge_y - p.body_y
    elif world.simplex_corners == 2:
        apart_x = (p.share * p.edge_x + q.share * q.edge_x) - (p.share * p.body_x + q.share * q.body_x)
        apart_y = (p.share * p.edge_y + q.share * q.edge_y) - (p.share * p.body_y + q.share * q.body_y)
    else:
        apart_x, apart_y = ZERO, ZERO
    world.cached_metric, world.cached_corners = _metric(world), world.simplex_corners
    for i in range(world.simplex_corners):
        world.cached_edge_end[i] = world.simplex[i].edge_end
        world.cached_corner[i] = world.simplex[i].corner
    return math.sqrt(apart_x * apart_x + apart_y * apart_y)
