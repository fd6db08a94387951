"""The command `wann watch`."""

from __future__ import annotations

from pathlib import Path

import click

from wann.cli.options import (
    data_option,
    examples,
    is_folder_of_runs,
    print_note,
    serving_options,
    trust_option,
    until_interrupted,
)


@click.command(epilog=examples("wann watch runs/swingup", "wann watch runs"))
@click.argument("run_path", metavar="RUN|FOLDER", type=click.Path(path_type=Path))
@serving_options
@data_option
@trust_option
def watch(run_path: Path, port: int, no_browser: bool) -> None:
    """Follow running searches on a live page in the browser.

    RUN is a run folder. The page is that of 'wann report', and follows the run: the champion at work, the
    Pareto front, the learning curves. The command only reads the folder, so the search may run on another
    machine that writes to it. Ctrl-C ends the page, not the search.

    FOLDER is a folder of runs. Its page tells those that are running, finished, stopped and failed apart, and
    shows the learning curves and scores of all.
    """
    from wann.progress import starting

    if is_folder_of_runs(run_path):
        with starting(quiet=False):
            from wann.pages.many_runs import RunsWatcher, runs_routes
            from wann.pages.server import serving

        with serving(runs_routes(RunsWatcher(run_path)), port) as address:
            until_interrupted(f"Watching the runs in {run_path}", address, no_browser=no_browser)
        return
    with starting(quiet=False):
        from wann.pages.server import serving
        from wann.pages.watch import Watcher, watch_routes

    with Watcher(run_path, print_note) as watcher, serving(watch_routes(watcher), port) as address:
        until_interrupted(f"Watching {run_path}", address, no_browser=no_browser)
