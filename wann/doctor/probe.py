"""Python code tried in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

PROBE_SECONDS = 30.0  # time limit of a process


def probe(code: str, **variables: str) -> str | None:
    """Run Python code in a process and an empty folder of its own.

    Code that crashes, hangs, writes log files or reads a variable at its import can do no harm there.

    Args:
        code: the code.
        variables: environment variables, added to those of this process.

    Returns:
        The last line of its complaint; None if it succeeds.
    """
    with tempfile.TemporaryDirectory(prefix="wann-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-c", code],
                cwd=folder,
                env=os.environ | variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PROBE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {PROBE_SECONDS:g} s"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"ended with code {done.returncode}"
