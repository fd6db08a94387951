"""The command `wann evaluate`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import (
    data_option,
    echo,
    examples,
    fitted,
    json_option,
    parse_numbers,
    placement_options,
    print_note,
    refuse_data_folder,
    refuse_given,
    screen,
    size_of,
    trust_option,
)

if TYPE_CHECKING:
    from wann.analysis.classifier import Accuracy, ClassifierCard
    from wann.analysis.regressor import Fit, RegressorCard
    from wann.analysis.scorecard import Score, Scorecard
    from wann.champion import Champion
    from wann.evaluation.placement import Placement


@click.command(epilog=examples("wann evaluate runs/swingup", "wann evaluate runs/swingup --weights=-1,0.5,2"))
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option(
    "--episodes",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=100,
    show_default=True,
    help="Fresh episodes per set of weights.",
)
@click.option(
    "--weights",
    callback=parse_numbers,
    metavar="W,W",
    show_default="-2,-1,-0.5,0.5,1,2",
    help="Shared weights to score one by one; 0.1,0.3,0.5,0.7,0.9,1.1 where numbers are predicted.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of the episodes and the random weights.",
)
@placement_options
@data_option
@json_option
@trust_option
def evaluate(
    champion_path: Path,
    episodes: int,
    weights: tuple[float, ...] | None,
    seed: int,
    as_json: bool,
    placement: Placement,
) -> None:
    """Score a champion on fresh episodes, or on test data.

    CHAMPION is a run folder or a champion file. The table shows the mean return and its standard deviation at
    single shared weights, at random shared weights from -2 to 2, with individual random weights, at the best
    shared weight and, if there are any, with tuned weights. A classifier is scored on the test part of its
    data, class by class, and also as an ensemble over weights; a network that predicts numbers by R² and its
    errors.
    """
    from wann.analysis import scorecard
    from wann.analysis.classifier import ClassifierCard
    from wann.analysis.regressor import RegressorCard
    from wann.champion import load_champion
    from wann.progress import bar
    from wann.tasks.registry import is_data_set

    champion = load_champion(champion_path)
    refuse_data_folder(champion.task)
    if is_data_set(champion.task):
        refuse_given(
            ("episodes", "seed", "workers", "address"),
            f"{champion.task} is a data set, whose whole test part is scored once",
        )
    with bar("Evaluating") as progress:
        card = scorecard.evaluate(
            champion,
            episodes=episodes,
            weights=weights,
            seed=seed,
            progress=progress,
            note=print_note,
            **asdict(placement),
        )
    if as_json:
        echo(json.dumps(card.to_dict(), allow_nan=False))
        return
    if isinstance(card, ClassifierCard):
        _print_classifier(champion, card)
    elif isinstance(card, RegressorCard):
        _print_regressor(champion, card)
    else:
        _print_scorecard(champion, card)


_WIDE = 110  # columns of a terminal below which the classes have a table of their own


def _print_classifier(champion: Champion, card: ClassifierCard) -> None:
    from rich import box
    from rich.table import Table

    console = screen()
    console.print(f"{card.task}: {size_of(champion)}; {card.samples} test samples")
    narrow = console.width < _WIDE
    table = Table()
    for name in ("weights", "accuracy", *(() if narrow else card.classes)):
        table.add_column(name, justify="left" if name == "weights" else "right")
    of_classes = Table("weights", title="accuracy on each class", title_justify="left", box=box.SIMPLE_HEAD)
    for name in card.classes:
        of_classes.add_column(name, justify="right")
    for score, by_class in zip(card.per_weight, card.per_class, strict=True):
        percent = ["-" if share is None else f"{share:.0%}" for share in by_class]
        weight = f"shared {score.weight:g}"
        table.add_row(weight, f"{score.accuracy:.1%}", *(() if narrow else percent))
        of_classes.add_row(weight, *percent)
    table.add_section()
    rows: list[tuple[str, Accuracy | None]] = [
        ("shared, over U(-2, 2)", card.uniform_shared),
        (f"ensemble of these {len(card.per_weight)}, one vote each", card.ensemble),
        (f"ensemble of these {len(card.per_weight)}, mean probability", card.ensemble_mean),
        (
            f"ensemble of {len(card.ensemble_chosen.weights or ())}, chosen on validation",
            card.ensemble_chosen,
        ),
        (f"shared {card.best_shared.weight:g}, best on validation", card.best_shared),
        ("individual, tuned", card.tuned),
    ]
    for name, row in rows:
        if row:
            spread = f" ± {100.0 * row.std:.1f}" if row.std is not None else ""
            table.add_row(name, f"{row.accuracy:.1%}{spread}")
    console.print(table)
    if narrow:
        console.print(of_classes)
    console.print(
        f"confidence is off by {card.reliability_votes.error:.1%} where it is the share of votes, "
        f"by {card.reliability_mean.error:.1%} where it is the mean probability"
    )
    confusion = Table(title="what the ensemble says (columns) of each class (rows)", title_justify="left")
    for name in ("", *card.classes):
        confusion.add_column(name, justify="right")
    for name, counts in zip(card.classes, card.confusion, strict=True):
        confusion.add_row(name, *(str(count) if count else "." for count in counts))
    console.print(confusion)


def _print_regressor(champion: Champion, card: RegressorCard) -> None:
    from rich.table import Table

    console = screen()
    console.print(
        f"{card.task}: {size_of(champion)}; {card.samples} test samples of {card.target}, "
        f"standard deviation {card.spread:.4g}"
    )
    table = Table()
    for name in ("weights", "R²", "root mean square error", "mean absolute error"):
        table.add_column(name, justify="left" if name == "weights" else "right")
    low, high = card.weight_range
    rows: list[tuple[str, Fit | None]] = [
        *((f"shared {fit.weight:g}", fit) for fit in card.per_weight),
        (f"shared, over U({low:g}, {high:g})", card.uniform_shared),
        (f"ensemble of these {len(card.per_weight)}, mean", card.ensemble),
        (f"shared {card.best_shared.weight:g}, best on validation", card.best_shared),
        ("individual, tuned", card.tuned),
    ]
    for place, (name, fit) in enumerate(rows):
        if place == len(card.per_weight):
            table.add_section()
        if fit:
            spread = "" if fit.std is None else f" ± {fit.std:.3f}"
            table.add_row(name, f"{fit.r2:.3f}{spread}", f"{fit.rmse:.4g}", f"{fit.mae:.4g}")
    console.print(table)


def _print_scorecard(champion: Champion, card: Scorecard) -> None:
    from rich.table import Table

    from wann.utils.terminal import PlainConsole

    console = PlainConsole()
    console.print(f"{card.task}: {size_of(champion)}; {card.episodes} fresh episodes, seed {card.seed}")
    table = Table()
    table.add_column("weights")
    table.add_column("return", justify="right")

    def add(name: str, score: Score) -> None:
        table.add_row(name, f"{score.mean:.1f} ± {score.std:.1f}")

    for score in card.per_weight:
        add(f"shared {score.weight:g}", score)
    table.add_section()
    add("shared, over U(-2, 2)", card.uniform_shared)
    add("individual, random in U(-2, 2)", card.individual_random)
    add(f"best shared ({card.best_shared.weight:g})", card.best_shared)
    if card.tuned:
        add("individual, tuned", card.tuned)
    console.print(table)
    if card.achievement:
        console.print(
            fitted(f"At weight {card.achievement.weight:g} {card.achievement.words}."), soft_wrap=True
        )
