"""Groups of runs, and their names."""

from pathlib import Path

from wann.run.folder import RunFolder
from wann.run.groups import group_runs
from wann.settings import build_settings


def runs(*values):
    return [RunFolder(Path(str(place)), build_settings(each)) for place, each in enumerate(values)]


def names(*values):
    return {group.name: len(group.runs) for group in group_runs(runs(*values))}


def test_seeds_and_what_changes_no_result_make_no_difference():
    found = names({"seed": 1}, {"seed": 2, "checkpoint_seconds": 3.0}, {"seed": 3, "episode_seconds": 9.0})
    assert found == {"swingup, stratified": 3}


def test_long_and_short_searches_are_groups_of_their_own():
    assert names({"generations": 9}, {"generations": 9, "seed": 2}, {"generations": 3}) == {
        "generations=9": 2,
        "generations=3": 1,
    }
    assert len(names({"max_seconds": 60.0}, {}, {"patience": 9})) == 3


def test_groups_are_named_by_what_differs():
    assert names({"population": 8}, {"population": 9}, {"population": 8, "seed": 2}) == {
        "population=8": 2,
        "population=9": 1,
    }
    assert names({"objectives": ("mean", "depth")}, {"env_kwargs": {"g": 5.0}}) == {
        "env_kwargs={}, objectives=mean,depth": 1,
        "env_kwargs=g:5, objectives=paper": 1,
    }


def test_what_a_preset_brings_with_it_is_not_told_beside_its_name():
    paper = {"preset": "paper", "population": 9, "episodes": 1}
    assert names({"preset": "laptop"}, paper, paper | {"episodes": 2}) == {
        "laptop": 1,
        "paper, episodes=1": 1,
        "paper, episodes=2": 1,
    }
    assert names({"task": "CartPole-v1"}, {}) == {"CartPole-v1": 1, "swingup": 1}
