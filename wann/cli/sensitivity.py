"""The command `wann sensitivity`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from wann.cli.options import (
    data_option,
    echo,
    examples,
    judged_weight,
    parse_judged_weight,
    placement_options,
    print_note,
    refuse_data_folder,
    refuse_given,
    refuse_no_folder,
    refuse_own,
    size_of,
    trust_option,
)
from wann.utils.places import companion

if TYPE_CHECKING:
    from wann.analysis.sensitivity import Sensitivity
    from wann.champion import Champion, Weight
    from wann.evaluation.placement import Placement

_MOST_FLIPS = 8  # connections that are listed


@click.command(
    epilog=examples("wann sensitivity runs/swingup", "wann sensitivity runs/swingup --weight tuned")
)
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option(
    "--weight",
    callback=parse_judged_weight,
    metavar="W|best|tuned",
    show_default="best",
    help="Weight to flip signs and add noise around: a shared one, best (the best confirmed one) or tuned.",
)
@click.option(
    "--episodes",
    type=click.IntRange(1, 10_000),
    metavar="N",
    show_default="50, or 5 stepped by Python",
    help="Episodes per set of weights.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of the episodes, the noise and the random weights.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="RUN/sensitivity.png",
    help="Image file: .svg, .png or .pdf.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table of the numbers: a .csv or .json file.",
)
@placement_options
@data_option
@trust_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def sensitivity(
    champion_path: Path,
    weight: Weight | Literal["best"] | None,
    episodes: int | None,
    seed: int,
    out: Path | None,
    table: Path | None,
    as_json: bool,
    placement: Placement,
) -> None:
    """Measure how a champion depends on its weights.

    CHAMPION is a run folder or a champion file. The figure shows its return over a fine sweep of the shared
    weight, with growing noise on every weight, with the sign of one connection flipped, and with individual
    random weights. For a classifier it shows the accuracy on the test part.

    Robustness to noise is one number from 0 to 1 (best): the share of the score above that with all weights
    0 that is left under noise, averaged over noise from 0 to 100% of each weight.
    """
    from wann.analysis.sensitivity import measure
    from wann.champion import load_champion
    from wann.progress import bar
    from wann.tasks.registry import is_data_set
    from wann.visualization.sensitivity_figure import plot_sensitivity
    from wann.visualization.theme import check_suffix

    champion = load_champion(champion_path)
    refuse_data_folder(champion.task)
    if is_data_set(champion.task):
        refuse_given(
            ("episodes", "workers", "address"),
            f"{champion.task} is a data set, scored on its whole test part",
        )
    out = out or companion(champion_path, "sensitivity.png")
    check_suffix(out)
    if table and table.suffix.lower() not in (".csv", ".json"):
        raise ValueError(f"{table}: a table's name must end in .csv or .json")
    if table:
        refuse_own(table, "--table")
    for path in (out, table):
        if path:
            refuse_no_folder(path)
    with bar("Measuring") as progress:
        found = measure(
            champion,
            weight=judged_weight(champion, weight),
            episodes=episodes,
            seed=seed,
            placement=placement,
            progress=progress,
            note=print_note,
        )
    plot_sensitivity(found, out, title=f"{champion.task}: {size_of(champion)}")
    if table:
        _write_table(found, table)
    if as_json:
        echo(json.dumps({**found.to_dict(), "figure": str(out)}, allow_nan=False))
        return
    _print_sensitivity(champion, found)
    for path in (out, table):
        if path:
            echo(f"Wrote {path}")


def _write_table(found: Sensitivity, path: Path) -> None:
    import csv

    from wann.utils.files import atomic_path

    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".json":
            temporary.write_text(json.dumps(found.to_dict(), allow_nan=False) + "\n", encoding="utf-8")
            return
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("kind", "what", "at", "mean", "std"))
            writer.writerows(found.rows())


def _print_sensitivity(champion: Champion, found: Sensitivity) -> None:
    import numpy as np
    from rich.table import Table

    from wann.progress import shown_return
    from wann.utils.terminal import PlainConsole

    def shown(value: float) -> str:
        return f"{value:.1%}" if found.measure == "accuracy" else shown_return(value)

    console = PlainConsole()
    of_each = (
        f"{found.episodes} test samples"
        if found.measure == "accuracy"
        else f"{found.episodes} episodes, seed {found.seed}"
    )
    console.print(f"{found.task}: {size_of(champion)}; {of_each}")
    base = "tuned weights" if found.weight == "tuned" else f"shared weight {found.weight:g}"
    best, height = found.best
    table = Table()
    table.add_column("weights")
    table.add_column(found.measure, justify="right")
    table.add_row(base, shown(found.score))
    for strength in (0.1, 0.2, 0.5, 1.0):
        row = found.noisy[int(np.argmin(np.abs(found.strengths - strength)))]
        table.add_row(f"the same with {strength:.0%} noise", f"{shown(row.mean())} ± {shown(row.std())}")
    table.add_row("all 0", shown(found.nothing))
    table.add_section()
    table.add_row("shared, over U(-2, 2)", shown(found.sweep_mean.mean()))
    table.add_row(f"best shared of the sweep ({best:g})", shown(height))
    table.add_row(
        "individual, random in U(-2, 2)", f"{shown(found.random.mean())} ± {shown(found.random.std())}"
    )
    console.print(table)
    flips = Table()
    flips.add_column("sign flipped")
    flips.add_column(f"{found.measure} lost", justify="right")
    for place in np.argsort(-np.abs(found.lost), kind="stable")[:_MOST_FLIPS]:
        _, source, target = found.connections[place]
        flips.add_row(f"{source} → {target}", shown(found.lost[place]))
    console.print(flips)
    console.print(
        f"robustness to noise {found.robustness:.2f} (1: noise costs nothing, 0: the least costs everything)"
    )
