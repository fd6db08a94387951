"""A time limit on code that is not ours, and environments that are closed in any case.

It is judged by the processor time of the thread that runs the code, so that other work on the machine decides
nothing. By the clock it judges only what stands still: sleeps, waits for an answer, has lost a lock.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, process_time, sleep
from types import FrameType, TracebackType
from typing import Any, Self

import gymnasium

from wann.utils.signals import told_apart

AnyEnv = gymnasium.Env[Any, Any]
MakeEnv = Callable[[], AnyEnv]

STANDING_STILL = 0.05
"""Share of a processor: what computes less than this, and is not kept from it, stands still."""

CLOSING_SECONDS = 10.0
"""What an environment may take to be closed."""

_WINDOW = 1.0  # seconds, at most, for which it is watched whether code stands still, once it is late
_LONGEST_NAP = 0.5  # seconds between two looks from outside
_STORM = 1e-5  # seconds between two rings at code that swallows every exception
_LANDING = 0.001  # seconds after which the last ring has come, whichever thread the system chose for it
_PATIENCE = 5.0  # seconds, at most, for which code may take no notice at all


class OutOfTimeError(BaseException):
    """The time limit has passed. No Exception, as environments may catch those."""


class StandsStillError(OutOfTimeError):
    """It has passed by the clock, and hardly any processor time was used."""


def close(env: AnyEnv) -> None:
    """Close an environment that may be broken: what it raises or hangs in does not matter any more."""
    with told_apart() as is_users:
        try:
            with TimeLimit(CLOSING_SECONDS):
                env.close()
        except BaseException as error:
            if is_users(error):
                raise


@contextmanager
def opened(make_env: MakeEnv) -> Iterator[AnyEnv]:
    """A new environment, closed when the block ends."""
    env = make_env()
    try:
        yield env
    finally:
        close(env)


def own_clock() -> float:
    """A clock in seconds that stands still while this thread is kept waiting for a busy processor."""
    return perf_counter() - _Thread().waited()


def end_where_stuck() -> None:
    """Let a time limit end this process where nothing else ends the code: it is one that can be killed."""
    _Watch.may_end = True


class TimeLimit:
    """Ends the block of a `with` statement that takes too long.

    In the main thread of a Unix process what the block calls is interrupted by SIGURG, unless it hangs in
    compiled code; elsewhere the block has to call `look` now and then. An interrupt that the code swallows is
    repeated, many times a millisecond, by SIGALRM, until one meets the code between two of its attempts.

    Args:
        seconds: processor time that the block may take, and the time by the clock for which it may stand
            still; None for no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = math.inf if seconds is None else seconds
        self._over: type[OutOfTimeError] | None = None
        self._window: tuple[float, float] | None = None
        self._rings = 0
        self._inside = False
        self._outer: TimeLimit | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self.due = math.inf
        """The moment, by `time.perf_counter`, before which `look` has nothing to do."""

    def __enter__(self) -> Self:
        if self._seconds == math.inf:
            return self
        self._thread = _Thread()
        self.restart()
        if (
            hasattr(signal, "pthread_kill")
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGURG) is not None  # None: a handler that cannot be put back
        ):
            self._block = sys._getframe(1)
            self._handlers[signal.SIGURG] = signal.signal(signal.SIGURG, self._ring)
            self._inside = True
            self._outer = _Watch.begin(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._inside:
            return
        self._inside = False
        del self._block
        # Handlers are put back when no signal can come any more.
        _Watch.end(self._outer)
        if signal.SIGALRM in self._handlers:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            sleep(_LANDING)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()

    def restart(self) -> float:
        """Give the block all its time again.

        Returns:
            As `look`.
        """
        if self._seconds < math.inf:
            self._over, self._window, self._rings = None, None, 0
            self._most = self._thread.computed() + self._seconds
            self.due = perf_counter() + self._seconds
        return self.due

    def look(self) -> float:
        """See whether the time is over.

        Returns:
            The moment, by `time.perf_counter`, before which nothing can have changed.

        Raises:
            OutOfTimeError, StandsStillError: it is.
        """
        if self.is_over():
            assert self._over  # noqa: S101
            raise self._over
        return self.due

    def is_over(self) -> bool:
        """Whether the time is over, now or before."""
        now = perf_counter()
        if self._over or now < self.due:
            return self._over is not None
        computed = self._thread.computed()
        left = self._most - computed
        if left <= 0.0:
            self._over = OutOfTimeError
        elif self._window is None:
            self._window = now, computed + self._thread.waited()
            self.due = now + min(left, self._seconds, _WINDOW)
        else:
            since, spent = self._window
            if computed + self._thread.waited() - spent < STANDING_STILL * (now - since):
                self._over = StandsStillError
            self._window, self.due = None, now + min(left, self._seconds)
        return self._over is not None

    def _ring(self, number: int, frame: FrameType | None) -> None:
        """Interrupt what the block calls; the block itself looks, and our own code is left alone."""
        ours = frame is None or frame is getattr(self, "_block", frame) or frame.f_globals is globals()
        if ours or not self._inside or not self.is_over():
            return
        self._rings += 1
        if self._rings == 2:  # it has swallowed the first: one will meet it between two of its attempts
            self._handlers[signal.SIGALRM] = signal.getsignal(signal.SIGALRM) or signal.SIG_DFL
        if self._rings >= 2 and number == signal.SIGURG:
            signal.signal(signal.SIGALRM, self._ring)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
            signal.setitimer(signal.ITIMER_REAL, _STORM, _STORM)
        self.look()

    def nap(self) -> float:
        """Seconds from one look from outside to the next."""
        return min(_LONGEST_NAP, self._seconds / 4.0)


class _Watch:
    """A thread that looks at the innermost limit of the main thread, and interrupts what is over."""

    may_end = False
    _limit: TimeLimit | None = None
    _begun = threading.Event()
    _ringing = threading.Lock()
    _thread: threading.Thread | None = None

    @classmethod
    def begin(cls, limit: TimeLimit) -> TimeLimit | None:
        """Watch a limit; gives the one that was watched before."""
        outer, cls._limit = cls._limit, limit
        if cls._thread is None:
            cls._thread = threading.Thread(target=cls._watch, name="wann-time-limit", daemon=True)
            cls._thread.start()
        cls._begun.set()
        return outer

    @classmethod
    def end(cls, outer: TimeLimit | None) -> None:
        """Watch the one before again, if there was one; no more signals are on their way."""
        with cls._ringing:
            cls._limit = outer
        if outer is None:
            cls._begun.clear()

    @classmethod
    def forget(cls) -> None:
        """Begin anew in a forked process, which has this thread no more."""
        cls._limit, cls._thread = None, None
        cls._begun, cls._ringing = threading.Event(), threading.Lock()

    @classmethod
    def _watch(cls) -> None:
        main = threading.main_thread().ident or 0
        rung, since = None, 0.0  # the limit that it has rung for, and since when
        while cls._begun.wait():
            limit = cls._limit
            sleep(limit.nap() if limit else _LONGEST_NAP)
            if limit is None or limit is not cls._limit or not limit.is_over():
                continue
            if rung is not limit:
                rung, since = limit, perf_counter()
            elif perf_counter() > since + limit.nap() * _PATIENCE / _LONGEST_NAP:
                if cls.may_end:
                    os._exit(1)
                if since < math.inf:
                    logging.getLogger("wann").warning(
                        "an environment takes no notice of its time limit: end this process, and go on with "
                        "--workers 1, where evaluators can be ended"
                    )
                since = math.inf
            with cls._ringing:
                if limit is cls._limit:
                    signal.pthread_kill(main, signal.SIGURG)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Watch.forget)


class _Thread:
    """The thread that made this, as seen from any."""

    def __init__(self) -> None:
        self._number = threading.get_native_id()
        known = hasattr(time, "pthread_getcpuclockid")
        self._clock = time.pthread_getcpuclockid(threading.get_ident()) if known else None

    def computed(self) -> float:
        """Seconds of processor time; of the whole process where the system does not tell."""
        return process_time() if self._clock is None else time.clock_gettime(self._clock)

    def waited(self) -> float:
        """Seconds for which it was kept waiting for a busy processor; 0 where the system does not tell."""
        try:
            with open(f"/proc/self/task/{self._number}/schedstat", encoding="ascii") as file:
                return int(file.read().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return 0.0
