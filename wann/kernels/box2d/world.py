"""One step of one world, in parts; the iterations in the middle are also there in lanes.

Source: Box2D's b2World::Step and b2Island::Solve; Catto, "Iterative Dynamics with Temporal Coherence" (2005).
"""

from __future__ import annotations

from wann.kernels.box2d.broad_phase import box_of, boxes_overlap, find_contacts, follow
from wann.kernels.box2d.collide import update_contact
from wann.kernels.box2d.constants import (
    BIG,
    BOX_MARGIN,
    CORRECTED,
    POSITION_ITERATIONS,
    QUIET_SPEED_SQUARED,
    QUIET_SPIN_SQUARED,
    SECONDS_TO_SLEEP,
    SOLVED,
    STEP,
    VELOCITY_ITERATIONS,
    ZERO,
)
from wann.kernels.box2d.contacts import move_contact, prepare_contact, push_contact, warm_start
from wann.kernels.box2d.joints import move_joint, prepare_joint, push_joint
from wann.kernels.box2d.records import NO_LIMIT
from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.box2d.sub_step import move, place, solve_impacts
from wann.kernels.lanes import kernel


@kernel
def start(model, episode, world):
    """Put the bodies where an episode begins."""
    world.contacts = world.island_contacts = world.overflow = 0
    world.steps = world.terminated = world.windy_steps = 0
    world.reward = world.shaping = world.main_power = world.side_power = 0.0
    for k in range(world.contact.size):
        world.contact[k].used = 0
    for e in range(episode.edges):
        world.edge_alpha[e] = ZERO
    for b in range(model.bodies):
        shape, body = model.shape[b], world.body[b]
        body.angle = shape.start_angle
        body.origin_x, body.origin_y = shape.start_x, shape.start_y
        _centre(shape, body)
        body.vx = body.vy = body.spin = ZERO
        body.force_x = body.force_y = body.torque = ZERO
        body.alpha0 = body.quiet = ZERO
        body.awake = body.moved = 1
        body.on_ground = body.touched = 0
        low_x, low_y, high_x, high_y = box_of(shape, body.origin_x, body.origin_y, body.sin, body.cos)
        body.low_x, body.low_y = low_x - BOX_MARGIN, low_y - BOX_MARGIN
        body.high_x, body.high_y = high_x + BOX_MARGIN, high_y + BOX_MARGIN
    world.body[0].force_x, world.body[0].force_y = episode.push_x, episode.push_y
    for j in range(model.joints):
        hinge, joint = model.hinge[j], world.joint[j]
        joint.speed, joint.torque = hinge.start_speed, hinge.start_torque
        joint.impulse_x = joint.impulse_y = joint.impulse_z = joint.motor_impulse = ZERO
        joint.limit = NO_LIMIT
    find_contacts(model, episode, world)


@kernel
def _centre(shape, body):
    """Bring a body's centre of mass to where its frame is."""
    s, c = sine(body.angle), cosine(body.angle)
    body.sin, body.cos = s, c
    body.x = (c * shape.centre_x - s * shape.centre_y) + body.origin_x
    body.y = (s * shape.centre_x + c * shape.centre_y) + body.origin_y


@kernel
def begin_step(model, episode, world):
    """Find what touches, apply forces, and prepare contacts and joints for the iterations."""
    kept = 0
    for k in range(world.contacts):
        i = world.order[k]
        contact = world.contact[i]
        body, edge = world.body[contact.body], episode.edge[contact.edge]
        if boxes_overlap(body, edge):
            world.order[kept] = i
            kept += 1
            update_contact(model.shape[contact.body], edge, world, contact)
        else:
            contact.used = 0
            if contact.touching:
                body.on_ground = 0
    world.contacts = kept

    for b in range(model.bodies):
        shape, body = model.shape[b], world.body[b]
        body.x0, body.y0, body.angle0 = body.x, body.y, body.angle
        body.vx += STEP * (shape.inverse_mass * body.force_x)
        body.vy += STEP * (model.gravity + shape.inverse_mass * body.force_y)
        body.spin += STEP * shape.inverse_inertia * body.torque
        body.force_x = body.force_y = body.torque = ZERO

    count = 0
    for i in range(model.bodies):
        for k in range(world.contacts):
            contact = world.contact[world.order[k]]
            if contact.body == model.body_order[i] and contact.enabled and contact.touching:
                world.island[count] = world.order[k]
                count += 1
    world.island_contacts = count
    for i in range(count):
        contact = world.contact[world.island[i]]
        prepare_contact(model.shape[contact.body], world.body[contact.body], contact)
    for i in range(count):
        contact = world.contact[world.island[i]]
        warm_start(model.shape[contact.body], world.body[contact.body], contact)
    for i in range(model.joints):
        prepare_joint(model, world, model.joint_order[i])


@kernel
def solve_velocities_alone(model, world):
    """The velocity iterations of one world."""
    for _ in range(VELOCITY_ITERATIONS):
        for i in range(model.joints):
            push_joint(model, world, model.joint_order[i])
        for i in range(world.island_contacts):
            contact = world.contact[world.island[i]]
            push_contact(model.shape[contact.body], world.body[contact.body], contact)


@kernel
def move_bodies(model, world):
    """Move all bodies by their velocities."""
    for b in range(model.bodies):
        move(world.body[b], STEP)


@kernel
def solve_positions_alone(model, world):
    """The position iterations of one world, until nothing overlaps or is apart."""
    world.solved = 0
    for _ in range(POSITION_ITERATIONS):
        least = ZERO
        for i in range(world.island_contacts):
            contact = world.contact[world.island[i]]
            shape, body = model.shape[contact.body], world.body[contact.body]
            least = move_contact(shape, body, contact, CORRECTED, least)
        together = True
        for i in range(model.joints):
            together &= move_joint(model, world, model.joint_order[i])
        if least >= SOLVED and together:
            world.solved = 1
            return


@kernel
def end_step(model, episode, world):
    """Bring frames and boxes up to date, let quiet bodies sleep, and stop bodies at what they hit."""
    quiet = BIG
    for b in range(model.bodies):
        body = world.body[b]
        place(model.shape[b], body)
        speed = body.vx * body.vx + body.vy * body.vy
        if body.spin * body.spin > QUIET_SPIN_SQUARED or speed > QUIET_SPEED_SQUARED:
            body.quiet = ZERO
        else:
            body.quiet += STEP
        quiet = min(quiet, body.quiet)
    if quiet >= SECONDS_TO_SLEEP and world.solved:
        for b in range(model.bodies):
            body = world.body[b]
            body.awake = 0
            body.quiet = body.vx = body.vy = body.spin = ZERO
    for b in range(model.bodies):
        follow(model.shape[b], world.body[b])
    find_contacts(model, episode, world)
    solve_impacts(model, episode, world)


@kernel
def step_alone(model, episode, world):
    """A whole step of one world."""
    begin_step(model, episode, world)
    solve_velocities_alone(model, world)
    move_bodies(model, world)
    solve_positions_alone(model, world)
    end_step(model, episode, world)
