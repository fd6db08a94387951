"""Networks of neat-python give their own outputs, or are refused."""

import copy
import json
import math
import warnings

import numpy as np
import pytest

from wann.champion import Champion, Scores, load_champion
from wann.cli.main import main
from wann.formats.neat_python import ACTIVATIONS, read_neat
from wann.networks.genome import check_genome

THEIRS = {
    "sigmoid": lambda z: 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, 5.0 * z)))),
    "tanh": lambda z: math.tanh(2.5 * z),
    "sin": lambda z: math.sin(5.0 * z),
    "gauss": lambda z: math.exp(-5.0 * max(-3.4, min(3.4, z)) ** 2),
    "relu": lambda z: max(z, 0.0),
    "identity": lambda z: z,
    "abs": abs,
}
"""The activations by the definitions of neat-python."""


def network(nodes, connections, inputs=(-1, -2), outputs=(0, 1)):
    """A file's content from (id, activation, aggregation, bias, response) and (from, to, weight)."""

    def entry(key, activation, aggregation, bias, response):
        return {
            "id": key,
            "type": "input" if key in inputs else "output" if key in outputs else "hidden",
            "activation": {"name": activation, "custom": False},
            "aggregation": {"name": aggregation, "custom": False},
            "bias": bias,
            "response": response,
        }

    return {
        "format_version": "1.0",
        "network_type": "feedforward",
        "metadata": {"neat_python_version": "2.0.0"},
        "topology": {
            "num_inputs": len(inputs),
            "num_outputs": len(outputs),
            "input_keys": list(inputs),
            "output_keys": list(outputs),
        },
        "nodes": [entry(*node) for node in nodes]
        + [entry(key, "identity", "none", 0.0, 1.0) for key in inputs],
        "connections": [{"from": a, "to": b, "weight": w, "enabled": True} for a, b, w in connections],
    }


ALL = network(
    [
        (5, "sigmoid", "sum", 0.25, 1.5),
        (6, "tanh", "mean", 0.0, 0.75),
        (0, "sin", "sum", -0.1, 1.0),
        (7, "gauss", "max", 0.2, -0.5),
        (8, "relu", "sum", 0.1, 1.0),
        (9, "abs", "product", -0.6, 2.0),
        (1, "identity", "sum", 0.05, 1.0),
    ],
    [
        (-1, 5, 0.5),
        (-2, 5, -1.25),
        (-1, 6, 1.0),
        (-2, 6, 0.5),
        (5, 6, -2.0),
        (5, 0, 0.3),
        (6, 0, 0.2),
        (0, 7, 0.7),
        (0, 8, -1.5),
        (7, 8, 0.25),
        (8, 9, 1.1),
        (7, 1, 1.0),
        (8, 1, -2.0),
        (9, 1, 0.5),
        (-2, 1, 0.125),
    ],
)
"""Every activation that has a counterpart, both aggregations, and an output that others read."""


def read(content, folder):
    (folder / "network.json").write_text(json.dumps(content))
    return read_neat(folder / "network.json")


def outputs_of(content, rows, folder):
    genome, weights = read(content, folder)
    check_genome(genome)
    champion = Champion(
        task="none",
        inputs=tuple(f"x{i}" for i in range(genome.inputs)),
        outputs=tuple(f"y{a}" for a in range(genome.outputs)),
        genome=genome,
        scores=Scores(np.ones(1), np.ones(1), np.zeros(1), (1,)),
        tuned=weights,
    )
    return np.array([champion.values(row, "tuned")[champion.network.outputs] for row in np.array(rows)])


def by_definition(content, rows):
    """Outputs as neat-python defines them; its file lists the nodes in the order of computing."""
    found = []
    for row in rows:
        values = dict(zip(content["topology"]["input_keys"], row, strict=True))
        for node in content["nodes"]:
            if node["type"] == "input":
                continue
            terms = [
                values[link["from"]] * link["weight"]
                for link in content["connections"]
                if link["to"] == node["id"] and link["enabled"]
            ]
            total = sum(terms) / (max(1, len(terms)) if node["aggregation"]["name"] == "mean" else 1)
            activation = THEIRS[node["activation"]["name"]]
            values[node["id"]] = activation(node["bias"] + node["response"] * total)
        found.append([values[key] for key in content["topology"]["output_keys"]])
    return np.array(found)


def test_outputs_are_those_that_neat_python_computed(tmp_path):
    # From FeedForwardNetwork.activate of neat-python 2.0.0.
    rows = [[0.0, 0.0], [1.0, -0.5], [-0.75, 2.0]]
    golden = [
        [-0.0833707598689821, 0.14345277404372336],
        [0.3396340429072695, 1.2551267732640945],
        [-0.33820540025559087, -0.07970314403893113],
    ]
    assert by_definition(ALL, rows) == pytest.approx(np.array(golden), abs=1e-15)
    assert outputs_of(ALL, rows, tmp_path) == pytest.approx(np.array(golden), abs=1e-12)


def random_network(seed):
    """A network with every kind of node, some without sources; output 0 lies in the middle."""
    rng = np.random.default_rng(seed)
    order = (rng.permutation(7) + 2).tolist()
    order = [*order[:3], 0, *order[3:], 1]
    nodes, links, seen = [], [], [-1, -2]
    for key in order:
        sources = rng.choice(seen, rng.integers(min(4, len(seen)) + 1), replace=False).tolist()
        links += [(source, key, float(rng.normal())) for source in sources]
        aggregation = rng.choice(("product", "median", "min") if len(sources) == 1 else ("sum", "mean"))
        bias = float(rng.normal() * rng.integers(2))
        activation = rng.choice(tuple(ACTIVATIONS))
        nodes.append((key, str(activation), str(aggregation), bias, float(rng.normal(1, 0.5))))
        seen.append(key)
    return network(nodes, links)


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_give_the_outputs_of_the_definition(seed, tmp_path):
    content = random_network(seed)
    rows = np.random.default_rng(seed).normal(size=(10, 2)).tolist()
    expected = by_definition(content, rows)
    assert outputs_of(content, rows, tmp_path) == pytest.approx(expected, abs=1e-11)


def test_random_networks_give_the_outputs_of_neat_python_itself(tmp_path):
    neat = pytest.importorskip("neat", reason="neat-python is not installed")
    from neat.export import export_network_json

    content = random_network(1)
    functions = [getattr(neat.activations, f"{n['activation']['name']}_activation") for n in content["nodes"]]
    evals = []
    for node, function in zip(content["nodes"], functions, strict=True):
        if node["type"] != "input":
            links = [(c["from"], c["weight"]) for c in content["connections"] if c["to"] == node["id"]]
            aggregation = getattr(neat.aggregations, f"{node['aggregation']['name']}_aggregation")
            evals.append((node["id"], function, aggregation, node["bias"], node["response"], links))
    theirs = neat.nn.FeedForwardNetwork([-1, -2], [0, 1], evals)
    rows = np.random.default_rng(0).normal(size=(10, 2)).tolist()
    expected = np.array([theirs.activate(row) for row in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = json.loads(export_network_json(theirs))
    assert outputs_of(written, rows, tmp_path) == pytest.approx(expected, abs=1e-11)


def test_a_disabled_connection_carries_nothing(tmp_path):
    content = copy.deepcopy(ALL)
    content["connections"][0]["enabled"] = False
    rows = [[1.0, -0.5], [-0.75, 2.0]]
    found = outputs_of(content, rows, tmp_path)
    assert found == pytest.approx(by_definition(content, rows), abs=1e-12)
    assert not np.allclose(found, outputs_of(ALL, rows, tmp_path))


def put(path, value):
    """Edit that sets a member, found by keys and places."""

    def edit(content):
        *way, last = path
        for step in way:
            content = content[step]
        content[last] = value

    return edit


def drop(path):
    def edit(content):
        *way, last = path
        for step in way:
            content = content[step]
        del content[last]

    return edit


FIRST = ("nodes", 0)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (drop(["network_type"]), 'is not a network of neat-python: it has no "network_type"'),
        (put(["format_version"], "2.0"), "has format version '2.0'; 1.x is known here"),
        (put(["network_type"], "recurrent"), "is a recurrent network; only feedforward ones can be read"),
        (put(["network_type"], "ctrnn"), "is a ctrnn network; only"),
        (drop(["topology"]), "has no 'topology'"),
        (put(["topology", "input_keys"], []), "'input_keys' must list different nodes, at least one"),
        (put(["topology", "output_keys"], [0, 0]), "'output_keys' must list different nodes"),
        (put(["topology", "output_keys"], [0, "one"]), "the keys of nodes must be whole numbers, not 'one'"),
        (put(["topology", "output_keys"], [0, 44]), "has no node for its output 44"),
        (put(["topology", "input_keys"], [-1, -9]), "has no node for its input -9"),
        (put(["nodes"], {}), "'nodes' must be a list, not {}"),
        (put([*FIRST], 5), "a node has no 'id'"),
        (put([*FIRST, "id"], 6), "has node 6 twice"),
        (
            put([*FIRST, "activation", "name"], "softplus"),
            "node 5 has the activation 'softplus'; of those here",
        ),
        (
            put([*FIRST, "activation", "custom"], True),
            "node 5 has the activation 'sigmoid', which is the user's",
        ),
        (put([*FIRST, "activation"], "sigmoid"), "node 5 has no activation with a name"),
        (
            put([*FIRST, "aggregation", "name"], "max"),
            "node 5 has the aggregation 'max' of 2 connections; here",
        ),
        (put([*FIRST, "bias"], "0"), "node 5 has a 'bias' that is no number of ordinary size: '0'"),
        (
            put([*FIRST, "response"], math.inf),
            "node 5 has a 'response' that is no number of ordinary size: inf",
        ),
        (put([*FIRST, "bias"], 10**400), "node 5 has a 'bias' that is no number of ordinary size: 1000"),
        (drop([*FIRST, "bias"]), "node 5 has no 'bias'"),
        (drop(["connections", 0, "weight"]), "a connection has no 'weight'"),
        (put(["connections", 0, "weight"], math.nan), "a connection has a 'weight' that is no number"),
        (put(["connections", 0, "enabled"], 1), "says 1 where a connection is enabled (true) or not (false)"),
        (put(["connections", 0, "from"], 77), "has a connection from 77 to 5, which cannot be"),
        (put(["connections", 0, "to"], -2), "has a connection from -1 to -2, which cannot be"),
        (put(["connections", 0, "from"], -2), "has the same connection twice"),
        (put(["connections", 0, "from"], 9), "has a cycle"),
    ],
)
def test_what_has_no_counterpart_is_refused_in_one_line(edit, message, tmp_path):
    content = copy.deepcopy(ALL)
    edit(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        read(content, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'network.json'}: {message}")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[1, 2]", "3"])
def test_what_is_no_such_file_is_refused(text, tmp_path):
    (tmp_path / "n.json").write_text(text)
    with pytest.raises(ValueError, match=r"n\.json:? is"):
        read_neat(tmp_path / "n.json")


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(["import", *arguments])
        captured = capsys.readouterr()
        return caught.value.code, captured.out, captured.err

    return call


def test_import_writes_a_champion_with_tuned_weights(command, tmp_path):
    inputs = (-1, -2, -3, -4, -5)
    links = [(key, 0, 0.5 * key) for key in inputs]
    for name in ("tanh", "sin"):
        content = network([(0, name, "sum", 1.0, 1.0)], links, inputs, (0,))
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert command("tanh.json") == (0, "Wrote tanh.champion.json: 6 connections, 0 hidden nodes\n", "")
    champion = load_champion(tmp_path / "tanh.champion.json")
    assert champion.tuned.tolist() == pytest.approx([2.5, *(1.25 * key for key in inputs)])
    assert (champion.task, champion.scores.weights.size) == ("swingup", 6)
    assert champion.origin == {"imported_from": "tanh.json", "format": "neat-python"}
    _, _, err = command("sin.json", "--out", "s.json")
    assert err.startswith("note: sin of neat-python stays where it is for arguments beyond 12")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.json"], "cannot read network none.json: No such file or directory"),
        (["all.json"], "all.json has 2 inputs and 2 outputs, but task 'swingup' has 5 and 1"),
        (["all.json", "--tuned", "x"], "a network of neat-python holds its own weights: leave out --tuned"),
        (["all.json", "--out", "all.json"], "all.json exists already: choose another --out"),
    ],
)
def test_bad_input_ends_in_one_line(command, tmp_path, arguments, message):
    (tmp_path / "all.json").write_text(json.dumps(ALL))
    assert command(*arguments) == (2, "", f"wann: {message}\n")
