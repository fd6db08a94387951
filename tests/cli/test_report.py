"""`wann report`: one file."""

import html
import re
import shutil

import pytest
import toys  # noqa: F401 - registers them

import wann
from wann.cli.main import main

TINY = {"population": 16, "generations": 8, "confirm_episodes": 4, "episodes": 2, "seed": 3}


@pytest.fixture(scope="module")
def swingup(tmp_path_factory):
    """A small run on the swing-up."""
    path = tmp_path_factory.mktemp("runs") / "swingup"
    # With this preset one champion soon follows the other.
    wann.search("swingup", preset="stratified", out=path, **TINY)
    return path


def test_the_command_writes_one_file_that_asks_for_nothing(swingup, tmp_path, capsys):
    out = tmp_path / "page.html"
    with pytest.raises(SystemExit) as caught:
        main(["report", str(swingup), "--out", str(out)])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"Wrote {out}\n"
    text = html.unescape(out.read_text(encoding="utf-8"))
    assert "connect-src 'none'" in text
    assert out.stat().st_size < 5_000_000
    # No address but that of the data, of the SVG name space and the empty icon.
    assert set(re.findall(r"""(?:src|href)=["']([^"']*)""", text)) == {"data:,"}
    assert set(re.findall(r"https?://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "run folder nowhere does not exist"),
        (["{run}", "--out", "page.pdf"], "page.pdf: a page's name must end in .html"),
        (["{run}", "--data", "."], "or the new place of a table, and the task is swingup"),
    ],
)
def test_mistakes_end_in_one_line(swingup, capsys, arguments, words):
    with pytest.raises(SystemExit) as caught:
        main(["report", *(argument.format(run=swingup) for argument in arguments)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_folder_of_runs_has_one_page(swingup, tmp_path, wann_command, refused):
    for seed in (1, 2):
        shutil.copytree(swingup, tmp_path / f"all/seed-{seed}")
    code, out, err = wann_command("report", tmp_path / "all")
    assert (code, out, err) == (0, f"Wrote {tmp_path / 'all/report.html'}\n", "")
    assert "<h1>2 runs of swingup.</h1>" in (tmp_path / "all/report.html").read_text()
    assert "leave out --data" in refused("report", tmp_path / "all", "--data", tmp_path)
