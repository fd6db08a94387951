"""What happens from the first impact on: the body that hits is stopped, and goes through the rest alone.

Bodies move in a straight line within a step, so that a fast one could fall through an edge. Each contact's
time of impact is looked for; the body of the earliest one is moved back to it, freed from overlaps, given new
velocities by its contacts alone, and moved on to the step's end. That repeats until no impact is left.
Source: Box2D's b2World::SolveTOI; Catto, "Continuous Collision" (2013).
"""

from __future__ import annotations

import numpy as np

from wann.kernels.box2d.broad_phase import find_contacts, follow
from wann.kernels.box2d.collide import update_contact
from wann.kernels.box2d.constants import (
    CORRECTED_AT_IMPACT,
    EPSILON,
    IMPACT_POSITION_ITERATIONS,
    MOST_IMPACTS,
    MOST_ROTATION,
    MOST_TRANSLATION,
    ONE,
    SOLVED_AT_IMPACT,
    STEP,
    VELOCITY_ITERATIONS,
    ZERO,
)
from wann.kernels.box2d.contacts import move_contact, prepare_contact, push_contact
from wann.kernels.box2d.impact import stays_clear, time_of_impact, trace_sweep
from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.lanes import kernel

AT_THE_END = ONE - np.float32(10.0) * EPSILON  # an impact later than this is left to the next step


@kernel
def place(shape, body):
    """Bring a body's frame to where its centre of mass and its angle are."""
    s, c = sine(body.angle), cosine(body.angle)
    body.sin, body.cos = s, c
    body.origin_x = body.x - (c * shape.centre_x - s * shape.centre_y)
    body.origin_y = body.y - (s * shape.centre_x + c * shape.centre_y)


@kernel
def move(body, seconds):
    """Move a body by its velocities, which are held within what is allowed in a step."""
    x, y = seconds * body.vx, seconds * body.vy
    if x * x + y * y > MOST_TRANSLATION * MOST_TRANSLATION:
        ratio = MOST_TRANSLATION / np.sqrt(x * x + y * y)
        body.vx *= ratio
        body.vy *= ratio
    turn = seconds * body.spin
    if turn * turn > MOST_ROTATION * MOST_ROTATION:
        body.spin *= MOST_ROTATION / abs(turn)
    body.x += seconds * body.vx
    body.y += seconds * body.vy
    body.angle += seconds * body.spin


@kernel
def solve_impacts(model, episode, world):
    """Stop bodies at what they hit within this step."""
    for b in range(model.bodies):
        world.body[b].alpha0 = ZERO
        world.sweep[b].known = 0
    for k in range(world.contacts):
        contact = world.contact[world.order[k]]
        contact.impact_known = contact.impacts = contact.in_island = 0
    while True:
        place_of_first, time = _first_impact(model, episode, world)
        if place_of_first < 0 or time > AT_THE_END:
            break
        _stop_at(model, episode, world, place_of_first, time)
    for k in range(world.contacts):  # no other edge has been moved
        world.edge_alpha[_ground_of(model, world.contact[world.order[k]].edge)] = ZERO


@kernel
def _ground_of(model, edge):
    """The place of the body that an edge belongs to."""
    return 0 if model.one_ground else edge


@kernel
def _first_impact(model, episode, world):
    """The contact that is hit first and when, or -1; of equals the newest."""
    first, time = -1, ONE
    for k in range(world.contacts):
        contact = world.contact[world.order[k]]
        if not contact.enabled or contact.impacts > MOST_IMPACTS:
            continue
        if not contact.impact_known:
            b = contact.body
            body, shape, edge = world.body[b], model.shape[b], episode.edge[contact.edge]
            if not body.awake:
                continue
            ground = _ground_of(model, contact.edge)
            begin = world.edge_alpha[ground]
            if begin < body.alpha0:
                begin = body.alpha0
                world.edge_alpha[ground] = begin
            elif body.alpha0 < begin:
                _advance(body, begin)
                world.sweep[b].known = 0
            if not world.sweep[b].known:
                trace_sweep(shape, body, world.sweep[b])
            contact.impact = ONE
            if not stays_clear(shape, edge, world.sweep[b]):
                hit, share = time_of_impact(shape, edge, world, body)
                if hit:
                    contact.impact = min(begin + (ONE - begin) * share, ONE)
            contact.impact_known = 1
        if contact.impact < time:
            first, time = world.order[k], contact.impact
    return first, time


@kernel
def _advance(body, alpha):
    """Let a body's sweep begin later."""
    share = (alpha - body.alpha0) / (ONE - body.alpha0)
    rest = ONE - share
    body.x0 = rest * body.x0 + share * body.x
    body.y0 = rest * body.y0 + share * body.y
    body.angle0 = rest * body.angle0 + share * body.angle
    body.alpha0 = alpha


@kernel
def _stop_at(model, episode, world, place_of_first, time):
    """Move the body of one contact to the time of its impact, and through the rest of the step."""
    contact = world.contact[place_of_first]
    b = contact.body
    body, shape, backup = world.body[b], model.shape[b], world.backup
    ground = _ground_of(model, contact.edge)
    backup.x, backup.y, backup.angle = body.x, body.y, body.angle
    backup.x0, backup.y0, backup.angle0, backup.alpha0 = body.x0, body.y0, body.angle0, body.alpha0
    begin = world.edge_alpha[ground]
    world.edge_alpha[ground] = time
    world.sweep[b].known = 0
    _advance(body, time)
    body.x, body.y, body.angle = body.x0, body.y0, body.angle0
    place(shape, body)
    update_contact(shape, episode.edge[contact.edge], world, contact)
    contact.impact_known = 0
    contact.impacts += 1
    if not contact.touching:  # it only came close
        contact.enabled = 0
        body.x, body.y, body.angle = backup.x, backup.y, backup.angle
        body.x0, body.y0, body.angle0, body.alpha0 = backup.x0, backup.y0, backup.angle0, backup.alpha0
        world.edge_alpha[ground] = begin
        place(shape, body)
        return

    world.island[0] = place_of_first
    world.island_contacts = 1
    contact.in_island = 1
    for k in range(world.contacts):
        other = world.contact[world.order[k]]
        if other.body != b or other.in_island:
            continue
        ground = _ground_of(model, other.edge)
        begin = world.edge_alpha[ground]
        world.edge_alpha[ground] = time
        update_contact(shape, episode.edge[other.edge], world, other)
        if not other.touching:
            world.edge_alpha[ground] = begin
            continue
        other.in_island = 1
        world.island[world.island_contacts] = world.order[k]
        world.island_contacts += 1

    for _ in range(IMPACT_POSITION_ITERATIONS):
        least = ZERO
        for i in range(world.island_contacts):
            least = move_contact(shape, body, world.contact[world.island[i]], CORRECTED_AT_IMPACT, least)
        if least >= SOLVED_AT_IMPACT:
            break
    body.x0, body.y0, body.angle0 = body.x, body.y, body.angle
    place(shape, body)
    for i in range(world.island_contacts):
        prepare_contact(shape, body, world.contact[world.island[i]])
    _push_one_body(shape, world, body)
    move(body, (ONE - time) * STEP)
    place(shape, body)
    follow(shape, body)
    for k in range(world.contacts):
        other = world.contact[world.order[k]]
        if other.body == b:
            other.impact_known = other.in_island = 0
    find_contacts(model, episode, world)


@kernel
def _push_one_body(shape, world, body):
    """All velocity iterations of one body's contacts.

    They come to a state that they have had before, often after 20: from there on they repeat, and whole
    rounds are left out. That changes no bit.
    """
    for i in range(world.island_contacts):
        _lay_impulses_aside(world.contact[world.island[i]])
    left, done, look_at, kept_at = VELOCITY_ITERATIONS, 0, 1, -1
    while left > 0:
        for i in range(world.island_contacts):
            push_contact(shape, body, world.contact[world.island[i]])
        done += 1
        left -= 1
        if kept_at >= 0 and _as_kept(world, body):
            left %= done - kept_at
            kept_at, look_at = -1, VELOCITY_ITERATIONS + 1
        if done == look_at:
            _keep(world, body)
            kept_at, look_at = done, done + max(2, done // 2)
    for i in range(world.island_contacts):
        _take_impulses_back(world.contact[world.island[i]])


@kernel
def _lay_impulses_aside(contact):
    """Begin without impulses; those of the step are for the next one, as those of an impact can be large."""
    for j in range(contact.points):
        point = contact.point[j]
        point.kept_normal, point.kept_tangent = point.normal_impulse, point.tangent_impulse
        point.normal_impulse = point.tangent_impulse = ZERO


@kernel
def _take_impulses_back(contact):
    for j in range(contact.points):
        point = contact.point[j]
        point.normal_impulse, point.tangent_impulse = point.kept_normal, point.kept_tangent


@kernel
def _keep(world, body):
    """Remember what the iterations change."""
    world.history[0], world.history[1], world.history[2] = body.vx, body.vy, body.spin
    at = 3
    for i in range(world.island_contacts):
        for j in range(2):
            point = world.contact[world.island[i]].point[j]
            world.history[at], world.history[at + 1] = point.normal_impulse, point.tangent_impulse
            at += 2


@kernel
def _as_kept(world, body):
    """Whether all is as remembered."""
    kept = world.history
    if kept[0] != body.vx or kept[1] != body.vy or kept[2] != body.spin:
        return False
    at = 3
    for i in range(world.island_contacts):
        for j in range(2):
            point = world.contact[world.island[i]].point[j]
            if kept[at] != point.normal_impulse or kept[at + 1] != point.tangent_impulse:
                return False
            at += 2
    return True
