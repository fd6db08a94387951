"""Revolute joints of sixteen worlds side by side: the same operations as in `joints`, in the same order.

The rows of a block of worlds hold one number of each world. Where a joint is at a limit in some of the worlds
only, the others go through the limit's operations too, with numbers that leave every bit as it was.
"""

from __future__ import annotations

import numpy as np

from wann.kernels.box2d.constants import (
    ANGULAR_SLOP,
    MOST_ANGULAR_CORRECTION,
    ONE,
    SLOP,
    STEP,
    ZERO,
)
from wann.kernels.box2d.records import AT_LOWER, NO_LIMIT
from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.lanes import inlined_kernel, kernel, select_greater
from wann.kernels.lanes32 import load_row, select_at_least, select_less, square_root, store_row

# Rows of a joint in the velocity iterations.
SPEED, MOTOR_MASS, MOST, MOTOR_IMPULSE, ARM_AX, ARM_AY, ARM_BX, ARM_BY = range(8)
K11, K12, K22, INVERSE2, IMPULSE_X, IMPULSE_Y, IMPULSE_Z, SIDE, THRESHOLD = range(8, 17)
K13, K23, K33, INVERSE3, COFACTOR_X, COFACTOR_Y, COFACTOR_Z = range(17, 24)
JOINT_ROWS = 24

_NEVER = np.float32(np.inf)
_MINUS_ONE = np.float32(-1.0)


@kernel
def pack_joint(joint, rows, place, lane):
    """Copy a joint into a lane of the rows from `place` on, for the velocity iterations."""
    rows[place + SPEED, lane] = joint.speed
    rows[place + MOTOR_MASS, lane] = joint.motor_mass
    rows[place + MOST, lane] = STEP * joint.torque
    rows[place + MOTOR_IMPULSE, lane] = joint.motor_impulse
    rows[place + ARM_AX, lane] = joint.arm_ax
    rows[place + ARM_AY, lane] = joint.arm_ay
    rows[place + ARM_BX, lane] = joint.arm_bx
    rows[place + ARM_BY, lane] = joint.arm_by
    rows[place + K11, lane] = joint.k11
    rows[place + K12, lane] = joint.k12
    rows[place + K22, lane] = joint.k22
    rows[place + INVERSE2, lane] = joint.inverse2
    rows[place + IMPULSE_X, lane] = joint.impulse_x
    rows[place + IMPULSE_Y, lane] = joint.impulse_y
    rows[place + IMPULSE_Z, lane] = joint.impulse_z
    rows[place + K33, lane] = joint.k33
    rows[place + INVERSE3, lane] = joint.inverse3
    rows[place + COFACTOR_X, lane] = joint.cofactor_x
    rows[place + COFACTOR_Y, lane] = joint.cofactor_y
    rows[place + COFACTOR_Z, lane] = joint.cofactor_z
    if joint.limit == NO_LIMIT:
        # The limit never pushes, and letting go of its impulse, +0, adds -0, which changes no bit.
        rows[place + SIDE, lane] = ZERO
        rows[place + THRESHOLD, lane] = _NEVER
        rows[place + K13, lane] = _MINUS_ONE
        rows[place + K23, lane] = _MINUS_ONE
        rows[place + IMPULSE_Z, lane] = ZERO
    else:
        rows[place + SIDE, lane] = ONE if joint.limit == AT_LOWER else _MINUS_ONE
        rows[place + THRESHOLD, lane] = ZERO
        rows[place + K13, lane] = joint.k13
        rows[place + K23, lane] = joint.k23


@kernel
def unpack_joint(joint, rows, place, lane):
    """Copy a joint's impulses back."""
    joint.motor_impulse = rows[place + MOTOR_IMPULSE, lane]
    joint.impulse_x = rows[place + IMPULSE_X, lane]
    joint.impulse_y = rows[place + IMPULSE_Y, lane]
    joint.impulse_z = rows[place + IMPULSE_Z, lane]


@inlined_kernel
def push_joints(shape_a, shape_b, rows, a, b, place, limited):
    """One velocity iteration of a joint in sixteen worlds.

    The velocities of its bodies lie from rows `a` and `b` on; `limited` says whether any is at a limit.
    """
    mass_a, inertia_a = shape_a.inverse_mass, shape_a.inverse_inertia
    mass_b, inertia_b = shape_b.inverse_mass, shape_b.inverse_inertia
    vx_a, vy_a, spin_a = load_row(rows, a), load_row(rows, a + 1), load_row(rows, a + 2)
    vx_b, vy_b, spin_b = load_row(rows, b), load_row(rows, b + 1), load_row(rows, b + 2)

    impulse = load_row(rows, place + MOTOR_MASS) * (spin_b - spin_a - load_row(rows, place + SPEED))
    old, most = load_row(rows, place + MOTOR_IMPULSE), load_row(rows, place + MOST)
    new = old - impulse
    new = select_less(new, most, new, most)
    new = select_greater(-most, new, -most, new)
    store_row(rows, place + MOTOR_IMPULSE, new)
    impulse = new - old
    spin_a = spin_a - inertia_a * impulse
    spin_b = spin_b + inertia_b * impulse

    arm_ax, arm_ay = load_row(rows, place + ARM_AX), load_row(rows, place + ARM_AY)
    arm_bx, arm_by = load_row(rows, place + ARM_BX), load_row(rows, place + ARM_BY)
    x = vx_b - spin_b * arm_by - vx_a + spin_a * arm_ay
    y = vy_b + spin_b * arm_bx - vy_a - spin_a * arm_ax
    k11, k12, k22 = load_row(rows, place + K11), load_row(rows, place + K12), load_row(rows, place + K22)
    inverse = load_row(rows, place + INVERSE2)
    if limited:
        k13, k23, k33 = load_row(rows, place + K13), load_row(rows, place + K23), load_row(rows, place + K33)
        old = load_row(rows, place + IMPULSE_Z)
        free_x, free_y = old * k13 - x, old * k23 - y
        impulse_x = inverse * (k22 * free_x - k12 * free_y)
        impulse_y = inverse * (k11 * free_y - k12 * free_x)
        z = spin_b - spin_a
        inverse = load_row(rows, place + INVERSE3)
        minor_z = k11 * (k22 * z - k23 * y) + k12 * (k23 * x - k12 * z) + k13 * (k12 * y - k22 * x)
        impulse_z = -(inverse * minor_z)
        along = (
            x * load_row(rows, place + COFACTOR_X)
            + y * load_row(rows, place + COFACTOR_Y)
            + z * load_row(rows, place + COFACTOR_Z)
        )
        minor_y = k11 * (y * k33 - z * k23) + k12 * (z * k13 - x * k33) + k13 * (x * k23 - y * k13)
        new = old + impulse_z
        towards, threshold = load_row(rows, place + SIDE) * new, load_row(rows, place + THRESHOLD)
        impulse_x = select_at_least(towards, threshold, -(inverse * along), impulse_x)
        impulse_y = select_at_least(towards, threshold, -(inverse * minor_y), impulse_y)
        impulse_z = select_at_least(towards, threshold, impulse_z, -old)
        store_row(rows, place + IMPULSE_Z, select_at_least(towards, threshold, new, ZERO))
        turn_a = (arm_ax * impulse_y - arm_ay * impulse_x) + impulse_z
        turn_b = (arm_bx * impulse_y - arm_by * impulse_x) + impulse_z
    else:
        impulse_x = inverse * (k12 * y - k22 * x)
        impulse_y = inverse * (k12 * x - k11 * y)
        turn_a = arm_ax * impulse_y - arm_ay * impulse_x
        turn_b = arm_bx * impulse_y - arm_by * impulse_x
    store_row(rows, place + IMPULSE_X, load_row(rows, place + IMPULSE_X) + impulse_x)
    store_row(rows, place + IMPULSE_Y, load_row(rows, place + IMPULSE_Y) + impulse_y)
    store_row(rows, a, vx_a - mass_a * impulse_x)
    store_row(rows, a + 1, vy_a - mass_a * impulse_y)
    store_row(rows, a + 2, spin_a - inertia_a * turn_a)
    store_row(rows, b, vx_b + mass_b * impulse_x)
    store_row(rows, b + 1, vy_b + mass_b * impulse_y)
    store_row(rows, b + 2, spin_b + inertia_b * turn_b)


@inlined_kernel
def move_joints(model, hinge, rows, side, moving, solved, limited):
    """One position iteration of a joint in sixteen worlds; those that are `moving` (1, not 0) move.

    `side` is the row that says at which limit it is: 1 at the lower, -1 at the upper, 0 at none. Gives
    `solved`, or 0 where the bodies were not within the tolerances.
    """
    shape_a, shape_b = model.shape[hinge.body_a], model.shape[hinge.body_b]
    mass_a, inertia_a = shape_a.inverse_mass, shape_a.inverse_inertia
    mass_b, inertia_b = shape_b.inverse_mass, shape_b.inverse_inertia
    a, b = 3 * hinge.body_a, 3 * hinge.body_b
    x_a, y_a, angle_a = load_row(rows, a), load_row(rows, a + 1), load_row(rows, a + 2)
    x_b, y_b, angle_b = load_row(rows, b), load_row(rows, b + 1), load_row(rows, b + 2)
    old_a, old_b = angle_a, angle_b
    if limited:
        which = load_row(rows, side)
        angle = angle_b - angle_a - hinge.reference
        low = angle - hinge.lower
        high = angle - hinge.upper
        beyond = select_greater(which, ZERO, -low, select_less(which, ZERO, high, ZERO))
        low = low + ANGULAR_SLOP
        low = select_less(low, ZERO, low, ZERO)
        low = select_greater(-MOST_ANGULAR_CORRECTION, low, -MOST_ANGULAR_CORRECTION, low)
        high = high - ANGULAR_SLOP
        high = select_less(high, MOST_ANGULAR_CORRECTION, high, MOST_ANGULAR_CORRECTION)
        high = select_greater(ZERO, high, ZERO, high)
        turn = select_greater(which, ZERO, low, select_less(which, ZERO, high, ZERO))
        impulse = -(ONE / (inertia_a + inertia_b)) * turn
        angle_a = angle_a - inertia_a * impulse
        angle_b = angle_b + inertia_b * impulse
        solved = select_greater(beyond, ANGULAR_SLOP, ZERO, solved)
    s, c = sine(angle_a), cosine(angle_a)
    x, y = hinge.anchor_ax - shape_a.centre_x, hinge.anchor_ay - shape_a.centre_y
    arm_ax, arm_ay = c * x - s * y, s * x + c * y
    s, c = sine(angle_b), cosine(angle_b)
    x, y = hinge.anchor_bx - shape_b.centre_x, hinge.anchor_by - shape_b.centre_y
    arm_bx, arm_by = c * x - s * y, s * x + c * y
    x, y = x_b + arm_bx - x_a - arm_ax, y_b + arm_by - y_a - arm_ay
    solved = select_greater(square_root(x * x + y * y), SLOP, ZERO, solved)
    mass = mass_a + mass_b
    k11 = mass + inertia_a * arm_ay * arm_ay + inertia_b * arm_by * arm_by
    k12 = -inertia_a * arm_ax * arm_ay - inertia_b * arm_bx * arm_by
    k22 = mass + inertia_a * arm_ax * arm_ax + inertia_b * arm_bx * arm_bx
    determinant = ONE / (k11 * k22 - k12 * k12)
    impulse_x = -(determinant * (k22 * x - k12 * y))
    impulse_y = -(determinant * (k11 * y - k12 * x))
    angle_a = angle_a - inertia_a * (arm_ax * impulse_y - arm_ay * impulse_x)
    angle_b = angle_b + inertia_b * (arm_bx * impulse_y - arm_by * impulse_x)
    store_row(rows, a, select_greater(moving, ZERO, x_a - mass_a * impulse_x, x_a))
    store_row(rows, a + 1, select_greater(moving, ZERO, y_a - mass_a * impulse_y, y_a))
    store_row(rows, a + 2, select_greater(moving, ZERO, angle_a, old_a))
    store_row(rows, b, select_greater(moving, ZERO, x_b + mass_b * impulse_x, x_b))
    store_row(rows, b + 1, select_greater(moving, ZERO, y_b + mass_b * impulse_y, y_b))
    store_row(rows, b + 2, select_greater(moving, ZERO, angle_b, old_b))
    return solved
