"""Tuning individual weights: what it finds, what it keeps, and that it goes on to the same bits."""

import itertools
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from tuned import champion_for

from wann.champion import load_champion, save_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.placement import Placement
from wann.formats.paper import import_champion
from wann.networks.genome import genome_from_dict
from wann.networks.network import compile_genome
from wann.tuning import session
from wann.tuning.optimisers import OPTIMISERS, Cma
from wann.tuning.plan import Saved, TuningPlan, state_path
from wann.tuning.session import TuningInterrupted
from wann.tuning.subject import frozen_connections
from wann.tuning.tune import for_task, resume_tuning, tune
from wann.utils.signals import BrokenOff, stop_signals

SMALL = {"budget": 48, "population": 8, "episodes": 2, "sigma": 0.4}


@pytest.fixture
def champion():
    return champion_for()


def returns(champion, sets, seeds):
    """Returns (W, E), computed apart from any tuning."""
    task = champion.get_task()
    with LocalEvaluator(task, task.episode_steps, 1) as evaluator:
        return evaluator.evaluate([champion.network], sets, seeds).returns[0]


# what it finds


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cma", "pepg", "random"])
def test_tuning_never_ends_below_its_start_on_what_it_chose_by(champion, method):
    tuned = tune(champion, method=method, **SMALL)
    assert tuned.progress.best >= tuned.progress.start
    assert tuned.progress.done == tuned.progress.budget == 48
    assert tuned.champion.tuning["method"] == method
    assert champion.tuned is None


def test_weights_get_better_and_the_score_is_that_of_fresh_episodes():
    champion = champion_for("CartPole-v1", seed=2, mutations=25)
    tuned = tune(champion, budget=640, population=16, episodes=4, seed=5).champion
    before, after = tuned.tuning["before"], tuned.tuning["after"]
    assert after["mean"] > before["mean"] + 50.0
    seeds = tuple(range(10**6, 10**6 + 50))
    found = returns(tuned, tuned.tuned_sources[None], seeds).mean()
    assert found == pytest.approx(after["mean"], rel=0.25)


def test_the_start_is_the_best_shared_weight(champion):
    tuned = tune(champion, budget=1, population=4, episodes=1).champion
    weights = np.array([tuned.tuning["start_weight"], *np.linspace(-2.0, 2.0, 41)])
    means = returns(champion, weights, tuple(range(7, 57))).mean(axis=1)
    assert means[0] > 0.9 * means.max()


def test_a_given_start_is_kept_where_nothing_is_better(champion):
    flat = champion_for(mutations=0)
    tuned = tune(flat, weight=0.75, budget=4, population=4, episodes=1, sigma=1e-9).champion
    np.testing.assert_allclose(tuned.tuned, 0.75, atol=1e-6)


def test_frozen_parts_keep_their_start_weights(champion):
    network = champion.network
    frozen = frozen_connections(network, ["hidden"])
    assert 0 < frozen.sum() < frozen.size
    tuned = tune(champion, weight=1.5, freeze=["hidden"], method="random", **SMALL)
    kept = np.array([tuned.champion.tuned_sources])
    np.testing.assert_array_equal(kept[0, frozen], 1.5)


def test_the_parts_of_a_network_are_what_they_say():
    # input 1 -> hidden 3 -> hidden 4 -> output 2; bias -> output; input -> output
    network = compile_genome(
        genome_from_dict(
            {
                "inputs": 1,
                "outputs": 1,
                "nodes": [[0, "linear"], [1, "linear"], [2, "linear"], [3, "tanh"], [4, "sin"]],
                "connections": [
                    [0, 1, 3, True],
                    [1, 3, 4, True],
                    [2, 4, 2, True],
                    [3, 0, 2, True],
                    [4, 1, 2, True],
                ],
            }
        )
    )

    def marks(*parts):
        return set(network.mark[frozen_connections(network, parts)].tolist())

    assert marks("inputs") == {0, 3, 4}
    assert marks("hidden") == {0, 1}
    assert marks("outputs") == marks("layer:3") == {2, 3, 4}
    assert (marks("layer:1"), marks("layer:2")) == ({0}, {1})
    assert marks("layer:1", "outputs") == {0, 2, 3, 4}
    with pytest.raises(ValueError, match="no part 'layer:4' to freeze; choose from inputs, hidden, outputs"):
        marks("layer:4")


def test_a_topology_moves_to_another_task_of_its_shape():
    digits = pytest.importorskip("sklearn", reason="scikit-learn is not installed") and champion_for("digits")
    with pytest.raises(ValueError, match="task 'swingup' has 5 inputs, but the champion, for 'digits', 64"):
        for_task(digits, "swingup")
    moved = for_task(champion_for("CartPole-v1"), "CartPole-v1")
    assert moved.origin["transferred_from"] == "CartPole-v1"
    assert moved.genome == champion_for("CartPole-v1").genome
    assert len(moved.scores.weights) == 6


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cma", "adam"])
def test_a_classifier_is_tuned_on_the_training_part_and_scored_on_the_test_part(method):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'wann[data]'")
    if method == "adam":
        pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'wann[torch]'")
    champion = champion_for("digits", seed=2, mutations=60)
    tuned = tune(champion, method=method, budget=160, population=16, episodes=1).champion
    before, after = tuned.tuning["before"], tuned.tuning["after"]
    assert tuned.tuning["scored_on"] == "test part"
    assert after["accuracy"] > before["accuracy"]
    data = tuned.get_task().samples
    from wann.rollouts.samples import classify_numpy

    loss, accuracy = classify_numpy(
        tuned.network, tuned.tuned_sources[None], data.test.inputs(), data.test.labels
    )
    assert after["accuracy"] == pytest.approx(accuracy[0])
    assert after["mean"] == pytest.approx(-loss[0], rel=1e-9)


# the same bits


def test_threads_change_no_number(champion):
    one, two = (tune(champion, placement=Placement(threads), **SMALL).champion for threads in (1, 2))
    np.testing.assert_array_equal(one.tuned, two.tuned)
    assert one.tuning == two.tuning


def test_the_seed_decides(champion):
    one, two = (
        tune(champion, seed=seed, method="random", **SMALL | {"sigma": 1.0}).champion for seed in (0, 1)
    )
    assert one.tuning["after"] != two.tuning["after"]


class CutError(Exception):
    """Stands for a process that dies."""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cma", "pepg", "random", "adam"])
def test_a_tuning_cut_off_after_any_generation_goes_on_to_the_same_bits(tmp_path, monkeypatch, method):
    if method == "adam":
        pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'wann[torch]'")
        pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'wann[data]'")
    champion = champion_for("digits" if method == "adam" else "swingup")
    plan = SMALL | {"method": method, "episodes": 1}
    tune(champion, tmp_path / "whole.json", **plan)
    monkeypatch.setattr(session, "_SAVE_SECONDS", 0.0)
    for generation in (1, 3, 6):
        seen = itertools.count(1)

        def observer(_progress, seen=seen, generation=generation):
            if next(seen) == generation:
                raise CutError

        path = tmp_path / f"{generation}.json"
        with pytest.raises(CutError):
            tune(champion, path, observer=observer, **plan)
        assert not path.exists()
        resume_tuning(path, placement=Placement(1))
        assert path.read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert not list(tmp_path.glob(".wann-*"))


class Rounding(Cma):
    """CMA-ES on a machine whose linear algebra rounds in another way."""

    def ask(self):
        asked = super().ask()
        self._asked = list(asked * (1.0 + 1e-15))
        return np.array(self._asked)


def test_a_tuning_does_not_go_on_where_other_numbers_come_of_what_was_told(
    champion, tmp_path, monkeypatch, wann_command
):
    def observer(progress):
        if progress.done == 24:
            raise CutError

    path = tmp_path / "tuned.json"
    monkeypatch.setattr(session, "_SAVE_SECONDS", 0.0)
    with pytest.raises(CutError):
        tune(champion, path, observer=observer, **SMALL)
    with monkeypatch.context() as patch:
        patch.setitem(OPTIMISERS, "cma", Rounding)
        code, _, err = wann_command("resume", path)
        assert (code, err.count("\n")) == (2, 1)
        assert "rounds in another way than on the machine that it began on" in err
    assert resume_tuning(path).champion is not None


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cma", "random"])
def test_a_check_that_a_signal_cuts_off_is_made_again(champion, tmp_path, monkeypatch, method):
    monkeypatch.setattr(session, "_CHECK_EPISODES", 40)
    monkeypatch.setattr(session, "_CHECK_SHARE", 0.5)
    plan = {"method": method, "budget": 8 * 31, "population": 8, "episodes": 32, "max_steps": 60}
    tune(champion, tmp_path / "whole.json", **plan)
    whole = Saved.load(state_path(tmp_path / "whole.json"))
    assert whole.hard.size > 8
    assert len(whole.kept) == len(whole.kept_means) > 4
    check = session.TuningSession._check
    for cut in (1, 3, 6):
        path, count = tmp_path / f"{cut}.json", itertools.count()

        def checked(self, sets, cut=cut, count=count):
            if next(count) == cut:
                raise BrokenOff
            return check(self, sets)

        monkeypatch.setattr(session.TuningSession, "_check", checked)
        with pytest.raises(TuningInterrupted):
            tune(champion, path, **plan)
        monkeypatch.setattr(session.TuningSession, "_check", check)
        resume_tuning(path)
        assert path.read_bytes() == (tmp_path / "whole.json").read_bytes()
        resumed = Saved.load(state_path(path))
        for name in ("values", "kept", "kept_means", "hard"):
            np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name))


def test_a_longer_budget_goes_on_with_all_that_was_computed(champion, tmp_path):
    for name in ("a", "b"):
        tune(champion, tmp_path / f"{name}.json", **SMALL)
    before = Saved.load(state_path(tmp_path / "a.json"))
    for name in ("a", "b"):
        resume_tuning(tmp_path / f"{name}.json", budget=80)
    after = Saved.load(state_path(tmp_path / "a.json"))
    assert after.values.shape == (10, 8)
    np.testing.assert_array_equal(after.values[:6], before.values)
    assert after.plan.budget == 80
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_stages_double_the_episodes_and_cost_the_same():
    plan = TuningPlan(budget=3100 * 8, population=8, episodes=32)
    episodes = [plan.episodes_in(generation) for generation in range(plan.generations)]
    assert episodes == sorted(episodes)
    cost = {count: count * episodes.count(count) for count in episodes}
    assert cost == dict.fromkeys((2, 4, 8, 16, 32), 3200)
    for generations in (0, 1, 1599, 1601, 3100):
        assert plan.episodes_until(generations) == 8 * sum(episodes[:generations])


@pytest.mark.parametrize(("generations", "episodes"), [(1, 5), (2, 64), (7, 1), (40, 3)])
def test_every_tuning_ends_with_the_episodes_that_were_asked_for(generations, episodes):
    plan = TuningPlan(budget=8 * generations, population=8, episodes=episodes)
    found = [plan.episodes_in(generation) for generation in range(generations)]
    assert min(found) >= 1
    assert max(found) == found[-1] == episodes


def seen_seeds(monkeypatch):
    """What every evaluation is asked for: seeds, number of sets, limit of steps."""
    seen, evaluate = [], LocalEvaluator.evaluate

    def spy(self, networks, weights, seeds, *, max_steps=None, **options):
        seen.append((tuple(seeds), len(weights), max_steps))
        return evaluate(self, networks, weights, seeds, max_steps=max_steps, **options)

    monkeypatch.setattr(LocalEvaluator, "evaluate", spy)
    return seen


def test_episodes_are_fresh_in_each_generation_and_the_worst_come_back(champion, monkeypatch):
    seen = seen_seeds(monkeypatch)
    monkeypatch.setattr(session, "_CHECK_SHARE", 0.05)
    tune(champion, budget=16 * 62, population=16, episodes=64, max_steps=50)
    generations = [set(seeds) for seeds, sets, _ in seen if sets == 16]
    assert len(generations) == 62
    early, late = generations[:48], generations[-6:]
    assert all(not one & other for one, other in itertools.combinations(early, 2))
    checked = {seed for seeds, sets, _ in seen if sets == 1 and len(seeds) == 1000 for seed in seeds}
    assert not set.union(*early) & checked
    assert [len(one & checked) for one in late] == [4, 4, 4, 4, 8, 8]


def test_only_generations_are_cut_off(champion, monkeypatch):
    seen = seen_seeds(monkeypatch)
    cut = tune(champion, max_steps=90, **SMALL).champion
    tune(champion, max_steps=10**9, **SMALL)
    assert {limit for _, sets, limit in seen if sets == 8} == {90, 1000}
    assert {limit for _, sets, limit in seen if sets != 8} == {None}
    assert cut.tuning["max_steps"] == 90


@pytest.mark.slow
def test_ray_gives_the_same_bits(champion, tmp_path):
    save_champion(champion, tmp_path / "champion.json")
    options = ["--budget", "16", "--population", "8", "--episodes", "2", "--workers", "1", "--quiet"]
    command = [sys.executable, "-m", "wann", "tune", str(tmp_path / "champion.json"), *options]
    # In a process of its own: Ray keeps what it began with in one.
    subprocess.run([*command, "--out", str(tmp_path / "there.json")], check=True, capture_output=True)
    tune(champion, tmp_path / "here.json", budget=16, population=8, episodes=2)
    assert (tmp_path / "there.json").read_bytes() == (tmp_path / "here.json").read_bytes()


# files


def test_the_tuned_champion_is_a_file_of_its_own_and_comes_back_whole(champion, tmp_path):
    path = tmp_path / "tuned.json"
    tuned = tune(champion, path, **SMALL)
    loaded = load_champion(path)
    np.testing.assert_array_equal(loaded.tuned, tuned.champion.tuned)
    assert loaded.tuning == tuned.champion.tuning
    assert set(loaded.tuning) >= {"method", "budget", "seed", "before", "after", "start_weight"}
    assert loaded.genome == champion.genome


def test_a_connection_that_leads_nowhere_has_a_weight_too(champion, tmp_path):
    genome = champion.genome
    extra = {"source": 1, "target": int(genome.node_id[-1]) + 1, "mark": int(genome.mark[-1]) + 1}
    longer = genome.evolve(
        node_id=np.append(genome.node_id, extra["target"]).astype(np.int32),
        activation=np.append(genome.activation, genome.activation[-1]),
        enabled=np.append(genome.enabled, True),
        **{
            name: np.append(getattr(genome, name), extra[name]).astype(np.int32)
            for name in ("source", "target", "mark")
        },
    )
    tuned = tune(replace(champion, genome=longer), tmp_path / "t.json", **SMALL).champion
    assert tuned.tuned.size == longer.connection_count == champion.network.sources.size + 1
    np.testing.assert_array_equal(tuned.tuned[:-1], tune(champion, **SMALL).champion.tuned)
    assert load_champion(tmp_path / "t.json").tuned_sources.size == champion.network.sources.size


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"method": "cmaes"}, "unknown method 'cmaes'; did you mean 'cma'?"),
        ({"budget": 0}, "budget must be a whole number from 1"),
        ({"population": 3}, "population must be a whole number from 4"),
        ({"sigma": 0.0}, "sigma must be above 0"),
        ({"method": "pepg", "population": 7}, "population must be even, not 7"),
        ({"method": "adam"}, "adam needs gradients, which only data sets have"),
        ({"weight": float("nan")}, "weight must be a finite number"),
        ({"weight": "tuned"}, "no tuned weights to start from"),
        ({"freeze": ["middle"]}, "no part 'middle' to freeze; choose from"),
        ({"freeze": ["hidden", "outputs"]}, "every connection is frozen"),
        ({"budgets": 3}, "unknown setting 'budgets' of a tuning; did you mean 'budget'?"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_anything_is_computed(champion, tmp_path, plan, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        tune(champion, tmp_path / "t.json", **plan)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(champion, tmp_path):
    path = tmp_path / "champion.json"
    save_champion(champion, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="exists already: choose another --out"):
        tune(champion, path, **SMALL)
    assert path.read_bytes() == before
    tune(champion, tmp_path / "tuned.json", **SMALL)
    with pytest.raises(ValueError, match="holds a tuning already: go on with wann resume"):
        tune(champion, tmp_path / "tuned.json", **SMALL)
    with pytest.raises(ValueError, match="cannot write"):
        tune(champion, tmp_path / "no" / "tuned.json", **SMALL)


def test_a_damaged_state_is_told_in_one_line(champion, tmp_path):
    path = tmp_path / "t.json"
    tune(champion, path, **SMALL)
    state = state_path(path)
    whole = state.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        state.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"t\.json\.tuning\.npz") as caught:
            resume_tuning(path)
        assert "\n" not in str(caught.value)
    state.unlink()
    with pytest.raises(ValueError, match="no tuning to go on with"):
        resume_tuning(path)


def test_only_the_budget_may_change(champion, tmp_path):
    tune(champion, tmp_path / "t.json", **SMALL)
    with pytest.raises(ValueError, match="'sigma' determines the tuning"):
        resume_tuning(tmp_path / "t.json", sigma=0.1)


def test_the_state_holds_everything_that_was_told(champion, tmp_path):
    tune(champion, tmp_path / "t.json", **SMALL)
    saved = Saved.load(state_path(tmp_path / "t.json"))
    assert saved.values.shape == (6, 8)
    assert saved.plan == TuningPlan(**SMALL)
    assert np.all(np.diff(saved.kept_means) <= 0.0)


# the command line


def test_an_interrupted_tuning_in_memory_says_where_it_stands(champion):
    def observer(_progress):
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(TuningInterrupted) as caught:
        tune(champion, observer=observer, **SMALL)
    assert caught.value.tuned.champion is None
    assert caught.value.tuned.progress.done == 8


def test_a_signal_before_anything_is_kept_ends_it_and_leaves_nothing(champion, tmp_path, monkeypatch):
    def broken_off(*_arguments, **_options):
        raise BrokenOff

    monkeypatch.setattr(LocalEvaluator, "evaluate", broken_off)
    with pytest.raises(KeyboardInterrupt) as caught:
        tune(champion, tmp_path / "t.json", **SMALL)
    assert not isinstance(caught.value, TuningInterrupted)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_published_champion_gets_much_better(published_data):
    champion = import_champion(published_data / "swing.out", "swingup")
    tuned = tune(champion, budget=6400, population=32, episodes=8, sigma=0.2).champion
    assert tuned.tuning["before"]["mean"] == pytest.approx(706, abs=25)
    assert tuned.tuning["after"]["mean"] > 760.0


def test_work_in_another_thread_has_a_stop_of_its_own():
    with stop_signals() as outer, ThreadPoolExecutor(1) as pool:

        def inner():
            with stop_signals() as stop:
                return stop

        assert pool.submit(inner).result() is not outer
        assert inner() is outer
