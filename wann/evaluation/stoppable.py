"""Evaluations that a signal may break off."""

from __future__ import annotations

from collections.abc import Sequence

from wann.evaluation.evaluator import Advance, Evaluator, LocalEvaluator
from wann.networks.network import Network
from wann.rollouts.job import Seeds
from wann.rollouts.result import Rollouts
from wann.tasks.task import Task
from wann.utils.arrays import FloatArray
from wann.utils.signals import BrokenOff, Stop


class Stoppable:
    """An evaluator whose evaluations a signal breaks off where they may take long; others end first.

    Args:
        evaluator: what evaluates.
        task: its task.
        stop: what the signal sets.
    """

    def __init__(self, evaluator: Evaluator, task: Task, stop: Stop) -> None:
        self._evaluator, self._stop = evaluator, stop
        self._here = isinstance(evaluator, LocalEvaluator)
        # Ray's own compiled code must not be left by an exception: there the signal is seen between waits.
        self._raises = self._here and not task.threaded

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
        """As `Evaluator.evaluate`.

        Raises:
            BrokenOff: a signal came.
        """

        def advance(share: float) -> None:
            if not self._here and self._stop.is_set():
                raise BrokenOff
            if progress:
                progress(share)

        self._stop.raises = self._raises
        try:
            return self._evaluator.evaluate(
                networks, weights, seeds, confirming=confirming, max_steps=max_steps, progress=advance
            )
        finally:
            self._stop.raises = False
