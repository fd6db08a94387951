"""Waiting for Ray as long as something happens, and saying what is waited for. No cluster is started."""

import subprocess
import sys
import time

import pytest

from wann.evaluation import ray_cluster
from wann.evaluation.ray_cluster import Activity


@pytest.fixture
def impatient(monkeypatch):
    """A minute is half a second."""
    monkeypatch.setattr(ray_cluster, "_QUIET_SECONDS", 0.5)


def test_as_long_as_processes_compute_there_is_something_to_wait_for(impatient):
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        activity = Activity()
        assert not activity.ended(), "it is not known yet"
        end = time.process_time() + 60.0
        while activity._now()[busy.pid] < 1.0 and time.process_time() < end:
            time.sleep(0.1)
        assert not activity.ended()
    finally:
        busy.kill()
        busy.wait()
    activity = Activity()
    time.sleep(0.6)
    assert activity.ended(), "nothing computes any more"


def test_a_node_may_take_longer_to_start_than_ray_waits(monkeypatch):
    services, asked = ray_cluster.ray._private.services, []

    def get_node(address, node):
        asked.append((address, node))
        if len(asked) < 4:
            raise RuntimeError("it is not there yet")
        return {"labels": {}}

    monkeypatch.setattr(services, "get_node", get_node)
    with ray_cluster._patient():
        assert services.get_node("an address", "a node") == {"labels": {}}
    assert len(asked) == 4
    assert services.get_node is get_node


def test_a_node_that_does_nothing_any_more_is_given_up(impatient, monkeypatch):
    def get_node(address, node):
        raise RuntimeError("it is not there")

    monkeypatch.setattr(ray_cluster.ray._private.services, "get_node", get_node)
    with ray_cluster._patient(), pytest.raises(RuntimeError, match="it is not there"):
        ray_cluster.ray._private.services.get_node("an address", "a node")


@pytest.mark.parametrize("address", [None, "127.0.0.1:9999"])
def test_what_is_waited_for_is_told(monkeypatch, address):
    notes = []

    def start(*arguments, **options):
        while not notes:
            time.sleep(0.01)

    monkeypatch.setattr(ray_cluster, "REACH_SECONDS", 0.05)
    monkeypatch.setattr(ray_cluster, "_check_reachable", lambda address: None)
    monkeypatch.setattr(ray_cluster.ray, "init", start)
    assert ray_cluster.connect(address, 2, notes.append)
    where = "Ray to start on this machine" if address is None else "the cluster at 127.0.0.1:9999"
    assert notes == [f"waiting for {where}"]
