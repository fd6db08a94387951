"""The trained counterpart of an untrained recurrent network: its weights learn what will be seen next."""

from __future__ import annotations

import numpy as np

from wann.random_weights.bench.recurrent import Episodes, Hidden, LongShortTermMemory, encoded_actions
from wann.random_weights.training import functional, one_thread, torch
from wann.tasks.compiled_task import CompiledTask
from wann.utils.seeding import Purpose, episode_seeds, stream

_EPISODES = 512  # of random actions, to learn from
_LONGEST = 50  # steps of them
_STEPS = 300  # of gradient descent
_BATCH = 64  # episodes of a step
_RATE = 3e-3  # of Adam


def trained_memory(
    task: Hidden, compiled: CompiledTask, network: LongShortTermMemory, seed: int
) -> tuple[LongShortTermMemory, list[float]]:
    """A copy whose weights were trained to predict the next observation under random actions.

    Args:
        task: which entries are seen.
        compiled: its physics.
        network: where gradient descent starts; not changed.
        seed: seed of episodes, actions and batches.

    Returns:
        The copy, and the mean squared error of each step, in variances of the predicted values.

    Source: Ha and Schmidhuber (2018), section 2.2, with the next observation itself in place of a mixture of
    densities over a code of it.
    """
    seen, actions, going = _episodes(task, compiled, seed)
    change = np.diff(seen, axis=0)
    target = change / change[going].std(axis=0)
    rng = stream(seed, Purpose.RANDOM_WEIGHTS, 4)
    units = network.units
    head = rng.uniform(-1.0, 1.0, (units + 1, target.shape[2])) / np.sqrt(units)
    inputs, targets, mask = (
        torch.from_numpy(array)
        for array in (np.concatenate([seen[:-1], actions[..., None]], axis=2), target, going)
    )
    with one_thread():
        weights, bias, out = (
            torch.tensor(array, requires_grad=True) for array in (network.weights, network.bias, head)
        )
        descent = torch.optim.Adam([weights, bias, out], _RATE)
        errors = []
        for _ in range(_STEPS):
            rows = torch.from_numpy(rng.choice(_EPISODES, _BATCH, replace=False))
            hidden = cell = torch.zeros(_BATCH, units, dtype=torch.float64)
            losses = []
            for x, wanted, counts in zip(inputs[:, rows], targets[:, rows], mask[:, rows], strict=True):
                into, forget, new, opened = (torch.cat([x, hidden], 1) @ weights + bias).chunk(4, 1)
                cell = forget.sigmoid() * cell + into.sigmoid() * new.tanh()
                hidden = opened.sigmoid() * cell.tanh()
                error = functional.mse_loss(hidden @ out[:-1] + out[-1], wanted, reduction="none")
                losses.append(error[counts].sum())
            loss = torch.stack(losses).sum() / mask[:, rows].sum()
            descent.zero_grad()
            loss.backward()
            descent.step()
            errors.append(loss.item() / target.shape[2])
    trained = LongShortTermMemory(len(weights) - units, units, rng)
    trained.weights, trained.bias = weights.detach().numpy(), bias.detach().numpy()
    return trained, errors


def _episodes(task: Hidden, compiled: CompiledTask, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observations (T+1, n, V), random actions (T, n) from -1 to 1, and whether an episode went on (T, n)."""
    episodes = Episodes(compiled, compiled.starts(episode_seeds(seed, Purpose.RANDOM_WEIGHTS, _EPISODES, 5)))
    rng = stream(seed, Purpose.RANDOM_WEIGHTS, 6)
    unit = np.array(task.unit)
    seen, actions, going = [episodes.look()[:, task.visible] / unit], [], []
    for _ in range(_LONGEST):
        output = rng.uniform(-1.0, 1.0, _EPISODES)
        going.append(episodes.going)
        episodes.step(output)
        seen.append(episodes.look()[:, task.visible] / unit)
        actions.append(encoded_actions(output, len(compiled.outputs)))
    return np.array(seen), np.array(actions), np.array(going)
