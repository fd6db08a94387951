"""Search the data sets, tabulate what the champions get right on test data, and draw their learning curves.

    .venv/bin/python experiments/mnist/study.py --tasks digits --seeds 1 2 3 4 5
    .venv/bin/python experiments/mnist/study.py --tasks mnist --seeds 1 --hours 3

Runs land in `runs/study-mnist/`; one that is there is gone on with, up to the hours given. After each run its
figures go to `results.json` beside this file, each task's best champion to `champion-<task>.json`, and the
test accuracy of the champions that a run had to `curves.png`; the table goes to standard output at the end.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression

import wann
from wann.analysis.classifier import ClassifierCard, evaluate_classifier
from wann.run.folder import RunFolder, is_run
from wann.tasks.data_sets import load_named
from wann.visualization.theme import LIGHT, figure_style, quiet_frame, save_figure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(HERE.parent))

from studies import Row, keep_champion, key_of, write_rows  # noqa: E402

RUNS = ROOT / "runs" / "study-mnist"
RESULTS = HERE / "results.json"
PRESETS = {"digits": ("laptop", "features"), "mnist": ("features", "paper")}  # the first is drawn and kept
SEEDS = {"digits": (1, 2, 3, 4, 5), "mnist": (1,)}

COLUMNS = {
    "random shared": "uniform_shared",
    "ensemble": "ensemble",
    "mean probability": "ensemble_mean",
    "chosen weights": "ensemble_chosen",
    "best shared": "best_shared",
    "at weight": "best_weight",
    "linear classifier": "linear",
    "connections": "connections",
    "generations": "generations",
    "minutes": "minutes",
}
PERCENT = (*tuple(COLUMNS.values())[:5], "linear")
CURVES = (
    ("ensemble", "ensemble of six weights", LIGHT.input, 1.6),
    ("uniform_shared", "one random shared weight, mean", LIGHT.mark, 1.2),
)


def score(path: Path, linear: float) -> Row:
    """What a run found and spent, and what its champions get right on test data.

    Raises:
        ValueError: the folder is no run, or has no champion.
    """
    folder = RunFolder.open(path)
    checkpoint, _ = folder.load_checkpoint()
    champion = wann.load_champion(path)
    card = evaluate_classifier(champion)
    settings = folder.settings
    return {
        "task": settings.task,
        "preset": settings.preset,
        "seed": settings.seed,
        "confirmed_loss": -champion.scores.overall,
        **_shares(card),
        "uniform_std": card.uniform_shared.std,
        "best_weight": card.best_shared.weight,
        "linear": linear,
        "connections": champion.network.sources.size,
        "nodes": champion.network.activation.size,
        "generations": checkpoint.state.generation if checkpoint else 0,
        "minutes": (checkpoint.totals.seconds if checkpoint else 0.0) / 60.0,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,  # of this process so far
        "curve": _curve(path),
    }


def _shares(card: ClassifierCard) -> dict[str, float]:
    names = ("uniform_shared", "ensemble", "ensemble_mean", "ensemble_chosen", "best_shared")
    return {name: getattr(card, name).accuracy for name in names}


def _curve(path: Path, most: int = 60) -> list[dict[str, Any]]:
    """Test accuracy of the run's successive champions, at most so many of them."""
    found = sorted((path / "champions").glob("*.json"))
    places = np.unique(np.geomspace(1, len(found), min(most, len(found))).round().astype(int)) - 1
    rows = []
    for place in places:
        champion = wann.load_champion(found[place])
        rows.append({"generation": int(found[place].stem), **_shares(evaluate_classifier(champion))})
    return rows


def linear_classifier(task: str) -> float:
    """Test accuracy of a logistic regression on all that a search sees: training and validation part."""
    data = load_named(task)
    inputs = np.concatenate([data.train.inputs(), data.validation.inputs()])
    labels = np.concatenate([data.train.labels, data.validation.labels])
    model = LogisticRegression(max_iter=300).fit(inputs, labels)
    return float(model.score(data.test.inputs(), data.test.labels))


def add(rows: list[Row], path: Path) -> None:
    """Score a run, unless it has not gone on since it was, and put it among the rows."""
    folder = RunFolder.open(path)
    settings = folder.settings
    checkpoint, _ = folder.load_checkpoint()
    known = [row for row in rows if key_of(row) == key_of(settings.model_dump())]
    if known and checkpoint and known[0]["generations"] == checkpoint.state.generation:
        return
    linear = [row["linear"] for row in rows if row["task"] == settings.task]
    row = score(path, linear[0] if linear else linear_classifier(settings.task))
    rows[:] = sorted([row, *(other for other in rows if other not in known)], key=key_of)
    write_rows(rows, RESULTS)
    same = [r for r in rows if (r["task"], r["preset"]) == (row["task"], row["preset"])]
    # Confirmed losses of presets with other weights cannot be compared.
    if row["preset"] == PRESETS[row["task"]][0] and min(same, key=lambda r: r["confirmed_loss"]) is row:
        keep_champion(path, HERE / f"champion-{row['task']}.json")
    plot(rows, HERE / "curves.png")


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, with the median of each task and preset of several seeds."""
    head = ("task", "preset", "seed", *COLUMNS)
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for task, preset in dict.fromkeys((row["task"], row["preset"]) for row in rows):
        mine = [row for row in rows if (row["task"], row["preset"]) == (task, preset)]
        for row in mine:
            figures = (_short(name, row[name]) for name in COLUMNS.values())
            lines.append(f"| {' | '.join(map(str, key_of(row)))} | {' | '.join(figures)} |")
        if len(mine) > 1:
            medians = {name: float(np.median([row[name] for row in mine])) for name in COLUMNS.values()}
            figures = (_short(name, medians[name]) for name in COLUMNS.values())
            lines.append(f"| {task} | {preset} | median | {' | '.join(figures)} |")
    return "\n".join(lines)


def _short(name: str, value: float) -> str:
    if name in PERCENT:
        return f"{value:.1%}"
    return f"{value:.2f}" if name == "best_weight" else f"{value:.4g}"


def plot(rows: Sequence[Row], path: Path) -> None:
    """Test accuracy of successive champions with its first preset, a panel for each task."""
    tasks = [
        task
        for task, (preset, *_) in PRESETS.items()
        if any((r["task"], r["preset"]) == (task, preset) for r in rows)
    ]
    with figure_style():
        figure = Figure(figsize=(4.6 * len(tasks), 3.4), facecolor=LIGHT.paper, layout="constrained")
        for number, task in enumerate(tasks, 1):
            axes = figure.add_subplot(1, len(tasks), number)
            mine = [row for row in rows if (row["task"], row["preset"]) == (task, PRESETS[task][0])]
            for name, label, color, width in CURVES:
                for place, row in enumerate(mine):
                    axes.plot(
                        [*(each["generation"] for each in row["curve"]), row["generations"]],
                        [100.0 * share for share in (*(each[name] for each in row["curve"]), row[name])],
                        color=color,
                        linewidth=width,
                        drawstyle="steps-post",
                        label=label if place == 0 else None,
                    )
            linear = 100.0 * mine[0]["linear"]
            axes.axhline(
                linear, color=LIGHT.hidden_line, linewidth=1.0, dashes=(5.0, 3.0), label="linear classifier"
            )
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:.0f}")
            axes.set_ylim(0.0, 100.0)
            axes.set_title(f"{task}, {PRESETS[task][0]}", fontsize=9.5, color=LIGHT.ink, loc="left")
            quiet_frame(axes, LIGHT, 8.0)
            if number == 1:
                axes.legend(
                    loc="upper left",
                    bbox_to_anchor=(0.0, 0.94),
                    fontsize=8.0,
                    labelcolor=LIGHT.ink,
                    frameon=False,
                )
        figure.supxlabel("generation", fontsize=9.0, color=LIGHT.ink)
        figure.supylabel("test accuracy (%)", fontsize=9.0, color=LIGHT.ink)
        save_figure(figure, path)


def main() -> None:
    """Run what is asked for, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--presets", nargs="+", help="in place of those planned for a task")
    parser.add_argument("--seeds", nargs="+", type=int, help="in place of those planned for a task")
    parser.add_argument(
        "--hours", type=float, help="of computing for each run, after which it can be gone on with"
    )
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--add", nargs="+", type=Path, metavar="RUN", help="run folders to add; searches nothing"
    )
    arguments = parser.parse_args()
    rows: list[Row] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    for path in arguments.add or ():
        add(rows, path)
    for task in () if arguments.add else arguments.tasks:
        for preset in arguments.presets or PRESETS[task]:
            for seed in arguments.seeds or SEEDS[task]:
                path = RUNS / f"{task}-{preset}-{seed}"
                if not is_run(path):
                    print(f"{path.relative_to(ROOT)}", flush=True)
                limit = {} if arguments.hours is None else {"max_seconds": 3600.0 * arguments.hours}
                wann.search(
                    task,
                    out=path,
                    go_on=True,
                    threads=arguments.threads,
                    preset=preset,
                    seed=seed,
                    **limit,
                )
                add(rows, path)
    print(table(rows))


if __name__ == "__main__":
    main()
