"""The champion page: its data, its JavaScript against the kernels bit for bit, and the page in a browser."""

import json
import re
import shlex
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import toys  # noqa: F401 - registers them
from champions import champion_of
from conftest import ALL_CODES, evolved
from gymnasium.error import DependencyNotInstalled
from wann_envs.cartpole_swingup import TASK

import wann
from wann.analysis.achievement import achievement
from wann.analysis.scorecard import profile
from wann.champion import Champion, Scores, load_champion, save_champion
from wann.kernels.activations import activate
from wann.kernels.lanes import blocks_for, lane_array
from wann.networks.genome import genome_to_dict, minimal_genome
from wann.networks.network import batch_networks, compile_genome, evaluate_network
from wann.pages import clips
from wann.pages.network_data import diagram_data, exhibit, network_data
from wann.pages.render import SCRIPTS, render
from wann.pages.report import _commands, page_data
from wann.pages.task_view import task_view
from wann.rollouts.compiled import roll_out
from wann.run import search
from wann.run.folder import RunFolder
from wann.settings import OBJECTIVES, Settings, with_changes
from wann.settings_file import parse_assignment
from wann.tasks.mnist import deskew
from wann.tasks.registry import get_task
from wann.utils.plain_text import has_control
from wann.visualization.diagram import diagram_of

PACKAGE = Path(wann.__file__).parent
CHAMPION = Path(__file__).resolve().parents[2] / "experiments/swingup/champion.json"
NODE = shutil.which("node")
TINY = {"population": 16, "generations": 8, "confirm_episodes": 4, "episodes": 2, "seed": 3}
WEIGHTS = np.linspace(-2.0, 2.0, 21)

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


@pytest.fixture(scope="module")
def swingup(tmp_path_factory):
    """A small run on the swing-up."""
    path = tmp_path_factory.mktemp("runs") / "swingup"
    # With this preset one champion soon follows the other.
    wann.search("swingup", preset="stratified", out=path, **TINY)
    return path


def test_the_page_shows_a_gap_in_the_metrics(swingup, tmp_path):
    shutil.copytree(swingup, tmp_path / "run")
    lines = (swingup / "metrics.csv").read_text().splitlines(keepends=True)
    (tmp_path / "run" / "metrics.csv").write_text("".join(lines[:1] + lines[4:]))
    learning = page_data(tmp_path / "run", clips=False)["learning"]
    assert learning["generation"] == [1, *range(4, 9)]
    assert [value is None for value in learning["best_mean"]] == [True] + [False] * 5


def test_the_command_that_repeats_a_search_is_quoted(tmp_path):
    folder = RunFolder.create(tmp_path / "run", Settings(preset="a; touch $HOME/x"))
    words = shlex.split(_commands(folder.path, folder.settings)[0])
    assert words[:5] == ["wann", "search", "swingup", "--preset", "a; touch $HOME/x"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A small run on handwritten digits."""
    pytest.importorskip("sklearn")
    path = tmp_path_factory.mktemp("runs") / "digits"
    wann.search("digits", out=path, preset="laptop", **TINY | {"generations": 3, "population": 8})
    return path


def with_front(path, genomes, tmp_path):
    """A copy of a run with a Pareto front of these genomes."""
    copy = tmp_path / "front"
    shutil.copytree(path, copy)
    champion = load_champion(copy)
    members = [
        {
            "values": dict.fromkeys(OBJECTIVES, 1.0)
            | {"mean": 10.0 * k, "connections": genome.connection_count, "depth": k},
            "weights": [-1.0, 1.0],
            "means": [9.0 * k, 11.0 * k],
            "genome": genome_to_dict(genome),
        }
        for k, genome in enumerate(genomes, 1)
    ]
    front = {
        "format": "wann-front",
        "version": 1,
        "task": "swingup",
        "generation": 8,
        "objectives": ["mean", "best", "connections"],
        "inputs": list(champion.inputs),
        "outputs": list(champion.outputs),
        "members": members,
    }
    (copy / "front.json").write_text(json.dumps(front))
    return copy


# The numbers: JavaScript against the kernels


def node(expression, files, value=None):
    """Value of an expression over the page's files in node; `input` is the value given."""
    paths = [path for path in SCRIPTS if Path(path).stem in files]
    code = "".join((PACKAGE / path).read_text() for path in paths)
    code += "const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
    code += f"process.stdout.write(JSON.stringify({expression}));"
    done = subprocess.run(
        [NODE, "-e", f"'use strict'; {code}"], input=json.dumps(value), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def bits(values):
    """Numbers as words of 16 hexadecimal digits; every NaN the same."""
    values = np.where(np.isnan(values), np.nan, np.asarray(values, np.float64))
    return [f"{word:016x}" for word in values.ravel().view(np.uint64).tolist()]


OF_BITS = "const of = (word) => new Float64Array(new BigUint64Array([BigInt('0x' + word)]).buffer)[0];"
TO_BITS = (
    "const to = (x) => Number.isNaN(x) ? '7ff8000000000000' : "
    "new BigUint64Array(new Float64Array([x]).buffer)[0].toString(16).padStart(16, '0');"
)


@needs_node
def test_every_activation_has_the_bits_of_the_kernel():
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [
            rng.normal(0.0, 3.0, 800),
            rng.normal(0.0, 300.0, 200),
            10.0 ** rng.uniform(-300.0, 15.0, 100) * rng.choice([-1.0, 1.0], 100),
            [0.0, -0.0, 0.5, -0.5, 1.0, 1.5, 2.5, 1e300, -1e300, np.inf, -np.inf, np.nan, 5e-324],
        ]
    )
    found = node(
        f"(() => {{ {OF_BITS} {TO_BITS} return input.codes.map((code) => "
        "input.values.map((word) => to(activate(code, of(word))))); })()",
        ["activations", "network"],
        {"codes": list(ALL_CODES), "values": bits(values)},
    )
    for code, words in zip(ALL_CODES, found, strict=True):
        expected = bits(np.array([activate(code, float(x)) for x in values]))
        wrong = [x for x, one, other in zip(values, words, expected, strict=True) if one != other]
        assert not wrong, f"activation {code} at {wrong[:5]}"


@needs_node
def test_networks_have_the_bits_of_the_forward_pass_with_shared_and_individual_weights():
    rng = np.random.default_rng(2)
    cases, expected = [], []
    for seed in range(12):
        network = compile_genome(evolved(seed, 40, inputs=4, outputs=2))
        inputs = rng.normal(size=(3, 4))
        shared, own = rng.uniform(-2.0, 2.0, 3), rng.normal(size=(3, network.sources.size))
        for weights in (shared, own):
            expected.append(evaluate_network(network, inputs, weights).tolist())
            cases.append([network_data(network), inputs.tolist(), weights.tolist()])
    found = node(
        "input.map(([data, rows, weights]) => rows.map((row, k) => "
        "[...new Network(data).forward(row, weights[k])]))",
        ["activations", "network"],
        cases,
    )
    assert found == expected


def trajectories(network, starts, steps):
    """States (steps + 1, W, 4) by the functions of the kernel, at each of `WEIGHTS` from its own start."""
    size, blocks = len(WEIGHTS), blocks_for(len(WEIGHTS))

    def lanes(rows):
        array = lane_array(rows.shape[1], blocks)
        array.reshape(rows.shape[1], -1)[:, :size] = rows.T
        return array

    def flat(array):
        return array.reshape(len(array), -1)[:, :size].T.copy()

    state, observation, outcome = lanes(starts), lane_array(5, blocks), lane_array(2, blocks)
    states = [flat(state)]
    TASK.dynamics.observe(state, observation, blocks)
    for _ in range(steps):
        values = evaluate_network(network, flat(observation), WEIGHTS)
        TASK.dynamics.step(state, observation, lanes(values[:, network.outputs]), outcome, blocks)
        states.append(flat(state))
    return np.array(states)


def check_trajectories(found, network, starts):
    """Whether episodes of JavaScript are those of the kernel, bit for bit."""
    expected = trajectories(network, starts, 1000)
    rollouts = roll_out(TASK.dynamics, batch_networks([network]), WEIGHTS, starts, 1000, 0, 1)
    assert len(found) == len(WEIGHTS)
    for place, episode in enumerate(found):
        states = np.array(episode["states"]).reshape(-1, 4)
        assert len(states) - 1 == rollouts.steps[0, place]
        np.testing.assert_array_equal(states, expected[: len(states), place])
        assert episode["total"] == rollouts.returns[0, place]
    assert rollouts.steps.max() == 1000


TRAJECTORIES = "weights.map((weight, k) => trajectory(new Network(network), weight, starts[k], 1000))"


@needs_node
def test_episodes_have_the_bits_of_the_kernel_in_node():
    network = load_champion(CHAMPION).network
    starts = np.resize(TASK.starts(range(7)), (len(WEIGHTS), 4))
    found = node(
        f"(({{ network, weights, starts }}) => {TRAJECTORIES})(input)",
        ["activations", "network", "swingup"],
        {"network": network_data(network), "weights": WEIGHTS.tolist(), "starts": starts.tolist()},
    )
    check_trajectories(found, network, starts)


@needs_node
def test_the_pad_undoes_the_slant_as_the_data_set_does():
    pytest.importorskip("scipy")
    rng = np.random.default_rng(4)
    images = np.zeros((20, 28, 28), np.uint8)
    for image in images[1:]:
        for _ in range(3):
            row, column = rng.integers(2, 20, 2)
            image[row : row + rng.integers(2, 8), column : column + rng.integers(2, 6)] = rng.integers(
                60, 256
            )
    images[1] = 200  # no slant at all
    found = node("input.map((levels) => [...deskew(levels)])", ["digits"], images.reshape(20, -1).tolist())
    # What lies exactly between two 256ths may be rounded to either.
    assert np.abs(np.array(found) - deskew(images).astype(np.int64)).max() <= 1


@needs_node
def test_the_pad_moves_and_scales_a_digit_as_the_data_sets_do():
    side = 112
    stroke = np.zeros((side, side))
    stroke[10:50, 60:70] = 1.0  # a one in the upper right
    digits, mnist, blank = node(
        "[[...likeDigits(input[0], 112)], [...likeMnist(input[0], 112)], [...likeMnist(input[1], 112)]]",
        ["digits"],
        [stroke.ravel().tolist(), np.zeros(side * side).tolist()],
    )
    small = np.array(digits).reshape(8, 8)
    # It fills the height, in the middle two of eight columns.
    np.testing.assert_allclose(small[:, 3:5], 1.0)
    assert small.sum() == 16.0
    large = np.array(mnist).reshape(28, 28)
    rows, columns = np.nonzero(large)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 5)
    assert abs(rows.mean() - 13.5) <= 0.5
    assert abs(columns.mean() - 13.5) <= 0.5
    assert not any(blank)


# The data


def test_the_data_are_plain_and_name_every_part(swingup):
    data = page_data(swingup)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    champion = load_champion(swingup)
    first = data["networks"][data["champion"]]
    assert first["network"] == network_data(champion.network)
    assert first["connections"] == champion.genome.connection_count
    assert first["tuned"] is None
    assert len(first["profile"]["weights"]) == len(first["profile"]["mean"]) == 81
    assert data["world"]["kind"] == "swingup"
    assert len(data["learning"]["generation"]) == TINY["generations"]
    assert data["development"][-1] == data["champion"]
    assert [point["network"] for point in data["front"]["points"]].count(data["champion"]) == 1
    assert {name for name, *_ in data["settings"]} == set(wann.Settings.model_fields)


def test_the_page_says_what_the_champion_does(swingup):
    champion = load_champion(swingup)
    done = achievement(champion)
    words = page_data(swingup)["lede"]
    assert words.endswith(f"With {champion.best_weight:g} in every connection {done.words}.")


def test_the_return_over_the_weight_is_that_of_the_plot(swingup):
    weights, returns = profile(load_champion(swingup))
    found = page_data(swingup)["networks"][0]["profile"]
    np.testing.assert_array_equal(found["weights"], weights)
    np.testing.assert_allclose(found["mean"], returns.mean(axis=1), rtol=1e-5)


def test_an_environment_that_fails_gives_no_curve_but_an_error():
    task = get_task("toys/Toy-v0", {"trouble": "raise", "width": 9})
    genome = minimal_genome(3, 1, 1, 1.0, rng=np.random.default_rng(1))
    scores = Scores.from_returns(np.ones(1), np.zeros((1, 2)), (1, 2))
    champion = Champion(task.name, task.inputs, task.outputs, genome, scores, env_kwargs=task.env_kwargs)
    trouble = "the champion could not be evaluated: ArithmeticError: the motor"
    with pytest.raises(RuntimeError, match=trouble):
        profile(champion, points=3, episodes=1)
    with pytest.raises(RuntimeError, match=trouble):
        exhibit(champion, task, best=True)


def test_a_compiled_walker_that_cannot_be_filmed_is_scored_all_the_same(monkeypatch):
    def make(env_id, **options):
        raise DependencyNotInstalled('Box2D is not installed, run `pip install "gymnasium[box2d]"`')

    monkeypatch.setattr(gymnasium, "make", make)
    champion = champion_of("BipedalWalker-v3", evolved(3, 5, inputs=24, outputs=4))
    task = champion.get_task()
    view = task_view(champion, task, "", clips=True)
    assert view["kind"] == "words"
    assert 'pip install "wann[box2d]"' in view["note"]
    monkeypatch.setattr("wann.pages.network_data._SMALL_GRID", (3, 2))
    assert len(exhibit(champion, task, best=False)["profile"]["mean"]) == 3


def test_the_first_command_searches_the_same_again(swingup):
    words = shlex.split(page_data(swingup)["commands"][0])
    assert words[:3] == ["wann", "search", "swingup"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    given = dict(parse_assignment(word) for at, word in enumerate(words) if words[at - 1] == "--set")
    settings = search.resolve("swingup", options["--preset"], None, {**given, "seed": int(options["--seed"])})
    assert settings == RunFolder.open(swingup).settings


def test_the_commands_are_words_of_a_shell_whatever_the_run_says(swingup, tmp_path):
    def commands(name, **values):
        copy = tmp_path / name
        shutil.copytree(swingup, copy)
        folder = RunFolder.open(copy)
        folder.save_settings(with_changes(folder.settings, values))
        return page_data(copy)["commands"]

    again, *looks = commands("a b;c\x1b[201~", preset="x; touch y", task="$(touch z)-v0")
    assert not has_control("".join([again, *looks]))
    words = shlex.split(again)
    assert words[:3] == ["wann", "search", "$(touch z)-v0"]
    assert "x; touch y" in words
    assert words[-1] == r"runs/a b;c\x1b[201~"
    assert shlex.split(looks[0])[:3] == ["wann", "evaluate", words[-1]]
    words = shlex.split(commands("dash", task="--help")[0])
    assert words[-2:] == ["--", "--help"]


def test_a_page_tells_nothing_of_a_table_that_is_not_that_of_the_run(swingup, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(swingup, copy)
    (tmp_path / "secret.csv").write_text("a secret,kind\n1,x\n")
    champion = load_champion(copy)
    for name in ("secret.csv", "none.csv"):
        task = f"csv:{tmp_path / name}"
        kwargs = {"label": "kind", "sha256": "0" * 64}
        save_champion(replace(champion, task=task, env_kwargs=kwargs), copy / "champion.json")
        page = render(page_data(copy))
        assert f"csv:{name} is not here, or not what it was when the search began." in page
        assert "a secret" not in page
        assert str(tmp_path) not in page


def test_the_page_of_one_s_own_table_does_not_tell_its_folder(tmp_path):
    rows = [f"{k % 7},{k},{'ab'[k % 2]}" for k in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["first,second,kind", *rows]))
    tiny = {"population": 8, "generations": 2, "tournament_size": 3}
    run = search.search(f"csv:{tmp_path}/own.csv", env_kwargs={"label": "kind"}, out=tmp_path / "run", **tiny)
    page = render(page_data(run.path))
    assert "own.csv" in page
    assert str(tmp_path) not in page


def test_a_front_gives_the_points_and_their_networks(swingup, tmp_path):
    genomes = [evolved(seed, 20) for seed in (1, 2, 3)]
    data = page_data(with_front(swingup, genomes, tmp_path))
    assert "beats in mean, best and connections together" in data["front"]["note"]
    found = {point["network"]: point["values"] for point in data["front"]["points"]}
    assert len(found) == 4  # the champion is not among the members
    for k, genome in enumerate(genomes, 1):
        (place,) = (at for at, values in found.items() if values.get("depth") == k)
        assert found[place]["mean"] == 10.0 * k
        assert data["networks"][place]["network"] == network_data(compile_genome(genome))


def test_a_run_from_before_there_were_fronts_shows_its_champions_as_points(swingup, tmp_path):
    copy = tmp_path / "old"
    shutil.copytree(swingup, copy)
    (copy / "front.json").unlink()
    data = page_data(copy)
    assert "wann resume" in data["front"]["note"]
    found = [data["networks"][point["network"]]["generation"] for point in data["front"]["points"]]
    assert sorted(found) == [int(path.stem) for path in sorted((copy / "champions").iterdir())]


def test_a_page_has_room_for_so_many_networks_only(swingup, tmp_path):
    genomes = [evolved(seed, 20) for seed in range(60)]
    data = page_data(with_front(swingup, genomes, tmp_path))
    assert 30 < len(data["front"]["points"]) <= 41


def test_a_damaged_front_is_named_in_one_line(swingup, tmp_path):
    copy = with_front(swingup, [evolved(1, 3)], tmp_path)
    for text in ("{", '{"format": "wann-front", "version": 1}'):
        (copy / "front.json").write_text(text)
        with pytest.raises(ValueError, match=r"front\.json: ") as caught:
            page_data(copy)
        assert "\n" not in str(caught.value)


def test_a_run_without_a_champion_gives_a_page_that_waits(swingup, tmp_path):
    copy = tmp_path / "early"
    shutil.copytree(swingup, copy)
    (copy / "champion.json").unlink()
    data = page_data(copy)
    assert data["networks"] == []
    assert "No champion" in data["waiting"]
    assert "No champion" in render(data, live=True)


def test_a_task_that_is_not_at_hand_leaves_the_confirmed_scores(swingup, tmp_path):
    copy = tmp_path / "gone"
    shutil.copytree(swingup, copy)
    champion = load_champion(copy)
    save_champion(replace(champion, task="Gone-v0"), copy / "champion.json")
    data = page_data(copy)
    assert data["world"]["kind"] == "words"
    assert "Gone-v0" in data["world"]["note"]
    np.testing.assert_allclose(data["networks"][0]["profile"]["mean"], champion.scores.mean, rtol=1e-5)


def test_a_diagram_s_edges_find_their_connections():
    genome = evolved(3, 40, inputs=4, outputs=2)
    network = compile_genome(genome)
    diagram = diagram_data(diagram_of(genome, "abcd", "xy"), network)
    nodes, edges = diagram["nodes"], diagram["edges"]
    assert sorted(edges["connection"]) == list(range(network.sources.size))
    for source, connection in zip(edges["source"], edges["connection"], strict=True):
        assert nodes["row"][source] == network.sources[connection]
    rows = [row for row, kind in zip(nodes["row"], nodes["kind"], strict=True) if kind == "output"]
    assert rows == network.outputs.tolist()
    assert all(re.fullmatch(r"M[-\d. ]+C[-\d. ]+", path) for path in edges["path"])


def test_tuned_weights_come_with_the_score_that_tuning_measured(swingup, tmp_path):
    copy = tmp_path / "tuned"
    shutil.copytree(swingup, copy)
    champion = load_champion(copy)
    tuned = np.linspace(-1.0, 1.0, champion.genome.connection_count)
    for name, tuning in (("tuned", {"after": {"mean": 345.0}}), ("champion", {})):
        save_champion(replace(champion, tuned=tuned, tuning=tuning), copy / f"{name}.json")
        entry = page_data(copy)["networks"][0]
        assert entry["tuned"] == load_champion(copy / f"{name}.json").tuned_sources.tolist()
        assert (entry["tuned_score"] == 345.0) == bool(tuning)
        assert entry["tuned_score"] is not None


# The page in a browser


@pytest.fixture
def open_page(chromium, tmp_path):
    """Opens a page from its data; at the end it must have raised nothing and asked for nothing."""
    troubles, contexts = [], []

    def open_(data, width=1280, height=900, **options):
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(render(data), encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "data:")) else troubles.append(request.url)
            ),
        )
        page.goto(path.as_uri())
        until(page, "globalThis.wann?.view.data")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture(scope="module")
def swingup_data(swingup):
    return page_data(swingup)


def until(page, expression):
    """Wait for a condition; Playwright's own way is one that the page's policy forbids."""
    end = time.monotonic() + 300.0
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(20)


def set_slider(page, value):
    page.locator("#weight").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
    )


def steps(page):
    return page.evaluate("wann.stage.episode.steps")


def test_the_browser_s_episodes_have_the_bits_of_the_kernel(open_page, swingup_data):
    page = open_page(swingup_data)
    network = load_champion(CHAMPION).network
    starts = np.resize(swingup_data["world"]["starts"], (len(WEIGHTS), 4))
    found = page.evaluate(
        "([network, weights, starts]) => weights.map((weight, k) => "
        "wann.trajectory(new wann.Network(network), weight, starts[k], 1000))",
        [network_data(network), WEIGHTS.tolist(), starts.tolist()],
    )
    check_trajectories(found, network, starts)


def test_what_is_seen_live_is_the_same_episode(open_page, swingup_data):
    page = open_page(swingup_data)
    page.locator("#speed").select_option("4")
    until(page, "wann.stage.episode.steps > 60")
    live, again = page.evaluate(
        "() => { const { episode } = wann.stage, { steps, state } = episode;"
        "const { states } = wann.trajectory(new wann.Network(wann.view.entry.network), wann.view.weight, "
        "wann.view.data.world.starts[0], steps); return [[...state], states.slice(-4)]; }"
    )
    assert live == again


def test_the_slider_moves_the_weight_and_the_mark_on_the_chart(open_page, swingup_data):
    page = open_page(swingup_data)
    profile = swingup_data["networks"][0]["profile"]
    places = []
    for weight in (-2.0, 1.5):
        set_slider(page, weight)
        assert page.evaluate("wann.view.weights()") == weight
        assert page.locator("#weight-text").inner_text() == f"{weight:.2f}".replace("-", "−")
        mean = profile["mean"][profile["weights"].index(weight)]
        shown = page.locator("#weight-score").inner_text()
        assert float(re.search(r"[−\d.,]+", shown)[0].replace("−", "-").replace(",", "")) == pytest.approx(
            mean, rel=0.01, abs=0.5
        )
        places.append(float(page.locator(".position").get_attribute("x1")))
    assert places[1] - places[0] > 100
    # The marks lie above the middle of the slider's thumb.
    box, chart = page.locator("#weight").bounding_box(), page.locator("#profile").bounding_box()
    thumb = box["x"] + 14 + (box["width"] - 28) * 3.5 / 4.0
    assert chart["x"] + places[1] == pytest.approx(thumb, abs=1.5)


def test_pause_reset_next_start_and_speed(open_page, swingup_data):
    page = open_page(swingup_data)
    until(page, "wann.stage.episode.steps > 5")
    page.get_by_role("button", name="Pause").click()
    before = steps(page)
    page.wait_for_timeout(150)
    assert steps(page) == before
    page.get_by_role("button", name="Reset").click()
    assert steps(page) == 0
    assert page.evaluate("[...wann.stage.episode.state]") == swingup_data["world"]["starts"][0]
    page.get_by_role("button", name="Next start").click()
    assert page.evaluate("[...wann.stage.episode.state]") == swingup_data["world"]["starts"][1]
    page.get_by_role("button", name="Play").click()
    until(page, "wann.stage.episode.steps > 5")


def test_a_push_moves_the_pole_to_its_side_and_is_told(open_page, swingup_data):
    page = open_page(swingup_data)
    page.get_by_role("button", name="Pause").click()
    for angle in (0.1, 3.0):  # standing, hanging
        for name, side in (("left", -1.0), ("right", 1.0)):
            page.evaluate("(angle) => wann.stage.episode.state.set([0, 0, angle, 0])", angle)
            page.get_by_role("button", name=f"Push the pole to the {name}").click()
            speed = page.evaluate("wann.stage.episode.state[3]")
            # The tip's place is -sin(angle) of the pole's length.
            assert -speed * np.cos(angle) * side > 0.0
    assert "pushed" in page.locator("#facts").inner_text()
    page.evaluate("wann.stage.reset()")
    page.locator("#scene").click(position={"x": 5, "y": 50})
    assert page.evaluate("wann.stage.touched")


def test_nodes_light_up_with_what_they_compute(open_page, swingup_data):
    page = open_page(swingup_data)
    until(page, "wann.stage.episode.steps > 40")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(60)
    lit = page.evaluate(
        "() => { const { row } = wann.view.entry.diagram.nodes;"
        "wann.drawing.light(wann.view.values, wann.view.weights());"
        "return wann.drawing.lamps.map((lamp, place) => [wann.view.values[row[place]], "
        "Number(lamp.getAttribute('fill-opacity')), lamp.classList.contains('negative')]); }"
    )
    assert len(lit) > 6
    for value, brightness, negative in lit:
        assert (brightness > 0.0) == (abs(value) > 0.05) or abs(value) < 0.1
        if brightness:
            assert negative == (value < 0.0)


def test_hovering_tells_what_a_node_computes_and_what_feeds_it(open_page, swingup_data):
    page = open_page(swingup_data)
    diagram = swingup_data["networks"][0]["diagram"]
    nodes, edges = diagram["nodes"], diagram["edges"]
    place = nodes["kind"].index("output")
    page.locator(f"#drawing .node[data-place='{place}'] .rim").hover(force=True)
    text = page.locator("#node-text").inner_text()
    assert text.startswith("Output force = s, s = weight × (")
    sources = [s for s, t in zip(edges["source"], edges["target"], strict=True) if t == place]
    for source in sources:
        assert (nodes["label"][source] or f"{nodes['activation'][source]} {nodes['id'][source]}") in text
    assert page.locator("#drawing .edge.near").count() == len(sources)
    page.locator("h1").hover()
    assert page.locator("#drawing .edge.near").count() == 0


def test_highlighting_an_output_fades_what_does_not_feed_it(open_page, swingup, tmp_path):
    copy = tmp_path / "two"
    shutil.copytree(swingup, copy)
    (copy / "front.json").unlink()
    genome = evolved(7, 30, outputs=2)
    champion = replace(load_champion(swingup), task="Gone-v0", genome=genome, outputs=("left", "right"))
    save_champion(champion, copy / "champion.json")
    data = page_data(copy)
    page = open_page(data)
    diagram = data["networks"][0]["diagram"]
    wanted = {diagram["nodes"]["label"].index("left")}
    while True:  # against the growing of sets: whatever leads into the part belongs to it
        pairs = zip(diagram["edges"]["source"], diagram["edges"]["target"], strict=True)
        grown = wanted | {source for source, target in pairs if target in wanted}
        if grown == wanted:
            break
        wanted = grown
    button = page.get_by_role("button", name="left", exact=True)
    button.click()
    away = page.locator("#drawing .node.away").evaluate_all(
        "all => all.map((one) => Number(one.dataset.place))"
    )
    assert set(away) == set(range(len(diagram["nodes"]["x"]))) - wanted
    assert away
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert page.locator("#drawing .away").count() == 0


def test_a_point_of_the_front_shows_its_network_at_work(open_page, swingup, tmp_path):
    data = page_data(with_front(swingup, [evolved(seed, 25) for seed in (1, 2)], tmp_path))
    page = open_page(data)
    at, point = next((k, p) for k, p in enumerate(data["front"]["points"]) if "depth" in p["values"])
    page.locator(f"#front .point[data-place='{at}']").click()
    entry = data["networks"][point["network"]]
    assert page.locator("#network-name").inner_text() == entry["name"]
    assert page.locator("#drawing .edge").count() == len(entry["diagram"]["edges"]["path"])
    assert page.evaluate("wann.stage.episode.network.sources") == entry["network"]["sources"]
    page.get_by_role("button", name="Back to the champion").click()
    assert page.locator("#network-name").inner_text() == "The champion"
    assert page.evaluate("wann.stage.episode.network.sources") == data["networks"][0]["network"]["sources"]
    # A champion on the way likewise.
    page.locator("#development button").first.click()
    name = data["networks"][data["development"][0]]["name"]
    assert page.locator("#network-name").inner_text() == name


def test_tuned_weights_run_live(open_page, swingup, tmp_path):
    copy = tmp_path / "tuned"
    shutil.copytree(swingup, copy)
    champion = load_champion(copy)
    tuned = np.linspace(-1.0, 1.0, champion.genome.connection_count)
    save_champion(replace(champion, tuned=tuned), copy / "champion.json")
    page = open_page(page_data(copy))
    button = page.get_by_role("button", name="Tuned weights")
    button.click()
    assert page.evaluate("wann.view.weights()") == load_champion(copy).tuned_sources.tolist()
    assert page.locator("#weight-text").inner_text() == "tuned"
    page.evaluate("wann.stage.reset()")
    until(page, "wann.stage.episode.steps > 3")
    set_slider(page, 0.5)
    assert page.evaluate("wann.view.weights()") == 0.5


def test_the_keyboard_alone_reaches_everything(open_page, swingup_data):
    page = open_page(swingup_data)
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => { const e = document.activeElement; return e.id || e.getAttribute('class') || e.tagName; }"
        )
        if name == "BODY":
            break
        seen.add(name)
        if name == "weight":
            before = page.evaluate("wann.view.weight")
            page.keyboard.press("ArrowRight")
            assert page.evaluate("wann.view.weight") != before or before == 2.0
        elif name == "scene":
            page.keyboard.press("p")
            assert not page.evaluate("wann.stage.running")
            page.keyboard.press("ArrowRight")
            assert page.evaluate("wann.stage.touched")
            page.keyboard.press("r")
            assert not page.evaluate("wann.stage.touched")
        elif name == "drawing":
            page.keyboard.press("ArrowRight")
            assert "Output force" in page.locator("#node-text").inner_text()
            page.keyboard.press("ArrowLeft")
            assert "Output force" not in page.locator("#node-text").inner_text()
            page.keyboard.press("Enter")
            assert page.locator("#drawing .away").count() > 0
            page.keyboard.press("Escape")
            assert page.locator("#drawing .away").count() == 0
        elif name.startswith("point"):
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("Enter")
            assert page.evaluate("wann.view.place !== wann.view.data.champion")
    assert {"scene", "play", "reset", "next", "push-left", "push-right", "speed", "weight", "best"} <= seen
    assert {"drawing", "output", "stagecard", "commands", "SUMMARY"} <= seen
    assert any(name.startswith("point") for name in seen)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(open_page, swingup_data, scheme):
    page = open_page(swingup_data, color_scheme=scheme)
    pairs = page.evaluate(
        """() => {
          const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
          const behind = (element) => {
            for (let e = element; e; e = e.parentElement) {
              const colour = rgb(getComputedStyle(e).backgroundColor);
              if (colour.length < 4 || colour[3] > 0.99) return colour;
            }
            return [255, 255, 255];
          };
          const found = [];
          const texts = "p, h1, h2, button, dt, dd, small, label, pre, th, td, .tick, .axis, .name";
          for (const element of document.querySelectorAll(texts)) {
            if (!element.textContent.trim() || !element.getClientRects().length) continue;
            const style = getComputedStyle(element);
            found.push([element.className.baseVal ?? element.className, element.tagName,
              rgb(element instanceof SVGElement ? style.fill : style.color), behind(element)]);
          }
          return found;
        }"""
    )
    assert len(pairs) > 40

    def luminance(colour):
        parts = np.array(colour[:3]) / 255.0
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    for name, tag, ink, paper in pairs:
        high, low = sorted((luminance(ink), luminance(paper)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (name, tag, ink, paper)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance([float(x) for x in re.findall(r"\d+", dark)]) < 0.1) == (scheme == "dark")


def test_a_phone_needs_no_scrolling_to_the_side_and_its_buttons_are_large(open_page, swingup_data):
    page = open_page(swingup_data, width=390, height=844, is_mobile=True, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for button in page.locator("#champion button:visible").all():
        assert button.bounding_box()["height"] >= 32
    # The scene and the slider fill the screen's width, one below the other.
    scene, slider = page.locator("#scene").bounding_box(), page.locator("#weight").bounding_box()
    assert min(scene["width"], slider["width"]) > 330
    assert slider["y"] > scene["y"] + scene["height"]
    page.locator("#weight").tap()
    assert abs(page.evaluate("wann.view.weight")) < 0.2


MARKUP = "<img src=x onerror='document.title=1'></script><script>document.title=2</script>&amp;"


def test_names_that_carry_markup_are_text(open_page, swingup, tmp_path):
    copy = tmp_path / "markup"
    shutil.copytree(swingup, copy)
    champion = load_champion(copy)
    save_champion(
        replace(champion, inputs=(MARKUP, *champion.inputs[1:]), outputs=(MARKUP,)), copy / "champion.json"
    )
    data = page_data(copy)
    data["networks"][0]["name"] = data["kicker"] = data["lede"] = data["commands"][0] = MARKUP
    data["title"] = MARKUP
    page = open_page(data)
    assert page.title() == MARKUP
    for place in ("#kicker", "#lede", "#commands"):
        assert MARKUP in page.locator(place).inner_text()
    page.locator("#drawing").get_by_text("<img").first.wait_for()
    assert page.locator("img").count() == 0
    page.locator("#drawing .node.output .rim").hover(force=True)
    assert "<img" in page.locator("#node-text").inner_text()


def test_a_digit_that_is_drawn_gets_a_vote_of_every_weight(open_page, digits):
    data = page_data(digits)
    champion = load_champion(digits)
    page = open_page(data)
    # The first sample is chosen; what the page says of it is what the network says.
    inputs = np.array(data["world"]["samples"][0]["inputs"])
    outputs = evaluate_network(champion.network, np.tile(inputs, (20, 1)), np.array(data["world"]["votes"]))
    said = outputs[:, champion.network.outputs].argmax(axis=1)
    counts = [int(text or 0) for text in page.locator("#bars .count").all_inner_texts()]
    assert counts == np.bincount(said, minlength=10).tolist()
    assert page.locator("#votes span").all_inner_texts() == [str(digit) for digit in said]
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#votes span").count() == 0
    box = page.locator("#scene").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    page.mouse.up()
    assert sum(int(text) for text in page.locator("#bars .count").all_inner_texts()) == 20
    drawn = np.array(page.evaluate("[...wann.stage.inputs]")).reshape(8, 8)
    assert drawn[:, 3:5].min() > 0.3
    assert not drawn[:, :2].any()
    # By keyboard.
    page.keyboard.press("r")
    page.locator("#scene").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("wann.stage.inputs.some((x) => x > 0)")


def test_other_environments_show_the_film_of_the_nearest_weight(open_page, tmp_path, monkeypatch):
    monkeypatch.setattr(clips, "SECONDS", 0.1)
    path = tmp_path / "cartpole"
    wann.search("CartPole-v1", out=path, **TINY | {"generations": 2, "population": 8})
    data = page_data(path)
    world = data["world"]
    assert [clip["weight"] for clip in world["clips"]] == np.linspace(-2.0, 2.0, 9).tolist()
    assert all(clip["steps"] <= 5 for clip in world["clips"])
    page = open_page(data)
    set_slider(page, -1.4)
    assert page.evaluate("wann.view.weight") == -1.5
    assert (
        page.locator("#facts")
        .inner_text()
        .startswith("recorded at weight −1.5 · return 5 in 5 steps, cut off")
    )
    assert page.locator("video").get_attribute("src") == world["clips"][1]["source"]
    until(page, "document.querySelector('video').videoWidth > 0")
    page.locator("#play").click()


def test_a_live_page_draws_what_is_new_and_keeps_what_was_chosen(chromium, swingup_data, tmp_path):
    page = chromium.new_context().new_page()
    troubles = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    waiting = {**swingup_data, "networks": [], "status": "generation 0"}
    answers = [{**swingup_data, "status": "generation 1"}, {**swingup_data, "status": "generation 2"}]
    page.clock.install()
    page.route(
        "http://127.0.0.1:9/",
        lambda route: route.fulfill(body=render(waiting, live=True), content_type="text/html"),
    )
    page.route(
        "http://127.0.0.1:9/data.json",
        lambda route: route.fulfill(json=answers.pop(0)) if answers else route.abort(),
    )
    page.goto("http://127.0.0.1:9/")
    assert page.locator("#waiting").is_visible()
    assert page.locator("#live").inner_text().endswith("generation 0")
    page.clock.run_for(2100)
    # By the status alone: "generation 171", a score, can stand elsewhere from the start.
    until(page, "document.querySelector('#live').textContent.endsWith('generation 1')")
    assert page.locator("#scene").is_visible()
    set_slider(page, 1.23)
    page.locator("#development button").first.click()
    page.clock.run_for(2100)
    until(page, "document.querySelector('#live').textContent.includes('generation 2')")
    assert page.evaluate("wann.view.weight") == 1.23
    assert page.evaluate("wann.view.place") == swingup_data["development"][0]
    assert troubles == []
    page.clock.run_for(2100)
    page.get_by_text("does not answer").wait_for()
    page.context.close()
