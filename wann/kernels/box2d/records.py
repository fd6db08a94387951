"""What a world consists of, as records of numbers that lie in one piece of memory.

A kernel takes a record by reference: `world.bodies[b].angle` reads and writes the world itself. Lengths are
in m, angles in rad, masses in kg, times in s.
"""

from __future__ import annotations

import numpy as np

MOST_BODIES = 5
MOST_JOINTS = 4
MOST_CORNERS = 6  # of a polygon
MOST_EDGES = 200
MOST_CONTACTS = 40  # of a world at a time; a walker has up to 24

NO_LIMIT, AT_LOWER, AT_UPPER = 0, 1, 2
"""Where a joint stands."""

FACE_OF_EDGE, FACE_OF_POLYGON = 0, 1
"""Whose face a contact's normal belongs to."""

# What never changes: the model of a task.

SHAPE = np.dtype(
    [
        ("corners", "i8"),  # how many
        ("corner", "f4", (MOST_CORNERS, 2)),  # counter-clockwise, in the body's frame
        ("normal", "f4", (MOST_CORNERS, 2)),  # of the face that begins at each corner
        ("centroid_x", "f4"),
        ("centroid_y", "f4"),
        ("centre_x", "f4"),  # of mass, in the body's frame
        ("centre_y", "f4"),
        ("inverse_mass", "f4"),  # 1/kg
        ("inverse_inertia", "f4"),  # 1/(kg·m²), about the centre of mass
        ("friction", "f4"),
        ("reach", "f4"),  # at least the distance from the centre of mass to the farthest corner
        ("start_x", "f4"),  # of the frame's origin
        ("start_y", "f4"),
        ("start_angle", "f4"),
    ],
    align=True,
)
"""A body's polygon and mass, and where it starts."""

HINGE = np.dtype(
    [
        ("body_a", "i8"),
        ("body_b", "i8"),
        ("anchor_ax", "f4"),  # in the frame of body a
        ("anchor_ay", "f4"),
        ("anchor_bx", "f4"),
        ("anchor_by", "f4"),
        ("reference", "f4"),  # angle of b less that of a, which counts as 0
        ("lower", "f4"),
        ("upper", "f4"),
        ("start_speed", "f4"),  # rad/s, of the motor
        ("start_torque", "f4"),  # N·m, the motor's largest
    ],
    align=True,
)
"""A revolute joint between two bodies."""

MODEL = np.dtype(
    [
        ("bodies", "i8"),  # how many
        ("joints", "i8"),
        ("gravity", "f4"),  # m/s², upwards
        ("one_ground", "i8"),  # whether all edges belong to one body
        ("edge_spacing", "f4"),  # m, where edge i begins at x = i * edge_spacing; 0 where they lie anyhow
        ("shape", SHAPE, (MOST_BODIES,)),
        ("hinge", HINGE, (MOST_JOINTS,)),
        ("body_order", "i8", (MOST_BODIES,)),  # in which Box2D meets them: it fixes the bits
        ("joint_order", "i8", (MOST_JOINTS,)),
    ],
    align=True,
)
"""The bodies and joints of a task."""

EDGE = np.dtype(
    [
        ("x1", "f4"),
        ("y1", "f4"),
        ("x2", "f4"),
        ("y2", "f4"),
        ("normal_x", "f4"),  # to the right of the way from 1 to 2
        ("normal_y", "f4"),
        ("friction", "f4"),
        ("low_x", "f4"),  # of its box
        ("low_y", "f4"),
        ("high_x", "f4"),
        ("high_y", "f4"),
    ],
    align=True,
)
"""A fixed line that bodies touch."""

EPISODE = np.dtype(
    [
        ("edges", "i8"),  # how many
        ("edge", EDGE, (MOST_EDGES,)),
        ("push_x", "f4"),  # N, on body 0 in the first step
        ("push_y", "f4"),
    ],
    align=True,
)
"""The ground of an episode, and its first push."""

# What changes: the world.

BODY = np.dtype(
    [
        ("x", "f4"),  # of the centre of mass
        ("y", "f4"),
        ("angle", "f4"),
        ("x0", "f4"),  # the same where the sweep of this step begins
        ("y0", "f4"),
        ("angle0", "f4"),
        ("alpha0", "f4"),  # share of the step at which the sweep begins
        ("vx", "f4"),  # m/s
        ("vy", "f4"),
        ("spin", "f4"),  # rad/s
        ("origin_x", "f4"),  # of the body's frame
        ("origin_y", "f4"),
        ("sin", "f4"),
        ("cos", "f4"),
        ("force_x", "f4"),  # N, of this step
        ("force_y", "f4"),
        ("torque", "f4"),  # N·m
        ("quiet", "f4"),  # s for which it has hardly moved
        ("awake", "i8"),
        ("low_x", "f4"),  # of its box, which is larger than the body
        ("low_y", "f4"),
        ("high_x", "f4"),
        ("high_y", "f4"),
        ("moved", "i8"),  # whether the box is new
        ("on_ground", "i8"),  # as Gymnasium's listener has it
        ("touched", "i8"),  # whether it ever began to touch the ground
    ],
    align=True,
)
"""A body's state."""

JOINT = np.dtype(
    [
        ("speed", "f4"),  # rad/s, of the motor
        ("torque", "f4"),  # N·m, the motor's largest
        ("impulse_x", "f4"),  # N·s, of the last step
        ("impulse_y", "f4"),
        ("impulse_z", "f4"),  # N·m·s, of the limit
        ("motor_impulse", "f4"),
        ("limit", "i8"),  # NO_LIMIT, AT_LOWER or AT_UPPER
        # Prepared for the iterations: arms from the centres of mass, and the matrix of inverse masses.
        ("arm_ax", "f4"),
        ("arm_ay", "f4"),
        ("arm_bx", "f4"),
        ("arm_by", "f4"),
        ("k11", "f4"),
        ("k12", "f4"),
        ("k13", "f4"),
        ("k22", "f4"),
        ("k23", "f4"),
        ("k33", "f4"),
        ("motor_mass", "f4"),  # 1 / k33
        ("inverse2", "f4"),  # 1 / determinant of the upper left 2 x 2
        ("inverse3", "f4"),  # 1 / determinant of the 3 x 3
        ("cofactor_x", "f4"),  # cross product of the second and third column
        ("cofactor_y", "f4"),
        ("cofactor_z", "f4"),
    ],
    align=True,
)
"""A joint's state."""

POINT = np.dtype(
    [
        ("x", "f4"),  # in the body's frame where the face is the edge's, else in the world's
        ("y", "f4"),
        ("normal_impulse", "f4"),  # N·s
        ("tangent_impulse", "f4"),
        ("kept_normal", "f4"),  # N·s, the same, laid aside while an impact is solved
        ("kept_tangent", "f4"),
        ("id", "i8"),  # of the features that touch, by which impulses are carried over
        # Prepared for the iterations.
        ("arm_x", "f4"),  # from the centre of mass
        ("arm_y", "f4"),
        ("normal_mass", "f4"),
        ("tangent_mass", "f4"),
    ],
    align=True,
)
"""A point of a contact."""

CONTACT = np.dtype(
    [
        ("used", "i8"),
        ("body", "i8"),
        ("edge", "i8"),
        ("friction", "f4"),
        ("touching", "i8"),
        ("enabled", "i8"),
        ("points", "i8"),  # 0, 1 or 2
        ("face", "i8"),  # FACE_OF_EDGE or FACE_OF_POLYGON
        ("local_normal_x", "f4"),  # of the face; in the body's frame where it is the polygon's
        ("local_normal_y", "f4"),
        ("local_x", "f4"),  # a point of the face, likewise
        ("local_y", "f4"),
        ("point", POINT, (2,)),
        # Of the search for impacts.
        ("impact_known", "i8"),
        ("impact", "f4"),  # share of the step
        ("impacts", "i8"),  # in this step
        ("in_island", "i8"),
        # Prepared for the iterations: the normal from the edge to the body, and the matrix of two points.
        ("normal_x", "f4"),
        ("normal_y", "f4"),
        ("solved_points", "i8"),  # 1 also where two points are all but one
        ("k11", "f4"),
        ("k12", "f4"),
        ("k22", "f4"),
        ("inverse11", "f4"),
        ("inverse12", "f4"),
        ("inverse22", "f4"),
    ],
    align=True,
)
"""A body and an edge whose boxes overlap."""

CORNER = np.dtype(
    [
        ("edge_end", "i8"),  # 0 or 1
        ("corner", "i8"),
        ("edge_x", "f4"),
        ("edge_y", "f4"),
        ("body_x", "f4"),
        ("body_y", "f4"),
        ("x", "f4"),  # from the edge to the body
        ("y", "f4"),
        ("share", "f4"),  # barycentric coordinate
    ],
    align=True,
)
"""A corner of the simplex in the search for a distance."""

SWEEP = np.dtype(
    [
        ("known", "i8"),
        ("corner", "f4", (2, MOST_CORNERS, 2)),  # at both ends of the sweep
        ("low_x", "f4"),
        ("low_y", "f4"),
        ("high_x", "f4"),
        ("high_y", "f4"),
        ("margin", "f4"),
    ],
    align=True,
)
"""The way of a body within a step."""

WORLD = np.dtype(
    [
        ("body", BODY, (MOST_BODIES,)),
        ("joint", JOINT, (MOST_JOINTS,)),
        ("contact", CONTACT, (MOST_CONTACTS,)),
        ("contacts", "i8"),  # how many
        ("order", "i8", (MOST_CONTACTS + 1,)),  # places of contacts, the newest first
        ("island", "i8", (MOST_CONTACTS,)),  # places of those that the iterations are about, in their order
        ("island_contacts", "i8"),
        ("edge_alpha", "f4", (MOST_EDGES,)),  # share of the step to which an edge's body has come
        ("solved", "i8"),  # whether the position iterations came to an end
        ("overflow", "i8"),  # whether there were more contacts than fit
        # Of the task.
        ("steps", "i8"),  # since the start, that of `reset` included
        ("reward", "f8"),  # of the last step
        ("terminated", "i8"),
        ("shaping", "f8"),  # potential after the last step, whose growth is rewarded
        ("main_power", "f8"),  # of the lander's engines in the last step
        ("side_power", "f8"),
        ("windy_steps", "i8"),  # in which the wind blew
        ("effort", "f4", (MOST_JOINTS,)),  # of the walker's motors in the last step, from 0 to 1
        # Scratch.
        ("simplex", CORNER, (4,)),
        ("simplex_corners", "i8"),
        ("cached_corners", "i8"),
        ("cached_edge_end", "i8", (3,)),
        ("cached_corner", "i8", (3,)),
        ("cached_metric", "f4"),
        ("sweep", SWEEP, (MOST_BODIES,)),
        ("clip", "f4", (3, 2)),
        ("clip_id", "i8", (3,)),
        ("corner", "f4", (MOST_CORNERS, 2)),
        ("normal", "f4", (MOST_CORNERS, 2)),
        ("backup", BODY),
        ("history", "f4", (3 + 4 * MOST_CONTACTS,)),
    ],
    align=True,
)
"""One episode under way."""


def new_worlds(count: int) -> np.ndarray:
    """Zeroed worlds (count,)."""
    return np.zeros(count, WORLD)
