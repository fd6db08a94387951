"""Checks of everything that is shown: text, pictures, films and windows."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import closing
from typing import Any

from wann.doctor.finding import CheckResult, one_line
from wann.doctor.probe import probe


def terminal() -> CheckResult:
    """Whether the standard output can show the symbols of the live view."""
    stdout = sys.__stdout__  # a live view may have taken the place of sys.stdout
    encoding = stdout.encoding if stdout else "ascii"
    try:
        "±·−…─│╭━".encode(encoding)
    except UnicodeEncodeError:
        return CheckResult(
            "note", f"{encoding} cannot show some symbols", "export PYTHONUTF8=1 LC_ALL=C.UTF-8"
        )
    return CheckResult("ok", encoding)


def pictures() -> CheckResult:
    """Whether an environment can be drawn without a screen."""
    from wann.tasks.registry import get_task

    with closing(get_task("swingup").make_env("rgb_array")) as env:
        env.reset(seed=0)
        picture: Any = env.render()
    height, width, _ = picture.shape
    if picture.min() == picture.max():
        return CheckResult("problem", "pictures are blank", "reinstall pygame")
    return CheckResult("ok", f"swing-up is drawn without a screen, {width} x {height}")


def video() -> CheckResult:
    """Whether films can be written and read."""
    import imageio_ffmpeg  # type: ignore[import-untyped]

    fix = "pip install --force-reinstall imageio-ffmpeg"
    if os.environ.get("IMAGEIO_FFMPEG_EXE"):
        fix = "unset IMAGEIO_FFMPEG_EXE, or name an ffmpeg there that has libx264"
    kinds = {".mp4": ("libx264", "yuv420p"), ".gif": ("gif", "pal8")}
    with tempfile.TemporaryDirectory(prefix="wann-") as folder:
        for suffix, (codec, pixels) in kinds.items():
            path = os.path.join(folder, f"film{suffix}")
            try:
                film = imageio_ffmpeg.write_frames(path, (64, 48), codec=codec, pix_fmt_out=pixels)
                film.send(None)
                for shade in range(3):
                    film.send(bytes([80 * shade]) * (64 * 48 * 3))
                film.close()
                frames, _ = imageio_ffmpeg.count_frames_and_secs(path)
            except (OSError, RuntimeError) as error:
                return CheckResult("problem", f"{suffix} films fail: {one_line(error)[:200]}", fix)
            if frames != 3:
                return CheckResult("problem", f"a {suffix} film of 3 frames holds {frames}", fix)
    return CheckResult("ok", "MP4 and GIF are written and read")


def window() -> CheckResult:
    """Whether a window can be opened."""
    fix = "wann replay RUN --out film.mp4 needs none"
    named = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in named):
        return CheckResult("note", "no screen, so no window", fix)
    code = 'import pygame; pygame.display.init(); assert pygame.display.get_driver() != "dummy", "no screen"'
    if complaint := probe(code):
        return CheckResult("note", f"no window: {complaint}", fix)
    return CheckResult("ok", "a window can be shown")


def mujoco_pictures() -> CheckResult:
    """Whether MuJoCo can draw, and with which of its backends."""
    code = (
        'import gymnasium; env = gymnasium.make("InvertedPendulum-v5", render_mode="rgb_array"); '
        "env.reset(seed=0); picture = env.render(); assert picture.min() < picture.max(), 'blank pictures'"
    )
    complaint = probe(code)
    if complaint is None:
        return CheckResult("ok", "drawn as things are")
    for backend in ("egl", "osmesa"):
        if sys.platform == "linux" and probe(code, MUJOCO_GL=backend) is None:
            found = f"not drawn as things are, but with MUJOCO_GL={backend}"
            return CheckResult("note", found, f"export MUJOCO_GL={backend}")
    fix = "install EGL (Debian: apt-get install libegl1 libgl1-mesa-dri), then export MUJOCO_GL=egl"
    return CheckResult("note", f"not drawn: {complaint[:160]}", fix)
