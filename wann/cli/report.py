"""The command `wann report`."""

from __future__ import annotations

from pathlib import Path

import click

from wann.cli.options import data_option, echo, examples, refuse_data_folder, trust_option


@click.command(epilog=examples("wann report runs/swingup", "wann report runs/swingup --out champion.html"))
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="RUN/report.html",
    help="Page to write, an .html file.",
)
@data_option
@trust_option
def report(run_path: Path, out: Path | None) -> None:
    """Make one self-contained HTML page of a run.

    RUN is a run folder, or the file of a champion or of a fitted estimator, whose page shows it alone. The
    page opens from disk, without an internet connection. It shows the champion at work, with a slider for the
    shared weight: swingup is computed live, other environments are short films, and classifiers have a pad to
    draw on. It also shows the return over the weight, the network, the Pareto front, the development, the
    learning curves, and the commands that reproduce them.
    """
    from wann.champion import load_champion
    from wann.pages.render import render
    from wann.pages.report import champion_data, page_data
    from wann.progress import bar
    from wann.run.folder import RunFolder
    from wann.utils.files import atomic_path
    from wann.utils.places import companion

    alone = run_path.is_file()
    task = load_champion(run_path).task if alone else RunFolder.open(run_path).settings.task
    refuse_data_folder(task)
    out = out or companion(run_path, "report.html", "_report.html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{out}: a page's name must end in .html")
    with bar("Making the page") as progress:
        data = champion_data(run_path) if alone else page_data(run_path, progress=progress)
    if not data["networks"]:
        raise ValueError(f"{run_path} has no champion yet: it holds no champion.json")
    with atomic_path(out) as temporary:
        temporary.write_text(render(data), encoding="utf-8")
    echo(f"Wrote {out}")
