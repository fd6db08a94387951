"""The export as plain JSON: a list of nodes that any language can walk; its reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from wann.formats.export_plan import ExportPlan
from wann.kernels.activations import BY_NAME
from wann.networks.network import Network, evaluate_network
from wann.utils.arrays import FloatArray
from wann.utils.json_text import dump_json
from wann.utils.reading import parse_json

FORMAT = "wann-network"
VERSION = 2  # 1 where it takes no rows of a table

_READING = (
    "Values: value 0 is the bias, which is 1; then come the inputs; then a value for each entry of 'nodes', "
    "in their order. An entry is [activation, sources] or, where 'weight' is null, [activation, sources, "
    "weights]. Shared weight: add up the values at the sources in ascending order, multiply the sum by "
    "'weight' (or any other), apply the activation. Weights of their own: add up value times weight. "
    "The outputs are the values at 'output_values'."
)

_READING_ROWS = (
    " Rows of a table: each entry of 'terms' makes an input of a row: [column, kind, value, mean, scale]. "
    "Take the number x at 'column'; where kind is number, take 'value' instead if x is missing (NaN); where "
    "it is word, take 1 if x equals 'value', else 0; where it is missing, take 1 if x is missing, else 0. "
    "Subtract 'mean' and divide by 'scale'. A word of the table is its position in 'words', or -1. Where "
    "'target' is not null, the prediction is the output times its scale, plus its mean."
)

_FORMULAS = {
    "linear": "x",
    "step": "1 where x > 0, else 0",
    "sin": "sin(pi x)",
    "gaussian": "exp(-x^2 / 2)",
    "tanh": "tanh(x)",
    "sigmoid": "1 / (1 + exp(-x))",
    "inverse": "-x",
    "abs": "|x|",
    "relu": "x where x > 0, else 0",
    "cos": "cos(pi x)",
}


def write_plain(plan: ExportPlan, path: Path) -> None:
    """Write a plan as a JSON file that describes itself."""
    used = {node.activation for node in plan.nodes}
    content = {
        "format": FORMAT,
        "version": VERSION if plan.columns else 1,
        "about": plan.header,
        "reading": _READING + _READING_ROWS * bool(plan.columns),
        "task": plan.task,
        "inputs": list(plan.inputs),
        "outputs": list(plan.outputs),
        "weight": plan.weight,
        "activations": {name: formula for name, formula in _FORMULAS.items() if name in used},
        "nodes": [
            [node.activation, list(node.sources), *([list(node.weights)] if plan.individual else [])]
            for node in plan.nodes
        ],
        "output_values": list(plan.output_rows),
    }
    if plan.columns:
        content |= {
            "columns": list(plan.takes),
            "words": dict(zip(plan.takes, plan.words, strict=True)),
            "terms": [list(term) for term in plan.terms],
            "target": plan.target.model_dump() if plan.target else None,
        }
    path.write_text(dump_json(content) + "\n", encoding="utf-8")


def run_plain(path: Path, observations: FloatArray) -> FloatArray:
    """Outputs (N, A) of the network that the file holds, for observations (N, I)."""
    data = parse_json(path.read_text(encoding="utf-8"), "a network", FORMAT, VERSION)
    nodes, weight = data["nodes"], data["weight"]
    sources = [source for node in nodes for source in node[1]]
    network = Network(
        inputs=len(data["inputs"]),
        first_source=np.cumsum([0, *(len(node[1]) for node in nodes)]).astype(np.int32),
        sources=np.array(sources, np.int32),
        activation=np.array([BY_NAME[node[0]].code for node in nodes], np.int8),
        outputs=np.array(data["output_values"], np.int32),
        node=np.arange(len(nodes), dtype=np.int32),
        mark=np.arange(len(sources), dtype=np.int32),
    )
    if "terms" in data:
        observations = _inputs(data["terms"], observations)
    own = np.array([weight] if weight is not None else [[w for node in nodes for w in node[2]]], np.float64)
    lanes = np.repeat(own, len(observations), axis=0)
    outputs = evaluate_network(network, observations, lanes)[:, network.outputs]
    target = data.get("target")
    return outputs * target["scale"] + target["mean"] if target else outputs


def _inputs(terms: list[list[Any]], rows: FloatArray) -> FloatArray:
    """Network inputs (N, I) of rows (N, C)."""
    inputs = np.empty((len(rows), len(terms)))
    for place, (column, kind, value, mean, scale) in enumerate(terms):
        x = rows[:, column]
        plain = {"number": np.where(np.isnan(x), value, x), "word": x == value, "missing": np.isnan(x)}[kind]
        inputs[:, place] = (plain.astype(np.float64) - mean) / scale
    return inputs
