"""The command `wann race`."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wann.cli.options import data_option, examples, placement_options, print_note, trust_option
from wann.cli.tune import plan_options, tune_to_end

if TYPE_CHECKING:
    from wann.evaluation.placement import Placement


@click.command(
    epilog=examples(
        "wann race runs/swingup",
        "wann race runs/swingup --networks 48 --budget 6400 --generations 2",
    )
)
@click.argument("run_paths", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@plan_options("Evaluations per tuning in the last round; each scores one set of weights.")
@click.option(
    "--networks",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="all",
    help="Largest number of networks to take from each RUN.",
)
@click.option(
    "--generations",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Generations of offspring after the rounds.",
)
@data_option
@trust_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    show_default="RUN/race",
    help="New folder for the race; needed for several RUNs or a champion file.",
)
@placement_options
@click.option("--quiet", is_flag=True, help="No progress output.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
def race(
    run_paths: tuple[Path, ...],
    networks: int | None,
    generations: int,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    placement: Placement,
    **options: Any,
) -> int:
    """Find the network of a run that is best after tuning.

    The best topology at shared weights need not be the best with individual weights. A race tunes many
    networks by successive halving: the run's champion and the networks that the run would evaluate next.

    RUN: run folders, champion files or earlier races of one task; tuned weights are the start.

    \b
    Round 1     every network, with a sixteenth of the budget
    Round 2     the best quarter, with a quarter of the budget
    Round 3     the best quarter of these, with the whole budget
    Generation  16 children of the best four, with an eighth of the budget;
                then the best two of them, with half of the budget

    Up to four networks need only two rounds. Children are mutated as in the search and inherit the tuned
    weights. The best network of all is written to champion.json in the folder of the race.

    Ctrl-C saves and ends the race. 'wann resume FOLDER' continues it, also for
    more generations of offspring.
    """
    from wann.progress import bar, starting

    with starting(quiet or as_json):
        from wann.tuning.race import check_new
        from wann.tuning.race import race as start_race
        from wann.tuning.race_entrants import entrants_of

    if out is None:
        if len(run_paths) > 1 or run_paths[0].is_file():
            raise ValueError(
                "a race of several runs, or of a champion file, needs a place: name it with --out"
            )
        out = run_paths[0] / "race"
    check_new(out)
    with nullcontext() if quiet or as_json else bar("Confirming") as progress:
        entrants = entrants_of(
            run_paths, networks=networks, placement=placement, progress=progress, note=print_note
        )
    plan = {name: value for name, value in options.items() if value is not None}
    start = partial(start_race, entrants, out, placement=placement, generations=generations, **plan)
    return tune_to_end(start, quiet=quiet, as_json=as_json)
