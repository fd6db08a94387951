"""What the benchmarks share: the table they print, measuring in turns, and networks to measure with."""

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from wann.evolution.innovation import Innovations
from wann.evolution.variation import mutate
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome, minimal_genome
from wann.networks.network import Network, compile_genome

WEIGHTS = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
CODES = [activation.code for activation in BY_NAME.values()]


def report(what: str, bar: str, seen: str) -> None:
    """A row of the table."""
    print(f"{what:<74} {bar:<24} {seen}", flush=True)


def missing(*modules: str) -> str | None:
    """Why a row has to be skipped: a module that is not installed."""
    lacking = [module for module in modules if find_spec(module) is None]
    return f"skipped: {lacking[0]} is not installed" if lacking else None


def in_turns(
    repeats: int, *measured: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """Seconds of each function, called in turns after one warm-up call each."""
    for function in measured:
        function()
    seconds: list[list[float]] = [[] for _ in measured]
    for _ in range(repeats):
        for function, times in zip(measured, seconds, strict=True):
            begun = clock()
            function()
            times.append(clock() - begun)
    return seconds


def live_connections(genome: Genome) -> int:
    """Connections of the network that a genome describes: those that lead to an output."""
    return compile_genome(genome).sources.size


def offspring(genome: Genome, count: int, mutations: int) -> list[Network]:
    """Networks that a search could breed from a genome: each of so many mutations."""
    children = []
    for seed in range(count):
        rng, child = np.random.default_rng(seed), genome
        innovations = Innovations(int(genome.node_id.max()) + 1, int(genome.mark.max()) + 1)
        for _ in range(mutations):
            innovations.begin_generation()
            child = mutate(child, innovations, (0.2, 0.25, 0.05, 0.5), CODES, rng=rng)
        children.append(compile_genome(child))
    return children


def grown(
    connections: int,
    seed: int,
    inputs: int = 5,
    outputs: int = 1,
    size: Callable[[Genome], int] = lambda genome: genome.connection_count,
    probability: float = 0.5,
) -> Genome:
    """A random genome of so many connections, enabled ones by default, grown by the search's mutations.

    `probability` is that of an initial connection.
    """
    rng = np.random.default_rng(seed)
    genome = minimal_genome(inputs, outputs, 1, probability, rng=rng)
    innovations = Innovations(genome.node_id.size, genome.mark.size)
    while size(genome) < connections:
        innovations.begin_generation()
        genome = mutate(genome, innovations, (0.2, 0.25, 0.05, 0.5), CODES, rng=rng)
    return genome
