"""Files are read whole and within bounds, or refused in one line that says where and what is wrong."""

import gzip
import io
import json
import os
import socket
import tracemalloc
import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from pydantic import Field

from wann.utils.reading import (
    Natural,
    Numbers,
    Schema,
    Words,
    checked,
    gunzip,
    in_file,
    load_arrays,
    load_json,
    load_toml,
    one_line,
    parse_json,
    read_arrays,
    read_bytes,
    read_text,
    shown,
    take,
)

# what is read


def test_a_regular_file_is_read_also_behind_a_link(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_bytes(tmp_path / "link") == b"content"
    assert read_text(tmp_path / "file", "note") == "content"


def test_a_file_of_the_largest_size_is_read_and_a_larger_one_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bytes(path, largest=5) == b"12345"
    with pytest.raises(ValueError, match=r"^note file .*file is larger than 4 bytes$"):
        read_bytes(path, "note", largest=4)


def test_a_huge_file_is_refused_unread(tmp_path):
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(10**12)  # sparse: it takes no room
    with pytest.raises(ValueError, match="huge is larger than"):
        read_bytes(tmp_path / "huge")


def test_a_file_without_a_size_of_its_own_is_bounded_while_it_is_read():
    """Files of /proc tell of 0 bytes and have more."""
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("there is no /proc here")
    assert path.stat().st_size == 0
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        read_bytes(path, largest=10)
    assert b"Name:" in read_bytes(path)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    for name in ("pipe", "endless", "socket"):
        with pytest.raises(ValueError, match=rf"^cannot read champion .*{name}: it is not a regular file$"):
            read_bytes(tmp_path / name, "champion")
    server.close()
    with pytest.raises(ValueError, match=r"^cannot read .*folder: Is a directory$"):
        read_bytes(tmp_path / "folder")
    with pytest.raises(ValueError, match=r"^cannot read .*none: No such file or directory$"):
        read_bytes(tmp_path / "none")


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_refused(name):
    with pytest.raises(ValueError, match="no file can have that name") as caught:
        read_bytes(name)
    assert type(caught.value) is ValueError
    assert str(caught.value).isprintable()


def test_a_file_that_grows_while_it_is_read_is_bounded(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"12345")
    found = os.fstat

    def before(descriptor):
        values = list(found(descriptor))
        values[6] = 1  # its size, as it was a moment ago
        return os.stat_result(values)

    monkeypatch.setattr(os, "fstat", before)
    assert read_bytes(tmp_path / "file", largest=5) == b"12345"
    with pytest.raises(ValueError, match="larger than 4 bytes"):
        read_bytes(tmp_path / "file", largest=4)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"^note file .* is not text in UTF-8") as caught:
        read_text(tmp_path / "file", "note")
    assert type(caught.value) is ValueError


def test_a_small_file_that_unpacks_to_much_is_refused_with_little_memory():
    packed = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(ValueError, match="unpacks to more than 1000 bytes"):
        gunzip(packed, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert gunzip(gzip.compress(b"x" * 1000), 1000) == b"x" * 1000


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"x" * 999)[:-5], gzip.compress(b"x") + b"y"],
    ids=["empty", "of another kind", "cut off", "and more"],
)
def test_a_damaged_gzip_file_is_refused(content):
    if content:
        with pytest.raises(ValueError, match="is damaged"):
            gunzip(content)
    else:
        assert gunzip(content) == b""


# messages


def test_a_reason_is_one_line_of_a_readable_length_without_control_characters():
    assert one_line("two\n lines\x1b[31m\x7f") == r"two lines\x1b[31m\x7f"
    assert len(one_line("x" * 10**6)) < 600
    assert one_line("é–ß") == "é–ß"


@pytest.mark.parametrize("value", ["x" * 10**6, 10**400, [[["x" * 1000] * 1000] * 1000], {"a" * 1000: 1}])
def test_a_value_is_clipped(value):
    assert len(shown(value)) < 400


def test_a_value_has_no_control_characters():
    assert shown("\x1b[31m\n\ud800") == r"'\x1b[31m\n\ud800'"


def test_an_error_names_the_file(tmp_path):
    with pytest.raises(ValueError, match=r"^champion file /a/b: is wrong$"), in_file("/a/b", "champion"):
        raise ValueError("is wrong")
    with pytest.raises(ValueError, match=r"^/a/b: is wrong$"), in_file(Path("/a/b")):
        raise ValueError("is\nwrong")


# trees


def nested(levels):
    return "[" * levels + "]" * levels


def test_json_and_toml_are_read_as_they_are():
    assert load_json('{"a": [1, 2.5, NaN]}', finite=False)["a"][:2] == [1, 2.5]
    assert load_json(b"[]") == []
    assert load_toml("a.b = [1, [2]]  # é".encode()) == {"a": {"b": [1, [2]]}}
    assert load_json(nested(30)) is not None


@pytest.mark.parametrize("levels", [33, 500, 990, 5000, 200_000])
def test_what_is_nested_too_deeply_is_refused(levels):
    with pytest.raises(ValueError, match="nested too deeply") as caught:
        load_json(nested(levels))
    assert type(caught.value) is ValueError
    with pytest.raises(ValueError, match="nested too deeply"):
        load_toml(f"a = {nested(levels)}".encode())
    with pytest.raises(ValueError, match="nested too deeply"):
        load_toml((".".join("a" * 33) + " = 1").encode())
    assert load_toml((".".join("a" * 20) + " = 1").encode())


@pytest.mark.parametrize("part", ["a", "a-b ", '"!"', r'"\""', "'.'", " é"])
def test_a_name_of_thousands_of_parts_is_refused_at_once(part):
    with pytest.raises(ValueError, match="more than 32 parts"):
        load_toml((".".join([part] * 20_000) + " = 1").encode())
    with pytest.raises(ValueError, match="more than 32 parts"):
        load_toml(f"[{'.'.join([part] * 20_000)}]".encode())


@pytest.mark.parametrize("text", ["", "{", "nul", "[1,]", '"\n"', "{} {}", b"\xff", "[" + "9" * 5000 + "]"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match="is not JSON") as caught:
        load_json(text)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("text", [b"a = ", b"a = 1\na = 2", b"\xff", b"a = " + b"9" * 5000, b'a = "\x1b"'])
def test_what_is_no_toml_is_refused(text):
    with pytest.raises(ValueError, match="is not TOML") as caught:
        load_toml(text)
    assert type(caught.value) is ValueError
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused_where_it_may_not_be(number):
    load_json(number)
    with pytest.raises(ValueError, match="not a finite number"):
        load_json(number, finite=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "is not a toy"),
        ({"format": "other", "version": 1}, 'is not a toy: "format" must be "toy"'),
        ({"format": "toy"}, "has no valid version, but None"),
        ({"format": "toy", "version": True}, "has no valid version, but True"),
        ({"format": "toy", "version": 3}, "has version 3, newer than 2, the newest known here: update wann"),
    ],
)
def test_what_a_file_says_it_is_is_looked_at_first(data, message):
    with pytest.raises(ValueError, match=message):
        parse_json(json.dumps(data), "a toy", "toy", 2)


class Inner(Schema):
    mean: float
    names: Words = Field(default_factory=list)


class Outer(Schema):
    count: Natural
    on: bool = False
    inner: list[Inner] = Field(default_factory=list)
    values: Annotated[Numbers, Field(min_length=1, max_length=3)] | None = None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "has no 'count'"),
        ({"count": -1}, "'count' must be at least 0, not -1"),
        ({"count": 1.0}, "'count' must be a whole number, not 1.0"),
        ({"count": True}, "'count' must be a whole number, not True"),
        ({"count": 2**63}, "'count' must be below 9223372036854775808, not 9223372036854775808"),
        ({"count": 1, "on": 1}, "'on' must be true or false, not 1"),
        ({"count": 1, "inner": {}}, "'inner' must be a list, not {}"),
        ({"count": 1, "inner": [3]}, "'inner[0]' must be a table, not 3"),
        ({"count": 1, "inner": [{"mean": "x" * 999}]}, "'inner[0].mean' must be a number, not 'x"),
        ({"count": 1, "inner": [{"mean": 1, "names": [5]}]}, "'inner[0].names[0]' must be a word, not 5"),
        ({"count": 1, "values": []}, "'values' must have at least 1 entries, not 0"),
        ({"count": 1, "values": [1.0] * 4}, "'values' must have at most 3 entries, not 4"),
        ({"count": 1, "values": [float("inf")]}, "'values[0]' must be a finite number, not inf"),
        ({"count": 1, "values": [10**400]}, "'values[0]' must be a number, not 1000"),
        ({"count": 1, "values": [True]}, "'values[0]' must be a number, not True"),
        ([], "must be a table, not []"),
    ],
)
def test_a_table_is_refused_with_the_place_what_was_wanted_and_what_came(data, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        checked(Outer, data)
    assert type(caught.value) is ValueError
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 200


def test_a_table_s_place_in_its_file_is_named():
    with pytest.raises(ValueError, match=r"has no 'members\[2\]\.mean'"):
        checked(Inner, {}, "members[2]")


def test_other_entries_of_a_table_are_let_be():
    assert checked(Outer, {"count": 3, "later": [1]}).count == 3


def test_a_million_mistakes_cost_no_more_than_one():
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"'names\[0\]' must be a word, not 0"):
        checked(Inner, {"mean": 1.0, "names": [0] * 1_000_000})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


# arrays


def packed(method=zipfile.ZIP_STORED, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            if isinstance(content, np.ndarray):
                inner = io.BytesIO()
                np.save(inner, content, allow_pickle=True)
                content = inner.getvalue()
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def header(shape, kind="'<f8'"):
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


ARRAYS = {
    "whole": np.arange(6, dtype=np.int32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "words": np.array(["a", "ß"]),
    "true": np.array([True, False]),
    "none": np.zeros((0, 4)),
    "single": np.array(2.5),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_bit_for_bit_and_can_be_changed(save, tmp_path):
    save(tmp_path / "a.npz", **ARRAYS)
    found = read_arrays(tmp_path / "a.npz")
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
        assert found[name].flags.writeable


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"x" * 5000,
        header("(2,)") + bytes(16),
        packed(a=b"no array"),
        packed(a=header("(1000000000000,)") + bytes(16)),
        packed(a=header("(-1,)") + bytes(16)),
        packed(a=header("(10000000000, 0)") + bytes(16)),
        packed(a=header("(" + "9" * 50 + ",)") + bytes(16)),
        packed(a=header("(2,)", "'<U1000000'") + bytes(16)),
        packed(a=header("(2,)", "5") + bytes(16)),
        packed(a=header("(2,)", "'|V8'") + bytes(16)),
        packed(a=header("(1,)*9") + bytes(16)),
        packed(a=header("(2,)") + bytes(15)),
        packed(a=header("(2,)") + bytes(17)),
        packed(a=np.array([{}], object)),
        packed(a=np.zeros(3, "M8[s]")),
        packed(a=np.zeros(3, complex)),
        packed(zipfile.ZIP_BZIP2, a=np.zeros(3)),
        packed(zipfile.ZIP_LZMA, a=np.zeros(3)),
        packed(a=np.zeros(3))[:-30],
    ],
)
def test_what_is_no_whole_file_of_plain_arrays_is_refused(content):
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"is not a whole \.npz file of plain arrays \(") as caught:
        load_arrays(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert type(caught.value) is ValueError
    assert str(caught.value).isprintable()
    assert peak < 5_000_000


@pytest.mark.parametrize("flag", [1, 99])
def test_an_encrypted_or_oddly_packed_file_is_refused(flag):
    content = bytearray(packed(a=np.zeros(3)))
    at = content.index(b"PK\x01\x02")
    content[at + (8 if flag == 1 else 10)] = flag
    content[6 if flag == 1 else 8] = flag
    with pytest.raises(ValueError, match=r"is not a whole \.npz file"):
        load_arrays(bytes(content))


def test_a_file_that_unpacks_to_much_is_refused_with_little_memory():
    content = packed(zipfile.ZIP_DEFLATED, a=np.zeros(10_000_000), b=np.zeros(3))
    assert len(content) < 200_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="unpacks to more than 1000000 bytes"):
        load_arrays(content, 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_every_changed_byte_of_an_array_is_noticed():
    content = packed(a=np.arange(50.0))
    first = content.index(b"\x93NUMPY")
    for at in range(first, content.index(b"PK\x01\x02"), 7):
        changed = bytearray(content)
        changed[at] ^= 1
        with pytest.raises(ValueError, match=r"is not a whole \.npz file"):
            load_arrays(bytes(changed))


def test_thousands_of_members_are_refused():
    with pytest.raises(ValueError, match="more than 1000 files"):
        load_arrays(packed(**{f"a{k}": b"" for k in range(1001)}))


def test_an_array_of_another_kind_or_shape_is_refused():
    assert take(ARRAYS, "whole", "iu", (2, None)) is ARRAYS["whole"]
    with pytest.raises(ValueError, match=r"^has no array 'other'$"):
        take(ARRAYS, "other", "f", ())
    for name, kinds, shape in (("whole", "f", (2, 3)), ("whole", "i", (3,)), ("single", "f", (1,))):
        with pytest.raises(
            ValueError, match=rf"^array '{name}' must hold .* of the shape \(.*\), not .* of "
        ):
            take(ARRAYS, name, kinds, shape)
