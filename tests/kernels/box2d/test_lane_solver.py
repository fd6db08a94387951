"""The iterations in lanes against those of each world alone."""

from __future__ import annotations

import numpy as np
import pytest
from wann_envs import bipedal_walker, lunar_lander

from wann.kernels.box2d import world as scalar
from wann.kernels.box2d.lane_solver import solve_positions, solve_velocities, solver_scratch
from wann.kernels.box2d.records import AT_LOWER, AT_UPPER, NO_LIMIT, new_worlds
from wann.kernels.lanes import kernel


@kernel
def begin_all(model, episodes, worlds):
    for w in range(worlds.size):
        scalar.start(model, episodes[w], worlds[w])


@kernel
def prepare_all(model, episodes, worlds):
    for w in range(worlds.size):
        scalar.begin_step(model, episodes[w], worlds[w])


@kernel
def push_all(model, worlds):
    for w in range(worlds.size):
        scalar.solve_velocities_alone(model, worlds[w])


@kernel
def shift_all(model, worlds):
    for w in range(worlds.size):
        scalar.move_bodies(model, worlds[w])


@kernel
def correct_all(model, worlds):
    for w in range(worlds.size):
        scalar.solve_positions_alone(model, worlds[w])


@kernel
def end_all(model, episodes, worlds):
    for w in range(worlds.size):
        scalar.end_step(model, episodes[w], worlds[w])


def walk(worlds, rng):
    """Motors turn at random, in half of the worlds with all their might."""
    output = rng.uniform(-1, 1, (worlds.size, 4)).astype(np.float32)
    output[::2] = np.sign(output[::2])
    worlds["joint"]["speed"] = np.sign(output) * np.float32([4, 6, 4, 6])
    worlds["joint"]["torque"] = 80 * np.abs(output)


def fall(worlds, rng):
    """Landers are slowed down on their way and begin to tumble."""
    hull = worlds["body"][:, 0]
    hull["vy"] += np.where(hull["vy"] < -2, rng.uniform(0, 0.3, worlds.size), 0).astype(np.float32)
    hull["spin"] += rng.normal(0, 0.05, worlds.size).astype(np.float32)
    worlds["body"][:, 0] = hull


TASKS = {
    "walker": (bipedal_walker.MODEL, bipedal_walker.episodes, walk, 100),
    "lander": (lunar_lander.build_lander(), lunar_lander.episodes, fall, 240),
}


@pytest.fixture(scope="module", params=TASKS)
def stages(request):
    """A model, and worlds before and after the velocity iterations, and before and after the positions'."""
    model, episodes, act, steps = TASKS[request.param]
    rng = np.random.default_rng(7)
    records, _ = episodes(tuple(range(40)), steps)
    worlds = new_worlds(len(records))
    begin_all(model, records, worlds)
    kept = []
    for step in range(steps):
        act(worlds, rng)
        worlds["body"]["awake"] = 1
        prepare_all(model, records, worlds)
        row = [worlds.copy()]
        for part in (push_all, shift_all, correct_all):
            part(model, worlds)
            row.append(worlds.copy())
        if step % 20 in (0, 19):
            kept.append(row)
        end_all(model, records, worlds)
    return model, *(np.concatenate(column) for column in zip(*kept, strict=True))


def differing(found, expected, path=""):
    """Names of the fields of records that are not equal, -0 and +0 counting as equal."""
    if expected.dtype.names is None:
        return [] if np.array_equal(found, expected, equal_nan=True) else [path]
    return [
        name
        for field in expected.dtype.names
        for name in differing(found[field], expected[field], f"{path}.{field}")
    ]


def groups(count, rng):
    """Members in any order, in groups of any size."""
    left = rng.permutation(count).astype(np.int32)
    sizes = [1, 2, 15, 16, 17, 31, 32, 33, 48, 64, 70]
    while left.size:
        size = sizes[rng.integers(len(sizes))]
        yield left[:size]
        left = left[size:]


def test_the_worlds_are_of_all_kinds(stages):
    """Otherwise the comparisons below would say little."""
    _, prepared, _, _, after = stages
    points = prepared["contact"]["solved_points"][prepared["contact"]["touching"] == 1]
    assert set(points) >= {1, 2}
    assert set(prepared["contact"]["face"].ravel()) == {0, 1}
    assert len(set(prepared["island_contacts"])) >= 3
    assert set(after["solved"]) == {0, 1}


def test_joints_stand_at_all_limits(stages):
    model, prepared, *_ = stages
    limits = set(prepared["joint"]["limit"][:, : model["joints"]].ravel())
    assert limits == {NO_LIMIT, AT_LOWER, AT_UPPER}


@pytest.mark.parametrize("seed", range(3))
def test_velocities_are_those_of_each_world_alone(stages, seed):
    model, prepared, pushed, _, _ = stages
    found = prepared.copy()
    scratch = solver_scratch(80)
    for members in groups(found.size, np.random.default_rng(seed)):
        solve_velocities(model, found, members, members.size, scratch)
    assert not differing(found, pushed)


@pytest.mark.parametrize("seed", range(3))
def test_positions_are_those_of_each_world_alone(stages, seed):
    model, _, _, moved, corrected = stages
    found = moved.copy()
    scratch = solver_scratch(80)
    for members in groups(found.size, np.random.default_rng(seed)):
        solve_positions(model, found, members, members.size, scratch)
    assert not differing(found, corrected)


@pytest.mark.parametrize("solve", [solve_velocities, solve_positions])
def test_only_members_change(stages, solve):
    model, prepared, *_ = stages
    found, members = prepared[:40].copy(), [3, 7, 18]
    solve(model, found, np.int32([*members, 39]), 3, solver_scratch(4))
    others = np.delete(np.arange(40), members)
    assert not differing(found[others], prepared[others])
    assert all(differing(found[[w]], prepared[[w]]) for w in members)


@pytest.mark.parametrize("solve", [solve_velocities, solve_positions])
def test_no_members_are_no_work(stages, solve):
    model, prepared, *_ = stages
    found = prepared[:2].copy()
    solve(model, found, np.zeros(0, np.int32), 0, solver_scratch(1))
    assert not differing(found, prepared[:2])
