"""An evaluation in parts: chunks that can be computed anywhere, in any order, more than once, or again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from wann.networks.network import Network, NetworkBatch, batch_networks
from wann.rollouts.job import Job, Seeds
from wann.rollouts.result import Rollouts
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray

MOST_LOSSES = 5
"""Workers that may die over a network before it counts as failed."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part of an evaluation: a range of networks, at a range of the weights."""

    networks: tuple[int, int]  # first and one past the last, in the order of `Work`
    weights: slice


class Work:
    """An evaluation that can be done in parts, in any order: largest networks first, so that it ends evenly.

    Its units are whole networks; where `by_weight`, one network at one weight each.
    """

    def __init__(
        self, networks: Sequence[Network], weights: FloatArray, seeds: Seeds, by_weight: bool
    ) -> None:
        """Arguments as of `Evaluator.evaluate`.

        Raises:
            ValueError: there are not as many individual weights as connections.
        """
        sizes = [network.activation.size + network.sources.size for network in networks]
        self._order = np.argsort(-np.array(sizes), kind="stable")
        self._shape = (len(networks), len(weights), int(np.shape(seeds)[-1]))
        self._by_weight = by_weight
        self.batch = batch_networks([networks[index] for index in self._order])
        self.weights = weights if weights.ndim == 1 else self._in_order(weights, networks)
        self.seeds = np.asarray(seeds, np.int64)
        self.units = self._shape[0] * (self._shape[1] if by_weight else 1)
        self.episodes_per_unit = self._shape[2] * (1 if by_weight else self._shape[1])

    def _in_order(self, weights: FloatArray, networks: Sequence[Network]) -> FloatArray:
        """Individual weights in the order of the batch."""
        begins = np.cumsum([0, *(network.sources.size for network in networks)])
        if weights.shape[1] != begins[-1]:
            raise ValueError(f"{weights.shape[1]} individual weights for {begins[-1]} connections")
        if len(networks) == 1:
            return weights  # it may be large
        columns = [np.arange(begins[index], begins[index + 1]) for index in self._order]
        return weights[:, np.concatenate(columns)]

    def chunk(self, first: int, last: int) -> Chunk:
        """Units `first` to `last - 1`: by the weight, some of one network, or all of several."""
        if not self._by_weight:
            return Chunk((first, last), slice(0, self._shape[1]))
        network, weight = divmod(first, self._shape[1])
        if last - first >= self._shape[1]:
            return Chunk((network, last // self._shape[1]), slice(0, self._shape[1]))
        return Chunk((network, network + 1), slice(weight, weight + last - first))

    def end(self, first: int, size: int) -> int:
        """End of a chunk that begins at `first` and has at most `size` units; see `chunk`."""
        if not self._by_weight:
            return min(first + size, self.units)
        network, weight = divmod(first, self._shape[1])
        if weight or size < self._shape[1]:
            return min(first + size, (network + 1) * self._shape[1])
        return min(first + size, self.units) // self._shape[1] * self._shape[1]

    def owned(self) -> Work:
        """The same on arrays of its own: those that Ray shares are read-only, other types to a kernel."""
        self.weights = self.weights.copy()
        arrays = {field.name: getattr(self.batch, field.name).copy() for field in fields(self.batch)[1:]}
        self.batch = NetworkBatch(self.batch.inputs, **arrays)
        return self

    def failed(self, first: int, last: int, reason: str) -> tuple[Chunk, Rollouts]:
        """Units that could not be computed."""
        chunk = self.chunk(first, last)
        count = chunk.networks[1] - chunk.networks[0]
        shape = (count, chunk.weights.stop - chunk.weights.start, self._shape[2])
        nothing = Rollouts(
            np.full(shape, np.nan),
            np.zeros(shape, np.int64),
            tuple((index, reason) for index in range(count)),
        )
        return chunk, nothing

    def roll_out(self, task: Task, chunk: Chunk, max_steps: int) -> Rollouts:
        """Compute a chunk; where networks have weights of their own, one by one if the task wants it so."""
        weights = self.weights[chunk.weights]
        seeds = self.seeds if self.seeds.ndim == 1 else self.seeds[chunk.weights]
        if weights.ndim == 1:
            return task.roll_out(Job(self.batch, weights, seeds, max_steps, *chunk.networks))
        begins = self.batch.first_connection

        def part(first: int, last: int) -> Rollouts:
            own = np.ascontiguousarray(weights[:, begins[first] : begins[last]])
            return task.roll_out(Job(self.batch, own, seeds, max_steps, first, last))

        if task.own_weights_together:
            return part(*chunk.networks)
        parts = [part(network, network + 1) for network in range(*chunk.networks)]
        return Rollouts(
            np.concatenate([each.returns for each in parts]),
            np.concatenate([each.steps for each in parts]),
            tuple((index, reason) for index, each in enumerate(parts) for _, reason in each.failures),
            tuple(index for index, each in enumerate(parts) if each.stalled),
        )

    def merge(self, parts: Iterable[tuple[Chunk, Rollouts]]) -> Rollouts:
        """The whole from its parts, which may come in any order."""
        returns, steps = np.empty(self._shape), np.zeros(self._shape, np.int64)
        reasons: dict[int, tuple[int, str]] = {}
        for chunk, part in parts:
            rows = self._order[slice(*chunk.networks)]
            returns[rows, chunk.weights], steps[rows, chunk.weights] = part.returns, part.steps
            for index, reason in part.failures:
                # The first weight's reason, whatever came in first.
                found = (chunk.weights.start, reason)
                reasons[int(rows[index])] = min(found, reasons.get(int(rows[index]), found))
        # How far a failed network got depends on how the work was split: nothing of it is counted.
        failed = sorted(reasons)
        returns[failed], steps[failed] = np.nan, 0
        return Rollouts(returns, steps, tuple((index, reasons[index][1]) for index in failed))


@dataclass(eq=False)
class Span:
    """Units of an evaluation on their way to a worker: `first` to `last - 1`."""

    first: int
    last: int
    losses: int = 0  # workers that died over it
    copies: int = 0  # workers that have it
    finished: bool = False

    @property
    def size(self) -> int:
        """Number of units."""
        return self.last - self.first


class Dealer:
    """Deals out an evaluation's units, and takes them back where a worker was lost."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._next = 0
        self._returned: deque[Span] = deque()
        self.left = work.units  # units not finished

    def deal(self, largest: int, workers: int, smallest: int = 1) -> Span | None:
        """The next units, those of lost workers first; None where all are dealt.

        Args:
            largest: how many at most.
            workers: how many share what is left: each gets at most half of its share, so that chunks
                become small towards the end; one alone gets all.
            smallest: but never fewer than this, as far as there are.
        """
        if self._returned:
            return self._returned.popleft()
        if self._next == self._work.units:
            return None
        first, left = self._next, self._work.units - self._next
        share = left if workers == 1 else max(smallest, left // (2 * workers))
        self._next = self._work.end(first, max(1, min(largest, share)))
        return Span(first, self._next)

    def finish(self, span: Span) -> bool:
        """Whether a result is the first for its units, and counts."""
        if span.finished:
            return False
        span.finished = True
        self.left -= span.size
        return True

    def give_back(self, span: Span, blame: int) -> bool:
        """Take back units whose worker was lost.

        Args:
            span: the units.
            blame: how many losses that counts for; 0 where the worker was not at them when it died. Units
                with blame are dealt one by one: should one of them kill its worker, it will be known.

        Returns:
            Whether they will be dealt again; not, where one unit's workers have died too often.
        """
        span.copies -= 1
        if span.finished or span.copies:
            return True
        if span.size == 1 and span.losses + blame >= MOST_LOSSES:
            return False
        span.finished = True  # this object is; its units come again in others
        step, losses = (1, 0) if span.size > 1 and blame else (span.size, span.losses + blame)
        self._returned.extend(Span(at, at + step, losses) for at in range(span.first, span.last, step))
        return True
