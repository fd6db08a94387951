"""One damaged file read by its loader, and what is wrong with the outcome."""

import resource
import signal
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from fuzz.loaders import Loader, placed

SECONDS = 5.0  # of the processor, for one input
MEMORY = 2**30  # bytes by which the peak may grow
ROOM = 3 * 2**30  # bytes that the process may ask for beyond what it has
LONGEST = 1000  # characters of a message


class TooLongError(BaseException):
    """An input took too long; no loader catches it."""


@dataclass(frozen=True)
class Outcome:
    """What a loader made of a file."""

    accepted: bool
    message: str  # of the refusal
    fault: str  # what is wrong with this outcome; empty where nothing is
    seconds: float


def damaged(loader: Loader, good: Path, seed: int, number: int) -> bytes:
    """Content of an input: it follows from its address alone."""
    rng = Random(f"{seed} {loader.name} {number}")
    return loader.mutation((good / rng.choice(loader.good)).read_bytes(), rng)


def tried(loader: Loader, content: bytes, good: Path, work: Path) -> Outcome:
    """Give a loader a file, and judge what comes of it.

    Right is success, or a ValueError with a message of one short line that names the file.
    """
    path = placed(loader, good, work)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    peak, begun, message, fault = _peak(), time.perf_counter(), "", ""
    try:
        with _limited(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loader.load(path)
    except ValueError as error:
        message = str(error)
        fault = _wrong_message(error, str(path.parent) if loader.names_file else "")
    except TooLongError:
        fault = f"takes more than {SECONDS:g} s"
    except BaseException as error:  # noqa: BLE001  what it is, is the finding
        fault = f"{type(error).__name__} at {_where(error)}"
    seconds = time.perf_counter() - begun
    if _peak() > peak + MEMORY:
        fault = f"takes {(_peak() - peak) / 2**30:.1f} GB"
    return Outcome(not message and not fault, message, fault, seconds)


def _wrong_message(error: ValueError, folder: str) -> str:
    text = str(error)
    if type(error) is not ValueError:
        return f"{type(error).__name__} at {_where(error)}"
    if not text.strip() or any(c < " " or c == "\x7f" for c in text):
        return f"a message that is empty, or has control characters, at {_where(error)}"
    if len(text) > LONGEST:
        return f"a message of {len(text)} characters at {_where(error)}"
    if "more memory" in text:
        return f"no memory at {_where(error)}"
    if folder not in text:
        return f"a message without the file at {_where(error)}"
    return ""


def _where(error: BaseException) -> str:
    """The last place in the package that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/wann/" in frame.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextmanager
def _limited() -> Iterator[None]:
    """Limits of time, by the processor, and of memory."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError

    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGPROF, ring)
    resource.setrlimit(resource.RLIMIT_AS, (held + ROOM, hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, before)
