"""The command `wann tune`, and how a tuning is shown."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wann.cli.options import (
    INTERRUPTED,
    data_option,
    echo,
    env_kwargs_option,
    examples,
    json_option,
    parse_weight,
    placement_options,
    print_note,
    trust_option,
)
from wann.utils.places import companion

if TYPE_CHECKING:
    from wann.champion import Weight
    from wann.evaluation.placement import Placement
    from wann.tuning.session import Tuned


_GENERATIONS_SHOWN = 8  # of a race's


def plan_options(budget: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options of the plan of a tuning; `wann tune` and `wann race` share them.

    Args:
        budget: help of the option `--budget`.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(
            (
                click.option(
                    "--method",
                    default="cma",
                    show_default=True,
                    metavar="cma|pepg|random|adam",
                    help="Method: CMA-ES, policy gradients, random search or, on data sets only, Adam.",
                ),
                click.option(
                    "--budget",
                    type=click.IntRange(min=1),
                    metavar="N",
                    show_default="20000",
                    help=budget,
                ),
                click.option(
                    "--population",
                    type=click.IntRange(min=4),
                    metavar="N",
                    show_default="64",
                    help="Candidates per generation of the method; each is one set of weights.",
                ),
                click.option(
                    "--episodes",
                    type=click.IntRange(min=1),
                    metavar="N",
                    show_default="64",
                    help="Episodes per evaluation in the last stage; the first stage uses a sixteenth.",
                ),
                click.option(
                    "--max-steps",
                    type=click.IntRange(min=1),
                    metavar="N",
                    show_default="whole episodes",
                    help="Score candidates on the first N steps only; the final choice uses whole episodes.",
                ),
                click.option(
                    "--sigma",
                    type=float,
                    metavar="X",
                    show_default="0.1",
                    help="Standard deviation of the first candidates around the start weights.",
                ),
                click.option(
                    "--seed",
                    type=click.IntRange(min=0),
                    metavar="N",
                    show_default="0",
                    help="Seed of the tuning.",
                ),
            )
        ):
            command = option(command)
        return command

    return decorate


@click.command(
    epilog=examples(
        "wann tune runs/swingup",
        "wann tune runs/swingup --budget 200000 --max-steps 400 --out runs/tuned.json",
    )
)
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@plan_options("Evaluations; each scores one set of weights.")
@click.option(
    "--weight",
    callback=parse_weight,
    metavar="W|tuned",
    show_default="the best one",
    help="Shared weight to start from, or tuned for the champion's tuned weights.",
)
@click.option(
    "--freeze",
    multiple=True,
    metavar="PART",
    help="Part of the network that keeps its start weights: inputs, hidden, outputs or layer:K; repeat for "
    "more.",
)
@click.option("--task", metavar="TASK", help="Task to tune for instead, with as many inputs and outputs.")
@env_kwargs_option
@data_option
@trust_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="RUN/tuned.json",
    help="Champion file to write.",
)
@placement_options
@click.option("--quiet", is_flag=True, help="No progress output.")
@json_option
def tune(
    champion_path: Path,
    task: str | None,
    env_kwargs: dict[str, Any] | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    freeze: tuple[str, ...],
    weight: Weight | None,
    method: str,
    budget: int | None,
    population: int | None,
    episodes: int | None,
    max_steps: int | None,
    sigma: float | None,
    seed: int | None,
    placement: Placement,
) -> int:
    """Tune the individual weights of a champion.

    CHAMPION is a run folder or a champion file. Every method starts at the best shared weight and has the
    same budget of evaluations. One evaluation scores one set of weights on some episodes, or on some batches
    of training samples; a gradient step counts as three. Each of five stages doubles the episodes; later ones
    reuse the hardest.

    \b
    PART of --freeze
    inputs   connections out of the inputs and the bias
    hidden   connections into hidden nodes
    outputs  connections into outputs
    layer:K  connections into nodes of layer K

    Ctrl-C saves and ends the tuning. 'wann resume FILE' continues it, also with a larger
    budget.
    """
    from wann.progress import starting

    with starting(quiet or as_json):
        from wann.champion import load_champion
        from wann.tuning.tune import tune as start_tuning

    champion = load_champion(champion_path)
    if env_kwargs is not None and task is None:
        raise ValueError("--env-kwargs are of another task: name it with --task")
    out = out or companion(champion_path, "tuned.json")
    given: dict[str, Any] = {
        "budget": budget,
        "population": population,
        "episodes": episodes,
        "max_steps": max_steps,
        "sigma": sigma,
        "seed": seed,
        "weight": weight,
    }
    plan = {name: value for name, value in given.items() if value is not None}
    start = partial(
        start_tuning,
        champion,
        out,
        task=task,
        env_kwargs=env_kwargs,
        method=method,
        placement=placement,
        freeze=freeze,
        **plan,
    )
    return tune_to_end(start, quiet=quiet, as_json=as_json)


def tune_to_end(start: Callable[..., Tuned], *, quiet: bool, as_json: bool) -> int:
    """Run a tuning or a race, show its progress and say what came of it; gives the exit code."""
    from wann.progress import tuning_view
    from wann.tuning.session import TuningInterrupted

    try:
        with tuning_view(quiet or as_json) as observer:
            tuned = start(observer=observer, note=print_note)
    except TuningInterrupted as interrupted:
        tuned = interrupted.tuned
    path = os.fspath(tuned.path or "")
    progress, champion = tuned.progress, tuned.champion
    if champion is None:
        text = f"Stopped after {progress.done} of {progress.budget} evaluations, saved."
        echo(f"{text} Go on: wann resume {shlex.quote(path)}", err=as_json)
    if as_json:
        summary = {
            "champion": path if champion else None,
            "evaluations": progress.done,
            "seconds": round(progress.seconds, 3),
            "tuning": dict(champion.tuning) if champion else None,
        }
        echo(json.dumps(summary))
    elif champion:
        _report(tuned)
    return 0 if champion else INTERRUPTED


def _report(tuned: Tuned) -> None:
    from wann.tasks.registry import is_data_set
    from wann.tasks.trust import trust_word

    champion = tuned.champion
    assert champion is not None  # noqa: S101 - the caller's
    tuning, path = champion.tuning, shlex.quote(os.fspath(tuned.path or ""))
    before, after = (_score(tuning[name]) for name in ("before", "after"))
    trust = trust_word(champion.task, champion.env_kwargs)
    start, seconds = tuning["start_weight"], tuned.progress.seconds
    count, label = tuning["evaluations"], "Before"
    if "race" in tuning:
        count = _report_race(tuning["race"])
        label = "Inherited" if "generation" in tuning["race"] else label
    echo(
        f"{tuning['method']}: {count} evaluations in {seconds:.0f} s\n"
        f"{label:9} {before} ({'tuned weights' if start == 'tuned' else f'shared weight {start:g}'})\n"
        f"After     {after} ({tuning['scored_on']})\n"
        f"Champion  {tuned.path}\n"
        f"Evaluate  wann evaluate {path}"
    )
    if tuning["before"] == tuning["after"] and label == "Before":
        whole = "" if tuning["max_steps"] is None else "whole episodes (no --max-steps), "
        echo(f"Nothing better than the start was found: try {whole}a larger --budget, or another --seed")
    if not is_data_set(champion.task):
        echo(f"Replay    wann replay {path}{trust} --weight tuned")
    if "race" not in tuning:
        echo(f"Longer    wann resume {path}{trust} --set budget={2 * tuning['budget']}")
        return
    echo(f"Draw      wann draw {path}\nPrune     wann prune {path}{trust} --weight tuned")
    folder, more = shlex.quote(os.path.dirname(tuned.path or "")), len(tuning["race"]["generations"]) + 8
    echo(f"Offspring wann resume {folder}{trust} --set generations={more}")


def _score(row: dict[str, float]) -> str:
    if "accuracy" in row:
        return f"{row['accuracy']:.2%} right, cross-entropy {-row['mean']:.3f}"
    if "r2" in row:
        return f"R² {row['r2']:.3f}, mean square error (scaled) {-row['mean']:.3f}"
    from wann.progress import shown_return

    mean = shown_return(row["mean"])
    digits = len(mean.partition(".")[2])  # as many for both
    return f"{mean} ± {row['std']:.{digits}f}" if "std" in row else mean


def _report_race(race: dict[str, Any]) -> int:
    """Show what the rounds and generations of a race came to; gives the evaluations of all."""
    from rich.table import Table

    from wann.progress import shown_return
    from wann.utils.terminal import PlainConsole

    table = Table(caption="best, median, champion: on the episodes that weights were chosen by")
    for name in ("round", "networks", "evaluations each", "best", "median", "run's champion"):
        table.add_column(name, justify="right")
    rows = [(str(number), row) for number, row in enumerate(race["rounds"], 1)]
    for number, row in enumerate(race["generations"], 1):
        rows += [(f"generation {number}", row), ("longer", row["longer"])]
    count = sum(int(row["networks"] * row["evaluations"]) for _, row in rows)
    skipped = slice(len(race["rounds"]), -2 * _GENERATIONS_SHOWN)
    if rows[skipped]:
        rows[skipped] = [("...", {})]
    for name, row in rows:
        counts = (f"{row[name]:,}" for name in ("networks", "evaluations") if row)
        returns = (
            "" if row[score] is None else shown_return(row[score])
            for score in ("best", "median", "champion")
            if row
        )
        table.add_row(name, *counts, *returns)
    PlainConsole().print(table)
    child = f", a child of generation {race['generation']}" if "generation" in race else ""
    echo(f"{race['file']} won{child}.")
    return count
