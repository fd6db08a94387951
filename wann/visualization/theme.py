"""How figures look: colours, style, activation symbols on a sheet; and how they are written to a file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from wann.kernels.activations import BY_NAME
from wann.utils.arrays import FloatArray
from wann.utils.files import atomic_path

FORMATS = (".svg", ".png", ".pdf")
"""Suffixes that a figure can be written with."""

FONT = "DejaVu Sans"  # comes with Matplotlib: the same everywhere
MISSING_GLYPH = "Glyph .* missing from"  # how a warning of Matplotlib begins

DOTS_PER_INCH = 200.0
FEW_DOTS, MOST_DOTS = 1_600, 8_000  # the longer side of a PNG file, as far as resolution helps

CURVE_WIDTH, CURVE_HEIGHT = 0.62, 0.5  # half sizes of a curve in a circle of radius 1
CURVE_REACH = {"gaussian": 3.0, "tanh": 3.0, "sigmoid": 5.0, "cos": 1.5}  # greatest argument; others 1


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a figure; distinct also for colour-blind eyes and in grey."""

    paper: str  # background
    ink: str  # text and lines that matter most
    quiet: str  # captions, axes
    faint: str  # grids, what is unused
    input: str
    input_line: str
    input_light: str
    hidden_line: str
    output: str
    mark: str  # the one thing to look at
    many: tuple[str, ...]  # lines that are of one kind


# The three hues are the high-contrast scheme of Paul Tol (2021), Colour schemes, technical note SRON/EPS/TN,
# those of many lines its muted scheme and an orange.
LIGHT = Theme(
    paper="#ffffff",
    ink="#1f2933",
    quiet="#66717d",
    faint="#d9dee3",
    input="#004488",
    input_line="#3f74a8",
    input_light="#8db4d8",
    hidden_line="#858f9a",
    output="#bb5566",
    mark="#ddaa33",
    many=(
        "#332288",
        "#cc6677",
        "#117733",
        "#88ccee",
        "#882255",
        "#ddcc77",
        "#44aa99",
        "#aa4499",
        "#999933",
        "#ee7733",
    ),
)


DARK = Theme(
    paper="#11161d",
    ink="#e4e9ef",
    quiet="#98a4b1",
    faint="#2c3641",
    input="#86bcf0",
    input_line="#4d86bd",
    input_light="#24476a",
    hidden_line="#75818e",
    output="#f0889a",
    mark="#e6bf5e",
    many=(
        "#8f86e8",
        "#e58a97",
        "#4cb96b",
        "#88ccee",
        "#c9639a",
        "#ddcc77",
        "#55c3b0",
        "#cf7fcf",
        "#b9b955",
        "#ee8f55",
    ),
)

THEMES = {"light": LIGHT, "dark": DARK}


def blend(low: str, high: str, share: float) -> str:
    """The colour that lies a share of the way from one to another."""
    start, end = np.array(to_rgb(low)), np.array(to_rgb(high))
    return to_hex(tuple(start + share * (end - start)))


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
        warnings.filterwarnings("ignore", message=MISSING_GLYPH, category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": ["sans-serif"],
                "font.sans-serif": [FONT],
                "svg.fonttype": "none",  # text stays text
                "svg.hashsalt": "wann",  # the same ids each time
                "pdf.fonttype": 42,
            }
        )
        yield


def quiet_frame(axes: Axes, theme: Theme, text_size: float) -> None:
    """Frame of a panel with curves: two sides, faint lines across, and ticks of `text_size` points."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.quiet)
    axes.set_facecolor(theme.paper)
    axes.grid(axis="y", color=theme.faint, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.quiet, labelsize=text_size)


def legend_above(axes: Axes, theme: Theme, size: float, columns: int) -> None:
    """Put a panel's legend above it, in text of this size (points), so many entries side by side."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        fontsize=size,
        labelcolor=theme.ink,
        frameon=False,
        borderaxespad=0.4,
        handlelength=1.6,
        columnspacing=1.4,
    )


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
    longer = max(figure.get_size_inches())
    dots = min(max(DOTS_PER_INCH, min(FEW_DOTS / longer, 2.0 * DOTS_PER_INCH)), MOST_DOTS / longer)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=suffix[1:], dpi=dots, metadata=metadata)


def svg_of(figure: Figure) -> bytes:
    """A figure as the bytes of an .svg file; same figure, same bytes. To be called within `figure_style`."""
    with BytesIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()


def plain_text(name: str, most: int = 40) -> str:
    """A name as one line of printable text, shortened to a greatest number of characters."""
    text = " ".join(name.split())
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


@cache
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Inches that a line of text takes in the font of our figures."""
    font = FontProperties(family=FONT, weight=weight, size=_MEASURED)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=MISSING_GLYPH, category=UserWarning)
        width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return _HINTED * float(width) / _MEASURED * size / 72.0


_HINTED = 1.05  # small letters are a little wider in pixels
_MEASURED = 100.0  # points; a width is measured there and scaled


class Symbol(NamedTuple):
    """A node to draw: its centre in inches, its activation (or "bias"), the colour of rim and curve."""

    centre: FloatArray
    name: str
    color: str
    there: float = 1.0  # how opaque it is


class Sheet:
    """A figure with one invisible axes all over it, whose unit is the inch."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.figure = Figure(facecolor=theme.paper)
        self.axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.axis("off")

    def resize(self, width: float, height: float) -> None:
        """Set the width and height of the figure, in inches."""
        self.figure.set_size_inches(width, height)
        self.axes.set(xlim=(0.0, width), ylim=(0.0, height))

    def write(
        self, x: float, y: float, text: str, size: float, color: str, *, align: str, weight: str = "normal"
    ) -> None:
        """Put a line of text with its middle at height y; `align` says which of its ends lies at x."""
        self.axes.text(
            x,
            y,
            text,
            fontsize=size,
            color=color,
            horizontalalignment=align,
            verticalalignment="center_baseline",
            fontweight=weight,
            parse_math=False,
        )

    def draw_line(self, points: FloatArray, color: str, width: float) -> None:
        """A line through places (n, 2), with its width in points."""
        line = LineCollection([points], colors=color, linewidths=width, zorder=2)
        self.axes.add_collection(line, autolim=False)

    def draw_symbols(self, symbols: Sequence[Symbol], radius: float, *, filled: bool = True) -> None:
        """Circles with a curve on a thin axis in each; with a 1 for the bias."""
        centres = np.array([symbol.centre for symbol in symbols])
        colors = [to_rgba(symbol.color, symbol.there) for symbol in symbols]
        papers = [to_rgba(self.theme.paper, symbol.there if filled else 0.0) for symbol in symbols]
        diameters = np.full(len(symbols), 2.0 * radius)
        width = min(max(6.0 * radius, 0.4), 1.1)
        circles = EllipseCollection(
            diameters,
            diameters,
            np.zeros(len(symbols)),
            units="xy",
            offsets=centres,
            offset_transform=self.axes.transData,
            facecolors=papers,
            edgecolors=colors,
            linewidths=width,
            zorder=3,
        )
        axis = np.array([[-CURVE_WIDTH, 0.0], [CURVE_WIDTH, 0.0]])
        curved = [symbol for symbol in symbols if symbol.name != "bias"]
        inks = [color for symbol, color in zip(symbols, colors, strict=True) if symbol.name != "bias"]
        grey = [to_rgba(self.theme.faint, symbol.there) for symbol in curved]
        zeros = [symbol.centre + radius * axis for symbol in curved]
        curves = [symbol.centre + radius * activation_curve(symbol.name) for symbol in curved]
        round_ends = {"capstyle": "round", "joinstyle": "round"}
        for collection in (
            circles,
            LineCollection(zeros, colors=grey, linewidths=0.5 * width, zorder=4),
            LineCollection(curves, colors=inks, linewidths=1.1 * width, zorder=5, **round_ends),
        ):
            self.axes.add_collection(collection, autolim=False)
        for symbol in symbols:
            if symbol.name == "bias":
                x, y = symbol.centre
                self.write(x, y, "1", 72.0 * radius, symbol.color, align="center")


@cache
def activation_curve(name: str) -> FloatArray:
    """Graph of an activation in a circle of radius 1: (S, 2).

    The zero lies at the centre, the values -1 and 1 at the same distance below and above for all.
    """
    x = np.array([-1.0, 0.0, 1e-9, 1.0]) if name == "step" else np.linspace(-1.0, 1.0, 61)
    y = BY_NAME[name].function(x * CURVE_REACH.get(name, 1.0))
    return np.column_stack([CURVE_WIDTH * x, CURVE_HEIGHT * y])
