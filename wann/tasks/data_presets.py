"""The named data sets and their presets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wann.settings import NUMBER_WEIGHTS, Settings
from wann.tasks.data_sets import NAMED
from wann.tasks.data_task import DataTask

BATCH = 1000
"""Training samples per generation."""

# Source: Gaier and Ha (2019) and its reference implementation, the settings of the MNIST run.
_PUBLISHED: dict[str, Any] = {
    "weight_sampling": "fixed",
    "population": 960,
    "generations": 4096,
    "episodes": 1,
    "max_steps": BATCH,
    "confirm_episodes": 1,
    "initial_connection_probability": 0.05,
    "activations": tuple(name for name in Settings().activations if name != "step"),
    "complexity_probability": 0.8,
    "cull_ratio": 0.2,
    "elite_ratio": 0.2,
    "tournament_size": 32,
}

# Found by trial on the digits: denser networks and weights drawn afresh learn far faster at this size.
_LAPTOP = {
    **_PUBLISHED,
    "weight_sampling": "stratified",
    "population": 192,
    "generations": 1000,
    "tournament_size": 8,
    "initial_connection_probability": 0.2,
    "add_connection": 0.5,
}

# Found by trial on the digits: many generations of few networks, whose mutations take large steps, learn most
# from few evaluations; with more of them they overfit so few images.
_FEATURES = {
    **_PUBLISHED,
    "weight_sampling": "stratified",
    "population": 48,
    "generations": 800,
    "tournament_size": 8,
    "initial_connection_probability": 0.05,
    "duplicate_node": 0.2,
    "add_feature": 0.5,
    "retries": 5,
}

_MNIST = {**_FEATURES, "weight_sampling": "fixed", "population": 192, "generations": 20_480}

_NOTES = {
    "features": "distinct children of few networks, mutations that add features and duplicate nodes",
    "paper": "the published settings of MNIST, six fixed weights",
    "laptop": "six stratified weights, more and denser connections than published",
}


def _task(name: str, summary: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> DataTask:
    return DataTask(
        name=name,
        env_id=name,
        summary=summary,
        inputs=inputs,
        outputs=outputs,
        episode_steps=BATCH,
        presets={
            "features": _MNIST if name.startswith("mnist") else _FEATURES,
            "paper": _PUBLISHED,
            "laptop": _LAPTOP,
        },
        preset_notes=_NOTES,
        default_preset="features" if name.startswith("mnist") else "laptop",
    )


TASKS = {name: _task(name, known.summary, known.inputs, known.classes) for name, known in NAMED.items()}

TABLE = _task("table", "a table of your own", (), ())
"""The task of a user's own table, without its name and data."""

_NUMBERS = {
    **_PUBLISHED,
    "weight_sampling": "stratified",
    "weight_count": len(NUMBER_WEIGHTS),
    "weight_range": (NUMBER_WEIGHTS[0], NUMBER_WEIGHTS[-1]),
    "population": 192,
    "generations": 1000,
    "tournament_size": 8,
    "initial_connection_probability": 0.5,
    "add_connection": 0.5,
}

NUMBERS = replace(
    TABLE,
    summary="a table of your own, with numbers to predict",
    presets={"laptop": _NUMBERS},
    preset_notes={"laptop": "six stratified weights from 0.1 to 1.1"},
)
"""The same, where numbers are predicted."""
