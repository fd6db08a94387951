"""The command `wann prune`."""

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
    refuse_existing,
    refuse_given,
    size_of,
    trust_option,
)
from wann.utils.places import companion

if TYPE_CHECKING:
    from wann.analysis.prune import Pruning
    from wann.champion import Weight
    from wann.evaluation.placement import Placement

_MOST_CONNECTIONS = 8  # that are listed
_MOST_WEIGHTS = 12  # that are listed one by one


def _parse_tolerance(_context: click.Context, _option: click.Parameter, text: str) -> float:
    try:
        return float(text.removesuffix("%")) * (0.01 if text.endswith("%") else 1.0)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither a share such as 1% nor a number such as 0.01"
        ) from None


@click.command(
    epilog=examples("wann prune runs/swingup", "wann prune runs/swingup/tuned.json --weight tuned")
)
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option(
    "--tolerance",
    callback=_parse_tolerance,
    default="1%",
    show_default=True,
    metavar="SHARE",
    help="Largest loss allowed, as a share of the score that the connections add to that with all weights 0.",
)
@click.option(
    "--weight",
    callback=parse_judged_weight,
    metavar="W|best|tuned",
    show_default="mean over the confirmed ones",
    help="Weight whose score is kept: a shared one, best or tuned.",
)
@click.option(
    "--episodes",
    type=click.IntRange(1, 10_000),
    metavar="N",
    show_default="20, or 5 stepped by Python",
    help="Episodes used to decide what to remove.",
)
@click.option(
    "--fresh",
    type=click.IntRange(1, 10_000),
    metavar="N",
    show_default="100, or 20 stepped by Python",
    help="Fresh episodes used to confirm the result.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of the episodes.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="RUN/pruned.json",
    help="Champion file for the smaller champion.",
)
@click.option(
    "--map",
    "map_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Champion file for a copy of CHAMPION with the importance of its connections.",
)
@placement_options
@data_option
@trust_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def prune(
    champion_path: Path,
    tolerance: float,
    weight: Weight | Literal["best"] | None,
    episodes: int | None,
    fresh: int | None,
    seed: int,
    out: Path | None,
    map_path: Path | None,
    as_json: bool,
    placement: Placement,
) -> None:
    """Remove the connections that a champion does not need.

    CHAMPION is a run folder or a champion file. The importance of a connection or hidden node is the score
    that the champion loses without it. Connections are removed as long as the score stays within the
    tolerance, which fresh episodes must confirm. For a data set, training samples decide and the validation
    part confirms. 'wann draw' colours the smaller champion by the importance of its connections.
    """
    from wann.analysis import prune as pruning
    from wann.champion import load_champion, save_champion
    from wann.progress import bar
    from wann.tasks.registry import is_data_set

    champion = load_champion(champion_path)
    refuse_data_folder(champion.task)
    if is_data_set(champion.task):
        refuse_given(("episodes", "fresh"), f"{champion.task} is a data set, which has no episodes")
    out = out or companion(champion_path, "pruned.json")
    refuse_existing(out)
    if map_path:
        refuse_existing(map_path, "--map")
        if map_path.absolute() == out.absolute():
            raise ValueError(f"--map and --out name the same file, {out}: choose two")
    with bar("Pruning") as progress:
        found = pruning.prune(
            champion,
            tolerance=tolerance,
            weight=judged_weight(champion, weight),
            episodes=pruning.PruningEpisodes(episodes, fresh, seed),
            placement=placement,
            progress=progress,
            note=print_note,
        )
    save_champion(found.champion, out)
    if map_path:
        save_champion(found.original, map_path)
    if as_json:
        echo(json.dumps({**found.to_dict(), "champion": str(out)}, allow_nan=False))
        return
    _print_pruning(found)
    for path in (out, map_path):
        if path:
            echo(f"Wrote {path}")


def _print_pruning(found: Pruning) -> None:
    from rich.table import Table

    from wann.analysis.prune import importance_table
    from wann.progress import shown_return
    from wann.utils.terminal import PlainConsole

    console = PlainConsole()
    console.print(f"{found.champion.task}: {size_of(found.original)} → {size_of(found.champion)}")
    if found.champion.genome.connection_count == found.original.genome.connection_count:
        console.print("nothing can go within the tolerance")
    table = Table()
    table.add_column("weights")
    for name in ("before", "after"):
        table.add_column(name, justify="right")

    def add(name: str, before: float, after: float) -> None:
        table.add_row(name, shown_return(before), shown_return(after))

    old, new = found.scores_before, found.champion.scores
    if new.weights.size <= _MOST_WEIGHTS:
        for weight, before, after in zip(new.weights, old.mean, new.mean, strict=True):
            add(f"shared {weight:g}", before, after)
    add(f"mean over {new.weights.size} shared weights", old.overall, new.overall)
    add("best of them", old.best[1], new.best[1])
    if found.tuned:
        add("individual, tuned", *found.tuned)
    table.add_section()
    judged = "mean over the shared ones" if found.weight is None else str(found.weight)
    add(f"judged: {judged}", found.before, found.after)
    if found.accuracy:
        table.add_row("accuracy on the test part, likewise", *(f"{share:.1%}" for share in found.accuracy))
    console.print(table)
    earned = found.before - found.nothing
    share = (found.before - found.after) / earned
    sign = "lost" if share >= 0.0 else "gained"
    console.print(
        f"{sign} {abs(share):.2%} of what the connections earn above {shown_return(found.nothing)}, "
        f"the score with all weights 0; {100.0 * found.tolerance:.4g}% may be lost",
        soft_wrap=True,
    )
    if found.tuned and found.weight != "tuned":
        console.print(
            "the tuned weights were not judged: --weight tuned prunes for them, and 'wann tune' tunes again",
            soft_wrap=True,
        )
    parts = Table()
    parts.add_column("most important")
    parts.add_column("score lost without", justify="right")
    rows = importance_table(found.champion)
    for row in rows[:_MOST_CONNECTIONS]:
        parts.add_row(f"{row['from']} → {row['to']}", shown_return(row["importance"]))
    if len(rows) > _MOST_CONNECTIONS:
        parts.add_row(f"{len(rows) - _MOST_CONNECTIONS} others", "")
    console.print(parts)
