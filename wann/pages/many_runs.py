"""The page of a folder of runs: their states, curves and best networks; written to a file, or served live."""

from __future__ import annotations

import os
import shlex
import threading
import time
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from wann.champion import Champion, load_champion
from wann.pages.kept import Kept
from wann.pages.render import render_runs, render_runs_part
from wann.run.folder import RunFolder
from wann.run.groups import group_runs
from wann.run.listing import RunLine, counted_states, find_runs, read_line
from wann.tasks.registry import score_name
from wann.tasks.tables import predicts_numbers, shown_name
from wann.tasks.trust import possible_harm
from wann.utils.words import counted
from wann.visualization.diagram import diagram_of
from wann.visualization.group_curves import Curves, groups_figure
from wann.visualization.network_figure import Look, diagram_figure
from wann.visualization.theme import THEMES, figure_style, svg_of

MOST_NETWORKS = 6
"""Groups whose best network is drawn."""

_LARGEST_DRAWN = 1500  # connections
_REST = 4.0  # times as long as the last reading took, so that watching does not slow the searches
_LOOK_SECONDS = 1.0

_DRAWINGS: Kept[dict[str, str]] = Kept(16)  # by the champion's digest


def runs_data(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Everything that the page shows of the runs in a folder, as plain lists, words and numbers.

    Runs of which a file is damaged are left out, and counted in the lede.

    Raises:
        ValueError: there is no run in the folder.
    """
    folder = Path(folder)
    paths = find_runs([folder])
    lines: dict[Path, RunLine] = {}
    runs: dict[Path, RunFolder] = {}
    metrics = {}
    for path in paths:
        with suppress(ValueError, OSError):  # half-written, or damaged
            line, run = read_line(path), RunFolder.open(path)
            metrics[path] = run.read_metrics()
            lines[path], runs[path] = line, run
    if not lines:
        raise ValueError(f"none of the {counted(len(paths), 'run')} in {folder} can be read")
    groups = group_runs(list(runs.values()))
    tasks = sorted({line.task for line in lines.values()})
    named = list(dict.fromkeys(map(shown_name, tasks)))
    of = named[0] if len(tasks) == 1 else f"{len(tasks)} tasks"
    damaged = len(paths) - len(lines)
    presets = sorted({line.preset for line in lines.values()})
    name = folder.resolve().name
    data: dict[str, Any] = {
        "title": f"{name} · wann",
        "kicker": f"{name} · {' · '.join(named)} · preset {', '.join(presets)}",
        "headline": f"{counted(len(lines), 'run')} of {of}.",
        "lede": f"{counted_states(list(lines.values()))}"
        + (f"; {counted(damaged, 'run')} cannot be read." if damaged else "."),
        "curves": None,
        "groups": [],
        "networks": [],
        "runs": [],
        "commands": _commands(folder, list(runs.values())),
    }
    group_of = {run.path: group.name for group in groups for run in group.runs}
    if len(tasks) == 1 and any(columns["generation"].size for columns in metrics.values()):
        scores = sorted({score_name(run.settings.task, run.settings.env_kwargs) for run in runs.values()})
        curves = [Curves(group.name, [metrics[run.path] for run in group.runs]) for group in groups]
        data["curves"] = _drawn_curves(curves, " or ".join(scores))
    for group in groups:
        members = [lines[run.path] for run in group.runs]
        data["groups"].append({"name": group.name, "runs": len(members), "cells": _cells(members)})
        best = max(members, key=lambda line: -np.inf if line.mean is None else line.mean)
        if best.mean is not None and len(data["networks"]) < MOST_NETWORKS:
            with suppress(ValueError, OSError):
                data["networks"].append(_network(best, group.name, folder))
    data["runs"] = [_row(line, group_of[path], folder) for path, line in lines.items()]
    return data


def _commands(folder: Path, runs: Sequence[RunFolder]) -> list[str]:
    """Commands that show the runs, without the folders above them."""
    given = shlex.quote(f"runs/{folder.resolve().name}" if folder.is_absolute() else os.fspath(folder))
    settings = [run.settings for run in runs]
    harmless = all(possible_harm(each.task, each.env_kwargs) is None for each in settings)
    trust = "" if harmless else " --trust"
    commands = [f"wann runs {given}", f"wann plot {given}"]
    if not any(predicts_numbers(each.task, each.env_kwargs) for each in settings):  # which it refuses
        commands.append(f"wann table {given} --untuned{trust}")
    return commands


def _drawn_curves(groups: Sequence[Curves], label: str) -> dict[str, str]:
    with figure_style():
        return {
            name: _image(svg_of(groups_figure(groups, label=label, theme=theme)))
            for name, theme in THEMES.items()
        }


def _image(svg: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"


def _network(line: RunLine, group: str, folder: Path) -> dict[str, str]:
    """The champion of a run, drawn.

    Raises:
        ValueError: it cannot be read, or is too large to be drawn.
    """
    champion = load_champion(line.path)
    if champion.genome.connection_count > _LARGEST_DRAWN:
        raise ValueError("too large to be drawn")
    name = _name(line, folder)
    caption = f"{group}: {name}, mean return {_shown(line.mean)}, {_shown(line.best)} at its best weight"
    return {"run": name, "caption": caption, **_DRAWINGS.get(champion.digest, lambda: _drawing(champion))}


def _drawing(champion: Champion) -> dict[str, str]:
    diagram = diagram_of(champion.genome, champion.inputs, champion.outputs)
    with figure_style():
        return {
            name: _image(svg_of(diagram_figure(diagram, Look(theme=theme)))) for name, theme in THEMES.items()
        }


def _cells(lines: Sequence[RunLine]) -> list[dict[str, str]]:
    """Median and span of the mean, the best and the size."""
    cells = []
    for name in ("mean", "best", "connections"):
        found = [getattr(line, name) for line in lines if getattr(line, name) is not None]
        shown = _counted if name == "connections" else _shown
        span = f"{shown(min(found))} to {shown(max(found))}" if len(found) > 1 else ""
        cells.append({"middle": shown(float(np.median(found)) if found else None), "span": span})
    return cells


def _row(line: RunLine, group: str, folder: Path) -> dict[str, Any]:
    page = line.path / "report.html"
    return {
        "name": _name(line, folder),
        "group": group,
        "page": quote(page.relative_to(folder).as_posix()) if page.exists() else "",
        "seed": line.seed,
        "state": line.state.name,
        "words": line.state.words,
        "error": line.state.reason if line.state.name == "failed" else "",
        "generation": f"{line.generation:,}",
        "generations": f"{line.generations:,}",
        "share": min(line.generation / line.generations, 1.0),
        "mean": _shown(line.mean),
        "best": _shown(line.best),
        "connections": _counted(line.connections),
    }


def _name(line: RunLine, folder: Path) -> str:
    return line.path.relative_to(folder).as_posix()


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100.0 else 1 if abs(value) >= 10.0 else 3
    return f"{value:,.{digits}f}".replace("-", "−")


def _counted(value: float | None) -> str:
    return "–" if value is None else f"{value:,g}"


class RunsWatcher:
    """Reader of a folder of runs, which reads again when someone asks and something may have changed.

    Args:
        folder: of the runs.

    Raises:
        ValueError: there is no run in it.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._lock = threading.Lock()
        self._due = 0.0
        self._data = runs_data(self._folder)

    def data(self) -> dict[str, Any]:
        """The newest data; the last ones where the folder cannot be read now."""
        with self._lock:
            begun = time.monotonic()
            if begun >= self._due:
                with suppress(ValueError, OSError):
                    self._data = runs_data(self._folder)
                self._due = time.monotonic() + max(_LOOK_SECONDS, _REST * (time.monotonic() - begun))
            return self._data


def runs_routes(watcher: RunsWatcher) -> list[BaseRoute]:
    """Routes of the live page of a folder of runs, for `wann.pages.server.serving`."""

    def page(_request: Request) -> Response:  # not a coroutine: it takes some time to make
        return HTMLResponse(render_runs(watcher.data(), live=True))

    def part(request: Request) -> Response:
        text = render_runs_part(watcher.data())
        tag = f'"{sha256(text.encode()).hexdigest()[:32]}"'
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": tag})
        return HTMLResponse(text, headers={"ETag": tag})

    return [Route("/", page), Route("/part.html", part)]
