"""The champion page of a run in progress, kept up to date from the run folder alone."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from wann.pages.render import render
from wann.pages.report import page_data
from wann.run.folder import RunFolder, champion_files, is_run
from wann.tasks.trust import refuse_untrusted
from wann.utils.plain_text import plain

_LOOK_SECONDS = 0.5  # from one look at the files to the next
_WATCHED_SECONDS = 10.0  # after the last question, nobody is watching
_REST = 4.0  # times as long as the last reading took, so that watching does not slow the search
_PATIENCE = 4  # looks; a file that is just being replaced can be read at the next one

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Reading:
    """The data of the page at a moment."""

    data: Mapping[str, Any]

    @cached_property
    def body(self) -> bytes:
        """The data as JSON."""
        return json.dumps(self.data, allow_nan=False, separators=(",", ":")).encode()

    @cached_property
    def tag(self) -> str:
        """Differs where the body differs, as an HTTP entity tag."""
        return f'"{sha256(self.body).hexdigest()[:32]}"'


class _LeavingError(Exception):
    """The watcher ends while it reads."""


class Watcher:
    """Reader of a run, in a thread of its own, whenever its files have changed and someone asks.

    Use it as a context manager. The run may be searched anywhere that writes to this folder.

    Args:
        run: the run folder; it may be one in which no search has begun yet.
        note: told in one line when the run cannot be read.

    Raises:
        UntrustedError: the run names a module that the user has not; see `wann.tasks.trust`.
        ValueError: there is no such folder, or it is some other folder.
    """

    def __init__(self, run: str | os.PathLike[str], note: Callable[[str], None] | None = None) -> None:
        self._path = Path(run)
        _check_folder(self._path)
        self._note = note or (lambda _text: None)
        self._reading = Reading(_blank(self._path, "Reading the run."))
        self._asked = time.monotonic()
        self._known = False  # whether anything of the run has been read
        self._read: Fingerprint | None = None  # of the files, when they were last read whole
        self._failures = 0  # in a row
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="wann watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()  # compiled code must not be at work when the program ends

    def reading(self) -> Reading:
        """The newest reading; takes no time."""
        self._asked = time.monotonic()
        return self._reading

    def _watch(self) -> None:
        rest = 0.0
        while not self._stop.wait(rest):
            rest = _LOOK_SECONDS
            if time.monotonic() - self._asked < _WATCHED_SECONDS:
                started = time.monotonic()
                self._look()
                rest = max(rest, _REST * (time.monotonic() - started))

    def _leave_if_asked(self, _done: int, _total: int) -> None:
        if self._stop.is_set():
            raise _LeavingError

    def _look(self) -> None:
        """Read the run where its files have changed since they were last read."""
        found = fingerprint(self._path)
        if found == self._read:
            return
        try:
            if not is_run(self._path) and not self._known:
                data = _blank(self._path, f"No search has begun in {self._path} yet: it will be shown here.")
            else:
                data = page_data(self._path, clips=False, progress=self._leave_if_asked)
                self._known = True
            self._reading = Reading(data)
            self._read, self._failures = found, 0
        except _LeavingError:
            return
        except Exception as error:  # noqa: BLE001  half a file can make the readers raise nearly anything
            self._failures += 1
            if self._failures == _PATIENCE:
                self._tell(" ".join(str(error).split()) or type(error).__name__)

    def _tell(self, trouble: str) -> None:
        """Say on the page and in a line what is wrong; the last reading stays."""
        trouble = plain(trouble)
        self._note(f"{trouble}; trying again")
        if self._known:
            data = {
                **self._reading.data,
                "status": f"{self._reading.data['status']} · {trouble}; trying again",
            }
        else:
            data = _blank(self._path, f"{trouble}. Trying again.")
        self._reading = Reading(data)


def fingerprint(path: Path) -> Fingerprint:
    """Name, time and size of every file that the page is made from; missing files are left out."""
    files = [path / name for name in ("config.toml", "metrics.csv", "champion.json", "front.json")]
    with suppress(OSError):
        files += champion_files(path).values()
    found = []
    for file in files:
        try:
            state = file.stat()
        except OSError:
            continue
        found.append((file.name, state.st_mtime_ns, state.st_size))
    return tuple(found)


def _check_folder(path: Path) -> None:
    """Refuse what is not a run folder and will not become one."""
    if not path.is_dir():
        raise ValueError(f"run folder {path} does not exist: 'wann search' makes it, with --out")
    first = ("champions", "metrics.csv", ".lock")  # what a search makes before the settings
    others = [each.name for each in path.iterdir() if each.name not in first and each.name[:6] != ".wann-"]
    if others and not is_run(path):
        raise ValueError(f"{path} is not a run folder: it holds no config.toml, but {min(others)!r}")
    try:
        settings = RunFolder.open(path).settings
    except ValueError:  # none yet, or none that can be read: the page tells
        return
    refuse_untrusted(settings.task, settings.env_kwargs)


def _blank(path: Path, waiting: str) -> dict[str, Any]:
    """Data of an empty page that says what it waits for."""
    name, waiting = plain(path.resolve().name), plain(waiting)
    return {
        "title": f"{name} · wann",
        "kicker": name,
        "headline": "A search, as it goes.",
        "lede": "",
        "score": "return",
        "figures": [],
        "networks": [],
        "updated": "",
        "status": "waiting",
        "waiting": waiting,
        "learning": {"generation": []},
        "settings": [],
        "versions": [],
        "commands": [],
    }


def watch_routes(watcher: Watcher) -> list[BaseRoute]:
    """Routes of the page of a watched run and of its data, for `wann.pages.server.serving`."""

    def page(_request: Request) -> Response:  # not a coroutine: a large page takes some time to make
        return HTMLResponse(render(watcher.reading().data, live=True))

    def data(request: Request) -> Response:
        reading = watcher.reading()
        headers = {"ETag": reading.tag, "Cache-Control": "private, no-cache"}
        if reading.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(reading.body, headers=headers, media_type="application/json")

    return [Route("/", page), Route("/data.json", data)]
