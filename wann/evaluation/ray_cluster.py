"""A Ray cluster, joined or started; the only module that imports Ray."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any

from wann.version import __version__

# Read when Ray is imported: no statistics leave a cluster that we start, and no warning about accelerators.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
# How long its processes may take to start: on a busy machine Ray's own limits are too short.
os.environ.setdefault("RAY_gcs_server_request_timeout_seconds", "180")
os.environ.setdefault("RAY_agent_register_timeout_ms", "300000")
os.environ.setdefault("RAY_worker_register_timeout_seconds", "600")

import ray
from ray import exceptions

import psutil  # isort: skip  # which Ray brings, once it is imported

__all__ = ["REACH_SECONDS", "Activity", "connect", "exceptions", "first_line", "identity", "ray"]

REACH_SECONDS = 10.0
"""How long a cluster's address may take to answer."""

_PORT_WAIT = "RAY_gcs_server_port_wait_time_s"
_QUIET_SECONDS = 60.0  # after which nothing will happen any more, where hardly anything has been computed
_QUIET = 0.1  # share of a processor; what has started and waits needs less
_OBJECT_STORE = 256 * 2**20  # bytes, of a cluster that we start: populations are small


def connect(address: str | None, workers: int | None, note: Callable[[str], None]) -> bool:
    """Join a cluster, or start one on this machine.

    Args:
        address: "auto" or HOST:PORT of a cluster; None to start one here.
        workers: CPUs of a cluster that is started here; every processor where it is not given.
        note: told what is waited for, where it takes long.

    Returns:
        Whether a cluster was joined or started, so that it is ours to leave.

    Raises:
        ValueError: the cluster cannot be reached or refuses us, in one line.
    """
    if ray.is_initialized():
        return False
    # Ray prints troubles such as a worker's death where our results belong; its log files have them too.
    ray._private.worker.print_to_stdstream = lambda *_args, **_kwargs: None
    what = "Ray to start on this machine" if address is None else f"the cluster at {address}"
    told = threading.Timer(REACH_SECONDS, note, [f"waiting for {what}"])
    told.daemon = True
    told.start()
    try:
        if address is None:
            with _patient():
                _start(workers)
        else:
            _check_reachable(address)
            with _unheard():
                ray.init(address, configure_logging=False, log_to_driver=False)
    except Exception as error:  # noqa: BLE001  Ray raises bare ones
        if address is None:
            with suppress(Exception):  # what has started of it
                ray.shutdown()
            raise ValueError(f"cannot start a local Ray: {first_line(error)}") from None
        raise ValueError(
            f"cannot join the cluster at {address}: {first_line(error).rstrip('.')}; if it is running, set "
            "RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the token it was started with"
        ) from None
    finally:
        told.cancel()
    return True


@contextmanager
def _patient() -> Iterator[None]:
    """Let a node start as long as its processes compute; Ray gives up after 30 seconds."""
    services = ray._private.services
    impatient, activity = services.get_node, Activity()
    # For as long only: it is also how often a driver with a wrong token tries to join a cluster.
    given = os.environ.get(_PORT_WAIT)
    os.environ[_PORT_WAIT] = given or "180"

    def get_node(address: str, node: str) -> Any:
        while True:
            try:
                return impatient(address, node)
            except RuntimeError:  # it is not there yet
                if activity.ended():
                    raise
                time.sleep(0.1)

    services.get_node = get_node
    try:
        yield
    finally:
        services.get_node = impatient
        if given is None:
            del os.environ[_PORT_WAIT]


class Activity:
    """What the processes that this one has started do, from the making of this object on."""

    def __init__(self) -> None:
        self._since, self._spent = time.monotonic(), self._now()

    def ended(self) -> bool:
        """Whether they hardly did anything in the last minute; asked more often, it is not known."""
        now = time.monotonic()
        if now - self._since < _QUIET_SECONDS:
            return False
        spent = self._now()
        done = sum(max(0.0, spent[each] - self._spent.get(each, 0.0)) for each in spent)
        quiet = done < _QUIET * (now - self._since)
        self._since, self._spent = now, spent
        return quiet

    def _now(self) -> dict[int, float]:
        """Seconds that each has computed, and has waited for a busy processor."""
        spent = {}
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                times = process.cpu_times()
                spent[process.pid] = times.user + times.system + _waited(process.pid)
        return spent


def _waited(process: int) -> float:
    """Seconds for which the threads of a process were kept waiting; 0 where the system does not tell."""
    total = 0
    with suppress(OSError, ValueError, IndexError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            total += int((thread / "schedstat").read_text().split()[1])
    return total / 1e9


def _start(workers: int | None) -> None:
    """Start a cluster, protected by a token that only this process and its children know.

    Otherwise Ray would write one into the home folder, and fail where there is none to write to.
    """
    if not any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        os.environ["RAY_AUTH_TOKEN"] = token_hex(32)
    said = logging.getLogger("ray._private.authentication")  # that a token is in use
    level = said.level
    said.setLevel(logging.ERROR)
    try:
        ray.init(
            "local",
            num_cpus=workers,
            object_store_memory=_OBJECT_STORE,
            include_dashboard=False,
            configure_logging=False,
            log_to_driver=False,
        )
    finally:
        said.setLevel(level)


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep Ray's compiled part from writing to the screen what an exception will say in one line."""
    sys.stderr.flush()
    screen = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(screen, 2)
        os.close(nowhere)
        os.close(screen)


def _check_reachable(address: str) -> None:
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not host:
        raise ValueError(f'an address is "auto" or HOST:PORT such as 10.0.0.5:6379, not {address!r}')
    try:
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()
    except OSError as error:
        raise ValueError(f"nothing answers at {address}: {error}") from None


def first_line(error: BaseException) -> str:
    """The first line of an error's message that says anything."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def identity() -> dict[str, str]:
    """What must be the same on every worker: versions, and a digest of our own sources.

    The digest tells apart two states of the sources that carry the same version number.
    """
    folders = [Path(str(find_spec(name).origin)).parent for name in ("wann", "wann_envs")]  # type: ignore[union-attr]
    sources = sorted(
        (path.relative_to(folder.parent).as_posix(), sha256(path.read_bytes()).hexdigest())
        for folder in folders
        for path in folder.rglob("*.py")
    )
    return {
        "wann": __version__,
        "Python": ".".join(map(str, sys.version_info[:2])),
        "Ray": ray.__version__,
        "wann's code": sha256(repr(sources).encode()).hexdigest()[:12],
    }
