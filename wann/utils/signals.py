"""Signals that ask long work to end: it saves first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from wann.utils.at_once import end_at_once


class BrokenOff(BaseException):
    """A signal came while something was computed that may take long."""


class Interrupt(KeyboardInterrupt):
    """SIGINT came; a plain KeyboardInterrupt may also be raised by an environment."""


class Stop:
    """Whether a signal has asked the work to end."""

    def __init__(self) -> None:
        self._asked = False
        self.raises = False  # whether the signal breaks off what is being done

    def is_set(self) -> bool:
        """Whether it has."""
        return self._asked

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Signal handler; a second SIGINT ends the process at once."""
        if self._asked and number == signal.SIGINT:
            raise Interrupt
        self._asked = True
        if self.raises:
            self.raises = False
            raise BrokenOff


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """What SIGINT and SIGTERM set, so that work ends after saving; within other such work, the same one."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    outer = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    if isinstance(outer, Stop):
        yield outer
        return
    before = {number: signal.signal(number, stop.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def told_apart() -> Iterator[Callable[[BaseException], bool]]:
    """Tell a signal's exceptions from those that code which is not ours raises in this block.

    The code may raise KeyboardInterrupt itself, so SIGINT raises `Interrupt` here. A handler of SIGINT that
    the code puts in its place is taken back at the end.

    Yields:
        A function that says whether an exception is a signal's.
    """
    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if here else None
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield lambda error: isinstance(error, BrokenOff | Interrupt)
    finally:
        if before is not None and signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupt


@contextmanager
def noting_interrupts() -> Iterator[Callable[[], bool]]:
    """Let SIGINT raise `Interrupt` in this block, of a program of ours, whatever that turns into.

    Where a module is being loaded, it ends the process instead: nothing is lost yet, and an exception there
    may turn into any other, or be swallowed.

    Yields:
        A function that says whether SIGINT came.
    """
    came = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        caller = frame
        while caller is not None:
            if caller.f_code.co_filename.startswith("<frozen importlib"):
                end_at_once(number, frame)
            caller = caller.f_back
        raise Interrupt

    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if here else None
    ours = before in (signal.default_int_handler, end_at_once)  # it may also be ignored
    if ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
