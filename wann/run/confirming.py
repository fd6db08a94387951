"""Networks of a run as champions, confirmed on fresh episodes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wann.champion import Champion, Scores, load_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.evolution.evolution import Confirmed
from wann.evolution.shared_weights import (
    Occasion,
    confirming_weights,
    noisy_weights,
)
from wann.networks.genome import Genome
from wann.networks.network import Network, compile_genome, phenotype
from wann.rollouts.result import Rollouts
from wann.run.folder import RunFolder, task_of
from wann.run.front import load_front
from wann.settings import PAPER_WEIGHTS, Settings
from wann.tasks.registry import is_data_set
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray
from wann.utils.callbacks import ProgressCallback
from wann.utils.seeding import Purpose, episode_seeds


def scored_champion(
    task: Task, genome: Genome, tuned: FloatArray | None, origin: Mapping[str, Any]
) -> Champion:
    """Champion of an imported genome, scored at the paper's weights on 20 fresh episodes.

    For a data set, it is scored on the validation part.

    Args:
        task: the task it is for.
        genome: with the task's inputs and outputs.
        tuned: (C,) individual weights of its enabled connections, where there are any.
        origin: where it comes from.

    Raises:
        RuntimeError: the environment fails.
    """
    shared = np.array(PAPER_WEIGHTS)
    count = 1 if is_data_set(task.name) else 20  # one batch is the whole part
    seeds = episode_seeds(0, Purpose.CONFIRMATION, count, 0)
    with LocalEvaluator(task, task.episode_steps) as evaluator:
        rollouts = evaluator.evaluate([compile_genome(genome)], shared, seeds, confirming=True).checked()
    return Champion(
        task=task.name,
        inputs=task.inputs,
        outputs=task.outputs,
        genome=genome,
        scores=Scores.from_returns(shared, rollouts.returns[0], seeds),
        tuned=tuned,
        origin=origin,
        env_kwargs=task.env_kwargs,
        fresh_env=task.fresh_env,
        columns=task.columns,
    )


def pick(
    path: str | os.PathLike[str],
    which: int | str,
    *,
    placement: Placement = DEFAULT_PLACEMENT,
    progress: ProgressCallback | None = None,
    note: Note | None = None,
) -> Champion:
    """A member of a run's Pareto front as a champion, confirmed on fresh episodes like the run's own ones.

    Args:
        path: the run folder.
        which: as `wann.run.front.Front.position`.
        placement: where it is computed; results are the same anywhere.
        note: told in a line what a user should know.
        progress: called with the episodes done and to be done.

    Raises:
        ValueError: the folder is not a run, has no front, or its front has no such member.
        RuntimeError: the environment fails.
    """
    settings, front = RunFolder.open(path).settings, load_front(path)
    genome, generation = front.members[front.position(which)].genome, front.generation
    champions, rollouts = _confirm(settings, [genome], generation, placement, progress, note)
    rollouts.checked("the network could not be evaluated")
    return champions[0]


def last_networks(
    path: str | os.PathLike[str],
    *,
    most: int | None = None,
    placement: Placement = DEFAULT_PLACEMENT,
    progress: ProgressCallback | None = None,
    note: Note | None = None,
) -> list[Champion]:
    """The last networks of a run, each as a champion that is confirmed on fresh episodes.

    First its champion, then those that it would evaluate next: the elites, best first, and their children.
    Each phenotype occurs once. Networks that failed, and coming ones without a connection to an output, are
    left out.

    Args:
        path: the run folder.
        most: largest number of networks, the champion included.
        placement: where it is computed; results are the same anywhere.
        note: told in a line what a user should know.
        progress: as `pick`.

    Raises:
        ValueError: the folder is no run, or has no champion yet.
    """
    folder = RunFolder.open(path)
    champion = load_champion(folder.path)
    checkpoint, damage = folder.load_checkpoint()
    if damage and note:
        note(damage)
    once = {phenotype(champion.genome): champion.genome}
    for genome in checkpoint.state.population if checkpoint else ():
        if compile_genome(genome).sources.size:
            once.setdefault(phenotype(genome), genome)
    genomes = [*once.values()][1:most]
    if not genomes or checkpoint is None:
        return [champion]
    generation = checkpoint.state.generation
    champions, rollouts = _confirm(folder.settings, genomes, generation, placement, progress, note)
    failed = {index for index, _ in rollouts.failures}
    return [champion, *(other for index, other in enumerate(champions) if index not in failed)]


def _confirm(
    settings: Settings,
    genomes: Sequence[Genome],
    generation: int,
    placement: Placement,
    progress: ProgressCallback | None,
    note: Note | None,
) -> tuple[list[Champion], Rollouts]:
    """Networks of a run as champions, confirmed on fresh episodes; and the rollouts."""
    task, networks = task_of(settings), [compile_genome(genome) for genome in genomes]
    sets = weights = confirming_weights(settings)
    seeds = _confirming_seeds(settings, generation)
    if settings.weight_noise:  # scatters those of every network in its own way
        sets = np.concatenate(
            [confirmation(settings, network, generation)[0] for network in networks], axis=1
        )
    total = len(networks) * len(weights) * len(seeds)

    def advance(share: float) -> None:
        if progress:
            progress(round(share * total), total)

    with open_evaluator(task, settings.max_steps, placement, total, note) as evaluator:
        rollouts = evaluator.evaluate(networks, sets, seeds, confirming=True, progress=advance)
    champions = [
        champion_of(settings, task, Confirmed(genome, generation, weights, returns))
        for genome, returns in zip(genomes, rollouts.returns, strict=True)
    ]
    return champions, rollouts


def confirmation(settings: Settings, network: Network, generation: int) -> tuple[FloatArray, tuple[int, ...]]:
    """Weights, with noise where the settings ask for it, and episode seeds that confirm a network."""
    weights = noisy_weights(
        settings, confirming_weights(settings), network.mark, generation, Occasion.CONFIRMATION
    )
    return weights, _confirming_seeds(settings, generation)


def _confirming_seeds(settings: Settings, generation: int) -> tuple[int, ...]:
    return episode_seeds(settings.seed, Purpose.CONFIRMATION, settings.confirm_episodes, generation)


def champion_of(settings: Settings, task: Task, confirmed: Confirmed) -> Champion:
    """A confirmed network of a search as a champion of its task."""
    noise = {"weight_noise": settings.weight_noise} if settings.weight_noise else {}
    return Champion(
        task=task.name,
        inputs=task.inputs,
        outputs=task.outputs,
        genome=confirmed.genome,
        scores=Scores.from_returns(
            confirmed.weights, confirmed.returns, _confirming_seeds(settings, confirmed.generation)
        ),
        origin={
            "preset": settings.preset,
            "seed": settings.seed,
            "generation": confirmed.generation,
            "stepping": settings.stepping,
            **noise,
        },
        env_kwargs=settings.env_kwargs,
        fresh_env=settings.fresh_env,
        columns=task.columns,
    )
