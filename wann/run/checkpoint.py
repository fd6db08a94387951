"""A complete generation as arrays in a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wann.evolution.evolution import Confirmed, EvolutionState, Told
from wann.evolution.ranking import scores_of
from wann.networks.genome import Genome, check_genome
from wann.utils.reading import load_arrays, take

FORMAT = 1

_GENES = {
    "node_id": np.int32,
    "activation": np.int8,
    "mark": np.int32,
    "source": np.int32,
    "target": np.int32,
    "enabled": np.bool_,
}
"""Arrays of a genome, as a file has them."""

_LARGEST_NUMBER = 2**31 - 2**24  # of nodes and innovations, which leaves room for generations to come


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run has spent so far."""

    evaluations: int = 0  # networks
    steps: int = 0  # environment steps
    seconds: float = 0.0  # computing time, resumed parts added up


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A complete generation, ready to go on from."""

    state: EvolutionState
    totals: Totals


def pack(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """Arrays of a checkpoint by name, for a file without pickles."""
    state, totals = checkpoint.state, checkpoint.totals
    genomes = list(state.population)
    if state.champion:
        genomes.append(state.champion.genome)
    packed = _pack_genomes(genomes) | {
        "format": np.array(FORMAT),
        "counters": np.array([state.generation, state.next_node, state.next_mark, state.stale], np.int64),
        "shape": np.array([genomes[0].inputs, genomes[0].outputs, len(state.population)], np.int64),
        "spent": np.array([totals.evaluations, totals.steps], np.int64),
        "seconds": np.array(totals.seconds),
    }
    if state.champion:
        packed |= {
            "champion_generation": np.array(state.champion.generation),
            "champion_weights": state.champion.weights,
            "champion_returns": state.champion.returns,
        }
    if state.told and state.told.genomes:
        packed |= _pack_genomes(state.told.genomes, "told_")
        packed |= {"told_valid": state.told.scores.valid, "told_per_weight": state.told.scores.per_weight}
    return packed


def _pack_genomes(genomes: Sequence[Genome], prefix: str = "") -> dict[str, np.ndarray]:
    """Arrays of genomes laid end to end."""
    packed = {prefix + name: np.concatenate([getattr(g, name) for g in genomes]) for name in _GENES}
    return packed | {
        f"{prefix}node_counts": np.array([g.node_id.size for g in genomes], np.int64),
        f"{prefix}connection_counts": np.array([g.mark.size for g in genomes], np.int64),
    }


def _unpack_genomes(
    data: Mapping[str, np.ndarray], inputs: int, outputs: int, prefix: str = ""
) -> tuple[Genome, ...]:
    counts = {kind: take(data, f"{prefix}{kind}_counts", "iu", (None,)) for kind in ("node", "connection")}
    columns = []
    for name, dtype in _GENES.items():
        array = take(data, prefix + name, np.dtype(dtype).kind, (None,))
        each = counts["node" if name in ("node_id", "activation") else "connection"]
        if array.dtype != dtype or min(each.tolist(), default=0) < 0 or sum(each.tolist()) != array.size:
            raise ValueError(f"array {prefix + name!r} does not fit the numbers of genes")
        columns.append(np.split(array, np.cumsum(each)[:-1]))
    return tuple(
        check_genome(Genome(inputs, outputs, *(array.copy() for array in genes)))
        for genes in zip(*columns, strict=True)
    )


class NewerFormatError(Exception):
    """A whole file that only a newer version can read."""


def unpack(content: bytes) -> Checkpoint:
    """Read the content of a checkpoint's file.

    Raises:
        NewerFormatError: it has a newer format.
        ValueError: it is damaged.
    """
    data = load_arrays(content)
    form = int(take(data, "format", "iu", ()))
    if form > FORMAT:
        raise NewerFormatError(f"has format {form}, newer than {FORMAT}, the newest known here: update wann")
    inputs, outputs, population = take(data, "shape", "iu", (3,)).tolist()
    genomes = _unpack_genomes(data, inputs, outputs)
    generation, next_node, next_mark, stale = take(data, "counters", "iu", (4,)).tolist()
    evaluations, steps = take(data, "spent", "iu", (2,)).tolist()
    seconds = float(take(data, "seconds", "f", ()))
    champion = _unpack_champion(data, genomes[population:]) if "champion_generation" in data else None
    told = None
    if "told_valid" in data:
        told_genomes = _unpack_genomes(data, inputs, outputs, "told_")
        valid = take(data, "told_valid", "b", (len(told_genomes),))
        per_weight = take(data, "told_per_weight", "f", (len(told_genomes), None))
        if not per_weight.size:
            raise ValueError("array 'told_per_weight' holds no return")
        told = Told(told_genomes, scores_of(per_weight, valid, told_genomes))
    if not 1 <= population == len(genomes) - bool(champion):
        raise ValueError(f"holds {len(genomes)} networks for a population of {population}")
    used = [
        max(int(getattr(genome, name).max(initial=-1)) for genome in genomes) for name in ("node_id", "mark")
    ]
    if not (used[0] < next_node <= _LARGEST_NUMBER and used[1] < next_mark <= _LARGEST_NUMBER):
        raise ValueError("its next numbers of nodes and connections are taken, or too large")
    if not 0 <= stale <= generation or min(evaluations, steps) < 0 or not 0.0 <= seconds < math.inf:
        raise ValueError("counts generations, evaluations, steps or seconds that cannot be")
    if champion and champion.generation > generation:
        raise ValueError(f"has a champion of generation {champion.generation}, at generation {generation}")
    return Checkpoint(
        EvolutionState(generation, genomes[:population], next_node, next_mark, champion, stale, told),
        Totals(evaluations, steps, seconds),
    )


def _unpack_champion(data: Mapping[str, np.ndarray], genomes: Sequence[Genome]) -> Confirmed:
    generation = int(take(data, "champion_generation", "iu", ()))
    weights = take(data, "champion_weights", "f", (None,))
    returns = take(data, "champion_returns", "f", (weights.size, None))
    if len(genomes) != 1 or not returns.size or generation < 0:
        raise ValueError("has no whole champion")
    if not (np.isfinite(weights).all() and np.isfinite(returns).all()):
        raise ValueError("has a champion whose weights or returns are not finite")
    return Confirmed(genomes[0], generation, weights, returns)
