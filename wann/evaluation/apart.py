"""A call in a process of its own, a copy of this one, that can be killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from wann.rollouts.time_limit import end_where_stuck

CAN_FORK = hasattr(os, "fork")
"""Whether there can be such a process: environments that a script defines are known to a copy alone."""

_Answer = TypeVar("_Answer")


class NoAnswerError(RuntimeError):
    """The process ended without an answer, or had to be killed."""


def call_apart(function: Callable[[], _Answer], seconds: float) -> _Answer:
    """Call a function in a process of its own.

    Args:
        function: what is called; its answer is sent back.
        seconds: time by the clock after which the process is killed.

    Raises:
        NoAnswerError: it gave no answer.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    # No daemon, as those may have no processes of their own, which an environment may want.
    process = multiprocessing.get_context("fork").Process(
        target=_answer, args=(there, function), daemon=False
    )
    with closing(here):
        try:
            with warnings.catch_warnings(), closing(there):
                # Python 3.12 warns where other threads run: none of theirs is needed in the copy.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
        except (OSError, AssertionError) as error:  # there is no room for one, or this one is a daemon
            raise NoAnswerError(f"no process: {error}") from None
        try:
            if not here.poll(seconds):
                raise NoAnswerError(f"no answer in {seconds:g} s")
            answer: _Answer = here.recv()
        except (EOFError, OSError):  # it ended before or while it answered
            raise NoAnswerError("the process ended without an answer") from None
        finally:
            process.kill()
            process.join()
            process.close()
    return answer


def _answer(there: Connection, function: Callable[[], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits for the answer is told, too
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_where_stuck()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    there.send(function())


def _end_with_parent() -> None:
    """End this process when the one that waits for it ends: it holds the lock of a run folder."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101
    wait([parent.sentinel])
    os._exit(1)
