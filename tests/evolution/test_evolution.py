"""The search as ask and tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wann.evolution.evolution import Evolution
from wann.networks.genome import check_genome, genome_to_dict
from wann.networks.network import compile_genome, phenotype
from wann.settings import Settings


def toy_returns(genomes, generation, weights=3, episodes=2):
    """Returns that reward connections, differently at each weight, with noise of the generation."""
    noise = np.random.default_rng(generation).normal(size=(len(genomes), weights, episodes))
    size = np.array([genome.connection_count for genome in genomes], float)
    return size[:, None, None] * np.arange(1, weights + 1)[None, :, None] + 0.1 * noise


def toy_run(settings, generations, state=None):
    evolution = Evolution(settings, 3, 1, state)
    for _ in range(generations):
        genomes = evolution.ask()
        evolution.tell(toy_returns(genomes, evolution.generation))
        candidate = evolution.candidate()
        if candidate is not None:
            returns = toy_returns([candidate], 10_000 + evolution.generation)[0]
            evolution.confirm(candidate, np.arange(3.0), returns)
    return evolution


def as_plain(state):
    return (
        state.generation,
        [genome_to_dict(genome) for genome in state.population],
        state.next_node,
        state.next_mark,
        state.stale,
        state.champion and (genome_to_dict(state.champion.genome), state.champion.returns.tolist()),
    )


@given(
    population=st.integers(2, 30),
    elite_ratio=st.floats(0, 1),
    cull_ratio=st.floats(0, 0.99),
    tournament_size=st.integers(1, 40),
    crossover_probability=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_the_population_size_is_exact_in_every_generation(**settings):
    evolution = Evolution(Settings(**settings), 3, 2)
    for generation in range(6):
        genomes = evolution.ask()
        assert len(genomes) == settings["population"]
        evolution.tell(toy_returns(genomes, generation))
    for genome in evolution.ask():
        check_genome(genome)


def test_elites_are_copied_unchanged_and_the_rest_are_children():
    settings = Settings(population=20, elite_ratio=0.25, complexity_probability=0.0)
    evolution = Evolution(settings, 3, 1)
    genomes = evolution.ask()
    returns = np.arange(20.0)[:, None, None]  # one objective decides: the last is best
    evolution.tell(returns)
    children = evolution.ask()
    assert [child is genomes[19 - k] for k, child in enumerate(children[:5])] == [True] * 5
    assert all(child is not genome for child in children[5:] for genome in genomes)


def test_the_culled_never_become_parents():
    changes = {"add_connection": 0.0, "enable_connection": 0.0, "change_activation": 0.0}
    settings = Settings(
        population=10,
        cull_ratio=0.5,
        elite_ratio=0.0,
        tournament_size=1,
        complexity_probability=0.0,
        **changes,
    )
    evolution = Evolution(settings, 4, 2)
    genomes = evolution.ask()
    starts = [genome.enabled.tolist() for genome in genomes]
    assert len({tuple(start) for start in starts}) == 10, "each founder must be recognisable"
    evolution.tell(np.arange(10.0)[:, None, None])
    parents = set()
    for child in evolution.ask():
        # a split switches one of the founder's connections off
        near = [sum(a != b for a, b in zip(start, child.enabled, strict=False)) for start in starts]
        parents.add(int(np.argmin(near)))
    assert parents <= {5, 6, 7, 8, 9}
    assert len(parents) > 2


def test_one_draw_decides_the_second_objective_for_the_whole_generation():
    """With equal means, (mean, size) puts the smallest first and (mean, best weight) the peaked one."""
    firsts = set()
    for seed in range(30):
        evolution = Evolution(
            Settings(population=8, elite_ratio=0.125, seed=seed, complexity_probability=0.5), 3, 1
        )
        genomes = evolution.ask()
        sizes = [genome.connection_count for genome in genomes]
        returns = np.full((8, 2, 1), 5.0)
        peaked = int(np.argmax(sizes))
        returns[peaked] = [[10.0], [0.0]]
        evolution.tell(returns)
        elite = evolution.ask()[0]
        smallest = min(sizes)
        if elite is genomes[peaked]:
            firsts.add("best weight")
        elif elite.connection_count == smallest:
            firsts.add("size")
    assert firsts == {"size", "best weight"}


def test_asking_and_telling_out_of_order_is_refused():
    evolution = Evolution(Settings(population=4), 3, 1)
    with pytest.raises(RuntimeError, match="needs a preceding ask"):
        evolution.tell(np.zeros((4, 1, 1)))
    with pytest.raises(RuntimeError, match="needs a preceding tell"):
        evolution.candidate()
    evolution.ask()
    with pytest.raises(RuntimeError, match="call tell"):
        evolution.ask()


@pytest.mark.parametrize("shape", [(3, 1, 1), (4, 1), (4, 0, 1), (4, 2, 0), (4,)])
def test_returns_of_a_wrong_shape_change_nothing(shape):
    evolution = Evolution(Settings(population=4), 3, 1)
    evolution.ask()
    before = as_plain(evolution.state)
    with pytest.raises(ValueError, match=r"\(population, weights, episodes\) = \(4, W, E\)"):
        evolution.tell(np.zeros(shape))
    assert as_plain(evolution.state) == before
    evolution.tell(np.zeros((4, 2, 2)))


def test_the_same_seed_gives_the_same_search_and_another_seed_another():
    settings = Settings(population=12, crossover_probability=0.3)
    runs = [toy_run(settings.model_copy(update={"seed": seed}), 8) for seed in (1, 1, 2)]
    assert as_plain(runs[0].state) == as_plain(runs[1].state)
    assert as_plain(runs[0].state) != as_plain(runs[2].state)


@given(st.integers(0, 8))
def test_going_on_from_a_state_equals_never_having_stopped(stop):
    settings = Settings(population=10, crossover_probability=0.2)
    whole = toy_run(settings, 8)
    part = toy_run(settings, stop)
    assert as_plain(toy_run(settings, 8 - stop, part.state).state) == as_plain(whole.state)


def test_a_network_without_finite_returns_ranks_last_and_is_never_champion():
    evolution = Evolution(Settings(population=6, elite_ratio=0.5), 3, 1)
    genomes = evolution.ask()
    returns = np.zeros((6, 2, 2))
    returns[:3] = [[[np.nan, 1e9]] * 2, [[np.inf, 0]] * 2, [[1e9, -np.inf]] * 2]
    evolution.tell(returns)
    assert evolution.candidate() in genomes[3:]
    assert all(elite in genomes[3:] for elite in evolution.ask()[:3])
    assert not evolution.confirm(genomes[3], np.zeros(2), np.array([[1.0], [np.nan]]))
    assert evolution.champion is None


def test_without_any_finite_return_there_is_no_candidate():
    evolution = Evolution(Settings(population=4), 3, 1)
    evolution.ask()
    evolution.tell(np.full((4, 1, 1), np.nan))
    assert evolution.candidate() is None


def test_a_new_best_is_believed_only_after_fresh_episodes_confirmed_it():
    evolution = Evolution(Settings(population=4), 3, 1)
    weights = np.array([1.0])

    def generation(best):
        genomes = evolution.ask()
        evolution.tell(np.array([0.0, best, 0.0, 0.0])[:, None, None])
        return genomes[1]

    lucky = generation(100.0)
    assert evolution.candidate() is lucky
    assert evolution.champion is None
    assert evolution.confirm(lucky, weights, np.array([[40.0, 60.0]]))
    assert (evolution.champion.genome, evolution.champion.mean) == (lucky, 50.0)
    assert (evolution.champion.generation, evolution.state.stale) == (1, 0)

    generation(49.0)
    assert evolution.candidate() is None, "worse than the champion's confirmed mean"
    second = generation(90.0)
    assert evolution.candidate() is second
    assert not evolution.confirm(second, weights, np.array([[50.0, 50.0]])), "a tie is no improvement"
    assert evolution.champion.genome is lucky
    assert evolution.state.stale == 2


@pytest.mark.parametrize("rule", ["record", "duel"])
def test_stale_counts_the_generations_since_the_champion_was_found(rule):
    evolution = Evolution(Settings(population=4, champion_rule=rule), 3, 1)
    weights, stale = np.array([1.0]), []
    for generation in range(1, 8):
        genomes = evolution.ask()
        evolution.tell(np.arange(4.0)[:, None, None])
        stale.append(evolution.state.stale)
        if generation in (3, 6):
            assert evolution.confirm(genomes[3], weights, np.full((1, 2), float(generation)))
            assert evolution.state.stale == 0
        elif generation == 5:
            assert not evolution.confirm(genomes[3], weights, np.full((1, 2), np.nan))
            assert evolution.state.stale == 2, "no new champion"
    assert stale == [1, 2, 3, 1, 2, 3, 1]


def test_errors_say_what_is_missing_and_what_to_do():
    settings = Settings(population=4)
    evolution = Evolution(settings, 3, 1)
    with pytest.raises(RuntimeError, match=r"^tell\(\) needs a preceding ask\(\)$"):
        evolution.tell(np.zeros((4, 1, 1)))
    with pytest.raises(RuntimeError, match=r"^candidate\(\) needs a preceding tell\(\)$"):
        evolution.candidate()
    evolution.ask()
    with pytest.raises(RuntimeError, match=r"^ask\(\) needs the returns .*: call tell\(\) first$"):
        evolution.ask()
    with pytest.raises(ValueError, match=r"= \(4, W, E\), not \(2, 3\)$"):
        evolution.tell(np.zeros((2, 3)))
    other = settings.model_copy(update={"population": 5})
    with pytest.raises(ValueError, match=r"^the state holds a population of 4, the settings 5$"):
        Evolution(other, 3, 1, evolution.state)


def test_shared_structure_has_shared_numbers_across_the_population():
    evolution = toy_run(Settings(population=40), 6)
    ends = {}
    for genome in evolution.state.population:
        for mark, source, target in zip(
            genome.mark.tolist(), genome.source.tolist(), genome.target.tolist(), strict=True
        ):
            assert ends.setdefault(mark, (source, target)) == (source, target)


NEW = {
    "selection": "lexicase",
    "contender_ratio": 0.4,
    "duplicate_node": 0.2,
    "delete_node": 0.13,
    "add_feature": 0.1,
    "retries": 5,
}


@pytest.mark.parametrize("crossover", [0.0, 0.5])
def test_every_piece_of_the_lexicase_search_keeps_genomes_valid_and_the_population_exact(crossover):
    evolution = Evolution(Settings(population=40, crossover_probability=crossover, **NEW), 3, 2)
    for generation in range(25):
        genomes = evolution.ask()
        assert len(genomes) == 40
        for genome in genomes:
            check_genome(genome)
        evolution.tell(toy_returns(genomes, generation))


def test_a_lexicase_search_in_parts_is_the_search_in_one():
    settings = Settings(population=30, **NEW)
    whole = toy_run(settings, 12)
    part = toy_run(settings, 5)
    assert as_plain(toy_run(settings, 7, part.state).state) == as_plain(whole.state)


def test_with_retries_no_child_computes_what_another_network_of_its_generation_does():
    def repeated(retries):
        evolution, count = Evolution(Settings(population=60, retries=retries), 3, 1), 0
        for generation in range(8):
            genomes = evolution.ask()
            shapes = [phenotype(genome) for genome in genomes]
            children = range(12, 60) if generation else ()  # behind the elites
            count += sum(shapes[child] in shapes[:child] for child in children)
            evolution.tell(toy_returns(genomes, generation))
        return count

    assert repeated(100) == 0
    assert repeated(0) > 20


def test_the_networks_are_those_of_the_asked_genomes():
    evolution = Evolution(Settings(population=20, **NEW), 3, 1)
    for generation in range(6):
        genomes = evolution.ask()
        for genome, network in zip(genomes, evolution.networks, strict=True):
            alone = compile_genome(genome)
            for name in ("first_source", "sources", "activation", "outputs", "node", "mark"):
                assert np.array_equal(getattr(network, name), getattr(alone, name))
        evolution.tell(toy_returns(genomes, generation))


def test_only_contenders_are_ranked_by_size():
    """The smallest network is far from the best: it is an elite only where all are contenders."""

    def elites(ratio):
        settings = Settings(
            population=20, elite_ratio=0.2, contender_ratio=ratio, complexity_probability=1.0, seed=4
        )
        evolution = Evolution(settings, 5, 1)
        genomes = evolution.ask()
        sizes = np.array([genome.connection_count for genome in genomes])
        means = sizes.astype(float)  # the larger, the better
        evolution.tell(means[:, None, None])
        kept = [
            next(k for k, genome in enumerate(genomes) if genome is elite) for elite in evolution.ask()[:4]
        ]
        return sizes[kept], sizes

    kept, _ = elites(1.0)
    assert kept.min() <= 1
    kept, sizes = elites(0.2)
    assert kept.min() >= np.sort(sizes)[-4]


def test_in_duels_the_candidate_is_the_best_network_that_is_not_the_champion():
    evolution = Evolution(Settings(population=6, champion_rule="duel", elite_ratio=0.5), 3, 1)
    genomes = evolution.ask()
    evolution.tell(np.arange(6.0)[:, None, None])
    assert evolution.candidate() is genomes[5]
    assert evolution.confirm(genomes[5], np.ones(1), np.full((1, 2), 1000.0))
    asked = evolution.ask()
    assert asked[0] is genomes[5]
    evolution.tell(np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0])[:, None, None])
    assert evolution.candidate() is None, "the champion is the best of its generation"
    asked = evolution.ask()
    evolution.tell(np.array([1.0, 1.0, 1.0, 1.0, 1.0, 2.0])[:, None, None])
    assert evolution.candidate() is asked[5], "whatever the champion's confirmed mean is"
    # The duel is over: what was measured after it counts, also where it is less than the last champion's.
    assert evolution.confirm(asked[5], np.ones(1), np.full((1, 2), 3.0))
    assert evolution.champion.mean == 3.0
    assert not evolution.confirm(asked[4], np.ones(1), np.full((1, 2), np.nan))
