"""Running exports in the languages they are written in: Python, PyTorch, C and JavaScript.

Each function takes jobs, so that many networks cost one process, and gives the outputs (N, A) of each job
and which tool computed them. It raises `MissingToolError` where the tool is not installed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wann.formats.export_plan import ExportPlan
from wann.utils.arrays import FloatArray

_PATIENCE = 600.0  # seconds that a tool may take


class MissingToolError(Exception):
    """A tool is not installed; one line that says which, and how to get it."""


class ExportJob(NamedTuple):
    """An export to run on observations."""

    path: Path
    plan: ExportPlan
    observations: FloatArray  # (N, I)


ExportRun = tuple[list[FloatArray], str]

# The programs read the observations of all files from the standard input, and write the outputs to the
# standard output, as float64. Their arguments are a path and the number of rows for each file.

_NUMPY_DRIVER = """
import importlib.util, sys
import numpy as np
for path, rows in zip(sys.argv[1::2], sys.argv[2::2]):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    size = 8 * int(rows) * len(module.INPUTS)
    observations = np.frombuffer(sys.stdin.buffer.read(size)).reshape(int(rows), -1)
    sys.stdout.buffer.write(RUN(module, observations).astype(np.float64).tobytes())
"""
_RUN_NUMPY = "RUN = lambda module, rows: module.network(rows)"
_RUN_TORCH = "import torch; RUN = lambda module, rows: module.Network()(torch.tensor(rows)).detach().numpy()"

_NODE_DRIVER = """
import { readFileSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
const bytes = readFileSync(0);
const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
let at = 0;
for (let k = 2; k < process.argv.length; k += 2) {
  const exported = await import(pathToFileURL(process.argv[k]));
  const outputs = [];
  for (let row = 0; row < Number(process.argv[k + 1]); row++) {
    outputs.push(...exported.network(Array.from(numbers.subarray(at, at + exported.INPUTS.length))));
    at += exported.INPUTS.length;
  }
  const buffer = Buffer.from(new Float64Array(outputs).buffer);
  for (let sent = 0; sent < buffer.length; ) sent += writeSync(1, buffer, sent);
}
"""


def run_python(jobs: Sequence[ExportJob]) -> ExportRun:
    """Outputs of Python files, computed by a new process of this interpreter."""
    tool = f"Python {sys.version.split()[0]}, NumPy {np.__version__}"
    return _run_in_python(jobs, _RUN_NUMPY), tool


def run_torch(jobs: Sequence[ExportJob]) -> ExportRun:
    """Outputs of PyTorch modules in float64."""
    if find_spec("torch") is None:
        raise MissingToolError("torch is not installed: pip install 'wann[torch]'")
    return _run_in_python(jobs, _RUN_TORCH), f"torch {version('torch')}"


def _run_in_python(jobs: Sequence[ExportJob], how: str) -> list[FloatArray]:
    return _run([sys.executable, "-P", "-c", f"{how}\n{_NUMPY_DRIVER}"], jobs)


def run_javascript(jobs: Sequence[ExportJob]) -> ExportRun:
    """Outputs of JavaScript modules, computed by Node."""
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        raise MissingToolError("Node is not installed: get it from nodejs.org or your system's packages")
    with tempfile.TemporaryDirectory() as folder:
        driver = Path(folder, "driver.mjs")
        driver.write_text(_NODE_DRIVER, encoding="utf-8")
        modules = []
        for k, job in enumerate(jobs):  # Node takes a file as a module by this ending only
            modules.append(job._replace(path=Path(folder, f"exported{k}.mjs")))
            shutil.copyfile(job.path, modules[-1].path)
        outputs = _run([node, str(driver)], modules)
    return outputs, f"Node {_first_line([node, '--version'])}"


def run_c(jobs: Sequence[ExportJob]) -> ExportRun:
    """Outputs of C files, compiled to one library by the system's compiler."""
    names = [name for name in (os.environ.get("CC"), "cc", "gcc", "clang") if name]
    compiler = next((found for found in map(shutil.which, names) if found), None)
    if compiler is None:
        raise MissingToolError("no C compiler found: install gcc or clang, or name one in CC")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "exported.so")
        command = [compiler, "-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-o", str(library)]
        _output([*command, *(str(job.path) for job in jobs)])
        loaded = ctypes.CDLL(str(library))
        return [_call(loaded, job) for job in jobs], _first_line([compiler, "--version"])


def _call(library: ctypes.CDLL, job: ExportJob) -> FloatArray:
    """Call the function of a compiled export on each observation."""
    function = library[job.plan.name]
    function.restype = None
    weight = [] if job.plan.weight is None else [ctypes.c_double(job.plan.weight)]
    outputs = np.empty((len(job.observations), len(job.plan.outputs)))
    pointer = ctypes.POINTER(ctypes.c_double)
    for observation, row in zip(np.ascontiguousarray(job.observations, np.float64), outputs, strict=True):
        function(observation.ctypes.data_as(pointer), *weight, row.ctypes.data_as(pointer))
    return outputs


def _run(command: Sequence[str], jobs: Sequence[ExportJob]) -> list[FloatArray]:
    """Run a program on the observations of all jobs."""
    files = [word for job in jobs for word in (str(job.path.resolve()), str(len(job.observations)))]
    sent = b"".join(job.observations.astype(np.float64).tobytes() for job in jobs)
    with tempfile.TemporaryDirectory() as folder:
        written = _output([*command, *files], sent, folder)
    shapes = [(len(job.observations), len(job.plan.outputs)) for job in jobs]
    ends = np.cumsum([0, *(rows * columns for rows, columns in shapes)]).tolist()
    if len(written) != 8 * ends[-1]:
        raise RuntimeError(f"the export does not run: it gave {len(written) / 8:g} numbers, not {ends[-1]}")
    numbers = np.frombuffer(written)
    return [
        numbers[low:high].reshape(shape) for (low, high), shape in zip(pairwise(ends), shapes, strict=True)
    ]


def _output(command: Sequence[str], sent: bytes = b"", folder: str | None = None) -> bytes:
    """Standard output of a program.

    Raises:
        RuntimeError: it fails or does not end, in one line.
    """
    program = Path(command[0]).name
    try:
        done = subprocess.run(command, input=sent, capture_output=True, cwd=folder, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"the export does not run: {program} took longer than {_PATIENCE:g} s") from None
    if done.returncode:
        text = done.stderr.decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it gave no message"]
        told = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise RuntimeError(f"the export does not run: {program}: {told}")
    return done.stdout


def _first_line(command: Sequence[str]) -> str:
    """First line that a program writes: its name and version."""
    return _output(command).decode(errors="replace").strip().partition("\n")[0] or Path(command[0]).name
