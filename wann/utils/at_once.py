"""The end of this process at once; it loads nothing, as it is the first that a command loads."""

import os

INTERRUPTED = 130
"""Exit code after SIGINT, as of shells: 128 and the number of the signal."""


def end_at_once(_number: int, _frame: object) -> None:
    """Signal handler that ends this process in one line."""
    cursor = b"\x1b[?25h" if os.isatty(2) else b""  # which a display in progress hides
    os.write(2, cursor + b"wann: interrupted\n")
    os._exit(INTERRUPTED)
