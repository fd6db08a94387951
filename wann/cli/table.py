"""The command `wann table`."""

from __future__ import annotations

import json
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
    json_option,
    placement_options,
    print_note,
    refuse_own,
    screen,
    trust_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from wann.analysis.paper_table import TableRow
    from wann.analysis.several import RankTest
    from wann.evaluation.placement import Placement
    from wann.tuning.session import TuningObserver


@click.command(
    epilog=examples(
        "wann table runs/swingup",
        "wann table runs/swingup runs/mine --format latex --out table.tex",
        "wann table runs/ten runs/other --untuned",
    )
)
@click.argument("paths", metavar="RUN|FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
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
@click.option(
    "--aggregate/--each",
    default=None,
    show_default="--aggregate for a folder of runs",
    help="Row for each group of runs that differ in the seed alone, or for each run.",
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
@json_option
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
    aggregate: bool | None,
    untuned: bool,
    form: str,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    placement: Placement,
) -> int:
    """Show champions in the paper's table, beside its figures.

    RUN: one or more run folders or champion files. The columns are random weights, a random shared weight,
    the best shared weight, tuned weights, and a dense network of about as many connections that was tuned in
    the same way. Each shows mean ± standard deviation over fresh episodes.

    A champion without tuned weights is tuned first, and so is the dense network. The results are kept beside
    the champion as tuned.json and fixed.json, so the command is quick the second time.

    FOLDER is a folder of runs. Those that differ only in the seed share a row, with the mean over the runs ±
    half of its 95 % confidence interval. Two groups are compared by Mann and Whitney's rank test. Intervals
    and test need the extra data.
    """
    from wann.progress import starting, tuning_view
    from wann.utils.files import atomic_path

    with starting(quiet):
        from wann.analysis import paper_table as tables
        from wann.run.folder import is_run
        from wann.run.listing import find_runs
        from wann.tuning.kept import tuned_pair
        from wann.tuning.plan import TuningPlan
        from wann.tuning.session import TuningInterrupted

    plan = TuningPlan(method=method, budget=budget)
    if as_json and (out is not None or form != "text"):
        raise ValueError("--json prints the table on standard output: leave out --format and --out")
    if out is not None and form == "text":
        raise ValueError("--out needs a --format: markdown, csv, json or latex")
    if out is not None:
        refuse_own(out)
    folders = [path for path in paths if path.is_dir() and not is_run(path)]
    aggregate = bool(folders) if aggregate is None else aggregate
    if aggregate and any(path.is_file() for path in paths):
        raise ValueError("a champion file has no settings to group it by: give run folders, or --each")
    given = [each for path in paths for each in (find_runs([path]) if path in folders else [path])]
    rows = []
    for path in dict.fromkeys(given):
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
    tests: list[RankTest] = []
    if aggregate:
        rows, tests = _aggregated(list(dict.fromkeys(given)), rows)
    names = [row.name for row in rows]
    rows = tables.with_published(rows)
    if as_json:
        found = {
            "rows": json.loads(tables.to_text(rows, "json")),
            "tests": [test.to_dict() for test in tests],
        }
        echo(json.dumps(found, allow_nan=False))
        return 0
    if form == "text":
        _print(rows, episodes)
        _print_tests(names, tests)
        return 0
    text = tables.to_text(rows, form)  # type: ignore[arg-type]  # click has checked it
    if out is None:
        echo(text, nl=False)
    else:
        with atomic_path(out) as temporary:
            temporary.write_text(text, encoding="utf-8")
        echo(f"Wrote {out}")
    return 0


def _aggregated(paths: Sequence[Path], rows: Sequence[TableRow]) -> tuple[list[TableRow], list[RankTest]]:
    """A row for each group of runs, and the tests where there are two of one task."""
    from wann.analysis import several
    from wann.run.folder import RunFolder
    from wann.run.groups import group_runs

    row_of = dict(zip(paths, rows, strict=True))
    groups = group_runs([RunFolder.open(path) for path in paths])
    members = [[row_of[run.path] for run in group.runs] for group in groups]
    if not several.can_infer():
        print_note(several.NEEDED)
    two = len(groups) == 2 and members[0][0].task == members[1][0].task
    tests = several.rank_tests(*members) if two else []
    return [several.aggregate(group.name, each) for group, each in zip(groups, members, strict=True)], tests


def _print(rows: Sequence[TableRow], episodes: int) -> None:
    from wann.analysis.paper_table import shown_columns, shown_words

    console = screen()
    many = any(row.runs for row in rows)
    head = ["champion", "task", *["runs"] * many, "connections", *shown_columns(rows)]
    lines = [shown_words(row, shown_columns(rows), many) for row in rows]
    styles = ["dim" if row.name == "paper" else "" for row in rows]
    grid = _upright(head, lines, styles)
    # Measured without a width, as else it would be one that fits.
    if console.measure(grid, options=console.options.update(width=1000)).maximum <= console.width:
        console.print(grid)
    else:
        for part in _lying(head, lines, styles, console.width):
            console.print(part)
    budgets = {row.budget for row in rows if row.budget is not None}
    tuned = (
        f"; tuned with {' or '.join(f'{budget:,}' for budget in sorted(budgets))} evaluations"
        if budgets
        else ""
    )
    console.print(
        f"mean over runs ± half of its 95 % confidence interval; {episodes} fresh episodes a run{tuned}"
        if many
        else f"mean ± standard deviation over {episodes} fresh episodes{tuned}"
    )


def _upright(head: Sequence[str], lines: Sequence[Sequence[str]], styles: Sequence[str]) -> Table:
    """A champion a row."""
    from rich.table import Table
    from rich.text import Text

    grid = Table()
    for place, name in enumerate(head):
        grid.add_column(name, justify="left" if place < 2 else "right", no_wrap=True)
    for line, style in zip(lines, styles, strict=True):
        grid.add_row(*map(Text, line), style=style)
    return grid


def _lying(
    head: Sequence[str], lines: Sequence[Sequence[str]], styles: Sequence[str], width: int
) -> list[Table]:
    """A champion a column, in as many tables as the width needs; long names are folded between words."""
    from rich.table import Table
    from rich.text import Text

    first, own = max(map(len, head)), max(len(word) for line in lines for word in line[1:])
    cell = max(own, *(len(word) for line in lines for word in line[0].split()))
    count = max(1, (width - first - 4) // (cell + 3))
    tables = []
    for begin in range(0, len(lines), count):
        some, how = lines[begin : begin + count], styles[begin : begin + count]
        grid = Table()
        grid.add_column(head[0], no_wrap=True)
        for line, style in zip(some, how, strict=True):
            grid.add_column(Text(line[0]), justify="right", style=style, max_width=cell, overflow="fold")
        for name, *words in list(zip(head, *some, strict=True))[1:]:
            grid.add_row(name, *(Text(word) for word in words))
        tables.append(grid)
    return tables


def _print_tests(names: Sequence[str], tests: Sequence[RankTest]) -> None:
    if not tests:
        return
    console = screen()
    console.print(f"\nMann and Whitney's rank test, {names[0]} against {names[1]}:", markup=False)
    width = max(len(test.column) for test in tests)
    for test in tests:
        p = "p < 0.001" if test.p < 0.001 else f"p = {test.p:.3f}"
        console.print(f"  {test.column:{width}}  {p}; the first is better in {test.share:.0%} of the pairs")
