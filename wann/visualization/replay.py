"""Episodes of a champion to look at, with its network at work: in a window or as a film."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from wann.champion import Champion, Weight
from wann.utils.callbacks import ProgressCallback
from wann.visualization.diagram import diagram_of
from wann.visualization.film import Picture, check_path, making, steps_per_frame
from wann.visualization.lit_diagram import LivingDiagram
from wann.visualization.theme import LIGHT, Theme

try:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame
except ImportError as error:
    raise ImportError("pygame is not installed; run `pip install pygame-ce` to replay") from error


@dataclass(frozen=True, slots=True)
class Scene:
    """Episodes of one champion to be shown side by side, and how they look."""

    champion: Champion  # the network and its task
    weights: Sequence[Weight]  # a panel each: shared weights, or "tuned"; at most `MOST_WEIGHTS`
    seed: int  # of the episodes, at least 0
    max_steps: int | None = None  # steps after which an episode is cut off; None for the task's own limit
    network: bool = False  # whether the network is shown beside the picture, lit by its activations
    theme: Theme = LIGHT  # colours of the network and of the captions


@dataclass(frozen=True, slots=True)
class Episode:
    """Outcome of an episode."""

    total: float  # sum of the rewards
    steps: int
    terminated: bool  # the task ended it
    truncated: bool  # the limit on steps ended it
    frames: int = 0  # pictures in the film; 0 without one


USUAL_RATE = 30  # steps a second of an environment that does not name its rate
_FINE = 4  # factor by which the caption is drawn larger
_STRIP = 34  # pixels, height of the caption
_SIDE = 24  # pixels, left and right of its text
_ABOVE = 14  # pixels
_LETTERS = 18  # pixels
_SPACE = 16  # pixels between panels

MOST_WEIGHTS = 6
"""Greatest number of weights shown side by side."""

_LARGEST = 1920  # pixels of width of several panels
_PANEL = (260, 640)  # pixels, least and greatest width of one of several panels
_BESIDE = 760  # pixels of width of a network beside a single picture
_INCHES = 8.0  # width for which a network's diagram is laid out; it then shrinks or grows with the picture


def record_episode(
    champion: Champion,
    weight: Weight,
    seed: int,
    path: str | os.PathLike[str],
    *,
    max_steps: int | None = None,
    frame_skip: int | None = None,
    progress: ProgressCallback | None = None,
) -> Episode:
    """Film one episode; `record_episodes` with a single weight and without the network."""
    scene = Scene(champion, [weight], seed, max_steps)
    (episode,) = record_episodes(scene, path, frame_skip=frame_skip, progress=progress)
    return episode


def record_episodes(
    scene: Scene,
    path: str | os.PathLike[str],
    *,
    frame_skip: int | None = None,
    progress: ProgressCallback | None = None,
) -> list[Episode]:
    """Film an episode for each weight, side by side, at the speed of real time, from first to last state.

    The film is written whole or not at all. Above each picture stand the weight, the time and the return. The
    picture of an episode that has ended stays as it is.

    Args:
        scene: the episodes.
        path: the film, a .gif or .mp4 file, or a folder for PNG files.
        frame_skip: steps from one frame to the next; by default such that a GIF has at most 25 frames a
            second and others 50.
        progress: called after each step with the number of steps done and the greatest possible one.

    Returns:
        The outcome of each episode.

    Raises:
        ValueError: an argument is out of range, or a GIF cannot keep to real time with this `frame_skip`,
            as its frames last whole hundredths of a second and at least two.
        OSError: the film cannot be written, or does not hold all frames.
        RuntimeError: the environment cannot draw itself here.
    """
    path = Path(path)
    form = check_path(path)
    _check_at_least_one("frame_skip", frame_skip)
    with closing(_Stage(scene)) as stage:
        skip = steps_per_frame(form, stage.rate, frame_skip)
        with making(path, Fraction(stage.rate, skip)) as film:
            for steps in stage.play():
                if stage.has_ended or steps % skip == 0:
                    film.add(stage.picture())
                if progress is not None and steps:
                    progress(steps, steps if stage.has_ended else stage.limit)
            return [replace(now, frames=film.frames) for now in stage.latest]


def show_episodes(scene: Scene) -> list[Episode]:
    """Show in a window what `record_episodes` films; Escape, Q or closing the window end it.

    Returns:
        The outcome of each episode, or its state when the user closed the window.

    Raises:
        ValueError: an argument is out of range.
        RuntimeError: there is no screen, or the environment cannot draw itself here.
    """
    with closing(_Stage(scene)) as stage:
        _need_screen()
        try:
            skip = math.ceil(stage.rate / _WINDOW_PACE)
            clock, window = pygame.time.Clock(), None
            for steps in stage.play():
                if not stage.has_ended and steps % skip:
                    continue
                picture = stage.picture()
                if window is None:
                    window = pygame.display.set_mode((picture.shape[1], picture.shape[0]))
                    pygame.display.set_caption(scene.champion.task)
                window.blit(pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
                pygame.display.flip()
                clock.tick(stage.rate / skip)
                if _user_has_enough():
                    break
        finally:
            pygame.display.quit()
        return stage.latest


_WINDOW_PACE = 30  # frames a second, at most


class _Stage:
    """A scene's episodes while they run, each at its own weight."""

    def __init__(self, scene: Scene) -> None:
        weights, max_steps = scene.weights, scene.max_steps
        if not 1 <= len(weights) <= MOST_WEIGHTS:
            raise ValueError(
                f"weights must be 1 to {MOST_WEIGHTS} to be shown side by side, got {len(weights)}"
            )
        _check_at_least_one("max_steps", max_steps)
        self.champion = scene.champion
        self.weights = list(weights)
        self.theme = scene.theme
        self.task = scene.champion.get_task()
        self.limit = max_steps or self.task.episode_steps
        self.latest = [Episode(total=0.0, steps=0, terminated=False, truncated=False) for _ in weights]
        self._seed = scene.seed
        self._network = scene.network
        self._living: LivingDiagram | None = None
        self._panels: list[Picture | None] = [None for _ in weights]
        self._observations: list[Any] = [None for _ in weights]
        self._envs: list[Any] = []
        try:
            for _ in weights:
                self._envs.append(self.task.make_env("rgb_array", max_steps))
        except BaseException:
            self.close()
            raise
        self.rate = int(self._envs[0].metadata.get("render_fps") or USUAL_RATE)

    def close(self) -> None:
        """Close the environments."""
        for env in self._envs:
            env.close()

    @property
    def has_ended(self) -> bool:
        """Whether all episodes have ended."""
        return all(now.terminated or now.truncated for now in self.latest)

    def play(self) -> Iterator[int]:
        """Play the episodes; yields the number of steps done, at the start and after each step."""
        plays = [
            _play(env, self.champion, weight, self._seed)
            for env, weight in zip(self._envs, self.weights, strict=True)
        ]
        steps = 0
        while True:
            moved = False
            for k, play in enumerate(plays):
                if (entry := next(play, None)) is not None:
                    self.latest[k], self._observations[k] = entry
                    self._panels[k] = None
                    moved = True
            if not moved:
                return
            yield steps
            steps += 1

    def picture(self) -> Picture:
        """All current panels side by side."""
        panels = []
        for k, panel in enumerate(self._panels):
            if panel is None:
                panel = self._panels[k] = self._panel(k)
            panels.append(panel)
        if len(panels) == 1:
            return panels[0]
        space = np.empty((panels[0].shape[0], _SPACE, 3), np.uint8)
        space[:] = _rgb(self.theme.paper)
        return np.concatenate([part for panel in panels for part in (space, panel)][1:], axis=1)

    def _panel(self, k: int) -> Picture:
        frame = picture_of(self._envs[k], self.task.name)
        weight, single = self.weights[k], len(self.weights) == 1
        if not single:
            room = (_LARGEST - _SPACE * (len(self.weights) - 1)) // len(self.weights)
            frame = _scaled(frame, min(max(min(room, _PANEL[1]), _PANEL[0]), max(frame.shape[1], _PANEL[0])))
        if self._network:
            lit = self._lit(k, _BESIDE if single else frame.shape[1])
            frame = _beside(frame, lit, self.theme) if single else np.concatenate([frame, lit])
        return captioned(frame, weight, self.latest[k], self.rate, self.theme)

    def _lit(self, k: int, width: int) -> Picture:
        """The network as it sees the latest observation."""
        champion = self.champion
        if self._living is None:
            diagram = diagram_of(champion.genome, champion.inputs, champion.outputs, width=_INCHES)
            self._living = LivingDiagram(champion, diagram, width, theme=self.theme)
        values = champion.values(self.task.observe(self._observations[k]), self.weights[k])
        return self._living.picture(values, self.weights[k])


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = (round(255.0 * part) for part in to_rgb(color))
    return red, green, blue


def _scaled(picture: Picture, width: int) -> Picture:
    """A picture at another width."""
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _beside(left: Picture, right: Picture, theme: Theme) -> Picture:
    """Two pictures side by side, their middles at one height."""
    height = max(left.shape[0], right.shape[0])
    sheet = np.empty((height, left.shape[1] + _SPACE + right.shape[1], 3), np.uint8)
    sheet[:] = _rgb(theme.paper)
    for picture, x in ((left, 0), (right, left.shape[1] + _SPACE)):
        top = (height - picture.shape[0]) // 2
        sheet[top : top + picture.shape[0], x : x + picture.shape[1]] = picture
    return sheet


def picture_of(env: Any, task: str) -> Picture:
    """Picture that the environment draws. MuJoCo looks for a screen or a driver only now.

    Raises:
        RuntimeError: the environment cannot draw or draws no picture.
    """
    try:
        picture = env.render()
    except Exception as error:  # noqa: BLE001  whatever an environment raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RuntimeError(
            f"{task} cannot be drawn: {reason[:200]}; 'wann doctor' tells what drawing needs"
        ) from None
    if np.ndim(picture) != 3:
        raise RuntimeError(
            f"{task} cannot be drawn: its render() gave no picture, but {type(picture).__name__}"
        )
    return np.asarray(picture)[:, :, :3]


def show_episode(champion: Champion, weight: Weight, seed: int, *, max_steps: int | None = None) -> Episode:
    """Show one episode in a window, until it ends or the user closes the window or presses Escape or Q.

    Args:
        champion: the network and its task.
        weight: shared weight of all connections, or "tuned".
        seed: seed of the episode, at least 0.
        max_steps: steps after which the episode is cut off; by default the task's own limit.

    Returns:
        The outcome of the episode, or its state when the user closed the window.

    Raises:
        ValueError: `max_steps` is less than 1.
        RuntimeError: there is no screen.
    """
    _check_at_least_one("max_steps", max_steps)
    _need_screen()
    with closing(champion.get_task().make_env("human", max_steps)) as env:
        for latest, _ in _play(env, champion, weight, seed):  # noqa: B007
            if _user_has_enough():
                break
    return latest


def _play(env: Any, champion: Champion, weight: Weight, seed: int) -> Iterator[tuple[Episode, Any]]:
    """Play an episode; yields its state and the observation at the start and after each step."""
    observation, _ = env.reset(seed=seed)
    now = Episode(total=0.0, steps=0, terminated=False, truncated=False)
    yield now, observation
    while not (now.terminated or now.truncated):
        action = champion.act(observation, weight)
        observation, reward, terminated, truncated, _ = env.step(action)
        now = Episode(now.total + float(reward), now.steps + 1, bool(terminated), bool(truncated))
        yield now, observation


def _check_at_least_one(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def captioned(picture: Picture, weight: Weight, now: Episode, rate: int, theme: Theme = LIGHT) -> Picture:
    """The picture below a strip with the weight, the time and the return so far."""
    width = picture.shape[1]
    # Drawn larger and scaled down, as letters this small are badly spaced otherwise.
    strip = pygame.Surface((_FINE * width, _FINE * _STRIP), depth=32)
    strip.fill(_rgb(theme.paper))
    pygame.font.init()
    font = pygame.font.Font(None, _FINE * _LETTERS)
    texts = (
        "tuned weights" if weight == "tuned" else f"weight {weight:g}",
        f"{now.steps / rate:.2f} s",
        f"return {now.total:.1f}",
    )
    for share, text in zip((0.0, 0.5, 1.0), texts, strict=True):
        image = font.render(text.replace("-", "−"), True, _rgb(theme.quiet))
        room = strip.get_width() - 2 * _FINE * _SIDE - image.get_width()
        strip.blit(image, (_FINE * _SIDE + round(share * room), _FINE * _ABOVE))
    small = pygame.transform.smoothscale(strip, (width, _STRIP))
    return np.concatenate([pygame.surfarray.array3d(small).swapaxes(0, 1), picture])


def _user_has_enough() -> bool:
    """Whether the user has closed the window, or pressed Escape or Q, since the last call."""
    return any(
        event.type == pygame.QUIT
        or (event.type == pygame.KEYDOWN and event.key in (pygame.K_ESCAPE, pygame.K_q))
        for event in pygame.event.get()
    )


def _need_screen() -> None:
    if not _has_screen():
        raise RuntimeError("there is no screen to show a window on; write a .gif or .mp4 file instead")


def _has_screen() -> bool:
    """Whether a window can be shown; if so, pygame's display is ready."""
    chosen = os.environ.get("SDL_VIDEODRIVER")
    if sys.platform == "linux" and not (
        chosen or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        pygame.display.init()
    except pygame.error:
        return False
    if chosen or pygame.display.get_driver() not in ("dummy", "offscreen"):
        return True
    # Where SDL finds no screen it may draw into memory instead, which nobody sees.
    pygame.display.quit()
    return False
