"""Environments and champions that a browser can play."""

from typing import ClassVar

import gymnasium
import numpy as np
import toys
from conftest import evolved

from wann.champion import Champion, Scores
from wann.tasks.registry import get_task


class Silent(toys.Toy):
    """Draws nothing."""

    metadata: ClassVar = {"render_modes": ["human"], "render_fps": 10}


class Blank(toys.Toy):
    """Says that it draws, and gives nothing."""

    def render(self):
        return None


class Numbered(toys.Toy):
    """Shows the step as the brightness, in many steps a second; counts the instances that are open."""

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 200}
    length = 40
    open = 0

    def __init__(self, **options):
        super().__init__(**options)
        Numbered.open += 1

    def render(self):
        return np.full((40, 60, 3), min(6 * self.age, 255), np.uint8)

    def close(self):
        Numbered.open -= 1


for kind in (Silent, Blank, Numbered):
    gymnasium.register(f"toys/{kind.__name__}-v0", kind)


def champion_of(name, tuned=False, **env_kwargs):
    task = get_task(name, env_kwargs)
    genome = evolved(seed=3, mutations=10, inputs=len(task.inputs), outputs=len(task.outputs))
    scores = Scores(np.array([-1.0, 0.75]), np.array([0.0, 2.0]), np.zeros(2), (1, 2))
    weights = np.linspace(-1.0, 1.0, genome.connection_count) if tuned else None
    return Champion(name, task.inputs, task.outputs, genome, scores, weights, env_kwargs=env_kwargs)
