"""From a placement to an evaluator: threads of this process, or a Ray cluster."""

from __future__ import annotations

import time

import numpy as np

from wann.evaluation.evaluator import Evaluator, LocalEvaluator, available_threads
from wann.evaluation.placement import Note, Placement
from wann.networks.genome import minimal_genome
from wann.networks.network import compile_genome
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.task import Task

WORTH_SECONDS = 3.0
"""A generation that takes longer than this in one process is spread over all processors unasked."""


def open_evaluator(
    task: Task, max_steps: int, placement: Placement, episodes: int, note: Note | None = None
) -> Evaluator:
    """The evaluator for a task; a context manager.

    Without a wish, compiled tasks stay in threads of this process, as do tasks that Python steps if they
    are cheap; others get one local Ray worker a processor, or stay here if Ray does not start.

    Args:
        task: what networks are scored on.
        max_steps: steps after which an episode is cut off.
        placement: the user's wish.
        episodes: how many one evaluation takes altogether: networks x weights x episodes.
        note: told in a line what was decided, and why, where a user might wonder.

    Raises:
        ValueError, RuntimeError: as `RayEvaluator`, where it is asked for.
        ValueError: the number of threads is less than 1.
    """
    note = note or (lambda _text: None)
    if isinstance(task, Box2DTask) and task.confirms_on_gymnasium:
        note(
            f"{task.name}: networks are confirmed on Gymnasium, as the installed one gives other numbers "
            f"than the compiled physics, which is far faster ('wann doctor {task.name}' says more)"
        )
    workers = placement.workers
    if placement.address is None and workers is None:
        if placement.threads is not None or task.threaded or available_threads() == 1:
            return LocalEvaluator(task, max_steps, placement.threads)
        seconds = _cost_of_episode(task, max_steps) * episodes
        if seconds < WORTH_SECONDS:
            note(
                f"computing in one process: {seconds:.1f} s a time is too short to spread (--workers N does)"
            )
            return LocalEvaluator(task, max_steps)
        note(
            f"spreading over {available_threads()} Ray workers on this machine "
            "(--threads 1 computes in this process)"
        )
    elif task.threaded and _cost_of_episode(task, max_steps) * episodes < WORTH_SECONDS:
        note(
            f"{task.name} is so cheap that threads of this process are faster than a cluster: "
            "messages take longer than computing (leave out --workers and --address)"
        )
    from wann.evaluation.ray_evaluator import RayEvaluator

    asked = placement.address is not None or workers is not None
    try:
        return RayEvaluator(
            task,
            max_steps,
            workers=workers if asked else available_threads(),
            address=placement.address,
            note=note,
        )
    except (ValueError, RuntimeError) as error:
        if asked:
            raise
        note(f"computing in this process instead: {error}")
        return LocalEvaluator(task, max_steps)


def _cost_of_episode(task: Task, max_steps: int) -> float:
    """Seconds that an episode of a minimal network takes: the mean of a few."""
    rng = np.random.default_rng(0)
    networks = [
        compile_genome(minimal_genome(len(task.inputs), len(task.outputs), 1, 0.5, rng=rng)) for _ in range(3)
    ]
    with LocalEvaluator(task, max_steps) as evaluator:
        evaluator.evaluate(networks[:1], np.ones(1), [0])  # makes the environment and compiles what is needed
        begun = time.perf_counter()
        evaluator.evaluate(networks, np.array([-1.0, 1.0]), [1])
        return (time.perf_counter() - begun) / (2 * len(networks))
