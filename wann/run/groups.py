"""Runs that differ only in the seed, and names of such groups by what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wann.run.folder import RunFolder
from wann.settings import CHANGEABLE, STOP_RULES, Settings, settings_names
from wann.tasks.tables import shown_name

# Stop rules are: the scores of a long and a short search have no common mean.
_NOT_COMPARED = {"seed", "fresh_env", *CHANGEABLE} - set(STOP_RULES)


@dataclass(frozen=True, slots=True)
class RunGroup:
    """Runs with the same settings, stop rules among them, but for the seed; at least one."""

    name: str  # the task and the preset where there is one group, else what differs from the others
    runs: tuple[RunFolder, ...]


def group_runs(runs: Sequence[RunFolder]) -> list[RunGroup]:
    """Groups of runs, in the order of their first ones.

    A group's name has its task and its preset where others have another one, and `name=value` for every
    setting in which groups of the same task and preset differ.
    """
    members: dict[str, list[RunFolder]] = {}
    for run in runs:
        members.setdefault(repr(_compared(run.settings)), []).append(run)
    groups = list(members.values())
    heads = [group[0].settings for group in groups]
    many_tasks = len({head.task for head in heads}) > 1
    many_presets = len({head.preset for head in heads}) > 1
    named = []
    for group, head in zip(groups, heads, strict=True):
        alike = [each for each in heads if (each.task, each.preset) == (head.task, head.preset)]
        differing = [
            name
            for name in settings_names()
            if name not in _NOT_COMPARED and any(getattr(each, name) != getattr(head, name) for each in alike)
        ]
        words = [shown_name(head.task)] * many_tasks + [head.preset] * many_presets
        words += [f"{name}={_shown(getattr(head, name))}" for name in differing]
        named.append(RunGroup(", ".join(words) or f"{shown_name(head.task)}, {head.preset}", tuple(group)))
    return named


def _compared(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(exclude=_NOT_COMPARED)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_shown, value))
    if isinstance(value, dict):
        return ",".join(f"{name}:{_shown(each)}" for name, each in value.items()) or "{}"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:23]}…"
