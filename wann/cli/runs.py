"""The command `wann runs`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import echo, examples, fitted, json_option, print_note, screen
from wann.utils.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table
    from rich.text import Text

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
    from wann.run.listing import find_runs

    lines = read_lines(find_runs([folder]))
    if as_json:
        echo(json.dumps({"runs": [line.to_dict() for line in lines]}, allow_nan=False))
        return
    print_runs(folder, lines)


def read_lines(paths: Sequence[Path]) -> list[RunLine]:
    """Each run in a line, without those of which a file is damaged; what is wrong with them is told."""
    from wann.run.listing import read_line

    lines = []
    for path in paths:
        try:
            lines.append(read_line(path))
        except ValueError as error:
            print_note(str(error))
    return lines


def print_runs(folder: Path, lines: Sequence[RunLine]) -> None:
    """Print runs as a table, and the errors of those that failed below it."""
    from rich.text import Text

    from wann.run.listing import counted_states

    console = screen()
    if lines:
        own = [name for name in ("task", "preset") if len({getattr(line, name) for line in lines}) > 1]
        rows = [_cells(folder, line) for line in lines]
        if _width(lines, rows, own) <= console.width:
            console.print(_table(lines, rows, own))
        else:
            for each in _narrow(lines, rows, console.width):
                console.print(each, soft_wrap=True)
    echo(f"{folder}: {counted(len(lines), 'run')}; {counted_states(lines)}")
    for line in lines:
        if line.state.name == "failed":
            text = Text(fitted(f"failed {_name_in(folder, line.path)}: {line.state.reason}", 2))
            text.stylize(_STYLES["failed"], 0, len("failed"))
            console.print(text, soft_wrap=True)


_HEAD = ("run", "seed", "state", "generation", "mean", "best", "conn.")
_LEFT = ("run", "task", "preset", "state")  # columns of words


def _cells(folder: Path, line: RunLine) -> tuple[str, ...]:
    """A run in words; the columns of `_HEAD`."""
    from wann.progress import shown_return

    return (
        _name_in(folder, line.path),
        str(line.seed),
        line.state.words,
        f"{line.generation}/{line.generations}",
        *("–" if value is None else shown_return(value) for value in (line.mean, line.best)),
        "–" if line.connections is None else str(line.connections),
    )


def _width(lines: Sequence[RunLine], rows: Sequence[Sequence[str]], own: Sequence[str]) -> int:
    """Columns that the table takes; rich measures it in as long as it prints it."""
    columns = [*zip(_HEAD, *rows, strict=True), *((name, *(getattr(x, name) for x in lines)) for name in own)]
    return 1 + sum(max(map(len, column)) + 3 for column in columns)


def _table(lines: Sequence[RunLine], rows: Sequence[Sequence[str]], own: Sequence[str]) -> Table:
    """Runs as a table; what all of them have in common is its title, not a column."""
    from rich.table import Table
    from rich.text import Text

    title = ", ".join(
        f"preset {lines[0].preset}" if name == "preset" else lines[0].task
        for name in ("task", "preset")
        if name not in own
    )
    table = Table(title=Text(title, style="bold") if title else None, title_justify="left")
    for name in (_HEAD[0], *own, *_HEAD[1:]):
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=True)
    for line, (name, seed, state, *numbers) in zip(lines, rows, strict=True):
        table.add_row(
            Text(name),
            *(Text(getattr(line, each)) for each in own),
            seed,
            Text(state, style=_STYLES[line.state.name]),
            *numbers,
        )
    return table


def _narrow(lines: Sequence[RunLine], rows: Sequence[Sequence[str]], width: int) -> Iterator[Text]:
    """Runs in lines, under a heading for each task and preset; of a long name the end is shown."""
    from rich.text import Text

    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    widths[0] = max(len(_HEAD[0]), min(widths[0], width - 2 * len(widths) - sum(widths[1:])))

    def in_columns(words: Sequence[str]) -> list[str]:
        name = words[0] if len(words[0]) <= widths[0] else f"…{words[0][1 - widths[0] :]}"
        return [
            f"  {word:{'<' if head in _LEFT else '>'}{size}}"
            for head, word, size in zip(_HEAD, (name, *words[1:]), widths, strict=True)
        ]

    yield Text("".join(in_columns(_HEAD)), style="dim")
    for task, preset in dict.fromkeys((line.task, line.preset) for line in lines):
        yield Text(f"{task}, preset {preset}", style="bold")
        for line, row in zip(lines, rows, strict=True):
            if (line.task, line.preset) == (task, preset):
                name, seed, state, *numbers = in_columns(row)
                yield Text(f"{name}{seed}").append(state, _STYLES[line.state.name]).append("".join(numbers))


def _name_in(folder: Path, path: Path) -> str:
    """Name of a run as it is seen from a folder."""
    return os.fspath(path if path == folder else path.relative_to(folder))
