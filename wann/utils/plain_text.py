"""Text from elsewhere, such as names in files and paths: what it could do to a terminal is shown instead."""

from __future__ import annotations

import re

# Control characters but for line feed and tab, breaks of lines and paragraphs, changes of the direction of
# writing, which can make a line read as another, and halves of characters, which no file can hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    r"""The text with every control character but line feed and tab as its escape, such as \x1b."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def has_control(text: str) -> bool:
    """Whether a text holds a character that `plain` replaces."""
    return _CONTROL.search(text) is not None


def markdown_cell(text: str) -> str:
    """The text as a cell of a Markdown table: as it is read, without links, markup or breaks of the line."""
    return re.sub(r"([\\`|<\[])", r"\\\1", " ".join(plain(text).splitlines()))
