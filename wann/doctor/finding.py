"""What a check finds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Literal, NamedTuple

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found."""

    check: str  # name of the check
    level: Level  # "problem": something needed is missing or broken; "note": nothing needed is
    found: str  # one line
    fix: str | None = None  # what to do, one line; None if there is nothing to do


class CheckResult(NamedTuple):
    """A finding without the name of its check."""

    level: Level
    found: str
    fix: str | None = None


Check = Callable[[], CheckResult]


def run_check(name: str, check: Check) -> Finding:
    """Finding of a check; an error that the check raises is a problem."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Finding(name, *check())
    except metadata.PackageNotFoundError as error:
        return Finding(name, "problem", f"{error.name} is not installed", "pip install -e . in its folder")
    except Exception as error:  # noqa: BLE001  a check must not stop the others
        return Finding(name, "problem", one_line(error), "report this line if it does not tell what to do")


def one_line(error: BaseException) -> str:
    """Type and message of an error, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
