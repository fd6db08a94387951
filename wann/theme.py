"""How figures look, and how they are written to a file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from wann.files import atomic_path

FORMATS = (".svg", ".png", ".pdf")
"""Suffixes that a figure can be written with."""

DOTS_PER_INCH = 200.0
MOST_DOTS = 8_000  # the longer side of a PNG file


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a figure; distinct also for colour-blind eyes and in grey."""

    paper: str  # background
    ink: str  # text and lines that matter most
    quiet: str  # captions, axes
    faint: str  # grids, what is unused
    input: str
    input_line: str
    hidden_line: str
    output: str
    mark: str  # the one thing to look at


# The three hues are the high-contrast scheme of Paul Tol (2021), Colour schemes, technical note SRON/EPS/TN.
LIGHT = Theme(
    paper="#ffffff",
    ink="#1f2933",
    quiet="#66717d",
    faint="#d9dee3",
    input="#004488",
    input_line="#3f74a8",
    hidden_line="#858f9a",
    output="#bb5566",
    mark="#ddaa33",
)


def check_suffix(path: str | os.PathLike[str]) -> str:
    """The suffix of a figure's path in lower case.

    Raises:
        ValueError: it names no format that a figure can be written in.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        found = f"not {suffix!r}" if suffix else "but it has no suffix"
        raise ValueError(f"{path}: a figure's name must end in {', '.join(FORMATS)}, {found}")
    return suffix


@contextmanager
def figure_style() -> Iterator[None]:
    """Make figures in one style, whatever the user's own Matplotlib settings; they come back at the end."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # Names may hold any character; one that the font lacks is drawn as a box, which is no fault.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": ["DejaVu Sans"],  # comes with Matplotlib: the same everywhere
                "svg.fonttype": "none",  # text stays text
                "svg.hashsalt": "wann",  # the same ids each time
                "pdf.fonttype": 42,
                "path.simplify": False,
            }
        )
        yield


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure in the format its suffix names, whole or not at all; same figure, same bytes.

    To be called within `figure_style`.

    Raises:
        ValueError: the suffix names no format.
        OSError: the file cannot be written.
    """
    suffix = check_suffix(path)
    # Without a date of its own, Matplotlib puts in the time of writing.
    date = {".svg": "Date", ".pdf": "CreationDate"}.get(suffix)
    metadata = {date: None} if date else {}
    dots = min(DOTS_PER_INCH, MOST_DOTS / max(figure.get_size_inches()))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=suffix[1:], dpi=dots, metadata=metadata)


def plain_text(name: str, most: int = 40) -> str:
    """A name as one line of printable text, shortened to at most so many characters."""
    text = " ".join(name.split())
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
