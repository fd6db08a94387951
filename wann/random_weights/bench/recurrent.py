"""An untrained recurrent network as a world model: a linear controller acts on its state.

The velocities of a task are hidden. The controller, linear and tuned by CMA-ES, sees what is left, and beside
it a memory: none, the observation before, or the state of a recurrent network whose weights are random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from wann.kernels.lanes import WIDTH, blocks_for
from wann.tasks.compiled_task import CompiledTask
from wann.utils.arrays import FloatArray

Kind = Literal["full", "none", "stack", "recurrent", "trained"]

UNITS = 32
"""Units of the recurrent network."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A task whose velocities are hidden."""

    name: str
    visible: tuple[int, ...]  # entries of the observation that are seen
    unit: tuple[float, ...]  # which of their values counts as 1
    population: int  # of CMA-ES
    episodes: int  # for each candidate
    generations: int  # at most
    most: float  # return that cannot be improved on


HIDDEN = {
    "CartPole-v1": Hidden("CartPole-v1", (0, 2), (2.4, 0.21), 16, 4, 100, 500.0),
    "Pendulum-v1": Hidden("Pendulum-v1", (0, 1), (1.0, 1.0), 32, 8, 150, 0.0),
}
"""The tasks that a memory is measured on."""


class LongShortTermMemory:
    """A recurrent network of long short-term memory cells with random weights. H cells, I inputs.

    Weights and both biases are uniform within 1 over the root of H, as PyTorch draws them.

    Source: Hochreiter and Schmidhuber (1997), with the forget gate of Gers, Schmidhuber and Cummins (2000).
    """

    def __init__(self, inputs: int, units: int, rng: np.random.Generator) -> None:
        reach = 1.0 / np.sqrt(units)
        self.units = units
        self.weights = rng.uniform(-reach, reach, (inputs + units, 4 * units))  # gates: in, forget, new, out
        self.bias = rng.uniform(-reach, reach, (2, 4 * units)).sum(axis=0)

    @property
    def size(self) -> int:
        """Numbers that it consists of."""
        return int(self.weights.size + self.bias.size)

    def step(self, x: FloatArray, hidden: FloatArray, cell: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The next hidden and cell state (n, H), from inputs (n, I)."""
        gates = np.hstack([x, hidden]) @ self.weights + self.bias
        into, forget, new, out = np.split(gates, 4, axis=1)
        cell = _sigmoid(forget) * cell + _sigmoid(into) * np.tanh(new)
        return _sigmoid(out) * np.tanh(cell), cell


def _sigmoid(x: FloatArray) -> FloatArray:
    result: FloatArray = 0.5 * (1.0 + np.tanh(0.5 * x))
    return result


class Memory:
    """Inputs of a controller in n episodes side by side, step by step."""

    def __init__(self, task: Hidden, kind: Kind, network: LongShortTermMemory | None) -> None:
        self._task, self._kind, self._network = task, kind, network
        self._unit = np.array(task.unit)
        self._state: tuple[FloatArray, FloatArray] | None = None
        self._before: FloatArray | None = None

    def see(self, observation: FloatArray) -> FloatArray:
        """Features (n, F) of the observations (n, all entries), with a 1 for the bias."""
        ones = np.ones((len(observation), 1))
        if self._kind == "full":
            return np.hstack([observation, ones])
        self._seen = observation[:, self._task.visible] / self._unit
        if self._kind == "none":
            return np.hstack([self._seen, ones])
        if self._kind == "stack":
            before = self._seen if self._before is None else self._before
            self._before = self._seen
            return np.hstack([self._seen, before, ones])
        assert self._network  # noqa: S101 - of the kinds "recurrent" and "trained"
        if self._state is None:
            zeros = np.zeros((len(observation), self._network.units))
            self._state = (zeros, zeros)
        return np.hstack([self._seen, self._state[0], ones])

    def act(self, action: FloatArray) -> None:
        """Take note of the actions (n,), from -1 to 1."""
        if self._network and self._state:
            self._state = self._network.step(np.hstack([self._seen, action[:, None]]), *self._state)


class Episodes:
    """n episodes side by side in the compiled physics; `going` (n,) says which have not ended."""

    def __init__(self, task: CompiledTask, starts: FloatArray) -> None:
        self._task, self._blocks = task, blocks_for(len(starts))
        self.going = np.ones(len(starts), np.bool_)
        self._state, self._observation, self._action, self._outcome = (
            np.zeros((rows, self._blocks, WIDTH))
            for rows in (starts.shape[1], len(task.inputs), len(task.outputs), 2)
        )
        self._lanes(self._state)[:] = starts.T
        task.dynamics.observe(self._state, self._observation, self._blocks)

    def _lanes(self, array: FloatArray) -> FloatArray:
        """The rows of an array as (rows, n)."""
        lanes: FloatArray = array.reshape(len(array), -1)[:, : self.going.size]
        return lanes

    def look(self) -> FloatArray:
        """Observations (n, I)."""
        return self._lanes(self._observation).T.copy()

    def step(self, output: FloatArray) -> FloatArray:
        """Rewards (n,) of a step under a controller's outputs (n,); 0 after the end."""
        self._lanes(self._action)[-1] = output
        self._task.dynamics.step(self._state, self._observation, self._action, self._outcome, self._blocks)
        reward, ended = self._lanes(self._outcome)
        rewards = np.where(self.going, reward, 0.0)
        self.going = self.going & (ended == 0.0)
        return rewards


def encoded_actions(output: FloatArray, outputs: int) -> FloatArray:
    """The action that an output stands for: one of two, or a clipped number."""
    encoded: FloatArray = np.where(output > 0.0, 1.0, -1.0) if outputs == 2 else np.clip(output, -1.0, 1.0)
    return encoded
