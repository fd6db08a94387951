"""The command `wann draw`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wann.commands.common import (
    beside,
)

if TYPE_CHECKING:
    pass


@click.command()
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="A .svg, .png or .pdf file.")
@click.option(
    "--only", metavar="OUTPUT", help="Only what feeds this output: a class, or an entry of the action."
)
def draw(champion_path: Path, out: Path | None, only: str | None) -> None:
    """Draw the topology of CHAMPION.

    By default as an SVG file in the run folder, or beside the champion file. Inputs that are the pixels of
    an image are drawn as the image, darker the more connections leave them.
    """
    from wann.champion import load_champion
    from wann.draw import draw_genome
    from wann.genome import one_output

    champion = load_champion(champion_path)
    out = out or beside(champion_path, "champion", ".svg")
    genome, outputs, title = champion.genome, champion.outputs, champion.task
    if only is not None:
        if only not in outputs:
            raise ValueError(f"the champion has no output {only!r}; choose from {', '.join(outputs)}")
        genome, outputs, title = one_output(genome, outputs.index(only)), (only,), f"output {only} of {title}"
    draw_genome(genome, champion.inputs, outputs, out, title=title)
    click.echo(f"Wrote {out}")
