"""The expressed network of a genome as a graph, and the columns of its nodes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import networkx as nx

from wann.kernels.activations import BY_CODE
from wann.networks.genome import BIAS, Genome
from wann.networks.network import compile_genome

LARGEST_COLUMN = 30
"""Hidden nodes that a column may always hold; large networks have larger ones, see `columns_of`."""


def genome_graph(genome: Genome, inputs: Sequence[str], outputs: Sequence[str]) -> nx.DiGraph:
    """Expressed network of a genome as a graph on its node ids, with the bias, all inputs and all outputs.

    A node has `kind` ("bias", "input", "hidden" or "output"), `label` (its name; empty if hidden),
    `activation` (its name) and `layer` (length of the longest path to it, at least 1 for a hidden node;
    outputs share the last one). An edge has `mark`, the connection's innovation number.

    Args:
        genome: the genome.
        inputs: names of the inputs, the bias not among them.
        outputs: names of the outputs.

    Raises:
        ValueError: there are not as many names as inputs or outputs.
    """
    for kind, names, count in (("input", inputs, genome.inputs), ("output", outputs, genome.outputs)):
        if len(names) != count:
            raise ValueError(f"the genome has {count} {kind}s, but {len(names)} {kind} names are given")
    network = compile_genome(genome)
    ids = [*range(genome.first_output), *network.node.tolist()]
    hidden = [node for node in ids if node >= genome.first_hidden]
    graph = nx.DiGraph()
    graph.add_node(BIAS, kind="bias", label="bias", layer=0)
    for node, label in enumerate(inputs, BIAS + 1):
        graph.add_node(node, kind="input", label=label, layer=0)
    for node, label in enumerate(outputs, genome.first_output):
        graph.add_node(node, kind="output", label=label)
    graph.add_nodes_from(hidden, kind="hidden", label="")
    for node, code in zip(genome.node_id.tolist(), genome.activation.tolist(), strict=True):
        if node in graph:
            graph.nodes[node]["activation"] = BY_CODE[code].name
    for k, node in enumerate(ids[genome.first_output :]):
        into = slice(network.first_source[k], network.first_source[k + 1])
        for row, mark in zip(network.sources[into].tolist(), network.mark[into].tolist(), strict=True):
            graph.add_edge(ids[row], node, mark=mark)
        layers = [graph.nodes[source]["layer"] for source in graph.predecessors(node)]
        graph.nodes[node]["layer"] = 1 + max(layers, default=0)
    last = 1 + max((graph.nodes[node]["layer"] for node in hidden), default=0)
    for node in range(genome.first_output, genome.first_hidden):
        graph.nodes[node]["layer"] = last
    return graph


def columns_of(graph: nx.DiGraph) -> list[int]:
    """Column of each node: its layer; hidden nodes move to later columns if one is too large for a page.

    A column takes the nodes with the longest path ahead, of those whose sources all lie in earlier columns.

    Source: Coffman and Graham (1972), Optimal scheduling for two-processor systems.
    """
    layers = dict(graph.nodes(data="layer"))
    hidden = sorted(of_kind(graph, "hidden"), key=layers.__getitem__)
    most = max(LARGEST_COLUMN, math.ceil(math.sqrt(3.0 * len(hidden))))
    if max(Counter(layers[node] for node in hidden).values(), default=0) <= most:
        return list(layers.values())
    ahead: dict[Hashable, int] = {}
    for node in reversed(hidden):
        ahead[node] = 1 + max((ahead.get(target, 0) for target in graph.successors(node)), default=0)
    waiting = {node: sum(source in ahead for source in graph.predecessors(node)) for node in hidden}
    ready = [node for node in hidden if not waiting[node]]
    column = 0
    while ready:
        column += 1
        ready.sort(key=lambda node: -ahead[node])
        chosen, ready = ready[:most], ready[most:]
        for node in chosen:
            layers[node] = column
            for target in graph.successors(node):
                if target in waiting:
                    waiting[target] -= 1
                    if not waiting[target]:
                        ready.append(target)
    for node in of_kind(graph, "output"):
        layers[node] = column + 1
    return list(layers.values())


def of_kind(graph: nx.DiGraph, *kinds: str) -> list[Hashable]:
    """Nodes of some kinds, in the graph's order."""
    return [node for node, kind in graph.nodes(data="kind") if kind in kinds]
