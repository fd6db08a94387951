"""Numbers in words."""

from __future__ import annotations


def counted(count: int, noun: str, form: str = "") -> str:
    """A count and its noun, in the plural unless it is 1: "3 nodes".

    Args:
        count: how many.
        noun: in the singular.
        form: format of the number, such as "," for 1,000.
    """
    return f"{count:{form}} {noun}{'s' * (count != 1)}"
