"""The champion page: one HTML file with everything about a run, that works without a network.

`page_data` gathers plain numbers and words from the run folder; `render` puts them into the page, whose
JavaScript draws all of it from them.
"""

from __future__ import annotations

import json
import math
import platform
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from wann.analysis.achievement import Achievement, achievement
from wann.champion import (
    Champion,
    Scores,
    Weight,
    champion_from_json,
    champion_to_json,
    load_champion,
)
from wann.evolution.shared_weights import RANGE
from wann.pages.clips import record_clips
from wann.pages.network_data import exhibit
from wann.run.folder import RunFolder
from wann.run.front import load_front
from wann.settings import Settings, build_settings, changed_names
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.data_sets import NAMED, image_shape
from wann.tasks.data_task import DataTask
from wann.tasks.registry import is_data_set, preset_settings
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray
from wann.utils.seeding import Purpose, episode_seeds
from wann.utils.words import counted
from wann.version import __version__

Progress = Callable[[int, int], None]

_LIVE_TASK = "swingup"  # whose physics the page computes itself
_STARTS = 20  # episodes of it that can be watched
_STAGES = 8  # champions in the row of the development
_MOST_NETWORKS = 40  # points of the front
_MOST_CONNECTIONS = (
    3_000  # of all networks but the champion: more would make the page slow to make, and large
)
_MOST_ROWS = 400  # generations in a learning curve
_CLIP_WEIGHTS = 9
_VOTES = 20  # weights that vote; even, as at 0 every output is the same
_SAMPLES = 20  # of a test part, to choose from
_CURVES = ("best_mean", "median_mean", "champion_mean", "champion_connections", "median_connections")


@dataclass(frozen=True)
class _Shown:
    """A network that the page shows."""

    name: str
    champion: Champion
    generation: int
    values: Mapping[str, float]  # by name: mean, best, connections and whatever else is known


def page_data(run: str | Path, *, clips: bool = True, progress: Progress | None = None) -> dict[str, Any]:
    """Everything that the page shows of a run, as plain lists, words and numbers.

    A run that goes on can be read too; one without a champion yet gives a page that waits for it. What is
    costly is kept for the next call in the same process.

    Args:
        run: the run folder.
        clips: whether to film the champion, where the page cannot compute the task itself.
        progress: called with the parts that are done and to be done.

    Raises:
        ValueError: the folder is no run, or a file in it is damaged.
    """
    folder = RunFolder.open(run)
    settings, metrics = folder.settings, folder.read_metrics()
    generation = int(metrics["generation"][-1]) if metrics["generation"].size else 0
    changed = datetime.fromtimestamp((folder.path / "metrics.csv").stat().st_mtime)
    task_name = _shown_name(settings.task)
    data: dict[str, Any] = {
        "title": f"{task_name} · wann",
        "kicker": f"{task_name} · preset {settings.preset} · seed {settings.seed}",
        "headline": "Every connection has the same weight. Move it.",
        "lede": f"A search for a network whose shape alone solves {task_name}.",
        "score": "log-likelihood" if is_data_set(settings.task) else "return",
        "figures": [],
        "networks": [],
        "updated": f"{changed:%H:%M:%S}",
        "status": f"generation {generation:,} of {settings.generations:,} · updated {changed:%H:%M:%S}",
        "waiting": f"No champion is confirmed yet, after {generation:,} generations: it will be shown here.",
        "learning": _learning(metrics),
        "settings": _settings_rows(settings),
        "versions": _versions(),
        "commands": _commands(folder.path, settings),
    }
    if not (folder.path / "champion.json").exists():
        return data
    champion = _champion(folder)
    try:
        task: Task | None = champion.get_task()
        trouble = ""
        if isinstance(task, DataTask):
            task = task.read()
    except ValueError as error:
        task, trouble = None, str(error)
    shown, front, development = _networks(folder, champion, metrics)
    drawn = []
    parts = len(shown) + 1
    for place, each in enumerate(shown):
        if progress:
            progress(place, parts)
        drawn.append(
            exhibit(each.champion, task, best=each.champion is champion)
            | {"name": each.name, "generation": each.generation}
        )
    world = _world(champion, task, trouble, clips)
    data |= {
        "networks": drawn,
        "champion": 0,
        "front": front,
        "development": development,
        "best": _best(champion, drawn[0]["profile"], world.get("step")),
        "world": world,
        "lede": _lede(champion, task, generation),
        "figures": _figures(champion, drawn[0], metrics, settings),
    }
    if isinstance(task, DataTask):
        what = f"Draw {world['thing']}." if world["shape"] else "Choose a sample."
        data["headline"] = f"Every connection has the same weight. {what}"
    if progress:
        progress(parts, parts)
    return data


# Which networks


def _champion(folder: RunFolder) -> Champion:
    """The champion, with the weights that `wann tune` has found for it since, where it has."""
    champion = load_champion(folder.path)
    try:
        tuned = load_champion(folder.path / "tuned.json")
    except ValueError:
        return champion
    if champion.tuned is not None or tuned.genome != champion.genome:
        return champion
    return replace(champion, tuned=tuned.tuned, tuning=tuned.tuning)


def _networks(
    folder: RunFolder, champion: Champion, metrics: Mapping[str, FloatArray]
) -> tuple[list[_Shown], dict[str, Any], list[int]]:
    """The networks of the page, the champion first; the points of the front and the champions on the way.

    Points and champions are places among the networks.
    """
    generation = int(champion.origin.get("generation", 0))
    shown = [_Shown("the champion", champion, generation, _values(champion))]
    earlier = _champions(folder)
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


def _champions(folder: RunFolder) -> list[_Shown]:
    """Champions of the run, the first one first; a file that is just being replaced is left out."""
    found = []
    for path in sorted((folder.path / "champions").glob("*.json")):
        if not path.stem.isdecimal():
            continue
        try:
            champion = _loaded(path, path.stat().st_mtime_ns)
        except (ValueError, OSError):
            continue
        generation = int(path.stem)
        name = f"the champion of generation {generation:,}"
        found.append(_Shown(name, champion, generation, _values(champion)))
    return found


@lru_cache(maxsize=1024)
def _loaded(path: Path, changed: int) -> Champion:  # noqa: ARG001  a file that has changed is another one
    return load_champion(path)


def _stages(champions: Sequence[_Shown], generation: int) -> list[_Shown]:
    """Champions that stood at a few generations, each so many times later than the one before."""
    chosen: list[_Shown] = []
    for share in np.linspace(0.0, 1.0, _STAGES):
        standing = [each for each in champions if each.generation <= max(generation, 1) ** share * 1.0001]
        if standing and standing[-1] not in chosen:
            chosen.append(standing[-1])
    return chosen


def _front_members(folder: RunFolder, champion: Champion) -> tuple[list[_Shown], str]:
    """Members of the run's Pareto front, none where the run has kept none; and what there is to know of them.

    Raises:
        ValueError: the file is damaged.
    """
    if not (folder.path / "front.json").exists():
        return [], (
            "This run keeps no front yet, so these are its champions, each confirmed when it was found. "
            f"'wann resume' for one more generation writes the front of {folder.path.name}."
        )
    front = load_front(folder.path)
    members = []
    for place, member in enumerate(front.members, 1):
        scores = Scores(member.weights, member.means, np.zeros_like(member.means), ())
        network = replace(
            champion, genome=member.genome, scores=scores, tuned=None, tuning={}, importance=None, origin={}
        )
        name = f"network {place} of the front"
        members.append(_Shown(name, network, front.generation, member.values))
    *names, last = front.objectives
    together = f"{', '.join(names)} and {last} together" if names else last
    return members, (
        f"Networks of generation {front.generation:,} that no other beats in {together}, and the champion. "
        "Choose one to see it at work above."
    )


def _within(found: Sequence[_Shown], connections: int) -> list[_Shown]:
    """As many of them as the page has room for, taken evenly."""
    for count in range(min(len(found), _MOST_NETWORKS), 0, -1):
        places = np.linspace(0, len(found) - 1, count).round().astype(int)
        chosen = [found[place] for place in places]
        if sum(each.champion.genome.connection_count for each in chosen) <= connections:
            return chosen
    return []


# What the task looks like


def _world(champion: Champion, task: Task | None, trouble: str, clips: bool) -> dict[str, Any]:
    if task is None:
        return {"kind": "words", "note": f"The task is not at hand here: {trouble}"}
    if isinstance(task, DataTask):
        return _samples(champion, task)
    if isinstance(task, CompiledTask) and task.name == _LIVE_TASK:
        starts = task.starts(episode_seeds(0, Purpose.EVALUATION, _STARTS, 3))
        rate = int(task.make_env().metadata["render_fps"])
        return {"kind": "swingup", "starts": starts.tolist(), "steps": task.episode_steps, "rate": rate}
    if not clips:
        note = (
            "Episodes are not filmed while a search runs: 'wann play' shows it live, 'wann report' as films."
        )
        return {"kind": "words", "note": note}
    return _films(champion_to_json(champion))


@lru_cache(maxsize=4)
def _films(text: str) -> dict[str, Any]:
    champion = champion_from_json(text)
    grid = np.linspace(*RANGE, _CLIP_WEIGHTS)
    weights: list[Weight] = [*grid.tolist()]
    if champion.tuned is not None:
        weights.append("tuned")
    try:
        found = record_clips(champion, weights)
    except (RuntimeError, ImportError, OSError) as error:
        return {"kind": "words", "note": f"Its episodes could not be filmed: {error}"}
    return {
        "kind": "clips",
        "step": float(grid[1] - grid[0]),
        "clips": [
            {
                "key": f"{clip.weight} {sha256(clip.film).hexdigest()[:16]}",
                "weight": clip.weight,
                "source": clip.source,
                "total": clip.total,
                "steps": clip.steps,
                "cut": clip.cut,
            }
            for clip in found
        ],
    }


def _samples(champion: Champion, task: DataTask) -> dict[str, Any]:
    """Classes, the image's shape, some samples of the test part, and the weights that vote."""
    test = task.samples.test
    rows = np.linspace(0, test.labels.size - 1, min(_SAMPLES, test.labels.size)).round().astype(np.int64)
    # Of a data set that is sorted by class, evenly spaced rows show them all.
    return {
        "kind": "samples" if test.targets is None else "words",
        "note": f"{task.name} is a data set of numbers to predict: there is nothing to watch.",
        "classes": list(champion.outputs),
        "shape": image_shape(champion.inputs),
        "prepare": task.name,
        "thing": "a digit" if task.name in NAMED else "an image",
        "votes": np.linspace(*RANGE, _VOTES).tolist(),
        "samples": [
            {"inputs": [float(f"{x:.6g}") for x in values], "label": int(label)}
            for values, label in zip(test.inputs(rows).tolist(), test.labels[rows].tolist(), strict=True)
        ],
    }


# Words and numbers


def _shown_name(task: str) -> str:
    """A task's name without the folders of a user's own file."""
    prefix, colon, path = task.rpartition("csv:") if task.startswith("csv:") else ("", "", task)
    return f"{prefix}{colon}{Path(path).name}" if colon or path.endswith(".npz") else task


def _lede(champion: Champion, task: Task | None, generation: int) -> str:
    genome = champion.genome
    summary = f"The task: {task.summary}. " if task is not None and task.summary else ""
    done = _achievement(champion_to_json(champion)) if task is not None and task.goal else None
    return (
        f"{summary}In {generation:,} generations evolution changed nothing but the shape of this network of "
        f"{counted(genome.connection_count, 'connection', ',')}; no weight was trained."
        + (f" With {done.weight:g} in every connection {done.words}." if done else "")
    )


@lru_cache(maxsize=4)
def _achievement(text: str) -> Achievement | None:
    return achievement(champion_from_json(text))


def _best(champion: Champion, profile: Mapping[str, Any], step: float | None = None) -> dict[str, float]:
    """The best weight of the chart, or the best confirmed one where the chart has no number.

    Args:
        champion: the network.
        profile: the chart.
        step: between the weights that can be chosen, where only some can be.
    """
    known = [
        (mean, weight)
        for weight, mean in zip(profile["weights"], profile["mean"], strict=True)
        if mean is not None and (step is None or abs(math.remainder(weight, step)) < 1e-9)
    ]
    mean, weight = max(known, default=(champion.scores.best[1], champion.best_weight))
    return {"weight": round(min(max(weight, RANGE[0]), RANGE[1]), 2), "mean": mean}


def _figures(
    champion: Champion, drawn: Mapping[str, Any], metrics: Mapping[str, FloatArray], settings: Settings
) -> list[list[str]]:
    """Name, value and a note of each figure that sums the champion up."""
    scores, profile = champion.scores, drawn["profile"]
    mean = [value for value in profile["mean"] if value is not None]
    exact = profile["measure"] == "accuracy"

    def shown(value: float) -> str:
        text = f"{value:.1%}" if exact else f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"
        return text.replace("-", "−")

    figures = []
    if mean:
        best = _best(champion, profile)
        what = "accuracy" if exact else "return"
        figures = [
            [f"Mean {what}", shown(float(np.mean(mean))), "over weights from −2 to 2"],
            [f"Best {what}", shown(best["mean"]), f"at weight {best['weight']:g}".replace("-", "−")],
        ]
    if drawn["tuned_score"] is not None:
        figures.append(["Tuned weights", shown(drawn["tuned_score"]), "a weight for each connection"])
    if not exact:
        note = f"{len(scores.episode_seeds)} fresh episodes, {counted(scores.weights.size, 'weight', ',')}"
        figures.append(["Confirmed mean", shown(scores.overall), note])
    hidden = counted(champion.genome.hidden_count, "hidden node", ",")
    figures.append(["Connections", f"{champion.genome.connection_count:,}", hidden])
    if "generation" in champion.origin:
        found = f"{int(champion.origin['generation']):,}"
        figures.append(["Found in generation", found, f"of {settings.generations:,}"])
    if metrics["evaluations"].size:
        networks, steps = int(metrics["evaluations"][-1]), int(metrics["steps"][-1])
        kind = "samples" if is_data_set(champion.task) else "steps"
        figures.append(["Networks tried", f"{networks:,}", f"{_large(steps)} {kind}"])
    return figures


def _large(number: int) -> str:
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"


def _learning(metrics: Mapping[str, FloatArray]) -> dict[str, list[float | None]]:
    """The curves of the search, thinned out evenly."""
    total = metrics["generation"].size
    rows = np.unique(np.linspace(0, max(total - 1, 0), min(total, _MOST_ROWS)).round().astype(np.int64))
    return {
        name: [float(f"{x:.6g}") if math.isfinite(x) else None for x in metrics[name][rows].tolist()]
        for name in ("generation", *_CURVES)
    }


def _settings_rows(settings: Settings) -> list[list[str]]:
    rows = []
    for name, about in Settings.model_fields.items():
        value = getattr(settings, name)
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        text = _shown_name(text) if name == "task" else "not set" if value is None else text
        rows.append([name, text, about.description or ""])
    return rows


def _versions() -> list[list[str]]:
    """What the page was made with."""
    packages = [[name, version(name)] for name in ("numpy", "numba", "gymnasium")]
    return [["wann", __version__], ["Python", platform.python_version()], *packages]


def _commands(path: Path, settings: Settings) -> list[str]:
    """Commands that search the same again, and look at it."""
    run = shlex.quote(f"runs/{path.resolve().name}")
    words = ["wann", "search", shlex.quote(_shown_name(settings.task)), "--preset", settings.preset]
    words += ["--seed", str(settings.seed)]
    if settings.env_kwargs:
        words += ["--env-kwargs", shlex.quote(json.dumps(settings.env_kwargs))]
    try:
        from wann.run.folder import task_of

        usual = build_settings(preset_settings(task_of(settings), settings.preset))
        changed = changed_names(usual, settings)
    except ValueError:  # the task or its preset is not known here
        changed = ()
        words += ["--config", f"{run}/config.toml"]
    for name in changed:
        if name not in ("task", "preset", "seed", "env_kwargs", "fresh_env"):
            value = getattr(settings, name)
            text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
            words += ["--set", shlex.quote(f"{name}={text}")]
    again = " ".join([*words, "--out", run])
    looks = [f"wann evaluate {run}", f"wann draw {run}", f"wann plot {run}", f"wann report {run}"]
    if not is_data_set(settings.task):
        looks.insert(1, f"wann replay {run}")
    return [again, *looks]
