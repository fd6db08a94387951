"""A champion and its fixed topology, tuned once and kept beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from wann.analysis.paper_table import fixed_topology
from wann.champion import Champion, load_champion
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.tasks.data_task import DataTask
from wann.tuning.plan import TuningPlan, is_tuning
from wann.tuning.session import TuningObserver
from wann.tuning.tune import resume_tuning, tune
from wann.utils.places import companion
from wann.utils.reading import in_file

_TUNED_ALIKE = ("method", "budget", "episodes", "max_steps", "population", "sigma", "seed")

Observe = Callable[[str, Path], TuningObserver | None]


def tuned_pair(
    path: str | Path,
    plan: TuningPlan,
    *,
    tuning: bool = True,
    placement: Placement = DEFAULT_PLACEMENT,
    observer: Observe = lambda _what, _path: None,
    note: Note | None = None,
) -> tuple[Champion, Champion | None]:
    """A champion and its fixed topology, with tuned weights; each is tuned and kept if it was not yet.

    Args:
        path: the champion's file or run folder; beside it, or in it, lie `tuned.json` and `fixed.json`.
        plan: how weights are tuned where that was not done; the fixed topology's are tuned as the champion's
            were.
        tuning: whether anything may be tuned; what is not then stays as it is, and None for the second.
        placement: where it is computed; results are the same anywhere.
        observer: gives the observer of a tuning: called with what is tuned, and the file.
        note: told in a line what a user should know.

    Raises:
        ValueError: the champion cannot be read, does not fit its task, or a file cannot be written.
        RuntimeError: the environment fails.
        wann.tuning.session.TuningInterrupted: a signal ended a tuning, after saving; the same call goes on.
    """
    path = Path(path)
    champion = load_champion(path)

    def tuned(which: Champion, what: str, words: str, plan: TuningPlan) -> Champion | None:
        file = companion(path, f"{what}.json")
        if file.exists():
            return _kept(which, file, plan, note)
        if not tuning:
            return None
        options: dict[str, Any] = {"placement": placement, "observer": observer(words, file), "note": note}
        if is_tuning(file):
            return resume_tuning(file, **options).champion
        return tune(which, file, **asdict(plan), **options).champion

    if champion.tuned is None:
        champion = tuned(champion, "tuned", "the champion", plan) or champion
    with in_file(path):
        alike = _plan_of(champion, plan)
    if not isinstance(champion.get_task(), DataTask) and alike.method == "adam":
        alike = replace(alike, method="cma")
    alike = replace(alike, weight="tuned", freeze=())
    return champion, tuned(fixed_topology(champion), "fixed", "the fixed topology", alike)


def _plan_of(champion: Champion, plan: TuningPlan) -> TuningPlan:
    """The plan that the champion was tuned with, as far as its file tells."""
    known = {name: champion.tuning[name] for name in _TUNED_ALIKE if name in champion.tuning}
    return replace(plan, **known) if champion.tuned is not None else plan


def _kept(champion: Champion, file: Path, plan: TuningPlan, note: Note | None) -> Champion:
    """The tuned champion of a file.

    Raises:
        ValueError: it is of another champion.
    """
    found = load_champion(file)
    if found.genome != champion.genome or found.task != champion.task or found.tuned is None:
        raise ValueError(f"{file} belongs to another champion: move it away to tune this one")
    if note and plan.budget not in (TuningPlan().budget, found.tuning.get("budget", plan.budget)):
        note(f"{file} was tuned with a budget of {found.tuning['budget']}, and is used unchanged")
    return found
