"""`wann tasks`: lists every task, also one that lacks what it needs."""

import json
import re
from functools import partial

import gymnasium
import pytest
from gymnasium.error import DependencyNotInstalled

from wann.tasks.registry import get_task, task_names
from wann.utils import terminal
from wann.utils.terminal import PlainConsole


@pytest.mark.slow
def test_tasks_lists_inputs_outputs_and_presets(wann_command):
    code, out, err = wann_command("tasks")
    assert (code, err) == (0, "")
    task = get_task("swingup")
    assert out.startswith("swingup")
    ours, _, others = out.partition("CartPole-v1")
    for text in (task.summary, *task.inputs, *task.outputs, "lexicase (default)", "stratified", "paper"):
        assert text in ours
    assert "768 population, 288 generations" in ours
    assert "192 population, 1024 generations" in ours
    assert "64 population, 1024 generations" in ours
    for name in task_names():
        assert re.search(rf"^{re.escape(name)}  \w", out, re.MULTILINE), name
    for text in ("hull angular velocity", "lidar 9", "knee 2 speed", "main engine", "480 population"):
        assert text in others
    for text in ("64 pixels, 8 x 8", "256 pixels, 16 x 16", "784 pixels, 28 x 28"):
        assert re.search(rf"^  inputs +{text}$", others, re.MULTILINE), text
    environments, tables = out.splitlines()[-2:]
    assert environments.startswith("Any other registered environment: wann search Name-v0")
    assert tables.startswith("A table of your own: wann search csv:FILE --label COLUMN")


def test_tasks_are_listed_without_what_they_need(wann_command, monkeypatch):
    """Making any environment fails here, as where Box2D and MuJoCo are missing."""
    whole = wann_command("tasks")

    def make(env_id, **options):
        raise DependencyNotInstalled('Box2D is not installed, run `pip install "gymnasium[box2d]"`')

    monkeypatch.setattr(gymnasium, "make", make)
    assert wann_command("tasks") == whole
    assert "BipedalWalker-v3" in whole[1]
    assert "HalfCheetah-v5" in whole[1]


def test_on_a_terminal_lines_are_cut_between_words(wann_command, monkeypatch):
    monkeypatch.setattr(
        terminal, "PlainConsole", partial(PlainConsole, force_terminal=True, width=80, no_color=True)
    )
    _, out, _ = wann_command("tasks")
    text = re.sub(r"\x1b\[[\d;]*m", "", out)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(text.split()).count("parents by lexicase, 16 stratified weights on one episode each") > 5


def test_tasks_as_json(wann_command):
    _, out, _ = wann_command("tasks", "--json")
    found = {task["task"]: task for task in json.loads(out)["tasks"]}
    assert set(found) == set(task_names())
    assert found["swingup"]["outputs"] == ["force"]
    assert found["swingup"]["presets"]["laptop"]["population"] == 64
    assert [name for name, each in found["swingup"]["presets"].items() if each["default"]] == ["lexicase"]
