"""Checkpoints: what was safely on disk comes back to the bit, or is refused."""

import dataclasses
import os
import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wann.evolution.evolution import Evolution
from wann.run.checkpoint import Checkpoint, Totals
from wann.run.folder import RunFolder
from wann.run.search import resume, search
from wann.settings import Settings

TINY = {"population": 8, "max_steps": 50, "confirm_episodes": 4, "seed": 19, "threads": 1}


OURS = ".wann-"  # how the temporary names of wann.utils.files begin


def evolution_after(generations, champion, inputs=3, outputs=2):
    """A search that was told random returns, with a champion where asked."""
    evolution = Evolution(Settings(population=12, seed=5), inputs, outputs)
    rng = np.random.default_rng(generations)
    for _ in range(generations):
        evolution.ask()
        evolution.tell(rng.normal(size=(12, 4, 2)))
        if champion and evolution.candidate() is not None:
            evolution.confirm(evolution.candidate(), np.array([0.1, 1 / 3]), rng.normal(size=(2, 5)))
    return evolution


def fingerprint(checkpoint):
    """Everything in a checkpoint, as plain values that compare exactly."""
    state = checkpoint.state
    champion = state.champion
    return (
        (state.generation, state.next_node, state.next_mark, state.stale),
        [genes(genome) for genome in state.population],
        champion
        and (
            champion.generation,
            genes(champion.genome),
            (champion.weights.dtype.str, champion.weights.tobytes()),
            (champion.returns.dtype.str, champion.returns.shape, champion.returns.tobytes()),
        ),
        (checkpoint.totals.evaluations, checkpoint.totals.steps, checkpoint.totals.seconds),
        state.told
        and (
            [genes(genome) for genome in state.told.genomes],
            [
                (name, getattr(state.told.scores, name).tobytes())
                for name in ("per_weight", "mean", "best_weight", "connections", "nodes", "valid")
            ],
        ),
    )


def genes(genome):
    arrays = [(array.dtype.str, array.tobytes(), array.flags.writeable) for array in genome.arrays()]
    return genome.inputs, genome.outputs, arrays


def new_folder(path, **values):
    return RunFolder.create(path, Settings(**values))


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A run of six generations with a checkpoint after each; copy it before changing it."""
    path = tmp_path_factory.mktemp("ended") / "run"
    search("swingup", out=path, generations=6, checkpoint_seconds=0.0, **TINY)
    return path


@pytest.fixture
def run_path(ended, tmp_path):
    shutil.copytree(ended, tmp_path / "run")
    return tmp_path / "run"


def leftovers(path):
    return [file.name for file in path.rglob("*") if file.name.startswith(OURS) or ".next." in file.name]


@pytest.mark.slow
@pytest.mark.parametrize("champion", [False, True])
@pytest.mark.parametrize("generations", [0, 1, 7])
def test_a_checkpoint_comes_back_exactly(tmp_path, generations, champion):
    evolution = evolution_after(generations, champion)
    assert (evolution.champion is not None) == (champion and generations > 0)
    checkpoint = Checkpoint(evolution.state, Totals(2**40 + 1, 2**50 + 3, 0.1 + 0.2))
    before = fingerprint(checkpoint)
    folder = new_folder(tmp_path / "run")
    folder.save_checkpoint(checkpoint)
    loaded, note = folder.load_checkpoint()
    assert note is None
    assert fingerprint(loaded) == before
    assert fingerprint(checkpoint) == before, "saving changes nothing in memory"
    assert leftovers(folder.path) == []


def test_going_on_from_a_checkpoint_breeds_the_same_networks(tmp_path):
    evolution = evolution_after(5, champion=True)
    folder = new_folder(tmp_path / "run")
    folder.save_checkpoint(Checkpoint(evolution.state, Totals()))
    loaded = folder.load_checkpoint()[0].state
    again = Evolution(evolution.settings, 3, 2, loaded)
    rng = np.random.default_rng(1)
    for _ in range(4):
        returns = rng.normal(size=(12, 4, 2))
        assert [genes(g) for g in again.ask()] == [genes(g) for g in evolution.ask()]
        again.tell(returns)
        evolution.tell(returns)


def test_before_the_first_checkpoint_there_is_none(tmp_path):
    assert new_folder(tmp_path / "run").load_checkpoint() == (None, None)


def test_the_last_two_checkpoints_are_kept(tmp_path):
    folder = new_folder(tmp_path / "run")
    saved = [Checkpoint(evolution_after(count, champion=True).state, Totals(count)) for count in (1, 2, 3)]
    for checkpoint in saved:
        folder.save_checkpoint(checkpoint)
    assert fingerprint(folder.load_checkpoint()[0]) == fingerprint(saved[2])
    (folder.path / "checkpoint.npz").unlink()  # as a crash between the two renamings leaves it
    assert fingerprint(folder.load_checkpoint()[0]) == fingerprint(saved[1])


@pytest.mark.slow
def test_a_checkpoint_cut_off_anywhere_gives_the_one_before_and_says_so(run_path):
    folder = RunFolder.open(run_path)
    path = run_path / "checkpoint.npz"
    whole = path.read_bytes()
    assert folder.load_checkpoint()[0].state.generation == 6
    lengths = [0, 1, 3, 21, 22, 23, *range(40, len(whole), 211), *(len(whole) - n for n in (40, 22, 2, 1))]
    for length in lengths:
        path.write_bytes(whole[:length])
        checkpoint, note = folder.load_checkpoint()
        assert checkpoint.state.generation == 5
        assert note.startswith("checkpoint.npz is damaged (")
        assert note.endswith("going on from checkpoint.previous.npz")
        assert "\n" not in note


@pytest.mark.slow
@settings(max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_changed_byte_never_gives_a_wrong_checkpoint(ended, tmp_path, place, value):
    path = tmp_path / "run"
    if not path.exists():
        shutil.copytree(ended, path)
    content = bytearray((ended / "checkpoint.npz").read_bytes())
    content[int(place * len(content))] = value
    (path / "checkpoint.npz").write_bytes(content)
    checkpoint, note = RunFolder.open(path).load_checkpoint()
    whole, _ = RunFolder.open(ended).load_checkpoint()
    if note is None:
        assert fingerprint(checkpoint) == fingerprint(whole)
    else:
        assert checkpoint.state.generation == 5


@pytest.mark.parametrize("first", ["champion_generation", "told_node_id", "told_valid"])
def test_a_checkpoint_whose_directory_hides_its_last_entries_is_damaged(run_path, first):
    """Two changed bytes make the zip's directory take its last entries for a remark on the one before."""
    path = run_path / "checkpoint.npz"
    content = bytearray(path.read_bytes())
    entry = b"PK\x01\x02"
    hidden = content.rindex(entry, 0, content.rindex(f"{first}.npy".encode()))
    end, before = content.rindex(b"PK\x05\x06"), content.rindex(entry, 0, hidden)
    content[before + 32 : before + 34] = (end - hidden).to_bytes(2, "little")
    path.write_bytes(content)
    with np.load(path) as file:
        assert first not in file.files
    checkpoint, note = RunFolder.open(run_path).load_checkpoint()
    assert checkpoint.state.generation == 5
    assert note.startswith("checkpoint.npz is damaged")


def test_a_checkpoint_that_tells_of_fewer_numbers_than_it_holds_is_damaged(tmp_path):
    """NumPy would read so many, and never come to the checksum at the end of the array."""
    folder = new_folder(tmp_path / "run")
    state = evolution_after(3, champion=True).state
    folder.save_checkpoint(Checkpoint(state, Totals(1)))
    champion = dataclasses.replace(state.champion, returns=np.ones((2, 4000)))
    folder.save_checkpoint(Checkpoint(dataclasses.replace(state, champion=champion), Totals(2)))
    content = (folder.path / "checkpoint.npz").read_bytes()
    assert content.count(b"(2, 4000)") == 1
    (folder.path / "checkpoint.npz").write_bytes(content.replace(b"(2, 4000)", b"(2, 1000)"))
    checkpoint, note = folder.load_checkpoint()
    assert checkpoint.totals.evaluations == 1
    assert "checkpoint.npz is damaged" in note


def test_an_array_that_tells_of_more_than_there_is_costs_no_memory(run_path):
    path = run_path / "checkpoint.npz"
    huge = b"\x93NUMPY\x01\x00v\x00{'descr': '<i4', 'fortran_order': False, 'shape': (1000000000000,), }"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {"mark.npy": huge.ljust(127) + b"\n" + bytes(16)}).items():
            archive.writestr(name, content)
    checkpoint, note = RunFolder.open(run_path).load_checkpoint()
    assert checkpoint.state.generation == 5
    assert "'mark.npy' tells of other sizes than it has" in note


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("counters", lambda old: old * [1, 0, 1, 1], "next numbers of nodes and connections are taken"),
        ("counters", lambda old: old * [1, 1, 0, 1], "next numbers of nodes and connections are taken"),
        ("counters", lambda old: old * [-1, 1, 1, 1], "that cannot be"),
        ("counters", lambda old: old.astype(float), "'counters' must hold whole numbers of the shape"),
        ("spent", lambda old: -old, "that cannot be"),
        ("seconds", lambda old: old * np.nan, "that cannot be"),
        ("shape", lambda old: old - [0, 0, 1], "has no whole champion"),
        ("node_counts", lambda old: old + 1, "'node_id' does not fit the numbers of genes"),
        ("node_counts", lambda old: old * -1, "does not fit the numbers of genes"),
        ("node_id", lambda old: old.astype(np.int64), "'node_id' does not fit the numbers of genes"),
        ("champion_generation", lambda old: old + 100, "has a champion of generation"),
        ("champion_returns", lambda old: old[:1], "'champion_returns' must hold numbers of the shape"),
        ("champion_returns", lambda old: old * np.nan, "are not finite"),
        ("told_valid", lambda old: old[:0], "'told_valid' must hold truth values of the shape"),
        ("told_per_weight", lambda old: old[:, :0], "holds no return"),
    ],
)
def test_numbers_that_do_not_fit_each_other_are_damage(run_path, name, change, message):
    path = run_path / "checkpoint.npz"
    with np.load(path) as file:
        arrays = {each: file[each] for each in file.files}
    np.savez(path, **arrays | {name: np.asarray(change(arrays[name]))})
    checkpoint, note = RunFolder.open(run_path).load_checkpoint()
    assert checkpoint.state.generation == 5
    assert message in note


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", b"x" * 5000, None])
def test_two_damaged_checkpoints_are_refused_and_named(run_path, content):
    for name in ("checkpoint.npz", "checkpoint.previous.npz"):
        (run_path / name).write_bytes((run_path / name).read_bytes()[:-1] if content is None else content)
    before = (run_path / "metrics.csv").read_bytes(), (run_path / "config.toml").read_bytes()
    with pytest.raises(ValueError, match=r"cannot be resumed: checkpoint.npz .*; checkpoint.previous.npz"):
        resume(run_path, generations=9, threads=1)
    after = (run_path / "metrics.csv").read_bytes(), (run_path / "config.toml").read_bytes()
    assert after == before, "a refused run stays as it was"


def test_a_checkpoint_that_holds_pickles_is_refused_unread(run_path):
    class Trap:
        def __reduce__(self):
            return os._exit, (1,)

    for name in ("checkpoint.npz", "checkpoint.previous.npz"):
        np.savez(run_path / name, format=np.array(Trap(), dtype=object))
    with pytest.raises(ValueError, match="cannot be resumed"):
        RunFolder.open(run_path).load_checkpoint()


def test_a_checkpoint_from_a_newer_format_is_not_read(run_path):
    for name in ("checkpoint.npz", "checkpoint.previous.npz"):
        with np.load(run_path / name) as file:
            data = dict(file.items())
        np.savez(run_path / name, allow_pickle=False, **data | {"format": np.array(99)})
    with pytest.raises(ValueError, match="format 99, newer than 1, the newest known here: update wann"):
        RunFolder.open(run_path).load_checkpoint()


def test_a_checkpoint_of_networks_of_another_shape_is_refused(run_path):
    folder = RunFolder.open(run_path)
    other = Evolution(Settings(population=8), 3, 2)
    for name in ("checkpoint.npz", "checkpoint.previous.npz"):
        (run_path / name).unlink()
    folder.save_checkpoint(Checkpoint(other.state, Totals()))
    with pytest.raises(ValueError, match="holds networks of 3 inputs and 2 outputs, not 5 and 1"):
        resume(run_path, generations=20)


def test_a_checkpoint_that_does_not_fit_the_settings_is_refused(run_path):
    config = run_path / "config.toml"
    config.write_text(config.read_text().replace("population = 8", "population = 16"))
    with pytest.raises(ValueError, match="the state holds a population of 8, the settings 16"):
        resume(run_path, generations=20)
