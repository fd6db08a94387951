"""What stops people: checks of this machine and of an environment, each finding with its fix.

What is missing though it is needed, or is installed and does not work, is a problem; an extra that is not
installed is a note. No check starts Ray, and none leaves a file or a process behind.
"""

from __future__ import annotations

import math
import os
import platform
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from wann.settings import build_settings

Level = Literal["ok", "note", "problem"]

PROBE_SECONDS = 30.0  # the longest that a check in a process of its own may take
EPISODE_SECONDS = 3.0  # about how long episodes are compared
SPEED_SECONDS = 1.0  # how long steps are counted

PROC_CGROUP, CGROUPS = "/proc/self/cgroup", "/sys/fs/cgroup"
SHARED_MEMORY = "/dev/shm"  # noqa: S108


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to."""

    check: str  # what was checked
    level: Level  # a note stops nothing that is needed
    found: str  # one line
    fix: str | None = None  # what to do, one line; None where there is nothing to do


class _Verdict(NamedTuple):
    """A finding without the name of its check."""

    level: Level
    found: str
    fix: str | None = None


_Check = Callable[[], _Verdict]


def examine(env_id: str | None = None, env_kwargs: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """Check this machine and, where one is named, a task; gives each finding as it is made.

    No check raises: what goes wrong in one is its finding.

    Args:
        env_id: a task's name or a registered id, as `wann search` takes it.
        env_kwargs: further arguments of the environment; of a table, the `label` column.
    """
    step = "env.reset(seed=0); env.step(env.action_space.sample())"
    box2d = f'import gymnasium; env = gymnasium.make("LunarLander-v3"); {step}'
    mujoco = f'import gymnasium; env = gymnasium.make("InvertedPendulum-v5"); {step}'
    envpool = 'envpool.make_gymnasium("CartPole-v1", num_envs=2).reset()'
    digits = "import scipy.ndimage; from sklearn.datasets import load_digits; load_digits()"
    checks: list[tuple[str, _Check]] = [
        ("Python", _python),
        ("packages", _packages),
        ("pygame", _pygame),
        ("compiled code", _compiled_code),
        ("numbers", _numbers),
        ("threads", _threads),
        ("run folders", _run_folders),
        ("terminal", _terminal),
        ("pictures", _pictures),
        ("video", _video),
        ("window", _window),
        ("Box2D", partial(_extra, "box2d", "Box2D", box2d, "LunarLander-v3 makes a step")),
        ("MuJoCo", partial(_extra, "mujoco", "mujoco", mujoco, "InvertedPendulum-v5 makes a step")),
        *([("MuJoCo pictures", _mujoco_pictures)] if find_spec("mujoco") else []),
        ("envpool", partial(_extra, "envpool", "envpool", envpool, "its environments start")),
        ("scikit-learn", partial(_extra, "data", "sklearn", digits, "its digits can be read")),
        ("Ray", partial(_extra, "ray", "ray", "", "can be imported")),
    ]
    if find_spec("ray"):
        checks += [
            ("Ray's token", _ray_token),
            ("Ray's files", _ray_files),
            ("Ray's shared memory", _ray_shared_memory),
            ("Ray cluster", _ray_cluster),
        ]
    yield from (_run(*check) for check in checks)
    if env_id is not None:
        yield from _examine_task(env_id, env_kwargs or {})


def _run(name: str, check: _Check) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Finding(name, *check())
    except metadata.PackageNotFoundError as error:
        return Finding(name, "problem", f"{error.name} is not installed", "pip install -e . in its folder")
    except Exception as error:  # noqa: BLE001  a check must not stop the others
        return Finding(name, "problem", _one_line(error), "report this line if it does not tell what to do")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


# Packages


def _python() -> _Verdict:
    version, wanted = platform.python_version(), metadata.metadata("wann")["Requires-Python"]
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return _Verdict("ok", f"{version}, {wanted} is needed")
    return _Verdict("problem", f"{version}, but {wanted} is needed", "install another Python")


def _requirements(extra: str = "") -> list[Requirement]:
    """What this package needs on this system, with one of its extras."""
    needed = [Requirement(text) for text in metadata.requires("wann") or ()]
    return [each for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]


def _packages() -> _Verdict:
    needed = _requirements()
    wrong = {str(each).split(";")[0].strip(): why for each in needed if (why := _unmet(each))}
    if wrong:
        return _Verdict("problem", "; ".join(wrong.values()), f"pip install --upgrade {shlex.join(wrong)}")
    return _Verdict("ok", f"{len(needed)} packages, all as new as needed")


def _unmet(needed: Requirement) -> str | None:
    """What is wrong with an installed package; None where nothing is."""
    try:
        version = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return None if needed.name.startswith("pygame") else f"{needed.name} is missing"
    fits = needed.specifier.contains(version, prereleases=True)
    return None if fits else f"{needed.name} is {version}, but {needed.specifier} is needed"


def _pygame() -> _Verdict:
    """Two packages give the same module: either will do, both at once overwrite each other's files."""
    found = []
    for name in ("pygame", "pygame-ce"):
        with suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    wanted = next(each.name for each in _requirements() if each.name.startswith("pygame"))
    if len(found) == 2:
        fix = f"pip uninstall -y pygame pygame-ce && pip install {wanted}"
        return _Verdict("note", f"{' and '.join(found)} share a folder, their files are mixed", fix)
    if not found:
        return _Verdict("problem", "neither pygame nor pygame-ce is installed", f"pip install {wanted}")
    return _Verdict("ok", found[0])


def _extra(name: str, module: str, code: str, success: str) -> _Verdict:
    """Whether an optional package is there, new enough, and does its work in a process of its own."""
    if find_spec(module) is None:
        return _Verdict("note", "not installed, an extra", f'pip install "wann[{name}]"')
    for needed in _requirements(name):
        if needed.name.lower() == name and (wrong := _unmet(needed)):
            return _Verdict("problem", wrong, f'pip install --upgrade "wann[{name}]"')
    if complaint := _probe(f"import {module}; {code}"):
        return _Verdict("problem", complaint, f'pip install --force-reinstall "wann[{name}]"')
    with suppress(metadata.PackageNotFoundError):  # Box2D has another name on some systems
        success = f"{metadata.version(name)}, {success}"
    return _Verdict("ok", success)


def _probe(code: str, **variables: str) -> str | None:
    """Run Python code in a process and an empty folder of its own; its complaint, None where it succeeds.

    What crashes, hangs, writes log files or reads a variable at its import cannot harm us there.
    """
    with tempfile.TemporaryDirectory(prefix="wann-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-c", code],
                cwd=folder,
                env=os.environ | variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PROBE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {PROBE_SECONDS:g} s"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"ended with code {done.returncode}"


# The engine


def _compiled_code() -> _Verdict:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(__file__).parent / "__pycache__"
    if reason := _cannot_write(folder):
        # numba then looks for another folder, where the fingerprint of `wann.kernels` is not in the path.
        found = f"cannot be kept in {folder} ({reason}): numba picks another folder, or does not start"
        return _Verdict("note", found, "export NUMBA_CACHE_DIR=FOLDER, one that can be written to")
    return _Verdict("ok", f"kept in {folder}")


def _cannot_write(folder: Path) -> str | None:
    """Why a folder cannot be made, or no file in it; None where all is well."""
    existing = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    return next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)


GOLDEN = "f7bc03aff27c"
"""First digits of the SHA-256 of what `_test_outputs` gives, equal on every machine."""


def _numbers() -> _Verdict:
    names = [name for name in sorted(os.environ) if name.startswith("NUMBA_") and name != "NUMBA_CACHE_DIR"]
    try:
        outputs, expected = _test_outputs()
    except Exception as error:  # noqa: BLE001  numba has many ways to say that it cannot start
        fix = f"unset {' '.join(names)}" if names else "pip install --force-reinstall numba llvmlite"
        if "cannot cache" in str(error):
            fix = "export NUMBA_CACHE_DIR=FOLDER, one that can be written to"
        return _Verdict("problem", f"the engine does not start: {_one_line(error)}", fix)
    off = float(abs(outputs - expected).max())
    if not off <= 1e-12:
        return _Verdict(
            "problem",
            f"compiled kernels are off by {off:.1e} from NumPy",
            "make clean, or empty NUMBA_CACHE_DIR; then report it with your processor and numba's version",
        )
    if sha256(outputs.tobytes()).hexdigest()[: len(GOLDEN)] != GOLDEN:
        return _Verdict(
            "note",
            "compiled kernels are right, but their last bits are not those of other machines",
            "do not mix this machine with others in one run; report it with your processor",
        )
    return _Verdict("ok", f"compiled kernels give the known bits, {off:.0e} from NumPy at most")


def _test_outputs() -> tuple[Any, Any]:
    """Values of a network with every activation, from the compiled pass and from its NumPy twin."""
    import numpy as np

    from wann.kernels.activations import BY_CODE
    from wann.networks.network import Network, evaluate_network, evaluate_network_numpy

    count = len(BY_CODE)
    network = Network(
        inputs=2,
        first_source=np.arange(0, 3 * count + 1, 3, dtype=np.int32),
        # Each node reads the bias, an input and the node before it; the first one both inputs.
        sources=np.array([[0, 1 + k % 2, 2 + k] for k in range(count)], np.int32).ravel(),
        activation=np.array(sorted(BY_CODE), np.int8),
        outputs=np.array([2 + count], np.int32),
        node=np.arange(3, 3 + count, dtype=np.int32),
        mark=np.arange(3 * count, dtype=np.int32),
    )
    line = np.linspace(-3.0, 3.0, 21)
    arguments = network, np.column_stack([line, line[::-1] / 4.0]), np.linspace(-1.9, 1.9, 21)
    return evaluate_network(*arguments), evaluate_network_numpy(*arguments)


def _threads() -> _Verdict:
    from wann.evaluation.evaluator import available_threads

    threads = available_threads()
    quotas = (text.split() for text in _group_limits("cpu.max"))
    quota = min((int(most) / int(period) for most, period in quotas if most != "max"), default=math.inf)
    found = f"{threads} of {os.cpu_count()} processors"
    if quota < threads:
        fix = f"give searches --threads {max(1, math.ceil(quota))}"
        return _Verdict("note", f"{found}, but the container may keep only {quota:g} busy", fix)
    if limit := os.environ.get("OMP_NUM_THREADS"):
        found += f"; OMP_NUM_THREADS={limit} does not limit them, --threads does"
    return _Verdict("ok", found)


def _group_limits(name: str) -> list[str]:
    """What a file of the control groups (version 2) says, from this process's own group upwards."""
    try:
        lines = Path(PROC_CGROUP).read_text().splitlines()
    except OSError:
        return []
    group = next((line[3:] for line in lines if line.startswith("0::")), "/")
    own = Path(CGROUPS, group.lstrip("/"))
    files = [folder / name for folder in (own, *own.parents) if folder.is_relative_to(CGROUPS)]
    return [file.read_text().strip() for file in files if file.is_file()]


def _run_folders() -> _Verdict:
    folder = Path("runs")
    if reason := _cannot_write(folder):
        return _Verdict(
            "problem",
            f"{folder.absolute()} cannot be written to: {reason}",
            "start where you may write, or give searches --out FOLDER",
        )
    free = shutil.disk_usage(_existing(folder)).free
    found = f"{folder.absolute()}, {_bytes(free)} free"
    if free < 2**26:
        return _Verdict("problem", found, "free some space, or give searches --out FOLDER on another disk")
    return _Verdict("note", found, "free some space") if free < 2**30 else _Verdict("ok", found)


def _bytes(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"


def _terminal() -> _Verdict:
    stdout = sys.__stdout__  # a live view may have taken the place of sys.stdout
    encoding = stdout.encoding if stdout else "ascii"
    try:
        "±·−…─│╭━".encode(encoding)
    except UnicodeEncodeError:
        return _Verdict("note", f"{encoding} cannot show some symbols", "export PYTHONUTF8=1 LC_ALL=C.UTF-8")
    if not (stdout and stdout.isatty()):
        return _Verdict("ok", f"{encoding}; not a terminal here, so no live view")
    if os.environ.get("TERM", "dumb") == "dumb":
        return _Verdict("note", f"{encoding}; TERM=dumb has no live view", "export TERM=xterm-256color")
    return _Verdict("ok", encoding)


# Pictures


def _pictures() -> _Verdict:
    from wann.tasks.registry import get_task

    with closing(get_task("swingup").make_env("rgb_array")) as env:
        env.reset(seed=0)
        picture: Any = env.render()
    height, width, _ = picture.shape
    if picture.min() == picture.max():
        return _Verdict("problem", "pictures are blank", "reinstall pygame")
    return _Verdict("ok", f"swing-up is drawn without a screen, {width} x {height}")


def _video() -> _Verdict:
    import imageio_ffmpeg  # type: ignore[import-untyped]

    fix = "pip install --force-reinstall imageio-ffmpeg"
    if os.environ.get("IMAGEIO_FFMPEG_EXE"):
        fix = "unset IMAGEIO_FFMPEG_EXE, or name an ffmpeg there that has libx264"
    kinds = {".mp4": ("libx264", "yuv420p"), ".gif": ("gif", "pal8")}
    with tempfile.TemporaryDirectory(prefix="wann-") as folder:
        for suffix, (codec, pixels) in kinds.items():
            path = os.path.join(folder, f"film{suffix}")
            try:
                film = imageio_ffmpeg.write_frames(path, (64, 48), codec=codec, pix_fmt_out=pixels)
                film.send(None)
                for shade in range(3):
                    film.send(bytes([80 * shade]) * (64 * 48 * 3))
                film.close()
                frames, _ = imageio_ffmpeg.count_frames_and_secs(path)
            except (OSError, RuntimeError) as error:
                return _Verdict("problem", f"{suffix} films fail: {_one_line(error)[:200]}", fix)
            if frames != 3:
                return _Verdict("problem", f"a {suffix} film of 3 frames holds {frames}", fix)
    return _Verdict("ok", "MP4 and GIF are written and read")


def _window() -> _Verdict:
    fix = "wann replay RUN --out film.mp4 needs none"
    named = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in named):
        return _Verdict("note", "no screen, so no window", fix)
    code = 'import pygame; pygame.display.init(); assert pygame.display.get_driver() != "dummy", "no screen"'
    if complaint := _probe(code):
        return _Verdict("note", f"no window: {complaint}", fix)
    return _Verdict("ok", "a window can be shown")


def _mujoco_pictures() -> _Verdict:
    code = (
        'import gymnasium; env = gymnasium.make("InvertedPendulum-v5", render_mode="rgb_array"); '
        "env.reset(seed=0); picture = env.render(); assert picture.min() < picture.max(), 'blank pictures'"
    )
    complaint = _probe(code)
    if complaint is None:
        return _Verdict("ok", "drawn as things are")
    for backend in ("egl", "osmesa"):
        if sys.platform == "linux" and _probe(code, MUJOCO_GL=backend) is None:
            found = f"not drawn as things are, but with MUJOCO_GL={backend}"
            return _Verdict("note", found, f"export MUJOCO_GL={backend}")
    fix = "install EGL (Debian: apt-get install libegl1 libgl1-mesa-dri), then export MUJOCO_GL=egl"
    return _Verdict("note", f"not drawn: {complaint[:160]}", fix)


# Ray


def _ray_token() -> _Verdict:
    """What a fresh local `ray.init()` does: it takes a token, or writes one into the home folder.

    Source: ray 2.60, `ray/_private/authentication/authentication_token_setup.py`, and trials.
    """
    mode = os.environ.get("RAY_AUTH_MODE")
    if mode is not None and mode.lower() != "token":
        found = f"RAY_AUTH_MODE={mode}: whoever reaches Ray's ports can run code here"
        return _Verdict("note", found, "unset RAY_AUTH_MODE")
    if os.environ.get("RAY_AUTH_TOKEN"):
        return _Verdict("ok", "taken from RAY_AUTH_TOKEN")
    if path := os.environ.get("RAY_AUTH_TOKEN_PATH"):
        if _has_text(Path(path)):
            return _Verdict("ok", f"taken from {path}")
        found = f"RAY_AUTH_TOKEN_PATH={path} is empty or cannot be read: Ray will not start"
        return _Verdict("problem", found, "write a token to that file, or unset RAY_AUTH_TOKEN_PATH")
    token = Path.home() / ".ray" / "auth_token"
    if _has_text(token):
        if token.stat().st_mode & 0o044 and Path.home().stat().st_mode & 0o011:
            return _Verdict("note", f"{token} can be read by other users", f"chmod 600 {token}")
        return _Verdict("ok", f"in {token}")
    if reason := _cannot_write(token.parent):
        found = f"{token.parent} cannot be written to ({reason}): Ray will not start"
        return _Verdict("problem", found, "export HOME=FOLDER, one that can be written to, or RAY_AUTH_TOKEN")
    return _Verdict("ok", f"none yet; Ray will write one to {token}")


def _has_text(path: Path) -> bool:
    try:
        return bool(path.read_text().strip())
    except (OSError, ValueError):
        return False


def _ray_folder() -> Path:
    """Ray's folder for sessions, as Ray 2.60 finds it."""
    named = os.environ.get("RAY_TMPDIR") or (os.environ.get("TMPDIR") if sys.platform == "linux" else None)
    return Path(named or "/tmp") / "ray"  # noqa: S108  Ray's choice


SESSION = "/session_2026-01-31_12-00-00_000000_1234567/sockets/plasma_store"
"""What Ray puts behind its folder to name a socket; a process number may have seven digits."""


def _ray_files() -> _Verdict:
    folder, fix = _ray_folder(), "export RAY_TMPDIR=FOLDER, a short path that can be written to"
    if reason := _cannot_write(folder):
        return _Verdict("problem", f"{folder} cannot be written to ({reason}): Ray will not start", fix)
    longest = (104 if sys.platform == "darwin" else 108) - 1 - len(SESSION)  # bytes of a socket's name
    if len(os.fsencode(folder)) > longest:
        found = f"{folder} is too long for Ray's sockets, {longest} letters at most"
        return _Verdict("problem", found, fix)
    usage = shutil.disk_usage(_existing(folder))
    found = f"{folder}, {_bytes(usage.free)} free"
    if usage.free < 0.05 * usage.total:
        return _Verdict("note", f"{found}: Ray complains above 95 % of the disk", "free some space")
    return _Verdict("ok", found)


def _ray_shared_memory() -> _Verdict:
    if sys.platform != "linux":
        return _Verdict("ok", "not used on this system")
    if not os.path.isdir(SHARED_MEMORY):
        fix = f"mount a tmpfs at {SHARED_MEMORY}"
        return _Verdict("problem", f"{SHARED_MEMORY} is missing: Ray will not start", fix)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory = min([memory, *(int(text) for text in _group_limits("memory.max") if text.isdigit())])
    # Ray's store takes 30 % of the memory; above 10 GB it makes do with what is there.
    free, wanted = shutil.disk_usage(SHARED_MEMORY).free, min(0.3 * memory, 1e10)
    found = f"{_bytes(free)} free in {SHARED_MEMORY}"
    if free < wanted:
        found += f", Ray wants {_bytes(wanted)}: it falls back to a disk, which is slower"
        size = f"{math.ceil(wanted / 2**20)}m"
        return _Verdict("note", found, f"give the container --shm-size={size} (compose: shm_size: {size})")
    return _Verdict("ok", found)


def _ray_cluster() -> _Verdict:
    """Whether anything listens where Ray would look for a cluster; that it is Ray is not checked."""
    address, source = os.environ.get("RAY_ADDRESS", ""), "RAY_ADDRESS"
    record = _ray_folder() / "ray_current_cluster"
    if address in ("", "auto") and _has_text(record):
        address, source = record.read_text().strip(), str(record)
    if address in ("", "local"):
        return _Verdict("ok", "none here; searches start their own")
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdigit() and _listens(host.strip("[]"), int(port)):
        return _Verdict("ok", f"{address}, named by {source}, takes connections")
    if source == "RAY_ADDRESS":
        found = f"RAY_ADDRESS={address}, but nothing listens there"
        return _Verdict(
            "problem", found, "unset RAY_ADDRESS, or export RAY_ADDRESS=HOST:PORT of one that runs"
        )
    return _Verdict("note", f"{source} names {address}, where nothing listens", f"ray stop; rm {source}")


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2.0).close()
    except OSError:
        return False
    return True


# An environment


def _examine_task(name: str, env_kwargs: Mapping[str, Any]) -> Iterator[Finding]:
    from wann.tasks.registry import is_data_set

    if is_data_set(name):
        yield _run("data set", partial(_data_set, name, env_kwargs))
        return
    for check, function in (
        ("environment", _environment),
        ("its episodes", _episodes),
        ("its speed", _speed),
    ):
        with _quiet_mujoco():
            finding = _run(check, partial(function, name, env_kwargs))
        yield finding
        if finding.level == "problem":
            return  # the checks after it need what has failed


@contextmanager
def _quiet_mujoco() -> Iterator[None]:
    """Without MuJoCo's warnings, which it prints, and writes into a log file in the working folder."""
    try:
        mujoco: Any = import_module("mujoco")
        before = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(lambda _: None)
    except (ImportError, AttributeError):
        yield
        return
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(before)


def _environment(name: str, env_kwargs: Mapping[str, Any]) -> _Verdict:
    """Whether it can be made and searched, and a network's inputs and outputs fit it."""
    import numpy as np

    from wann.tasks.registry import get_task

    try:
        task = get_task(name, env_kwargs, "gymnasium")
        with closing(task.make_env(disable_env_checker=True)) as env:
            start, _ = env.reset(seed=0)
            task.observe(start)
            env.step(task.action(np.zeros(len(task.outputs))))
    except Exception as error:  # noqa: BLE001  whatever an environment raises
        return _refusal(error, "check its name, its arguments and the packages it needs")
    inputs, outputs = _count(len(task.inputs), "input"), _count(len(task.outputs), "output")
    return _Verdict("ok", f"{task.env_id} makes a step; networks of {inputs}, {outputs}")


def _data_set(name: str, env_kwargs: Mapping[str, Any]) -> _Verdict:
    """Whether it can be read and searched."""
    from wann.tasks.data_task import DataTask
    from wann.tasks.registry import get_task

    try:
        task = get_task(name, env_kwargs)
        if not isinstance(task, DataTask):
            raise TypeError(f"{name} is no data set")
        data = task.samples
    except Exception as error:  # noqa: BLE001  whatever reading a file raises
        return _refusal(error, "check its name and its file")
    sizes = (f"{getattr(data, part).labels.size} {part}" for part in ("train", "validation", "test"))
    inputs, classes = _count(len(data.inputs), "input"), len(data.classes)
    return _Verdict("ok", f"{inputs}, {classes} classes; samples: {', '.join(sizes)}")


def _refusal(error: Exception, fix: str) -> _Verdict:
    """Why a task cannot be searched, with the fix that the error names, or else this one."""
    text = " ".join(str(error).split()) if isinstance(error, ValueError) else _one_line(error)
    found, _, named = text.partition("; ")
    if "pip install" in found:
        named = found[found.index("pip install") :]
    return _Verdict("problem", found, named or fix)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _episodes(name: str, env_kwargs: Mapping[str, Any]) -> _Verdict:
    """Whether the same seed gives the same episode."""
    from wann.rollouts.repeatability import Verdict, same_seed_same_episode
    from wann.tasks.registry import get_task

    task = get_task(name, env_kwargs, "gymnasium")
    make = partial(task.make_env, disable_env_checker=True)
    result = same_seed_same_episode(make, task.observation_codec, task.action_codec, seconds=EPISODE_SECONDS)
    compared = f"{_count(result.episodes, 'episode')}, {_count(result.steps, 'step')}"
    if result.verdict is Verdict.REPEATABLE:
        return _Verdict("ok", f"the same seed gives the same episode ({compared} compared)")
    if result.verdict is Verdict.FRESH:
        return _Verdict(
            "note",
            f"hidden state outlives an episode: {result.difference}",
            "none needed: searches use a fresh instance for each episode, which is slower",
        )
    return _Verdict(
        "problem",
        f"the same seed gives different episodes: {result.difference}",
        "let the environment draw from self.np_random only, which reset(seed=...) seeds",
    )


def _speed(name: str, env_kwargs: Mapping[str, Any]) -> _Verdict:
    """Steps per second under random actions, and so how long a generation takes."""
    from wann.tasks.registry import get_task, preset_settings

    task = get_task(name, env_kwargs)
    settings = build_settings(preset_settings(task, None))
    with closing(task.make_env(disable_env_checker=True)) as env:
        steps, episodes, seconds = _random_episodes(env)
    rate = steps / seconds
    found = f"{rate:,.0f} steps/s in Gymnasium on one processor"
    if task.stepping == "compiled":
        return _Verdict("ok", f"{found}; searches use compiled physics, which is far faster")
    weights = len(settings.weights) if settings.weight_sampling == "fixed" else settings.weight_count
    rollouts = settings.population * weights * settings.episodes
    length = min(steps / max(episodes, 1), settings.max_steps)
    estimate = rollouts * length / rate
    found += f"; a generation of {settings.population} networks takes about {_duration(estimate)}"
    found += f" while episodes last {length:.0f} steps as random ones do"
    if estimate < 60.0:
        return _Verdict("ok", found)
    return _Verdict("note", found, "start with --preset laptop, or give it --workers N")


def _random_episodes(env: Any) -> tuple[int, int, float]:
    """Steps, ended episodes and seconds of random actions, for about `SPEED_SECONDS`."""
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(256)]
    env.reset(seed=0)
    steps = episodes = 0
    started = time.perf_counter()
    while (seconds := time.perf_counter() - started) < SPEED_SECONDS:
        _, _, terminated, truncated, _ = env.step(actions[steps % 256])
        steps += 1
        if terminated or truncated:
            episodes += 1
            env.reset(seed=episodes)
    return steps, episodes, seconds


def _duration(seconds: float) -> str:
    if seconds >= 120.0:
        return f"{seconds / 60.0:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 10.0 else f"{seconds:.1f} s"
