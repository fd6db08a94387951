"""The presets that the classic control tasks share.

The physics of each is in a file of its own; the environments themselves are Gymnasium's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wann.tasks.presets import LEXICASE_NOTE, lexicase


def presets(max_steps: int, **changes: Any) -> dict[str, Mapping[str, Any]]:
    """Presets of a classic control task.

    Args:
        max_steps: steps after which Gymnasium cuts an episode off.
        changes: settings of the task in place of the common ones.
    """
    common = {
        "episodes": 3,
        "initial_connection_probability": 0.5,
        "complexity_probability": 0.8,
        "cull_ratio": 0.2,
        "elite_ratio": 0.2,
        "tournament_size": 8,
        "confirm_episodes": 20,
        "population": 192,
        "generations": 256,
        "max_steps": max_steps,
        **changes,
    }
    laptop = {"population": 64, "tournament_size": 4, "generations": min(128, common["generations"])}
    return {
        "lexicase": lexicase(common),
        "stratified": {**common, "weight_sampling": "stratified"},
        "paper": {**common, "weight_sampling": "fixed"},
        "laptop": {**common, "weight_sampling": "fixed", **laptop},
    }


PRESET_NOTES = {
    "lexicase": LEXICASE_NOTE,
    "stratified": "six stratified weights drawn afresh each generation",
    "paper": "six fixed weights, as published",
    "laptop": "six fixed weights and a small population, for a first look",
}
