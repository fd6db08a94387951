"""Where a polygon touches an edge: up to two points, a normal, and who touches whom.

Source: Box2D's b2CollideEdge for an edge without neighbours, and the clipping of its b2Collision; Catto,
"Contact Manifolds" (2007).
"""

from __future__ import annotations

import numpy as np

from wann.kernels.box2d.constants import ANGULAR_SLOP, BIG, BOTH_RADII, ZERO
from wann.kernels.box2d.records import FACE_OF_EDGE, FACE_OF_POLYGON
from wann.kernels.lanes import kernel

RELATIVE_TOLERANCE, TOLERANCE = np.float32(0.98), np.float32(0.001)  # in favour of the edge's face

# An id has the corner or face of the edge in its lowest byte, then that of the polygon, then whether each of
# them is a face.
EDGE_FACE, POLYGON_FACE = 1 << 16, 1 << 24


@kernel
def _clip(world, x0, y0, id0, x1, y1, id1, normal_x, normal_y, offset, corner):
    """Clip a segment to a half-plane into `world.clip`; give the number of points that are left."""
    distance0 = (normal_x * x0 + normal_y * y0) - offset
    distance1 = (normal_x * x1 + normal_y * y1) - offset
    left = 0
    if distance0 <= ZERO:
        world.clip[left, 0], world.clip[left, 1], world.clip_id[left] = x0, y0, id0
        left += 1
    if distance1 <= ZERO:
        world.clip[left, 0], world.clip[left, 1], world.clip_id[left] = x1, y1, id1
        left += 1
    if distance0 * distance1 < ZERO:
        share = distance0 / (distance0 - distance1)
        world.clip[left, 0] = x0 + share * (x1 - x0)
        world.clip[left, 1] = y0 + share * (y1 - y0)
        world.clip_id[left] = corner | (id0 & 0xFF00) | POLYGON_FACE
        left += 1
    return left


@kernel
def _swapped(number):
    """An id in which edge and polygon have changed places."""
    return (
        (number >> 8 & 0xFF)
        | (number & 0xFF) << 8
        | (number >> 24 & 0xFF) << 16
        | (number >> 16 & 0xFF) << 24
    )


@kernel
def find_points(shape, edge, world, contact):
    """Find a contact's points anew; their impulses are left to the caller."""
    body = world.body[contact.body]
    origin_x, origin_y, s, c = body.origin_x, body.origin_y, body.sin, body.cos
    contact.points = 0
    centroid_x = (c * shape.centroid_x - s * shape.centroid_y) + origin_x
    centroid_y = (s * shape.centroid_x + c * shape.centroid_y) + origin_y
    front = (edge.normal_x * (centroid_x - edge.x1) + edge.normal_y * (centroid_y - edge.y1)) >= ZERO
    if front:
        normal_x, normal_y = edge.normal_x, edge.normal_y
        limit_x, limit_y = -edge.normal_x, -edge.normal_y
    else:
        normal_x, normal_y = -edge.normal_x, -edge.normal_y
        limit_x, limit_y = edge.normal_x, edge.normal_y

    corners = shape.corners
    nearest = BIG  # separation along the edge's normal
    for i in range(corners):
        x = (c * shape.corner[i, 0] - s * shape.corner[i, 1]) + origin_x
        y = (s * shape.corner[i, 0] + c * shape.corner[i, 1]) + origin_y
        world.corner[i, 0], world.corner[i, 1] = x, y
        separation = normal_x * (x - edge.x1) + normal_y * (y - edge.y1)
        if separation < nearest:
            nearest = separation
    if nearest > BOTH_RADII:
        return
    for i in range(corners):
        world.normal[i, 0] = c * shape.normal[i, 0] - s * shape.normal[i, 1]
        world.normal[i, 1] = s * shape.normal[i, 0] + c * shape.normal[i, 1]
    face, farthest = -1, -BIG  # of the polygon's own normals
    for i in range(corners):
        away_x, away_y = -world.normal[i, 0], -world.normal[i, 1]
        x, y = world.corner[i, 0], world.corner[i, 1]
        separation1 = away_x * (x - edge.x1) + away_y * (y - edge.y1)
        separation2 = away_x * (x - edge.x2) + away_y * (y - edge.y2)
        separation = separation1 if separation1 < separation2 else separation2
        if separation > BOTH_RADII:
            return
        if (away_x - limit_x) * normal_x + (away_y - limit_y) * normal_y < -ANGULAR_SLOP:
            continue  # this face looks away from the side of the edge that counts
        if separation > farthest:
            farthest, face = separation, i

    if face >= 0 and farthest > RELATIVE_TOLERANCE * nearest + TOLERANCE:
        _touch_with_face(shape, edge, world, contact, face)
    else:
        _touch_edge(edge, world, contact, corners, front)


@kernel
def _touch_edge(edge, world, contact, corners, front):
    """The edge's face is the reference: the polygon's face that looks at it is clipped."""
    if front:
        ref_x, ref_y, other_x, other_y = edge.x1, edge.y1, edge.x2, edge.y2
        normal_x, normal_y, first, second = edge.normal_x, edge.normal_y, 0, 1
    else:
        ref_x, ref_y, other_x, other_y = edge.x2, edge.y2, edge.x1, edge.y1
        normal_x, normal_y, first, second = -edge.normal_x, -edge.normal_y, 1, 0
    i = 0
    least = normal_x * world.normal[0, 0] + normal_y * world.normal[0, 1]
    for k in range(1, corners):
        along = normal_x * world.normal[k, 0] + normal_y * world.normal[k, 1]
        if along < least:
            least, i = along, k
    j = i + 1 if i + 1 < corners else 0
    side_x, side_y = normal_y, -normal_x
    left = _clip(
        world,
        world.corner[i, 0],
        world.corner[i, 1],
        i << 8 | EDGE_FACE,
        world.corner[j, 0],
        world.corner[j, 1],
        j << 8 | EDGE_FACE,
        side_x,
        side_y,
        side_x * ref_x + side_y * ref_y,
        first,
    )
    if (
        left < 2
        or _clip_again(world, -side_x, -side_y, (-side_x) * other_x + (-side_y) * other_y, second) < 2
    ):
        return
    contact.face = FACE_OF_EDGE
    contact.local_normal_x, contact.local_normal_y = normal_x, normal_y
    contact.local_x, contact.local_y = ref_x, ref_y
    body = world.body[contact.body]
    points = 0
    for i in range(2):
        separation = normal_x * (world.clip[i, 0] - ref_x) + normal_y * (world.clip[i, 1] - ref_y)
        if separation <= BOTH_RADII:
            x, y = world.clip[i, 0] - body.origin_x, world.clip[i, 1] - body.origin_y
            point = contact.point[points]
            point.x = body.cos * x + body.sin * y
            point.y = (-body.sin) * x + body.cos * y
            point.id = world.clip_id[i]
            points += 1
    contact.points = points


@kernel
def _touch_with_face(shape, edge, world, contact, face):
    """A face of the polygon is the reference: the edge is clipped."""
    following = face + 1 if face + 1 < shape.corners else 0
    ref_x, ref_y = world.corner[face, 0], world.corner[face, 1]
    other_x, other_y = world.corner[following, 0], world.corner[following, 1]
    normal_x, normal_y = world.normal[face, 0], world.normal[face, 1]
    side_x, side_y = normal_y, -normal_x
    left = _clip(
        world,
        edge.x1,
        edge.y1,
        face << 8 | POLYGON_FACE,
        edge.x2,
        edge.y2,
        face << 8 | POLYGON_FACE,
        side_x,
        side_y,
        side_x * ref_x + side_y * ref_y,
        face,
    )
    offset = (-side_x) * other_x + (-side_y) * other_y
    if left < 2 or _clip_again(world, -side_x, -side_y, offset, following) < 2:
        return
    contact.face = FACE_OF_POLYGON
    contact.local_normal_x, contact.local_normal_y = shape.normal[face, 0], shape.normal[face, 1]
    contact.local_x, contact.local_y = shape.corner[face, 0], shape.corner[face, 1]
    points = 0
    for i in range(2):
        separation = normal_x * (world.clip[i, 0] - ref_x) + normal_y * (world.clip[i, 1] - ref_y)
        if separation <= BOTH_RADII:
            point = contact.point[points]
            point.x, point.y = world.clip[i, 0], world.clip[i, 1]
            point.id = _swapped(world.clip_id[i])
            points += 1
    contact.points = points


@kernel
def _clip_again(world, normal_x, normal_y, offset, corner):
    return _clip(
        world,
        world.clip[0, 0],
        world.clip[0, 1],
        world.clip_id[0],
        world.clip[1, 0],
        world.clip[1, 1],
        world.clip_id[1],
        normal_x,
        normal_y,
        offset,
        corner,
    )


@kernel
def update_contact(shape, edge, world, contact):
    """Find a contact's points anew, carry impulses over by the points' ids, and tell the body.

    What Gymnasium's listeners keep: a body is on the ground from when any of its contacts begins to when any
    ends.
    """
    was_touching, points = contact.touching, contact.points
    old0, old1 = contact.point[0], contact.point[1]
    id0, normal0, tangent0 = old0.id, old0.normal_impulse, old0.tangent_impulse
    id1, normal1, tangent1 = old1.id, old1.normal_impulse, old1.tangent_impulse
    contact.enabled = 1
    find_points(shape, edge, world, contact)
    for j in range(contact.points):
        point = contact.point[j]
        point.normal_impulse, point.tangent_impulse = ZERO, ZERO
        if points > 0 and point.id == id0:
            point.normal_impulse, point.tangent_impulse = normal0, tangent0
        elif points > 1 and point.id == id1:
            point.normal_impulse, point.tangent_impulse = normal1, tangent1
    touching = contact.points > 0
    body = world.body[contact.body]
    if touching and not was_touching:
        body.touched = body.on_ground = 1
    if was_touching and not touching:
        body.on_ground = 0
    contact.touching = 1 if touching else 0
