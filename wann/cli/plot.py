"""The command `wann plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import (
    data_option,
    echo,
    examples,
    placement_options,
    print_note,
    refuse_data_folder,
    refuse_given,
    trust_option,
)
from wann.utils.words import counted

if TYPE_CHECKING:
    from wann.evaluation.placement import Placement


@click.command(
    epilog=examples(
        "wann plot runs/swingup --out curves.svg", "wann plot runs/ten runs/other --over evaluations"
    )
)
@click.argument("paths", metavar="RUN|FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="curves.png in the first RUN or FOLDER",
    help="Image file: .svg, .png or .pdf.",
)
@click.option(
    "--over",
    type=click.Choice(["generations", "evaluations", "seconds"]),
    default="generations",
    show_default=True,
    help="Horizontal axis of several runs: networks evaluated, or seconds of computing.",
)
@placement_options
@data_option
@trust_option
def plot(paths: tuple[Path, ...], out: Path | None, over: str, placement: Placement) -> None:
    """Plot the learning curves of one or more runs.

    RUN is a run folder. The figure shows the learning curves, and the champion's return over the shared
    weight. For a data set it shows the accuracy on the test part over the shared weight, also class by
    class, and the reliability of an ensemble's confidence; where numbers are predicted, R² over the shared
    weight and the residuals.

    Several runs, or a FOLDER of runs, are grouped by what differs beside the seed, stop rules included. The
    figure shows each group's median and quartiles, and every run's scores at the end.
    """
    if len(paths) > 1 or not (paths[0] / "config.toml").is_file():
        _plot_groups(paths, out, over)
    else:
        refuse_given(("over",), "a single run is drawn over its generations")
        _plot_run(paths[0], out, placement)


def _plot_groups(paths: tuple[Path, ...], out: Path | None, over: str) -> None:
    from wann.run.folder import RunFolder
    from wann.run.groups import group_runs
    from wann.run.listing import find_runs
    from wann.tasks.registry import score_name
    from wann.visualization.group_curves import Curves, plot_groups

    refuse_given(("threads", "workers", "address", "data"), "several runs are drawn from their metrics alone")
    runs = [RunFolder.open(path) for path in find_runs(paths)]
    tasks = sorted({run.settings.task for run in runs})
    if len(tasks) > 1:
        raise ValueError(f"runs of {' and '.join(tasks)} have no scores to compare: give runs of one task")
    presets = {run.settings.preset for run in runs}
    title = tasks[0] if len(presets) > 1 else f"{tasks[0]}, preset {presets.pop()}"
    groups = group_runs(runs)
    out = out or paths[0] / "curves.png"
    plot_groups(
        [Curves(group.name, [run.read_metrics() for run in group.runs]) for group in groups],
        out,
        over=over,  # type: ignore[arg-type]  # click has checked it
        title=title,
        label=" or ".join(sorted({score_name(run.settings.task, run.settings.env_kwargs) for run in runs})),
    )
    echo(f"Wrote {out}: {counted(len(runs), 'run')} in {counted(len(groups), 'group')}")


def _plot_run(run_path: Path, out: Path | None, placement: Placement) -> None:
    import numpy as np

    from wann.analysis import classifier as accuracy
    from wann.analysis import scorecard
    from wann.champion import load_champion
    from wann.progress import bar
    from wann.run.folder import RunFolder
    from wann.tasks.registry import is_data_set
    from wann.tasks.tables import predicts_numbers
    from wann.visualization.curves import Profile, plot_classifier, plot_run

    folder = RunFolder.open(run_path)
    out = out or run_path / "curves.png"
    champion, settings = load_champion(run_path), folder.settings
    refuse_data_folder(champion.task)
    title = f"{settings.task}, preset {settings.preset}, seed {settings.seed}"
    if predicts_numbers(champion.task, champion.env_kwargs):
        from wann.analysis.regressor import answers_on_test, evaluate_regressor, r2_over_weights
        from wann.visualization.residuals import plot_regressor

        refuse_given(("workers", "address"), f"{champion.task} is a data set, which is scored at once")
        found = evaluate_regressor(champion)
        grid = np.linspace(*found.weight_range, 80)
        best = found.best_shared.weight or 0.0
        plot_regressor(
            folder.read_metrics(),
            Profile(grid, r2_over_weights(champion, grid), np.zeros(grid.size)),
            answers_on_test(champion, best),
            out,
            target=found.target,
            title=title,
        )
    elif is_data_set(champion.task):
        refuse_given(("workers", "address"), f"{champion.task} is a data set, which is scored at once")
        card = accuracy.evaluate_classifier(champion)
        plot_classifier(folder.read_metrics(), accuracy.sweep(champion), card, out, title=title)
    else:
        with bar("Evaluating") as progress:
            weights, returns = scorecard.profile(
                champion, placement=placement, progress=progress, note=print_note
            )
        profile = Profile(weights, returns.mean(axis=1), returns.std(axis=1))
        plot_run(folder.read_metrics(), profile, out, title=title)
    echo(f"Wrote {out}")
