"""The command line, as a person or a script meets it."""

import csv
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from functools import partial

import gymnasium
import numpy as np
import pytest
import toys
from gymnasium.error import DependencyNotInstalled
from rich.console import Console

import wann
from wann import cli
from wann import progress as live
from wann import settings as config
from wann.champion import Champion, Scores, load_champion, save_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.networks.genome import genome_from_dict
from wann.run import search as run
from wann.run.folder import MEASURED, RunFolder
from wann.settings import REFERENCE_NAMES, Settings
from wann.tasks.environment_task import GymnasiumTask
from wann.tasks.registry import get_task, task_names
from wann.utils.seeding import Purpose, episode_seeds

TINY = {"population": 8, "max_steps": 50, "confirm_episodes": 4, "episodes": 2, "seed": 11}
SET = [f"--set={name}={value}" for name, value in TINY.items()]
OPTIONS = {
    "search": "TASK --preset --config --set --env-kwargs --init-from --no-compiled --seed --out --resume "
    "--threads --workers --address --quiet --json",
    "resume": "RUN --set --threads --workers --address --quiet --json",
    "evaluate": "CHAMPION --episodes --weights --seed --threads --workers --address --json",
    "tune": "CHAMPION --method --budget --population --episodes --sigma --weight --freeze --task "
    "--env-kwargs --data --seed --out --threads --workers --address --quiet --json",
    "race": "RUN --method --budget --population --episodes --max-steps --sigma --seed --networks --data "
    "--out --threads --workers --address --quiet --json",
    "table": "RUN --episodes --seed --method --budget --untuned --format --out --threads --workers --address "
    "--data --quiet",
    "compare": "DATASET --methods --seeds --budget --champion --out --format --list --label --data --quiet",
    "sensitivity": "CHAMPION --weight --episodes --seed --out --table --threads --workers --address --data "
    "--json",
    "prune": "CHAMPION --tolerance --weight --episodes --fresh --seed --out --map --threads --workers "
    "--address --data --json",
    "replay": "CHAMPION --weight --seed --steps --with-network --theme --out",
    "play": "CHAMPION --port --no-browser",
    "draw": "CHAMPION --out --only --highlight --theme --width --generations --film",
    "plot": "RUN --out --threads --workers --address --data",
    "report": "RUN --out --data",
    "watch": "RUN --port --no-browser --data",
    "front": "RUN --pick --out --threads --workers --address --data --json",
    "export": "CHAMPION --format --weight --out --dtype --opset --json",
    "import": "FILE --task --env-kwargs --tuned --out",
    "tasks": "",
    "settings": "--task --preset",
    "doctor": "ENV_ID --env-kwargs --json",
}
OUTCOME = {
    "run",
    "champion",
    "generations",
    "evaluations",
    "steps",
    "seconds",
    "confirmed_mean",
    "best_shared",
}


@pytest.fixture
def no_evaluation(monkeypatch):
    """Fails the test as soon as a generation is asked for."""

    def ask(*arguments, **options):
        pytest.fail("a generation was computed")

    monkeypatch.setattr(run.Evolution, "ask", ask)


def searched(path, **values):
    run.search("swingup", out=path, threads=1, **(TINY | {"generations": 4} | values))
    return path


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A finished run of four generations; copy it before changing it."""
    return searched(tmp_path_factory.mktemp("ended") / "run")


@pytest.fixture
def run_path(ended, tmp_path):
    shutil.copytree(ended, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def short(tmp_path):
    """Champion file of a network that pushes the cart off its track within a second."""
    genome = genome_from_dict(
        {
            "inputs": 5,
            "outputs": 1,
            "nodes": [[node, "linear"] for node in range(7)],
            "connections": [[0, 0, 6, True]],
        }
    )
    scores = Scores.from_returns(np.array([2.0]), np.array([[5.0]]), (1,))
    task = get_task("swingup")
    save_champion(Champion("swingup", task.inputs, task.outputs, genome, scores), tmp_path / "short.json")
    return tmp_path / "short.json"


def rows(path):
    """Metrics as text, but for the columns that a clock measured."""
    with open(path / "metrics.csv", newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name not in MEASURED} for row in found]


def files(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


# help


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
    assert set(OPTIONS) == set(cli.commands.commands)
    for command in OPTIONS:
        assert re.search(rf"^  {command} +\S", out, re.MULTILINE)
    assert re.search(r"^ +wann search swingup --preset laptop ", out, re.MULTILINE)
    assert re.search(r"^ +wann replay runs/", out, re.MULTILINE)
    assert "\\b" not in out
    assert "\b" not in out


def test_the_version_is_the_package_s(wann_command):
    assert wann_command("--version") == (0, f"wann, version {wann.__version__}\n", "")


# search


def test_search_ends_by_saying_where_the_champion_is_and_what_to_do_with_it(wann_command, tmp_path):
    path = tmp_path / "a run"
    code, out, err = wann_command("search", "swingup", *SET, "--set=generations=3", "--out", path)
    assert (code, err) == (0, "")
    assert "generation 3/3" in out
    ended, champion, scores, done, *lines = out.splitlines()[-12:]
    assert ended == "Ended by generations after generation 3."
    assert champion.split("  ")[-1].strip() == str(path / "champion.json")
    assert re.search(
        r"mean return [\d.]+ over 25 shared weights, [\d.]+ at weight [-\d.]+; \d+ connection", scores
    )
    assert re.fullmatch(
        r" +at this weight the pole is upright \(within 20°\) for [\d.]+ of 10 s in the median, and for at "
        r"least 5 s from \d+ of 100 starts",
        done,
    )
    what = ("evaluate", "tune", "replay", "draw", "plot", "report", "front", "resume")
    for line, command in zip(lines, what, strict=True):
        name, _, text = line.partition("  ")
        assert name.lower() == command
        # Each can be pasted into a shell.
        assert shlex.split(text)[:3] == ["wann", command, str(path)]
    assert load_champion(path).origin["preset"] == "lexicase"


def test_quiet_shows_the_end_only(wann_command, tmp_path):
    code, out, err = wann_command(
        "search", "swingup", *SET, "--set=generations=3", "--quiet", "--out", tmp_path / "a"
    )
    assert (code, err) == (0, "")
    assert out.startswith("Ended by generations after generation 3.\nChampion ")


def test_a_terminal_sees_scores_costs_and_where_the_time_went(wann_command, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "Console", partial(Console, force_terminal=True, width=100))
    failing = ["--env-kwargs", '{"trouble": "nan"}', "--set=population=12", "--set=episodes=2", "--seed=2"]
    for arguments, generations, workers, failed in (
        (["swingup", *SET, "--threads=2"], 3, "2 workers", False),
        (["toys/Toy-v0", *failing, "--threads=1"], 1, "1 worker", True),
    ):
        path = tmp_path / workers
        code, out, err = wann_command("search", *arguments, f"--set=generations={generations}", "--out", path)
        assert code == 0
        assert "Starting; the first time, the engine is compiled" in err
        *_, last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out).split("╭")
        assert f"{arguments[0]} · lexicase · seed " in last
        for words in ("champion, confirmed", "best of generation", "median", "0:00 left"):
            assert words in last
        assert f"generation {generations} of {generations}" in last
        assert re.search(rf"{workers}, \d+% busy · evaluation \d+% · variation \d+% · waiting \d+%", last)
        assert "retried" not in last
        assert (re.search(r"\d networks\s[^a-z]*failed", last) is not None) is failed


def test_json_prints_one_object_and_nothing_else(wann_command, tmp_path):
    path = tmp_path / "run"
    code, out, err = wann_command("search", "swingup", *SET, "--set=generations=3", "--json", "--out", path)
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    summary = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert summary.keys() >= OUTCOME
    champion = load_champion(path)
    columns = RunFolder.open(path).read_metrics()
    assert summary["run"] == str(path)
    assert summary["champion"] == str(path / "champion.json")
    assert summary["generations"] == 3
    assert summary["evaluations"] == columns["evaluations"][-1]
    assert summary["steps"] == columns["steps"][-1]
    assert summary["seconds"] > 0
    assert summary["confirmed_mean"] == champion.scores.overall
    weight, mean = champion.scores.best
    assert summary["best_shared"] == {"weight": weight, "mean": mean}


def test_settings_come_from_preset_file_set_and_seed_in_this_order(wann_command, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'preset = "laptop"\ngenerations = 5\npopulation = 9\nseed = 3\nmax_steps = 50\nweights = [1, -0.5]\n'
    )
    path = tmp_path / "run"
    code, _, err = wann_command(
        *("search", "swingup", "--config", file, "--set", "generations=2", "--set=population = 7"),
        *("--set", 'activations=["relu", "abs"]', "--seed", 12, "--out", path, "--quiet"),
    )
    assert (code, err) == (0, "")
    settings = RunFolder.open(path).settings
    assert settings.preset == "laptop"
    assert settings.tournament_size == get_task("swingup").presets["laptop"]["tournament_size"]
    assert settings.max_steps == 50
    assert settings.weights == (1.0, -0.5)
    assert settings.generations == 2
    assert settings.population == 7
    assert settings.activations == ("relu", "abs")
    assert settings.seed == 12


def test_a_named_preset_goes_before_the_file_s(wann_command, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'task = "swingup"\npreset = "laptop"\ngenerations = 1\npopulation = 4'
    )
    arguments = [
        "--config",
        tmp_path / "mine.toml",
        "--preset",
        "paper",
        "--out",
        tmp_path / "run",
        "--quiet",
    ]
    assert wann_command("search", "swingup", *arguments)[0] == 0
    settings = RunFolder.open(tmp_path / "run").settings
    assert (settings.preset, settings.elite_ratio) == ("paper", 0.2)


def test_a_run_goes_into_runs_by_default(wann_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = wann_command("search", "swingup", *SET, "--set=generations=1", "--json")
    assert code == 0
    path = json.loads(out)["run"]
    assert re.fullmatch(r"runs/swingup-\d{4}-\d\d-\d\d-[0-9a-f]{4}", path)
    assert (tmp_path / path / "champion.json").is_file()


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


# search --resume


def test_a_search_with_resume_starts_and_then_does_nothing_over(wann_command, no_evaluation, run_path):
    before = files(run_path)
    arguments = ["search", "swingup", *SET, "--set=generations=4", "--resume", "--out", run_path, "--quiet"]
    for _ in range(2):
        code, out, err = wann_command(*arguments)
        assert (code, err) == (0, "")
        assert out.startswith("Ended by generations after generation 4.\n")
        assert files(run_path) == before


def test_a_search_with_resume_starts_a_run_that_is_not_there(wann_command, ended, tmp_path):
    arguments = ["search", "swingup", *SET, "--set=generations=4", "--resume", "--quiet"]
    assert wann_command(*arguments, "--out", tmp_path / "new")[0] == 0
    assert rows(tmp_path / "new") == rows(ended)


def test_a_search_with_resume_and_more_generations_goes_on(wann_command, run_path, tmp_path):
    arguments = ["search", "swingup", *SET, "--set=generations=9", "--resume", "--out", run_path, "--quiet"]
    code, out, _ = wann_command(*arguments)
    assert code == 0
    assert out.startswith("Ended by generations after generation 9.\n")
    longer = searched(tmp_path / "longer", generations=9)
    assert rows(run_path) == rows(longer)
    assert (run_path / "champion.json").read_bytes() == (longer / "champion.json").read_bytes()


def test_a_search_with_resume_and_other_settings_is_refused_by_their_names(refused, no_evaluation, run_path):
    before = files(run_path)
    line = refused(
        "search", "swingup", *SET, "--seed=5", "--set=elite_ratio=0.3", "--resume", "--out", run_path
    )
    assert line == f"{run_path} holds a run with other settings (elite_ratio, seed): choose another --out"
    assert files(run_path) == before


def test_a_search_does_not_touch_a_run_that_is_there(refused, no_evaluation, run_path):
    before = files(run_path)
    line = refused("search", "swingup", *SET, "--out", run_path)
    assert line == f"{run_path} holds a run already: resume it, or choose another --out"
    assert files(run_path) == before


# resume


def test_resume_with_more_generations_equals_the_longer_run(wann_command, run_path, tmp_path):
    code, out, err = wann_command("resume", run_path, "--set", "generations=11", "--threads", "2", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["generations"] == 11
    longer = searched(tmp_path / "longer", generations=11)
    assert rows(run_path) == rows(longer)
    for name in ("champion.json", "config.toml"):
        assert (run_path / name).read_bytes() == (longer / name).read_bytes()
    champions = {name: text for name, text in files(longer).items() if name.startswith("champions")}
    assert champions
    assert {name: text for name, text in files(run_path).items() if name.startswith("champions")} == champions


def test_resuming_a_finished_run_computes_nothing(wann_command, no_evaluation, run_path):
    before = files(run_path)
    code, out, err = wann_command("resume", run_path, "--quiet")
    assert (code, err) == (0, "")
    assert out.startswith("Ended by generations after generation 4.\n")
    assert files(run_path) == before


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("generations", 3),
        ("target_score", 0),
        ("max_seconds", 0.000001),
        ("max_evaluations", 5),
        ("patience", 1),
    ],
)
def test_the_command_to_resume_that_a_search_ends_with_makes_it_longer(wann_command, tmp_path, rule, value):
    path = tmp_path / "run"
    values = [*SET, "--preset=paper", "--set=generations=6", f"--set={rule}={value}"]
    code, out, _ = wann_command("search", "swingup", *values, "--out", path, "--quiet")
    assert code == 0
    assert out.startswith(f"Ended by {rule} after generation ")
    before = len(rows(path))
    assert before < 6
    program, *arguments = shlex.split(out.splitlines()[-1].removeprefix("Resume"))
    assert program == "wann"
    code, out, _ = wann_command(*arguments, "--quiet")
    assert code == 0
    assert len(rows(path)) == (2 * before if rule == "generations" else 6)


def test_an_interrupt_before_the_search_began_ends_with_130(wann_command, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "search", interrupt)
    code, out, err = wann_command("search", "swingup")
    assert (code, out, err.strip()) == (130, "", "wann: interrupted")


# evaluate


def numbers(line):
    return [float(text) for text in re.findall(r"-?\d+\.\d+", line.split("│")[2])]


def test_evaluate_prints_a_table_with_the_numbers_of_its_json(wann_command, ended):
    arguments = ["evaluate", ended, "--episodes", "3", "--weights", "-2,0.25,1"]
    code, table, err = wann_command(*arguments)
    assert (code, err) == (0, "")
    assert table.startswith("swingup: ")
    assert "3 fresh episodes, seed 0" in table
    code, out, err = wann_command(*arguments, "--json", "--threads", "2")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    card = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert set(card) == {
        *("task", "episodes", "seed", "per_weight"),
        *("uniform_shared", "individual_random", "best_shared", "tuned", "achievement"),
    }
    done = card["achievement"]
    assert done["weight"] == card["best_shared"]["weight"]
    assert (done["starts"], 0 <= done["reached"] <= 3, 0 <= done["median"] <= 10) == (3, True, True)
    assert table.splitlines()[-1] == f"At weight {done['weight']:g} {done['words']}."
    assert (card["task"], card["episodes"], card["seed"]) == ("swingup", 3, 0)
    assert [row["weight"] for row in card["per_weight"]] == [-2, 0.25, 1]
    assert all(set(row) == {"weight", "mean", "std"} for row in [*card["per_weight"], card["best_shared"]])
    assert set(card["uniform_shared"]) == set(card["individual_random"]) == {"mean", "std"}
    assert card["tuned"] is None
    assert -2 <= card["best_shared"]["weight"] <= 2

    lines = [line for line in table.splitlines() if "±" in line]
    scores = [*card["per_weight"], card["uniform_shared"], card["individual_random"], card["best_shared"]]
    names = ["shared -2 ", "shared 0.25 ", "shared 1 ", "over U(-2, 2)", "individual, random", "best shared"]
    assert len(lines) == len(scores)
    for line, name, score in zip(lines, names, scores, strict=True):
        assert name in line
        assert numbers(line) == pytest.approx([score["mean"], score["std"]], abs=0.0501)


def test_evaluate_defaults_to_the_paper_s_weights_and_a_hundred_episodes(wann_command, short):
    _, out, _ = wann_command("evaluate", short, "--json")
    card = json.loads(out)
    assert [row["weight"] for row in card["per_weight"]] == [-2, -1, -0.5, 0.5, 1, 2]
    assert card["episodes"] == 100


def test_evaluate_is_decided_by_its_seed(wann_command, ended):
    answers = [
        json.loads(wann_command("evaluate", ended, "--episodes", 2, "--seed", seed, "--json")[1])
        for seed in (5, 5, 6)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["per_weight"] != answers[2]["per_weight"]
    assert answers[0]["seed"] == 5


def test_evaluate_scores_what_the_environment_itself_gives(wann_command, ended):
    """Against the Gymnasium environment, stepped with `act` on the same seeds."""
    _, out, _ = wann_command("evaluate", ended, "--episodes", 2, "--weights", "1.5", "--seed", 3, "--json")
    champion, totals = load_champion(ended), []
    env = get_task("swingup").make_env()
    for seed in episode_seeds(3, Purpose.EVALUATION, 2, 0):
        observation, _ = env.reset(seed=seed)
        total, done = 0.0, False
        while not done:
            observation, reward, terminated, truncated, _ = env.step(champion.act(observation, 1.5))
            total, done = total + reward, terminated or truncated
        totals.append(total)
    env.close()
    (row,) = json.loads(out)["per_weight"]
    mean = sum(totals) / 2
    assert row["mean"] == pytest.approx(mean, abs=1e-6)
    assert row["std"] == pytest.approx(math.sqrt(sum((total - mean) ** 2 for total in totals) / 2), abs=1e-6)


def test_evaluate_takes_a_run_folder_or_a_champion_file(wann_command, ended):
    arguments = ["--episodes", "1", "--json"]
    answers = {
        wann_command("evaluate", path, *arguments)[1]
        for path in (ended, ended / "champion.json", max((ended / "champions").iterdir()))
    }
    assert len(answers) == 1


def test_a_network_without_any_connection_is_evaluated(wann_command, tmp_path, short):
    tree = json.loads(short.read_text())
    for connection in tree["genome"]["connections"]:
        connection[3] = False
    (tmp_path / "bare.json").write_text(json.dumps(tree))
    code, out, err = wann_command("evaluate", tmp_path / "bare.json", "--episodes", 2, "--json")
    assert (code, err) == (0, "")
    card = json.loads(out)
    assert len({row["mean"] for row in card["per_weight"]} | {card["individual_random"]["mean"]}) == 1


# tasks, settings, import


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


def test_settings_lists_every_setting_with_its_value(wann_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = wann_command("settings", "--preset", "laptop")
    assert (code, err) == (0, "")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    values = {cell[0]: cell[1] for cell in cells if cell[0]}
    assert set(values) == set(Settings.model_fields)
    assert values["preset"] == "laptop"
    assert values["population"] == "64"
    assert values["patience"] == "not set"
    assert all(cell[2] for cell in cells if cell[0])  # a long value is folded into further lines


def test_import_makes_a_champion_that_all_commands_take(wann_command, published_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tuned = published_data / "cartpole_swingup.wann.json"
    code, out, err = wann_command("import", published_data / "swing.out", "--tuned", tuned)
    assert (code, err) == (0, "")
    assert out == "Wrote swing.json: 52 connections, 22 hidden nodes\n"
    assert wann_command("import", published_data / "swing.out", "--out", "plain.json")[0] == 0
    _, out, _ = wann_command("evaluate", "swing.json", "--episodes", 2, "--json")
    assert json.loads(out)["tuned"]["mean"] > 800
    _, out, _ = wann_command("evaluate", "plain.json", "--episodes", 1, "--json")
    assert json.loads(out)["tuned"] is None


def test_import_replaces_no_file(refused, published_data, tmp_path):
    (tmp_path / "mine.json").write_text("mine")
    line = refused("import", published_data / "swing.out", "--out", tmp_path / "mine.json")
    assert line == f"{tmp_path / 'mine.json'} exists already: choose another --out"
    assert (tmp_path / "mine.json").read_text() == "mine"


# draw, plot, replay

BEGINNINGS = {
    ".svg": b"<?xml",
    ".png": b"\x89PNG",
    ".pdf": b"%PDF",
    ".gif": b"GIF8",
    ".mp4": b"\x00\x00\x00",
}


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_draw_writes_the_topology(wann_command, ended, tmp_path, suffix):
    out_path = tmp_path / f"topology{suffix}"
    code, out, err = wann_command("draw", ended, "--out", out_path)
    assert (code, out, err) == (0, f"Wrote {out_path}\n", "")
    assert out_path.read_bytes().startswith(BEGINNINGS[suffix])


def test_draw_shows_the_names_of_inputs_and_outputs(wann_command, ended, tmp_path):
    assert wann_command("draw", ended, "--out", tmp_path / "it.svg")[0] == 0
    text = (tmp_path / "it.svg").read_text()
    for name in (*get_task("swingup").inputs, *get_task("swingup").outputs):
        assert name in text


def test_draw_shows_only_what_feeds_one_output_on_request(wann_command, refused, ended, tmp_path):
    whole, part = tmp_path / "whole.svg", tmp_path / "part.svg"
    assert wann_command("draw", ended, "--out", whole)[0] == 0
    assert wann_command("draw", ended, "--out", part, "--only", "force")[0] == 0
    assert "output force of swingup" in part.read_text()
    assert "output force" not in whole.read_text()
    line = refused("draw", ended, "--out", tmp_path / "none.svg", "--only", "torque")
    assert line == "the champion has no output 'torque'; choose from force"
    assert not (tmp_path / "none.svg").exists()


def test_draw_highlights_an_output_and_takes_a_theme_and_a_width(wann_command, refused, ended, tmp_path):
    files = {}
    for name, options in {
        "plain": [],
        "highlight": ["--highlight", "force"],
        "dark": ["--theme", "dark"],
        "column": ["--width", "col"],
        "same": ["--width", "86.36mm"],
    }.items():
        path = tmp_path / f"{name}.svg"
        assert wann_command("draw", ended, "--out", path, *options)[0] == 0
        files[name] = path.read_text()
    assert files["column"] == files["same"]
    assert len(set(files.values())) >= 3
    assert f'width="{3.4 * 72:g}pt"' in files["column"]
    line = refused("draw", ended, "--highlight", "torque")
    assert line == "the champion has no output 'torque'; choose from force"
    assert "--only leaves a single output: leave out --highlight" in refused(
        "draw", ended, "--only", "force", "--highlight", "force"
    )


@pytest.mark.parametrize("width", ["wide", "0in", "-3", "1e3in", "5ft"])
def test_draw_refuses_a_width_that_is_none(refused, ended, width):
    assert "is not col, page, or 1 to 40 inches such as 3.4in or 86mm" in refused(
        "draw", ended, f"--width={width}"
    )


def test_draw_shows_the_development_of_a_run(wann_command, refused, ended, tmp_path):
    generation = min(int(path.stem) for path in (ended / "champions").glob("*.json"))
    path = tmp_path / "development.svg"
    code, out, err = wann_command("draw", ended, "--generations", f"{generation},4", "--out", path)
    assert (code, out, err) == (0, f"Wrote {path}\n", "")
    assert {f"generation {generation}", "generation 4"} <= set(
        re.findall(r"generation \d+", path.read_text())
    )
    assert "is not a list of generations such as 8,32,128,1024" in refused(
        "draw", ended, "--generations", "a"
    )
    assert "has no champion at generation 0" in refused("draw", ended, "--generations", "0")
    assert "is not a run folder" in refused("draw", ended / "champion.json", "--generations", "4")


def test_draw_films_the_development_of_a_run(wann_command, refused, ended, tmp_path):
    path = tmp_path / "film.mp4"
    code, out, _ = wann_command("draw", ended, "--film", path)
    assert code == 0
    assert re.fullmatch(rf"Wrote {re.escape(str(path))}, \d+ frames\n", out)
    assert path.read_bytes().startswith(BEGINNINGS[".mp4"])
    assert "path must end in .mp4 or .gif" in refused("draw", ended, "--film", tmp_path / "film.avi")
    assert "leave out --width" in refused("draw", ended, "--film", path, "--width", "col")


def test_draw_writes_beside_the_champion_by_default(wann_command, run_path, short):
    assert wann_command("draw", run_path)[1] == f"Wrote {run_path / 'champion.svg'}\n"
    assert (run_path / "champion.svg").is_file()
    assert wann_command("draw", short)[1] == f"Wrote {short.with_suffix('.svg')}\n"
    assert short.with_suffix(".svg").is_file()


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_plot_writes_the_curves(wann_command, ended, tmp_path, suffix):
    out_path = tmp_path / f"curves{suffix}"
    code, out, err = wann_command("plot", ended, "--out", out_path)
    assert (code, out, err) == (0, f"Wrote {out_path}\n", "")
    assert out_path.read_bytes().startswith(BEGINNINGS[suffix])


def test_plot_writes_into_the_run_by_default(wann_command, run_path):
    assert wann_command("plot", run_path)[1] == f"Wrote {run_path / 'curves.png'}\n"
    assert (run_path / "curves.png").is_file()


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_replay_writes_a_film_and_says_what_the_episode_came_to(wann_command, short, tmp_path, suffix):
    out_path = tmp_path / f"film{suffix}"
    code, out, err = wann_command("replay", short, "--out", out_path, "--seed", 4)
    assert (code, err) == (0, "")
    wrote, came_to = out.splitlines()
    assert re.fullmatch(rf"Wrote {re.escape(str(out_path))}, \d+ frames", wrote)
    found = re.fullmatch(r"Return ([\d.]+) in (\d+) steps at weight 2, seed 4", came_to)
    assert found
    assert 10 < int(found[2]) < 150
    assert out_path.read_bytes().startswith(BEGINNINGS[suffix])
    assert out_path.stat().st_size > 2000


def test_replay_shows_the_network_at_several_weights(wann_command, refused, short, tmp_path):
    path = tmp_path / "film"
    code, out, err = wann_command(
        *("replay", short, "--weight=-1,2", "--with-network", "--theme", "dark", "--steps", 6, "--out", path)
    )
    assert (code, err) == (0, "")
    wrote, *ends = out.splitlines()
    assert wrote == f"Wrote {path}, {len(list(path.iterdir()))} frames"
    assert [line.partition(" at ")[2] for line in ends] == ["weight -1, seed 0", "weight 2, seed 0"]
    assert all(" in 6 steps " in line for line in ends)
    assert "neither a number nor" in refused("replay", short, "--weight=1,heavy", "--out", tmp_path / "b.gif")


def test_progress_off_a_terminal_is_a_line_now_and_then(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr(live.time, "monotonic", lambda: now)
    with live.bar("Recording") as progress:
        for done in range(101):
            now = 0.5 * done
            progress(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"Recording {k}/100  0:{50 - k // 2:02d} left" for k in (20, 40, 60, 80)]


def test_replay_plays_what_evaluate_scores(wann_command, short, tmp_path):
    totals = set()
    for weight in ("1.75", "-1.75"):
        arguments = ["--weight", weight, "--seed", 9, "--out", tmp_path / f"{weight}.gif"]
        code, out, _ = wann_command("replay", short, *arguments)
        assert code == 0
        assert f"at weight {weight}, seed 9" in out
        champion, task = load_champion(short), get_task("swingup")
        with LocalEvaluator(task, task.episode_steps, 1) as evaluator:
            returns = evaluator.evaluate([champion.network], np.array([float(weight)]), [9]).returns
        assert float(re.search(r"Return ([\d.]+) ", out)[1]) == pytest.approx(
            float(returns[0, 0, 0]), abs=0.051
        )
        totals.add(out.splitlines()[-1].split()[1])
    assert len(totals) == 2


def test_replay_without_a_screen_says_so(refused, short, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    line = refused("replay", short, codes=(1, 2))
    assert "--out" in line or "screen" in line


# what the user got wrong


@pytest.fixture
def written(tmp_path):
    """Writes a settings file; gives its path."""

    def write(content, name="mine.toml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


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
        (["search", "swingup", "--seeds=1"], "No such option '?--seeds"),
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("popultion = 9", "unknown setting 'popultion'; did you mean 'population'"),
        ("population = 1", "setting 'population': input should be greater than"),
        ('population = "9"', "setting 'population': .*valid integer"),
        ("[population]\nsize = 9", "setting 'population': .*valid integer"),
        ("population = 9\npopulation = 9", "is not TOML: Cannot overwrite a value"),
        ("population: 9", "is not TOML"),
        ('{"population": 9}', "is not TOML"),
        (b"\xff\xfe\x00", "is not TOML: .*codec can't decode"),
        ("weights = " + "[" * 100_000, "is not TOML"),
        ('task = "biped"', "is for task 'biped', not 'swingup'"),
        ("task = 5", "is for task 5, not 'swingup'"),
        ('preset = "papre"', "has no preset 'papre'; did you mean 'paper'"),
        ("env_kwargs = 5", "setting 'env_kwargs': must be a table, not 5"),
        ("env_kwargs.length = 5", "does not take these arguments: .*'length'"),
        ('stepping = "python"', "setting 'stepping'"),
        ("preset = 5", "preset"),
        ('preset = ["paper"]', "preset"),
    ],
)
def test_a_mistake_in_a_settings_file_ends_in_one_line(
    refused, no_evaluation, written, tmp_path, content, message
):
    line = refused("search", "swingup", "--config", written(content), "--out", tmp_path / "run")
    assert re.search(message, line)
    assert len(line) < 2000
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ('{"popSize": 9', "is not JSON"),
        ("[1, 2]", "must hold names and values, not a list"),
        ("[" * 100_000, "is not JSON"),
        ('{"cull_ratio": NaN}', "setting 'cull_ratio'"),
        (b"\xff", "is not JSON"),
    ],
)
def test_a_mistake_in_a_settings_file_of_the_reference_ends_in_one_line(
    refused, no_evaluation, written, tmp_path, content, message
):
    line = refused("search", "swingup", "--config", written(content, "mine.json"), "--out", tmp_path / "run")
    assert re.search(message, line)
    assert not (tmp_path / "run").exists()


def test_the_reference_s_names_are_mapped_with_a_note_and_have_effect(wann_command, written, tmp_path):
    values = {
        "task": "swingup",
        "maxGen": 2,
        "popSize": 9,
        "alg_nReps": 2,
        "alg_nVals": 6,
        "alg_probMoo": 0.25,
        "alg_wDist": "standard",
        "bestReps": 3,
        "prob_initEnable": 0.75,
        "prob_crossover": 0.125,
        "prob_addConn": 0.3,
        "prob_addNode": 0.31,
        "prob_enable": 0.32,
        "prob_mutAct": 0.33,
        "select_cullRatio": 0.34,
        "select_eliteRatio": 0.35,
        "select_tournSize": 3,
        "save_mod": 8,
        "alg_probMoo_test1": 0.6,
        "alg_probMoo_test2": 0.4,
        "epsilon": 1e-7,
    }
    assert set(values) == set(REFERENCE_NAMES), "a test for every name that is mapped"
    path = tmp_path / "run"
    file = written(json.dumps(values), "default_wan.json")
    code, out, err = wann_command("search", "swingup", "--config", file, "--out", path, "--json")
    assert code == 0
    assert json.loads(out)["generations"] == 2
    notes = err.splitlines()
    assert all(note.startswith("note: ") for note in notes)
    assert notes.pop() == "note: settings that are not in the file are those of the preset paper"
    assert len(notes) == len(values) - 1, "one for each but task, whose name is ours too"
    settings = RunFolder.open(path).settings.model_dump()
    assert settings["preset"] == "paper"
    for name, ours in REFERENCE_NAMES.items():
        (note,) = (line for line in notes if f" {name} " in line) if name != "task" else ("",)
        if ours is None:
            assert "has no counterpart and is left out" in note
        elif name == "alg_wDist":
            assert (settings[ours], ours in note) == ("fixed", True)
        else:
            assert settings[ours] == values[name]
            assert name == ours or note == f"note: {name} is read as {ours}"


def test_the_reference_s_names_work_in_toml_too_and_change_the_search(wann_command, written, tmp_path):
    evaluations = []
    for size in (6, 12):
        file = written(f"popSize = {size}\nalg_nReps = 1\nmax_steps = 20\nmaxGen = 2\n")
        code, out, err = wann_command(
            "search", "swingup", "--config", file, "--out", tmp_path / f"{size}", "--json"
        )
        assert code == 0
        assert "note: popSize is read as population" in err.splitlines()
        evaluations.append(json.loads(out)["evaluations"])
    assert evaluations[1] >= evaluations[0] + 2 * 6 - 2


# folders and files that cannot be used


@pytest.mark.parametrize("place", ["file/run", "file", "full", "/proc/run"])
def test_an_output_folder_that_cannot_be_used_is_found_before_the_search(
    refused, no_evaluation, tmp_path, place
):
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    path = tmp_path / place
    line = refused("search", "swingup", *SET, "--out", path)
    assert line.startswith((f"cannot write to {path}: ", f"{path} exists and is not an empty folder"))
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert refused("search", "swingup", *SET, "--resume", "--out", path) == line


def test_resume_starts_a_run_without_a_checkpoint_from_the_beginning(wann_command, ended, run_path):
    for name in ("checkpoint.npz", "champion.json", "metrics.csv"):
        (run_path / name).unlink()
    header = (ended / "metrics.csv").read_bytes().splitlines(keepends=True)[0]
    (run_path / "metrics.csv").write_bytes(header)
    code, _, err = wann_command("resume", run_path, "--quiet")
    assert (code, err) == (0, "")
    assert rows(run_path) == rows(ended)
    assert (run_path / "champion.json").read_bytes() == (ended / "champion.json").read_bytes()


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


def test_a_run_whose_checkpoints_are_both_damaged_is_refused(refused, run_path):
    (run_path / "checkpoint.npz").write_bytes(b"PK")
    before = files(run_path)
    line = refused("resume", run_path, "--set=generations=50")
    assert line.startswith(f"{run_path} cannot be resumed: checkpoint.npz is damaged")
    assert files(run_path) | {".lock": b""} == before | {".lock": b""}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "population=9",
            "'population' determines the run and cannot change when it is resumed; these can: gen",
        ),
        ("seed=9", "'seed' determines the run"),
        ("task=biped", "'task' determines the run"),
        ("preset=paper", "'preset' determines the run"),
        ("generatons=9", "unknown setting 'generatons'; did you mean 'generations'"),
        ("generations=0", "'generations': input should be greater than"),
        ("generations=none", "'generations': .*valid integer"),
        ("generations", "given as name=value"),
    ],
)
def test_a_wrong_change_at_resume_is_refused(refused, no_evaluation, run_path, assignment, message):
    before = files(run_path)
    assert re.search(message, refused("resume", run_path, "--set", assignment))
    assert files(run_path) == before


@pytest.mark.parametrize("command", ["evaluate", "draw", "replay"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"format": "wann-champion"', "is cut off or not JSON"),
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


def test_a_resumed_run_on_a_disk_that_cannot_be_written_ends_in_one_line(refused, run_path):
    """The lock file is a folder here: as root nothing else is unwritable for sure."""
    (run_path / ".lock").unlink(missing_ok=True)
    (run_path / ".lock").mkdir()
    assert refused("resume", run_path, codes=(1, 2)).startswith(f"cannot write to {run_path}: ")


def test_the_written_settings_can_be_searched_with_again(wann_command, ended, tmp_path):
    """The settings of a run, less the format, are a settings file."""
    values = tomllib.loads((ended / "config.toml").read_text())
    assert values.pop("format") == 1
    (tmp_path / "again.toml").write_text(
        config.to_toml(Settings(**{k: tupled(v) for k, v in values.items()}))
    )
    arguments = ["--config", tmp_path / "again.toml", "--out", tmp_path / "run", "--quiet"]
    assert wann_command("search", "swingup", *arguments)[0] == 0
    assert rows(tmp_path / "run") == rows(ended)


def tupled(value):
    return tuple(value) if isinstance(value, list) else value


def test_going_on_keeps_an_extension_that_was_made_in_between(wann_command, tmp_path):
    some = (*SET, "--set=generations=20")
    search = ("search", "swingup", *some, "--out", tmp_path / "run", "--resume", "--quiet")
    assert wann_command(*search)[0] == 0
    assert wann_command("resume", tmp_path / "run", "--set", "patience=1000", "--quiet")[0] == 0
    assert wann_command(*search)[0] == 0
    assert RunFolder.open(tmp_path / "run").settings.patience == 1000


# any environment


TOY = {"population": 8, "confirm_episodes": 3, "episodes": 2, "seed": 11, "generations": 3}
TOY_SET = [f"--set={name}={value}" for name, value in TOY.items()]


def in_a_process_of_its_own(*arguments):
    """As `wann_command`, where a traceback of the environment may be shown, and no toy is registered yet."""
    done = subprocess.run(
        [sys.executable, "-m", "wann", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.path.dirname(toys.__file__)},
    )
    return done.returncode, done.stdout, done.stderr


def in_one_line(text):
    """Text without its line breaks and columns."""
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("Toy", ["x0", "x1", "x2"], ["action 0"]),
        (
            "Parts",
            [
                "gear=0",
                "gear=1",
                "gear=2",
                "arm.part 0[0]",
                "arm.part 0[1]",
                "arm.part 1[0]",
                "arm.part 1[1]",
            ],
            ["action 0=0", "action 0=1", "action 1=0", "action 1=1", "action 1=2"],
        ),
        ("Choices", None, ["gear=0", "gear=1", "arm.part 0[0]", "arm.part 1[0]"]),
    ],
)
def test_an_environment_of_any_kind_is_searched_evaluated_drawn_and_filmed(
    wann_command, tmp_path, name, inputs, outputs
):
    task, path = f"toys/{name}-v0", tmp_path / "run"
    code, out, err = wann_command("search", task, *TOY_SET, "--out", path, "--threads", 1)
    assert (code, err) == (0, "")
    champion = load_champion(path)
    assert in_one_line(out).startswith(
        f"{task}: stepped by Gymnasium; episodes of 1000 steps "
        f"{len(champion.inputs)} inputs {', '.join(champion.inputs)} "
        f"{len(champion.outputs)} outputs {', '.join(champion.outputs)} "
    )
    assert inputs is None or sorted(champion.inputs) == sorted(inputs)
    assert sorted(champion.outputs) == sorted(outputs)
    assert "generation 3/3" in out

    code, out, err = wann_command(
        "evaluate", path, "--episodes", 2, "--weights=1.5", "--json", "--threads", 1
    )
    assert (code, err) == (0, "")
    env, totals = champion.get_task().make_env(), []
    for seed in episode_seeds(0, Purpose.EVALUATION, 2, 0):
        observation, _ = env.reset(seed=seed)
        total, done = 0.0, False
        while not done:
            observation, reward, terminated, truncated, _ = env.step(champion.act(observation, 1.5))
            total, done = total + reward, terminated or truncated
        totals.append(total)
    env.close()
    assert json.loads(out)["per_weight"][0]["mean"] == pytest.approx(sum(totals) / 2, abs=1e-9)

    assert wann_command("draw", path)[0] == 0
    text = (path / "champion.svg").read_text()
    assert all(name in text for name in (*champion.inputs, *champion.outputs))
    assert wann_command("plot", path, "--threads", 1)[0] == 0
    code, out, _ = wann_command("replay", path, "--out", tmp_path / "film.gif", "--weight=1.5")
    assert code == 0
    assert "in 6 steps at weight 1.5, seed 0" in out
    code, out, _ = wann_command("resume", path, "--set=generations=4", "--threads", 1, "--quiet")
    assert (code, out.splitlines()[0]) == (0, "Ended by generations after generation 4.")


def test_a_search_shows_first_what_was_derived_and_how_it_is_stepped(wann_command, tmp_path):
    arguments = [*TOY_SET, "--set=max_steps=20", "--set=generations=1", "--threads", 1]
    _, out, _ = wann_command("search", "CartPole-v1", *arguments, "--out", tmp_path / "a")
    assert in_one_line(out).startswith(
        "CartPole-v1: compiled physics; episodes of 500 steps 4 inputs position, velocity, angle, angular "
        "velocity 2 outputs push left, push right "
    )
    _, out, _ = wann_command("search", "CartPole-v1", "--no-compiled", *arguments, "--out", tmp_path / "b")
    assert out.splitlines()[0] == "CartPole-v1: stepped by Gymnasium; episodes of 500 steps"
    kwargs = ["--env-kwargs", '{"g": 5.0}']
    _, out, _ = wann_command("search", "Pendulum-v1", *kwargs, *arguments, "--out", tmp_path / "c")
    assert in_one_line(out).startswith(
        'Pendulum-v1 {"g": 5.0}: stepped by Gymnasium; episodes of 200 steps 3 inputs '
        + ", ".join(get_task("Pendulum-v1").inputs)
    )
    for hidden in ("--quiet", "--json"):
        _, out, _ = wann_command("search", "CartPole-v1", *arguments, hidden, "--out", tmp_path / hidden)
        assert "inputs" not in out


def test_no_compiled_scores_as_compiled(wann_command, tmp_path):
    for option in ([], ["--no-compiled"]):
        arguments = [*SET, "--set=generations=2", *option, "--out", tmp_path / f"run{len(option)}"]
        assert wann_command("search", "swingup", *arguments, "--quiet", "--threads", 1)[0] == 0
    compiled, stepped = (RunFolder.open(tmp_path / name) for name in ("run0", "run1"))
    assert (compiled.settings.stepping, stepped.settings.stepping) == ("compiled", "gymnasium")
    assert len(rows(stepped.path)) == len(rows(compiled.path)) == 2
    for one, other in zip(rows(stepped.path), rows(compiled.path), strict=True):
        for name, value in one.items():
            assert float(value) == pytest.approx(float(other[name]), abs=1e-6), name


def test_the_arguments_of_an_environment_come_from_file_and_option_and_stay_with_the_champion(
    wann_command, written, tmp_path
):
    file, path = written('[env_kwargs]\nnoise = 0.5\ntrouble = "never"\n'), tmp_path / "run"
    arguments = ["--config", file, "--env-kwargs", '{"noise": 0.0}', *TOY_SET, "--threads", 1]
    code, _, err = wann_command("search", "toys/Toy-v0", *arguments, "--out", path, "--quiet")
    assert (code, err) == (0, "")
    assert RunFolder.open(path).settings.env_kwargs == {"noise": 0.0, "trouble": "never"}
    assert load_champion(path).env_kwargs == {"noise": 0.0, "trouble": "never"}
    changed = json.loads((path / "champion.json").read_text())
    changed["env_kwargs"]["noise"] = 1.0
    (tmp_path / "noisy.json").write_text(json.dumps(changed))
    means = [
        json.loads(wann_command("evaluate", champion, "--episodes=3", "--json", "--threads=1")[1])
        for champion in (path, tmp_path / "noisy.json")
    ]
    assert means[0]["per_weight"] != means[1]["per_weight"]
    again = ["--config", path / "config.toml", "--threads", 1, "--quiet", "--out", tmp_path / "again"]
    assert wann_command("search", "toys/Toy-v0", *again)[0] == 0
    assert rows(tmp_path / "again") == rows(path)


def test_an_environment_of_another_package_is_imported_by_its_module(wann_command, tmp_path, monkeypatch):
    (tmp_path / "someones_envs.py").write_text(
        "import gymnasium, toys\ngymnasium.register('Theirs-v3', toys.Toy, max_episode_steps=4)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    task, path = "someones_envs:Theirs-v3", tmp_path / "run"
    code, out, err = wann_command("search", task, *TOY_SET, "--threads=1", "--out", path)
    assert (code, err) == (0, "")
    assert out.startswith("someones_envs:Theirs-v3: stepped by Gymnasium; episodes of 4 steps\n")
    assert RunFolder.open(path).settings.max_steps == 4
    for arguments in (
        ["evaluate", path, "--episodes=1", "--json", "--threads=1"],
        ["resume", path, "--set=generations=4", "--quiet", "--threads=1"],
        ["replay", path, "--out", tmp_path / "film.gif"],
        ["settings", "--task", task],
    ):
        # Each as in a new process, which has not imported the module.
        del gymnasium.registry["Theirs-v3"]
        del sys.modules["someones_envs"]
        code, out, err = wann_command(*arguments)
        assert (code, err) == (0, "")
    del gymnasium.registry["Theirs-v3"]


def test_a_search_that_cannot_go_on_shows_the_first_error_whole_and_ends_with_1(tmp_path):
    path = tmp_path / "run"
    kwargs = ["--env-kwargs", '{"trouble": "raise", "width": 9.0}']
    code, out, err = in_a_process_of_its_own(
        *("search", "toys:toys/Toy-v0", *kwargs, *TOY_SET, "--threads=1", "--out", path, "--quiet")
    )
    assert (code, out) == (1, "")
    head, *whole = err.rstrip().splitlines()
    assert head.startswith("wann: 8 of 8 networks of generation 1 could not be evaluated; the run is saved, ")
    assert str(path / "failures.log") in head
    assert whole[0].startswith("ArithmeticError: the motor broke at ")
    assert whole[2] == "Traceback (most recent call last):"
    assert any('raise ArithmeticError(f"the motor' in line for line in whole)
    assert whole[-1].startswith("broke at ")
    assert (path / "checkpoint.npz").is_file()
    assert not (path / "champion.json").exists()


def test_networks_that_fail_are_told_in_a_note(wann_command, tmp_path):
    kwargs = ["--env-kwargs", '{"trouble": "nan"}', "--set=population=12", "--set=seed=2"]
    code, out, err = wann_command(
        *("search", "toys/Toy-v0", *TOY_SET, *kwargs, "--threads=1", "--quiet", "--out", tmp_path / "run")
    )
    assert code == 0
    assert out.startswith("Ended by generations after generation 3.\n")
    failed = [int(row["failed"]) for row in rows(tmp_path / "run")]
    # Where several generations in a row have failures, the first is told.
    told = [k + 1 for k, count in enumerate(failed) if count and not (k and failed[k - 1])]
    assert told
    for generation, line in zip(told, err.splitlines(), strict=True):
        assert line.startswith(
            f"note: {failed[generation - 1]} of 12 networks of generation {generation} could not be "
            "evaluated and rank last (FloatingPointError: the return is nan after a reward of nan (step 1 of "
        )
        assert line.endswith(f"all reasons are in {tmp_path / 'run' / 'failures.log'}")
    log = (tmp_path / "run" / "failures.log").read_text()
    assert 0 < sum(failed) <= log.count("generation ")


def test_hidden_state_is_told_in_a_note(wann_command, tmp_path):
    arguments = [*TOY_SET, "--threads=1", "--quiet", "--out", tmp_path / "run"]
    code, _, err = wann_command("search", "toys/Hidden-v0", *arguments)
    assert code == 0
    assert err == "note: toys/Hidden-v0 keeps hidden state: every episode gets a fresh instance\n"
    assert wann_command("evaluate", tmp_path / "run", "--episodes=1", "--threads=1", "--json")[2] == ""


def test_an_environment_that_hangs_before_the_search_is_a_mistake_in_one_line(refused, tmp_path, monkeypatch):
    def hang(task, _episode_seconds):
        raise TimeoutError("the environment did not finish a few short episodes within 100 s")

    monkeypatch.setattr(GymnasiumTask, "repeatability", hang)
    line = refused("search", "toys/Toy-v0", *TOY_SET, "--quiet", "--out", tmp_path / "run")
    assert line.endswith("toys/Toy-v0': the environment did not finish a few short episodes within 100 s")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("task", "needs", "hint"),
    [
        ("BipedalWalker-v3", 'Box2D is not installed, run `pip install "gymnasium[box2d]"`', "wann[box2d]"),
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


def test_an_interrupt_within_a_generation_ends_with_130_and_says_how_to_go_on(
    wann_command, tmp_path, monkeypatch
):
    path = tmp_path / "run"
    monkeypatch.setattr(toys.Counting, "at", toys.Counting.steps + 1500)
    arguments = ["toys/Counting-v0", *TOY_SET, "--set=fresh_env=false", "--threads=1", "--out", path]
    code, out, err = wann_command("search", *arguments, "--quiet")
    assert (code, err) == (130, "")
    done = len(rows(path))
    assert done < 3
    assert out == f"Stopped after generation {done}, saved. Go on: wann resume {path}\n"
    assert wann_command("resume", path, "--threads=1", "--quiet")[0] == 0
    whole = [*arguments[:-1], tmp_path / "whole"]
    assert wann_command("search", *whole, "--quiet")[0] == 0
    assert rows(path) == rows(tmp_path / "whole")


def test_evaluating_a_champion_whose_environment_fails_ends_with_1(wann_command, tmp_path):
    arguments = [*TOY_SET, "--threads=1", "--quiet", "--out", tmp_path / "run"]
    assert wann_command("search", "toys/Toy-v0", *arguments)[0] == 0
    tree = json.loads((tmp_path / "run" / "champion.json").read_text())
    tree["env_kwargs"] = {"trouble": "raise", "width": 9.0}
    tree["task"] = "toys:toys/Toy-v0"
    (tmp_path / "broken.json").write_text(json.dumps(tree))
    code, out, err = in_a_process_of_its_own("evaluate", tmp_path / "broken.json", "--threads=1")
    assert (code, out) == (1, "")
    assert err.startswith("wann: the champion could not be evaluated: ArithmeticError: the motor broke at ")


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


def test_a_generation_that_a_run_has_not_come_to_is_refused(wann_command, tmp_path):
    run_path = tmp_path / "run"
    assert (
        wann_command("search", "swingup", *SET, "--set=generations=2", "--out", run_path, "--quiet")[0] == 0
    )
    code, _, err = wann_command("draw", run_path, "--generations", "1,3", "--out", tmp_path / "d.png")
    assert (code, err) == (2, f"wann: {run_path} has no generation 3: it is at 2\n")
