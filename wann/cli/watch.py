"""The command `wann watch`."""

from __future__ import annotations

from pathlib import Path

import click

from wann.cli.options import data_option, print_note, serving_options, until_interrupted


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@serving_options
@data_option
def watch(run_path: Path, port: int, no_browser: bool) -> None:
    """Watch RUN in the browser while it is searched.

    The page of 'wann report', which follows the run: its champion at work, its front, its curves. Only the
    run folder is read, so the search may run anywhere that writes to it. Ctrl-C ends the page only.
    """
    from wann.progress import starting

    with starting(quiet=False):
        from wann.pages.server import serving
        from wann.pages.watch import Watcher, watch_routes

    with Watcher(run_path, print_note) as watcher, serving(watch_routes(watcher), port) as address:
        until_interrupted(f"Watching {run_path}", address, no_browser=no_browser)
