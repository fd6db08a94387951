"""Searches of several seeds: the same runs one after the other and side by side, and gone on with."""

import shutil
import signal

import pytest
from searches import TINY, result, tiny

from wann.evaluation import ray_cluster
from wann.evaluation.placement import Placement
from wann.run import seeds as module
from wann.run.folder import RunFolder
from wann.run.loop import SearchFailedError
from wann.run.search import search
from wann.run.seeds import parse_seeds, run_path, search_seeds
from wann.run.state import read_state

OPTIONS = {name: value for name, value in TINY.items() if name != "seed"} | {"generations": 3}
ONE = Placement(threads=1)


def test_seeds_are_numbers_and_ranges():
    assert parse_seeds("1-3") == (1, 2, 3)
    assert parse_seeds("7") == (7,)
    assert parse_seeds(" 5, 1-2 ,2") == (5, 1, 2)
    for text in ("", "a", "3-1", "1-", "-2", "1,,2"):
        with pytest.raises(ValueError, match=r"seeds are given as 1-10 or 1,5,8-12, not"):
            parse_seeds(text)
    with pytest.raises(ValueError, match="names more than 10,000 seeds"):
        parse_seeds("1-10001")
    assert len(parse_seeds("1-10000")) == 10_000


def test_each_seed_has_the_run_that_it_has_alone_and_what_is_finished_is_not_touched(tmp_path, monkeypatch):
    assert search_seeds("swingup", (1, 4), tmp_path / "all", OPTIONS, ONE) == []
    tiny(tmp_path / "alone", seed=4, generations=3)
    assert result(run_path(tmp_path / "all", 4)) == result(tmp_path / "alone")
    called = []
    monkeypatch.setattr(module, "search", lambda *_, seed, **__: called.append(seed))
    assert search_seeds("swingup", (1, 4, 5), tmp_path / "all", OPTIONS, ONE) == []
    assert called == [5]
    # More generations go on with those that were finished.
    assert search_seeds("swingup", (1, 4), tmp_path / "all", OPTIONS | {"generations": 4}, ONE) == []
    assert called == [5, 1, 4]
    with pytest.raises(ValueError, match=r"holds a run with other settings \(population\)"):
        search_seeds("swingup", (1,), tmp_path / "all", OPTIONS | {"population": 11}, ONE)


def test_a_signal_ends_all_and_the_same_call_goes_on_where_they_stopped(tmp_path):
    sent = []

    def stopping(seed):
        def observe(progress):
            if seed == 2 and progress.generation == 1 and not sent:
                sent.append(True)
                signal.raise_signal(signal.SIGINT)

        return observe

    assert search_seeds("swingup", (1, 2, 3), tmp_path / "all", OPTIONS, ONE, stopping) is None
    assert read_state(tmp_path / "all/seed-2").reason == "signal"
    assert not (tmp_path / "all/seed-3").exists()
    assert search_seeds("swingup", (1, 2, 3), tmp_path / "all", OPTIONS, ONE) == []
    tiny(tmp_path / "alone", seed=2, generations=3)
    assert result(tmp_path / "all/seed-2") == result(tmp_path / "alone")


def test_a_run_that_fails_keeps_no_other_from_its_end(tmp_path, monkeypatch):
    def searching(*arguments, seed, **options):
        if seed == 1:
            raise SearchFailedError("it broke")
        return search(*arguments, seed=seed, **options)

    monkeypatch.setattr(module, "search", searching)
    notes = []
    failed = search_seeds("swingup", (1, 2), tmp_path / "all", OPTIONS, ONE, note=notes.append)
    assert failed == [tmp_path / "all/seed-1"]
    assert notes == [f"{tmp_path / 'all/seed-1'} failed: it broke"]
    assert read_state(tmp_path / "all/seed-2").name == "finished"


def test_a_folder_in_use_or_damaged_keeps_no_other_run_from_its_end(tmp_path):
    assert search_seeds("swingup", (1, 2), tmp_path / "all", OPTIONS, ONE) == []
    for checkpoint in (tmp_path / "all/seed-1").glob("checkpoint*"):
        checkpoint.write_bytes(b"damaged")
    notes = []
    options = OPTIONS | {"generations": 4}
    with RunFolder.open(tmp_path / "all/seed-2").lock():
        failed = search_seeds("swingup", (1, 2, 3), tmp_path / "all", options, ONE, note=notes.append)
    assert failed == [tmp_path / "all/seed-1", tmp_path / "all/seed-2"]
    assert notes[-2].startswith(f"{failed[0]} failed: ")
    assert notes[-1].startswith(f"{failed[1]} failed: {failed[1]} is in use")
    assert read_state(tmp_path / "all/seed-3").name == "finished"


def test_a_champion_to_start_from_is_that_of_all_runs(undisturbed, tmp_path):
    start = tmp_path / "start.json"
    shutil.copy(undisturbed / "champion.json", start)
    options = OPTIONS | {"init_from": start, "generations": 1}
    assert search_seeds("swingup", (1, 2), tmp_path / "all", options, ONE) == []
    assert search_seeds("swingup", (1, 2), tmp_path / "all", options, ONE) == []
    with pytest.raises(ValueError, match="initial_genome"):
        search_seeds("swingup", (1, 2), tmp_path / "all", OPTIONS, ONE)


@pytest.mark.slow
def test_side_by_side_the_runs_are_the_same(tmp_path):
    looks = []
    side_by_side = Placement(workers=2)
    assert search_seeds("swingup", (1, 2), tmp_path / "all", OPTIONS, side_by_side, follow=looks.append) == []
    assert looks
    assert [path.name for path in looks[0]] == ["seed-1", "seed-2"]
    for seed in (1, 2):
        tiny(tmp_path / f"alone-{seed}", seed=seed, generations=3)
        assert result(tmp_path / f"all/seed-{seed}") == result(tmp_path / f"alone-{seed}")
    assert {path.name for path in (tmp_path / "all").iterdir()} == {"seed-1", "seed-2"}


def test_short_runs_are_not_worth_a_cluster(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "available_threads", lambda: 8)
    settings = module.resolve("swingup", settings=OPTIONS)
    assert not module._is_long(settings, 5)
    monkeypatch.setattr(module, "cost_of_episode", lambda *_: 1000.0)
    assert module._is_long(settings, 5)
    assert not module._is_long(settings, 1)


@pytest.mark.parametrize(
    ("nodes", "runs", "threads"),
    [
        ([8], 1, 8),
        ([8], 3, 2),
        ([4, 4], 1, 4),
        ([0, 8, 2], 1, 8),
        ([5, 5], 3, 2),
        ([2, 2, 2], 9, 1),
        ([0], 1, 1),
    ],
)
def test_each_run_finds_room_on_a_node(nodes, runs, threads):
    assert module._threads_each(nodes, runs) == threads


def test_where_ray_does_not_start_unasked_the_runs_come_one_after_the_other(tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("cannot start a local Ray: no room")

    monkeypatch.setattr(ray_cluster, "connect", fail)
    monkeypatch.setattr(module, "_is_long", lambda *_: True)
    notes = []
    assert search_seeds("swingup", (1, 2), tmp_path / "all", OPTIONS, Placement(), note=notes.append) == []
    assert any("one seed after the other" in note and "no room" in note for note in notes)
    assert read_state(tmp_path / "all/seed-2").name == "finished"
    with pytest.raises(ValueError, match="no room"):
        search_seeds("swingup", (3,), tmp_path / "all", OPTIONS, Placement(workers=2))
