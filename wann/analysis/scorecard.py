"""Scores of a champion: per shared weight, over the range, with random weights, at its best weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wann.analysis.achievement import Achievement, achievement
from wann.analysis.classifier import ClassifierCard, evaluate_classifier
from wann.analysis.regressor import RegressorCard, evaluate_regressor
from wann.analysis.variants import Trials
from wann.champion import Champion
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.evolution.shared_weights import RANGE, UNIFORM_WEIGHTS, check_weights
from wann.rollouts.result import Rollouts
from wann.settings import NUMBER_WEIGHTS, PAPER_WEIGHTS
from wann.tasks.registry import is_data_set
from wann.tasks.tables import predicts_numbers
from wann.utils.arrays import FloatArray
from wann.utils.callbacks import ProgressCallback
from wann.utils.seeding import Purpose, episode_seeds, stream

_SWEEP_WEIGHTS = 81
_SWEEP_EPISODES = 20
_MOST_SETS = 100  # sets of individual random weights
_EPISODES_PER_SET = 10  # episodes on which each set is tried


@dataclass(frozen=True, slots=True)
class Score:
    """Mean and standard deviation of returns; the weight where it is a single one."""

    mean: float
    std: float
    weight: float | None = None

    @classmethod
    def of(cls, returns: FloatArray, weight: float | None = None) -> Score:
        """Score of returns of any shape."""
        return cls(float(returns.mean()), float(returns.std()), weight)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Returns of a champion on fresh episodes. Source of the rows: Gaier and Ha (2019), table 1."""

    task: str
    episodes: int
    seed: int
    per_weight: tuple[Score, ...]
    uniform_shared: Score  # one shared weight, uniform in the range
    individual_random: Score  # every connection its own weight, uniform in the range
    best_shared: Score  # the best single weight, chosen on other episodes
    tuned: Score | None  # individually tuned weights; None without any
    achievement: Achievement | None  # at the best single weight; None if the task has no goal in words

    def to_dict(self) -> dict[str, Any]:
        """The scorecard as plain numbers and words, for JSON."""
        data = asdict(self)
        for row in ("uniform_shared", "individual_random", "tuned"):
            if data[row]:
                del data[row]["weight"]
        return data


def evaluate(
    champion: Champion,
    *,
    episodes: int = 100,
    weights: Sequence[float] | None = None,
    seed: int = 0,
    threads: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    progress: ProgressCallback | None = None,
    note: Note | None = None,
) -> Scorecard | ClassifierCard | RegressorCard:
    """Score a champion on fresh episodes; that of a data set on its test part.

    See `evaluate_classifier` and, where numbers are predicted, `evaluate_regressor`.

    Args:
        champion: the network.
        episodes: how many, at least 1.
        weights: shared weights to report one by one, each within ±1000; -2, -1, -0.5, 0.5, 1 and 2 where they
            are not given, or 0.1, 0.3, 0.5, 0.7, 0.9 and 1.1 where numbers are predicted.
        seed: of the episodes and the random weights.
        threads, workers, address: where it is computed, as for `wann.search`; results are the same anywhere.
        progress: called with the episodes done and to be done.
        note: told in a line what a user should know.

    Returns:
        The scorecard. `uniform_shared` is over 41 weights evenly spaced over the range, each on every
        episode. `best_shared` is the best of 81 weights on 20 other episodes, scored on the fresh ones.
        `individual_random` is over up to 100 sets of weights on 10 of the episodes each. `achievement` is
        what the champion does on the fresh episodes at that best weight.

    Raises:
        ValueError: an argument is out of range, or the champion does not fit its task.
        RuntimeError: the environment fails.
    """
    if is_data_set(champion.task):
        if predicts_numbers(champion.task, champion.env_kwargs):
            return evaluate_regressor(champion, NUMBER_WEIGHTS if weights is None else weights)
        return evaluate_classifier(champion, PAPER_WEIGHTS if weights is None else weights)
    placement = Placement(threads, workers, address)
    return scorecard_of(
        champion,
        episodes=episodes,
        weights=PAPER_WEIGHTS if weights is None else weights,
        seed=seed,
        placement=placement,
        progress=progress,
        note=note,
    )


def scorecard_of(
    champion: Champion,
    *,
    episodes: int = 100,
    weights: Sequence[float] = PAPER_WEIGHTS,
    seed: int = 0,
    placement: Placement = DEFAULT_PLACEMENT,
    progress: ProgressCallback | None = None,
    note: Note | None = None,
) -> Scorecard:
    """`evaluate` for a champion of an environment.

    Raises:
        ValueError, RuntimeError: as `evaluate`.
    """
    if episodes < 1:
        raise ValueError(f"episodes must be at least 1, not {episodes}")
    check_weights(weights)
    task = champion.get_task()
    fresh = episode_seeds(seed, Purpose.EVALUATION, episodes, 0)
    rng = stream(seed, Purpose.EVALUATION, 2)
    sets = rng.uniform(*RANGE, (min(episodes, _MOST_SETS), champion.network.sources.size))
    tuned = champion.tuned_sources
    total = _SWEEP_WEIGHTS * _SWEEP_EPISODES + len(sets) * min(episodes, _EPISODES_PER_SET)
    total += episodes * (len(weights) + UNIFORM_WEIGHTS + 1 + (tuned is not None))
    with open_evaluator(task, task.episode_steps, placement, total, note) as evaluator:
        trials = Trials(evaluator, progress, total)

        def rolled_out(shared_or_sets: FloatArray, seeds: Sequence[int] = fresh) -> Rollouts:
            return trials.roll_out([champion.network], shared_or_sets, seeds, confirming=True)

        def returns(shared_or_sets: FloatArray, seeds: Sequence[int] = fresh) -> FloatArray:
            first: FloatArray = rolled_out(shared_or_sets, seeds).returns[0]
            return first

        sweep = np.linspace(*RANGE, _SWEEP_WEIGHTS)
        chosen = returns(sweep, episode_seeds(seed, Purpose.EVALUATION, _SWEEP_EPISODES, 1)).mean(axis=1)
        best = float(sweep[np.argmax(chosen)])
        at_best = rolled_out(np.array([best]))
        goal = task.goal
        if goal and goal.counting:
            done_at_best = achievement(champion, best, seed=seed, starts=episodes, threads=placement.threads)
        else:
            done_at_best = Achievement.of(goal, at_best, best) if goal else None
        listed = returns(np.array(weights, np.float64))
        return Scorecard(
            task=champion.task,
            episodes=episodes,
            seed=seed,
            per_weight=tuple(
                Score.of(row, float(weight)) for row, weight in zip(listed, weights, strict=True)
            ),
            uniform_shared=Score.of(returns(np.linspace(*RANGE, UNIFORM_WEIGHTS))),
            individual_random=Score.of(returns(sets, fresh[:_EPISODES_PER_SET])),
            best_shared=Score.of(at_best.returns[0], best),
            achievement=done_at_best,
            tuned=None if tuned is None else Score.of(returns(tuned[None])),
        )


def evaluate_tuned(
    champion: Champion,
    *,
    episodes: int = 100,
    seed: int = 0,
    placement: Placement = DEFAULT_PLACEMENT,
    note: Note | None = None,
) -> Score:
    """Score of a champion's tuned weights alone, on the episodes of `evaluate`; the arguments are its own.

    Raises:
        ValueError: the champion has no tuned weights, or does not fit its task.
        RuntimeError: the environment fails.
    """
    if champion.tuned_sources is None:
        raise ValueError("the champion has no tuned weights")
    task = champion.get_task()
    seeds = episode_seeds(seed, Purpose.EVALUATION, episodes, 0)
    with open_evaluator(task, task.episode_steps, placement, episodes, note) as evaluator:
        (returns,) = Trials(evaluator).of_networks(
            [champion.network], champion.tuned_sources[None], seeds, confirming=True
        )
    return Score.of(returns)


def profile(
    champion: Champion,
    *,
    points: int = 81,
    episodes: int = 20,
    seed: int = 0,
    placement: Placement = DEFAULT_PLACEMENT,
    progress: ProgressCallback | None = None,
    note: Note | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Returns over an even grid of shared weights on the range; the other arguments as `evaluate`.

    Returns:
        (points,) weights and (points, episodes) returns.

    Raises:
        ValueError: the champion does not fit its task.
        RuntimeError: the environment fails.
    """
    task = champion.get_task()
    weights = np.linspace(*RANGE, points)
    seeds = episode_seeds(seed, Purpose.EVALUATION, episodes, 3)
    total = points * episodes
    with open_evaluator(task, task.episode_steps, placement, total, note) as evaluator:
        trials = Trials(evaluator, progress, total)
        (returns,) = trials.of_networks([champion.network], weights, seeds, confirming=True)
    return weights, returns
