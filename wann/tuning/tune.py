"""Individual weights for a champion: four methods search for offsets from its best shared weight.

Candidates are sets of weights of one topology, so a generation of them is one call of the evaluator. All
results are kept in a file beside the champion file, from which an interrupted tuning is resumed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wann.champion import Champion
from wann.evaluation.evaluator import Evaluator
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.run.confirming import scored_champion
from wann.tasks.registry import get_task
from wann.tuning.plan import CHANGEABLE, Saved, is_tuning, plan_from, state_path
from wann.tuning.session import Tuned, TuningObserver, TuningSession
from wann.utils.files import atomic_path
from wann.utils.places import refuse_taken


def tune(
    champion: Champion,
    out: str | os.PathLike[str] | None = None,
    *,
    task: str | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    placement: Placement | Evaluator = DEFAULT_PLACEMENT,
    observer: TuningObserver | None = None,
    note: Note | None = None,
    **plan: Any,
) -> Tuned:
    """Tune the individual weights of a champion.

    Args:
        champion: the network; it is not changed.
        out: the new champion file; what is needed to go on lies beside it. Nothing is written without it.
        task: another task than the champion's own, with as many inputs and outputs.
        env_kwargs: arguments of that task's environment.
        placement: where it is computed; results are the same anywhere. An evaluator is an open one for the
            champion's `stepped_task`; it stays open.
        observer: called after every generation.
        note: told in a line what a user should know.
        plan: fields of `TuningPlan`.

    Returns:
        The champion with tuned weights; `tuning` holds the plan, and the scores before and after on 100 fresh
        episodes, or on the test part of a data set.

    Raises:
        ValueError: an argument is wrong, the champion does not fit its task, or the file cannot be written.
        RuntimeError: the environment fails.
        TuningInterrupted: a signal ended the tuning, after saving.

    Source: Gaier and Ha (2019), section 4.1; see `wann.tuning.optimisers` and `wann.tuning.adam` for the
    methods.
    """
    given = plan_from(plan)
    path = None if out is None else Path(out)
    if path:
        _check_new(path)
    if task is not None:
        champion = for_task(champion, task, env_kwargs)
    return TuningSession(champion, given, path, placement, observer, note, None).run()


def resume_tuning(
    out: str | os.PathLike[str],
    *,
    placement: Placement | Evaluator = DEFAULT_PLACEMENT,
    observer: TuningObserver | None = None,
    note: Note | None = None,
    **changes: Any,
) -> Tuned:
    """Go on with a tuning exactly where it stopped.

    Args:
        out: the champion file that it makes, or has made.
        placement, observer, note: as `tune`.
        changes: a new budget, which stretches the stages.

    Raises:
        ValueError: there is no tuning to go on with, or something else than the budget is to change; an
            `OtherMachineError` where it was begun on a machine whose linear algebra rounds in another way.
        RuntimeError, TuningInterrupted: as `tune`.
    """
    path = Path(out)
    saved = Saved.load(state_path(path))
    for name in changes:
        if name not in CHANGEABLE:
            raise ValueError(f"setting {name!r} determines the tuning and cannot change; the budget can")
    plan = plan_from({**asdict(saved.plan), **changes})
    return TuningSession(saved.champion, plan, path, placement, observer, note, saved).run()


def _check_new(path: Path) -> None:
    """Refuse, before anything is computed, a file that exists or cannot be written."""
    if is_tuning(path):
        raise ValueError(
            f"{path} holds a tuning already: go on with wann resume {path}, or choose another --out"
        )
    refuse_taken(path)
    try:
        # Not the state itself, which must never be there and empty; with a name as long.
        probe = state_path(path).with_suffix(".try")
        with atomic_path(probe):
            pass
        probe.unlink()
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror or error}") from None


def for_task(champion: Champion, name: str, env_kwargs: Mapping[str, Any] | None = None) -> Champion:
    """The champion's topology for another task, scored there at the paper's weights on 20 fresh episodes.

    Raises:
        ValueError: there is no such task, or it has other numbers of inputs or outputs.
        RuntimeError: the environment fails.
    """
    task = get_task(name, env_kwargs)
    for side in ("inputs", "outputs"):
        found, wanted = len(getattr(champion, side)), len(getattr(task, side))
        if found != wanted:
            raise ValueError(
                f"task {name!r} has {wanted} {side}, but the champion, for {champion.task!r}, {found}"
            )
    return scored_champion(
        task, champion.genome, None, {**champion.origin, "transferred_from": champion.task}
    )
