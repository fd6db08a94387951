"""The presets: settings that tasks are searched with, by name.

`paper` is published, and `laptop` and `stratified` are close to it. `lexicase`, for tasks with episodes, is
what we found to work best (`experiments/swingup`). Those of data sets are in `wann.tasks.data_presets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Preset = Mapping[str, Any]

_LEXICASE: Preset = {
    "selection": "lexicase",
    "contender_ratio": 0.4,
    "delete_node": 0.1333,
    "disable_connection": 0.15,
    "retries": 5,
    "weight_sampling": "stratified",
    "weight_count": 16,
    "episodes": 1,
    "champion_rule": "duel",
}

LEXICASE_NOTE = "parents by lexicase, 16 stratified weights on one episode each, distinct children"

OWN_EPISODES_NOTE = (
    "parents by lexicase, 16 stratified weights with an episode of its own each, distinct children"
)


def lexicase(published: Preset) -> Preset:
    """The preset `lexicase` of a task, at the episodes that its published settings have in all.

    Four times as many networks, at 16 weights on one episode each, for as many generations as that leaves.

    Args:
        published: with `population`, `generations` and `episodes`, at six weights.
    """
    kept = {name: value for name, value in published.items() if name not in ("tournament_size", "cull_ratio")}
    rollouts = published["population"] * published["generations"] * 6 * published["episodes"]
    population = 4 * published["population"]
    return {
        **kept,
        **_LEXICASE,
        "population": population,
        "generations": max(1, round(rollouts / (population * _LEXICASE["weight_count"]))),
    }
