"""Search the swing-up task with every preset and ten seeds, and tabulate what the champions score.

    .venv/bin/python experiments/swingup/study.py [--presets laptop paper stratified] [--seeds 1 ... 10]

Runs land in `runs/study-swingup/`; a run that is there already is not repeated. The figures go to
`results.json` beside this file, the table to standard output.
"""

import argparse
import json
import statistics
from pathlib import Path

import wann
from wann.files import atomic_path

HERE = Path(__file__).resolve().parent
RUNS = HERE.parents[1] / "runs" / "study-swingup"
RESULTS = HERE / "results.json"


def study(preset: str, seed: int, threads: int | None) -> dict[str, object]:
    """One search and the scores of its champion on 100 fresh episodes."""
    path = RUNS / f"{preset}-{seed}"
    if (path / "config.toml").exists():
        run = wann.resume(path, threads=threads)
    else:
        run = wann.search("swingup", preset=preset, seed=seed, out=path, threads=threads)
    champion = run.champion
    card = wann.evaluate(champion, episodes=100, seed=0, threads=threads)
    return {
        "preset": preset,
        "seed": seed,
        "confirmed_mean": champion.scores.overall,
        "uniform_shared": card.uniform_shared.mean,
        "best_shared": card.best_shared.mean,
        "best_weight": card.best_shared.weight,
        "individual_random": card.individual_random.mean,
        "connections": champion.genome.connection_count,
        "hidden_nodes": champion.genome.hidden_count,
        "seconds": run.totals.seconds,
    }


def table(rows: list[dict[str, object]]) -> str:
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
    rows = []
    for seed in arguments.seeds:
        for preset in arguments.presets:
            rows.append(study(preset, seed, arguments.threads))
            print(json.dumps(rows[-1]), flush=True)
    rows.sort(key=lambda row: (arguments.presets.index(row["preset"]), row["seed"]))
    with atomic_path(arguments.results) as temporary:
        temporary.write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
