"""The champion page: one HTML file with everything about a run, that works without a network.

`page_data` gathers plain numbers and words from the run folder; `render` puts them into the page, whose
JavaScript draws all of it from them.
"""

from __future__ import annotations

import json
import math
import platform
import shlex
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from wann.analysis.achievement import Achievement, achievement
from wann.champion import Champion, load_champion
from wann.evolution.shared_weights import RANGE
from wann.pages.kept import Kept
from wann.pages.network_data import exhibit
from wann.pages.shown_networks import networks_of, tuned_champion
from wann.pages.task_view import task_view
from wann.run.folder import RunFolder, task_of
from wann.run.listing import read_line
from wann.settings import Settings, build_settings, changed_names
from wann.tasks.data_task import DataTask
from wann.tasks.registry import is_data_set, preset_settings, score_name
from wann.tasks.tables import is_table, shown_name
from wann.tasks.task import Task
from wann.tasks.trust import UntrustedError, trust_word
from wann.utils.arrays import FloatArray
from wann.utils.callbacks import ProgressCallback
from wann.utils.plain_text import plain
from wann.utils.words import counted
from wann.version import __version__

_MOST_ROWS = 400  # generations in a learning curve
_CURVES = ("best_mean", "median_mean", "champion_mean", "champion_connections", "median_connections")
_ACHIEVEMENTS: Kept[Achievement | None] = Kept(4)  # by the champion's digest


def page_data(
    run: str | Path, *, clips: bool = True, progress: ProgressCallback | None = None
) -> dict[str, Any]:
    """Everything that the page shows of a run, as plain lists, words and numbers.

    A run in progress can be read too; without a champion yet, the page waits for one. Costly parts are kept
    for the next call in the same process.

    Args:
        run: the run folder.
        clips: whether to film the champion if the page cannot compute the task itself.
        progress: called with the numbers of parts done and of all parts.

    Raises:
        ValueError: the folder is no run, or a file in it is damaged.
    """
    folder = RunFolder.open(run)
    settings, metrics = folder.settings, folder.read_metrics()
    generation = int(metrics["generation"][-1]) if metrics["generation"].size else 0
    changed = datetime.fromtimestamp((folder.path / "metrics.csv").stat().st_mtime)
    task_name = shown_name(settings.task)
    data: dict[str, Any] = {
        "title": f"{task_name} · wann",
        "kicker": f"{task_name} · preset {settings.preset} · seed {settings.seed}",
        "headline": "Every connection has the same weight. Move it.",
        "lede": f"A search for a network whose shape alone solves {task_name}.",
        "score": score_name(settings.task, settings.env_kwargs),
        "figures": [],
        "networks": [],
        "updated": f"{changed:%H:%M:%S}",
        "status": f"generation {generation:,} of {settings.generations:,} · "
        f"{read_line(folder.path).state.words} · updated {changed:%H:%M:%S}",
        "waiting": f"No champion is confirmed yet, after {generation:,} generations: it will be shown here.",
        "learning": _learning(metrics),
        "settings": _settings_rows(settings),
        "versions": _versions(),
        "commands": _commands(folder.path, settings),
    }
    if not (folder.path / "champion.json").exists():
        return data
    champion = tuned_champion(folder)
    task, trouble = _task_of(champion)
    shown, front, development = networks_of(folder, champion, metrics)
    drawn = []
    parts = len(shown) + 1
    for place, each in enumerate(shown):
        if progress:
            progress(place, parts)
        drawn.append(
            exhibit(each.champion, task, best=each.champion is champion)
            | {"name": each.name, "generation": each.generation}
        )
    world = task_view(champion, task, trouble, clips)
    data |= {
        "networks": drawn,
        "champion": 0,
        "front": front,
        "development": development,
        "best": _best(champion, drawn[0]["profile"], world.get("step")),
        "world": world,
        "lede": _lede(champion, task, generation),
        "figures": _figures(champion, drawn[0], metrics, settings.generations),
    }
    if isinstance(task, DataTask) and world["kind"] == "samples":
        what = f"Draw {world['thing']}." if world["shape"] else "Choose a sample."
        data["headline"] = f"Every connection has the same weight. {what}"
    if progress:
        progress(parts, parts)
    return data


def _task_of(champion: Champion) -> tuple[Task | None, str]:
    """A champion's task; or None, and why it cannot be used."""
    try:
        task: Task = champion.get_task()
        return task.read() if isinstance(task, DataTask) else task, ""
    except UntrustedError:
        raise
    except ValueError as error:
        if is_table(champion.task):  # a page tells nothing of the files of its machine
            return None, f"{shown_name(champion.task)} is not here, or not what it was when the search began."
        return None, str(error)


def champion_data(path: str | Path) -> dict[str, Any]:
    """What the page shows of a champion without its run, such as that in the file of a fitted estimator.

    Args:
        path: file of the champion or the estimator.

    Raises:
        ValueError: there is no such file, or it is damaged.
    """
    champion = load_champion(path)
    task, trouble = _task_of(champion)
    generation = int(champion.origin.get("generation", 0))
    drawn = exhibit(champion, task, best=True) | {"name": "the champion", "generation": generation}
    nothing = dict.fromkeys((*_CURVES, "generation", "evaluations", "steps"), np.empty(0))
    world = task_view(champion, task, trouble, clips=False)
    name, file = shown_name(champion.task), shlex.quote(Path(path).name)
    evaluated = [f"wann evaluate {file}"] if task is not None else []
    values = {"mean": champion.scores.overall, "connections": champion.genome.connection_count}
    return {
        "title": f"{name} · wann",
        "kicker": f"{name} · {Path(path).name}",
        "headline": "Every connection has the same weight. Move it.",
        "lede": _lede(champion, task, generation),
        "score": score_name(champion.task, champion.env_kwargs),
        "figures": _figures(champion, drawn, nothing, generation),
        "networks": [drawn],
        "champion": 0,
        "front": {
            "note": "The champion alone.",
            "points": [{"network": 0, "values": values}],
        },
        "development": [],
        "best": _best(champion, drawn["profile"], world.get("step")),
        "world": world,
        "updated": "",
        "status": "a champion from its file",
        "waiting": "",
        "learning": _learning(nothing),
        "settings": [],
        "versions": _versions(),
        "commands": [*evaluated, f"wann draw {file}", f"wann export {file} --format python"],
    }


def _lede(champion: Champion, task: Task | None, generation: int) -> str:
    genome = champion.genome
    summary = f"The task: {task.summary}. " if task is not None and task.summary else ""
    done = None
    if task is not None and task.goal:
        done = _ACHIEVEMENTS.get(champion.digest, lambda: achievement(champion))
    return (
        f"{summary}In {generation:,} generations evolution changed nothing but the shape of this network of "
        f"{counted(genome.connection_count, 'connection', ',')}; no weight was trained."
        + (f" With {done.weight:g} in every connection {done.words}." if done else "")
    )


def _best(champion: Champion, profile: Mapping[str, Any], step: float | None = None) -> dict[str, float]:
    """The best weight of the chart, or the best confirmed weight if the chart has no number.

    Args:
        champion: the network.
        profile: the chart.
        step: distance of the weights that can be chosen; None if all can be.
    """
    known = [
        (mean, weight)
        for weight, mean in zip(profile["weights"], profile["mean"], strict=True)
        if mean is not None and (step is None or abs(math.remainder(weight, step)) < 1e-9)
    ]
    mean, weight = max(known, default=(champion.scores.best[1], champion.best_weight))
    return {"weight": round(min(max(weight, RANGE[0]), RANGE[1]), 2), "mean": mean}


def _figures(
    champion: Champion, drawn: Mapping[str, Any], metrics: Mapping[str, FloatArray], generations: int
) -> list[list[str]]:
    """Name, value and note of each of the champion's figures."""
    scores, profile = champion.scores, drawn["profile"]
    mean = [value for value in profile["mean"] if value is not None]
    exact = profile["measure"] == "accuracy"

    def shown(value: float) -> str:
        text = f"{value:.1%}" if exact else f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"
        return text.replace("-", "−")

    figures = []
    if mean:
        best = _best(champion, profile)
        what = profile["measure"]
        figures = [
            [f"Mean {what}", shown(float(np.mean(mean))), "over weights from −2 to 2"],
            [f"Best {what}", shown(best["mean"]), f"at weight {best['weight']:g}".replace("-", "−")],
        ]
        if what == "R²":  # numbers are predicted at positive weights only
            del figures[0]
    if drawn["tuned_score"] is not None:
        figures.append(["Tuned weights", shown(drawn["tuned_score"]), "a weight for each connection"])
    if not exact:
        note = f"{len(scores.episode_seeds)} fresh episodes, {counted(scores.weights.size, 'weight', ',')}"
        figures.append(["Confirmed mean", shown(scores.overall), note])
    hidden = counted(champion.genome.hidden_count, "hidden node", ",")
    figures.append(["Connections", f"{champion.genome.connection_count:,}", hidden])
    if "generation" in champion.origin:
        found = f"{int(champion.origin['generation']):,}"
        figures.append(["Found in generation", found, f"of {generations:,}"])
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
    rows = np.union1d(rows, np.flatnonzero(np.isnan(metrics["best_mean"]))[:_MOST_ROWS])  # the gaps
    return {
        name: [float(f"{x:.6g}") if math.isfinite(x) else None for x in metrics[name][rows].tolist()]
        for name in ("generation", *_CURVES)
    }


def _settings_rows(settings: Settings) -> list[list[str]]:
    rows = []
    for name, about in Settings.model_fields.items():
        value = getattr(settings, name)
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        text = shown_name(text) if name == "task" else "not set" if value is None else text
        rows.append([name, text, about.description or ""])
    return rows


def _versions() -> list[list[str]]:
    """Versions of the packages that made the page."""
    packages = [[name, version(name)] for name in ("numpy", "numba", "gymnasium")]
    return [["wann", __version__], ["Python", platform.python_version()], *packages]


def _commands(path: Path, settings: Settings) -> list[str]:
    """Commands that repeat the search and show its results."""
    run = shlex.quote(f"runs/{plain(path.resolve().name)}")
    task = shlex.quote(shown_name(settings.task))
    words = ["--preset", shlex.quote(settings.preset), "--seed", str(settings.seed)]
    if settings.env_kwargs:
        words += ["--env-kwargs", shlex.quote(json.dumps(settings.env_kwargs))]
    try:
        usual = build_settings(preset_settings(task_of(settings), settings.preset))
        changed = changed_names(usual, settings)
    except UntrustedError:
        raise
    except ValueError:  # the task or its preset is not known here
        changed = ()
        words += ["--config", f"{run}/config.toml"]
    for name in changed:
        if name not in ("task", "preset", "seed", "env_kwargs", "fresh_env"):
            value = getattr(settings, name)
            text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
            words += ["--set", shlex.quote(f"{name}={text}")]
    words += ["--out", run]
    # What begins like an option must not be one.
    again = " ".join(["wann search", *([*words, "--", task] if task.startswith("-") else [task, *words])])
    trust = trust_word(settings.task, settings.env_kwargs)
    looks = [f"wann evaluate {run}{trust}", f"wann draw {run}"]
    looks += [f"wann plot {run}{trust}", f"wann report {run}{trust}"]
    if not is_data_set(settings.task):
        looks.insert(1, f"wann replay {run}{trust}")
    return [again, *looks]
