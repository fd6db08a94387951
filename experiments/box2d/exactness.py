"""Compare fresh episodes of the compiled walker and lander with Gymnasium's, bit for bit.

Usage: python experiments/box2d/exactness.py EPISODES

Plays so many episodes of each task, a quarter in each of the lander's four kinds, and prints a row of a table
for each kind: how many are equal in every body's state, observation, reward and end; how many steps
they have; and how they ended.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.box2d.bipedal_walker import BipedalWalkerHeuristics
from gymnasium.envs.box2d.lunar_lander import heuristic

from wann.rollouts.same_bits import SingleWorld
from wann.tasks.box2d_task import Box2DTask
from wann.tasks.registry import get_task
from wann.utils.arrays import FloatArray

Policy = Callable[[FloatArray], FloatArray]

KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("LunarLander-v3", {}),
    ("LunarLander-v3", {"enable_wind": True}),
    ("LunarLanderContinuous-v3", {}),
    ("LunarLanderContinuous-v3", {"enable_wind": True, "wind_power": 8.0, "turbulence_power": 1.9}),
)
STATE = ("origin_x", "origin_y", "angle", "vx", "vy", "spin")


def policies(env: Any, seed: int, inputs: int, outputs: int) -> Iterator[tuple[str, Policy]]:
    """Ways to act, of which an episode takes the one at its number: noise, one that works, and so on."""
    rng = np.random.default_rng(seed)
    gains = rng.normal(size=(outputs, inputs))

    def works(seen: FloatArray) -> FloatArray:
        if isinstance(env.action_space, gymnasium.spaces.Discrete):
            return np.eye(outputs)[heuristic(env, seen)]
        return np.array(walk.step_heuristic(seen) if walk else heuristic(env, seen), np.float64)

    walk = BipedalWalkerHeuristics() if outputs == 4 and inputs == 24 else None
    pose = rng.choice([-1.0, 0.0, 0.05, 1.0], outputs)
    yield "noise", lambda _: rng.normal(size=outputs)
    yield "works", works
    yield "bang-bang", lambda seen: np.sign(np.sin(37.0 * gains @ seen))
    yield "network", lambda seen: np.tanh(gains @ seen)
    yield "stands", lambda _: pose


def play(task: Box2DTask, seed: int, number: int) -> tuple[bool, int, str]:
    """Whether an episode is equal in both, its steps, and its way to act with its end."""
    env: Any = task.make_env(
        disable_env_checker=True
    ).unwrapped  # a used one has its contacts in another order
    seen, _ = env.reset(seed=seed)
    ways = dict(policies(env, seed, len(task.inputs), len(task.outputs)))
    way = [*ways][number % len(ways)]
    world = SingleWorld(task.mechanics, seed, task.episode_steps, len(task.inputs), len(task.outputs))
    equal, reward, terminated, steps = True, 0.0, False, 0
    while True:
        record = world.record
        bodies = [env.hull if "hull" in vars(env) else env.lander, *env.legs]
        wanted = [(*each.position, each.angle, *each.linearVelocity, each.angularVelocity) for each in bodies]
        came = [[float(each[name]) for name in STATE] for each in record["body"][: len(bodies)]]
        equal &= np.array_equal(came, wanted) and np.array_equal(world.observation, seen)
        equal &= bool(record["terminated"]) == terminated and (not steps or record["reward"] == float(reward))
        if terminated or not equal or steps == task.episode_steps:
            break
        outputs = ways[way](np.asarray(seen, np.float64))
        world.step(outputs)
        seen, reward, terminated, _, _ = env.step(task.action(outputs))
        steps += 1
    env.close()
    end = "no end" if not terminated else "crash" if reward == -100 else "goal"
    return equal, steps, f"{way}: {end}"


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1])
    warnings.simplefilter("ignore")
    kinds = [(name, kwargs, -(-count // len(KINDS))) for name, kwargs in KINDS]
    for name, kwargs, episodes in (("BipedalWalker-v3", {}, count), *kinds):
        task = get_task(name, kwargs)
        if not isinstance(task, Box2DTask):
            raise TypeError(f"{name} is not compiled")
        played = [play(task, 1000 + number, number) for number in range(episodes)]
        equal, steps, ends = zip(*played, strict=True)
        found = ", ".join(f"{end} {times}" for end, times in sorted(Counter(ends).items()))
        which = f"{name}{' with wind' if kwargs else ''}"
        print(f"| {which} | {sum(equal)} of {episodes} | {sum(steps):,} | {found} |", flush=True)


if __name__ == "__main__":
    main()
