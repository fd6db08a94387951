"""The command `wann race`."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wann.cli.options import data_option, placement_options, print_note
from wann.cli.tune import plan_options, tune_to_end

if TYPE_CHECKING:
    from wann.evaluation.placement import Placement


@click.command()
@click.argument("run_paths", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@plan_options("Evaluations of sets of weights, of each tuning of the last round.")
@click.option("--networks", type=click.IntRange(min=1), help="Of each RUN at most.  [default: all]")
@click.option(
    "--generations",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of offspring of the best, after the rounds.",
)
@data_option
@click.option("--out", type=click.Path(path_type=Path), help="A new folder.  [default: RUN/race]")
@placement_options
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object, print nothing else.")
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
    """Find the network of RUN that becomes the best when tuned.

    A good topology at shared weights need not be the best with weights of its own. The run's champion and
    the networks that it would evaluate next are all tuned with a sixteenth of the budget, the best quarter of
    them with a quarter, and the best quarter of these with the whole. Generations of offspring go further: 16
    children of the best four, mutated as in the search, inherit the tuned weights and are tuned on with an
    eighth of the budget, the best two of them again with a half. The best of all is kept. RUN may be several
    runs of one task, champion files, and earlier races, whose tuned weights are started from. Ctrl-C ends the
    race after saving, and 'wann resume FOLDER' goes on, with '--set generations=16' further than before.
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
