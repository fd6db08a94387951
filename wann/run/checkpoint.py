"""A complete generation as arrays in a file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wann.evolution.evolution import Confirmed, EvolutionState, Told
from wann.evolution.ranking import scores_of
from wann.networks.genome import Genome, check_genome

FORMAT = 1

_ZIP_END = 22  # bytes of the record that ends a zip without a remark; the 11th and 12th count its files
_GENES = ("node_id", "activation", "mark", "source", "target", "enabled")


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
    columns = []
    for name in _GENES:
        counts = data[prefix + ("node_counts" if name in ("node_id", "activation") else "connection_counts")]
        columns.append(np.split(data[prefix + name], np.cumsum(counts)[:-1]))
    return tuple(
        check_genome(Genome(inputs, outputs, *(array.copy() for array in genes)))
        for genes in zip(*columns, strict=True)
    )


class NewerFormatError(Exception):
    """A whole file that only a newer version can read."""


def unpack(path: Path) -> Checkpoint:
    """Read a checkpoint's file.

    Raises:
        NewerFormatError: it has a newer format.
        Exception: nearly any other, where it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        broken = archive.testzip()  # np.load checks only what it happens to read to the end
        if broken:
            raise ValueError(f"{broken} is not what was written")
        listed = len(archive.infolist())
    with open(path, "rb") as file:
        file.seek(-_ZIP_END, os.SEEK_END)
        counted = int.from_bytes(file.read()[10:12], "little")
    if listed != counted:  # zipfile takes a changed directory's word for where it ends
        raise ValueError(f"its directory lists {listed} arrays, and not {counted}")
    with np.load(path, allow_pickle=False) as file:
        data = {name: file[name] for name in file.files}
    if int(data["format"]) > FORMAT:
        raise NewerFormatError(
            f"has format {int(data['format'])}, newer than {FORMAT}, the newest known here: update wann"
        )
    inputs, outputs, population = data["shape"].tolist()
    genomes = _unpack_genomes(data, inputs, outputs)
    champion = told = None
    if len(genomes) > population:
        champion = Confirmed(
            genomes[population],
            int(data["champion_generation"]),
            data["champion_weights"],
            data["champion_returns"],
        )
    if "told_valid" in data:
        told_genomes = _unpack_genomes(data, inputs, outputs, "told_")
        scores = scores_of(data["told_per_weight"], data["told_valid"], told_genomes)
        told = Told(told_genomes, scores)
    generation, next_node, next_mark, stale = data["counters"].tolist()
    evaluations, steps = data["spent"].tolist()
    return Checkpoint(
        EvolutionState(generation, genomes[:population], next_node, next_mark, champion, stale, told),
        Totals(evaluations, steps, float(data["seconds"])),
    )
