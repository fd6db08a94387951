"""Every setting is checked when it is given, and changes something."""

import csv
import dataclasses
import json
import re
import sys
import types
from datetime import date, time

import pytest
import toys

import wann.run.folder
from wann.evolution.variation import KINDS
from wann.run.folder import MEASURED
from wann.run.search import search
from wann.settings import (
    CHANGEABLE,
    PAPER_WEIGHTS,
    STOP_RULES,
    Settings,
    build_settings,
    changed_names,
    from_toml,
    nearest,
    settings_names,
    to_toml,
    with_changes,
)
from wann.settings_file import parse_assignment, read_settings_file
from wann.tasks import registry

BASE = {
    "preset": "stratified",
    "population": 12,
    "generations": 6,
    "max_steps": 60,
    "episodes": 2,
    "confirm_episodes": 3,
    "seed": 2,
    "tournament_size": 2,
    "threads": 1,
}
DRAWN = {"weight_sampling": "uniform"}
FIXED = {"weight_sampling": "fixed"}
TOY = {"task": "toys/Toy-v0", "stepping": "gymnasium", "generations": 2}
NAPPING = {**TOY, "task": "toys/Napping-v0", "env_kwargs": {"width": 0.02}, "fresh_env": False}

# For every setting: what else must be set for it to matter, a value other than the base's, and what differs.
FLIPS = {
    "task": ({}, "twin", "identity"),
    "env_kwargs": (TOY, {"noise": 0.1}, "metrics"),
    "stepping": ({"generations": 2}, "gymnasium", "identity"),
    "fresh_env": ({**TOY, "task": "toys/Hidden-v0", "fresh_env": False}, True, "metrics"),
    "preset": ({}, "paper", "identity"),
    "initial_genome": ({}, "0" * 64, "metrics"),  # the digest, which `init_from` sets
    "seed": ({}, 3, "metrics"),
    "generations": ({}, 4, "length"),
    "target_score": ({}, -1.0, "length"),
    "max_seconds": ({}, 1e-9, "length"),
    "max_evaluations": ({}, 20, "length"),
    "patience": ({"generations": 40}, 2, "length"),
    "weight_sampling": ({}, "normal", "metrics"),
    "weights": (FIXED, (-1.0, 0.25, 1.5), "metrics"),
    "weight_count": (DRAWN, 3, "metrics"),
    "weight_range": (DRAWN, (-2.0, 1.0), "metrics"),
    "weight_std": ({"weight_sampling": "normal"}, 0.3, "metrics"),
    "weight_noise": ({}, 0.2, "metrics"),
    "episodes": ({}, 3, "metrics"),
    "own_episodes": ({}, True, "metrics"),
    "max_steps": ({}, 50, "metrics"),
    "stop_without_reward": ({"task": "Pendulum-v1"}, 9, "metrics"),
    "confirm_episodes": ({}, 4, "metrics"),
    "champion_rule": ({"generations": 12}, "duel", "metrics"),
    "population": ({}, 13, "metrics"),
    "initial_connection_probability": ({}, 0.9, "metrics"),
    "activations": ({}, ("relu", "sin"), "metrics"),
    "output_activation": ({}, "tanh", "metrics"),
    "selection": ({"tournament_size": 8}, "lexicase", "metrics"),
    "contender_ratio": ({}, 0.4, "metrics"),
    "objectives": ({"generations": 12}, ("mean", "worst", "depth"), "metrics"),
    "complexity_probability": ({"generations": 12}, 0.0, "metrics"),
    "cull_ratio": ({}, 0.7, "metrics"),
    "elite_ratio": ({}, 0.5, "metrics"),
    "tournament_size": ({}, 8, "metrics"),
    "crossover_probability": ({}, 1.0, "metrics"),
    "add_connection": ({}, 1.5, "metrics"),
    "insert_node": ({}, 1.5, "metrics"),
    "enable_connection": ({}, 1.5, "metrics"),
    "change_activation": ({"generations": 12}, 0.0, "metrics"),
    "duplicate_node": ({}, 1.5, "metrics"),
    "delete_node": ({"generations": 12}, 1.5, "metrics"),
    "add_feature": ({"generations": 12}, 1.5, "metrics"),
    "disable_connection": ({}, 1.5, "metrics"),
    "retries": ({}, 5, "metrics"),
    "episode_seconds": ({**NAPPING, "episode_seconds": None}, 0.1, "failures"),
    "skip_episodes": ({}, 2, "metrics"),
    "checkpoint_seconds": ({}, 0.0, "checkpoints"),
}

# For every setting: values that it accepts, and values that it refuses with what the message says.
NUMBER = "valid number|valid integer|valid float"
CHECKS = {
    "task": (["swingup"], [(5, "valid string"), (None, "valid string")]),
    "env_kwargs": (
        [{}, {"gravity": -5.0, "hills": {"high": True, "names": ["a"]}}],
        [(5, "valid dictionary"), ({"gravity": None}, "plain words"), ({"gravity": 1j}, "plain words")],
    ),
    "stepping": (
        ["compiled", "gymnasium", "pool"],
        [("Compiled", "'gymnasium'"), (None, "'gymnasium'"), (True, "'gymnasium'")],
    ),
    "fresh_env": ([True, False], [(1, "valid boolean"), ("yes", "valid boolean"), (None, "valid boolean")]),
    "preset": (["laptop"], [(["paper"], "valid string")]),
    "initial_genome": (
        [None, "0123456789abcdef" * 4],
        [("", "pattern"), ("A" * 64, "pattern"), ("0" * 63, "pattern"), (5, "valid string")],
    ),
    "seed": (
        [0, 2**63 - 1],
        [(-1, "greater than or equal to 0"), (2**63, "less than"), (1.0, "valid integer")],
    ),
    "generations": (
        [1],
        [(0, "greater than or equal to 1"), (10**9 + 1, "less than"), (None, "valid integer")],
    ),
    "target_score": ([None, -5, 1.5], [(float("nan"), "finite"), ("high", "valid number"), (True, NUMBER)]),
    "max_seconds": ([None, 1e-9], [(0, "greater than 0"), (float("inf"), "finite"), ("60", "valid number")]),
    "max_evaluations": ([None, 1], [(0, "greater than or equal to 1"), (1.5, "valid integer")]),
    "patience": ([None, 1], [(0, "greater than or equal to 1"), (True, "valid integer")]),
    "weight_sampling": (
        ["fixed", "uniform", "normal", "stratified"],
        [("gauss", "'normal'"), (1, "'normal'")],
    ),
    "weights": (
        [(0.0,), (1, 2)],
        [
            ((), "at least 1"),
            ((1.0, float("inf")), "finite"),
            (("1",), "valid number"),
            ((0.0,) * 1001, "at most"),
        ],
    ),
    "weight_count": (
        [1, 1000],
        [(0, "greater than or equal to 1"), (1001, "less than"), (6.0, "valid integer")],
    ),
    "weight_range": (
        [(-1, 1), (0.0, 1e-9)],
        [
            *[((1.0, 1.0), "lower end before"), ((2, -2), "lower end before")],
            *[
                ((1.0,), "required|at least 2"),
                ((0.0, 1.0, 2.0), "at most 2"),
                ((0.0, float("inf")), "finite"),
            ],
        ],
    ),
    "weight_std": (
        [1e-9],
        [(0, "greater than 0"), (-1.0, "greater than 0"), (float("nan"), "greater|finite")],
    ),
    "weight_noise": (
        [0, 0.5, 1000],
        [(-0.1, "greater than"), (1000.5, "less than"), (float("inf"), "finite|less"), ("0.1", NUMBER)],
    ),
    "episodes": ([1, 10_000], [(0, "greater than or equal to 1"), (10_001, "less than")]),
    "own_episodes": ([True, False], [(1, "valid boolean"), (None, "valid boolean")]),
    "max_steps": ([1, 10**6], [(0, "greater than or equal to 1"), (10**6 + 1, "less than")]),
    "stop_without_reward": ([None, 1, 10**6], [(0, "greater than or equal to 1"), (2.5, NUMBER)]),
    "confirm_episodes": ([1, 10_000], [(0, "greater than or equal to 1"), (10_001, "less than")]),
    "champion_rule": (["record", "duel"], [("best", "'duel'"), (None, "'duel'")]),
    "population": (
        [2, 10**6],
        [(1, "greater than or equal to 2"), (10**6 + 1, "less than"), ("9", "integer")],
    ),
    "initial_connection_probability": (
        [0, 1, 0.5],
        [(-0.1, "greater than"), (1.1, "less than"), (True, NUMBER)],
    ),
    "activations": (
        [("abs",), ("cos", "sin")],
        [
            ((), "at least 1"),
            (("abs", "abs"), "lists a function twice"),
            (("sine",), "'sin'"),
            ("abs", "list"),
        ],
    ),
    "output_activation": (["tanh"], [("tan", "'tanh'"), (3, "'tanh'")]),
    "selection": (["tournament", "lexicase"], [("rank", "'lexicase'"), (None, "'lexicase'")]),
    "contender_ratio": ([0.1, 1], [(0, "greater than 0"), (1.1, "less than")]),
    "objectives": (
        ["paper", ("worst",), ("mean", "best", "worst", "robustness", "connections", "nodes", "depth")],
        [
            ((), "'paper' or a list of names"),
            (5, "'paper' or a list of names"),
            (None, "'paper' or a list of names"),
            (("mean", "wurst"), "no objective 'wurst'; did you mean 'worst'"),
            ("mean,best weight", "no objective 'best weight'; did you mean 'best'"),
            ((1,), "no objective 1; choose from best, connections, depth"),
            ("mean,", "no objective ''; choose from"),
            ("mean,worst,mean", "lists an objective twice"),
        ],
    ),
    "complexity_probability": ([0, 1], [(-0.1, "greater than"), (1.1, "less than")]),
    "cull_ratio": ([0, 0.99], [(1, "less than 1"), (-0.1, "greater than")]),
    "elite_ratio": ([0, 1], [(1.01, "less than"), (-0.1, "greater than")]),
    "tournament_size": ([1, 10**6], [(0, "greater than or equal to 1"), (10**6 + 1, "less than")]),
    "crossover_probability": ([0, 1], [(1.01, "less than"), (-0.1, "greater than")]),
    "add_connection": ([0, 7.5], [(-0.1, "greater than"), (float("inf"), "finite")]),
    "insert_node": ([0, 7.5], [(-0.1, "greater than"), ("0.1", "valid number")]),
    "enable_connection": ([0, 7.5], [(-0.1, "greater than"), (None, "valid number")]),
    "change_activation": ([0, 7.5], [(-0.1, "greater than"), (float("nan"), "greater|finite")]),
    "duplicate_node": ([0, 7.5], [(-0.1, "greater than"), (float("nan"), "greater|finite")]),
    "delete_node": ([0, 7.5], [(-0.1, "greater than"), (None, "valid number")]),
    "add_feature": ([0, 7.5], [(-0.1, "greater than"), (None, "valid number")]),
    "disable_connection": ([0, 7.5], [(-0.1, "greater than"), ("1", "valid number")]),
    "retries": ([0, 1000], [(-1, "greater than"), (1001, "less than")]),
    "episode_seconds": ([None, 1e-9], [(0, "greater than 0"), (float("inf"), "finite"), ("60", NUMBER)]),
    "skip_episodes": (
        [(), (3,), (1, 3, 3)],
        [(0, "greater than"), ((1, -1), "greater than"), (True, "list such as"), ("3", "list such as")],
    ),
    "checkpoint_seconds": ([0, 3600], [(-1, "greater than"), (float("inf"), "finite")]),
}


@pytest.fixture
def twin(monkeypatch):
    """A second task: the swing-up under another name."""
    module = types.ModuleType("twin_task")
    module.TASK = dataclasses.replace(registry.get_task("swingup"), name="twin")
    monkeypatch.setitem(sys.modules, "twin_task", module)
    monkeypatch.setitem(registry.COMPILED, "twin", "twin_task:TASK")


@pytest.fixture
def outcome(tmp_path, monkeypatch):
    """Runs a search; gives all that may differ between two."""

    def run(name, values):
        saved = []
        save = wann.run.folder.RunFolder.save_checkpoint

        def counted(folder, checkpoint):
            saved.append(checkpoint.state.generation)
            save(folder, checkpoint)

        with monkeypatch.context() as patch:
            patch.setattr(wann.run.folder.RunFolder, "save_checkpoint", counted)
            patch.setattr(toys.Napping, "asleep", False)
            patch.setattr(toys.Napping, "seconds", 0.2)
            ended = search(out=tmp_path / name, **values)
        with open(ended.path / "metrics.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        metrics = [[row[column] for column in row if column not in MEASURED] for row in rows]
        champion = json.loads((ended.path / "champion.json").read_text())
        settings = wann.run.folder.RunFolder.open(ended.path).settings
        return {
            "metrics": metrics,
            "length": len(metrics),
            "stopped_by": ended.stopped_by,
            "checkpoints": len(saved),
            "failures": sum(int(row["failed"]) for row in rows),
            "identity": (
                *(champion["task"], champion["origin"]["preset"], champion["origin"]["stepping"]),
                *(settings.task, settings.preset, settings.stepping),
            ),
        }

    return run


def test_every_setting_has_a_flip_and_its_checks():
    assert list(FLIPS) == list(settings_names())
    assert list(CHECKS) == list(settings_names())


@pytest.mark.slow
@pytest.mark.parametrize("name", FLIPS)
def test_every_setting_changes_something(outcome, twin, tmp_path, name):
    base, value, differs = FLIPS[name]
    base, flipped = {**BASE, **base}, {name: value}
    before = outcome("base", base)
    if name == "initial_genome":
        flipped = {"init_from": tmp_path / "base"}
    after = outcome("flipped", {**base, **flipped})
    assert after[differs] != before[differs]
    if differs == "length":
        assert after["stopped_by"] == name
        assert after["length"] < before["length"]
        # A stop rule only ends a run: what came before is the same.
        assert after["metrics"] == before["metrics"][: after["length"]]
    if differs == "identity":
        # The identity is in the file of the run and in the champion's.
        assert sum(a != b for a, b in zip(after["identity"], before["identity"], strict=True)) == 2
    if differs == "failures":
        assert before["failures"] == 0 < after["failures"]
    if differs == "checkpoints":
        assert (before["checkpoints"], after["checkpoints"]) == (1, before["length"])
        assert after["metrics"] == before["metrics"], "how often it is saved changes no number"


@pytest.mark.slow
@pytest.mark.parametrize("preset", sorted(registry.get_task("swingup").presets))
def test_every_preset_searches_otherwise_than_the_others(outcome, preset):
    """A preset is a name for other settings: where those differ, so does the search."""
    values = {k: v for k, v in BASE.items() if k not in ("population", "tournament_size", "confirm_episodes")}
    values |= {"generations": 2, "max_steps": 20}
    other = "laptop" if preset == "paper" else "paper"
    runs = [outcome(name, {**values, "preset": name})["metrics"] for name in (preset, other)]
    assert runs[0] != runs[1]


@pytest.mark.parametrize("name", CHECKS)
def test_every_setting_is_checked(name):
    accepted, refused = CHECKS[name]
    sampling = {"weights": "fixed", "weight_std": "normal"}.get(name, "stratified")
    for value in accepted:
        assert getattr(build_settings({"weight_sampling": sampling, name: value}), name) == value
    for value, message in refused:
        with pytest.raises(ValueError, match=message) as caught:
            build_settings({"weight_sampling": sampling} | {name: value})
        assert str(caught.value).startswith((f"setting '{name}'", f"setting '{name}."))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sampling", "name", "value"),
    [
        ("stratified", "weights", [1.0]),
        ("uniform", "weights", [1.0]),
        ("normal", "weights", [1.0]),
        ("stratified", "weight_std", 2.0),
        ("uniform", "weight_std", 2.0),
        ("fixed", "weight_std", 2.0),
        ("fixed", "weight_count", 3),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(sampling, name, value):
    with pytest.raises(ValueError, match=f"{name} is not used where weight_sampling is '{sampling}'"):
        build_settings({"weight_sampling": sampling, name: value})


@pytest.mark.parametrize(("name", "value"), [("tournament_size", 4), ("cull_ratio", 0.5)])
def test_settings_of_tournaments_do_nothing_where_selection_is_by_lexicase(name, value):
    with pytest.raises(ValueError, match=f"{name} is not used where selection is 'lexicase'"):
        build_settings({"selection": "lexicase", name: value})


@pytest.mark.parametrize(
    ("preset", "given"),
    [
        ("lexicase", {"weight_sampling": "fixed"}),
        ("laptop", {"selection": "lexicase"}),
        ("paper", {"objectives": ("mean", "depth")}),
    ],
)
def test_what_a_given_setting_makes_useless_in_a_preset_is_left_out(preset, given):
    values = registry.preset_settings(registry.get_task("swingup"), preset)
    settings = build_settings({"complexity_probability": 0.7, **values}, given)
    for name, value in given.items():
        assert getattr(settings, name) == value
    assert settings.population == values["population"]
    with pytest.raises(ValueError, match="tournament_size is not used where selection is 'lexicase'"):
        build_settings(values, {"selection": "lexicase", "tournament_size": 4})


def test_the_paper_s_odds_do_nothing_where_objectives_are_named():
    with pytest.raises(ValueError, match="complexity_probability is not used where objectives are named"):
        build_settings({"objectives": ["mean"], "complexity_probability": 0.5})


def test_objectives_are_a_list_or_words_with_commas_between_them():
    for given in (["worst", "depth"], "worst,depth", " worst , depth "):
        settings = build_settings({"objectives": given})
        assert settings.objectives == settings.named_objectives == ("worst", "depth")
    assert build_settings({"objectives": "worst"}).objectives == ("worst",)
    assert Settings().named_objectives == ("mean", "best", "connections")
    assert build_settings(dict([parse_assignment("objectives=worst,depth")])).objectives[1] == "depth"


def test_the_defaults_are_the_paper_s_but_for_stratified_weights():
    settings = Settings()
    assert settings.weights == PAPER_WEIGHTS == (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
    assert (settings.weight_sampling, settings.weight_count, settings.weight_range) == (
        "stratified",
        6,
        (-2, 2),
    )
    assert settings.mutation_shares == (0.20, 0.25, 0.05, 0.50, 0.0, 0.0, 0.0, 0.0)
    assert (settings.complexity_probability, settings.cull_ratio, settings.elite_ratio) == (0.8, 0.2, 0.2)
    assert (settings.population, settings.generations, settings.episodes) == (192, 1024, 3)
    assert settings.crossover_probability == 0


@pytest.mark.parametrize(
    ("preset", "wanted"),
    [
        # population, generations, episodes, initial, elite, tournament, steps, confirming episodes, sampling
        ("paper", (192, 1024, 3, 0.5, 0.20, 8, 1000, 20, "fixed")),
        ("laptop", (64, 1024, 3, 0.5, 0.05, 4, 1000, 16, "fixed")),
        ("stratified", (192, 1024, 3, 0.5, 0.20, 8, 1000, 20, "stratified")),
    ],
)
def test_the_presets_are_the_published_settings(preset, wanted):
    settings = build_settings(registry.preset_settings(registry.get_task("swingup"), preset))
    assert wanted == (
        *(settings.population, settings.generations, settings.episodes),
        *(settings.initial_connection_probability, settings.elite_ratio, settings.tournament_size),
        *(settings.max_steps, settings.confirm_episodes, settings.weight_sampling),
    )
    assert settings.mutation_shares == (0.20, 0.25, 0.05, 0.50, 0.0, 0.0, 0.0, 0.0)
    assert settings.complexity_probability == 0.8
    assert settings.cull_ratio == 0.2
    assert settings.crossover_probability == 0
    assert settings.weights == PAPER_WEIGHTS
    assert (settings.preset, settings.task) == (preset, "swingup")


@pytest.mark.parametrize("kind", KINDS)
def test_the_share_of_a_mutation_is_where_mutate_looks_for_it(kind):
    off = dict.fromkeys(KINDS, 0.0)
    shares = build_settings(off | {kind: 2.5}).mutation_shares
    assert dict(zip(KINDS, shares, strict=True)) == off | {kind: 2.5}


def test_mutations_that_are_all_off_are_refused():
    off = {"add_connection": 0, "insert_node": 0.0, "enable_connection": 0, "change_activation": 0}
    with pytest.raises(ValueError, match="are all 0; at least one must be positive"):
        build_settings(off)
    assert build_settings(off, {"insert_node": 1e-9}).insert_node == 1e-9


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        Settings().population = 5


@pytest.mark.parametrize("name", ["popluation", "Population", "population "])
def test_an_unknown_setting_is_refused_with_the_nearest_name(name):
    with pytest.raises(ValueError, match=r"unknown setting '.*'; did you mean 'population'"):
        build_settings({name: 5})


def test_a_name_that_is_near_none_is_answered_with_all():
    assert nearest("zzz", ["b", "a"]) == "choose from a, b"
    assert nearest("ab", ["b", "abc"]) == "did you mean 'abc'?"


def test_later_layers_go_before_earlier_ones():
    settings = build_settings({"population": 5, "seed": 9}, {"population": 6}, {"generations": 2})
    assert (settings.population, settings.seed, settings.generations) == (6, 9, 2)


@pytest.mark.parametrize("name", FLIPS)
def test_a_setting_survives_its_file(name):
    base, value, _ = FLIPS[name]
    base = {key: value for key, value in {**BASE, **base}.items() if key != "threads"}
    settings = build_settings(base, {name: value})
    assert from_toml(to_toml(settings)) == settings
    assert changed_names(settings, build_settings(base)) == (name,)


def test_a_file_that_is_not_toml_is_refused():
    with pytest.raises(ValueError, match="not TOML"):
        from_toml("population: 5")


def test_changes_are_checked_again():
    settings = Settings(population=9, patience=4)
    assert with_changes(settings, {"patience": None}) == Settings(population=9)
    with pytest.raises(ValueError, match="setting 'patience'"):
        with_changes(settings, {"patience": 0})
    with pytest.raises(ValueError, match="are all 0"):
        with_changes(Settings(add_connection=0, insert_node=0, enable_connection=0), {"change_activation": 0})


def test_only_what_cannot_change_the_numbers_may_change_at_resume():
    # The exceptions: a network that fails by the limit of an episode has no numbers, and no more has a
    # generation whose episodes are skipped.
    assert set(CHANGEABLE) == {*STOP_RULES, "checkpoint_seconds", "episode_seconds", "skip_episodes"}
    changeable = {name for name, flip in FLIPS.items() if flip[2] in ("length", "checkpoints", "failures")}
    assert changeable == set(CHANGEABLE) - {"skip_episodes"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("population=5", ("population", 5)),
        (" population = 5 ", ("population", 5)),
        ("cull_ratio=0.5", ("cull_ratio", 0.5)),
        ("weights=[1, -0.5]", ("weights", [1, -0.5])),
        ("weight_sampling=fixed", ("weight_sampling", "fixed")),
        ('weight_sampling="fixed"', ("weight_sampling", "fixed")),
        ("patience=none", ("patience", None)),
        ("patience=None", ("patience", None)),
        ("task=a=b", ("task", "a=b")),
        ("population=true", ("population", True)),
        ("population=", ("population", "")),
    ],
)
def test_an_assignment_is_read_as_toml_or_as_a_word(text, wanted):
    name, value = parse_assignment(text)
    assert (name, value) == wanted
    assert type(value) is type(wanted[1])


@pytest.mark.parametrize("text", ["population", "", "=5", "  =5"])
def test_an_assignment_without_a_name_and_a_value_is_refused(text):
    with pytest.raises(ValueError, match="a setting is given as name=value, not "):
        parse_assignment(text)


def test_a_settings_file_is_read_without_a_note_where_it_has_our_names(tmp_path):
    (tmp_path / "mine.toml").write_text("population = 5\nweights = [1.0]\n")
    assert read_settings_file(tmp_path / "mine.toml") == ({"population": 5, "weights": [1.0]}, ())


def test_the_reference_s_sampling_names_are_read(tmp_path):
    for theirs, ours in (("standard", "fixed"), ("normal", "normal")):
        (tmp_path / "its.json").write_text(json.dumps({"alg_wDist": theirs}))
        values, (note,) = read_settings_file(tmp_path / "its.json")
        assert values == {"weight_sampling": ours}
        assert "alg_wDist" in note
        assert build_settings(values).weight_sampling == ours


@pytest.mark.parametrize(
    "value", [float("inf"), float("nan"), date(2026, 1, 2), {"a": time(3, 4)}, None, object(), (1, 2)]
)
def test_arguments_of_the_environment_that_a_champion_file_cannot_hold_are_refused(value):
    with pytest.raises(
        ValueError, match="setting 'env_kwargs': must hold plain words, numbers, lists and tables"
    ):
        build_settings({"env_kwargs": {"x": value}})


def test_arguments_of_the_environment_are_not_nested_deeper_than_their_files_may_be():
    def nested(levels):
        return {"x": nested(levels - 1)} if levels else 1

    settings = build_settings({"env_kwargs": nested(16)})
    assert from_toml(to_toml(settings)) == settings
    for levels in (17, 40, 400):
        with pytest.raises(ValueError, match="setting 'env_kwargs': is nested too deeply"):
            build_settings({"env_kwargs": nested(levels)})


@pytest.mark.parametrize("text", ["weights=" + "[" * 3000, "weights=" + "[" * 100_000])
def test_a_value_nested_too_deeply_is_refused(text):
    with pytest.raises(ValueError, match=r"^setting 'weights': the value is nested too deeply$"):
        parse_assignment(text)


def test_a_value_in_a_message_is_clipped():
    for values in ({"population": "x" * 9999}, {"x" * 9999: 1}, {"objectives": ["x" * 9999]}):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the length of the message is looked at
            build_settings(values)
        assert len(str(caught.value)) < 1500


def test_a_wrong_value_in_a_settings_file_is_told_with_the_file(tmp_path):
    path = tmp_path / "mine.toml"
    for text, message in (
        ("population = 1", "setting 'population'"),
        ("popultion = 9", "unknown setting 'popultion'"),
        ("population = \n", "is not TOML"),
        ("x" * 300_000, "is larger than 200000 bytes"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=f"^settings file {re.escape(str(path))}:? {message}"):
            read_settings_file(path)
