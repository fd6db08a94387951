"""Importance of a champion's connections and nodes, and a smaller champion without the unimportant ones.

A score is the mean return over the judged weights and the episodes. What the connections earn is the score
less that with all weights 0, when the outputs follow nothing that the network observes. A tolerance is a
share of what they earn, so it means the same for returns above and below 0 and for minus a cross-entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wann.analysis.variants import Trials, accuracies, check_earning, check_weight
from wann.champion import Champion, Scores, Weight, node_names
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.networks.genome import Genome
from wann.networks.network import compile_genome
from wann.tasks.data_task import DataTask
from wann.tasks.task import Task
from wann.utils.arrays import BoolArray, FloatArray
from wann.utils.callbacks import ProgressCallback
from wann.utils.seeding import Purpose, episode_seeds

TOLERANCE = 0.01

EPISODES, STEPPED_EPISODES = 20, 5
"""Default numbers of episodes that decide: of compiled physics, and stepped by Python."""

FRESH_EPISODES, STEPPED_FRESH_EPISODES = 100, 20
"""Default numbers of fresh episodes that confirm: of compiled physics, and stepped by Python."""

_SAMPLES = 5_000  # most samples of the training part of a data set that decide
_USUAL_ROUNDS = 10  # for the estimate of the time left


@dataclass(frozen=True, slots=True)
class PruningEpisodes:
    """Episodes of a pruning; a data set has none to choose."""

    deciding: int | None = None  # on which connections are removed; None: 20, or 5 where Python steps them
    fresh: int | None = None  # other ones, on which the result is confirmed; None: 100, or 20
    seed: int = 0


USUAL_EPISODES = PruningEpisodes()


@dataclass(frozen=True, slots=True, eq=False)
class Pruning:
    """A pruned champion beside the one it came from."""

    champion: Champion  # the smaller one; its importance is what each connection left carries
    original: Champion  # the given one; its importance is what each of its connections carries
    nodes: dict[int, float]  # return lost without each hidden node of the given one, by its id
    tolerance: float  # share of what the connections earn
    weight: Weight | None  # that is judged; where it is None, the mean over all confirmed ones
    before: float  # score of the given one on the fresh episodes
    after: float  # score of the smaller one on the same
    nothing: float  # score of both with all weights 0 on the same
    scores_before: Scores  # of the given one, as those of the smaller one in its file
    tuned: tuple[float, float] | None  # mean return before and after with the tuned weights, if there are any
    accuracy: tuple[float, float] | None  # of a data set, on its test part, before and after

    def to_dict(self) -> dict[str, Any]:
        """The pruning as plain numbers and words, for JSON."""
        small, large, scores = self.champion.genome, self.original.genome, self.champion.scores
        rows = zip(
            scores.weights.tolist(), self.scores_before.mean.tolist(), scores.mean.tolist(), strict=True
        )
        return {
            "task": self.champion.task,
            "tolerance": self.tolerance,
            "weight": self.weight,
            "fresh_episodes": len(scores.episode_seeds),
            "connections": _pair((large.connection_count, small.connection_count)),
            "hidden_nodes": _pair((large.hidden_count, small.hidden_count)),
            "score": _pair((self.before, self.after)),
            "score_of_nothing": self.nothing,
            "per_weight": [{"weight": weight, **_pair(both)} for weight, *both in rows],
            "tuned": self.tuned and _pair(self.tuned),
            "test_accuracy": self.accuracy and _pair(self.accuracy),
            "importance": importance_table(self.original),
            "node_importance": {str(node): lost for node, lost in self.nodes.items()},
        }


def _pair(values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(("before", "after"), values, strict=True))


def importance_table(champion: Champion) -> list[dict[str, Any]]:
    """Every enabled connection of a champion whose importance is known, the most important first."""
    assert champion.importance is not None, "the importance is not known"  # noqa: S101
    genome, names = champion.genome, node_names(champion)
    order = np.argsort(-champion.importance, kind="stable")
    return [
        {
            "mark": int(genome.mark[gene]),
            "from": names[int(genome.source[gene])],
            "to": names[int(genome.target[gene])],
            "importance": float(lost),
        }
        for gene, lost in zip(np.flatnonzero(genome.enabled)[order], champion.importance[order], strict=True)
    ]


def prune(
    champion: Champion,
    *,
    tolerance: float = TOLERANCE,
    weight: Weight | None = None,
    episodes: PruningEpisodes = USUAL_EPISODES,
    placement: Placement = DEFAULT_PLACEMENT,
    progress: ProgressCallback | None = None,
    note: Note | None = None,
) -> Pruning:
    """Remove the connections and nodes that a champion does not need.

    In rounds: each tries the network without every single connection, then without several of those that
    cost least together, 1, 2, 4, ... of them, and removes as many as keep the score. While that is more than
    one, a round may spend half of the tolerance that is left. The rounds end when no single connection can
    go. Of the networks on the way, the smallest that keeps within the tolerance on fresh episodes too is the
    result. Nodes from which no way leads to an output go with their last connection.

    Of a data set, up to 5,000 samples of the training part decide, and the validation part confirms.

    Args:
        champion: the network.
        tolerance: share of what the connections earn that may be lost, from 0 to below 1.
        weight: the shared weight that is judged, or "tuned"; the mean over all weights that the champion was
            confirmed at where it is not given.
        episodes: how many decide and confirm, and their seed.
        placement: where it is computed; results are the same anywhere.
        progress: called with the rollouts done and, as an estimate, to be done.
        note: told in a line what a user should know.

    Raises:
        ValueError: an argument is out of range, the champion does not fit its task, or its connections earn
            nothing.
        RuntimeError: the environment fails.
    """
    if not 0.0 <= tolerance < 1.0:
        raise ValueError(f"tolerance must be from 0% to below 100%, not {tolerance:.4g} (1% is 0.01)")
    if weight is not None:
        check_weight(champion, weight)
    task = champion.get_task()
    count, fresh_count = _counts(task, episodes)
    steps = _SAMPLES if isinstance(task, DataTask) else task.episode_steps
    weights = champion.scores.weights if weight is None or weight == "tuned" else np.array([weight])
    of_pass = champion.network.sources.size * len(weights) * count
    with open_evaluator(task, steps, placement, of_pass, note) as evaluator:
        trials = Trials(evaluator, progress, _USUAL_ROUNDS * of_pass)
        judge = _Judge(
            champion,
            trials,
            None if weight == "tuned" else weights,
            episode_seeds(episodes.seed, Purpose.PRUNING, count, 0),
            episode_seeds(episodes.seed, Purpose.PRUNING, fresh_count, 1),
        )
        whole = judge.expressed(champion.genome.enabled)
        score = float(judge.scores([whole])[0])
        nothing = judge.nothing(fresh=False)
        check_earning(score, nothing, weight)
        without, nodes = judge.without(whole), judge.without_nodes(whole)
        trail = _greedy(judge, whole, score, score - tolerance * (score - nothing), without)

        before, nothing = judge.fresh_score(whole), judge.nothing(fresh=True)
        kept, after = whole, before
        for kept in reversed(trail):
            after = judge.fresh_score(kept)
            if after >= before - tolerance * (before - nothing):
                break
        (left,) = judge.scores([kept])
        importance = (left - judge.without(kept))[kept]
        listed = np.union1d(champion.scores.weights, weights)
        scores_before, scores_after = judge.confirmed(whole, listed), judge.confirmed(kept, listed)
        tuned = None
        if champion.tuned is not None:
            tuned = judge.fresh_score(whole, tuned=True), judge.fresh_score(kept, tuned=True)
    smaller = _pruned(champion, kept)
    origin = {
        "tolerance": tolerance,
        "weight": weight,
        "seed": episodes.seed,
        "connections_before": champion.genome.connection_count,
        "score_before": before,
        "score_after": after,
    }
    return Pruning(
        champion=replace(
            smaller,
            scores=scores_after,
            importance=importance,
            origin={**champion.origin, "pruned": origin},
        ),
        original=replace(champion, importance=np.where(whole, score - without, 0.0)[champion.genome.enabled]),
        nodes={node: float(score - other) for node, other in nodes.items()},
        tolerance=tolerance,
        weight=weight,
        before=before,
        after=after,
        nothing=nothing,
        scores_before=scores_before,
        tuned=tuned,
        accuracy=_test_accuracy(task, champion, smaller, weights, weight == "tuned"),
    )


def _counts(task: Task, episodes: PruningEpisodes) -> tuple[int, int]:
    """How many episodes decide and confirm."""
    deciding, fresh = episodes.deciding, episodes.fresh
    if isinstance(task, DataTask):
        if deciding is not None or fresh is not None:
            raise ValueError(f"{task.name} is a data set, which has no episodes: leave out how many")
        return 1, 1
    usual, usual_fresh = EPISODES, FRESH_EPISODES
    if not task.threaded:
        usual, usual_fresh = STEPPED_EPISODES, STEPPED_FRESH_EPISODES
    found = usual if deciding is None else deciding, usual_fresh if fresh is None else fresh
    if min(found) < 1:
        raise ValueError(f"episodes must be at least 1, not {min(found)}")
    return found


class _Judge:
    """Scores of a champion with some of its genes alone: a mask (G,) says which of them are left."""

    def __init__(
        self,
        champion: Champion,
        trials: Trials,
        weights: FloatArray | None,  # (W,) shared ones that are judged; None: the tuned ones
        deciding: Sequence[int],
        fresh: Sequence[int],
    ) -> None:
        self._champion, self._genome = champion, champion.genome
        self._trials, self._weights = trials, weights
        self._deciding, self._fresh = deciding, fresh
        self._gene = np.searchsorted(self._genome.mark, champion.network.mark)  # of each source

    def expressed(self, mask: BoolArray) -> BoolArray:
        """The mask without connections from which no way leads to an output: they change nothing."""
        network = compile_genome(self._genome.evolve(enabled=mask))
        return np.isin(self._genome.mark, network.mark)

    def scores(self, masks: Sequence[BoolArray]) -> FloatArray:
        """Score of each mask on the episodes that decide."""
        if self._weights is None:
            assert self._champion.tuned_sources is not None  # noqa: S101
            left = np.array([mask[self._gene] for mask in masks])
            sets = np.where(left, self._champion.tuned_sources, 0.0)
            returns = self._trials.of_sets(self._champion.network, sets, self._deciding)[:, None]
        else:
            networks = [compile_genome(self._genome.evolve(enabled=mask)) for mask in masks]
            returns = self._trials.of_networks(networks, self._weights, self._deciding)
        result: FloatArray = returns.mean(axis=(1, 2))
        return result

    def nothing(self, *, fresh: bool) -> float:
        """Score with all weights 0."""
        seeds = self._fresh if fresh else self._deciding
        return float(
            self._trials.of_networks([self._champion.network], np.zeros(1), seeds, confirming=fresh).mean()
        )

    def expect(self, passes: int, mask: BoolArray) -> None:
        """Say how many passes over the genes left are still to come, by an estimate."""
        weights = 1 if self._weights is None else len(self._weights)
        self._trials.expect(passes * int(np.count_nonzero(mask)) * weights * len(self._deciding))

    def without(self, mask: BoolArray) -> FloatArray:
        """Score (G,) without each of the genes left; minus infinity at the others."""
        result = np.full(mask.size, -np.inf)
        result[mask] = self.scores([_less(mask, [gene]) for gene in np.flatnonzero(mask).tolist()])
        return result

    def without_nodes(self, mask: BoolArray) -> dict[int, float]:
        """Score without the connections out of each hidden node, by its id."""
        nodes = self._genome.node_id[self._genome.first_hidden :].tolist()
        if not nodes:
            return {}
        scores = self.scores([mask & (self._genome.source != node) for node in nodes])
        return dict(zip(nodes, scores.tolist(), strict=True))

    def fresh_score(self, mask: BoolArray, *, tuned: bool = False) -> float:
        """Score of the champion that a mask leaves, on the episodes that confirm."""
        smaller = _pruned(self._champion, mask)
        weights = self._weights
        if tuned or weights is None:
            assert smaller.tuned_sources is not None  # noqa: S101
            weights = smaller.tuned_sources[None]
        return float(
            self._trials.of_networks([smaller.network], weights, self._fresh, confirming=True).mean()
        )

    def confirmed(self, mask: BoolArray, weights: FloatArray) -> Scores:
        """Scores at shared weights on the episodes that confirm."""
        network = _pruned(self._champion, mask).network
        (returns,) = self._trials.of_networks([network], weights, self._fresh, confirming=True)
        return Scores.from_returns(weights, returns, self._fresh)


def _greedy(
    judge: _Judge, whole: BoolArray, score: float, bound: float, without: FloatArray
) -> list[BoolArray]:
    """Masks of ever fewer genes, the whole one first, whose score is not below the bound.

    Args:
        judge: gives the scores.
        whole: the mask to begin with.
        score: its score.
        bound: the least score.
        without: score without each gene of it.
    """
    trail = [whole]
    while (without >= bound).any():
        order = np.argsort(-without, kind="stable")[: np.count_nonzero(without >= bound)]
        sizes = [*(2**k for k in range(int(order.size - 1).bit_length())), order.size]
        masks = [_less(trail[-1], order[:size]) for size in sizes]
        judge.expect(len(sizes), trail[-1])
        scores = judge.scores(masks)
        # The first, a single gene, is known to keep the bound.
        kept = scores >= np.where(np.arange(len(sizes)) == 0, bound, 0.5 * (score + bound))
        best = int(np.flatnonzero(kept)[-1])
        trail.append(judge.expressed(masks[best]))
        score, without = float(scores[best]), judge.without(trail[-1])
    return trail


def _less(mask: BoolArray, genes: Sequence[int] | np.ndarray) -> BoolArray:
    """The mask without some genes."""
    result = mask.copy()
    result[genes] = False
    return result


def _pruned(champion: Champion, kept: BoolArray) -> Champion:
    """The champion with these of its connections, and those of its hidden nodes that an output depends on."""
    genome = champion.genome
    node = compile_genome(genome.evolve(enabled=kept)).node
    nodes = (genome.node_id < genome.first_hidden) | np.isin(genome.node_id, node)
    smaller = Genome(
        inputs=genome.inputs,
        outputs=genome.outputs,
        node_id=genome.node_id[nodes],
        activation=genome.activation[nodes],
        mark=genome.mark[kept],
        source=genome.source[kept],
        target=genome.target[kept],
        enabled=genome.enabled[kept],
    )
    return replace(
        champion,
        genome=smaller,
        tuned=None if champion.tuned is None else champion.tuned[kept[genome.enabled]],
        # What is said there of scores is true of the champion that was tuned.
        tuning={"before_pruning": dict(champion.tuning)} if champion.tuning else {},
        importance=None,
    )


def _test_accuracy(
    task: Task, champion: Champion, smaller: Champion, weights: FloatArray, tuned: bool
) -> tuple[float, float] | None:
    """Mean accuracy of two champions at the judged weights on the test part, of a data set with classes."""
    if not isinstance(task, DataTask) or task.samples.test.targets is not None:
        return None
    found = []
    for each in (champion, smaller):
        individual = each.tuned_sources if tuned else None
        sets = weights if individual is None else individual[None]
        found.append(float(accuracies(each.network, (sets,), task.samples.test)[0].mean()))
    return found[0], found[1]
