"""Search Gymnasium's tasks with some seeds each, tabulate what the champions score, and draw their curves.

    .venv/bin/python experiments/gymnasium/study.py [--tasks CartPole-v1 ...] [--seeds 1 2 ...]
    .venv/bin/python experiments/gymnasium/study.py --add runs/biped-hour --workers 2

Runs land in `runs/study-gymnasium/`; one that is there is gone on with, and not repeated. After each run its
figures go to `results.json` beside this file, each task's best champion to `champion-<task>.json`, and the
curves of all runs in the results to `curves.png`; the table goes to standard output at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import mannwhitneyu

import wann
from wann.run.folder import RunFolder, is_run
from wann.settings_file import read_settings_file
from wann.visualization.theme import LIGHT, figure_style, quiet_frame, save_figure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(HERE.parent))

from studies import Row, keep_champion, key_of, score, write_rows  # noqa: E402

RUNS = ROOT / "runs" / "study-gymnasium"
RESULTS = HERE / "results.json"


@dataclass(frozen=True)
class Plan:
    """How a task is studied."""

    starts: tuple[str, ...] = ("lexicase", "stratified")  # presets, or settings files beside this script
    seeds: tuple[int, ...] = tuple(range(1, 11))
    episodes: int = 100  # fresh ones for the champion, for every weight


PLANS = {
    "CartPole-v1": Plan(("lexicase", "paper", "stratified"), seeds=(1, 2, 3, 4, 5)),
    "MountainCar-v0": Plan(),
    "MountainCarContinuous-v0": Plan(),
    "Acrobot-v1": Plan(),
    "Pendulum-v1": Plan(),
    "LunarLander-v3": Plan(("lunarlander.toml",), seeds=(1, 2, 3)),
    "BipedalWalker-v3": Plan(("bipedalwalker.toml",), seeds=(1, 2)),
}
LONG = ("BipedalWalker-v3",)  # six hours a seed: only where it is asked for

COLUMNS = {
    "confirmed mean": "confirmed_mean",
    "six weights": "paper_weights",
    "U(-2, 2)": "uniform_shared",
    "best shared": "best_shared",
    "individual random": "individual_random",
    "connections": "connections",
    "processor": "processor",
}

CURVES = (
    ("champion_best_weight", "the same champion at its best single weight", LIGHT.mark, 1.0),
    ("champion_mean", "champion, confirmed mean over the weights", LIGHT.input, 1.6),
)
PANELS_ACROSS = 3
PANEL = (3.5, 2.5)  # inches


def search(
    task: str, start: str, seed: int, threads: int | None, workers: int | None
) -> tuple[Path, float | None]:
    """The folder of a finished run, and its processor time (s) where all of it was spent in threads here."""
    settings = {"preset": start}
    if start.endswith(".toml"):
        settings, _ = read_settings_file(HERE / start)
    settings = {**settings, "seed": seed}
    path = RUNS / f"{task}-{settings['preset']}-{seed}"
    whole = not is_run(path) and threads is not None
    begun = time.process_time()
    wann.search(task, out=path, go_on=True, threads=threads, workers=workers, **settings)
    return path, time.process_time() - begun if whole else None


def add(
    rows: list[Row], path: Path, processor: float | None, threads: int | None, workers: int | None
) -> None:
    """Score a run, unless it has not gone on since it was, and put it among the rows."""
    folder = RunFolder.open(path)
    settings = folder.settings
    checkpoint, _ = folder.load_checkpoint()
    known = [row for row in rows if key_of(row) == key_of(settings.model_dump())]
    if known and checkpoint and known[0]["steps"] == checkpoint.totals.steps:
        return
    row = score(path, episodes=PLANS.get(settings.task, Plan()).episodes, threads=threads, workers=workers)
    row |= {"processor": processor, "run": Path(os.path.relpath(path, ROOT)).as_posix()}
    rows[:] = sorted([row, *(row for row in rows if row not in known)], key=_place)
    print(json.dumps(row), flush=True)
    write_rows(rows, RESULTS)
    best = max((r for r in rows if r["task"] == row["task"]), key=lambda r: r["uniform_shared"])
    if best is row:
        keep_champion(path, HERE / f"champion-{row['task']}.json")
    plot(rows, HERE / "curves.png")


def _place(row: Row) -> tuple[int, str, str, int]:
    """Where a row stands: tasks as planned, others after them."""
    order = list(PLANS)
    return order.index(row["task"]) if row["task"] in order else len(order), *key_of(row)


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown: of each task and preset the median over the seeds, with the worst and the best.

    Where a task was searched with the presets `lexicase` and `stratified`, the last column is the chance of
    ranks over U(-2, 2) as different as theirs, were both the same (Mann-Whitney, two-sided).
    """
    head = ("task", "preset", "seeds", *COLUMNS, "rank test")
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for task, preset in dict.fromkeys((row["task"], row["preset"]) for row in rows):
        mine = [row for row in rows if (row["task"], row["preset"]) == (task, preset)]
        figures = [_spread([row[name] for row in mine]) for name in COLUMNS.values()]
        old = [r["uniform_shared"] for r in rows if (r["task"], r["preset"]) == (task, "stratified")]
        new = [row["uniform_shared"] for row in mine]
        tested = f"{mannwhitneyu(new, old).pvalue:.2g}" if preset == "lexicase" and old else ""
        lines.append(f"| {task} | {preset} | {len(mine)} | {' | '.join(figures)} | {tested} |")
    return "\n".join(lines)


def _spread(values: Sequence[float | None]) -> str:
    """Median, and the least and the largest value where there are several."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    middle = _short(statistics.median(known))
    return middle if len(known) == 1 else f"{middle} ({_short(min(known))} to {_short(max(known))})"


def _short(value: float) -> str:
    if isinstance(value, int) or abs(value) >= 100.0:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10.0 else f"{value:.1f}"


def plot(rows: Sequence[Row], path: Path) -> None:
    """Curves, the runs of a task and preset in one panel; a run whose folder is not here is left out."""
    panels: dict[tuple[str, str], list[Path]] = {}
    for row in rows:
        if is_run(ROOT / row["run"]):
            panels.setdefault((row["task"], row["preset"]), []).append(ROOT / row["run"])
    if not panels:
        return
    down = -(-len(panels) // PANELS_ACROSS)
    size = (PANEL[0] * PANELS_ACROSS, PANEL[1] * down + 0.4)
    with figure_style():
        figure = Figure(figsize=size, facecolor=LIGHT.paper, layout="constrained")
        figure.get_layout_engine().set(hspace=0.06, wspace=0.04)
        for number, ((task, preset), runs) in enumerate(panels.items(), 1):
            axes = figure.add_subplot(down, PANELS_ACROSS, number)
            for run in runs:
                metrics = RunFolder.open(run).read_metrics()
                for column, _, color, width in CURVES:
                    axes.plot(
                        metrics["generation"],
                        metrics[column],
                        color=color,
                        linewidth=width,
                        drawstyle="steps-post",
                        marker="o",
                        markersize=2.0 * width,
                        markevery=[-1],
                    )
            axes.set_xscale("log", base=2)  # most is learnt early
            axes.xaxis.set_major_formatter("{x:.0f}")
            axes.set_title(f"{task}, {preset}", fontsize=9.5, color=LIGHT.ink, loc="left")
            quiet_frame(axes, LIGHT, 8.0)
        figure.supxlabel("generation", fontsize=9.0, color=LIGHT.ink)
        figure.supylabel("return", fontsize=9.0, color=LIGHT.ink)
        figure.legend(
            handles=[
                Line2D([], [], color=color, linewidth=width, label=label)
                for _, label, color, width in reversed(CURVES)
            ],
            loc="outside upper left",
            ncols=2,
            fontsize=9.0,
            labelcolor=LIGHT.ink,
            frameon=False,
        )
        save_figure(figure, path)


def main() -> None:
    """Run or add what is asked for, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--tasks", nargs="+", choices=PLANS, default=[task for task in PLANS if task not in LONG]
    )
    parser.add_argument("--presets", nargs="+", help="in place of the presets planned for a task")
    parser.add_argument("--seeds", nargs="+", type=int, help="in place of the seeds planned for a task")
    parser.add_argument("--threads", type=int, help="that compute, in this process")
    parser.add_argument("--workers", type=int, help="of Ray that compute, in place of threads")
    parser.add_argument(
        "--add", nargs="+", type=Path, metavar="RUN", help="run folders to add; searches nothing"
    )
    arguments = parser.parse_args()
    computing = (arguments.threads, arguments.workers)
    rows: list[Row] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    for path in arguments.add or ():
        add(rows, path, None, *computing)
    for task in () if arguments.add else arguments.tasks:
        for seed in arguments.seeds or PLANS[task].seeds:
            for start in arguments.presets or PLANS[task].starts:
                add(rows, *search(task, start, seed, *computing), *computing)
    print(table(rows))


if __name__ == "__main__":
    main()
