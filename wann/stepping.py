"""Episodes of any Gymnasium environment, stepped in Python; only the forward pass is compiled."""

from __future__ import annotations

import math
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from wann.activations import activate
from wann.lanes import kernel
from wann.network import NetworkBatch
from wann.rollout import Rollouts
from wann.spaces import ActionCodec, FloatArray, ObservationCodec

AnyEnv = gymnasium.Env[Any, Any]
MakeEnv = Callable[[], AnyEnv]

_CLOSING_SECONDS = 10.0
_RING_AGAIN_SECONDS = 1.0  # code that swallows every exception may swallow the first


class _OutOfTimeError(BaseException):
    """The time limit has passed. No Exception, as environments may catch those."""


@kernel
def forward_one(
    program: NDArray[np.int32],
    shared: bool,
    values: FloatArray,
    outputs: FloatArray,
    weights: FloatArray,
    observation: FloatArray,
) -> bool:
    """One network on one observation: the same operations as a lane of `wann.network`, so the same bits.

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
    for k in range(nodes):
        total = 0.0
        if shared:
            for c in range(program[k], program[k + 1]):
                total += values[sources[c]]
            total *= weights[0]
        else:
            for c in range(program[k], program[k + 1]):
                total += values[sources[c]] * weights[c]
        values[row + k] = activate(codes[k], total)
    for a in range(outputs.size):
        outputs[a] = values[rows[a]]
    return True


class Stepper:
    """Plays episodes on an environment that it makes, keeps from call to call, and closes.

    One stepper is for one thread. A context manager.

    Args:
        make_env: makes the environment; `disable_env_checker=True` there saves time.
        observations, actions: the codecs of its spaces.
        fresh: use a new instance for each episode, for environments that keep hidden state (see
            `same_seed_same_episode`).
        limit_seconds: time after which an episode, and its network with it, has failed. In the main thread
            of a Unix process a `reset` or `step` that hangs is interrupted, unless it hangs in compiled code;
            elsewhere the time is looked at only between steps.
    """

    def __init__(
        self,
        make_env: MakeEnv,
        observations: ObservationCodec,
        actions: ActionCodec,
        *,
        fresh: bool = False,
        limit_seconds: float | None = None,
    ) -> None:
        self._make_env = make_env
        self._observations, self._actions = observations, actions
        self._fresh, self._limit_seconds = fresh, limit_seconds
        self._env: AnyEnv | None = None

    def __enter__(self) -> Stepper:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the environment; the next episode makes it anew."""
        env, self._env = self._env, None
        if env is not None:
            _close(env)

    def roll_out(
        self,
        networks: NetworkBatch,
        weights: FloatArray,
        seeds: Sequence[int],
        max_steps: int,
        first: int,
        last: int,
    ) -> Rollouts:
        """Episodes of each network at every weight on every seed.

        An episode starts with `reset(seed=...)`; it ends when the environment terminates or truncates it,
        and after `max_steps`. A network fails when the environment raises, when an observation that it has
        to act on or a reward is not finite, and when the time limit passes; the environment is then thrown
        away. (The observation that ends an episode may hold anything.)

        Args:
            networks: P networks.
            weights: (W,) shared weights; or (W, C) sets of individual weights, where a single network is
                computed, in the order of its sources.
            seeds: E episode seeds.
            max_steps: steps after which an episode is cut off.
            first, last: the networks to compute are first .. last - 1.

        Returns:
            Rollouts of shape (last - first, W, E). A failed network has NaN for all its returns, the steps
            it got to, and an entry in `failures`: its index counted from `first`, and a text whose first
            line says what happened and where, followed by the traceback.
        """
        shape = (last - first, len(weights), len(seeds))
        returns, steps = np.full(shape, np.nan), np.zeros(shape, np.int64)
        failures = []
        for index in range(last - first):
            network = networks, first + index
            reason = self._evaluate(network, weights, seeds, max_steps, returns[index], steps[index])
            if reason is not None:
                returns[index] = np.nan
                failures.append((index, reason))
                self.close()
        return Rollouts(returns, steps, tuple(failures))

    def _evaluate(
        self,
        network: tuple[NetworkBatch, int],
        weights: FloatArray,
        seeds: Sequence[int],
        max_steps: int,
        returns: FloatArray,
        steps: NDArray[np.int64],
    ) -> str | None:
        """Play all episodes of one network, fill its returns (W, E) and steps; why it failed, if it did."""
        shared = weights.ndim == 1
        rows = np.ascontiguousarray(weights, np.float64).reshape(len(weights), -1)
        outputs = np.empty(self._actions.size)
        forward = _forward(*network, shared, outputs)
        row_dtype, row_shape = self._observations.row_dtype, (self._observations.size,)
        forward(rows[0], np.zeros(row_shape, row_dtype))  # compiles where need be, before the clock starts
        encode, decode = self._observations.encode, self._actions.decode
        clock, isfinite = time.perf_counter, math.isfinite
        limit = self._limit_seconds
        w = e = now = 0
        try:
            for w, row in enumerate(rows):
                for e, seed in enumerate(seeds):
                    with _alarm(limit):
                        deadline = math.inf if limit is None else clock() + limit
                        now, total = 0, 0.0
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
                            if terminated or truncated:
                                break
                            if clock() > deadline:
                                raise _OutOfTimeError
                        returns[w, e], steps[w, e] = total, now
            return None
        except _OutOfTimeError:
            what = f"TimeLimit: the episode took longer than {limit:g} s"
            trace = traceback.format_exc()
        except Exception as error:  # noqa: BLE001 - whatever an environment raises is this network's failure
            what = f"{type(error).__name__}: {' '.join(str(error).split())}"
            trace = traceback.format_exc()
        steps[w, e] = now
        weight = f"weight {float(weights[w])!r}" if shared else f"weight set {w}"
        return f"{what} (step {now + 1} of the episode with seed {seeds[e]}, {weight})\n\n{trace}"

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


def _close(env: AnyEnv) -> None:
    """Close an environment that may be broken: what it raises or hangs in does not matter any more."""
    with suppress(Exception, _OutOfTimeError), _alarm(_CLOSING_SECONDS):
        env.close()


@contextmanager
def _opened(make_env: MakeEnv) -> Iterator[AnyEnv]:
    env = make_env()
    try:
        yield env
    finally:
        _close(env)


@contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    """Raise `_OutOfTimeError` in this block after so many seconds, where signals allow it."""
    usable = (
        seconds is not None
        and hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) is not None  # None: a handler that cannot be put back
    )
    if not usable or seconds is None:
        yield
        return
    armed = True

    def ring(_signal: int, _frame: object) -> None:
        if armed:
            raise _OutOfTimeError

    handler = signal.signal(signal.SIGALRM, ring)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _RING_AGAIN_SECONDS)
    started = time.monotonic()
    try:  # two levels, as the alarm may still ring before it is disarmed
        try:
            yield
        finally:
            armed = False
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler)
        if remaining > 0.0:  # someone else's timer goes on
            left = max(remaining - (time.monotonic() - started), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


class Verdict(StrEnum):
    """Whether the same seed gives the same episode."""

    REPEATABLE = "repeatable"
    FRESH = "needs a fresh instance for each episode"
    NEVER = "not repeatable even when fresh"


@dataclass(frozen=True, slots=True)
class Repeatability:
    """What `same_seed_same_episode` found."""

    verdict: Verdict
    difference: str | None  # the first one, in words; None where there is none
    episodes: int  # compared
    steps: int  # compared


_EPISODES = 20
_STEPS_TOGETHER = 800
_STEPS_EACH = 300
# Played before on the used instance. In BipedalWalkerHardcore-v3 the first seven or so resets leave no trace.
_EPISODES_BEFORE = 12
_STEPS_BEFORE = (300, *(5,) * 5)  # in turn: some end in a crash, many are begun
_HOLD_PROBABILITY = 0.8  # an action lasts for five steps on average, which moves more than noise does

Moment = tuple[FloatArray, str]  # the observation and the reward (I+1,); how the episode ended, if it did


def same_seed_same_episode(
    make_env: MakeEnv,
    observations: ObservationCodec,
    actions: ActionCodec,
    *,
    seed: int = 0,
    seconds: float = 10.0,
    episode_seconds: float | None = None,
) -> Repeatability:
    """Find out whether an episode follows from its seed and actions alone, bit for bit.

    Plays episodes with pseudo-random actions three times: on two fresh instances, and on one that has played
    a dozen others before. It compares every observation, reward and end, up to 300 steps of an episode, until
    800 steps or 20 episodes have been compared. It can show a difference, but not prove that there is none;
    nor does it look at other processes or machines.

    Args:
        make_env: makes the environment.
        observations, actions: the codecs of its spaces.
        seed: of the episodes and actions.
        seconds: about the time after which no more steps are begun.
        episode_seconds: what an episode may take.

    Raises:
        TimeoutError: it took ten times as long, or twice as long and an episode (only in the main thread of
            a Unix process).
    """
    limit = min(10.0 * seconds, 2.0 * seconds + (episode_seconds or math.inf))
    try:
        with _alarm(limit), _opened(make_env) as used:
            return _compare(used, make_env, observations, actions, seed, seconds)
    except _OutOfTimeError:
        raise TimeoutError(
            f"the environment did not finish a few short episodes within {limit:g} s; "
            "its reset or step may hang"
        ) from None


def _compare(
    used: AnyEnv,
    make_env: MakeEnv,
    observations: ObservationCodec,
    actions: ActionCodec,
    seed: int,
    seconds: float,
) -> Repeatability:
    deadline = time.perf_counter() + seconds / 3.0  # what is recorded until then is played twice more

    def record(env: AnyEnv, seed: int, most_steps: int, until: float = math.inf) -> list[Moment]:
        return _record(env, observations, actions, seed, most_steps, until)

    def record_fresh(seed: int, most_steps: int, until: float = math.inf) -> list[Moment]:
        with _opened(make_env) as env:
            return record(env, seed, most_steps, until)

    names = (*observations.names, "reward")
    verdict, difference, episodes, steps = Verdict.REPEATABLE, None, 0, 0
    for before in range(_EPISODES_BEFORE):
        most_steps = _STEPS_BEFORE[before % len(_STEPS_BEFORE)]
        record(used, seed + _EPISODES + 1 + before, most_steps, deadline)
    while episodes < _EPISODES and steps < _STEPS_TOGETHER and time.perf_counter() < deadline:
        episodes += 1
        one = record_fresh(seed + episodes, _STEPS_EACH, deadline)
        steps += len(one) - 1
        where = f"episode with seed {seed + episodes}"
        if found := _difference(one, record_fresh(seed + episodes, len(one) - 1), names):
            difference = f"{where}: {found} on two fresh instances"
            return Repeatability(Verdict.NEVER, difference, episodes, steps)
        if verdict is Verdict.FRESH:
            continue
        if found := _difference(one, record(used, seed + episodes, len(one) - 1), names):
            verdict = Verdict.FRESH
            difference = f"{where}: {found} on a fresh instance and on one used before"
    return Repeatability(verdict, difference, episodes, steps)


def _record(
    env: AnyEnv,
    observations: ObservationCodec,
    actions: ActionCodec,
    seed: int,
    most_steps: int,
    deadline: float,
) -> list[Moment]:
    """The start and the steps of an episode with pseudo-random actions; an exception is an end of it."""
    rng = np.random.default_rng(seed)
    outputs = np.zeros(actions.size)
    moments: list[Moment] = []
    try:
        observation, _ = env.reset(seed=seed)
        moments.append((np.append(observations.encode(observation), 0.0), ""))
        for now in range(most_steps):
            if now == 0 or rng.random() > _HOLD_PROBABILITY:
                outputs = rng.uniform(-1.2, 1.2, actions.size)
            observation, reward, terminated, truncated, _ = env.step(actions.decode(outputs))
            end = "termination" if terminated else "truncation" if truncated else ""
            moments.append((np.append(observations.encode(observation), float(reward)), end))
            if end or time.perf_counter() > deadline:
                break
    except Exception as error:  # noqa: BLE001 - an environment may fail, if it does so each time
        moments.append((np.empty(0), f"{type(error).__name__}: {error}"))
    return moments


def _difference(one: list[Moment], other: list[Moment], names: Sequence[str]) -> str | None:
    """The first difference of two episodes, as far as both go, in words."""
    for now, ((numbers, end), (others, other_end)) in enumerate(zip(one, other, strict=False)):
        if end != other_end:
            return f"step {now} gave {end or 'no end'!r} and {other_end or 'no end'!r}"
        unequal = np.flatnonzero(numbers.view(np.int64) != others.view(np.int64))
        if unequal.size:
            k = int(unequal[0])
            return f"step {now} gave {names[k]} = {float(numbers[k])!r} and {float(others[k])!r}"
    return None
