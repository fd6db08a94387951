"""The file formats of the paper's published champions, read and written.

Source: the reference implementation's `champions` files; layout in the docstrings below.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from wann.champion import Champion
from wann.kernels.activations import BY_CODE
from wann.networks.genome import MAX_NODES, Genome, check_genome
from wann.run.confirming import scored_champion
from wann.tasks.registry import get_task
from wann.utils.arrays import FloatArray
from wann.utils.files import atomic_path
from wann.utils.plain_text import plain
from wann.utils.reading import in_file, load_json, read_bytes, read_text

LINEAR = 1


def read_published(path: str | os.PathLike[str], inputs: int, outputs: int) -> Genome:
    """Genome from a published `.out` file.

    The file is a comma-separated matrix of N rows and N+1 columns: the adjacency (row = source, column =
    target, non-zero means connected), nodes in the order bias, inputs, hidden, outputs; then a column of
    activation codes. A connection given as `nan` was disabled by a split and is kept as disabled.

    Args:
        path: the file.
        inputs, outputs: their numbers in the task, which the file does not hold.

    Raises:
        ValueError: the file cannot be read or does not describe such a network, in one line.
    """
    path = Path(path)
    text = read_text(path)
    with in_file(path):
        return _genome_from_matrix(_matrix(text), inputs, outputs)


def _matrix(text: str) -> np.ndarray:
    """Matrix of comma-separated numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an empty file is refused by its shape
            return np.loadtxt(StringIO(text), delimiter=",", ndmin=2, max_rows=MAX_NODES)
    except ValueError as error:
        raise ValueError(f"is not a comma-separated matrix of numbers: {error}") from None


def _genome_from_matrix(matrix: np.ndarray, inputs: int, outputs: int) -> Genome:
    rows, columns = matrix.shape
    if columns != rows + 1:
        raise ValueError(f"must have N rows and N+1 columns, not {rows} and {columns}")
    fixed = 1 + inputs + outputs
    if rows < fixed:
        raise ValueError(f"has {rows} nodes, fewer than the task's {fixed} (bias, inputs, outputs)")
    codes, adjacency = matrix[:, -1], matrix[:, :-1]
    if np.isinf(adjacency).any():
        raise ValueError("holds an infinite weight")
    if not np.isin(codes, list(BY_CODE)).all():
        raise ValueError(f"has an unknown activation code {codes[~np.isin(codes, list(BY_CODE))][0]:g}")
    hidden = rows - fixed
    # Ours lists the outputs before the hidden nodes.
    node_of = np.concatenate(
        [np.arange(1 + inputs), np.arange(hidden) + fixed, np.arange(outputs) + 1 + inputs]
    )
    activation = np.empty(rows, np.int8)
    activation[node_of] = codes
    activation[: 1 + inputs] = LINEAR
    source, target = np.nonzero(np.isnan(adjacency) | (adjacency != 0.0))
    return check_genome(
        Genome(
            inputs=inputs,
            outputs=outputs,
            node_id=np.arange(rows, dtype=np.int32),
            activation=activation,
            mark=np.arange(source.size, dtype=np.int32),
            source=node_of[source].astype(np.int32),
            target=node_of[target].astype(np.int32),
            enabled=~np.isnan(adjacency[source, target]),
        )
    )


def read_published_weights(
    path: str | os.PathLike[str], genome: Genome, offset: float
) -> tuple[FloatArray, float]:
    """Individual weights of a published `.wann.json` file, and the score it states.

    The file is `[[w1, ..., wm], score]`: a number for each enabled connection, in the row-major order of
    the adjacency, which is the order of an imported genome's genes.

    Args:
        path: the file.
        genome: from `read_published`.
        offset: the task's constant that the numbers are offsets to.

    Returns:
        (C,) weights of the enabled connections in the genome's order, and the stated score.

    Raises:
        ValueError: the file cannot be read or does not fit the genome, in one line.
    """
    path = Path(path)
    content = read_bytes(path)
    with in_file(path):
        data = load_json(content)
        numbers = data[0] if isinstance(data, list) and len(data) == 2 else None
        if not isinstance(numbers, list) or not all(_is_number(value) for value in [*numbers, data[1]]):
            raise ValueError("must hold [[weights], score], all of them finite numbers")
        if len(numbers) != genome.connection_count:
            raise ValueError(
                f"has {len(numbers)} weights, but the network has {genome.connection_count} connections"
            )
    return np.array(numbers, np.float64) + offset, float(data[1])


def write_published(genome: Genome, path: str | os.PathLike[str]) -> None:
    """Write a genome as a published `.out` file: 1 for enabled connections, `nan` for disabled ones.

    Nodes are ordered as their layers in the genome; reading the file gives the same network.

    Raises:
        OSError: the file cannot be written.
    """
    layer = genome.layers()
    layer[genome.first_output : genome.first_hidden] = layer.max() + 1
    order = np.argsort(layer, kind="stable")
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    matrix = np.zeros((order.size, order.size + 1))
    matrix[place[genome.source_positions()], place[genome.target_positions()]] = np.where(
        genome.enabled, 1.0, np.nan
    )
    matrix[:, -1] = genome.activation[order]
    with atomic_path(path) as temporary:
        np.savetxt(temporary, matrix, delimiter=",", fmt="%g")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def import_champion(
    path: str | os.PathLike[str],
    task_name: str,
    tuned: str | os.PathLike[str] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
) -> Champion:
    """Champion from a published `.out` file, scored at the paper's weights on fresh episodes.

    Args:
        path: the `.out` file.
        task_name: the task it is for.
        tuned: its individual weights, a `.wann.json` file.
        env_kwargs: arguments of the environment.

    Raises:
        ValueError: a file cannot be read or does not fit the task, or the task has no published weights.
        RuntimeError: the environment fails.
    """
    task = get_task(task_name, env_kwargs)
    genome = read_published(path, len(task.inputs), len(task.outputs))
    weights = None
    if tuned is not None:
        if task.published_weight is None:
            raise ValueError(f"no tuned weights were published for task {task_name!r}: leave --tuned out")
        weights, _ = read_published_weights(tuned, genome, task.published_weight)
    return scored_champion(task, genome, weights, {"imported_from": plain(Path(path).name)})
