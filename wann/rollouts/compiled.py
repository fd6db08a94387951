"""The lane kernel: whole episodes of compiled dynamics, all rollouts of a network side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import types

from wann.kernels.forward import constants_first, forward_individual, forward_shared, write_tape
from wann.kernels.lanes import (
    WIDTH,
    any_nonzero,
    blocks_for,
    compiled,
    kernel,
    lane_array,
    load,
    store,
)
from wann.kernels.physics import LANE_ARRAY, OBSERVE, STEP
from wann.networks.network import NetworkBatch
from wann.rollouts.result import Rollouts
from wann.utils.arrays import FloatArray

ROUNDS = 16  # in which episodes are computed, where lanes take turns


@dataclass(frozen=True, slots=True)
class Dynamics:
    """A task's physics as two compiled functions over lanes, shared by the kernel and the environment."""

    state_size: int
    observe: Any  # made with `observe_kernel`
    step: Any  # made with `step_kernel`


class Pointer(types.WrapperAddressProtocol):
    """A compiled function as a kernel's argument.

    numba takes the function itself as well, but looks its address up anew in every call, for 0.1 ms.
    """

    def __init__(self, function: Any, signature: Any) -> None:
        result = function.get_compile_result(signature)
        self._address = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
        self._signature = signature

    def __wrapper_address__(self) -> int:
        return int(self._address)

    def signature(self) -> Any:
        """Signature of the function."""
        return self._signature

    @staticmethod
    @cache
    def to(function: Any, signature: Any) -> Pointer:
        """Pointer to a function, made once."""
        return Pointer(function, signature)


def roll_out(
    dynamics: Dynamics,
    networks: NetworkBatch,
    weights: FloatArray,
    starts: FloatArray,
    max_steps: int,
    first: int,
    last: int,
    stop_without_reward: int | None = None,
) -> Rollouts:
    """Episodes of each network in every lane.

    Args:
        dynamics: the task's physics.
        networks: P networks.
        weights: (L,) one shared weight per lane; or (L, C) individual weights of the networks to compute,
            laid end to end, those of a network in the order of its sources.
        starts: (L, S) start states.
        max_steps: steps after which an episode is cut off.
        first, last: the networks to compute are first .. last - 1.
        stop_without_reward: steps without a new highest return after which an episode is cut off.

    Returns:
        Rollouts of shape (last - first, L). A lane's result depends on its own weight and start alone.
    """
    lanes, shared = len(starts), weights.ndim == 1
    blocks = blocks_for(lanes)
    lane_weights = np.ones((1 if shared else weights.shape[1], blocks * WIDTH))
    lane_weights[:, :lanes] = weights.T
    lane_starts = np.zeros((dynamics.state_size, blocks * WIDTH))
    lane_starts[:, :lanes] = starts.T
    returns = np.zeros((last - first, lanes))
    steps = np.zeros((last - first, lanes), np.int64)
    most = int(np.diff(networks.first_connection[first : last + 1]).max()) if not shared else 1
    _roll_out(
        Pointer.to(dynamics.observe, OBSERVE),
        Pointer.to(dynamics.step, STEP),
        networks.inputs,
        networks.outputs,
        networks.first_node,
        networks.first_connection,
        networks.first_source,
        networks.sources,
        networks.activation,
        lane_weights.reshape(-1, blocks, WIDTH),
        shared,
        lane_starts.reshape(-1, blocks, WIDTH),
        max_steps,
        stop_without_reward or max_steps,
        first,
        returns,
        steps,
        # Scratch, made here because NumPy can align it: values, weights, state, action, outcome, total.
        lane_array(networks.most_rows, blocks),
        lane_array(most, blocks),
        lane_array(dynamics.state_size, blocks),
        lane_array(networks.outputs.shape[1], blocks),
        lane_array(2, blocks),
        lane_array(1, blocks),
    )
    return Rollouts(returns, steps)


@kernel
def _swap(total, state, own, one, other):
    """Exchange two lanes in place."""
    for lanes in (total, state, own):
        for row in range(lanes.shape[0]):
            value = lanes[row, one // WIDTH, one % WIDTH]
            lanes[row, one // WIDTH, one % WIDTH] = lanes[row, other // WIDTH, other % WIDTH]
            lanes[row, other // WIDTH, other % WIDTH] = value


@compiled(
    types.void(
        types.FunctionType(OBSERVE),
        types.FunctionType(STEP),
        types.int64,  # inputs
        types.int32[:, ::1],  # outputs
        types.int64[::1],  # first_node
        types.int64[::1],  # first_connection
        types.int32[::1],  # first_source
        types.int32[::1],  # sources
        types.int8[::1],  # activation
        LANE_ARRAY,  # lane_weights
        types.boolean,  # shared
        LANE_ARRAY,  # starts
        types.int64,  # max_steps
        types.int64,  # stop_without_reward
        types.int64,  # first
        types.float64[:, ::1],  # returns, written
        types.int64[:, ::1],  # steps, written
        *([LANE_ARRAY] * 6),  # scratch
    )
)
def _roll_out(
    observe,
    step,
    inputs,
    outputs,
    first_node,
    first_connection,
    first_source,
    sources,
    activation,
    lane_weights,
    shared,
    starts,
    max_steps,
    stop_without_reward,
    first,
    returns,
    steps,
    values,
    weights,
    state,
    action,
    outcome,
    total,
):
    lanes = returns.shape[1]
    lane_of = np.empty(lanes, np.int64)  # which episode each lane has
    done = np.empty(lanes, np.int64)  # steps of each lane
    highest = np.empty(lanes)  # return of each lane so far
    without = np.empty(lanes, np.int64)  # steps since it was reached
    observation = values[1 : 1 + inputs]
    order = np.empty(values.shape[0], np.int32)
    values[0] = 1.0
    for index in range(returns.shape[0]):
        network = first + index
        node_from, node_to = first_node[network], first_node[network + 1]
        pointers = first_source[node_from + network : node_to + network + 1]
        row_sources = sources[first_connection[network] : first_connection[network + 1]]
        codes = activation[node_from:node_to]
        if shared:
            own, own_from = weights, 0
        else:
            own = weights[: row_sources.size]
            own_from = first_connection[network] - first_connection[first]
        own[:] = lane_weights[own_from : own_from + own.shape[0]]
        state[:] = starts
        total[0] = 0.0
        lane_of[:] = np.arange(lanes)
        done[:], highest[:], without[:] = 0, 0.0, 0
        nodes = order[: codes.size]
        constants = constants_first(1 + inputs, pointers, row_sources, nodes)
        stride = values.shape[1] * WIDTH
        tape = np.empty(row_sources.size + 4 * codes.size, np.int64)
        steady = write_tape(1 + inputs, nodes[:constants], pointers, row_sources, codes, stride, tape, 0)
        write_tape(1 + inputs, nodes[constants:], pointers, row_sources, codes, stride, tape, steady)
        alive = lanes
        while alive > 0:
            # No third or later block is computed for a lane or two: as many lanes wait, and all take turns.
            blocks = (alive + WIDTH - 1) // WIDTH
            if blocks > 2 and alive - (blocks - 1) * WIDTH <= WIDTH // 4:
                blocks -= 1
            running = min(alive, blocks * WIDTH)
            limit = max_steps
            if running < alive:
                limit = (max_steps + ROUNDS - 1) // ROUNDS
                for waiting in range(running, alive):
                    ahead = np.argmax(done[:running])
                    if done[ahead] > done[waiting]:
                        _swap(total, state, own, ahead, waiting)
                        lane_of[ahead], lane_of[waiting] = lane_of[waiting], lane_of[ahead]
                        done[ahead], done[waiting] = done[waiting], done[ahead]
                        highest[ahead], highest[waiting] = highest[waiting], highest[ahead]
                        without[ahead], without[waiting] = without[waiting], without[ahead]
            limit = min(limit, max_steps - done[:running].max())

            now, ended = 0, False
            observe(state, observation, blocks)
            while now < limit and not ended:
                at = steady if now else 0  # new lanes: their constants have to be computed
                if shared:
                    forward_shared(tape, at, tape.size, own, values, blocks)
                else:
                    forward_individual(tape, at, tape.size, own, values, blocks)
                for a in range(outputs.shape[1]):
                    for b in range(blocks):
                        store(action, a, b, load(values, outputs[network, a], b))
                step(state, observation, action, outcome, blocks)
                for b in range(blocks):
                    store(total, 0, b, load(total, 0, b) + load(outcome, 0, b))
                    if (b + 1) * WIDTH <= running:
                        ended |= any_nonzero(load(outcome, 1, b))
                    else:
                        for j in range(running - b * WIDTH):
                            ended |= outcome[1, b, j] != 0.0
                if stop_without_reward < max_steps:
                    for lane in range(running):
                        without[lane] += 1
                        if total[0, lane // WIDTH, lane % WIDTH] > highest[lane]:
                            highest[lane], without[lane] = total[0, lane // WIDTH, lane % WIDTH], 0
                        ended |= without[lane] >= stop_without_reward
                now += 1

            done[:running] += now
            lane = 0
            while lane < min(running, alive):
                b, j = lane // WIDTH, lane % WIDTH
                if outcome[1, b, j] == 0.0 and done[lane] < max_steps and without[lane] < stop_without_reward:
                    lane += 1
                    continue
                returns[index, lane_of[lane]] = total[0, b, j]
                steps[index, lane_of[lane]] = done[lane]
                # The last lane takes the place of the ended one and, where it ran as well, is looked at next.
                alive -= 1
                _swap(total, state, own, lane, alive)
                lane_of[lane], done[lane] = lane_of[alive], done[alive]
                highest[lane], without[lane] = highest[alive], without[alive]
                outcome[1, b, j] = outcome[1, alive // WIDTH, alive % WIDTH] if alive < running else 0.0


def advance(
    dynamics: Dynamics, state: FloatArray, action: FloatArray, size: int
) -> tuple[FloatArray, FloatArray, float, bool]:
    """One step of one episode by the very functions of the kernel, for the Gymnasium environment.

    Args:
        dynamics: the task's physics.
        state: (S,) state, not changed.
        action: (A,) action.
        size: how many observations the task has, I.

    Returns:
        The new state (S,), its observation (I,), the reward, whether the episode terminated.
    """
    lanes, observation, outcome = _one_lane(state), lane_array(size, 1), lane_array(2, 1)
    dynamics.observe(lanes, observation, 1)
    dynamics.step(lanes, observation, _one_lane(action), outcome, 1)
    return (
        lanes[:, 0, 0].copy(),
        observation[:, 0, 0].copy(),
        float(outcome[0, 0, 0]),
        bool(outcome[1, 0, 0]),
    )


def observe(dynamics: Dynamics, state: FloatArray, size: int) -> FloatArray:
    """Observation (I,) of a state (S,) by the function of the kernel; `size` is I."""
    observation = lane_array(size, 1)
    dynamics.observe(_one_lane(state), observation, 1)
    return observation[:, 0, 0].copy()


def _one_lane(column: FloatArray) -> FloatArray:
    lanes = lane_array(len(column), 1)
    lanes[:, 0, 0] = column
    return lanes
