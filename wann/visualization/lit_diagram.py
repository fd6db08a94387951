"""A network at work: its diagram as pictures, nodes and connections lit by what passes through them.

The drawing is rendered once, each node and connection on its own. As what lies above what never changes, a
pixel is a fixed weighted sum of the colours of the few parts seen there; a frame is that sum.
"""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, IdentityTransform

from wann.champion import Champion, Weight
from wann.utils.arrays import FloatArray
from wann.visualization.diagram import Diagram, DiagramNode
from wann.visualization.film import Picture
from wann.visualization.network_figure import parted
from wann.visualization.theme import LIGHT, Sheet, Symbol, Theme, blend, figure_style

LINE_WIDTH = 0.05  # of the distance of neighbouring nodes
THINNEST, THICKEST = 1.0, 4.0  # pixels
RIM = 1.2  # pixels of paper on either side of a line, where it crosses others
IDLE = 0.2  # how far an idle line stands out from the paper, towards the captions' colour
LARGEST = 125.0  # pixels for an inch, so that a small network does not look coarse
EDGE = 0.08  # inches around the diagram
DEEPEST = 0.75  # a node's colour never hides its curve
FULL_SIGNAL = 1.0  # a signal of this size is lit by two thirds


class LivingDiagram:
    """Pictures of a champion's network as it computes."""

    def __init__(self, champion: Champion, diagram: Diagram, width: int, *, theme: Theme = LIGHT) -> None:
        """Render the drawing.

        Args:
            champion: whose network it is.
            diagram: diagram of its genome.
            width: pixels of a picture.
            theme: the colours.
        """
        self.theme = theme
        self.scale = min(width / (diagram.width + 2.0 * EDGE), LARGEST)  # pixels for an inch
        self.size = (width, round((diagram.height + 2.0 * EDGE) * self.scale))
        self._corner = np.array([0.5 * (width / self.scale - diagram.width), EDGE])  # inches to the diagram
        network, genome = champion.network, champion.genome
        ids = [*range(genome.first_output), *network.node.tolist()]
        row = {node: k for k, node in enumerate(ids)}
        at = {mark: k for k, mark in enumerate(network.mark.tolist())}

        tuned = champion.tuned_sources
        self._tuned = np.zeros(0) if tuned is None else tuned
        masks, parts = [], []  # from the lowest to the uppermost
        rows: list[int] = []  # what lights each part
        connections: list[int] = []
        renderer = RendererAgg(*self.size, 72.0)
        by_source: dict[int, list[int]] = {}
        for k, edge in enumerate(diagram.edges):
            by_source.setdefault(edge.source, []).append(k)
        thick = float(np.clip(LINE_WIDTH * diagram.pitch * self.scale, THINNEST, THICKEST))
        for source, members in by_source.items():
            edges = [diagram.edges[k] for k in members]
            ways = [self._line(way) for way in parted(edges)]
            for way in ways:
                masks.append(_mask(renderer, way, thick + 2.0 * RIM))
                parts.append(-1)
            for edge, way in zip(edges, ways, strict=True):
                masks.append(_mask(renderer, way, thick))
                parts.append(len(rows))
                rows.append(row[source])
                connections.append(at[edge.mark])
        self._lines = len(rows)
        for node in diagram.nodes:
            masks.append(_mask(renderer, self._outline(diagram, node), None))
            parts.append(len(rows))
            rows.append(row[node.id])
        self._rows = np.array(rows)
        # What feeds nothing stays dark.
        self._gain = np.array([1.0] * self._lines + [1.0 if node.used else 0.0 for node in diagram.nodes])
        self._connections = np.array(connections, np.int64)
        self._order = parts
        self._compose(masks, self._overlay(diagram))

    def _line(self, points: FloatArray) -> Path:
        codes = np.full(len(points), Path.CURVE4, np.uint8)
        codes[0] = Path.MOVETO
        return Path(self._pixels(points), codes)

    def _outline(self, diagram: Diagram, node: DiagramNode) -> Path:
        shape = Path.unit_circle()
        if diagram.plane and node.kind == "input":
            shape = Path([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)], closed=True)
        x, y = self._pixels(np.array([[node.x, node.y]]))[0]
        moved: Path = shape.transformed(Affine2D().scale(node.radius * self.scale).translate(x, y))
        return moved

    def _pixels(self, points: FloatArray) -> FloatArray:
        """Places in pixels from the lower left corner, as Agg has it."""
        placed: FloatArray = np.array([0.0, self.size[1]]) + (points + self._corner) * [
            self.scale,
            -self.scale,
        ]
        return placed

    def _overlay(self, diagram: Diagram) -> FloatArray:
        """The parts that never change: rims, curves and names, (height, width, 4)."""
        theme = self.theme
        with figure_style():
            sheet = Sheet(theme)
            sheet.figure.patch.set_alpha(0.0)
            sheet.figure.set_dpi(self.scale)
            width, height = (length / self.scale for length in self.size)
            sheet.resize(width, height)
            by_radius: dict[float, list[Symbol]] = {}
            for node in diagram.nodes:
                place = np.array([node.x, height - node.y]) + self._corner * [1.0, -1.0]
                if not (diagram.plane and node.kind == "input"):
                    name = "bias" if node.kind == "bias" else node.activation
                    color = theme.ink if node.used else theme.faint
                    by_radius.setdefault(node.radius, []).append(Symbol(place, name, color))
                    if node.kind != "hidden":
                        away, align = (1.0, "left") if node.kind == "output" else (-1.0, "right")
                        x = place[0] + away * (node.radius + 0.2 * diagram.pitch + 0.03)
                        ink = theme.ink if node.used else theme.quiet
                        sheet.write(x, place[1], node.label, diagram.name_size, ink, align=align)
            for radius, symbols in by_radius.items():
                sheet.draw_symbols(symbols, radius, filled=False)
            canvas = FigureCanvasAgg(sheet.figure)
            canvas.draw()
            picture = np.asarray(canvas.buffer_rgba())
        return picture[: self.size[1], : self.size[0]] / 255.0

    def _compose(self, masks: list[tuple[np.ndarray, FloatArray]], overlay: FloatArray) -> None:
        """Find out how much of each part is seen in each pixel."""
        paper = np.array(to_rgb(self.theme.paper))
        cover = overlay[:, :, 3].ravel()
        free = 1.0 - cover  # how much light comes through what lies above
        base = overlay[:, :, :3].reshape(-1, 3) * cover[:, None]
        pixels, shares, seen = [], [], []
        for (where, alpha), part in zip(reversed(masks), reversed(self._order), strict=True):
            share = alpha * free[where]
            free[where] *= 1.0 - alpha
            if part < 0:
                base[where] += share[:, None] * paper
                continue
            kept = share > 1.0 / 512.0
            pixels.append(where[kept])
            shares.append(share[kept])
            seen.append(np.full(np.count_nonzero(kept), part))
        base += free[:, None] * paper
        pixel, share, part_of = (np.concatenate(lists) for lists in (pixels, shares, seen))
        order = np.argsort(pixel, kind="stable")
        self._part, self._share = part_of[order], share[order, None].astype(np.float32)
        self._pixel, self._first = np.unique(pixel[order], return_index=True)
        self._base = base.astype(np.float32)

    def picture(self, values: FloatArray, weight: Weight) -> Picture:
        """The network with these values.

        Args:
            values: (rows,) of `wann.champion.Champion.values`.
            weight: shared weight, or "tuned".
        """
        colors = self._colors(values, weight).astype(np.float32)
        frame = self._base.copy()
        frame[self._pixel] += np.add.reduceat(self._share * colors[self._part], self._first, axis=0)
        shown: Picture = np.clip(255.0 * frame + 0.5, 0.0, 255.0).astype(np.uint8)
        return shown.reshape(self.size[1], self.size[0], 3)

    def _colors(self, values: FloatArray, weight: Weight) -> FloatArray:
        """Colour of each part, the lines before the nodes, (parts, 3)."""
        signal = values[self._rows] * self._gain
        if weight == "tuned":
            signal[: self._lines] *= self._tuned[self._connections]
        else:
            signal[: self._lines] *= weight
        theme = self.theme
        lit = 1.0 - np.exp(-np.abs(signal) / FULL_SIGNAL)[:, None]
        lit[self._lines :] *= DEEPEST
        rest = np.repeat([to_rgb(theme.paper)], len(signal), axis=0)
        rest[: self._lines] = to_rgb(blend(theme.paper, theme.quiet, IDLE))
        tone = np.where(signal[:, None] > 0.0, to_rgb(theme.output), to_rgb(theme.input))
        colors: FloatArray = rest + lit * (tone - rest)
        return colors


def _mask(renderer: RendererAgg, path: Path, width: float | None) -> tuple[np.ndarray, FloatArray]:
    """Pixels that a line of some width, or a filled outline, touches, and how much it covers of them."""
    renderer.clear()
    context = renderer.new_gc()
    context.set_foreground((1.0, 1.0, 1.0))
    context.set_capstyle("butt")
    context.set_joinstyle("round")
    context.set_linewidth(width or 0.0)
    renderer.draw_path(context, path, IdentityTransform(), (1.0, 1.0, 1.0) if width is None else None)
    alpha = np.asarray(renderer.buffer_rgba())[:, :, 3].ravel()
    where = np.flatnonzero(alpha)
    return where, alpha[where] / 255.0
