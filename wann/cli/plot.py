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

if TYPE_CHECKING:
    from wann.evaluation.placement import Placement


@click.command(epilog=examples("wann plot runs/swingup --out curves.svg"))
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="RUN/curves.png",
    help="Image file: .svg, .png or .pdf.",
)
@placement_options
@data_option
@trust_option
def plot(run_path: Path, out: Path | None, placement: Placement) -> None:
    """Plot the learning curves of a run.

    RUN is a run folder. The figure shows the learning curves, and the champion's return over the shared
    weight. For a data set it shows the accuracy on the test part over the shared weight, also class by
    class, and the reliability of an ensemble's confidence; where numbers are predicted, R² over the shared
    weight and the residuals.
    """
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
