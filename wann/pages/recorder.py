"""A film of the pictures shown, recorded while they are shown; the last film can be fetched."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from wann.visualization.film import FORMATS, Film, Picture, making

_LONGEST_SECONDS = 600  # so that a forgotten recording does not fill the disk


@dataclass(frozen=True, slots=True)
class Finished:
    """A film that can be fetched."""

    number: int
    path: Path
    bytes: int


class Studio:
    """Recorder of the pictures shown, in a folder removed with it; pauses are left out."""

    def __init__(self, task: str) -> None:
        self.last: Finished | None = None
        self._name = re.sub(r"[^A-Za-z0-9._-]+", "-", task)
        self._folder = tempfile.TemporaryDirectory(prefix="wann-play-")
        self._number = 0
        self._film: Film | None = None
        self._path = Path()
        self._pace = Fraction(1)  # frames a second
        self._making = ExitStack()
        self._owed = Fraction(0)  # frames that are not yet in the film
        self._problem: str | None = None

    def begin(self, kind: str, draw: Callable[[], Picture]) -> None:
        """Begin a film with the current picture; a film that is being recorded is finished first."""
        self.end()
        self._number += 1
        self._problem = None
        self._path = Path(self._folder.name) / f"{self._name}-{self._number}.{kind}"
        self._pace = Fraction(FORMATS[self._path.suffix].pace)
        self._film = self._making.enter_context(making(self._path, self._pace))
        self._film.add(draw())
        self._owed = Fraction(0)

    def add(self, draw: Callable[[], Picture], seconds: float) -> None:
        """Record a picture that was shown for some seconds, if a film is being recorded."""
        if self._film is None:
            return
        self._owed += Fraction(seconds) * self._pace
        if self._owed >= 1:
            frame = draw()
            for _ in range(math.floor(self._owed)):
                self._film.add(frame)
            self._owed %= 1
        if self._film.frames > _LONGEST_SECONDS * self._pace:
            self.end()

    def end(self) -> None:
        """Finish the film; the one before it is removed."""
        if self._film is None:
            return
        self._film = None
        self._making.close()
        before, self.last = self.last, Finished(self._number, self._path, self._path.stat().st_size)
        if before:
            with suppress(OSError):  # where open files cannot be removed, while it is being fetched
                before.path.unlink()

    def give_up(self, problem: str | None = None) -> None:
        """Throw away the film at hand."""
        self._film, self._problem = None, problem
        with suppress(OSError):
            self._making.__exit__(OSError, OSError(problem), None)

    def close(self) -> None:
        """Throw everything away."""
        self.give_up()
        self._folder.cleanup()

    def facts(self) -> dict[str, Any]:
        """What a page shows of it."""
        film, last = self._film, self.last
        return {
            "recording": None if film is None else round(float(film.frames / self._pace), 1),
            "film": last and {"number": last.number, "name": last.path.name, "bytes": last.bytes},
            "film_failure": self._problem,
        }
