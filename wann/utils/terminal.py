"""The console of tables and progress, on which foreign text is text and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from wann.utils.plain_text import plain

_WIDE = 200  # columns outside a terminal, where nothing is to be cut or folded


class PlainConsole(Console):
    """Console that reads no markup in a text and sends none of its control characters.

    Styles of our own are given as styles, or as `rich.text.Text`.

    Args:
        wide: whether lines are wide where the output is no terminal.
        options: of `rich.console.Console`.
    """

    def __init__(self, *, wide: bool = False, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False} | options)
        if wide and not self.is_terminal:
            self.width = _WIDE

    def render_str(self, text: str, **options: Any) -> Text:
        """Text to be shown, with room for the escapes that it will hold."""
        return super().render_str(plain(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Segments to be printed: every text passes here, whatever it was part of."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=plain(segment.text))
