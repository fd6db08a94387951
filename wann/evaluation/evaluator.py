"""Evaluators turn (networks, weights, episode seeds) into returns; all give the same numbers."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from wann.evaluation.apart import CAN_FORK, NoAnswerError, call_apart
from wann.evaluation.chunks import Chunk, Dealer, Work
from wann.networks.network import Network
from wann.rollouts.job import Seeds
from wann.rollouts.result import Rollouts
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray

Advance = Callable[[float], None]

_STARTING_SECONDS = 600.0  # for which a process that computes once more may take besides
_LONGEST_SECONDS = 86_400.0
_LANES = 256  # least number in a chunk of one network: with fewer, a kernel mostly waits


@dataclass(frozen=True, slots=True)
class Effort:
    """Cost of an evaluation, to be shown; it never enters a result."""

    workers: int  # number of threads or evaluator processes
    busy: float  # share of their time in which they computed, 0 to 1
    waiting: float  # seconds the evaluation lasted beyond the computing of its busiest worker
    retried: int = 0  # chunks that were computed again, as their worker was lost

    @classmethod
    def of(cls, workers: int, computing: Mapping[int, float], elapsed: float, retried: int = 0) -> Effort:
        """Effort of so many workers, from the seconds that each of those who took part computed."""
        workers = max(workers, len(computing))
        busy = sum(computing.values()) / max(workers * elapsed, 1e-9)
        waiting = elapsed - max(computing.values(), default=0.0)
        return cls(workers, min(busy, 1.0), max(waiting, 0.0), retried)


class Evaluator(Protocol):
    """Scores networks; a context manager that ends its workers."""

    def evaluate(
        self,
        networks: Sequence[Network],
        weights: FloatArray,
        seeds: Seeds,
        *,
        confirming: bool = False,
        max_steps: int | None = None,
        progress: Advance | None = None,
    ) -> Rollouts:
        """Every network at every weight on every episode.

        Args:
            networks: P networks.
            weights: (W,) shared weights, or (W, C) sets of individual ones: of all networks' connections laid
                end to end, those of a network in the order of its sources.
            seeds: E episode seeds; or (W, E), where each weight has episodes of its own.
            confirming: whether the task's own Gymnasium environment has to be used, and no faster stand-in.
            max_steps: steps after which an episode is cut off, where it is not the evaluator's own limit.
            progress: called now and then with the share that is done, 0 to 1.

        Returns:
            Rollouts of shape (P, W, E). A network that failed anywhere has no number as each of its returns,
            no steps, and one entry in `failures`.
        """
        ...

    @property
    def effort(self) -> Effort:
        """Cost of the last evaluation."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def available_threads() -> int:
    """Number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LocalEvaluator:
    """Evaluates in threads of this process; a context manager that ends its threads.

    A task that is stepped in Python runs in the calling thread alone: more would only wait for each other.

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
        if not task.threaded:
            self._threads = 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="wann") if task.threaded else None
        self._effort = Effort.of(self._threads, {}, 0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        self._task.close()

    @property
    def effort(self) -> Effort:
        """Cost of the last evaluation."""
        return self._effort

    def evaluate(
        self,
        networks: Sequence[Network],
        weights: FloatArray,
        seeds: Seeds,
        *,
        confirming: bool = False,
        max_steps: int | None = None,
        progress: Advance | None = None,
    ) -> Rollouts:
        """Every network at every weight on every episode; see `Evaluator.evaluate`."""
        begun = time.perf_counter()
        work = Work(networks, weights, seeds, by_weight=len(networks) == 1)
        task = self._task.confirming if confirming else self._task
        computing: dict[int, float] = defaultdict(float)  # seconds of each thread, which alone adds to them

        def compute(chunk: Chunk) -> Rollouts:
            started = time.perf_counter()
            part = work.roll_out(task, chunk, max_steps or self._max_steps)
            if part.stalled:
                part = self._once_more(work, task, chunk, part, max_steps or self._max_steps)
            computing[threading.get_ident()] += time.perf_counter() - started
            return part

        dealer = Dealer(work)
        largest = work.units if task.threaded else max(1, task.lanes // work.episodes_per_unit)
        smallest = -(-_LANES // work.episodes_per_unit) if task.threaded and len(networks) == 1 else 1
        threads = self._threads if task.threaded else 1  # it may be confirmed on one that Python steps
        spans = iter(lambda: dealer.deal(largest, threads, smallest), None)
        chunks = [work.chunk(span.first, span.last) for span in spans]
        parts = []
        pool = self._pool if task.threaded else None
        for part in pool.map(compute, chunks) if pool else map(compute, chunks):
            parts.append(part)
            if progress:
                progress(len(parts) / len(chunks))
        rollouts = work.merge(zip(chunks, parts, strict=True))
        self._effort = Effort.of(self._threads, computing, time.perf_counter() - begun)
        return rollouts

    def _once_more(self, work: Work, task: Task, chunk: Chunk, part: Rollouts, max_steps: int) -> Rollouts:
        """Compute a chunk with networks that stood still again, in a process that can be killed.

        It may have been this process that stood still. The numbers of the other networks come out the same.
        """
        if not CAN_FORK:
            return work.roll_out(task, chunk, max_steps)
        longest = 2.0 * part.returns.size * (task.episode_seconds or 0.0) + _STARTING_SECONDS

        def again() -> Rollouts:
            try:
                return work.roll_out(task, chunk, max_steps)
            finally:
                task.close()  # in that process: what an environment has started ends with it

        try:
            return call_apart(again, min(longest, _LONGEST_SECONDS))
        except NoAnswerError:
            return part
