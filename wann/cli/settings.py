"""The command `wann settings`."""

from __future__ import annotations

import click

from wann.cli.options import examples


@click.command(epilog=examples("wann settings", "wann settings --task CartPole-v1 --preset laptop"))
@click.option(
    "--task", metavar="TASK", default="swingup", show_default=True, help="Task whose preset is shown."
)
@click.option(
    "--preset", metavar="NAME", show_default="the task's own", help="Preset whose values are shown."
)
def settings(task: str, preset: str | None) -> None:
    """List every setting, its value and its meaning."""
    from rich.table import Table

    from wann.settings import Settings, build_settings
    from wann.tasks.registry import get_task, preset_settings
    from wann.utils.terminal import PlainConsole

    resolved = build_settings(preset_settings(get_task(task), preset))
    table = Table(title=f"{task}, preset {resolved.preset}", title_justify="left")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("meaning")
    for name, field in Settings.model_fields.items():
        value = getattr(resolved, name)
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        table.add_row(name, "not set" if value is None else shown, field.description)
    PlainConsole(wide=True, highlight=True).print(table)  # names are to be read, typed and searched for
