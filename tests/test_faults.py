"""Faults of every kind, injected at random moments; `make soak` and `make kills` inject them for an hour."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def script(name, *arguments):
    """Run a script of this folder, which forks, and so needs no other threads; gives its last line."""
    paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(TESTS / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_commands_killed_at_random_moments_go_on_to_the_same_bytes():
    said = script("killing.py", "--kills", "12", "--seed", "3")
    assert said.endswith(" kills, all resumed to the same bytes")


@pytest.mark.slow
def test_a_search_whose_surroundings_fail_in_every_way_finds_what_an_undisturbed_one_finds():
    said = script("soak.py", "--faults", "30", "--visit", "0", "--seed", "2")
    faults, rest = said.split(" faults, ")
    assert rest.startswith("the champion is the undisturbed one, bit for bit")
    assert int(faults) >= 30
    for kind in ("killed", "interrupted", "set back", "damaged"):
        assert kind in rest
