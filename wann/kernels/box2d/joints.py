"""Revolute joints with a motor and a limit, for one world.

A step prepares each joint, goes through the velocity iterations, which push by impulses, and then through the
position iterations, which move the bodies themselves. Source: Box2D's b2RevoluteJoint; Catto, "Modeling and
Solving Constraints" (2009).
"""

from __future__ import annotations

import math

from wann.kernels.box2d.constants import (
    ANGULAR_SLOP,
    MOST_ANGULAR_CORRECTION,
    ONE,
    SLOP,
    STEP,
    ZERO,
)
from wann.kernels.box2d.records import AT_LOWER, AT_UPPER, NO_LIMIT
from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.lanes import kernel


@kernel
def prepare_joint(model, world, j):
    """Compute a joint's arms and matrix, see whether it is at a limit, and apply the last step's impulses."""
    hinge, joint = model.hinge[j], world.joint[j]
    shape_a, shape_b = model.shape[hinge.body_a], model.shape[hinge.body_b]
    a, b = world.body[hinge.body_a], world.body[hinge.body_b]
    mass_a, inertia_a = shape_a.inverse_mass, shape_a.inverse_inertia
    mass_b, inertia_b = shape_b.inverse_mass, shape_b.inverse_inertia
    x, y = hinge.anchor_ax - shape_a.centre_x, hinge.anchor_ay - shape_a.centre_y
    arm_ax, arm_ay = a.cos * x - a.sin * y, a.sin * x + a.cos * y
    x, y = hinge.anchor_bx - shape_b.centre_x, hinge.anchor_by - shape_b.centre_y
    arm_bx, arm_by = b.cos * x - b.sin * y, b.sin * x + b.cos * y

    k11 = mass_a + mass_b + arm_ay * arm_ay * inertia_a + arm_by * arm_by * inertia_b
    k12 = -arm_ay * arm_ax * inertia_a - arm_by * arm_bx * inertia_b
    k13 = -arm_ay * inertia_a - arm_by * inertia_b
    k22 = mass_a + mass_b + arm_ax * arm_ax * inertia_a + arm_bx * arm_bx * inertia_b
    k23 = arm_ax * inertia_a + arm_bx * inertia_b
    k33 = inertia_a + inertia_b
    joint.arm_ax, joint.arm_ay, joint.arm_bx, joint.arm_by = arm_ax, arm_ay, arm_bx, arm_by
    joint.k11, joint.k12, joint.k13 = k11, k12, k13
    joint.k22, joint.k23, joint.k33 = k22, k23, k33
    joint.motor_mass = ONE / k33
    determinant = k11 * k22 - k12 * k12
    joint.inverse2 = ONE / determinant if determinant != ZERO else determinant
    cofactor_x, cofactor_y, cofactor_z = k22 * k33 - k23 * k23, k23 * k13 - k12 * k33, k12 * k23 - k22 * k13
    determinant = k11 * cofactor_x + k12 * cofactor_y + k13 * cofactor_z
    joint.inverse3 = ONE / determinant if determinant != ZERO else determinant
    joint.cofactor_x, joint.cofactor_y, joint.cofactor_z = cofactor_x, cofactor_y, cofactor_z

    angle = b.angle - a.angle - hinge.reference
    limit = AT_LOWER if angle <= hinge.lower else AT_UPPER if angle >= hinge.upper else NO_LIMIT
    if limit == NO_LIMIT or limit != joint.limit:
        joint.impulse_z = ZERO
    joint.limit = limit

    x, y = joint.impulse_x, joint.impulse_y
    turn = (arm_ax * y - arm_ay * x) + joint.motor_impulse + joint.impulse_z
    a.vx -= mass_a * x
    a.vy -= mass_a * y
    a.spin -= inertia_a * turn
    turn = (arm_bx * y - arm_by * x) + joint.motor_impulse + joint.impulse_z
    b.vx += mass_b * x
    b.vy += mass_b * y
    b.spin += inertia_b * turn


@kernel
def push_joint(model, world, j):
    """One velocity iteration of a joint: the motor, then the anchor and the limit together."""
    hinge, joint = model.hinge[j], world.joint[j]
    shape_a, shape_b = model.shape[hinge.body_a], model.shape[hinge.body_b]
    a, b = world.body[hinge.body_a], world.body[hinge.body_b]
    mass_a, inertia_a = shape_a.inverse_mass, shape_a.inverse_inertia
    mass_b, inertia_b = shape_b.inverse_mass, shape_b.inverse_inertia
    vx_a, vy_a, spin_a, vx_b, vy_b, spin_b = a.vx, a.vy, a.spin, b.vx, b.vy, b.spin

    impulse = -joint.motor_mass * (spin_b - spin_a - joint.speed)
    old, most = joint.motor_impulse, STEP * joint.torque
    new = old + impulse
    new = new if new < most else most
    new = -most if -most > new else new
    joint.motor_impulse = new
    impulse = new - old
    spin_a -= inertia_a * impulse
    spin_b += inertia_b * impulse

    arm_ax, arm_ay, arm_bx, arm_by = joint.arm_ax, joint.arm_ay, joint.arm_bx, joint.arm_by
    x = vx_b - spin_b * arm_by - vx_a + spin_a * arm_ay
    y = vy_b + spin_b * arm_bx - vy_a - spin_a * arm_ax
    k11, k12, k13, k22, k23, k33 = joint.k11, joint.k12, joint.k13, joint.k22, joint.k23, joint.k33
    impulse_z = ZERO
    if joint.limit == NO_LIMIT:
        impulse_x = joint.inverse2 * (k22 * -x - k12 * -y)
        impulse_y = joint.inverse2 * (k11 * -y - k12 * -x)
    else:
        z = spin_b - spin_a
        minor_z = k11 * (k22 * z - k23 * y) + k12 * (k23 * x - k12 * z) + k13 * (k12 * y - k22 * x)
        impulse_z = -(joint.inverse3 * minor_z)
        new = joint.impulse_z + impulse_z
        pushes = not (new < ZERO) if joint.limit == AT_LOWER else not (new > ZERO)
        if pushes:
            along = x * joint.cofactor_x + y * joint.cofactor_y + z * joint.cofactor_z
            minor_y = k11 * (y * k33 - z * k23) + k12 * (z * k13 - x * k33) + k13 * (x * k23 - y * k13)
            impulse_x = -(joint.inverse3 * along)
            impulse_y = -(joint.inverse3 * minor_y)
            joint.impulse_z = new
        else:  # the limit would have to pull: it lets go
            old = joint.impulse_z
            x, y = -x + old * k13, -y + old * k23
            impulse_x = joint.inverse2 * (k22 * x - k12 * y)
            impulse_y = joint.inverse2 * (k11 * y - k12 * x)
            impulse_z = -old
            joint.impulse_z = ZERO
    joint.impulse_x += impulse_x
    joint.impulse_y += impulse_y
    a.vx = vx_a - mass_a * impulse_x
    a.vy = vy_a - mass_a * impulse_y
    a.spin = spin_a - inertia_a * ((arm_ax * impulse_y - arm_ay * impulse_x) + impulse_z)
    b.vx = vx_b + mass_b * impulse_x
    b.vy = vy_b + mass_b * impulse_y
    b.spin = spin_b + inertia_b * ((arm_bx * impulse_y - arm_by * impulse_x) + impulse_z)


@kernel
def move_joint(model, world, j):
    """One position iteration of a joint; give whether its bodies were within the tolerances."""
    hinge, joint = model.hinge[j], world.joint[j]
    shape_a, shape_b = model.shape[hinge.body_a], model.shape[hinge.body_b]
    a, b = world.body[hinge.body_a], world.body[hinge.body_b]
    mass_a, inertia_a = shape_a.inverse_mass, shape_a.inverse_inertia
    mass_b, inertia_b = shape_b.inverse_mass, shape_b.inverse_inertia
    beyond = ZERO
    if joint.limit != NO_LIMIT:
        angle = b.angle - a.angle - hinge.reference
        if joint.limit == AT_LOWER:
            turn = angle - hinge.lower
            beyond = -turn
            turn += ANGULAR_SLOP
            turn = turn if turn < ZERO else ZERO
            turn = -MOST_ANGULAR_CORRECTION if turn < -MOST_ANGULAR_CORRECTION else turn
        else:
            turn = angle - hinge.upper
            beyond = turn
            turn -= ANGULAR_SLOP
            turn = turn if turn < MOST_ANGULAR_CORRECTION else MOST_ANGULAR_CORRECTION
            turn = ZERO if turn < ZERO else turn
        impulse = -joint.motor_mass * turn
        a.angle -= inertia_a * impulse
        b.angle += inertia_b * impulse

    s, c = sine(a.angle), cosine(a.angle)
    x, y = hinge.anchor_ax - shape_a.centre_x, hinge.anchor_ay - shape_a.centre_y
    arm_ax, arm_ay = c * x - s * y, s * x + c * y
    s, c = sine(b.angle), cosine(b.angle)
    x, y = hinge.anchor_bx - shape_b.centre_x, hinge.anchor_by - shape_b.centre_y
    arm_bx, arm_by = c * x - s * y, s * x + c * y
    x, y = b.x + arm_bx - a.x - arm_ax, b.y + arm_by - a.y - arm_ay
    apart = math.sqrt(x * x + y * y)
    k11 = mass_a + mass_b + inertia_a * arm_ay * arm_ay + inertia_b * arm_by * arm_by
    k12 = -inertia_a * arm_ax * arm_ay - inertia_b * arm_bx * arm_by
    k22 = mass_a + mass_b + inertia_a * arm_ax * arm_ax + inertia_b * arm_bx * arm_bx
    determinant = k11 * k22 - k12 * k12
    if determinant != ZERO:
        determinant = ONE / determinant
    impulse_x = -(determinant * (k22 * x - k12 * y))
    impulse_y = -(determinant * (k11 * y - k12 * x))
    a.x -= mass_a * impulse_x
    a.y -= mass_a * impulse_y
    a.angle -= inertia_a * (arm_ax * impulse_y - arm_ay * impulse_x)
    b.x += mass_b * impulse_x
    b.y += mass_b * impulse_y
    b.angle += inertia_b * (arm_bx * impulse_y - arm_by * impulse_x)
    return apart <= SLOP and beyond <= ANGULAR_SLOP
