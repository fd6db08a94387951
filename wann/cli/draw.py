"""The command `wann draw`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from wann.cli.options import echo, examples, refuse_given, theme_option
from wann.utils.places import companion

_WIDTHS = {"col": 3.4, "page": 7.0}  # inches
_UNITS = {"in": 1.0, "cm": 1.0 / 2.54, "mm": 1.0 / 25.4, "": 1.0}


def _parse_width(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    if text is None or text in _WIDTHS:
        return None if text is None else _WIDTHS[text]
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(in|cm|mm|)", text)
    width = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 1.0 <= width <= 40.0:
        raise click.BadParameter(f"{text!r} is not col, page, or 1 to 40 inches such as 3.4in or 86mm")
    return width


def _parse_generations(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> list[int] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f"{text!r} is not a list of generations such as 8,32,128,1024")
    return [int(part) for part in parts]


@click.command(
    epilog=examples(
        "wann draw runs/swingup --out champion.svg",
        "wann draw runs/swingup --generations 8,32,128,1024 --out development.png",
    )
)
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="RUN/champion.svg",
    help="Image file: .svg, .png or .pdf.",
)
@click.option(
    "--only",
    metavar="OUTPUT",
    help="Output, a class or an entry of the action: draw only the nodes that feed it.",
)
@click.option(
    "--highlight",
    metavar="OUTPUT",
    help="Output whose nodes stand out: draw the rest of the network faintly.",
)
@theme_option
@click.option(
    "--width",
    callback=_parse_width,
    metavar="col|page|LENGTH",
    help="Width of the drawing: col (3.4 inches), page (7 inches), or a length such as 86mm.",
)
@click.option(
    "--generations",
    callback=_parse_generations,
    metavar="G,G",
    help="Generations of a run: draw the champions of that time side by side.",
)
@click.option(
    "--film",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Film of a run's development, with the score beside it: .gif or .mp4.",
)
def draw(
    champion_path: Path,
    out: Path | None,
    only: str | None,
    highlight: str | None,
    theme: str,
    width: float | None,
    generations: list[int] | None,
    film: Path | None,
) -> None:
    """Draw the topology of a champion.

    CHAMPION is a run folder or a champion file; the drawing of a champion file lies beside it by default.
    Connections are coloured by their importance if the champion file holds it ('wann prune' writes it), else
    by tuned weights. If the inputs are the pixels of an image, they are drawn as the image: the more
    connections leave a pixel, the darker it is.
    """
    from wann.visualization.theme import THEMES

    colors = THEMES[theme]
    if film is not None:
        refuse_given(
            ("out", "only", "highlight", "width", "generations"), "--film makes a film of its own size"
        )
        _film(champion_path, film, theme)
        return
    if generations is not None:
        from wann.run.folder import RunFolder
        from wann.visualization.development import draw_development, read_stages

        refuse_given(("only", "highlight"), "--generations shows whole networks")
        stages = read_stages(RunFolder.open(champion_path), generations)
        out = out or champion_path / "development.svg"
        draw_development(stages, out, title=stages[0].champion.task, theme=colors, width=width)
        echo(f"Wrote {out}")
        return
    from wann.champion import load_champion
    from wann.networks.genome import one_output
    from wann.visualization.network_figure import Look, draw_genome

    champion = load_champion(champion_path)
    out = out or companion(champion_path, "champion.svg", ".svg")
    genome, outputs, title = champion.genome, champion.outputs, champion.task
    for name in (only, highlight):
        if name is not None and name not in outputs:
            raise ValueError(f"the champion has no output {name!r}; choose from {', '.join(outputs)}")
    importance, tuned = champion.importance, champion.tuned
    if only is not None:
        refuse_given(("highlight",), "--only leaves a single output")
        index = outputs.index(only)
        kept = (champion.genome.target < genome.first_output) | (
            champion.genome.target >= genome.first_hidden
        )
        kept |= champion.genome.target == genome.first_output + index
        kept = kept[genome.enabled]
        importance = None if importance is None else importance[kept]
        tuned = None if tuned is None else tuned[kept]
        genome, outputs = one_output(genome, index), (only,)
        title = f"output {only} of {title}"
    draw_genome(
        genome,
        champion.inputs,
        outputs,
        out,
        Look(title, colors, width, highlight),
        importance=importance,
        tuned=tuned,
    )
    echo(f"Wrote {out}")


def _film(run_path: Path, path: Path, theme: str) -> None:
    from wann.progress import bar
    from wann.run.folder import RunFolder
    from wann.visualization.development import film_development, read_stages
    from wann.visualization.theme import THEMES

    folder = RunFolder.open(run_path)
    stages = read_stages(folder)
    title = f"{folder.settings.task}, preset {folder.settings.preset}"
    with bar("Filming") as progress:
        frames = film_development(
            stages, folder.read_metrics(), path, title=title, theme=THEMES[theme], progress=progress
        )
    echo(f"Wrote {path}, {frames:,} frames")
