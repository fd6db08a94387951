"""An evaluation in parts is the evaluation in one, whoever computes what, how often and in which order."""

import random

import numpy as np
import pytest
from conftest import evolved
from hypothesis import assume, given
from hypothesis import strategies as st

from wann.evaluation.chunks import MOST_LOSSES, Chunk, Dealer, Span, Work
from wann.networks.network import batch_networks, compile_genome
from wann.rollouts.job import Job
from wann.rollouts.result import Rollouts
from wann.tasks.registry import get_task
from wann.tasks.task import Task

WEIGHTS = np.array([-2.0, -0.5, 0.3, 1.0])
SEEDS = [4, 9, 7]


def genomes_of(count):
    """Networks of different sizes, not in the order of them."""
    return [compile_genome(evolved(seed, (7 * seed) % 11, inputs=2)) for seed in range(count)]


NETWORKS = genomes_of(7)


class Table(Task):
    """A task whose returns are looked up: of network p at weight w on seed s, 100 p + w + s / 10.

    Some networks fail at some weights, as an environment may: at the first of them in a chunk.
    """

    def __init__(self, networks, troubles=()):
        keys = [self.key(batch_networks([network]), 0) for network in networks]
        assert len(set(keys)) == len(keys), "networks that cannot be told apart"
        object.__setattr__(self, "index_of", {key: index for index, key in enumerate(keys)})
        object.__setattr__(self, "troubles", frozenset(troubles))

    @staticmethod
    def key(batch, at):
        nodes = slice(*batch.first_node[at : at + 2])
        connections = slice(*batch.first_connection[at : at + 2])
        return batch.activation[nodes].tobytes(), batch.sources[connections].tobytes()

    def roll_out(self, job):
        returns, weights = np.empty(job.shape), job.weights
        steps, failures = np.full(returns.shape, job.max_steps), []
        for row in range(job.last - job.first):
            index = self.index_of[self.key(job.networks, job.first + row)]
            returns[row] = 100.0 * index + weights[:, None] + np.array(job.seeds) / 10.0
            bad = [weight for weight in weights.tolist() if (index, weight) in self.troubles]
            if bad:
                returns[row], steps[row, weights.tolist().index(bad[0]) :] = np.nan, 0
                failures.append((row, f"trouble at {bad[0]}"))
        return Rollouts(returns, steps, tuple(failures))


def expected(networks, troubles, max_steps=5):
    """What `Table` gives as a whole: a failed network has no numbers, and its first weight's reason."""
    index = np.arange(networks)[:, None, None]
    returns = 100.0 * index + WEIGHTS[:, None] + np.array(SEEDS) / 10.0
    steps, reasons = np.full(returns.shape, max_steps), {}
    for network, weight in sorted(troubles):
        reasons.setdefault(network, f"trouble at {weight}")
    for network in reasons:
        returns[network], steps[network] = np.nan, 0
    return returns, steps, tuple(sorted(reasons.items()))


def assert_is(rollouts, wanted):
    returns, steps, failures = wanted
    assert rollouts.returns.tobytes() == returns.tobytes()
    assert rollouts.steps.tolist() == steps.tolist()
    assert rollouts.failures == failures


troubles = st.sets(
    st.tuples(st.integers(0, len(NETWORKS) - 1), st.sampled_from(WEIGHTS.tolist())), max_size=6
)


@given(
    count=st.integers(1, len(NETWORKS)),
    by_weight=st.booleans(),
    troubles=troubles,
    most=st.integers(1, 40),
    workers=st.integers(1, 9),
    seed=st.integers(0, 10**9),
    risk=st.floats(0.0, 0.4),
)
def test_any_order_of_dealing_loss_and_duplication_covers_every_unit_once(
    count, by_weight, troubles, most, workers, seed, risk
):
    """Workers get units, may be given a copy of another's, die, and answer in any order."""
    troubles = {(network, weight) for network, weight in troubles if network < count}
    work = Work(NETWORKS[:count], WEIGHTS, SEEDS, by_weight)
    task, dealer = Table(NETWORKS[:count], troubles), Dealer(work)
    assert dealer.left == work.units == count * (len(WEIGHTS) if by_weight else 1)
    luck = random.Random(seed)  # noqa: S311
    flying, parts, lost, finished = [], [], set(), []
    for _ in range(100_000):
        if not dealer.left:
            break
        choice = luck.random()
        if choice < 0.4 or not flying:
            span = dealer.deal(luck.randint(1, most), workers)
            if span is None and flying and luck.random() < 0.5:
                late = luck.choice(flying)
                span = late if late.copies == 1 and not late.finished else None
            if span:
                assert not span.finished
                assert 0 <= span.first < span.last <= work.units
                assert span.size == 1 or span.size <= max(1, most)
                span.copies += 1
                flying.append(span)
            continue
        span = flying.pop(luck.randrange(len(flying)))
        if luck.random() < risk:
            if not dealer.give_back(span, blame=luck.randint(0, 1)):
                assert dealer.finish(span)
                assert span.size == 1 or work.units == 1, "only a single unit can have failed"
                finished.append(span)
                lost.add(work.chunk(span.first, span.last).networks[0])
                parts.append(work.failed(span.first, span.last, "its worker died"))
        elif dealer.finish(span):
            finished.append(span)
            chunk = work.chunk(span.first, span.last)
            parts.append((chunk, work.roll_out(task, chunk, 5)))
    assert dealer.left == 0
    units = sorted(unit for span in finished for unit in range(span.first, span.last))
    assert units == list(range(work.units)), "each once"
    assert all(not dealer.finish(span) for span in flying if span.finished), "what comes late counts no more"

    luck.shuffle(parts)
    rollouts = work.merge(parts)
    if not lost:
        assert_is(rollouts, expected(count, troubles))
        return
    returns, _, failures = expected(count, troubles)
    kept = [index for index in range(count) if index not in {index for index, _ in rollouts.failures}]
    assert np.array_equal(rollouts.returns[kept], returns[kept])
    assert {index for index, _ in failures} <= {index for index, _ in rollouts.failures}
    assert len(kept) >= count - len(lost) - len(failures)
    for index, _ in rollouts.failures:
        assert np.isnan(rollouts.returns[index]).all()
        assert not rollouts.steps[index].any()


@given(troubles, st.integers(1, 40), st.integers(1, 9), st.integers(0, 10**6))
def test_failures_are_the_same_however_the_work_was_split(troubles, most, workers, seed):
    whole = expected(len(NETWORKS), troubles)
    for by_weight in (False, True):
        work = Work(NETWORKS, WEIGHTS, SEEDS, by_weight)
        dealer = Dealer(work)
        spans = list(iter(lambda dealer=dealer: dealer.deal(most, workers), None))
        chunks = [work.chunk(span.first, span.last) for span in spans]
        random.Random(seed).shuffle(chunks)  # noqa: S311
        task = Table(NETWORKS, troubles)
        assert_is(work.merge((chunk, work.roll_out(task, chunk, 5)) for chunk in chunks), whole)


def test_a_single_network_with_individual_weights_is_dealt_by_the_set():
    network = NETWORKS[3]
    sets = np.random.default_rng(1).uniform(-2, 2, (9, network.sources.size))
    task = get_task("MountainCarContinuous-v0")
    work = Work([network], sets, SEEDS, by_weight=True)
    direct = task.roll_out(Job(batch_networks([network]), sets, SEEDS, 30, 0, 1))
    chunks = [work.chunk(first, first + 3) for first in (6, 0, 3)]
    merged = work.merge((chunk, work.roll_out(task, chunk, 30)) for chunk in chunks)
    assert merged.returns.tobytes() == direct.returns.tobytes()
    assert merged.steps.tolist() == direct.steps.tolist()
    assert (work.units, work.episodes_per_unit) == (9, 3)


def test_the_largest_networks_are_computed_first():
    work = Work(NETWORKS, WEIGHTS, SEEDS, by_weight=False)
    sizes = np.diff(work.batch.first_node) + np.diff(work.batch.first_connection)
    assert (np.diff(sizes) <= 0).all()
    assert np.unique(sizes).size > 3
    assert (work.units, work.episodes_per_unit) == (7, 12)
    assert work.chunk(2, 5) == Chunk((2, 5), slice(0, 4))


def test_a_chunk_by_the_weight_never_spans_two_networks():
    work = Work(NETWORKS, WEIGHTS, SEEDS, by_weight=True)
    dealer = Dealer(work)
    for span in iter(lambda: dealer.deal(3, 1), None):
        chunk = work.chunk(span.first, span.last)
        assert chunk.networks[1] == chunk.networks[0] + 1
        assert 0 <= chunk.weights.start < chunk.weights.stop <= len(WEIGHTS)
        assert chunk.weights.stop - chunk.weights.start == span.size <= 3


def test_chunks_become_small_towards_the_end():
    work = Work(NETWORKS * 1, WEIGHTS, SEEDS, by_weight=False)
    work.units = 1000  # of which only the numbers are looked at
    dealer = Dealer(work)
    sizes = [span.size for span in iter(lambda: dealer.deal(50, 2), None)]
    assert sum(sizes) == 1000
    assert sizes[0] == 50
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-3:] == [1, 1, 1]
    for size, left in zip(sizes, 1000 - np.cumsum([0, *sizes[:-1]]), strict=True):
        assert size <= max(1, left // 4), "at most half of its share"
    dealer = Dealer(work)
    assert [dealer.deal(600, 1).size, dealer.deal(600, 1).size] == [600, 400], "one alone gets all"


def test_units_of_lost_workers_come_first_and_one_by_one_where_they_are_to_blame():
    work = Work(NETWORKS, WEIGHTS, SEEDS, by_weight=False)
    dealer = Dealer(work)
    span = dealer.deal(3, 1)
    span.copies = 1
    assert dealer.give_back(span, blame=0)
    again = dealer.deal(1, 5)
    assert (again.first, again.last, again.losses) == (span.first, span.last, 0), "whole, as it was not at it"
    again.copies = 1
    assert dealer.give_back(again, blame=1)
    singles = [dealer.deal(3, 1) for _ in range(3)]
    found = [(single.first, single.last, single.losses) for single in singles]
    assert found == [(0, 1, 0), (1, 2, 0), (2, 3, 0)], "which of them it was is not known yet"
    assert dealer.deal(3, 1).first == 3


def test_a_unit_whose_workers_die_too_often_has_failed():
    work = Work(NETWORKS[:1], WEIGHTS, SEEDS, by_weight=False)
    dealer = Dealer(work)
    for loss in range(1, MOST_LOSSES + 1):
        span = dealer.deal(1, 1)
        assert span is not None
        assert span.losses == loss - 1
        span.copies = 1
        assert dealer.give_back(span, blame=1) == (loss < MOST_LOSSES)
    assert dealer.finish(span)
    assert (dealer.left, dealer.deal(1, 1)) == (0, None)
    rollouts = work.merge([work.failed(span.first, span.last, "it kills")])
    assert np.isnan(rollouts.returns).all()
    assert rollouts.returns.shape == (1, 4, 3)
    assert not rollouts.steps.any()
    assert rollouts.failures == ((0, "it kills"),)


def test_a_copy_that_is_still_being_computed_keeps_units_from_coming_again():
    dealer = Dealer(Work(NETWORKS, WEIGHTS, SEEDS, by_weight=False))
    span = dealer.deal(2, 1)
    span.copies = 2
    assert dealer.give_back(span, blame=1)
    assert dealer.deal(1, 1).first == 2, "the other copy is under way"
    assert dealer.finish(span)
    assert not dealer.finish(span)
    assert dealer.left == 5
    assert dealer.give_back(span, blame=1), "it is finished: nothing comes again"
    assert dealer.deal(1, 1).first == 3


def test_arrays_of_one_s_own_give_the_same_numbers():
    task = get_task("MountainCarContinuous-v0")
    work = Work(NETWORKS, WEIGHTS, SEEDS, by_weight=False)
    chunk = work.chunk(0, work.units)
    before = work.roll_out(task, chunk, 20).returns.tobytes()
    shared = Work(NETWORKS, WEIGHTS, SEEDS, by_weight=False)
    for array in (shared.weights, shared.batch.sources, shared.batch.activation):
        array.flags.writeable = False
    owned = shared.owned()
    assert owned.weights.flags.writeable
    assert owned.batch.sources.flags.writeable
    assert owned.roll_out(task, chunk, 20).returns.tobytes() == before
    WEIGHTS.flags.writeable = True


def test_weights_of_one_s_own_survive_the_way_to_a_worker():
    task = get_task("MountainCarContinuous-v0")
    weights = np.random.default_rng(0).normal(size=(4, sum(network.sources.size for network in NETWORKS)))
    work = Work(NETWORKS, weights, SEEDS, by_weight=False)
    chunk = work.chunk(0, work.units)
    before = work.roll_out(task, chunk, 20)
    for array in (work.weights, work.batch.sources, work.batch.activation):
        array.flags.writeable = False
    assert work.owned().roll_out(task, chunk, 20).returns.tobytes() == before.returns.tobytes()
    assert len(np.unique(before.returns)) > before.returns.size / 2


def test_a_span_knows_its_size():
    assert Span(3, 8).size == 5


@pytest.mark.parametrize("by_weight", [False, True])
@given(st.integers(1, 7))
def test_every_unit_has_its_place(by_weight, count):
    assume(count <= len(NETWORKS))
    work = Work(NETWORKS[:count], WEIGHTS, SEEDS, by_weight)
    seen = np.zeros((count, len(WEIGHTS)), int)
    for unit in range(work.units):
        chunk = work.chunk(unit, unit + 1)
        seen[slice(*chunk.networks), chunk.weights] += 1
    assert (seen == 1).all()
