"""Champion files: whole and valid, or refused in one line."""

import copy
import dataclasses
import json
import re
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from conftest import evolved
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wann.champion import (
    Champion,
    Scores,
    champion_from_json,
    champion_to_json,
    load_champion,
    save_champion,
)
from wann.tasks.registry import get_task

NAMES = ("position", "velocity", "cos angle", "sin angle", "angular velocity")


def made(seed=3, mutations=12, tuned=False, **values):
    """A champion with a few hidden nodes and scores that no decimal writes short."""
    genome = evolved(seed, mutations)
    rng = np.random.default_rng(seed)
    weights = np.array([-2.0, 1 / 3, 0.1 + 0.2])
    return Champion(
        task="swingup",
        inputs=NAMES,
        outputs=("force",),
        genome=genome,
        scores=Scores.from_returns(weights, rng.normal(300, 100, (3, 5)), (5, 0, 2**31 - 1, 7, 7)),
        tuned=rng.normal(size=genome.connection_count) if tuned else None,
        origin={"preset": "stratified", "seed": 3, "generation": 17},
        **values,
    )


WHOLE = champion_to_json(made(tuned=True))
TREE = json.loads(WHOLE)


def changed(edit):
    """The text of the whole champion after `edit` has changed its tree."""
    tree = copy.deepcopy(TREE)
    edit(tree)
    return json.dumps(tree)


def assert_same(loaded, champion):
    """Both champions are equal bit for bit."""
    assert (loaded.task, loaded.inputs, loaded.outputs) == (champion.task, champion.inputs, champion.outputs)
    assert loaded.genome == champion.genome
    assert [a.dtype for a in loaded.genome.arrays()] == [a.dtype for a in champion.genome.arrays()]
    for name in ("weights", "mean", "std"):
        found, wanted = getattr(loaded.scores, name), getattr(champion.scores, name)
        assert found.tobytes() == wanted.tobytes()
        assert found.dtype == wanted.dtype == np.float64
    assert loaded.scores.episode_seeds == champion.scores.episode_seeds
    assert (loaded.tuned is None) == (champion.tuned is None)
    if champion.tuned is not None:
        assert loaded.tuned.tobytes() == champion.tuned.tobytes()
    assert dict(loaded.origin) == dict(champion.origin)
    assert dict(loaded.env_kwargs) == dict(champion.env_kwargs)
    assert loaded.fresh_env is champion.fresh_env


@pytest.mark.slow
@pytest.mark.parametrize("tuned", [False, True])
@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    mutations=st.integers(0, 40),
    env_kwargs=st.dictionaries(st.text(), st.integers() | st.floats(-1e9, 1e9) | st.lists(st.text())),
    fresh_env=st.booleans(),
)
def test_a_champion_is_the_same_bit_for_bit_after_its_file(
    tmp_path, tuned, seed, mutations, env_kwargs, fresh_env
):
    champion = made(seed, mutations, tuned, env_kwargs=env_kwargs, fresh_env=fresh_env)
    path = tmp_path / "champion.json"
    save_champion(champion, path)
    assert_same(load_champion(path), champion)
    assert champion_to_json(load_champion(path)) == path.read_text(encoding="utf-8")


def test_the_file_is_text_with_a_gene_a_line():
    lines = [line.strip().rstrip(",") for line in WHOLE.splitlines()]
    genome = made(tuned=True).genome
    assert f'[{genome.node_id[-1]}, "{TREE["genome"]["nodes"][-1][1]}"]' in lines
    assert json.dumps(TREE["genome"]["connections"][-1]) in lines
    assert WHOLE.isascii()


def test_a_champion_loads_from_its_run_folder(tmp_path):
    (tmp_path / "config.toml").write_text("format = 1\n")
    champion = made()
    save_champion(champion, tmp_path / "champion.json")
    assert_same(load_champion(str(tmp_path)), champion)


def test_act_is_the_clipped_output_of_the_network_at_the_weight():
    task = get_task("swingup")
    tree = copy.deepcopy(TREE)
    # One connection: the first input straight to the linear output.
    tree["genome"]["nodes"] = [[node, "linear"] for node in range(7)]
    tree["genome"]["connections"] = [[0, 1, 6, True], [1, 2, 6, False]]
    tree["tuned"] = [-0.25]
    tree["scores"] = {"weights": [-1.0, 0.5], "mean": [3.0, 4.0], "std": [1.0, 1.0], "episode_seeds": [1]}
    champion = champion_from_json(json.dumps(tree))
    observation = np.array([0.6, 9.0, 9.0, 9.0, 9.0])
    assert champion.act(observation, 1.0) == pytest.approx([0.6])
    assert champion.act(observation, weight=-1) == pytest.approx([-0.6])
    assert champion.act(observation, 0.0) == pytest.approx([0.0])
    assert champion.act(observation) == pytest.approx([0.3]), "the best shared weight where none is given"
    assert champion.act(observation, "tuned") == pytest.approx([-0.15])
    assert champion.act(observation, 100.0) == [1.0]
    assert champion.act(observation, -100.0) == [-1.0]
    assert champion.act(observation, 1.0).shape == (len(task.outputs),)
    assert champion.values(observation, 1.0)[: 1 + len(task.inputs)] == pytest.approx([1, *observation])


def test_act_with_tuned_weights_gives_each_connection_its_own():
    champion = made(tuned=True)
    ones = Champion(
        champion.task,
        champion.inputs,
        champion.outputs,
        champion.genome,
        champion.scores,
        tuned=np.full(champion.genome.connection_count, 0.7),
    )
    observation = np.linspace(-1, 1, 5)
    assert ones.values(observation, "tuned") == pytest.approx(ones.values(observation, 0.7), abs=1e-12)
    assert not np.allclose(champion.values(observation, "tuned"), champion.values(observation, 0.7))


def test_act_refuses_what_it_cannot_use():
    with pytest.raises(ValueError, match=r"observation has shape \(4,\), but its space has 5 entries"):
        made().act(np.zeros(4))
    with pytest.raises(ValueError, match=r"inputs must have the shape \(5,\), not \(4,\)"):
        made().values(np.zeros(4))
    with pytest.raises(ValueError, match="no tuned weights"):
        made().act(np.zeros(5), "tuned")


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), "best"])
def test_act_refuses_a_weight_that_is_no_number(weight):
    with pytest.raises(ValueError, match=r"weight|could not convert"):
        made().act(np.zeros(5), weight)


# broken files


def test_every_prefix_of_the_file_is_refused_cleanly():
    whole = WHOLE.rstrip()
    for length in range(len(whole)):
        with pytest.raises(ValueError, match=r"\S"):
            champion_from_json(whole[:length])


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_refused_by_name(tmp_path, share):
    path = tmp_path / "short.json"
    path.write_text(WHOLE[: int(share * len(WHOLE))], encoding="utf-8")
    with pytest.raises(ValueError, match=r"champion file .*short\.json: is not JSON, or cut off") as caught:
        load_champion(path)
    assert "\n" not in str(caught.value)


def cycle(tree):
    tree["genome"]["nodes"] = [[node, "linear"] for node in range(9)]
    tree["genome"]["connections"] = [[0, 1, 7, True], [1, 7, 8, True], [2, 8, 7, True], [3, 8, 6, True]]
    tree["tuned"] = None


def disabled_cycle(tree):
    cycle(tree)
    tree["genome"]["connections"][2][3] = False


def loop(tree):
    cycle(tree)
    tree["genome"]["connections"][2] = [2, 7, 7, True]


def genome(name, *where):
    """Edit that puts the last argument at a place in the genome."""
    *where, value = where

    def edit(tree):
        place = tree["genome"][name]
        for index in where[:-1]:
            place = place[index]
        place[where[-1]] = value

    return edit


def put(*where):
    """Edit that puts the last argument at a place in the tree."""
    *where, value = where

    def edit(tree):
        place = tree
        for key in where[:-1]:
            place = place[key]
        place[where[-1]] = value

    return edit


def repeat_connection(tree):
    mark, source, target, enabled = tree["genome"]["connections"][-1]
    tree["genome"]["connections"].append([mark + 1, source, target, enabled])


def drop(*where):
    """Edit that removes a key."""

    def edit(tree):
        place = tree
        for key in where[:-1]:
            place = place[key]
        del place[where[-1]]

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (cycle, "cycle"),
        (disabled_cycle, "cycle"),
        (loop, "cycle"),
        (genome("nodes", -1, 1, "tanhh"), "unknown activation 'tanhh'; did you mean 'tanh'"),
        (genome("nodes", -1, 1, 5), r"'genome\.nodes\[\d+\]\[1\]' must be a word, not 5"),
        (genome("nodes", -1, 1, []), r"\[1\]' must be a word, not \[\]"),
        (genome("nodes", -1, 1, {}), r"\[1\]' must be a word, not \{\}"),
        (genome("connections", -1, 2, 4000), "connection to node 4000, which is not there"),
        (genome("connections", -1, 1, 4000), "connection from node 4000, which is not there"),
        (genome("connections", -1, 1, 6), "connection out of an output"),
        (genome("connections", -1, 2, 2), "connection into an input"),
        (repeat_connection, "same connection twice"),
        (genome("connections", 1, 0, 0), "innovation numbers must ascend"),
        (
            genome("connections", -1, 0, 2**40),
            r"'genome\.connections\[\d+\]\[0\]' must be below 2147483647, not 1099511627776",
        ),
        (genome("nodes", -1, 0, 2**31 - 1), r"nodes\[\d+\]\[0\]' must be below 2147483647, not 2147483647"),
        (genome("nodes", -1, 0, 10**300), r"nodes\[\d+\]\[0\]' must be below 2147483647, not 1000"),
        (genome("nodes", -1, 0, -1), r"nodes\[\d+\]\[0\]' must be at least 0, not -1"),
        (genome("nodes", -1, 0, True), r"nodes\[\d+\]\[0\]' must be a whole number, not True"),
        (genome("nodes", -1, 0, 9.0), r"nodes\[\d+\]\[0\]' must be a whole number, not 9.0"),
        (genome("nodes", -1, 0, 3), "node ids must ascend"),
        (genome("connections", -1, 1, True), r"connections\[\d+\]\[1\]' must be a whole number"),
        (genome("connections", -1, 2, False), r"connections\[\d+\]\[2\]' must be a whole number"),
        (genome("connections", -1, 0, True), r"connections\[\d+\]\[0\]' must be a whole number"),
        (genome("connections", -1, 3, 1), r"connections\[\d+\]\[3\]' must be true or false, not 1"),
        (genome("connections", -1, [1, 2]), r"has no 'genome\.connections\[\d+\]\[2\]'"),
        (genome("nodes", 0, "linear"), r"'genome\.nodes\[0\]' must be a list, not 'linear'"),
        (put("genome", "inputs", True), "'genome.inputs' must be a whole number, not True"),
        (put("genome", "inputs", 4), "connection out of an output"),
        (put("genome", "outputs", 0), "needs inputs and outputs"),
        (put("genome", "outputs", 10**9), "'genome.outputs' must be at most 50000, not 1000000000"),
        (put("genome", "nodes", {}), "'genome.nodes' must be a list, not {}"),
        (put("genome", "nodes", []), "lists 0"),
        (put("genome", []), r"'genome' must be a table, not \[\]"),
        (drop("genome", "connections"), "has no 'genome.connections'"),
        (put("format", "wann"), 'is not a champion: "format" must be "wann-champion"'),
        (put("format", []), "is not a champion"),
        (drop("format"), "is not a champion"),
        (put("version", 2), "version 2, newer than 1, the newest known here: update wann"),
        (put("version", 0), "no valid version, but 0"),
        (put("version", True), "no valid version, but True"),
        (put("version", "1"), "no valid version, but '1'"),
        (drop("version"), "no valid version, but None"),
        (put("inputs", ["a"] * 4), "names 4 inputs and 1 outputs, but its genome has 5 and 1"),
        (put("outputs", ["a", "b"]), "names 5 inputs and 2 outputs, but its genome has 5 and 1"),
        (put("inputs", 1, 7), r"'inputs\[1\]' must be a word, not 7"),
        (put("task", 5), "'task' must be a word, not 5"),
        (put("origin", 5), "'origin' must be a table, not 5"),
        (put("env_kwargs", [5]), r"'env_kwargs' must be a table, not \[5\]"),
        (put("fresh_env", "yes"), "'fresh_env' must be true or false, not 'yes'"),
        (put("tuned", [0.5]), "has 1 tuned weights for"),
        (put("tuned", []), "has 0 tuned weights for"),
        (put("tuned", 0, True), r"'tuned\[0\]' must be a number, not True"),
        (put("tuned", 0, 10**400), r"'tuned\[0\]' must be a number, not 1000"),
        (put("scores", "weights", 0, "1"), r"'scores\.weights\[0\]' must be a number, not '1'"),
        (put("scores", "mean", [1.0]), "as many means and deviations as weights"),
        (
            put("scores", {"weights": [], "mean": [], "std": [], "episode_seeds": []}),
            "as many means and deviations as weights, and at least one",
        ),
        (put("scores", "episode_seeds", 0, True), r"episode_seeds\[0\]' must be a whole number, not True"),
        (put("scores", "episode_seeds", 0, -1), r"episode_seeds\[0\]' must be at least 0, not -1"),
        (drop("scores", "std"), "has no 'scores.std'"),
        (drop("scores"), "has no 'scores'"),
        (put("origin", "generation", "17"), "'origin.generation' must be a whole number, not '17'"),
        (put("origin", "offspring", -1), "'origin.offspring' must be at least 0, not -1"),
        (put("origin", "note", ["a"]), r"'origin\.note' must be a word, not \['a'\]"),
        (put("tuning", {"budget": 2.5}), "'tuning.budget' must be a whole number, not 2.5"),
        (put("tuning", {"chosen_by": None}), "'tuning.chosen_by' must be a number, not None"),
        (
            put("tuning", {"start_weight": "x"}),
            """'tuning.start_weight': must be a number or "tuned", not 'x'""",
        ),
        (put("tuning", {"race": None}), "'tuning.race' must be a table, not None"),
        (put("tuning", {"after": None}), "'tuning.after' must be a table, not None"),
        (put("tuning", {"race": []}), r"'tuning\.race' must be a table, not \[\]"),
        (
            put("tuning", {"race": {"networks": 1, "file": "x", "rounds": []}}),
            "has no 'tuning.race.generations'",
        ),
        (put("tuning", {"after": {"std": 1.0}}), "has no 'tuning.after.mean'"),
        (put("task", ["x" * 9999]), r"'task' must be a word, not \['xxx.{0,100}$"),
        (put("scores", "episode_seeds", 0, 2**63), r"must be below 9223372036854775808, not"),
    ],
)
def test_a_broken_champion_is_refused_with_what_is_wrong(tmp_path, edit, message):
    path = tmp_path / "broken.json"
    path.write_text(changed(edit), encoding="utf-8")
    with pytest.raises(ValueError, match=r"champion file .*: ") as caught:
        load_champion(path)
    prefix, text = f"champion file {path}: ", str(caught.value)
    assert text.startswith(prefix)
    assert re.search(message, text.removeprefix(prefix))
    assert "\n" not in text


@pytest.mark.parametrize("place", ["mean", "tuned", "origin"])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_is_not_finite_is_refused(place, number):
    edit = {
        "mean": put("scores", "mean", 1, "here"),
        "tuned": put("tuned", 1, "here"),
        "origin": put("origin", "seed", "here"),
    }[place]
    with pytest.raises(ValueError, match="not a finite number"):
        champion_from_json(changed(edit).replace('"here"', number))


@pytest.mark.parametrize("text", ["", "null", "[]", "3", '"wann-champion"', "true", "\ufeff{}", "{} {}"])
def test_other_json_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a champion|not JSON"):
        champion_from_json(text)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"format": "wann-champion", "a": ['])
def test_a_file_nested_too_deep_is_refused(opening):
    with pytest.raises(ValueError, match=r"nested too deeply|not JSON"):
        champion_from_json(opening * 200_000)


def test_a_whole_champion_nested_too_deep_is_refused():
    deep = "[" * 200_000 + "]" * 200_000
    with pytest.raises(ValueError, match="nested too deeply"):
        champion_from_json(changed(put("origin", "seed", "here")).replace('"here"', deep))


def test_a_number_with_a_million_digits_is_refused():
    text = changed(put("genome", "nodes", -1, 0, "here")).replace('"here"', "9" * 1_000_000)
    with pytest.raises(ValueError, match=r"\S") as caught:
        champion_from_json(text)
    assert len(str(caught.value)) < 1000


MILLION = """
import json, resource, sys, time
from wann.champion import load_champion
with open(sys.argv[1]) as file:
    tree = json.load(file)
del tree["genome"]["connections"][:], file
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.process_time()
try:
    load_champion(sys.argv[2])
except ValueError as error:
    message = str(error)
seconds = time.process_time() - begun
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
print(json.dumps([message, seconds, grown]))
"""


@pytest.mark.slow
def test_a_million_nodes_are_refused_fast_and_with_little_memory(tmp_path):
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    small.write_text(WHOLE, encoding="utf-8")
    nodes = ", ".join(f'[{node}, "linear"]' for node in range(1_000_000))
    large.write_text(
        changed(put("genome", "nodes", "here")).replace('"here"', f"[{nodes}]"), encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-c", MILLION, str(small), str(large)], capture_output=True, text=True, check=True
    )
    message, seconds, grown = json.loads(done.stdout)
    assert "'genome.nodes' must have at most 50000 entries, not 1000000" in message
    assert seconds < 2.0
    assert grown < 10 * large.stat().st_size


def test_a_huge_file_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "huge.json"
    with open(path, "wb") as file:
        file.truncate(10**12)  # sparse: it takes no room
    with pytest.raises(ValueError, match=r"huge\.json is larger than \d+ bytes"):
        load_champion(path)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is not a run folder: it holds no champion\.json"):
        load_champion(tmp_path)


def test_a_run_without_a_champion_says_so(tmp_path):
    (tmp_path / "config.toml").write_text("format = 1\n")
    with pytest.raises(ValueError, match="has no champion yet"):
        load_champion(tmp_path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "champion.json").mkdir()
    with pytest.raises(ValueError, match=r"cannot read champion .*champion\.json: Is a directory"):
        load_champion(tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read champion .*none\.json: No such file"):
        load_champion(tmp_path / "none.json")


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b'{"format": "\xe9"}', bytes(range(256))])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "binary.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"champion file .*binary\.json is not text"):
        load_champion(path)


def test_a_champion_of_an_unknown_task_loads_but_cannot_be_run():
    champion = champion_from_json(changed(put("task", "swingupp")))
    with pytest.raises(ValueError, match="unknown task 'swingupp'; did you mean 'swingup'"):
        champion.get_task()


def test_a_champion_with_other_inputs_than_its_task_cannot_be_run():
    champion = made()
    other = Champion(champion.task, ("a",), ("b", "c"), champion.genome, champion.scores)
    with pytest.raises(ValueError, match="has 1 inputs and 2 outputs, but task 'swingup' has 5 and 1"):
        other.get_task()


def test_a_champion_is_run_on_its_environment_with_its_arguments():
    champion = made(fresh_env=True, env_kwargs={"g": 5.0})
    names = get_task("Pendulum-v1").inputs
    genome = evolved(3, 12, inputs=3)
    champion = dataclasses.replace(champion, task="Pendulum-v1", inputs=names, genome=genome)
    task = champion_from_json(champion_to_json(champion)).get_task()
    assert (task.env_id, dict(task.env_kwargs), task.fresh_env) == ("Pendulum-v1", {"g": 5.0}, True)
    env = task.make_env()
    assert env.unwrapped.g == 5.0
    env.close()


def test_a_champion_written_before_environments_had_arguments_loads():
    def older(tree):
        del tree["env_kwargs"], tree["fresh_env"]

    assert_same(champion_from_json(changed(older)), made(tuned=True))


def test_a_champion_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="Not a directory"):
        save_champion(made(), tmp_path / "file" / "champion.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# any edit at all


def champion_or_none(text):
    """The champion, or None when the text is refused in one line; any other exception passes."""
    try:
        return champion_from_json(text)
    except ValueError as error:
        message = str(error)
    assert message
    assert "\n" not in message
    return None


def places(value, at=()):
    """Every place in a JSON tree, as the keys that lead to it."""
    yield at
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*at, key))


SMALL = json.loads(champion_to_json(made(seed=5, mutations=4, tuned=True)))
PLACES = [at for at in places(SMALL) if at]
DELETE = object()
WORDS = [None, "", -1, 0, 1, 7, [], {}, [[]], True, False, 0.5, 10**400, 2**31, "\ud800", "tanh", "1e400"]


@pytest.mark.slow
@settings(max_examples=600)
@given(
    edits=st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from([*WORDS, "HUGE", DELETE])), min_size=1, max_size=3
    )
)
@example(edits=[(("genome", "nodes", 7, 1), [])])
@example(edits=[(("tuned", 0), 10**400)])
@example(edits=[(("origin", "seed"), "HUGE")])
def test_any_edit_gives_a_champion_or_a_value_error(edits):
    tree = copy.deepcopy(SMALL)
    for at, value in edits:
        place = tree
        try:
            for key in at[:-1]:
                place = place[key]
            if value is DELETE:
                del place[at[-1]]
            else:
                place[at[-1]] = copy.deepcopy(value)  # one value may stand in several places
        except (KeyError, IndexError, TypeError):
            continue  # an earlier edit took the place away
    text = json.dumps(tree).replace('"HUGE"', "1e400")
    champion = champion_or_none(text)
    if champion is None:
        return
    # What was accepted is whole: it can be written, read back and run.
    assert_same(champion_from_json(champion_to_json(champion)), champion)
    assert np.isfinite(champion.values(np.zeros(len(champion.inputs)), 1.0)).all()
    assert np.isfinite(champion.scores.overall)


@settings(max_examples=200)
@given(at=st.integers(0, len(WHOLE) - 1), character=st.sampled_from(list('0"[]{},:-.eE \n\\xtfn\x00é')))
def test_any_changed_character_gives_a_champion_or_a_value_error(at, character):
    text = WHOLE[:at] + character + WHOLE[at + 1 :]
    champion = champion_or_none(text)
    if champion is None:
        return
    assert_same(champion_from_json(champion_to_json(champion)), champion)


def test_the_digest_tells_champions_apart_by_their_contents():
    champion = made(tuned=True)
    assert champion.digest == sha256(champion_to_json(champion).encode()).hexdigest()
    assert champion_from_json(champion_to_json(champion)).digest == champion.digest
    assert made().digest != champion.digest
