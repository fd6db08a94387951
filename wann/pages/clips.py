"""Short films of a champion's episodes at several weights, small enough to lie within a page."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]

from wann.champion import Champion, Weight
from wann.utils.callbacks import ProgressCallback
from wann.visualization.replay import record_episode

SECONDS = 12.0
"""Longest episode that is shown whole, in the environment's own time."""

_WIDTH = 480  # pixels, at most
_PACE = 25  # frames a second, at most
_QUALITY = "29"  # constant rate factor of H.264; larger is smaller


@dataclass(frozen=True, slots=True)
class Clip:
    """A filmed episode."""

    weight: Weight
    total: float  # return
    steps: int
    cut: bool  # whether it was cut off before its end
    film: bytes  # MP4

    @property
    def source(self) -> str:
        """The film as the address of itself."""
        return "data:video/mp4;base64," + base64.b64encode(self.film).decode("ascii")


def record_clips(
    champion: Champion,
    weights: Sequence[Weight],
    seed: int = 0,
    *,
    progress: ProgressCallback | None = None,
) -> list[Clip]:
    """Film the same episode at each weight.

    Args:
        champion: the network and its task.
        weights: shared weights, or "tuned".
        seed: seed of the episode, at least 0.
        progress: called with the episodes filmed and to be filmed.

    Raises:
        ValueError: the environment cannot be made.
        OSError: the film cannot be encoded.
        RuntimeError: the environment cannot draw itself here.
    """
    task = champion.get_task()
    env = task.make_env()
    rate = int(env.metadata.get("render_fps") or 30)
    env.close()
    limit = min(task.episode_steps, round(SECONDS * rate))
    clips = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for done, weight in enumerate(weights):
            if progress:
                progress(done, len(weights))
            episode = record_episode(
                champion, weight, seed, path, max_steps=limit, frame_skip=-(-rate // _PACE)
            )
            cut = episode.truncated and episode.steps < task.episode_steps
            clips.append(Clip(weight, episode.total, episode.steps, cut, _small(path)))
    if progress:
        progress(len(weights), len(weights))
    return clips


def _small(path: Path) -> bytes:
    """A film, narrower and compressed further.

    Raises:
        OSError: the encoder has failed.
    """
    small = path.with_name("small.mp4")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(path)]
    command += ["-vf", f"scale='min(iw,{_WIDTH})':-2:flags=lanczos", "-c:v", "libx264", "-crf", _QUALITY]
    command += ["-pix_fmt", "yuv420p", "-movflags", "+faststart", str(small)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise OSError(f"the video encoder failed: {reason}")
    return small.read_bytes()
