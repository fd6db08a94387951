"""A name becomes a task: its inputs, outputs and presets, or one line that says why not."""

import dataclasses
import subprocess
import sys
from importlib.util import find_spec

import gymnasium
import numpy as np
import pytest
import toys
from conftest import evolved
from gymnasium.error import DependencyNotInstalled

from wann.networks.network import batch_networks, compile_genome
from wann.rollouts.job import Job
from wann.settings import build_settings
from wann.tasks import known, registry
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.compiled_task import CompiledTask
from wann.tasks.data_task import DataTask
from wann.tasks.environment_task import GymnasiumTask
from wann.tasks.registry import COMPILED, facts, get_task, is_data_set, preset_settings, task_names

NEEDS = {"Bipedal": "Box2D", "Lunar": "Box2D", "HalfCheetah": "mujoco", "Ant": "mujoco"}
BOX2D = ("BipedalWalker-v3", "LunarLander-v3", "LunarLanderContinuous-v3")


def need(name):
    """Skip where what an environment needs is not installed."""
    for beginning, module in NEEDS.items():
        if name.startswith(beginning) and find_spec(module) is None:
            pytest.skip(f"{module} is not installed")


@pytest.mark.parametrize("name", task_names())
def test_every_task_is_whole(name):
    need(name)
    task = get_task(name)
    assert task.name == name
    assert task.default_preset in task.presets
    assert set(task.preset_notes) == set(task.presets)
    kind = DataTask if is_data_set(name) else GymnasiumTask
    if name in COMPILED:
        kind = Box2DTask if name in BOX2D else CompiledTask
    assert isinstance(task, kind)
    assert (task.stepping, task.threaded) == (
        ("gymnasium", False) if kind is GymnasiumTask else ("compiled", True)
    )
    for names in (task.inputs, task.outputs):
        assert len(set(names)) == len(names) > 0
        assert all(names)
    for preset in task.presets:
        settings = build_settings(preset_settings(task, preset))
        assert (settings.task, settings.preset, settings.stepping) == (name, preset, task.stepping)
    if kind is DataTask:
        return  # there is no environment
    env = task.make_env(max_steps=3)
    observation, _ = env.reset(seed=0)
    inputs = task.observe(observation)
    assert (inputs.shape, inputs.dtype) == ((len(task.inputs),), np.float64)
    for outputs in (np.full(len(task.outputs), 1e9), np.full(len(task.outputs), np.nan), -inputs):
        assert env.action_space.contains(task.action(np.resize(outputs, len(task.outputs))))
    *_, truncated, _ = [env.step(task.action(np.zeros(len(task.outputs)))) for _ in range(3)][-1]
    assert truncated, "after as many steps as were asked for"
    env.close()


@pytest.mark.parametrize("name", task_names())
def test_the_facts_of_a_task_are_those_of_the_task(name):
    need(name)
    task, known_facts = get_task(name), facts(name)
    for attribute in ("summary", "presets", "preset_notes", "default_preset"):
        assert getattr(known_facts, attribute) == getattr(task, attribute)
    for attribute in ("inputs", "outputs"):
        assert getattr(known_facts, attribute) in ((), getattr(task, attribute))


@pytest.mark.slow
def test_facts_need_nothing_that_is_not_installed():
    """Neither Box2D nor MuJoCo is imported for them."""
    code = (
        "import sys; from wann.tasks.registry import facts, task_names\n"
        "print(len([facts(n) for n in task_names()]))\n"
        "print(*[m for m in ('Box2D', 'mujoco', 'envpool', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == [str(len(task_names())), ""]


@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_task_can_be_stepped_by_gymnasium_and_gives_the_same(name):
    need(name)
    compiled, stepped = get_task(name), get_task(name, stepping="gymnasium")
    assert (stepped.inputs, stepped.outputs) == (compiled.inputs, compiled.outputs)
    assert (stepped.presets, stepped.episode_steps) == (compiled.presets, compiled.episode_steps)
    assert stepped.published_weight == compiled.published_weight
    assert stepped.fresh_env == compiled.fresh_env == (name == "BipedalWalker-v3")
    assert (stepped.stepping, stepped.threaded) == ("gymnasium", False)
    sizes = {"inputs": len(compiled.inputs), "outputs": len(compiled.outputs)}
    batch = batch_networks([compile_genome(evolved(seed, 5 * seed, **sizes)) for seed in range(4)])
    weights, seeds = np.array([-1.0, 0.7]), [5, 6]
    found = [task.roll_out(Job(batch, weights, seeds, 40, 1, 4)) for task in (compiled, stepped)]
    stepped.close()
    assert found[0].returns.shape == found[1].returns.shape == (3, 2, 2)
    if name in BOX2D:
        assert found[1].returns.tobytes() == found[0].returns.tobytes()
    else:
        assert found[1].returns == pytest.approx(found[0].returns, abs=1e-6)
    assert found[1].steps.tolist() == found[0].steps.tolist()
    assert found[0].failures == found[1].failures == ()


@pytest.mark.parametrize(
    "arguments",
    [
        ("swingup",),
        ("swingup", None, "gymnasium"),
        ("Pendulum-v1", {"g": 5.0}),
        ("BipedalWalker-v3",),
        ("LunarLander-v3", {"continuous": True, "gravity": -9.5}),
        ("toys/Toy-v0", {"noise": 0.5, "trouble": "nan"}, "gymnasium", True, 7.5),
        ("toys:toys/Parts-v0", {}, None, False, None),
    ],
    ids=str,
)
def test_a_task_is_made_again_from_its_plain_words(arguments):
    task = get_task(*arguments)
    again = get_task(*task.spec)
    assert type(again) is type(task)
    assert again.spec == task.spec
    for name in ("name", "env_id", "inputs", "outputs", "env_kwargs", "fresh_env", "episode_seconds"):
        assert getattr(again, name) == getattr(task, name)
    plain = (str, bool, float, type(None))
    assert all(isinstance(value, plain) for value in task.spec)


def test_the_arguments_of_the_environment_reach_it():
    task = get_task("toys/Toy-v0", {"noise": 0.25}, fresh_env=True, episode_seconds=3.0)
    assert (task.fresh_env, task.episode_seconds) == (True, 3.0)
    env = task.make_env(max_steps=2)
    assert env.unwrapped.noise == 0.25
    assert env.spec.max_episode_steps == 2
    env.close()
    pendulum = get_task("Pendulum-v1", {"g": 5.0})
    assert isinstance(pendulum, GymnasiumTask), "compiled physics has no arguments"
    assert pendulum.inputs == get_task("Pendulum-v1").inputs
    assert pendulum.presets == get_task("Pendulum-v1").presets


def test_names_that_are_known_are_used_where_they_fit(monkeypatch):
    entry = dataclasses.replace(known.GENERIC, inputs=("a", "b", "c"), outputs=("d",), summary="a toy")
    monkeypatch.setattr(registry, "KNOWN", {**known.KNOWN, "toys/Toy-v0": entry, "toys/Parts-v0": entry})
    task = get_task("toys/Toy-v0")
    assert (task.inputs, task.outputs, task.summary) == (("a", "b", "c"), ("d",), "a toy")
    assert get_task("toys/Parts-v0").outputs[0] == "action 0=0"


def test_names_of_the_side_that_fits_are_used(monkeypatch):
    entry = dataclasses.replace(known.GENERIC, inputs=("a", "b", "c"), outputs=("d", "e"))
    monkeypatch.setattr(registry, "KNOWN", {**known.KNOWN, "toys/Toy-v0": entry})
    task = get_task("toys/Toy-v0")
    assert task.inputs == ("a", "b", "c")
    assert task.outputs == ("action 0",)


@pytest.mark.parametrize("stepping", [None, "gymnasium"])
def test_a_lander_with_throttled_engines_has_their_names_however_it_is_stepped(stepping):
    need("LunarLander-v3")
    task = get_task("LunarLander-v3", {"continuous": True}, stepping)
    wanted = get_task("LunarLanderContinuous-v3")
    assert (task.name, task.stepping) == ("LunarLander-v3", stepping or "compiled")
    assert (task.inputs, task.outputs) == (wanted.inputs, wanted.outputs)
    assert len(wanted.outputs) == 2


@pytest.mark.parametrize(
    ("name", "env_kwargs"),
    [
        ("BipedalWalker-v3", {"hardcore": True}),
        ("LunarLander-v3", {"breeze": 1}),
        ("LunarLander-v3", {"gravity": -12.0}),
        ("LunarLander-v3", {"gravity": float("nan")}),
        ("LunarLander-v3", {"enable_wind": 1}),
        ("LunarLanderContinuous-v3", {"wind_power": "strong"}),
    ],
    ids=str,
)
def test_arguments_that_the_compiled_physics_does_not_take_are_left_to_gymnasium(name, env_kwargs):
    need(name)
    with pytest.raises(ValueError, match=f"the compiled physics of '{name}' does not take these arguments"):
        get_task(name, env_kwargs, "compiled")
    if env_kwargs == {"hardcore": True}:
        task = get_task(name, env_kwargs)
        assert isinstance(task, GymnasiumTask)
        assert task.fresh_env
        assert task.presets == get_task(name).presets


def test_an_environment_that_nobody_described_has_the_generic_presets_and_its_own_limit(monkeypatch):
    task = get_task("toys/Toy-v0")
    assert task.presets == known.GENERIC.presets
    assert task.episode_steps == 1000, "where it sets no limit"
    gymnasium.register("toys/Limited-v0", toys.Toy, max_episode_steps=4)
    try:
        assert get_task("toys/Limited-v0").episode_steps == 4
    finally:
        del gymnasium.registry["toys/Limited-v0"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("swingupp", "unknown task 'swingupp'; did you mean 'swingup'?"),
        ("cartpole-v1", "unknown task 'cartpole-v1'; did you mean 'CartPole-v1'?"),
        ("CartPole-v9", "unknown task 'CartPole-v9'; did you mean 'CartPole-v1'?"),
        ("toys/Toys-v0", "unknown task 'toys/Toys-v0'; did you mean 'toys/Toy-v0'?"),
        ("zzz", "unknown task 'zzz'; 'wann tasks' lists some, and any registered Gymnasium id is one"),
        ("a b", "unknown task 'a b'"),
        ("", "unknown task ''"),
        ("a:b:c", "unknown task 'a:b:c'"),
        (":Toy-v0", "':Toy-v0'"),
        ("toys:", "'toys:'"),
        ("no_such_module:Toy-v0", "task 'no_such_module:Toy-v0': there is no module 'no_such_module': "),
        ("../toys:Toy-v0", "task '../toys:Toy-v0': "),
    ],
)
def test_an_unknown_name_is_refused_in_one_line_with_the_nearest(name, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        get_task(name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match="no preset 'papper'; did you mean 'paper'"):
        preset_settings(get_task("swingup"), "papper")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "toys/Picture-v0",
            r"raw images cannot be searched: .*\(8, 9, 3\) uint8; wrap the environment so that",
        ),
        ("toys/Words-v0", "observations of the kind Text cannot be searched; wrap the environment so that"),
        (
            "toys/Unbounded-v0",
            "actions without bounds cannot be searched: entry 0 .* from -inf to inf; wrap the",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line_that_says_what_to_do(name, message):
    with pytest.raises(ValueError, match=rf"task '{name}' cannot be searched: {message}") as caught:
        get_task(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("toys/Toy-v0", None, "compiled"), "task 'toys/Toy-v0' has no compiled physics: leave stepping out"),
        (
            ("Pendulum-v1", {"g": 5.0}, "compiled"),
            "the compiled physics of 'Pendulum-v1' does not take these",
        ),
        (("toys/Toy-v0", None, "pool"), "task 'toys/Toy-v0' cannot be stepped in the pool: "),
        (("toys/Toy-v0", {"noisy": 1}), "task 'toys/Toy-v0': does not take these arguments: .*'noisy'"),
        (("toys/Picky-v0", {"size": 7}), "task 'toys/Picky-v0': .*size must be below 5"),
        (("toys/Toy-v0", {"max_episode_steps": 7}), "task 'toys/Toy-v0': .*max_episode_steps.* max_steps"),
        *(
            (("toys/Toy-v0", {name: None}), f"task 'toys/Toy-v0': .*{name}")
            for name in ("render_mode", "disable_env_checker", "id", "vectorization_mode")
        ),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_used_are_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        get_task(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('Box2D is not installed, you can install it by run `pip install "gymnasium[box2d]"`', "wann[box2d]"),
        ("MuJoCo is not installed, run `pip install gymnasium[mujoco]`", "wann[mujoco]"),
        ("needs something else\nof a kind", "needs something else"),
    ],
)
def test_a_missing_extra_is_a_hint_in_one_line(monkeypatch, text, hint):
    def make(env_id, **options):
        raise DependencyNotInstalled(text)

    monkeypatch.setattr(gymnasium, "make", make)
    with pytest.raises(ValueError, match="task 'X-v0': X-v0 needs an extra: ") as caught:
        get_task("X-v0")
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)
    for name in COMPILED:
        assert get_task(name).env_id, "what is compiled needs none"


def test_a_module_that_cannot_be_imported_for_want_of_another_is_told_with_the_other(tmp_path, monkeypatch):
    (tmp_path / "envs_that_need.py").write_text("import no_such_thing_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="no_such_thing_at_all"):
        get_task("envs_that_need:Name-v0")


def test_environments_are_kept_between_evaluations_and_closed_at_the_end(monkeypatch):
    made, closed = [], []
    init = toys.Toy.__init__
    monkeypatch.setattr(toys.Toy, "__init__", lambda env, *a, **k: made.append(env) or init(env, *a, **k))
    monkeypatch.setattr(toys.Toy, "close", lambda env: closed.append(env))
    batch = batch_networks([compile_genome(evolved(seed, 5, inputs=3)) for seed in range(2)])
    for fresh, wanted in ((False, 1), (True, 8)):
        task = get_task("toys/Toy-v0", fresh_env=fresh)
        assert task.observation_codec.size == 3  # has made and closed one of its own
        assert task.action_codec.size == 1
        made.clear()
        closed.clear()
        for _ in range(2):
            task.roll_out(Job(batch, np.ones(1), [1, 2], 3, 0, 2))
        task.close()
        assert len(made) == wanted
        assert closed == made


def test_a_name_of_the_registry_is_found_whatever_is_compiled():
    """What a user types is a Gymnasium id, also for a task with a name of our own."""
    env_id = get_task("swingup").env_id
    task = get_task(env_id)
    assert isinstance(task, GymnasiumTask)
    assert (len(task.inputs), len(task.outputs)) == (5, 1)


def test_known_names_are_all_of_registered_environments():
    for name in (*known.KNOWN, *(task for task in registry.COMPILED if task != "swingup")):
        assert name in gymnasium.registry
