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

from wann.version import __version__ as __version__

TYPE_CHECKING = False  # as that of typing, which takes longer to load than all that is needed here
if TYPE_CHECKING:
    from typing import Any

    from wann.analysis.scorecard import Scorecard, evaluate
    from wann.champion import Champion, load_champion, save_champion
    from wann.evolution.evolution import Evolution
    from wann.networks.genome import Genome
    from wann.networks.network import compile_genome, evaluate_network
    from wann.run.loop import Interrupted, Progress, Run
    from wann.run.search import resume, search
    from wann.settings import Settings
    from wann.tasks.registry import get_task, task_names

# Imported on first use, so that `import wann` costs next to nothing.
_HOME = {
    "Champion": "champion",
    "Evolution": "evolution.evolution",
    "Genome": "networks.genome",
    "Interrupted": "run.loop",
    "Progress": "run.loop",
    "Run": "run.loop",
    "Scorecard": "analysis.scorecard",
    "Settings": "settings",
    "compile_genome": "networks.network",
    "evaluate": "analysis.scorecard",
    "evaluate_network": "networks.network",
    "get_task": "tasks.registry",
    "load_champion": "champion",
    "resume": "run.search",
    "save_champion": "champion",
    "search": "run.search",
    "task_names": "tasks.registry",
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
