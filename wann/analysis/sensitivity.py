"""How a champion's score depends on its weights: the shared one, signs, noise, and each at random.

What a network earns is its score less that with all weights 0, when its outputs follow nothing that it
observes. **Robustness** is the share of it that is left under noise: every weight w becomes w (1 + s z) with
z from a standard normal distribution, and the share, from 0 to 1, is averaged over the strengths s from 0 to
1. It is 1 where noise costs nothing, and 0 where the least noise costs everything. (The objective of a search
that has the same name is another: how little the return varies from one shared weight to the next.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from wann.analysis.variants import Trials, accuracies, check_earning, check_weight
from wann.champion import Champion, Weight, node_names
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import DEFAULT_PLACEMENT, Note, Placement
from wann.evolution.shared_weights import RANGE
from wann.tasks.data_task import DataTask
from wann.utils.arrays import FloatArray
from wann.utils.callbacks import ProgressCallback
from wann.utils.seeding import Purpose, episode_seeds, stream

STRENGTHS = tuple((np.arange(11) / 10).tolist())
"""Standard deviations of the noise, relative to each weight."""

EPISODES, STEPPED_EPISODES = 50, 5
"""Default numbers of episodes per set of weights: of compiled physics, and stepped by Python."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How many weights a champion is tried with.

    Raises:
        ValueError: a number is too small.
    """

    points: int = 161  # shared weights of the sweep, evenly spaced over the range; at least 2
    draws: int = 20  # of the noise at each strength; at least 1
    sets: int = 100  # of individual random weights; at least 1

    def __post_init__(self) -> None:
        for name, value, least in (
            ("points", self.points, 2),
            ("draws", self.draws, 1),
            ("sets", self.sets, 1),
        ):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")


USUAL_DETAIL = Detail()


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity:
    """Scores of a champion, mean over episodes or share of samples, as its weights change. C connections."""

    task: str
    measure: Literal["return", "accuracy"]
    weight: Weight  # around which signs and noise are tried
    episodes: int  # of each set of weights, the same ones; or samples of the test part
    seed: int
    score: float  # at `weight`
    nothing: float  # with all weights 0
    robustness: float  # 0 to 1, see above
    sweep_weights: FloatArray  # (P,) shared weights
    sweep_mean: FloatArray  # (P,)
    sweep_std: FloatArray  # (P,) over episodes
    connections: tuple[tuple[int, str, str], ...]  # (C,) innovation number, names of source and target
    flipped: FloatArray  # (C,) with the sign of that connection flipped
    strengths: FloatArray  # (S,) of the noise
    noisy: FloatArray  # (S, D) of each draw
    random: FloatArray  # (R,) with a weight of its own for each connection, uniform in the range

    @property
    def best(self) -> tuple[float, float]:
        """The best shared weight of the sweep and its score."""
        place = int(np.argmax(self.sweep_mean))
        return float(self.sweep_weights[place]), float(self.sweep_mean[place])

    @property
    def lost(self) -> FloatArray:
        """Loss of score (C,) when the sign of a connection is flipped."""
        result: FloatArray = self.score - self.flipped
        return result

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers and words, for JSON."""
        flips = zip(self.connections, self.flipped.tolist(), self.lost.tolist(), strict=True)
        return {
            "task": self.task,
            "measure": self.measure,
            "weight": self.weight,
            "episodes": self.episodes,
            "seed": self.seed,
            "score": self.score,
            "score_of_nothing": self.nothing,
            "robustness": self.robustness,
            "sweep": {
                "weights": self.sweep_weights.tolist(),
                "mean": self.sweep_mean.tolist(),
                "std": self.sweep_std.tolist(),
            },
            "flips": [
                {"mark": mark, "from": source, "to": target, "score": score, "lost": lost}
                for (mark, source, target), score, lost in flips
            ],
            "noise": {"strengths": self.strengths.tolist(), "scores": self.noisy.tolist()},
            "random": self.random.tolist(),
        }

    def rows(self) -> list[tuple[str, str, float | None, float, float | None]]:
        """One row a point, for a table: kind, what, at, mean, standard deviation."""
        names = [f"{source} -> {target}" for _, source, target in self.connections]
        sweep = zip(
            self.sweep_weights.tolist(), self.sweep_mean.tolist(), self.sweep_std.tolist(), strict=True
        )
        noise = zip(self.strengths.tolist(), self.noisy, strict=True)
        flips = zip(names, self.connections, self.flipped.tolist(), strict=True)
        return [
            *(("sweep", "shared weight", *point) for point in sweep),
            *(
                ("noise", "strength", at, float(row.mean()), float(np.ptp(row) and row.std()))
                for at, row in noise
            ),
            *(("flip", name, float(mark), score, None) for name, (mark, _, _), score in flips),
            *(("random", "set", float(k), score, None) for k, score in enumerate(self.random.tolist())),
        ]


def measure(
    champion: Champion,
    *,
    weight: Weight | None = None,
    episodes: int | None = None,
    detail: Detail = USUAL_DETAIL,
    seed: int = 0,
    placement: Placement = DEFAULT_PLACEMENT,
    progress: ProgressCallback | None = None,
    note: Note | None = None,
) -> Sensitivity:
    """Try a champion with other weights: the mean return, or the accuracy on the test part of its data.

    Signs are flipped one connection at a time. All strengths of the noise share their draws, and all sets of
    weights their episodes.

    Args:
        champion: the network.
        weight: the shared weight around which signs and noise are tried, or "tuned"; the best confirmed one
            where it is not given.
        episodes: of each set of weights, at least 1; by default 50 of compiled physics, else 5.
        detail: how many weights are tried.
        seed: of the episodes and the draws.
        placement: where it is computed; results are the same anywhere.
        progress: called with the rollouts done and to be done.
        note: told in a line what a user should know.

    Raises:
        ValueError: an argument is out of range, the champion does not fit its task, or it scores no more than
            with all weights 0.
        RuntimeError: the environment fails.
    """
    weight = champion.best_weight if weight is None else weight
    check_weight(champion, weight)
    if episodes is not None and episodes < 1:
        raise ValueError(f"episodes must be at least 1, not {episodes}")
    draws = detail.draws
    task, network = champion.get_task(), champion.network
    count = network.sources.size
    tuned = champion.tuned_sources
    base = tuned if weight == "tuned" and tuned is not None else np.full(count, weight, np.float64)
    noise = stream(seed, Purpose.SENSITIVITY, 0).normal(size=(draws, count))
    strengths = np.array(STRENGTHS)
    ends = np.array([base, np.zeros(count)])
    shared = np.linspace(*RANGE, detail.points)
    changed = np.concatenate(
        [
            base * (1.0 - 2.0 * np.eye(count)),
            (base * (1.0 + strengths[1:, None, None] * noise)).reshape(-1, count),
            stream(seed, Purpose.SENSITIVITY, 1).uniform(*RANGE, (detail.sets, count)),
        ]
    )
    if isinstance(task, DataTask):
        samples = task.samples.test
        if episodes is not None:
            raise ValueError(f"{task.name} is a data set, which has no episodes: leave out how many")
        if samples.targets is not None:
            raise ValueError(f"{task.name} has numbers instead of classes: there is no accuracy to measure")
        used = samples.labels.size
        groups = accuracies(network, (ends, shared, changed), samples, placement.threads, progress)
        of_ends, of_shared, of_changed = (group[:, None] for group in groups)
        score, nothing = of_ends[:, 0].tolist()
        check_earning(score, nothing, weight)
    else:
        usual = EPISODES if task.threaded else STEPPED_EPISODES
        used = usual if episodes is None else episodes
        seeds = episode_seeds(seed, Purpose.SENSITIVITY, used, 2)
        total = (len(ends) + len(shared) + len(changed)) * used
        with open_evaluator(task, task.episode_steps, placement, total, note) as evaluator:
            trials = Trials(evaluator, progress, total)
            of_ends = trials.of_sets(network, ends, seeds, confirming=True)
            score, nothing = of_ends.mean(axis=1).tolist()
            check_earning(score, nothing, weight)  # before the long part
            of_shared, of_changed = (
                trials.of_sets(network, group, seeds, confirming=True) for group in (shared, changed)
            )

    parts = count, count + (strengths.size - 1) * draws
    flipped, noisy, random = np.split(of_changed.mean(axis=1), parts)
    noisy = np.vstack([np.full(draws, score), noisy.reshape(-1, draws)])
    share = np.clip((noisy.mean(axis=1) - nothing) / (score - nothing), 0.0, 1.0)
    return Sensitivity(
        task=champion.task,
        measure="accuracy" if isinstance(task, DataTask) else "return",
        weight=weight,
        episodes=used,
        seed=seed,
        score=score,
        nothing=nothing,
        robustness=float((np.diff(strengths) * 0.5 * (share[1:] + share[:-1])).sum()),
        sweep_weights=shared,
        sweep_mean=of_shared.mean(axis=1),
        sweep_std=of_shared.std(axis=1),
        connections=_connections(champion),
        flipped=flipped,
        strengths=strengths,
        noisy=noisy,
        random=random,
    )


def _connections(champion: Champion) -> tuple[tuple[int, str, str], ...]:
    """Innovation number and names of both ends of each source of the network."""
    genome, names = champion.genome, node_names(champion)
    genes = np.searchsorted(genome.mark, champion.network.mark)
    return tuple(
        (int(genome.mark[gene]), names[int(genome.source[gene])], names[int(genome.target[gene])])
        for gene in genes
    )
