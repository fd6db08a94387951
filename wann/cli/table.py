"""The command `wann table`."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import (
    INTERRUPTED,
    data_option,
    echo,
    examples,
    placement_options,
    print_note,
    refuse_own,
    trust_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wann.analysis.paper_table import TableRow
    from wann.evaluation.placement import Placement
    from wann.tuning.session import TuningObserver


@click.command(
    epilog=examples(
        "wann table runs/swingup", "wann table runs/swingup runs/mine --format latex --out table.tex"
    )
)
@click.argument("paths", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--episodes",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=100,
    show_default=True,
    help="Fresh episodes per set of weights.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of the episodes and the random weights.",
)
@click.option(
    "--method",
    default="cma",
    show_default=True,
    metavar="cma|pepg|random|adam",
    help="Method for champions that are not tuned yet; see 'wann tune --help'.",
)
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="N",
    default=20_000,
    show_default=True,
    help="Evaluations per tuning.",
)
@click.option("--untuned", is_flag=True, help="Tune nothing, and leave columns without tuned weights empty.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "json", "latex"]),
    default="text",
    show_default=True,
    help="Format of the table.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="standard output",
    help="File for the table, in any format but text.",
)
@placement_options
@data_option
@trust_option
@click.option("--quiet", is_flag=True, help="No progress output.")
def table(
    paths: tuple[Path, ...],
    episodes: int,
    seed: int,
    method: str,
    budget: int,
    untuned: bool,
    form: str,
    out: Path | None,
    quiet: bool,
    placement: Placement,
) -> int:
    """Show champions in the paper's table, beside its figures.

    RUN: one or more run folders or champion files. The columns are random weights, a random shared weight,
    the best shared weight, tuned weights, and a dense network of about as many connections that was tuned in
    the same way. Each shows mean ± standard deviation over fresh episodes.

    A champion without tuned weights is tuned first, and so is the dense network. The results are kept beside
    the champion as tuned.json and fixed.json, so the command is quick the second time.
    """
    from wann.progress import starting, tuning_view
    from wann.utils.files import atomic_path

    with starting(quiet):
        from wann.analysis import paper_table as tables
        from wann.run.folder import is_run
        from wann.tuning.kept import tuned_pair
        from wann.tuning.plan import TuningPlan
        from wann.tuning.session import TuningInterrupted

    plan = TuningPlan(method=method, budget=budget)
    if out is not None and form == "text":
        raise ValueError("--out needs a --format: markdown, csv, json or latex")
    if out is not None:
        refuse_own(out)
    rows = []
    for path in paths:
        with ExitStack() as stack:

            def observe(what: str, file: Path, stack: ExitStack = stack) -> TuningObserver | None:
                if not quiet:
                    echo(f"Tuning {what} into {file}", err=True)
                return stack.enter_context(tuning_view(quiet))

            try:
                champion, fixed = tuned_pair(
                    path, plan, tuning=not untuned, placement=placement, observer=observe, note=print_note
                )
                row = tables.make_row(
                    path.name if is_run(path) else path.stem,
                    champion,
                    fixed,
                    episodes=episodes,
                    seed=seed,
                    placement=placement,
                    note=print_note,
                )
            except TuningInterrupted:
                stack.close()
                echo(f"Stopped, saved. Go on: wann table {shlex.join(map(os.fspath, paths))}", err=True)
                return INTERRUPTED
        rows.append(row)
    rows = tables.with_published(rows)
    if form == "text":
        _print(rows, episodes)
        return 0
    text = tables.to_text(rows, form)  # type: ignore[arg-type]  # click has checked it
    if out is None:
        echo(text, nl=False)
    else:
        with atomic_path(out) as temporary:
            temporary.write_text(text, encoding="utf-8")
        echo(f"Wrote {out}")
    return 0


def _print(rows: Sequence[TableRow], episodes: int) -> None:
    from rich.table import Table

    from wann.analysis.paper_table import shown_cell, shown_columns
    from wann.utils.terminal import PlainConsole

    console = PlainConsole(wide=True)
    grid = Table()
    for name in ("champion", "task"):
        grid.add_column(name, overflow="fold")
    columns = shown_columns(rows)
    for name in ("connections", *columns):
        grid.add_column(name, justify="right")
    for row in rows:
        size = "–" if row.connections is None else str(row.connections)
        cells = (shown_cell(row, column) for column in columns)
        style = "dim" if row.name == "paper" else ""
        grid.add_row(row.name, row.task, size, *cells, style=style)
    console.print(grid)
    budgets = {row.budget for row in rows if row.budget is not None}
    tuned = (
        f"; tuned with {' or '.join(f'{budget:,}' for budget in sorted(budgets))} evaluations"
        if budgets
        else ""
    )
    console.print(f"mean ± standard deviation over {episodes} fresh episodes{tuned}")
