"""A user's own table: what is read of it, how its columns are understood, and what is refused in one line."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from wann.tasks.columns import Column, columns_from_dict, encode
from wann.tasks.data_sets import NAMED
from wann.tasks.mnist import FOLDER_VARIABLE
from wann.tasks.registry import get_task
from wann.tasks.table_file import TableOptions, table_of
from wann.tasks.tables import is_table, load_table

pandas = pytest.importorskip("pandas")


@pytest.fixture(autouse=True)
def _nothing_told(monkeypatch):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)


IRIS = "width, length, kind\n" + "".join(
    f"{k % 5},{k * k},{kind}\n" for kind in ("b", "a") for k in range(12)
)


def written(tmp_path, text: str) -> str:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return f"csv:{path}"


def test_a_csv_file_is_scaled_by_its_training_part(tmp_path):
    data = load_table(written(tmp_path, IRIS), "kind")
    assert data.inputs == ("width", "length")
    assert data.classes == ("a", "b")
    assert [part.labels.size for part in (data.train, data.validation, data.test)] == [12, 4, 8]
    np.testing.assert_allclose(data.train.inputs().mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(data.train.inputs().std(axis=0), 1.0, atol=1e-12)


def test_the_column_of_the_classes_may_stand_anywhere_and_numbers_sort_by_value(tmp_path):
    rows = "".join(f"{label},{k}\n" for label in (10, 9, 2) for k in range(5))
    data = load_table(written(tmp_path, f"class,x\n{rows}"), "class")
    assert data.classes == ("2", "9", "10")
    assert data.inputs == ("x",)


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        (IRIS, "kinds", "has no column 'kinds' for --label; did you mean 'kind'"),
        (IRIS, None, "--label 'kind'"),
        ("x,y\n" + "1,a\n" * 9, "y", "one class only, 'a'"),
        (
            "x,y\n" + "1,a\n" * 9 + "inf,b\n" + "2,b\n3,b\n" * 9,
            "y",
            "column 'x', row 10: 'inf' is not a finite number",
        ),
        ("x,y\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(99)) + "red,b\n", "y", "--drop 'x'"),
        (
            "x,y\n" + "".join(f"w{k},{'ab'[k % 2]}\n" for k in range(99)),
            "y",
            "holds 99 different words in 99",
        ),
        ("x,y\n1,a\n2\n", "y", "line 3 has 1 values for 2 columns"),
        ("x,y\n1,a\n2,\n", "y", "row 2: the class is missing"),
        ("x,y\n" + "1,a\n" * 9 + "2,b\n", "y", "class 'b' has 1 row: each class needs at least 3"),
        ("x,x,y\n1,2,a\n", "y", "two columns named 'x'"),
        ("y\na\nb\n", "y", "no columns to learn from besides 'y'"),
        ("n,y\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(20)), "y", "no columns to learn from"),
        ("x,y\n", "y", "holds no rows"),
        ("", "y", "holds no rows"),
        ("\n\n\n", "y", "holds no rows"),
        ("x,y\n" + "1e308,a\n-1e308,b\n" * 9, "y", "too far apart to be scaled"),
        ("x,\x1b[31m\n1,2\n", "y", r"choose from \\x1b\[31m, x$"),
    ],
)
def test_a_wrong_csv_file_is_refused_in_one_line(tmp_path, text, label, message):
    name = written(tmp_path, text)
    with pytest.raises(ValueError, match=message) as caught:
        load_table(name, label)
    assert "\n" not in str(caught.value)
    assert "table.csv" in str(caught.value)


def test_a_file_that_is_missing_or_not_text_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read .*none\.csv: No such file"):
        load_table(f"csv:{tmp_path / 'none.csv'}", "y")
    (tmp_path / "binary.csv").write_bytes(b"x,y\n\xff\x00\xfe,1\n")
    with pytest.raises(ValueError, match="not text in UTF-8 or Windows-1252: name its --encoding"):
        load_table(f"csv:{tmp_path / 'binary.csv'}", "y")


IMAGES = np.random.default_rng(2).integers(256, size=(30, 3, 4)).astype(np.uint8)
LABELS = np.arange(30) % 3


def saved(tmp_path, **arrays) -> str:
    path = tmp_path / "table.npz"
    np.savez(path, **arrays)
    return str(path)


def test_an_npz_file_may_hold_images_and_bring_its_own_test_part(tmp_path):
    data = load_table(saved(tmp_path, x=IMAGES, y=LABELS))
    assert data.shape == (3, 4)
    assert data.inputs[5] == "row 1 column 1"
    assert data.test.inputs().max() <= 1.0
    own = load_table(
        saved(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:5] // 2, y_test=LABELS[:5])
    )
    assert own.train.labels.size + own.validation.labels.size == 30
    assert (own.test.inputs() * 255.0).round().astype(int).reshape(5, 3, 4).tolist() == (
        IMAGES[:5] // 2
    ).tolist()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": IMAGES}, "must hold the arrays x and y"),
        ({"x": IMAGES, "y": LABELS[:7]}, "a class for each of the 30 rows"),
        ({"x": IMAGES, "y": LABELS * 0}, "one class only"),
        ({"x": LABELS, "y": LABELS}, r"must have the shape \(rows, features\)"),
        ({"x": np.array([["a"]] * 30), "y": LABELS}, "must hold numbers"),
        ({"x": np.full((30, 2), np.nan), "y": LABELS}, r"x\[0, 0\] holds a value that is not"),
        ({"x": np.ones((30, 2)), "y": np.where(LABELS == 1, np.nan, 0.0)}, "not a number"),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:, :2], "y_test": LABELS},
            "of one size: 2 x 4 pixels in test, 3 x 4 pixels",
        ),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS + 1},
            "class '3' is in the test part but absent from training",
        ),
        ({"x": np.array([[None]] * 30), "y": LABELS}, "plain arrays"),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS + 0.5},
            "class '0.5' is in the test part but absent from training",
        ),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS.astype("U")},
            "of one kind",
        ),
    ],
)
def test_a_wrong_npz_file_is_refused_in_one_line(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message) as caught:
        load_table(saved(tmp_path, **arrays))
    assert "\n" not in str(caught.value)


def test_a_damaged_npz_file_and_a_label_for_one_are_refused(tmp_path):
    name = saved(tmp_path, x=IMAGES, y=LABELS)
    with pytest.raises(ValueError, match="--label names a column of a CSV file"):
        load_table(name, "y")
    Path(name).write_bytes(Path(name).read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"not a whole \.npz file"):
        load_table(name)


def test_names_of_tables_are_told_from_names_of_environments():
    assert is_table("csv:a.csv")
    assert is_table("folder/a.npz")
    assert not is_table("module:Name-v0")
    assert not any(map(is_table, NAMED))


# Tables as they come

CLASSES = ("ja, klar", 'nein: "nie"')


def mixed(rows: int = 60) -> "pandas.DataFrame":
    """Numbers, words and truth values, with gaps; what to say depends on two of them."""
    rng = np.random.default_rng(3)
    size, colour = rng.normal(5.0, 2.0, rows).round(3), rng.choice(["blau", "grün", "rot"], rows)
    known = np.arange(rows) % 7 != 0
    return pandas.DataFrame(
        {
            "size": np.where(known, size, np.nan),
            "colour": np.where(np.arange(rows) % 11 != 0, colour, None),
            "member": rng.random(rows) < 0.5,
            "kind": np.where((size > 5.0) ^ (colour == "rot"), *CLASSES),
        }
    )


def parts_of(data):
    return [getattr(data, name) for name in ("train", "validation", "test")]


def alike(one, other) -> bool:
    return one.inputs == other.inputs and all(
        a.inputs().tobytes() == b.inputs().tobytes() and a.labels.tolist() == b.labels.tolist()
        for a, b in zip(parts_of(one), parts_of(other), strict=True)
    )


def test_words_become_inputs_and_missing_values_are_filled_and_said(tmp_path):
    mixed().to_csv(tmp_path / "t.csv", index=False)
    data = load_table(f"csv:{tmp_path / 't.csv'}", "kind")
    assert data.inputs == (
        *("size", "size missing", "colour = blau", "colour = grün", "colour = rot", "colour missing"),
        "member = True",
    )
    assert data.classes == CLASSES
    size, _, member = data.columns.columns
    assert (size.words, size.missing, member.missing) == (None, True, False)
    known = data.train.codes[:, 0]
    assert size.fill == pytest.approx(known[~np.isnan(known)].mean())
    # Filled with the mean of the others, which the mean of all then is.
    filled = data.train.inputs()[np.isnan(known)]
    np.testing.assert_allclose(filled[:, 0], 0.0, atol=1e-12)
    assert (filled[:, 1] > 0.0).all()
    np.testing.assert_allclose(data.train.inputs().mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(data.train.inputs().std(axis=0), 1.0, atol=1e-12)


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separator_decimal_mark_and_encoding_are_found_out(tmp_path, separator, decimal, encoding):
    if separator == decimal:
        pytest.skip("numbers would have to be quoted")
    frame = mixed()
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame.to_csv(tmp_path / "t.csv", index=False, sep=separator, decimal=decimal, encoding=encoding)
    found = load_table(f"csv:{tmp_path / 't.csv'}", "kind")
    assert alike(found, load_table(f"csv:{tmp_path / 'plain.csv'}", "kind"))


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("t.csv", content)
    return file.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zipped])
def test_packed_tables_are_unpacked_whatever_they_are_called(tmp_path, pack):
    content = mixed().to_csv(index=False).encode()
    (tmp_path / "plain.csv").write_bytes(content)
    (tmp_path / "packed.csv").write_bytes(pack(content))
    plain, packed = (load_table(f"csv:{tmp_path / name}", "kind") for name in ("plain.csv", "packed.csv"))
    assert alike(plain, packed)
    (tmp_path / "packed.csv").write_bytes(pack(content)[:-40])
    with pytest.raises(ValueError, match="is packed and damaged"):
        load_table(f"csv:{tmp_path / 'packed.csv'}", "kind")


def test_a_parquet_file_is_the_same_table(tmp_path):
    pytest.importorskip("pyarrow")
    mixed().to_csv(tmp_path / "plain.csv", index=False)
    mixed().to_parquet(tmp_path / "t.parquet")
    found = get_task(str(tmp_path / "t.parquet"), {"label": "kind"}).samples
    assert alike(found, load_table(f"csv:{tmp_path / 'plain.csv'}", "kind"))
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match="is not a whole Parquet file"):
        load_table(str(tmp_path / "t.parquet"), "kind")


def test_numbers_may_have_thousands_and_labels_stay_as_they_are_written(tmp_path):
    rows = "".join(
        f'"{1000 + k:,}.50",{k % 3},{label}\n' for k in range(30) for label in ["01", "1", "1.0"][k % 3 :][:1]
    )
    data = load_table(written(tmp_path, f"pay,x,kind\n{rows}"), "kind")
    assert sorted(data.classes) == ["01", "1", "1.0"]
    assert sorted(data.train.codes[:, 0]) == sorted(set(data.train.codes[:, 0]))
    assert data.train.codes[:, 0].min() >= 1000.5


def test_columns_that_say_nothing_are_left_out_and_named_and_a_run_keeps_which(tmp_path):
    frame = mixed()
    frame.insert(0, "Unnamed: 0", range(60))
    frame["nothing"] = ""
    frame.to_csv(tmp_path / "t.csv", index=False)
    name = f"csv:{tmp_path / 't.csv'}"
    task = get_task(name, {"label": "kind"})
    assert task.env_kwargs["drop"] == ["Unnamed: 0", "nothing"]
    assert [note.partition(":")[0] for note in task.samples.notes][-1].startswith("column")
    assert "column 'Unnamed: 0' numbers the rows" in " ".join(task.samples.notes)
    assert alike(get_task(name, task.env_kwargs).samples, task.samples)
    # A run of before did not leave them out, and named none.
    before = {"label": "kind", "sha256": task.env_kwargs["sha256"]}
    assert get_task(name, before).samples.columns.names == (
        "Unnamed: 0",
        "size",
        "colour",
        "member",
        "nothing",
    )
    named = get_task(name, {"label": "kind", "columns": ["Unnamed: 0", "size"]})
    assert named.inputs == ("Unnamed: 0", "size", "size missing")


def test_columns_are_chosen_by_name(tmp_path):
    mixed().to_csv(tmp_path / "t.csv", index=False)
    name = f"csv:{tmp_path / 't.csv'}"
    assert get_task(name, {"label": "kind", "columns": ["size,member"]}).samples.columns.names == (
        "size",
        "member",
    )
    assert get_task(name, {"label": "kind", "drop": ["size", "member"]}).samples.columns.names == ("colour",)
    for word in ("drop", "columns"):
        with pytest.raises(ValueError, match=f"has no column 'sice' for --{word}; did you mean 'size'"):
            get_task(name, {"label": "kind", word: ["sice"]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": "kind", "decimal": "x"}, "argument 'decimal' of a table"),
        ({"label": "kind", "encoding": "none"}, "is not text in the encoding 'none'"),
        ({"label": "kind", "target": "size"}, "--label and --target exclude each other"),
        ({"label": "kind", "colour": 1}, "takes no argument 'colour'"),
        ({"target": "kind"}, "the number to be predicted is 'ja, klar'"),
        ({"target": "size"}, "row 1: the number to be predicted is missing"),
    ],
)
def test_wrong_arguments_of_a_table_are_named(tmp_path, arguments, message):
    mixed().to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match=message):
        get_task(f"csv:{tmp_path / 't.csv'}", arguments)


def test_a_moved_table_is_found_by_its_new_place_if_it_is_the_same(tmp_path, monkeypatch):
    (tmp_path / "new").mkdir()
    mixed().to_csv(tmp_path / "t.csv", index=False)
    name = f"csv:{tmp_path / 't.csv'}"
    task = get_task(name, {"label": "kind"})
    (tmp_path / "t.csv").rename(tmp_path / "new" / "t.csv")
    for place in (tmp_path / "new", tmp_path / "new" / "t.csv"):
        monkeypatch.setenv(FOLDER_VARIABLE, str(place))
        assert alike(get_task(name, task.env_kwargs).samples, task.samples)
    mixed(61).to_csv(tmp_path / "new" / "t.csv", index=False)
    with pytest.raises(ValueError, match="is not the file that it was"):
        get_task(name, task.env_kwargs)


def test_columns_survive_their_json_and_wrong_ones_are_refused(tmp_path):
    mixed().to_csv(tmp_path / "t.csv", index=False)
    columns = load_table(f"csv:{tmp_path / 't.csv'}", "kind").columns
    data = json.loads(json.dumps(columns.to_dict()))
    assert columns_from_dict(data, 7) == columns
    for change, message in (
        ({"mean": [0.0]}, "must have 7 numbers"),
        ({"scale": [0.0] * 7}, "above 0"),
        ({"columns": []}, "'columns' at columns"),
        ({"more": 1}, "'columns' at more"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            columns_from_dict(data | change, 7)
        assert "\n" not in str(caught.value)


def test_new_rows_are_treated_as_the_old_ones_and_what_is_new_is_named(tmp_path):
    frame = mixed()
    frame.to_csv(tmp_path / "t.csv", index=False)
    data = load_table(f"csv:{tmp_path / 't.csv'}", "kind")
    codes = data.columns.codes_of(frame)
    again = data.columns.codes_of(frame[["kind", "member", "colour", "size"]].to_dict("records"))
    assert codes.tobytes() == again.tobytes()
    known = {row.tobytes() for part in parts_of(data) for row in part.inputs()}
    assert {row.tobytes() for row in data.columns.inputs(codes)} == known
    new = pandas.DataFrame({"size": [1.0], "colour": ["lila"], "member": [None]})
    strangers = data.columns.strangers(table_of(new))
    assert "column 'colour' hold words that the training did not, such as 'lila'" in strangers[0]
    assert "1 value of column 'member' missing" in strangers[1]
    with pytest.raises(ValueError, match="has no column 'size'"):
        data.columns.codes_of(frame.drop(columns="size"))
    with pytest.raises(ValueError, match="column 'size', row 1: 'big' is not a finite number"):
        data.columns.codes_of({"size": ["big"], "colour": ["rot"], "member": [True]})


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (pandas.array([1, None, 3], "Int64"), [1.0, np.nan, 3.0]),
        (pandas.array([1.5, None, 3.0], "Float64"), [1.5, np.nan, 3.0]),
        ([Decimal("1.5"), None, 2], [1.5, np.nan, 2.0]),
        (pandas.Categorical(["a", None, "b"]), ["a", "", "b"]),
        (pandas.array([True, None, False], "boolean"), ["True", "", "False"]),
        ([b"a", None, "b "], ["a", "", "b"]),
        (np.array([1, 2, 3], np.uint8), [1.0, 2.0, 3.0]),
    ],
)
def test_a_column_of_a_frame_is_numbers_or_words_whatever_its_type(values, wanted):
    (column,) = table_of(pandas.DataFrame({"x": values})).columns
    np.testing.assert_array_equal(column, wanted)


# Numbers to predict


def test_classes_of_which_one_is_rare_do_not_become_numbers_to_predict(tmp_path):
    stars = [1.0, 2.0, 3.5, 4.0] * 6 + [4.5]
    name = written(tmp_path, "x,stars\n" + "".join(f"{k % 7},{star}\n" for k, star in enumerate(stars)))
    with pytest.raises(ValueError, match=r"4\.5"):
        load_table(name, "stars")


def test_a_column_of_numbers_is_a_target_scaled_by_its_training_part(tmp_path):
    frame = mixed()
    frame["price"] = frame["size"].fillna(5.0) * 3.0 + 100.0
    frame.to_csv(tmp_path / "t.csv", index=False)
    name = f"csv:{tmp_path / 't.csv'}"
    task = get_task(name, {"target": "price", "drop": ["kind"]})
    assert task.outputs == ("price",)
    train = task.samples.train
    np.testing.assert_allclose([train.targets.mean(), train.targets.std()], [0.0, 1.0], atol=1e-12)
    target = task.samples.columns.target
    assert task.samples.columns.answers(train.targets).min() == pytest.approx(
        train.targets.min() * target.scale + target.mean
    )
    # A label whose numbers cannot be classes is a target, and a run keeps that.
    again = get_task(name, {"label": "price", "drop": ["kind"]})
    assert again.env_kwargs["target"] == "price"
    assert "label" not in again.env_kwargs
    assert again.samples.train.targets.tobytes() == train.targets.tobytes()


# Arrays as libraries save them


@pytest.mark.parametrize(
    "change",
    [
        lambda x, y: {"x": x, "y": y[:, None]},
        lambda x, y: {"x": x, "y": np.eye(3)[y]},
        lambda x, y: {"x": x[..., None], "y": y},
        lambda x, y: {"x": x[:, None], "y": y},
        lambda x, y: {"images": x, "labels": y},
        lambda x, y: {"data": x, "target": y},
        lambda x, y: {"X": x, "Y": y.astype(str).astype("S3")},
    ],
)
def test_arrays_may_have_the_shapes_and_names_that_libraries_give_them(tmp_path, change):
    plain = load_table(saved(tmp_path, x=IMAGES, y=LABELS))
    found = load_table(saved(tmp_path, **change(IMAGES, LABELS)))
    assert found.classes == plain.classes
    assert alike(found, plain)


def test_a_part_for_validation_is_used_as_such(tmp_path):
    parts = {"train": slice(0, 18), "val": slice(18, 24), "test": slice(24, 30)}
    arrays = {f"{part}_images": IMAGES[rows] for part, rows in parts.items()}
    arrays |= {f"{part}_labels": LABELS[rows][:, None] for part, rows in parts.items()}
    data = load_table(saved(tmp_path, **arrays))
    assert [part.labels.size for part in parts_of(data)] == [18, 6, 6]
    assert data.validation.labels.tolist() == LABELS[18:24].tolist()
    own = {"x_train": IMAGES[:24], "y_train": LABELS[:24], "x_val": IMAGES[24:], "y_val": LABELS[24:]}
    data = load_table(saved(tmp_path, **own))
    assert [part.labels.size for part in parts_of(data)] == [15, 6, 9]
    with pytest.raises(ValueError, match="holds x_val but no y_val"):
        load_table(saved(tmp_path, x_train=IMAGES, y_train=LABELS, x_val=IMAGES))


def test_colour_images_and_one_hot_rows_of_two_classes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must hold grey images.*x\.mean\(axis=3\)"):
        load_table(saved(tmp_path, x=np.zeros((30, 4, 4, 3)), y=LABELS))
    with pytest.raises(ValueError, match="y must hold a class for each of the 30 rows"):
        load_table(saved(tmp_path, x=IMAGES, y=np.ones((30, 3))))


def test_an_array_of_numbers_to_predict_is_a_target(tmp_path):
    name = saved(tmp_path, x=IMAGES.reshape(30, -1), y=np.linspace(0.1, 3.0, 30))
    task = get_task(name)
    assert task.env_kwargs["target"] == "y"
    assert task.samples.columns.target.name == "y"
    with pytest.raises(ValueError, match="has no array 'z' for --target"):
        load_table(name, options=TableOptions(target="z"))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sep=;\nx;y\n", 1.5),  # as spreadsheets write it
        ("x;y\n", 1.5),
        ("x;y;\n", 1.5),  # a separator behind the last column
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path, text, first):
    end = ";" * text.endswith(";\n")
    rows = "".join(f"{1 + k},500;{'ab'[k % 2]}{end}\n" for k in range(20))
    data = load_table(written(tmp_path, text + rows), "y")
    assert data.columns.names == ("x",)
    found = np.concatenate([part.codes[:, 0] for part in parts_of(data)])
    assert sorted(found) == [first + k for k in range(20)]


@pytest.mark.parametrize(
    ("separator", "word", "number"),
    [
        (";", "0,125", 0.125),
        (";", "12,345", 12.345),
        (";", "1.234,5", 1234.5),
        ("\t", "12,345", 12345.0),
        (",", '"12,345"', 12345.0),
        (";", "12.345", 12.345),
        ("|", "1 234", 1234.0),
        (",", "1'234.5", 1234.5),
    ],
)
def test_a_number_is_what_its_marks_say(tmp_path, separator, word, number):
    rows = "".join(f"{word}{separator}{k % 4}{separator}{'ab'[k % 2]}\n" for k in range(20))
    data = load_table(written(tmp_path, separator.join("xzy") + "\n" + rows), "y")
    assert set(data.train.codes[:, 0]) == {number}


@pytest.mark.parametrize("start", ["\n", "\r\n\n", "\ufeff\n"])
def test_empty_lines_before_the_names_are_skipped(tmp_path, start):
    data = load_table(written(tmp_path, start + IRIS), "kind")
    assert data.inputs == ("width", "length")
    with pytest.raises(ValueError, match="--label 'kind'"):
        load_table(written(tmp_path, start + IRIS))


def test_a_long_first_line_costs_no_memory(tmp_path):
    text = ",".join(f"x{k}" for k in range(40_000)) + "\n" + "1\n" * 40_000
    with pytest.raises(ValueError, match="line 2 has 1 values for 40000 columns"):
        load_table(written(tmp_path, text), "x0")


@pytest.mark.parametrize(
    ("train", "test"),
    [(int, float), (float, int), (np.uint64, np.int8), (np.int64, np.float32), ("U1", "U9"), (int, bool)],
)
def test_the_parts_of_an_npz_file_may_hold_their_classes_in_other_types(tmp_path, train, test):
    labels = LABELS % 2
    arrays = {
        "x_train": IMAGES,
        "y_train": labels.astype(train),
        "x_test": IMAGES,
        "y_test": labels.astype(test),
    }
    data = load_table(saved(tmp_path, **arrays))
    assert data.classes == (("0.0", "1.0") if train is float else ("0", "1"))
    assert data.test.labels.tolist() == labels.tolist()


def test_codes_of_many_digits_are_words_as_they_were():
    column = Column(name="code", words=("1.25", "1234567", "7654321"))
    given = np.array([1234567.0, 7654321.0, 1.25, np.nan, 1234568.0])
    np.testing.assert_array_equal(encode(column, given, "."), [1.0, 2.0, 0.0, np.nan, -1.0])


def test_an_infinite_class_is_refused_in_one_line(tmp_path):
    pytest.importorskip("pyarrow")
    labels = np.repeat([1.0, 2.0], 6)
    labels[7] = np.inf
    pandas.DataFrame({"x": np.arange(12.0) ** 2, "kind": labels}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(
        ValueError, match=r"t\.parquet: row 8: the class is inf, which is not a finite number"
    ):
        load_table(str(tmp_path / "t.parquet"), "kind")


def test_rows_for_a_champion_of_arrays_may_have_gaps_and_truth_values(tmp_path):
    x = np.arange(60.0).reshape(20, 3) ** 2
    y = np.arange(20) % 2
    data = load_table(saved(tmp_path, x=x, y=y))
    inputs = data.columns.inputs(data.columns.codes_of(np.array([[np.nan, 1.0, 4.0]])))
    assert data.columns.columns[0].fill == data.columns.mean[0] > 0.0
    assert inputs[0, 0] == 0.0  # the mean of the training rows
    truth = x % 2 == 0
    of_truth = load_table(saved(tmp_path, x=truth, y=y)).columns
    assert of_truth.codes_of(truth).tolist() == truth.astype(float).tolist()


@pytest.mark.parametrize("kind", ["date", "span", "date of an array"])
def test_dates_of_a_parquet_file_are_refused_as_those_of_a_csv_file_are(tmp_path, kind):
    pytest.importorskip("pyarrow")
    frame = mixed()
    days = np.datetime64("2020-01-01", "ns") + np.arange(60) * np.timedelta64(86_400, "s")
    days[3] = np.datetime64("NaT")
    frame["when"] = days - days[0] if kind == "span" else days
    raw = table_of({"when": days} if kind == "date of an array" else frame).column("when")
    assert raw[3] == ""
    assert raw[1].startswith("1 day" if kind == "span" else "2020-01-02")
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    for name in (str(tmp_path / "t.parquet"), f"csv:{tmp_path / 't.csv'}"):
        with pytest.raises(ValueError, match=r"column 'when' holds 59 different words .* --drop 'when'"):
            load_table(name, "kind")
        data = get_task(name, {"label": "kind", "drop": ["when"]}).samples
        assert data.columns.names == ("size", "colour", "member")
