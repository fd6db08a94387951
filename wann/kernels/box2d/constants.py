"""Box2D's tolerances and limits (`b2Settings.h`), and the step of Gymnasium's tasks, in float32."""

from __future__ import annotations

import numpy as np

F = np.float32

ZERO, HALF, ONE, TWO = F(0.0), F(0.5), F(1.0), F(2.0)
EPSILON = F(1.1920929e-07)
BIG = F(3.4028235e38)
PI = F(3.14159265359)

STEP = F(1.0 / 50.0)  # s
VELOCITY_ITERATIONS = 180
POSITION_ITERATIONS = 60
IMPACT_POSITION_ITERATIONS = 20

SLOP = F(0.005)  # m, by which things may overlap
ANGULAR_SLOP = F(F(2.0) / F(180.0)) * PI  # rad
RADIUS = TWO * SLOP  # m, the skin of a polygon
BOTH_RADII = RADIUS + RADIUS
BOX_MARGIN = F(0.1)  # m, around a body's box
BOX_LOOKAHEAD = TWO  # displacements

MOST_CORRECTION = F(0.2)  # m in one position iteration
MOST_ANGULAR_CORRECTION = F(F(8.0) / F(180.0)) * PI  # rad
CORRECTED = F(0.2)  # share of an overlap that one position iteration takes away (Baumgarte)
CORRECTED_AT_IMPACT = F(0.75)
SOLVED = F(-3.0) * SLOP  # separation at which the position iterations stop
SOLVED_AT_IMPACT = F(-1.5) * SLOP
MOST_CONDITION = F(1000.0)  # of the matrix of two contact points

MOST_TRANSLATION = TWO  # m in a step
MOST_ROTATION = HALF * PI  # rad in a step

QUIET_SPEED_SQUARED = F(0.01) * F(0.01)  # (m/s)²
QUIET_SPIN_SQUARED = ANGULAR_SLOP * ANGULAR_SLOP  # (rad/s)²
SECONDS_TO_SLEEP = HALF

MOST_IMPACTS = 8  # of a contact in a step
IMPACT_ITERATIONS = 20
IMPACT_PUSHES = 16
IMPACT_ROOT_STEPS = 50
DISTANCE_ITERATIONS = 20
IMPACT_DISTANCE = max(SLOP, BOTH_RADII - F(3.0) * SLOP)  # m, at which an impact is said to be
IMPACT_TOLERANCE = F(0.25) * SLOP
