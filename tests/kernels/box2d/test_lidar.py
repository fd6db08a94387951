"""Rays against Box2D's own."""

from __future__ import annotations

import numpy as np
import pytest
from wann_envs import bipedal_walker, lunar_lander

from wann.kernels.box2d.lidar import cast_ray

Box2D = pytest.importorskip("Box2D", reason="Box2D is the oracle")


class Nearest(Box2D.b2RayCastCallback):
    """The share of the way at which a ray first meets something."""

    share = 1.0

    def ReportFixture(self, fixture, point, normal, fraction):  # noqa: N802  Box2D's name
        self.share = fraction
        return fraction


@pytest.mark.parametrize(
    ("task", "model"),
    [(bipedal_walker, bipedal_walker.MODEL), (lunar_lander, lunar_lander.build_lander())],
    ids=["spaced edges", "edges that lie anyhow"],
)
def test_rays_meet_the_ground_where_those_of_box2d_do(task, model):
    rng = np.random.default_rng(0)
    (episode,), _ = task.episodes([3], 0)
    edges = episode["edge"][: episode["edges"]]
    world = Box2D.b2World()
    for edge in edges:
        world.CreateStaticBody(
            shapes=Box2D.b2EdgeShape(vertices=[tuple(map(float, edge[[a, b]])) for a, b in ENDS])
        )
    width = edges["x2"].max()
    starts = np.stack([rng.uniform(-2.0, width + 2.0, 2000), rng.uniform(0.0, 10.0, 2000)], axis=1)
    ends = starts + rng.uniform(-6.0, 6.0, (2000, 2))
    starts, ends = starts.astype(np.float32), ends.astype(np.float32)
    shares = [cast_ray(model, episode, *start, *end) for start, end in zip(starts, ends, strict=True)]
    expected = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        nearest = Nearest()
        world.RayCast(nearest, start, end)
        expected.append(nearest.share)
    assert 200 < sum(share < 1.0 for share in expected) < 1800
    assert shares == expected


ENDS = (("x1", "y1"), ("x2", "y2"))
