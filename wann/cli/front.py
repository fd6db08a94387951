"""The command `wann front`."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wann.cli.options import (
    data_option,
    echo,
    examples,
    fitted,
    json_option,
    placement_options,
    print_note,
    refuse_given,
    screen,
    size_of,
    table_words,
    trust_option,
)
from wann.utils.places import refuse_taken
from wann.utils.words import counted

if TYPE_CHECKING:
    from wann.evaluation.placement import Placement
    from wann.run.front import Front

_NARROW = 100  # columns of a terminal below which the table does without lines
_HEADS = {"mean": "mean", "best": "best weight", "worst": "worst weight"}


@click.command(epilog=examples("wann front runs/swingup", "wann front runs/swingup --pick knee"))
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--pick",
    "which",
    metavar="N|smallest|best|knee",
    help="Save one member: its number, smallest (fewest connections), best (largest mean) or knee (best "
    "compromise).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="RUN/front-N.json",
    help="Champion file for the saved member.",
)
@placement_options
@data_option
@json_option
@trust_option
def front(run_path: Path, which: str | None, out: Path | None, as_json: bool, placement: Placement) -> None:
    """List the Pareto front of a run, or save one of its networks.

    RUN is a run folder. Its front holds the networks of the last generation that no other one beats in every
    objective. A saved member is scored on fresh episodes, as the run's champions are.
    """
    from wann.run.front import load_front

    if which is None:
        refuse_given(("out", "threads", "workers", "address", "data"), "only --pick N computes and writes")
        found = load_front(run_path)
        if as_json:
            echo(json.dumps(_listed(run_path, found), allow_nan=False))
        else:
            _print_front(run_path, found)
        return
    _pick(run_path, int(which) if which.isdecimal() else which, out, as_json, placement)


def _listed(run_path: Path, front: Front) -> dict[str, Any]:
    """The front without its genomes, as plain numbers and words."""
    return {
        "run": os.fspath(run_path),
        "task": front.task,
        "generation": front.generation,
        "objectives": list(front.objectives),
        "members": [{"number": k, **member.values} for k, member in enumerate(front.members, 1)],
    }


def _print_front(run_path: Path, front: Front) -> None:
    from rich import box
    from rich.table import Table

    from wann.evolution.ranking import SIZES
    from wann.progress import shown_return
    from wann.run.front import PICKS
    from wann.settings import OBJECTIVES
    from wann.tasks.trust import trust_word

    console = screen()
    count = len(front.members)
    console.print(
        f"{front.task}: {counted(count, 'network')} of generation {front.generation} that none beats "
        f"in all of {', '.join(front.objectives)}"
    )
    words: dict[int, list[str]] = {position: [] for position in range(count)}
    for word in PICKS:
        words[front.position(word)].append(word)
    narrow = console.width < _NARROW
    # Without lines between them, all columns have room in 80.
    table = (
        Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False, show_edge=False)
        if narrow
        else Table()
    )
    table.add_column("", justify="right", no_wrap=True)
    names = (*front.objectives, *(name for name in OBJECTIVES if name not in front.objectives))
    for name in names:
        style, head = None if name in front.objectives else "dim", _HEADS.get(name, name)
        head = head.replace(" ", "\n") if narrow else head
        table.add_column(head, justify="right", style=style, min_width=max(map(len, head.split())))
    table.add_column("", min_width=max(map(len, PICKS)))
    for position, member in enumerate(front.members):
        cells = (
            f"{value:g}" if name in SIZES else shown_return(value)
            for name, value in ((name, member.values[name]) for name in names)
        )
        table.add_row(str(position + 1), *cells, ", ".join(words[position]))
    console.print(table)
    echo(f"Pick      wann front {shlex.quote(os.fspath(run_path))} --pick knee{trust_word(front.task, {})}")


def _pick(run_path: Path, which: int | str, out: Path | None, as_json: bool, placement: Placement) -> None:
    from wann.champion import save_champion
    from wann.progress import bar, shown_return
    from wann.run.confirming import pick
    from wann.tasks.registry import is_data_set
    from wann.tasks.trust import trust_word

    out = out or run_path / f"front-{which}.json"
    refuse_taken(out)
    with bar("Confirming") as progress:
        champion = pick(run_path, which, progress=progress, placement=placement, note=print_note)
    save_champion(champion, out)
    weight, best = champion.scores.best
    if as_json:
        summary = {
            "champion": os.fspath(out),
            "confirmed_mean": champion.scores.overall,
            "best_shared": {"weight": weight, "mean": best},
            "connections": champion.genome.connection_count,
        }
        echo(json.dumps(summary))
        return
    quoted, trust = shlex.quote(os.fspath(out)), trust_word(champion.task, champion.env_kwargs)
    told = table_words(champion.env_kwargs) if is_data_set(champion.task) else ""
    replay = "" if is_data_set(champion.task) else f"Replay    wann replay {quoted}{trust}\n"
    scores = fitted(
        f"          mean return {shown_return(champion.scores.overall)} over "
        f"{len(champion.scores.weights)} shared weights, {shown_return(best)} at weight {weight:g}; "
        f"{size_of(champion)}",
        10,
    )
    echo(
        f"Champion  {out}\n{scores}\n"
        f"Evaluate  wann evaluate {quoted}{trust}\n"
        f"{replay}"
        f"Draw      wann draw {quoted}\n"
        f"Search on wann search {shlex.quote(champion.task)}{told} --init-from {quoted}"
    )
