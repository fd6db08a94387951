"""What is tuned: the task, as it is stepped, and the connections that may change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wann.champion import Champion
from wann.kernels import graph
from wann.networks.network import Network
from wann.tasks.data_task import DataTask
from wann.tasks.registry import best_stepping, get_task
from wann.tasks.task import Task
from wann.tuning.plan import TuningPlan


def check_method(plan: TuningPlan, task: Task) -> None:
    """Refuse a method that a task has nothing for.

    Raises:
        ValueError: it needs gradients, and the task is an environment.
    """
    if plan.method == "adam" and not isinstance(task, DataTask):
        raise ValueError(
            f"adam needs gradients, which only data sets have, and {task.name} is an environment: "
            "choose cma, pepg or random"
        )


def frozen_connections(network: Network, parts: Sequence[str]) -> NDArray[np.bool_]:
    """Which connections (C,) the named parts of a network hold, in the order of its sources.

    Args:
        network: the network.
        parts: "inputs", the connections out of bias and inputs; "hidden", those into hidden nodes;
            "outputs", those into outputs; "layer:K", those into nodes of layer K, where a node lies one
            layer above the highest of those it reads and bias and inputs are layer 0.

    Raises:
        ValueError: there is no such part in this network.
    """
    first = 1 + network.inputs
    target = np.repeat(np.arange(network.activation.size), np.diff(network.first_source)) + first
    layer = graph.depths(network.rows, network.sources.astype(np.int32), target.astype(np.int32))
    last = int(layer.max(initial=0))
    into_output = np.isin(target, network.outputs)
    named = {
        "inputs": network.sources < first,
        "hidden": ~into_output,
        "outputs": into_output,
        **{f"layer:{depth}": layer[target] == depth for depth in range(1, last + 1)},
    }
    frozen = np.zeros(target.size, np.bool_)
    for part in parts:
        if part not in named or not named[part].any():
            there = [name for name, members in named.items() if members.any()]
            raise ValueError(f"the network has no part {part!r} to freeze; choose from {', '.join(there)}")
        frozen |= named[part]
    return frozen


def stepped_task(champion: Champion) -> Task:
    """The champion's task, stepped the fastest way there is; a data set, read."""
    task = champion.get_task()
    if isinstance(task, DataTask):
        return task.read()
    stepping = best_stepping(task)
    if stepping == task.stepping:
        return task
    return get_task(champion.task, champion.env_kwargs, stepping, champion.fresh_env)
