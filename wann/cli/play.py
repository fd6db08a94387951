"""The command `wann play`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from wann.cli.options import print_note, serving_options, until_interrupted


@click.command()
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@serving_options
def play(champion_path: Path, port: int, no_browser: bool) -> None:
    """Let CHAMPION play live in the browser.

    Its own environment runs here, and a page shows it: with a slider for the weight, pause, reset, seed,
    speed, and a film of what was shown. Ctrl-C ends it.
    """
    from wann.progress import starting

    with ExitStack() as stack:
        with starting(quiet=False):
            from wann.champion import load_champion
            from wann.pages.play import play_routes
            from wann.pages.player import Player
            from wann.pages.server import serving

            champion = load_champion(champion_path)
            player = stack.enter_context(Player(champion, print_note))
        address = stack.enter_context(serving(play_routes(player), port))
        until_interrupted(f"Playing {champion.task}", address, no_browser=no_browser)
