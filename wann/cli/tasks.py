"""The command `wann tasks`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from wann.cli.options import NAMES_SHOWN, echo, examples, fitted, json_option

if TYPE_CHECKING:
    from wann.tasks.known import Known
    from wann.tasks.task import Task


@click.command(epilog=examples("wann tasks"))
@json_option
def tasks(as_json: bool) -> None:
    """List the tasks, with their presets, inputs and outputs.

    Every other registered Gymnasium environment is a task too, and so is a table of your own; see
    'wann search --help'.
    """
    from rich.text import Text

    from wann.tasks.registry import facts, task_names
    from wann.utils.terminal import PlainConsole

    found = {name: facts(name) for name in task_names()}
    if as_json:
        echo(json.dumps({"tasks": [_as_json(name, task) for name, task in found.items()]}))
        return
    console = PlainConsole()

    def say(head: str, text: str, style: str = "") -> None:
        """A line with a heading."""
        shown = Text(fitted(f"{head}{text}", len(head) if len(head) < _DEEP else 4))
        shown.stylize(style, 0, len(head))
        console.print(shown, soft_wrap=True)

    for name, task in found.items():
        say(f"{name}  ", task.summary, "bold")
        for kind, names in (("inputs ", task.inputs), ("outputs", task.outputs)):
            say(f"  {kind}  ", _shown(names))
        for preset, settings in task.presets.items():
            chosen = ", ".join(
                f"{settings[key]} {key}" for key in ("population", "generations") if key in settings
            )
            default = " (default)" if preset == task.default_preset else ""
            say("  preset   ", f"{preset}{default}: {task.preset_notes[preset]}; {chosen}")
    say("", "Any other registered environment: wann search Name-v0, or module:Name-v0")
    say("", "A table of your own: wann search csv:FILE --label COLUMN, or FILE.npz with arrays x and y")


_DEEP = 20  # columns; below a longer heading, lines are indented less


def _shown(names: tuple[str, ...]) -> str:
    from wann.tasks.data_sets import image_shape

    if shape := image_shape(names):
        return f"{len(names)} pixels, {shape[0]} x {shape[1]}"
    more = f", ... {len(names)} in all" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _as_json(name: str, task: Task | Known) -> dict[str, Any]:
    return {
        "task": name,
        "summary": task.summary,
        "inputs": list(task.inputs),
        "outputs": list(task.outputs),
        "presets": {
            preset: {"note": task.preset_notes[preset], "default": preset == task.default_preset, **settings}
            for preset, settings in task.presets.items()
        },
    }
