"""Signals that ask long work to end: it saves first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class BrokenOff(BaseException):
    """A signal came while something was computed that may take long."""


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
            raise KeyboardInterrupt
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
