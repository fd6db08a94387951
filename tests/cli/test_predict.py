"""`wann predict`: a table's champion is used on new rows, as its exports are, without the table."""

import csv
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from exported import swingup

from wann.analysis.scorecard import evaluate
from wann.champion import champion_from_json, champion_to_json, load_champion
from wann.formats.export import SUFFIXES, _write, export
from wann.formats.export_plan import make_plan
from wann.formats.runners import ExportJob, MissingToolError
from wann.pages import many_runs
from wann.run.search import resume, search
from wann.visualization import group_curves

pandas = pytest.importorskip("pandas")

TINY = {"population": 16, "generations": 3, "tournament_size": 3, "threads": 1}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(3)
    size, colour = rng.normal(5000.0, 2000.0, 120).round(3), rng.choice(["blue", "green", "red"], 120)
    return pandas.DataFrame(
        {
            "id": range(1, 121),
            "size": np.where(np.arange(120) % 7 != 0, size, np.nan),
            "colour": np.where(np.arange(120) % 11 != 0, colour, None),
            "member": rng.random(120) < 0.5,
            "kind": np.where((size > 5000.0) ^ (colour == "red"), "yes", "no"),
            "price": size * 2.0 + np.where(colour == "red", 9000.0, 0.0),
        }
    )


@pytest.fixture(scope="module")
def run(frame, tmp_path_factory) -> Path:
    """Run of a classifier, whose table is gone."""
    folder = tmp_path_factory.mktemp("table")
    frame.drop(columns="price").to_csv(folder / "t.csv", index=False)
    search(f"csv:{folder / 't.csv'}", out=folder / "run", env_kwargs={"label": "kind"}, **TINY)
    (folder / "t.csv").rename(folder / "moved.csv")
    return folder / "run"


@pytest.fixture
def table_back(run, monkeypatch):
    monkeypatch.setenv("WANN_DATA", str(run.parent / "moved.csv"))


def imported(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(champion, codes):
    """Rows as a user would write them."""
    return [
        {
            column.name: None if np.isnan(code) else code if column.words is None else column.words[int(code)]
            for column, code in zip(champion.columns.columns, row, strict=True)
        }
        for row in codes.tolist()
    ]


def test_a_champion_keeps_its_columns_and_needs_no_table(run, frame):
    champion = load_champion(run)
    assert champion.columns.names == ("size", "colour", "member")
    assert champion_to_json(champion_from_json(champion_to_json(champion))) == champion_to_json(champion)
    found = champion.predict(frame)
    assert found.probabilities.shape == (120, 2)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0)
    assert set(found.answers) <= {"no", "yes"}
    alone = champion.predict(frame.iloc[7:8].to_dict("records"))
    assert alone.probabilities.tolist() == found.probabilities[7:8].tolist()
    several = champion.predict(frame, [1.0, 2.0]).probabilities
    each = [champion.predict(frame, weight).probabilities for weight in (1.0, 2.0)]
    np.testing.assert_allclose(several, np.mean(each, axis=0), rtol=1e-12)
    for rows, message in (
        ([[1.0, 2.0]], r"rows must have the shape \(rows, 3\)"),
        (frame.drop(columns="size"), "has no column 'size'"),
        (3, "rows must be a data frame"),
    ):
        with pytest.raises(ValueError, match=message):
            champion.predict(rows)


def test_predictions_on_the_test_part_are_those_of_evaluate(run, frame, table_back):
    champion = load_champion(run)
    card = evaluate(champion, weights=(-1.0, 0.5, 2.0))
    test = champion.get_task().samples.test
    wanted = np.array(champion.outputs)[test.labels]
    for score in card.per_weight:
        rows = rows_of(champion, test.codes)
        assert (champion.predict(rows, score.weight).answers == wanted).mean() == score.accuracy
    mean = champion.predict(rows, (-1.0, 0.5, 2.0))
    assert (mean.answers == wanted).mean() == card.ensemble_mean.accuracy


@pytest.mark.parametrize("kind", ["python", "json", "c", "js", "onnx", "torch"])
def test_an_export_takes_the_table_as_it_is_and_is_as_good(run, tmp_path, table_back, kind):
    champion = load_champion(run)
    test = champion.get_task().samples.test
    path = tmp_path / f"network{SUFFIXES[kind][0]}"
    proof = export(champion, kind, path, weight=0.5, dtype="float64" if kind == "onnx" else None)
    assert proof.observations.shape[1] == 3
    assert np.isnan(proof.observations).any()
    if not proof.verified:
        pytest.skip(proof.missing)
    job = ExportJob(path, make_plan(champion, 0.5, path), test.codes)
    from wann.formats.export import _run

    try:
        outputs, _ = _run(kind, job, single=False)
    except MissingToolError as missing:
        pytest.skip(str(missing))
    accuracy = (outputs.argmax(axis=1) == test.labels).mean()
    assert accuracy == evaluate(champion, weights=(0.5,)).per_weight[0].accuracy


def test_an_exported_file_of_python_takes_words(run, frame, tmp_path, table_back):
    champion = load_champion(run)
    export(champion, "python", tmp_path / "network.py")
    module = imported(tmp_path / "network.py")
    rows = [
        {"size": 5100.5, "colour": "red", "member": False},
        {"size": None, "colour": "pink", "member": True},
    ]
    outputs = module.network(np.stack([module.row(row) for row in rows]))
    found = champion.predict(rows)
    assert [module.OUTPUTS[place] for place in outputs.argmax(axis=1)] == found.answers.tolist()


VALUES = {
    "size": [
        5100.5,
        7,
        "7",
        " 7.5 ",
        "1,234.5",
        "-1 234",
        "1e3",
        None,
        "",
        "NA",
        "n/a",
        "NaN",
        "?",
        " None ",
        "-",
    ],
    "colour": ["red", " red ", "RED", "pink", "", None, "NA", "?", "nan", "None", 5],
    "member": ["True", "false", " TRUE", "yes", "null", None],
}


@pytest.mark.parametrize("kind", ["python", "js"])
def test_a_row_of_an_export_is_read_as_the_table_is(run, tmp_path, kind):
    champion = load_champion(run)
    usual = {"size": 1.0, "colour": "red", "member": "True"}
    rows = [usual | {name: value} for name, values in VALUES.items() for value in values]
    wanted = np.concatenate([champion.columns.codes_of([row]) for row in rows])
    wrong = [usual | {"size": value} for value in ("red", "1,23", "1_000", "inf", "0x10")]
    for row in wrong:
        with pytest.raises(ValueError, match="is not a finite number"):
            champion.columns.codes_of([row])
    path = tmp_path / ("network.py" if kind == "python" else "network.mjs")
    _write(kind, make_plan(champion, 0.5, path), path, "float64", 17)
    if kind == "python":
        module = imported(path)
        found = np.stack([module.row(row) for row in rows])
        numbers = module.row(usual | {"size": np.float32(0.1), "colour": np.nan})
        assert numbers[0] == float(np.float32(0.1))
        assert np.isnan(numbers[1])
        for row in wrong:
            with pytest.raises(ValueError, match=r"column 'size': .* is not a finite number"):
                module.row(row)
    else:
        if shutil.which("node") is None:
            pytest.skip("Node is not installed")
        code = f"""import {{ row }} from './network.mjs';
            const refused = (each) => {{ try {{ row(each); return false }} catch {{ return true }} }};
            console.log(JSON.stringify([{json.dumps(rows)}.map(row), {json.dumps(wrong)}.map(refused)]));"""
        command = ["node", "--input-type=module", "-e", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        codes, refused = json.loads(done.stdout)
        assert all(refused)
        found = np.array(codes, np.float64)  # JSON has null for NaN
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.slow
def test_the_command_writes_answers_and_says_how_good_they_are(run, frame, tmp_path, wann_command):
    new = tmp_path / "new.csv"
    frame[["kind", "member", "colour", "size"]].head(20).to_csv(new, index=False, sep=";", decimal=",")
    code, out, error = wann_command("predict", run, new)
    assert code == 0
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 20
    right = sum(row["predicted class"] == kind for row, kind in zip(rows, frame["kind"], strict=False))
    assert f"column 'kind' holds the classes: {right / 20:.1%} of 20 answers are right" in error
    assert float(rows[0]["probability of no"]) + float(rows[0]["probability of yes"]) == pytest.approx(
        1.0, abs=1e-5
    )
    code, out, _ = wann_command("predict", run, new, "--weight", "ensemble", "--out", tmp_path / "o.csv")
    assert (code, out) == (0, f"Wrote {tmp_path / 'o.csv'}: 20 rows\n")
    (tmp_path / "pole.json").write_text(champion_to_json(swingup()))
    code, _, error = wann_command("predict", tmp_path / "pole.json", new)
    assert (code, error.count("\n")) == (2, 1)
    assert "is no table of your own" in error
    (tmp_path / "wrong.csv").write_text("size,colour\n1,red\n")
    for file, message in (
        ("none.csv", "cannot read none.csv"),
        (tmp_path / "wrong.csv", "wrong.csv: has no column 'member'"),
        (new, "champion has no tuned weights"),
    ):
        code, _, error = wann_command("predict", run, file, *(["--weight", "tuned"] * (file == new)))
        assert code == 2
        assert message in error
        assert error.count("\n") == 1


def test_new_rows_are_read_with_the_decimal_mark_of_the_training(regression, frame, tmp_path, wann_command):
    champion = load_champion(regression)
    assert champion.env_kwargs["decimal"] == ","
    assert champion.env_kwargs["separator"] == ";"
    row = {"size": 4321.0, "colour": "red", "member": "True", "kind": "no"}
    wanted = float(champion.predict([row]).answers[0])
    new = tmp_path / "new.csv"
    new.write_text("size;colour;member\n4.321;red;True\n")  # with thousands; by itself it is 4.3
    assert float(wann_command("predict", regression, new)[1].splitlines()[1]) == wanted
    point = wann_command("predict", regression, new, "--decimal", ".")[1]
    assert float(point.splitlines()[1]) == champion.predict([row | {"size": 4.321}]).answers[0] != wanted
    new.write_text("size\tcolour\tmember\n4321.0\tred\tTrue\n")  # written by something else
    assert float(wann_command("predict", regression, new)[1].splitlines()[1]) == wanted


def test_answers_are_not_written_over_the_table(run, frame, tmp_path, monkeypatch, wann_command):
    monkeypatch.chdir(tmp_path)
    frame.head(5).to_csv("new.csv", index=False)
    before = Path("new.csv").read_bytes()
    for name in ("new.csv", "csv:new.csv", f"csv:{tmp_path / 'new.csv'}"):
        code, _, error = wann_command("predict", run, name, "--out", "new.csv")
        assert (code, error.count("\n")) == (2, 1)
        assert "new.csv is the table itself" in error
    assert Path("new.csv").read_bytes() == before


@pytest.mark.slow
def test_a_member_of_the_front_says_how_to_search_on_from_it(run, tmp_path, wann_command):
    moved = run.parent / "moved.csv"
    code, out, _ = wann_command("front", run, "--pick", "best", "--out", tmp_path / "m.json", "--data", moved)
    assert code == 0
    assert f"t.csv --label kind --drop id --init-from {tmp_path / 'm.json'}" in out
    assert load_champion(tmp_path / "m.json").columns == load_champion(run).columns


@pytest.mark.slow
def test_a_run_whose_table_moved_is_told_its_new_place(run, wann_command):
    code, _, error = wann_command("evaluate", run)
    assert (code, error.count("\n")) == (2, 1)
    assert "cannot read" in error
    assert "--data FILE names its new place" in error
    moved = run.parent / "moved.csv"
    code, out, _ = wann_command("evaluate", run, "--data", moved, "--json")
    assert code == 0
    assert json.loads(out)["samples"] == 40


def test_a_run_of_a_table_goes_on_and_an_older_champion_finds_its_columns_in_the_table(
    run, frame, table_back
):
    resume(run, generations=4, threads=1)
    champion = load_champion(run)
    data = json.loads(champion_to_json(champion))
    del data["columns"]
    older = champion_from_json(json.dumps(data))
    assert older.columns is None
    assert older.predict(frame).probabilities.tolist() == champion.predict(frame).probabilities.tolist()
    for change, message in (({"columns": 3}, "'columns'"), ({"columns": {}}, "'columns' at")):
        with pytest.raises(ValueError, match=message):
            champion_from_json(json.dumps(data | change))


# Numbers to predict


@pytest.fixture(scope="module")
def regression(frame, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    frame.drop(columns="kind").to_csv(folder / "t.csv", index=False, sep=";", decimal=",")
    settings = TINY | {"generations": 12}
    search(f"csv:{folder / 't.csv'}", out=folder / "run", env_kwargs={"target": "price"}, **settings)
    return folder / "run"


def test_predicted_numbers_are_in_the_units_of_the_table_and_scored_so(regression):
    champion = load_champion(regression)
    card = evaluate(champion, weights=(0.3, 0.7))
    test = champion.get_task().samples.test
    wanted = champion.columns.answers(test.targets[:, 0])
    found = [champion.predict(rows_of(champion, test.codes), w).answers for w in (0.3, 0.7)]
    for score, numbers in zip(card.per_weight, found, strict=True):
        assert score.rmse == pytest.approx(np.sqrt(np.square(numbers - wanted).mean()))
        assert score.r2 == pytest.approx(1.0 - np.square(numbers - wanted).mean() / wanted.var())
    assert card.ensemble.mae == pytest.approx(np.abs(np.mean(found, axis=0) - wanted).mean())
    assert card.spread == pytest.approx(wanted.std())
    assert card.best_shared.r2 > 0.5  # the price is nearly twice the size
    assert json.loads(json.dumps(card.to_dict()))["target"] == "price"


@pytest.mark.parametrize("kind", ["python", "json", "c", "js", "onnx", "torch"])
def test_an_export_predicts_the_numbers_of_the_table(regression, tmp_path, kind):
    champion = load_champion(regression)
    path = tmp_path / f"network{SUFFIXES[kind][0]}"
    proof = export(champion, kind, path, weight=0.7, dtype="float64" if kind == "onnx" else None)
    if not proof.verified:
        pytest.skip(proof.missing)
    by_name = rows_of(champion, proof.observations)
    np.testing.assert_allclose(proof.outputs[:, 0], champion.predict(by_name, 0.7).answers, rtol=1e-12)
    assert proof.outputs.mean() > 5000.0


@pytest.mark.slow
def test_the_commands_take_numbers_from_evaluation_to_the_page(regression, tmp_path, wann_command):
    code, out, _ = wann_command("evaluate", regression)
    assert code == 0
    for words in ("test samples of price", "R²", "best on validation", "U(0.1, 1.1)"):
        assert words in out
    for command in ("plot", "report", "draw", "prune"):
        assert wann_command(command, regression)[0] == 0, command
    code, out, _ = wann_command(
        "tune", regression, "--budget", "200", "--quiet", "--out", tmp_path / "t.json"
    )
    assert code == 0
    assert "After     R² " in out
    page = (regression / "report.html").read_text()
    assert '"R\\u00b2"' in page or "R²" in page
    for command in (["sensitivity"], ["table", "--untuned"]):
        code, _, error = wann_command(*command, regression)
        assert (code, error.count("\n")) == (2, 1)
        assert "there is no accuracy" in error


def test_the_axis_of_several_runs_names_their_score(run, regression, tmp_path, monkeypatch, wann_command):
    labels = []
    monkeypatch.setattr(group_curves, "plot_groups", lambda *_, label, **__: labels.append(label))
    monkeypatch.setattr(many_runs, "_drawn_curves", lambda _, label: labels.append(label))
    for kind, folder in (("classes", run), ("numbers", regression)):
        for seed in (1, 2):
            shutil.copytree(folder, tmp_path / f"{kind}/seed-{seed}")
        assert wann_command("plot", tmp_path / kind)[0] == 0
        many_runs.runs_data(tmp_path / kind)
    assert labels == ["log-likelihood", "log-likelihood", "− squared error", "− squared error"]
