"""An environment that misbehaves in as many ways as `KINDS` has entries, registered by importing this.

The action chooses the kind, by its number.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gymnasium
import numpy as np


class OwnError(BaseException):
    """What no `except Exception` catches."""


class UnprintableError(Exception):
    """Raises where its message is asked for."""

    def __str__(self):
        raise SystemExit(3)


class NamelessError(type):
    """Class of classes that have no name."""

    @property
    def __name__(cls):
        raise RuntimeError("no name")


class OfNoNameError(Exception, metaclass=NamelessError):
    """What it says."""


class Shapeless:
    """Ends the process where numpy looks at it."""

    def __array__(self, *_, **__):
        raise SystemExit(4)


class Undecided:
    """Neither true nor false."""

    def __bool__(self):
        raise ValueError("perhaps")


def raising(error: Callable[[], BaseException]) -> Any:
    def kind(env, result):
        raise error()

    return kind


def giving(change: Callable[..., Any]) -> Any:
    """`change` gets the parts of a step's result."""
    return lambda env, result: change(*result)


def after(work: Callable[[], Any]) -> Any:
    """Something on the side, before the right result."""

    def kind(env, result):
        work()
        return result

    return kind


def chained() -> BaseException:
    error = ValueError("the first of many")
    for number in range(300):
        following = RuntimeError(f"number {number}")
        following.__cause__ = error
        error = following
    return error


def noted() -> BaseException:
    error = ValueError("with notes")
    error.__notes__ = 5
    return error


def endless(env: Any = None, result: Any = None) -> Any:
    return endless(env, result)


def busy(env, result):
    number = 0
    while True:
        number += 1


def clinging(work: Callable[[], Any]) -> Any:
    """For ever again, whatever is raised."""

    def kind(env, result):
        while True:
            with suppress(BaseException):
                while True:
                    try:
                        work()
                    except BaseException:  # noqa: BLE001, S112
                        continue

    return kind


def alarmed(env, result):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    threading.Event().wait()


def unanswered():
    ours, _theirs = os.pipe()
    os.read(ours, 1)


def deaf(env, result):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    threading.Event().wait()


def background():
    threading.Thread(target=time.sleep, args=(1000.0,), daemon=True).start()


def strict():
    np.seterr(all="raise")
    warnings.simplefilter("error")


def seeding():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002


def handling():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def forgetful(env, result):
    env.__dict__.clear()
    return result


def timeless():
    time.perf_counter = time.monotonic = time.time = lambda: 0.0


def tracing():
    sys.settrace(lambda *_: None)


RAISES = {
    "ValueError": (raising(lambda: ValueError("odd")), "ValueError: odd"),
    "an assertion": (raising(AssertionError), "AssertionError"),
    "KeyboardInterrupt": (raising(KeyboardInterrupt), "KeyboardInterrupt"),
    "SystemExit": (raising(lambda: SystemExit(0)), "SystemExit: 0"),
    "an exit with an object": (raising(lambda: SystemExit(object())), "SystemExit: <object"),
    "GeneratorExit": (raising(GeneratorExit), "GeneratorExit"),
    "CancelledError": (raising(asyncio.CancelledError), "CancelledError"),
    "StopIteration": (raising(StopIteration), "StopIteration"),
    "no Exception": (raising(lambda: OwnError("mine")), "OwnError: mine"),
    "a group": (raising(lambda: BaseExceptionGroup("two", [OwnError(), OwnError()])), "BaseExceptionGroup"),
    "MemoryError": (raising(MemoryError), "MemoryError"),
    "endless calls": (endless, "RecursionError"),
    "an unprintable error": (raising(UnprintableError), "UnprintableError, whose message cannot be told"),
    "an error of no name": (raising(OfNoNameError), "an exception"),
    "a long message": (raising(lambda: ValueError("long " * 10**5)), "ValueError: long long"),
    "half a pair": (raising(lambda: ValueError("\ud800")), r"ValueError: \\ud800"),
    "several lines": (raising(lambda: ValueError("a\nb\r\nc")), "ValueError: a b c"),
    "a chain": (raising(chained), "RuntimeError: number 299"),
    "notes": (raising(noted), "ValueError: with notes"),
    "a warning": (raising(lambda: DeprecationWarning("old")), "DeprecationWarning: old"),
}
"""What it raises, and the beginning of the reason."""

GIVES = {
    "nothing": (giving(lambda *_: None), "TypeError"),
    "four parts": (giving(lambda *parts: parts[:4]), "ValueError: not enough values"),
    "six parts": (giving(lambda *parts: (*parts, 0)), "ValueError: too many values"),
    "no observation": (giving(lambda _, *rest: (None, *rest)), ".*Error"),
    "a short observation": (giving(lambda seen, *rest: (seen[:1], *rest)), "ValueError: an observation"),
    "words": (giving(lambda _, *rest: (np.array(["a", "b"]), *rest)), "ValueError"),
    "a dict": (giving(lambda seen, *rest: ({"seen": seen}, *rest)), ".*Error"),
    "a ragged list": (giving(lambda _, *rest: ([[1.0], [2.0, 3.0]], *rest)), "ValueError"),
    "nan": (giving(lambda seen, *rest: (seen * np.nan, *rest)), "FloatingPointError: the observation"),
    "infinity": (giving(lambda seen, *rest: (seen + np.inf, *rest)), "FloatingPointError: the observation"),
    "an exit in an array": (giving(lambda _, *rest: (Shapeless(), *rest)), "SystemExit: 4"),
    "no reward": (giving(lambda seen, _, *rest: (seen, None, *rest)), "TypeError"),
    "a nan reward": (giving(lambda seen, _, *rest: (seen, np.nan, *rest)), "FloatingPointError: the return"),
    "an endless reward": (giving(lambda seen, _, *rest: (seen, -np.inf, *rest)), "FloatingPointError"),
    "a word for a reward": (giving(lambda seen, _, *rest: (seen, "much", *rest)), "ValueError"),
    "two rewards": (giving(lambda seen, _, *rest: (seen, np.ones(2), *rest)), "TypeError"),
    "a complex reward": (giving(lambda seen, _, *rest: (seen, 1j, *rest)), "TypeError"),
    "a huge reward": (giving(lambda seen, _, *rest: (seen, 10**400, *rest)), "OverflowError"),
    "two ends": (giving(lambda seen, reward, *_: (seen, reward, np.zeros(2), False, {})), "ValueError"),
    "perhaps an end": (giving(lambda seen, reward, *_: (seen, reward, Undecided(), False, {})), "ValueError"),
}
"""What it gives, and the beginning of the reason."""

LATE = " of processor time"
STILL = ", standing still"
HANGS = {
    "sleeps": (after(lambda: time.sleep(1000.0)), STILL),
    "computes": (busy, LATE),
    "clings asleep": (clinging(lambda: time.sleep(1000.0)), STILL),
    "clings and computes": (clinging(lambda: sum(range(50))), LATE),
    "takes the alarm": (alarmed, STILL),
    "waits for a lock": (after(lambda: threading.Lock().acquire() and threading.Event().wait()), STILL),
    "waits for a pipe": (after(unanswered), STILL),
    "waits for a process": (after(lambda: subprocess.run(["sleep", "30"], check=True)), STILL),
}
"""How it hangs, and the end of the reason."""

SIDE_EFFECTS = {
    "a thread goes on": after(background),
    "numpy and warnings become strict": after(strict),
    "generators are seeded": after(seeding),
    "signals are taken": after(handling),
    "the environment is empty": after(os.environ.clear),
    "no garbage is collected": after(gc.disable),
    "the clocks stand": after(timeless),
    "it is traced": after(tracing),
    "standard input is closed": after(lambda: sys.stdin and sys.stdin.close()),
}
"""What it does on the side; the numbers are right."""

DEADLY = {
    "exits": after(lambda: os._exit(0)),
    "is killed": after(lambda: os.kill(os.getpid(), signal.SIGKILL)),
    "a fault": after(lambda: ctypes.string_at(0)),
    "deaf": deaf,
}
"""What ends or holds its process, so that only workers survive it: others take their place."""

KINDS = {
    **{name: kind for name, (kind, _) in (RAISES | GIVES | HANGS).items()},
    **SIDE_EFFECTS,
    **DEADLY,
}
NAMES = tuple(KINDS)


class Misbehaving(gymnasium.Env):
    """Pays for the distance of two numbers, and misbehaves in the second step.

    Args:
        render_mode: none.
        calm: whether it behaves.
    """

    observation_space = gymnasium.spaces.Box(-10.0, 10.0, (2,), np.float64)
    action_space = gymnasium.spaces.Box(-1000.0, 1000.0, (1,), np.float64)

    def __init__(self, render_mode=None, calm=False):
        self.render_mode, self.calm = render_mode, calm

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seen, self.age = self.np_random.uniform(-1.0, 1.0, 2), 0
        return self.seen.copy(), {}

    def step(self, action):
        self.age += 1
        self.seen = self.np_random.uniform(-1.0, 1.0, 2)
        result = self.seen.copy(), float(self.seen[0]), self.age == 4, False, {}
        number = round(float(action[0]))
        if self.calm or self.age != 2 or not 0 <= number < len(NAMES):
            return result
        return KINDS[NAMES[number]](self, result)


gymnasium.register("Misbehaving-v0", Misbehaving)
