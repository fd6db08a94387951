"""Counted nouns."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """A count and its noun, with an s unless the count is 1: "1 node", "2,000 nodes"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
