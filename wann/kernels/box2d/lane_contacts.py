"""Contacts of sixteen worlds side by side: the same operations as in `contacts`, in the same order.

A slot of a block of worlds holds, for one body, the first contact of each world, or the second, and so on. In
a world that has fewer, it is empty: its numbers are 0, and so are its impulses.
"""

from __future__ import annotations

from wann.kernels.box2d.constants import CORRECTED, MOST_CORRECTION, ONE, RADIUS, SLOP, SOLVED, ZERO
from wann.kernels.box2d.records import FACE_OF_POLYGON
from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.lanes import inlined_kernel, kernel, select_greater
from wann.kernels.lanes32 import load_row, select_at_least, select_less, store_row

# Rows of a slot in the velocity iterations: those of a contact, of its first point, and of a pair of points.
NORMAL_X, NORMAL_Y, FRICTION, POINT = range(4)
ARM_X, ARM_Y, NORMAL_MASS, TANGENT_MASS, NORMAL_IMPULSE, TANGENT_IMPULSE = range(6)
POINT_ROWS = 6
SECOND = POINT + POINT_ROWS
K11, K12, K22, INVERSE11, INVERSE12, INVERSE22, IS_PAIR = range(SECOND + POINT_ROWS, SECOND + POINT_ROWS + 7)
SINGLE_ROWS = SECOND
PAIR_ROWS = IS_PAIR + 1

# Rows of a slot in the position iterations.
OF_POLYGON, FACE_NORMAL_X, FACE_NORMAL_Y, FACE_X, FACE_Y, FIRST_X, FIRST_Y, HAS_FIRST = range(8)
SECOND_X, SECOND_Y, HAS_SECOND = range(8, 11)
OVERLAP_ROWS = 11


@kernel
def pack_contact(contact, rows, place, lane):
    """Copy a contact into a lane of the rows from `place` on, for the velocity iterations."""
    rows[place + NORMAL_X, lane] = contact.normal_x
    rows[place + NORMAL_Y, lane] = contact.normal_y
    rows[place + FRICTION, lane] = contact.friction
    for j in range(contact.solved_points):
        point = contact.point[j]
        at = place + POINT + POINT_ROWS * j
        rows[at + ARM_X, lane] = point.arm_x
        rows[at + ARM_Y, lane] = point.arm_y
        rows[at + NORMAL_MASS, lane] = point.normal_mass
        rows[at + TANGENT_MASS, lane] = point.tangent_mass
        rows[at + NORMAL_IMPULSE, lane] = point.normal_impulse
        rows[at + TANGENT_IMPULSE, lane] = point.tangent_impulse
    if contact.solved_points == 2:
        rows[place + K11, lane] = contact.k11
        rows[place + K12, lane] = contact.k12
        rows[place + K22, lane] = contact.k22
        rows[place + INVERSE11, lane] = contact.inverse11
        rows[place + INVERSE12, lane] = contact.inverse12
        rows[place + INVERSE22, lane] = contact.inverse22
        rows[place + IS_PAIR, lane] = ONE


@kernel
def unpack_contact(contact, rows, place, lane):
    """Copy a contact's impulses back."""
    for j in range(contact.solved_points):
        point = contact.point[j]
        at = place + POINT + POINT_ROWS * j
        point.normal_impulse = rows[at + NORMAL_IMPULSE, lane]
        point.tangent_impulse = rows[at + TANGENT_IMPULSE, lane]


@inlined_kernel
def push_contacts(shape, rows, b, place, pair):
    """One velocity iteration of a slot: the friction of its points, then their normal impulses.

    The velocity of the body lies from row `b` on; `pair` says whether two points are there in any world.
    """
    mass, inertia = shape.inverse_mass, shape.inverse_inertia
    vx, vy, spin = load_row(rows, b), load_row(rows, b + 1), load_row(rows, b + 2)
    normal_x, normal_y = load_row(rows, place + NORMAL_X), load_row(rows, place + NORMAL_Y)
    friction = load_row(rows, place + FRICTION)
    tangent_x, tangent_y = normal_y, -normal_x
    for j in range(2 if pair else 1):
        at = place + POINT + POINT_ROWS * j
        arm_x, arm_y = load_row(rows, at + ARM_X), load_row(rows, at + ARM_Y)
        along = (vx - spin * arm_y) * tangent_x + (vy + spin * arm_x) * tangent_y
        most = friction * load_row(rows, at + NORMAL_IMPULSE)
        old = load_row(rows, at + TANGENT_IMPULSE)
        new = old + load_row(rows, at + TANGENT_MASS) * (-along)
        new = select_less(new, most, new, most)
        new = select_greater(-most, new, -most, new)
        store_row(rows, at + TANGENT_IMPULSE, new)
        x, y = (new - old) * tangent_x, (new - old) * tangent_y
        vx = vx + mass * x
        vy = vy + mass * y
        spin = spin + inertia * (arm_x * y - arm_y * x)

    first = place + POINT
    arm_x, arm_y = load_row(rows, first + ARM_X), load_row(rows, first + ARM_Y)
    normal_mass = load_row(rows, first + NORMAL_MASS)
    old = load_row(rows, first + NORMAL_IMPULSE)
    b1 = (vx - spin * arm_y) * normal_x + (vy + spin * arm_x) * normal_y
    single = old - normal_mass * b1
    single = select_greater(single, ZERO, single, ZERO)
    if pair:
        second = place + SECOND
        arm_x2, arm_y2 = load_row(rows, second + ARM_X), load_row(rows, second + ARM_Y)
        old2 = load_row(rows, second + NORMAL_IMPULSE)
        k11, k12, k22 = load_row(rows, place + K11), load_row(rows, place + K12), load_row(rows, place + K22)
        inverse12 = load_row(rows, place + INVERSE12)
        b2 = (vx - spin * arm_y2) * normal_x + (vy + spin * arm_x2) * normal_y
        b1 = b1 - (k11 * old + k12 * old2)
        b2 = b2 - (k12 * old + k22 * old2)
        # The four cases, the last first: none pushes, the second alone, the first alone, both.
        worst = select_less(b1, b2, b1, b2)
        new = select_at_least(worst, ZERO, ZERO, old)
        new2 = select_at_least(worst, ZERO, ZERO, old2)
        alone2 = -(load_row(rows, second + NORMAL_MASS) * b2)
        worst = k12 * alone2 + b1
        worst = select_less(worst, alone2, worst, alone2)
        new = select_at_least(worst, ZERO, ZERO, new)
        new2 = select_at_least(worst, ZERO, alone2, new2)
        alone = -normal_mass * b1
        worst = k12 * alone + b2
        worst = select_less(worst, alone, worst, alone)
        new = select_at_least(worst, ZERO, alone, new)
        new2 = select_at_least(worst, ZERO, ZERO, new2)
        both = -(load_row(rows, place + INVERSE11) * b1 + inverse12 * b2)
        both2 = -(inverse12 * b1 + load_row(rows, place + INVERSE22) * b2)
        worst = select_less(both, both2, both, both2)
        new = select_at_least(worst, ZERO, both, new)
        new2 = select_at_least(worst, ZERO, both2, new2)
        is_pair = load_row(rows, place + IS_PAIR)
        new = select_greater(is_pair, ZERO, new, single)
        new2 = select_greater(is_pair, ZERO, new2, old2)
        store_row(rows, first + NORMAL_IMPULSE, new)
        store_row(rows, second + NORMAL_IMPULSE, new2)
        x, y = (new - old) * normal_x, (new - old) * normal_y
        x2, y2 = (new2 - old2) * normal_x, (new2 - old2) * normal_y
        vx = vx + mass * (x + x2)
        vy = vy + mass * (y + y2)
        spin = spin + inertia * ((arm_x * y - arm_y * x) + (arm_x2 * y2 - arm_y2 * x2))
    else:
        store_row(rows, first + NORMAL_IMPULSE, single)
        x, y = (single - old) * normal_x, (single - old) * normal_y
        vx = vx + mass * x
        vy = vy + mass * y
        spin = spin + inertia * (arm_x * y - arm_y * x)
    store_row(rows, b, vx)
    store_row(rows, b + 1, vy)
    store_row(rows, b + 2, spin)


@kernel
def pack_overlap(contact, rows, place, lane):
    """Copy a contact into a lane of the rows from `place` on, for the position iterations."""
    rows[place + OF_POLYGON, lane] = ONE if contact.face == FACE_OF_POLYGON else ZERO
    rows[place + FACE_NORMAL_X, lane] = contact.local_normal_x
    rows[place + FACE_NORMAL_Y, lane] = contact.local_normal_y
    rows[place + FACE_X, lane] = contact.local_x
    rows[place + FACE_Y, lane] = contact.local_y
    rows[place + FIRST_X, lane] = contact.point[0].x
    rows[place + FIRST_Y, lane] = contact.point[0].y
    rows[place + HAS_FIRST, lane] = ONE
    if contact.points == 2:
        rows[place + SECOND_X, lane] = contact.point[1].x
        rows[place + SECOND_Y, lane] = contact.point[1].y
        rows[place + HAS_SECOND, lane] = ONE


@inlined_kernel
def move_contacts(shape, rows, b, place, point, moving, solved):
    """One position iteration of a point of a slot, which takes away a share of its overlap.

    The body's position lies from row `b` on, the point's from row `point`. Gives `solved`, or 0 where the
    point overlaps by too much.
    """
    mass, inertia = shape.inverse_mass, shape.inverse_inertia
    body_x, body_y, angle = load_row(rows, b), load_row(rows, b + 1), load_row(rows, b + 2)
    s, c = sine(angle), cosine(angle)
    origin_x = body_x - (c * shape.centre_x - s * shape.centre_y)
    origin_y = body_y - (s * shape.centre_x + c * shape.centre_y)
    of_polygon = load_row(rows, place + OF_POLYGON)
    normal_x, normal_y = load_row(rows, place + FACE_NORMAL_X), load_row(rows, place + FACE_NORMAL_Y)
    face_x, face_y = load_row(rows, place + FACE_X), load_row(rows, place + FACE_Y)
    x, y = load_row(rows, point), load_row(rows, point + 1)
    exists = load_row(rows, point + 2)
    # What is fixed to the body: the point, or the face.
    own_x, own_y = select_greater(of_polygon, ZERO, face_x, x), select_greater(of_polygon, ZERO, face_y, y)
    own_x, own_y = (c * own_x - s * own_y) + origin_x, (s * own_x + c * own_y) + origin_y
    turned_x, turned_y = c * normal_x - s * normal_y, s * normal_x + c * normal_y
    normal_x = select_greater(of_polygon, ZERO, turned_x, normal_x)
    normal_y = select_greater(of_polygon, ZERO, turned_y, normal_y)
    x, y = select_greater(of_polygon, ZERO, x, own_x), select_greater(of_polygon, ZERO, y, own_y)
    face_x = select_greater(of_polygon, ZERO, own_x, face_x)
    face_y = select_greater(of_polygon, ZERO, own_y, face_y)
    separation = ((x - face_x) * normal_x + (y - face_y) * normal_y) - RADIUS - RADIUS
    normal_x = select_greater(of_polygon, ZERO, -normal_x, normal_x)
    normal_y = select_greater(of_polygon, ZERO, -normal_y, normal_y)
    arm_x, arm_y = x - body_x, y - body_y
    solved = select_greater(exists, ZERO, select_less(separation, SOLVED, ZERO, solved), solved)
    correction = CORRECTED * (separation + SLOP)
    correction = select_less(correction, ZERO, correction, ZERO)
    correction = select_greater(-MOST_CORRECTION, correction, -MOST_CORRECTION, correction)
    across = arm_x * normal_y - arm_y * normal_x
    impulse = (-correction) / (mass + inertia * across * across)
    x, y = impulse * normal_x, impulse * normal_y
    moving = select_greater(exists, ZERO, moving, ZERO)
    store_row(rows, b, select_greater(moving, ZERO, body_x + mass * x, body_x))
    store_row(rows, b + 1, select_greater(moving, ZERO, body_y + mass * y, body_y))
    turn = inertia * (arm_x * y - arm_y * x)
    store_row(rows, b + 2, select_greater(moving, ZERO, angle + turn, angle))
    return solved
