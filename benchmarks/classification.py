"""The classification kernel, against its NumPy twin and the way the reference program evaluates a network."""

import statistics

import numpy as np
from measuring import WEIGHTS, grown, in_turns, report

from wann.evaluation.evaluator import LocalEvaluator, available_threads
from wann.kernels.activations import BY_CODE
from wann.networks.network import Network, compile_genome
from wann.rollouts.samples import classify_numpy
from wann.tasks.data_sets import DataSet, Samples
from wann.tasks.registry import get_task

IMAGES, PIXELS, CLASSES, CONNECTIONS = 1000, 256, 10, 1800


def dense(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Outputs (W, N, A) with a dense matrix, one column and one weight after the other."""
    rows = network.rows
    adjacency = np.zeros((rows, rows))
    for k in range(network.activation.size):
        low, high = network.first_source[k], network.first_source[k + 1]
        adjacency[network.sources[low:high], 1 + network.inputs + k] = 1.0
    results = []
    for weight in WEIGHTS:
        matrix = adjacency * weight
        values = np.zeros((len(inputs), rows))
        values[:, 0] = 1.0
        values[:, 1 : 1 + network.inputs] = inputs
        for k, code in enumerate(network.activation):
            row = 1 + network.inputs + k
            values[:, row] = BY_CODE[int(code)].function(values @ matrix[:, row])
        results.append(values[:, network.outputs])
    return np.array(results)


def classification(repeats: int, population: int = 960, distinct: int = 16) -> None:
    """A generation of 960 networks, and one of them in the two other ways; all may use every processor."""
    rng = np.random.default_rng(0)
    inputs = rng.random((IMAGES, PIXELS)) * (rng.random((IMAGES, PIXELS)) < 0.4)
    labels = rng.integers(CLASSES, size=IMAGES)
    part = Samples(inputs, labels)
    names = tuple(map(str, range(PIXELS)))
    task = get_task("mnist", data=DataSet(names, names[:CLASSES], part, part, part))
    threads = available_threads()
    for probability in (0.5, 0.05):  # of an initial connection: few nodes with many sources, or many with few
        few = [
            compile_genome(grown(CONNECTIONS, seed, PIXELS, CLASSES, probability=probability))
            for seed in range(distinct)
        ]
        networks = [few[k % distinct] for k in range(population)]
        with LocalEvaluator(task, IMAGES) as evaluator:
            generation, twin, slow = (
                statistics.median(seconds)
                for seconds in in_turns(
                    min(repeats, 5),
                    lambda n=networks, e=evaluator: e.evaluate(n, WEIGHTS, [1]),
                    lambda n=few[0]: classify_numpy(n, WEIGHTS, inputs, labels),
                    lambda n=few[0]: dense(n, inputs),
                )
            )
        nodes, each = statistics.mean(network.activation.size for network in few), generation / population
        what = f"{population} networks, {CONNECTIONS} connections, {nodes:.0f} nodes, {IMAGES} images x 6"
        report(f"{what}, {threads} threads", "at most 2.0 s", f"{generation:.2f} s")
        report("  one of them by the NumPy twin / its share", "at least 20", f"{twin / each:.0f}")
        report("  by a dense matrix, column by column / its share", "at least 200", f"{slow / each:.0f}")
