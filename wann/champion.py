"""Champions: a network with its genome, its task and its scores, kept as a text file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from wann.kernels.activations import BY_CODE
from wann.networks.genome import Genome, genome_from_dict, genome_to_dict
from wann.networks.network import Network, compile_genome, evaluate_network
from wann.tasks.columns import Columns, columns_from_dict
from wann.tasks.prediction import Prediction, predict
from wann.utils.arrays import FloatArray
from wann.utils.files import atomic_path
from wann.utils.json_text import dump_json
from wann.utils.plain_text import plain
from wann.utils.reading import (
    Natural,
    Naturals,
    Numbers,
    Schema,
    Words,
    checked,
    in_file,
    load_json,
    of_form,
    read_text,
    shown,
)

if TYPE_CHECKING:
    from wann.tasks.task import Task

FORMAT = "wann-champion"
ESTIMATOR = "wann-estimator"
"""Format of the file of a fitted estimator, which holds a champion."""
VERSION = 1

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
            UntrustedError: it would import a module that the user has not named; see `wann.tasks.trust`.
            ValueError: the task is not known, or its inputs and outputs are not this network's.
        """
        # They bring the engine, which reading and drawing a champion do without.
        from wann.tasks.registry import get_task
        from wann.tasks.trust import refuse_untrusted

        refuse_untrusted(self.task, self.env_kwargs)
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
        """Answers for rows of a table: classes and their probabilities, or numbers.

        Args:
            rows: data frame, mapping of columns, list of mappings, or array (N, C) in the columns' order.
            weight: as `values`; or several shared weights, over which the answers are averaged.

        Raises:
            ValueError: a column is missing or wrong, or as `values` and `table_columns`.
        """
        columns = self.table_columns
        several = np.ndim(weight) == 1  # type: ignore[arg-type]  # of a word or None it is 0
        lanes = [self.weights(each) for each in weight] if several else [self.weights(weight)]  # type: ignore[union-attr, arg-type]
        if not lanes:
            raise ValueError("there must be at least one weight")
        return predict(self.network, columns, self.outputs, columns.codes_of(rows), lanes)

    @property
    def table_columns(self) -> Columns:
        """What is done to the columns of its table; ValueError where there is none, or an old one without."""
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


def load_champion(path: str | os.PathLike[str], *, trust: bool = False) -> Champion:
    """Champion from its file, its run folder or the file of an estimator. Loading can run no code.

    Args:
        path: the file or the folder.
        trust: whether using the champion may run what its file names: import the module of a task such as
            `module:Name-v0`, and hand its environment paths. Otherwise only what this process has imported or
            named is used.

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
    with in_file(path, "champion"):
        data = load_json(text, finite=True)
        if isinstance(data, dict) and data.get("format") == ESTIMATOR:
            data = of_form(data, "an estimator", ESTIMATOR, VERSION).get("champion")
        champion = champion_from_dict(data)
    if trust:
        from wann.tasks.trust import grant

        grant(champion.task, champion.env_kwargs)
    return champion


def champion_from_json(text: str) -> Champion:
    """Champion from the text of its file.

    Raises:
        ValueError: the text is not a whole and valid champion, in one line.
    """
    return champion_from_dict(load_json(text, finite=True))


def champion_from_dict(data: Any) -> Champion:
    """Champion from the form of `champion_to_dict`.

    Raises:
        ValueError: it is not a whole and valid champion, in one line.
    """
    table = checked(_ChampionTable, of_form(data, "a champion", FORMAT, VERSION))
    genome, scores = genome_from_dict(table.genome, "genome"), table.scores
    found, wanted = (len(table.inputs), len(table.outputs)), (genome.inputs, genome.outputs)
    if found != wanted:
        raise ValueError(
            f"names {found[0]} inputs and {found[1]} outputs, but its genome has {wanted[0]} and {wanted[1]}"
        )
    if len({len(scores.weights), len(scores.mean), len(scores.std)}) != 1 or not scores.weights:
        raise ValueError("'scores' must list as many means and deviations as weights, and at least one")
    # As they are in the file, so that the same bytes are written again.
    checked(_Origin, table.origin, "origin")
    checked(_Tuning, table.tuning, "tuning")
    return Champion(
        task=plain(table.task),
        inputs=tuple(map(plain, table.inputs)),
        outputs=tuple(map(plain, table.outputs)),
        genome=genome,
        scores=Scores(
            np.array(scores.weights, np.float64),
            np.array(scores.mean, np.float64),
            np.array(scores.std, np.float64),
            tuple(scores.episode_seeds),
        ),
        tuned=_per_connection(table.tuned, "tuned weights", genome),
        origin=table.origin,
        env_kwargs=table.env_kwargs,
        tuning=table.tuning,
        importance=_per_connection(table.importance, "importances", genome),
        fresh_env=table.fresh_env,
        columns=columns_from_dict(table.columns, len(table.inputs)),
    )


def _per_connection(found: list[float] | None, what: str, genome: Genome) -> FloatArray | None:
    """Numbers of the enabled connections, where the file has them."""
    if found is None:
        return None
    if len(found) != genome.connection_count:
        raise ValueError(f"has {len(found)} {what} for {genome.connection_count} enabled connections")
    return np.array(found, np.float64)


class _ScoresTable(Schema):
    weights: Numbers
    mean: Numbers
    std: Numbers
    episode_seeds: Naturals


class _ChampionTable(Schema):
    """What a champion must be in a file; what has a default is not in older ones."""

    task: str
    env_kwargs: dict[str, Any] = Field(default_factory=dict)
    fresh_env: bool = False
    inputs: Words
    outputs: Words
    origin: dict[str, Any]
    scores: _ScoresTable
    tuned: Numbers | None = None
    tuning: dict[str, Any] = Field(default_factory=dict)
    importance: Numbers | None = None
    columns: dict[str, Any] | None = None
    genome: dict[str, Any]


class _Origin(Schema):
    """What is read of where a champion comes from; where it is there, it is of this kind."""

    generation: Natural = 0
    offspring: Natural = 0
    note: str = ""


class _Mean(Schema):
    mean: float
    std: float = 0.0
    accuracy: float = 0.0


class _Row(Schema):
    """Results of a round or a generation of a race."""

    networks: Natural
    evaluations: Natural
    best: float | None
    median: float | None
    champion: float | None


class _GenerationRow(_Row):
    longer: _Row


class _Race(Schema):
    networks: Natural
    file: str
    generation: Natural = 0
    rounds: list[_Row]
    generations: list[_GenerationRow]


def _weight(value: Any) -> Any:
    if value != "tuned" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f'must be a number or "tuned", not {shown(value)}')
    return value


class _Tuning(Schema):
    """What is read of how weights were tuned; where it is there, it is of this kind."""

    method: str = ""
    budget: Natural = 0
    episodes: Natural = 0
    max_steps: Natural | None = None
    population: Natural = 0
    sigma: float = 0.0
    seed: Natural = 0
    freeze: Words = Field(default_factory=list)
    turn: Natural = 0
    evaluations: Natural = 0
    start_weight: Annotated[Any, AfterValidator(_weight)] = "tuned"
    chosen_by: float = 0.0
    scored_on: str = ""
    before: _Mean = _Mean(mean=0.0)
    after: _Mean = _Mean(mean=0.0)
    race: _Race = _Race(networks=0, file="", rounds=[], generations=[])


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
