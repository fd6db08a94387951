"""What each piece of the preset `lexicase` is worth: searches with one piece changed, or other populations.

    .venv/bin/python experiments/swingup/ablation.py [--seeds 401 ...] [--variants ...] [--generations 144]

Every variant plays as many episodes as the preset does in so many generations. Runs land in
`runs/ablation-swingup/`; one that is there already is not repeated. The figures go to `ablation.json` beside
this file, the table to standard output.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import mannwhitneyu

import wann
from wann.run.folder import is_run

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from studies import Row, score, with_row, write_rows  # noqa: E402

RUNS = HERE.parents[1] / "runs" / "ablation-swingup"
RESULTS = HERE / "ablation.json"
WHOLE = "lexicase"
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    WHOLE: ("the preset", {}),
    "tournament": ("tournaments in place of lexicase", {"selection": "tournament"}),
    "same-children": ("children need not be distinct", {"retries": 0}),
    "duplicates": ("nodes are duplicated too, share 0.2", {"duplicate_node": 0.2}),
    "no-deletions": ("no node is deleted", {"delete_node": 0.0}),
    "no-disabling": ("no connection is switched off", {"disable_connection": 0.0}),
    "all-contend": ("all networks are contenders", {"contender_ratio": 1.0}),
    "six-weights": ("6 weights, 3 episodes each", {"weight_count": 6, "episodes": 3}),
    "small": ("192 networks for four times the generations", {"population": 192}),
    "wide": ("1,536 networks for half the generations", {"population": 1536}),
}
COLUMNS = ("uniform_shared", "best_shared", "connections", "processor")


def study(variant: str, seed: int, generations: int) -> Row:
    """One search and the scores of its champion on 100 fresh episodes."""
    path, settings = RUNS / f"{variant}-{seed}", dict(VARIANTS[variant][1])
    rollouts = 768 * 16 * generations
    population = settings.get("population", 768)
    lanes = settings.get("weight_count", 16) * settings.get("episodes", 1)
    there, begun = is_run(path), time.process_time()
    settings["generations"] = round(rollouts / (population * lanes))
    wann.search("swingup", preset="lexicase", seed=seed, out=path, go_on=True, threads=1, **settings)
    processor = None if there else time.process_time() - begun
    return {**score(path, threads=1), "variant": variant, "processor": processor}


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown: medians, the worst, and how likely ranks like the preset's are by chance."""
    lines = [
        "| variant | seeds | U(-2, 2), median | worst | best shared weight, median | worst | connections "
        "| processor (s) | rank test |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    whole = [row["uniform_shared"] for row in rows if row["variant"] == WHOLE]
    for variant, (words, _) in VARIANTS.items():
        mine = [row for row in rows if row["variant"] == variant]
        if not mine:
            continue
        uniform, best, connections, processor = (
            [row[name] for row in mine if row[name] is not None] for name in COLUMNS
        )
        figures = [statistics.median(uniform), min(uniform), statistics.median(best), min(best)]
        figures += [statistics.median(connections), statistics.median(processor) if processor else None]
        shown = ["" if figure is None else f"{figure:.0f}" for figure in figures]
        tested = (
            "" if variant == WHOLE else f"{mannwhitneyu(whole, uniform, alternative='greater').pvalue:.2g}"
        )
        lines.append(f"| {words} | {len(mine)} | {' | '.join(shown)} | {tested} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, then write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(401, 411)))
    parser.add_argument("--generations", type=int, default=144, help="of the preset; half of its own")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results: Path = arguments.results
    rows: list[Row] = json.loads(results.read_text(encoding="utf-8")) if results.exists() else []
    for seed in arguments.seeds:
        for variant in arguments.variants:
            if any((row["variant"], row["seed"]) == (variant, seed) for row in rows):
                continue
            row = study(variant, seed, arguments.generations)
            print(json.dumps(row), flush=True)
            rows = with_row(rows, row, ("variant", "seed"))
            write_rows(rows, results)
    print(table(rows))


if __name__ == "__main__":
    main()
