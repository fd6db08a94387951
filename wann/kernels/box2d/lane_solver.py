"""The iterations of many worlds, sixteen side by side: the results of `world`'s iterations of each alone.

Lanes do not touch each other, so it does not matter for a world which others it goes with, except that all
wait for the slowest: worlds of the same contacts are put together, and those whose positions are not solved
yet are put together anew from time to time. Only the sign of a zero may differ from that of a world alone.

Calls pass `np.bool_(True)` and `np.int64(0)`, which are no literals to numba: for each literal it would
compile a function anew. Copied into the caller, the function is still fitted to the value.

Each operation of a constraint waits for the one before, so the velocities of two blocks are solved in turns:
the processor works on one while the other waits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wann.kernels.box2d.constants import ONE, POSITION_ITERATIONS, VELOCITY_ITERATIONS, ZERO
from wann.kernels.box2d.lane_contacts import (
    FIRST_X,
    OVERLAP_ROWS,
    PAIR_ROWS,
    SECOND_X,
    SINGLE_ROWS,
    move_contacts,
    pack_contact,
    pack_overlap,
    push_contacts,
    unpack_contact,
)
from wann.kernels.box2d.lane_joints import JOINT_ROWS, move_joints, pack_joint, push_joints, unpack_joint
from wann.kernels.box2d.records import AT_LOWER, MOST_BODIES, MOST_CONTACTS, MOST_JOINTS, NO_LIMIT
from wann.kernels.lanes import WIDTH32, any_nonzero, broadcast, kernel, select_greater
from wann.kernels.lanes32 import load_row, ones, store_row

_BLOCKS = 2  # at a time
_BODY_ROWS = 3 * MOST_BODIES
_MOST_SLOTS = MOST_BODIES * MOST_CONTACTS
_MOST_ROWS = _BODY_ROWS + JOINT_ROWS * MOST_JOINTS + PAIR_ROWS * _MOST_SLOTS
_RANKS = 6  # of a body's contacts that a profile tells apart; two bits each leave room for the joints'
_FIRST_ITERATIONS = 4  # of the positions, before worlds are put together anew


class Scratch(NamedTuple):
    """What the iterations need besides the worlds; allocated once."""

    rows: np.ndarray  # (blocks * rows, 16): the numbers of the worlds of either block
    lanes: np.ndarray  # (blocks, 16): the worlds
    slots: np.ndarray  # (blocks,): how many
    slot_body: np.ndarray  # (blocks, slots)
    slot_place: np.ndarray  # (blocks, slots): row
    slot_pair: np.ndarray  # (blocks, slots): whether the contact has two points in any world
    first_slot: np.ndarray  # (blocks, bodies)
    limited: np.ndarray  # (blocks, joints): whether the joint is at a limit in any world
    seen: np.ndarray  # (bodies,): contacts of a body so far
    most: np.ndarray  # (bodies,): contacts of a body in any world of a block
    pair: np.ndarray  # (bodies, contacts)
    left: np.ndarray  # (worlds,): that are in no block yet
    profile: np.ndarray  # (worlds,): of each of them
    waiting: np.ndarray  # (worlds,): that need iterations


def solver_scratch(most_worlds: int) -> Scratch:
    """Scratch for the iterations of at most so many worlds."""
    size = _BLOCKS * _MOST_ROWS * WIDTH32
    raw = np.zeros(size + WIDTH32, np.float32)
    start = (-raw.ctypes.data // raw.itemsize) % WIDTH32  # on a 64-byte boundary

    def integers(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.int64)

    return Scratch(
        rows=raw[start : start + size].reshape(-1, WIDTH32),
        lanes=integers(_BLOCKS, WIDTH32),
        slots=integers(_BLOCKS),
        slot_body=integers(_BLOCKS, _MOST_SLOTS),
        slot_place=integers(_BLOCKS, _MOST_SLOTS),
        slot_pair=integers(_BLOCKS, _MOST_SLOTS),
        first_slot=integers(_BLOCKS, MOST_BODIES),
        limited=integers(_BLOCKS, MOST_JOINTS),
        seen=integers(MOST_BODIES),
        most=integers(MOST_BODIES),
        pair=integers(MOST_BODIES, MOST_CONTACTS),
        left=integers(most_worlds),
        profile=integers(most_worlds),
        waiting=integers(most_worlds),
    )


@kernel
def _profile_of(model, world, scratch):
    """A number whose bits say what a world costs: joints at limits, and points of contacts of each body."""
    scratch.seen[:] = 0
    bits = 0
    for j in range(model.joints):
        if world.joint[j].limit != NO_LIMIT:
            bits |= 1 << (2 * _RANKS * MOST_BODIES + j)
    for i in range(world.island_contacts):
        contact = world.contact[world.island[i]]
        rank = min(scratch.seen[contact.body], _RANKS - 1)
        scratch.seen[contact.body] += 1
        bits |= (3 if contact.solved_points == 2 else 1) << (2 * (_RANKS * contact.body + rank))
    return bits


@kernel
def _gather(model, worlds, count, scratch):
    """Put the worlds that wait on the list of those that are in no block yet."""
    for i in range(count):
        world = scratch.waiting[i]
        scratch.left[i] = world
        scratch.profile[i] = _profile_of(model, worlds[world], scratch)


@kernel
def _take_block(scratch, count, block):
    """Take up to sixteen similar worlds off the list, which has so many; give how many are taken.

    Begins with the world of the most bits, and adds the one that adds the fewest to those of the block.
    """
    left, profile, lanes = scratch.left, scratch.profile, scratch.lanes
    together = 0
    taken = 0
    while taken < WIDTH32 and taken < count:
        best, least = 0, 1 << 20
        for i in range(count - taken):
            bits = ones(profile[i] | together)
            cost = 64 * bits - ones(profile[i]) if taken else -bits
            if cost < least:
                best, least = i, cost
        lanes[block, taken] = left[best]
        together |= profile[best]
        taken += 1
        left[best], profile[best] = left[count - taken], profile[count - taken]
    for lane in range(taken, WIDTH32):  # a lane too many repeats the first
        lanes[block, lane] = lanes[block, 0]
    return taken


@kernel
def _lay_out(model, worlds, scratch, block, first_row, overlaps):
    """Give each body of the block as many slots as any world needs, in empty rows from `first_row` on.

    The slots are for the position iterations (`overlaps`), or for those of the velocities.
    """
    count, most, pair = scratch.seen, scratch.most, scratch.pair
    most[:] = 0
    scratch.limited[block] = 0
    for lane in range(WIDTH32):
        world = worlds[scratch.lanes[block, lane]]
        count[:] = 0
        for i in range(world.island_contacts):
            contact = world.contact[world.island[i]]
            b = contact.body
            points = contact.points if overlaps else contact.solved_points
            if count[b] == most[b]:
                pair[b, count[b]] = 0
                most[b] += 1
            if points == 2:
                pair[b, count[b]] = 1
            count[b] += 1
        for j in range(model.joints):
            if world.joint[j].limit != NO_LIMIT:
                scratch.limited[block, j] = 1
    place = first_row
    slot = 0
    for i in range(model.bodies):
        b = model.body_order[i]
        scratch.first_slot[block, b] = slot
        for rank in range(most[b]):
            scratch.slot_body[block, slot] = b
            scratch.slot_place[block, slot] = place
            scratch.slot_pair[block, slot] = pair[b, rank]
            place += OVERLAP_ROWS if overlaps else PAIR_ROWS if pair[b, rank] else SINGLE_ROWS
            slot += 1
    scratch.slots[block] = slot
    for row in range(first_row, place):
        store_row(scratch.rows, row, ZERO)


@kernel
def _pack_velocities(model, worlds, scratch, block):
    """Copy what the velocity iterations need into the rows of a block."""
    rows, count = scratch.rows, scratch.seen
    first = block * _MOST_ROWS
    joints = first + _BODY_ROWS
    _lay_out(model, worlds, scratch, block, joints + JOINT_ROWS * model.joints, np.bool_(False))
    for lane in range(WIDTH32):
        world = worlds[scratch.lanes[block, lane]]
        for b in range(model.bodies):
            body, row = world.body[b], first + 3 * b
            rows[row, lane], rows[row + 1, lane], rows[row + 2, lane] = body.vx, body.vy, body.spin
        for j in range(model.joints):
            pack_joint(world.joint[j], rows, joints + JOINT_ROWS * j, lane)
        count[:] = 0
        for i in range(world.island_contacts):
            contact = world.contact[world.island[i]]
            slot = scratch.first_slot[block, contact.body] + count[contact.body]
            count[contact.body] += 1
            pack_contact(contact, rows, scratch.slot_place[block, slot], lane)


@kernel
def _unpack_velocities(model, worlds, scratch, block, taken):
    """Copy velocities and impulses back into the worlds."""
    rows, count = scratch.rows, scratch.seen
    first = block * _MOST_ROWS
    for lane in range(taken):
        world = worlds[scratch.lanes[block, lane]]
        for b in range(model.bodies):
            body, row = world.body[b], first + 3 * b
            body.vx, body.vy, body.spin = rows[row, lane], rows[row + 1, lane], rows[row + 2, lane]
        for j in range(model.joints):
            unpack_joint(world.joint[j], rows, first + _BODY_ROWS + JOINT_ROWS * j, lane)
        count[:] = 0
        for i in range(world.island_contacts):
            contact = world.contact[world.island[i]]
            slot = scratch.first_slot[block, contact.body] + count[contact.body]
            count[contact.body] += 1
            unpack_contact(contact, rows, scratch.slot_place[block, slot], lane)


@kernel
def _push_blocks(model, scratch, blocks):
    """The velocity iterations of one block or two."""
    rows = scratch.rows
    slots = scratch.slots[0]
    if blocks > 1:
        slots = max(slots, scratch.slots[1])
    for _ in range(VELOCITY_ITERATIONS):
        for i in range(model.joints):
            j = model.joint_order[i]
            hinge = model.hinge[j]
            shape_a, shape_b = model.shape[hinge.body_a], model.shape[hinge.body_b]
            for block in range(blocks):
                first = block * _MOST_ROWS
                a, b = first + 3 * hinge.body_a, first + 3 * hinge.body_b
                place = first + _BODY_ROWS + JOINT_ROWS * j
                if scratch.limited[block, j]:
                    push_joints(shape_a, shape_b, rows, a, b, place, np.bool_(True))
                else:
                    push_joints(shape_a, shape_b, rows, a, b, place, np.bool_(False))
        for slot in range(slots):
            for block in range(blocks):
                if slot < scratch.slots[block]:
                    body, place = scratch.slot_body[block, slot], scratch.slot_place[block, slot]
                    b = block * _MOST_ROWS + 3 * body
                    if scratch.slot_pair[block, slot]:
                        push_contacts(model.shape[body], rows, b, place, np.bool_(True))
                    else:
                        push_contacts(model.shape[body], rows, b, place, np.bool_(False))


@kernel
def solve_velocities(model, worlds, members, count, scratch):
    """The velocity iterations of the worlds `members[:count]`, which are prepared and warm-started."""
    for i in range(count):
        scratch.waiting[i] = members[i]
    _gather(model, worlds, count, scratch)
    while count:
        blocks = min(_BLOCKS, (count + WIDTH32 - 1) // WIDTH32)
        before = count
        for block in range(blocks):
            count -= _take_block(scratch, count, block)
            _pack_velocities(model, worlds, scratch, block)
        _push_blocks(model, scratch, blocks)
        for block in range(blocks):
            taken = min(before, WIDTH32)
            _unpack_velocities(model, worlds, scratch, block, taken)
            before -= taken


_MOVING = _BODY_ROWS
_SIDE = _BODY_ROWS + 1


@kernel
def _pack_positions(model, worlds, scratch):
    """Copy what the position iterations need into the rows of the first block."""
    rows, count = scratch.rows, scratch.seen
    _lay_out(model, worlds, scratch, np.int64(0), _SIDE + model.joints, np.bool_(True))
    for lane in range(WIDTH32):
        world = worlds[scratch.lanes[0, lane]]
        for b in range(model.bodies):
            body, row = world.body[b], 3 * b
            rows[row, lane], rows[row + 1, lane], rows[row + 2, lane] = body.x, body.y, body.angle
        for j in range(model.joints):
            limit = world.joint[j].limit
            rows[_SIDE + j, lane] = ZERO if limit == NO_LIMIT else ONE if limit == AT_LOWER else -ONE
        count[:] = 0
        for i in range(world.island_contacts):
            contact = world.contact[world.island[i]]
            slot = scratch.first_slot[0, contact.body] + count[contact.body]
            count[contact.body] += 1
            pack_overlap(contact, rows, scratch.slot_place[0, slot], lane)


@kernel
def _unpack_positions(model, worlds, scratch, taken):
    """Copy positions back into the worlds."""
    rows = scratch.rows
    for lane in range(taken):
        world = worlds[scratch.lanes[0, lane]]
        for b in range(model.bodies):
            body, row = world.body[b], 3 * b
            body.x, body.y, body.angle = rows[row, lane], rows[row + 1, lane], rows[row + 2, lane]
        world.solved = 1 if rows[_MOVING, lane] == ZERO else 0


@kernel
def _move_block(model, scratch, iterations):
    """Position iterations of the first block, until all worlds are solved."""
    rows = scratch.rows
    store_row(rows, _MOVING, ONE)
    for _ in range(iterations):
        moving = load_row(rows, _MOVING)
        solved = broadcast(ONE)
        for slot in range(scratch.slots[0]):
            b, place = scratch.slot_body[0, slot], scratch.slot_place[0, slot]
            for j in range(2 if scratch.slot_pair[0, slot] else 1):
                point = place + FIRST_X + (SECOND_X - FIRST_X) * j
                solved = move_contacts(model.shape[b], rows, 3 * b, place, point, moving, solved)
        for i in range(model.joints):
            j = model.joint_order[i]
            if scratch.limited[0, j]:
                solved = move_joints(model, model.hinge[j], rows, _SIDE + j, moving, solved, np.bool_(True))
            else:
                solved = move_joints(model, model.hinge[j], rows, _SIDE + j, moving, solved, np.bool_(False))
        moving = select_greater(solved, ZERO, ZERO, moving)
        store_row(rows, _MOVING, moving)
        if not any_nonzero(moving):
            return


@kernel
def solve_positions(model, worlds, members, count, scratch):
    """The position iterations of the worlds `members[:count]`, each until it is solved."""
    for i in range(count):
        scratch.waiting[i] = members[i]
    _gather(model, worlds, count, scratch)
    done = 0
    while count and done < POSITION_ITERATIONS:
        iterations = min(done if done else _FIRST_ITERATIONS, POSITION_ITERATIONS - done)
        if count <= WIDTH32:  # there is nothing to put together
            iterations = POSITION_ITERATIONS - done
        unsolved = np.int64(0)
        while count:
            taken = _take_block(scratch, count, np.int64(0))
            _pack_positions(model, worlds, scratch)
            _move_block(model, scratch, iterations)
            _unpack_positions(model, worlds, scratch, taken)
            for lane in range(taken):
                if not worlds[scratch.lanes[0, lane]].solved:
                    scratch.waiting[unsolved] = scratch.lanes[0, lane]
                    unsolved += 1
            count -= taken
        done += iterations
        count = unsolved
        if done < POSITION_ITERATIONS:
            _gather(model, worlds, count, scratch)
