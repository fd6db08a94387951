"""Exports compute what the network does, in every format, or are refused."""

import dataclasses
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import evolved
from exported import TOOLS, champion_of, need, random_champion, swingup

from wann.formats import export as exports
from wann.formats import onnx_graph
from wann.formats.export import SUFFIXES, differences, export, proof_path, reference
from wann.formats.export_plan import make_plan
from wann.formats.observations import champion_observations
from wann.formats.runners import ExportJob
from wann.kernels.activations import BY_NAME
from wann.networks.genome import genome_from_dict
from wann.networks.network import evaluate_network
from wann.tasks.registry import get_task

NETWORKS = 6  # of all 50 that were tried once; each costs a second


def made(nodes, connections, **options):
    """Champion of a network with 2 inputs and 1 output, from activations and pairs of ids."""
    names = ["linear"] * 3 + nodes
    return champion_of(
        genome_from_dict(
            {
                "inputs": 2,
                "outputs": 1,
                "nodes": [[node, name] for node, name in enumerate(names)],
                "connections": [[mark, *pair, True] for mark, pair in enumerate(connections)],
            }
        ),
        **options,
    )


def observations_for(champion, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(scale=2.0, size=(64, len(champion.inputs)))
    rows[:8] = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e10, -1e5])[:, None]
    return rows


def computed(kind, cases, folder):
    """Outputs of the network and of its export, for (champion, weight, observations) in one process."""
    jobs, expected = [], []
    for index, (champion, weight, rows) in enumerate(cases):
        path = folder / f"network{index}{SUFFIXES[kind][0]}"
        plan = make_plan(champion, weight, path)
        exports._write(kind, plan, path, "float64", exports.DEFAULT_OPSET)
        jobs.append(ExportJob(path, plan, rows))
        expected.append(reference(champion, plan, rows))
    if kind in exports._SOURCES:
        found, _ = exports._SOURCES[kind][1](jobs)
    else:
        found = [exports._run(kind, job, single=False)[0] for job in jobs]
    return list(zip(expected, found, strict=True))


EDGES = np.array([0.0, -0.0, 5e-324, -5e-324, 0.5, -0.5, 1.5, 700.0, -1e3, 1e10, np.inf, -np.inf, np.nan])


def cases():
    """What every format has to compute, by the name of the case."""
    found = {}
    rows = np.stack([EDGES, EDGES[::-1]], axis=1)
    for name in BY_NAME:
        found[f"edges {name}"] = made([name], [(1, 3)], weight=1.0), None, rows
        found[f"edges of two {name}"] = made(["linear", name], [(1, 4), (2, 4), (4, 3)]), None, rows
    rows = np.arange(8.0).reshape(4, 2)
    one = np.array([0.1, -3.0])
    found["no source"] = made(["cos"], []), None, rows
    found["no source, tuned"] = made(["cos"], [], tuned=np.empty(0)), "tuned", rows
    found["bias"] = made(["tanh"], [(0, 3)]), None, rows
    found["hidden without source"] = made(["linear", "sigmoid"], [(4, 3), (1, 3)]), None, rows
    found["bias, tuned"] = made(["linear"], [(0, 3), (2, 3)], tuned=one), "tuned", rows
    return found


@pytest.fixture(scope="module", params=SUFFIXES)
def outcomes(request, tmp_path_factory):
    """Of all cases the outputs of the network and of its export in a format; one process of its tool."""
    need(request.param)
    named = cases()
    pairs = computed(request.param, named.values(), tmp_path_factory.mktemp(request.param))
    return dict(zip(named, pairs, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("kind", SUFFIXES)
def test_random_networks_give_the_same_outputs_in_every_format(kind, tmp_path):
    need(kind)
    tried = []
    for seed in range(NETWORKS):
        champion, weight = random_champion(seed)
        tried.append((champion, weight, observations_for(champion, seed)))
    for ours, theirs in computed(kind, tried, tmp_path):
        assert np.ptp(ours) > 0.1
        assert differences(ours, theirs)[1] <= (1e-12 if kind == "onnx" else 0.0)


@pytest.mark.parametrize("name", BY_NAME)
def test_each_activation_is_the_same_at_its_edges(outcomes, name):
    for case in (f"edges {name}", f"edges of two {name}"):
        assert differences(*outcomes[case]) == (0.0, 0.0)


def test_nodes_without_sources_and_networks_of_the_bias_alone(outcomes):
    last = [pair for case, pair in outcomes.items() if not case.startswith("edges")]
    for ours, theirs in last:
        assert theirs.shape == (4, 1)
        assert differences(ours, theirs) == (0.0, 0.0)
    assert outcomes["no source"][1].ravel() == pytest.approx(np.ones(4))
    assert outcomes["bias, tuned"][1].ravel() == pytest.approx(0.1 - 3.0 * np.array([1.0, 3.0, 5.0, 7.0]))


def test_onnx_in_float32_is_within_a_millionth_of_random_networks(tmp_path):
    need("onnx")
    for seed in range(NETWORKS):
        champion, weight = random_champion(seed)
        rows = observations_for(champion, seed)
        proof = export(champion, "onnx", tmp_path / "n.onnx", weight=weight, observations=rows)
        assert (proof.verified, proof.dtype) == (True, "float32")
        assert 0.0 < proof.relative_difference <= 1e-6


def test_a_deep_network_in_float32_alone_is_refused_and_a_small_one_is_not(tmp_path):
    need("onnx")
    champion, _ = random_champion(0)
    path = tmp_path / "n.onnx"
    with pytest.raises(
        RuntimeError, match=r"^the onnx export differs from the network by .*--dtype float32 or"
    ):
        export(champion, "onnx", path, dtype="float32-only", observations=observations_for(champion))
    assert not list(tmp_path.iterdir())
    small = made(["tanh"], [(0, 3), (1, 3)])
    rows = np.random.default_rng(0).normal(size=(50, 2))
    assert export(small, "onnx", path, dtype="float32-only", observations=rows).verified


def loaded(path):
    """The module of an exported Python file."""
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at_weights(champion, rows, weights):
    return evaluate_network(champion.network, rows, weights)[:, champion.network.outputs]


def test_python_takes_other_weights_one_observation_and_more_axes(tmp_path):
    champion, _ = random_champion(4)
    rows, weights = observations_for(champion), np.linspace(-2, 2, 64)
    export(champion, "python", tmp_path / "n.py", observations=rows)
    module = loaded(tmp_path / "n.py")
    assert (champion.inputs, champion.outputs) == (module.INPUTS, module.OUTPUTS)
    expected = at_weights(champion, rows, weights)
    assert np.array_equal(module.network(rows, weights), expected)
    assert np.array_equal(module.network(rows[9], weights[9]), expected[9])
    assert np.array_equal(
        module.network(rows.reshape(8, 8, 5), weights.reshape(8, 8)).reshape(64, 3), expected
    )
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 5\), not \(3, 4\)"):
        module.network(np.zeros((3, 4)))


@pytest.mark.slow
def test_the_torch_module_is_differentiable_in_weights_and_observations(tmp_path):
    torch = pytest.importorskip("torch")
    genome = random_champion(6)[0].genome
    codes = genome.activation.copy()
    codes[codes == BY_NAME["step"].code] = BY_NAME["tanh"].code
    genome = genome.evolve(activation=codes)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(16, 5))
    for weight in (None, "tuned"):
        champion = champion_of(genome, rng.normal(size=genome.connection_count), weight=0.4)
        path = tmp_path / f"n{weight}.py"
        plan = make_plan(champion, weight, path)
        exports._write("torch", plan, path, "float64", 17)
        network = loaded(path).Network()
        own = next(network.parameters())
        assert own.numel() == (champion.tuned_sources.size if weight else 1)
        tensor = torch.tensor(rows, requires_grad=True)
        outputs = network(tensor)
        assert np.array_equal(outputs.detach().numpy(), reference(champion, plan, rows))
        outputs.sum().backward()
        direction = torch.tensor(rng.normal(size=own.shape))
        step, shift = 1e-6, torch.tensor(rng.normal(size=rows.shape))
        with torch.no_grad():
            along = [network(tensor, own + sign * step * direction).sum() for sign in (1, -1)]
            across = [network(tensor + sign * step * shift).sum() for sign in (1, -1)]
        for (high, low), slope in ((along, own.grad * direction), (across, tensor.grad * shift)):
            assert (high - low).item() / (2 * step) == pytest.approx(slope.sum().item(), rel=1e-4, abs=1e-5)
        assert network(tensor.float()).dtype == torch.float32


def test_the_onnx_model_takes_any_batch_and_weight(tmp_path):
    need("onnx")
    import onnxruntime

    champion, _ = random_champion(2)
    path = tmp_path / "n.onnx"
    export(champion, "onnx", path, dtype="float64", observations=observations_for(champion))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options)
    assert [entry.name for entry in session.get_inputs()] == ["observation"]
    assert [entry.name for entry in session.get_overridable_initializers()] == ["weight"]
    for count in (1, 7, 64):
        rows = observations_for(champion, 5)[:count]
        for weight in (-1.7, 0.0, 2.0):
            (found,) = session.run(None, {"observation": rows, "weight": np.array(weight)})
            assert differences(at_weights(champion, rows, np.full(count, weight)), found)[1] <= 1e-12
    words = session.get_modelmeta().custom_metadata_map
    assert words["inputs"].split("\n") == list(champion.inputs)


@pytest.mark.parametrize(
    ("activation", "opset", "message"),
    [
        ("sin", 10, "opset 10 lacks the operator Round that the network's sin needs; opset 11 has it"),
        ("step", 8, "opset 8 lacks the operator Where that the network's step needs; opset 9 has it"),
        ("linear", 7, "opset 7 lacks the operator Expand that the network needs; opset 8 has it"),
        ("linear", 999, "opset 999 is newer than [0-9]+, the newest that this onnx knows: choose less"),
    ],
)
def test_an_opset_without_an_operator_is_refused(activation, opset, message, tmp_path):
    need("onnx")
    champion = made([activation], [(1, 3)])
    with pytest.raises(ValueError, match=f"^{message}$"):
        export(champion, "onnx", tmp_path / "n.onnx", opset=opset, observations=np.zeros((3, 2)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("opset", [8, 9, 11, 13, 15, 18, 21])
def test_every_opset_that_has_the_operators_runs(opset, tmp_path):
    need("onnx")
    names = [name for name in BY_NAME if opset >= 11 or name in ("linear", "abs", "inverse")]
    names += ["step", "relu"] if opset == 9 else []
    hidden = range(4, 4 + len(names))
    champion = made(
        ["linear", *names], [(1, k) for k in hidden] + [(2, k) for k in hidden] + [(k, 3) for k in hidden]
    )
    rows = np.random.default_rng(0).normal(size=(20, 2))
    assert export(champion, "onnx", tmp_path / "n.onnx", opset=opset, observations=rows).verified


def test_javascript_and_c_take_other_weights(tmp_path):
    champion, _ = random_champion(8)
    rows = observations_for(champion)
    expected = at_weights(champion, rows, np.full(64, -0.7))
    if TOOLS["c"]:
        path = tmp_path / "n.c"
        plan = make_plan(champion, None, path)
        exports._write("c", plan, path, "float64", 17)
        other = dataclasses.replace(plan, weight=-0.7)  # what the runner hands over; the file has 1.3
        (found,), _ = exports.run_c([ExportJob(path, other, rows)])
        assert np.array_equal(found, expected)
    if TOOLS["js"]:
        exports._write("js", make_plan(champion, None, tmp_path / "n.mjs"), tmp_path / "n.mjs", "float64", 17)
        code = f"import {{ network }} from './n.mjs'; const rows = {json.dumps(rows.tolist())};"
        code += "console.log(JSON.stringify(rows.map((row) => network(row, -0.7))));"
        code += "try { network([1]) } catch (error) { console.log(error.message) }"
        command = ["node", "--input-type=module", "-e", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        outputs, message = done.stdout.splitlines()
        assert np.array_equal(np.array(json.loads(outputs)), expected)
        assert message == "an observation has 5 numbers, not 1"


def test_the_c_file_compiles_without_a_warning(tmp_path):
    need("c")
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    for index, weight in enumerate((None, "tuned")):
        champion = dataclasses.replace(random_champion(1)[0])
        path = tmp_path / f"n{index}.c"
        exports._write("c", make_plan(champion, weight, path), path, "float64", 17)
        command = [
            compiler,
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-c",
            path,
            "-o",
            path.with_suffix(".o"),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.stderr == ""


EVIL = (
    '*/ int x[ = "',
    '"""\nraise SystemExit(1)\n\'',
    "coding: utf-7",
    "`${process.exit(1)}`</script>\u2028",
    "{{ 1/0 }} {% include 'x' %} \\",
)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_names_cannot_end_a_string_or_a_comment(kind, tmp_path):
    need(kind)
    genome = evolved(1, 20, inputs=5, outputs=5)
    champion = champion_of(genome, task=EVIL[1], inputs=EVIL, outputs=EVIL[::-1])
    path = tmp_path / f"a b-ä'{SUFFIXES[kind][0]}"
    if kind == "torch":  # its process takes seconds to start
        exports._write(kind, make_plan(champion, None, path), path, "float64", 17)
    else:
        assert export(champion, kind, path, observations=np.ones((3, 5))).verified
    if kind in ("python", "torch"):
        assert loaded(path).INPUTS == EVIL
    if kind == "json":
        assert json.loads(path.read_text())["inputs"] == list(EVIL)


def test_an_export_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    champion, _ = random_champion(0)
    rows = observations_for(champion)
    path = tmp_path / "n.py"
    honest = exports.reference
    for error, fails in ((1e-13, False), (1e-11, True)):
        monkeypatch.setattr(exports, "reference", lambda *a, e=error: honest(*a) * (1.0 + e))
        if not fails:
            assert export(champion, "python", path, observations=rows).difference > 0.0
            path.write_text("before")
            continue
        message = (
            "^the python export differs from the network by 1.0e-11 .relative., more than 1e-12 in float64: "
        )
        with pytest.raises(RuntimeError, match=message + "nothing is written$"):
            export(champion, "python", path, observations=rows)
        assert path.read_text() == "before"


def test_a_file_that_does_not_run_is_not_written(tmp_path, monkeypatch):
    champion, _ = random_champion(0)
    write = exports._write

    def broken(kind, plan, path, *rest):
        write(kind, plan, path, *rest)
        path.write_text(path.read_text().replace("return", "retrun"))

    monkeypatch.setattr(exports, "_write", broken)
    for kind in ("python", "c", "js"):
        if TOOLS[kind]:
            with pytest.raises(RuntimeError, match=r"^the export does not run: .*rror") as caught:
                export(champion, kind, tmp_path / f"n{SUFFIXES[kind][0]}", observations=np.zeros((2, 5)))
            assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_without_onnx_there_is_no_onnx_export(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    onnx_graph._onnx.cache_clear()
    with pytest.raises(ValueError, match=r"^an ONNX export needs onnx: pip install 'wann\[onnx\]'$"):
        export(random_champion(0)[0], "onnx", tmp_path / "n.onnx", observations=np.zeros((2, 5)))
    onnx_graph._onnx.cache_clear()
    assert not list(tmp_path.iterdir())


def test_the_proof_holds_what_was_compared(tmp_path):
    champion, weight = random_champion(3)
    rows = observations_for(champion)
    rows[0] = [np.nan, np.inf, -np.inf, 1.0, 0.1]
    path = tmp_path / "n.py"
    proof = export(champion, "python", path, weight=weight, observations=rows)
    data = json.loads(proof_path(path).read_text())
    assert data["format"] == "wann-export-proof"
    assert data["proof_of"] == "python"
    assert data["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (data["weight"], data["tolerance"], data["dtype"]) == (None, 1e-12, "float64")
    assert data["observations"][0] == ["nan", "inf", "-inf", 1.0, 0.1]
    stored = np.array([[float(x) for x in row] for row in data["observations"]])
    assert np.array_equal(stored, rows, equal_nan=True)
    expected = at_weights(champion, rows, np.tile(champion.tuned_sources, (64, 1)))
    outputs = np.array([[float(x) for x in row] for row in data["outputs"]])
    assert np.array_equal(outputs, expected, equal_nan=True)
    assert f"NumPy {np.__version__}" in proof.tool


def test_differences_are_relative_to_the_larger_of_one_and_the_output():
    inf, nan = np.inf, np.nan
    ours = np.array([[1e-9, 100.0, inf, nan]])
    assert differences(ours, ours) == (0.0, 0.0)
    absolute, relative = differences(ours, ours + np.array([[1e-9, 1e-6, 0.0, 0.0]]))
    assert absolute == pytest.approx(1e-6)
    assert relative == pytest.approx(1e-8)
    for a, b in ((inf, -inf), (inf, 1.0), (1.0, inf), (nan, 1.0), (1.0, nan), (inf, nan)):
        assert differences(np.array([[a]]), np.array([[b]])) == (inf, inf)
    assert differences(np.empty((0, 2)), np.empty((0, 2))) == (0.0, 0.0)


def test_observations_are_those_of_episodes_at_the_weight():
    champion = swingup()
    task = champion.get_task()
    rows = champion_observations(champion, 0.5)
    assert 16 <= len(rows) <= 256
    env = task.make_env()
    observation, _ = env.reset(seed=0)
    assert np.array_equal(rows[0], observation)
    seen = set()
    for seed in range(4):
        observation, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            seen.add(tuple(observation))
            observation, _, terminated, truncated, _ = env.step(champion.act(observation, 0.5))
            ended = terminated or truncated
    assert {tuple(row) for row in rows} <= seen
    assert not np.array_equal(champion_observations(champion, -1.5)[:16], rows[:16])


@pytest.mark.slow
def test_observations_of_a_data_set_are_samples_of_the_validation_part():
    pytest.importorskip("sklearn")
    task = get_task("digits")
    genome = evolved(1, 10, inputs=64, outputs=10)
    champion = champion_of(genome, task="digits", inputs=task.inputs, outputs=task.outputs)
    rows = champion_observations(champion)
    every = task.samples.validation.inputs()
    assert len(rows) == min(256, len(every))
    assert {tuple(row) for row in rows} <= {tuple(row) for row in every}
    assert "one for each class" in make_plan(champion, None, Path("n.c")).action


@pytest.mark.parametrize(
    ("task", "note"),
    [
        ("swingup", "clip each to [-1, 1]: that is the action."),
        ("Pendulum-v1", "clip each to [-1, 1] and scale that to the range of the action (-2 to 2)."),
        ("CartPole-v1", "one for each action; the largest, the first of equal ones, is chosen."),
    ],
)
def test_the_header_says_how_outputs_become_an_action(task, note, tmp_path):
    known = get_task(task)
    genome = evolved(2, 10, inputs=len(known.inputs), outputs=len(known.outputs))
    champion = champion_of(genome, task=task, inputs=known.inputs, outputs=known.outputs)
    path = tmp_path / "n.json"
    assert export(champion, "json", path).verified
    about = json.loads(path.read_text())["about"]
    assert f"Outputs: {note}" in about
    assert f"Task: {task}" in about


def test_an_environment_that_fails_gives_no_export(tmp_path, monkeypatch):
    class Broken:
        def reset(self, seed):
            raise ArithmeticError("the motor\nbroke")

        def close(self):
            pass

    champion = swingup()
    monkeypatch.setattr("wann.tasks.task.Task.make_env", lambda *_, **__: Broken())
    with pytest.raises(
        RuntimeError, match="task 'swingup' gives no observations: ArithmeticError: the motor broke"
    ):
        export(champion, "json", tmp_path / "n.json")
