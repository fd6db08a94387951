"""The command `wann runs`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import examples, json_option, print_note, screen
from wann.utils.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from wann.run.listing import RunLine

_STYLES = {"finished": "green", "running": "bold cyan", "stopped": "yellow", "failed": "bold red"}


@click.command(epilog=examples("wann runs", "wann runs runs/seeds"))
@click.argument("folder", metavar="[FOLDER]", default=Path("runs"), type=click.Path(path_type=Path))
@json_option
def runs(folder: Path, as_json: bool) -> None:
    """List the runs in a folder, with state and score.

    FOLDER is searched for run folders, three levels deep; it is runs where none is given. The states:

    \b
    running   a process works at it
    finished  a stop rule ended it, which is named
    stopped   a signal ended it, or it was killed; 'wann resume' continues it
    failed    an error ended it, which is shown below the table

    The scores are returns of the champion so far, on the episodes that confirmed it: the mean over shared
    weights, and the best at a single one.
    """
    from wann.run.listing import find_runs, read_line

    lines = []
    damaged = 0
    for path in find_runs([folder]):
        try:
            lines.append(read_line(path))
        except ValueError as error:
            damaged += 1
            print_note(str(error))
    if as_json:
        click.echo(json.dumps({"runs": [line.to_dict() for line in lines]}, allow_nan=False))
        return
    print_runs(folder, lines)


def print_runs(folder: Path, lines: Sequence[RunLine]) -> None:
    """Print runs as a table, and the errors of those that failed below it."""
    from rich.markup import escape

    from wann.run.listing import counted_states

    console = screen()
    if lines:
        console.print(runs_table(folder, lines))
    console.print(f"{escape(os.fspath(folder))}: {counted(len(lines), 'run')}; {counted_states(lines)}")
    for line in lines:
        if line.state.name == "failed":
            console.print(f"[bold red]failed[/] {escape(name_in(folder, line.path))}: ", end="")
            console.print(line.state.reason, markup=False, soft_wrap=True)


def runs_table(folder: Path, lines: Sequence[RunLine]) -> Table:
    """Runs as a table; what all of them have in common is its title, not a column."""
    from rich.table import Table
    from rich.text import Text

    from wann.progress import shown_return

    common = {
        name: getattr(lines[0], name)
        for name in ("task", "preset")
        if len({getattr(line, name) for line in lines}) == 1
    }
    own = [name for name in ("task", "preset") if name not in common]
    title = ", ".join(f"preset {value}" if name == "preset" else value for name, value in common.items())
    table = Table(title=Text(title, style="bold") if title else None, title_justify="left", padding=(0, 1))
    table.add_column("run", overflow="fold")
    for name in own:
        table.add_column(name, overflow="fold")
    table.add_column("seed", justify="right")
    table.add_column("state")
    for name in ("generation", "mean", "best", "conn."):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        cells: list[Text | str] = [
            Text(name_in(folder, line.path)),
            *(Text(getattr(line, name)) for name in own),
            str(line.seed),
            Text(line.state.words, style=_STYLES[line.state.name]),
            f"{line.generation}/{line.generations}",
            "–" if line.mean is None else shown_return(line.mean),
            "–" if line.best is None else shown_return(line.best),
            "–" if line.connections is None else str(line.connections),
        ]
        table.add_row(*cells)
    return table


def name_in(folder: Path, path: Path) -> str:
    """Name of a run as it is seen from a folder."""
    return os.fspath(path if path == folder else path.relative_to(folder))
