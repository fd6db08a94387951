"""Shared builders and strategies."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from wann.cli.main import main
from wann.evolution.innovation import Innovations
from wann.evolution.variation import mutate
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome, minimal_genome

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

settings.register_profile(
    "wann", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("wann")

CLUSTERS = {
    "test_network_cut",
    "test_distributed",
    "test_placement",
    "test_tune",
    "test_race",
    "test_data_tasks",
}
"""Files that start Ray: one process runs them, as two clusters at a time are too much for a small machine."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process, and begin with the clusters, which take longest."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        item.add_marker(pytest.mark.xdist_group("ray" if item.path.stem in CLUSTERS else item.path.stem))
    items.sort(key=lambda item: item.path.stem not in CLUSTERS)


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
