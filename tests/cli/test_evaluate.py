"""`wann evaluate`: its table and its JSON hold the same numbers, which are those of the environment."""

import json
import math
import re

import pytest
import toys  # noqa: F401 - registers them
from commands import TOY_SET, in_a_process_of_its_own

from wann.champion import load_champion
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds


def numbers(line):
    return [float(text) for text in re.findall(r"-?\d+\.\d+", line.split("│")[2])]


def test_evaluate_prints_a_table_with_the_numbers_of_its_json(wann_command, ended):
    arguments = ["evaluate", ended, "--episodes", "3", "--weights", "-2,0.25,1"]
    code, table, err = wann_command(*arguments)
    assert (code, err) == (0, "")
    assert table.startswith("swingup: ")
    assert "3 fresh episodes, seed 0" in table
    code, out, err = wann_command(*arguments, "--json", "--threads", "2")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    card = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert set(card) == {
        *("task", "episodes", "seed", "per_weight"),
        *("uniform_shared", "individual_random", "best_shared", "tuned", "achievement"),
    }
    done = card["achievement"]
    assert done["weight"] == card["best_shared"]["weight"]
    assert (done["starts"], 0 <= done["reached"] <= 3, 0 <= done["median"] <= 10) == (3, True, True)
    assert table.splitlines()[-1] == f"At weight {done['weight']:g} {done['words']}."
    assert (card["task"], card["episodes"], card["seed"]) == ("swingup", 3, 0)
    assert [row["weight"] for row in card["per_weight"]] == [-2, 0.25, 1]
    assert all(set(row) == {"weight", "mean", "std"} for row in [*card["per_weight"], card["best_shared"]])
    assert set(card["uniform_shared"]) == set(card["individual_random"]) == {"mean", "std"}
    assert card["tuned"] is None
    assert -2 <= card["best_shared"]["weight"] <= 2

    lines = [line for line in table.splitlines() if "±" in line]
    scores = [*card["per_weight"], card["uniform_shared"], card["individual_random"], card["best_shared"]]
    names = ["shared -2 ", "shared 0.25 ", "shared 1 ", "over U(-2, 2)", "individual, random", "best shared"]
    assert len(lines) == len(scores)
    for line, name, score in zip(lines, names, scores, strict=True):
        assert name in line
        assert numbers(line) == pytest.approx([score["mean"], score["std"]], abs=0.0501)


def test_evaluate_defaults_to_the_paper_s_weights_and_a_hundred_episodes(wann_command, short):
    _, out, _ = wann_command("evaluate", short, "--json")
    card = json.loads(out)
    assert [row["weight"] for row in card["per_weight"]] == [-2, -1, -0.5, 0.5, 1, 2]
    assert card["episodes"] == 100


def test_evaluate_is_decided_by_its_seed(wann_command, ended):
    answers = [
        json.loads(wann_command("evaluate", ended, "--episodes", 2, "--seed", seed, "--json")[1])
        for seed in (5, 5, 6)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["per_weight"] != answers[2]["per_weight"]
    assert answers[0]["seed"] == 5


def test_evaluate_scores_what_the_environment_itself_gives(wann_command, ended):
    """Against the Gymnasium environment, stepped with `act` on the same seeds."""
    _, out, _ = wann_command("evaluate", ended, "--episodes", 2, "--weights", "1.5", "--seed", 3, "--json")
    champion, totals = load_champion(ended), []
    env = get_task("swingup").make_env()
    for seed in episode_seeds(3, Purpose.EVALUATION, 2, 0):
        observation, _ = env.reset(seed=seed)
        total, done = 0.0, False
        while not done:
            observation, reward, terminated, truncated, _ = env.step(champion.act(observation, 1.5))
            total, done = total + reward, terminated or truncated
        totals.append(total)
    env.close()
    (row,) = json.loads(out)["per_weight"]
    mean = sum(totals) / 2
    assert row["mean"] == pytest.approx(mean, abs=1e-6)
    assert row["std"] == pytest.approx(math.sqrt(sum((total - mean) ** 2 for total in totals) / 2), abs=1e-6)


def test_evaluate_takes_a_run_folder_or_a_champion_file(wann_command, ended):
    arguments = ["--episodes", "1", "--json"]
    answers = {
        wann_command("evaluate", path, *arguments)[1]
        for path in (ended, ended / "champion.json", max((ended / "champions").iterdir()))
    }
    assert len(answers) == 1


def test_a_network_without_any_connection_is_evaluated(wann_command, tmp_path, short):
    tree = json.loads(short.read_text())
    for connection in tree["genome"]["connections"]:
        connection[3] = False
    (tmp_path / "bare.json").write_text(json.dumps(tree))
    code, out, err = wann_command("evaluate", tmp_path / "bare.json", "--episodes", 2, "--json")
    assert (code, err) == (0, "")
    card = json.loads(out)
    assert len({row["mean"] for row in card["per_weight"]} | {card["individual_random"]["mean"]}) == 1


@pytest.mark.slow
def test_evaluating_a_champion_whose_environment_fails_ends_with_1(wann_command, tmp_path):
    arguments = [*TOY_SET, "--threads=1", "--quiet", "--out", tmp_path / "run"]
    assert wann_command("search", "toys/Toy-v0", *arguments)[0] == 0
    tree = json.loads((tmp_path / "run" / "champion.json").read_text())
    tree["env_kwargs"] = {"trouble": "raise", "width": 9.0}
    tree["task"] = "toys:toys/Toy-v0"
    (tmp_path / "broken.json").write_text(json.dumps(tree))
    code, out, err = in_a_process_of_its_own("evaluate", tmp_path / "broken.json", "--threads=1", "--trust")
    assert (code, out) == (1, "")
    assert err.startswith("wann: the champion could not be evaluated: ArithmeticError: the motor broke at ")
