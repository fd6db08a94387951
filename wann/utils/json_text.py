"""JSON read and written with care: only finite numbers, sizes bounded, errors that name the entry."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wann.utils.arrays import FloatArray

LARGEST_FILE = 64_000_000  # bytes; a genome at its limits takes some 60 million


def dump_json(value: Any, indent: str = "") -> str:
    """JSON with nested objects indented, and lists of lists or of objects one inner one a line."""
    if isinstance(value, dict) and value:
        inner = indent + "  "
        members = (f"{inner}{json.dumps(k)}: {dump_json(v, inner)}" for k, v in value.items())
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        inner = indent + "  "
        return "[\n" + ",\n".join(inner + json.dumps(row, allow_nan=False) for row in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)


def read_text(path: Path, what: str) -> str:
    """Text of a file that people may have been given: not larger than any of ours can be.

    Raises:
        ValueError: it cannot be read, in one line that says `what` it should be.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"{what} file {path} is larger than {LARGEST_FILE} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read {what} {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{what} file {path} is not text") from None


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
    try:
        data = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"is cut off or not JSON ({error})") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(data, dict) or data.get("format") != form:
        raise ValueError(f'is not {what}: "format" must be "{form}"')
    found = data.get("version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise ValueError(f"has no valid version, but {found!r}")
    if found > version:
        raise ValueError(f"has version {found}, newer than {version}, the newest known here: update wann")
    return data


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"holds {word}, which is not a finite number")


def _finite(word: str) -> float:
    return float(word) if math.isfinite(float(word)) else _refuse_constant(word)


def need(data: Mapping[str, Any], name: str, kind: type) -> Any:
    """Member of a table: another table, a list or a word.

    Raises:
        ValueError: it is missing or of another kind.
    """
    if not isinstance(data.get(name), kind):
        raise ValueError(f"{name!r} is missing or not a {_KINDS[kind]}")
    return data[name]


_KINDS: dict[type, str] = {dict: "table", list: "list", str: "word"}


def strings(data: Mapping[str, Any], name: str) -> list[str]:
    """Member of a table that is a list of words.

    Raises:
        ValueError: it is not.
    """
    values: list[str] = need(data, name, list)
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name!r} must be a list of names")
    return values


def numbers(data: Mapping[str, Any], name: str) -> FloatArray:
    """Member of a table that is a list of finite numbers.

    Raises:
        ValueError: it is not.
    """
    values = need(data, name, list)
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name!r} must be a list of numbers, not {value!r}")
        if abs(value) > sys.float_info.max:  # a whole number may be larger than any float
            raise ValueError(f"{name!r} holds a number too large for a float, not a finite number")
    return np.array(values, np.float64)
