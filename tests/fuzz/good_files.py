"""One good file of every kind that is read, made without an evaluation."""

import dataclasses
import gzip
import json
from pathlib import Path

import numpy as np

from wann.champion import Champion, Scores, save_champion
from wann.evolution.evolution import Evolution
from wann.formats.paper import write_published
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome, genome_to_dict, minimal_genome
from wann.run.checkpoint import Checkpoint, Totals
from wann.run.folder import METRICS, RunFolder, as_initial
from wann.run.front import front_of, front_to_json
from wann.settings import Settings
from wann.tasks import mnist
from wann.tasks.registry import get_task
from wann.tuning.plan import Saved, TuningPlan
from wann.tuning.race_offspring import Mutation
from wann.tuning.race_session import RaceState, entrant_path

POPULATION, EPISODES = 6, 3
PLAN = TuningPlan(budget=64, population=8, episodes=2)
WEIGHTS = np.array([-1.5, 0.5, 1 / 3])


def make(folder: Path) -> None:
    """Fill an empty folder."""
    champion = _run(folder / "run")
    initial, digest = as_initial(champion)
    RunFolder.create(folder / "begun", Settings(initial_genome=digest), initial)
    _tuned(folder, champion)
    _race(folder / "race", champion)
    _published(folder, champion.genome)
    _tables(folder)
    _models(folder, champion)
    (folder / "neat.json").write_text(json.dumps(NEAT))
    (folder / "reference.json").write_text(json.dumps(REFERENCE))
    (folder / "assignment.txt").write_text("weight_range=[-1.5, 2]")
    (folder / "arguments.txt").write_text('{"length": 0.5, "names": ["a", {"b": true}]}')
    (folder / "genome.json").write_text(json.dumps(genome_to_dict(champion.genome)))
    (folder / "compared").mkdir()
    (folder / "compared" / "results.json").write_text(json.dumps(RESULTS))


def _run(path: Path) -> Champion:
    """A run of four generations, whose returns are random numbers; gives its champion."""
    settings = Settings(
        population=POPULATION, seed=5, weight_sampling="fixed", max_steps=50, env_kwargs={"length": 0.5}
    )
    folder, task = RunFolder.create(path, settings), get_task("swingup")
    evolution = Evolution(settings, len(task.inputs), len(task.outputs))
    rng = np.random.default_rng(1)
    for _ in range(4):
        evolution.ask()
        evolution.tell(rng.normal(size=(POPULATION, len(settings.weights), EPISODES)))
        found = evolution.candidate()
        if found is not None:
            evolution.confirm(found, WEIGHTS, rng.normal(size=(WEIGHTS.size, EPISODES)))
    state, numbers = evolution.state, range(1, 5)
    folder.append_metrics([dict.fromkeys(METRICS, 0.25) | {"generation": number} for number in numbers])
    front = front_of(settings, task, state)
    assert front is not None
    assert state.champion is not None
    folder.save_front(front_to_json(front))
    folder.save_checkpoint(Checkpoint(state, Totals(400, 20_000, 1.5)))
    confirmed = state.champion
    champion = Champion(
        task="swingup",
        inputs=task.inputs,
        outputs=task.outputs,
        genome=confirmed.genome,
        scores=Scores.from_returns(confirmed.weights, confirmed.returns, tuple(range(EPISODES))),
        origin={"preset": "paper", "seed": 5, "generation": confirmed.generation},
        env_kwargs={},
    )
    folder.save_champion(champion, confirmed.generation)
    return champion


def _tuned(folder: Path, champion: Champion) -> None:
    """A champion with tuned weights, which won a race, and the state of a tuning."""
    size = champion.network.sources.size
    mean = {"mean": 1.5, "std": 0.5}
    row = {"networks": 3, "evaluations": 64, "best": 2.5, "median": 1.5, "champion": None}
    race = {"networks": 3, "generation": 1, "network": 0, "file": "round-1/0000.json"}
    race |= {"rounds": [row], "generations": [row | {"longer": row}]}
    plan = {name: value for name, value in dataclasses.asdict(PLAN).items() if name != "weight"}
    told = {"freeze": [], "evaluations": 64, "start_weight": -1.5, "chosen_by": 2.5, "race": race}
    told |= {"scored_on": "100 fresh episodes", "before": mean, "after": mean}
    tuned = np.linspace(-1.0, 1.0, champion.genome.connection_count)
    save_champion(dataclasses.replace(champion, tuned=tuned, tuning=plan | told), folder / "tuned.json")
    Saved(
        plan=PLAN,
        champion=champion,
        start=np.full(size, 0.5),
        values=np.random.default_rng(2).normal(size=(5, PLAN.population)),
        state=np.full((1, size), 0.25),
        kept=np.full((2, size), 0.75),
        kept_means=np.array([2.0, 1.0]),
        hard=np.array([5.0, 7.0]),
        start_mean=0.5,
        seconds=1.5,
    ).save(folder / "tuning.npz")


def _race(folder: Path, champion: Champion) -> None:
    (folder / "entrants").mkdir(parents=True)
    mutation = Mutation((0.2, 0.3, 0.1, 0.4), ("tanh", "linear"))
    RaceState(PLAN, 2, (0,), mutation, 1, 2.5).save(folder)
    for index in range(2):
        save_champion(champion, entrant_path(folder, index))


def _published(folder: Path, genome: Genome) -> None:
    write_published(genome, folder / "published.out")
    small = minimal_genome(2, 1, BY_NAME["linear"].code, 1.0, rng=np.random.default_rng(0))
    (folder / "small").mkdir()
    write_published(small, folder / "small" / "small.out")
    (folder / "weights.wann.json").write_text("[[0.5, -1.5, 2.0], 932.5]")


def _tables(folder: Path) -> None:
    rng = np.random.default_rng(3)
    rows = "".join(f"{k % 5},{k * 0.5},{'abc'[k % 3]}\n" for k in range(24))
    (folder / "table.csv").write_text(f"width,length,kind\n{rows}")
    values, labels = rng.integers(256, size=(24, 3, 4)).astype(np.uint8), np.arange(24) % 3
    np.savez(folder / "table.npz", x=rng.normal(size=(24, 2)), y=labels)
    parts = {"x_train": values, "y_train": labels, "x_test": values[:5], "y_test": labels[:5].astype(float)}
    np.savez(folder / "parts.npz", **parts)
    images = rng.integers(2**16, size=(20, mnist.SIDE**2)).astype(np.uint16)
    places = np.arange(20) % 10
    digest = mnist._digest(images, places)
    np.savez(folder / "processed.npz", images=images, labels=places, digest=digest)
    (folder / "labels.gz").write_bytes(gzip.compress(bytes(range(256)) * 20, mtime=0))


def _models(folder: Path, champion: Champion) -> None:
    """Fitted estimators; only what `save` writes is made here, so that nothing is searched."""
    from wann.sklearn import WANNClassifier, WANNRegressor

    for model, name, outputs in (
        (WANNClassifier(generations=2, random_state=1), "classifier.json", ("no", "yes")),
        (WANNRegressor(generations=2, random_state=1), "regressor.json", ("y0",)),
    ):
        genome = minimal_genome(2, len(outputs), BY_NAME["linear"].code, 1.0, rng=np.random.default_rng(0))
        model.champion_ = dataclasses.replace(
            champion, task=type(model).__name__, inputs=("x0", "x1"), outputs=outputs, genome=genome
        )
        model.mean_, model.scale_, model.n_features_in_ = np.zeros(2), np.ones(2), 2
        model.weights_, model.validation_scores_, model.n_iter_ = WEIGHTS, np.array([-0.5, -0.25]), 2
        if isinstance(model, WANNClassifier):
            model.classes_ = np.array(outputs)
        else:
            model.target_mean_, model.target_scale_, model._single = np.zeros(1), np.ones(1), True
        model.save(folder / name)


def _node(key: int, activation: str, aggregation: str) -> dict[str, object]:
    names = {"activation": activation, "aggregation": aggregation}
    return {"id": key, "bias": 0.25, "response": 1.5} | {
        role: {"name": name, "custom": False} for role, name in names.items()
    }


NEAT = {
    "format_version": "1.0",
    "network_type": "feedforward",
    "topology": {"input_keys": [-1, -2], "output_keys": [0]},
    "nodes": [
        _node(0, "sigmoid", "sum"),
        _node(3, "tanh", "mean"),
        *(_node(key, "identity", "none") for key in (-1, -2)),
    ],
    "connections": [
        {"from": source, "to": target, "weight": 0.5, "enabled": True}
        for source, target in ((-1, 3), (-2, 3), (3, 0), (-1, 0))
    ],
}
"""A network as neat-python exports it."""

REFERENCE = {"task": "swingup", "maxGen": 64, "popSize": 32, "alg_nReps": 2, "alg_wDist": "standard"}
REFERENCE |= {"prob_addConn": 0.25, "select_cullRatio": 0.2, "save_mod": 8}
"""Settings as the reference program names them."""

RESULTS = {
    "format": "wann-comparison",
    "version": 1,
    "task": "made",
    "digest": "0" * 64,
    "results": [
        {"method": "ridge", "of": f"seed {k}", "score": 0.5, "trained": 10, "stored": 20, "seconds": 0.25}
        for k in range(2)
    ],
}
"""Measurements of a comparison."""
