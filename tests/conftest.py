"""Shared builders and strategies."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from champions import champion_of, genome_of
from hypothesis import HealthCheck, settings

from wann.champion import Champion
from wann.cli.main import main
from wann.evaluation.evaluator import available_threads
from wann.evolution.innovation import Innovations
from wann.evolution.variation import mutate
from wann.formats.paper import import_champion
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome, minimal_genome
from wann.tasks.registry import get_task

# Where tests are started in the background of a shell, nothing would be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).resolve().parent
DATA = TESTS.parents[1] / "shared" / "data"

settings.register_profile(
    "wann", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("wann")

CLUSTERS = {
    "evaluation/test_misbehaviour.py",
    "evaluation/test_network_cut.py",
    "evaluation/test_placement.py",
    "evaluation/test_ray_cluster.py",
    "evaluation/test_ray_evaluator.py",
    "run/test_seeds.py",
    "tasks/test_data_task.py",
    "tuning/test_race.py",
    "tuning/test_tune.py",
}
"""Files that start Ray: one process runs them, as two clusters at a time are too much for a small machine."""

SLOW = {"chromium", "cluster"}
"""Fixtures that take seconds: what uses one is marked slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and begin with the clusters."""
    for item in items:
        if SLOW & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: process_of(item.nodeid) != "ray")


def process_of(nodeid: str) -> str:
    """What a test shares a process with: its file, or all files that start Ray."""
    file = nodeid.partition("::")[0].removeprefix("tests/")
    return "ray" if file in CLUSTERS else file


@pytest.fixture(autouse=True)
def one_token(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray keeps the first token that a process has used: its tests, which share one, have the same."""
    if process_of(request.node.nodeid) == "ray":
        monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 64)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than processors where the tests of Ray run: theirs mostly waits."""
    return available_threads() + (config.option.markexpr != "not slow")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file's tests in one process, so that what its fixtures make is made once.

    By a scheduler: with pytest 9.2, pytest-xdist 3.8 does not see its own marks of groups (its issue 1386).
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class FileScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return process_of(nodeid)

    return FileScheduling(config, log)


ALL_CODES = tuple(activation.code for activation in BY_NAME.values())
SHARES = (0.20, 0.25, 0.05, 0.50)


def evolved(
    seed: int, mutations: int, inputs: int = 5, outputs: int = 1, codes: tuple[int, ...] = ALL_CODES
) -> Genome:
    """A genome after so many random mutations."""
    rng = np.random.default_rng(seed)
    genome = minimal_genome(inputs, outputs, BY_NAME["linear"].code, 0.6, rng=rng)
    innovations = Innovations(genome.node_id.size, genome.mark.size)
    for _ in range(mutations):
        innovations.begin_generation()
        genome = mutate(genome, innovations, SHARES, codes, rng=rng)
    return genome


@pytest.fixture(scope="session")
def published_data() -> Path:
    """Folder of the published swing-up champion."""
    folder = DATA / "wann-zoo"
    if not (folder / "swing.out").exists():
        pytest.skip(f"the published champion is not at {folder}")
    return folder


@pytest.fixture(scope="module")
def published(published_data: Path) -> Champion:
    """The published swing-up champion, with its tuned weights."""
    return import_champion(
        published_data / "swing.out", "swingup", published_data / "cartpole_swingup.wann.json"
    )


@pytest.fixture(scope="module")
def digits() -> Champion:
    """A champion of the digits: connections at random, of which those are left that help."""
    pytest.importorskip("sklearn", reason="digits are part of scikit-learn")
    rng = np.random.default_rng(0)
    connections = [(int(i), int(o), True) for o in range(65, 75) for i in rng.choice(64, 12, False) + 1]
    genome = genome_of(64, 10, [], connections)
    train = get_task("digits").samples.train
    pixels = train.inputs() - train.inputs().mean(axis=0)
    helps = np.array([pixels[train.labels == t - 65, s - 1].mean() > 0.0 for s, t, _ in connections])
    return champion_of("digits", genome.evolve(enabled=helps), [0.2, 0.5])


@pytest.fixture
def wann_command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str, str]]:
    """Runs a command in this process; gives its exit code, output and errors."""

    def call(*arguments: object) -> tuple[Any, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return caught.value.code, captured.out, captured.err

    return call


@pytest.fixture
def refused(wann_command: Callable[..., tuple[Any, str, str]]) -> Callable[..., str]:
    """Runs a command that must fail in one line, by default as the user's mistake; gives that line."""

    def call(*arguments: object, codes: tuple[int, ...] = (2,)) -> str:
        code, out, err = wann_command(*arguments)
        lines = err.splitlines()
        assert len(lines) == 1, err
        assert lines[0].startswith("wann: ")
        assert code in codes
        assert out == ""
        return lines[0].removeprefix("wann: ")

    return call


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The installed browser; one for a module."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
