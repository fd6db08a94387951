"""What is checked for the user: each check with the broken condition really made."""

import io
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import takewhile
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
import wann_envs
from gymnasium import spaces

import wann.networks.network
from wann.doctor import engine, folders, packages, probe, screen, task
from wann.doctor.examine import examine
from wann.doctor.finding import CheckResult
from wann.rollouts import repeatability
from wann.rollouts.repeatability import Repeatability, Verdict

EXTRAS = {
    "Box2D": "Box2D",
    "MuJoCo": "mujoco",
    "envpool": "envpool",
    "scikit-learn": "sklearn",
}  # check: module
VARIABLES = (
    *("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "MUJOCO_GL", "IMAGEIO_FFMPEG_EXE", "OMP_NUM_THREADS"),
    *("RAY_TMPDIR", "TMPDIR"),
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A machine on which nothing is set: home and working folder are new, tests of speed are short."""
    home = tmp_path / "home"
    home.mkdir()
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.chdir(home)
    monkeypatch.setattr(task, "EPISODE_SECONDS", 0.3)
    monkeypatch.setattr(task, "SPEED_SECONDS", 0.05)
    return home


CHECKS = {
    "Python": (packages, "python"),
    "packages": (packages, "packages"),
    "pygame": (packages, "pygame"),
    "Ray": (packages, "ray"),
    "compiled code": (engine, "compiled_code"),
    "numbers": (engine, "numbers"),
    "threads": (engine, "threads"),
    "run folders": (folders, "run_folders"),
    "Ray's files": (folders, "ray_files"),
    "terminal": (screen, "terminal"),
    "pictures": (screen, "pictures"),
    "video": (screen, "video"),
    "window": (screen, "window"),
    "Box2D": (packages, "extra"),
    "MuJoCo": (packages, "extra"),
    "MuJoCo pictures": (screen, "mujoco_pictures"),
    "envpool": (packages, "extra"),
    "scikit-learn": (packages, "extra"),
}


@pytest.fixture
def finding(monkeypatch):
    """The finding of one check of `examine`, which makes no other; other extras count as not installed."""

    def find(check):
        with monkeypatch.context() as patch:
            for place in set(CHECKS.values()) - {CHECKS[check]}:
                patch.setattr(*place, lambda *_: CheckResult("ok", "not looked at"))
            for extra, module in EXTRAS.items():
                if check in EXTRAS and check != extra:
                    patch.setitem(sys.modules, module, None)
            (found,) = (each for each in examine() if each.check == check)
        return found

    return find


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Puts a package before all others, as far as its name, version and needs go."""
    folder = tmp_path / "site"
    folder.mkdir()

    def install(name, version, *lines):
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
        (info / "METADATA").write_text(text + "\n")
        monkeypatch.syspath_prepend(folder)
        return folder

    return install


@pytest.fixture
def nowhere(tmp_path):
    """A folder that nobody can make, not even root: what lies above it is a file."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "folder"


# As a whole


@pytest.mark.slow
def test_a_data_set_is_read_and_a_missing_file_is_named():
    pytest.importorskip("sklearn")
    found = list(task.examine_task("digits", {}))
    assert [(each.check, each.level) for each in found] == [("data set", "ok")]
    assert "64 inputs, 10 classes" in found[0].found
    (missing,) = task.examine_task("csv:none.csv", {"label": "kind"})
    assert (missing.level, missing.found.split(":")[0]) == ("problem", "cannot read none.csv")


def test_nothing_that_a_core_command_needs_is_broken_here():
    findings = list(takewhile(lambda each: each.check != "Box2D", examine()))
    assert [each.check for each in findings] == list(CHECKS)[: list(CHECKS).index("Box2D")]
    assert not [each for each in findings if each.level == "problem"]
    levels = {each.check: each.level for each in findings}
    assert {levels[name] for name in ("Python", "packages", "numbers", "pictures", "video")} == {"ok"}


@pytest.mark.parametrize("check", EXTRAS)
def test_an_extra_that_is_not_installed_is_a_note_with_its_command(check, finding, monkeypatch):
    monkeypatch.setitem(sys.modules, EXTRAS[check], None)
    found = finding(check)
    assert found.level == "note"
    extra = "data" if check == "scikit-learn" else EXTRAS[check].lower()
    assert found.fix == f'pip install "wann[{extra}]"'


def test_what_rests_on_an_extra_is_left_out_without_it(monkeypatch):
    for module in EXTRAS.values():
        monkeypatch.setitem(sys.modules, module, None)
    for place in set(CHECKS.values()) - {(packages, "extra")}:
        monkeypatch.setattr(*place, lambda: CheckResult("ok", ""))
    assert [each.check for each in examine()] == [name for name in CHECKS if name != "MuJoCo pictures"]


def test_a_check_that_raises_is_a_problem_in_one_line_and_the_others_go_on(monkeypatch):
    def broken():
        raise RuntimeError("this is\n  unheard of")

    monkeypatch.setattr(packages, "python", broken)
    findings = examine()
    first, second = next(findings), next(findings)
    assert (first.level, first.found) == ("problem", "RuntimeError: this is unheard of")
    assert (second.check, second.level) == ("packages", "ok")


def test_what_is_wrong_says_how_to_mend_it(monkeypatch, nowhere):
    monkeypatch.setenv("RAY_TMPDIR", str(nowhere))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(nowhere))
    for module in (packages, screen):
        monkeypatch.setattr(module, "probe", lambda *_, **__: "it is broken")
    findings = list(examine("CartPole-v9"))
    assert {each.check for each in findings if each.level == "problem"} >= {"Box2D", "environment"}
    for each in findings:
        assert each.fix or each.level == "ok", each
        assert "\n" not in each.found + (each.fix or "")


def test_nothing_is_printed_or_left_behind(monkeypatch, capfd, home, tmp_path):
    monkeypatch.setattr(packages, "extra", lambda *_: CheckResult("ok", ""))
    monkeypatch.setattr(screen, "mujoco_pictures", lambda: CheckResult("ok", ""))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = sorted(tmp_path.rglob("*"))
    pictures = find_spec("mujoco") is not None  # else there is nothing to look at
    assert len(list(examine("CartPole-v1"))) == len(CHECKS) - (not pictures) + 3
    assert sorted(tmp_path.rglob("*")) == before
    assert capfd.readouterr() == ("", "")


# Packages


def test_an_unsuitable_python_is_a_problem(finding, installed):
    installed("wann", "0.0", "Requires-Python: >=99")
    found = finding("Python")
    assert found.level == "problem"
    assert ">=99 is needed" in found.found


def test_a_package_that_is_too_old_is_named_with_the_command_that_mends_it(finding, installed):
    installed("networkx", "1.0")
    found = finding("packages")
    assert found.level == "problem"
    assert found.found.startswith("networkx is 1.0, but >=")
    assert found.fix.startswith("pip install --upgrade 'networkx>=")


def test_a_missing_package_is_named(finding, installed):
    installed("wann", "0.0", "Requires-Dist: wann-no-such-package>=2", "Requires-Dist: numpy")
    found = finding("packages")
    assert (found.level, found.found) == ("problem", "wann-no-such-package is missing")
    assert found.fix == "pip install --upgrade 'wann-no-such-package>=2'"


def test_packages_of_extras_and_other_systems_are_not_asked_for(finding, installed):
    installed("wann", "0.0", 'Requires-Dist: none; extra == "ray"', 'Requires-Dist: no; python_version < "3"')
    assert finding("packages").level == "ok"


def test_a_copy_that_was_never_installed_is_told_to_be(finding, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    found = finding("packages")
    assert (found.level, found.found) == ("problem", "wann is not installed")
    assert "pip install -e ." in found.fix


@pytest.mark.parametrize(
    ("copies", "level"),
    [((), "problem"), (("pygame",), "ok"), (("pygame-ce",), "ok"), (("pygame", "pygame-ce"), "note")],
)
def test_one_copy_of_pygame_is_right(copies, level, finding, installed, monkeypatch):
    folder = installed("wann", "0.0", "Requires-Dist: pygame-ce")
    for name in copies:
        installed(name, "2.6")
    monkeypatch.setattr(sys, "path", [str(folder)])
    found = finding("pygame")
    assert found.level == level
    if level != "ok":
        assert found.fix.endswith("pip install pygame-ce")


# The engine


def test_a_cache_folder_that_cannot_be_made_is_noted(finding, monkeypatch, nowhere, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(nowhere))
    found = finding("compiled code")
    assert found.level == "note"
    assert "Not a directory" in found.found
    assert "NUMBA_CACHE_DIR" in found.fix
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "new" / "folder"))
    assert finding("compiled code").level == "ok"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("change", "level"), [(1e-9, "problem"), (np.nan, "problem"), (1e-14, "note")])
def test_wrong_kernels_are_a_problem_and_other_bits_a_note(change, level, finding, monkeypatch):
    right = wann.networks.network.evaluate_network
    monkeypatch.setattr(wann.networks.network, "evaluate_network", lambda *given: right(*given) + change)
    assert finding("numbers").level == level


def test_the_test_network_reaches_every_activation_with_values_that_differ():
    outputs, _ = engine.reference_outputs()
    assert outputs.shape == (21, 1 + 2 + len(wann.networks.network.BY_CODE))
    assert all(len(set(column)) > 1 for column in outputs.T[1:])


def test_an_engine_that_does_not_start_names_the_variable(home):
    code = "from wann.doctor import engine; print(*engine.numbers())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"NUMBA_NUM_THREADS": "0", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("problem the engine does not start: ValueError: Number of threads")
    assert done.stdout.endswith("unset NUMBA_NUM_THREADS\n")


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        (("max 100000", "max 100000"), None),
        (("50000 100000", "max 100000"), 0.5),
        (("max 1000", "1500 1000"), 1.5),
    ],
)
def test_a_container_s_share_of_the_processors_is_seen(limits, allowed, finding, monkeypatch, tmp_path):
    own = tmp_path / "groups" / "pods" / "one"
    own.mkdir(parents=True)
    (tmp_path / "cgroup").write_text("1:name=systemd:/elsewhere\n0::/pods/one\n")
    for folder, limit in zip((own, own.parent), limits, strict=True):
        (folder / "cpu.max").write_text(limit + "\n")
    monkeypatch.setattr(engine, "PROC_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(engine, "CGROUPS", tmp_path / "groups")
    monkeypatch.setattr("wann.evaluation.evaluator.available_threads", lambda: 8)
    found = finding("threads")
    assert found.level == ("ok" if allowed is None else "note")
    if allowed:
        assert f"only {allowed:g} busy" in found.found
        assert found.fix == f"give searches --threads {int(np.ceil(allowed))}"


def test_a_variable_that_limits_nothing_of_ours_is_explained(finding, monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "PROC_CGROUP", tmp_path / "none")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = finding("threads")
    assert found.level == "ok"
    assert "OMP_NUM_THREADS=1 does not limit" in found.found


def test_a_folder_that_runs_cannot_be_written_to_is_a_problem(finding, home):
    (home / "runs").write_text("a file")
    found = finding("run folders")
    assert found.level == "problem"
    assert "--out" in found.fix
    (home / "runs").unlink()
    (home / "runs").symlink_to(home / "unmounted" / "disk")
    assert finding("run folders").level == "problem"


@pytest.mark.parametrize(("free", "level"), [(2**25, "problem"), (2**29, "note"), (2**31, "ok")])
def test_a_full_disk_is_seen(free, level, finding, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free, total=2**40))
    assert finding("run folders").level == level


@pytest.mark.parametrize(("encoding", "level"), [("ascii", "note"), ("latin-1", "note"), ("utf-8", "ok")])
def test_a_terminal_without_the_symbols_is_noted(encoding, level, finding, monkeypatch):
    with io.TextIOWrapper(io.BytesIO(), encoding=encoding) as stdout:
        monkeypatch.setattr(sys, "__stdout__", stdout)
        found = finding("terminal")
    assert found.level == level
    assert encoding in found.found


# Pictures


def test_without_pygame_pictures_are_a_problem(finding, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.delitem(sys.modules, "wann_envs.rendering", raising=False)
    monkeypatch.delattr(wann_envs, "rendering", raising=False)
    found = finding("pictures")
    assert found.level == "problem"
    assert "pygame is not installed" in found.found


def test_an_encoder_that_is_missing_or_writes_nothing_is_a_problem(finding, monkeypatch, tmp_path):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    found = finding("video")
    assert found.level == "problem"
    assert "unset IMAGEIO_FFMPEG_EXE" in found.fix
    useless = tmp_path / "ffmpeg"
    useless.write_text("#!/bin/sh\necho ffmpeg version 7.0\ncat > /dev/null\n")
    useless.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(useless))
    assert finding("video").level == "problem"


def test_a_film_that_lost_a_frame_is_a_problem(finding, monkeypatch):
    monkeypatch.setattr("imageio_ffmpeg.count_frames_and_secs", lambda _: (2, 0.2))
    found = finding("video")
    assert (found.level, found.found) == ("problem", "a .mp4 film of 3 frames holds 2")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_without_a_screen_a_film_is_advised(finding, monkeypatch):
    assert finding("window").level == "note"
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")  # a driver that shows nothing
    found = finding("window")
    assert found.level == "note"
    assert found.fix.startswith("wann replay RUN --out")


@pytest.mark.parametrize("works", ["", "egl", "osmesa", "none"])
def test_the_way_in_which_mujoco_draws_is_found(works, finding, monkeypatch):
    pytest.importorskip("mujoco")
    monkeypatch.setattr(sys, "platform", "linux")
    answer = lambda _, MUJOCO_GL="": None if works == MUJOCO_GL else "no OpenGL"  # noqa: N803, E731
    monkeypatch.setattr(screen, "probe", answer)
    found = finding("MuJoCo pictures")
    assert found.level == ("note" if works else "ok")
    if works in ("egl", "osmesa"):
        assert found.fix == f"export MUJOCO_GL={works}"
    elif works == "none":
        assert "libegl1" in found.fix


# Extras


@pytest.mark.slow
@pytest.mark.parametrize("check", ["Box2D", "MuJoCo", "Ray"])
def test_an_extra_that_is_installed_works(check, finding):
    pytest.importorskip(EXTRAS.get(check, "ray"))
    assert finding(check).level == "ok"


def test_an_extra_that_does_not_import_is_a_problem(finding, monkeypatch, tmp_path):
    (tmp_path / "Box2D.py").write_text("raise ImportError('libfoo.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # of the process in which it is tried
    monkeypatch.syspath_prepend(tmp_path)
    found = finding("Box2D")
    assert found.level == "problem"
    assert "libfoo.so.1" in found.found


def test_an_extra_that_is_too_old_is_a_problem(finding, installed):
    pytest.importorskip("sklearn")
    installed("wann", "0.0", "Provides-Extra: data", 'Requires-Dist: scikit-learn>=99; extra == "data"')
    found = finding("scikit-learn")
    assert found.level == "problem"
    assert ">=99 is needed" in found.found
    assert found.fix == 'pip install --upgrade "wann[data]"'


def test_what_crashes_hangs_or_writes_files_does_no_harm(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    assert probe.probe("import os; os._exit(3)") == "ended with code 3"
    assert probe.probe("raise ValueError('no\\nluck')") == "luck"
    assert probe.probe("open('log', 'w').close()") is None
    assert probe.probe("import os; assert os.environ['A'] == 'b'", A="b") is None
    monkeypatch.setattr(probe, "PROBE_SECONDS", 0.2)
    assert probe.probe("import time; time.sleep(60)") == "no answer within 0.2 s"
    assert sorted(tmp_path.rglob("*")) == before


# Ray


def test_ray_that_does_not_import_is_a_problem(finding, monkeypatch, tmp_path):
    (tmp_path / "ray.py").write_text("raise ImportError('libfoo.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # of the process in which it is tried
    found = finding("Ray")
    assert (found.level, "libfoo.so.1" in found.found) == ("problem", True)


def test_ray_s_folder_must_be_writable(finding, monkeypatch, nowhere):
    monkeypatch.setenv("RAY_TMPDIR", str(nowhere))
    found = finding("Ray's files")
    assert (found.level, "cannot be written to" in found.found) == ("problem", True)
    assert found.fix.startswith("export RAY_TMPDIR=")
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")  # noqa: S108
    assert finding("Ray's files").level == "ok"


def test_a_full_disk_under_ray_s_folder_is_noted(finding, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")  # noqa: S108
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**30, total=2**40))
    assert finding("Ray's files").level == "note"


# Environments


class Toy(gymnasium.Env):
    """Ten steps; what it keeps from one episode to the next, and what it observes, is chosen."""

    def __init__(self, kept="nothing", observes="vector", actions=2, render_mode=None):
        self.observation_space = {
            "vector": spaces.Box(-1.0, 1.0, (2,), np.float64),
            "less than its space": spaces.Box(-1.0, 1.0, (3,), np.float64),
            "picture": spaces.Box(0, 255, (8, 8, 3), np.uint8),
        }[observes]
        self.action_space, self.kept = spaces.Discrete(actions), kept
        self.steps = self.all_steps = 0

    def _observation(self):
        noise = np.random.default_rng().random() if self.kept == "chance" else 0.0
        hidden = 1e-3 * self.all_steps if self.kept == "steps" else noise
        return np.array([0.1 * self.steps, hidden])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self._observation(), {}

    def step(self, action):
        self.steps += 1
        self.all_steps += 1
        return self._observation(), 1.0, self.steps == 10, False, {}


@pytest.fixture
def examined(monkeypatch):
    """Findings on an environment by the name of the check; those on the machine are left out."""
    gymnasium.register("wann-doctor/Toy-v0", Toy)

    def examine_env(name, **env_kwargs):
        with monkeypatch.context() as patch:
            for place in set(CHECKS.values()):
                patch.setattr(*place, lambda *_: CheckResult("ok", "not looked at"))
            findings = list(examine(name, env_kwargs))
        return {each.check: each for each in findings if each.check not in CHECKS}

    yield examine_env
    del gymnasium.registry["wann-doctor/Toy-v0"]


TOY = "wann-doctor/Toy-v0"


def test_an_environment_that_can_be_searched_passes(examined):
    findings = examined(TOY)
    assert {name: each.level for name, each in findings.items()} == dict.fromkeys(
        ("environment", "its episodes", "its speed"), "ok"
    )
    assert "networks of 2 inputs, 2 outputs" in findings["environment"].found
    assert "10 steps" in findings["its speed"].found


def test_our_own_tasks_are_examined_by_their_names(examined):
    findings = examined("swingup")
    assert {each.level for each in findings.values()} == {"ok"}
    assert "compiled physics" in findings["its speed"].found


def test_hidden_state_is_noted_and_chance_is_a_problem(examined):
    assert examined(TOY, kept="steps")["its episodes"].level == "note"
    assert "fresh instance" in examined(TOY, kept="steps")["its episodes"].fix
    findings = examined(TOY, kept="chance")
    assert findings["its episodes"].level == "problem"
    assert "np_random" in findings["its episodes"].fix


def test_hidden_state_of_an_environment_does_not_concern_its_compiled_physics(examined, monkeypatch):
    pytest.importorskip("Box2D")
    found = Repeatability(Verdict.FRESH, "a difference", 1, 1)
    monkeypatch.setattr(repeatability, "same_seed_same_episode", lambda *_, **__: found)
    assert "compiled physics" in examined("BipedalWalker-v3")["its episodes"].fix
    assert "fresh instance" in examined("BipedalWalkerHardcore-v3")["its episodes"].fix


def test_spaces_that_cannot_be_searched_are_a_problem_with_what_to_do(examined):
    findings = examined(TOY, observes="picture")
    assert list(findings) == ["environment"]
    assert findings["environment"].level == "problem"
    assert "images cannot be searched" in findings["environment"].found
    assert findings["environment"].fix.startswith("wrap the environment")


def test_an_environment_that_gives_what_its_space_does_not_hold_is_a_problem(examined):
    found = examined(TOY, observes="less than its space")["environment"]
    assert found.level == "problem"
    assert "its space has 3 entries" in found.found


@pytest.mark.parametrize(
    ("name", "found", "fix"),
    [
        ("CartPole-v9", "CartPole", "did you mean 'CartPole-v"),
        ("LunarLander-v2", "LunarLander-v3", ""),
        ("nothing/Like-v0", "nothing", ""),
        ("wann_no_such_module:Foo-v0", "wann_no_such_module", "check"),
    ],
)
def test_a_name_that_is_not_registered_is_a_problem(name, found, fix, examined):
    findings = examined(name)
    assert list(findings) == ["environment"]
    assert findings["environment"].level == "problem"
    assert found in findings["environment"].found
    assert fix in findings["environment"].fix


def test_an_environment_without_its_package_names_the_extra(examined, monkeypatch):
    monkeypatch.setitem(sys.modules, "Box2D", None)
    for name in [name for name in sys.modules if name.startswith("gymnasium.envs.box2d")]:
        monkeypatch.delitem(sys.modules, name)
    findings = examined("BipedalWalkerHardcore-v3")
    assert findings["environment"].fix == 'pip install "wann[box2d]"'


def test_mujoco_s_warnings_go_neither_to_the_screen_nor_into_a_log_file(examined, capfd, home):
    pytest.importorskip("mujoco")
    assert examined("HalfCheetah-v5")["environment"].level == "ok"  # its model has a deprecated attribute
    assert not list(home.iterdir())
    assert capfd.readouterr() == ("", "")


def test_arguments_of_the_environment_are_passed_on_and_checked(examined):
    assert "'hard'" in examined(TOY, hard=True)["environment"].found
    assert examined(TOY, actions=5)["environment"].found.endswith("5 outputs")


def test_a_slow_environment_is_noted_with_smaller_settings(examined, monkeypatch):
    monkeypatch.setattr(task, "_random_episodes", lambda _: (100, 1, 1.0))
    found = examined(TOY)["its speed"]
    assert found.level == "note"
    # 768 networks at 16 weights on an episode of 100 steps, 100 steps a second
    assert "about 205 min" in found.found
    assert "--preset laptop" in found.fix
