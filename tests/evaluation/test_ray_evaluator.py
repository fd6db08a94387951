"""Ray never changes a bit, whatever dies, joins or hangs meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from conftest import evolved

from wann.evaluation import ray_cluster, ray_evaluator
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.opening import open_evaluator
from wann.evaluation.placement import Placement
from wann.evaluation.ray_evaluator import RayEvaluator
from wann.networks.genome import minimal_genome
from wann.networks.network import compile_genome
from wann.run.search import resume, search
from wann.tasks.registry import get_task

from ray._raylet import Config  # isort: skip
from ray.cluster_utils import Cluster  # isort: skip

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"
    ),
]

TINY = {"population": 12, "max_steps": 60, "confirm_episodes": 4, "episodes": 2, "seed": 1, "generations": 6}
TINY |= {"elite_ratio": 0.2, "tournament_size": 8}
IN_PYTHON = {**TINY, "stepping": "gymnasium", "fresh_env": False}

ENVIRONMENTS = """
import os, signal, threading
import gymnasium, numpy as np

class Toy(gymnasium.Env):
    metadata = {"render_modes": []}
    def __init__(self, render_mode=None):
        self.render_mode = render_mode
    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float64)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float64)
    trouble = None
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state, self.age = self.np_random.uniform(-1, 1, 3), 0
        return self.state.copy(), {}
    def step(self, action):
        if action[0] > 0.9 and self.trouble == "crash":
            os._exit(1)
        if action[0] > 0.9 and self.trouble == "hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            threading.Event().wait()
        self.state = np.roll(self.state, 1)
        self.age += 1
        return self.state.copy(), float(action[0]), self.age == 20, False, {}

class Crash(Toy):
    trouble = "crash"

class Hang(Toy):
    trouble = "hang"

for kind in (Toy, Crash, Hang):
    gymnasium.register(f"{kind.__name__}-v0", kind)
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """Folder with a module that registers environments, on the path of this process and of all workers."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "trouble_envs.py").write_text(ENVIRONMENTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        yield folder
        for name in ("Toy-v0", "Crash-v0", "Hang-v0"):
            gymnasium.registry.pop(name, None)


@pytest.fixture(scope="module")
def cluster(workshop):
    """A cluster of one node with two CPUs, that nodes can join and leave."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", "a" * 64)
        Config.initialize("")  # Ray has read the environment already, when it was imported
        made = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": 100 * 2**20}
        )
        try:
            yield made
        finally:
            made.shutdown()


def numbers(path: Path):
    """All of a run that must be the same wherever it was computed."""
    with np.load(path / "checkpoint.npz") as file:
        population = {name: array.tobytes() for name, array in file.items() if name != "seconds"}
    return population, {file.name: file.read_bytes() for file in sorted((path / "champions").iterdir())}


def evaluators(node) -> list[int]:
    """Process ids of the evaluators of a node that have started."""
    raylet = node.all_processes["raylet"][0].process.pid
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            title = (folder / "cmdline").read_bytes().rstrip(b"\0 ")
            if parent == raylet and title in (b"ray::Evaluating", b"ray::Evaluating.evaluate"):
                found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a search gives on one thread, compiled and stepped in Python."""
    folder = tmp_path_factory.mktemp("undisturbed")
    search("swingup", out=folder / "compiled", threads=1, **TINY)
    search("swingup", out=folder / "python", threads=1, **IN_PYTHON)
    return {name: numbers(folder / name) for name in ("compiled", "python")}


def test_threads_workers_and_nodes_give_the_same_bits(cluster, undisturbed, tmp_path):
    address = {"address": cluster.address}
    node = cluster.add_node(num_cpus=1)
    try:
        for name, where in (
            ("two threads", {"threads": 2}),
            ("one worker", {"workers": 1, **address}),
            ("two workers", {"workers": 2, **address}),
            ("two nodes", address),
        ):
            search("swingup", out=tmp_path / name, **where, **TINY)
            assert numbers(tmp_path / name) == undisturbed["compiled"], name
        search("swingup", out=tmp_path / "python", **address, **IN_PYTHON)
        assert numbers(tmp_path / "python") == undisturbed["python"]
    finally:
        cluster.remove_node(node)


@pytest.mark.parametrize("outside", [False, True], ids=["compiled", "confirmed by Gymnasium"])
def test_a_compiled_walker_has_the_same_returns_on_workers(cluster, outside):
    task = get_task("BipedalWalker-v3", confirm_outside=outside)
    if outside:
        pytest.importorskip("Box2D", reason="Gymnasium steps the walker")
    rng = np.random.default_rng(0)
    networks = [compile_genome(minimal_genome(24, 4, 1, 0.3, rng=rng)) for _ in range(5)]
    found = []
    for placement in (Placement(1), Placement(None, 2, cluster.address)):
        with open_evaluator(task, 60, placement, 10**9) as evaluator:
            found.append(evaluator.evaluate(networks, np.array([-1.0, 0.7]), (3, 4), confirming=True))
    assert found[0].returns.tolist() == found[1].returns.tolist()
    assert found[0].steps.tolist() == found[1].steps.tolist()
    assert not found[0].failures


@pytest.mark.slow
def test_a_local_cluster_needs_no_home_folder(undisturbed, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {"HOME": "/nowhere"}
    command = [sys.executable, "-m", "wann", "search", "swingup", "--workers", "2", "--quiet"]
    command += ["--out", str(tmp_path / "run")]
    command += [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert numbers(tmp_path / "run") == undisturbed["compiled"]
    ours = (
        "note: swingup is so cheap ",
        "note: waiting for a free CPU",
    )  # the second on a busy machine alone
    notes = done.stderr.splitlines()
    assert any(note.startswith(ours[0]) for note in notes)
    assert all(note.startswith(ours) for note in notes), "Ray itself says nothing"


def test_twenty_deaths_of_evaluators_and_one_of_a_node_change_nothing(cluster, tmp_path):
    long = {**IN_PYTHON, "generations": 40, "episodes": 3, "max_steps": 120}
    search("swingup", out=tmp_path / "calm", threads=1, **long)
    rng, ended, killed = np.random.default_rng(5), threading.Event(), []
    node = cluster.add_node(num_cpus=1)
    generation, when = 0, []  # the last that is complete; the one at each death

    def observe(progress):
        nonlocal generation
        generation = progress.generation

    def kill():
        while not ended.is_set() and len(killed) < 20:
            time.sleep(rng.uniform(0.0, 0.6))
            if when.count(generation) == 3:  # five deaths over one network would rightly be its failure
                continue
            when.append(generation)
            alive = [pid for each in (cluster.head_node, *cluster.worker_nodes) for pid in evaluators(each)]
            if alive:
                killed.append(int(rng.choice(alive)))
                with suppress(ProcessLookupError):
                    os.kill(killed[-1], signal.SIGKILL)
            if len(killed) == 10 and cluster.worker_nodes:
                cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        search("swingup", out=tmp_path / "run", address=cluster.address, observer=observe, **long)
    finally:
        ended.set()
        killer.join()
        if cluster.worker_nodes:
            cluster.remove_node(node)
    assert len(killed) == 20, "the search must be longer than what disturbs it"
    assert numbers(tmp_path / "run") == numbers(tmp_path / "calm")
    columns = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert sum(int(row.split(",")[-1]) for row in columns[1:]) > 5, "chunks were computed again"


def test_a_node_that_joins_is_used(cluster, tmp_path):
    joined, most = [], 0

    def observe(progress):
        nonlocal most
        most = max(most, progress.effort.workers)
        if progress.generation == 3 and not joined:
            joined.append(cluster.add_node(num_cpus=1))
        if joined and most < 3:
            time.sleep(1.0)  # a node takes a while to start its evaluator, and a generation hardly any

    long = {**IN_PYTHON, "generations": 40, "max_steps": 120}
    try:
        search("swingup", out=tmp_path / "run", address=cluster.address, observer=observe, **long)
    finally:
        for node in joined:
            cluster.remove_node(node)
    assert most == 3
    search("swingup", out=tmp_path / "alone", threads=1, **long)
    assert numbers(tmp_path / "run") == numbers(tmp_path / "alone")


def test_a_driver_that_is_killed_goes_on_elsewhere(cluster, undisturbed, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "wann", "search", "swingup", "--quiet", "--out", str(run)]
    command += ["--address", cluster.address, "--set", "checkpoint_seconds=0"]
    long = {**IN_PYTHON, "generations": 500}
    command += [part for name, value in long.items() for part in ("--set", f"{name}={str(value).lower()}")]
    driver = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while not (run / "checkpoint.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    reached = len((run / "metrics.csv").read_text().splitlines()) - 1
    assert 0 < reached < 500
    resume(run, threads=1, generations=reached + 2)
    whole = tmp_path / "whole"
    search("swingup", out=whole, threads=2, **{**long, "generations": reached + 2})
    assert numbers(run) == numbers(whole)


def test_a_network_that_kills_or_hangs_its_workers_fails_alone(cluster, tmp_path):
    networks = [compile_genome(evolved(seed, 6, inputs=3)) for seed in range(6)]
    weights, seeds = np.array([1.0]), [1, 2]
    with LocalEvaluator(get_task("trouble_envs:Toy-v0"), 20) as local:
        calm = local.evaluate(networks, weights, seeds).returns
    for name, said in (("Crash", "its worker died 5 times"), ("Hang", "longer than 1 s")):
        task = get_task(f"trouble_envs:{name}-v0", episode_seconds=1.0)
        with RayEvaluator(task, 20, address=cluster.address) as evaluator:
            rollouts = evaluator.evaluate(networks, weights, seeds)
        failed = [index for index, _ in rollouts.failures]
        assert 0 < len(failed) < len(networks)
        assert all(said in reason for _, reason in rollouts.failures)
        assert np.isnan(rollouts.returns[failed]).all()
        whole = [index for index in range(len(networks)) if index not in failed]
        assert rollouts.returns[whole].tobytes() == calm[whole].tobytes()


def test_a_worker_with_another_version_is_refused_by_name(cluster, monkeypatch):
    task = get_task("swingup")
    ours = ray_evaluator.identity()
    for name, other in (("wann", "0.0.1"), ("wann's code", "ffffffffffff")):
        monkeypatch.setattr(ray_evaluator, "identity", lambda name=name, other=other: ours | {name: other})
        with pytest.raises(
            ValueError, match=f"the worker on .* has {name} .*, but here it is {other}: install"
        ):
            RayEvaluator(task, 60, address=cluster.address)


def test_a_worker_of_a_version_with_other_modules_tells_its_number_and_is_refused(monkeypatch):
    monkeypatch.setattr(ray_evaluator.ray, "remote", lambda **_: lambda kind: kind)
    monkeypatch.setattr(ray_evaluator.ray.util, "get_node_ip_address", lambda: "10.0.0.5")
    worker = ray_evaluator._evaluating()()
    ours = ray_evaluator.identity()
    assert worker.identity() == ("10.0.0.5", ours)
    monkeypatch.delattr("wann.evaluation.ray_cluster")
    monkeypatch.setitem(sys.modules, "wann.evaluation.ray_cluster", None)
    answer = worker.identity()
    assert answer == ("10.0.0.5", {"wann": ours["wann"]})
    driver = SimpleNamespace(_identity=ours)
    with pytest.raises(
        ValueError, match=r"10\.0\.0\.5 does not tell its .*wann's code, .*: install the same"
    ):
        RayEvaluator._check(driver, *answer)
    with pytest.raises(ValueError, match=r"has wann 0\.0\.1, but here it is .*: install the same"):
        RayEvaluator._check(driver, "10.0.0.5", {"wann": "0.0.1"})


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("wann/champion.py", "# other"),
        ("wann/kernels/forward.py", "# other"),
        ("wann/random_weights/bench/table.py", "# other"),
        ("wann_envs/cartpole_swingup.py", "# other"),
        ("wann/run/added.py", ""),
        ("wann/added/__init__.py", ""),
    ],
)
def test_the_digest_of_the_code_is_that_of_every_file_in_every_package(tmp_path, monkeypatch, file, line):
    ours = ray_evaluator.identity()
    for name in ("wann", "wann_envs"):
        folder = Path(str(find_spec(name).origin)).parent
        shutil.copytree(folder, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(
        ray_cluster, "find_spec", lambda name: SimpleNamespace(origin=tmp_path / name / "__init__.py")
    )
    assert ray_evaluator.identity() == ours
    (tmp_path / file).parent.mkdir(exist_ok=True)
    with open(tmp_path / file, "a", encoding="utf-8") as changed:
        changed.write(line)
    theirs = ray_evaluator.identity()
    assert theirs.pop("wann's code") != ours.pop("wann's code")
    assert theirs == ours


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:9", "nothing answers at 127.0.0.1:9"),
        ("nonsense", '"auto" or HOST:PORT'),
        ("127.0.0.1:port", '"auto" or HOST:PORT'),
    ],
)
def test_a_cluster_that_cannot_be_reached_is_said_in_one_line(address, message):
    begun = time.monotonic()
    with pytest.raises(ValueError, match=message) as caught:
        RayEvaluator(get_task("swingup"), 60, address=address)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begun < 120


def test_a_wrong_token_is_said_in_one_line_and_leaves_no_folder(cluster, tmp_path):
    environment = os.environ | {"RAY_AUTH_TOKEN": "b" * 64}
    command = [sys.executable, "-m", "wann", "search", "swingup", "--quiet"]
    command += ["--out", str(tmp_path / "run"), "--address", cluster.address]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert len(said) == 1
    assert "token" in said[0]
    assert not (tmp_path / "run").exists()
