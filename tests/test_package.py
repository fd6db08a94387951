"""What is shipped, and what importing it costs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import wann

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_wheel_holds_the_two_packages_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w"]
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for folder in ("wann", "envs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".typed") or path.parent.name == "templates":
                target = source / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    subprocess.run([*command, str(tmp_path), str(source)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"wann", "wann_envs"}
    files = [*(ROOT / "wann").rglob("*.py"), *(ROOT / "wann").rglob("templates/*")]
    shipped = {path.relative_to(ROOT).as_posix() for path in files}
    assert {name for name in names if name.startswith("wann/")} == shipped | {"wann/py.typed"}
    for name in ("LICENSE", "NOTICE"):
        assert any(file.endswith(f"dist-info/licenses/{name}") for file in names)


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, wann; print(*[m for m in ('numpy', 'numba', 'gymnasium', 'ray') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_the_command_line_s_help_does_not_wait_for_the_compiler():
    code = (
        "import sys, wann.cli; print(*[m for m in ('numba', 'matplotlib', 'gymnasium') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_a_search_that_needs_no_cluster_loads_none(tmp_path):
    code = (
        "import sys, wann; "
        "wann.search('swingup', out=sys.argv[1], generations=1, population=4, max_steps=20); "
        "print(*[m for m in ('ray', 'envpool', 'mujoco', 'Box2D') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_going_on_with_a_search_loads_no_optimiser(tmp_path):
    code = (
        "import sys; from wann.cli.main import main\n"
        "try: main(['resume', sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "print(*[m for m in ('cmaes', 'scipy.stats') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "nowhere")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "nowhere" in done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", wann.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(wann, name).__doc__
    assert callable(getattr(wann, name))


def test_no_module_hides_a_public_name():
    modules = {path.stem for path in (ROOT / "wann").glob("*.py")}
    assert not modules & set(wann.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = wann.serach


def test_ask_and_tell_work_from_the_public_interface():
    import numpy as np

    evolution = wann.Evolution(wann.Settings(population=8), inputs=2, outputs=1)
    for _ in range(3):
        genomes = evolution.ask()
        networks = [wann.compile_genome(genome) for genome in genomes]
        outputs = [
            wann.evaluate_network(network, np.ones((4, 2)), np.linspace(-1, 1, 4)) for network in networks
        ]
        evolution.tell(np.array([values[:, -1] for values in outputs])[:, :, None])
    assert evolution.generation == 3
