"""Measure the classification kernel: `OPENBLAS_NUM_THREADS=1 python benchmarks/classification.py`.

960 networks of about 1,800 connections on 1,000 images of 256 pixels at 6 weights; the NumPy twin and the
reference program's own way, a dense matrix column by column for each weight, on one of the same networks, in
the same run. Seconds are of processor time, the least of several measurements: what else runs on the machine
weighs least there. With more threads of its own, BLAS would be measured waiting.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from run import grown

from wann.activations import BY_CODE
from wann.classify import classify, classify_numpy, make_batch
from wann.datasets import DataSet, Samples
from wann.evaluator import LocalEvaluator, available_threads
from wann.network import Network, batch_networks, compile_genome
from wann.tasks import get_task

WEIGHTS = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])


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


def least(repeats: int, function: Callable[[], object]) -> float:
    """Seconds of processor time of this thread."""
    seconds = []
    for _ in range(repeats):
        begun = time.thread_time()
        function()
        seconds.append(time.thread_time() - begun)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=960)
    parser.add_argument("--distinct", type=int, default=16, help="networks grown; the others repeat them")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    inputs = rng.random((1000, 256)) * (rng.random((1000, 256)) < 0.4)
    labels = rng.integers(10, size=1000)
    batch = make_batch(inputs, labels)
    for probability in (0.5, 0.05):
        genomes = [grown(1800, seed, 256, 10, probability) for seed in range(options.distinct)]
        few = [compile_genome(genome) for genome in genomes]
        few_batch = batch_networks(few)
        classify(few_batch, WEIGHTS, batch, 0, 1)
        kernel = least(15, lambda b=few_batch: classify(b, WEIGHTS, batch, 0, b.size)) / len(few)
        twin = least(2, lambda n=few[0]: classify_numpy(n, WEIGHTS, inputs, labels))
        slow = least(1, lambda n=few[0]: dense(n, inputs))
        nodes = np.mean([network.activation.size for network in few])
        print(f"networks of 1,800 connections and {nodes:.0f} computed nodes")
        threads = available_threads()
        print(
            f"  kernel, {options.networks} networks: {kernel * options.networks:.2f} s of processor time, "
            f"{kernel * options.networks / threads:.2f} s on {threads} cores"
        )
        print(f"  NumPy twin: {twin / kernel:.0f} times as long; the dense matrix: {slow / kernel:.0f} times")
        many = [few[k % len(few)] for k in range(options.networks)]
        part = Samples(inputs, labels)
        names = tuple(map(str, range(256)))
        task = get_task("mnist", data=DataSet(names, names[:10], part, part, part))
        with LocalEvaluator(task, 1000) as evaluator:
            seconds = []
            for _ in range(3):
                begun = time.perf_counter()
                evaluator.evaluate(many, WEIGHTS, [1])
                seconds.append(time.perf_counter() - begun)
        print(f"  a generation in {threads} threads: {min(seconds):.2f} s by the clock")


if __name__ == "__main__":
    main()
