"""One episode of a champion to look at: in a window, or as a GIF or MP4 file."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import imageio_ffmpeg  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from wann.champion import Champion, Weight
from wann.files import atomic_path

try:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame
except ImportError as error:
    raise ImportError("pygame is not installed; run `pip install pygame-ce` to replay") from error

Picture = NDArray[np.uint8]  # (height, width, 3) red, green, blue


@dataclass(frozen=True, slots=True)
class Episode:
    """What an episode came to."""

    total: float  # sum of the rewards
    steps: int
    terminated: bool  # the task ended it
    truncated: bool  # the limit on steps ended it
    frames: int = 0  # pictures in the film; 0 where there is none


@dataclass(frozen=True, slots=True)
class _Format:
    """How a kind of film is encoded."""

    codec: str
    pixels: str  # pixel format, in ffmpeg's words
    pace: int  # frames a second, at most, where the caller does not say
    options: tuple[str, ...]  # further options of ffmpeg


_FORMATS = {
    ".mp4": _Format(
        codec="libx264",
        # Every player knows this one; it needs even sizes. The index goes to the front, for the web.
        pixels="yuv420p",
        pace=50,
        options=(
            "-vf",
            "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv,"
            "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv",
            *("-crf", "18", "-movflags", "+faststart"),
        ),
    ),
    ".gif": _Format(
        codec="gif",
        pixels="pal8",
        pace=25,
        # A palette for each frame: one for the whole film would need all its frames in memory.
        options=(
            "-vf",
            "scale='min(iw,640)':-1:flags=lanczos,split[a][b];"
            "[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=none",
            *("-loop", "0"),
        ),
    ),
}

USUAL_RATE = 30  # steps a second of an environment that does not say
_FINE = 4  # the caption is drawn so many times larger
_STRIP = 34  # pixels, height of the caption
_SIDE = 24  # pixels, left and right of its text
_ABOVE = 14  # pixels
_LETTERS = 18  # pixels
_PAPER = (247, 248, 250)
_INK = (98, 108, 124)


def record_episode(
    champion: Champion,
    weight: Weight,
    seed: int,
    path: str | os.PathLike[str],
    *,
    max_steps: int | None = None,
    frame_skip: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Episode:
    """Film one episode at the speed of real time, from the first state to the last, with a caption.

    The file is there whole or not at all.

    Args:
        champion: the network and its task.
        weight: shared weight of all connections, or "tuned".
        seed: of the episode, at least 0.
        path: the film, a .gif or .mp4 file.
        max_steps: steps after which the episode is cut off; by default the task's own limit.
        frame_skip: steps from one frame to the next; by default such that a GIF has at most 25 frames a
            second and an MP4 50.
        progress: called after each step with the steps done and to be done at most.

    Returns:
        What the episode came to.

    Raises:
        ValueError: an argument is out of range, or a GIF cannot keep to real time with this `frame_skip`,
            as its frames last whole hundredths of a second and at least two.
        OSError: the file cannot be written, or does not hold all frames.
        RuntimeError: the environment cannot draw itself here.
    """
    path = Path(path)
    form = _form_of(path)
    _check_at_least_one("max_steps", max_steps)
    _check_at_least_one("frame_skip", frame_skip)
    task = champion.get_task()
    limit = max_steps or task.episode_steps
    env: Any = task.make_env("rgb_array", max_steps)
    with closing(env):
        rate = int(env.metadata.get("render_fps") or USUAL_RATE)
        skip = _steps_per_frame(form, rate, frame_skip)
        with open_film(path, Fraction(rate, skip)) as film:
            for now in _play(env, champion, weight, seed):
                ended = now.terminated or now.truncated
                if ended or now.steps % skip == 0:
                    film.add(captioned(picture_of(env, task.name), weight, now, rate))
                if progress is not None and now.steps:
                    progress(now.steps, now.steps if ended else limit)
    return replace(now, frames=film.frames)


@contextmanager
def open_film(path: str | os.PathLike[str], pace: Fraction | None = None) -> Iterator[Film]:
    """A film to add frames to; it is there whole when the block ends, or not at all.

    Args:
        path: the film, a .gif or .mp4 file.
        pace: frames a second; by default 25 of a GIF and 50 of an MP4.

    Raises:
        ValueError: the path has another suffix.
        OSError: the file cannot be written, or does not hold all frames.
    """
    path = Path(path)
    form = _form_of(path)
    with atomic_path(path) as temporary:
        with Film(temporary, form, Fraction(form.pace) if pace is None else pace) as film:
            yield film
        found = _count_frames(temporary)
        if found != film.frames:
            raise OSError(f"cannot write {path}: it holds {found} frames instead of {film.frames}")


def _form_of(path: Path) -> _Format:
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise ValueError(f"path must end in {' or '.join(_FORMATS)}, got {str(path)!r}")
    return form


def picture_of(env: Any, task: str) -> Picture:
    """What the environment draws; MuJoCo, for one, looks for a screen or a driver only now.

    Raises:
        RuntimeError: it draws nothing.
    """
    try:
        picture: Picture = env.render()
    except Exception as error:  # noqa: BLE001  whatever an environment raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RuntimeError(
            f"{task} cannot be drawn: {reason[:200]}; 'wann doctor' tells what drawing needs"
        ) from None
    if np.shape(picture)[2:] != (3,):
        raise RuntimeError(
            f"{task} cannot be drawn: its render() gave no picture, but {type(picture).__name__}"
        )
    return picture


def show_episode(champion: Champion, weight: Weight, seed: int, *, max_steps: int | None = None) -> Episode:
    """Show one episode in a window, until it ends or the user closes the window or presses Escape or Q.

    Args:
        champion: the network and its task.
        weight: shared weight of all connections, or "tuned".
        seed: of the episode, at least 0.
        max_steps: steps after which the episode is cut off; by default the task's own limit.

    Returns:
        What the episode came to, or had come to when the user closed the window.

    Raises:
        ValueError: `max_steps` is less than 1.
        RuntimeError: there is no screen.
    """
    _check_at_least_one("max_steps", max_steps)
    if not _has_screen():
        raise RuntimeError("there is no screen to show a window on; write a .gif or .mp4 file instead")
    with closing(champion.get_task().make_env("human", max_steps)) as env:
        for now in _play(env, champion, weight, seed):
            latest = now
            if _user_has_enough():
                break
    return latest


def _play(env: Any, champion: Champion, weight: Weight, seed: int) -> Iterator[Episode]:
    """Play an episode; gives what it has come to at the start and after each step."""
    observation, _ = env.reset(seed=seed)
    now = Episode(total=0.0, steps=0, terminated=False, truncated=False)
    yield now
    while not (now.terminated or now.truncated):
        action = champion.act(observation, weight)
        observation, reward, terminated, truncated, _ = env.step(action)
        now = Episode(now.total + float(reward), now.steps + 1, bool(terminated), bool(truncated))
        yield now


def _check_at_least_one(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def _steps_per_frame(form: _Format, rate: int, wanted: int | None) -> int:
    """Steps from one frame to the next, for a task that makes `rate` steps a second."""
    skip = wanted or math.ceil(rate / form.pace)
    if form.codec == "gif":
        while wanted is None and 100 * skip % rate:
            skip += 1
        if 100 * skip % rate or 100 * skip < 2 * rate:
            raise ValueError(
                f"frame_skip must make the frames of a GIF last whole hundredths of a second, at least 2, "
                f"got {wanted} steps of 1/{rate} s"
            )
    return skip


class Film:
    """A film in the making: frames go to an encoder, a process of its own that the first frame starts."""

    def __init__(self, path: Path, form: _Format, pace: Fraction) -> None:
        self.frames = 0
        self.pace = pace  # frames a second
        self._path = path
        self._form = form
        self._encoder: Any = None  # a Popen, once there is a frame
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def add(self, frame: Picture) -> None:
        """Append a frame; all have the size of the first.

        Raises:
            OSError: the encoder has stopped.
        """
        if self._encoder is None:
            self._encoder = self._start(width=frame.shape[1], height=frame.shape[0])
        try:
            self._encoder.stdin.write(np.ascontiguousarray(frame).data)
        except OSError:
            self._encoder.wait()
            raise self._failure() from None
        self.frames += 1

    def _start(self, width: int, height: int) -> subprocess.Popen[bytes]:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        command += ["-r", str(self.pace), "-i", "-"]
        command += ["-c:v", self._form.codec, "-pix_fmt", self._form.pixels, *self._form.options]
        return subprocess.Popen(
            [*command, str(self._path.absolute())],  # a relative one with a colon would pass for an address
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            start_new_session=True,  # Ctrl-C is for us, who then stop it
        )

    def _failure(self) -> OSError:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), "no reason given")
        return OSError(f"the video encoder stopped after {self.frames} frames: {reason.strip()}")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait until everything is written; after an exception stop at once.

        Raises:
            OSError: the encoder has failed.
        """
        with self._complaints:
            if self._encoder is None:
                return
            try:
                if kind is None:
                    self._encoder.communicate()
            finally:
                # It is still at work only where something has interrupted us.
                self._encoder.kill()
                with suppress(OSError):
                    self._encoder.communicate()
            if kind is None and self._encoder.returncode:
                raise self._failure()


def _count_frames(path: Path) -> int:
    """Frames that can be read from a film; 0 where it is none."""
    try:
        frames, _ = imageio_ffmpeg.count_frames_and_secs(str(path.absolute()))
    except RuntimeError:
        return 0
    return int(frames)


def captioned(picture: Picture, weight: Weight, now: Episode, rate: int) -> Picture:
    """The picture below a strip with the weight, the time and the return so far."""
    width = picture.shape[1]
    # Drawn larger and scaled down, as letters this small are badly spaced otherwise.
    strip = pygame.Surface((_FINE * width, _FINE * _STRIP), depth=32)
    strip.fill(_PAPER)
    pygame.font.init()
    font = pygame.font.Font(None, _FINE * _LETTERS)
    texts = (
        "tuned weights" if weight == "tuned" else f"weight {weight:g}",
        f"{now.steps / rate:.2f} s",
        f"return {now.total:.1f}",
    )
    for share, text in zip((0.0, 0.5, 1.0), texts, strict=True):
        image = font.render(text.replace("-", "−"), True, _INK)
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
