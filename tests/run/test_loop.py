"""The loop of a run: interrupted in any way, it goes on to the same end."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import toys
from searches import TINY, TOY, result, tiny, toy

from wann.evolution.evolution import Evolution
from wann.run.folder import METRICS, RunFolder
from wann.run.loop import Interrupted, SearchFailedError, search_in_memory
from wann.run.search import resume, search
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds

CRASHES = """
import json, os, shutil, signal, sys
from pathlib import Path
from wann.run.folder import is_run
from wann.run.loop import Interrupted
from wann.run.search import resume, search

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


@pytest.mark.slow
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
    return [sys.executable, "-m", "wann", *map(str, arguments)]


def assignments(values):
    return [f"--set={name}={value}" for name, value in values.items()]


def wait_for(condition, process, seconds=600.0):
    limit = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the process ended by itself"
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.002)


def computing(path, before=None):
    """Whether a process has begun to compute: it has rewritten metrics.csv under the lock."""
    return path.exists() and (before is None or path.stat().st_ino != before)


@pytest.mark.slow
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
        out, err = process.communicate(timeout=600)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_signal_with_json_ends_in_one_object_and_says_how_to_go_on_beside_it(tmp_path):
    path = tmp_path / "run"
    code, out, err = interrupted(path, signal.SIGINT, "--json")
    assert code == 130
    summary = json.loads(out)
    assert summary["stopped_by"] == "interrupted"
    assert summary["generations"] == RunFolder.open(path).load_checkpoint()[0].state.generation
    assert err == f"Stopped after generation {summary['generations']}, saved. Go on: wann resume {path}\n"


@pytest.mark.parametrize("in_between", [False, True], ids=["between generations", "within one"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_search_after_the_generation_and_the_handlers_are_given_back(
    tmp_path, number, in_between
):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    sent = []

    def observe(progress):
        if progress.generation == 3 and (progress.share > 0) == in_between and not sent:
            sent.append(progress)
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
        if progress.generation == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        tiny(tmp_path / "run", observer=observe, checkpoint_seconds=0.0)
    assert signal.getsignal(signal.SIGINT) is before
    resume(tmp_path / "run", threads=1)
    assert result(tmp_path / "run") == result(undisturbed)


@pytest.mark.parametrize("in_between", [False, True], ids=["between generations", "within one"])
def test_an_observer_that_fails_ends_the_run_and_it_can_go_on(undisturbed, tmp_path, in_between):
    def observe(progress):
        if progress.generation == 6 and (progress.share > 0) == in_between:
            raise LookupError("of the observer")

    with pytest.raises(LookupError, match="of the observer"):
        tiny(tmp_path / "run", observer=observe)
    resume(tmp_path / "run", threads=1)
    assert result(tmp_path / "run") == result(undisturbed)


@pytest.mark.slow
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


def test_a_search_in_memory_finds_what_one_in_a_folder_finds(tmp_path):
    run = tiny(tmp_path / "run")
    found = search_in_memory(get_task("swingup"), run.settings, threads=1)
    assert found.champion.digest == run.champion.digest
    assert [row["generation"] for row in found.rows] == list(range(1, 13))
    assert found.stopped_by == "generations"


def test_a_search_that_cannot_begin_leaves_no_folder(tmp_path, monkeypatch):
    def refused(*_):
        raise ValueError("no cluster there")

    monkeypatch.setattr("wann.run.search.open_evaluator", refused)
    with pytest.raises(ValueError, match="no cluster there"):
        tiny(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_seconds_add_up_over_the_parts_of_a_run(tmp_path):
    begun = time.perf_counter()
    first = tiny(tmp_path / "run", generations=3)
    assert first.totals.seconds < time.perf_counter() - begun
    second = resume(tmp_path / "run", generations=6, threads=1)
    assert second.totals.seconds > first.totals.seconds > 0
    ended = resume(tmp_path / "run", generations=9, max_seconds=first.totals.seconds)
    assert (ended.generations, ended.stopped_by) == (6, "max_seconds")


def test_a_checkpoint_is_saved_when_its_time_has_passed(tmp_path, monkeypatch):
    """Ten seconds pass in each generation."""
    now, saved, save = [0.0], [], RunFolder.save_checkpoint

    def noted(self, checkpoint):
        saved.append(checkpoint.state.generation)
        save(self, checkpoint)

    def observer(progress):
        now[0] += 0.0 if progress.share else 10.0

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(RunFolder, "save_checkpoint", noted)
    tiny(tmp_path / "run", generations=8, checkpoint_seconds=25.0, observer=observer)
    assert np.diff(saved).tolist()[:-1] == [3] * (len(saved) - 2)
    assert saved[-1] == 8


def test_an_observer_sees_every_generation(tmp_path):
    seen = []
    run = tiny(tmp_path / "run", observer=seen.append)
    complete = [progress for progress in seen if not progress.share]
    assert [progress.row["generation"] for progress in complete] == list(range(1, 13))
    columns = RunFolder.open(run.path).read_metrics()
    for index, progress in enumerate(complete):
        assert progress.generation == index + 1
        assert tuple(progress.row) == METRICS
        assert [float(value) for value in progress.row.values()] == [columns[name][index] for name in METRICS]
        assert progress.settings == run.settings
        assert progress.steps_per_second > 0
        assert progress.seconds_left >= 0
    assert seen[-1].totals == run.totals
    assert seen[-1].seconds_left == 0
    seen.clear()
    resume(run.path, generations=14, threads=1, observer=seen.append)
    assert [progress.row["generation"] for progress in seen if not progress.share] == [13, 14]
    assert seen[0].row is None, "no generation of this session yet"


@pytest.mark.parametrize("rule", [{}, {"max_evaluations": 180}, {"max_seconds": 60.0}])
def test_the_pace_is_that_of_the_last_fifty_generations_and_tells_the_time_left(tmp_path, monkeypatch, rule):
    clock = [1000.0]
    monkeypatch.setattr("wann.run.loop.time.monotonic", lambda: clock[0])
    ended, firsts = [(clock[0], 0, 0)], set()
    small = {"generations": 60, "population": 4, "max_steps": 5, "episodes": 1, "confirm_episodes": 1}

    def observe(progress):
        settings, totals, done = progress.settings, progress.totals, progress.generation + progress.share
        if not progress.share:
            ended.append((clock[0], totals.steps, progress.generation))
        then, steps, first = ended[-50:][0]
        elapsed = max(clock[0] - then, 1e-9)
        each = elapsed / (done - first)
        left = [(60 - done) * each]
        if settings.max_evaluations:
            left.append(max(180 - totals.evaluations, 0) / 4 * each)
        if settings.max_seconds:
            left.append(max(60.0 - totals.seconds, 0.0))
        assert progress.steps_per_second == pytest.approx((totals.steps - steps) / elapsed)
        assert progress.seconds_left == pytest.approx(min(left))
        firsts.add((first, left.index(min(left))))
        clock[0] += 0.5 + 0.1 * progress.generation

    tiny(tmp_path / "run", observer=observe, **small, **rule)
    assert {rule for _, rule in firsts} == ({0, 1} if rule == {"max_seconds": 60.0} else {len(rule)})
    assert max(first for first, _ in firsts) > 5 or rule


def test_an_observer_sees_how_far_a_generation_is(tmp_path):
    seen = []
    tiny(tmp_path / "run", observer=seen.append, generations=3, threads=3)
    for generation in range(3):
        within = [progress for progress in seen if progress.generation == generation and progress.share]
        shares = [progress.share for progress in within]
        assert len(shares) > 1
        assert shares == sorted(shares)
        assert 0 < shares[0] < shares[-1] <= 1
        for progress in within:
            assert progress.row is None if generation == 0 else progress.row["generation"] == generation
            assert progress.totals.evaluations >= generation * TINY["population"]
            assert progress.seconds_left >= 0


@pytest.fixture(scope="module")
def undisturbed_toy(tmp_path_factory):
    """A run of five generations that nothing disturbed, and the steps that it had taken after each."""
    path = tmp_path_factory.mktemp("toy") / "run"
    before, counts = toys.Counting.steps, [0]

    def observe(progress):
        if not progress.share:
            counts.append(toys.Counting.steps - before)

    champion = toy(path, observer=observe).champion
    assert champion.origin["generation"] > 1
    return path, counts


@pytest.fixture
def signal_at(monkeypatch):
    """Lets the toy send its process a signal at a step, counted from now."""

    def set_at(step, number=signal.SIGINT):
        monkeypatch.setattr(toys.Counting, "at", toys.Counting.steps + step)
        monkeypatch.setattr(toys.Counting, "number", number)

    return set_at


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("generation", "share"), [(0, 0.0), (0, 0.3), (1, 0.6), (1, 1.0), (4, 0.0)], ids=lambda value: f"{value}"
)
def test_a_signal_breaks_off_a_generation_that_python_steps_and_it_is_computed_again(
    undisturbed_toy, signal_at, tmp_path, generation, share, number
):
    whole, counts = undisturbed_toy
    begun, ended = counts[generation : generation + 2]
    step = min(begun + 1 + int(share * (ended - begun)), ended)  # the last ones confirm a candidate
    before, handlers = toys.Counting.steps, signal.getsignal(signal.SIGINT)
    signal_at(step, number)
    with pytest.raises(Interrupted) as interrupted:
        toy(tmp_path / "run")
    assert toys.Counting.steps - before == step, "not a step more"
    assert signal.getsignal(signal.SIGINT) is handlers
    run = interrupted.value.run
    folder = RunFolder.open(run.path)
    assert (run.generations, run.stopped_by) == (generation, None)
    assert folder.load_checkpoint()[0].state.generation == generation
    assert folder.read_metrics()["generation"].tolist() == list(range(1, generation + 1))
    assert resume(run.path, threads=1).stopped_by == "generations"
    assert result(run.path) == result(whole)


KILLED = """
import json, signal, sys
import toys
from wann.run.search import resume, search

path, step, values = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
toys.Counting.at, toys.Counting.number = step, signal.SIGKILL
search("toys/Counting-v0", out=path, **values)
"""


@pytest.mark.slow
def test_a_process_killed_within_a_generation_that_python_steps_goes_on_to_the_same_end(
    undisturbed_toy, tmp_path
):
    whole, counts = undisturbed_toy
    values = TOY | {"checkpoint_seconds": 0.0}
    arguments = [str(tmp_path / "run"), str((counts[2] + counts[3]) // 2), json.dumps(values)]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(toys.__file__).parent)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert RunFolder.open(tmp_path / "run").load_checkpoint()[0].state.generation == 2
    resume(tmp_path / "run", threads=1)
    assert result(tmp_path / "run") == result(whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("raise", "ArithmeticError: the motor broke at 0."),
        ("nan", "FloatingPointError: the return is nan after a reward of nan"),
        ("lost", "FloatingPointError: the observation 'x1' is nan"),
    ],
)
def test_networks_that_cannot_be_evaluated_rank_last_and_are_logged_and_the_run_goes_on(
    tmp_path, monkeypatch, trouble, reason
):
    notes, told = [], []

    def tell(evolution, returns):
        scores = evolution_tell(evolution, returns)
        told.append((returns, evolution.state.population[: int(0.2 * TOY["population"])]))
        return scores

    asked, evolution_ask = [], Evolution.ask
    evolution_tell = Evolution.tell
    monkeypatch.setattr(Evolution, "ask", lambda self: asked.append(evolution_ask(self)) or asked[-1])
    monkeypatch.setattr(Evolution, "tell", tell)
    run = toy(tmp_path / "run", "Toy", env_kwargs={"trouble": trouble}, generations=8, note=notes.append)
    assert (run.generations, run.stopped_by) == (8, "generations")
    assert np.isfinite(run.champion.scores.mean).all()

    failed = [np.flatnonzero(np.isnan(returns).any(axis=(1, 2))) for returns, _ in told]
    assert 3 <= sum(map(len, failed)) < 40, "some fail, most do not"
    columns = RunFolder.open(run.path).read_metrics()
    assert columns["failed"].tolist() == [len(indices) for indices in failed]
    for name in METRICS:
        assert name.startswith("champion") or np.isfinite(columns[name]).all(), name
    log = (run.path / "failures.log").read_text()
    for generation, indices in enumerate(failed, start=1):
        genomes, elites = asked[generation - 1], told[generation - 1][1]
        for index in indices:
            assert f"generation {generation}, network {index}: {reason}" in log
            assert genomes[index] not in elites
            assert np.isnan(told[generation - 1][0][index]).all(), "it has no numbers at all"
    assert log.count("(step 1 of the episode with seed ") + log.count("(step 2 of ") == log.count(
        "generation "
    )
    assert log.count("Traceback (most recent call last):") == log.count("generation ")
    assert notes
    assert f"networks of generation {1 + np.flatnonzero(columns['failed'])[0]} could not be eval" in notes[0]
    assert reason in notes[0]
    assert str(run.path / "failures.log") in notes[0]
    assert all("\n" not in note for note in notes)

    again = toy(tmp_path / "again", "Toy", env_kwargs={"trouble": trouble}, generations=3)
    resume(again.path, generations=8, threads=1)
    assert result(again.path) == result(run.path)
    assert (again.path / "failures.log").read_text() == log


def test_a_generation_that_fails_stops_the_run_which_is_saved_and_tries_again(tmp_path, monkeypatch):
    """The environment breaks for good in the third generation, and is mended later."""
    whole = toy(tmp_path / "whole", "Toy")
    broken = []

    def observe(progress):
        if progress.generation == 2 and not broken:
            broken.append(monkeypatch.setattr(toys.Toy, "step", fail))

    def fail(env, action):
        raise OSError("no power\nanywhere")

    step = toys.Toy.step
    with pytest.raises(SearchFailedError) as failed:
        toy(tmp_path / "run", "Toy", observer=observe)
    text = str(failed.value)
    head, _, first = text.partition("the first:\n")
    resumed = (
        f"'wann resume {tmp_path / 'run'}' plays the same episodes again, --set skip_episodes=3 plays oth"
    )
    assert head.startswith("12 of 12 networks of generation 3 could not be evaluated; the run is saved, and ")
    assert resumed in head
    assert first.startswith("OSError: no power anywhere (step 1 of the episode with seed ")
    assert "Traceback (most recent call last):" in first
    assert 'raise OSError("no power\\nanywhere")' in first
    assert first.rstrip().endswith("OSError: no power\nanywhere")
    log = tmp_path / "run" / "failures.log"
    assert str(log) in head
    assert log.read_text().count("generation 3, network ") == 12
    folder = RunFolder.open(tmp_path / "run")
    assert folder.load_checkpoint()[0].state.generation == 2
    assert folder.read_metrics()["generation"].tolist() == [1, 2]
    with pytest.raises(SearchFailedError, match="12 of 12 networks of generation 3"):
        resume(tmp_path / "run", threads=1)
    monkeypatch.setattr(toys.Toy, "step", step)
    resume(tmp_path / "run", threads=1)
    assert result(tmp_path / "run") == result(whole.path)


def test_a_search_whose_environment_fails_from_the_start_can_be_resumed_when_it_is_mended(
    tmp_path, monkeypatch
):
    whole = toy(tmp_path / "whole", "Toy")
    with monkeypatch.context() as patch:
        patch.setattr(toys.Toy, "reset", lambda env, **options: (np.full(3, np.nan), {}))
        with pytest.raises(SearchFailedError, match=r"networks of generation 1 could .*\n.*'x0' is nan"):
            toy(tmp_path / "run", "Toy")
    assert RunFolder.open(tmp_path / "run").load_checkpoint()[0].state.generation == 0
    resume(tmp_path / "run", threads=1)
    assert result(tmp_path / "run") == result(whole.path)


def test_an_episode_that_takes_too_long_fails_its_network_alone(tmp_path):
    width = {"width": 0.01}
    run = toy(tmp_path / "run", "Napping", episode_seconds=0.1, env_kwargs=width, generations=3)
    log = (run.path / "failures.log").read_text()
    assert re.match(
        r"generation \d, network \d+: TimeLimit: .* longer than 0\.1 s, standing still \(step 1 of ", log
    )
    failed = RunFolder.open(run.path).read_metrics()["failed"]
    assert log.count("time.sleep(self.seconds)") == failed.sum() > 0
    # In the same networks it raises.
    same = toy(tmp_path / "same", "Toy", env_kwargs={"trouble": "raise"} | width, generations=3)
    assert RunFolder.open(same.path).read_metrics()["failed"].tolist() == failed.tolist()
    assert result(same.path)[0] == result(run.path)[0]


def test_a_network_that_stood_still_once_has_another_try_in_another_process(tmp_path, monkeypatch):
    monkeypatch.setattr(toys.Startled, "played", 0)
    run = toy(tmp_path / "run", "Startled", episode_seconds=0.3)
    assert toys.Startled.played > 30
    assert not (run.path / "failures.log").exists()
    toy(tmp_path / "calm", "Toy")
    assert result(run.path)[0] == result(tmp_path / "calm")[0]


def test_the_time_limit_is_that_of_an_episode_not_of_all_its_network_plays(tmp_path, monkeypatch):
    """Each of a network's twelve episodes takes 0.06 s, the limit is half a second."""
    reset = toys.Toy.reset

    def slow(env, **options):
        time.sleep(0.06)
        return reset(env, **options)

    monkeypatch.setattr(toys.Toy, "reset", slow)
    values = {"population": 2, "generations": 1, "confirm_episodes": 1, "preset": "paper"}
    run = toy(tmp_path / "run", "Toy", episode_seconds=0.5, **values)
    assert RunFolder.open(run.path).read_metrics()["failed"].tolist() == [0]


def test_a_generation_whose_episodes_fail_each_time_can_play_others(tmp_path, monkeypatch):
    cursed, begin = episode_seeds(TOY["seed"], Purpose.EPISODES, TOY["episodes"], 2), toys.Toy.reset

    def reset(env, *, seed=None, options=None):
        if seed in cursed:
            raise OSError("not this one")
        return begin(env, seed=seed)

    monkeypatch.setattr(toys.Toy, "reset", reset)
    path = tmp_path / "run"
    with pytest.raises(SearchFailedError, match="12 of 12 networks of generation 3"):
        toy(path, "Toy")
    with pytest.raises(SearchFailedError, match="12 of 12 networks of generation 3"):
        resume(path, threads=1)
    with pytest.raises(ValueError, match="'skip_episodes': generation 2 is complete, its episodes stay"):
        resume(path, threads=1, skip_episodes=2)
    assert resume(path, threads=1, skip_episodes=3).stopped_by == "generations"
    assert RunFolder.open(path).settings.skip_episodes == (3,)
    with pytest.raises(ValueError, match="generation 3 is complete"):
        resume(path, threads=1, generations=6, skip_episodes=3)
    assert resume(path, threads=1, generations=6).generations == 6
    # The settings say it all: a new search with them finds the same.
    toy(tmp_path / "whole", "Toy", generations=6, skip_episodes=(3,))
    assert result(path) == result(tmp_path / "whole")
