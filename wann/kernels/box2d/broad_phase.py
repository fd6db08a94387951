"""Boxes around the bodies, and the pairs of body and edge that may touch.

Box2D keeps boxes that are larger than the bodies in a tree, and looks for new pairs only where a body has
left its box (b2DynamicTree, b2BroadPhase). The ground is known beforehand, so a short scan of edges takes the
place of the tree; pairs come in the tree's order.
"""

from __future__ import annotations

import math

from wann.kernels.box2d.constants import BIG, BOX_LOOKAHEAD, BOX_MARGIN, ONE, RADIUS, ZERO
from wann.kernels.box2d.records import MOST_CONTACTS
from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.lanes import kernel


@kernel
def box_of(shape, origin_x, origin_y, s, c):
    """Box around a polygon and its skin, as low x, low y, high x, high y."""
    low_x = high_x = (c * shape.corner[0, 0] - s * shape.corner[0, 1]) + origin_x
    low_y = high_y = (s * shape.corner[0, 0] + c * shape.corner[0, 1]) + origin_y
    for i in range(1, shape.corners):
        x = (c * shape.corner[i, 0] - s * shape.corner[i, 1]) + origin_x
        y = (s * shape.corner[i, 0] + c * shape.corner[i, 1]) + origin_y
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_y, high_y = min(low_y, y), max(high_y, y)
    return low_x - RADIUS, low_y - RADIUS, high_x + RADIUS, high_y + RADIUS


@kernel
def follow(shape, body):
    """Make a new box for a body whose sweep has left its old one, longer in the direction of the sweep."""
    s, c = sine(body.angle0), cosine(body.angle0)
    from_x = body.x0 - (c * shape.centre_x - s * shape.centre_y)
    from_y = body.y0 - (s * shape.centre_x + c * shape.centre_y)
    low_x, low_y, high_x, high_y = box_of(shape, from_x, from_y, s, c)
    low_x2, low_y2, high_x2, high_y2 = box_of(shape, body.origin_x, body.origin_y, body.sin, body.cos)
    low_x, low_y = min(low_x, low_x2), min(low_y, low_y2)
    high_x, high_y = max(high_x, high_x2), max(high_y, high_y2)
    if body.low_x <= low_x and body.low_y <= low_y and high_x <= body.high_x and high_y <= body.high_y:
        return
    ahead_x = BOX_LOOKAHEAD * (body.origin_x - from_x)
    ahead_y = BOX_LOOKAHEAD * (body.origin_y - from_y)
    low_x, low_y, high_x, high_y = (
        low_x - BOX_MARGIN,
        low_y - BOX_MARGIN,
        high_x + BOX_MARGIN,
        high_y + BOX_MARGIN,
    )
    if ahead_x < ZERO:
        low_x += ahead_x
    else:
        high_x += ahead_x
    if ahead_y < ZERO:
        low_y += ahead_y
    else:
        high_y += ahead_y
    body.low_x, body.low_y, body.high_x, body.high_y = low_x, low_y, high_x, high_y
    body.moved = 1


@kernel
def boxes_overlap(body, edge):
    """Whether the boxes of a body and an edge overlap."""
    return not (
        edge.low_x - body.high_x > ZERO
        or edge.low_y - body.high_y > ZERO
        or body.low_x - edge.high_x > ZERO
        or body.low_y - edge.high_y > ZERO
    )


@kernel
def edges_between(model, episode, low, high):
    """The first and the last edge that may lie between two x."""
    last = episode.edges - 1
    if model.edge_spacing > ZERO:
        return max(0, int(low / model.edge_spacing) - 2), min(last, int(high / model.edge_spacing) + 2)
    return 0, last


@kernel
def find_contacts(model, episode, world):
    """Make a contact for each new pair of overlapping boxes, in the order of edges, then bodies."""
    low, high = BIG, -BIG
    for b in range(model.bodies):
        body = world.body[b]
        if body.moved:
            low, high = min(low, body.low_x), max(high, body.high_x)
    if low > high:
        return
    first, last = edges_between(model, episode, low, high)
    for e in range(first, last + 1):
        for b in range(model.bodies):
            if world.body[b].moved and boxes_overlap(world.body[b], episode.edge[e]):
                _add_contact(model, episode, world, b, e)
    for b in range(model.bodies):
        world.body[b].moved = 0


@kernel
def _add_contact(model, episode, world, b, e):
    for k in range(world.contacts):
        old = world.contact[world.order[k]]
        if old.body == b and old.edge == e:
            return
    if world.contacts == MOST_CONTACTS:
        world.overflow = 1
        return
    place = 0
    while world.contact[place].used:
        place += 1
    for k in range(world.contacts, 0, -1):
        world.order[k] = world.order[k - 1]
    world.order[0] = place
    world.contacts += 1
    contact = world.contact[place]
    contact.used = 1
    contact.body, contact.edge = b, e
    contact.friction = math.sqrt(episode.edge[e].friction * model.shape[b].friction)
    contact.touching = 0
    contact.enabled = 1
    contact.points = 0
    contact.impact_known = 0
    contact.impact = ONE
    contact.impacts = 0
    contact.in_island = 0
