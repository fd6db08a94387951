"""A race of networks: successive halving finds the one that is best after tuning.

Generations of offspring may follow. Everything lies in a folder, from which an interrupted race goes on:

race.json                       the plan, and the seconds so far
entrants/0017.json              the networks, as champion files
round-1/0017.json               one of them, tuned in that round
generation-1/0003.json          a child of the best so far, tuned
generation-1-longer/0003.json   one of the best children, tuned longer
champion.json                   the best of all tunings, once the race has ended
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from wann.champion import save_champion
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.tuning.plan import plan_from
from wann.tuning.race_entrants import Entrants
from wann.tuning.race_session import RaceSession, RaceState, check_generations, entrant_path, rounds_of
from wann.tuning.session import (
    Tuned,
    TuningObserver,
)
from wann.tuning.subject import check_method, stepped_task


def race(
    entrants: Entrants,
    out: str | os.PathLike[str],
    *,
    placement: Placement = DEFAULT_PLACEMENT,
    generations: int = 0,
    observer: TuningObserver | None = None,
    note: Note | None = None,
    **plan: Any,
) -> Tuned:
    """Tune many networks, promising ones longer, and keep the best result.

    All are tuned with a sixteenth of the budget, the best quarter of them with a quarter, and the best
    quarter of these with the whole; up to four networks need two such rounds, one needs one. In every round
    a network starts anew, at tuned weights where it came with them.

    Generations of offspring may follow: 16 children of the best four so far inherit their weights and are
    tuned with an eighth of the budget, the best two of them again with a half, each time on other episodes.
    All are judged on the same episodes, by which their weights were chosen, and the best of all wins.

    Args:
        entrants: from `entrants_of`; of one task.
        out: a new folder.
        placement: where it is computed; results are the same anywhere.
        generations: of offspring.
        observer: called after every generation of a tuning; it counts the evaluations of all.
        note: told in a line what a user should know.
        plan: fields of `TuningPlan`, but `freeze`, `weight` and `turn`; the budget is that of the last round.

    Returns:
        The best champion with its tuned weights; `tuning["race"]` says what it was chosen from. Its scores
        before and after are of fresh episodes that no choice has seen.

    Raises:
        ValueError: an argument is wrong, or the folder cannot be written.
        RuntimeError: the environment fails.
        TuningInterrupted: a signal ended the race, after saving.

    Source: successive halving, Jamieson and Talwalkar (2016), Algorithm 1; that children inherit what was
    tuned is Lamarckian evolution, Whitley, Gordon and Mathias (1994).
    """
    for name in ("freeze", "weight", "turn"):
        if name in plan:
            raise ValueError(f"a race has no {name!r}: it differs from tuning to tuning")
    given = plan_from(plan)
    if not entrants.champions:
        raise ValueError("a race needs at least one network")
    check_generations(generations)
    check_method(given, stepped_task(entrants.champions[0]))
    folder = Path(out)
    check_new(folder)
    state = RaceState(given, len(entrants.champions), entrants.own, entrants.mutation, generations, 0.0)
    _create(folder, entrants, state)
    (_, least), *later = rounds_of(state.networks, given.budget)
    if later and least < given.population and note:
        note(
            f"the first round's budget, {least}, is less than a generation of {given.population}: "
            "a larger --budget tells the networks apart better"
        )
    return RaceSession(folder, state, placement, observer, note).run()


def resume_race(
    out: str | os.PathLike[str],
    *,
    placement: Placement = DEFAULT_PLACEMENT,
    observer: TuningObserver | None = None,
    note: Note | None = None,
    **changes: Any,
) -> Tuned:
    """Go on with a race exactly where it stopped.

    Args:
        out: its folder.
        placement, observer, note: as `race`.
        changes: more generations of offspring, with which it is the race that it would have been at once.

    Raises:
        ValueError: the folder is no race, it is damaged, or something else is to change.
        RuntimeError, TuningInterrupted: as `race`.
    """
    for name in changes:
        if name != "generations":
            raise ValueError(
                f"setting {name!r} determines the race and cannot change; the generations of offspring can"
            )
    folder = Path(out)
    state = RaceState.load(folder)
    generations = changes.get("generations", state.generations)
    check_generations(generations, state.generations)
    state.generations = generations
    return RaceSession(folder, state, placement, observer, note).run()


def is_race(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a race."""
    return (Path(path) / "race.json").is_file()


def check_new(folder: Path) -> None:
    """Refuse a folder in which a race cannot begin.

    Raises:
        ValueError: it is not empty, is not a folder, or cannot be written.
    """
    if is_race(folder):
        raise ValueError(
            f"{folder} holds a race already: go on with wann resume {folder}, or choose another --out"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not an empty folder: choose another --out")
    if folder.resolve() == Path.cwd():
        raise ValueError(f"cannot make {folder}: choose another --out than the folder that you are in")
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise ValueError(f"cannot write to {folder}: {there} is no folder to write to")


def _create(folder: Path, entrants: Entrants, state: RaceState) -> None:
    """Make the folder of a race: aside and then renamed, so that it is there whole or not at all."""
    aside = folder.with_name(f".wann-{secrets.token_hex(8)}")
    try:
        (aside / "entrants").mkdir(parents=True)
        for index, champion in enumerate(entrants.champions):
            save_champion(champion, entrant_path(aside, index))
        state.save(aside)
        if folder.exists():  # and empty
            folder.rmdir()
        aside.rename(folder)
    except OSError as error:
        raise ValueError(f"cannot write to {folder}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
