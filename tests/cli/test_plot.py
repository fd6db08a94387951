"""`wann plot`: the curves of a run."""

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
