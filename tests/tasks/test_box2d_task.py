"""Tasks with a compiled Box2D: their arguments, what confirms them, and that they do without Box2D itself."""

from __future__ import annotations

import json
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from conftest import evolved
from searches import result

from wann.doctor.task import examine_task
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import Placement
from wann.networks.genome import minimal_genome
from wann.networks.network import compile_genome
from wann.rollouts.same_bits import EPISODES, Comparison
from wann.run.search import resume, search
from wann.tasks import box2d_task
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.environment_task import GymnasiumTask
from wann.tasks.registry import get_task
from wann.tasks.task import MissingExtraError

NAMES = ("BipedalWalker-v3", "LunarLander-v3", "LunarLanderContinuous-v3")
TINY = {"population": 8, "generations": 2, "max_steps": 80, "episodes": 2, "confirm_episodes": 3, "seed": 4}


@pytest.fixture
def others_bits(monkeypatch):
    """A Gymnasium whose walker steps on slippery ground, and whose lander has a weaker engine."""
    pytest.importorskip("Box2D", reason="there is nothing to compare without it")
    monkeypatch.setattr("gymnasium.envs.box2d.bipedal_walker.FRICTION", 0.5)
    monkeypatch.setattr("gymnasium.envs.box2d.lunar_lander.MAIN_ENGINE_POWER", 12.5)
    monkeypatch.setattr(box2d_task, "_COMPARISONS", {})


# Arguments


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, {}) for name in NAMES),
        ("BipedalWalker-v3", {"hardcore": False}),
        ("LunarLander-v3", {"continuous": True}),
        ("LunarLander-v3", {"gravity": -3, "enable_wind": True, "wind_power": 20.0, "turbulence_power": 0}),
        ("LunarLanderContinuous-v3", {"continuous": False, "gravity": -11.9}),
    ],
)
def test_arguments_of_compiled_physics(name, arguments):
    pytest.importorskip("Box2D", reason="Gymnasium's own environment is the oracle")
    task = get_task(name, arguments)
    assert isinstance(task, Box2DTask)
    assert (task.env_id, dict(task.env_kwargs), task.stepping) == (name, arguments, "compiled")
    env = gymnasium.make(name, **arguments)
    assert task.spaces == (env.observation_space, env.action_space)
    assert task.episode_steps == env.spec.max_episode_steps
    env.close()
    outside = get_task(name, arguments, "gymnasium")
    assert isinstance(outside, GymnasiumTask)
    assert task.inputs == outside.inputs
    assert len(task.outputs) == len(outside.outputs)
    assert not task.comparison.difference


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("BipedalWalker-v3", {"hardcore": True}),
        ("BipedalWalker-v3", {"hardcore": None}),
        ("LunarLander-v3", {"continuous": 1}),
        ("LunarLander-v3", {"enable_wind": True, "wind_power": True}),
    ],
)
def test_other_arguments_go_to_gymnasium(name, arguments):
    pytest.importorskip("Box2D", reason="these are stepped by Gymnasium")
    assert type(get_task(name, arguments)) is GymnasiumTask
    with pytest.raises(ValueError, match="does not take these arguments"):
        get_task(name, arguments, "compiled")


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("BipedalWalker-v3", {"gravity": -5.0}, "gravity"),
        ("LunarLander-v3", {"hardcore": False}, "hardcore"),
        ("LunarLander-v3", {"gravity": 1.0}, "gravity"),
        ("LunarLander-v3", {"gravity": -12.0}, "gravity"),
        ("LunarLander-v3", {"gravity": "low"}, "LunarLander-v3"),
        ("LunarLander-v3", {"max_episode_steps": 7}, "--set max_steps"),
    ],
)
def test_arguments_that_gymnasium_refuses_are_refused(name, arguments, reason):
    pytest.importorskip("Box2D", reason="these are stepped by Gymnasium")
    with pytest.raises(ValueError, match=reason):
        get_task(name, arguments)


# What confirms


@pytest.mark.parametrize("outside", [False, True])
def test_a_task_is_made_again_with_what_confirms_it(outside):
    task = get_task("LunarLander-v3", {"gravity": -9.0}, confirm_outside=outside)
    again = get_task(*task.spec)
    assert again.spec == task.spec
    assert isinstance(again, Box2DTask)
    assert again.confirms_on_gymnasium is outside
    assert type(again.confirming) is (GymnasiumTask if outside else Box2DTask)
    assert again.confirming.env_kwargs == {"gravity": -9.0}


@pytest.mark.parametrize("name", NAMES)
def test_the_installed_gymnasium_has_the_same_bits(name):
    pytest.importorskip("Box2D", reason="there is nothing to compare without it")
    found = get_task(name).comparison
    assert found.difference is None
    assert found.episodes == len(EPISODES)
    assert found.steps > 300
    assert get_task(name).comparison is found, "compared once in a process"
    assert get_task(name).spec.confirm_outside is False
    assert get_task(name).confirming.stepping == "compiled"


@pytest.mark.parametrize(
    ("name", "what"), [("BipedalWalker-v3", "step "), ("LunarLander-v3", "step "), (NAMES[2], "step ")]
)
def test_other_bits_are_told_and_gymnasium_confirms(name, what, others_bits):
    task = get_task(name)
    assert task.comparison.difference.startswith(what)
    assert "in Gymnasium, and" in task.comparison.difference
    assert isinstance(task.confirming, GymnasiumTask)
    assert task.spec.confirm_outside is True


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("reset", "step 0 of the episode with seed 1: RuntimeError: no luck"),
        ("step", "step 0 of the episode with seed 1: RuntimeError: no luck"),
    ],
)
def test_a_gymnasium_that_fails_differs(place, reason, others_bits, monkeypatch):
    def fail(*_arguments, **_options):
        raise RuntimeError("no luck")

    monkeypatch.setattr(f"gymnasium.envs.box2d.lunar_lander.LunarLander.{place}", fail)
    assert get_task("LunarLander-v3").comparison.difference == reason


def test_networks_are_confirmed_on_gymnasium_where_its_bits_are_others(others_bits):
    task = get_task("LunarLander-v3")
    notes = []
    networks = [compile_genome(evolved(seed, 10, 8, 4)) for seed in range(3)]
    arguments = networks, np.array([-1.0, 0.7]), (1, 2)
    with open_evaluator(task, 60, Placement(threads=2), 12, notes.append) as evaluator:
        searching = evaluator.evaluate(*arguments)
        confirmed = evaluator.evaluate(*arguments, confirming=True)
    with LocalEvaluator(get_task("LunarLander-v3", stepping="gymnasium"), 60) as evaluator:
        wanted = evaluator.evaluate(*arguments)
    assert confirmed.returns.tobytes() == wanted.returns.tobytes() != searching.returns.tobytes()
    (note,) = notes
    assert "confirmed on Gymnasium" in note


def test_a_search_notes_once_that_gymnasium_confirms(others_bits, tmp_path):
    notes = []
    run = search("LunarLander-v3", out=tmp_path / "run", threads=2, note=notes.append, **TINY)
    assert sum("confirmed on Gymnasium" in note for note in notes) == 1
    scores = run.champion.scores
    task = get_task("LunarLander-v3", stepping="gymnasium")
    with LocalEvaluator(task, TINY["max_steps"]) as evaluator:
        found = evaluator.evaluate([run.champion.network], scores.weights, scores.episode_seeds)
    assert found.returns[0].mean(axis=1).tobytes() == scores.mean.tobytes()
    again = search("LunarLander-v3", out=tmp_path / "parts", threads=1, **TINY | {"generations": 1})
    resume(again.path, threads=1, generations=2)
    assert result(tmp_path / "parts")[0] == result(tmp_path / "run")[0]


@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_threads_gives_the_same_bytes(name, tmp_path):
    for threads in (1, 2):
        search(name, out=tmp_path / str(threads), threads=threads, **TINY)
    assert result(tmp_path / "1") == result(tmp_path / "2")


# The doctor


def test_the_doctor_compares_bits():
    pytest.importorskip("Box2D", reason="there is nothing to compare without it")
    findings = {each.check: each for each in examine_task("LunarLander-v3", {})}
    assert [*findings] == ["environment", "its episodes", "compiled physics", "its speed"]
    assert findings["compiled physics"].level == "ok"
    assert f"{len(EPISODES)} episodes" in findings["compiled physics"].found


def test_the_doctor_tells_of_other_bits_and_of_the_versions_that_have_them(others_bits):
    findings = {each.check: each for each in examine_task("BipedalWalker-v3", {})}
    found = findings["compiled physics"]
    assert found.level == "note"
    assert "step " in found.found
    assert "confirms" in found.found
    assert "gymnasium==" in found.fix
    assert "box2d==" in found.fix


@pytest.mark.parametrize(("name", "compared"), [("CartPole-v1", False), ("LunarLander-v3", True)])
def test_the_doctor_compares_no_other_task(name, compared, monkeypatch):
    pytest.importorskip("Box2D", reason="there is nothing to compare without it")
    for check in ("_episodes", "_speed"):
        monkeypatch.setattr(f"wann.doctor.task.{check}", lambda *_: ("ok", "not looked at"))
    assert ("compiled physics" in [each.check for each in examine_task(name, {})]) == compared


# Without Box2D

HIDDEN = """
import contextlib, io, json, sys
sys.modules["Box2D"] = None
from wann.cli.main import main
for arguments in json.load(sys.stdin):
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
    print(json.dumps([arguments[0], code, errors.getvalue()]))
"""


def without_box2d(*commands):
    """Commands in a process that cannot import Box2D: exit code and errors of each, by its name."""
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN],
        input=json.dumps([[str(word) for word in command] for command in commands]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: found for name, *found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[:2])
def test_all_but_showing_works_without_box2d(name, tmp_path):
    run = tmp_path / "run"
    done = without_box2d(
        ("search", name, "--out", run, *(f"--set={key}={value}" for key, value in TINY.items())),
        ("evaluate", run, "--episodes", 2),
        ("tune", run, "--budget", 60, "--episodes", 2, "--out", tmp_path / "tuned.json"),
        ("plot", run),
        ("report", run),
        ("replay", run, "--out", tmp_path / "film.mp4"),
        ("play", run, "--no-browser"),
    )
    search(name, out=tmp_path / "with", **TINY)
    assert result(run) == result(tmp_path / "with")
    assert {command: code for command, (code, _) in done.items() if code} == {"replay": 2, "play": 2}
    for command in ("replay", "play"):
        _, errors = done[command]
        assert 'pip install "wann[box2d]"' in errors
        assert len(errors.strip().splitlines()) == 1


def test_there_is_nothing_to_compare_without_box2d(monkeypatch):
    monkeypatch.setitem(sys.modules, "Box2D", None)
    for name in [name for name in sys.modules if name.startswith("gymnasium.envs.box2d")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(box2d_task, "_COMPARISONS", {})
    task = get_task("BipedalWalker-v3")
    assert (task.comparison.difference, task.comparison.episodes) == (None, 0)
    assert task.confirming is task
    (finding,) = examine_task("BipedalWalker-v3", {})
    assert finding.level == "note"
    assert "searches and scores work" in finding.found
    assert finding.fix == 'pip install "wann[box2d]"'


def test_a_walker_s_champion_says_what_its_environment_needs_however_it_was_stepped(tmp_path):
    """Gymnasium's walker keeps its world: a second episode in it is another."""
    tiny = {"population": 4, "generations": 1, "max_steps": 20, "confirm_episodes": 1, "threads": 1}
    champions = [
        search("BipedalWalker-v3", out=tmp_path / "compiled", **tiny).champion,
        search("BipedalWalker-v3", out=tmp_path / "stepped", stepping="gymnasium", **tiny).champion,
    ]
    assert [champion.fresh_env for champion in champions] == [True, True]
    assert champions[0].scores.mean.tolist() == champions[1].scores.mean.tolist()


def test_networks_with_weights_of_their_own_share_the_worlds(monkeypatch):
    called, task = [], get_task("LunarLander-v3")
    roll_out = Box2DTask.roll_out
    monkeypatch.setattr(
        Box2DTask, "roll_out", lambda self, job: called.append(job.shape) or roll_out(self, job)
    )
    networks = [
        compile_genome(minimal_genome(8, 4, 1, 0.5, rng=np.random.default_rng(seed))) for seed in range(4)
    ]
    sizes = [network.sources.size for network in networks]
    weights = np.random.default_rng(9).normal(size=(2, sum(sizes)))
    with LocalEvaluator(task, 100, 1) as evaluator:
        together = evaluator.evaluate(networks, weights, (1, 2)).returns
        assert called == [(4, 2, 2)]
        ends = np.cumsum(sizes)
        alone = [
            evaluator.evaluate([network], weights[:, end - size : end], (1, 2)).returns[0]
            for network, size, end in zip(networks, sizes, ends, strict=True)
        ]
    assert together.tolist() == np.array(alone).tolist()


@pytest.mark.parametrize(
    "argument", [{"wind_power": 1e39}, {"turbulence_power": -1e300}, {"wind_power": 10**400}]
)
def test_arguments_beyond_single_precision_go_to_gymnasium(argument):
    pytest.importorskip("Box2D", reason="these are stepped by Gymnasium")
    arguments = {"enable_wind": True, **argument}
    with pytest.raises(ValueError, match="does not take these arguments"):
        get_task("LunarLander-v3", arguments, "compiled")


def test_that_there_is_nothing_to_compare_is_not_remembered(monkeypatch):
    """The extra may be installed a moment later, as for a server that runs for days."""
    pytest.importorskip("Box2D", reason="there is nothing to compare without it")
    monkeypatch.setattr(box2d_task, "_COMPARISONS", {})

    def missing(*_, **__):
        raise MissingExtraError("BipedalWalker-v3 needs an extra")

    with monkeypatch.context() as hidden:
        hidden.setattr(Box2DTask, "make_env", missing)
        assert get_task("BipedalWalker-v3").comparison == Comparison()
    assert get_task("BipedalWalker-v3").comparison.episodes == len(EPISODES)
