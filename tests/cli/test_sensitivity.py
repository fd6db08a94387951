"""`wann sensitivity`: what it writes, prints and refuses."""

import csv
import json

import toys  # noqa: F401 - registers them
from commands import FEW


def test_sensitivity_writes_a_figure_a_table_and_a_summary(wann_command, toy, tmp_path):
    table = tmp_path / "it.csv"
    code, out, err = wann_command("sensitivity", toy, *FEW, "--table", table)
    assert (code, err) == (0, "")
    assert "robustness to noise 0." in out
    assert out.splitlines()[-2:] == [f"Wrote {toy.with_suffix('.sensitivity.png')}", f"Wrote {table}"]
    assert toy.with_suffix(".sensitivity.png").stat().st_size > 10_000
    head, *rows = csv.reader(table.read_text(encoding="utf-8").splitlines())
    assert head == ["kind", "what", "at", "mean", "std"]
    assert {row[0] for row in rows} == {"sweep", "noise", "flip", "random"}


def test_sensitivity_as_json_is_the_same_as_its_table(wann_command, toy, tmp_path):
    table, figure = tmp_path / "it.json", tmp_path / "it.svg"
    options = ("--weight", "0.5", "--seed", "3", "--table", table, "--out", figure, "--json")
    code, out, err = wann_command("sensitivity", toy, *FEW, *options)
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert data.pop("figure") == str(figure)
    assert json.loads(table.read_text(encoding="utf-8")) == data
    assert (data["weight"], data["seed"], data["episodes"]) == (0.5, 3, 3)
    assert figure.exists()
