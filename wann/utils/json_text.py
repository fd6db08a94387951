"""JSON written to be read by people."""

from __future__ import annotations

import json
from typing import Any


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
