"""Search the swing-up task with every preset and ten seeds, and tabulate what the champions score.

    .venv/bin/python experiments/swingup/study.py [--presets laptop paper stratified] [--seeds 1 ... 10]

Runs land in `runs/study-swingup/`; a run that is there already is not repeated. The figures go to
`results.json` beside this file, the table to standard output.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import wann

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from studies import Row, score, write_rows  # noqa: E402

RUNS = HERE.parents[1] / "runs" / "study-swingup"
RESULTS = HERE / "results.json"


def study(preset: str, seed: int, threads: int | None) -> Row:
    """One search and the scores of its champion on 100 fresh episodes."""
    path = RUNS / f"{preset}-{seed}"
    wann.search("swingup", preset=preset, seed=seed, out=path, go_on=True, threads=threads)
    return score(path, threads=threads)


def table(rows: list[Row]) -> str:
    """The rows in Markdown, with the median and the best of each preset."""
    columns = ("confirmed_mean", "uniform_shared", "best_shared", "connections")
    lines = [
        "| preset | seed | confirmed mean | mean over U(-2, 2) | best shared weight | connections |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for preset in dict.fromkeys(row["preset"] for row in rows):
        mine = [row for row in rows if row["preset"] == preset]
        lines += [f"| {preset} | {r['seed']} | {' | '.join(f'{r[c]:.0f}' for c in columns)} |" for r in mine]
        for name, of in (("median", statistics.median), ("best", max)):
            figures = (f"**{of([row[c] for row in mine]):.0f}**" for c in columns[:3])
            lines.append(f"| {preset} | **{name}** | {' | '.join(figures)} | |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, then write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["laptop", "paper", "stratified"])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(1, 11)))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows: list[Row] = []
    for seed in arguments.seeds:
        for preset in arguments.presets:
            row = study(preset, seed, arguments.threads)
            print(json.dumps(row), flush=True)
            rows.append(row)
            rows.sort(key=lambda r: (arguments.presets.index(r["preset"]), r["seed"]))
            write_rows(rows, arguments.results)
    print(table(rows))


if __name__ == "__main__":
    main()
