"""From corners and densities to what a kernel computes with: hulls, normals, masses, centres and edges.

Every number comes out in single precision and in Box2D's order of operations, so that it has Box2D's bits.
The hull is drawn by gift wrapping (Jarvis, 1973); area, centroid and moment of inertia are sums over the
triangles between a point and the polygon's edges.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wann.kernels.box2d.constants import BOX_MARGIN, HALF, ONE, RADIUS, ZERO
from wann.kernels.box2d.records import EDGE, MODEL, MOST_CORNERS
from wann.utils.arrays import FloatArray

Pair = tuple[float, float]
Points = NDArray[np.float32]  # (N, 2)

FRICTION = 0.2
"""Box2D's, where none is given."""

_QUARTER = np.float32(0.25)
_THIRD = ONE / np.float32(3.0)


@dataclass(frozen=True, slots=True)
class Polygon:
    """A convex polygon."""

    corners: Points  # counter-clockwise
    normals: Points  # of the face that begins at each corner
    centroid: Points  # (2,)


@dataclass(frozen=True, slots=True)
class Mass:
    """Mass of a body and how it is spread."""

    mass: np.float32  # kg
    inertia: np.float32  # kg·m², about the centre
    centre: Points  # (2,) of mass, in the body's frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A polygon of one density, and where it starts."""

    polygon: Polygon
    density: float  # kg/m²
    position: Pair  # m, of the frame's origin
    angle: float = 0.0  # rad
    friction: float = FRICTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Hinge:
    """A revolute joint with a motor between two bodies; its angle is 0 as they start."""

    bodies: tuple[int, int]
    anchors: tuple[Pair, Pair]  # m, in the frames of the two bodies
    limits: Pair  # rad
    speed: float  # rad/s, of the motor
    torque: float  # N·m, the motor's largest


def polygon(corners: Sequence[Pair]) -> Polygon:
    """The convex hull of corners (m), which begins with the rightmost, then lowest, one."""
    points = np.array(corners, np.float64).astype(np.float32)
    hull = points[_wrapped(points)]
    return Polygon(hull, _normals(hull), _centroid(hull))


def box(half_width: float, half_height: float) -> Polygon:
    """A rectangle around the origin (m)."""
    x, y = np.float32(half_width), np.float32(half_height)
    corners = np.array([(-x, -y), (x, -y), (x, y), (-x, y)], np.float32)
    normals = np.array([(0, -1), (1, 0), (0, 1), (-1, 0)], np.float32)
    return Polygon(corners, normals, np.zeros(2, np.float32))


def _cross(a: Points, b: Points) -> np.float32:
    product: np.float32 = a[0] * b[1] - a[1] * b[0]
    return product


def _square(a: Points) -> np.float32:
    square: np.float32 = a[0] * a[0] + a[1] * a[1]
    return square


def _wrapped(points: Points) -> list[int]:
    """Places of the hull's corners in their order."""
    first = max(range(len(points)), key=lambda k: (points[k, 0], -points[k, 1]))
    hull: list[int] = []
    here = first
    while True:
        hull.append(here)
        best = 0
        for k in range(1, len(points)):
            if best == here:
                best = k
                continue
            a, b = points[best] - points[here], points[k] - points[here]
            turn = _cross(a, b)
            if turn < ZERO or (turn == ZERO and _square(b) > _square(a)):
                best = k
        here = best
        if here == first:
            return hull


def _normals(corners: Points) -> Points:
    edges = np.roll(corners, -1, axis=0) - corners
    across = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    length = np.sqrt(across[:, 0] * across[:, 0] + across[:, 1] * across[:, 1])
    normals: Points = across * (ONE / length)[:, None]
    return normals


def _centroid(corners: Points) -> Points:
    centroid, area = np.zeros(2, np.float32), ZERO
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        triangle = HALF * _cross(a, b)  # to the origin
        area += triangle
        centroid += triangle * _THIRD * (a + b)
    centroid *= ONE / area
    return centroid


def mass_of(shape: Polygon, density: float) -> Mass:
    """Mass of a polygon of one density (kg/m²)."""
    corners = shape.corners
    inside = np.zeros(2, np.float32)
    for corner in corners:
        inside += corner
    inside *= ONE / np.float32(len(corners))
    area, inertia, centre = ZERO, ZERO, np.zeros(2, np.float32)
    for a, b in zip(corners - inside, np.roll(corners, -1, axis=0) - inside, strict=True):
        double = _cross(a, b)
        triangle = HALF * double
        area += triangle
        centre += triangle * _THIRD * (a + b)
        second = a * a + b * a + b * b
        inertia += (_QUARTER * _THIRD * double) * (second[0] + second[1])
    mass = np.float32(density) * area
    centre *= ONE / area
    from_origin = centre + inside
    # Box2D refers the moment to the origin of the frame and then back to the centre, where rounding differs.
    inertia = np.float32(density) * inertia
    inertia += mass * (_square(from_origin) - _square(centre))
    weighted = (ONE / mass) * (mass * from_origin)
    inertia -= mass * _square(weighted)
    return Mass(mass, inertia, weighted)


def build_model(
    bodies: Sequence[Body],
    hinges: Sequence[Hinge],
    *,
    body_order: Sequence[int],
    joint_order: Sequence[int],
    gravity: float = -10.0,
    one_ground: bool = False,
    edge_spacing: float = 0.0,
) -> np.void:
    """A MODEL record.

    Args:
        bodies: all that move.
        hinges: the joints between them, by the bodies' places.
        body_order: order in which Box2D's search for what hangs together meets the bodies.
        joint_order: the same of the joints.
        gravity: m/s², upwards.
        one_ground: whether all edges belong to one body.
        edge_spacing: m, where edge i begins at x = i * edge_spacing; 0 where edges lie anyhow.
    """
    model: np.void = np.zeros(1, MODEL)[0]
    model["bodies"], model["joints"] = len(bodies), len(hinges)
    model["gravity"], model["one_ground"], model["edge_spacing"] = gravity, one_ground, edge_spacing
    model["body_order"][: len(bodies)] = body_order
    model["joint_order"][: len(hinges)] = joint_order
    for shape, body in zip(model["shape"], bodies, strict=False):
        _fill_shape(shape, body)
    for record, hinge in zip(model["hinge"], hinges, strict=False):
        _fill_hinge(record, hinge, bodies)
    return model


def _fill_shape(shape: np.void, body: Body) -> None:
    count = len(body.polygon.corners)
    if count > MOST_CORNERS:
        raise ValueError(f"a polygon has {count} corners, but at most {MOST_CORNERS} are supported")
    mass = mass_of(body.polygon, body.density)
    shape["corners"] = count
    shape["corner"][:count], shape["normal"][:count] = body.polygon.corners, body.polygon.normals
    shape["centroid_x"], shape["centroid_y"] = body.polygon.centroid
    shape["centre_x"], shape["centre_y"] = mass.centre
    shape["inverse_mass"], shape["inverse_inertia"] = ONE / mass.mass, ONE / mass.inertia
    shape["friction"] = body.friction
    shape["reach"] = 1.000001 * max(math.dist(corner, mass.centre) for corner in body.polygon.corners)
    shape["start_x"], shape["start_y"] = body.position
    shape["start_angle"] = body.angle


def _fill_hinge(record: np.void, hinge: Hinge, bodies: Sequence[Body]) -> None:
    record["body_a"], record["body_b"] = hinge.bodies
    (record["anchor_ax"], record["anchor_ay"]), (record["anchor_bx"], record["anchor_by"]) = hinge.anchors
    angle_a, angle_b = (np.float32(bodies[body].angle) for body in hinge.bodies)
    record["reference"] = angle_b - angle_a
    record["lower"], record["upper"] = hinge.limits
    record["start_speed"], record["start_torque"] = hinge.speed, hinge.torque


def lay_edges(episode: np.void, first: FloatArray, second: FloatArray, friction: float | FloatArray) -> None:
    """Lay the ground of an EPISODE record.

    Args:
        episode: filled in place.
        first: where each edge begins, (N, 2) in m.
        second: where it ends.
        friction: of all edges, or of each.
    """
    edges = np.zeros(len(first), EDGE)
    (x1, y1), (x2, y2) = (np.asarray(ends, np.float64).astype(np.float32).T for ends in (first, second))
    along_x, along_y = x2 - x1, y2 - y1
    inverse = ONE / np.sqrt(along_x * along_x + along_y * along_y)
    edges["x1"], edges["y1"], edges["x2"], edges["y2"] = x1, y1, x2, y2
    edges["normal_x"], edges["normal_y"] = along_y * inverse, -(along_x * inverse)
    edges["friction"] = friction
    edges["low_x"] = np.minimum(x1, x2) - RADIUS - BOX_MARGIN
    edges["low_y"] = np.minimum(y1, y2) - RADIUS - BOX_MARGIN
    edges["high_x"] = np.maximum(x1, x2) + RADIUS + BOX_MARGIN
    edges["high_y"] = np.maximum(y1, y2) + RADIUS + BOX_MARGIN
    episode["edges"] = len(edges)
    episode["edge"][: len(edges)] = edges
