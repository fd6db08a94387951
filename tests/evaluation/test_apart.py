"""A call in a process of its own: its answer comes back, and it can be killed."""

import multiprocessing
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from wann.evaluation.apart import NoAnswerError, call_apart
from wann.rollouts.result import Rollouts


def test_an_answer_comes_back_bit_for_bit():
    here = np.array([1.0])
    answer = call_apart(lambda: Rollouts(here + 0.1, np.ones(1, np.int64), ((0, "why"),), (0,)), 60.0)
    assert answer.returns.tobytes() == (here + 0.1).tobytes()
    assert (answer.failures, answer.stalled) == (((0, "why"),), (0,))


@pytest.mark.parametrize(
    ("work", "seconds"), [(lambda: time.sleep(100.0), 0.2), (lambda: os._exit(0), 60.0)], ids=["late", "ends"]
)
def test_a_process_that_gives_no_answer_is_killed(work, seconds):
    def noted():
        os.write(theirs, f"{os.getpid()}\n".encode())
        work()

    ours, theirs = os.pipe()
    with pytest.raises(NoAnswerError):
        call_apart(noted, seconds)
    number = int(os.read(ours, 100) or 0)
    assert not os.path.exists(f"/proc/{number}/status")


def test_it_may_have_processes_of_its_own():
    def work():
        child = multiprocessing.get_context("fork").Process(target=os._exit, args=(7,))
        child.start()
        child.join(60.0)
        return child.exitcode

    assert call_apart(work, 60.0) == 7


def test_where_there_is_no_room_for_a_process_there_is_no_answer(monkeypatch):
    def full():
        raise OSError("no room")

    monkeypatch.setattr(os, "fork", full)
    with pytest.raises(NoAnswerError, match="no room"):
        call_apart(os.getpid, 60.0)


ORPHAN = """
import os, time
from wann.evaluation.apart import call_apart

def work():
    print(os.getpid(), flush=True)
    time.sleep(1000.0)

call_apart(work, 1000.0)
"""


@pytest.mark.slow
def test_it_ends_with_the_process_that_waits_for_it():
    waiting = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True)
    number = int(waiting.stdout.readline())
    waiting.kill()
    waiting.wait()
    end = time.monotonic() + 60.0
    while os.path.exists(f"/proc/{number}") and time.monotonic() < end:
        time.sleep(0.02)
    waiting.stdout.close()
    assert not os.path.exists(f"/proc/{number}")
