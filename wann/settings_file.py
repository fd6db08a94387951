"""Settings from what a user writes: a file, or `name=value` on the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wann.settings import check_values
from wann.utils.reading import LARGEST_SETTINGS, in_file, load_json, load_toml, read_bytes, shown

REFERENCE_NAMES: dict[str, str | None] = {
    "task": "task",
    "maxGen": "generations",
    "popSize": "population",
    "alg_nReps": "episodes",
    "alg_nVals": "weight_count",
    "alg_probMoo": "complexity_probability",
    "bestReps": "confirm_episodes",
    "prob_initEnable": "initial_connection_probability",
    "prob_crossover": "crossover_probability",
    "prob_addConn": "add_connection",
    "prob_addNode": "insert_node",
    "prob_enable": "enable_connection",
    "prob_mutAct": "change_activation",
    "select_cullRatio": "cull_ratio",
    "select_eliteRatio": "elite_ratio",
    "select_tournSize": "tournament_size",
    "alg_wDist": "weight_sampling",
    # no counterpart: they steer the reference's files and unused branches
    "save_mod": None,
    "alg_probMoo_test1": None,
    "alg_probMoo_test2": None,
    "epsilon": None,
}
"""Names in the reference program's settings files, and ours; None where we have no such setting."""


def parse_assignment(text: str) -> tuple[str, Any]:
    """Name and value of `name=value`; the value is read as TOML, or else as a plain word.

    Raises:
        ValueError: the equals sign or the name before it is missing.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"a setting is given as name=value, not {shown(text)}")
    value = value.strip()
    if value.lower() in ("none", "null"):
        return name.strip(), None
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except RecursionError:
        raise ValueError(f"setting {shown(name.strip())}: the value is nested too deeply") from None
    except ValueError:  # not TOML, or a number with thousands of digits
        return name.strip(), value


def read_settings_file(path: str | os.PathLike[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Values of a settings file (TOML, or the reference program's JSON) and notes on mapped names.

    Returns:
        The values under our names, and a note for each of the reference's names that was mapped.

    Raises:
        ValueError: the file is missing, unreadable, not TOML (JSON where it ends in .json), or a name or
            value in it is wrong.
    """
    path = Path(path)
    content = read_bytes(path, "settings file", LARGEST_SETTINGS)
    with in_file(path, "settings"):
        values = load_json(content) if path.suffix == ".json" else load_toml(content)
        if not isinstance(values, dict):
            raise ValueError(f"must hold names and values, not a {type(values).__name__}")
        values.pop("format", None)  # a run's own config.toml is a settings file too
        mapped, notes = _map_reference_names(values)
        # The command has words of its own for these.
        check_values({name: value for name, value in mapped.items() if name not in _OF_THE_COMMAND})
    return mapped, notes


_OF_THE_COMMAND = ("task", "preset", "env_kwargs")


def _map_reference_names(values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    mapped: dict[str, Any] = {}
    notes = []
    for name, value in values.items():
        ours = REFERENCE_NAMES.get(name, name)
        if ours == name:
            mapped[name] = value
        elif ours is None:
            notes.append(f"{name} of the reference program has no counterpart and is left out")
        elif name == "alg_wDist":
            sampling = "fixed" if value == "standard" else value
            mapped[ours] = sampling
            notes.append(f"{name} = {shown(value)} is read as {ours} = {shown(sampling)}")
        else:
            mapped[ours] = value
            notes.append(f"{name} is read as {ours}")
    return mapped, tuple(notes)
