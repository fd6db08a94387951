"""Masses, hulls, joints and edges against the installed Box2D, bit for bit."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from wann_envs import bipedal_walker, lunar_lander

from wann.kernels.box2d.constants import BOX_MARGIN
from wann.kernels.box2d.records import EPISODE, MODEL, MOST_CORNERS
from wann.kernels.box2d.shapes import Body, Hinge, box, build_model, lay_edges, mass_of, polygon

Box2D = pytest.importorskip("Box2D", reason="Box2D is the oracle")

MODELS = {
    "BipedalWalker-v3": bipedal_walker.MODEL,
    "LunarLander-v3": lunar_lander.build_lander(),
}


@pytest.fixture(params=MODELS)
def start(request):
    """A task's model, and Box2D's bodies and joints as `reset` makes them, before its first step."""
    env = gymnasium.make(request.param).unwrapped
    still = type("Still", (type(env),), {"step": lambda self, action: (None, 0.0, False, False, {})})()
    still.reset(seed=0)
    walks = request.param == "BipedalWalker-v3"
    bodies = [still.hull if walks else still.lander, *still.legs]
    joints = still.joints if walks else [leg.joint for leg in still.legs]
    yield MODELS[request.param], bodies, joints
    still.close()  # until here it keeps the bodies alive


def same(ours, theirs):
    return np.array_equal(np.asarray(ours, np.float32), np.asarray(theirs, np.float64).astype(np.float32))


def test_shapes_are_those_of_box2d(start):
    model, bodies, _ = start
    assert model["bodies"] == len(bodies)
    for shape, body in zip(model["shape"], bodies, strict=False):
        fixture = body.fixtures[0]
        count = shape["corners"]
        assert same(shape["corner"][:count], fixture.shape.vertices)
        assert same(shape["normal"][:count], fixture.shape.normals)
        assert same([shape["centroid_x"], shape["centroid_y"]], fixture.shape.centroid)
        assert same([shape["centre_x"], shape["centre_y"]], body.localCenter)
        assert same(shape["friction"], fixture.friction)
        assert same([shape["start_x"], shape["start_y"]], body.position)
        assert same(shape["start_angle"], body.angle)
        farthest = np.hypot(*(np.array(fixture.shape.vertices) - np.array(body.localCenter)).T).max()
        assert farthest <= shape["reach"] <= farthest * 1.00001


def test_inverse_masses_are_what_box2d_divides_an_impulse_by(start):
    model, bodies, _ = start
    for shape, body in zip(model["shape"], bodies, strict=False):
        before = tuple(body.linearVelocity), body.angularVelocity
        assert before == ((0.0, 0.0), 0.0)
        body.ApplyLinearImpulse((1.0, 0.0), body.worldCenter, True)
        body.ApplyAngularImpulse(1.0, True)
        assert same(shape["inverse_mass"], body.linearVelocity.x)
        assert same(shape["inverse_inertia"], body.angularVelocity)


def test_joints_are_those_of_box2d(start):
    model, bodies, joints = start
    assert model["joints"] == len(joints)
    for hinge, joint in zip(model["hinge"], joints, strict=False):
        a, b = bodies[hinge["body_a"]], bodies[hinge["body_b"]]
        assert (joint.bodyA, joint.bodyB) == (a, b)
        assert same([hinge["anchor_ax"], hinge["anchor_ay"]], joint.GetLocalAnchorA())
        assert same([hinge["anchor_bx"], hinge["anchor_by"]], joint.GetLocalAnchorB())
        assert same([hinge["lower"], hinge["upper"]], [joint.lowerLimit, joint.upperLimit])
        assert same(
            [hinge["start_speed"], hinge["start_torque"]], [joint.motorSpeed, joint.GetMaxMotorTorque()]
        )
        assert same(hinge["reference"], joint.GetReferenceAngle())
        assert same(np.float32(b.angle) - np.float32(a.angle) - hinge["reference"], joint.angle)


def test_gravity_is_that_of_the_world(start):
    model, bodies, _ = start
    assert tuple(bodies[0].world.gravity) == (0.0, model["gravity"])
    assert lunar_lander.build_lander(-3.7)["gravity"] == np.float32(-3.7)


def test_any_polygon_is_that_of_box2d():
    rng = np.random.default_rng(0)
    world = Box2D.b2World()
    for _ in range(200):
        corners = [tuple(corner) for corner in rng.uniform(-2.0, 2.0, (rng.integers(3, MOST_CORNERS + 1), 2))]
        density = rng.uniform(0.5, 5.0)
        shape = Box2D.b2PolygonShape(vertices=corners)
        body = world.CreateDynamicBody(fixtures=Box2D.b2FixtureDef(shape=shape, density=density))
        ours = polygon(corners)
        mass = mass_of(ours, density)
        assert same(ours.corners, shape.vertices)
        assert same(ours.normals, shape.normals)
        assert same(ours.centroid, shape.centroid)
        assert same(mass.mass, body.mass)
        assert same(mass.centre, body.localCenter)
        square = mass.centre[0] * mass.centre[0] + mass.centre[1] * mass.centre[1]
        assert same(mass.inertia + mass.mass * square, body.inertia)


def test_corners_on_a_line_are_left_out():
    square = polygon([(0, 0), (1, 0), (2, 0), (2, 2), (1, 1), (0, 2)])
    assert square.corners.tolist() == [[2, 0], [2, 2], [0, 2], [0, 0]]
    assert polygon([(1, 1), (-1, 1), (-1, -1), (1, -1)]).centroid.tolist() == box(1, 1).centroid.tolist()


def test_a_polygon_of_too_many_corners_is_refused():
    angles = np.linspace(0.0, 2.0 * np.pi, MOST_CORNERS + 1, endpoint=False)
    ring = polygon([(np.cos(angle), np.sin(angle)) for angle in angles])
    body = Body(polygon=ring, density=1.0, position=(0.0, 0.0))
    with pytest.raises(ValueError, match=f"{MOST_CORNERS + 1} corners"):
        build_model([body], [], body_order=(0,), joint_order=())


def test_model_keeps_what_it_is_given():
    bodies = [Body(polygon=box(1.0, 2.0), density=1.0, position=(k, 0.0), angle=0.1 * k) for k in range(2)]
    hinge = Hinge(bodies=(0, 1), anchors=((1, 2), (3, 4)), limits=(-1, 1), speed=5.0, torque=6.0)
    model = build_model(
        bodies,
        [hinge],
        body_order=(1, 0),
        joint_order=(0,),
        gravity=-3.0,
        one_ground=True,
        edge_spacing=0.5,
    )
    assert model.dtype == MODEL
    assert model["body_order"].tolist() == [1, 0, 0, 0, 0]
    assert (model["gravity"], model["one_ground"], model["edge_spacing"]) == (-3.0, 1, 0.5)
    names = ("anchor_ax", "anchor_ay", "anchor_bx", "anchor_by", "start_speed", "start_torque")
    assert [model["hinge"][0][name] for name in names] == [1, 2, 3, 4, 5, 6]
    assert model["hinge"][0]["reference"] == np.float32(0.1)


def test_edges_have_box2ds_normals_and_boxes():
    rng = np.random.default_rng(1)
    first = rng.uniform(-20.0, 20.0, (100, 2))
    second = first + rng.uniform(-1.0, 1.0, (100, 2))
    friction = rng.uniform(0.1, 2.0, 100)
    episode = np.zeros(1, EPISODE)[0]
    lay_edges(episode, first, second, friction)
    assert episode["edges"] == 100
    world = Box2D.b2World()
    for k, edge in enumerate(episode["edge"][:100]):
        ends = [tuple(first[k]), tuple(second[k])]
        body = world.CreateStaticBody(shapes=Box2D.b2EdgeShape(vertices=ends))
        fixture = body.fixtures[0]
        assert same([[edge["x1"], edge["y1"]], [edge["x2"], edge["y2"]]], fixture.shape.vertices)
        assert edge["friction"] == np.float32(friction[k])
        bounds = fixture.GetAABB(0)
        assert same([edge["low_x"], edge["low_y"]], np.array(bounds.lowerBound, np.float32) - BOX_MARGIN)
        assert same([edge["high_x"], edge["high_y"]], np.array(bounds.upperBound, np.float32) + BOX_MARGIN)
        # A ray from the right of the way meets the edge's front, hence its normal.
        middle, normal = (first[k] + second[k]) / 2, np.array([edge["normal_x"], edge["normal_y"]])
        out, into = Box2D.b2RayCastOutput(), Box2D.b2RayCastInput()
        into.p1, into.p2, into.maxFraction = tuple(middle + normal), tuple(middle - normal), 1.0
        assert fixture.RayCast(out, into, 0)
        assert same(normal, out.normal)
