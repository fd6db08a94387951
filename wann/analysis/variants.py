"""Trials of one champion: returns of its variants, in portions that fit into memory, with progress."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from wann.champion import Champion, Weight
from wann.evaluation.evaluator import Evaluator, available_threads
from wann.evolution.shared_weights import check_weights
from wann.networks.network import Network, batch_networks
from wann.rollouts.result import Rollouts
from wann.rollouts.samples import classify, make_batch
from wann.tasks.data_sets import Samples
from wann.utils.arrays import FloatArray
from wann.utils.callbacks import ProgressCallback

PORTION = 2**28
"""Most bytes for the lanes of one portion."""

_LEAST_LANES = 24  # that the kernel for samples holds of each set of weights


class Trials:
    """Evaluates variants of a champion and keeps count.

    Args:
        evaluator: of the champion's task.
        progress: called with the rollouts done and to be done.
        total: how many are to be done; `expect` changes it.
    """

    def __init__(
        self, evaluator: Evaluator, progress: ProgressCallback | None = None, total: int = 0
    ) -> None:
        self._evaluator = evaluator
        self._progress = progress
        self._done, self._total = 0, total

    def expect(self, more: int) -> None:
        """Say how many rollouts are still to come, by an estimate."""
        self._total = self._done + more

    def roll_out(
        self,
        networks: Sequence[Network],
        weights: FloatArray,
        seeds: Sequence[int],
        *,
        confirming: bool = False,
    ) -> Rollouts:
        """Rollouts (P, W, E) of P networks at W weights on E episodes, as of `Evaluator.evaluate`.

        Raises:
            RuntimeError: the environment fails.
        """
        size = len(networks) * len(weights) * len(seeds)

        def advance(share: float) -> None:
            if self._progress:
                done = self._done + round(share * size)
                self._progress(done, max(self._total, done))

        rollouts = self._evaluator.evaluate(
            networks, weights, seeds, confirming=confirming, progress=advance
        ).checked()
        self._done += size
        return rollouts

    def of_networks(
        self,
        networks: Sequence[Network],
        weights: FloatArray,
        seeds: Sequence[int],
        *,
        confirming: bool = False,
    ) -> FloatArray:
        """Returns (P, W, E) of P networks at W shared weights on E episodes; raises as `roll_out`."""
        return self.roll_out(networks, weights, seeds, confirming=confirming).returns

    def of_sets(
        self, network: Network, sets: FloatArray, seeds: Sequence[int], *, confirming: bool = False
    ) -> FloatArray:
        """Returns (S, E) of one network with S sets of weights: (S,) shared or (S, C) individual ones.

        Raises:
            RuntimeError: the environment fails.
        """
        return np.concatenate(
            [
                self.of_networks([network], part, seeds, confirming=confirming)[0]
                for part in portions(network, sets, len(seeds))
            ]
        )


def portions(network: Network, sets: FloatArray, episodes: int) -> list[FloatArray]:
    """Sets of weights of a network in portions, whose lanes take at most `PORTION` bytes each.

    Args:
        network: the network.
        sets: (S,) shared or (S, C) individual weights; at least one.
        episodes: lanes that each set takes; of a data set any number.
    """
    # The kernel holds weights twice, and the values of every row.
    of_each = 8 * (2 * network.sources.size + network.rows) * max(episodes, _LEAST_LANES)
    return np.array_split(sets, -(-len(sets) // max(1, PORTION // of_each)))


def accuracies(
    network: Network,
    groups: Sequence[FloatArray],
    samples: Samples,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> list[FloatArray]:
    """Share (S,) of labelled samples that a network classifies right, for each group of sets of weights.

    Args:
        network: the network.
        groups: of each its sets, (S,) shared or (S, C) individual weights.
        samples: with labels.
        threads: of this process; every processor where it is not given.
        progress: called with the sets done and to be done.
    """
    batch, networks = make_batch(samples.inputs(), samples.labels), batch_networks([network])
    threads = available_threads() if threads is None else threads
    total, done = sum(map(len, groups)), 0
    result = []
    with ThreadPoolExecutor(threads, thread_name_prefix="wann") as pool:
        for sets in groups:
            hits: list[FloatArray] = []
            for part in portions(network, sets, 1):
                pieces = np.array_split(part, min(threads, len(part)))
                hits += pool.map(lambda piece: classify(networks, piece, batch, 0, 1).accuracy[0], pieces)
                done += len(part)
                if progress:
                    progress(done, total)
            result.append(np.concatenate(hits))
    return result


def check_weight(champion: Champion, weight: Weight) -> None:
    """Refuse a weight that does not fit the champion.

    Raises:
        ValueError: it is "tuned" and there are no tuned weights, or not a finite number within ±1000.
    """
    if weight != "tuned":
        check_weights([weight])
    elif champion.tuned is None:
        raise ValueError("the champion has no tuned weights; give a shared weight instead")


def check_earning(score: float, nothing: float, weight: Weight | None) -> None:
    """Refuse a champion that does no better than the same network with all weights 0.

    Raises:
        ValueError: its score is not higher.
    """
    if not score > nothing:
        where = "over its weights" if weight is None else f"at weight {weight}"
        where = "with its tuned weights" if weight == "tuned" else where
        raise ValueError(
            f"the champion scores {score:.4g} {where}, and {nothing:.4g} with all weights 0: there is "
            "nothing to lose; choose another --weight"
        )
