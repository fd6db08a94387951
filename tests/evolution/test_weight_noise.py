"""Noise on the shared weight: the same for a connection wherever it is, and nothing but weights."""

import csv

import numpy as np
import pytest
import toys  # noqa: F401  registers its environments
from conftest import evolved
from hypothesis import given
from hypothesis import strategies as st

from wann.champion import load_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.evolution.evolution import Evolution
from wann.evolution.shared_weights import Occasion, confirming_weights, generation_weights, noisy_weights
from wann.networks.network import compile_genome
from wann.rollouts.samples import classify_numpy
from wann.run.folder import MEASURED, RunFolder
from wann.run.search import search
from wann.settings import Settings
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds, stream

WEIGHTS = np.array([-1.0, 0.0, 2.5])
QUICK = {"population": 8, "generations": 2, "episodes": 2, "confirm_episodes": 3, "max_steps": 40, "seed": 5}


def settings(noise, **values):
    return Settings(weight_noise=noise, **values)


def rows(path):
    with open(path / "metrics.csv", newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name not in MEASURED} for row in found]


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(0, 10**6), st.sampled_from(Occasion)
)
def test_a_connection_has_the_same_noise_whatever_else_is_there(marks, generation, occasion):
    """Weight by weight it is the standard normal numbers of its address, in the order of the numbers."""
    given = np.array(marks, np.int32)
    found = noisy_weights(settings(0.25), WEIGHTS, given, generation, occasion)
    assert found.shape == (3, len(marks))
    for place, weight in enumerate(WEIGHTS):
        drawn = stream(1, Purpose.WEIGHT_NOISE, generation, place, int(occasion)).standard_normal(301)
        assert found[place].tolist() == [weight + 0.25 * drawn[mark] for mark in marks]


def test_every_part_of_the_address_gives_other_noise():
    marks = np.arange(50)
    one = noisy_weights(settings(1.0), np.zeros(2), marks, 3)
    others = (
        noisy_weights(settings(1.0, seed=2), np.zeros(2), marks, 3),
        noisy_weights(settings(1.0), np.zeros(2), marks, 4),
        noisy_weights(settings(1.0), np.zeros(2), marks, 3, Occasion.CONFIRMATION),
        noisy_weights(settings(1.0), np.zeros(2), marks, 3, Occasion.DUEL),
    )
    assert not np.isin(one[0], one[1]).any()
    for other in others:
        assert not np.isin(one, other).any()
    many = noisy_weights(settings(0.5), np.zeros(4), np.arange(5000), 0)
    assert abs(many.mean()) < 0.02
    assert many.std() == pytest.approx(0.5, rel=0.02)


def test_no_noise_leaves_the_shared_weights_as_they_are():
    assert noisy_weights(settings(0.0), WEIGHTS, np.arange(9), 0) is WEIGHTS


def test_a_network_without_connections_has_no_noise():
    assert noisy_weights(settings(0.1), WEIGHTS, np.zeros(0, np.int32), 0).shape == (3, 0)


def test_a_vanishing_noise_is_nearly_the_plain_search(tmp_path):
    """The same starts, episodes and confirmations: only the weights move."""
    for name, noise in (("plain", 0.0), ("nearly", 1e-13), ("noisy", 0.3)):
        search("swingup", out=tmp_path / name, threads=1, weight_noise=noise, **QUICK)
    plain, nearly, noisy = (rows(tmp_path / name) for name in ("plain", "nearly", "noisy"))
    assert float(nearly[0]["best_mean"]) == pytest.approx(float(plain[0]["best_mean"]), rel=1e-6)
    assert nearly[0]["best_mean"] != plain[0]["best_mean"]
    assert float(noisy[0]["best_mean"]) != pytest.approx(float(plain[0]["best_mean"]), rel=1e-3)
    assert "weight_noise" not in load_champion(tmp_path / "plain").origin
    assert load_champion(tmp_path / "noisy").origin["weight_noise"] == 0.3


@pytest.mark.parametrize("name", ["swingup", "digits", "toys/Toy-v0"])
def test_a_generation_and_its_champion_are_scored_at_the_noisy_weights_one_by_one(tmp_path, name):
    """By hand: each network alone, at one set of weights at a time."""
    values = QUICK | {"generations": 1, "weight_noise": 0.2, "weight_sampling": "uniform", "weight_count": 3}
    path = search(name, out=tmp_path / "run", threads=2, **values).path
    champion, (row,) = load_champion(path), rows(path)
    task = get_task(name)
    own = RunFolder.open(path).settings
    first = Evolution(own, len(task.inputs), len(task.outputs)).ask()
    with LocalEvaluator(task, own.max_steps, 1) as evaluator:

        def mean(genome, weights, seeds, generation, confirming):
            network, scored = compile_genome(genome), []
            for place, weight in enumerate(weights):
                rng = stream(5, Purpose.WEIGHT_NOISE, generation, place, int(confirming))
                own_weights = weight + 0.2 * rng.standard_normal(10_000)[network.mark]
                alone = evaluator.evaluate([network], own_weights[None], seeds, confirming=confirming)
                scored.append(alone.returns[0, 0].mean())
            return np.array(scored)

        seeds = episode_seeds(5, Purpose.EPISODES, 2, 0)
        means = [mean(genome, generation_weights(own, 0), seeds, 0, False).mean() for genome in first]
        assert max(means) == float(row["best_mean"])
        assert np.median(means) == float(row["median_mean"])
        seeds = episode_seeds(5, Purpose.CONFIRMATION, 3, 1)
        confirmed = mean(champion.genome, confirming_weights(own), seeds, 1, True)
        assert champion.scores.mean.tolist() == confirmed.tolist()


def test_noise_on_a_data_set_agrees_with_its_numpy_twin():
    task = get_task("digits").read()
    samples = task.samples.train
    networks = [compile_genome(evolved(seed, 12, inputs=64, outputs=10)) for seed in range(3)]
    marks = np.concatenate([network.mark for network in networks])
    weights = noisy_weights(settings(0.3), WEIGHTS, marks, 7)
    with LocalEvaluator(task, samples.labels.size, 2) as evaluator:
        returns = evaluator.evaluate(networks, weights, [1]).returns[:, :, 0]
    begin = 0
    for network, found in zip(networks, returns, strict=True):
        own = weights[:, begin : begin + network.sources.size]
        begin += network.sources.size
        loss, _ = classify_numpy(network, own, samples.inputs(), samples.labels)
        np.testing.assert_allclose(-found, loss, rtol=1e-9)
