"""Tasks on data sets: an episode is a batch of samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import gymnasium
import numpy as np
from numpy.typing import NDArray

from wann.rollouts.job import Job
from wann.rollouts.losses import squared_error, weighted_entropy
from wann.rollouts.result import Rollouts
from wann.rollouts.samples import Batch, classify, make_batch
from wann.tasks.columns import Columns
from wann.tasks.data_sets import DataSet, Samples, load_named
from wann.tasks.task import Task, TaskSpec
from wann.utils.seeding import Purpose, stream

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True, eq=False, kw_only=True)
class DataTask(Task):
    """A data set: networks are scored by minus the mean cross-entropy of their outputs' softmax.

    Where samples have targets instead of classes, it is minus the mean squared error of the outputs.

    An episode is a batch of random samples of the training part, as many as an episode may have steps; its
    seed decides which, so that a generation is scored on the same ones. Champions are confirmed on the whole
    validation part, dealt out over the episodes.
    """

    data: DataSet | None = None  # loaded when it is first needed, where it is not given
    part: Part = "train"

    def __post_init__(self) -> None:
        object.__setattr__(self, "stepping", "compiled")
        object.__setattr__(self, "threaded", True)

    @property
    def spec(self) -> TaskSpec:
        """What makes this task again elsewhere, the data with it."""
        return super().spec._replace(data=self.samples)

    @property
    def columns(self) -> Columns | None:
        """What is done to the columns of a user's own table."""
        return self.data.columns if self.data else None

    @property
    def samples(self) -> DataSet:
        """The data set.

        Raises:
            ValueError: as `wann.tasks.data_sets.load_named`.
        """
        return self.data or _named(self.name)

    def read(self) -> DataTask:
        """The task with its data at hand: what is wrong with them shows before anything is written.

        Raises:
            ValueError: as `samples`.
        """
        return replace(self, data=self.samples)

    @property
    def confirming(self) -> Task:
        """The task on the validation part."""
        return self.on("validation")

    def on(self, part: Part) -> DataTask:
        """The task on another part of the data."""
        return replace(self, part=part)

    def make_env(
        self,
        render_mode: str | None = None,  # noqa: ARG002
        max_steps: int | None = None,  # noqa: ARG002
        **options: Any,  # noqa: ARG002
    ) -> gymnasium.Env:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self.name} is a data set: there is nothing to step, to act on or to replay")

    def roll_out(self, job: Job) -> Rollouts:
        """Classify batches with networks of a batch; a step is a sample. See `Task.roll_out`."""
        returns, steps = np.empty(job.shape), np.empty(job.shape, np.int64)
        part = job.networks, job.weights
        samples: Samples = getattr(self.samples, self.part)
        random = self.part == "train"
        seeds = [int(seed) for seed in job.seeds]
        for place, seed in enumerate(seeds):
            batch = _drawn(samples, seed, job.max_steps) if random else _dealt(samples, place, len(seeds))
            if batch.targets is not None:
                returns[:, :, place] = -squared_error(*part, batch, job.first, job.last)
            elif batch.importance is not None:
                returns[:, :, place] = -weighted_entropy(*part, batch, job.first, job.last)
            else:
                returns[:, :, place] = -classify(*part, batch, job.first, job.last).loss
            steps[:, :, place] = batch.size
        return Rollouts(returns, steps)

    def close(self) -> None:
        """Let go of the batches that were kept, and with them of the samples."""
        _drawn.cache_clear()
        _dealt.cache_clear()


@lru_cache(maxsize=1)
def _named(name: str) -> DataSet:
    return load_named(name)


@lru_cache(maxsize=4)  # the chunks of an evaluation, in all threads, have the same batches
def _drawn(samples: Samples, seed: int, size: int) -> Batch:
    """`size` random samples, or all of them; fixed by the seed."""
    total = samples.labels.size
    if size >= total:
        return _dealt(samples, 0, 1)
    rows = np.sort(stream(seed, Purpose.BATCH).choice(total, size, replace=False, shuffle=False))
    return _batch(samples, rows)


@lru_cache(maxsize=4)
def _dealt(samples: Samples, place: int, count: int) -> Batch:
    """Part number `place` of `count` equal parts of all samples.

    Raises:
        ValueError: `count` exceeds the number of samples.
    """
    if count > samples.labels.size:
        raise ValueError(f"{count} episodes are more than the {samples.labels.size} samples of this part")
    return _batch(samples, np.arange(place, samples.labels.size, count))


def _batch(samples: Samples, rows: NDArray[np.int64]) -> Batch:
    targets, importance = (
        None if given is None else given[rows] for given in (samples.targets, samples.importance)
    )
    return make_batch(samples.inputs(rows), samples.labels[rows], targets, importance)
