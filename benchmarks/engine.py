"""The engine by itself: the lane kernel, variation, start-up, and whole searches on swing-up."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measuring import CODES, WEIGHTS, grown, in_turns, report
from scalar import roll_out_scalar

from wann.evaluation.evaluator import LocalEvaluator, available_threads
from wann.evolution.evolution import Evolution, EvolutionState
from wann.evolution.innovation import Innovations
from wann.evolution.variation import mutate
from wann.networks.genome import Genome
from wann.networks.network import batch_networks, compile_genome
from wann.settings import Settings, build_settings
from wann.tasks.registry import get_task, preset_settings

TASK = get_task("swingup")
WANN = [sys.executable, "-m", "wann"]


def living(count: int, connections: int) -> list[Genome]:
    """Genomes of that size whose episodes never end early, the hardest case for the kernel.

    A short search finds one that stays on the track; each is grown from it, keeping only what still does.
    """
    settings = Settings(population=64, generations=60, weight_sampling="fixed", seed=3)
    evolution = Evolution(settings, 5, 1)
    with LocalEvaluator(TASK, 1000) as evaluator:

        def steps(genomes: Sequence[Genome]) -> np.ndarray:
            networks = [compile_genome(genome) for genome in genomes]
            return evaluator.evaluate(networks, WEIGHTS, [0, 1, 2]).steps.mean(axis=(1, 2))

        while evolution.generation < settings.generations:
            genomes = evolution.ask()
            rollouts = evaluator.evaluate([compile_genome(g) for g in genomes], WEIGHTS, [0, 1, 2])
            evolution.tell(rollouts.returns)
        population = [genome for genome in evolution.ask() if steps([genome])[0] == 1000]
        family = [population[k % len(population)] for k in range(count)]
        innovations = Innovations(10**6, 10**6)
        rng = np.random.default_rng(0)
        while small := [k for k, genome in enumerate(family) if genome.connection_count < connections]:
            innovations.begin_generation()
            children = [mutate(family[k], innovations, (0.3, 0.3, 0.1, 0.3), CODES, rng=rng) for k in small]
            for k, child, survived in zip(small, children, steps(children), strict=True):
                if survived == 1000:
                    family[k] = child
    return family


def kernel() -> None:
    """One generation of the lane kernel, and the same rollouts by a scalar loop."""
    threads = available_threads()
    for what, networks in (
        ("that never end early", [compile_genome(genome) for genome in living(192, 52)]),
        ("as mutation makes them", [compile_genome(grown(52, seed)) for seed in range(192)]),
    ):
        batch = batch_networks(networks)
        weights, starts = np.repeat(WEIGHTS, 3), np.tile(TASK.starts([0, 1, 2]), (WEIGHTS.size, 1))
        scalar_returns = np.zeros((192, 18))

        def scalar(first: int, batch=batch, weights=weights, starts=starts, returns=scalar_returns) -> None:
            roll_out_scalar(
                batch.outputs,
                batch.first_node,
                batch.first_connection,
                batch.first_source,
                batch.sources,
                batch.activation,
                weights,
                starts,
                1000,
                first,
                first + 4,
                returns[first : first + 4],
            )

        with LocalEvaluator(TASK, 1000, threads) as evaluator, ThreadPoolExecutor(threads) as pool:
            lanes_times, scalar_times = in_turns(
                15,
                lambda networks=networks, evaluator=evaluator: evaluator.evaluate(
                    networks, WEIGHTS, [0, 1, 2]
                ),
                lambda scalar=scalar, pool=pool: list(pool.map(scalar, range(0, 192, 4))),
            )
            returns = evaluator.evaluate(networks, WEIGHTS, [0, 1, 2]).returns.reshape(192, 18)
        same = np.isclose(returns, scalar_returns, atol=1e-6).mean()
        lanes, loop = statistics.median(lanes_times), statistics.median(scalar_times)
        ratio = statistics.median(b / a for a, b in zip(lanes_times, scalar_times, strict=True))
        report(f"192 networks {what}, 6 x 3 x 1000 steps", "at most 0.15, aim 0.05", f"{lanes:.3f} s")
        report("  the same, a scalar compiled loop", "", f"{loop:.3f} s, {same:.0%} equal returns")
        report("  ratio", "at least 2.5", f"{ratio:.1f} times")


def variation() -> None:
    """Ask and tell, the networks of the children compiled."""
    for preset, population, connections, inputs, outputs, bar in (
        ("paper", 192, 60, 5, 1, "at most 10 ms"),
        ("paper", 960, 1800, 256, 10, "at most 80 ms"),
        ("lexicase", 768, 70, 5, 1, "at most 60 ms"),
    ):
        settings = build_settings(preset_settings(TASK, preset), {"population": population})
        kinds = population if preset == "lexicase" else 4  # where children must differ, their parents do
        genomes = tuple(grown(connections, seed % kinds, inputs, outputs) for seed in range(population))
        state = EvolutionState(0, genomes, 10**5, 10**6, None, 0)
        rng, times = np.random.default_rng(0), []
        for _ in range(26):
            evolution = Evolution(settings, inputs, outputs, state)
            returns = rng.normal(size=(population, settings.weight_count, settings.episodes))
            begun = time.perf_counter()
            evolution.ask()
            evolution.tell(returns)
            times.append(time.perf_counter() - begun)
        report(
            f"ask + tell, {population} genomes of {connections} connections, {preset}",
            bar,
            f"{statistics.median(times[1:]) * 1e3:.1f} ms",
        )


def start_up() -> None:
    """Importing, and the time to the first generation."""
    (imports,) = in_turns(7, lambda: subprocess.run([sys.executable, "-c", "import wann"], check=True))
    (bare,) = in_turns(7, lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    seconds = statistics.median(imports)
    report(
        "import wann, a fresh process",
        "at most 0.5",
        f"{seconds:.2f} s; the interpreter alone {statistics.median(bare):.2f}",
    )

    def one_generation() -> None:
        with tempfile.TemporaryDirectory() as folder:
            out = str(Path(folder) / "run")
            command = [*WANN, "search", "swingup", "--set", "generations=1", "--out", out, "--quiet"]
            subprocess.run(command, check=True, capture_output=True)

    (times,) = in_turns(5, one_generation)
    report("start to first generation, kernels cached", "at most 3", f"{statistics.median(times):.2f} s")


def searches(presets: list[str], seed: int) -> None:
    """Whole searches in processes of their own."""
    bars = {
        "lexicase": "at most 90",
        "laptop": "at most 60",
        "paper": "at most 180, aim 60",
        "stratified": "at most 180, aim 60",
    }
    for preset in presets:
        with tempfile.TemporaryDirectory() as folder:
            options = ["--preset", preset, "--seed", str(seed), "--out", str(Path(folder) / "run"), "--json"]
            summary = Path(folder) / "summary.json"
            begun = time.perf_counter()
            with open(summary, "w") as file:
                process = subprocess.Popen([*WANN, "search", "swingup", *options], stdout=file)
                _, status, usage = os.wait4(process.pid, 0)  # the one way to a child's own peak memory
                process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - begun
            result = json.loads(summary.read_text())
        report(f"wann search swingup --preset {preset}", bars[preset], f"{seconds:.1f} s")
        report(
            "  confirmed mean, peak memory",
            "at most 400 MB",
            f"{result['confirmed_mean']:.0f}, {usage.ru_maxrss / 1024:.0f} MB",
        )
