"""A tuning in progress: its stages, the checks of its best weights, and the state that it saves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from wann.champion import Champion, save_champion
from wann.evaluation.evaluator import Evaluator
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import Note, Placement
from wann.evaluation.stoppable import Stoppable
from wann.evolution.shared_weights import RANGE
from wann.rollouts.result import EpisodeFailedError
from wann.tasks.data_task import DataTask
from wann.tuning.optimisers import MEMORY, OPTIMISERS
from wann.tuning.plan import Saved, TuningPlan, state_path
from wann.tuning.subject import check_method, frozen_connections, stepped_task
from wann.utils.arrays import FloatArray
from wann.utils.seeding import Purpose, episode_seeds, stream
from wann.utils.signals import BrokenOff, Stop, stop_signals

FRESH_EPISODES = 100
"""Episodes that score the result; no choice has used them."""

_CHECK_EPISODES = 1000  # of a check of the weights that the method takes for the best
_CHECK_SHARE = 12  # a check may cost one twelfth of the steps since the last check
_HARD_EPISODES = 8  # the worst ones of a check, which later generations play again
_HARD_STAGE = 2  # first stage that plays them again: before, most episodes go badly
_HARD_SHARE = 8  # one episode in eight is a hard one
_FINAL_EPISODES = 1000  # of the final choice among the checked weights
_STEPPED_SHARE = 10  # checks and choices have a tenth of the episodes if Python steps the task
_KEPT = 8  # checked sets of weights that the final choice is made from
_SAVE_SECONDS = 5.0
_SWEEP = (81, 20)  # shared weights and episodes of the search for the best shared weight of a compiled task
_GRADIENT_COST = 3  # evaluations of the same samples that a gradient step counts as
_BATCH = 500  # samples of a gradient step
_RATE = 0.01  # of Adam


@dataclass(frozen=True, slots=True)
class TuningProgress:
    """Progress of a tuning."""

    done: int  # evaluations
    budget: int
    start: float  # mean return at the start weights, on the episodes of the checks
    best: float  # the best mean return there so far
    generation_best: float  # best of the last generation, on its own episodes; NaN without one
    seconds: float  # so far, resumed parts added up
    part: str = (
        ""  # of a race, in words: the round or generation and the network; the numbers count the whole race
    )


TuningObserver = Callable[[TuningProgress], None]


@dataclass(frozen=True, slots=True)
class Tuned:
    """Outcome of a tuning."""

    path: Path | None  # the champion file, or where it would be
    champion: Champion | None  # with its tuned weights; None where a signal ended the tuning
    progress: TuningProgress


class OtherMachineError(ValueError):
    """Replaying the stored values does not restore the optimiser: linear algebra rounds differently here."""


class TuningInterrupted(KeyboardInterrupt):
    """A signal ended a tuning, after it had saved; `tuned` says where it stands."""

    def __init__(self, tuned: Tuned) -> None:
        super().__init__("the tuning was interrupted; it is saved")
        self.tuned = tuned


class TuningSession:
    """One session of a tuning: from where it stands until the budget is spent or a signal comes."""

    def __init__(
        self,
        champion: Champion,
        plan: TuningPlan,
        out: Path | None,
        where: Placement | Evaluator,
        observer: TuningObserver | None,
        note: Note | None,
        saved: Saved | None,
    ) -> None:
        self._champion, self._plan, self._out = champion, plan, out
        self._where, self._observer, self._note = where, observer, note
        self._network = champion.network
        self._frozen = frozen_connections(self._network, plan.freeze)
        if self._frozen.all():
            raise ValueError(
                "every connection is frozen: nothing is left to tune"
                if plan.freeze
                else "the champion has no connection: there is nothing to tune"
            )
        self._task = stepped_task(champion)
        check_method(plan, self._task)
        if plan.weight == "tuned" and champion.tuned_sources is None:
            raise ValueError("the champion has no tuned weights to start from: give a shared weight instead")
        self._saved = saved
        # Steps of an episode of a generation; on data sets, samples of a batch.
        self._limit = min(plan.max_steps or self._task.episode_steps, self._task.episode_steps)
        self._check_seeds = self._seeds(8, _CHECK_EPISODES)
        # Of candidates and their episodes, not of those that choices are made by.
        self._turn_seed = plan.seed
        if plan.turn:
            self._turn_seed = int(stream(plan.seed, Purpose.TUNING, 11, plan.turn).integers(2**63))
        self._begun = time.monotonic()
        self._saved_at = self._begun
        self._stop = Stop()
        # What the method now takes for the best, (1, C).
        self._choice: Callable[[], FloatArray] = lambda: np.zeros((0, self._network.sources.size))

    def run(self) -> Tuned:
        """Go on to the end of the budget."""
        plan = self._plan
        episodes = plan.episodes_until(plan.generations) // plan.generations
        with ExitStack() as stack:
            # The sums of linear algebra depend on the number of threads, which small matrices only wait for.
            stack.enter_context(threadpool_limits(1))
            if plan.method == "adam":
                from wann.tuning.adam import one_thread

                stack.enter_context(one_thread())
            evaluator = (
                stack.enter_context(
                    open_evaluator(self._task, self._task.episode_steps, self._where, episodes, self._note)
                )
                if isinstance(self._where, Placement)
                else self._where
            )
            self._stop = stack.enter_context(stop_signals())
            self._evaluator = Stoppable(evaluator, self._task, self._stop)
            try:
                if self._saved is None:
                    self._saved = self._first()
                    self._save()
                self._saved.plan = plan
                self._generations(self._saved)
                champion = self._finish(self._saved)
            except BrokenOff:
                if self._saved is None:  # nothing to go on with yet
                    raise KeyboardInterrupt from None
                self._save()
                raise TuningInterrupted(Tuned(self._out, None, self._progress(math.nan))) from None
            return Tuned(self._out, champion, self._progress(math.nan))

    def _first(self) -> Saved:
        """The state before the first generation: the start weights, scored."""
        start = self._start()
        saved = Saved(
            self._plan, self._champion, start,
            values=np.zeros((0, self._plan.population)), state=np.zeros((0, start.size)),
            kept=start[None].copy(), kept_means=np.zeros(1), hard=np.zeros(0), start_mean=0.0, seconds=0.0,
        )  # fmt: skip
        saved.start_mean = float(_means(self._check(start[None]))[0])
        saved.kept_means[0] = saved.start_mean
        return saved

    def _start(self) -> FloatArray:
        """Start weights (C,)."""
        weight = self._plan.weight
        if weight == "tuned":
            tuned = self._champion.tuned_sources
            assert tuned is not None  # noqa: S101 - found out before
            return tuned
        if weight is None:
            weight = self._best_shared()
        return np.full(self._network.sources.size, float(weight))

    def _best_shared(self) -> float:
        """The best shared weight: of a fine grid where that is cheap, else of those that were confirmed."""
        if not self._task.threaded:
            return self._champion.best_weight
        points, count = _SWEEP
        grid = np.linspace(*RANGE, points)
        means = self._evaluate(grid, self._seeds(5, count), confirming=True).mean(axis=1)
        return float(grid[int(np.argmax(means))])

    def _generations(self, saved: Saved) -> None:
        plan = self._plan
        if plan.method == "adam":
            self._descend(saved)
            return
        optimiser = OPTIMISERS[plan.method](
            int((~self._frozen).sum()), plan.population, plan.sigma, self._turn_seed
        )
        for values in saved.values:
            optimiser.ask()
            optimiser.tell(values)
        if saved.state.size and not np.array_equal(saved.state[0], optimiser.choice):
            raise OtherMachineError(
                "this tuning cannot continue here: linear algebra rounds in another way than on the machine "
                "that it began on; continue it on a machine of that kind, or tune again to another --out"
            )
        self._choice = lambda: self._sets(saved, optimiser.choice[None])
        while len(saved.values) < plan.generations:
            sets = self._sets(saved, optimiser.ask())
            values = self._evaluate(sets, self._episodes(saved), max_steps=self._limit).mean(axis=1)
            # A return that is no number ranks last; methods take the place of a value, not its size.
            values = np.nan_to_num(values, nan=-np.inf)
            values = np.maximum(values, np.min(values, initial=0.0, where=np.isfinite(values)) - 1.0)
            optimiser.tell(values)
            self._after_generation(saved, values, optimiser.choice[None])

    def _episodes(self, saved: Saved) -> tuple[int, ...]:
        """Seeds of the coming generation's episodes: fresh ones, and later some of those that went worst."""
        number = len(saved.values)
        count = self._plan.episodes_in(number)
        hard = min(count // _HARD_SHARE, saved.hard.size)  # rare failures hardly show in a mean of a few
        seeds = episode_seeds(self._turn_seed, Purpose.TUNING, count - hard, 3, number)
        rng = stream(self._turn_seed, Purpose.TUNING, 10, number)
        return (*seeds, *rng.choice(saved.hard.astype(np.int64), hard, replace=False).tolist())

    def _descend(self, saved: Saved) -> None:
        """Generations of Adam: as many gradient steps on random batches as candidates would cost."""
        from wann.tuning.adam import Adam

        plan, task = self._plan, self._task
        assert isinstance(task, DataTask)  # noqa: S101 - found out before
        samples = task.samples.train
        adam = Adam(self._network, saved.start, ~self._frozen, _RATE)
        if saved.state.size:
            adam.state = saved.state
        self._choice = lambda: adam.weights[None]
        size = min(_BATCH, samples.labels.size)
        each = min(self._limit, samples.labels.size)
        whole = plan.episodes_until(plan.generations)
        while len(saved.values) < plan.generations:
            number = len(saved.values)
            rng = stream(self._turn_seed, Purpose.TUNING, 7, number)
            paid = plan.population * plan.episodes_in(number) * each
            steps = max(1, paid // (_GRADIENT_COST * size))
            for step in range(steps):
                rows = rng.choice(samples.labels.size, size, replace=False, shuffle=False)
                targets = None if samples.targets is None else samples.targets[rows]
                here = plan.population * plan.episodes_in(number) * step / steps
                share = (plan.episodes_until(number) + here) / whole
                adam.step(samples.inputs(rows), samples.labels[rows], targets, share)
            # What was told to a method is nothing here; the row only counts the generation.
            self._after_generation(saved, np.full(plan.population, np.nan), adam.state)

    def _after_generation(self, saved: Saved, values: FloatArray, state: FloatArray) -> None:
        """Check the current best if it is due, show, save, and stop if a signal asks for it.

        A signal during the check leaves `saved` as it was before the generation, which is then done again.

        Args:
            saved: what is kept.
            values: (candidates,) of the generation.
            state: of the method after it; what it takes for the best where that is all that is kept.
        """
        number = len(saved.values) + 1
        if self._check_is_due(number):
            weights = self._choice()
            self._keep(saved, weights, self._check(weights))
        saved.values, saved.state = np.concatenate([saved.values, values[None]]), state
        if self._observer:
            self._observer(self._progress(float(saved.values[-1].max())))
        if time.monotonic() - self._saved_at >= _SAVE_SECONDS:
            self._save()
        if self._stop.is_set():
            raise BrokenOff

    def _keep(self, saved: Saved, weights: FloatArray, returns: FloatArray) -> None:
        """Keep checked weights (1, C) if they are among the best, and later the episodes that went worst."""
        means = np.concatenate([saved.kept_means, _means(returns)])
        order = np.argsort(-means, kind="stable")[:_KEPT]
        saved.kept, saved.kept_means = np.concatenate([saved.kept, weights])[order], means[order]
        if not isinstance(self._task, DataTask) and self._plan.stage(len(saved.values)) >= _HARD_STAGE:
            worst = np.argsort(np.nan_to_num(returns[0], nan=-np.inf), kind="stable")[:_HARD_EPISODES]
            saved.hard = np.union1d(saved.hard, np.array(self._check_seeds, np.float64)[worst])

    def _check_is_due(self, number: int) -> bool:
        """Whether to re-score the current best after generation `number`."""
        if number in self._plan.stage_ends or (self._plan.method == "random" and number % MEMORY == 0):
            return True
        cost = len(self._check_seeds) * self._task.episode_steps
        if isinstance(self._task, DataTask):
            cost = self._task.samples.validation.labels.size
        steps = (self._plan.episodes_until(count) * self._limit for count in (number - 1, number))
        before, now = (count // (_CHECK_SHARE * cost) for count in steps)
        return now > before

    def _finish(self, saved: Saved) -> Champion:
        """The champion with the best of the checked weights, scored on episodes or samples of no choice."""
        sets = np.concatenate([saved.start[None], saved.kept, self._choice()])
        seeds = self._seeds(6, _FINAL_EPISODES)
        means = _means(self._evaluate(sets, seeds, confirming=True))
        best = int(np.argmax(means))
        if not np.isfinite(means[best]):
            raise EpisodeFailedError("no weights of the champion have finite returns")
        chosen = sets[best]
        by_mark = dict(zip(self._network.mark.tolist(), chosen.tolist(), strict=True))
        genome = self._champion.genome
        # A connection that leads nowhere has the mean of the start weights: nothing depends on it.
        rest = float(saved.start.mean())
        tuned = np.array([by_mark.get(mark, rest) for mark in genome.mark[genome.enabled].tolist()])
        self._save()
        champion = replace(
            self._champion,
            tuned=tuned,
            tuning={
                **{key: value for key, value in asdict(self._plan).items() if key != "weight"},
                "freeze": list(self._plan.freeze),
                "evaluations": len(saved.values) * self._plan.population,
                "start_weight": "tuned" if self._plan.weight == "tuned" else float(saved.start[0]),
                # On what the weights were chosen by, so a little too good.
                "chosen_by": float(means[best]),
                **self._scores(np.stack([saved.start, chosen])),
            },
        )
        if self._out:
            save_champion(champion, self._out)
        return champion

    def _scores(self, sets: FloatArray) -> dict[str, Any]:
        """Scores before and after on fresh episodes, or on the test part."""
        if isinstance(self._task, DataTask):
            test = self._task.on("test")
            with open_evaluator(test, len(test.samples.test.labels), Placement(threads=1), 0) as evaluator:
                returns = evaluator.evaluate([self._network], sets, (0,)).returns[0]
            rows = [{"mean": float(row.mean())} for row in returns]
            wanted = test.samples.test.targets
            if wanted is not None:
                rows = [{**row, "r2": 1.0 + row["mean"] / max(float(wanted.var()), 1e-300)} for row in rows]
            else:
                rows = [
                    {**row, "accuracy": share}
                    for row, share in zip(rows, self._accuracies(test, sets), strict=True)
                ]
            return {"scored_on": "test part", "before": rows[0], "after": rows[1]}
        fresh = episode_seeds(self._plan.seed, Purpose.TUNING, FRESH_EPISODES, 4)
        returns = self._evaluate(sets, fresh, confirming=True)
        rows = [{"mean": float(row.mean()), "std": float(row.std())} for row in returns]
        return {"scored_on": f"{FRESH_EPISODES} fresh episodes", "before": rows[0], "after": rows[1]}

    def _accuracies(self, test: DataTask, sets: FloatArray) -> list[float]:
        from wann.networks.network import batch_networks
        from wann.rollouts.samples import classify, make_batch

        part = test.samples.test
        batch = make_batch(part.inputs(), part.labels)
        outcome = classify(batch_networks([self._network]), sets, batch, 0, 1)
        shares: list[float] = outcome.accuracy[0].tolist()
        return shares

    def _sets(self, saved: Saved, offsets: FloatArray) -> FloatArray:
        """Sets of weights (n, C) from offsets (n, D) of the connections that may change."""
        sets = np.repeat(saved.start[None], len(offsets), axis=0)
        sets[:, ~self._frozen] += offsets
        return sets

    def _seeds(self, place: int, count: int) -> tuple[int, ...]:
        """Seeds of episodes that choices are made by; one stands for the whole part of a data set."""
        if isinstance(self._task, DataTask):
            count = 1
        elif not self._task.threaded:
            count //= _STEPPED_SHARE
        return episode_seeds(self._plan.seed, Purpose.TUNING, count, place)

    def _check(self, sets: FloatArray) -> FloatArray:
        """Returns (n, E) on the episodes that choices are made by."""
        return self._evaluate(sets, self._check_seeds, confirming=True)

    def _evaluate(
        self,
        weights: FloatArray,
        seeds: Sequence[int],
        *,
        confirming: bool = False,
        max_steps: int | None = None,
    ) -> FloatArray:
        """Returns (W, E) of the network."""
        rollouts = self._evaluator.evaluate(
            [self._network], weights, seeds, confirming=confirming, max_steps=max_steps
        )
        returns: FloatArray = rollouts.checked().returns[0]
        return returns

    def _progress(self, generation_best: float) -> TuningProgress:
        saved, plan = self._saved, self._plan
        assert saved is not None  # noqa: S101
        return TuningProgress(
            min(len(saved.values) * plan.population, plan.budget),
            plan.generations * plan.population,
            saved.start_mean,
            float(saved.kept_means[0]),
            generation_best,
            saved.seconds + time.monotonic() - self._begun,
        )

    def _save(self) -> None:
        if self._out and self._saved:
            now = time.monotonic()
            self._saved.seconds += now - self._begun
            self._begun = self._saved_at = now
            self._saved.save(state_path(self._out))


def _means(returns: FloatArray) -> FloatArray:
    """Mean over the episodes; one that is no number is below every other."""
    means = returns.mean(axis=1)
    return np.where(np.isnan(means), -np.inf, means)
