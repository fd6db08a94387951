"""The networks of a race, taken from runs and champion files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from wann.champion import Champion, load_champion
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.networks.network import phenotype
from wann.run.confirming import last_networks
from wann.run.folder import RunFolder, is_run
from wann.settings import build_settings
from wann.tasks.registry import preset_settings
from wann.tuning.race_offspring import Mutation
from wann.utils.callbacks import ProgressCallback


@dataclass(frozen=True)
class Entrants:
    """The networks of a race."""

    champions: tuple[Champion, ...]
    own: tuple[int, ...]  # which of them are the champions of their runs, or were given as files
    mutation: Mutation  # how offspring differ: as in the first run, or by the task's default preset


def entrants_of(
    paths: Sequence[str | os.PathLike[str]],
    *,
    networks: int | None = None,
    placement: Placement = DEFAULT_PLACEMENT,
    progress: ProgressCallback | None = None,
    note: Note | None = None,
) -> Entrants:
    """The networks for a race, scored on fresh episodes.

    Of each phenotype there is one: with tuned weights, where there are any.

    Args:
        paths: champion files, or run folders, each of which stands for its `last_networks`.
        networks: so many of each run at most.
        placement: where it is computed; results are the same anywhere.
        progress: called with the episodes done and to be done, for each run anew.
        note: told in a line what a user should know.

    Raises:
        ValueError: a path is neither, they are of several tasks, or a champion has no connection.
        RuntimeError: the environment fails.
    """
    firsts = [load_champion(path) for path in paths]
    for path, champion in zip(paths, firsts, strict=True):
        if _task_words(champion) != _task_words(firsts[0]):
            raise ValueError(
                f"a race is about one task, but {path} is of {_task_words(champion)}, and {paths[0]} of "
                f"{_task_words(firsts[0])}"
            )
        if not champion.network.sources.size:
            raise ValueError(f"the champion of {path} has no connection: there is nothing to tune")
    once: dict[tuple[bytes, ...], Champion] = {}
    own: dict[tuple[bytes, ...], None] = {}
    for path, champion in zip(paths, firsts, strict=True):
        own[phenotype(champion.genome)] = None
        found = (
            last_networks(path, most=networks, placement=placement, progress=progress, note=note)
            if is_run(path)
            else [champion]
        )
        for other in found:
            key = phenotype(other.genome)
            if key not in once or (once[key].tuned is None and other.tuned is not None):
                once[key] = other
    places = {key: place for place, key in enumerate(once)}
    runs = [RunFolder.open(path).settings for path in paths if is_run(path)]
    settings = runs[0] if runs else build_settings(preset_settings(firsts[0].get_task(), None), {})
    mutation = Mutation(settings.mutation_shares, tuple(settings.activations))
    return Entrants(tuple(once.values()), tuple(places[key] for key in own), mutation)


def _task_words(champion: Champion) -> str:
    """The task in words, with everything that distinguishes it from others."""
    kwargs = f" with {dict(champion.env_kwargs)}" if champion.env_kwargs else ""
    return f"{champion.task}{kwargs}{' in a fresh environment each episode' if champion.fresh_env else ''}"
