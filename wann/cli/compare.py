"""The command `wann compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import (
    INTERRUPTED,
    data_option,
    echo,
    examples,
    fitted,
    json_option,
    label_option,
    refuse_data_folder,
    screen,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wann.random_weights.bench.comparison import Bench, Row
    from wann.random_weights.bench.method import Method


_WIDE = 110  # columns of a terminal on which the table says what each method is


def _names(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Callback of an option that takes names separated by commas."""
    names = None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())
    if names == ():
        raise click.BadParameter("names no method")
    return names


@click.command(
    epilog=examples("wann compare digits --minutes 2", "wann compare CartPole-v1 --champion runs/cartpole")
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
    "--minutes",
    type=click.FloatRange(min=0.0, min_open=True),
    metavar="N",
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
@json_option
@label_option
@data_option
@click.option("--quiet", is_flag=True, help="No progress output.")
def compare(
    data_set: str,
    methods: tuple[str, ...] | None,
    seeds: int,
    minutes: float | None,
    champions: tuple[Path, ...],
    out: Path | None,
    form: str,
    listed: bool,
    as_json: bool,
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
    if as_json and form != "text":
        raise ValueError("--json prints one JSON object: leave out --format")
    with starting(quiet):
        from wann.random_weights.bench.comparison import choose_methods, open_bench
        from wann.random_weights.bench.comparison import compare as run_comparison
        from wann.random_weights.bench.figure import draw_comparison
        from wann.random_weights.bench.table import measured, to_text

        bench = open_bench(data_set, label)
    if listed:
        _list(choose_methods(bench, methods), as_json)
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
                budget=None if minutes is None else 60.0 * minutes,
                observer=observer,
            )
    except KeyboardInterrupt:
        echo(f"Stopped, results are kept in {folder}: the same command goes on", err=True)
        return INTERRUPTED
    _write(bench, rows, folder)
    if as_json:
        echo(json.dumps({"folder": str(folder), **json.loads(to_text(bench, rows, "json"))}))
    elif form == "text":
        _print(bench, rows)
    else:
        echo(to_text(bench, rows, form), nl=False)  # type: ignore[arg-type]  # click has checked it
    if measured(rows):
        for suffix in ("svg", "png"):
            draw_comparison(bench, rows, folder / f"comparison.{suffix}")
    if form == "text" and not as_json:
        echo(f"Wrote {folder}")
    return 0


def _write(bench: Bench, rows: Sequence[Row], folder: Path) -> None:
    from wann.random_weights.bench.table import to_text
    from wann.utils.files import atomic_path

    for name, form in (("table.md", "markdown"), ("table.csv", "csv")):
        with atomic_path(folder / name) as temporary:
            temporary.write_text(to_text(bench, rows, form), encoding="utf-8")  # type: ignore[arg-type]


def _list(methods: Sequence[Method], as_json: bool) -> None:
    if as_json:
        found = [{"name": each.name, "title": each.title, "needs": each.needs} for each in methods]
        echo(json.dumps({"methods": found}))
        return
    width = max(len(method.name) for method in methods)
    for method in methods:
        extra = "  (PyTorch)" if method.needs == "torch" else ""
        echo(fitted(f"{method.name:{width}}  {method.title}{extra}", width + 2))


def _print(bench: Bench, rows: Sequence[Row]) -> None:
    from rich import box
    from rich.table import Table

    from wann.random_weights.bench.table import cells, explanation, header, measured

    console = screen()
    narrow = console.width < _WIDE
    grid = (
        Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False, show_edge=False)
        if narrow
        else Table()
    )
    head = header(bench, rows)
    numbers = range(2, head.index("published"))
    # On a narrow terminal, what the methods are is said below the table.
    shown = [place for place in range(len(head)) if place != 1 or not narrow]
    for place in shown:
        right, least = place in numbers, max(map(len, head[place].split()))
        grid.add_column(
            head[place],
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=place == 0 or (right and place > 2),
            min_width=least,
        )
    for row in measured(rows):
        words, style = cells(bench, row, rows), "dim" if row.ablation_of else ""
        grid.add_row(*(words[place] for place in shown), style=style)
    console.print(grid)
    if narrow:
        for row in measured(rows):
            name, title, *_ = cells(bench, row, rows)
            echo(fitted(f"{name}: {title}", 2))
        echo()
    for line in explanation(bench, rows):
        console.print(line)
