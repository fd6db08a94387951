"""Champions: a network with its genome, its task and its scores, kept as a text file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from wann.kernels.activations import BY_CODE
from wann.networks.genome import Genome, genome_from_dict, genome_to_dict
from wann.networks.network import Network, compile_genome, evaluate_network
from wann.tasks.columns import Columns, columns_from_dict
from wann.tasks.prediction import Prediction, predict
from wann.utils.arrays import FloatArray
from wann.utils.files import atomic_path
from wann.utils.json_text import dump_json, need, numbers, parse_json, read_text, strings

if TYPE_CHECKING:
    from wann.tasks.task import Task

FORMAT = "wann-champion"
ESTIMATOR = "wann-estimator"
"""Format of the file of a fitted estimator, which holds a champion."""
VERSION = 1
_HEAD = 200  # characters of a file in which its format stands

Weight = float | Literal["tuned"]


@dataclass(frozen=True)
class Scores:
    """Returns of a network at W shared weights, over the same episodes for each."""

    weights: FloatArray  # (W,) shared weights
    mean: FloatArray  # (W,) mean return over the episodes
    std: FloatArray  # (W,) standard deviation over the episodes
    episode_seeds: tuple[int, ...]  # the same for every weight

    @property
    def overall(self) -> float:
        """Mean over the weights of the mean over the episodes."""
        return float(self.mean.mean())

    @property
    def best(self) -> tuple[float, float]:
        """The best single weight and its mean return."""
        index = int(np.argmax(self.mean))
        return float(self.weights[index]), float(self.mean[index])

    @classmethod
    def from_returns(cls, weights: FloatArray, returns: FloatArray, seeds: Sequence[int]) -> Scores:
        """Scores of (W, E) returns."""
        return cls(np.array(weights), returns.mean(axis=1), returns.std(axis=1), tuple(seeds))


@dataclass(frozen=True)
class Champion:
    """A network that stands alone: everything that evaluating, replaying and drawing it needs."""

    task: str  # name of the task
    inputs: tuple[str, ...]  # names of the observation's entries
    outputs: tuple[str, ...]  # names of the action's entries
    genome: Genome
    scores: Scores  # on the fresh episodes that confirmed it
    tuned: FloatArray | None = None  # individual weights of the enabled connections, in the genome's order
    origin: Mapping[str, Any] = field(default_factory=dict)  # run and generation, as plain words and numbers
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)  # arguments of the environment
    tuning: Mapping[str, Any] = field(default_factory=dict)  # how the weights were tuned, and their scores
    importance: FloatArray | None = None  # return lost without each enabled connection, in the genome's order
    fresh_env: bool = False  # whether every episode needs an instance of the environment of its own
    columns: Columns | None = None  # what was done to the columns of a user's own table

    @cached_property
    def network(self) -> Network:
        """The compiled network."""
        return compile_genome(self.genome)

    @cached_property
    def tuned_sources(self) -> FloatArray | None:
        """Tuned weights in the order of the network's sources, (C,)."""
        if self.tuned is None:
            return None
        by_mark = dict(zip(self.genome.mark[self.genome.enabled].tolist(), self.tuned, strict=True))
        return np.array([by_mark[mark] for mark in self.network.mark.tolist()], np.float64)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the champion's JSON, as hexadecimal digits."""
        return sha256(champion_to_json(self).encode()).hexdigest()

    @property
    def best_weight(self) -> float:
        """The shared weight with the best confirmed mean return."""
        return self.scores.best[0]

    def get_task(self) -> Task:
        """The task it was found on.

        Raises:
            ValueError: the task is not known, or its inputs and outputs are not this network's.
        """
        from wann.tasks.registry import (
            get_task,
        )  # brings the engine, which reading and drawing a champion do without

        task = get_task(self.task, self.env_kwargs, fresh_env=self.fresh_env)
        wanted, found = (len(task.inputs), len(task.outputs)), (len(self.inputs), len(self.outputs))
        if wanted != found:
            raise ValueError(
                f"the champion has {found[0]} inputs and {found[1]} outputs, "
                f"but task {self.task!r} has {wanted[0]} and {wanted[1]}"
            )
        return task

    @cached_property
    def _own_task(self) -> Task:
        return self.get_task()

    def values(self, inputs: FloatArray, weight: Weight | None = None) -> FloatArray:
        """Value of every row of the network, bias and inputs first.

        Args:
            inputs: (I,) the network's inputs.
            weight: shared weight of all connections, or "tuned" for the individual ones; by default the best
                shared weight.

        Raises:
            ValueError: the inputs have another shape, the weight is not finite, or there are no tuned
                weights.
        """
        inputs = np.asarray(inputs, np.float64)
        if inputs.shape != (len(self.inputs),):
            raise ValueError(f"inputs must have the shape ({len(self.inputs)},), not {inputs.shape}")
        values: FloatArray = evaluate_network(self.network, inputs[None], self.weights(weight))[0]
        return values

    def weights(self, weight: Weight | None = None) -> FloatArray:
        """Weights of one lane, as `wann.networks.network.evaluate_network` takes them.

        Args:
            weight: shared weight of all connections, or "tuned" for the individual ones; by default the best
                shared weight.

        Returns:
            (1,) the shared weight, or (1, C) the individual ones in the order of the network's sources.

        Raises:
            ValueError: the weight is not finite, or there are no tuned weights.
        """
        if weight == "tuned":
            if self.tuned_sources is None:
                raise ValueError("the champion has no tuned weights; give a shared weight instead")
            return self.tuned_sources[None]
        weights = np.array([self.best_weight if weight is None else float(weight)])
        if not np.isfinite(weights).all():
            raise ValueError(f"weight must be a finite number, not {weight}")
        return weights

    def act(self, observation: Any, weight: Weight | None = None) -> Any:
        """Action of the environment for one of its observations.

        Args:
            observation: an observation of the environment.
            weight: shared weight of all connections, or "tuned" for the individual ones; by default the best
                shared weight.

        Raises:
            ValueError: the observation does not fit, or as `values`.
        """
        task = self._own_task
        return task.action(self.values(task.observe(observation), weight)[self.network.outputs])

    def predict(self, rows: Any, weight: Weight | Sequence[float] | None = None) -> Prediction:
        """Answers for rows of a table such as the one that the champion was found on.

        Args:
            rows: a data frame, a mapping of columns or a list of mappings; or an array (N, C) of the columns
                in the order of `champion.columns.names`, images (N, height, width) included.
            weight: as `values`; or several shared weights, whose outputs are averaged: as probabilities of
                classes, or as numbers.

        Returns:
            The classes and their probabilities, or the numbers.

        Raises:
            ValueError: a column is missing or holds something else, the champion is not of a table, its table
                is needed and not there, or as `values`.
        """
        columns = self.table_columns
        several = np.ndim(weight) == 1  # type: ignore[arg-type]  # of a word or None it is 0
        lanes = [self.weights(each) for each in weight] if several else [self.weights(weight)]  # type: ignore[union-attr, arg-type]
        if not lanes:
            raise ValueError("there must be at least one weight")
        return predict(self.network, columns, self.outputs, columns.codes_of(rows), lanes)

    @property
    def table_columns(self) -> Columns:
        """What is done to the columns of its table.

        Raises:
            ValueError: it is not of a table; or it was written before champions kept this, and the table is
                not there.
        """
        from wann.tasks.tables import is_table

        columns = self.columns or (self.get_task().columns if is_table(self.task) else None)
        if columns is None:
            raise ValueError(f"{self.task} is no table of your own: only champions of one predict new rows")
        return columns


def champion_to_json(champion: Champion) -> str:
    """The champion as readable text, a gene a line."""
    return dump_json(champion_to_dict(champion)) + "\n"


def champion_to_dict(champion: Champion) -> dict[str, Any]:
    """The champion as plain lists, words and numbers."""
    scores = champion.scores
    return {
        "format": FORMAT,
        "version": VERSION,
        "task": champion.task,
        "env_kwargs": dict(champion.env_kwargs),
        "fresh_env": champion.fresh_env,
        "inputs": list(champion.inputs),
        "outputs": list(champion.outputs),
        "origin": dict(champion.origin),
        "scores": {
            "weights": scores.weights.tolist(),
            "mean": scores.mean.tolist(),
            "std": scores.std.tolist(),
            "episode_seeds": list(scores.episode_seeds),
        },
        "tuned": None if champion.tuned is None else champion.tuned.tolist(),
        "tuning": dict(champion.tuning),
        "importance": None if champion.importance is None else champion.importance.tolist(),
        **({} if champion.columns is None else {"columns": champion.columns.to_dict()}),
        "genome": genome_to_dict(champion.genome),
    }


def save_champion(champion: Champion, path: str | os.PathLike[str]) -> None:
    """Write a champion file, aside and then renamed.

    Raises:
        OSError: the file cannot be written; nothing is left behind.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(champion_to_json(champion), encoding="utf-8")


def load_champion(path: str | os.PathLike[str]) -> Champion:
    """Champion from its file, from the run folder or from the file of an estimator that holds it.

    Loading can run no code.

    Raises:
        ValueError: there is no such file, or it is not a whole and valid champion; in one line.
    """
    path = Path(path)
    if path.is_dir():
        folder, path = path, path / "champion.json"
        if not path.exists():
            whole = any((folder / name).exists() for name in ("config.toml", "race.json"))
            what = "has no champion yet" if whole else "is not a run folder"
            raise ValueError(f"{folder} {what}: it holds no champion.json")
    text = read_text(path, "champion")
    try:
        if f'"format": "{ESTIMATOR}"' in text[:_HEAD]:
            table = need(parse_json(text, "an estimator", ESTIMATOR, VERSION), "champion", dict)
            text = json.dumps(table)
        return champion_from_json(text)
    except ValueError as error:
        raise ValueError(f"champion file {path}: {error}") from None


def champion_from_json(text: str) -> Champion:
    """Champion from the text of its file.

    Raises:
        ValueError: the text is not a whole and valid champion, in one line.
    """
    data = parse_json(text, "a champion", FORMAT, VERSION)
    genome = genome_from_dict(need(data, "genome", dict))
    names = {side: tuple(strings(data, side)) for side in ("inputs", "outputs")}
    if (len(names["inputs"]), len(names["outputs"])) != (genome.inputs, genome.outputs):
        raise ValueError(
            f"names {len(names['inputs'])} inputs and {len(names['outputs'])} outputs, "
            f"but its genome has {genome.inputs} and {genome.outputs}"
        )
    table = need(data, "scores", dict)
    weights, mean, std = (numbers(table, name) for name in ("weights", "mean", "std"))
    if len({weights.size, mean.size, std.size}) != 1 or not weights.size:
        raise ValueError("scores must list as many means and deviations as weights, and at least one")
    seeds = need(table, "episode_seeds", list)
    if not all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in seeds):
        raise ValueError("episode_seeds must be whole numbers, at least 0")
    fresh_env = data.get("fresh_env", False)  # champions written before have none
    if not isinstance(fresh_env, bool):
        raise ValueError(f"'fresh_env' must be true or false, not {fresh_env!r}")
    tuned = _per_connection(data, "tuned", "tuned weights", genome)
    importance = _per_connection(data, "importance", "importances", genome)
    return Champion(
        task=need(data, "task", str),
        inputs=names["inputs"],
        outputs=names["outputs"],
        genome=genome,
        scores=Scores(weights, mean, std, tuple(seeds)),
        tuned=tuned,
        origin=need(data, "origin", dict),
        env_kwargs=need({"env_kwargs": {}} | data, "env_kwargs", dict),
        tuning=need({"tuning": {}} | data, "tuning", dict),
        importance=importance,
        fresh_env=fresh_env,
        columns=_columns(data, names["inputs"]),
    )


def _columns(data: Mapping[str, Any], inputs: tuple[str, ...]) -> Columns | None:
    """Treatment of a table's columns, where the file has it."""
    if data.get("columns") is None:  # champions of tables written before have none
        return None
    columns = columns_from_dict(need(data, "columns", dict))
    if len(columns.terms) != len(inputs):
        raise ValueError(f"'columns' give {len(columns.terms)} inputs, but the network has {len(inputs)}")
    return columns


def _per_connection(data: Mapping[str, Any], name: str, what: str, genome: Genome) -> FloatArray | None:
    """Numbers of the enabled connections, where the file has them."""
    if data.get(name) is None:
        return None
    found = numbers(data, name)
    if found.size != genome.connection_count:
        raise ValueError(f"has {found.size} {what} for {genome.connection_count} enabled connections")
    return found


def node_names(champion: Champion) -> dict[int, str]:
    """Name of each node of a champion by its id; hidden nodes are named by activation and id."""
    genome = champion.genome
    fixed = ("bias", *champion.inputs, *champion.outputs)
    hidden = zip(
        genome.node_id[genome.first_hidden :].tolist(),
        genome.activation[genome.first_hidden :].tolist(),
        strict=True,
    )
    return dict(enumerate(fixed)) | {node: f"{BY_CODE[code].name} {node}" for node, code in hidden}
