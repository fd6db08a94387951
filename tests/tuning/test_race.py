"""Races: what they choose from and by, and that they go on to the same bits."""

import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from races import OPTIONS, PLAN, TINY

from wann.champion import champion_to_json, load_champion, save_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import Placement
from wann.networks.genome import minimal_genome
from wann.networks.network import compile_genome, phenotype
from wann.run.confirming import last_networks
from wann.run.folder import RunFolder
from wann.run.search import search
from wann.tuning import race_session, session
from wann.tuning.race import is_race, race, resume_race
from wann.tuning.race_entrants import entrants_of
from wann.tuning.race_offspring import Mutation, offspring
from wann.tuning.race_session import rounds_of
from wann.tuning.session import EpisodeFailedError, OtherMachineError, TuningInterrupted
from wann.tuning.tune import tune
from wann.utils.seeding import Purpose, episode_seeds


@pytest.fixture(scope="module")
def run_path(tmp_path_factory):
    """A finished run; not to be changed."""
    return search("swingup", out=tmp_path_factory.mktemp("ended") / "run", threads=1, **TINY).path


@pytest.fixture(scope="module")
def entrants(run_path):
    return entrants_of([run_path], networks=5, placement=Placement(1))


@pytest.fixture(scope="module")
def raced(entrants, tmp_path_factory):
    """A finished race and what it gave; not to be changed."""
    return race(entrants, tmp_path_factory.mktemp("raced") / "race", placement=Placement(1), **PLAN)


@pytest.fixture(scope="module")
def grown(entrants, tmp_path_factory):
    """The same with two generations of offspring; not to be changed."""
    return race(
        entrants, tmp_path_factory.mktemp("grown") / "race", placement=Placement(1), generations=2, **PLAN
    )


def tunings(folder, pattern="round-*"):
    """Champions of every tuning, by stage and file name."""
    return [
        {path.name: load_champion(path) for path in sorted(part.glob("*.json"))}
        for part in sorted(folder.glob(pattern))
    ]


def judged(champion):
    return champion.tuning["chosen_by"]


# who takes part


def test_a_run_stands_for_its_champion_and_what_it_would_evaluate_next(run_path):
    found = last_networks(run_path, placement=Placement(1))
    assert champion_to_json(found[0]) == champion_to_json(load_champion(run_path))
    population = RunFolder.open(run_path).load_checkpoint()[0].state.population
    known = {phenotype(genome) for genome in population if compile_genome(genome).sources.size}
    seen = [phenotype(champion.genome) for champion in found]
    assert len(set(seen)) == len(seen)
    assert set(seen) == known | {seen[0]}
    assert [champion.genome for champion in last_networks(run_path, most=3, placement=Placement(1))] == [
        champion.genome for champion in found[:3]
    ]


def test_they_are_scored_on_the_same_fresh_episodes(run_path):
    _, one, *_, last = last_networks(run_path, placement=Placement(1))
    for champion in (one, last):
        task, scores = champion.get_task(), champion.scores
        with LocalEvaluator(task, TINY["max_steps"], 1) as evaluator:
            returns = evaluator.evaluate([champion.network], scores.weights, scores.episode_seeds).returns[0]
        np.testing.assert_array_equal(scores.mean, returns.mean(axis=1))
        assert scores.episode_seeds == one.scores.episode_seeds


def test_scattered_weights_scatter_for_each_network_as_when_it_is_alone(tmp_path):
    values = TINY | {"generations": 2, "weight_noise": 0.2}
    path = search("swingup", out=tmp_path / "run", threads=1, **values).path
    few, all_ = (last_networks(path, most=most, placement=Placement(1)) for most in (2, None))
    np.testing.assert_array_equal(few[1].scores.mean, all_[1].scores.mean)
    assert len(all_) > 2


def test_several_runs_and_files_take_part_together(run_path, tmp_path):
    save_champion(load_champion(run_path), tmp_path / "champion.json")
    found = entrants_of([run_path, tmp_path / "champion.json", run_path], networks=3, placement=Placement(1))
    assert (len(found.champions), found.own) == (3, (0,))  # as the same networks
    other = search("swingup", out=tmp_path / "other", threads=1, **TINY | {"seed": 5}).path
    found = entrants_of([run_path, tmp_path / "champion.json", other], networks=3, placement=Placement(1))
    assert (len(found.champions), found.own) == (6, (0, 3))
    assert champion_to_json(found.champions[3]) == champion_to_json(load_champion(other))


# what it does


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        (1, [(1, 1600)]),
        (2, [(2, 400), (1, 1600)]),
        (4, [(4, 400), (1, 1600)]),
        (5, [(5, 100), (2, 400), (1, 1600)]),
        (192, [(192, 100), (48, 400), (12, 1600)]),
    ],
)
def test_the_better_quarter_goes_on_with_four_times_the_budget(networks, expected):
    assert rounds_of(networks, 1600) == expected


@pytest.mark.slow
def test_every_round_takes_the_best_of_the_last_one_and_the_best_of_all_wins(raced, entrants):
    folder = raced.path.parent
    rounds = tunings(folder)
    assert [len(part) for part in rounds] == [5, 2, 1]
    for before, after in pairwise(rounds):
        order = sorted(before, key=lambda name: (-judged(before[name]), name))
        assert sorted(after) == sorted(order[: len(after)])
    best = max((champion for part in rounds for champion in part.values()), key=judged)
    np.testing.assert_array_equal(raced.champion.tuned, best.tuned)
    told = raced.champion.tuning["race"]
    assert rounds[told["round"] - 1][f"{told['network']:04d}.json"].tuned.tolist() == best.tuned.tolist()
    assert [row["best"] for row in told["rounds"]] == [max(map(judged, part.values())) for part in rounds]
    assert told["rounds"][0]["champion"] == judged(rounds[0]["0000.json"])
    assert raced.progress.done == raced.progress.budget == 5 * 16 + 2 * 64 + 256
    assert not list(folder.rglob("*.npz"))


def test_a_tuning_of_a_race_is_that_of_the_champion_alone(raced, entrants, tmp_path):
    alone = tune(
        entrants.champions[3], tmp_path / "alone.json", placement=Placement(2), **PLAN | {"budget": 16}
    )
    assert alone.path.read_bytes() == (raced.path.parent / "round-1/0003.json").read_bytes()


def test_a_champion_whose_tuning_is_chosen_from_many_is_judged_on_the_same_episodes(raced):
    champion = raced.champion
    seeds = episode_seeds(champion.tuning["seed"], Purpose.TUNING, 1000, 6)
    task = champion.get_task()
    with LocalEvaluator(task, task.episode_steps, 1) as evaluator:
        returns = evaluator.evaluate([champion.network], champion.tuned_sources[None], seeds).returns[0]
    assert returns.mean() == pytest.approx(judged(champion), rel=1e-12)


def test_a_network_that_fails_is_out_and_the_others_race_on(entrants, tmp_path, monkeypatch):
    def failing(champion, *arguments, **options):
        if phenotype(champion.genome) != survivor:
            raise EpisodeFailedError("the champion could not be evaluated: it fell over")
        return tune(champion, *arguments, **options)

    survivor = phenotype(entrants.champions[2].genome)
    monkeypatch.setattr(race_session, "tune", failing)
    notes, progress = [], []
    plan = PLAN | {"budget": 128, "observer": progress.append}
    ended = race(entrants, tmp_path / "race", note=notes.append, **plan)
    assert phenotype(ended.champion.genome) == survivor
    assert [note.split()[1] for note in notes] == ["0", "1", "3", "4"]
    assert progress[-1].done == progress[-1].budget
    survivor = None
    with pytest.raises(EpisodeFailedError, match="it fell over"):
        race(entrants, tmp_path / "none", **plan)


def test_the_best_of_the_rounds_before_wins_where_the_finalists_fail(entrants, raced, tmp_path, monkeypatch):
    def failing(champion, *arguments, **options):
        if options["budget"] == PLAN["budget"]:
            raise EpisodeFailedError("it fell over")
        return tune(champion, *arguments, **options)

    monkeypatch.setattr(race_session, "tune", failing)
    progress = []
    ended = race(entrants, tmp_path / "race", observer=progress.append, **PLAN)
    best = max(
        (champion for part in tunings(raced.path.parent)[:2] for champion in part.values()), key=judged
    )
    assert ended.champion.tuned.tolist() == best.tuned.tolist()
    assert len(ended.champion.tuning["race"]["rounds"]) == 2
    assert progress[-1].done == progress[-1].budget


def test_a_budget_too_small_to_tell_networks_apart_is_told(entrants, tmp_path):
    notes = []
    race(entrants, tmp_path / "race", note=notes.append, **PLAN | {"budget": 64})
    assert [note for note in notes if "the first round's budget, 4, is less than a generation of 8" in note]


# offspring


@pytest.mark.slow
def test_children_of_the_four_best_go_on_from_their_weights(grown, raced, entrants):
    folder = grown.path.parent
    rounds = tunings(folder)
    assert [judged(champion) for part in rounds for champion in part.values()] == [
        judged(champion) for part in tunings(raced.path.parent) for champion in part.values()
    ]
    so_far = [champion for part in rounds for champion in part.values()]
    for number in (1, 2):
        best = {}
        for champion in sorted(so_far, key=judged, reverse=True):
            best.setdefault(phenotype(champion.genome), champion)
        expected = offspring([*best.values()][:4], 16, entrants.mutation, PLAN["seed"], number, known=best)
        children, longer = (tunings(folder, f"generation-{number}{end}")[0] for end in ("", "-longer"))
        for child, (name, champion) in zip(expected, children.items(), strict=True):
            assert phenotype(champion.genome) == phenotype(child.genome), name
            assert champion.tuning["before"]["mean"] == fresh_mean(child)
            assert (champion.tuning["start_weight"], champion.tuning["budget"]) == ("tuned", 32)
        assert sorted(longer) == sorted(
            sorted(children, key=lambda name: (-judged(children[name]), name))[:2]
        )
        for name, champion in longer.items():
            assert champion.tuning["before"]["mean"] == children[name].tuning["after"]["mean"]
            assert champion.tuning["budget"] == 128
        so_far += [*children.values(), *longer.values()]
    assert judged(grown.champion) == max(map(judged, so_far))
    told = grown.champion.tuning["race"]
    assert load_champion(folder / told["file"]).tuned.tolist() == grown.champion.tuned.tolist()
    assert [row["networks"] for row in told["generations"]] == [16, 16]
    assert grown.progress.done == grown.progress.budget == 464 + 2 * (16 * 32 + 2 * 128)


def fresh_mean(champion):
    """Mean return at tuned weights on the fresh episodes of a tuning."""
    task = champion.get_task()
    seeds = episode_seeds(PLAN["seed"], Purpose.TUNING, 100, 4)
    with LocalEvaluator(task, task.episode_steps, 1) as evaluator:
        returns = evaluator.evaluate([champion.network], champion.tuned_sources[None], seeds).returns[0]
    return float(returns.mean())


@pytest.mark.slow
def test_a_child_has_scores_of_its_own(grown):
    for child in tunings(grown.path.parent, "generation-1")[0].values():
        assert child.origin["offspring"] == 1
        task, scores = child.get_task(), child.scores
        with LocalEvaluator(task, task.episode_steps, 1) as evaluator:
            returns = evaluator.evaluate([child.network], scores.weights, scores.episode_seeds).returns[0]
        np.testing.assert_array_equal(scores.mean, returns.mean(axis=1))


def test_children_that_fail_are_out(entrants, tmp_path, monkeypatch):
    def failing(champion, *arguments, **options):
        if champion.tuned is not None:
            raise EpisodeFailedError("the champion could not be evaluated: it fell over")
        return tune(champion, *arguments, **options)

    monkeypatch.setattr(race_session, "tune", failing)
    notes = []
    two = replace(entrants, champions=entrants.champions[:2], own=(0,))
    ended = race(two, tmp_path / "race", generations=1, note=notes.append, **PLAN)
    assert not list((tmp_path / "race/generation-1").iterdir())
    assert len(notes) == 16
    assert notes[3].startswith("network 3 of generation-1 is out of the race: ")
    assert ended.champion.tuning["race"]["generations"][0]["best"] is None
    assert ended.progress.done == ended.progress.budget


def test_children_that_cannot_be_scored_are_out(entrants, tmp_path, monkeypatch):
    class Failing:
        """Fails for networks at the shared weights that their parents were confirmed at."""

        def __init__(self, inner):
            self._inner = inner

        def evaluate(self, networks, weights, seeds, **options):
            rollouts = self._inner.evaluate(networks, weights, seeds, **options)
            if np.array_equal(weights, entrants.champions[0].scores.weights):
                return rollouts._replace(failures=((0, "it fell over"),))
            return rollouts

    @contextmanager
    def opened(*arguments):
        with open_evaluator(*arguments) as inner:
            yield Failing(inner)

    monkeypatch.setattr(race_session, "open_evaluator", opened)
    notes = []
    one = replace(entrants, champions=entrants.champions[:1], own=(0,))
    race(one, tmp_path / "race", generations=1, note=notes.append, **PLAN)
    assert len(notes) == 16
    assert notes[0].endswith("is out of the race: it could not be scored: it fell over")


def test_where_nothing_can_change_there_are_no_children(entrants, tmp_path):
    small = minimal_genome(5, 1, 1, 1.0, rng=np.random.default_rng(0))
    one = replace(
        entrants,
        champions=(replace(entrants.champions[0], genome=small),),
        own=(0,),
        mutation=Mutation((0.0, 0.0, 0.0, 1.0), ("tanh",)),
    )
    notes, progress = [], []
    race(one, tmp_path / "race", generations=1, note=notes.append, observer=progress.append, **PLAN)
    assert [note.partition(":")[0] for note in notes] == ["generation 1 has only 0 children"]
    assert progress[-1].done == progress[-1].budget


@pytest.mark.slow
@pytest.mark.parametrize(("task", "method"), [("digits", "adam"), ("CartPole-v1", "pepg")])
def test_offspring_on_other_tasks(tmp_path, task, method):
    if method == "adam":
        pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'wann[torch]'")
        pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'wann[data]'")
    values = TINY | {"generations": 2, "max_steps": 20} if task != "digits" else {"generations": 2}
    path = search(task, out=tmp_path / "run", threads=1, **values).path
    found = entrants_of([path], networks=1, placement=Placement(1))
    plan = {"budget": 16, "population": 4, "episodes": 1, "method": method, "max_steps": 20}
    ended = race(found, tmp_path / "race", generations=1, **plan)
    assert ended.champion.tuning["race"]["generations"][0]["networks"] == 16
    assert load_champion(tmp_path / "race").task == task


def test_of_the_same_network_the_tuned_one_takes_part(run_path, raced, tmp_path):
    plain = replace(raced.champion, tuned=None, tuning={})
    save_champion(plain, tmp_path / "plain.json")
    for paths in ([raced.path, tmp_path / "plain.json"], [tmp_path / "plain.json", raced.path]):
        found = entrants_of(paths, placement=Placement(1))
        assert [champion.tuned is None for champion in found.champions] == [False]


def test_tuned_networks_start_where_they_are(raced, tmp_path):
    found = entrants_of([raced.path.parent], placement=Placement(1))
    ended = race(found, tmp_path / "race", **PLAN)
    assert ended.champion.tuning["start_weight"] == "tuned"
    assert ended.champion.tuning["before"] == raced.champion.tuning["after"]
    assert judged(ended.champion) >= judged(raced.champion)


def test_offspring_differ_as_in_the_search(run_path, entrants, tmp_path):
    assert entrants.mutation.shares == (0.20, 0.25, 0.05, 0.50, 0.0, 0.1333, 0.0, 0.15)
    values = TINY | {"generations": 2, "activations": ["tanh", "relu"], "insert_node": 0.0}
    path = search("swingup", out=tmp_path / "run", threads=1, **values).path
    found = entrants_of([path, run_path], networks=2, placement=Placement(1))
    assert found.mutation == Mutation((0.20, 0.0, 0.05, 0.50, 0.0, 0.1333, 0.0, 0.15), ("tanh", "relu"))
    save_champion(load_champion(path), tmp_path / "champion.json")
    assert entrants_of([tmp_path / "champion.json"], placement=Placement(1)).mutation == entrants.mutation


# going on


@pytest.mark.slow
@pytest.mark.parametrize(
    ("generations", "generation"), [(0, 1), (0, 2), (0, 9), (0, 15), (0, 24), (2, 70), (2, 150)]
)
def test_a_race_cut_off_anywhere_goes_on_to_the_same_bits(
    request, entrants, tmp_path, generations, generation
):
    whole = request.getfixturevalue("grown" if generations else "raced")
    count = 0

    def observer(_progress):
        nonlocal count
        count += 1
        if count == generation:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(TuningInterrupted) as caught:
        race(
            entrants,
            tmp_path / "race",
            placement=Placement(1),
            generations=generations,
            observer=observer,
            **PLAN,
        )
    assert caught.value.tuned.champion is None
    assert is_race(tmp_path / "race")
    progress = []
    ended = resume_race(tmp_path / "race", placement=Placement(2), observer=progress.append)
    assert ended.path.read_bytes() == whole.path.read_bytes()
    done = [now.done for now in progress]
    assert done == sorted(done)
    assert done[-1] == progress[-1].budget
    # What was computed before is not shown as progress of this session: the time left follows from that.
    assert done[0] > 8 * (generation - 2)
    assert max(np.diff(done)) <= 8


@pytest.mark.slow
def test_more_generations_are_those_of_a_race_that_had_them_at_once(grown, raced, tmp_path):
    class KilledError(Exception):
        pass

    def observer(progress):
        if "generation 2" in progress.part:
            raise KilledError

    shutil.copytree(raced.path.parent, tmp_path / "race")
    resume_race(tmp_path / "race", generations=1)
    resume_race(tmp_path / "race")
    assert not (tmp_path / "race/generation-2").exists()
    with pytest.raises(KilledError):
        resume_race(tmp_path / "race", generations=2, observer=observer)
    # It is remembered that there are two.
    assert resume_race(tmp_path / "race").path.read_bytes() == grown.path.read_bytes()
    for generations in (1, True, 2.5, "3", 10_001):
        with pytest.raises(ValueError, match="a whole number from 2, which the race has, to 10000"):
            resume_race(tmp_path / "race", generations=generations)


@pytest.mark.slow
def test_what_is_there_is_not_evaluated_again(grown, tmp_path, monkeypatch):
    class Refusing:
        evaluate = None

    shutil.copytree(grown.path.parent, tmp_path / "race")
    (tmp_path / "race/champion.json").unlink()
    (tmp_path / "race/.wann-left").mkdir()
    (tmp_path / "race/round-2/.wann-left.json").touch()
    monkeypatch.setattr(race_session, "open_evaluator", lambda *_arguments: nullcontext(Refusing()))
    assert resume_race(tmp_path / "race").path.read_bytes() == grown.path.read_bytes()
    assert [path.name for path in (tmp_path / "race").rglob(".wann-*")] == [".wann-left"]


@pytest.mark.slow
def test_a_signal_while_a_tuning_ends_is_not_lost(raced, entrants, tmp_path, monkeypatch):
    def signalling(*arguments, **options):
        tuned = tune(*arguments, **options)
        stopped.append(tuned.path.name)
        return tuned

    def save(*arguments):
        if not stopped:
            signal.raise_signal(signal.SIGINT)
        save_champion(*arguments)

    stopped = []
    monkeypatch.setattr(race_session, "tune", signalling)
    monkeypatch.setattr(session, "save_champion", save)
    with pytest.raises(TuningInterrupted) as caught:
        race(entrants, tmp_path / "race", placement=Placement(1), **PLAN)
    assert stopped == ["0000.json"]
    assert caught.value.tuned.progress.done == 16
    assert resume_race(tmp_path / "race").path.read_bytes() == raced.path.read_bytes()


@pytest.mark.slow
def test_a_tuning_that_cannot_go_on_on_this_machine_begins_anew(raced, entrants, tmp_path, monkeypatch):
    def observer(progress):
        if progress.part.startswith("round 2") and not stopped:
            stopped.append(progress.part)
            signal.raise_signal(signal.SIGINT)

    def refusing(path, **_options):
        refused.append(path.name)
        raise OtherMachineError("it cannot go on here")

    stopped, refused = [], []
    with pytest.raises(TuningInterrupted):
        race(entrants, tmp_path / "race", observer=observer, **PLAN)
    with monkeypatch.context() as patch:
        patch.setattr(race_session, "resume_tuning", refusing)
        ended = resume_race(tmp_path / "race")
    assert len(refused) == 1
    assert ended.path.read_bytes() == raced.path.read_bytes()


@pytest.mark.slow
def test_a_process_killed_before_a_tuning_leaves_nothing_that_resume_falls_over(
    raced, entrants, tmp_path, monkeypatch
):
    real = Path.unlink

    def killed(path, **options):
        if ".tuning" in path.name:
            raise KeyboardInterrupt
        real(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            race(entrants, tmp_path / "race", placement=Placement(1), **PLAN)
    assert len(list((tmp_path / "race/round-1").iterdir())) == 1
    assert resume_race(tmp_path / "race").path.read_bytes() == raced.path.read_bytes()


@pytest.mark.slow
def test_a_folder_is_made_whole_or_not_at_all(raced, entrants, tmp_path, monkeypatch):
    def killed(_champion, path):
        if path.name == "0003.json":
            raise KeyboardInterrupt
        save_champion(_champion, path)

    (tmp_path / "race").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("wann.tuning.race.save_champion", killed)
        with pytest.raises(KeyboardInterrupt):
            race(entrants, tmp_path / "race", **PLAN)
    assert [path.name for path in tmp_path.rglob("*")] == ["race"]
    assert race(entrants, tmp_path / "race", **PLAN).path.read_bytes() == raced.path.read_bytes()


def test_all_that_is_left_may_be_to_name_the_best(raced, tmp_path):
    shutil.copytree(raced.path.parent, tmp_path / "race")
    (tmp_path / "race/champion.json").unlink()
    progress = []
    ended = resume_race(tmp_path / "race", observer=progress.append)
    assert ended.path.read_bytes() == raced.path.read_bytes()
    assert [(now.done, now.part) for now in progress] == [(464, "round 3/3, network 1/1")]
    assert progress[0].best == max(row["best"] for row in raced.champion.tuning["race"]["rounds"])


def test_going_on_after_the_end_computes_nothing(raced, monkeypatch):
    monkeypatch.setattr(race_session, "open_evaluator", None)
    again = resume_race(raced.path.parent)
    assert again.champion.tuned.tolist() == raced.champion.tuned.tolist()
    assert again.progress.done == again.progress.budget


@pytest.mark.slow
def test_ray_gives_the_same_bits(raced, run_path, tmp_path):
    command = [sys.executable, "-m", "wann", "race", str(run_path), "--networks", "5", *OPTIONS]
    # In a process of its own: Ray keeps what it began with in one.
    subprocess.run(
        [*command, "--workers", "1", "--quiet", "--out", str(tmp_path / "race")],
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "race/champion.json").read_bytes() == raced.path.read_bytes()


# the command line


def test_parts_of_one_network_are_no_part_of_a_race(entrants, tmp_path):
    for name, value in (("freeze", ("hidden",)), ("weight", 0.5), ("turn", 1)):
        with pytest.raises(ValueError, match=f"a race has no '{name}'"):
            race(entrants, tmp_path / "race", **PLAN, **{name: value})
    with pytest.raises(ValueError, match="at least one network"):
        race(replace(entrants, champions=(), own=()), tmp_path / "race", **PLAN)
    with pytest.raises(ValueError, match="generations must be a whole number from 0 to"):
        race(entrants, tmp_path / "race", generations=-1, **PLAN)


def test_two_processes_do_not_race_in_one_folder(entrants, tmp_path):
    refused = []

    def observer(_progress):
        if not refused:
            with pytest.raises(ValueError, match="another process is running this race") as caught:
                resume_race(tmp_path / "race")
            refused.append(caught.value)

    one = replace(entrants, champions=entrants.champions[:1], own=(0,))
    race(one, tmp_path / "race", observer=observer, **PLAN | {"budget": 8})
    assert refused
