"""A time limit on code that Python runs, and environments that are closed in any case."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import gymnasium

AnyEnv = gymnasium.Env[Any, Any]
MakeEnv = Callable[[], AnyEnv]

_CLOSING_SECONDS = 10.0
_RING_AGAIN_SECONDS = 1.0  # code that swallows every exception may swallow the first


class OutOfTimeError(BaseException):
    """The time limit has passed. No Exception, as environments may catch those."""


def close(env: AnyEnv) -> None:
    """Close an environment that may be broken: what it raises or hangs in does not matter any more."""
    with suppress(Exception, OutOfTimeError), alarm(_CLOSING_SECONDS):
        env.close()


@contextmanager
def opened(make_env: MakeEnv) -> Iterator[AnyEnv]:
    """A new environment, closed when the block ends."""
    env = make_env()
    try:
        yield env
    finally:
        close(env)


@contextmanager
def alarm(seconds: float | None) -> Iterator[None]:
    """Raise `OutOfTimeError` in this block after so many seconds, where signals allow it."""
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
            raise OutOfTimeError

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
