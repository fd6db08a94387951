"""The command `wann export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.cli.options import (
    data_option,
    echo,
    examples,
    json_option,
    parse_weight,
    print_note,
    refuse_data_folder,
    refuse_own,
    trust_option,
)
from wann.utils.places import companion

if TYPE_CHECKING:
    from wann.champion import Weight
    from wann.formats.onnx_graph import Precision

FORMATS = ("onnx", "torch", "python", "c", "js", "json")


# The escaped b tells click to leave the lines after it as they are.
_HELP = """Write a champion's network in another format, and verify it.

CHAMPION is a run folder or a champion file. The formats are:

\b
onnx    a model for ONNX Runtime and others, batched; the weight is an input
torch   a PyTorch module as Python source; the weight is a parameter
python  a file that needs only NumPy
c       a C99 file that needs nothing
js      a JavaScript module that needs nothing, for Node and browsers
json    the nodes as a plain list

The exported network is run on observations from four episodes of its task, or on samples of its data set,
and must give the outputs of the original. It is written only if no output differs by more than 1e-12 (1e-6
in float32), relative to the output or to 1, whichever is larger. FILE.proof.json keeps the observations, the
outputs and the largest difference.
"""


@click.command(
    help=_HELP,
    epilog=examples(
        "wann export runs/swingup --format onnx",
        "wann export runs/swingup --format c --weight tuned --out pole.c",
    ),
)
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(FORMATS), required=True, help="Format to write.")
@click.option(
    "--weight",
    callback=parse_weight,
    metavar="W|tuned",
    show_default="the best one",
    help="Shared weight that the file uses by default, or tuned for the individual ones.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="beside the champion",
    help="File to write.",
)
@click.option(
    "--dtype",
    type=click.Choice(("float32", "float64", "float32-only")),
    show_default="float32",
    help="Number type of an ONNX model's inputs and outputs. Inside it computes in float64, unless the type "
    "is float32-only.",
)
@click.option(
    "--opset",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="17",
    help="Operator set version of an ONNX model.",
)
@data_option
@json_option
@trust_option
def export(
    champion_path: Path,
    kind: str,
    weight: Weight | None,
    out: Path | None,
    dtype: Precision | None,
    opset: int | None,
    as_json: bool,
) -> None:
    """Write a network in another format; see `_HELP`."""
    from wann.champion import load_champion
    from wann.formats.export import SUFFIXES, check_format, proof_path
    from wann.formats.export import export as write_export
    from wann.progress import bar

    champion = load_champion(champion_path)
    refuse_data_folder(champion.task)
    name = f"network{'_torch' * (kind == 'torch')}{SUFFIXES[kind][0]}"
    out = out or companion(champion_path, name, f"_{name}")
    check_format(kind, out, dtype, opset)
    refuse_own(out)
    own = champion_path / "champion.json" if champion_path.is_dir() else champion_path
    if out.resolve() == own.resolve():
        raise ValueError(f"{out} is the champion itself: choose another --out")
    with bar("Observing") as progress:
        proof = write_export(champion, kind, out, weight=weight, dtype=dtype, opset=opset, progress=progress)
    if as_json:
        echo(json.dumps(proof.summary()))
        return
    echo(f"Wrote {out} and {proof_path(out)}")
    if proof.missing is not None:
        print_note(f"not verified: {proof.missing}")
        return
    echo(
        f"{len(proof.observations)} observations in {proof.tool}: largest difference {proof.difference:.2g}, "
        f"relative {proof.relative_difference:.2g} (in {proof.dtype} at most {proof.tolerance:g})"
    )
