"""The list of the checks.

No check starts Ray, and none leaves a file or a process behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

from wann.doctor import engine, folders, packages, screen
from wann.doctor.finding import Check, Finding, run_check
from wann.doctor.task import examine_task

_STEP = "env.reset(seed=0); env.step(env.action_space.sample())"
_BOX2D = f'import gymnasium; env = gymnasium.make("LunarLander-v3"); {_STEP}'
_MUJOCO = f'import gymnasium; env = gymnasium.make("InvertedPendulum-v5"); {_STEP}'
_ENVPOOL = 'envpool.make_gymnasium("CartPole-v1", num_envs=2).reset()'
_DIGITS = "import scipy.ndimage; from sklearn.datasets import load_digits; load_digits()"


def examine(env_id: str | None = None, env_kwargs: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """Check this machine and, if one is named, a task; yields each finding as soon as it is made.

    No check raises: an error in a check is its finding.

    Args:
        env_id: name of a task or a registered id, as `wann search` takes it.
        env_kwargs: further arguments of the environment; of a table, the `label` column.
    """
    checks: list[tuple[str, Check]] = [
        ("Python", packages.python),
        ("packages", packages.packages),
        ("pygame", packages.pygame),
        ("Ray", packages.ray),
        ("compiled code", engine.compiled_code),
        ("numbers", engine.numbers),
        ("threads", engine.threads),
        ("run folders", folders.run_folders),
        ("Ray's files", folders.ray_files),
        ("terminal", screen.terminal),
        ("pictures", screen.pictures),
        ("video", screen.video),
        ("window", screen.window),
        ("Box2D", partial(packages.extra, "box2d", "Box2D", _BOX2D, "LunarLander-v3 makes a step")),
        ("MuJoCo", partial(packages.extra, "mujoco", "mujoco", _MUJOCO, "InvertedPendulum-v5 makes a step")),
        *([("MuJoCo pictures", screen.mujoco_pictures)] if find_spec("mujoco") else []),
        ("envpool", partial(packages.extra, "envpool", "envpool", _ENVPOOL, "its environments start")),
        ("scikit-learn", partial(packages.extra, "data", "sklearn", _DIGITS, "its digits can be read")),
    ]
    yield from (run_check(*check) for check in checks)
    if env_id is not None:
        yield from examine_task(env_id, env_kwargs or {})
