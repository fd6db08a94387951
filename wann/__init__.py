"""Weight-agnostic neural networks: search for topologies that solve a task with one shared weight.

    run = wann.search("swingup", preset="laptop", seed=1)     # a run folder with its champion
    champion = wann.load_champion(run.path)
    action = champion.act(observation, weight=1.0)
    card = wann.evaluate(champion, episodes=100)

`Evolution` is the search itself as ask and tell, for evaluations of your own; `Settings` are its settings.
Everything else may move between versions.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wann.champion import Champion, load_champion, save_champion
    from wann.config import Settings
    from wann.evolution import Evolution
    from wann.genome import Genome
    from wann.network import compile_genome, evaluate_network
    from wann.run import Interrupted, Progress, Run, resume, search
    from wann.scorecard import Scorecard, evaluate
    from wann.tasks import get_task, task_names

__version__ = "0.1.0"

# Imported on first use, so that `import wann` costs next to nothing.
_HOME = {
    "Champion": "champion",
    "Evolution": "evolution",
    "Genome": "genome",
    "Interrupted": "run",
    "Progress": "run",
    "Run": "run",
    "Scorecard": "scorecard",
    "Settings": "config",
    "compile_genome": "network",
    "evaluate": "scorecard",
    "evaluate_network": "network",
    "get_task": "tasks",
    "load_champion": "champion",
    "resume": "run",
    "save_champion": "champion",
    "search": "run",
    "task_names": "tasks",
}

__all__ = [
    "Champion",
    "Evolution",
    "Genome",
    "Interrupted",
    "Progress",
    "Run",
    "Scorecard",
    "Settings",
    "compile_genome",
    "evaluate",
    "evaluate_network",
    "get_task",
    "load_champion",
    "resume",
    "save_champion",
    "search",
    "task_names",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'wann' has no attribute {name!r}")
    value = getattr(import_module(f"wann.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
