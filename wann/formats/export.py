"""Networks in other formats, each tried at once: ONNX, PyTorch, Python, C, JavaScript and JSON.

    proof = export(champion, "c", "network.c")

An export is kept only if it gives the outputs of the network that was searched. In float64 the formats carry
the polynomials of the kernels and add in their order, so the difference is nought or close to it; functions
of a language's own library differ from the polynomials by 1e-13, which a deep network makes a million times
larger.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from wann.champion import Champion, Weight
from wann.formats.export_plan import ExportPlan, make_plan
from wann.formats.observations import champion_observations
from wann.formats.onnx_graph import DEFAULT_OPSET, Precision, run_onnx, write_onnx
from wann.formats.plain_json import run_plain, write_plain
from wann.formats.runners import ExportJob, MissingToolError, run_c, run_javascript, run_python, run_torch
from wann.formats.source_code import write_source
from wann.networks.network import evaluate_network
from wann.utils.arrays import FloatArray
from wann.utils.callbacks import ProgressCallback
from wann.utils.files import atomic_path
from wann.utils.json_text import dump_json
from wann.utils.nearest import nearest
from wann.version import __version__

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "onnx": (".onnx",),
    "torch": (".py",),
    "python": (".py",),
    "c": (".c",),
    "js": (".mjs", ".js"),
    "json": (".json",),
}
"""Endings of the files of each format, the usual one first."""

PRECISIONS: tuple[Precision, ...] = ("float32", "float64", "float32-only")

TOLERANCES = {"float32": 1e-6, "float64": 1e-12}
"""Largest difference allowed, relative to the larger of 1 and the output's size.

Outputs are compared with thresholds and limits of size 1, so that an error of 1e-12 in an output of 1e-9
moves no action; relative to 1e-9 alone it would be a thousandth.
"""

_SOURCES = {
    "torch": ("torch.py.jinja", run_torch),
    "python": ("numpy.py.jinja", run_python),
    "c": ("network.c.jinja", run_c),
    "js": ("network.mjs.jinja", run_javascript),
}


@dataclass(frozen=True, slots=True)
class Proof:
    """Result of running an export beside the network it was made of."""

    format: str
    file: str  # name of the export
    sha256: str  # of the export
    task: str
    weight: float | None  # the shared weight; None for individual ones
    dtype: str  # "float32" or "float64": what it takes and gives
    tolerance: float
    verified: bool
    tool: str | None  # what ran it, with its version
    missing: str | None  # why it could not be run
    difference: float | None  # largest difference of an output
    relative_difference: float | None  # the same, each relative to the larger of 1 and the output's size
    observations: FloatArray = field(repr=False)  # (N, I)
    outputs: FloatArray = field(repr=False)  # (N, A) of the network itself

    def to_json(self) -> str:
        """The proof as readable text, an observation a line."""
        words: dict[str, Any] = {"proof_of": self.format} | asdict(self)
        del words["format"]
        head = {"format": "wann-export-proof", "version": 1, "wann": __version__}
        rows = {
            name: [_json_numbers(row) for row in words[name].tolist()] for name in ("observations", "outputs")
        }
        return dump_json(head | words | rows) + "\n"

    def summary(self) -> dict[str, Any]:
        """The proof without its observations and outputs."""
        return {k: v for k, v in asdict(self).items() if k not in ("observations", "outputs")}


def _json_numbers(row: Sequence[float]) -> list[float | str]:
    """Numbers, and words for what JSON has no number for."""
    return [value if np.isfinite(value) else str(value) for value in row]


def proof_path(path: str | os.PathLike[str]) -> Path:
    """Where the proof of an export lies: beside it."""
    return Path(f"{os.fspath(path)}.proof.json")


def export(
    champion: Champion,
    kind: str,
    path: str | os.PathLike[str],
    *,
    weight: Weight | None = None,
    dtype: Precision | None = None,
    opset: int | None = None,
    observations: FloatArray | None = None,
    progress: ProgressCallback | None = None,
) -> Proof:
    """Write a champion's network in another format, and run the file beside the network.

    Args:
        champion: the champion.
        kind: "onnx", "torch", "python", "c", "js" or "json".
        path: the file; its proof is written beside it, see `proof_path`.
        weight: default of the shared weight, which stays an argument of the export; or "tuned" for the
            individual weights, which are constants (in PyTorch the module's parameter). The best shared
            weight where it is not given.
        dtype: for ONNX; "float32" (the default) for inputs and outputs in float32 and float64 between them,
            "float64", or "float32-only" for runtimes without float64, which a deep network may not stand.
        opset: for ONNX, 17 by default.
        observations: (N, I) to run it on; by default `champion_observations`.
        progress: told of the steps in which those are gathered.

    Returns:
        The proof. Where the tool to run the file is not installed it says so in `missing`.

    Raises:
        ValueError: the format is not known or does not fit the file's ending, an option is not for this
            format, there are no tuned weights, a weight does not fit float32, the opset lacks an operator,
            or the task is not there.
        RuntimeError: the export does not run, or differs by more than its tolerance; nothing is written.
        OSError: a file cannot be written.
    """
    path = Path(path)
    check_format(kind, path, dtype, opset)
    plan = make_plan(champion, weight, path)
    if observations is None:
        observations = champion_observations(champion, weight, progress)
    single = kind == "onnx" and dtype != "float64"
    if single:
        # What the file cannot hold or take is rounded for the network too: that is no error of the file.
        plan, observations = _rounded(plan), _single(observations)
    expected = reference(champion, plan, observations)
    difference = relative = tool = missing = None
    name = "float32" if single else "float64"
    with atomic_path(path) as temporary:
        _write(kind, plan, temporary, dtype or "float32", opset or DEFAULT_OPSET)
        try:
            found, tool = _run(kind, ExportJob(temporary, plan, observations), single)
        except MissingToolError as error:
            missing = str(error)
        else:
            difference, relative = differences(expected, found)
            if not relative <= TOLERANCES[name]:
                raise RuntimeError(
                    f"the {kind} export differs from the network by {relative:.1e} (relative), more than "
                    f"{TOLERANCES[name]:g} in {name}: nothing is written{_advice(kind, dtype)}"
                )
        digest = sha256(temporary.read_bytes()).hexdigest()
    proof = Proof(
        format=kind,
        file=path.name,
        sha256=digest,
        task=champion.task,
        weight=plan.weight,
        dtype=name,
        tolerance=TOLERANCES[name],
        verified=missing is None,
        tool=tool,
        missing=missing,
        difference=difference,
        relative_difference=relative,
        observations=observations,
        outputs=expected,
    )
    with atomic_path(proof_path(path)) as temporary:
        temporary.write_text(proof.to_json(), encoding="utf-8")
    return proof


def check_format(kind: str, path: Path, dtype: str | None, opset: int | None) -> None:
    """Refuse a format, an ending or an option before anything is computed.

    Raises:
        ValueError: one of them does not fit, in one line.
    """
    if kind not in SUFFIXES:
        raise ValueError(f"unknown format {kind!r}; {nearest(kind, SUFFIXES)}")
    if path.suffix.lower() not in SUFFIXES[kind]:
        raise ValueError(f"{path} does not end in {' or '.join(SUFFIXES[kind])}, as a file of {kind} must")
    for option, value in (("dtype", dtype), ("opset", opset)):
        if kind != "onnx" and value is not None:
            raise ValueError(f"--{option} is for onnx only: leave it out for {kind}")
    if dtype is not None and dtype not in PRECISIONS:
        raise ValueError(f"unknown dtype {dtype!r}; {nearest(dtype, PRECISIONS)}")


def reference(champion: Champion, plan: ExportPlan, observations: FloatArray) -> FloatArray:
    """Outputs (N, A) of the champion's own network, by the kernels, at the weights of a plan.

    Of a user's own table the observations are rows (N, C) of its columns, and predicted numbers its own.
    """
    own = np.array([plan.weights] if plan.weight is None else [plan.weight], np.float64)
    lanes = np.repeat(own, len(observations), axis=0)
    inputs = plan.columns.inputs(observations) if plan.columns else observations
    outputs = evaluate_network(champion.network, inputs, lanes)[:, champion.network.outputs]
    return plan.columns.answers(outputs) if plan.columns and plan.target else outputs


def differences(expected: FloatArray, found: FloatArray) -> tuple[float, float]:
    """Largest difference of two arrays, and the largest relative to the larger of 1 and the expected size.

    Equal infinities do not differ, nor do two NaN; a number and something else differ by infinity.
    """
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where(same, 0.0, np.abs(expected - found))
        relative = gap / np.maximum(1.0, np.where(np.isfinite(expected), np.abs(expected), 1.0))
    wrong = ~same & ~(np.isfinite(expected) & np.isfinite(found))
    gap, relative = np.where(wrong, np.inf, gap), np.where(wrong, np.inf, relative)
    return float(gap.max(initial=0.0)), float(relative.max(initial=0.0))


def _write(kind: str, plan: ExportPlan, path: Path, dtype: Precision, opset: int) -> None:
    if kind == "onnx":
        write_onnx(plan, path, dtype, opset)
    elif kind == "json":
        write_plain(plan, path)
    else:
        write_source(plan, path, _SOURCES[kind][0])


def _run(kind: str, job: ExportJob, single: bool) -> tuple[FloatArray, str]:
    """Outputs of a file, and what computed them."""
    if kind == "onnx":
        return run_onnx(job.path, job.observations, single)
    if kind == "json":
        return run_plain(job.path, job.observations), f"wann {__version__}, read back"
    (outputs,), tool = _SOURCES[kind][1]([job])
    return outputs, tool


def _advice(kind: str, dtype: str | None) -> str:
    if kind == "onnx" and dtype == "float32-only":
        return "; this network needs float64 inside: --dtype float32 or float64"
    return ""


def _rounded(plan: ExportPlan) -> ExportPlan:
    """The plan with weights that float32 can hold."""

    def single(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(_single(np.array(values)).tolist())

    nodes = tuple(replace(node, weights=single(node.weights)) for node in plan.nodes)
    rounded = replace(plan, nodes=nodes, weight=None if plan.weight is None else single([plan.weight])[0])
    if not np.isfinite([rounded.weight or 0.0, *rounded.weights]).all():
        raise ValueError("a weight is too large for float32: --dtype float64")
    return rounded


def _single(array: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):
        return array.astype(np.float32).astype(np.float64)
