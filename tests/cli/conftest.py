"""Runs and champions for commands."""

import shutil

import numpy as np
import pytest
from champions import TOY, champion_of
from commands import searched

from wann.champion import Champion, Scores, save_champion
from wann.networks.genome import genome_from_dict
from wann.run import search
from wann.tasks.registry import get_task


@pytest.fixture
def no_evaluation(monkeypatch):
    """Fails the test as soon as a generation is asked for."""

    def ask(*arguments, **options):
        pytest.fail("a generation was computed")

    monkeypatch.setattr(search.Evolution, "ask", ask)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A finished run of four generations; copy it before changing it."""
    return searched(tmp_path_factory.mktemp("ended") / "run")


@pytest.fixture
def run_path(ended, tmp_path):
    shutil.copytree(ended, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def short(tmp_path):
    """Champion file of a network that pushes the cart off its track within a second."""
    genome = genome_from_dict(
        {
            "inputs": 5,
            "outputs": 1,
            "nodes": [[node, "linear"] for node in range(7)],
            "connections": [[0, 0, 6, True]],
        }
    )
    scores = Scores.from_returns(np.array([2.0]), np.array([[5.0]]), (1,))
    task = get_task("swingup")
    save_champion(Champion("swingup", task.inputs, task.outputs, genome, scores), tmp_path / "short.json")
    return tmp_path / "short.json"


@pytest.fixture
def written(tmp_path):
    """Writes a settings file; gives its path."""

    def write(content, name="mine.toml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def toy(tmp_path):
    """A champion's file."""
    path = tmp_path / "toy.json"
    save_champion(champion_of("toys/Toy-v0", TOY, [0.5, 1.0]), path)
    return path
