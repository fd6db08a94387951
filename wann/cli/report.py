"""The command `wann report`."""

from __future__ import annotations

from pathlib import Path

import click

from wann.cli.options import (
    data_option,
    echo,
    examples,
    is_folder_of_runs,
    refuse_data_folder,
    refuse_given,
    trust_option,
)


@click.command(
    epilog=examples(
        "wann report runs/swingup", "wann report runs/swingup --out champion.html", "wann report runs/ten"
    )
)
@click.argument("run_path", metavar="RUN|FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="report.html in RUN or FOLDER",
    help="Page to write, an .html file.",
)
@data_option
@trust_option
def report(run_path: Path, out: Path | None) -> None:
    """Make one self-contained HTML page of a run or of several.

    RUN is a run folder, or the file of a champion or of a fitted estimator, whose page shows it alone. The
    page opens from disk, without an internet connection. It shows the champion at work, with a slider for the
    shared weight: swingup is computed live, other environments are short films, and classifiers have a pad to
    draw on. It also shows the return over the weight, the network, the Pareto front, the development, the
    learning curves, and the commands that reproduce them.

    FOLDER is a folder of runs. Its page shows their states, the learning curves of groups that differ in more
    than the seed, the best network of each group, and every run's scores.
    """
    from wann.utils.files import atomic_path
    from wann.utils.places import companion

    out = out or companion(run_path, "report.html", "_report.html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{out}: a page's name must end in .html")
    text = _page_of_runs(run_path) if is_folder_of_runs(run_path) else _page_of_run(run_path)
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    echo(f"Wrote {out}")


def _page_of_run(run_path: Path) -> str:
    from wann.champion import load_champion
    from wann.pages.render import render
    from wann.pages.report import champion_data, page_data
    from wann.progress import bar
    from wann.run.folder import RunFolder

    alone = run_path.is_file()
    refuse_data_folder(load_champion(run_path).task if alone else RunFolder.open(run_path).settings.task)
    with bar("Making the page") as progress:
        data = champion_data(run_path) if alone else page_data(run_path, progress=progress)
    if not data["networks"]:
        raise ValueError(f"{run_path} has no champion yet: it holds no champion.json")
    return render(data)


def _page_of_runs(folder: Path) -> str:
    from wann.pages.many_runs import runs_data
    from wann.pages.render import render_runs

    refuse_given(("data",), "a page of several runs computes nothing")
    return render_runs(runs_data(folder))
