"""Environments that misbehave in some sixty ways: each fails its own network, and no other."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import misbehaving
import numpy as np
import pytest
from champions import genome_of
from misbehaving import DEADLY, GIVES, HANGS, NAMES, RAISES, SIDE_EFFECTS

from wann.evaluation import chunks, ray_evaluator
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.ray_evaluator import RayEvaluator
from wann.networks.network import compile_genome
from wann.run.folder import RunFolder
from wann.run.search import search
from wann.tasks.registry import get_task

TASK = "misbehaving:Misbehaving-v0"
SEEDS = [1, 2]
IN_THREADS = [name for name in NAMES if name not in DEADLY]


@contextmanager
def kept():
    """What an environment may have changed in this process is as before."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    variables, clocks = dict(os.environ), (time.perf_counter, time.monotonic, time.time)
    state, standard, trace = np.random.get_state(), sys.stdin, sys.gettrace()  # noqa: NPY002
    with warnings.catch_warnings(), np.errstate():
        try:
            yield
        finally:
            sys.settrace(trace)
            time.perf_counter, time.monotonic, time.time = clocks
            os.environ.update(variables)
            sys.stdin = standard
            random.seed()
            np.random.set_state(state)  # noqa: NPY002
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
            for number, handler in handlers.items():
                signal.signal(number, handler)


def chosen(names):
    """Networks, each of which always gives the number of a kind, in thousandths; and their weights."""
    network = compile_genome(genome_of(2, 1, [], [(0, 3, True)]))
    return [network] * len(names), np.array([[NAMES.index(name) / 1000.0 for name in names]])


def check(rollouts, calm, names):
    """Whether those failed, with the right reason, that misbehave so that they have no numbers."""
    reasons = dict(rollouts.failures)
    for index, name in enumerate(names):
        if name in SIDE_EFFECTS:
            assert index not in reasons, (name, reasons.get(index))
            assert rollouts.returns[index].tobytes() == calm[index].tobytes(), name
            continue
        assert np.isnan(rollouts.returns[index]).all(), name
        assert not rollouts.steps[index].any(), name
        first = reasons[index].splitlines()[0]
        if name in RAISES or name in GIVES:
            _, wanted = (RAISES | GIVES)[name]
            assert re.match(wanted, first), (name, first)
        elif name in HANGS:
            assert first.startswith(f"TimeLimit: the episode took longer than 0.2 s{HANGS[name][1]}"), name
        else:
            assert first.startswith("its worker died 1 times"), name


@pytest.fixture(scope="module")
def calm():
    """Returns of every kind, were it to behave."""
    networks, weights = chosen(NAMES)
    with LocalEvaluator(get_task(TASK, {"calm": True}), 10) as evaluator:
        return evaluator.evaluate(networks, weights, SEEDS).returns


@pytest.mark.slow
def test_every_kind_of_misbehaviour_fails_its_own_network_in_this_process(calm, capfd):
    networks, weights = chosen(IN_THREADS)
    handled = signal.getsignal(signal.SIGINT)
    with kept(), LocalEvaluator(get_task(TASK, episode_seconds=0.2), 10) as evaluator:
        rollouts = evaluator.evaluate(networks, weights, SEEDS)
        assert signal.getsignal(signal.SIGINT) is handled
    assert len(IN_THREADS) >= 50
    check(rollouts, calm, IN_THREADS)


@pytest.mark.slow
def test_every_kind_of_misbehaviour_fails_its_own_network_on_workers(calm, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(misbehaving.__file__).parent), prepend=os.pathsep)
    # Another process follows each one that dies or stands still, and takes seconds to start.
    for module in (chunks, ray_evaluator):
        monkeypatch.setattr(module, "MOST_LOSSES", 1)
    few = ("sleeps", "computes", "exits", *GIVES, *RAISES, *SIDE_EFFECTS)
    names = [name for name in NAMES if name in few]
    networks, weights = chosen(names)
    with RayEvaluator(get_task(TASK, episode_seconds=0.2), 10, workers=2) as evaluator:
        rollouts = evaluator.evaluate(networks, weights, SEEDS)
    check(rollouts, calm[[NAMES.index(name) for name in names]], names)


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_THREADS)
def test_a_search_ends_by_its_stop_rule_however_its_environment_misbehaves(tmp_path, monkeypatch, name):
    """A few of its networks meet the misbehaviour, by their first action."""
    kind = misbehaving.KINDS[name]

    def step(env, action):
        met = 500.0 < float(action[0]) < 800.0
        return behave(env, [NAMES.index(name) if met else -1])

    behave = misbehaving.Misbehaving.step
    monkeypatch.setattr(misbehaving.Misbehaving, "step", step)
    values = {"population": 6, "generations": 1, "episodes": 1, "confirm_episodes": 1, "preset": "paper"}
    with kept():
        run = search(
            TASK, out=tmp_path / "run", threads=1, fresh_env=False, episode_seconds=0.2, seed=3, **values
        )
    assert run.stopped_by == "generations"
    assert kind
    failed = RunFolder.open(run.path).read_metrics()["failed"].tolist()
    assert (failed[0] > 0) == (name not in SIDE_EFFECTS)
    assert threading.current_thread() is threading.main_thread()
