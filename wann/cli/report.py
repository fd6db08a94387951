"""The command `wann report`."""

from __future__ import annotations

from pathlib import Path

import click

from wann.cli.options import data_option, refuse_data_folder


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="An .html file; RUN/report.html by default.")
@data_option
def report(run_path: Path, out: Path | None) -> None:
    """Make one page of RUN to look at and to share: a file that needs no network.

    The champion at work at any weight, on a slider: the swing-up computed live, other environments as short
    films, and for classifiers a pad to draw on. Beside it the return over the weight, the network to explore,
    the Pareto front, the development and the learning curves, and the commands that do it all again.
    """
    from wann.pages.render import render
    from wann.pages.report import page_data
    from wann.progress import bar
    from wann.run.folder import RunFolder
    from wann.utils.files import atomic_path

    folder = RunFolder.open(run_path)
    refuse_data_folder(folder.settings.task)
    out = out or run_path / "report.html"
    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{out}: a page's name must end in .html")
    with bar("Making the page") as progress:
        data = page_data(run_path, progress=progress)
    if not data["networks"]:
        raise ValueError(f"{run_path} has no champion yet: it holds no champion.json")
    with atomic_path(out) as temporary:
        temporary.write_text(render(data), encoding="utf-8")
    click.echo(f"Wrote {out}")
