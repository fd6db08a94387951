"""The table of a comparison in words, and as Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

from wann.random_weights.bench.champions import REMARK
from wann.random_weights.bench.comparison import Bench, Row
from wann.utils.plain_text import markdown_cell

_CSV = (
    "method",
    "title",
    "mean",
    "spread",
    "seeds",
    "trained",
    "stored",
    "seconds",
    "published",
    "has_to_reach",
    "has_to_stay_below",
    "reached",
    "ablation_of",
    "remark",
    "left_out",
)


def measured(rows: Sequence[Row]) -> list[Row]:
    """The rows that there is something of."""
    return [row for row in rows if row.outcomes]


def header(bench: Bench, rows: Sequence[Row]) -> list[str]:
    """Names of the columns of `cells`."""
    head = ["method", "what it is", bench.score, "seeds", "trained", "stored", "seconds", "published"]
    return [*head, "has to reach"] if _gated(rows) else head


def cells(bench: Bench, row: Row, rows: Sequence[Row]) -> list[str]:
    """One row in words; the columns of `header`."""
    title = f"{row.title}; {row.remark}" if row.remark else row.title
    seconds = row.mean("seconds")
    words = [
        row.name,
        title,
        shown_score(bench, row),
        str(len(row.outcomes)),
        f"{row.mean('trained'):,.0f}",
        f"{row.mean('stored'):,.0f}",
        f"{seconds:,.1f}" if seconds < 10.0 else f"{seconds:,.0f}",
        row.anchor or "–",
    ]
    return [*words, _goal(bench, row)] if _gated(rows) else words


def shown_score(bench: Bench, row: Row) -> str:
    """Mean and spread over seeds; one seed has no spread."""
    factor, unit = (100.0, " %") if bench.percent else (1.0, "")
    spread = "" if row.spread is None else f" ± {factor * row.spread:.2f}"
    return f"{factor * row.mean():.2f}{spread}{unit}"


def _gated(rows: Sequence[Row]) -> bool:
    return any(row.gate is not None or row.ceiling is not None for row in rows)


def _goal(bench: Bench, row: Row) -> str:
    factor, unit = (100.0, " %") if bench.percent else (1.0, "")
    words = []
    if row.gate is not None:
        words.append(f"at least {factor * row.gate:g}{unit}")
    if row.ceiling is not None:
        words.append(f"below {factor * row.ceiling:g}{unit}")
    if not words:
        return "–"
    return ", ".join(words) + (": yes" if row.reached else ": NO")


def explanation(bench: Bench, rows: Sequence[Row]) -> list[str]:
    """Lines below the table: the meaning of its numbers, and the rows left out with the reason."""
    lines = [
        f"{bench.score}: mean ± sample standard deviation over seeds, on samples or episodes that no choice "
        "saw; seconds: to fit, in one thread; stored: all numbers an answer needs, random ones included"
    ]
    lines += [REMARK] * any(row.name.startswith("wann-") for row in rows)
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.left_out:
            reason = (
                "fewer seeds, more than the budget had left" if row.outcomes else f"left out, {row.left_out}"
            )
            reasons.setdefault(reason, []).append(row.name)
    return lines + [f"{reason}: {', '.join(names)}" for reason, names in reasons.items()]


def to_text(bench: Bench, rows: Sequence[Row], form: Literal["markdown", "csv", "json"]) -> str:
    """The table as Markdown, CSV or JSON, with the rows left out."""
    if form == "json":
        data = {
            "task": bench.name,
            "score": bench.score,
            "rows": [_values(row) | {"outcomes": _outcomes(row)} for row in rows],
        }
        return json.dumps(data, indent=2) + "\n"
    if form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, _CSV, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_values(row) for row in rows)
        return text.getvalue()
    head = header(bench, rows)
    left = head.index("published")
    marks = ["---:" if 2 <= place < left else "---" for place in range(len(head))]
    lines = [head, marks, *(cells(bench, row, rows) for row in measured(rows))]
    table = "".join("| " + " | ".join(map(markdown_cell, line)) + " |\n" for line in lines)
    return table + "\n" + "".join(f"- {line}\n" for line in explanation(bench, rows))


def _values(row: Row) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return None if math.isnan(value) else value

    return {
        "method": row.name,
        "title": row.title,
        "mean": number(row.mean()),
        "spread": row.spread,
        "seeds": len(row.outcomes),
        "trained": number(row.mean("trained")),
        "stored": number(row.mean("stored")),
        "seconds": number(row.mean("seconds")),
        "published": row.anchor or None,
        "has_to_reach": row.gate,
        "has_to_stay_below": row.ceiling,
        "reached": row.reached,
        "ablation_of": row.ablation_of,
        "remark": row.remark or None,
        "left_out": row.left_out or None,
    }


def _outcomes(row: Row) -> dict[str, dict[str, float]]:
    return {of: asdict(outcome) for of, outcome in row.outcomes.items()}
