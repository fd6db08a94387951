"""A search over two hosts whose link is cut in mid-generation: network namespaces, joined by a cable.

Each host has its own addresses and its own Ray; both share the files of this machine. Nothing leaves them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import rmtree, which

import numpy as np
import pytest

from wann.run.search import search

pytestmark = pytest.mark.slow

HEAD, NODE, PORT = "10.213.7.1", "10.213.7.2", 6379
RAY = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
IMPATIENT = {"initial_delay_ms": 1000, "period_ms": 500, "timeout_ms": 1000, "failure_threshold": 4}
IN_PYTHON = {"stepping": "gymnasium", "fresh_env": False}
SETTINGS = {"population": 12, "max_steps": 60, "confirm_episodes": 4, "episodes": 2, "seed": 1}
SETTINGS |= {"elite_ratio": 0.2, "tournament_size": 8, "checkpoint_seconds": 0}


def ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout


class Host:
    """A network namespace, and a folder for its Ray."""

    def __init__(self, name: str, address: str, cleanup: ExitStack) -> None:
        self.name = self.cable = name
        self.address = address
        self.folder = Path(tempfile.mkdtemp(prefix="wann"))  # short, as sockets are made in it
        cleanup.callback(rmtree, self.folder, ignore_errors=True)
        ip("netns", "add", name)
        cleanup.callback(ip, "netns", "delete", name)
        cleanup.callback(self.end)

    def connect(self) -> None:
        ip("link", "set", self.cable, "netns", self.name)
        ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", self.cable)
        for each in ("lo", self.cable):
            ip("-n", self.name, "link", "set", each, "up")

    def start(self, command: list[str], health: dict[str, int], log: Path) -> subprocess.Popen:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | RAY
        environment |= {f"RAY_health_check_{name}": str(value) for name, value in health.items()}
        command = ["ip", "netns", "exec", self.name, sys.executable, *command]
        with log.open("w") as file:
            return subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def start_ray(self, health: dict[str, int], *options: str) -> None:
        command = ["-c", "from ray.scripts.scripts import main; main()", "start", *options]
        command += ["--node-ip-address", self.address, "--num-cpus", "1", "--temp-dir", str(self.folder)]
        command += ["--object-store-memory", str(100 * 2**20)]
        log = self.folder / "start.log"
        assert self.start(command, health, log).wait(600) == 0, log.read_text()

    def end(self) -> None:
        """End every process of this host, and no other."""
        while processes := ip("netns", "pids", self.name).split():
            for pid in processes:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.05)


@pytest.fixture
def hosts():
    """Two hosts, joined by a cable."""
    if not which("ip"):
        pytest.skip("there is no command ip; it comes with iproute2")
    names = [f"wann{os.getpid()}{end}" for end in "ab"]
    with ExitStack() as cleanup:
        try:
            made = [Host(name, address, cleanup) for name, address in zip(names, (HEAD, NODE), strict=True)]
            ip("link", "add", names[0], "type", "veth", "peer", "name", names[1])
            cleanup.callback(subprocess.run, ["ip", "link", "delete", names[0]], stderr=subprocess.DEVNULL)
            for host in made:
                host.connect()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces cannot be made here: {error.stderr.strip()}")
        yield made


def rows(run: Path) -> list[dict[str, str]]:
    """The metrics so far."""
    with suppress(FileNotFoundError):
        names, *lines = (run / "metrics.csv").read_text().splitlines()
        return [dict(zip(names.split(","), line.split(","), strict=False)) for line in lines]
    return []


def wait_until(condition: Callable[[], bool], driver: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 1200
    while not condition():
        assert driver.poll() is None, f"the search has ended: {log.read_text()}"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def numbers(run: Path):
    """All of a run that must be the same wherever it was computed, stepped in Python or compiled."""
    with np.load(run / "checkpoint.npz") as file:
        population = {name: array.tobytes() for name, array in file.items() if name != "seconds"}
    champions = {file.name: file.read_bytes() for file in (run / "champions").iterdir()}
    return population, {
        name: text.replace(b'"stepping": "compiled"', b'"stepping": "gymnasium"')
        for name, text in champions.items()
    }


@pytest.mark.parametrize("given_up", [False, True], ids=["for seconds", "until Ray gives the host up"])
def test_a_link_that_is_cut_in_mid_generation_changes_nothing(hosts, tmp_path, given_up):
    head, node = hosts
    health = IMPATIENT if given_up else {}
    head.start_ray(health, "--head", "--port", str(PORT), "--include-dashboard", "false")
    node.start_ray(health, "--address", f"{HEAD}:{PORT}")

    run, log, settings = tmp_path / "run", tmp_path / "log", {**SETTINGS, "generations": 60}
    command = ["-m", "wann", "search", "swingup", "--quiet", "--out", str(run)]
    command += ["--address", f"{HEAD}:{PORT}"]
    for name, value in (settings | IN_PYTHON).items():
        command += ["--set", f"{name}={str(value).lower()}"]
    driver = head.start(command, health, log)

    def used() -> int:
        return int((rows(run) or [{}])[-1].get("workers") or 0)

    wait_until(lambda: len(rows(run)) >= 3 and used() == 2, driver, log)
    cut_at = len(rows(run))
    ip("-n", node.name, "link", "set", node.cable, "down")
    if given_up:
        wait_until(lambda: used() == 1, driver, log)
    else:
        time.sleep(4)
        wait_until(lambda: len(rows(run)) > cut_at, driver, log)
    assert driver.poll() is None, "the search must be longer than the cut"
    ip("-n", node.name, "link", "set", node.cable, "up")

    assert driver.wait(1200) == 0, log.read_text()
    assert len(rows(run)) == 60
    # The compiled physics gives the bits of the environment in a hundredth of the time.
    search("swingup", out=tmp_path / "calm", threads=1, **settings)
    assert numbers(run) == numbers(tmp_path / "calm")
