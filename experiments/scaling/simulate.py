"""A cluster on paper: the shipped evaluator, driven by a clock and a Ray that only count.

    python experiments/scaling/simulate.py

reads `measured.json`, writes `results.json` and `efficiency.png`, and shows the tables. What runs is
`wann.distributed.RayEvaluator` itself with its `Work` and `Dealer`: chunk sizes, two chunks in flight,
stragglers and all. Only Ray and the clock are replaced.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from measure import drifted

from wann.evaluation import ray_evaluator as distributed
from wann.evaluation.ray_evaluator import RayEvaluator
from wann.networks.network import Network, compile_genome
from wann.rollouts.envpool import MOST_LANES
from wann.rollouts.result import Rollouts
from wann.tasks.registry import get_task

HERE = Path(__file__).parent
CORES = (1, 10, 100, 320, 1000, 3200, 10_000)
POPULATIONS = (480, 4800)
WEIGHTS, EPISODES, CONFIRM_EPISODES, MOST_STEPS = 6, 4, 20, 1600
SEEDS = 3  # of each simulation
WARM = 60  # networks that are evaluated before, so that the cost of an episode is known
MEASURES = {"efficiency": "one confirmation", "efficiency_unconfirmed": "no confirmation"}
ENOUGH = 0.5  # efficiency down to which a cluster is sensible


@dataclass(frozen=True)
class Machine:
    """What everything but an episode costs: seconds, bytes a second."""

    dispatch: float  # of the driver for a chunk
    receive: float  # of the driver for a result
    look: float  # of the driver for a look at what has come in
    look_per_chunk: float  # and for each chunk on its way
    scan_per_worker: float
    overhead: float  # of a worker for a chunk
    open: float  # of a worker for a population
    population_bytes: float
    latency: float = 0.5e-3
    bandwidth: float = 10e9 / 8
    node: int = 32  # cores of a machine


FREE = Machine(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def machine(measured: dict[str, Any], population: int) -> Machine:
    """The machine that was measured, with a stated network."""
    driver, sizes = measured["driver"], measured["sizes"][f"{population} networks, 50 connections"]
    dispatch, receive = driver["dispatch_main_thread"], driver["receive_main_thread"]
    few, many = driver["wait_200_main_thread"], driver["wait_20000_main_thread"]
    return Machine(
        dispatch=dispatch,
        receive=receive,
        look=driver["whole_main_thread"] - dispatch - receive,
        look_per_chunk=2.0 * (many - few) / 19_800,  # Ray is asked twice
        scan_per_worker=driver["scan_per_worker"],
        overhead=driver["worker_overhead"],
        open=sizes["open_seconds"],
        population_bytes=sizes["population_bytes"],
    )


class Ray:
    """Stands in for Ray and for the clock: knows when each result would come in.

    Args:
        machine: what things cost.
        cost: seconds of a chunk, given whether it confirms.
    """

    def __init__(self, machine: Machine, cost: Any) -> None:
        self.machine, self.cost, self.now = machine, cost, 0.0
        self.computed = 0.0
        self.chunks = 0
        self.longest = 0.0  # seconds of a chunk
        self.workers = 0
        self.starting = True
        self._coming: list[tuple[float, int, Any]] = []
        self._here: dict[int, Any] = {}
        self._order = itertools.count()
        self._actors = itertools.count()
        self._populations = itertools.count()
        self._line_free = 0.0  # when the driver's network is free
        self._nodes: dict[tuple[int, int], float] = {}

    def perf_counter(self) -> float:
        """The simulated time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def is_initialized(self) -> bool:
        """Yes, so that no cluster is started."""
        return True

    def put(self, _value: Any) -> int:
        """Store a population: counted with what is serial."""
        return next(self._populations)

    def kill(self, actor: Any) -> None:
        """Nothing has to be ended."""

    def actor(self) -> Any:
        """A new evaluator."""
        place = next(self._actors)
        state = {"free": 0.0}
        node = place // self.machine.node

        def evaluate(_number: int, stored: Any, chunk: Any, confirming: bool) -> Any:
            self.now += self.machine.dispatch
            self.chunks += 1
            begin = max(self.now + self.machine.latency, state["free"])
            if stored:
                begin = max(begin, self._fetched(node, stored[0], confirming)) + self.machine.open
            cost = self.cost(chunk, confirming)
            self.computed += cost
            self.longest = max(self.longest, cost)
            state["free"] = begin + self.machine.overhead + cost
            return self._send(state["free"] + self.machine.latency, (Rollouts(0.0, 0, ()), cost))

        def at_once(value: Any) -> Any:
            return SimpleNamespace(remote=lambda *_: self._send(self.now, value))

        return SimpleNamespace(
            evaluate=SimpleNamespace(remote=evaluate),
            identity=at_once(("here", distributed.identity())),
            prepare=at_once(None),
        )

    def _fetched(self, node: int, number: int, confirming: bool) -> float:
        """When a machine holds the population; the driver sends it to one after the other."""
        if node == 0:
            return self.now
        if (node, number) not in self._nodes:
            size = 0.0 if confirming else self.machine.population_bytes
            self._line_free = max(self._line_free, self.now) + size / self.machine.bandwidth
            self._nodes[node, number] = self._line_free + 2.0 * self.machine.latency
        return self._nodes[node, number]

    def _send(self, when: float, value: Any) -> Any:
        reference = next(self._order)
        heapq.heappush(self._coming, (when, reference, value))
        return reference

    def wait(self, waiting: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        """As Ray's: what has come in, and the time that asking takes."""
        if not self.starting and num_returns == 1:
            self.now += self.machine.look + self.machine.look_per_chunk * len(waiting)
            self.now += self.machine.scan_per_worker * self.workers
        self._arrive()
        if not self._here and timeout:
            soonest = self._coming[0][0] if self._coming else np.inf
            self.now = max(self.now, min(soonest, self.now + timeout))
            self._arrive()
        ready = sorted(self._here, reverse=self.starting)
        return ready[:num_returns], []

    def _arrive(self) -> None:
        while self._coming and self._coming[0][0] <= self.now:
            _, reference, value = heapq.heappop(self._coming)
            self._here[reference] = value

    def get(self, reference: Any) -> Any:
        """A result that has come in."""
        if not self.starting:
            self.now += self.machine.receive
        return self._here.pop(reference)


class Cluster:
    """The shipped evaluator on a simulated cluster."""

    def __init__(self, machine: Machine, stepping: str, cores: int, cost: Any) -> None:
        self.ray = Ray(machine, cost)
        self.ray.workers = cores
        task = _task(stepping)
        self._replaced = {
            name: getattr(distributed, name) for name in ("ray", "time", "_evaluating", "identity")
        }
        identity = distributed.identity()
        distributed.ray = distributed.time = self.ray
        distributed.identity = lambda: identity
        distributed._evaluating = lambda: SimpleNamespace(remote=self.ray.actor)
        self._evaluator = RayEvaluator(task, MOST_STEPS, workers=cores)
        while len(self._evaluator._ready) < cores:
            list(self._evaluator._answers())
        self.ray.starting = False

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for name, value in self._replaced.items():
            setattr(distributed, name, value)

    def evaluate(self, networks: list[Network], weights: int, episodes: int, confirming: bool) -> float:
        """Seconds that an evaluation takes."""
        begun = self.ray.now
        self._evaluator.evaluate(networks, np.ones(weights), range(episodes), confirming=confirming)
        return self.ray.now - begun


@cache
def _task(stepping: str) -> Any:
    return get_task("BipedalWalker-v3", None, stepping, True)


@cache
def _networks(population: int) -> list[Network]:
    networks = [compile_genome(genome) for genome in drifted(96, 40)]
    return [networks[index % len(networks)] for index in range(population)]


class Costs:
    """Seconds of chunks from measured steps: a network's row of episodes is drawn whole.

    Args:
        measured: the figures.
        kind: which networks' episodes; "full" are all of the greatest length.
        stepping: gymnasium or pool.
        population: how many networks.
        by_episode: "confirming" or "all": where each episode counts as a weight, so that it is dealt alone.
    """

    def __init__(
        self, measured: dict[str, Any], kind: str, stepping: str, population: int, by_episode: str, seed: int
    ) -> None:
        episodes, rng = measured["episodes"], np.random.default_rng(seed)
        if kind == "full":
            steps = np.full((1, WEIGHTS, EPISODES), MOST_STEPS)
        else:
            steps = np.array(episodes[kind]["steps"]).reshape(-1, WEIGHTS, EPISODES)
        self._own, self._pool = episodes["gymnasium"], episodes["pool"] if stepping == "pool" else None
        self._steps = steps[rng.integers(len(steps), size=population)]
        # The candidate is the best of the generation; its confirming episodes are as its others.
        best = int(np.argmax(episodes[kind]["returns"])) if kind != "full" else 0
        self._confirm = rng.choice(steps[best], size=CONFIRM_EPISODES, axis=1)
        if by_episode == "all":
            self._steps = self._steps.reshape(population, -1, 1)
        if by_episode:
            self._confirm = self._confirm.reshape(-1, 1)

    def __call__(self, chunk: Any, confirming: bool) -> float:
        """Seconds of a chunk."""
        own, pool = self._own, self._pool
        if confirming or pool is None:
            source = self._confirm[None] if confirming else self._steps
            steps = source[slice(*chunk.networks), chunk.weights]
            return float(steps.size * own["episode"] + steps.sum() * own["step"])
        steps = self._steps[slice(*chunk.networks), chunk.weights].ravel()
        calls = sum(steps[at : at + MOST_LANES].max() for at in range(0, steps.size, MOST_LANES))
        return float(steps.size * pool["episode"] + calls * pool["call"] + steps.sum() * pool["step"])


def generation(
    measured: dict[str, Any],
    kind: str,
    stepping: str,
    population: int,
    cores: int,
    *,
    by_episode: str = "",
    dispatchers: int = 1,
) -> dict[str, float]:
    """A generation, the median of several: its parts in seconds, and efficiency."""
    found = []
    serial = measured["variation"][f"{population} networks, 50 connections"]
    sizes = measured["sizes"][f"{population} networks, 50 connections"]
    serial += sizes["make_seconds"] + sizes["store_seconds"] + sizes["merge_seconds"]
    split = (WEIGHTS * EPISODES, 1) if by_episode == "all" else (WEIGHTS, EPISODES)
    confirm = (WEIGHTS * CONFIRM_EPISODES, 1) if by_episode else (WEIGHTS, CONFIRM_EPISODES)
    share, part = cores // dispatchers, population // dispatchers
    for seed in range(SEEDS):
        seconds, computed, confirmed, chunks = [], 0.0, 0.0, 0
        for which in range(dispatchers):  # side by side: the slowest counts
            costs = Costs(measured, kind, stepping, part, by_episode, 1000 * seed + which)
            with Cluster(machine(measured, population), stepping, share, costs) as cluster:
                cluster.evaluate(_networks(min(WARM, part)), *split, False)
                cluster.ray.computed = cluster.ray.chunks = cluster.ray.longest = 0
                evaluating = cluster.evaluate(_networks(part), *split, False)
                sent, longest, before = cluster.ray.chunks, cluster.ray.longest, cluster.ray.computed
                confirming = cluster.evaluate(_networks(1), *confirm, True)
                seconds.append((evaluating, confirming, longest))
                computed += before
                confirmed = cluster.ray.computed - before if which == 0 else confirmed
                chunks += sent
        evaluating, longest = max(row[0] for row in seconds), max(row[2] for row in seconds)
        confirming = seconds[0][1]
        whole = serial + evaluating + confirming
        found.append(
            {
                "efficiency": (computed + confirmed) / (cores * whole),
                "efficiency_unconfirmed": computed / (cores * (serial + evaluating)),
                "seconds": whole,
                "evaluating": evaluating,
                "confirming": confirming,
                "serial": serial,
                "computing": computed,
                "chunks": chunks,
                "longest": longest,
            }
        )
    middle = {name: float(np.median([row[name] for row in found])) for name in found[0]}
    middle["efficiency_least"] = min(row["efficiency"] for row in found)
    middle["efficiency_most"] = max(row["efficiency"] for row in found)
    return middle


def check(measured: dict[str, Any]) -> dict[str, float]:
    """The simulator against cases whose answer is known, and against a real evaluation."""
    networks = _networks(4)
    one_each = lambda chunk, _: float(chunk.weights.stop - chunk.weights.start)  # noqa: E731
    with Cluster(FREE, "gymnasium", 8, one_each) as cluster:
        cluster.evaluate(networks, 6, 1, False)
        _expect(cluster.evaluate(networks, 6, 1, False), 3.0)  # 24 units of 1 s on 8 cores
    with Cluster(replace(FREE, dispatch=0.05), "gymnasium", 100, lambda *_: 0.1) as cluster:
        _expect(cluster.evaluate(networks, 6, 1, False), 1.3)  # as long as 24 messages, and the last unit
    point = measured["point"]
    costs = np.array(point["unit_seconds"])
    workers = machine(measured, 480)
    same = replace(workers, latency=0.0, node=point["workers"])
    with Cluster(
        same,
        "gymnasium",
        point["workers"],
        lambda chunk, _: float(costs[slice(*chunk.networks), chunk.weights].sum()),
    ) as cluster:
        cluster._evaluator._episode_cost = point["episode_cost_before"]
        simulated = cluster.evaluate(_networks(len(costs)), costs.shape[1], point["episodes"], False)
    _expect(simulated, point["seconds"], 0.1)
    return {"measured_seconds": point["seconds"], "simulated_seconds": simulated}


def _expect(found: float, known: float, tolerance: float = 1e-9) -> None:
    if abs(found / known - 1.0) > tolerance:
        raise AssertionError(f"the simulation gives {found} s, it should be {known} s")


def sensible(efficiencies: list[float]) -> float:
    """Cores at which efficiency falls to `ENOUGH`, between simulated points on the logarithm."""
    curve = list(zip(CORES, efficiencies, strict=True))
    for (few, high), (many, low) in itertools.pairwise(curve):
        if high >= ENOUGH > low:
            share = (high - ENOUGH) / (high - low)
            return float(np.exp(np.log(few) + share * (np.log(many) - np.log(few))))
    return float(CORES[-1]) if curve[-1][1] >= ENOUGH else float(CORES[0])


def summarise(results: dict[str, Any]) -> dict[str, int]:
    """Shows the README's tables and draws the figure; the largest sensible clusters."""
    from matplotlib.figure import Figure

    from wann.visualization.theme import LIGHT, figure_style, save_figure

    largest: dict[str, int] = {}
    rows, shown = results["generations"], {"gymnasium": "Gymnasium", "pool": "pool"}
    for measure, population, stepping in itertools.product(MEASURES, POPULATIONS, shown):
        curve = [rows[f"evolved {stepping} {population} {cores}"][measure] for cores in CORES]
        largest[f"{measure} {stepping} {population}"] = round(sensible(curve))
        cells = " | ".join(f"{value:.2f}" for value in curve)
        print(f"| {population:,} | {shown[stepping]} | {cells} | {sensible(curve):,.0f} | {measure}")

    for population, stepping in itertools.product(POPULATIONS, shown):
        seconds = [rows[f"evolved {stepping} {population} {cores}"]["seconds"] for cores in CORES]
        print(f"| {population:,} | {shown[stepping]} | {' | '.join(f'{value:,.1f}' for value in seconds)} |")

    with figure_style():
        figure = Figure(figsize=(8.0, 3.6), facecolor=LIGHT.paper, layout="constrained")
        panels = figure.subplots(1, len(POPULATIONS), sharey=True)
        for axes, population in zip(panels, POPULATIONS, strict=True):
            axes.axhline(ENOUGH, color=LIGHT.faint, zorder=0)
            for (stepping, name), colour in zip(shown.items(), (LIGHT.input, LIGHT.output), strict=True):
                for (measure, words), style in zip(MEASURES.items(), ("-", "--"), strict=True):
                    curve = [rows[f"evolved {stepping} {population} {cores}"][measure] for cores in CORES]
                    look = {
                        "color": colour,
                        "marker": "o",
                        "markersize": 3.5,
                        "clip_on": False,
                        "label": f"{name}, {words}",
                    }
                    axes.semilogx(CORES, curve, style, **look)
            axes.set(xlabel="cores", ylim=(0.0, 1.03), xlim=(1, 10_000))
            axes.set_title(f"{population:,} networks", loc="left", fontsize=10)
            axes.set_xticks([1, 10, 100, 1000, 10_000], ["1", "10", "100", "1,000", "10,000"])
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        panels[0].set_ylabel("efficiency")
        panels[0].legend(frameon=False, loc="lower left", fontsize=8)
        save_figure(figure, HERE / "efficiency.png")
    return largest


def simulate(measured: dict[str, Any]) -> dict[str, Any]:
    """Every case, after the checks."""
    print("check", checked := check(measured))
    results: dict[str, Any] = {"check": checked, "generations": {}}

    def show(name: str, *arguments: Any, **options: Any) -> None:
        row = generation(measured, *arguments, **options)
        results["generations"][name] = row
        print(f"{name:50}", *(f"{key} {value:.4g}" for key, value in row.items()), flush=True)

    for stepping, population in itertools.product(("gymnasium", "pool"), POPULATIONS):
        name = f"{stepping} {population}"
        for cores in CORES:
            show(f"evolved {name} {cores}", "evolved", stepping, population, cores)
        for kind in ("random", "full"):
            show(f"{kind} {name} 1000", kind, stepping, population, 1000)
    for stepping, population in itertools.product(("gymnasium", "pool"), POPULATIONS):
        cores = 1000 if population == POPULATIONS[0] else 10_000
        name, case = f"{stepping} {population} {cores}", ("evolved", stepping, population, cores)
        for words, split in (("confirming by episode", "confirming"), ("all by episode", "all")):
            show(f"{words} {name}", *case, by_episode=split)
            show(f"ten dispatchers, {words} {name}", *case, by_episode=split, dispatchers=10)
    return results


def main() -> None:
    """Simulate, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--draw", action="store_true", help="only the tables and the figure, from results.json"
    )
    measured, path = json.loads((HERE / "measured.json").read_text()), HERE / "results.json"
    results = json.loads(path.read_text()) if parser.parse_args().draw else simulate(measured)
    results["sensible"] = summarise(results)
    path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
