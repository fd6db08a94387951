"""Tuning: a generation of candidates in one evaluation, against one candidate after the other."""

import statistics

import numpy as np
from measuring import grown, in_turns, live_connections, report

from wann.evaluation.evaluator import LocalEvaluator, available_threads
from wann.networks.network import compile_genome
from wann.tasks.registry import get_task

CONNECTIONS = 52  # of the published champion


def tuning(repeats: int, candidates: int = 32, episodes: int = 8) -> None:
    """Evaluations per second of a swing-up network at individual weights."""
    task = get_task("swingup")
    network = compile_genome(grown(CONNECTIONS, 1, size=live_connections))
    rng = np.random.default_rng(0)
    sets = 0.8 + 0.1 * rng.standard_normal((candidates, network.sources.size))
    seeds = tuple(range(episodes))
    with LocalEvaluator(task, task.episode_steps) as evaluator:
        together, apart = (
            statistics.median(seconds)
            for seconds in in_turns(
                repeats,
                lambda: evaluator.evaluate([network], sets, seeds),
                lambda: [evaluator.evaluate([network], one[None], seeds) for one in sets],
            )
        )
    what = f"{candidates} candidates, {CONNECTIONS} connections, {episodes} episodes"
    report(f"{what}, {available_threads()} threads", "", f"{candidates / together:.0f} evaluations/s")
    report("  against one candidate after the other", "at least 2.5", f"{apart / together:.1f}")
