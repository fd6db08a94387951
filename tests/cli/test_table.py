"""`wann table`: groups of runs, and how it fits a terminal."""

import json
import shutil

import pytest
from champions import TOY  # noqa: F401  registers the toys

from wann.cli import table as module
from wann.utils.terminal import PlainConsole


@pytest.fixture
def runs(ended, tmp_path):
    """A folder of two groups of runs, of three and of two."""
    for name in ("a/seed-1", "a/seed-2", "a/seed-3", "b/seed-1", "b/seed-2"):
        shutil.copytree(ended, tmp_path / "all" / name)
    for seed in (1, 2):
        config = tmp_path / f"all/b/seed-{seed}/config.toml"
        config.write_text(config.read_text().replace("population = 8", "population = 9"))
    return tmp_path / "all"


FEW = ("--untuned", "--episodes", "2", "--threads", "1", "--quiet")


def test_a_folder_of_runs_has_a_row_for_each_group(runs, wann_command, refused, ended):
    code, out, err = wann_command("table", runs, *FEW, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [(row["name"], row["runs"]) for row in found["rows"]] == [
        ("population=8", 3),
        ("population=9", 2),
        ("paper", None),
    ]
    assert found["tests"] == [], "one of the groups has too few runs"
    cells = found["rows"][0]["cells"]["random shared"]
    assert cells["std"] == pytest.approx(0.0), "the three runs are the same one"
    _, out, _ = wann_command("table", runs / "a", runs / "b", *FEW, "--each")
    assert out.count("seed-") == 5
    _, out, _ = wann_command("table", runs / "a/seed-1", runs / "a/seed-2", *FEW, "--aggregate")
    assert "mean over runs ± half of its 95 % confidence interval" in out
    assert "no settings to group it by" in refused("table", runs, ended / "champion.json")
    assert "leave out --format" in refused("table", runs, "--json", "--format", "csv")


def test_on_a_narrow_terminal_the_table_lies_on_its_side_and_breaks_no_word():
    head = ["champion", "task", "connections", "random weights", "random shared", "fixed topology, tuned"]
    lines = [
        ["weight_sampling=fixed", "swingup", "28", "107 ± 36", "342 ± 12", "918 ± 7"],
        ["paper", "swingup", "52", "57 ± 121", "515 ± 58", "–"],
        ["another one of them", "swingup", "52", "57 ± 121", "515 ± 58", "–"],
    ]
    console = PlainConsole(width=80, record=True)
    for grid in module._lying(head, lines, ["", "dim", ""], 80):
        console.print(grid)
    text = console.export_text()
    assert "…" not in text
    for word in {word for line in [head, *lines] for each in line for word in each.split()}:
        assert word in text, word
    assert max(map(len, text.splitlines())) <= 80
