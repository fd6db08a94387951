"""The forces of contacts, for one world: friction and normal impulses, and the correction of overlaps.

Two points of a contact are solved together, as a small linear complementarity problem. Source: Box2D's
b2ContactSolver; Catto, "Iterative Dynamics with Temporal Coherence" (2005).
"""

from __future__ import annotations

from wann.kernels.box2d.constants import (
    HALF,
    MOST_CONDITION,
    MOST_CORRECTION,
    ONE,
    RADIUS,
    SLOP,
    ZERO,
)
from wann.kernels.box2d.records import FACE_OF_EDGE
from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.lanes import kernel


@kernel
def prepare_contact(shape, body, contact):
    """Compute a contact's normal, arms and masses; the body's frame has to be up to date."""
    mass, inertia = shape.inverse_mass, shape.inverse_inertia
    s, c = body.sin, body.cos
    normal_x, normal_y = contact.local_normal_x, contact.local_normal_y
    face_x, face_y = contact.local_x, contact.local_y
    of_edge = contact.face == FACE_OF_EDGE
    if not of_edge:
        normal_x, normal_y = c * normal_x - s * normal_y, s * normal_x + c * normal_y
        face_x, face_y = (c * face_x - s * face_y) + body.origin_x, (s * face_x + c * face_y) + body.origin_y
    for j in range(contact.points):
        point = contact.point[j]
        x, y = point.x, point.y
        if of_edge:
            x, y = (c * point.x - s * point.y) + body.origin_x, (s * point.x + c * point.y) + body.origin_y
        # The point is in the middle between the two skins.
        in_face = RADIUS - ((x - face_x) * normal_x + (y - face_y) * normal_y)
        x1, y1 = x + in_face * normal_x, y + in_face * normal_y
        x2, y2 = x - RADIUS * normal_x, y - RADIUS * normal_y
        point.arm_x, point.arm_y = HALF * (x1 + x2) - body.x, HALF * (y1 + y2) - body.y
    if not of_edge:
        normal_x, normal_y = -normal_x, -normal_y
    contact.normal_x, contact.normal_y = normal_x, normal_y
    for j in range(contact.points):
        point = contact.point[j]
        across = point.arm_x * normal_y - point.arm_y * normal_x
        k = mass + inertia * across * across
        point.normal_mass = ONE / k if k > ZERO else ZERO
        along = point.arm_x * (-normal_x) - point.arm_y * normal_y
        k = mass + inertia * along * along
        point.tangent_mass = ONE / k if k > ZERO else ZERO
    contact.solved_points = contact.points
    if contact.points == 2:
        first, second = contact.point[0], contact.point[1]
        across1 = first.arm_x * normal_y - first.arm_y * normal_x
        across2 = second.arm_x * normal_y - second.arm_y * normal_x
        k11 = mass + inertia * across1 * across1
        k22 = mass + inertia * across2 * across2
        k12 = mass + inertia * across1 * across2
        if k11 * k11 < MOST_CONDITION * (k11 * k22 - k12 * k12):
            contact.k11, contact.k12, contact.k22 = k11, k12, k22
            determinant = k11 * k22 - k12 * k12
            if determinant != ZERO:
                determinant = ONE / determinant
            contact.inverse11, contact.inverse22 = determinant * k22, determinant * k11
            contact.inverse12 = -determinant * k12
        else:
            contact.solved_points = 1


@kernel
def warm_start(shape, body, contact):
    """Apply the impulses of the last step."""
    normal_x, normal_y = contact.normal_x, contact.normal_y
    for j in range(contact.solved_points):
        point = contact.point[j]
        x = point.normal_impulse * normal_x + point.tangent_impulse * normal_y
        y = point.normal_impulse * normal_y + point.tangent_impulse * (-normal_x)
        body.spin += shape.inverse_inertia * (point.arm_x * y - point.arm_y * x)
        body.vx += shape.inverse_mass * x
        body.vy += shape.inverse_mass * y


@kernel
def push_contact(shape, body, contact):
    """One velocity iteration of a contact: the friction of its points, then their normal impulses."""
    mass, inertia = shape.inverse_mass, shape.inverse_inertia
    vx, vy, spin = body.vx, body.vy, body.spin
    normal_x, normal_y = contact.normal_x, contact.normal_y
    tangent_x, tangent_y = normal_y, -normal_x
    for j in range(contact.solved_points):
        point = contact.point[j]
        along = (vx - spin * point.arm_y) * tangent_x + (vy + spin * point.arm_x) * tangent_y
        most, old = contact.friction * point.normal_impulse, point.tangent_impulse
        new = old + point.tangent_mass * (-along)
        new = new if new < most else most
        new = -most if -most > new else new
        point.tangent_impulse = new
        x, y = (new - old) * tangent_x, (new - old) * tangent_y
        vx += mass * x
        vy += mass * y
        spin += inertia * (point.arm_x * y - point.arm_y * x)

    first = contact.point[0]
    if contact.solved_points == 1:
        towards = (vx - spin * first.arm_y) * normal_x + (vy + spin * first.arm_x) * normal_y
        old = first.normal_impulse
        new = old - first.normal_mass * towards
        new = new if new > ZERO else ZERO
        first.normal_impulse = new
        x, y = (new - old) * normal_x, (new - old) * normal_y
        vx += mass * x
        vy += mass * y
        spin += inertia * (first.arm_x * y - first.arm_y * x)
    else:
        second = contact.point[1]
        old1, old2 = first.normal_impulse, second.normal_impulse
        k11, k12, k22 = contact.k11, contact.k12, contact.k22
        b1 = (vx - spin * first.arm_y) * normal_x + (vy + spin * first.arm_x) * normal_y
        b2 = (vx - spin * second.arm_y) * normal_x + (vy + spin * second.arm_x) * normal_y
        b1 -= k11 * old1 + k12 * old2
        b2 -= k12 * old1 + k22 * old2
        # The four cases: both points push, the first alone, the second alone, none.
        solved = True
        new1 = -(contact.inverse11 * b1 + contact.inverse12 * b2)
        new2 = -(contact.inverse12 * b1 + contact.inverse22 * b2)
        if not (new1 >= ZERO and new2 >= ZERO):
            new1, new2 = -first.normal_mass * b1, ZERO
            if not (new1 >= ZERO and k12 * new1 + b2 >= ZERO):
                new1, new2 = ZERO, -second.normal_mass * b2
                if not (new2 >= ZERO and k12 * new2 + b1 >= ZERO):
                    new1, new2 = ZERO, ZERO
                    solved = b1 >= ZERO and b2 >= ZERO
        if solved:
            x1, y1 = (new1 - old1) * normal_x, (new1 - old1) * normal_y
            x2, y2 = (new2 - old2) * normal_x, (new2 - old2) * normal_y
            vx += mass * (x1 + x2)
            vy += mass * (y1 + y2)
            spin += inertia * (
                (first.arm_x * y1 - first.arm_y * x1) + (second.arm_x * y2 - second.arm_y * x2)
            )
            first.normal_impulse, second.normal_impulse = new1, new2
    body.vx, body.vy, body.spin = vx, vy, spin


@kernel
def move_contact(shape, body, contact, share, least):
    """One position iteration of a contact, which takes away a share of its overlap.

    Gives the smaller of `least` and the contact's separations.
    """
    mass, inertia = shape.inverse_mass, shape.inverse_inertia
    for j in range(contact.points):
        point = contact.point[j]
        s, c = sine(body.angle), cosine(body.angle)
        origin_x = body.x - (c * shape.centre_x - s * shape.centre_y)
        origin_y = body.y - (s * shape.centre_x + c * shape.centre_y)
        normal_x, normal_y = contact.local_normal_x, contact.local_normal_y
        x, y, face_x, face_y = point.x, point.y, contact.local_x, contact.local_y
        if contact.face == FACE_OF_EDGE:
            x, y = (c * point.x - s * point.y) + origin_x, (s * point.x + c * point.y) + origin_y
            separation = ((x - face_x) * normal_x + (y - face_y) * normal_y) - RADIUS - RADIUS
        else:
            normal_x, normal_y = c * normal_x - s * normal_y, s * normal_x + c * normal_y
            face_x, face_y = (c * face_x - s * face_y) + origin_x, (s * face_x + c * face_y) + origin_y
            separation = ((x - face_x) * normal_x + (y - face_y) * normal_y) - RADIUS - RADIUS
            normal_x, normal_y = -normal_x, -normal_y
        arm_x, arm_y = x - body.x, y - body.y
        if separation < least:
            least = separation
        correction = share * (separation + SLOP)
        correction = correction if correction < ZERO else ZERO
        correction = -MOST_CORRECTION if correction < -MOST_CORRECTION else correction
        across = arm_x * normal_y - arm_y * normal_x
        k = mass + inertia * across * across
        impulse = (-correction) / k if k > ZERO else ZERO
        x, y = impulse * normal_x, impulse * normal_y
        body.x += mass * x
        body.y += mass * y
        body.angle += inertia * (arm_x * y - arm_y * x)
    return least
