"""Champions to be exported, and the tools that run what came of it."""

import dataclasses
import importlib.util
import shutil

import numpy as np
import pytest
from conftest import ALL_CODES, evolved

from wann.champion import Champion, Scores
from wann.tasks.registry import get_task

TOOLS = {
    "torch": importlib.util.find_spec("torch"),
    "onnx": importlib.util.find_spec("onnx") and importlib.util.find_spec("onnxruntime"),
    "c": shutil.which("cc") or shutil.which("gcc") or shutil.which("clang"),
    "js": shutil.which("node"),
    "python": True,
    "json": True,
}


def need(kind):
    if not TOOLS[kind]:
        pytest.skip(f"what runs {kind} is not installed")


def champion_of(genome, tuned=None, task="swingup", weight=1.3, inputs=None, outputs=None):
    """A champion of a genome whose best shared weight is known."""
    return Champion(
        task=task,
        inputs=inputs or tuple(f"input {i}" for i in range(genome.inputs)),
        outputs=outputs or tuple(f"output {a}" for a in range(genome.outputs)),
        genome=genome,
        scores=Scores(np.array([weight]), np.array([1.0]), np.array([0.0]), (1,)),
        tuned=tuned,
    )


def random_champion(seed):
    """A deep champion in whose network every activation is at work; every other one is tuned."""
    rng = np.random.default_rng(seed)
    genome = evolved(seed, int(rng.integers(120, 200)), outputs=3)
    codes = genome.activation.copy()
    hidden = codes[genome.first_output :]
    hidden[:] = np.resize(rng.permutation(ALL_CODES), hidden.size)
    champion = champion_of(genome.evolve(activation=codes), weight=float(rng.uniform(-2, 2)))
    assert set(champion.network.activation.tolist()) == set(ALL_CODES)
    if seed % 2:
        return dataclasses.replace(champion, tuned=rng.normal(size=genome.connection_count)), "tuned"
    return champion, None


def swingup(tuned=False):
    genome = evolved(3, 40)
    weights = np.random.default_rng(0).normal(size=genome.connection_count) if tuned else None
    task = get_task("swingup")
    return champion_of(genome, weights, inputs=task.inputs, outputs=task.outputs)
