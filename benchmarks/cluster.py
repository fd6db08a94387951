"""What Ray brings and what it costs, on a cluster of this machine's own."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import numpy as np
from environments import networks_for
from measuring import WEIGHTS, in_turns, missing, report

from wann.evaluation.evaluator import LocalEvaluator
from wann.networks.network import Network
from wann.run.folder import task_of
from wann.run.search import resolve
from wann.tasks.registry import get_task
from wann.tasks.task import Task

SEEDS = (0, 1)


@contextmanager
def ray_evaluators(task: Task, max_steps: int, *sizes: int) -> Iterator[list]:
    """Evaluators of so many workers each, side by side in one cluster; those that wait take no time."""
    import ray

    from wann.evaluation.ray_cluster import connect
    from wann.evaluation.ray_evaluator import RayEvaluator

    connect(None, sum(sizes))
    try:
        yield [RayEvaluator(task, max_steps, workers=size) for size in sizes]
    finally:
        ray.shutdown()


def repeated(evaluator, workers: int, networks: Sequence[Network]) -> Callable[[], np.ndarray]:
    """An evaluation to be called again and again, once all workers are there."""

    def evaluate() -> np.ndarray:
        return evaluator.evaluate(networks, WEIGHTS, SEEDS).returns

    while evaluator.effort.workers < workers:
        evaluator.evaluate(networks[:2], WEIGHTS, SEEDS)
    return evaluate


def equal(one: np.ndarray, other: np.ndarray) -> str:
    return "equal returns" if np.array_equal(one, other) else "UNEQUAL returns"


def biped() -> Task:
    """The biped, stepped by Gymnasium."""
    return task_of(resolve("BipedalWalker-v3", settings={"stepping": "gymnasium"}))


def scaling(bar: str, repeats: int) -> None:
    """Two workers against one, with the same networks."""
    what = "BipedalWalker-v3, 16 networks x 6 x 2: 1 Ray worker / 2"
    if reason := missing("Box2D", "ray"):
        report(what, bar, reason)
        return
    task = biped()
    networks = networks_for(task, 16, 210)
    with ray_evaluators(task, task.episode_steps, 1, 2) as (one, two):
        alone, together = repeated(one, 1, networks), repeated(two, 2, networks)
        same = equal(alone(), together())
        slow, fast = in_turns(repeats, alone, together)
    ratio = median(a / b for a, b in zip(slow, fast, strict=True))
    seconds = f"{median(slow):.2f} / {median(fast):.2f} s"
    report(what, bar, f"{ratio:.2f}: {seconds}, the two {two.effort.busy:.0%} busy, {same}")


def added(bar: str, repeats: int) -> None:
    """Seconds of an evaluation beyond its busiest worker's computing, for a cheap task and a dear one."""
    for name, max_steps, connections, needed in (
        ("CartPole-v1", 500, 20, ("ray",)),
        ("BipedalWalker-v3", 10, 210, ("ray", "Box2D")),
    ):
        what = f"{name}, 480 networks x 6 x 2 x {max_steps} steps, 2 workers: Ray adds"
        if reason := missing(*needed):
            report(what, bar, reason)
            continue
        task = biped() if name == "BipedalWalker-v3" else get_task(name)
        networks = networks_for(task, 480, connections)
        with LocalEvaluator(task, max_steps) as local:
            expected = local.evaluate(networks[:24], WEIGHTS, SEEDS).returns
        with ray_evaluators(task, max_steps, 2) as (evaluator,):
            evaluate = repeated(evaluator, 2, networks)
            same = equal(evaluate()[:24], expected)
            waiting, elapsed = [], []
            for _ in range(repeats):
                begun = time.perf_counter()
                evaluate()
                elapsed.append(time.perf_counter() - begun)
                waiting.append(1e3 * evaluator.effort.waiting)
        report(
            what,
            bar,
            f"{median(waiting):.0f} ms ({min(waiting):.0f} to {max(waiting):.0f}) "
            f"of {median(elapsed):.2f} s, {same}",
        )
