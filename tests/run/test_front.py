"""The Pareto front of a run: what is on it, kept, listed and picked from; and searches that go on from it."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from conftest import evolved
from hypothesis import given
from hypothesis import strategies as st

import wann.run.front
from wann.champion import load_champion, save_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.placement import Placement
from wann.evolution.evolution import Evolution, Told
from wann.evolution.ranking import SIZES, score
from wann.evolution.shared_weights import generation_weights
from wann.networks.genome import genome_to_dict, renumbered
from wann.networks.network import compile_genome
from wann.run.confirming import pick
from wann.run.folder import RunFolder
from wann.run.front import Front, FrontMember, front_from_json, front_to_json, load_front
from wann.run.search import resume, search
from wann.settings import OBJECTIVES, PAPER_OBJECTIVES, Settings
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds

TINY = {"population": 12, "max_steps": 60, "confirm_episodes": 4, "episodes": 2, "seed": 1, "threads": 1}


def searched(path, **values):
    return search("swingup", out=path, **(TINY | {"generations": 8} | values)).path


def files(path):
    return {file.name: file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A finished run; copy it before changing it."""
    return searched(tmp_path_factory.mktemp("ended") / "run")


@pytest.fixture
def run_path(ended, tmp_path):
    shutil.copytree(ended, tmp_path / "run")
    return tmp_path / "run"


def value(member, name):
    """As an objective to be maximised."""
    return -member.values[name] if name in SIZES else member.values[name]


def dominates(one, other, names):
    pairs = [(value(one, name), value(other, name)) for name in names]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


# what is on it


@pytest.mark.parametrize("objectives", ["paper", ("worst", "depth"), ("robustness", "mean", "nodes", "best")])
def test_the_front_holds_each_phenotype_of_the_last_generation_that_none_dominates(tmp_path, objectives):
    """Found again from the generation that the run before it ended with, by evaluating all of it."""
    path = searched(tmp_path / "run", objectives=objectives, generations=7)
    genomes = RunFolder.open(path).load_checkpoint()[0].state.population
    resume(path, generations=8, threads=1)
    front, settings = load_front(path), RunFolder.open(path).settings
    weights = generation_weights(settings, 7)
    seeds = episode_seeds(1, Purpose.EPISODES, 2, 7)
    with LocalEvaluator(get_task("swingup"), 60, 1) as evaluator:
        returns = evaluator.evaluate([compile_genome(genome) for genome in genomes], weights, seeds).returns
    names = PAPER_OBJECTIVES if objectives == "paper" else objectives
    everyone = []
    for genome, per_weight in zip(genomes, returns.mean(axis=2), strict=True):
        values = {
            "mean": per_weight.mean(),
            "best": per_weight.max(),
            "worst": per_weight.min(),
            "robustness": -per_weight.std(),
            "connections": genome.enabled.sum(),
            "nodes": genome.node_id.size,
            "depth": genome.depth,
        }
        everyone.append(FrontMember(values, weights, per_weight, genome))
    wanted = [one for one in everyone if not any(dominates(other, one, names) for other in everyone)]
    assert (front.task, front.generation, front.objectives) == ("swingup", 8, names)
    assert (front.inputs, front.outputs) == (get_task("swingup").inputs, get_task("swingup").outputs)
    firsts = [value(member, names[0]) for member in front.members]
    assert firsts == sorted(firsts, reverse=True)
    for member in front.members:
        (same, *_) = [one for one in wanted if one.genome == member.genome]
        assert member.values == pytest.approx(same.values)
        assert member.weights.tolist() == weights.tolist()
        assert member.means.tolist() == same.means.tolist()
    # Nothing is left out but what computes the same.
    shown = {tuple(member.means) for member in front.members}
    assert {tuple(one.means) for one in wanted} == shown
    keys = [phenotype(member.genome) for member in front.members]
    assert len(set(keys)) == len(keys) == len({phenotype(one.genome) for one in wanted})


def phenotype(genome):
    network = compile_genome(genome)
    arrays = network.first_source, network.sources, network.activation, network.outputs
    return tuple(tuple(array.tolist()) for array in arrays)


def test_networks_without_finite_returns_are_not_on_it():
    genomes = tuple(evolved(seed, 9) for seed in range(4))
    returns = np.arange(8.0).reshape(4, 2, 1)
    returns[3] = np.nan
    told = Told(genomes, score(returns, genomes)).front(("mean",))
    assert told.genomes == (genomes[2],)
    nothing = Told(genomes, score(np.full((4, 2, 1), np.inf), genomes)).front(("mean",))
    assert nothing.genomes == ()


@given(st.integers(0, 10**6), st.sets(st.sampled_from(OBJECTIVES), min_size=1))
def test_the_front_of_a_front_is_itself(seed, names):
    rng = np.random.default_rng(seed)
    genomes = tuple(evolved(int(k), int(k) % 7) for k in rng.integers(0, 9, 12))
    told = Told(genomes, score(rng.integers(0, 3, (12, 2, 2)).astype(float), genomes)).front(sorted(names))
    again = told.front(sorted(names))
    assert [genome_to_dict(g) for g in again.genomes] == [genome_to_dict(g) for g in told.genomes]
    assert again.scores.per_weight.tolist() == told.scores.per_weight.tolist()


# kept with the run


def test_the_file_is_the_form_that_others_read(ended):
    data = json.loads((ended / "front.json").read_text())
    keys = ["format", "version", "task", "generation", "objectives", "inputs", "outputs", "members"]
    assert list(data) == keys
    assert (data["format"], data["version"]) == ("wann-front", 1)
    assert data["objectives"] == ["mean", "best", "connections"]
    for member in data["members"]:
        assert list(member) == ["values", "weights", "means", "genome"]
        assert list(member["values"]) == list(OBJECTIVES)
        assert isinstance(member["values"]["connections"], int)
        assert member["values"]["mean"] == pytest.approx(np.mean(member["means"]))
        assert len(member["weights"]) == len(member["means"]) == 16
    text = (ended / "front.json").read_text()
    assert front_to_json(front_from_json(text)) == text
    assert text.count("\n") < 30, "a member a line"


def test_a_checkpoint_brings_back_the_front_of_its_generation(run_path, tmp_path):
    """Killed between two writes, the file may be of another generation; resuming makes it right."""
    wanted = (run_path / "front.json").read_bytes()
    other = searched(tmp_path / "other", generations=5)
    for text in (b"{", (other / "front.json").read_bytes()):
        (run_path / "front.json").write_bytes(text)
        resume(run_path, threads=1)
        assert (run_path / "front.json").read_bytes() == wanted
    (run_path / "front.json").unlink()
    resume(run_path, threads=1)
    assert (run_path / "front.json").read_bytes() == wanted


def test_a_front_of_a_later_generation_than_the_checkpoint_is_dropped(run_path, tmp_path):
    other = searched(tmp_path / "other", generations=5)
    shutil.copy(other / "checkpoint.npz", run_path / "checkpoint.npz")
    resume(run_path, generations=5, threads=1)
    assert (run_path / "front.json").read_bytes() == (other / "front.json").read_bytes()


def test_no_front_is_kept_where_nothing_was_finite():
    evolution = Evolution(Settings(population=4), 5, 1)
    assert wann.run.front.front_of(evolution.settings, get_task("swingup"), evolution.state) is None
    evolution.ask()
    evolution.tell(np.full((4, 6, 1), np.nan))
    assert wann.run.front.front_of(evolution.settings, get_task("swingup"), evolution.state) is None


def test_while_a_run_goes_on_its_front_costs_a_hundredth(tmp_path, monkeypatch):
    written, clock = [], [0.0]
    save = RunFolder.save_front

    def slow(folder, text):
        written.append(json.loads(text)["generation"])
        save(folder, text)
        clock[0] += 1.0

    def tick(progress):
        clock[0] += 30.0

    monkeypatch.setattr(RunFolder, "save_front", slow)
    monkeypatch.setattr("wann.run.loop.time.monotonic", lambda: clock[0])
    searched(tmp_path / "run", generations=12, checkpoint_seconds=0.0, observer=lambda p: p.share or tick(p))
    assert written[0] == 1
    assert written[-1] == 12
    assert 3 <= len(written) <= 6, written


# picked from


def member(mean, best, connections):
    values = dict.fromkeys(OBJECTIVES, 0.0) | {"mean": mean, "best": best, "connections": connections}
    return FrontMember(values, np.ones(1), np.ones(1), evolved(0, 3))


def test_members_are_picked_by_number_size_mean_and_as_the_best_compromise():
    members = (member(10.0, 5.0, 40), member(9.0, 5.0, 12), member(9.0, 6.0, 11), member(0.0, 4.0, 10))
    front = Front("swingup", 3, ("mean", "best", "connections"), (), (), members)
    assert [front.position(number) for number in (1, 2, 3, 4)] == [0, 1, 2, 3]
    assert front.position("best") == 0
    assert front.position("smallest") == 3
    # Distances to (10, 6, 10), each by the objective's range on the front: 1.12, 0.51, 0.11, 1.41.
    assert front.position("knee") == 2
    one_sided = dataclasses.replace(front, objectives=("connections",))
    assert one_sided.position("knee") == 3
    small = dataclasses.replace(front, members=(member(1.0, 5.0, 7), member(2.0, 5.0, 7)))
    assert small.position("smallest") == 1, "of equals in size the better"
    equals = dataclasses.replace(front, members=(members[1], dataclasses.replace(members[1])))
    assert [equals.position(word) for word in ("best", "smallest", "knee")] == [0, 0, 0]
    for wrong in (0, 5, -1, "elbow"):
        with pytest.raises(ValueError, match=f"members 1 to 4, smallest, best and knee, but .* {wrong!r}"):
            front.position(wrong)


def test_the_best_compromise_is_the_same_however_small_the_differences_are():
    members = (member(0.1, 0.3, 5), member(0.25, 0.25, 5), member(0.3, 0.1, 5))
    front = Front("swingup", 3, ("mean", "best", "connections"), (), (), members)
    assert front.position("knee") == 1
    assert dataclasses.replace(front, members=members[::2]).position("knee") == 0, "the first of equals"
    tiny = tuple(member(1e-9 * m.values["mean"], 1e-9 * m.values["best"], 5) for m in members)
    assert dataclasses.replace(front, members=tiny).position("knee") == 1


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_picked_network_is_confirmed_as_the_run_s_champions_are(tmp_path, noise):
    """The champion that a run has just found is on the front, with the very scores."""
    path = tmp_path / "run"
    found = None
    for generations in range(1, 40):
        if generations == 1:
            searched(path, generations=1, weight_noise=noise)
        else:
            resume(path, generations=generations, threads=1)
        champion = load_champion(path)
        if champion.origin["generation"] == generations > 1:
            found = pick(path, "best", placement=Placement(2))
            break
    assert found is not None
    save_champion(found, tmp_path / "picked.json")
    assert (tmp_path / "picked.json").read_bytes() == (path / "champion.json").read_bytes()


def test_a_front_that_is_damaged_is_refused_by_its_name(run_path):
    (run_path / "front.json").write_text("{}")
    with pytest.raises(ValueError, match=r"front\.json: "):
        load_front(run_path)


def test_a_pick_tells_how_far_its_confirmation_is(ended, monkeypatch):
    told, asked, evaluate = [], [], LocalEvaluator.evaluate

    def noted(self, *arguments, confirming=False, **options):
        asked.append(confirming)
        return evaluate(self, *arguments, confirming=confirming, **options)

    monkeypatch.setattr(LocalEvaluator, "evaluate", noted)
    champion = pick(
        ended, "best", placement=Placement(1), progress=lambda done, total: told.append((done, total))
    )
    rollouts = champion.scores.weights.size * len(champion.scores.episode_seeds)
    assert {total for _, total in told} == {rollouts}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (rollouts, rollouts)
    assert asked == [True], "on the environment itself, were the search stepped in a stand-in"


# searches go on from a champion


def test_the_first_generation_is_the_champion_once_and_its_mutants(ended):
    champion = load_champion(ended)
    settings = Settings(population=30, seed=3)
    evolution = Evolution(settings, 5, 1, initial=champion.genome)
    first, *others = evolution.ask()
    assert first == renumbered(champion.genome)
    assert phenotype(first) == phenotype(champion.genome)
    assert all(genome != first for genome in others)
    assert len({json.dumps(genome_to_dict(genome)) for genome in others}) > 10
    ends = {}
    for genome in others:
        assert abs(genome.mark.size - first.mark.size) <= 2
        for mark, *pair in zip(genome.mark, genome.source, genome.target, strict=True):
            assert ends.setdefault(int(mark), pair) == pair, "equal structure has equal numbers"
    again = Evolution(settings, 5, 1, initial=champion.genome)
    assert [genome_to_dict(g) for g in again.ask()] == [genome_to_dict(g) for g in (first, *others)]


def test_a_search_from_a_champion_stands_alone(ended, tmp_path):
    champion = tmp_path / "mine.json"
    shutil.copy(ended / "champion.json", champion)
    whole = searched(tmp_path / "whole", init_from=champion, seed=4)
    part = searched(tmp_path / "part", init_from=champion, seed=4, generations=3)
    champion.unlink()
    resume(part, generations=8, threads=1)
    assert (part / "front.json").read_bytes() == (whole / "front.json").read_bytes()
    assert (part / "champion.json").read_bytes() == (whole / "champion.json").read_bytes()
    assert load_champion(part / "initial.json").genome == load_champion(ended).genome
    for name in ("champion.json", "front.json"):
        assert (whole / name).read_bytes() != (ended / name).read_bytes()
    # Started again from its own copy, or from the champion with tuned weights, it is the same search.
    tuned = load_champion(part / "initial.json")
    tuned = dataclasses.replace(tuned, tuned=np.ones(tuned.genome.connection_count), tuning={"by": "hand"})
    save_champion(tuned, tmp_path / "tuned.json")
    before = files(part)
    for start in (part / "initial.json", tmp_path / "tuned.json"):
        searched(part, init_from=start, seed=4, go_on=True)
    assert {**files(part), "metrics.csv": b""} == {**before, "metrics.csv": b""}


def test_a_changed_or_missing_start_is_found_out(ended, tmp_path):
    path = searched(tmp_path / "run", init_from=ended, generations=2)
    before = files(path)
    text = (path / "initial.json").read_text()
    for change in (text.replace("true", "false", 1), text + " ", text[:-9]):
        (path / "initial.json").write_text(change)
        with pytest.raises(ValueError, match=r"initial\.json is not what it was when the run began"):
            resume(path, generations=3)
    (path / "initial.json").unlink()
    with pytest.raises(ValueError, match=r"cannot read .*initial\.json: No such file"):
        resume(path, generations=3)
    (path / "initial.json").write_text(text)
    assert files(path) == before
    assert resume(path, generations=3, threads=1).generations == 3


def test_a_topology_moves_to_a_task_of_the_same_shape(ended, tmp_path):
    small = evolved(3, 12, inputs=2, outputs=1)
    champion = load_champion(ended)
    source = get_task("MountainCarContinuous-v0")
    moved = dataclasses.replace(
        champion, task=source.name, inputs=source.inputs, outputs=source.outputs, genome=small
    )
    save_champion(moved, tmp_path / "car.json")
    # Both observe two numbers; the one has one action, the other a choice of three.
    path = search(
        "MountainCarContinuous-v0",
        out=tmp_path / "same",
        init_from=tmp_path / "car.json",
        generations=1,
        **TINY,
    ).path
    assert RunFolder.open(path).load_initial().genome == small
    with pytest.raises(ValueError, match=r"it has 2 inputs and 1 outputs, not 2 and 3$") as caught:
        search("MountainCar-v0", out=tmp_path / "other", init_from=tmp_path / "car.json", **TINY)
    assert str(caught.value).startswith(
        "a search for 'MountainCar-v0' cannot start from this champion of 'MountainCarContinuous-v0': "
    )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "other").exists()


def test_settings_of_a_run_that_started_from_a_champion_need_it(ended, tmp_path, refused, wann_command):
    path = searched(tmp_path / "run", init_from=ended, generations=1)
    message = refused("search", "swingup", "--config", path / "config.toml", "--out", tmp_path / "again")
    assert "started from a champion: give the initial.json of that run as --init-from" in message
    arguments = ["--config", path / "config.toml", "--out", tmp_path / "again", "--quiet"]
    assert "initial.json" in refused("search", "swingup", *arguments, "--init-from", path / "champions/..")
    code, _, _ = wann_command("search", "swingup", *arguments, "--init-from", path / "initial.json")
    assert code == 0
    assert (tmp_path / "again/front.json").read_bytes() == (path / "front.json").read_bytes()
    assert "wann search --init-from CHAMPION" in refused(
        "search", "swingup", "--set", "initial_genome=none", "--out", tmp_path / "third"
    )
    with pytest.raises(ValueError, match="name an initial genome: give the champion"):
        Evolution(RunFolder.open(path).settings, 5, 1)
