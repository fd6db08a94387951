"""Evaluations spread over a Ray cluster, local or joined.

One evaluator process a CPU, kept for the whole search. A generation's networks are stored once; chunks of
them go to whoever is free, sized by what a network has cost so far, and results are placed by index. Whatever
dies, its chunks go elsewhere: a chunk's numbers follow from the chunk alone, so nothing a worker does can
change a result.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from types import TracebackType
from typing import Any, Self

import numpy as np

from wann.evaluation.chunks import MOST_LOSSES, Chunk, Dealer, Span, Work
from wann.evaluation.evaluator import Advance, Effort
from wann.evaluation.ray_cluster import (
    REACH_SECONDS,
    Activity,
    connect,
    exceptions,
    first_line,
    identity,
    ray,
)
from wann.networks.network import Network
from wann.rollouts.job import Seeds
from wann.rollouts.result import Rollouts
from wann.rollouts.time_limit import STANDING_STILL, StandsStillError
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray

CHUNK_SECONDS = 0.1
"""Seconds that a chunk should last: below 0.05 messages cost much, above 0.2 generations end unevenly."""

_SMALLEST_SECONDS = 0.01  # least seconds, also at the end: a worker waits a millisecond between two chunks
_MOST_CHUNKS = 12  # about as many for each worker, so that in a long generation those waits do not add up,
_LONGEST_SECONDS = 2.0  # unless chunks would last longer: what a death costs, and how often progress is seen

_IN_FLIGHT = 2  # chunks a worker holds: it computes one and has the next at hand
_MOST_FAILED_STARTS = 10  # evaluators in a row
_BLAME_FOR_HANGING = 3  # of MOST_LOSSES, so that the second time settles it: once may be a link that was cut
_TELL_SECONDS = 60.0  # between two notes on what is waited for
_HANGING_SECONDS = 600.0  # for which a worker may be at one chunk, at least: a starved one loads for minutes
_POLL_SECONDS = 0.5  # how often the cluster's size and the workers' limits are looked at
_STRAGGLING = 5.0  # times its expected duration, after which a chunk is computed elsewhere too
_STRAGGLING_SECONDS = 3.0  # but never before


def _evaluating() -> Any:
    """Class of the evaluator processes, on which Ray sends the code itself instead of its name.

    So that the first question to a worker, which version it runs, can be asked of any version.
    """

    class Evaluating:
        def identity(self) -> tuple[str, dict[str, str]]:
            try:
                from wann.evaluation import ray_cluster

                found = ray_cluster.identity()
            except ImportError:  # another version, whose modules lie elsewhere
                found = {"wann": import_module("wann").__version__}
            return ray.util.get_node_ip_address(), found

        def prepare(self, spec: Any) -> None:
            from wann.rollouts.time_limit import end_where_stuck
            from wann.tasks.registry import get_task

            end_where_stuck()
            self.task = get_task(*spec)
            self.held = -1

        def evaluate(self, number: int, stored: Any, chunk: Any, confirming: bool, max_steps: int) -> Any:
            if stored:
                self.held, self.work = number, ray.get(stored[0]).owned()
            if self.held != number:  # calls come in order, so this would be a fault
                raise RuntimeError(f"networks of evaluation {self.held} instead of {number}")
            begun = time.perf_counter()
            task = self.task.confirming if confirming else self.task
            part = self.work.roll_out(task, chunk, max_steps)
            return part, time.perf_counter() - begun

    return ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Evaluating)


@dataclass(eq=False)
class _Worker:
    """An evaluator process, as this one sees it."""

    actor: Any
    spans: deque[tuple[Any, Span]] = field(default_factory=deque)  # (evaluation, units), as they were sent
    since: float = 0.0  # when it began the first of them
    holds: int = -1  # the evaluation whose networks it has, once what is in `spans` is done
    hanging: bool = False  # whether it was ended for being at one episode too long


class RayEvaluator:
    """Evaluates on a Ray cluster; a context manager that ends its evaluators, and a cluster it started.

    Args:
        task: what networks are scored on.
        max_steps: steps after which an episode is cut off.
        workers: evaluators, one CPU each; every CPU of the cluster, also of machines that join later, where
            it is not given.
        address: "auto" or HOST:PORT of a cluster to join; None to start one on this machine.
        note: told in a line what a user should know.

    Raises:
        ValueError: the cluster cannot be reached, or a worker runs another version.
        RuntimeError: evaluators do not start.
    """

    def __init__(
        self,
        task: Task,
        max_steps: int,
        *,
        workers: int | None = None,
        address: str | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._task = task
        self._max_steps = max_steps
        self._limit = workers
        self._episode_limit = task.episode_seconds or math.inf
        self._note = note or (lambda _text: None)
        self._identity = identity()
        self._starting: dict[Any, tuple[_Worker, bool]] = {}  # by reference; whether its versions are checked
        self._ready: list[_Worker] = []
        self._refused: list[_Worker] = []
        self._sent: dict[Any, tuple[_Worker, Work, Span]] = {}  # by the reference of the result
        self._failed_starts = 0
        self._number = 0  # of the evaluation
        self._episode_cost: float | None = None  # seconds, measured
        self._effort = Effort.of(0, {}, 0.0)
        self._ours = connect(address, workers, self._note)
        try:
            self._spec = ray.put(task.spec)  # with a data set's samples: once for each machine
            self._evaluating = _evaluating()
            self._await_first()
        except BaseException:
            self._leave()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()

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
        """Every network at every weight on every episode; see `Evaluator.evaluate`.

        Raises:
            RuntimeError: evaluators cannot be started any more.
        """
        begun = looked = time.perf_counter()
        self._number += 1
        rollouts = len(weights) * np.shape(seeds)[-1]
        work = Work(networks, weights, seeds, self._by_weight(len(networks), rollouts))
        dealer, stored = Dealer(work), [ray.put(work)]
        parts: list[tuple[Chunk, Rollouts]] = []
        computing: dict[int, float] = defaultdict(float)
        retried = 0
        while dealer.left:
            self._send(work, dealer, stored, confirming, max_steps or self._max_steps)
            for worker, sent, span, answer in self._answers():
                if isinstance(answer, exceptions.RayError):
                    parts += self._lose(worker, work, dealer, answer)
                    retried += 1
                    continue
                part, seconds = answer
                if part.stalled and sent is work and not span.finished:
                    retried += 1
                    parts += self._lose(worker, work, dealer, StandsStillError())
                    if dealer.give_back(span, _BLAME_FOR_HANGING):
                        continue
                if sent is work and dealer.finish(span):
                    parts.append((work.chunk(span.first, span.last), part))
                    computing[id(worker)] += seconds
                    self._learn(seconds / (span.size * work.episodes_per_unit))
            if progress:
                progress(1.0 - dealer.left / work.units)
            if time.perf_counter() - looked > _POLL_SECONDS:
                looked = time.perf_counter()
                self._grow()
                self._end_hanging()
        self._effort = Effort.of(len(self._ready), computing, time.perf_counter() - begun, retried)
        return work.merge(parts)

    def _by_weight(self, networks: int, episodes: int) -> bool:
        """Whether a network takes so long that its weights may be dealt out one by one."""
        if networks == 1 or not self._task.threaded:
            return True
        return episodes * (self._episode_cost or 0.0) > 2.0 * CHUNK_SECONDS

    def _learn(self, seconds: float) -> None:
        """Take a measured cost of an episode into account: the average of some hundred chunks."""
        known = seconds if self._episode_cost is None else self._episode_cost
        self._episode_cost = known + 0.02 * (seconds - known)

    def _send(self, work: Work, dealer: Dealer, stored: list[Any], confirming: bool, max_steps: int) -> None:
        """Give chunks to the workers that have room for them, the idlest first."""
        unit = work.episodes_per_unit * (self._episode_cost or math.inf)
        # Rollouts that are computed side by side are cheapest together.
        lanes = (self._task.confirming if confirming else self._task).lanes
        largest = max(1, int(CHUNK_SECONDS / unit), lanes // work.episodes_per_unit)
        smallest = max(1, int(_SMALLEST_SECONDS / unit))
        if self._episode_cost is not None:
            few = work.units // (_MOST_CHUNKS * max(1, len(self._ready)))
            largest = max(largest, min(few, int(_LONGEST_SECONDS / unit)))
        room = [worker for worker in self._ready if len(worker.spans) < _IN_FLIGHT]
        for already in range(_IN_FLIGHT):
            for worker in room:
                if len(worker.spans) > already:
                    continue
                span = dealer.deal(largest, max(2, len(self._ready)), smallest)
                if span is None:
                    span = None if already else self._straggler(work)
                if span is None:
                    return
                span.copies += 1
                chunk = work.chunk(span.first, span.last)
                # The networks go with the first chunk only: every mention of them costs messages.
                number, population = self._number, None if worker.holds == self._number else stored
                reference = worker.actor.evaluate.remote(number, population, chunk, confirming, max_steps)
                worker.holds = number
                if not worker.spans:
                    worker.since = time.perf_counter()
                worker.spans.append((work, span))
                self._sent[reference] = worker, work, span

    def _straggler(self, work: Work) -> Span | None:
        """Units of a worker that is so late that it may be out of reach: they are computed elsewhere too."""
        now = time.perf_counter()
        for worker in self._ready:
            if not worker.spans:
                continue
            expected = _STRAGGLING * self._expected(*worker.spans[0])
            if now - worker.since < max(_STRAGGLING_SECONDS, expected):
                continue
            for sent, span in worker.spans:
                if sent is work and not span.finished and span.copies == 1:
                    return span
        return None

    def _expected(self, work: Work, span: Span) -> float:
        """Seconds that a chunk should take."""
        return span.size * work.episodes_per_unit * (self._episode_cost or 0.0)

    def _answers(self) -> Iterator[tuple[_Worker, Work, Span, Any]]:
        """Results that have come in, and the errors of workers that died; waits for the first."""
        waiting = [*self._sent, *self._starting]
        if not waiting:  # no machine is left; one may join
            time.sleep(_POLL_SECONDS)
            return
        ready, _ = ray.wait(waiting, num_returns=1, timeout=_POLL_SECONDS)
        if ready:
            ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
        for reference in ready:
            if reference in self._starting:
                self._welcome(reference)
                continue
            if reference not in self._sent:
                continue  # it was lost with its worker, earlier in this loop
            worker, work, span = self._sent[reference]
            try:
                answer: Any = ray.get(reference)
            except exceptions.RayTaskError:
                raise  # a fault of ours, not of the worker's
            except exceptions.RayError as error:
                yield worker, work, span, error
                continue
            del self._sent[reference]
            worker.spans.popleft()
            worker.since = time.perf_counter()
            yield worker, work, span, answer

    def _lose(
        self, worker: _Worker, work: Work, dealer: Dealer, error: BaseException
    ) -> list[tuple[Chunk, Rollouts]]:
        """Take a dead worker off the list, and its units back; those that have failed for good.

        Args:
            error: of its death; a `StandsStillError` where it is ended as what it computed last stood still,
                so that another process tries once more: the rest of its units has nothing to do with that.
        """
        self._ready.remove(worker)
        self._end(worker)
        for reference in [r for r, (owner, _, _) in self._sent.items() if owner is worker]:
            del self._sent[reference]
        failed = []
        for place, (sent, span) in enumerate(worker.spans):
            # Only the first was being computed; the others have nothing to do with it.
            guiltless = place > 0 or isinstance(error, StandsStillError)
            blame = 0 if guiltless else _BLAME_FOR_HANGING if worker.hanging else 1
            if sent is work and not dealer.give_back(span, blame):
                dealer.finish(span)
                reason = (
                    f"an episode took longer than {self._episode_limit:g} s, and its worker was ended"
                    if worker.hanging
                    else f"its worker died {MOST_LOSSES} times, or took no notice of its time limit; the "
                    f"last time so: {first_line(error)}"
                )
                failed.append(work.failed(span.first, span.last, reason))
        self._grow()
        return failed

    def _end_hanging(self) -> None:
        """End the workers that have neither answered nor ended themselves; their loss is seen as any other.

        A worker judges its own episodes: only there it is known what they have computed. But it cannot where
        compiled code lets no other thread run. An episode that goes on for so long stands still.
        """
        now, longest = time.perf_counter(), max(self._episode_limit / STANDING_STILL, _HANGING_SECONDS)
        for worker in self._ready:
            if worker.spans and not worker.hanging:
                allowed = longest + 2.0 * _STRAGGLING * self._expected(*worker.spans[0])
                if now - worker.since > allowed:
                    worker.hanging = True
                    self._end(worker)

    def _end(self, worker: _Worker) -> None:
        with suppress(exceptions.RayError, ValueError):
            ray.kill(worker.actor)

    def _grow(self) -> None:
        """Ask for the evaluators that are missing: as many as were wanted, or one for every CPU there is."""
        wanted = self._limit or int(ray.cluster_resources().get("CPU", 0))
        for _ in range(wanted - len(self._ready) - len(self._starting) - len(self._refused)):
            worker = _Worker(self._evaluating.remote())
            self._starting[worker.actor.identity.remote()] = worker, False

    def _welcome(self, reference: Any) -> None:
        """Go on with a worker that has answered: check what it runs, let it prepare, then it is ready.

        Raises:
            ValueError: it cannot be used, and there is no other.
            RuntimeError: several in a row have not started.
        """
        worker, checked = self._starting.pop(reference)
        try:
            answer = ray.get(reference)
            if checked:
                self._failed_starts = 0
                self._ready.append(worker)
            else:
                self._check(*answer)
                prepared = worker.actor.prepare.remote(self._spec)
                self._starting[prepared] = worker, True
        except exceptions.RayTaskError as error:
            self._refuse(worker, f"a worker cannot be used: {first_line(error.cause or error)}")
        except ValueError as error:
            self._refuse(worker, str(error))
        except exceptions.RayError as error:
            self._failed_starts += 1
            self._end(worker)
            if self._failed_starts >= _MOST_FAILED_STARTS and not self._ready:
                raise RuntimeError(
                    f"evaluators do not start, {_MOST_FAILED_STARTS} in a row: {first_line(error)}"
                ) from None
            self._grow()

    def _check(self, node: str, theirs: Mapping[str, str]) -> None:
        for name, mine in self._identity.items():
            if name in theirs and theirs[name] != mine:
                raise ValueError(
                    f"the worker on {node} has {name} {theirs[name]}, but here it is {mine}: "
                    "install the same on every machine of the cluster"
                )
        if missing := [name for name in self._identity if name not in theirs]:
            raise ValueError(
                f"the worker on {node} does not tell its {' and '.join(missing)}, so it runs another version "
                "of wann: install the same on every machine of the cluster"
            )

    def _refuse(self, worker: _Worker, reason: str) -> None:
        """Do without a worker. It keeps its CPU, so that Ray does not give us another on the same machine."""
        self._refused.append(worker)
        if not self._ready and not self._starting:
            raise ValueError(reason)
        self._note(reason)

    def _await_first(self) -> None:
        """Wait for the first evaluator; tell what is waited for, where it takes long.

        Raises:
            RuntimeError: nothing happens in a cluster of our own, whose processors nobody else can hold.
        """
        begun = time.perf_counter()
        told, activity = begun - _TELL_SECONDS + REACH_SECONDS, Activity()
        while True:
            self._grow()
            starting = [*self._starting]
            if not starting:  # no processor is there yet
                time.sleep(_POLL_SECONDS)
            for reference in ray.wait(starting, timeout=_POLL_SECONDS)[0] if starting else ():
                self._welcome(reference)
            if self._ready:
                return
            now = time.perf_counter()
            waiting = f"{now - begun:.0f} s so far"
            if self._ours and activity.ended():
                raise RuntimeError(f"no Ray worker has started, {waiting}, and nothing happens any more")
            if now - told > _TELL_SECONDS:
                told = now
                what = "Ray's workers to start" if self._ours else "a free CPU in the cluster"
                self._note(f"waiting for {what}, {waiting}")

    def _leave(self) -> None:
        """End the evaluators, and the cluster if it is ours."""
        for worker in [*self._ready, *self._refused, *(worker for worker, _ in self._starting.values())]:
            self._end(worker)
        self._ready.clear()
        self._refused.clear()
        self._starting.clear()
        self._sent.clear()
        if self._ours:
            ray.shutdown()
