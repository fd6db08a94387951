"""The command `wann tasks`."""

from __future__ import annotations

import click

from wann.cli.options import NAMES_SHOWN, examples


@click.command(epilog=examples("wann tasks"))
def tasks() -> None:
    """List the tasks, with their presets, inputs and outputs.

    Every other registered Gymnasium environment is a task too, and so is a table of your own; see
    'wann search --help'.
    """
    from rich.text import Text

    from wann.tasks.data_sets import image_shape
    from wann.tasks.registry import facts, task_names
    from wann.utils.terminal import PlainConsole

    console = PlainConsole(soft_wrap=True)
    for name in task_names():
        task = facts(name)
        console.print(Text(name, "bold"), f" {task.summary}")
        for kind, names in (("inputs ", task.inputs), ("outputs", task.outputs)):
            if shape := image_shape(names):
                shown = f"{len(names)} pixels, {shape[0]} x {shape[1]}"
            else:
                more = f", ... {len(names)} in all" if len(names) > NAMES_SHOWN else ""
                shown = ", ".join(names[:NAMES_SHOWN]) + more
            console.print(f"  {kind}  {shown}")
        for preset, settings in task.presets.items():
            chosen = ", ".join(
                f"{settings[key]} {key}" for key in ("population", "generations") if key in settings
            )
            default = " (default)" if preset == task.default_preset else ""
            console.print(f"  preset   {preset}{default}: {task.preset_notes[preset]}; {chosen}")
    console.print("Any other registered environment: wann search Name-v0, or module:Name-v0")
    console.print("A table of your own: wann search csv:FILE --label COLUMN, or FILE.npz with arrays x and y")
