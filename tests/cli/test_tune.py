"""`wann tune`: champions with tuned weights."""

import json
import signal
import subprocess
import sys
import time

import pytest
from tuned import champion_for

from wann.champion import load_champion, save_champion
from wann.cli.main import main
from wann.tuning.plan import state_path
from wann.tuning.tune import tune


@pytest.fixture
def champion():
    return champion_for()


@pytest.mark.slow
def test_ctrl_c_saves_and_resume_ends_with_the_same_bits(champion, tmp_path):
    save_champion(champion, tmp_path / "champion.json")
    plan = ["--population", "8", "--episodes", "2", "--budget", "1600"]
    base = [sys.executable, "-m", "wann"]
    start = [*base, "tune", str(tmp_path / "champion.json"), *plan, "--quiet"]
    process = subprocess.Popen(
        [*start, "--out", str(tmp_path / "cut.json")], stdout=subprocess.PIPE, text=True
    )
    limit = time.monotonic() + 600.0
    while not state_path(tmp_path / "cut.json").exists():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 130, output
    assert "Go on: wann resume" in output
    assert "Traceback" not in output
    subprocess.run([*base, "resume", str(tmp_path / "cut.json"), "--quiet"], check=True, capture_output=True)
    tune(champion, tmp_path / "whole.json", population=8, episodes=2, budget=1600)
    assert (tmp_path / "cut.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_the_command_ends_with_what_came_of_it(champion, tmp_path, capsys):
    save_champion(champion, tmp_path / "champion.json")
    options = ["--population", "8", "--episodes", "1", "--budget", "16"]
    with pytest.raises(SystemExit) as ended:
        main(["tune", str(tmp_path / "champion.json"), *options])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    path = tmp_path / "champion.tuned.json"
    for part in ("Before", "After", f"wann evaluate {path}", f"wann replay {path} --weight tuned"):
        assert part in out
    with pytest.raises(SystemExit) as ended:
        main(["tune", str(tmp_path / "champion.json"), *options, "--json", "--out", str(tmp_path / "b.json")])
    assert ended.value.code == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["evaluations"] == 16
    assert summary["tuning"] == load_champion(tmp_path / "b.json").tuning


@pytest.mark.parametrize(
    ("cut", "whole"), [([], "a larger --budget"), (["--max-steps", "2"], "whole episodes")]
)
def test_the_command_says_where_nothing_better_was_found(tmp_path, capsys, cut, whole):
    save_champion(champion_for(mutations=0), tmp_path / "flat.json")
    plan = [
        "--method=random",
        "--weight=0.75",
        "--budget=4",
        "--population=4",
        "--episodes=1",
        "--sigma=1e-300",
    ]
    with pytest.raises(SystemExit) as ended:
        main(["tune", str(tmp_path / "flat.json"), *plan, *cut])
    assert ended.value.code == 0
    assert f"Nothing better than the start was found: try {whole}" in capsys.readouterr().out
