"""Where evaluations run is decided well, is said, and never changes a number."""

import numpy as np
import pytest
import toys  # noqa: F401 - registers them
from conftest import evolved

from wann.evaluation import opening, ray_evaluator
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import Placement
from wann.networks.network import compile_genome
from wann.tasks.registry import get_task


class Recorded:
    """Stands in for the Ray evaluator; keeps what it was made with."""

    def __init__(self, task, max_steps, **options):
        self.made_with = {"task": task, "max_steps": max_steps, **options}


@pytest.fixture
def opened(monkeypatch):
    """Opens an evaluator on a machine with four processors; gives it and the notes."""
    monkeypatch.setattr(ray_evaluator, "RayEvaluator", Recorded)
    monkeypatch.setattr(opening, "available_threads", lambda: 4)

    def call(name, episodes=1000, **wish):
        notes = []
        task = get_task(name)
        evaluator = open_evaluator(task, 20, Placement(**wish), episodes, notes.append)
        if isinstance(evaluator, Recorded):
            assert evaluator.made_with.pop("task") is task
            assert evaluator.made_with.pop("max_steps") == 20
            assert evaluator.made_with.pop("note")
        return evaluator, notes

    return call


@pytest.mark.parametrize("options", [{"workers": 2}, {"address": "auto"}, {"workers": 2, "address": "a:1"}])
def test_threads_are_not_asked_for_together_with_workers(options):
    with pytest.raises(ValueError, match=r"--threads compute in this process, .* elsewhere: choose one"):
        Placement(threads=1, **options)
    assert Placement(threads=None, **options) != Placement(threads=1)


def test_a_compiled_task_stays_in_threads_however_much_there_is_to_do(opened):
    evaluator, notes = opened("swingup", episodes=10**12)
    assert isinstance(evaluator, LocalEvaluator)
    assert notes == []


def test_a_cheap_task_stays_local_with_a_note(opened):
    evaluator, notes = opened("toys/Toy-v0", episodes=1)
    assert isinstance(evaluator, LocalEvaluator)
    (note,) = notes
    assert note.startswith("computing in one process: 0.0 s a time is too short to spread (--workers N")


def test_a_task_that_is_worth_it_is_spread_over_all_processors_with_a_note(opened):
    evaluator, notes = opened("toys/Toy-v0", episodes=10**12)
    assert evaluator.made_with == {"workers": 4, "address": None}
    (note,) = notes
    assert note.startswith("spreading over 4 Ray workers on this machine (--threads 1 ")


@pytest.mark.parametrize("error", [ValueError, RuntimeError])
def test_where_ray_does_not_start_unasked_this_process_computes(opened, monkeypatch, error):
    def refuse(*arguments, **options):
        raise error("no Ray worker has started")

    monkeypatch.setattr(ray_evaluator, "RayEvaluator", refuse)
    evaluator, notes = opened("toys/Toy-v0", episodes=10**12)
    assert isinstance(evaluator, LocalEvaluator)
    assert notes[1:] == ["computing in this process instead: no Ray worker has started"]
    for wish in ({"workers": 2}, {"address": "auto"}):
        with pytest.raises(error, match="no Ray worker has started"):
            opened("toys/Toy-v0", episodes=10**12, **wish)


@pytest.mark.parametrize("name", ["swingup", "toys/Toy-v0"])
@pytest.mark.parametrize(
    "wish", [{"workers": 3}, {"address": "auto"}, {"workers": 2, "address": "10.0.0.1:6379"}], ids=str
)
def test_a_wish_for_workers_or_a_cluster_is_granted(opened, name, wish):
    evaluator, notes = opened(name, episodes=1, **wish)
    assert evaluator.made_with == {"workers": None, "address": None} | wish
    if name == "swingup":
        (note,) = notes
        assert note.startswith("swingup is so cheap that threads of this process are faster than a cluster")
        assert "leave out --workers and --address" in note
    else:
        assert notes == []


def test_a_compiled_task_that_is_dear_goes_to_workers_without_a_note(opened, monkeypatch):
    monkeypatch.setattr(opening, "_cost_of_episode", lambda *_: 0.01)
    evaluator, notes = opened("BipedalWalker-v3", episodes=30_000, address="auto")
    assert evaluator.made_with == {"workers": None, "address": "auto"}
    assert notes == []
    assert isinstance(opened("BipedalWalker-v3", episodes=30_000)[0], LocalEvaluator)


@pytest.mark.parametrize("name", ["swingup", "toys/Toy-v0"])
def test_a_wish_for_threads_is_granted_without_a_measurement(opened, monkeypatch, name):
    monkeypatch.setattr(opening, "_cost_of_episode", lambda *_: pytest.fail("it was measured"))
    evaluator, notes = opened(name, episodes=10**12, threads=3)
    assert isinstance(evaluator, LocalEvaluator)
    assert notes == []
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        opened(name, threads=0)


def test_one_processor_leaves_nothing_to_decide(opened, monkeypatch):
    monkeypatch.setattr(opening, "available_threads", lambda: 1)
    monkeypatch.setattr(opening, "_cost_of_episode", lambda *_: pytest.fail("it was measured"))
    evaluator, notes = opened("toys/Toy-v0", episodes=10**12)
    assert isinstance(evaluator, LocalEvaluator)
    assert notes == []


def test_a_task_that_python_steps_computes_the_same_whatever_number_of_threads_is_given():
    networks = [compile_genome(evolved(seed, 10, inputs=3)) for seed in range(4)]
    answers, efforts = [], []
    for threads in (1, 3):
        wish, task = Placement(threads=threads), get_task("toys/Toy-v0")
        with open_evaluator(task, 20, wish, 1) as evaluator:
            answers.append(evaluator.evaluate(networks, np.array([-1.0, 2.0]), [1, 2]).returns.tobytes())
            efforts.append(evaluator.effort)
    assert answers[0] == answers[1]
    assert [effort.workers for effort in efforts] == [1, 1], "threads would only wait for each other"
    assert all(0 < effort.busy <= 1 and effort.waiting >= 0 for effort in efforts)
