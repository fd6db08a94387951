"""The command `wann replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import echo, examples, parse_weight, refuse_given, theme_option, trust_option

if TYPE_CHECKING:
    from wann.champion import Weight


def _parse_weights(
    context: click.Context, option: click.Parameter, text: str | None
) -> tuple[Weight, ...] | None:
    if text is None:
        return None
    weights = (parse_weight(context, option, part.strip()) for part in text.split(","))
    return tuple(weight for weight in weights if weight is not None)


@click.command(
    epilog=examples(
        "wann replay runs/swingup",
        "wann replay runs/swingup --with-network --weight=-1,0.5,2 --out film.mp4",
    )
)
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option(
    "--weight",
    "weights",
    callback=_parse_weights,
    metavar="W,W|tuned",
    show_default="the best one",
    help="Shared weight, or tuned for the individual ones; several, such as -1,0.5,2, play side by side.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of the episode.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="the whole episode",
    help="Steps after which the episode is cut off.",
)
@click.option(
    "--with-network", is_flag=True, help="Show the network beside the episode, lit by its activations."
)
@trust_option
@theme_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    show_default="a window",
    help="Film, a .gif or .mp4 file, or a folder for PNG files.",
)
def replay(
    champion_path: Path,
    weights: tuple[Weight, ...] | None,
    seed: int,
    steps: int | None,
    with_network: bool,
    theme: str,
    out: Path | None,
) -> None:
    """Watch a champion play, in a window or as a film.

    CHAMPION is a run folder or a champion file. One episode is played for each weight.
    """
    from wann.champion import load_champion
    from wann.progress import bar
    from wann.tasks.registry import is_data_set
    from wann.visualization.replay import Scene, record_episodes, show_episode, show_episodes
    from wann.visualization.theme import THEMES

    champion = load_champion(champion_path)
    if is_data_set(champion.task):
        raise ValueError(f"{champion.task} is a data set: there is nothing to replay")
    weights = weights or (champion.best_weight,)
    scene = Scene(champion, weights, seed, steps, network=with_network, theme=THEMES[theme])
    if out is not None:
        with bar("Recording") as progress:
            episodes = record_episodes(scene, out, progress=progress)
        echo(f"Wrote {out}, {episodes[0].frames:,} frames")
    elif with_network or len(weights) > 1:
        episodes = show_episodes(scene)
    else:
        refuse_given(("theme",), "a window shows the environment as it draws itself")
        episodes = [show_episode(champion, weights[0], seed, max_steps=steps)]
    for weight, episode in zip(weights, episodes, strict=True):
        at = "the tuned weights" if weight == "tuned" else f"weight {weight:g}"
        echo(f"Return {episode.total:.1f} in {episode.steps} steps at {at}, seed {seed}")
