"""The command `wann import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wann.commands.common import (
    env_kwargs_option,
    size_of,
)

if TYPE_CHECKING:
    pass


@click.command("import")
@click.argument("file", metavar="FILE.out", type=click.Path(path_type=Path))
@click.option("--task", default="swingup", show_default=True, help="Task the champion is for.")
@env_kwargs_option
@click.option("--tuned", type=click.Path(path_type=Path), help="Its individual weights, a .wann.json file.")
@click.option("--out", type=click.Path(path_type=Path), help="Champion file; FILE.json by default.")
def import_(
    file: Path, task: str, env_kwargs: dict[str, Any] | None, tuned: Path | None, out: Path | None
) -> None:
    """Read a champion in the paper's format.

    Writes it as one of ours, scored at the paper's six weights on 20 fresh episodes.
    """
    from wann.champion import save_champion
    from wann.published import import_champion

    out = out or Path(file.name).with_suffix(".json")
    if out.exists():
        raise ValueError(f"{out} exists already: choose another --out")
    champion = import_champion(file, task, tuned, env_kwargs)
    save_champion(champion, out)
    click.echo(f"Wrote {out}: {size_of(champion)}")
