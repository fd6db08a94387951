"""Exports that are source code: Python, PyTorch, C and JavaScript, written from templates."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wann.formats.export_plan import ExportPlan
from wann.kernels.activations import ACTIVATIONS

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"
"""Templates; `activations.js` there holds the activations for any page or module that includes its text."""

_WIDTH = 100


def write_source(plan: ExportPlan, path: Path, template: str) -> None:
    """Write a plan as source code.

    Args:
        plan: what to write.
        path: the file.
        template: name of a file in `FOLDER`.
    """
    codes = [(activation.name, activation.code) for activation in ACTIVATIONS]
    text = _templates().get_template(template).render(plan=plan, header=plan.header, codes=codes)
    path.write_text(text, encoding="utf-8")


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # noqa: S701 - no markup; each name passes one of the filters below
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.globals.update(comment=_comment, rows=_rows, json=_json, python=_python)
    return environment


def _comment(lines: Sequence[str]) -> list[str]:
    """Lines that can stand in a comment of any language: printable ASCII that cannot end it."""
    kept = [re.sub("[^ -~]", "?", line).replace("*/", "* /").replace("/*", "/ *") for line in lines]
    return [part for line in kept for part in textwrap.wrap(line, _WIDTH) or [""]]


def _rows(values: Iterable[Any]) -> list[str]:
    """Values with commas after them, many a line."""
    return textwrap.wrap(" ".join(f"{value}," for value in values), _WIDTH, break_long_words=False)


def _json(value: Any) -> str:
    return json.dumps(value)


def _python(value: Any) -> str:
    return ascii(value)
