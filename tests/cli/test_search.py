"""`wann search`: what it prints and writes, where its settings come from, and which environments it takes."""

import json
import re
import shlex
import sys
import tomllib
from functools import partial

import gymnasium
import pytest
import toys
from commands import SET, TOY_SET, files, in_a_process_of_its_own, in_one_line, rows, searched

from wann import progress
from wann import settings as config
from wann.champion import load_champion
from wann.pages.many_runs import runs_data
from wann.run import search
from wann.run.folder import RunFolder
from wann.settings import Settings
from wann.settings_file import REFERENCE_NAMES
from wann.tasks import trust
from wann.tasks.environment_task import GymnasiumTask
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds
from wann.utils.terminal import PlainConsole

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
    monkeypatch.setattr(progress, "PlainConsole", partial(PlainConsole, force_terminal=True, width=100))
    failing = ["--env-kwargs", '{"trouble": "nan"}', "--set=population=12", "--set=episodes=2", "--seed=2"]
    for arguments, generations, workers, failed in (
        (["swingup", *SET, "--threads=2"], 3, "2 workers", False),
        (["toys/Toy-v0", *failing, "--threads=1"], 1, "1 worker", True),
    ):
        path = tmp_path / workers
        code, out, err = wann_command("search", *arguments, f"--set=generations={generations}", "--out", path)
        assert code == 0
        assert "Starting; compiling the engine takes" in err
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


def test_an_interrupt_before_the_search_began_ends_with_130(wann_command, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "search", interrupt)
    code, out, err = wann_command("search", "swingup")
    assert (code, out, err.strip()) == (130, "", "wann: interrupted")


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


@pytest.mark.slow
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
        values = [*SET, "--set=generations=2", "--set=max_steps=20"]
        arguments = [*values, *option, "--out", tmp_path / f"run{len(option)}"]
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
    monkeypatch.setattr(trust, "_granted", set())
    task, path = "someones_envs:Theirs-v3", tmp_path / "run"
    code, out, err = wann_command("search", task, *TOY_SET, "--threads=1", "--out", path)
    assert (code, err) == (0, "")
    assert out.startswith("someones_envs:Theirs-v3: stepped by Gymnasium; episodes of 4 steps\n")
    assert RunFolder.open(path).settings.max_steps == 4
    for arguments in (
        ["evaluate", path, "--trust", "--episodes=1", "--json", "--threads=1"],
        ["resume", path, "--trust", "--set=generations=4", "--quiet", "--threads=1"],
        ["replay", path, "--trust", "--out", tmp_path / "film.gif"],
        ["settings", "--task", task],
    ):
        # Each as in a new process, which has not imported the module.
        del gymnasium.registry["Theirs-v3"]
        del sys.modules["someones_envs"]
        trust._granted.clear()
        code, out, err = wann_command(*arguments)
        assert (code, err) == (0, "")
    del gymnasium.registry["Theirs-v3"]


@pytest.mark.slow
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


def test_several_seeds_make_a_folder_of_runs_and_the_same_command_goes_on(wann_command, refused, tmp_path):
    tiny = [word for word in SET if "seed=" not in word]
    command = ["search", "swingup", *tiny, "--set=generations=2", "--threads=1", "--out", tmp_path / "all"]
    code, out, err = wann_command(*command, "--seeds", "1,3")
    assert (code, err) == (0, "")
    assert "Seed 3: " in out
    assert "2 runs; 2 finished" in out
    assert f"wann plot {tmp_path / 'all'}" in out
    before = files(tmp_path / "all")
    code, out, err = wann_command(*command, "--seeds", "1,3", "--json")
    assert (code, err) == (0, "")
    assert [run["seed"] for run in json.loads(out)["runs"]] == [1, 3]
    assert files(tmp_path / "all") == before

    assert "--seeds names the seeds of all runs" in refused(*command, "--seeds=1-2", "--seed=1")
    assert "--seeds names the seeds of all runs" in refused(*command, "--seeds=1-2", "--set=seed=1")
    assert "seeds are given as 1-10 or 1,5,8-12" in refused(*command, "--seeds=2-1")


def test_a_file_of_settings_may_be_that_of_several_seeds(wann_command, tmp_path):
    _, toml, _ = wann_command("settings", "--task", "swingup", "--toml")
    assert "\nseed = " in toml
    (tmp_path / "mine.toml").write_text(toml)
    tiny = [word for word in SET if "seed=" not in word]
    command = ["search", *tiny, "--set=generations=1", "--threads=1", "--seeds=4-5"]
    assert wann_command(*command, "--config", tmp_path / "mine.toml", "--out", tmp_path / "a")[0] == 0
    config = tmp_path / "a/seed-5/config.toml"  # which has a seed too
    assert wann_command(*command, "--config", config, "--out", tmp_path / "b")[0] == 0
    for name in ("seed-4", "seed-5"):
        assert rows(tmp_path / "a" / name) == rows(tmp_path / "b" / name)
    assert rows(tmp_path / "a/seed-4") != rows(tmp_path / "a/seed-5")


def test_where_numbers_are_predicted_no_table_of_the_seeds_is_proposed(wann_command, refused, tmp_path):
    pytest.importorskip("pandas")
    lines = [f"{k % 7},{k * 37 % 11},{3 * (k % 7) + k * 37 % 11}" for k in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,price", *lines]))
    sizes = ("--set=population=8", "--set=generations=1", "--threads=1")
    command = ("search", f"csv:{tmp_path / 't.csv'}", "--target=price", *sizes, "--seeds=1-2")
    code, out, _ = wann_command(*command, "--out", tmp_path / "all")
    assert code == 0
    assert "Plot      wann plot" in out
    assert "wann table" not in out
    assert not any("wann table" in each for each in runs_data(tmp_path / "all")["commands"])
    assert "numbers to predict" in refused("table", tmp_path / "all", "--untuned")


def test_of_several_seeds_one_that_cannot_go_on_is_told_and_all_are_listed(wann_command, tmp_path):
    tiny = [word for word in SET if "seed=" not in word]
    command = ["search", "swingup", *tiny, "--threads=1", "--out", tmp_path / "all", "--seeds"]
    assert wann_command(*command, "1", "--set=generations=2")[0] == 0
    for checkpoint in (tmp_path / "all/seed-1").glob("checkpoint*"):
        checkpoint.write_bytes(b"damaged")
    code, out, err = wann_command(*command, "1,2", "--set=generations=3")
    assert code == 1
    assert f"{tmp_path / 'all/seed-1'} failed: " in err
    assert "2 runs; 2 finished" in out


def test_a_settings_file_that_names_the_task_is_enough(wann_command, refused, tmp_path, written):
    _, text, _ = wann_command("settings", "--preset", "laptop", "--toml")
    tiny = [word for word in SET if "seed=" not in word]
    code, _, err = wann_command(
        "search",
        "--config",
        written(text),
        *tiny,
        "--set=generations=1",
        "--out",
        tmp_path / "run",
        "--quiet",
    )
    assert (code, err) == (0, "")
    assert RunFolder.open(tmp_path / "run").settings.preset == "laptop"
    assert "Missing argument 'TASK'" in refused("search")
    assert "names none" in refused("search", "--config", written("population = 9\n", "other.toml"))
    assert "must be a word, not 3" in refused("search", "--config", written("task = 3\n", "odd.toml"))
    assert "without its SHA-256: give TASK too" in refused(
        "search", "--config", written('task = "csv:mine.csv"\n', "table.toml")
    )
