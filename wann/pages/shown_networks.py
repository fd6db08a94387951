"""Which networks the page of a run shows: its champion, its front, and its champions on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from wann.champion import Champion, Scores, load_champion
from wann.pages.kept import Kept
from wann.run.folder import RunFolder
from wann.run.front import load_front
from wann.utils.arrays import FloatArray
from wann.utils.plain_text import plain

_STAGES = 8  # champions in the row of the development
_MOST_NETWORKS = 40  # points of the front
_MOST_CONNECTIONS = (
    3_000  # of all networks but the champion: more would make the page slow to make, and large
)
_LOADED: Kept[Champion] = Kept(1_024)  # by the file and its time


@dataclass(frozen=True)
class Shown:
    """A network that the page shows."""

    name: str
    champion: Champion
    generation: int
    values: Mapping[str, float]  # by name: mean, best, connections and whatever else is known


def tuned_champion(folder: RunFolder) -> Champion:
    """The run's champion, with the weights of tuned.json if they are of its genome."""
    champion = load_champion(folder.path)
    try:
        tuned = load_champion(folder.path / "tuned.json")
    except ValueError:
        return champion
    if champion.tuned is not None or tuned.genome != champion.genome:
        return champion
    return replace(champion, tuned=tuned.tuned, tuning=tuned.tuning)


def networks_of(
    folder: RunFolder, champion: Champion, metrics: Mapping[str, FloatArray]
) -> tuple[list[Shown], dict[str, Any], list[int]]:
    """Networks of the page, data of its front, and the champions of its development.

    Args:
        folder: the run.
        champion: its champion, the first of the networks.
        metrics: columns of metrics.csv by name.

    Returns:
        The networks; the front as plain data; and the champions in ascending order of their generations.
        Points of the front and champions are given by their positions among the networks.

    Raises:
        ValueError: front.json is damaged.
    """
    generation = int(champion.origin.get("generation", 0))
    shown = [Shown("the champion", champion, generation, _values(champion))]
    earlier = _earlier(folder)
    stages = _stages(earlier, int(metrics["generation"][-1]) if metrics["generation"].size else generation)
    members, note = _front_members(folder, champion)
    from_run = bool(members)
    room = _MOST_CONNECTIONS - sum(each.champion.genome.connection_count for each in stages)
    wanted = members or [each for each in earlier if each not in stages]
    points, places = [0], {}
    for each in [*stages, *_within(wanted, room)]:
        same = next(
            (k for k, other in enumerate(shown) if other.champion.genome == each.champion.genome), None
        )
        if same is None:
            shown.append(each)
            same = len(shown) - 1
        places[id(each)] = same
        if (each in members or not from_run) and same not in points:
            points.append(same)
    points.sort(key=lambda place: (shown[place].values["connections"], shown[place].values["mean"]))
    return (
        shown,
        {
            "note": note,
            "points": [{"network": place, "values": dict(shown[place].values)} for place in points],
        },
        [places[id(each)] for each in stages],
    )


def _values(champion: Champion) -> dict[str, float]:
    return {
        "mean": champion.scores.overall,
        "best": champion.scores.best[1],
        "connections": champion.genome.connection_count,
    }


def _earlier(folder: RunFolder) -> list[Shown]:
    """Champions of the run by ascending generation, except files that cannot be read at the moment."""
    found = []
    for generation, path in folder.champions().items():
        try:
            changed = path.stat().st_mtime_ns  # a file that has changed is another one
            champion = _LOADED.get((path, changed), partial(load_champion, path))
        except (ValueError, OSError):
            continue
        name = f"the champion of generation {generation:,}"
        found.append(Shown(name, champion, generation, _values(champion)))
    return found


def _stages(champions: Sequence[Shown], generation: int) -> list[Shown]:
    """The champions at a few generations whose logarithms are evenly spaced."""
    chosen: list[Shown] = []
    for share in np.linspace(0.0, 1.0, _STAGES):
        standing = [each for each in champions if each.generation <= max(generation, 1) ** share * 1.0001]
        if standing and standing[-1] not in chosen:
            chosen.append(standing[-1])
    return chosen


def _front_members(folder: RunFolder, champion: Champion) -> tuple[list[Shown], str]:
    """Members of the run's Pareto front, an empty list if the run has kept none; and a note for the reader.

    Raises:
        ValueError: the file is damaged.
    """
    if not (folder.path / "front.json").exists():
        return [], (
            "This run keeps no front yet, so these are its champions, each confirmed when it was found. "
            f"'wann resume' for one more generation writes the front of {plain(folder.path.name)}."
        )
    front = load_front(folder.path)
    members = []
    for place, member in enumerate(front.members, 1):
        scores = Scores(member.weights, member.means, np.zeros_like(member.means), ())
        network = replace(
            champion, genome=member.genome, scores=scores, tuned=None, tuning={}, importance=None, origin={}
        )
        name = f"network {place} of the front"
        members.append(Shown(name, network, front.generation, member.values))
    *names, last = front.objectives
    together = f"{', '.join(names)} and {last} together" if names else last
    return members, (
        f"Networks of generation {front.generation:,} that no other beats in {together}, and the champion. "
        "Choose one to see it at work above."
    )


def _within(found: Sequence[Shown], connections: int) -> list[Shown]:
    """Evenly spaced networks, as many as have at most `connections` connections together."""
    for count in range(min(len(found), _MOST_NETWORKS), 0, -1):
        places = np.linspace(0, len(found) - 1, count).round().astype(int)
        chosen = [found[place] for place in places]
        if sum(each.champion.genome.connection_count for each in chosen) <= connections:
            return chosen
    return []
