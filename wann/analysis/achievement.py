"""The achievement of a champion in words: how often it reaches the goal of its task, at its best weight."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from wann.champion import Champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.rollouts.result import Rollouts
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.task import Goal, Task
from wann.utils.seeding import Purpose, episode_seeds

STARTS = 100


@dataclass(frozen=True, slots=True)
class Achievement:
    """How often a network reaches the goal of its task, at one shared weight on fresh episodes."""

    weight: float  # shared weight
    starts: int  # episodes
    reached: int  # of these, how many reach the goal
    median: float  # median over the episodes of the goal's amount
    words: str  # the same as a sentence without its full stop

    @classmethod
    def of(cls, goal: Goal, rollouts: Rollouts, weight: float) -> Achievement:
        """Achievement of the episodes of one network at one weight."""
        amounts = goal.amounts(rollouts.returns.ravel(), rollouts.steps.ravel())
        reached = int(((amounts >= goal.least) & (amounts <= goal.most)).sum())
        median = float(np.median(amounts))
        words = goal.words.format(reached=reached, starts=amounts.size, median=median)
        return cls(weight, amounts.size, reached, median, words)

    def to_dict(self) -> dict[str, Any]:
        """The achievement as plain numbers and words, for JSON."""
        return asdict(self)


def achievement(
    champion: Champion,
    weight: float | None = None,
    *,
    seed: int = 0,
    starts: int = STARTS,
    threads: int | None = None,
) -> Achievement | None:
    """Achievement of a champion on a hundred fresh episodes, the first of those of `wann.evaluate`.

    Args:
        champion: the network.
        weight: shared weight; its best confirmed one where it is not given.
        seed: of the episodes.
        starts: episodes.
        threads: number of threads; results are the same for any.

    Returns:
        The achievement; None where the task has no goal in words, or Python would have to step it.

    Raises:
        ValueError: the champion does not fit its task.
    """
    task = champion.get_task()
    if not task.goal or not task.threaded:
        return None
    weight = champion.best_weight if weight is None else weight
    counted: Task = task
    if isinstance(task, CompiledTask) and task.goal.counting:
        counted = replace(task, dynamics=task.goal.counting)
    seeds = episode_seeds(seed, Purpose.EVALUATION, starts, 0)
    with LocalEvaluator(counted, task.episode_steps, threads) as evaluator:
        rollouts = evaluator.evaluate([champion.network], np.array([weight]), seeds).checked()
    return Achievement.of(task.goal, rollouts, weight)
