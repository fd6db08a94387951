"""Every loader of files, with the good files that are damaged for it."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import click
import numpy as np
from fuzz.mutations import Mutation, of_arrays, of_bytes, of_json, of_text

from wann.champion import champion_to_json, load_champion
from wann.cli.options import json_object
from wann.evolution.evolution import Evolution
from wann.formats.neat_python import read_neat
from wann.formats.paper import read_published, read_published_weights
from wann.networks.genome import genome_from_dict
from wann.pages.report import _commands
from wann.random_weights.bench import comparison
from wann.run.folder import RunFolder
from wann.run.front import front_to_json, load_front
from wann.run.listing import read_line
from wann.settings import build_settings, to_toml
from wann.settings_file import parse_assignment, read_settings_file
from wann.sklearn import WANNClassifier, WANNRegressor
from wann.tasks import mnist
from wann.tasks.tables import load_table
from wann.tuning.plan import Saved
from wann.tuning.race_session import RaceState
from wann.utils.reading import load_json


@dataclass(frozen=True)
class Loader:
    """One kind of file and what reads it."""

    name: str
    good: tuple[str, ...]  # files of `fuzz.good_files`
    mutation: Mutation
    suffix: str
    load: Callable[[Path], None]  # reads the file, as commands would
    names_file: bool = True  # whether an error names the file
    folder: str = ""  # a folder of good files that the file lies in
    place: str = ""  # its name there


def _champion(path: Path) -> None:
    champion = load_champion(path)
    assert champion.network.outputs.size == len(champion.outputs)
    assert champion.tuned_sources is None or champion.tuned_sources.size == champion.network.sources.size
    assert champion.genome.depth >= 0
    assert np.isfinite(champion.best_weight)
    champion_to_json(champion).encode()
    assert int(champion.origin.get("generation", 0)) + champion.origin.get("offspring", 0) >= 0
    if "race" in champion.tuning:
        assert all(row["networks"] >= 0 and row["longer"] for row in champion.tuning["race"]["generations"])


def _genome(path: Path) -> None:
    genome_from_dict(load_json(path.read_bytes()))


def _front(path: Path) -> None:
    front_to_json(load_front(path.parent))


def _config(path: Path) -> None:
    settings = RunFolder.open(path.parent).settings
    assert build_settings(settings.model_dump()) == settings
    to_toml(settings).encode()
    _commands(path.parent, settings)


def _line(path: Path) -> None:
    line = read_line(path.parent)
    json.dumps(line.to_dict(), allow_nan=False).encode()
    assert line.state.reason.isprintable()


def _metrics(path: Path) -> None:
    run = RunFolder.open(path.parent)
    columns = run.read_metrics()
    assert len({column.size for column in columns.values()}) == 1
    assert run.last_generation() == (columns["generation"][-1] if columns["generation"].size else 0)
    if columns["evaluations"].size:
        int(columns["evaluations"][-1])


def _checkpoint(path: Path) -> None:
    run = RunFolder.open(path.parent)
    (run.path / "checkpoint.previous.npz").unlink(missing_ok=True)
    checkpoint, _ = run.load_checkpoint()
    if checkpoint:
        evolution = Evolution(run.settings, 5, 1, checkpoint.state)
        evolution.ask()
        evolution.tell(np.zeros((run.settings.population, 2, 2)))


def _initial(path: Path) -> None:
    RunFolder.open(path.parent).load_initial()


def _race(path: Path) -> None:
    RaceState.load(path.parent)


def _settings(path: Path) -> None:
    values, _ = read_settings_file(path)
    with suppress(ValueError):  # as to what does not go together, or is the command's
        build_settings(values)


def _assignment(path: Path) -> None:
    name, value = parse_assignment(path.read_bytes().decode("utf-8", "replace"))
    build_settings({name: value})


def _arguments(path: Path) -> None:
    try:
        values = json_object(None, None, path.read_bytes().decode("utf-8", "replace"))  # type: ignore[arg-type]
    except click.BadParameter as error:
        raise ValueError(error.format_message()) from None
    build_settings({"env_kwargs": values})


def _published(path: Path) -> None:
    read_published(path, 5, 1)


def _weights(path: Path) -> None:
    read_published_weights(path, read_published(path.with_name("small.out"), 2, 1), -1.5)


def _csv(path: Path) -> None:
    load_table(f"csv:{path}", "kind")


def _npz(path: Path) -> None:
    load_table(str(path))


def _mnist(path: Path) -> None:
    mnist._unpack(path, "0" * 64)


def _processed(path: Path) -> None:
    found = mnist._read_processed(path)
    assert found is None or found[0].shape == (found[1].size, mnist.SIDE**2)


def _results(path: Path) -> None:
    comparison._read(path.parent, SimpleNamespace(name="made", digest="0" * 64))  # type: ignore[arg-type]


def _classifier(path: Path) -> None:
    model = WANNClassifier.load(path)
    with np.errstate(all="ignore"):
        model.predict(np.zeros((2, model.n_features_in_)))


def _regressor(path: Path) -> None:
    model = WANNRegressor.load(path)
    with np.errstate(all="ignore"):
        model.predict(np.zeros((2, model.n_features_in_)))


def _tuning(path: Path) -> None:
    Saved.load(path)


def _neat(path: Path) -> None:
    read_neat(path)


LOADERS = {
    loader.name: loader
    for loader in (
        Loader("champion", ("run/champion.json", "tuned.json"), of_json, ".json", _champion),
        Loader("genome", ("genome.json",), of_json, ".json", _genome, names_file=False),
        Loader("front", ("run/front.json",), of_json, ".json", _front, folder="run", place="front.json"),
        Loader("config", ("run/config.toml",), of_text, ".toml", _config, folder="run", place="config.toml"),
        Loader("metrics", ("run/metrics.csv",), of_text, ".csv", _metrics, folder="run", place="metrics.csv"),
        Loader("ended", ("run/ended.json",), of_json, ".json", _line, folder="run", place="ended.json"),
        Loader(
            "listed", ("run/config.toml",), of_text, ".toml", _line, folder="run", place="config.toml"
        ),
        Loader(
            "last_row", ("run/metrics.csv",), of_text, ".csv", _line, folder="run", place="metrics.csv"
        ),
        Loader(
            "checkpoint", ("run/checkpoint.npz",), of_arrays, ".npz", _checkpoint,
            folder="run", place="checkpoint.npz",
        ),
        Loader(
            "initial", ("begun/initial.json",), of_json, ".json", _initial,
            folder="begun", place="initial.json",
        ),
        Loader("tuning", ("tuning.npz",), of_arrays, ".npz", _tuning),
        Loader("race", ("race/race.json",), of_json, ".json", _race, folder="race", place="race.json"),
        Loader("settings", ("run/config.toml",), of_text, ".toml", _settings),
        Loader("settings_json", ("reference.json",), of_json, ".json", _settings),
        Loader("assignment", ("assignment.txt",), of_bytes, ".txt", _assignment, names_file=False),
        Loader("arguments", ("arguments.txt",), of_json, ".txt", _arguments, names_file=False),
        Loader("published", ("published.out",), of_text, ".out", _published),
        Loader("weights", ("weights.wann.json",), of_json, ".json", _weights, folder="small", place="w.json"),
        Loader("neat", ("neat.json",), of_json, ".json", _neat),
        Loader("csv", ("table.csv",), of_text, ".csv", _csv),
        Loader("npz", ("table.npz", "parts.npz"), of_arrays, ".npz", _npz),
        Loader("mnist", ("labels.gz",), of_bytes, ".gz", _mnist),
        Loader("mnist_cache", ("processed.npz",), of_arrays, ".npz", _processed),
        Loader(
            "results", ("compared/results.json",), of_json, ".json", _results,
            folder="compared", place=comparison.RESULTS,
        ),
        Loader("classifier", ("classifier.json",), of_json, ".json", _classifier),
        Loader("regressor", ("regressor.json",), of_json, ".json", _regressor),
    )
}  # fmt: skip
"""The loaders by name."""


def placed(loader: Loader, good: Path, work: Path) -> Path:
    """Where a loader finds its file: in a folder of its own, with the good files beside it that it needs.

    Args:
        loader: the loader.
        good: folder of the good files.
        work: folder for the damaged ones.
    """
    folder = work / loader.name
    if loader.folder and not folder.exists():
        shutil.copytree(good / loader.folder, folder)
    folder.mkdir(exist_ok=True)
    return folder / (loader.place or f"damaged{loader.suffix}")
