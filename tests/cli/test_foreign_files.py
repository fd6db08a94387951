"""Files from strangers in every command: no import, no word of another file, no control character."""

import builtins
import io
import json
import os
import re
import shutil
import signal
import sys
import webbrowser
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import gymnasium
import httpx
import numpy as np
import pytest
from champions import genome_of

import wann
from wann.champion import Champion, Scores, load_champion, save_champion
from wann.cli.commands import COMMANDS
from wann.evaluation.placement import Placement
from wann.run.folder import RunFolder
from wann.run.search import search
from wann.settings import build_settings
from wann.tasks import trust
from wann.tasks.registry import get_task
from wann.tuning.plan import Saved
from wann.tuning.race import race
from wann.tuning.race_entrants import entrants_of
from wann.tuning.tune import tune

MODULE = "wann_strangers_module"
EVIL = f"{MODULE}:Evil-v0"
NAME = "\x1b]0;owned\x07[/x][red]\u202e\x9b31m<script>"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")
TINY = {"population": 8, "generations": 2, "max_steps": 20, "confirm_episodes": 2, "episodes": 1}
PLAN = {"budget": 8, "population": 4, "episodes": 1, "max_steps": 10}
PLAN_OPTIONS = [f"--{name.replace('_', '-')}={value}" for name, value in PLAN.items()]

NO_ENVIRONMENT = {"draw", "front", "runs"}
"""Commands that use no environment, so that they work on any file."""

NO_ENVIRONMENT_OF_SEVERAL = {"plot", "report", "watch"}
"""Commands that use no environment where they are given a folder of runs."""

MORE = {
    "draw": [["--out", "OUT.svg"], ["--generations=1,2", "--out", "OUT.png"]],
    "evaluate": [["--episodes=1", "--threads=1"], ["--episodes=1", "--threads=1", "--json"]],
    "export": [["--format", kind, "--out", f"OUT{end}"] for kind, end in (("python", ".py"), ("js", ".mjs"))],
    "front": [[], ["--json"]],
    "plot": [["--out", "OUT.svg"]],
    "prune": [["--episodes=1", "--fresh=1", "--threads=1", "--out", "OUT.json"]],
    "race": [["--networks=1", "--threads=1", "--quiet", *PLAN_OPTIONS, "--out", "OUT"]],
    "replay": [["--steps=3", "--out", "OUT.gif"], ["--with-network", "--steps=3", "--out", "OUT.gif"]],
    "report": [["--out", "OUT.html"]],
    "resume": [["--set", "generations=3", "--threads=1"]],
    "runs": [[], ["--json"]],
    "sensitivity": [["--episodes=1", "--threads=1", "--out", "OUT.svg", "--table", "OUT.csv"]],
    "table": [
        ["--episodes=1", "--untuned", "--quiet", "--threads=1", f"--format={kind}"]
        for kind in ("text", "latex")
    ],
    "tune": [["--threads=1", "--quiet", *PLAN_OPTIONS, "--out", "OUT.json"]],
}
"""Options with which commands are quick; OUT is a new path."""

OTHERS = {
    "compare": [
        ["csv:TABLE", "--label=kind", "--methods=ridge", "--seeds=1", "--out=OUT", "--champion", "FILE"]
    ],
    "doctor": [],
    "import": [["FILE", "--out", "OUT.json"]],
    "predict": [["FILE", "TABLE"], ["RUN", "TABLE", "--out", "OUT.csv"]],
    "search": [
        ["CartPole-v1", "--init-from", "FILE", *(f"--set={k}={v}" for k, v in TINY.items()), "--out", "OUT"],
        ["CartPole-v1", "--config", "RUN/config.toml", "--out", "OUT"],
        ["--config", "RUN/config.toml", "--out", "OUT"],
        [
            *("CartPole-v1", "--init-from", "FILE", *(f"--set={k}={v}" for k, v in TINY.items())),
            *("--seeds=1-2", "--threads=1", "--out", "OUT"),
        ],
    ],
    "settings": [],
    "tasks": [],
}
"""Commands that need more than a champion or run first, with FILE, RUN, FOLDER (of runs) and TABLE."""

GIVEN = {
    "CHAMPION": ["FILE", "RUN"],
    "RUN": ["RUN"],
    "RUN|FOLDER": ["RUN", "FOLDER"],
    "RUN|FOLDER...": ["FILE", "RUN", "FOLDER"],
    "[FOLDER]": ["RUN", "FOLDER"],
    "RUN...": ["FILE", "RUN"],
}
"""What is given for a first argument, by its name in the help."""


def lines_of(command):
    """Command lines that give a file to a command, without its name."""
    arguments = [each.metavar for each in command.params if isinstance(each, click.Argument)]
    if command.name in OTHERS or not arguments or arguments[0] not in GIVEN:
        return OTHERS[command.name]  # a new command must be listed there
    lines = [[given, *more] for given in GIVEN[arguments[0]] for more in MORE.get(command.name, [[]])]
    lines = [line for line in lines if line[:2] != ["FILE", "--generations=1,2"]]  # of a run
    lines = [line for line in lines if (command.name, line[0]) != ("plot", "FILE")]  # it has no curves
    if command.name == "report":
        lines += [["FILE", "--out", "OUT.html"]]
    if command.name == "resume":
        lines += [["RUN/race", "--set=generations=1"], ["RUN/tuned.json", "--set=budget=16"]]
    return lines


LINES = [
    pytest.param(command.name, line, id=f"{command.name} {' '.join(line)}")
    for command in COMMANDS
    for line in lines_of(command)
]


@pytest.fixture
def opened(monkeypatch):
    """Names of the files that are opened, in whatever way."""
    names = []

    def noted(original, path, *arguments, **options):
        names.append(str(path))
        return original(path, *arguments, **options)

    for module, name in ((builtins, "open"), (io, "open"), (os, "open")):
        monkeypatch.setattr(module, name, partial(noted, getattr(module, name)))
    return names


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run with all that may lie in one; not to be changed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    search("CartPole-v1", preset="laptop", out=path, threads=1, **TINY)
    tune(load_champion(path), path / "tuned.json", placement=Placement(1), **PLAN)
    race(
        entrants_of([path], networks=2, placement=Placement(1)), path / "race", placement=Placement(1), **PLAN
    )
    return path


def foreign(whole, path, **values):
    """A copy of the run whose files say something else: `task`, `env_kwargs`, `inputs` or `outputs`."""
    shutil.copytree(whole, path)
    for file in path.rglob("*.json"):
        data = json.loads(file.read_text())
        file.write_text(json.dumps(data | {name: values[name] for name in values if name in data}))
    config = path / "config.toml"
    text, in_settings = config.read_text(), {k: v for k, v in values.items() if k in ("task", "env_kwargs")}
    settings = RunFolder.open(path).settings.model_dump() | in_settings
    if "task" in values:
        text = re.sub("^task = .*$", lambda _: f"task = {json.dumps(values['task'])}", text, flags=re.M)
        text = text.replace('stepping = "compiled"', 'stepping = "gymnasium"')
    if "env_kwargs" in values:
        RunFolder.open(path).save_settings(build_settings(settings))
        text = config.read_text() if "task" not in values else text
    config.write_text(text)
    saved = Saved.load(path / "tuned.json.tuning.npz")
    known = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    replace(saved, champion=replace(saved.champion, **known)).save(path / "tuned.json.tuning.npz")
    return path


@pytest.fixture
def strangers(tmp_path, monkeypatch):
    """A module in the working folder and on the path; gives the file that says that it was imported."""
    marker = tmp_path / "imported"
    (tmp_path / f"{MODULE}.py").write_text(
        f"import gymnasium, pathlib\npathlib.Path({str(marker)!r}).touch()\n"
        "from gymnasium.envs.classic_control.cartpole import CartPoleEnv\n"
        "gymnasium.register('Evil-v0', CartPoleEnv, max_episode_steps=20)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(trust, "_granted", set())
    yield marker
    sys.modules.pop(MODULE, None)
    gymnasium.registry.pop("Evil-v0", None)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    rows = ["first secret,second,kind", *(f"{k % 7},{k % 11},{'ab'[k % 2]}" for k in range(60))]
    path.write_text("\n".join(rows) + "\n")
    return path


def uses_none(name, line):
    """Whether a command line uses no environment."""
    return name in NO_ENVIRONMENT or ("FOLDER" in line and name in NO_ENVIRONMENT_OF_SEVERAL)


def filled(line, run, tmp_path, table):
    """A command line with its places filled in."""
    words = {"RUN/": f"{run}/", "RUN": str(run), "FILE": str(run / "champion.json"), "TABLE": str(table)}
    words |= {"FOLDER": str(run.parent), "OUT": str(tmp_path / "out")}
    found = []
    for word in line:
        for name, place in words.items():
            word = re.sub(rf"(^|(?<=[:=])){name}", lambda _, place=place: place, word)
        found.append(word)
    return found


@pytest.fixture
def run_command(wann_command, monkeypatch, tmp_path, table):
    """Runs a command on a run, and reads the page that it serves; gives its exit code and all its words."""
    pages = []
    monkeypatch.setattr("wann.pages.task_view._CLIP_WEIGHTS", 2)  # films take long

    def browser(address):
        pages.append(httpx.get(address).text)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(webbrowser, "open", browser)
    monkeypatch.setenv("DISPLAY", ":0")

    def call(name, line, run):
        code, out, err = wann_command(name, *filled(line, run, tmp_path, table))
        return code, out, err, "".join(pages)

    return call


@pytest.mark.parametrize(("name", "line"), LINES)
def test_no_command_imports_what_a_file_names(name, line, whole, tmp_path, strangers, run_command):
    run = foreign(whole, tmp_path / "run", task=EVIL)
    code, _, err, _ = run_command(name, line, run)
    assert not strangers.exists()
    assert MODULE not in sys.modules
    if uses_none(name, line) or "--init-from" in line:
        assert code == 0, err
    elif name not in OTHERS:
        assert (code, err.count("\n")) == (2, 1)
        assert f"would import the module '{MODULE}': allow it with --trust, or name it yourself" in err


@pytest.mark.parametrize(("name", "line"), LINES)
def test_no_command_hands_a_path_of_a_file_to_an_environment(
    name, line, whole, tmp_path, strangers, run_command, monkeypatch
):
    made = []
    monkeypatch.setattr(gymnasium, "make", lambda env_id, **arguments: made.append(arguments))
    run = foreign(whole, tmp_path / "run", env_kwargs={"xml_file": ["/etc/passwd"]})
    code, _, err, _ = run_command(name, line, run)
    assert not [each for each in made if "xml_file" in each]
    if name not in OTHERS and not uses_none(name, line):
        assert (code, err.count("\n")) == (2, 1)
        assert "would hand '/etc/passwd' to its environment" in err


@pytest.mark.parametrize("digest", [None, "0" * 64])
@pytest.mark.parametrize(("name", "line"), LINES)
def test_no_command_tells_a_word_of_a_table_that_a_file_names(
    name, line, digest, whole, tmp_path, strangers, run_command, table, opened
):
    secret = tmp_path / "secret.csv"
    shutil.copy(table, secret)
    kwargs = {"label": "none"} | ({"sha256": digest} if digest else {})  # an error would list the columns
    run = foreign(whole, tmp_path / "run", task=f"csv:{secret}", env_kwargs=kwargs)
    opened.clear()
    _, out, err, page = run_command(name, line, run)
    assert digest or str(secret) not in opened
    assert "first secret" not in out + err + page
    for file in tmp_path.rglob("out*"):
        if file.is_file():
            assert b"first secret" not in file.read_bytes()
            assert str(tmp_path) not in file.read_text(errors="replace") or file.suffix != ".html"


@pytest.mark.parametrize("task", ["CartPole-v1", NAME])
@pytest.mark.parametrize(("name", "line"), LINES)
def test_no_command_sends_a_control_character_of_a_name(
    name, line, task, whole, tmp_path, strangers, run_command
):
    names = [f"{NAME}{k}" for k in range(4)]
    known = {"inputs": names, "outputs": names[:2]} | ({} if task == "CartPole-v1" else {"task": task})
    run = foreign(whole, tmp_path / "run\x1b]0;owned\x07[red]\u202e", **known)
    code, out, err, page = run_command(name, line, run)
    assert not RAW.search(out + err + page)
    for file in tmp_path.rglob("out*"):
        if file.suffix in (".html", ".svg", ".json", ".py", ".mjs", ".csv", ".toml"):
            assert not RAW.search(file.read_text(encoding="utf-8")), file
    if task == "CartPole-v1" and name not in OTHERS:
        assert code == 0, err
    elif not (name in {"watch", *OTHERS} or uses_none(name, line) or (name, line[0]) == ("report", "FILE")):
        # Pages say what is wrong.
        assert (code, err.count("\n")) == (2, 1)


def test_no_cluster_is_started_for_what_a_file_names(whole, tmp_path, strangers, refused, monkeypatch):
    from wann.evaluation import ray_cluster

    monkeypatch.setattr(ray_cluster, "connect", lambda *_: pytest.fail("a cluster was started"))
    run = foreign(whole, tmp_path / "run", task=EVIL)
    for line in (["evaluate", run], ["resume", run, "--set=generations=3"]):
        assert MODULE in refused(*line, "--workers=2")


def test_trust_holds_for_the_files_of_one_command(whole, tmp_path, strangers, wann_command, refused):
    run = foreign(whole, tmp_path / "run", task=EVIL)
    few = ["--episodes=1", "--threads=1"]
    refused("evaluate", run, *few)
    code, out, _ = wann_command("evaluate", run, *few, "--trust")
    assert code == 0
    assert out.startswith(f"{EVIL}: ")
    assert strangers.exists()
    del sys.modules[MODULE], gymnasium.registry["Evil-v0"]  # as in the next process
    trust._granted.discard(trust._key(EVIL, {}))
    refused("evaluate", run, *few)


def test_a_module_named_on_the_command_line_is_imported(whole, tmp_path, strangers, wann_command):
    run = foreign(whole, tmp_path / "run", outputs=["left", "right"])
    line = [
        "tune",
        run,
        "--task",
        EVIL,
        *PLAN_OPTIONS,
        "--threads=1",
        "--quiet",
        "--out",
        tmp_path / "t.json",
    ]
    assert wann_command(*line)[0] == 0
    assert strangers.exists()


def test_a_search_of_a_module_s_task_ends_with_commands_that_work(tmp_path, strangers, wann_command):
    tiny = [f"--set={name}={value}" for name, value in TINY.items()]
    code, out, _ = wann_command(
        "search", EVIL, "--preset=laptop", *tiny, "--out", tmp_path / "run", "--threads=1"
    )
    assert code == 0
    commands = dict(line.split(None, 1) for line in out.splitlines() if " wann " in line)
    needing = {
        name for name, command in commands.items() if command.endswith(" --trust") or "--trust " in command
    }
    assert needing == {"Evaluate", "Tune", "Replay", "Plot", "Report", "Resume"}
    del sys.modules[MODULE], gymnasium.registry["Evil-v0"]
    trust._granted.clear()
    assert wann_command(*commands["Evaluate"].split()[1:], "--episodes=1", "--threads=1")[0] == 0


def test_a_file_of_settings_hands_no_path_to_an_environment(tmp_path, written_settings, refused):
    line = ["search", "CartPole-v1", "--config", written_settings, "--out", tmp_path / "run"]
    assert "would hand '/etc/passwd' to its environment" in refused(*line)
    assert not (tmp_path / "run").exists()


def test_a_file_of_settings_that_names_the_task_imports_nothing(tmp_path, strangers, refused, wann_command):
    settings = {"task": EVIL, "preset": "laptop", **TINY}
    (tmp_path / "mine.toml").write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items()))
    line = ["search", "--config", tmp_path / "mine.toml", "--threads=1", "--out"]
    assert f"would import the module '{MODULE}'" in refused(*line, tmp_path / "run")
    assert MODULE not in sys.modules
    code, out, _ = wann_command(*line, tmp_path / "run", "--trust", "--seeds=1")
    assert code == 0
    assert f"wann table {tmp_path / 'run'} --untuned --trust\n" in out


@pytest.fixture
def written_settings(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[env_kwargs]\nxml_file = "/etc/passwd"\n')
    return path


def test_markup_in_names_is_shown_as_it_is(tmp_path, table, wann_command):
    text = table.read_text().replace(",a\n", ",[/x]\n").replace(",b\n", ",[red]\n")
    table.write_text(text)
    task = get_task(f"csv:{table}", {"label": "kind"})
    genome = genome_of(2, 2, [], [(1, 3, True), (2, 4, True)])
    scores = Scores(np.array([1.0]), np.zeros(1), np.zeros(1), (1,))
    champion = Champion(task.name, task.inputs, task.outputs, genome, scores, env_kwargs=task.env_kwargs)
    save_champion(champion, tmp_path / "champion.json")
    code, out, err = wann_command("evaluate", tmp_path / "champion.json")
    assert code == 0, err
    assert {"[/x]", "[red]"} <= set(out.replace("┃", " ").replace("│", " ").split())


def test_every_command_prints_through_one_door():
    for file in Path(wann.__file__).parent.rglob("*.py"):
        text = file.read_text()
        allowed = {"options.py": 1}.get(file.name, 0) if "cli" in file.parts else 0
        assert text.count("click.echo(") == allowed, file
        assert " Console(" not in text, file
        assert "import Console\n" not in text or file.name == "terminal.py", file
        assert "from_markup" not in text or file.name == "progress.py", file
