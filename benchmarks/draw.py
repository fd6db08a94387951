"""How long drawings take, and how many crossings their ordering removes.

    .venv/bin/python benchmarks/draw.py [RUN_OR_CHAMPION ...]

Times are of whole commands in processes of their own, after one that compiles: `wann draw` of networks of 200
and 2,000 connections grown by the mutations of the search, and `wann replay --with-network` of 1,000 steps.
Crossings are of the champions given, or else of those in experiments/ and of grown networks.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from wann.champion import Champion, Scores, load_champion, save_champion
from wann.evolution.innovation import Innovations
from wann.evolution.variation import mutate
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome, minimal_genome
from wann.networks.network import compile_genome
from wann.tasks.registry import get_task
from wann.visualization.diagram import diagram_of
from wann.visualization.genome_graph import genome_graph
from wann.visualization.layout import arrange

ROOT = Path(__file__).resolve().parents[1]
SHARES = (0.20, 0.25, 0.05, 0.50)
CODES = tuple(activation.code for activation in BY_NAME.values())


def grown(task: str, connections: int) -> Champion:
    """A network of at least so many connections, as the search's mutations make them."""
    inputs, outputs = get_task(task).inputs, get_task(task).outputs
    rng = np.random.default_rng(connections)
    genome = minimal_genome(len(inputs), len(outputs), BY_NAME["linear"].code, 0.6, rng=rng)
    innovations = Innovations(genome.node_id.size, genome.mark.size)
    while compile_genome(genome).sources.size < connections:
        innovations.begin_generation()
        genome = mutate(genome, innovations, SHARES, CODES, rng=rng)
    scores = Scores(np.ones(1), np.zeros(1), np.zeros(1), (1,))
    return Champion(task, inputs, outputs, genome, scores)


def crossings(genome: Genome, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> tuple[int, int]:
    """Crossings without and with ordering."""
    graph = genome_graph(genome, inputs, outputs)
    index = {node: position for position, node in enumerate(graph)}
    layers = [layer for _, layer in graph.nodes(data="layer")]
    edges = [(index[source], index[target]) for source, target in graph.edges]
    plain = arrange(layers, edges, sweeps=0).crossings
    return plain, diagram_of(genome, inputs, outputs).crossings


def seconds(*arguments: object) -> float:
    """Wall time of a command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "wann", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the figures."""
    given = [Path(path) for path in sys.argv[1:]]
    if given:
        champions = [load_champion(path) for path in given]
    else:
        champions = [load_champion(path) for path in sorted(ROOT.glob("experiments/*/champion*.json"))]
        champions += [grown("BipedalWalker-v3", 20 * k) for k in range(1, 21 - len(champions))]
    total = np.zeros(2, int)
    for champion in champions:
        if champion.genome.inputs < 64:  # the lines of an image's pixels begin in another order there
            pair = crossings(champion.genome, champion.inputs, champion.outputs)
            total += pair
            size = champion.genome.connection_count
            print(f"{champion.task:28} {size:5} connections  {pair[0]:6} -> {pair[1]:6}")
    print(f"crossings, all of them: {total[0]} -> {total[1]}, {1.0 - total[1] / total[0]:.0%} fewer")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (200, 2000):
            path = folder / f"{count}.json"
            save_champion(grown("swingup", count), path)
            seconds("draw", path, "--out", folder / "warm.svg")
            for suffix in (".svg", ".png"):
                taken = min(seconds("draw", path, "--out", folder / f"net{suffix}") for _ in range(3))
                print(f"draw {count} connections, {suffix}: {taken:.2f} s")
        champion = ROOT / "experiments" / "swingup" / "champion.json"
        taken = seconds("replay", champion, "--with-network", "--out", folder / "film.mp4")
        print(f"replay with network, 1,000 steps of swing-up to MP4: {taken:.1f} s")


if __name__ == "__main__":
    main()
