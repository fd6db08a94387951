"""Episodes of any Gymnasium environment, stepped in Python; only the forward pass is compiled."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wann.kernels.forward import forward_alone
from wann.kernels.lanes import kernel
from wann.networks.network import NetworkBatch
from wann.rollouts.failure import in_one_line, trace_of
from wann.rollouts.job import Job
from wann.rollouts.result import Rollouts
from wann.rollouts.spaces import ActionCodec, ObservationCodec
from wann.rollouts.time_limit import AnyEnv, MakeEnv, OutOfTimeError, StandsStillError, TimeLimit, close
from wann.utils.arrays import FloatArray
from wann.utils.signals import told_apart


@kernel
def forward_one(
    program: NDArray[np.int32],
    shared: bool,
    values: FloatArray,
    outputs: FloatArray,
    weights: FloatArray,
    observation: FloatArray,
) -> bool:
    """One network on one observation: the same operations as a lane of `wann.kernels.forward`.

    Args:
        program: the network's `first_source`, `sources`, `activation` and `outputs` laid end to end, as each
            array that is handed over costs time.
        shared: whether all connections carry one weight.
        values: (rows,) scratch.
        outputs: (A,), written.
        weights: (1,) the shared weight, or (C,) individual ones.
        observation: (I,) float64 or float32.

    Returns:
        Whether every entry of the observation is finite; the outputs are written only then.
    """
    finite = True
    values[0] = 1.0
    for i in range(observation.size):
        value = np.float64(observation[i])
        values[1 + i] = value
        finite &= value - value == 0.0
    if not finite:
        return False
    row = 1 + observation.size
    nodes = values.size - row
    sources = program[nodes + 1 :]
    codes = sources[program[nodes] :]
    rows = codes[nodes:]
    forward_alone(row, program, sources, codes[:nodes], shared, weights, values)
    for a in range(outputs.size):
        outputs[a] = values[rows[a]]
    return True


class _Failed(NamedTuple):
    """Failure of a network."""

    reason: str
    still: bool  # whether it stood still, so that the clock alone has judged it


class Stepper:
    """Plays episodes on an environment that it makes, keeps from call to call, and closes.

    One stepper is for one thread. A context manager.

    Args:
        make_env: makes the environment; `disable_env_checker=True` there saves time.
        observations, actions: the codecs of its spaces.
        fresh: use a new instance for each episode, for environments that keep hidden state (see
            `same_seed_same_episode`).
        limit_seconds: processor time after which an episode, and its network with it, has failed; by the
            clock, where it stands still. In the main thread of a Unix process a `reset` or `step` that hangs
            is interrupted, unless it hangs in compiled code; elsewhere the time is looked at only between
            steps.
        stop_without_reward: steps without a new highest return after which an episode is cut off.
    """

    def __init__(
        self,
        make_env: MakeEnv,
        observations: ObservationCodec,
        actions: ActionCodec,
        *,
        fresh: bool = False,
        limit_seconds: float | None = None,
        stop_without_reward: int | None = None,
    ) -> None:
        self._make_env = make_env
        self._observations, self._actions = observations, actions
        self._fresh, self._limit_seconds = fresh, limit_seconds
        self._stop_without_reward = stop_without_reward or math.inf
        self._env: AnyEnv | None = None

    def __enter__(self) -> Stepper:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the environment; the next episode makes it anew."""
        env, self._env = self._env, None
        if env is not None:
            close(env)

    def roll_out(self, job: Job) -> Rollouts:
        """Episodes of each network at every weight on every seed.

        An episode starts with `reset(seed=...)`; it ends when the environment terminates or truncates it,
        and after `max_steps`. A network fails when the environment raises anything, be it SystemExit, when an
        observation that it has to act on or a reward is not finite, and when the time limit passes; the
        environment is then thrown away. (The observation that ends an episode may hold anything.)

        Args:
            job: which networks, weights and episodes; of individual weights, a single network.

        Returns:
            Rollouts of shape (last - first, W, E). A failed network has NaN for all its returns, the steps
            it got to, and an entry in `failures`: its index counted from `first`, and a text whose first
            line says what happened and where, followed by the traceback. Those that stood still are in
            `stalled` too.
        """
        returns, steps = np.full(job.shape, np.nan), np.zeros(job.shape, np.int64)
        failures, stalled = [], []
        # An environment may also change how numpy takes what is not finite.
        with told_apart() as is_users, np.errstate():
            for index in range(job.last - job.first):
                failed = self._evaluate(job, job.first + index, returns[index], steps[index], is_users)
                if failed is not None:
                    returns[index] = np.nan
                    failures.append((index, failed.reason))
                    if failed.still:
                        stalled.append(index)
                    self.close()
        return Rollouts(returns, steps, tuple(failures), tuple(stalled))

    def _evaluate(
        self,
        job: Job,
        network: int,
        returns: FloatArray,
        steps: NDArray[np.int64],
        is_users: Callable[[BaseException], bool],
    ) -> _Failed | None:
        """Play all episodes of one network, fill its returns (W, E) and steps; why it failed, if it did."""
        weights, seeds, max_steps = job.weights, job.seed_of.tolist(), job.max_steps
        shared = weights.ndim == 1
        rows = np.ascontiguousarray(weights, np.float64).reshape(len(weights), -1)
        outputs = np.empty(self._actions.size)
        forward = _forward(job.networks, network, shared, outputs)
        row_dtype, row_shape = self._observations.row_dtype, (self._observations.size,)
        forward(rows[0], np.zeros(row_shape, row_dtype))  # compiles where need be, before the clock starts
        encode, decode = self._observations.encode, self._actions.decode
        clock, isfinite = time.perf_counter, math.isfinite
        w = e = now = 0
        try:
            with TimeLimit(self._limit_seconds) as limit:
                for w, row in enumerate(rows):
                    for e, seed in enumerate(seeds[w]):
                        due = limit.restart()
                        now, total, highest, without = 0, 0.0, 0.0, 0
                        env = self._instance()
                        step = env.step
                        observation, _ = env.reset(seed=seed)
                        while now < max_steps:
                            inputs = observation
                            if not (
                                type(inputs) is np.ndarray
                                and inputs.dtype is row_dtype
                                and inputs.shape == row_shape
                            ):
                                inputs = encode(observation)
                            if not forward(row, inputs):
                                raise FloatingPointError(_what_is_not_finite(inputs, self._observations))
                            observation, reward, terminated, truncated, _ = step(decode(outputs))
                            total += float(reward)
                            if not isfinite(total):
                                raise FloatingPointError(f"the return is {total} after a reward of {reward}")
                            now += 1
                            without = without + 1 if total <= highest else 0
                            highest = max(highest, total)
                            if terminated or truncated or without >= self._stop_without_reward:
                                break
                            if clock() > due:
                                due = limit.look()
                        if clock() > due:
                            limit.look()
                        returns[w, e], steps[w, e] = total, now
            return None
        except BaseException as error:
            if is_users(error):
                raise
            steps[w, e] = now
            weight = f"weight {float(weights[w])!r}" if shared else f"weight set {w}"
            where = f"step {now + 1} of the episode with seed {seeds[w][e]}, {weight}"
            return _Failed(
                f"{self._what(error)} ({where})\n\n{trace_of(error)}", isinstance(error, StandsStillError)
            )

    def _what(self, error: BaseException) -> str:
        if not isinstance(error, OutOfTimeError):
            return in_one_line(error)
        how = ", standing still" if isinstance(error, StandsStillError) else " of processor time"
        return f"TimeLimit: the episode took longer than {self._limit_seconds:g} s{how}"

    def _instance(self) -> AnyEnv:
        if self._fresh:
            self.close()
        if self._env is None:
            self._env = self._make_env()
        return self._env


def _forward(
    networks: NetworkBatch, network: int, shared: bool, outputs: FloatArray
) -> Callable[[FloatArray, FloatArray], bool]:
    """`forward_one` of one network that writes to `outputs`; weights and observation are still to come."""
    node_from, node_to = networks.first_node[network : network + 2].tolist()
    connection_from, connection_to = networks.first_connection[network : network + 2].tolist()
    parts = (
        networks.first_source[node_from + network : node_to + network + 1],
        networks.sources[connection_from:connection_to],
        networks.activation[node_from:node_to],
        networks.outputs[network],
    )
    values = np.empty(1 + networks.inputs + node_to - node_from)
    return partial(forward_one, np.concatenate(parts, dtype=np.int32), shared, values, outputs)


def _what_is_not_finite(inputs: FloatArray, observations: ObservationCodec) -> str:
    index = int(np.flatnonzero(~np.isfinite(inputs))[0])
    return f"the observation {observations.names[index]!r} is {inputs[index]}"
