"""Files read with care: people give champions, runs and tables to each other.

Only a regular file of a bounded size is read, and unpacked to a bounded size. Whatever is wrong with a file
is a ValueError of one line: the file, the place in it, what was wanted and what came, clipped.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import stat
import tomllib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from reprlib import Repr
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

LARGEST_FILE = 64_000_000  # bytes; a genome at its limits takes some 60 million
LARGEST_ARRAYS = 2_000_000_000  # bytes of a file of arrays or a user's table, also once it is unpacked
LARGEST_SETTINGS = 200_000  # bytes of a file of settings

_DEEPEST = 32  # levels of lists and tables in each other; ours have seven
_MOST_ARRAYS = 1000  # in a file
_LONGEST = 500  # characters of a reason
_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.){0,64}+"|'[^'\n]{0,64}+')"""
_LONG_NAME = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{_DEEPEST}}}")
"""A dotted name of TOML with so many parts that `tomllib`, whose time grows with their square, takes long."""
_KINDS = "biufSU"  # of arrays: truth values, numbers and words
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # others unpack without a bound on memory
_ENTRY, _END = b"PK\x01\x02", b"PK\x05\x06"  # of a zip's directory; the end is 22 bytes without a remark
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

_shown = Repr()
_shown.maxstring = _shown.maxother = 60
_shown.maxlong = 30
_LONGEST_VALUE = 100  # characters

Model = TypeVar("Model", bound="Schema")


class Schema(BaseModel):
    """Base class of a table in a file: nothing is converted, numbers are finite, other entries are let be."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


Natural = Annotated[int, Field(ge=0, lt=2**63)]
Numbers = Annotated[list[float], Field(fail_fast=True)]
Naturals = Annotated[list[Natural], Field(fail_fast=True)]
Words = Annotated[list[str], Field(fail_fast=True)]


def shown(value: Any) -> str:
    """A value as Python writes it, clipped to a readable length, without control characters."""
    try:
        text = _shown.repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def one_line(text: object) -> str:
    """A reason in one line, clipped to a readable length, without control characters."""
    words = " ".join(str(text).split())
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in words[: _LONGEST + 1])
    return plain if len(plain) <= _LONGEST else plain[:_LONGEST] + "..."


@contextmanager
def in_file(path: str | os.PathLike[str], what: str = "") -> Iterator[None]:
    """Name a file in a ValueError about its content, and bring that into one line.

    Args:
        path: the file.
        what: what it should be, such as "champion"; where it is given, it comes first.
    """
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{_named(path, what)}: {one_line(error)}") from None


def _named(path: str | os.PathLike[str], what: str) -> str:
    return f"{what.removesuffix(' file')} file {path}" if what else str(path)


# bytes


def read_bytes(path: str | os.PathLike[str], what: str = "", largest: int = LARGEST_FILE) -> bytes:
    """Content of a regular file.

    Args:
        path: the file.
        what: what it should be, for messages.
        largest: most bytes that it may have.

    Raises:
        ValueError: it is missing, cannot be read, is no regular file, or is larger.
    """
    failed = f"cannot read {what} {path}" if what else f"cannot read {path}"
    _refuse_special(path, failed)  # before it is opened, which could act on a device
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            size = os.fstat(file.fileno()).st_size
            content = (file.read(size + 1) or b"") if size <= largest else b""
            if len(content) > size:  # it grows, or is one of /proc
                content += file.read(largest + 1 - len(content)) or b""
    except OSError as error:
        raise ValueError(f"{failed}: {error.strerror or error}") from None
    except MemoryError:
        raise ValueError(f"{failed}: it needs more memory than there is") from None
    if max(size, len(content)) > largest:
        raise ValueError(f"{_named(path, what)} is larger than {largest} bytes")
    return content


def _refuse_special(path: str | os.PathLike[str], failed: str) -> None:
    """Refuse a pipe, a device, a socket; a folder is refused as it is opened."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise ValueError(f"{failed}: {error.strerror or error}") from None
    except ValueError:  # of a null byte, or half a character
        raise ValueError(f"{one_line(failed)}: no file can have that name") from None
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError(f"{failed}: it is not a regular file")


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe, which may have come meanwhile."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def gunzip(content: bytes, largest: int = LARGEST_FILE) -> bytes:
    """Content of a .gz file.

    Raises:
        ValueError: it is damaged, or unpacks to more bytes.
    """
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as file:
            unpacked = file.read(largest + 1)
    except (EOFError, zlib.error, OSError) as error:
        raise ValueError(f"is damaged ({error}): get it again") from None
    if len(unpacked) > largest:
        raise ValueError(f"unpacks to more than {largest} bytes")
    return unpacked


# text


def read_text(path: str | os.PathLike[str], what: str = "", largest: int = LARGEST_FILE) -> str:
    """Text of a regular file; arguments as for `read_bytes`.

    Raises:
        ValueError: as `read_bytes`, or it is not text in UTF-8.
    """
    content = read_bytes(path, what, largest)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{_named(path, what)} is not text in UTF-8 ({error})") from None


def load_toml(content: bytes) -> dict[str, Any]:
    """Table of a TOML file.

    Raises:
        ValueError: it is not TOML, or is nested too deeply.
    """
    try:
        text = content.decode("utf-8")
        if _LONG_NAME.search(text):
            raise ValueError(f"a name has more than {_DEEPEST} parts: it is nested too deeply")
        table: dict[str, Any] = shallow(tomllib.loads(text))
    except RecursionError:
        raise ValueError("is not TOML: it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"is not TOML: {one_line(error)}") from None
    return table


def load_json(content: bytes | str, *, finite: bool = False) -> Any:
    """Value of a JSON file.

    Args:
        content: of the file.
        finite: whether a number that is not finite is refused.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or such a number is in it.
    """
    hooks: dict[str, Any] = {"parse_constant": _refuse_constant, "parse_float": _finite} if finite else {}
    try:
        return shallow(
            json.loads(content.decode("utf-8") if isinstance(content, bytes) else content, **hooks)
        )
    except RecursionError:
        raise ValueError("is not JSON: it is nested too deeply") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"is not JSON, or cut off: {error}") from None
    except ValueError as error:
        if "limit" in str(error):
            raise ValueError("is not JSON: a number has thousands of digits") from None
        raise


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"holds {shown(word)[1:-1]}, which is not a finite number")


def _finite(word: str) -> float:
    return float(word) if math.isfinite(float(word)) else _refuse_constant(word)


def shallow(value: Any, deepest: int = _DEEPEST) -> Any:
    """A value whose lists and tables are not nested so deeply that walking through them could fail.

    Raises:
        ValueError: there are more than `deepest` in each other.
    """
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(deepest):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [child for children in inner for child in children if isinstance(child, dict | list)]
        if not level:
            return value
    raise ValueError(f"is nested too deeply: {deepest} lists and tables in each other")


def parse_json(text: str, what: str, form: str, version: int) -> dict[str, Any]:
    """Table of a JSON text whose entries `format` and `version` say what it is; every number is finite.

    Args:
        text: the JSON.
        what: what it should be, for messages.
        form: its `format`.
        version: the newest known `version`.

    Raises:
        ValueError: it is something else, or damaged, in one line.
    """
    return of_form(load_json(text, finite=True), what, form, version)


def of_form(data: Any, what: str, form: str, version: int) -> dict[str, Any]:
    """A table whose entries `format` and `version` say what it is; arguments as for `parse_json`.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(data, dict) or data.get("format") != form:
        raise ValueError(f'is not {what}: "format" must be "{form}"')
    found = data.get("version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise ValueError(f"has no valid version, but {shown(found)}")
    if found > version:
        raise ValueError(
            f"has version {shown(found)}, newer than {version}, the newest known here: update wann"
        )
    return data


# tables


def checked(schema: type[Model], data: Any, place: str = "") -> Model:
    """A table of a file in the form of its schema.

    Args:
        schema: what the table must hold.
        data: the table.
        place: where in the file it is.

    Raises:
        ValueError: it does not; with the first place that is wrong, what was wanted and what came.
    """
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise ValueError(said(error, place)) from None


def said(error: ValidationError, place: str = "") -> str:
    """The first thing that a schema finds wrong, in one line: the place, what was wanted and what came."""
    first = error.errors(include_url=False)[0]
    where = place
    for part in first["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{shown(part)[1:-1]}" if where else str(part)
    kind, limits, came = first["type"], first.get("ctx", {}), first["input"]
    if kind == "missing":
        return f"has no {where!r}"
    if kind in ("too_short", "too_long"):
        bound = (
            f"at least {limits['min_length']}" if kind == "too_short" else f"at most {limits['max_length']}"
        )
        return f"{where!r} must have {bound} entries, not {len(came)}"
    if kind == "value_error":
        return f"{where!r}: {first['msg'].removeprefix('Value error, ')}"
    wanted = _WANTED.get(kind, first["msg"].removeprefix("Input should be ")).format_map(limits)
    return (
        f"{where!r} must be {wanted}, not {shown(came)}" if where else f"must be {wanted}, not {shown(came)}"
    )


_WANTED = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "int_type": "a whole number",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_type": "a table",
    "string_type": "a word",
    "tuple_type": "a list",
}
"""What was wanted, by the kind of pydantic's errors."""


# arrays


def read_arrays(
    path: str | os.PathLike[str], what: str = "", largest: int = LARGEST_ARRAYS
) -> dict[str, np.ndarray]:
    """Arrays of an .npz file by name; arguments as for `read_bytes`.

    Raises:
        ValueError: as `read_bytes` and `load_arrays`.
    """
    content = read_bytes(path, what, largest)
    with in_file(path, what):
        return load_arrays(content, largest)


def load_arrays(content: bytes, largest: int = LARGEST_ARRAYS) -> dict[str, np.ndarray]:
    """Arrays of truth values, numbers and words in the content of an .npz file. Nothing is unpickled.

    Raises:
        ValueError: it is damaged, holds something else, or unpacks to more bytes.
    """
    try:
        return _arrays(content, largest)
    except MemoryError:
        raise ValueError("needs more memory than there is") from None
    except Exception as error:  # noqa: BLE001  damaged bytes make zipfile and NumPy raise nearly anything
        reason = str(error) or type(error).__name__
        raise ValueError(f"is not a whole .npz file of plain arrays ({one_line(reason)})") from None


def _arrays(content: bytes, largest: int) -> dict[str, np.ndarray]:
    if content.count(_ENTRY) > _MOST_ARRAYS:
        raise ValueError(f"it holds more than {_MOST_ARRAYS} files")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = archive.infolist()
        counted = int.from_bytes(content[-12:-10], "little")
        if content[-22:-18] == _END and counted != len(members):
            # zipfile takes a changed directory's word for where it ends.
            raise ValueError(f"its directory lists {len(members)} arrays, and not {counted}")
        if sum(member.file_size for member in members) > largest:
            raise ValueError(f"it unpacks to more than {largest} bytes")
        arrays: dict[str, np.ndarray] = {}
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name == member.filename or name in arrays:
                raise ValueError(f"{shown(member.filename)} is no array, or there twice")
            arrays[name] = _array(archive, member)
    return arrays


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array; the memory that it takes is what its file has."""
    name = shown(member.filename)
    if member.compress_type not in _METHODS:
        raise ValueError(f"{name} is packed by a method that is not read here")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{name} has a header of version {version}")
        shape, _, kind = _HEADERS[version](file)
        size = math.prod(shape) * kind.itemsize
        if kind.kind not in _KINDS:
            raise ValueError(f"{name} holds {kind}, and not numbers or words")
        if min(shape, default=0) < 0 or size != member.file_size - file.tell():
            raise ValueError(f"{name} tells of other sizes than it has")
    with archive.open(member) as file:  # anew: after a step back the checksum would not be looked at
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        file.read(1)  # the end, where it is
    return array


def take(arrays: Mapping[str, np.ndarray], name: str, kinds: str, shape: Sequence[int | None]) -> np.ndarray:
    """One of a file's arrays.

    Args:
        arrays: all of them.
        name: its name.
        kinds: letters of NumPy that say what it may hold.
        shape: its sizes; None where any will do.

    Raises:
        ValueError: it is missing, or holds something else.
    """
    if name not in arrays:
        raise ValueError(f"has no array {name!r}")
    array = arrays[name]
    fits = array.ndim == len(shape) and all(
        size in (None, found) for size, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in kinds:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        kind = _KIND_WORDS.get(kinds, "numbers")
        raise ValueError(
            f"array {name!r} must hold {kind} of the shape ({wanted}), not {array.dtype} of {array.shape}"
        )
    return array


_KIND_WORDS = {"b": "truth values", "iu": "whole numbers", "U": "words"}
