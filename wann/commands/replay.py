"""The command `wann replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.commands.common import (
    parse_weight,
)

if TYPE_CHECKING:
    from wann.champion import Weight


@click.command()
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option(
    "--weight", callback=parse_weight, metavar="W", help='Shared weight, or "tuned"; the best one by default.'
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the episode.")
@click.option("--out", type=click.Path(path_type=Path), help="A .gif or .mp4 file; a window by default.")
def replay(champion_path: Path, weight: Weight | None, seed: int, out: Path | None) -> None:
    """Watch CHAMPION play, in a window or as a film."""
    from wann.champion import load_champion
    from wann.live import bar
    from wann.replay import record_episode, show_episode
    from wann.tasks import is_data_set

    champion = load_champion(champion_path)
    if is_data_set(champion.task):
        raise ValueError(f"{champion.task} is a data set: there is nothing to replay")
    weight = champion.best_weight if weight is None else weight
    if out is None:
        episode = show_episode(champion, weight, seed)
    else:
        with bar("Recording") as progress:
            episode = record_episode(champion, weight, seed, out, progress=progress)
        click.echo(f"Wrote {out}")
    at = "the tuned weights" if weight == "tuned" else f"weight {weight:g}"
    click.echo(f"Return {episode.total:.1f} in {episode.steps} steps at {at}, seed {seed}")
