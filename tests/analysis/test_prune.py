"""Pruning: what is lost without a connection, what goes, what stays, and what the result is worth."""

import dataclasses

import numpy as np
import pytest
import toys  # noqa: F401 - registers them
from champions import TOY, WEIGHTS, champion_of
from conftest import evolved

from wann.analysis.prune import Pruning, PruningEpisodes, importance_table, prune
from wann.analysis.scorecard import evaluate
from wann.analysis.variants import Trials, portions
from wann.champion import champion_from_json, champion_to_json, node_names
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.placement import Placement
from wann.networks.genome import check_genome
from wann.networks.network import compile_genome
from wann.rollouts.samples import classify_numpy
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds


@pytest.fixture(scope="module")
def toy():
    return prune(champion_of("toys/Toy-v0", TOY, [1.0]), tolerance=0.0, episodes=PruningEpisodes(8, 12))


def test_a_useless_connection_goes_and_an_essential_one_stays(toy):
    smaller = toy.champion.genome
    assert list(zip(smaller.source, smaller.target, strict=True)) == [(1, 5), (5, 4)]
    assert smaller.mark.tolist() == [10, 11]
    assert smaller.node_id.tolist() == [0, 1, 2, 3, 4, 5]  # without 6 and 7
    check_genome(smaller)
    assert toy.after > toy.before > toy.nothing


def test_importance_is_the_return_lost_without_each_enabled_connection(toy):
    original = toy.original
    assert original.genome == TOY
    chain, useless, dead = original.importance[:2], original.importance[2:4], original.importance[4]
    assert chain[0] == chain[1] > 0.0 > useless[0] == useless[1]
    assert dead == 0.0
    assert toy.champion.importance.size == 2
    assert (toy.champion.importance > 0.0).all()
    assert toy.nodes == pytest.approx({5: chain[0], 6: useless[0], 7: 0.0})
    first, *_, last = importance_table(original)
    assert (first["from"], first["to"]) == (original.inputs[0], "linear 5")
    assert last["importance"] < 0.0


def test_the_smaller_champion_is_a_whole_champion_with_fresh_scores(toy):
    champion = toy.champion
    again = champion_from_json(champion_to_json(champion))
    assert again.genome == champion.genome
    assert again.importance.tolist() == champion.importance.tolist()
    assert again.origin["pruned"]["connections_before"] == 5
    task = get_task("toys/Toy-v0")
    with LocalEvaluator(task, task.episode_steps) as evaluator:
        seeds = champion.scores.episode_seeds
        returns = evaluator.evaluate([champion.network], champion.scores.weights, seeds).returns[0]
    assert len(set(seeds)) == 12
    assert champion.scores.mean.tolist() == returns.mean(axis=1).tolist()
    assert champion.scores.overall == pytest.approx(toy.after, abs=1e-12)
    assert not set(seeds) & set(episode_seeds(0, Purpose.PRUNING, 8, 0))


def test_the_score_without_a_connection_is_that_of_a_genome_that_has_it_off():
    champion = champion_of("swingup", evolved(30, 25))
    found = prune(champion, tolerance=0.5, episodes=PruningEpisodes(3, 2, 4))
    genome, task = champion.genome, get_task("swingup")
    seeds = episode_seeds(4, Purpose.PRUNING, 3, 0)
    with LocalEvaluator(task, task.episode_steps, 1) as evaluator:

        def score(enabled):
            network = compile_genome(genome.evolve(enabled=enabled))
            return evaluator.evaluate([network], WEIGHTS, seeds).returns.mean()

        whole = score(genome.enabled)
        lost = [whole - score(genome.enabled & (genome.mark != mark)) for mark in genome.mark[genome.enabled]]
    assert found.original.importance == pytest.approx(np.array(lost), abs=1e-9)
    assert max(lost) > 1.0


def test_a_weight_of_zero_changes_the_same_bits_as_no_connection():
    champion = champion_of("swingup", evolved(8, 30))
    network, genome = champion.network, champion.genome
    rng = np.random.default_rng(0)
    weights = rng.normal(size=network.sources.size)
    task, compared = get_task("swingup"), 0
    with LocalEvaluator(task, 50) as evaluator:
        for place in range(network.sources.size):
            without = compile_genome(
                genome.evolve(enabled=genome.enabled & (genome.mark != network.mark[place]))
            )
            order = [network.mark.tolist().index(mark) for mark in without.mark.tolist()]
            if not np.array_equal(without.node, network.node):
                continue  # rows in another order are summed in another order
            zero = np.where(np.arange(weights.size) == place, 0.0, weights)
            given = evaluator.evaluate([network], zero[None], [1, 2]).returns
            assert np.array_equal(given, evaluator.evaluate([without], weights[order][None], [1, 2]).returns)
            compared += 1
    assert compared > 5


@pytest.mark.slow
@pytest.mark.parametrize("weight", [None, 1.0, "tuned"])
def test_the_published_champion_becomes_smaller_within_the_tolerance_on_other_episodes(published, weight):
    found = prune(published, weight=weight, tolerance=0.01, episodes=PruningEpisodes(10, 60))
    champion = found.champion
    assert champion.genome.connection_count <= {None: 25, 1.0: 30, "tuned": 45}[weight]
    assert found.after >= found.before - 0.01 * (found.before - found.nothing)
    card, whole = (evaluate(each, episodes=60, seed=1, weights=(1.0,)) for each in (champion, published))
    if weight == "tuned":
        given, before = card.tuned.mean, whole.tuned.mean
    elif weight == 1.0:
        given, before = card.per_weight[0].mean, whole.per_weight[0].mean
    else:
        return
    assert given >= before - 0.03 * before  # episodes that neither decided nor confirmed


def test_tuned_weights_stay_with_their_connections(published):
    tuning = {"method": "cma", "mean": 932.0}
    found = prune(
        dataclasses.replace(published, tuning=tuning), weight="tuned", episodes=PruningEpisodes(3, 5)
    )
    mark = published.genome.mark[published.genome.enabled].tolist()
    weight_of = dict(zip(mark, published.tuned, strict=True))
    champion = found.champion
    assert champion.tuned.tolist() == [weight_of[mark] for mark in champion.genome.mark.tolist()]
    assert champion.tuning == {"before_pruning": tuning}
    assert found.tuned == (found.before, found.after)
    assert champion.scores.weights.tolist() == published.scores.weights.tolist()


def test_a_single_judged_weight_is_among_the_scores(published):
    found = prune(published, weight=0.8, tolerance=0.2, episodes=PruningEpisodes(2, 3))
    scores = found.champion.scores
    assert scores.weights.tolist() == sorted([*published.scores.weights.tolist(), 0.8])
    assert scores.mean[scores.weights == 0.8][0] == pytest.approx(found.after)


def test_threads_and_portions_change_nothing(published, monkeypatch):
    first = prune(published, weight="tuned", episodes=PruningEpisodes(3, 3), placement=Placement(1)).to_dict()
    monkeypatch.setattr("wann.analysis.variants.PORTION", 2**16)
    assert len(portions(published.network, np.zeros((100, 52)), 3)) > 5
    assert (
        prune(published, weight="tuned", episodes=PruningEpisodes(3, 3), placement=Placement(3)).to_dict()
        == first
    )
    assert prune(published, weight="tuned", episodes=PruningEpisodes(3, 3, 1)).to_dict() != first


def test_a_tighter_tolerance_never_keeps_fewer_connections_of_the_published_champion(published):
    left = [
        prune(
            published, tolerance=tolerance, episodes=PruningEpisodes(5, 10)
        ).champion.genome.connection_count
        for tolerance in (0.0, 0.05, 0.5)
    ]
    assert left == sorted(left, reverse=True)
    assert left[0] < 52


# data sets


@pytest.mark.slow
def test_a_data_set_decides_on_training_samples_and_confirms_on_validation(digits):
    found = prune(digits, tolerance=0.05)
    samples = get_task("digits").samples

    def loss(champion, part):
        inputs, labels = part.inputs(), part.labels
        return classify_numpy(champion.network, np.array([0.2, 0.5]), inputs, labels)

    assert found.before == pytest.approx(-loss(digits, samples.validation)[0].mean())
    assert found.after == pytest.approx(-loss(found.champion, samples.validation)[0].mean())
    assert found.nothing == pytest.approx(-np.log(10.0))
    assert found.accuracy == pytest.approx(
        [loss(each, samples.test)[1].mean() for each in (digits, found.champion)]
    )
    assert found.after >= found.before - 0.05 * (found.before - found.nothing)
    assert found.champion.genome.connection_count < digits.genome.connection_count
    mark = int(digits.genome.mark[digits.genome.enabled][7])
    without = digits.genome.evolve(enabled=digits.genome.enabled & (digits.genome.mark != mark))
    lost = loss(champion_of("digits", without), samples.train)[0] - loss(digits, samples.train)[0]
    assert found.original.importance[7] == pytest.approx(lost.mean(), abs=1e-9)


def test_tuned_weights_of_a_data_set_are_judged_as_they_are(digits):
    rng = np.random.default_rng(1)
    tuned = rng.uniform(0.1, 0.5, digits.genome.connection_count)
    champion = dataclasses.replace(digits, tuned=tuned)
    found = prune(champion, weight="tuned", tolerance=0.02)
    train, network = get_task("digits").samples.train, champion.network
    sets = np.array([champion.tuned_sources] * 2)
    sets[1, 4] = 0.0
    (whole, without), _ = classify_numpy(network, sets, train.inputs(), train.labels)
    gene = champion.genome.mark[champion.genome.enabled].tolist().index(network.mark[4])
    assert found.original.importance[gene] == pytest.approx(without - whole, abs=1e-9)
    assert found.tuned == (found.before, found.after)
    assert 0 < found.champion.genome.connection_count < champion.genome.connection_count


# what is refused


@pytest.mark.parametrize("tolerance", [-0.01, 1.0, 5.0, float("nan")])
def test_a_tolerance_is_a_share(toy, tolerance):
    with pytest.raises(ValueError, match=r"tolerance must be from 0% to below 100%, not "):
        prune(toy.original, tolerance=tolerance)


def test_what_cannot_be_judged_is_refused(toy, digits):
    champion = toy.original
    with pytest.raises(ValueError, match="no tuned weights"):
        prune(champion, weight="tuned")
    with pytest.raises(ValueError, match=r"finite numbers within ±1000, not \[nan\]"):
        prune(champion, weight=float("nan"))
    with pytest.raises(
        ValueError, match=r"scores .* at weight 0\.0, and .* all weights 0: there is nothing to"
    ):
        prune(champion, weight=0.0)
    with pytest.raises(ValueError, match="episodes must be at least 1, not 0"):
        prune(champion, episodes=PruningEpisodes(0))
    with pytest.raises(ValueError, match="digits is a data set, which has no episodes"):
        prune(digits, episodes=PruningEpisodes(fresh=3))
    with pytest.raises(ValueError, match="unknown task 'swingap'"):
        prune(dataclasses.replace(champion, task="swingap"))


def test_an_environment_that_fails_ends_it_in_one_line(toy):
    champion = dataclasses.replace(toy.original, env_kwargs={"trouble": "raise", "width": 9})
    with pytest.raises(RuntimeError, match=r"the champion could not be evaluated: .*motor"):
        prune(champion)


def test_progress_grows_and_ends_within_what_was_announced(toy):
    seen = []
    prune(
        toy.original, episodes=PruningEpisodes(2, 2), progress=lambda done, total: seen.append((done, total))
    )
    done = [each for each, _ in seen]
    assert done == sorted(done)
    assert all(now <= total for now, total in seen)
    assert done[-1] > 0


def test_nodes_have_the_names_people_know():
    names = node_names(champion_of("toys/Toy-v0", TOY))
    assert list(names) == TOY.node_id.tolist()
    assert [names[0], names[5], names[7]] == ["bias", "linear 5", "tanh 7"]


def test_the_record_is_plain_json(toy):
    assert isinstance(toy, Pruning)
    data = toy.to_dict()
    assert data["connections"] == {"before": 5, "after": 2}
    assert data["tuned"] is data["test_accuracy"] is None
    assert set(data["node_importance"]) == {"5", "6", "7"}


def test_trials_count_what_is_done(toy):
    task, seen = get_task("toys/Toy-v0"), []
    with LocalEvaluator(task, task.episode_steps) as evaluator:
        trials = Trials(evaluator, lambda done, total: seen.append((done, total)), total=100)
        trials.of_networks([toy.champion.network], np.ones(2), [1, 2, 3])
        trials.expect(4)
        trials.of_sets(toy.champion.network, np.ones((4, 2)), [5])
    assert seen[-1] == (10, 10)
