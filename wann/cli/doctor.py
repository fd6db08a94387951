"""The command `wann doctor`."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from wann.cli.options import echo, env_kwargs_option, examples, json_option, table_options
from wann.utils.words import counted

if TYPE_CHECKING:
    from rich.table import Table

    from wann.doctor.finding import Finding


@click.command(epilog=examples("wann doctor", "wann doctor Acrobot-v1"))
@click.argument("env_id", required=False)
@env_kwargs_option
@table_options
@json_option
def doctor(
    env_id: str | None, env_kwargs: dict[str, Any] | None, table: dict[str, Any], as_json: bool
) -> int:
    """Check this machine or one environment, and suggest fixes.

    ENV_ID is an environment or a data set to check as well. For an environment, the checks are whether it can
    be searched, whether one seed gives the same episode twice, and how fast it is; for a data set, whether it
    can be read. The exit code is 1 if something is broken. A missing optional part is only a note.
    """
    from wann.doctor.examine import examine
    from wann.utils.terminal import PlainConsole

    if (env_kwargs or table) and not env_id:
        raise click.UsageError(f"--{'env-kwargs' if env_kwargs else next(iter(table))} needs an ENV_ID")
    env_kwargs = {**(env_kwargs or {}), **table}
    console, findings = PlainConsole(wide=True), []  # commands are to be copied whole
    with console.status("Checking") if console.is_terminal and not as_json else nullcontext():
        for finding in examine(env_id, env_kwargs):
            findings.append(finding)
            if not as_json:
                console.print(_finding_row(finding, console.encoding))
    problems, notes = (sum(each.level == level for each in findings) for level in ("problem", "note"))
    if as_json:
        echo(json.dumps({"problems": problems, "findings": [asdict(each) for each in findings]}))
    else:
        problems_found = counted(problems, "problem") if problems else "No problems"
        echo(f"\n{problems_found}, {counted(notes, 'note')}.")
    return 1 if problems else 0


_MARKS = {"ok": ("✓", "+", "green"), "note": ("•", "-", "yellow"), "problem": ("✗", "x", "bold red")}


def _finding_row(finding: Finding, encoding: str) -> Table:
    """A row of a table that is shown while it grows: mark, check, what was found and, below it, the fix."""
    from rich.table import Table
    from rich.text import Text

    symbol, letter, color = _MARKS[finding.level]
    mark, arrow = (symbol, "→") if encoding.startswith("utf") else (letter, "->")
    row = Table.grid(padding=(0, 1))
    row.add_column(width=1, style=color)
    row.add_column(width=19, no_wrap=True)
    row.add_column(overflow="fold")

    def text(words: str, style: str = "") -> Text:  # not markup: what was found may hold brackets
        return Text(words.encode(encoding, "replace").decode(encoding), style)

    row.add_row(mark, finding.check, text(finding.found, "" if finding.level == "problem" else "dim"))
    if finding.fix:
        row.add_row("", "", text(f"{arrow} {finding.fix}"))
    return row
