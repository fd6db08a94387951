"""Evaluators turn (networks, weights, episode seeds) into returns; which one ran never changes a number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import TracebackType
from typing import Protocol

import numpy as np

from wann.network import FloatArray, Network, batch_networks
from wann.rollout import Rollouts
from wann.tasks import Task


class Evaluator(Protocol):
    """What scores networks."""

    def evaluate(self, networks: Sequence[Network], weights: FloatArray, seeds: Sequence[int]) -> Rollouts:
        """Every network at every weight on every episode.

        Args:
            networks: P networks.
            weights: (W,) shared weights, or (W, C) sets of individual ones for a single network, in the
                order of its sources.
            seeds: E episode seeds.

        Returns:
            Rollouts of shape (P, W, E).
        """
        ...


def available_threads() -> int:
    """Number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LocalEvaluator:
    """Evaluates in threads of this process; a context manager that ends its threads.

    Args:
        task: what networks are scored on.
        max_steps: steps after which an episode is cut off.
        threads: how many; every processor where it is not given.

    Raises:
        ValueError: the number of threads is less than 1.
    """

    def __init__(self, task: Task, max_steps: int, threads: int | None = None) -> None:
        self._task = task
        self._max_steps = max_steps
        self._threads = available_threads() if threads is None else threads
        if self._threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="wann")

    def __enter__(self) -> LocalEvaluator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def evaluate(self, networks: Sequence[Network], weights: FloatArray, seeds: Sequence[int]) -> Rollouts:
        """Every network at every weight on every episode; see `Evaluator.evaluate`."""
        # A chunk is a range of networks; of a single network, a range of weights.
        axis, count = (0, len(networks)) if len(networks) > 1 else (1, len(weights))
        chunks = _chunks(count, self._threads)
        batch = batch_networks(networks)
        episodes = self._task.episodes(weights, seeds)
        if axis == 0:
            jobs = [(episodes, first, last) for first, last in chunks]
        else:
            jobs = [(episodes.of_weights(first, last), 0, 1) for first, last in chunks]
        parts = list(
            self._pool.map(lambda job: self._task.roll_out(batch, job[0], self._max_steps, *job[1:]), jobs)
        )
        return Rollouts(
            np.concatenate([part.returns for part in parts], axis=axis),
            np.concatenate([part.steps for part in parts], axis=axis),
        )


def _chunks(count: int, threads: int) -> list[tuple[int, int]]:
    """Ranges that cover 0..count-1: one for a single thread, else eight a thread for balance."""
    pieces = min(count, 1 if threads == 1 else 8 * threads)
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(edges))
