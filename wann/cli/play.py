"""The command `wann play`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from wann.cli.options import examples, print_note, serving_options, trust_option, until_interrupted


@click.command(epilog=examples("wann play runs/swingup"))
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@trust_option
@serving_options
def play(champion_path: Path, port: int, no_browser: bool) -> None:
    """Let a champion play live in the browser.

    CHAMPION is a run folder or a champion file. Its environment runs on this machine, and the page shows it.
    The page has a slider for the shared weight, buttons for pause and reset, the seed and the speed, and
    records films. Ctrl-C ends the command.
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
