"""A test, by playing, whether the same seed gives the same episode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from wann.rollouts.failure import in_one_line
from wann.rollouts.spaces import ActionCodec, ObservationCodec
from wann.rollouts.time_limit import AnyEnv, MakeEnv, OutOfTimeError, TimeLimit, opened, own_clock
from wann.utils.arrays import FloatArray
from wann.utils.signals import Interrupt, told_apart


class Verdict(StrEnum):
    """Whether the same seed gives the same episode."""

    REPEATABLE = "repeatable"
    FRESH = "needs a fresh instance for each episode"
    NEVER = "not repeatable even when fresh"


@dataclass(frozen=True, slots=True)
class Repeatability:
    """Result of `same_seed_same_episode`."""

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
        seconds: about the time after which no more steps are begun, on a machine that does nothing else.
        episode_seconds: what an episode may take.

    Raises:
        TimeoutError: it took ten times as long, or twice as long and an episode (only in the main thread of
            a Unix process).
    """
    limit = min(10.0 * seconds, 2.0 * seconds + (episode_seconds or math.inf))
    try:
        with told_apart(), TimeLimit(limit), opened(make_env) as used:
            return _compare(used, make_env, observations, actions, seed, seconds)
    except OutOfTimeError:
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
    deadline = own_clock() + seconds / 3.0  # what is recorded until then is played twice more

    def record(env: AnyEnv, seed: int, most_steps: int, until: float = math.inf) -> list[Moment]:
        return _record(env, observations, actions, seed, most_steps, until)

    def record_fresh(seed: int, most_steps: int, until: float = math.inf) -> list[Moment]:
        with opened(make_env) as env:
            return record(env, seed, most_steps, until)

    names = (*observations.names, "reward")
    verdict, difference, episodes, steps = Verdict.REPEATABLE, None, 0, 0
    for before in range(_EPISODES_BEFORE):
        most_steps = _STEPS_BEFORE[before % len(_STEPS_BEFORE)]
        record(used, seed + _EPISODES + 1 + before, most_steps, deadline)
    while episodes < _EPISODES and steps < _STEPS_TOGETHER and own_clock() < deadline:
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
            if end or own_clock() > deadline:
                break
    except BaseException as error:
        if isinstance(error, OutOfTimeError | Interrupt):
            raise
        moments.append((np.empty(0), in_one_line(error)))
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
