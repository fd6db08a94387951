"""A run: the same numbers whatever interrupts it and however many threads compute it."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import wann
from wann.config import Settings
from wann.evaluator import LocalEvaluator
from wann.run import Interrupted, is_same_search, resume, search
from wann.storage import MEASURED, METRICS, RunFolder
from wann.tasks import get_task

TINY = {"population": 10, "max_steps": 60, "confirm_episodes": 4, "episodes": 2, "seed": 1}
TINY |= {"elite_ratio": 0.2, "tournament_size": 8}


def tiny(path, **values):
    """A tiny search on one thread."""
    return search("swingup", out=path, **(TINY | {"generations": 12, "threads": 1} | values))


def result(path):
    """All that a run must reproduce: metrics and population but for the clock's columns, champions' bytes."""
    with open(path / "metrics.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in MEASURED:
            del row[name]
    champions = {file.name: file.read_bytes() for file in (path / "champions").iterdir()}
    with np.load(path / "checkpoint.npz") as file:
        population = {name: array.tobytes() for name, array in file.items() if name != "seconds"}
    return rows, (path / "champion.json").read_bytes(), champions, population


def files(path):
    return {file.name: file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run of twelve generations that nothing disturbed."""
    path = tmp_path_factory.mktemp("undisturbed") / "run"
    champion = tiny(path).champion
    # Else what comes late, or with new nodes, could differ without a test seeing it: choose another seed.
    assert champion.origin["generation"] > 9
    assert champion.genome.hidden_count
    return path


# the same numbers


def test_the_number_of_threads_changes_no_number(undisturbed, tmp_path):
    for threads in (2, 5, None):
        tiny(tmp_path / f"with {threads}", threads=threads)
        assert result(tmp_path / f"with {threads}") == result(undisturbed)


def test_a_resumed_run_may_use_another_number_of_threads(undisturbed, tmp_path):
    tiny(tmp_path / "run", generations=5, threads=2)
    resume(tmp_path / "run", generations=12, threads=1)
    assert result(tmp_path / "run") == result(undisturbed)


def test_the_seed_decides_the_run(undisturbed, tmp_path):
    tiny(tmp_path / "again")
    tiny(tmp_path / "other", seed=8)
    assert result(tmp_path / "again") == result(undisturbed)
    assert result(tmp_path / "other")[0] != result(undisturbed)[0]


@pytest.mark.parametrize("checkpoint_seconds", [0.0, 5.0])
@pytest.mark.parametrize("parts", [(1, 12), (3, 4, 11, 12)])
def test_a_run_in_parts_is_the_run_in_one(undisturbed, tmp_path, parts, checkpoint_seconds):
    first, *others = parts
    tiny(tmp_path / "run", generations=first, checkpoint_seconds=checkpoint_seconds)
    for generations in others:
        assert resume(tmp_path / "run", generations=generations, threads=1).generations == generations
    assert result(tmp_path / "run") == result(undisturbed)


def test_champions_found_after_the_checkpoint_a_run_goes_on_from_are_forgotten(undisturbed, tmp_path):
    """Killed long after its last checkpoint, then made shorter: what was found in between never was."""
    path, shorter = tmp_path / "run", tmp_path / "shorter"
    tiny(shorter, generations=5)
    shutil.copytree(undisturbed, path)
    shutil.copy(shorter / "checkpoint.npz", path / "checkpoint.npz")
    for generations in (5, 8):
        assert resume(path, generations=generations, threads=1).generations == generations
        resume(shorter, generations=generations, threads=1)
        assert result(path) == result(shorter)


def test_resuming_a_finished_run_changes_no_file(undisturbed, tmp_path):
    tiny(tmp_path / "run")
    before = files(tmp_path / "run")
    again = resume(tmp_path / "run")
    assert (again.generations, again.stopped_by) == (12, "generations")
    assert files(tmp_path / "run") == before


def test_a_shorter_resume_ends_at_once_and_keeps_what_is_there(undisturbed, tmp_path):
    tiny(tmp_path / "run")
    ended = resume(tmp_path / "run", generations=3)
    assert ended.generations == 12
    assert result(tmp_path / "run") == result(undisturbed)


# killed


CRASHES = """
import json, os, shutil, signal, sys
from pathlib import Path
from wann.run import Interrupted, is_run, resume, search

folder, values = Path(sys.argv[1]), json.loads(sys.argv[2])
search("swingup", out=folder / "warm", **values)  # kernels loaded

def in_a_process_of_its_own(work):
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]

def killed_at(operation, work):
    def run():
        count = 0
        def counted(function, after):
            def call(*arguments):
                nonlocal count
                count += 1
                if count == operation and not after:
                    os.kill(os.getpid(), signal.SIGKILL)
                answer = function(*arguments)
                if count == operation and after:
                    os.kill(os.getpid(), signal.SIGKILL)
                return answer
            return call
        os.fsync, os.replace = counted(os.fsync, False), counted(os.replace, True)
        work()
    return in_a_process_of_its_own(run)

operation, moments = 0, 0
while True:
    operation += 1
    path = folder / f"{operation:03d}"
    status = killed_at(operation, lambda: search("swingup", out=path, **values))
    if status == 0:
        shutil.rmtree(path)
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
    if not is_run(path):  # killed before the folder was a run
        shutil.rmtree(path)
        continue
    # Killed again soon after it went on, at another operation.
    again = killed_at(1 + operation % 7, lambda: resume(path, threads=1))
    assert in_a_process_of_its_own(lambda: resume(path, threads=1)) == 0
    print(path.name)
"""


@pytest.mark.parametrize("checkpoint_seconds", [0.0, 5.0])
def test_a_run_killed_at_any_file_operation_ends_the_same(tmp_path, checkpoint_seconds):
    values = TINY | {"generations": 3, "threads": 1, "checkpoint_seconds": checkpoint_seconds}
    search("swingup", out=tmp_path / "whole", **values)
    done = subprocess.run(
        [sys.executable, "-c", CRASHES, str(tmp_path), json.dumps(values)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    killed = done.stdout.split()
    assert len(killed) >= (20 if checkpoint_seconds == 0 else 6)
    wanted = result(tmp_path / "whole")
    for name in killed:
        assert result(tmp_path / name) == wanted, f"killed at file operation {name}"
        assert not list((tmp_path / name).rglob(".wann-*")), "nothing half-written is left"


def command(*arguments):
    return [sys.executable, "-m", "wann.cli", *map(str, arguments)]


def assignments(values):
    return [f"--set={name}={value}" for name, value in values.items()]


def wait_for(condition, process, seconds=60.0):
    limit = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the process ended by itself"
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.002)


def computing(path, before=None):
    """Whether a process has begun to compute: it has rewritten metrics.csv under the lock."""
    return path.exists() and (before is None or path.stat().st_ino != before)


@pytest.mark.parametrize(
    ("checkpoint_seconds", "kills"), [(None, 1), (0.0, 2), (0.05, 2)], ids=["default", "every", "some"]
)
def test_a_run_killed_at_random_moments_ends_the_same(tmp_path, checkpoint_seconds, kills):
    rng = random.Random(f"{checkpoint_seconds}")  # noqa: S311
    values = TINY | {"generations": 100}
    if checkpoint_seconds is not None:
        values["checkpoint_seconds"] = checkpoint_seconds
    search("swingup", out=tmp_path / "whole", threads=1, **values)
    path, metrics = tmp_path / "run", tmp_path / "run" / "metrics.csv"
    arguments = ["search", "swingup", "--out", path, "--quiet", "--threads=1", *assignments(values)]
    for _ in range(kills):
        before = metrics.stat().st_ino if metrics.exists() else None
        process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda before=before: computing(metrics, before), process)
            time.sleep(rng.uniform(0.0, 0.15))
        finally:
            process.kill()
            output, _ = process.communicate()
        assert process.returncode == -signal.SIGKILL, output
        arguments = ["resume", path, "--quiet", "--threads=1"]
    ended = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Ended by generations after generation 100." in ended.stdout
    assert result(path) == result(tmp_path / "whole")


# stopped


def interrupted(path, number, *options):
    """Start a search that has no end, send it a signal while it computes; its exit code and output."""
    values = TINY | {"generations": 10**6}
    arguments = command(
        "search", "swingup", "--out", path, "--quiet", "--threads=1", *assignments(values), *options
    )
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for((path / "champion.json").exists, process)
        time.sleep(0.1)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_after_saving_and_it_goes_on_to_the_same_end(tmp_path, number):
    path = tmp_path / "run"
    code, out, err = interrupted(path, number)
    assert code == 130
    assert err == ""
    generation = RunFolder.open(path).load_checkpoint()[0].state.generation
    assert out == f"Stopped after generation {generation}, saved. Go on: wann resume {path}\n"
    assert RunFolder.open(path).read_metrics()["generation"].tolist() == list(range(1, generation + 1))
    resume(path, generations=generation + 5, threads=1)
    tiny(tmp_path / "whole", generations=generation + 5)
    assert result(path) == result(tmp_path / "whole")


def test_a_signal_with_json_ends_in_one_object_and_says_how_to_go_on_beside_it(tmp_path):
    path = tmp_path / "run"
    code, out, err = interrupted(path, signal.SIGINT, "--json")
    assert code == 130
    summary = json.loads(out)
    assert summary["stopped_by"] == "interrupted"
    assert summary["generations"] == RunFolder.open(path).load_checkpoint()[0].state.generation
    assert err == f"Stopped after generation {summary['generations']}, saved. Go on: wann resume {path}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_search_after_the_generation_and_the_handlers_are_given_back(tmp_path, number):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def observe(progress):
        if progress.row["generation"] == 3:
            signal.raise_signal(number)

    with pytest.raises(Interrupted, match="was interrupted; it is saved") as ended:
        tiny(tmp_path / "run", observer=observe)
    run = ended.value.run
    assert isinstance(ended.value, KeyboardInterrupt), "so that it also ends a script of several searches"
    assert run.stopped_by is None
    assert run.generations == 4
    assert RunFolder.open(run.path).load_checkpoint()[0].state.generation == 4
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert resume(run.path, threads=1).stopped_by == "generations"


def test_a_second_ctrl_c_ends_it_at_once_and_nothing_saved_is_lost(undisturbed, tmp_path):
    def observe(progress):
        if progress.row["generation"] == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        tiny(tmp_path / "run", observer=observe, checkpoint_seconds=0.0)
    assert signal.getsignal(signal.SIGINT) is before
    resume(tmp_path / "run", threads=1)
    assert result(tmp_path / "run") == result(undisturbed)


def test_an_observer_that_fails_ends_the_run_and_it_can_go_on(undisturbed, tmp_path):
    def observe(progress):
        if progress.row["generation"] == 6:
            raise LookupError("of the observer")

    with pytest.raises(LookupError, match="of the observer"):
        tiny(tmp_path / "run", observer=observe)
    resume(tmp_path / "run", threads=1)
    assert result(tmp_path / "run") == result(undisturbed)


@pytest.mark.parametrize(
    ("rule", "value", "ends"),
    [
        ("generations", 5, lambda run, rows: run.generations == 5),
        ("target_score", 0.0, lambda run, rows: rows["champion_mean"][-1] >= 0.0 and run.generations == 1),
        (
            "target_score",
            10.0,
            lambda run, rows: rows["champion_mean"][-1] >= 10.0 and (rows["champion_mean"][:-1] < 10.0).all(),
        ),
        ("max_seconds", 1e-9, lambda run, rows: run.generations == 1),
        (
            "max_evaluations",
            35,
            lambda run, rows: rows["evaluations"][-1] >= 35 and (rows["evaluations"][:-1] < 35).all(),
        ),
        ("patience", 3, lambda run, rows: np.unique(rows["champion_mean"][-4:]).size == 1),
    ],
)
def test_every_stop_rule_ends_a_run_and_is_named(tmp_path, rule, value, ends):
    run = tiny(tmp_path / "run", **({"generations": 200} | {rule: value}))
    assert run.stopped_by == rule
    assert run.generations < 200
    assert ends(run, RunFolder.open(run.path).read_metrics())
    # It is saved, ends at once where it is resumed, and goes on when the rule is lifted.
    assert resume(run.path, threads=1).generations == run.generations
    lifted = {"generations": run.generations + 2} | ({} if rule == "generations" else {rule: None})
    longer = resume(run.path, threads=1, **lifted)
    assert (longer.generations, longer.stopped_by) == (run.generations + 2, "generations")


def test_patience_counts_generations_since_the_last_champion_across_a_resume(tmp_path):
    whole = tiny(tmp_path / "whole", patience=6, generations=300)
    assert whole.stopped_by == "patience"
    tiny(tmp_path / "run", patience=6, generations=whole.generations - 2)
    ended = resume(tmp_path / "run", generations=300, threads=1)
    assert (ended.generations, ended.stopped_by) == (whole.generations, "patience")
    assert result(tmp_path / "run") == result(tmp_path / "whole")


def test_seconds_add_up_over_the_parts_of_a_run(tmp_path):
    first = tiny(tmp_path / "run", generations=3)
    second = resume(tmp_path / "run", generations=6, threads=1)
    assert second.totals.seconds > first.totals.seconds > 0
    ended = resume(tmp_path / "run", generations=9, max_seconds=first.totals.seconds)
    assert (ended.generations, ended.stopped_by) == (6, "max_seconds")


# what a run gives


def test_an_observer_sees_every_generation(tmp_path):
    seen = []
    run = tiny(tmp_path / "run", observer=seen.append)
    assert [progress.row["generation"] for progress in seen] == list(range(1, 13))
    columns = RunFolder.open(run.path).read_metrics()
    for index, progress in enumerate(seen):
        assert tuple(progress.row) == METRICS
        assert [float(value) for value in progress.row.values()] == [columns[name][index] for name in METRICS]
        assert progress.settings == run.settings
        assert progress.steps_per_second > 0
        assert progress.seconds_left >= 0
    assert seen[-1].totals == run.totals
    assert seen[-1].seconds_left == 0
    seen.clear()
    resume(run.path, generations=14, threads=1, observer=seen.append)
    assert [progress.row["generation"] for progress in seen] == [13, 14]


def test_search_returns_a_run_with_its_champion(tmp_path):
    run = wann.search("swingup", out=tmp_path / "run", threads=1, generations=6, preset="laptop", **TINY)
    assert run.path == tmp_path / "run"
    assert run.stopped_by is not None
    assert run.generations == 6
    assert run.settings == Settings(
        **(get_task("swingup").presets["laptop"] | TINY | {"preset": "laptop", "generations": 6})
    )
    columns = RunFolder.open(run.path).read_metrics()
    assert run.champion.scores.overall == columns["champion_mean"][-1]
    assert run.champion.genome.connection_count == columns["champion_connections"][-1]
    assert run.champion.origin["preset"] == "laptop"
    assert run.champion.origin["seed"] == TINY["seed"]
    assert run.champion.act(np.zeros(5), 1.0).shape == (1,)
    assert run.totals.evaluations == columns["evaluations"][-1]
    assert run.totals.steps == columns["steps"][-1]


@pytest.mark.parametrize("preset", ["stratified", "paper"])
def test_the_champion_s_scores_can_be_measured_again_from_its_file(tmp_path, preset):
    champion = tiny(tmp_path / "run", preset=preset).champion
    scores = champion.scores
    with LocalEvaluator(get_task("swingup"), TINY["max_steps"], 1) as evaluator:
        returns = evaluator.evaluate([champion.network], scores.weights, scores.episode_seeds).returns[0]
    assert returns.mean(axis=1).tolist() == scores.mean.tolist()
    assert returns.std(axis=1).tolist() == scores.std.tolist()
    assert scores.weights.size == (25 if preset == "stratified" else 6)
    assert len(scores.episode_seeds) == TINY["confirm_episodes"]


def test_the_metrics_hold_what_their_names_say(undisturbed):
    rows = RunFolder.open(undisturbed).read_metrics()
    assert (rows["best_mean"] >= rows["median_mean"]).all()
    assert (rows["best_weight_return"] >= rows["best_mean"]).all()
    assert (np.diff(rows["champion_mean"]) >= 0).all()
    assert (rows["champion_best_weight"] >= rows["champion_mean"]).all()
    tried = np.diff(rows["evaluations"], prepend=0) - TINY["population"]
    assert set(tried) == {0, 1}, "a candidate is confirmed in some generations"
    champions = {int(path.stem) for path in (undisturbed / "champions").iterdir()}
    assert champions == {int(g) for g in rows["generation"][np.diff(rows["champion_mean"], prepend=-1) > 0]}
    most = TINY["max_steps"] * (
        rows["evaluations"] * 6 * TINY["episodes"] + np.cumsum(tried) * 25 * TINY["confirm_episodes"]
    )
    assert (rows["steps"] <= most).all()
    assert all((rows[name] >= 0).all() for name in MEASURED)


def test_the_newest_champion_is_the_best(undisturbed):
    newest = max((undisturbed / "champions").iterdir())
    assert newest.read_bytes() == (undisturbed / "champion.json").read_bytes()


def test_a_search_works_in_a_thread_other_than_the_main_one(undisturbed, tmp_path):
    found = []

    def work():
        found.append(tiny(tmp_path / "run", generations=6))
        found.append(resume(tmp_path / "run", generations=12, threads=2))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [run.generations for run in found] == [6, 12]
    assert result(tmp_path / "run") == result(undisturbed)


@pytest.fixture
def restless():
    """Threads take turns as often as they can, so that what they should not share shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_start_states_are_the_same_in_threads_side_by_side(restless):
    task = get_task("swingup")
    seeds = [range(100 * part, 100 * part + 100) for part in range(8)]
    wanted = [task.starts(part).tolist() for part in seeds]
    with ThreadPoolExecutor(4) as pool:
        found = [part.tolist() for part in pool.map(task.starts, seeds)]
    assert found == wanted


def test_two_searches_side_by_side_do_not_disturb_each_other(undisturbed, tmp_path, restless):
    threads = [
        threading.Thread(target=tiny, args=(tmp_path / name,), kwargs={"threads": 2}) for name in ("a", "b")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert result(tmp_path / "a") == result(tmp_path / "b") == result(undisturbed)


def test_a_run_has_a_folder_of_its_own_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [search("swingup", threads=1, **(TINY | {"generations": 1})) for _ in range(2)]
    assert runs[0].path != runs[1].path
    for run in runs:
        assert run.path.parent == Path("runs")
        assert run.path.name.startswith("swingup-")
        assert (tmp_path / run.path / "champion.json").is_file()


# refused


def test_a_setting_that_determines_the_run_cannot_change_when_it_is_resumed(undisturbed):
    before = files(undisturbed)
    with pytest.raises(
        ValueError, match="'population' determines the run and cannot change when it is resumed"
    ):
        resume(undisturbed, population=11)
    with pytest.raises(ValueError, match="unknown setting 'generation'; did you mean 'generations'"):
        resume(undisturbed, generation=11)
    with pytest.raises(ValueError, match="setting 'patience': input should be greater than"):
        resume(undisturbed, patience=0)
    assert files(undisturbed) == before


def test_a_search_with_wrong_settings_makes_no_folder(tmp_path):
    for values, message in (
        ({"populatoin": 3}, "unknown setting 'populatoin'; did you mean 'population'"),
        ({"population": 1}, "setting 'population'"),
        ({"preset": "papre"}, "no preset 'papre'; did you mean 'paper'"),
    ):
        with pytest.raises(ValueError, match=message):
            search("swingup", out=tmp_path / "run", **values)
    with pytest.raises(ValueError, match="unknown task 'swingpu'; did you mean 'swingup'"):
        search("swingpu", out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_holds_the_same_search_whatever_its_stop_rules(undisturbed, tmp_path):
    same = RunFolder.open(undisturbed).settings
    assert is_same_search(undisturbed, same)
    assert is_same_search(undisturbed, same.model_copy(update={"generations": 99, "patience": 4}))
    assert not is_same_search(tmp_path / "none", same)
    with pytest.raises(ValueError, match=r"holds a run with other settings \(episodes, population\)"):
        is_same_search(undisturbed, same.model_copy(update={"population": 99, "episodes": 4}))
