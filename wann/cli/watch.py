"""The command `wann watch`."""

from __future__ import annotations

from pathlib import Path

import click

from wann.cli.options import (
    data_option,
    examples,
    print_note,
    serving_options,
    trust_option,
    until_interrupted,
)


@click.command(epilog=examples("wann watch runs/swingup"))
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@serving_options
@data_option
@trust_option
def watch(run_path: Path, port: int, no_browser: bool) -> None:
    """Follow a running search on a live page in the browser.

    RUN is a run folder. The page is that of 'wann report', and follows the run: the champion at work, the
    Pareto front, the learning curves. The command only reads the folder, so the search may run on another
    machine that writes to it. Ctrl-C ends the page, not the search.
    """
    from wann.progress import starting

    with starting(quiet=False):
        from wann.pages.server import serving
        from wann.pages.watch import Watcher, watch_routes

    with Watcher(run_path, print_note) as watcher, serving(watch_routes(watcher), port) as address:
        until_interrupted(f"Watching {run_path}", address, no_browser=no_browser)
