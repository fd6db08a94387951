"""The command `wann compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import INTERRUPTED, data_option, echo, examples, label_option, refuse_data_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wann.random_weights.bench.comparison import Bench, Row
    from wann.random_weights.bench.method import Method


def _names(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Callback of an option that takes names separated by commas."""
    names = None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())
    if names == ():
        raise click.BadParameter("names no method")
    return names


@click.command(
    epilog=examples("wann compare digits --budget 2", "wann compare CartPole-v1 --champion runs/cartpole")
)
@click.argument("data_set", metavar="DATASET")
@click.option(
    "--methods",
    callback=_names,
    metavar="A,B",
    show_default="all",
    help="Methods to compare; --list names them.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=3,
    show_default=True,
    help="Seeds per method; each gives one measurement.",
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0.0, min_open=True),
    metavar="MINUTES",
    show_default="no limit",
    help="Time for the whole comparison, in minutes.",
)
@click.option(
    "--champion",
    "champions",
    metavar="RUN",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Champion to compare with, a run folder or a file; repeat for more.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    show_default="runs/compare-DATASET",
    help="Folder for the results.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "json"]),
    default="text",
    show_default=True,
    help="Format of the table on standard output.",
)
@click.option("--list", "listed", is_flag=True, help="List the methods for DATASET, and measure nothing.")
@label_option
@data_option
@click.option("--quiet", is_flag=True, help="No progress output.")
def compare(
    data_set: str,
    methods: tuple[str, ...] | None,
    seeds: int,
    budget: float | None,
    champions: tuple[Path, ...],
    out: Path | None,
    form: str,
    listed: bool,
    label: str | None,
    quiet: bool,
) -> int:
    """Compare networks that work without trained weights.

    DATASET is a data set: digits, mnist (16 x 16 pixels, deskewed), mnist28, csv:FILE or FILE.npz.
    CartPole-v1 and Pendulum-v1, with their velocities hidden, measure an untrained recurrent network, and
    image-prior an untrained convolutional network.

    The results are results.json, table.md, table.csv, comparison.svg and comparison.png. Measurements that
    the folder already holds are kept: the same command continues after an interruption, and adds methods or
    seeds.
    """
    from wann.progress import comparison_view, starting

    refuse_data_folder(data_set, begins=True)
    with starting(quiet):
        from wann.random_weights.bench.comparison import choose_methods, open_bench
        from wann.random_weights.bench.comparison import compare as run_comparison
        from wann.random_weights.bench.figure import draw_comparison
        from wann.random_weights.bench.table import measured, to_text

        bench = open_bench(data_set, label)
    if listed:
        _list(choose_methods(bench, methods))
        return 0
    folder = out or Path("runs") / f"compare-{Path(data_set.removeprefix('csv:')).stem}"
    try:
        with comparison_view(quiet) as observer:
            rows = run_comparison(
                bench,
                folder,
                methods=methods,
                champions=champions,
                seeds=seeds,
                budget=None if budget is None else 60.0 * budget,
                observer=observer,
            )
    except KeyboardInterrupt:
        echo(f"Stopped, results are kept in {folder}: the same command goes on", err=True)
        return INTERRUPTED
    _write(bench, rows, folder)
    if form == "text":
        _print(bench, rows)
    else:
        echo(to_text(bench, rows, form), nl=False)  # type: ignore[arg-type]  # click has checked it
    if measured(rows):
        for suffix in ("svg", "png"):
            draw_comparison(bench, rows, folder / f"comparison.{suffix}")
    if form == "text":
        echo(f"Wrote {folder}")
    return 0


def _write(bench: Bench, rows: Sequence[Row], folder: Path) -> None:
    from wann.random_weights.bench.table import to_text
    from wann.utils.files import atomic_path

    for name, form in (("table.md", "markdown"), ("table.csv", "csv")):
        with atomic_path(folder / name) as temporary:
            temporary.write_text(to_text(bench, rows, form), encoding="utf-8")  # type: ignore[arg-type]


def _list(methods: Sequence[Method]) -> None:
    width = max(len(method.name) for method in methods)
    for method in methods:
        extra = "  (PyTorch)" if method.needs == "torch" else ""
        echo(f"{method.name:{width}}  {method.title}{extra}")


def _print(bench: Bench, rows: Sequence[Row]) -> None:
    from rich.table import Table

    from wann.random_weights.bench.table import cells, explanation, header, measured
    from wann.utils.terminal import PlainConsole

    console = PlainConsole(wide=True)
    grid = Table()
    head = header(bench, rows)
    numbers = range(2, head.index("published"))
    for place, name in enumerate(head):
        right = place in numbers
        grid.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in measured(rows):
        style = "dim" if row.ablation_of else ""
        grid.add_row(*cells(bench, row, rows), style=style)
    console.print(grid)
    for line in explanation(bench, rows):
        console.print(line)
