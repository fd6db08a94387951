"""Champions of hand-made genomes."""

import numpy as np

from wann.champion import Champion, Scores
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome, check_genome
from wann.tasks.registry import get_task

WEIGHTS = np.array([-1.5, 0.75, 2.0])


def champion_of(task_name, genome, weights=WEIGHTS, **values):
    task = get_task(task_name)
    scores = Scores.from_returns(np.array(weights), np.zeros((len(weights), 2)), (1, 2))
    return Champion(task_name, task.inputs, task.outputs, genome, scores, **values)


def genome_of(inputs, outputs, hidden, connections):
    """Genome with these activations of hidden nodes, and connections (source, target, enabled)."""
    codes = ["linear"] * (1 + inputs + outputs) + list(hidden)
    source, target, enabled = zip(*connections, strict=True)
    return check_genome(
        Genome(
            inputs=inputs,
            outputs=outputs,
            node_id=np.arange(len(codes), dtype=np.int32),
            activation=np.array([BY_NAME[name].code for name in codes], np.int8),
            mark=np.arange(10, 10 + len(source), dtype=np.int32),
            source=np.array(source, np.int32),
            target=np.array(target, np.int32),
            enabled=np.array(enabled, np.bool_),
        )
    )


# Toy: the return is highest where the action, output 4, is the first input. Node 5 passes that on and node 6
# is fed by the second input; node 7 leads nowhere, and connection 15 is off.
TOY = genome_of(
    3,
    1,
    ["linear", "linear", "tanh"],
    [(1, 5, True), (5, 4, True), (2, 6, True), (6, 4, True), (3, 7, True), (0, 4, False)],
)
