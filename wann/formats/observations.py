"""Observations on which an export is tried: those of a champion at its task."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wann.champion import Champion, Weight
from wann.tasks.data_task import DataTask
from wann.utils.arrays import FloatArray
from wann.utils.callbacks import ProgressCallback

MOST_OBSERVATIONS = 256
_MOST_NUMBERS = 16_384  # of a proof; wide observations are fewer
_FEWEST = 16
_EPISODES = 4


def champion_observations(
    champion: Champion, weight: Weight | None = None, progress: ProgressCallback | None = None
) -> FloatArray:
    """Observations of a champion in four episodes with the seeds 0 to 3, or samples of the validation part.

    Args:
        champion: the champion, which acts.
        weight: as `Champion.act`.
        progress: told of each step.

    Returns:
        (N, I) observations spread evenly over all there were; N is at most 256, and less where I is large.
        Of a user's own table they are rows (N, C) of its columns, made-up ones where it is not at hand.

    Raises:
        ValueError: the task is not there, or the environment is not installed.
        RuntimeError: the environment fails.
    """
    try:
        task = champion.get_task()
    except ValueError:
        if champion.columns is None:
            raise
        # The table is somewhere else, or the champion is that of a fitted estimator.
        return champion.columns.example_codes(MOST_OBSERVATIONS)
    if isinstance(task, DataTask):
        samples = task.samples.validation
        kept = _spread(samples.labels.size, len(champion.inputs))
        return samples.inputs(kept) if samples.codes is None else samples.codes[kept].astype(np.float64)
    env = task.make_env(disable_env_checker=True)
    seen = []
    try:
        for seed in range(_EPISODES):
            observation, _ = env.reset(seed=seed)
            for now in range(task.episode_steps):
                seen.append(task.observe(observation).copy())
                if progress is not None:
                    progress(seed * task.episode_steps + now, _EPISODES * task.episode_steps)
                observation, _, terminated, truncated, _ = env.step(champion.act(observation, weight))
                if terminated or truncated:
                    break
    except Exception as error:  # noqa: BLE001 - whatever an environment raises
        reason = " ".join(str(error).split())
        raise RuntimeError(
            f"task {task.name!r} gives no observations: {type(error).__name__}: {reason}"
        ) from None
    finally:
        env.close()
    rows: FloatArray = np.array(seen)[_spread(len(seen), len(champion.inputs))]
    return rows


def _spread(count: int, inputs: int) -> NDArray[np.int64]:
    """Evenly spaced positions of the observations to keep."""
    kept = min(count, MOST_OBSERVATIONS, max(_FEWEST, _MOST_NUMBERS // inputs))
    return np.linspace(0, count - 1, kept).astype(np.int64)
