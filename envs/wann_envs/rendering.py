"""Pictures of a cart with a pole, and the window that shows them; all that needs pygame.

A picture is drawn several times larger than wanted and scaled down, which smooths every edge. What never
moves is drawn once; of the rest only the patch around the cart, so a picture takes about a millisecond.
"""

from __future__ import annotations

import math
import os
from functools import cache
from typing import NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

try:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame
except ImportError as error:
    raise DependencyNotInstalled("pygame is not installed; run `pip install pygame-ce` to render") from error

WIDTH, HEIGHT = 640, 360  # pixels

_FINE = 4  # drawn so many times larger
_SCALE = 104.0  # pixels per metre
_MIDDLE = WIDTH // 2  # pixels from the left, where the cart's position is 0
_PIVOT = 182  # pixels from the top
_RAIL = _PIVOT + 22
_TICKS = _RAIL + 72

_CART = (52, 22)  # pixels, width and height of the body
_WHEEL = 7  # pixels, radius
_POLE = 9  # pixels, width
_FULL_ARROW = 52  # pixels at full force
_MARGIN = 8  # pixels around the pole's reach

_PAPER = (247, 248, 250)
_FAINT = (222, 227, 234)
_GREY = (196, 203, 213)
_TEXT = (142, 151, 165)
_STOP = (214, 117, 104)
_BODY = (49, 63, 89)
_EDGE = (76, 94, 128)
_HUB = (170, 181, 199)
_WOOD = (231, 164, 71)
_PUSH = (42, 157, 143)

Colour = tuple[int, int, int]
Point = tuple[float, float]
Picture = NDArray[np.uint8]


class Track(NamedTuple):
    """What never moves, and the sizes that are drawn to scale."""

    half: float  # m, from the middle to either end stop
    pole: float  # m, length of the pole


def draw_cart_pole(position: float, angle: float, push: float, track: Track) -> pygame.Surface:
    """Picture of a cart on its track with a pole, WIDTH x HEIGHT pixels.

    Args:
        position: of the cart's middle, m, 0 in the middle of the track.
        angle: of the pole, rad, 0 upright and growing counterclockwise.
        push: force on the cart as a share of the full force, in [-1, 1]; drawn as an arrow.
        track: the track and the length of the pole.
    """
    fine, picture = _scenery(track)
    picture = picture.copy()
    # Far outside there is nothing to see, and coordinates must stay within 32 bits.
    middle = _MIDDLE + _SCALE * max(-100.0, min(100.0, position))
    reach = math.ceil(max(track.pole * _SCALE, _CART[0] / 2 + _FULL_ARROW)) + _MARGIN
    left, top = math.floor(middle) - reach, _PIVOT - reach
    patch = pygame.Surface((2 * reach * _FINE, 2 * reach * _FINE), depth=32)
    patch.fill(_PAPER)
    patch.blit(fine, (0, 0), (left * _FINE, top * _FINE, *patch.get_size()))
    pen = _Pen(patch, (middle - left, float(reach)))
    _draw_cart(pen, position)
    _draw_arrow(pen, push)
    _draw_pole(pen, angle, track.pole * _SCALE)
    picture.blit(pygame.transform.smoothscale(patch, (2 * reach, 2 * reach)), (left, top))
    return picture


def to_array(picture: pygame.Surface) -> Picture:
    """Red, green and blue of a picture, (height, width, 3) uint8."""
    return np.ascontiguousarray(pygame.surfarray.array3d(picture).swapaxes(0, 1))


class Window:
    """A window that shows pictures at a steady pace."""

    def __init__(self, title: str, pace: int) -> None:
        """Open it.

        Args:
            title: text in its frame.
            pace: pictures a second.

        Raises:
            pygame.error: no window can be opened.
        """
        pygame.display.init()
        pygame.display.set_caption(title)
        self._screen = pygame.display.set_mode((WIDTH, HEIGHT))
        self._clock = pygame.time.Clock()
        self._pace = pace

    def show(self, picture: pygame.Surface) -> None:
        """Show a picture, then wait until the next one is due."""
        # The events are left in the queue for whoever wants to read them.
        pygame.event.pump()
        self._screen.blit(picture, (0, 0))
        pygame.display.flip()
        self._clock.tick(self._pace)

    def close(self) -> None:
        """Close it."""
        pygame.display.quit()


class _Pen:
    """Draws on an enlarged surface in pixels of the final picture, relative to an origin."""

    def __init__(self, surface: pygame.Surface, origin: Point = (0.0, 0.0)) -> None:
        self._surface = surface
        self._origin = origin

    def _point(self, point: Point) -> tuple[int, int]:
        x, y = (round((p + o) * _FINE) for p, o in zip(point, self._origin, strict=True))
        return x, y

    def circle(self, middle: Point, radius: float, colour: Colour, width: float = 0.0) -> None:
        """A disc, or a ring of some width inside the radius."""
        pygame.draw.circle(
            self._surface, colour, self._point(middle), round(radius * _FINE), round(width * _FINE)
        )

    def box(self, middle: Point, size: Point, radius: float, colour: Colour) -> None:
        """An upright rectangle with round corners."""
        box = pygame.Rect((0, 0), (round(size[0] * _FINE), round(size[1] * _FINE)))
        box.center = self._point(middle)
        pygame.draw.rect(self._surface, colour, box, border_radius=round(radius * _FINE))

    def polygon(self, corners: list[Point], colour: Colour) -> None:
        """A filled polygon."""
        pygame.draw.polygon(self._surface, colour, [self._point(corner) for corner in corners])

    def stroke(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """A straight line with round ends."""
        along_x, along_y = end[0] - start[0], end[1] - start[1]
        half = 0.5 * width / (math.hypot(along_x, along_y) or 1.0)
        x, y = -along_y * half, along_x * half
        sides: list[Point] = [
            (start[0] + x, start[1] + y),
            (end[0] + x, end[1] + y),
            (end[0] - x, end[1] - y),
            (start[0] - x, start[1] - y),
        ]
        self.polygon(sides, colour)
        for point in (start, end):
            self.circle(point, width / 2, colour)

    def text(self, text: str, middle: Point, size: float, colour: Colour) -> None:
        """A line of text around a point."""
        pygame.font.init()
        image = pygame.font.Font(None, round(size * _FINE)).render(text, True, colour)
        self._surface.blit(image, image.get_rect(center=self._point(middle)))


@cache
def _scenery(track: Track) -> tuple[pygame.Surface, pygame.Surface]:
    """All that never moves, enlarged and in its final size."""
    fine = pygame.Surface((WIDTH * _FINE, HEIGHT * _FINE), depth=32)
    fine.fill(_PAPER)
    pen = _Pen(fine)
    end = track.half * _SCALE
    # Where the tip of the pole belongs.
    pen.circle((_MIDDLE, _PIVOT - track.pole * _SCALE), 14, _FAINT, 2)
    pen.stroke((_MIDDLE - end, _RAIL), (_MIDDLE + end, _RAIL), 5, _GREY)
    for side in (-1, 1):
        pen.box((_MIDDLE + side * end, _RAIL - 9), (7, 26), 3, _STOP)
    pen.stroke((_MIDDLE - end, _TICKS), (_MIDDLE + end, _TICKS), 1, _FAINT)
    whole = math.floor(track.half)
    for tick in range(-2 * whole, 2 * whole + 1):
        x = _MIDDLE + 0.5 * tick * _SCALE
        if tick % 2:
            pen.stroke((x, _TICKS), (x, _TICKS + 4), 1, _FAINT)
        else:
            pen.stroke((x, _TICKS), (x, _TICKS + 7), 1.5, _GREY)
            metres = tick // 2
            pen.text(f"{metres} m".replace("-", "−"), (x, _TICKS + 18), 16, _TEXT)
    return fine, pygame.transform.smoothscale(fine, (WIDTH, HEIGHT))


def _draw_cart(pen: _Pen, position: float) -> None:
    axle = _RAIL - _PIVOT - 2.5 - _WHEEL
    turn = position * _SCALE / _WHEEL
    pen.box((0.0, 0.0), _CART, 6, _BODY)
    pen.box((0.0, 4.0 - _CART[1] / 2), (_CART[0] - 12, 2), 1, _EDGE)
    for side in (-1, 1):
        x = side * (_CART[0] / 2 - 11)
        pen.circle((x, axle), _WHEEL + 1.5, _PAPER)
        pen.circle((x, axle), _WHEEL, _BODY)
        pen.circle((x, axle), 2.5, _HUB)
        pen.circle((x + 4.5 * math.cos(turn), axle + 4.5 * math.sin(turn)), 1.0, _HUB)


def _draw_arrow(pen: _Pen, push: float) -> None:
    length = abs(push) * _FULL_ARROW
    if length < 1.0:
        return
    side = math.copysign(1.0, push)
    start = _CART[0] / 2 + 4
    head = min(12.0, length)
    neck, tip = start + length - head, start + length
    if neck > start:
        pen.box((side * (start + neck) / 2, 0.0), (neck - start + 1, 5), 0, _PUSH)
    corners: list[Point] = [
        (side * neck, -0.6 * head),
        (side * tip, 0.0),
        (side * neck, 0.6 * head),
    ]
    pen.polygon(corners, _PUSH)


def _draw_pole(pen: _Pen, angle: float, length: float) -> None:
    tip = (-length * math.sin(angle), -length * math.cos(angle))
    pen.stroke((0.0, 0.0), tip, _POLE + 2, _PAPER)
    pen.stroke((0.0, 0.0), tip, _POLE, _WOOD)
    pen.circle((0.0, 0.0), 3, _PAPER)
