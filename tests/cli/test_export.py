"""`wann export`: the file, and what is said about its proof."""

import dataclasses
import json
import shutil
import sys

import numpy as np
import pytest
from exported import need, random_champion, swingup

from wann.champion import save_champion
from wann.cli.export import FORMATS
from wann.cli.main import main
from wann.formats import export as exports
from wann.formats.export import PRECISIONS, SUFFIXES, TOLERANCES, export


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("c", "no C compiler found: install gcc or clang, or name one in CC"),
        ("js", "Node is not installed: "),
        ("torch", "torch is not installed: pip install 'wann[torch]'"),
        ("onnx", "onnxruntime is not installed: pip install 'wann[onnx]'"),
    ],
)
def test_without_the_tool_the_export_is_written_and_says_that_it_is_not_verified(
    kind, reason, tmp_path, monkeypatch, capsys
):
    if kind == "onnx":
        pytest.importorskip("onnx")
    monkeypatch.setattr("shutil.which", lambda *_: None)
    monkeypatch.setattr("wann.formats.runners.find_spec", lambda *_: None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    champion, _ = random_champion(0)
    save_champion(dataclasses.replace(champion, outputs=champion.outputs), tmp_path / "champion.json")
    monkeypatch.setattr(exports, "champion_observations", lambda *_: np.zeros((2, 5)))
    with pytest.raises(SystemExit) as caught:
        main(["export", str(tmp_path / "champion.json"), "--format", kind])
    captured = capsys.readouterr()
    assert caught.value.code == 0
    assert captured.err.startswith(f"note: not verified: {reason}")
    assert len(captured.err.splitlines()) == 1
    (proof,) = tmp_path.glob("*.proof.json")
    data = json.loads(proof.read_text())
    assert (data["verified"], data["difference"], data["tool"]) == (False, None, None)
    assert (tmp_path / data["file"]).stat().st_size > 1000


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Runs the command in an empty folder with a champion; gives its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    save_champion(swingup(), tmp_path / "plain.json")
    save_champion(swingup(tuned=True), tmp_path / "tuned.json")

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(["export", *map(str, arguments)])
        captured = capsys.readouterr()
        return caught.value.code, captured.out, captured.err

    return call


def test_the_command_writes_the_file_and_its_proof_and_says_the_difference(command, tmp_path):
    code, out, err = command("plain.json", "--format", "python")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first == "Wrote plain_network.py and plain_network.py.proof.json"
    assert second.endswith("largest difference 0, relative 0 (in float64 at most 1e-12)")
    code, out, _ = command("tuned.json", "--format", "json", "--weight", "tuned", "--out", "x.json", "--json")
    told = json.loads(out)
    assert (code, told["verified"], told["weight"], told["file"]) == (0, True, None, "x.json")
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy("plain.json", run / "champion.json")
    assert command("run", "--format", "json")[0] == 0
    assert sorted(path.name for path in run.iterdir()) == [
        "champion.json",
        "network.json",
        "network.json.proof.json",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.json", "--format", "c"], "cannot read champion none.json: No such file or directory"),
        (["plain.json"], "Missing option '--format'"),
        (["plain.json", "--format", "d"], "'d' is not one of 'onnx', 'torch', 'python', 'c', 'js', 'json'"),
        (["plain.json", "--format", "c", "--weight", "tuned"], "the champion has no tuned weights; give"),
        (["plain.json", "--format", "c", "--weight", "nan"], "weight must be a finite number, not nan"),
        (["plain.json", "--format", "c", "--out", "n.py"], "n.py does not end in .c, as a file of c must"),
        (["plain.json", "--format", "js", "--out", "n"], "n does not end in .mjs or .js, as"),
        (
            ["plain.json", "--format", "c", "--dtype", "float32"],
            "--dtype is for onnx only: leave it out for c",
        ),
        (["plain.json", "--format", "c", "--opset", "12"], "--opset is for onnx only: leave it out for c"),
        (["plain.json", "--format", "c", "--out", "no/n.c"], "no/n.c: No such file or directory"),
        (["plain.json", "--format", "json", "--out", "plain.json"], "plain.json is the champion itself: "),
        (["plain.json", "--format", "onnx", "--opset", "3"], "opset 3 lacks the operator "),
        (
            ["plain.json", "--format", "onnx", "--weight", "1e39"],
            "a weight is too large for float32: --dtype",
        ),
    ],
)
def test_bad_input_ends_in_one_line(command, arguments, message, tmp_path):
    if "onnx" in arguments:
        need("onnx")
    before = sorted(tmp_path.iterdir())
    code, out, err = command(*arguments)
    assert code in (1, 2)
    assert out == ""
    assert len(err.splitlines()) == 1
    assert message in err
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_in_place_of_the_file_is_refused(command, tmp_path):
    (tmp_path / "n.c").mkdir()
    code, _, err = command("plain.json", "--format", "c", "--out", "n.c")
    assert (code, err) == (1, "wann: n.c: Is a directory\n")


def test_the_command_offers_what_the_library_can():
    from wann.cli.export import export as command_itself

    options = {option.name: option for option in command_itself.params}
    assert tuple(SUFFIXES) == FORMATS == tuple(options["kind"].type.choices)
    assert tuple(options["dtype"].type.choices) == PRECISIONS
    assert set(TOLERANCES) == {"float32", "float64"}
    with pytest.raises(ValueError, match="unknown format 'pyhton'; did you mean 'python'"):
        export(swingup(), "pyhton", "n.py")
