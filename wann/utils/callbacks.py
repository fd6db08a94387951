"""Types of functions that callers hand in."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[int, int], None]
"""Called with the number of steps done and the number of all steps."""
