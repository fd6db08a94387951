"""What a champion does, in words."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import evolved

from wann.achievement import Achievement, achievement
from wann.champion import Champion, Scores
from wann.rollout import Rollouts
from wann.scorecard import evaluate
from wann.seeding import Purpose, episode_seeds
from wann.tasks import Goal, get_task, is_data_set, task_names

SCORES = Scores(np.array([1.5]), np.zeros(1), np.zeros(1), (0,))


def champion_of(task, seed=3):
    task = get_task(task)
    genome = evolved(seed, 20, len(task.inputs), len(task.outputs))
    return Champion(task.name, task.inputs, task.outputs, genome, SCORES)


@pytest.mark.parametrize(
    ("task", "cosine", "seconds"), [("swingup", lambda o: o[2], 0.01), ("Pendulum-v1", lambda o: o[0], 0.05)]
)
def test_time_upright_is_that_of_episodes_stepped_in_gymnasium(task, cosine, seconds):
    champion = champion_of(task)
    env = champion.get_task().make_env()
    limit = np.cos(np.radians(20.0))
    for weight in (0.7, 1.5):
        times = []
        for seed in episode_seeds(4, Purpose.EVALUATION, 6, 0):
            observation, _ = env.reset(seed=seed)
            upright, over = 0, False
            while not over:
                observation, _, terminated, truncated, _ = env.step(champion.act(observation, weight))
                upright += cosine(observation) > limit
                over = terminated or truncated
            times.append(seconds * upright)
        found = achievement(champion, weight, seed=4, starts=6)
        assert found.median == pytest.approx(np.median(times), abs=1e-9)
        assert found.reached == sum(time >= 5.0 for time in times)
        assert (found.starts, found.weight) == (6, weight)
        assert f"for {found.median:.1f} of 10 s" in found.words
        assert f"from {found.reached} of 6 starts" in found.words
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
    assert found.reached == 0
    assert found.median == 200


def test_evaluate_tells_it_for_tasks_that_python_steps_from_the_episodes_it_has():
    task = replace(get_task("CartPole-v1", stepping="gymnasium"))
    assert task.goal == get_task("CartPole-v1").goal
    assert get_task("swingup", stepping="gymnasium").goal is None, (
        "what is counted needs the compiled physics"
    )
    champion = champion_of("CartPole-v1")
    card = evaluate(champion, episodes=5, threads=1)
    assert card.achievement == achievement(champion, card.best_shared.weight, starts=5)


@pytest.mark.parametrize("name", [name for name in task_names() if not is_data_set(name)])
def test_every_goal_makes_a_sentence(name):
    from wann.tasks import facts

    goal = facts(name).goal
    if goal:
        assert goal.words.format(reached=1, starts=2, median=3.5)
        assert goal.words[0].islower()
