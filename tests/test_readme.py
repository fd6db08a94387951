"""Every command and example of the README works, made small."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from wann.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TINY = ["--set", "generations=3", "--set", "population=16", "--set", "max_steps=60"]

SMALLER = {
    "search": [*TINY, "--quiet"],
    "resume": ["--set", "generations=5", "--quiet"],
    "evaluate": ["--episodes", "3"],
    "tune": ["--budget", "16", "--population", "8", "--episodes", "1", "--quiet"],
    "race": [
        "--networks",
        "2",
        "--population",
        "8",
        "--budget",
        "64",
        "--episodes",
        "1",
        "--generations",
        "1",
        "--quiet",
    ],
    "table": ["--budget", "16", "--episodes", "3", "--quiet"],
    "sensitivity": ["--episodes", "2"],
    "prune": ["--episodes", "2"],
    "compare": ["--methods", "ridge", "--seeds", "1", "--quiet"],
}
TINY_RUN = {"8,32,128,1024": "1,3"}  # generations that a tiny run has
SERVING = ("watch", "play")
NEEDS = {"onnx": "onnxruntime"}  # what a format is tried with


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[list[str]]:
    lines = (line for block in blocks("sh") for line in block.splitlines())
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def test_the_readme_promises_the_two_commands():
    assert {"make test", "make search"} <= {" ".join(command) for command in commands()}


@pytest.mark.slow
@pytest.mark.skipif(
    not (ROOT / ".venv" / ".installed").exists(), reason="make has not installed into .venv here"
)
def test_make_search_runs_to_its_end_and_a_second_time_does_nothing_over(tmp_path):
    run = tmp_path / "run"
    command = ["make", "--no-print-directory", "search", f"OUT={run}", f"ARGS={' '.join(TINY)}"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    first = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment
    ).stdout
    assert f"Champion  {run}/champion.json" in first
    before = {path: path.read_bytes() for path in run.rglob("*.*") if path.is_file()}
    second = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment
    ).stdout
    assert "pip" not in second
    assert "Ended by generations after generation 3." in second
    assert {path: path.read_bytes() for path in run.rglob("*.*") if path.is_file()} == before


@pytest.mark.slow
def test_every_wann_command_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")  # a window nobody sees
    # Ray keeps the first token a process has used: that of the tests of Ray, where both run in one.
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 64)
    main_ok(["search", "swingup", "--out", "runs/swingup", *TINY, "--quiet"])
    # Three generations find nothing that earns a score: the commands about a champion get one that does.
    shutil.copy(ROOT / "experiments/swingup/champion.json", "runs/swingup/champion.json")
    rows = [f"{4 + k % 5},{k % 7},{('setosa', 'virginica')[k % 2]}" for k in range(60)]
    for name in ("flowers.csv", "new.csv"):
        Path(name).write_text("\n".join(["length,width,species", *rows]) + "\n", encoding="utf-8")
    shown = [command[1:] for command in commands() if command[0] == "wann"]
    assert len(shown) >= 9
    for arguments in shown:
        arguments = [TINY_RUN.get(word, word) for word in arguments]
        if arguments[0] in SERVING:
            serve_and_end(arguments)
            continue
        if NEEDS.get(arguments[-1]) and find_spec(NEEDS[arguments[-1]]) is None:
            continue
        if arguments[0] == "replay":
            arguments += ["--steps", "20"]
        whole = arguments in (["evaluate", "runs/digits"], ["evaluate", "runs/flowers"])
        smaller = [] if whole else SMALLER.get(arguments[0], [])
        main_ok([*arguments, *smaller])
    for name in ("swingup.mp4", "champion.svg", "curves.png", "runs/mine/champion.json"):
        assert (tmp_path / name).stat().st_size > 500
    assert "Traceback" not in capsys.readouterr().err


def serve_and_end(arguments: list[str]) -> None:
    """Start a command that serves a page, wait for its address, and end it as Ctrl-C does."""
    command = [sys.executable, "-m", "wann", *arguments, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "http://127.0.0.1" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors


@pytest.mark.slow
def test_the_python_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(blocks("python"))
    assert "wann.search(" in code
    assert "evolution.tell(" in code
    subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            code.replace("generations=20", "generations=3, population=16").replace("=60", "=5"),
        ],
        check=True,
        capture_output=True,
    )


def test_the_pictures_and_pages_it_links_to_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def main_ok(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0, arguments
