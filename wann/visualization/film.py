"""Films of pictures: GIF and MP4 files through a video encoder, or a folder of PNG files."""

from __future__ import annotations

import math
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, Self

import imageio_ffmpeg  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wann.utils.files import atomic_path

Picture = NDArray[np.uint8]  # (height, width, 3) red, green, blue


class Film(Protocol):
    """A film that pictures are added to."""

    frames: int  # pictures so far

    def add(self, picture: Picture) -> None:
        """Append a picture; all have the size of the first.

        Raises:
            OSError: it cannot be written.
        """


@dataclass(frozen=True, slots=True)
class FilmFormat:
    """How a kind of film is encoded."""

    codec: str
    pixels: str  # pixel format, in ffmpeg's words
    pace: int  # frames a second, at most, where the caller does not say
    options: tuple[str, ...]  # further options of ffmpeg


FORMATS = {
    ".mp4": FilmFormat(
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
    ".gif": FilmFormat(
        codec="gif",
        pixels="pal8",
        pace=25,
        # A palette for each frame: one for the whole film would need all its frames in memory.
        options=(
            "-vf",
            "scale='min(iw,640)':-1:flags=lanczos,split[a][b];"
            "[a]palettegen=stats_mode=single:max_colors=128[p];[b][p]paletteuse=new=1:dither=none",
            *("-loop", "0"),
        ),
    ),
}

FOLDER = FilmFormat(codec="png", pixels="rgb24", pace=50, options=())
FORMATS[""] = FOLDER


def check_path(path: Path) -> FilmFormat:
    """The format that a path names; without a suffix it is a folder of PNG files.

    Raises:
        ValueError: it names no format, or a folder that holds something.
    """
    form = FORMATS.get(path.suffix.lower())
    if form is None or path.name.startswith("."):
        raise ValueError(
            f"path must end in .mp4 or .gif, or in no suffix for a folder of PNG files, got {str(path)!r}"
        )
    if form is FOLDER and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{path} exists and is not an empty folder: choose another")
    return form


@contextmanager
def making(path: Path, pace: Fraction) -> Iterator[Film]:
    """Make a film; it is there whole when the block ends, or not at all, and has been read again.

    Args:
        path: a .gif or .mp4 file, or a folder, which gets `000000.png` and so on.
        pace: frames a second; of a GIF at most 50, and such that a frame lasts whole hundredths of a second.

    Raises:
        ValueError: as `check_path`.
        OSError: it cannot be written, or does not hold all frames.
    """
    form = check_path(path)
    if form is FOLDER:
        with _folder(path) as folder:
            film = _Folder(folder)
            yield film
            _check_count(path, count_frames(folder), film.frames)
        return
    with atomic_path(path) as temporary:
        with _Encoder(temporary, form, pace) as encoder:
            yield encoder
        _check_count(path, count_frames(temporary), encoder.frames)


def _check_count(path: Path, found: int, wanted: int) -> None:
    if found != wanted:
        raise OSError(f"cannot write {path}: it holds {found} frames instead of {wanted}")


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """A folder aside that becomes `path` when the block ends without an exception."""
    temporary = path.with_name(f".wann-{secrets.token_hex(8)}")
    temporary.mkdir()
    try:
        yield temporary
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class _Folder:
    """A film as a folder of pictures."""

    def __init__(self, path: Path) -> None:
        self.frames = 0
        self._path = path

    def add(self, picture: Picture) -> None:
        Image.fromarray(picture).save(self._path / f"{self.frames:06d}.png")
        self.frames += 1


def steps_per_frame(form: FilmFormat, rate: int, wanted: int | None) -> int:
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


class _Encoder:
    """A film in the making: frames go to an encoder, a process of its own that the first frame starts."""

    def __init__(self, path: Path, form: FilmFormat, pace: Fraction) -> None:
        self.frames = 0
        self._path = path
        self._form = form
        self._pace = pace  # frames a second
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
        command += ["-r", str(self._pace), "-i", "-"]
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


def count_frames(path: Path) -> int:
    """Number of frames that can be read from a film; 0 if the file is no film."""
    if path.is_dir():
        return sum(_can_be_read(picture) for picture in path.glob("*.png"))
    try:
        frames, _ = imageio_ffmpeg.count_frames_and_secs(str(path.absolute()))
    except RuntimeError:
        return 0
    return int(frames)


def _can_be_read(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            picture.verify()
    except (OSError, SyntaxError):
        return False
    return True
