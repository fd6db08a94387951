"""The program: its help, and mistakes that several commands refuse alike."""

import json
import os
import re
import subprocess
import sys

import gymnasium
import pytest
import toys  # noqa: F401 - registers them
from commands import FEW, SET
from gymnasium.error import DependencyNotInstalled

import wann
from wann.champion import champion_to_json, load_champion
from wann.cli.main import commands as program

OPTIONS = {
    "search": "TASK --preset --config --set --env-kwargs --init-from --no-compiled --seed --seeds --out "
    "--resume --label --target --drop --columns --separator --decimal --encoding --data "
    "--threads --workers --address --quiet --json",
    "resume": "RUN --set --threads --workers --address --quiet --json",
    "evaluate": "CHAMPION --episodes --weights --seed --threads --workers --address --json",
    "tune": "CHAMPION --method --budget --population --episodes --sigma --weight --freeze --task "
    "--env-kwargs --data --seed --out --threads --workers --address --quiet --json",
    "race": "RUN --method --budget --population --episodes --max-steps --sigma --seed --networks --data "
    "--out --threads --workers --address --quiet --json",
    "table": "RUN FOLDER --aggregate --each --json "
    "--episodes --seed --method --budget --untuned --format --out --threads --workers --address "
    "--data --quiet",
    "compare": "DATASET --json "
    "--methods --seeds --minutes --champion --out --format --list --label --data --quiet",
    "sensitivity": "CHAMPION --weight --episodes --seed --out --table --threads --workers --address --data "
    "--json",
    "prune": "CHAMPION --tolerance --weight --episodes --fresh --seed --out --map --threads --workers "
    "--address --data --json",
    "replay": "CHAMPION --weight --seed --steps --with-network --theme --out",
    "play": "CHAMPION --port --no-browser",
    "draw": "CHAMPION --out --only --highlight --theme --width --generations --film",
    "plot": "RUN FOLDER --over --out --threads --workers --address --data",
    "report": "RUN FOLDER --out --data",
    "watch": "RUN FOLDER --port --no-browser --data",
    "front": "RUN --pick --out --threads --workers --address --data --json",
    "export": "CHAMPION --format --weight --out --dtype --opset --json",
    "predict": "CHAMPION FILE --weight --out --answers --separator --decimal --encoding --data",
    "import": "FILE --task --env-kwargs --tuned --out --json",
    "tasks": "--json",
    "settings": "NAME --task --preset --toml --json",
    "runs": "FOLDER --json",
    "doctor": "ENV_ID --env-kwargs --json",
}


@pytest.mark.parametrize("command", OPTIONS)
def test_every_command_has_a_help_that_names_its_options(wann_command, command):
    code, out, err = wann_command(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: wann {command}")
    for option in OPTIONS[command].split():
        assert re.search(rf"(^|\s){re.escape(option)}\b", out), option
    assert wann_command(command, "-h")[1] == out


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_the_program_s_help_lists_every_command_and_shows_how_to_start(wann_command, arguments):
    code, out, err = wann_command(*arguments)
    assert (code, err) == (0, "")
    assert set(OPTIONS) == set(program.commands)
    for command in OPTIONS:
        assert re.search(rf"^  {command} +\S", out, re.MULTILINE)
    assert re.search(r"^ +wann search swingup --preset laptop ", out, re.MULTILINE)
    assert re.search(r"^ +wann replay runs/", out, re.MULTILINE)
    assert "\\b" not in out
    assert "\b" not in out


def test_the_version_is_the_package_s(wann_command):
    assert wann_command("--version") == (0, f"wann, version {wann.__version__}\n", "")


@pytest.mark.slow
def test_the_program_itself_searches_and_answers(tmp_path):
    """As a process of its own, in an empty folder: nothing but its own output on either stream."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "wann",
            "search",
            "swingup",
            *SET,
            "--set=generations=2",
            "--json",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["generations"] == 2
    failed = subprocess.run(
        [sys.executable, "-m", "wann", "search", "swingpu"], capture_output=True, text=True, check=False
    )
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "wann: unknown task 'swingpu'; did you mean 'swingup'?\n"


@pytest.mark.slow
def test_output_that_nobody_reads_ends_it_quietly(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "wann", "tasks"], stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serch", "swingup"], "No such command 'serch'"),
        (["--verbose"], "No such option '?--verbose"),
        (["search"], "Missing argument 'TASK'"),
        (["search", "swingpu"], "unknown task 'swingpu'; did you mean 'swingup'"),
        (["search", "chess"], "unknown task 'chess'; 'wann tasks' lists some, and any registered Gym"),
        (["search", "CartPole-v7"], "unknown task 'CartPole-v7'; did you mean 'CartPole-v1'"),
        (["search", "nosuch/CartPole-v1"], "unknown task 'nosuch/CartPole-v1'; did you mean 'CartPole-v1'"),
        (["search", "a b"], "unknown task 'a b'"),
        (["search", ""], "unknown task ''"),
        (["search", "no_such_module:Name-v0"], "'no_such_module:Name-v0': there is no module 'no_such_modul"),
        (["search", "toys:toys/Nothing-v0"], "unknown task 'toys:toys/Nothing-v0'; did you mean"),
        (
            ["search", "toys/Picture-v0"],
            r"cannot be searched: raw images .* shape \(8, 9, 3\) uint8; wrap the ",
        ),
        (["search", "toys/Words-v0"], "cannot be searched: observations of the kind Text .* wrap the env"),
        (["search", "toys/Unbounded-v0"], "cannot be searched: actions without bounds .* wrap the env"),
        (
            ["search", "swingup", "--env-kwargs", "{gravity: 5}"],
            r"'\{gravity: 5\}' is not a JSON object such as",
        ),
        (["search", "swingup", "--env-kwargs", "[5]"], r"'\[5\]' is not a JSON object"),
        (["search", "swingup", "--env-kwargs", '{"gravitee": 5}'], "does not take .* argument 'gravitee'"),
        (
            ["search", "toys/Toy-v0", "--quiet", "--env-kwargs", '{"noise": null}'],
            "'env_kwargs': must hold plain words",
        ),
        (
            ["search", "toys/Toy-v0", "--env-kwargs", '{"max_episode_steps": 5}'],
            "max_episode_steps.*max_steps",
        ),
        (["search", "toys/Toy-v0", "--env-kwargs", '{"render_mode": "human"}'], "render_mode"),
        (["search", "toys/Toy-v0", "--env-kwargs", '{"disable_env_checker": true}'], "disable_env_checker"),
        (["search", "toys/Toy-v0", "--env-kwargs", '{"id": "Pendulum-v1"}'], "'id'"),
        (
            ["search", "toys/Picky-v0", "--env-kwargs", '{"size": 5}'],
            "toys/Picky-v0': .*size must be below 5",
        ),
        (["search", "swingup", "--set", "env_kwargs={}"], "env_kwargs is not a setting to --set"),
        (["search", "swingup", "--set", "stepping=python"], "'stepping': .*'compiled'.* got 'python'"),
        (["search", "toys/Toy-v0", "--set", "stepping=compiled"], "'toys/Toy-v0' has no compiled physics"),
        (
            ["search", "swingup", "--threads", "1", "--workers", "2"],
            "--threads compute in this process, .* choose",
        ),
        (["search", "swingup", "--threads", "1", "--address", "auto"], "choose one"),
        (["search", "swingup", "--workers", "0"], "0 is not in the range"),
        (["search", "swingup", "--workers", "two"], "'two' is not a valid integer"),
        (["import", "none.out", "--task", "swingpu"], "unknown task 'swingpu'; did you mean 'swingup'"),
        (["import", "none.out", "--env-kwargs", "5"], "'5' is not a JSON object"),
        (["search", "swingup", "extra"], "unexpected extra argument"),
        (["search", "swingup", "--sedes=1"], "No such option '?--sedes"),
        (["search", "swingup", "--preset", "papre"], "has no preset 'papre'; did you mean 'paper'"),
        (["search", "swingup", "--preset", "x"], "no preset 'x'; choose from laptop, lexicase, paper, "),
        (
            ["search", "swingup", "--set", "popultion=9"],
            "unknown setting 'popultion'; did you mean 'population'",
        ),
        (["search", "swingup", "--set", "popSize=9"], "unknown setting 'popSize'"),
        (["search", "swingup", "--set", "generations"], "given as name=value, not 'generations'"),
        (["search", "swingup", "--set", "=5"], "given as name=value, not '=5'"),
        (["search", "swingup", "--set", "task=biped"], "task is not a setting to --set"),
        (["search", "swingup", "--set", "preset=paper"], "preset is not a setting to --set"),
        (
            ["search", "swingup", "--set", "population=1"],
            "'population': input should be greater than .* got 1",
        ),
        (
            ["search", "swingup", "--set", "cull_ratio=1.0"],
            "'cull_ratio': input should be less than 1, got 1.0",
        ),
        (["search", "swingup", "--set", "elite_ratio=-0.1"], "'elite_ratio': .* got -0.1"),
        (["search", "swingup", "--set", "population=many"], "'population': .*valid integer, got 'many'"),
        (["search", "swingup", "--set", "population=9.0"], "'population': .*valid integer, got 9.0"),
        (["search", "swingup", "--set", "population=true"], "'population': .*valid integer, got True"),
        (["search", "swingup", "--set", "population="], "'population': .*valid integer, got ''"),
        (["search", "swingup", "--set", "population=none"], "'population': .*valid integer, got None"),
        (["search", "swingup", "--set", "population=2026-11-21"], "'population': .*valid integer"),
        (["search", "swingup", "--set", "weights=1"], "'weights': .*list such as .*, got 1"),
        (["search", "swingup", "--set", "weights=[]"], "'weights': .*at least 1 item"),
        (["search", "swingup", "--set", "weights=[1, nan]"], "'weights.1': .*finite number"),
        (
            ["search", "swingup", "--set", "weight_range=[2, -2]"],
            "'weight_range': needs the lower end before",
        ),
        (["search", "swingup", "--set", 'activations=["relux"]'], "'activations.0': .*'relu'"),
        (["search", "swingup", "--set", 'activations=["relu", "relu"]'], "lists a function twice"),
        (["search", "swingup", "--set", "weight_sampling=gauss"], "'weight_sampling': .*'normal'"),
        (["search", "swingup", "--set", f"population={'9' * 5000}"], "limit|population"),
        (["search", "swingup", "--seed", "-1"], "-1 is not in the range"),
        (["search", "swingup", "--seed", "1.5"], "'1.5' is not a valid integer"),
        (["search", "swingup", "--seed", str(2**63)], "'seed': input should be less than"),
        (["search", "swingup", "--threads", "0"], "0 is not in the range"),
        (["search", "swingup", "--config", "none.toml"], "cannot read settings file none.toml: No such file"),
        (["search", "swingup", "--config", "."], "cannot read settings file .: Is a directory"),
        (["resume", "none"], "run folder none does not exist"),
        (["resume", "."], "is not a run folder: it holds no config.toml"),
        (["evaluate", "none"], "cannot read champion none: No such file"),
        (["evaluate", "."], "is not a run folder: it holds no champion.json"),
        (["evaluate", ".", "--weights", "1;2"], "'1;2' is not a list of numbers such as -1,0.5,2"),
        (["evaluate", ".", "--weights", ""], "is not a list of numbers"),
        (["evaluate", ".", "--episodes", "0"], "0 is not in the range"),
        (["replay", ".", "--weight", "best"], "'best' is neither a number nor \"tuned\""),
        (["replay", "none"], "cannot read champion none"),
        (["draw", "none"], "cannot read champion none"),
        (["plot", "none"], "run folder none does not exist"),
        (["import", "none.out"], "cannot read none.out: "),
        (["import", ".", "--out", "x.json"], r"cannot read \.: Is a directory"),
        (["settings", "--task", "swing"], "unknown task 'swing'; did you mean 'swingup'"),
        (["settings", "--preset", "laptap"], "no preset 'laptap'; did you mean 'laptop'"),
    ],
)
def test_a_mistake_ends_in_one_line_with_code_2_and_changes_nothing(
    refused, no_evaluation, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert re.search(message, refused(*arguments))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["evaluate", "draw", "replay", "plot"])
def test_a_run_without_a_champion_yet_says_so(refused, run_path, command):
    (run_path / "champion.json").unlink()
    assert refused(command, run_path) == f"{run_path} has no champion yet: it holds no champion.json"


@pytest.mark.parametrize("command", ["resume", "plot"])
def test_a_run_of_a_newer_format_is_refused(refused, run_path, command):
    settings = (run_path / "config.toml").read_text()
    (run_path / "config.toml").write_text(settings.replace("format = 1", "format = 7"))
    line = refused(command, run_path)
    assert line.startswith(f"{run_path / 'config.toml'}: has format 7, newer than 1")
    line = refused("search", "swingup", *SET, "--resume", "--out", run_path)
    assert "has format 7, newer than 1" in line


@pytest.mark.parametrize("command", ["evaluate", "draw", "replay"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"format": "wann-champion"', "is not JSON, or cut off"),
        (b"\xff\xfe", "is not text"),
        (b'{"format": "wann-champion", "version": 9}', "has version 9, newer than 1"),
        (b'{"format": "wann-champion", "version": NaN}', "holds NaN, which is not a finite number"),
    ],
)
def test_a_broken_champion_file_is_refused_in_one_line(refused, tmp_path, command, content, message):
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    line = refused(command, path)
    assert line.startswith(f"champion file {path}")
    assert message in line


def test_a_champion_of_another_task_s_shape_is_refused(refused, short, tmp_path):
    tree = json.loads(short.read_text())
    tree["task"] = "swingupp"
    (tmp_path / "other.json").write_text(json.dumps(tree))
    for command in (["evaluate"], ["replay", "--out", tmp_path / "film.gif"]):
        line = refused(command[0], tmp_path / "other.json", *command[1:])
        assert "unknown task 'swingupp'; did you mean 'swingup'" in line
    tree["task"] = "swingup"
    tree["outputs"], tree["genome"]["outputs"] = ["force", "torque"], 2
    tree["genome"]["nodes"].append([7, "linear"])
    (tmp_path / "other.json").write_text(json.dumps(tree))
    for command in (["evaluate"], ["replay", "--out", tmp_path / "film.gif"]):
        line = refused(command[0], tmp_path / "other.json", *command[1:])
        assert "has 5 inputs and 2 outputs, but task 'swingup' has 5 and 1" in line
    assert not (tmp_path / "film.gif").exists()


@pytest.mark.parametrize("weight", ["nan", "inf", "tuned"])
def test_a_weight_that_cannot_be_used_is_refused(refused, short, tmp_path, weight):
    line = refused("replay", short, "--weight", weight, "--out", tmp_path / "film.gif")
    assert "tuned weights" in line if weight == "tuned" else "finite" in line
    assert not (tmp_path / "film.gif").exists()
    if weight != "tuned":
        assert "finite" in refused("evaluate", short, "--weights", f"1,{weight}")


@pytest.mark.parametrize(
    ("command", "suffix"), [("draw", ".svg"), ("plot", ".png"), ("replay", ".gif"), ("import", ".json")]
)
@pytest.mark.parametrize("place", ["file/out", "missing/out", "/proc/out", "folder"])
def test_an_output_file_that_cannot_be_written_ends_in_one_line(
    refused, short, run_path, tmp_path, request, command, suffix, place
):
    (tmp_path / "file").write_text("x")
    (tmp_path / f"folder{suffix}").mkdir()
    path = tmp_path / f"{place}{suffix}"
    source = {"plot": run_path, "draw": short, "replay": short}.get(command)
    if command == "import":
        source = request.getfixturevalue("published_data") / "swing.out"
    line = refused(command, source, "--out", path, codes=(1, 2))
    assert str(path) in line
    assert not path.is_file()


@pytest.mark.parametrize("command", ["draw", "plot", "replay"])
@pytest.mark.parametrize("name", ["it.txt", "it", ".svg", "it.svg.zip"])
def test_an_output_file_of_an_unknown_kind_is_refused(refused, short, run_path, tmp_path, command, name):
    source = run_path if command == "plot" else short
    if (command, name) == ("replay", "it"):
        name = "it.tar"  # a name without a suffix is that of a folder
    before = sorted(tmp_path.rglob("*"))
    line = refused(command, source, "--out", tmp_path / name)
    assert ".gif" in line if command == "replay" else ".svg" in line
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("task", "needs", "hint"),
    [
        (
            "BipedalWalkerHardcore-v3",
            'Box2D is not installed, run `pip install "gymnasium[box2d]"`',
            "wann[box2d]",
        ),
        ("Ant-v5", 'MuJoCo is not installed, run `pip install "gymnasium[mujoco]"`', "wann[mujoco]"),
        ("toys/Toy-v0", "the toys need batteries\nand time", "the toys need batteries"),
    ],
)
def test_what_a_task_needs_is_said_in_one_line(refused, tmp_path, monkeypatch, task, needs, hint):
    def make(env_id, **options):
        raise DependencyNotInstalled(needs)

    monkeypatch.setattr(gymnasium, "make", make)
    for arguments in (["search", task, "--out", tmp_path / "run"], ["settings", "--task", task]):
        line = refused(*arguments)
        assert line.startswith(f"task '{task}': {task} needs an extra: ")
        assert hint in line
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_a_run_is_written_over(wann_command, tmp_path):
    run_path = tmp_path / "run"
    assert (
        wann_command("search", "swingup", *SET, "--set=generations=2", "--out", run_path, "--quiet")[0] == 0
    )
    before = {path: path.read_bytes() for path in run_path.iterdir() if path.is_file()}
    for arguments in (
        ("table", run_path, "--untuned", "--format", "csv", "--out", run_path / "metrics.csv"),
        ("table", run_path, "--untuned", "--format", "markdown", "--out", run_path / "config.toml"),
        ("sensitivity", run_path, "--out", tmp_path / "s.png", "--table", run_path / "champion.json"),
        ("export", run_path, "--format", "json", "--out", run_path / "front.json"),
    ):
        code, out, err = wann_command(*arguments)
        assert (code, out) == (2, "")
        assert "belongs to the run in" in err
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prune", "--tolerance", "120%"], "tolerance must be from 0% to below 100%, not 1.2"),
        (["prune", "--tolerance", "-1%"], "tolerance must be from 0% to below 100%"),
        (
            ["prune", "--tolerance", "a bit"],
            "'a bit' is neither a share such as 1% nor a number such as 0.01",
        ),
        (["prune", "--weight", "tuned"], "no tuned weights"),
        (["prune", "--weight", "worst"], '\'worst\' is neither a number, "best" nor "tuned"'),
        (["prune", "--weight", "0"], "there is nothing to lose"),
        (["prune", "--out", "toy.json"], "toy.json exists already: choose another --out"),
        (["prune", "--map", "toy.json"], "toy.json exists already: choose another --map"),
        (["prune", "--out", "same.json", "--map", "same.json"], "--map and --out name the same file"),
        (["prune", "--out", "no/where.json"], "no/where.json cannot be written"),
        (["sensitivity", "--out", "no/where.svg"], "no/where.svg cannot be written"),
        (["sensitivity", "--out", "it.gif"], "must end in .svg, .png, .pdf"),
        (["sensitivity", "--table", "it.txt"], "it.txt: a table's name must end in .csv or .json"),
        (["sensitivity", "--weight", "0"], "there is nothing to lose"),
        (["sensitivity", "--data", "x"], "--data names the folder of MNIST"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(refused, toy, monkeypatch, arguments, words):
    monkeypatch.chdir(toy.parent)
    monkeypatch.setenv("WANN_DATA", "unused")  # --data sets it
    files = sorted(toy.parent.iterdir())
    command, *options = arguments
    assert words in refused(command, toy.name, *FEW, *options)
    assert sorted(toy.parent.iterdir()) == files


@pytest.mark.parametrize("command", ["prune", "sensitivity"])
def test_an_unknown_task_is_one_line(refused, toy, command):
    text = champion_to_json(load_champion(toy)).replace("toys/Toy-v0", "toys/Tay-v0")
    toy.write_text(text, encoding="utf-8")
    assert "unknown task 'toys/Tay-v0'; did you mean" in refused(command, toy, *FEW)
