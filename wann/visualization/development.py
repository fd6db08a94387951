"""How a run's champion developed: its networks side by side, or as a film with the score beside them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from wann.champion import Champion, load_champion
from wann.run.folder import RunFolder
from wann.utils.arrays import FloatArray
from wann.utils.callbacks import ProgressCallback
from wann.visualization.diagram import Diagram, diagram_of
from wann.visualization.drawing_room import PITCH
from wann.visualization.film import Film, Picture, making
from wann.visualization.legend import Legend
from wann.visualization.network_figure import (
    CAPTION_SIZE,
    MARGIN,
    TIGHT,
    TITLE_SIZE,
    paint,
    size_of,
    text_share,
    write_fitting,
)
from wann.visualization.theme import (
    LIGHT,
    Sheet,
    Symbol,
    Theme,
    check_suffix,
    figure_style,
    quiet_frame,
    save_figure,
)

WIDTH = 12.0  # inches of a development, where it is not given
ABREAST = 2.6  # inches that a network takes at least, where there are several in a row
MOST_ABREAST = 4
LEGIBLE = 0.2  # inches between nodes; where they would lie closer, fewer networks stand in a row

PACE = 25  # frames a second of a film
SECONDS = 20.0  # of a film, as far as its champions last within `FRAMES`
FRAMES = (8, 25)
"""Least and most frames that a champion lasts."""

MOVING = 0.5  # share of these in which nodes move to their places
FILM_SIZE = (12.8, 7.2)  # inches
FILM_DOTS = 100
NETWORK_WIDTH, NETWORK_HEIGHT = 8.4, 5.4  # inches of a film's picture
TALLER = 2.0  # at most so much further apart do nodes lie there from top to bottom
SAMPLES = 40  # points of a line in a film


@dataclass(frozen=True, slots=True)
class Stage:
    """The champion that stood at a generation."""

    generation: int
    champion: Champion


def read_stages(folder: RunFolder, generations: Sequence[int] | None = None) -> list[Stage]:
    """The champions of a run.

    Args:
        folder: the run.
        generations: generations whose champions are wanted; by default those with a new one.

    Raises:
        ValueError: there was no champion yet at a generation, the run has not come to it, or a file cannot
            be read.
    """
    files = folder.champions()
    if not files:
        raise ValueError(f"{folder.path} holds no champions yet")
    if generations is None:
        return [Stage(generation, load_champion(path)) for generation, path in files.items()]
    stages = []
    last = max(folder.last_generation(), *files)
    for generation in generations:
        if generation > last:
            raise ValueError(f"{folder.path} has no generation {generation}: it is at {last}")
        until = [found for found in files if found <= generation]
        if not until:
            raise ValueError(
                f"{folder.path} has no champion at generation {generation}: its first came at {min(files)}"
            )
        stages.append(Stage(generation, load_champion(files[max(until)])))
    return stages


def draw_development(
    stages: Sequence[Stage],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    theme: Theme = LIGHT,
    width: float | None = None,
) -> None:
    """Draw champions of one run side by side, all in one scale; same champions, same bytes.

    Args:
        stages: the champions, at least one.
        path: a .svg, .png or .pdf file.
        title: a line above the drawing.
        theme: the colours.
        width: inches.

    Raises:
        ValueError: the suffix is another, or the width leaves no room.
        OSError: the file cannot be written; nothing is left behind.

    Source: Gaier and Ha (2019), figure 4.
    """
    check_suffix(path)
    margin, text = (MARGIN, 1.0) if width is None else (TIGHT, text_share(width))
    inner = (width or WIDTH) - 2.0 * margin
    gap = 0.25 * text
    for abreast in range(min(len(stages), MOST_ABREAST), 0, -1):
        cell = (inner - gap * (abreast - 1)) / abreast
        if abreast > 1 and cell < ABREAST * text:
            continue
        diagrams = _in_one_scale(stages, cell)
        if diagrams[0].pitch >= LEGIBLE or abreast <= 2:
            break
    rows = -(-len(stages) // abreast)
    with figure_style():
        sheet = Sheet(theme)
        legend = Legend(sheet, diagrams, None, text)
        head, words = 0.4 * text if title else 0.0, 0.42 * text
        lines = [stages[k : k + abreast] for k in range(0, len(stages), abreast)]
        heights = [max(d.height for d in diagrams[k : k + abreast]) for k in range(0, len(stages), abreast)]
        total = 2.0 * margin + head + sum(heights) + (words + gap) * rows + legend.height(inner)
        sheet.resize(inner + 2.0 * margin, total)
        top = total - margin
        if title:
            middle = margin + 0.5 * inner
            write_fitting(
                sheet, middle, top - 0.09 * text, title, text * TITLE_SIZE, theme.ink, inner, weight="bold"
            )
            top -= head
        rest = iter(diagrams)
        for line, height in zip(lines, heights, strict=True):
            left = margin + 0.5 * (inner - len(line) * cell - (len(line) - 1) * gap)
            for stage in line:
                diagram, middle = next(rest), left + 0.5 * cell
                first, second = f"generation {stage.generation:,}", _told(stage.champion, diagram)
                write_fitting(sheet, middle, top - 0.08 * text, first, text * 9.0, theme.ink, cell)
                write_fitting(
                    sheet, middle, top - 0.25 * text, second, text * CAPTION_SIZE, theme.quiet, cell
                )
                room = 0.5 * (height - diagram.height)
                corner = np.array([middle - 0.5 * diagram.width, top - words - room])
                paint(sheet, diagram, corner)
                left += cell + gap
            top -= words + height + gap
        legend.draw(margin + 0.5 * inner, margin, inner)
        save_figure(sheet.figure, path)


def _told(champion: Champion, diagram: Diagram) -> str:
    """Score and size of a champion in words."""
    return f"mean return {_shown(champion.scores.overall)} · {size_of(diagram).split(' · ')[0]}"


def _shown(value: float) -> str:
    return f"{value:,.1f}" if abs(value) >= 10.0 else f"{value:.3f}"


def _in_one_scale(stages: Sequence[Stage], width: float, *, follow: bool = False) -> list[Diagram]:
    """Diagrams of champions within a width, with nodes of one size.

    With `follow`, each keeps the order of its predecessor as far as possible.
    """

    def laid(pitch: float) -> list[Diagram]:
        diagrams: list[Diagram] = []
        for stage in stages:
            champion = stage.champion
            before = diagrams[-1] if follow and diagrams else None
            diagrams.append(
                diagram_of(
                    champion.genome,
                    champion.inputs,
                    champion.outputs,
                    width=width,
                    pitch=pitch,
                    before=before,
                )
            )
        return diagrams

    return laid(min(diagram.pitch for diagram in laid(PITCH[1])))


# The film


def film_development(
    stages: Sequence[Stage],
    metrics: Mapping[str, FloatArray],
    path: str | os.PathLike[str],
    *,
    title: str,
    theme: Theme = LIGHT,
    progress: ProgressCallback | None = None,
) -> int:
    """Film how the champion of a run developed, with its score over the generations beside it.

    Nodes keep their places as far as possible, and move to new ones without a jump.

    Args:
        stages: the champions, at least one.
        metrics: columns of the run's metrics, as `wann.run.folder.RunFolder.read_metrics` returns them.
        path: a .gif or .mp4 file, or a folder for PNG files.
        title: a line above the network.
        theme: the colours.
        progress: called with the numbers of champions done and of all champions.

    Returns:
        How many frames it has.

    Raises:
        ValueError: the path names no film.
        OSError: the film cannot be written, or does not hold all frames.
    """
    laid = _in_one_scale(stages, NETWORK_WIDTH, follow=True)
    taller = float(np.clip(NETWORK_HEIGHT / max(diagram.height for diagram in laid), 1.0, TALLER))
    diagrams = [_stretched(diagram, taller) for diagram in laid]
    drawn = [_Drawn.of(diagram) for diagram in diagrams]
    frames = int(np.clip(SECONDS * PACE / len(stages), *FRAMES))
    moving = round(MOVING * frames)
    with figure_style(), making(Path(path), Fraction(PACE)) as film:
        score = _Score(metrics, theme)
        for k, stage in enumerate(stages):
            panel = score.picture(stage)
            words = f"generation {stage.generation:,}", _told(stage.champion, diagrams[k])
            if k:
                for frame in range(1, moving):
                    share = 0.5 - 0.5 * np.cos(np.pi * frame / moving)
                    between = _between(drawn[k - 1], drawn[k], float(share))
                    film.add(_joined(_network_picture(between, title, words, theme), panel))
            _hold(film, _joined(_network_picture(drawn[k], title, words, theme), panel), frames - moving)
            if progress is not None:
                progress(k + 1, len(stages))
        _hold(film, _joined(_network_picture(drawn[-1], title, words, theme), panel), PACE)
        return film.frames


def _hold(film: Film, picture: Picture, frames: int) -> None:
    for _ in range(frames):
        film.add(picture)


def _joined(left: Picture, right: Picture) -> Picture:
    return np.concatenate([left, right], axis=1)


def _picture(figure: Figure) -> Picture:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _stretched(diagram: Diagram, taller: float) -> Diagram:
    """The diagram as wide as a film's network, so that inputs and outputs of all champions lie alike.

    The distances between nodes may grow, as they are the least ones.
    """
    firsts = [node.x for node in diagram.nodes if node.kind in ("bias", "input")]
    lasts = [node.x for node in diagram.nodes if node.kind == "output"]
    start, end = max(firsts), max(lasts)
    factor = 1.0 + (NETWORK_WIDTH - diagram.width) / (end - start)

    def moved(x: FloatArray | float) -> FloatArray:
        return np.where(np.asarray(x) > start, start + (np.asarray(x) - start) * factor, x)

    return replace(
        diagram,
        width=NETWORK_WIDTH,
        height=taller * diagram.height,
        nodes=tuple(replace(node, x=float(moved(node.x)), y=taller * node.y) for node in diagram.nodes),
        edges=tuple(
            replace(edge, points=np.column_stack([moved(edge.points[:, 0]), taller * edge.points[:, 1]]))
            for edge in diagram.edges
        ),
    )


_Parts = Mapping[int, tuple[Any, FloatArray, float]]  # what it is, where it is, and how far it is there


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A network in a frame; places are measured from the middle of the left side, y downwards."""

    nodes: _Parts  # a `DiagramNode` and its place (2,), by id
    lines: _Parts  # kind of the source and points (SAMPLES, 2), by innovation number
    pitch: float
    name_size: float

    @classmethod
    def of(cls, diagram: Diagram) -> _Drawn:
        middle = np.array([0.0, 0.5 * diagram.height])
        kinds = {node.id: node.kind for node in diagram.nodes}
        return cls(
            {node.id: (node, np.array([node.x, node.y]) - middle, 1.0) for node in diagram.nodes},
            {edge.mark: (kinds[edge.source], _sampled(edge.points) - middle, 1.0) for edge in diagram.edges},
            diagram.pitch,
            diagram.name_size,
        )


def _sampled(points: FloatArray) -> FloatArray:
    """Places on joined cubic curves, evenly spaced from left to right."""
    t = np.linspace(0.0, 1.0, 8)[:, None]
    pieces = [points[k : k + 4] for k in range(0, len(points) - 1, 3)]
    dense = np.concatenate(
        [
            (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
            for a, b, c, d in pieces
        ]
    )
    x = np.linspace(dense[0, 0], dense[-1, 0], SAMPLES)
    return np.column_stack([x, np.interp(x, dense[:, 0], dense[:, 1])])


def _between(old: _Drawn, new: _Drawn, share: float) -> _Drawn:
    """Network between two others; parts that only one of them has appear or vanish."""

    def mixed(a: _Parts, b: _Parts) -> _Parts:
        found = {}
        for key in {**a, **b}:
            if key in a and key in b:
                found[key] = (b[key][0], (1.0 - share) * a[key][1] + share * b[key][1], 1.0)
            else:
                what, way, _ = (b if key in b else a)[key]
                found[key] = (what, way, share if key in b else 1.0 - share)
        return found

    return _Drawn(mixed(old.nodes, new.nodes), mixed(old.lines, new.lines), new.pitch, new.name_size)


def _network_picture(drawn: _Drawn, title: str, words: tuple[str, str], theme: Theme) -> Picture:
    sheet = Sheet(theme)
    sheet.figure.set_dpi(FILM_DOTS)
    sheet.resize(NETWORK_WIDTH + MARGIN, FILM_SIZE[1])
    origin = np.array([MARGIN, 0.5 * FILM_SIZE[1] - 0.15])
    flip = np.array([1.0, -1.0])
    width = float(np.clip(3.5 * drawn.pitch, 0.6, 1.3))
    lines = list(drawn.lines.values())
    paths = [origin + line * flip for _, line, _ in lines]
    colors = [
        to_rgba(theme.hidden_line if kind == "hidden" else theme.input_line, there)
        for kind, _, there in lines
    ]
    both = [path for path in paths for _ in range(2)]
    inks = [ink for color in colors for ink in (to_rgba(theme.paper, color[3]), color)]
    widths = [w for _ in paths for w in (2.6 * width, width)]
    sheet.axes.add_collection(LineCollection(both, colors=inks, linewidths=widths, zorder=2), autolim=False)
    radius = max(node.radius for node, _, _ in drawn.nodes.values())
    symbols = []
    for node, place, there in drawn.nodes.values():
        color = {"hidden": theme.ink, "output": theme.output}.get(node.kind, theme.input)
        color = color if node.used else theme.faint
        at = origin + place * flip
        symbols.append(Symbol(at, "bias" if node.kind == "bias" else node.activation, color, there))
        if node.kind != "hidden":
            away, align = (1.0, "left") if node.kind == "output" else (-1.0, "right")
            gap = radius + 0.2 * drawn.pitch + 0.03
            ink = theme.ink if node.used else theme.quiet
            sheet.write(at[0] + away * gap, at[1], node.label, drawn.name_size, ink, align=align)
    sheet.draw_symbols(symbols, radius)
    middle = 0.5 * (NETWORK_WIDTH + MARGIN)
    for text, down, size, color, weight in (
        (title, 0.3, 13.0, theme.ink, "bold"),
        (words[0], 0.62, 12.0, theme.ink, "normal"),
        (words[1], 0.88, 10.0, theme.quiet, "normal"),
    ):
        write_fitting(sheet, middle, FILM_SIZE[1] - down, text, size, color, NETWORK_WIDTH, weight=weight)
    return _picture(sheet.figure)


class _Score:
    """The panel with the score over the generations."""

    def __init__(self, metrics: Mapping[str, FloatArray], theme: Theme) -> None:
        width = FILM_SIZE[0] - NETWORK_WIDTH - MARGIN
        self.figure = Figure(figsize=(width, FILM_SIZE[1]), facecolor=theme.paper, dpi=FILM_DOTS)
        self.axes = self.figure.add_axes((0.2, 0.14, 0.72, 0.66))
        quiet_frame(self.axes, theme, 9.0)
        generations, mean = metrics["generation"], metrics["champion_mean"]
        self.axes.plot(generations, metrics["best_mean"], color=theme.faint, linewidth=0.8)
        self.axes.plot(generations, mean, color=theme.quiet, linewidth=1.0, drawstyle="steps-post")
        self.past = self.axes.plot([], [], color=theme.output, linewidth=2.0, drawstyle="steps-post")[0]
        self.dot = self.axes.plot([], [], "o", color=theme.output, markersize=8.0)[0]
        self.axes.set_xlabel("generation", color=theme.quiet, fontsize=10.0)
        self.axes.set_title("champion's mean return", color=theme.quiet, fontsize=10.0, loc="left")
        self.generations, self.mean = generations, mean

    def picture(self, stage: Stage) -> Picture:
        """The panel as a champion appears."""
        at = min(max(int(np.searchsorted(self.generations, stage.generation)), 0), len(self.mean) - 1)
        self.past.set_data(self.generations[: at + 1], self.mean[: at + 1])
        self.dot.set_data([self.generations[at]], [self.mean[at]])
        return _picture(self.figure)
