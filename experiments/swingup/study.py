"""Search the swing-up task with every preset and ten seeds, and tabulate what the champions score.

    .venv/bin/python experiments/swingup/study.py [--presets lexicase stratified ...] [--seeds 1 ... 10]

Runs land in `runs/study-swingup/`; a run that is there already is not repeated. The figures go to
`results.json` beside this file, where those of other presets and seeds are kept, the table to standard
output.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import wann

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from studies import Row, score, with_row, write_rows  # noqa: E402

RUNS = HERE.parents[1] / "runs" / "study-swingup"
RESULTS = HERE / "results.json"
PRESETS = ["lexicase", "stratified", "paper", "laptop"]
SEEDS = {"lexicase": range(21, 31)}  # those of which its settings know nothing; the others have 1 to 10
COLUMNS = {
    "confirmed mean": "confirmed_mean",
    "mean over U(-2, 2)": "uniform_shared",
    "best shared weight": "best_shared",
    "upright (s)": "median_amount",
    "starts": "reached",
    "connections": "connections",
}


def study(preset: str, seed: int, threads: int | None) -> Row:
    """One search and the scores of its champion on 100 fresh episodes."""
    path = RUNS / f"{preset}-{seed}"
    wann.search("swingup", preset=preset, seed=seed, out=path, go_on=True, threads=threads)
    return score(path, threads=threads)


def table(rows: list[Row]) -> str:
    """The rows in Markdown, with the median, the worst and the best of each preset."""
    head = ("preset", "seed", *COLUMNS)
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for preset in PRESETS:
        mine = [row for row in rows if row["preset"] == preset]
        for row in mine:
            figures = [_short(row.get(name), name) for name in COLUMNS.values()]
            lines.append(f"| {preset} | {row['seed']} | {' | '.join(figures)} |")
        for name, of in (("median", statistics.median), ("worst", min), ("best", max)) if mine else ():
            figures = [
                f"**{_short(of([row[column] for row in mine]), column)}**" if column in mine[0] else ""
                for column in COLUMNS.values()
            ]
            lines.append(f"| {preset} | **{name}** | {' | '.join(figures)} |")
    return "\n".join(lines)


def _short(value: float | None, column: str) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if column == "median_amount" else f"{value:.0f}"


def main() -> None:
    """Run what is missing, then write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=PRESETS)
    parser.add_argument("--seeds", nargs="+", type=int, help="in place of those of a preset")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results: Path = arguments.results
    rows: list[Row] = json.loads(results.read_text(encoding="utf-8")) if results.exists() else []
    for preset in arguments.presets:
        for seed in arguments.seeds or SEEDS.get(preset, range(1, 11)):
            row = study(preset, seed, arguments.threads)
            print(json.dumps(row), flush=True)
            rows = with_row(rows, row, ("preset", "seed"))
            write_rows(rows, results)
    print(table(rows))


if __name__ == "__main__":
    main()
