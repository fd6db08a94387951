"""The heritable description of a network: node and connection genes, no weight anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, Strict

from wann.kernels import graph
from wann.kernels.activations import BY_CODE, BY_NAME
from wann.utils.arrays import BoolArray, Int32Array
from wann.utils.nearest import nearest
from wann.utils.reading import Schema, checked, shown

CodeArray = NDArray[np.int8]

BIAS = 0
"""Id and position of the bias node, which is always 1."""

MAX_NODES = 50_000
MAX_CONNECTIONS = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Genome:
    """Node and connection genes. N nodes, C connections; all arrays are read-only.

    Nodes lie in the order bias, inputs, outputs, hidden, with ascending ids; the ids of the first three
    kinds equal their positions. A disabled connection stays in the genome, unexpressed. The graph of
    *all* connections, disabled ones included, has no cycle, so enabling one is always safe.
    """

    inputs: int  # number of input nodes, the bias not counted
    outputs: int  # number of output nodes
    node_id: Int32Array  # (N,) strictly ascending
    activation: CodeArray  # (N,) activation codes; linear for bias and inputs
    mark: Int32Array  # (C,) innovation number, strictly ascending
    source: Int32Array  # (C,) node id
    target: Int32Array  # (C,) node id
    enabled: BoolArray  # (C,)

    def __post_init__(self) -> None:
        for array in self.arrays():
            array.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Genome):
            return NotImplemented
        same_kind = (self.inputs, self.outputs) == (other.inputs, other.outputs)
        pairs = zip(self.arrays(), other.arrays(), strict=True)
        return same_kind and all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    def arrays(self) -> tuple[np.ndarray, ...]:
        """The six arrays, in the order of the fields."""
        return self.node_id, self.activation, self.mark, self.source, self.target, self.enabled

    @property
    def first_output(self) -> int:
        """Position of the first output node."""
        return 1 + self.inputs

    @property
    def first_hidden(self) -> int:
        """Position of the first hidden node."""
        return 1 + self.inputs + self.outputs

    @property
    def hidden_count(self) -> int:
        """Number of hidden nodes."""
        return self.node_id.size - self.first_hidden

    @property
    def connection_count(self) -> int:
        """Number of enabled connections, the complexity of the paper's ranking."""
        return int(np.count_nonzero(self.enabled))

    def source_positions(self) -> Int32Array:
        """Positions of the connections' sources among the nodes, (C,) int32."""
        positions: Int32Array = graph.positions_of(self.node_id, self.source)
        return positions

    def target_positions(self) -> Int32Array:
        """Positions of the connections' targets among the nodes, (C,) int32."""
        positions: Int32Array = graph.positions_of(self.node_id, self.target)
        return positions

    def layers(self) -> Int32Array:
        """Layer of each node, (N,) int32: 0 for bias and inputs, then the longest path; outputs come last."""
        layers: Int32Array = graph.layers(
            self.node_id.size,
            self.source_positions(),
            self.target_positions(),
            self.first_output,
            self.first_hidden,
        )
        return layers

    @property
    def depth(self) -> int:
        """Connections on the longest path that ends in an output, disabled ones left out."""
        on = self.enabled
        depths: Int32Array = graph.depths(
            self.node_id.size, self.source_positions()[on], self.target_positions()[on]
        )
        return int(depths[self.first_output : self.first_hidden].max())

    def evolve(self, **changes: np.ndarray) -> Genome:
        """The same genome with some arrays replaced; the others are shared."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return Genome(self.inputs, self.outputs, **(arrays | changes))


_ARRAYS = ("node_id", "activation", "mark", "source", "target", "enabled")


def minimal_genome(
    inputs: int, outputs: int, output_activation: int, probability: float, *, rng: np.random.Generator
) -> Genome:
    """Network without hidden nodes: each bias- or input-to-output connection enabled by chance.

    Args:
        inputs, outputs: numbers of nodes, at least 1.
        output_activation: code of the output nodes' function.
        probability: chance of each connection to be enabled.

    Source: Gaier and Ha (2019), section 3.1, step 1.
    """
    nodes = 1 + inputs + outputs
    activation = np.full(nodes, BY_NAME["linear"].code, np.int8)
    activation[1 + inputs :] = output_activation
    source, target = np.meshgrid(np.arange(1 + inputs), np.arange(1 + inputs, nodes), indexing="ij")
    return Genome(
        inputs=inputs,
        outputs=outputs,
        node_id=np.arange(nodes, dtype=np.int32),
        activation=activation,
        mark=np.arange(source.size, dtype=np.int32),
        source=source.ravel().astype(np.int32),
        target=target.ravel().astype(np.int32),
        enabled=rng.random(source.size) < probability,
    )


def renumbered(genome: Genome) -> Genome:
    """The same network with node ids and innovation numbers from 0 on, without gaps, in the same order."""
    return genome.evolve(
        node_id=np.arange(genome.node_id.size, dtype=np.int32),
        mark=np.arange(genome.mark.size, dtype=np.int32),
        source=genome.source_positions(),
        target=genome.target_positions(),
    )


def one_output(genome: Genome, output: int) -> Genome:
    """The genome with one output alone; the nodes that feed it compute the same bits as before.

    Args:
        genome: the genome.
        output: position among the outputs.

    Returns:
        A genome with one output. Connections keep their innovation numbers; ids of hidden nodes move down.
    """
    kept = genome.first_output + output
    others = np.setdiff1d(np.arange(genome.first_output, genome.first_hidden), kept)
    nodes, connections = ~np.isin(genome.node_id, others), ~np.isin(genome.target, others)

    def moved(ids: Int32Array) -> Int32Array:
        fewer = np.where(ids >= genome.first_hidden, genome.outputs - 1, np.where(ids == kept, output, 0))
        return (ids - fewer).astype(np.int32)

    return Genome(
        inputs=genome.inputs,
        outputs=1,
        node_id=moved(genome.node_id[nodes]),
        activation=genome.activation[nodes],
        mark=genome.mark[connections],
        source=moved(genome.source[connections]),
        target=moved(genome.target[connections]),
        enabled=genome.enabled[connections],
    )


def check_genome(genome: Genome) -> Genome:
    """Return the genome when every invariant holds.

    Raises:
        ValueError: naming the first invariant that does not hold.
    """
    nodes, connections = genome.node_id.size, genome.mark.size
    if genome.inputs < 1 or genome.outputs < 1:
        raise ValueError(f"needs inputs and outputs, has {genome.inputs} and {genome.outputs}")
    if nodes < genome.first_hidden:
        raise ValueError(f"declares {genome.first_hidden} fixed nodes but lists {nodes}")
    if genome.node_id[0] != 0 or not np.all(np.diff(genome.node_id) > 0):
        raise ValueError("node ids must ascend from 0")
    if genome.node_id[genome.first_hidden - 1] != genome.first_hidden - 1:
        raise ValueError(f"bias, inputs and outputs must have the ids 0 to {genome.first_hidden - 1}")
    if genome.activation.size != nodes or not np.isin(genome.activation, list(BY_CODE)).all():
        raise ValueError("has an unknown activation")
    if {genome.source.size, genome.target.size, genome.enabled.size} != {connections}:
        raise ValueError("lists connections of different lengths")
    if connections and (genome.mark[0] < 0 or not np.all(np.diff(genome.mark) > 0)):
        raise ValueError("innovation numbers must ascend from at least 0")
    source, target = genome.source_positions(), genome.target_positions()
    for name, positions, ids in (("from", source, genome.source), ("to", target, genome.target)):
        if np.any(positions < 0):
            stray = int(ids[positions < 0][0])
            raise ValueError(f"has a connection {name} node {stray}, which is not there")
    if np.any((source >= genome.first_output) & (source < genome.first_hidden)):
        raise ValueError("has a connection out of an output")
    if np.any(target < genome.first_output):
        raise ValueError("has a connection into an input or the bias")
    if np.unique(source.astype(np.int64) * nodes + target).size != connections:
        raise ValueError("has the same connection twice")
    if np.any(graph.depths(nodes, source, target) < 0):
        raise ValueError("has a cycle")
    return genome


def genome_to_dict(genome: Genome) -> dict[str, Any]:
    """The genome as plain lists and words, for a JSON file."""
    names = [BY_CODE[int(code)].name for code in genome.activation]
    connections = zip(genome.mark, genome.source, genome.target, genome.enabled, strict=True)
    return {
        "inputs": genome.inputs,
        "outputs": genome.outputs,
        "nodes": [[int(node), name] for node, name in zip(genome.node_id, names, strict=True)],
        "connections": [[int(m), int(s), int(t), bool(e)] for m, s, t, e in connections],
    }


def genome_from_dict(data: Any, place: str = "") -> Genome:
    """Genome from the form of `genome_to_dict`, checked.

    Args:
        data: the table.
        place: where in its file it is, for messages.

    Raises:
        ValueError: something is missing, of the wrong kind, too large, or breaks an invariant.
    """
    table = checked(_GenomeTable, data, place)
    nodes, activations = zip(*table.nodes, strict=True) if table.nodes else ((), ())
    marks, sources, targets, enabled = zip(*table.connections, strict=True) if table.connections else [()] * 4
    return check_genome(
        Genome(
            inputs=table.inputs,
            outputs=table.outputs,
            node_id=np.array(nodes, np.int32),
            activation=np.array([BY_NAME[name].code for name in activations], np.int8),
            mark=np.array(marks, np.int32),
            source=np.array(sources, np.int32),
            target=np.array(targets, np.int32),
            enabled=np.array(enabled, np.bool_),
        )
    )


def _known(name: str) -> str:
    if name not in BY_NAME:
        raise ValueError(f"unknown activation {shown(name)}; {nearest(name, BY_NAME)}")
    return name


_Size = Annotated[int, Field(ge=0, le=MAX_NODES)]
_Number = Annotated[int, Field(ge=0, lt=2**31 - 1)]
_Row = Strict(False)  # a list, where pydantic would insist on a tuple; its entries are not converted


class _GenomeTable(Schema):
    """What a genome must be in a file."""

    inputs: _Size
    outputs: _Size
    nodes: Annotated[
        list[Annotated[tuple[_Number, Annotated[str, AfterValidator(_known)]], _Row]],
        Field(max_length=MAX_NODES, fail_fast=True),
    ]
    connections: Annotated[
        list[Annotated[tuple[_Number, _Number, _Number, bool], _Row]],
        Field(max_length=MAX_CONNECTIONS, fail_fast=True),
    ]
