"""Episodes of Gymnasium's environments: stepped in Python, in the pool, and compiled."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from copy import copy
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import gymnasium
import numpy as np
from measuring import WEIGHTS, grown, in_turns, live_connections, missing, offspring, report

from wann.champion import load_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.networks.network import (
    Network,
    batch_networks,
    compile_genome,
    evaluate_network,
    evaluate_network_numpy,
)
from wann.rollouts.job import Job
from wann.rollouts.stepper import Stepper
from wann.run.folder import task_of
from wann.run.search import resolve
from wann.tasks.registry import get_task
from wann.tasks.task import Task

ROOT = Path(__file__).resolve().parents[1]
SEEDS = (0, 1)
Episodes = list[tuple[int, list[Any]]]  # seed and actions of each


def networks_for(task: Task, count: int, connections: int) -> list[Network]:
    """Networks with so many connections, each of which leads to an output."""
    inputs, outputs = len(task.inputs), len(task.outputs)
    seeds = range(count)
    return [compile_genome(grown(connections, seed, inputs, outputs, live_connections)) for seed in seeds]


class Recording(gymnasium.Wrapper):
    """Keeps the seed and the actions of every episode."""

    def __init__(self, env: gymnasium.Env, episodes: Episodes) -> None:
        super().__init__(env)
        self.episodes = episodes

    def reset(  # noqa: D102
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict]:
        self.episodes.append((seed or 0, []))
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple:  # noqa: D102
        self.episodes[-1][1].append(copy(action))
        return self.env.step(action)


def replay(env_id: str, episodes: Episodes, fresh: bool) -> list[float]:
    """Returns of the recorded episodes in the bare environment, as `gymnasium.make` gives it to anyone."""
    env, returns = gymnasium.make(env_id), []
    for number, (seed, actions) in enumerate(episodes):
        if fresh and number:
            env.close()
            env = gymnasium.make(env_id)
        env.reset(seed=seed)
        total = 0.0
        for action in actions:
            total += float(env.step(action)[1])
        returns.append(total)
    env.close()
    return returns


def stepped(env_id: str, bar: str, repeats: int, clock: Callable[[], float]) -> None:
    """Evaluations against the bare environment that replays the very same actions."""
    if reason := missing("Box2D"):
        report(f"{env_id}, an evaluation / the bare environment", bar, reason)
        return
    settings = resolve(env_id, settings={"stepping": "gymnasium"})
    for fresh in (settings.fresh_env, not settings.fresh_env):
        task = get_task(env_id, stepping="gymnasium", fresh_env=fresh)
        batch = batch_networks(networks_for(task, 4, 210))
        episodes: Episodes = []

        def make_recording(task=task, episodes=episodes) -> Recording:
            return Recording(task.make_env(disable_env_checker=True), episodes)

        job = Job(batch, WEIGHTS, SEEDS, settings.max_steps, 0, batch.size)
        with Stepper(make_recording, task.observation_codec, task.action_codec, fresh=fresh) as stepper:
            recorded = stepper.roll_out(job)

        def evaluate(task=task, job=job) -> np.ndarray:
            returns = task.roll_out(job).returns
            task.close()
            return returns

        def bare(episodes=episodes, fresh=fresh) -> list[float]:
            return replay(env_id, episodes, fresh)

        same = np.array_equal(evaluate(), recorded.returns)
        same &= np.array_equal(bare(), recorded.returns.ravel())
        ours, theirs = in_turns(repeats, evaluate, bare, clock=clock)
        ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
        steps = recorded.steps.sum()
        instance = "a fresh instance an episode" if fresh else "one instance"
        report(
            f"{env_id}, {instance}: an evaluation / the bare environment",
            bar if fresh == settings.fresh_env else "(not as searched)",
            f"{ratio:.2f}: {steps / median(ours):,.0f} / {steps / median(theirs):,.0f} steps/s, "
            f"{'equal' if same else 'UNEQUAL'} returns",
        )


def pooled(env_id: str, bar: str, repeats: int, clock: Callable[[], float]) -> None:
    """The same evaluation in the pool and through Gymnasium, each as a search does it."""
    what = f"{env_id}, 16 networks x 6 x 2: the pool / Gymnasium, 1 thread"
    if reason := missing("Box2D", "envpool"):
        report(what, bar, reason)
        return
    settings = [resolve(env_id, settings={"stepping": stepping}) for stepping in ("pool", "gymnasium")]
    networks = networks_for(task_of(settings[0]), 16, 210)
    with (
        LocalEvaluator(task_of(settings[0]), settings[0].max_steps, 1) as pool,
        LocalEvaluator(task_of(settings[1]), settings[1].max_steps, 1) as stepping,
    ):
        steps = [rated.evaluate(networks, WEIGHTS, SEEDS).steps.sum() for rated in (pool, stepping)]
        times = in_turns(
            repeats,
            lambda: pool.evaluate(networks, WEIGHTS, SEEDS),
            lambda: stepping.evaluate(networks, WEIGHTS, SEEDS),
            clock=clock,
        )
    # Its episodes are others than Gymnasium's, so the numbers of steps differ a little.
    ratio = median(steps[0] / a * b / steps[1] for a, b in zip(*times, strict=True))
    rates = [count / median(seconds) for count, seconds in zip(steps, times, strict=True)]
    report(what, bar, f"{ratio:.2f}: {rates[0]:,.0f} / {rates[1]:,.0f} steps/s")


def worlds(env_id: str, bars: tuple[str, str], repeats: int, clock: Callable[[], float]) -> None:
    """A search's evaluation of a champion's offspring: compiled, through Gymnasium, and in the pool."""
    ratio_of = "{}, 24 networks x 6 x 4: compiled / {}, 1 thread"
    if reason := missing("Box2D"):
        report(ratio_of.format(env_id, "Gymnasium"), bars[0], reason)
        return
    champion = load_champion(ROOT / "experiments" / "gymnasium" / f"champion-{env_id}.json")
    networks, seeds = offspring(champion.genome, 24, 4), (0, 1, 2, 3)
    steppings = ["compiled", "gymnasium"] + ([] if missing("envpool") else ["pool"])
    tasks = [get_task(env_id, stepping=stepping) for stepping in steppings]
    with ExitStack() as stack:
        evaluators = [stack.enter_context(LocalEvaluator(task, task.episode_steps, 1)) for task in tasks]
        # Gymnasium steps a twelfth of the networks, the pool a sixth: all of them would take minutes.
        parts = [networks, networks[::12], networks[::6]][: len(tasks)]
        rollouts = [each.evaluate(part, WEIGHTS, seeds) for each, part in zip(evaluators, parts, strict=True)]
        times = in_turns(
            repeats,
            *(
                partial(each.evaluate, part, WEIGHTS, seeds)
                for each, part in zip(evaluators, parts, strict=True)
            ),
            clock=clock,
        )
    same = np.array_equal(rollouts[0].returns[::12], rollouts[1].returns)
    steps = [each.steps.sum() for each in rollouts]
    rates = [count / median(seconds) for count, seconds in zip(steps, times, strict=True)]
    for other, bar in zip(range(1, len(tasks)), bars, strict=False):
        pairs = zip(times[0], times[other], strict=True)
        ratio = median(steps[0] / a * b / steps[other] for a, b in pairs)
        equal = "" if other > 1 else f", {'equal' if same else 'UNEQUAL'} returns"
        name = ("Gymnasium", "the pool")[other - 1]
        report(
            ratio_of.format(env_id, name),
            bar,
            f"{ratio:.1f}: {rates[0]:,.0f} / {rates[other]:,.0f} steps/s{equal}",
        )


def python_loop(
    env: gymnasium.Env, networks: Sequence[Network], forward: Callable[..., np.ndarray]
) -> np.ndarray:
    """Returns (P, 6, 2) of CartPole-v1 as anyone would compute them, one step after the other."""
    returns = np.zeros((len(networks), WEIGHTS.size, len(SEEDS)))
    for p, network in enumerate(networks):
        for w, weight in enumerate(WEIGHTS[:, np.newaxis]):
            for e, seed in enumerate(SEEDS):
                observation, _ = env.reset(seed=seed)
                done = False
                while not done:
                    inputs = np.asarray(observation, np.float64)[np.newaxis]
                    values = forward(network, inputs, weight)
                    action = int(np.argmax(values[0, network.outputs]))
                    observation, reward, terminated, truncated, _ = env.step(action)
                    returns[p, w, e] += float(reward)
                    done = terminated or truncated
    return returns


def compiled(bar: str, repeats: int, clock: Callable[[], float]) -> None:
    """Compiled CartPole-v1 against a Python loop over Gymnasium's with a compiled or a plain forward pass."""
    task = get_task("CartPole-v1")
    networks = networks_for(task, 192, 20)
    few = networks[:8]
    env = gymnasium.make("CartPole-v1", disable_env_checker=True)
    with LocalEvaluator(task, 500, 1) as evaluator:
        rollouts = evaluator.evaluate(networks, WEIGHTS, SEEDS)
        ours, fast, plain = in_turns(
            repeats,
            lambda: evaluator.evaluate(networks, WEIGHTS, SEEDS),
            lambda: python_loop(env, few, evaluate_network),
            lambda: python_loop(env, few, evaluate_network_numpy),
            clock=clock,
        )
    same = np.mean(python_loop(env, few, evaluate_network) == rollouts.returns[:8])
    rate = rollouts.steps.sum() / median(ours)
    for forward, seconds in (("a compiled forward pass", fast), ("the forward pass in NumPy", plain)):
        steps = rollouts.steps[:8].sum()
        ratio = median(rollouts.steps.sum() / a * b / steps for a, b in zip(ours, seconds, strict=True))
        report(
            f"CartPole-v1, 1 thread: compiled / a Python loop with {forward}",
            bar,
            f"{ratio:.0f}: {rate:,.0f} / {steps / median(seconds):,.0f} steps/s, {same:.0%} equal returns",
        )
