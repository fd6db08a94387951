"""Checks of the engine: compiled code and processors."""

from __future__ import annotations

import math
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from wann.doctor.finding import CheckResult, one_line
from wann.doctor.folders import cannot_write

PROC_CGROUP, CGROUPS = "/proc/self/cgroup", "/sys/fs/cgroup"

GOLDEN = "f7bc03aff27c"
"""First digits of the SHA-256 of the outputs of `reference_outputs`, equal on every machine."""


def compiled_code() -> CheckResult:
    """Whether compiled code can be kept for the next process."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(__file__).parents[1] / "__pycache__"
    if reason := cannot_write(folder):
        # numba then looks for another folder, where the fingerprint of `wann.kernels` is not in the path.
        found = f"cannot be kept in {folder} ({reason}): numba picks another folder, or does not start"
        return CheckResult("note", found, "export NUMBA_CACHE_DIR=FOLDER, one that can be written to")
    return CheckResult("ok", f"kept in {folder}")


def numbers() -> CheckResult:
    """Whether compiled kernels give the numbers of NumPy, and the bits of other machines."""
    names = [name for name in sorted(os.environ) if name.startswith("NUMBA_") and name != "NUMBA_CACHE_DIR"]
    try:
        outputs, expected = reference_outputs()
    except Exception as error:  # noqa: BLE001  numba has many ways to say that it cannot start
        fix = f"unset {' '.join(names)}" if names else "pip install --force-reinstall numba llvmlite"
        if "cannot cache" in str(error):
            fix = "export NUMBA_CACHE_DIR=FOLDER, one that can be written to"
        return CheckResult("problem", f"the engine does not start: {one_line(error)}", fix)
    off = float(abs(outputs - expected).max())
    if not off <= 1e-12:
        return CheckResult(
            "problem",
            f"compiled kernels are off by {off:.1e} from NumPy",
            "make clean, or empty NUMBA_CACHE_DIR; then report it with your processor and numba's version",
        )
    if sha256(outputs.tobytes()).hexdigest()[: len(GOLDEN)] != GOLDEN:
        return CheckResult(
            "note",
            "compiled kernels are right, but their last bits are not those of other machines",
            "do not mix this machine with others in one run; report it with your processor",
        )
    return CheckResult("ok", f"compiled kernels give the known bits, {off:.0e} from NumPy at most")


def reference_outputs() -> tuple[Any, Any]:
    """Values of a network with every activation, from the compiled pass and from its NumPy twin."""
    import numpy as np

    from wann.kernels.activations import BY_CODE
    from wann.networks.network import Network, evaluate_network, evaluate_network_numpy

    count = len(BY_CODE)
    network = Network(
        inputs=2,
        first_source=np.arange(0, 3 * count + 1, 3, dtype=np.int32),
        # Each node reads the bias, an input and the node before it; the first one both inputs.
        sources=np.array([[0, 1 + k % 2, 2 + k] for k in range(count)], np.int32).ravel(),
        activation=np.array(sorted(BY_CODE), np.int8),
        outputs=np.array([2 + count], np.int32),
        node=np.arange(3, 3 + count, dtype=np.int32),
        mark=np.arange(3 * count, dtype=np.int32),
    )
    line = np.linspace(-3.0, 3.0, 21)
    arguments = network, np.column_stack([line, line[::-1] / 4.0]), np.linspace(-1.9, 1.9, 21)
    return evaluate_network(*arguments), evaluate_network_numpy(*arguments)


def threads() -> CheckResult:
    """How many processors a search uses."""
    from wann.evaluation.evaluator import available_threads

    count = available_threads()
    quota = _processor_quota()
    found = f"{count} of {os.cpu_count()} processors"
    if quota < count:
        fix = f"give searches --threads {max(1, math.ceil(quota))}"
        return CheckResult("note", f"{found}, but the container may keep only {quota:g} busy", fix)
    if limit := os.environ.get("OMP_NUM_THREADS"):
        found += f"; OMP_NUM_THREADS={limit} does not limit them, --threads does"
    return CheckResult("ok", found)


def _processor_quota() -> float:
    """Processors that the control groups (version 2) of this process allow; infinity without a limit."""
    try:
        lines = Path(PROC_CGROUP).read_text().splitlines()
    except OSError:
        return math.inf
    group = next((line[3:] for line in lines if line.startswith("0::")), "/")
    own = Path(CGROUPS, group.lstrip("/"))
    files = [folder / "cpu.max" for folder in (own, *own.parents) if folder.is_relative_to(CGROUPS)]
    quotas = (file.read_text().split() for file in files if file.is_file())
    return min((int(most) / int(period) for most, period in quotas if most != "max"), default=math.inf)
