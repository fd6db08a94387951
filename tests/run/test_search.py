"""A run: the same numbers whatever interrupts it and however many threads compute it."""

import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from searches import LEXICASE, TINY, TOY, files, result, tiny, toy

import wann
from wann.evaluation.evaluator import LocalEvaluator
from wann.run.folder import MEASURED, METRICS, RunFolder
from wann.run.search import is_same_search, new_run_path, resume, search
from wann.settings import Settings
from wann.tasks.registry import get_task

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


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint_seconds", [0.0, 5.0])
@pytest.mark.parametrize("parts", [(1, 12), (3, 4, 11, 12)])
def test_a_run_in_parts_is_the_run_in_one(undisturbed, tmp_path, parts, checkpoint_seconds):
    first, *others = parts
    tiny(tmp_path / "run", generations=first, checkpoint_seconds=checkpoint_seconds)
    for generations in others:
        assert resume(tmp_path / "run", generations=generations, threads=1).generations == generations
    assert result(tmp_path / "run") == result(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        {"objectives": ("worst", "robustness", "depth")},
        {"weight_noise": 0.1, "objectives": "best,nodes"},
        {"weight_noise": 0.1},
        {"init_from": True},
        LEXICASE,
        {**LEXICASE, "weight_noise": 0.1, "crossover_probability": 0.5},
    ],
    ids=["objectives", "objectives and noise", "noise", "from a champion", "lexicase", "lexicase and noise"],
)
def test_every_kind_of_search_is_the_same_in_parts_and_on_any_threads(undisturbed, tmp_path, values):
    if "init_from" in values:
        values = {"init_from": undisturbed / "champion.json"}
    tiny(tmp_path / "whole", **values)
    tiny(tmp_path / "parts", generations=3, threads=2, **values)
    for generations in (4, 12):
        resume(tmp_path / "parts", generations=generations, threads=2)
    assert result(tmp_path / "parts") == result(tmp_path / "whole")
    assert result(tmp_path / "parts")[0] != result(undisturbed)[0]


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


# what a run gives


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


def test_the_metrics_hold_what_their_names_say(tmp_path):
    path = tiny(tmp_path / "run", preset="stratified").path
    rows = RunFolder.open(path).read_metrics()
    assert (rows["best_mean"] >= rows["median_mean"]).all()
    assert (rows["best_weight_return"] >= rows["best_mean"]).all()
    assert (np.diff(rows["champion_mean"]) >= 0).all()
    assert (rows["champion_best_weight"] >= rows["champion_mean"]).all()
    tried = np.diff(rows["evaluations"], prepend=0) - TINY["population"]
    assert set(tried) == {0, 1}, "a candidate is confirmed in some generations"
    champions = {int(file.stem) for file in (path / "champions").iterdir()}
    assert champions == {int(g) for g in rows["generation"][np.diff(rows["champion_mean"], prepend=-1) > 0]}
    most = TINY["max_steps"] * (
        rows["evaluations"] * 6 * TINY["episodes"] + np.cumsum(tried) * 25 * TINY["confirm_episodes"]
    )
    assert (rows["steps"] <= most).all()
    assert all((rows[name] >= 0).all() for name in MEASURED)


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


# environments that Python steps


@pytest.mark.slow
@pytest.mark.parametrize("task", ["swingup", "CartPole-v1", "Pendulum-v1"])
def test_compiled_physics_scores_as_the_environment_itself(tmp_path, task):
    values = TINY | {"threads": 1, "generations": 2, "population": 6}
    runs = [
        search(task, out=tmp_path / stepping, stepping=stepping, **values)
        for stepping in ("compiled", "gymnasium")
    ]
    compiled, stepped = (RunFolder.open(run.path).read_metrics() for run in runs)
    for name in METRICS:
        if name not in MEASURED:
            assert stepped[name] == pytest.approx(compiled[name], abs=1e-6), name
    assert [run.champion.origin["stepping"] for run in runs] == ["compiled", "gymnasium"]
    assert runs[0].champion.genome == runs[1].champion.genome


def test_an_environment_that_keeps_hidden_state_gets_a_fresh_instance_for_each_episode(tmp_path):
    notes = []
    values = {name: value for name, value in TOY.items() if name != "fresh_env"} | {"generations": 2}
    run = search("toys/Hidden-v0", out=tmp_path / "run", note=notes.append, **values)
    assert notes == ["toys/Hidden-v0 keeps hidden state: every episode gets a fresh instance"]
    assert run.settings.fresh_env
    champion = run.champion
    assert champion.fresh_env
    scores = champion.scores
    with LocalEvaluator(champion.get_task(), 1000) as evaluator:
        for seeds in (scores.episode_seeds, scores.episode_seeds[::-1]):
            returns = evaluator.evaluate([champion.network], scores.weights, seeds).returns[0]
            assert sorted(returns.mean(axis=1)) == pytest.approx(sorted(scores.mean), abs=1e-12)
    notes.clear()
    plain = search("toys/Toy-v0", out=tmp_path / "plain", note=notes.append, **values)
    assert (notes, plain.settings.fresh_env) == ([], False)


def test_an_environment_that_ignores_its_seed_is_searched_with_a_note(tmp_path):
    notes = []
    values = {name: value for name, value in TOY.items() if name != "fresh_env"} | {"generations": 1}
    run = search("toys/Unseeded-v0", out=tmp_path / "run", note=notes.append, **values)
    assert run.generations == 1
    (note,) = notes
    assert note.startswith("toys/Unseeded-v0 gives different episodes for the same seed")


@pytest.mark.slow
def test_the_arguments_of_an_environment_reach_it_and_are_kept(tmp_path):
    run = toy(tmp_path / "run", "Toy", env_kwargs={"noise": 0.0}, generations=3)
    assert run.settings.env_kwargs == {"noise": 0.0}
    assert run.champion.env_kwargs == {"noise": 0.0}
    # Without noise the best action is the same in every step: the return is six times that of the first.
    env = run.champion.get_task().make_env()
    assert env.unwrapped.noise == 0.0
    env.close()
    longer = resume(run.path, generations=5, threads=1)
    whole = toy(tmp_path / "whole", "Toy", env_kwargs={"noise": 0.0})
    assert result(longer.path) == result(whole.path)
    assert result(toy(tmp_path / "other", "Toy").path)[0] != result(whole.path)[0]


def test_a_run_folder_s_name_is_a_plain_one_whatever_the_task_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = search("toys/Toy-v0", **(TOY | {"generations": 1}))
    assert run.path.parent == Path("runs")
    assert run.path.name.startswith("toys-Toy-v0-")
    assert new_run_path("some.module:Name-v0").name.startswith("some.module-Name-v0-")


def test_a_search_goes_on_where_its_folder_holds_it_already(tmp_path, undisturbed):
    values = TINY | {"threads": 1}
    for generations in (5, 12, 12):
        run = search("swingup", out=tmp_path / "run", go_on=True, generations=generations, **values)
        assert run.generations == generations
    assert result(tmp_path / "run") == result(undisturbed)
    with pytest.raises(ValueError, match=r"holds a run with other settings \(contender_ratio\)"):
        search("swingup", out=tmp_path / "run", go_on=True, contender_ratio=0.3, **values)
    with pytest.raises(ValueError, match="holds a run already"):
        search("swingup", out=tmp_path / "run", generations=12, **values)
