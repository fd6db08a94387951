"""What the simulation of a cluster rests on, measured: episodes, sizes, the driver's work, variation.

    python experiments/scaling/measure.py --checkpoint CHECKPOINT [episodes sizes variation driver point]

writes `measured.json` beside this file; parts that are not named keep their figures. Times are processor
time, not what a clock shows, so that other work on the machine counts as little as possible.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np

from wann.evaluation import ray_evaluator as distributed
from wann.evaluation.chunks import Dealer, Span, Work
from wann.evaluation.ray_cluster import ray
from wann.evaluation.ray_evaluator import RayEvaluator
from wann.evolution.evolution import Evolution
from wann.networks.genome import Genome
from wann.networks.network import NetworkBatch, batch_networks, compile_genome
from wann.rollouts.job import Job
from wann.rollouts.result import Rollouts
from wann.run.checkpoint import unpack
from wann.settings import Settings, build_settings
from wann.tasks.registry import get_task, preset_settings
from wann.utils.arrays import FloatArray
from wann.utils.reading import LARGEST_ARRAYS, read_bytes
from wann.utils.seeding import Purpose, episode_seeds

HERE = Path(__file__).parent
ENV = "BipedalWalker-v3"
POPULATIONS = (480, 4800)
NETWORKS = 20  # of each kind, whose episodes are measured
CONNECTIONS = (50, 210)  # medium, and those of the paper's published walker


def settings_of(population: int) -> Settings:
    """The paper's settings for BipedalWalker, with another population."""
    preset = preset_settings(get_task(ENV), "paper")
    return build_settings(preset, {"population": population, "seed": 1})


def drifted(population: int, generations: int) -> tuple[Genome, ...]:
    """Genomes after some generations of random selection."""
    evolution = Evolution(settings_of(population), 24, 4)
    rng = np.random.default_rng(1)
    for _ in range(generations):
        evolution.ask()
        evolution.tell(rng.normal(size=(population, 6, 1)))
    return evolution.state.population


def grown(genomes: tuple[Genome, ...], count: int, connections: int) -> tuple[Genome, ...]:
    """Genomes that evolution's own mutations have brought to a number of connections."""
    from wann.evolution.innovation import Innovations
    from wann.evolution.variation import mutate
    from wann.kernels.activations import BY_NAME

    settings = settings_of(480)
    codes = [BY_NAME[name].code for name in settings.activations]
    innovations = Innovations(10_000, 100_000)
    result = []
    for index in range(min(count, 48)):
        rng, genome = np.random.default_rng(index), genomes[index % len(genomes)]
        while genome.connection_count < connections:
            innovations.begin_generation()  # ids ascend only where each step is a generation of its own
            genome = mutate(genome, innovations, (0.7, 0.3, 0.0, 0.0), codes, rng=rng)
        result.append(genome)
    return tuple(result[index % len(result)] for index in range(count))


def measure_episodes(genomes: dict[str, tuple[Genome, ...]]) -> dict[str, object]:
    """Steps of episodes; a model of what they cost in Gymnasium and in the pool."""
    settings = settings_of(480)
    weights, seeds = np.array(settings.weights), episode_seeds(1, Purpose.EPISODES, settings.episodes, 0)
    pool, own = get_task(ENV, None, "pool"), get_task(ENV, None, "gymnasium", fresh_env=True)
    found: dict[str, object] = {}
    pool_rows: list[list[float]] = []
    pool_seconds: list[float] = []

    def in_pool(batch: NetworkBatch, used: FloatArray, first: int, last: int) -> Rollouts:
        begun = time.process_time()
        part = pool.roll_out(Job(batch, used, seeds, settings.max_steps, first, last))
        pool_seconds.append(time.process_time() - begun)
        pool_rows.append([float(part.steps.size), float(part.steps.max()), float(part.steps.sum())])
        return part

    rows, seconds = [], []
    for name, population in genomes.items():
        chosen = population[:: max(1, len(population) // NETWORKS)][:NETWORKS]
        batch = batch_networks([compile_genome(genome) for genome in chosen])
        pool.roll_out(Job(batch, weights[:1], seeds[:1], 5, 0, 1))
        parts = [in_pool(batch, weights, index, index + 1) for index in range(batch.size)]
        found[name] = {
            "connections_median": float(np.median([genome.connection_count for genome in chosen])),
            "returns": [float(part.returns.mean()) for part in parts],
            "steps": [part.steps.ravel().tolist() for part in parts],
        }
        for index in range(4):  # a weight of a network, and several networks at once
            in_pool(batch, weights[index : index + 1], 5 * index, 5 * index + 1)
        in_pool(batch, weights, 0, 4)
        own.roll_out(Job(batch, weights[:1], seeds[:1], 5, 0, 1))
        for index in range(batch.size):
            begun = time.thread_time()
            weight = weights[index % 6 : index % 6 + 1]
            part = own.roll_out(Job(batch, weight, seeds[:1], settings.max_steps, index, index + 1))
            seconds.append(time.thread_time() - begun)
            rows.append([1.0, float(part.steps.sum())])
    own.close()
    found["gymnasium"] = fit(rows, seconds, ("episode", "step"))
    found["pool"] = fit(pool_rows, pool_seconds, ("episode", "call", "step"))
    return found


def fit(rows: list[list[float]], seconds: list[float], names: tuple[str, ...]) -> dict[str, float]:
    """Seconds for each of some counts: least squares, relative errors counting alike, none negative."""
    x, y = np.array(rows), np.array(seconds)
    kept = list(range(len(names)))
    while True:
        scale = 1.0 / y[:, None]
        part, *_ = np.linalg.lstsq(x[:, kept] * scale, np.ones(len(y)), rcond=None)
        if (part >= 0).all():
            break
        kept.pop(int(part.argmin()))
    cost = dict.fromkeys(names, 0.0) | {names[k]: float(v) for k, v in zip(kept, part, strict=True)}
    guess = x @ np.array(list(cost.values()))
    off = np.abs(guess / y - 1.0)
    return cost | {
        "samples": len(y),
        "median_relative_error": float(np.median(off)),
        "total_seconds": float(y.sum()),
        "total_predicted": float(guess.sum()),
    }


def stored_bytes(value: object) -> int:
    """Bytes as Ray stores or sends it."""
    buffers: list[object] = []
    text = ray.cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return len(text) + sum(buffer.raw().nbytes for buffer in buffers)


def measure_sizes(genomes: tuple[Genome, ...]) -> dict[str, object]:
    """Bytes of a population and of a result, and the seconds that making and copying them takes."""
    weights, seeds = np.ones(6), (1, 2, 3, 4)
    found: dict[str, object] = {}
    for connections in CONNECTIONS:
        for population in POPULATIONS:
            networks = [compile_genome(genome) for genome in grown(genomes, population, connections)]
            begun = time.thread_time()
            work = Work(networks, weights, seeds, by_weight=True)
            made = time.thread_time()
            text = ray.cloudpickle.dumps(work, protocol=5)
            pickled = time.thread_time()
            ray.cloudpickle.loads(text).owned()
            copied = time.thread_time()
            spans = range(work.units)
            parts = [work.failed(first, first + 1, "") for first in spans]
            parts = [(chunk, part._replace(failures=())) for chunk, part in parts]
            before = time.thread_time()
            work.merge(parts)
            found[f"{population} networks, {connections} connections"] = {
                "population_bytes": stored_bytes(work),
                "make_seconds": made - begun,
                "store_seconds": pickled - made,
                "open_seconds": copied - pickled,
                "merge_seconds": time.thread_time() - before,
            }
    found["result_bytes"] = stored_bytes((parts[0][1], 0.1))
    found["chunk_bytes"] = stored_bytes(parts[0][0])
    return found


def measure_driver() -> dict[str, float]:
    """Seconds of the driver for a chunk, through a real evaluator with a real worker and tiny chunks."""
    task = get_task("Pendulum-v1", None, "gymnasium", False)
    genomes = [compile_genome(g) for g in Evolution(settings_of(480), len(task.inputs), 1).state.population]
    weights, seeds = np.ones(6), (1, 2, 3, 4)
    found = {"scan_per_worker": measure_scan()}
    with RayEvaluator(task, 1, workers=1) as evaluator:
        evaluator.evaluate(genomes[:20], weights, seeds)
        usual, distributed.CHUNK_SECONDS = distributed.CHUNK_SECONDS, 0.0  # chunks of one unit
        work = Work(genomes, weights, seeds, by_weight=True)
        own, whole = time.thread_time(), time.process_time()
        evaluator.evaluate(genomes, weights, seeds)
        found["whole_main_thread"] = (time.thread_time() - own) / work.units
        found["whole_all_threads"] = (time.process_time() - whole) / work.units
        distributed.CHUNK_SECONDS = usual

        [worker], stored, count = evaluator._ready, [ray.put(work)], 1000
        own, whole = time.thread_time(), time.process_time()
        sent = [
            worker.actor.evaluate.remote(-2, None if unit else stored, work.chunk(unit, unit + 1), False)
            for unit in range(count)
        ]
        found["dispatch_main_thread"] = (time.thread_time() - own) / count
        ray.wait(sent, num_returns=count)
        own = time.thread_time()
        for reference in sent:
            ray.get(reference)
        found["receive_main_thread"] = (time.thread_time() - own) / count
        found["message_all_threads"] = (time.process_time() - whole) / count
        ray.get(sent.pop())
        trips = []
        for _ in range(200):
            begun = time.perf_counter()
            ray.get(worker.actor.evaluate.remote(-2, None, work.chunk(0, 1), False))
            trips.append(time.perf_counter() - begun)
        found["round_trip_clock_fastest"], found["round_trip_clock_median"] = (
            min(trips),
            float(np.median(trips)),
        )
        ray.kill(worker.actor)

        @ray.remote(num_cpus=1)
        class Echo:
            def evaluate(self, *given: object) -> object:
                return given[2], time.process_time()

            def sleep(self, seconds: float) -> None:
                time.sleep(seconds)

        echo = Echo.remote()
        answers = [echo.evaluate.remote(-2, None, work.failed(0, 1, "")[1], False) for _ in range(count)]
        times = [seconds for _, seconds in ray.get(answers)]
        found["worker_overhead"] = (times[-1] - times[99]) / (count - 100)
        # What looking for results costs, by how many are on their way: none is ready here.
        waiting = [echo.sleep.remote(60.0)]
        for pending in (200, 2000, 20000):
            while len(waiting) < pending:
                waiting.append(echo.evaluate.remote(-2, None, 0, False))
            own, begun = time.thread_time(), time.perf_counter()
            for _ in range(10):
                ray.wait(waiting, num_returns=1, timeout=0)
            found[f"wait_{pending}_main_thread"] = (time.thread_time() - own) / 10
            found[f"wait_{pending}_clock"] = (time.perf_counter() - begun) / 10
        ray.kill(echo)
    return found


def measure_scan() -> float:
    """Seconds of the driver's own loops for each worker, near the end of a generation, when none is free."""
    networks = [compile_genome(g) for g in drifted(96, 1)]
    work, workers = Work(networks, np.ones(6), (1,), by_weight=True), 10_000
    dealer, evaluator = Dealer(work), RayEvaluator.__new__(RayEvaluator)
    while dealer.deal(work.units, 2):
        pass
    now = time.perf_counter()
    busy = [distributed._Worker(None, deque([(work, Span(0, 1))]), now) for _ in range(workers)]
    evaluator._ready = [*busy, distributed._Worker(None)]
    evaluator._number, evaluator._episode_cost, evaluator._task = (
        1,
        0.01,
        get_task(ENV, None, "gymnasium", True),
    )
    sent = dict.fromkeys(range(2 * workers))
    begun = time.thread_time()
    for _ in range(20):
        evaluator._send(work, dealer, [], False)
        list(sent)  # what `_answers` does with the chunks on their way
    return (time.thread_time() - begun) / 20 / workers


def measure_point(genomes: tuple[Genome, ...]) -> dict[str, object]:
    """A real evaluation by two workers: how long it took, and each unit of it."""
    spans: list[Span] = []
    costs: list[float] = []

    class Noting(Dealer):
        def finish(self, span: Span) -> bool:
            spans.append(span)
            return super().finish(span)

    class Watched(RayEvaluator):
        def _learn(self, seconds: float) -> None:
            costs.append(seconds)
            super()._learn(seconds)

    settings, workers = settings_of(480), 2
    networks = [compile_genome(genome) for genome in genomes[:24]]
    usual, distributed.Dealer = distributed.Dealer, Noting
    with Watched(get_task(ENV, None, "gymnasium", True), settings.max_steps, workers=workers) as evaluator:
        evaluator.evaluate(networks[:4], np.array(settings.weights), (1,))
        time.sleep(1.0)
        before = evaluator._episode_cost
        spans.clear(), costs.clear()
        begun = time.perf_counter()
        evaluator.evaluate(networks, np.array(settings.weights), (1,))
        seconds = time.perf_counter() - begun
    distributed.Dealer = usual
    units = np.zeros(len(networks) * 6)
    for span, cost in zip(spans, costs, strict=True):
        units[span.first : span.last] = cost
    return {
        "workers": workers,
        "episodes": 1,
        "seconds": seconds,
        "episode_cost_before": before,
        "unit_seconds": units.reshape(-1, 6).tolist(),
    }


def measure_variation(genomes: tuple[Genome, ...]) -> dict[str, object]:
    """Seconds between evaluations: ask, compile, and tell, which ranks and breeds."""
    found: dict[str, object] = {}
    for connections in CONNECTIONS:
        for population in POPULATIONS:
            settings = settings_of(population)
            evolution = Evolution(settings, 24, 4)
            start = grown(genomes, population, connections)
            state = replace(evolution.state, population=start, next_node=10**5, next_mark=10**6)
            evolution = Evolution(settings, 24, 4, state)
            rng, seconds = np.random.default_rng(1), []
            for _ in range(5):
                begun = time.thread_time()
                asked = evolution.ask()
                for genome in asked:
                    compile_genome(genome)
                evolution.tell(rng.normal(size=(population, 6, 4)))
                seconds.append(time.thread_time() - begun)
            found[f"{population} networks, {connections} connections"] = float(np.median(seconds[1:]))
    return found


def main() -> None:
    """Measure what is named and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="of a BipedalWalker run; only read")
    parser.add_argument(
        "parts",
        nargs="*",
        default=[],
        help="episodes, sizes, variation, driver, point; all where none is named",
    )
    given = parser.parse_args()
    parts = given.parts or ["episodes", "sizes", "variation", "driver", "point"]
    checkpoint = unpack(read_bytes(given.checkpoint, largest=LARGEST_ARRAYS))
    evolved = checkpoint.state.population
    random = drifted(96, 40)
    path = HERE / "measured.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    for part in parts:
        begun = time.perf_counter()
        if part == "episodes":
            found[part] = measure_episodes({"random": random, "evolved": evolved})
            found["evolved_generation"] = checkpoint.state.generation
        elif part == "driver":
            found[part] = measure_driver()
        elif part == "point":
            found[part] = measure_point(evolved)
        else:
            found[part] = {"sizes": measure_sizes, "variation": measure_variation}[part](random)
        found.setdefault("load_average", {})[part] = round(os.getloadavg()[0], 1)
        print(f"{part}: {time.perf_counter() - begun:.0f} s")
        path.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
