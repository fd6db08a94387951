"""The command `wann import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wann.cli.options import echo, env_kwargs_option, examples, print_note, refuse_given, size_of
from wann.utils.places import refuse_taken


@click.command(
    "import",
    epilog=examples("wann import champion.out", "wann import net.json --task CartPole-v1 --out neat.json"),
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--task", metavar="TASK", default="swingup", show_default=True, help="Task of the champion.")
@env_kwargs_option
@click.option(
    "--tuned",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Individual weights in the paper's format, a .wann.json file.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="NAME.json, or NAME.champion.json for neat-python",
    help="Champion file to write.",
)
def import_(
    file: Path, task: str, env_kwargs: dict[str, Any] | None, tuned: Path | None, out: Path | None
) -> None:
    """Read a champion from the paper's format or from neat-python.

    FILE is a champion of the paper (.out), or a network that export_network_json of neat-python wrote
    (.json). The biases, responses and weights of neat-python become tuned weights. The new champion file
    holds scores at the paper's six weights over 20 fresh episodes.
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
    echo(f"Wrote {out}: {size_of(champion)}")
    if "note" in champion.origin:
        print_note(champion.origin["note"])
