"""Champions to be tuned."""

import numpy as np
from conftest import evolved

from wann.champion import Champion, Scores
from wann.tasks.registry import get_task


def champion_for(task="swingup", seed=3, mutations=30, **values):
    """A champion of a random topology."""
    found = get_task(task)
    genome = evolved(seed, mutations, inputs=len(found.inputs), outputs=len(found.outputs))
    scores = Scores(np.array([-1.0, 1.0]), np.array([1.0, 2.0]), np.zeros(2), (1, 2))
    return Champion(found.name, tuple(found.inputs), tuple(found.outputs), genome, scores, **values)
