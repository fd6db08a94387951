"""Measures methods on tasks whose velocities are hidden."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wann.random_weights.bench.method import Measurement
from wann.random_weights.bench.recurrent import (
    HIDDEN,
    UNITS,
    Episodes,
    Kind,
    LongShortTermMemory,
    Memory,
    encoded_actions,
)
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.registry import get_task
from wann.tuning.optimisers import Cma
from wann.utils.arrays import FloatArray
from wann.utils.seeding import Purpose, episode_seeds, stream

_SIGMA = 0.5  # of CMA-ES at first
_CONFIRMING = 20  # episodes that a generation's controller is chosen on
_JUDGING = 20  # episodes in Gymnasium's own environment, at the end


def measure(name: str, kind: Kind, seed: int) -> Measurement:
    """Tune a controller and judge it on fresh episodes of Gymnasium's own environment.

    Args:
        name: name of a task in `HIDDEN`.
        kind: inputs of the controller: every entry, the visible ones, those of two steps, or those and the
            state of the recurrent network, which was trained before to predict what comes if it is "trained".
        seed: seed of network, episodes and tuning.

    Returns:
        The mean return, and the weights of the controller, with those of a trained network, as trained ones.

    Raises:
        ImportError: PyTorch is missing, for the kind "trained".

    Source: the comparison is that of Tallec, Blier and Kalainathan (2019); world models are of Ha and
    Schmidhuber (2018), section 3.
    """
    begun = time.perf_counter()
    task = HIDDEN[name]
    compiled = get_task(name)
    assert isinstance(compiled, CompiledTask)  # noqa: S101 - those of HIDDEN are
    network = None
    if kind in ("recurrent", "trained"):
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, 2)
        network = LongShortTermMemory(len(task.visible) + 1, UNITS, rng)
    if network and kind == "trained":
        from wann.random_weights.bench.world_model import trained_memory

        network, _ = trained_memory(task, compiled, network, seed)

    def remembering() -> Memory:
        return Memory(task, kind, network)

    features = remembering().see(np.zeros((1, len(compiled.inputs)))).shape[1]
    optimiser = Cma(features, task.population, _SIGMA, seed)
    confirming = compiled.starts(episode_seeds(seed, Purpose.CONFIRMATION, _CONFIRMING, 0))
    best, choice = -np.inf, np.zeros(features)
    for generation in range(task.generations):
        seeds = episode_seeds(seed, Purpose.EPISODES, task.episodes, generation)
        starts = np.tile(compiled.starts(seeds), (task.population, 1))
        candidates = optimiser.ask()
        each = np.repeat(candidates, task.episodes, axis=0)
        returns = rolled_out(compiled, each, starts, remembering)
        optimiser.tell(returns.reshape(task.population, -1).mean(axis=1))
        mean = np.repeat(optimiser.choice[None], _CONFIRMING, axis=0)
        confirmed = float(rolled_out(compiled, mean, confirming, remembering).mean())
        if confirmed > best:
            best, choice = confirmed, optimiser.choice
        if best >= task.most:
            break
    seconds = time.perf_counter() - begun
    score = float(np.mean(judged(compiled, choice, remembering, seed)))
    size = network.size if network else 0
    return Measurement(score, features + (size if kind == "trained" else 0), features + size, seconds)


def rolled_out(
    task: CompiledTask, controllers: FloatArray, starts: FloatArray, remembering: Callable[[], Memory]
) -> FloatArray:
    """Returns (n,) of n episodes side by side in the compiled physics.

    Args:
        task: with one output, or with two of which the larger is the action.
        controllers: (n, F) weights, those of each episode.
        starts: (n, S) start states.
        remembering: makes a fresh memory.
    """
    episodes, memory, returns = Episodes(task, starts), remembering(), np.zeros(len(starts))
    for _ in range(task.episode_steps):
        output = (memory.see(episodes.look()) * controllers).sum(axis=1)
        memory.act(encoded_actions(output, len(task.outputs)))
        returns += episodes.step(output)
        if not episodes.going.any():
            break
    return returns


def judged(
    task: CompiledTask, controller: FloatArray, remembering: Callable[[], Memory], seed: int
) -> list[float]:
    """Returns of fresh episodes in Gymnasium's own environment, one after the other."""
    outputs, returns = len(task.outputs), []
    env = task.make_env()
    try:
        for episode in episode_seeds(seed, Purpose.EVALUATION, _JUDGING, 0):
            observation, _ = env.reset(seed=episode)
            memory, total, ended = remembering(), 0.0, False
            while not ended:
                seen = memory.see(np.asarray(observation, np.float64)[None])
                output = (seen * controller).sum(axis=1)
                encoded = encoded_actions(output, outputs)
                memory.act(encoded)
                chosen = int(encoded[0] > 0.0) if outputs == 2 else _torque(env, encoded)
                observation, reward, terminated, truncated, _ = env.step(chosen)
                total += float(reward)
                ended = terminated or truncated
            returns.append(total)
    finally:
        env.close()
    return returns


def _torque(env: object, encoded: FloatArray) -> NDArray[np.float32]:
    """An action from -1 to 1 as the environment wants it."""
    high: NDArray[np.float32] = env.action_space.high  # type: ignore[attr-defined]
    return np.asarray(encoded * high, np.float32)
