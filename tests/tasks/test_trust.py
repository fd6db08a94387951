"""What a file names is used only where the user said so."""

import ast
import sys
import threading
from dataclasses import replace
from pathlib import Path

import gymnasium
import pytest
import toys  # noqa: F401  registers its environments
from champions import TOY, champion_of

import wann
from wann.champion import load_champion, save_champion
from wann.run.folder import RunFolder, task_of
from wann.run.search import resume
from wann.settings import Settings, from_toml
from wann.tasks import trust
from wann.tasks.registry import get_task
from wann.tasks.trust import UntrustedError, grant, possible_harm, refuse_untrusted, trusting

MODULE = "wann_another_module"
TASK = f"{MODULE}:Another-v0"


@pytest.fixture(autouse=True)
def nothing_granted(monkeypatch):
    monkeypatch.setattr(trust, "_granted", set())


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that registers an environment; gone at the end."""
    (tmp_path / f"{MODULE}.py").write_text(
        "import gymnasium, toys\ngymnasium.register('Another-v0', toys.Toy)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield MODULE
    sys.modules.pop(MODULE, None)
    gymnasium.registry.pop("Another-v0", None)


@pytest.fixture
def file(tmp_path):
    """A champion's file that names the module."""
    path = tmp_path / "champion.json"
    save_champion(replace(champion_of("toys/Toy-v0", TOY, [0.5, 1.0]), task=TASK), path)
    return path


@pytest.mark.parametrize(
    ("task", "kwargs", "harm"),
    [
        ("swingup", {}, None),
        ("CartPole-v1", {"sutton_barto_reward": True, "size": 1.5, "none": None}, None),
        ("FrozenLake-v1", {"map_name": "4x4", "desc": ["SFFF", "FHFH"]}, None),
        ("digits", {}, None),
        ("csv:/a/table.csv", {"label": "petal length (cm)", "sha256": "0" * 64}, None),
        ("csv:\\\\\\\\host\\\\share\\\\t.csv", {"sha256": "0" * 64}, "look for a table on another machine"),
        ("//host/share/t.npz", {"sha256": "0" * 64}, "look for a table on another machine"),
        ("evil:CartPole-v1", {}, "import the module 'evil'"),
        ("evil.inner:ns/CartPole-v1", {}, "import the module 'evil.inner'"),
        ("one:two:Name-v0", {}, "import the module 'one:two'"),
        (".evil:Name-v0", {}, "import the module '.evil'"),
        (":Name-v0", {}, "import the module ''"),
        ("Ant-v5", {"xml_file": "/etc/passwd"}, "hand '/etc/passwd' to"),
        ("Ant-v5", {"xml_file": "ant.xml"}, "hand 'ant.xml' to"),
        ("Any-v0", {"deep": [{"er": ["..\\\\up"]}]}, "hand '..\\\\\\\\up' to"),
        ("Any-v0", {"of/key": 1}, "hand 'of/key' to"),
        ("GymV26Environment-v0", {"env_id": "evil:Name-v0"}, "hand 'evil:Name-v0' to"),
    ],
)
def test_what_could_do_harm_is_known_by_its_words(task, kwargs, harm):
    found = possible_harm(task, kwargs)
    assert found is None if harm is None else found.startswith(harm)
    if harm is None:
        refuse_untrusted(task, kwargs)
        return
    with pytest.raises(UntrustedError, match="allow it with --trust, or name it yourself"):
        refuse_untrusted(task, kwargs)
    with trusting():
        refuse_untrusted(task, kwargs)
    grant(task, kwargs)
    refuse_untrusted(task, kwargs)


def test_what_is_granted_is_one_task_with_its_arguments():
    grant("Ant-v5", {"xml_file": "/mine.xml"})
    refuse_untrusted("Ant-v5", {"xml_file": "/mine.xml"})
    for task, kwargs in (("Ant-v5", {"xml_file": "/theirs.xml"}), ("evil:Ant-v5", {"xml_file": "/mine.xml"})):
        with pytest.raises(UntrustedError):
            refuse_untrusted(task, kwargs)


def test_trusting_holds_in_all_threads_and_ends():
    def refuse():
        refuse_untrusted("evil:Name-v0", {})

    with trusting():
        with trusting():
            refuse()
        thread = threading.Thread(target=refuse)  # an exception in it fails the test
        thread.start()
        thread.join()
    with pytest.raises(UntrustedError):
        refuse()


def test_a_table_without_its_checksum_is_not_opened_even_if_trusted(tmp_path):
    for kwargs in ({}, {"label": "y"}, {"sha256": None}):
        with trusting(), pytest.raises(UntrustedError, match="without its SHA-256"):
            refuse_untrusted(f"csv:{tmp_path}/any.csv", kwargs)


def test_a_champion_s_module_is_imported_where_it_is_trusted(file, module):
    champion = load_champion(file)
    for use in (champion.get_task, lambda: champion.act([0.0, 0.0, 0.0]), lambda: wann.evaluate(champion)):
        with pytest.raises(UntrustedError, match=f"would import the module '{MODULE}'"):
            use()
    assert module not in sys.modules
    trusted = load_champion(file, trust=True)
    assert module not in sys.modules, "loading a file runs no code"
    assert trusted.get_task().name == TASK
    assert module in sys.modules


def test_a_module_that_the_program_imported_or_named_needs_no_trust(file, module):
    champion = load_champion(file)
    with pytest.raises(UntrustedError):
        champion.get_task()
    get_task(TASK)
    trust._granted.clear()
    assert champion.get_task().name == TASK


def test_a_run_s_module_is_imported_where_it_is_trusted(tmp_path, module):
    values = {"population": 4, "generations": 1, "confirm_episodes": 1, "episodes": 1, "tournament_size": 2}
    settings = Settings(task=TASK, stepping="gymnasium", max_steps=5, elite_ratio=0.5, **values)
    RunFolder.create(tmp_path / "run", settings)
    with pytest.raises(UntrustedError, match=f"would import the module '{MODULE}'"):
        task_of(settings)
    with pytest.raises(UntrustedError, match=f"would import the module '{MODULE}'"):
        resume(tmp_path / "run", threads=1)
    assert module not in sys.modules
    assert resume(tmp_path / "run", threads=1, trust=True).generations == 1


def test_no_error_in_python_holds_a_control_character_of_a_name(tmp_path):
    name = "\x1b]0;owned\x07\u202e"
    champion = champion_of("toys/Toy-v0", TOY, [0.5, 1.0])
    for values in (
        {"task": name},
        {"task": f"csv:{name}"},
        {"task": f"{name}:Name-v0"},
        {"inputs": (name,) * 3},
    ):
        save_champion(replace(champion, **values), tmp_path / "champion.json")
        loaded = load_champion(tmp_path / "champion.json")
        assert (loaded.task + "".join((*loaded.inputs, *loaded.outputs))).isprintable()
        if "task" in values:
            with pytest.raises(ValueError, match=r"task|csv") as caught:
                wann.evaluate(loaded)
            assert str(caught.value).isprintable()
    for use in (
        lambda: from_toml('task = "\\u001b]0;owned"'),
        lambda: from_toml('preset = "\\u202e"'),
        lambda: wann.search(name),
    ):
        with pytest.raises(ValueError, match=r"must hold no control character|unknown task") as caught:
            use()
        assert str(caught.value).isprintable()


def test_tasks_that_files_name_are_made_in_places_that_refuse_them():
    """Whatever calls `get_task` with a name out of a champion or settings must refuse what is not trusted."""
    found = set()
    for file in Path(wann.__file__).parent.rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "get_task" and call.args:
                    first = call.args[0]
                    if isinstance(first, ast.Attribute) and first.attr == "task":
                        found.add((file.stem, function.name))
    # The last of them steps the task of a champion that has been made already.
    assert found == {("champion", "get_task"), ("folder", "task_of"), ("subject", "stepped_task")}
