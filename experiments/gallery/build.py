"""One page over several runs or champion files: a film of each network at work, its diagram, its development.

python experiments/gallery/build.py runs/swingup runs/lander --out runs/gallery
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from wann.champion import Champion, load_champion
from wann.progress import bar, shown_return
from wann.run.folder import RunFolder, is_run
from wann.tasks.registry import is_data_set
from wann.visualization.development import draw_development, read_stages
from wann.visualization.network_figure import Look, draw_genome
from wann.visualization.replay import Scene, record_episodes
from wann.visualization.theme import THEMES

PANELS = 4  # networks of a development


def main() -> None:
    """Build the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, metavar="RUN", help="a run folder or a champion file")
    parser.add_argument("--out", type=Path, default=Path("runs/gallery"), help="folder of the page")
    parser.add_argument("--title", default="Weight-agnostic networks")
    parser.add_argument("--steps", type=int, default=400, help="of a film, at most")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with bar("Drawing") as progress:
        entries = []
        for k, path in enumerate(arguments.paths):
            entries.append(entry(path, arguments.out, f"{k + 1:02d}", arguments.steps))
            progress(k + 1, len(arguments.paths))
    pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = pages.get_template("gallery.html").render(title=arguments.title, runs=entries)
    (arguments.out / "index.html").write_text(page, encoding="utf-8")
    print(f"Wrote {arguments.out / 'index.html'}")


def entry(path: Path, out: Path, name: str, steps: int) -> dict[str, Any]:
    """Draw one run into the gallery; what the page says about it."""
    champion = load_champion(path)
    shown: dict[str, Any] = {
        "name": name,
        "task": champion.task,
        "words": words(champion),
        "command": f"wann draw {path} --theme light",
        "film": None,
        "development_light": None,
    }
    for theme, colors in THEMES.items():
        shown[theme] = f"{name}-{theme}.svg"
        draw_genome(
            champion.genome,
            champion.inputs,
            champion.outputs,
            out / shown[theme],
            Look(theme=colors),
            importance=champion.importance,
            tuned=champion.tuned,
        )
    if is_run(path):
        folder = RunFolder.open(path)
        stages = read_stages(folder)
        if len(stages) >= PANELS:
            # Early champions follow each other fast, so the numbers grow by a constant factor.
            last = len(stages) - 1
            chosen = [stages[round(last * (2**k - 1) / (2 ** (PANELS - 1) - 1))] for k in range(PANELS)]
            for theme, colors in THEMES.items():
                shown[f"development_{theme}"] = f"{name}-development-{theme}.svg"
                draw_development(chosen, out / shown[f"development_{theme}"], theme=colors)
    if not is_data_set(champion.task):
        shown["film"] = f"{name}.mp4"
        scene = Scene(champion, [champion.best_weight], 0, steps, network=True, theme=THEMES["dark"])
        record_episodes(scene, out / shown["film"])
    return shown


def words(champion: Champion) -> str:
    """Score and size of a champion."""
    weight, best = champion.scores.best
    return (
        f"mean return {shown_return(champion.scores.overall)} over {len(champion.scores.weights)} weights, "
        f"{shown_return(best)} at weight {weight:g}; {champion.genome.connection_count} connections"
    )


if __name__ == "__main__":
    main()
