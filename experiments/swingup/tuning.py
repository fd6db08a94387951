"""Tune the champions of `study.py` with CMA-ES, and tabulate and draw what they then score.

    .venv/bin/python experiments/swingup/tuning.py [--presets lexicase ...] [--seeds 1 ... 10]

The runs must be there (`runs/study-swingup/`). Each champion is tuned twice, on whole episodes and on their
first 400 steps, or by one of these plans. Tuned champions land in `runs/tuned-swingup/`; one that is there
already is not tuned again, one that was interrupted goes on. The figures go to `tuned.json`, where those of
other champions are kept, and `tuned.png` beside this file, the table to standard output.
"""

import argparse
import json
import statistics
import sys
from itertools import product
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

import wann
from wann.evaluation.placement import Placement
from wann.tuning.plan import is_tuning
from wann.tuning.tune import resume_tuning, tune
from wann.visualization.theme import LIGHT, figure_style, quiet_frame, save_figure

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from studies import Row, with_row, write_rows  # noqa: E402
from study import SEEDS  # noqa: E402

RUNS = HERE.parents[1] / "runs"
RESULTS, FIGURE = HERE / "tuned.json", HERE / "tuned.png"
PLANS: dict[str, dict[str, Any]] = {  # of about the same cost
    "whole": {"budget": 100_000},
    "beginning": {"budget": 200_000, "max_steps": 400},
}
PAPER = 932.0  # of its champion with tuned weights, the paper's table


def tuned(preset: str, seed: int, tuning_seed: int, plans: list[str], threads: int | None) -> Row:
    """Scores of a run's champion before and after tuning by some plans, on 100 fresh episodes."""
    champion = wann.load_champion(RUNS / "study-swingup" / f"{preset}-{seed}")
    row: Row = {
        "preset": preset,
        "seed": seed,
        "tuning_seed": tuning_seed,
        "connections": champion.genome.connection_count,
        "confirmed_mean": champion.scores.overall,
    }
    for plan in plans:
        out = RUNS / "tuned-swingup" / f"{preset}-{seed}-{plan}-{tuning_seed}.json"
        if not out.exists():
            out.parent.mkdir(parents=True, exist_ok=True)
            if is_tuning(out):
                resume_tuning(out, placement=Placement(threads))
            else:
                tune(champion, out, seed=tuning_seed, placement=Placement(threads), **PLANS[plan])
        tuning = wann.load_champion(out).tuning
        row |= {"start_weight": tuning["start_weight"], "before": tuning["before"], plan: tuning["after"]}
    return row


def table(rows: list[Row]) -> str:
    """The rows in Markdown, with the median and the best of each preset."""
    lines = [
        "| preset | seed | tuning seed | connections | confirmed mean | best shared weight "
        "| tuned on whole episodes | on their first 400 steps |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for preset in dict.fromkeys(row["preset"] for row in rows):
        mine = [row for row in rows if row["preset"] == preset]
        for row in mine:
            scores = (
                f"{row[when]['mean']:.0f} ± {row[when]['std']:.0f}" if when in row else ""
                for when in ("before", *PLANS)
            )
            head = (str(row[name]) for name in ("preset", "seed", "tuning_seed", "connections"))
            mean = f"{row['confirmed_mean']:.0f}"
            lines.append(f"| {' | '.join((*head, mean, *scores))} |")
        for name, of in (("median", statistics.median), ("worst", min), ("best", max)):
            known = [[row[when]["mean"] for row in mine if when in row] for when in ("before", *PLANS)]
            figures = " | ".join(f"**{of(means):.0f}**" if means else "" for means in known)
            lines.append(f"| {preset} | **{name}** | | | | {figures} |")
    return "\n".join(lines)


def plot(rows: list[Row], path: Path) -> None:
    """What tuning makes of a champion, by the better plan, over its return at the best shared weight."""
    presets = dict.fromkeys(row["preset"] for row in rows)
    with figure_style():
        figure = Figure(figsize=(4.8, 4.0), facecolor=LIGHT.paper, layout="constrained")
        axes = figure.add_subplot()
        for preset, color in zip(presets, (LIGHT.input, LIGHT.output, LIGHT.mark), strict=False):
            mine = [row for row in rows if row["preset"] == preset]
            points = [
                (row["before"]["mean"], max(row[plan]["mean"] for plan in PLANS if plan in row))
                for row in mine
            ]
            axes.scatter(*zip(*points, strict=True), s=22, color=color, label=preset)
        low = min(row["before"]["mean"] for row in rows) - 20.0
        axes.plot([low, 1000.0], [low, 1000.0], color=LIGHT.faint, linewidth=1.0, zorder=0)
        axes.text(800.0, 765.0, "nothing gained", fontsize=8.0, color=LIGHT.quiet)
        axes.axhline(PAPER, color=LIGHT.hidden_line, linewidth=1.0, dashes=(5.0, 3.0), zorder=0)
        axes.text(low + 8.0, PAPER + 6.0, "the paper's champion, tuned", fontsize=8.0, color=LIGHT.quiet)
        axes.set_xlim(low, 1000.0)
        axes.set_ylim(low, 1000.0)
        axes.set_xlabel("return at the best shared weight", fontsize=9.0, color=LIGHT.ink)
        axes.set_ylabel("return with tuned weights", fontsize=9.0, color=LIGHT.ink)
        quiet_frame(axes, LIGHT, 8.0)
        figure.legend(
            loc="outside upper right", ncols=len(presets), fontsize=8.0, labelcolor=LIGHT.ink, frameon=False
        )
        save_figure(figure, path)


def main() -> None:
    """Tune what is not tuned yet, then write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["lexicase", "stratified", "paper"])
    parser.add_argument("--seeds", nargs="+", type=int, help="of the searches, in place of those of a preset")
    parser.add_argument("--tuning-seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--plans", nargs="+", choices=PLANS, default=list(PLANS))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results: Path = arguments.results
    rows: list[Row] = json.loads(results.read_text(encoding="utf-8")) if results.exists() else []
    runs = [
        (preset, seed)
        for preset in arguments.presets
        for seed in arguments.seeds or SEEDS.get(preset, range(1, 11))
    ]
    for (preset, seed), tuning_seed in product(runs, arguments.tuning_seeds):
        row = tuned(preset, seed, tuning_seed, arguments.plans, arguments.threads)
        print(json.dumps(row), flush=True)
        rows = with_row(rows, row, ("preset", "seed", "tuning_seed"))
        write_rows(rows, results)
    plot(rows, results.with_name(FIGURE.name))
    print(table(rows))


if __name__ == "__main__":
    main()
