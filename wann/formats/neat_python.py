"""Feed-forward networks of neat-python, read from the JSON that its `export_network_json` writes.

A node there computes activation(bias + response * aggregation(value * weight, ...)). Bias, response and the
factors inside its activations become individual weights of ours, those of a champion that has been tuned.

Source: neat-python 2.0, format version 1.0 (neat.export, neat.activations, neat.nn.feed_forward).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wann.champion import Champion
from wann.kernels.activations import BY_NAME
from wann.networks.genome import BIAS, Genome, check_genome
from wann.run.confirming import scored_champion
from wann.tasks.registry import get_task
from wann.utils.arrays import FloatArray
from wann.utils.plain_text import plain
from wann.utils.reading import Schema, checked, in_file, load_json, read_text, shown

ACTIVATIONS: Mapping[str, tuple[str, float]] = {
    "sigmoid": ("sigmoid", 5.0),
    "tanh": ("tanh", 2.5),
    "sin": ("sin", 5.0 / math.pi),
    "gauss": ("gaussian", math.sqrt(10.0)),
    "relu": ("relu", 1.0),
    "identity": ("linear", 1.0),
    "abs": ("abs", 1.0),
}
"""Activations of theirs: which of ours it is, and of which multiple of its argument.

Theirs also hold the argument within limits. Beyond those of sigmoid, tanh and gauss nothing changes by more
than 1e-25; beyond that of sin, 12, ours goes on to swing.
"""

_SIN_NOTE = "sin of neat-python stays where it is for arguments beyond 12; here it goes on to swing"

Key = int | str  # of a node there; whole numbers, as far as neat-python itself writes them


class _Node(NamedTuple):
    """A computed node of theirs, in our terms."""

    activation: str
    bias: float  # weight from the bias node
    factor: float  # of the weights of its connections
    sources: list[tuple[Key, float]]  # keys and weights of what it reads


def import_neat(
    path: str | os.PathLike[str], task_name: str, env_kwargs: Mapping[str, Any] | None = None
) -> Champion:
    """Champion from neat-python's JSON, with its weights as tuned weights, scored at the paper's weights.

    Args:
        path: the file.
        task_name: the task it is for.
        env_kwargs: arguments of the environment.

    Raises:
        ValueError: the file cannot be read, holds something that has no counterpart, or does not fit the
            task; in one line.
        RuntimeError: the environment fails.
    """
    path = Path(path)
    task = get_task(task_name, env_kwargs)
    genome, tuned = read_neat(path)
    wanted = (len(task.inputs), len(task.outputs))
    if (genome.inputs, genome.outputs) != wanted:
        raise ValueError(
            f"{path} has {genome.inputs} inputs and {genome.outputs} outputs, "
            f"but task {task.name!r} has {wanted[0]} and {wanted[1]}"
        )
    origin = {"imported_from": plain(path.name), "format": "neat-python"}
    if BY_NAME["sin"].code in genome.activation:
        origin["note"] = _SIN_NOTE
    return scored_champion(task, genome, tuned, origin)


def read_neat(path: str | os.PathLike[str]) -> tuple[Genome, FloatArray]:
    """Genome and individual weights (C,) of its enabled connections from neat-python's JSON.

    An output that other nodes read becomes a hidden node, with a connection of weight 1 to a linear output.

    Raises:
        ValueError: the file cannot be read or holds something that has no counterpart, in one line.
    """
    path = Path(path)
    text = read_text(path, "network")
    with in_file(path):
        return _read(load_json(text))


def _read(data: Any) -> tuple[Genome, FloatArray]:
    if not isinstance(data, dict) or "network_type" not in data:
        raise ValueError('is not a network of neat-python: it has no "network_type"')
    if not str(data.get("format_version")).startswith("1."):
        raise ValueError(f"has format version {shown(data.get('format_version'))}; 1.x is known here")
    if data["network_type"] != "feedforward":
        raise ValueError(f"is a {data['network_type']} network; only feedforward ones can be read")
    table = checked(_NetworkTable, data)
    inputs = _keys(table.topology.input_keys, "input_keys")
    outputs = _keys(table.topology.output_keys, "output_keys")
    nodes = _nodes(table, inputs)
    missing = [key for key in outputs if key not in nodes]
    if missing:
        raise ValueError(f"has no node for its output {shown(missing[0])}")
    read = {source for node in nodes.values() for source, _ in node.sources}
    for key in sorted(read & set(outputs), key=outputs.index):
        # Ours may not read an output: the node moves behind it.
        moved = f"output {key}"
        nodes[moved] = nodes[key]
        nodes = {
            name: node._replace(sources=[(moved if s == key else s, w) for s, w in node.sources])
            for name, node in nodes.items()
        }
        nodes[key] = _Node("linear", 0.0, 1.0, [(moved, 1.0)])
    return _genome(inputs, outputs, nodes)


def _genome(inputs: list[Key], outputs: list[Key], nodes: Mapping[Key, _Node]) -> tuple[Genome, FloatArray]:
    hidden = [key for key in nodes if key not in outputs]
    place = {key: 1 + index for index, key in enumerate([*inputs, *outputs, *hidden])}
    activation = np.full(1 + len(place), BY_NAME["linear"].code, np.int8)
    source, target, weights = [], [], []
    for key, node in nodes.items():
        activation[place[key]] = BY_NAME[node.activation].code
        links = [(place[other], node.factor * weight) for other, weight in node.sources]
        for row, weight in ([(BIAS, node.bias)] if node.bias else []) + links:
            source.append(row)
            target.append(place[key])
            weights.append(weight)
    genome = check_genome(
        Genome(
            inputs=len(inputs),
            outputs=len(outputs),
            node_id=np.arange(activation.size, dtype=np.int32),
            activation=activation,
            mark=np.arange(len(source), dtype=np.int32),
            source=np.array(source, np.int32),
            target=np.array(target, np.int32),
            enabled=np.ones(len(source), np.bool_),
        )
    )
    if not np.isfinite(weights).all():
        raise ValueError("has a weight that is too large once its factors are multiplied")
    return genome, np.array(weights, np.float64)


class _TopologyTable(Schema):
    input_keys: list[Any]
    output_keys: list[Any]


class _NetworkTable(Schema):
    """What a network of neat-python must be, as far as it is read here."""

    topology: _TopologyTable
    nodes: list[Any]
    connections: list[Any]


def _nodes(table: _NetworkTable, inputs: list[Key]) -> dict[Key, _Node]:
    """The computed nodes by their keys, with their enabled connections."""
    entries = {}
    for entry in table.nodes:
        key = _key(_member(entry, "id", "a node"))
        if key in entries:
            raise ValueError(f"has node {shown(key)} twice")
        entries[key] = entry
    stray = [key for key in inputs if key not in entries]
    if stray:
        raise ValueError(f"has no node for its input {shown(stray[0])}")
    links: dict[Key, list[tuple[Key, float]]] = {key: [] for key in entries if key not in inputs}
    for link in table.connections:
        source, target = (_key(_member(link, name, "a connection")) for name in ("from", "to"))
        if source not in entries or target not in links:
            raise ValueError(f"has a connection from {shown(source)} to {shown(target)}, which cannot be")
        enabled = _member(link, "enabled", "a connection")
        if not isinstance(enabled, bool):
            raise ValueError(f"says {shown(enabled)} where a connection is enabled (true) or not (false)")
        if enabled:
            links[target].append((source, _number(link, "weight", "a connection")))
    return {key: _node(key, entries[key], links[key]) for key in links}


def _node(key: Key, entry: Mapping[str, Any], links: list[tuple[Key, float]]) -> _Node:
    what = f"node {shown(key)}"
    name = _function(entry, "activation", what)
    if name not in ACTIVATIONS:
        raise ValueError(
            f"{what} has the activation {shown(name)}; of those here are {', '.join(ACTIVATIONS)}"
        )
    activation, scale = ACTIVATIONS[name]
    aggregation = _function(entry, "aggregation", what)
    if aggregation not in ("sum", "mean") and len(links) != 1:  # of one value, all of them are that value
        raise ValueError(
            f"{what} has the aggregation {shown(aggregation)} of {len(links)} connections; here are sum and "
            "mean"
        )
    count = max(1, len(links)) if aggregation == "mean" else 1
    response = _number(entry, "response", what)
    return _Node(activation, scale * _number(entry, "bias", what), scale * response / count, links)


def _function(entry: Mapping[str, Any], role: str, what: str) -> str:
    """Name of a function that is neat-python's own."""
    function = _member(entry, role, what)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise ValueError(f"{what} has no {role} with a name")
    if function.get("custom", False) is not False:
        raise ValueError(f"{what} has the {role} {shown(name)}, which is the user's own and unknown here")
    return name


def _keys(values: list[Any], name: str) -> list[Key]:
    keys = [_key(value) for value in values]
    if not keys or len(set(keys)) != len(keys):
        raise ValueError(f"{name!r} must list different nodes, at least one")
    return keys


def _key(value: Any) -> Key:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"the keys of nodes must be whole numbers, not {shown(value)}")
    return value


def _member(entry: Any, name: str, what: str) -> Any:
    if not isinstance(entry, dict) or name not in entry:
        raise ValueError(f"{what} has no {name!r}")
    return entry[name]


def _number(entry: Mapping[str, Any], name: str, what: str) -> float:
    value = _member(entry, name, what)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise ValueError(f"{what} has a {name!r} that is no number of ordinary size: {shown(value)}")
    return float(value)
