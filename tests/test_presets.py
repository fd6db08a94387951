"""The presets: published ones keep their bits, and `lexicase` asks for no more episodes than they do."""

from hashlib import sha256

import pytest

from wann.run.folder import MEASURED, RunFolder
from wann.run.search import search
from wann.settings import build_settings
from wann.tasks.registry import facts, get_task, is_data_set, preset_settings, task_names

# Of runs made before there was selection by lexicase, with seed 5 and the settings below.
GOLDEN = {
    ("swingup", "paper"): "33504927821c6a76",
    ("swingup", "laptop"): "96e99021c9edba7f",
    ("swingup", "stratified"): "239ae9452522672a",
    ("Acrobot-v1", "stratified"): "961717aadaea1d4e",
    ("digits", "paper"): "74ce3c5993dcfb65",
    ("digits", "laptop"): "f95bf21e6834beab",
}
SHORT = {
    "swingup": {"generations": 30, "max_steps": 60, "population": 40},
    "Acrobot-v1": {"generations": 12, "population": 30, "crossover_probability": 0.5},
    "digits": {"generations": 12, "population": 30},
}


def digest(path):
    """Everything of a run that follows from its settings, as a number."""
    folder, found = RunFolder.open(path), sha256()
    for name, column in folder.read_metrics().items():
        if name not in MEASURED:
            found.update(name.encode() + column.tobytes())
    checkpoint, _ = folder.load_checkpoint()
    for genome in checkpoint.state.population:
        for array in genome.arrays():
            found.update(array.tobytes())
    found.update((path / "champion.json").read_bytes())
    return found.hexdigest()[:16]


@pytest.mark.slow
@pytest.mark.parametrize(("task", "preset"), GOLDEN)
def test_what_was_published_keeps_its_bits(task, preset, tmp_path):
    if is_data_set(task):
        pytest.importorskip("sklearn")
    search(task, preset=preset, seed=5, out=tmp_path / "run", threads=1, **SHORT[task])
    assert digest(tmp_path / "run") == GOLDEN[task, preset]


def episodes(settings):
    return settings.population * settings.generations * settings.weight_count * settings.episodes


@pytest.mark.parametrize("name", [name for name in task_names() if not is_data_set(name)])
def test_lexicase_plays_as_many_episodes_as_the_published_settings(name):
    known = facts(name)
    new, old = (
        build_settings({"task": name, **known.presets[preset]}) for preset in ("lexicase", "stratified")
    )
    assert known.default_preset == "lexicase"
    assert episodes(new) == pytest.approx(episodes(old), rel=0.03)
    assert new.selection == "lexicase"
    assert new.max_steps == old.max_steps


def test_features_evaluates_a_fifth_of_the_networks_that_laptop_does():
    task = get_task("digits")
    new, old = (build_settings(preset_settings(task, preset)) for preset in ("features", "laptop"))
    assert task.default_preset == "laptop"
    assert get_task("mnist").default_preset == "features"
    assert new.population * new.generations == old.population * old.generations / 5
