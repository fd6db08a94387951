"""How a champion is confirmed: on episodes of its own, in a duel."""

import itertools

import numpy as np
import pytest
from searches import TINY, tiny

from wann.champion import load_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.evolution.evolution import Evolution
from wann.evolution.shared_weights import duel_weights
from wann.networks.genome import minimal_genome
from wann.run.confirming import scored_champion
from wann.run.folder import RunFolder
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds


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


def test_the_newest_champion_is_the_best(undisturbed):
    newest = max((undisturbed / "champions").iterdir())
    assert newest.read_bytes() == (undisturbed / "champion.json").read_bytes()


def test_a_champion_has_won_a_duel_and_its_scores_are_of_other_episodes(tmp_path):
    """Each new champion beats the one before on the duel's episodes and weights, whatever both scored."""
    settings = tiny(tmp_path / "run", generations=40, champion_rule="duel", seed=8).settings
    champions = [load_champion(path) for path in sorted((tmp_path / "run" / "champions").iterdir())]
    means = [champion.scores.overall for champion in champions]
    assert len(champions) > 4
    assert means != sorted(means), "a confirmed mean that no duel was decided by may be lower than the last"
    assert load_champion(tmp_path / "run").scores.overall == means[-1]
    with LocalEvaluator(get_task("swingup"), TINY["max_steps"], 1) as evaluator:
        for before, after in itertools.pairwise(champions):
            generation = after.origin["generation"]
            seeds = episode_seeds(settings.seed, Purpose.DUEL, settings.confirm_episodes // 2, generation)
            weights = duel_weights(settings, generation)
            returns = evaluator.evaluate([before.network, after.network], weights, seeds).returns
            leads = returns[1] - returns[0]
            assert leads.mean() > 2.0 * leads.std() / np.sqrt(leads.size)
            assert not set(seeds) & set(after.scores.episode_seeds)
            assert weights.size == 50
            assert not set(weights) & set(after.scores.weights)


@pytest.mark.parametrize(("episodes", "first", "rest"), [(20, 3, 7), (9, 2, 3), (1, 1, 0)])
def test_a_duel_begins_with_a_quarter_of_its_episodes(tmp_path, monkeypatch, episodes, first, rest):
    played, evaluate = [], LocalEvaluator.evaluate

    def noted(self, networks, weights, seeds, *, confirming=False, **options):
        if confirming and len(networks) == 2:
            played.append(len(seeds))
        return evaluate(self, networks, weights, seeds, confirming=confirming, **options)

    monkeypatch.setattr(LocalEvaluator, "evaluate", noted)
    tiny(tmp_path / "run", generations=40, champion_rule="duel", confirm_episodes=episodes)
    assert set(played) == {first, rest} - {0}
    assert played[0] == first
    assert all(before == first for before, after in itertools.pairwise(played) if after == rest)
    assert played.count(first) > played.count(rest), "most challengers lose at once"


def test_duels_and_confirmations_are_counted(tmp_path):
    rows = RunFolder.open(tiny(tmp_path / "run", generations=40, champion_rule="duel").path).read_metrics()
    tried = np.diff(rows["evaluations"], prepend=0) - TINY["population"]
    # None, the first champion's confirmation, a lost duel, a duel that was won.
    assert set(tried) == {0, 1, 2, 3}
    assert tried[0] == 1
    found = np.diff(rows["champion_mean"], prepend=np.nan) != 0
    assert ((tried == 3) == found)[1:].all()


def test_as_long_as_nothing_is_confirmed_the_rows_have_no_champion(tmp_path, monkeypatch):
    monkeypatch.setattr(Evolution, "confirm", lambda *_: False)
    rows = RunFolder.open(tiny(tmp_path / "run", generations=2).path).read_metrics()
    assert np.isnan(rows["champion_mean"]).all()
    assert np.isnan(rows["champion_best_weight"]).all()
    assert rows["champion_connections"].tolist() == rows["champion_nodes"].tolist() == [0, 0]


def test_the_steps_of_duels_are_counted(tmp_path, monkeypatch):
    played, evaluate = [], LocalEvaluator.evaluate

    def noted(self, *arguments, **options):
        rollouts = evaluate(self, *arguments, **options)
        played.append(int(rollouts.steps.sum()))
        return rollouts

    monkeypatch.setattr(LocalEvaluator, "evaluate", noted)
    run = tiny(tmp_path / "run", generations=20, champion_rule="duel")
    assert run.totals.steps == sum(played)


def test_a_champion_from_elsewhere_is_scored_at_the_paper_s_weights_on_twenty_episodes():
    task = get_task("swingup")
    genome = minimal_genome(len(task.inputs), 1, 1, 0.5, rng=np.random.default_rng(2))
    champion = scored_champion(task, genome, None, {"from": "elsewhere"})
    seeds = episode_seeds(0, Purpose.CONFIRMATION, 20, 0)
    assert list(champion.scores.episode_seeds) == list(seeds)
    assert champion.scores.weights.tolist() == [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0]
    with LocalEvaluator(task, task.episode_steps, 1) as evaluator:
        returns = evaluator.evaluate([champion.network], champion.scores.weights, seeds).returns[0]
    assert champion.scores.mean.tolist() == returns.mean(axis=1).tolist()
    assert champion.origin == {"from": "elsewhere"}
