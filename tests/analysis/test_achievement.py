"""What a champion does, in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import evolved

from wann.analysis.achievement import Achievement, achievement
from wann.analysis.scorecard import evaluate
from wann.champion import Champion, Scores, load_champion
from wann.rollouts.result import Rollouts
from wann.tasks.registry import facts, get_task, is_data_set, task_names
from wann.tasks.task import Goal
from wann.utils.seeding import Purpose, episode_seeds

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SCORES = Scores(np.array([1.5]), np.zeros(1), np.zeros(1), (0,))


def champion_of(task, seed=3):
    task = get_task(task)
    genome = evolved(seed, 20, len(task.inputs), len(task.outputs))
    return Champion(task.name, task.inputs, task.outputs, genome, SCORES)


@pytest.mark.parametrize(
    ("file", "cosine", "seconds"),
    [("swingup/champion.json", 2, 0.01), ("gymnasium/champion-Pendulum-v1.json", 0, 0.05)],
)
def test_time_upright_is_that_of_episodes_stepped_in_gymnasium(file, cosine, seconds):
    champion = load_champion(EXPERIMENTS / file)
    env, limit = champion.get_task().make_env(), np.cos(np.radians(20.0))
    seen = []
    for weight in (champion.best_weight, 0.05):
        times = []
        for seed in episode_seeds(4, Purpose.EVALUATION, 4, 0):
            observation, _ = env.reset(seed=seed)
            upright, over = 0, False
            while not over:
                observation, _, terminated, truncated, _ = env.step(champion.act(observation, weight))
                upright += observation[cosine] > limit
                over = terminated or truncated
            times.append(seconds * upright)
        found = achievement(champion, weight, seed=4, starts=4)
        assert found.median == pytest.approx(np.median(times), abs=1e-9)
        assert found.reached == sum(time >= 5.0 for time in times)
        assert (found.starts, found.weight) == (4, weight)
        assert f"for {found.median:.1f} of 10 s" in found.words
        assert f"from {found.reached} of 4 starts" in found.words
        seen.append(found.median)
    assert seen[0] > 2.0 > seen[1], "one of them balances, the other does not"
    env.close()


def test_the_weight_is_the_best_confirmed_one_where_none_is_given():
    champion = champion_of("swingup")
    assert achievement(champion) == achievement(champion, 1.5)
    assert achievement(champion).starts == 100


def test_the_amount_of_an_episode_is_its_return_or_its_steps_in_units():
    rollouts = Rollouts(np.array([[[10.0, 20.0, 90.0]]]), np.array([[[5, 7, 8]]]))
    by_return = Goal(words="{reached}/{starts}/{median}", unit=10.0, least=2.0)
    assert Achievement.of(by_return, rollouts, 1.0).words == "2/3/2.0"
    by_steps = Goal(words="{reached}/{starts}/{median}", measure="steps", most=7)
    assert Achievement.of(by_steps, rollouts, 1.0).words == "2/3/7.0"


def test_a_car_that_never_reaches_the_flag_is_said_to():
    champion = champion_of("MountainCar-v0")
    idle = replace(champion, genome=champion.genome.evolve(enabled=np.zeros_like(champion.genome.enabled)))
    found = achievement(idle)
    assert (found.reached, found.median) == (0, 200)
    assert found.words == (
        "the car reaches the flag from 0 of 100 starts; episodes last 200 steps in the median"
    )


def test_what_python_steps_is_told_by_evaluate_alone_from_the_episodes_it_has():
    champion = replace(champion_of("CartPole-v1"), env_kwargs={"sutton_barto_reward": False})
    assert champion.get_task().stepping == "gymnasium"
    assert achievement(champion) is None
    card = evaluate(champion, episodes=3, threads=1)
    assert card.achievement.starts == 3
    assert card.achievement.median == pytest.approx(card.best_shared.mean, abs=500), "a step is a reward of 1"
    assert get_task("swingup", stepping="gymnasium").goal is None, (
        "what is counted needs the compiled physics"
    )


@pytest.mark.parametrize("name", [name for name in task_names() if not is_data_set(name)])
def test_every_goal_makes_a_sentence(name):
    goal = facts(name).goal
    if goal:
        assert goal.words.format(reached=1, starts=2, median=3.5)
        assert goal.words[0].islower()
