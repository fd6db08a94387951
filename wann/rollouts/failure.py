"""What code that is not ours raised, in words that can be printed and kept."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from wann.rollouts.time_limit import CLOSING_SECONDS, TimeLimit
from wann.utils.signals import told_apart

_LONGEST = 300  # characters of a message
_LONGEST_TRACE = 20_000  # characters of a traceback
_MOST_CALLS = 50  # of a traceback, the last ones


def in_one_line(error: BaseException) -> str:
    """The kind of an exception and its message: "ValueError: no screen"; shortened where it is long."""
    kind = _tried(lambda: type(error).__name__) or "an exception"
    said = _tried(lambda: " ".join(str(error).split()))
    if said is None:
        return f"{kind}, whose message cannot be told"
    if len(said) > _LONGEST:
        said = f"{said[: _LONGEST - 4]} ..."
    return f"{kind}: {said}" if said else kind


def trace_of(error: BaseException) -> str:
    """The traceback of an exception; shortened where it is long."""
    lines = _tried(lambda: "".join(traceback.format_exception(error, limit=-_MOST_CALLS)))
    if lines is None:
        return "its traceback cannot be told"
    if len(lines) > _LONGEST_TRACE:
        half = _LONGEST_TRACE // 2
        return f"{lines[:half]}\n ... \n{lines[-half:]}"
    return lines


def _tried(tell: Callable[[], str]) -> str | None:
    """Text that an exception's own code may have a part in; None where it fails."""
    with told_apart() as is_users:
        try:
            with TimeLimit(CLOSING_SECONDS):
                # Half a surrogate pair could be neither printed nor written to a file.
                return str(tell()).encode("utf-8", "backslashreplace").decode()
        except BaseException as error:
            if is_users(error):
                raise
            return None
