"""The export as plain JSON: a list of nodes that any language can walk; its reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wann.formats.export_plan import ExportPlan
from wann.kernels.activations import BY_NAME
from wann.networks.network import Network, evaluate_network
from wann.utils.arrays import FloatArray
from wann.utils.json_text import dump_json
from wann.utils.reading import parse_json

FORMAT = "wann-network"
VERSION = 1

_READING = (
    "Values: value 0 is the bias, which is 1; then come the inputs; then a value for each entry of 'nodes', "
    "in their order. An entry is [activation, sources] or, where 'weight' is null, [activation, sources, "
    "weights]. Shared weight: add up the values at the sources in ascending order, multiply the sum by "
    "'weight' (or any other), apply the activation. Weights of their own: add up value times weight. "
    "The outputs are the values at 'output_values'."
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
        "version": VERSION,
        "about": plan.header,
        "reading": _READING,
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
    own = np.array([weight] if weight is not None else [[w for node in nodes for w in node[2]]], np.float64)
    lanes = np.repeat(own, len(observations), axis=0)
    return evaluate_network(network, observations, lanes)[:, network.outputs]
