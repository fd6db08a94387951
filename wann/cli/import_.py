"""The command `wann import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wann.cli.options import env_kwargs_option, print_note, refuse_given, size_of
from wann.utils.places import refuse_taken


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--task", default="swingup", show_default=True, help="Task the champion is for.")
@env_kwargs_option
@click.option("--tuned", type=click.Path(path_type=Path), help="Its individual weights, a .wann.json file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Champion file; FILE.json by default, FILE.champion.json for neat-python.",
)
def import_(
    file: Path, task: str, env_kwargs: dict[str, Any] | None, tuned: Path | None, out: Path | None
) -> None:
    """Read a champion in the paper's format, or a network of neat-python.

    FILE is a .out file of the paper, or what neat-python's export_network_json wrote, a .json file: its
    biases, responses and weights become tuned weights. Writes it as one of ours, scored at the paper's six
    weights on 20 fresh episodes.
    """
    from wann.champion import save_champion
    from wann.formats.neat_python import import_neat
    from wann.formats.paper import import_champion

    neat = file.suffix.lower() == ".json"
    if neat:
        refuse_given(("tuned",), "a network of neat-python holds its own weights")
    out = out or Path(file.name).with_suffix(".champion.json" if neat else ".json")
    refuse_taken(out)
    champion = import_neat(file, task, env_kwargs) if neat else import_champion(file, task, tuned, env_kwargs)
    save_champion(champion, out)
    click.echo(f"Wrote {out}: {size_of(champion)}")
    if "note" in champion.origin:
        print_note(champion.origin["note"])
