"""`wann replay`: a film, and what its episode came to."""

import re

import numpy as np
import pytest
from commands import BEGINNINGS

from wann.champion import load_champion
from wann.evaluation.evaluator import LocalEvaluator
from wann.tasks.registry import get_task


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_replay_writes_a_film_and_says_what_the_episode_came_to(wann_command, short, tmp_path, suffix):
    out_path = tmp_path / f"film{suffix}"
    code, out, err = wann_command("replay", short, "--out", out_path, "--seed", 4)
    assert (code, err) == (0, "")
    wrote, came_to = out.splitlines()
    assert re.fullmatch(rf"Wrote {re.escape(str(out_path))}, \d+ frames", wrote)
    found = re.fullmatch(r"Return ([\d.]+) in (\d+) steps at weight 2, seed 4", came_to)
    assert found
    assert 10 < int(found[2]) < 150
    assert out_path.read_bytes().startswith(BEGINNINGS[suffix])
    assert out_path.stat().st_size > 2000


def test_replay_shows_the_network_at_several_weights(wann_command, refused, short, tmp_path):
    path = tmp_path / "film"
    code, out, err = wann_command(
        *("replay", short, "--weight=-1,2", "--with-network", "--theme", "dark", "--steps", 6, "--out", path)
    )
    assert (code, err) == (0, "")
    wrote, *ends = out.splitlines()
    assert wrote == f"Wrote {path}, {len(list(path.iterdir()))} frames"
    assert [line.partition(" at ")[2] for line in ends] == ["weight -1, seed 0", "weight 2, seed 0"]
    assert all(" in 6 steps " in line for line in ends)
    assert "neither a number nor" in refused("replay", short, "--weight=1,heavy", "--out", tmp_path / "b.gif")


def test_replay_plays_what_evaluate_scores(wann_command, short, tmp_path):
    totals = set()
    for weight in ("1.75", "-1.75"):
        arguments = ["--weight", weight, "--seed", 9, "--out", tmp_path / f"{weight}.gif"]
        code, out, _ = wann_command("replay", short, *arguments)
        assert code == 0
        assert f"at weight {weight}, seed 9" in out
        champion, task = load_champion(short), get_task("swingup")
        with LocalEvaluator(task, task.episode_steps, 1) as evaluator:
            returns = evaluator.evaluate([champion.network], np.array([float(weight)]), [9]).returns
        assert float(re.search(r"Return ([\d.]+) ", out)[1]) == pytest.approx(
            float(returns[0, 0, 0]), abs=0.051
        )
        totals.add(out.splitlines()[-1].split()[1])
    assert len(totals) == 2


def test_replay_without_a_screen_says_so(refused, short, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    line = refused("replay", short, codes=(1, 2))
    assert "--out" in line or "screen" in line
