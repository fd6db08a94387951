"""`wann plot`: the curves of a run."""

import shutil

import pytest
from commands import BEGINNINGS


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_plot_writes_the_curves(wann_command, ended, tmp_path, suffix):
    out_path = tmp_path / f"curves{suffix}"
    code, out, err = wann_command("plot", ended, "--out", out_path)
    assert (code, out, err) == (0, f"Wrote {out_path}\n", "")
    assert out_path.read_bytes().startswith(BEGINNINGS[suffix])


def test_plot_writes_into_the_run_by_default(wann_command, run_path):
    assert wann_command("plot", run_path)[1] == f"Wrote {run_path / 'curves.png'}\n"
    assert (run_path / "curves.png").is_file()


def test_several_runs_are_drawn_in_groups(ended, tmp_path, wann_command, refused):
    for seed in (1, 2):
        shutil.copytree(ended, tmp_path / f"all/seed-{seed}")
    code, out, err = wann_command("plot", tmp_path / "all", "--over", "seconds")
    assert (code, err) == (0, "")
    assert out == f"Wrote {tmp_path / 'all/curves.png'}: 2 runs in 1 group\n"
    assert (tmp_path / "all/curves.png").read_bytes().startswith(BEGINNINGS[".png"])
    config = tmp_path / "all/seed-2/config.toml"
    config.write_text(config.read_text().replace('task = "swingup"', 'task = "CartPole-v1"'))
    runs = (tmp_path / "all/seed-1", tmp_path / "all/seed-2")
    assert "runs of CartPole-v1 and swingup have no scores to compare" in refused("plot", *runs)
    assert "leave out --over" in refused("plot", runs[0], "--over", "seconds")
    assert "leave out --threads" in refused("plot", *runs, "--threads", "1")
