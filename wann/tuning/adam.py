"""A network as a differentiable PyTorch module, and its weights trained by Adam. Needs the extra `torch`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wann.kernels.activations import BY_CODE
from wann.networks.network import Network
from wann.utils.arrays import FloatArray
from wann.utils.one_thread import one_thread as one_thread

try:
    import torch
except ImportError as error:
    raise ImportError("PyTorch is not installed: pip install 'wann[torch]'") from error

_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "step": lambda x: (x > 0).to(x.dtype),
    "sin": lambda x: torch.sin(math.pi * x),
    "gaussian": lambda x: torch.exp(-x * x / 2.0),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "inverse": torch.neg,
    "abs": torch.abs,
    "relu": torch.relu,
    "cos": lambda x: torch.cos(math.pi * x),
}


class TorchNetwork(torch.nn.Module):
    """A network layer by layer: a node lies one layer above the highest of those it reads.

    Args:
        network: the network; C connections.
        weights: (C,) start weights, in the order of its sources. They are the parameter `weights`.
    """

    def __init__(self, network: Network, weights: FloatArray) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor(weights))
        first = 1 + network.inputs
        layer = np.zeros(network.rows, np.int64)
        for k in range(network.activation.size):
            read = network.sources[network.first_source[k] : network.first_source[k + 1]]
            layer[first + k] = 1 + layer[read].max(initial=0)
        # Rows are numbered anew as the layers come, and within a layer by activation.
        codes = np.concatenate([np.zeros(first, np.int8), network.activation])
        order = np.lexsort((np.arange(network.rows), codes, layer))
        place = np.empty(network.rows, np.int64)
        place[order] = np.arange(network.rows)
        self._layers: list[Any] = []
        for depth in range(1, int(layer.max(initial=0)) + 1):
            nodes = [row for row in order.tolist() if layer[row] == depth]
            spans = [
                np.arange(network.first_source[row - first], network.first_source[row - first + 1])
                for row in nodes
            ]
            connections = np.concatenate(spans)
            targets = np.repeat(np.arange(len(nodes)), [span.size for span in spans])
            kinds, counts = np.unique(codes[nodes], return_counts=True)
            groups = [
                (BY_CODE[code].name, count)
                for code, count in zip(kinds.tolist(), counts.tolist(), strict=True)
            ]
            sources = place[network.sources[connections]]
            places = [torch.tensor(each) for each in (connections, targets, sources)]
            self._layers.append((len(nodes), *places, groups))
        self._outputs = torch.tensor(place[network.outputs])

    def forward(self, inputs: Any) -> Any:
        """Outputs (N, A) for inputs (N, I)."""
        values = torch.cat([torch.ones_like(inputs[:, :1]), inputs], dim=1)
        for size, connections, targets, sources, groups in self._layers:
            # A dense matrix that is zero but for the connections: one fast product a layer.
            matrix = torch.zeros(size, values.shape[1], dtype=values.dtype)
            matrix = matrix.index_put((targets, sources), self.weights[connections])
            parts = torch.split(values @ matrix.T, [count for _, count in groups], dim=1)
            values = torch.cat(
                [values, *(_FUNCTIONS[name](part) for (name, _), part in zip(groups, parts, strict=True))],
                dim=1,
            )
        return values[:, self._outputs]


class Adam:
    """Weights trained on the cross-entropy, or the squared error where there are targets, by Adam.

    Args:
        network: the network; C connections.
        start: (C,) weights to begin with, in the order of its sources.
        free: (C,) which of them may change.
        rate: learning rate.

    Source: Kingma and Ba (2015), Adam.
    """

    def __init__(self, network: Network, start: FloatArray, free: NDArray[np.bool_], rate: float) -> None:
        self._module = TorchNetwork(network, start.astype(np.float32))
        self._rate = rate
        self._inner = torch.optim.Adam([self._module.weights], lr=rate)
        self._free = torch.tensor(free)
        self._start, self._is_free = start, free

    def step(
        self,
        inputs: FloatArray,
        labels: NDArray[np.int64],
        targets: FloatArray | None,
        share: float,
    ) -> None:
        """One step on a batch.

        Args:
            inputs: (N, I).
            labels: (N,) positions of the classes.
            targets: (N, A) numbers that the outputs should be, instead of labels.
            share: how much of the training is done, 0 to 1; the rate falls to 0 along half a cosine.
        """
        for group in self._inner.param_groups:
            group["lr"] = self._rate * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))
        self._inner.zero_grad()
        outputs = self._module(torch.from_numpy(inputs.astype(np.float32)))
        if targets is None:
            loss = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(labels))
        else:
            loss = torch.nn.functional.mse_loss(outputs, torch.from_numpy(targets.astype(np.float32)))
        loss.backward()
        gradient: Any = self._module.weights.grad
        # What is frozen has no gradient; a gradient that is no number says nothing.
        self._module.weights.grad = torch.where(self._free, torch.nan_to_num(gradient, 0.0, 0.0, 0.0), 0.0)
        self._inner.step()

    @property
    def weights(self) -> FloatArray:
        """The weights (C,) now; those that may not change are exactly the start's."""
        found: FloatArray = self._module.weights.detach().numpy().astype(np.float64)
        return np.where(self._is_free, found, self._start)

    @property
    def state(self) -> FloatArray:
        """Everything that a step depends on, (4, C): weights, both moments, and in the last row the steps."""
        inner = self._inner.state[self._module.weights]
        rows = [self._module.weights.detach()]
        rows += [inner.get(name, torch.zeros_like(rows[0])) for name in ("exp_avg", "exp_avg_sq")]
        steps = np.full((1, rows[0].numel()), float(inner.get("step", 0.0)))
        return np.concatenate([np.stack([row.numpy() for row in rows]), steps]).astype(np.float64)

    @state.setter
    def state(self, state: FloatArray) -> None:
        weights, first, second, steps = (torch.tensor(row, dtype=torch.float32) for row in state)
        with torch.no_grad():
            self._module.weights.copy_(weights)
        if steps.numel() and steps[0] > 0.0:
            self._inner.state[self._module.weights] = {
                "step": steps[0].clone(),
                "exp_avg": first,
                "exp_avg_sq": second,
            }
