"""Whole episodes of a compiled Box2D task: many worlds at a time, whose iterations run in lanes.

Episodes end at any step, and networks differ in how long theirs last. So worlds are not tied to networks: one
that has come to its end takes the next episode of the job, whichever network plays it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numba import types

from wann.kernels.box2d.lane_solver import solve_positions, solve_velocities, solver_scratch
from wann.kernels.box2d.records import EPISODE, MODEL, MOST_CONTACTS, WORLD, new_worlds
from wann.kernels.box2d.world import begin_step, end_step, move_bodies, start
from wann.kernels.forward import forward_alone
from wann.kernels.lanes import compiled
from wann.rollouts.compiled import Pointer
from wann.rollouts.job import Job
from wann.rollouts.result import Rollouts
from wann.utils.arrays import FloatArray

WORLDS = 64
"""Worlds under way at a time: enough to put similar ones together, few enough for a processor's cache."""

_MODEL, _EPISODE, _WORLD = (numba.from_dtype(each) for each in (MODEL, EPISODE, WORLD))
ACT = types.void(_MODEL, _WORLD, types.float64[::1], types.float64[::1])
OBSERVE = types.void(_MODEL, _EPISODE, _WORLD, types.float64[::1])


@dataclass(frozen=True, slots=True, eq=False)
class Mechanics:
    """A Box2D task: bodies and joints, what an action does to them, what is seen of them, and its episodes.

    `act(model, world, noise, action)` turns a network's raw outputs (A,) into motors and impulses, and
    `observe(model, episode, world, observation)` fills the observation (I,), `world.reward` and
    `world.terminated` after a step; both are kernels. `episodes(seeds, max_steps)` gives EPISODE records (E,)
    and what is drawn for their steps, (E, N).
    """

    model: np.void  # MODEL record
    act: Any
    observe: Any
    episodes: Callable[[Sequence[int], int], tuple[np.ndarray, FloatArray]]


def roll_out(mechanics: Mechanics, job: Job, stop_without_reward: int | None = None) -> Rollouts:
    """Run networks of a batch at every weight on every episode; see `wann.tasks.task.Task.roll_out`.

    A rollout depends on its own network, weight and episode alone. A network in one of whose episodes more
    contacts come up than a world holds has failed.

    Args:
        mechanics: of the task.
        job: what to roll out.
        stop_without_reward: steps without a new highest return after which an episode is cut off.
    """
    networks, shared = job.networks, job.weights.ndim == 1
    seeds, which = job.distinct_seeds()
    episodes, noise = mechanics.episodes(seeds, job.max_steps)
    returns, steps = np.zeros(job.shape), np.zeros(job.shape, np.int64)
    overflow = np.zeros(job.shape, np.bool_)
    worlds = min(WORLDS, returns.size)
    _roll_out(
        Pointer.to(mechanics.act, ACT),
        Pointer.to(mechanics.observe, OBSERVE),
        mechanics.model,
        episodes.copy(),  # writable arrays are of another type
        noise.copy(),
        which,
        networks.inputs,
        networks.outputs,
        networks.first_node,
        networks.first_connection,
        networks.first_source,
        networks.sources,
        networks.activation,
        job.weights.reshape(len(job.weights), -1).copy(),
        shared,
        job.max_steps,
        stop_without_reward or job.max_steps,
        job.first,
        returns,
        steps,
        overflow,
        new_worlds(worlds),
        np.zeros((worlds, networks.most_rows)),
        solver_scratch(worlds),
    )
    reason = f"RuntimeError: bodies have more than the {MOST_CONTACTS} contacts that a world holds"
    broken = "FloatingPointError: a return is not finite"
    finite = np.isfinite(returns)
    failures = [
        (index, reason if overflow[index].any() else broken)
        for index in range(len(returns))
        if overflow[index].any() or not finite[index].all()
    ]
    return Rollouts(returns, steps, tuple(failures))


@compiled()
def _roll_out(
    act,
    observe,
    model,
    episodes,
    noise,
    which,
    inputs,
    outputs,
    first_node,
    first_connection,
    first_source,
    sources,
    activation,
    weights,
    shared,
    max_steps,
    stop_without_reward,
    first,
    returns,
    steps,
    overflow,
    worlds,
    values,
    scratch,
):
    each = returns.shape[1] * returns.shape[2]  # rollouts of a network
    total = returns.shape[0] * each
    rollout = np.empty(worlds.size, np.int64)  # which one each world has
    members = np.arange(worlds.size)  # worlds under way, first in the array
    action = np.zeros(outputs.shape[1])
    highest = np.empty(worlds.size)  # return of each world's episode so far
    without = np.empty(worlds.size, np.int64)  # steps since it was reached
    dealt = alive = 0
    while alive < worlds.size and dealt < total:
        rollout[alive] = dealt
        start(model, episodes[which[dealt % each]], worlds[alive])
        values[alive, 0] = 1.0
        alive += 1
        dealt += 1

    while alive > 0:
        for k in range(alive):
            w = members[k]
            world = worlds[w]
            index, place = rollout[w] // each, rollout[w] % each
            if world.steps == 0:  # `reset` ends with a step of its own, without an action
                action[:] = 0.0
            else:
                network = first + index
                node_from, node_to = first_node[network], first_node[network + 1]
                from_connection = first_connection[network]
                own = weights[place // returns.shape[2]]
                if not shared:
                    own = own[from_connection - first_connection[first] :]
                forward_alone(
                    1 + inputs,
                    first_source[node_from + network : node_to + network + 1],
                    sources[from_connection : first_connection[network + 1]],
                    activation[node_from:node_to],
                    shared,
                    own,
                    values[w],
                )
                for a in range(action.size):
                    action[a] = values[w, outputs[network, a]]
            act(model, world, noise[which[place]], action)
            begin_step(model, episodes[which[place]], world)
        solve_velocities(model, worlds, members, alive, scratch)
        for k in range(alive):
            move_bodies(model, worlds[members[k]])
        solve_positions(model, worlds, members, alive, scratch)

        k = 0
        while k < alive:
            w = members[k]
            world = worlds[w]
            index, place = rollout[w] // each, rollout[w] % each
            row, episode = place // returns.shape[2], place % returns.shape[2]
            end_step(model, episodes[which[place]], world)
            observe(model, episodes[which[place]], world, values[w, 1 : 1 + inputs])
            if world.steps > 0:
                returns[index, row, episode] += world.reward
                steps[index, row, episode] = world.steps
                without[w] += 1
                if returns[index, row, episode] > highest[w]:
                    highest[w], without[w] = returns[index, row, episode], 0
            else:
                highest[w], without[w] = 0.0, 0
            world.steps += 1
            overflow[index, row, episode] |= world.overflow != 0
            ended = world.terminated or world.overflow or world.steps > max_steps
            if world.steps == 1 or not (ended or without[w] >= stop_without_reward):
                k += 1
                continue
            if dealt < total:
                rollout[w] = dealt
                start(model, episodes[which[dealt % each]], world)
                dealt += 1
                k += 1
                continue
            # The last world takes this one's place, and is looked at next.
            alive -= 1
            members[k], members[alive] = members[alive], w
