"""A champion that plays its real environment in a thread, with controls while it plays, and films of it."""

from __future__ import annotations

import io
import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Annotated, Any, Literal, Self

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

from wann.champion import Champion, Weight
from wann.pages.recorder import Studio
from wann.tasks.registry import is_data_set
from wann.tasks.task import Task
from wann.visualization.film import Picture
from wann.visualization.replay import USUAL_RATE, Episode, captioned, picture_of

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Speeds to choose from; 1 is real time."""

_MOST_PICTURES = 50  # a second
_FEWEST_PICTURES = 10  # a second, where drawing cannot keep up with the environment's pace
_FORGIVEN_SECONDS = 0.25  # of delay, which are caught up with; what is more is not
_HELD_SECONDS = 1.0  # that the end of an episode stays
_EPISODES_KEPT = 5
_CLOSING_SECONDS = 5.0


class Wish(BaseModel):
    """Request of a viewer; fields that are None stay as they are."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    weight: Annotated[float, Field(ge=-1000.0, le=1000.0)] | Literal["tuned"] | None = None
    paused: bool | None = None
    speed: Annotated[float, Field(ge=SPEEDS[0], le=SPEEDS[-1])] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None  # begins an episode with it
    next_seed: bool | None = None  # whether the next episode takes the next seed, or the same again
    reset: bool = False  # begin the episode again
    film: Literal["gif", "mp4", "end"] | None = None  # begin to record, or end it
    seen: int | None = None  # the number of the picture just shown

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a wish must name something")
        return self


@dataclass(frozen=True, slots=True)
class Shot:
    """The picture and the figures of a moment."""

    number: int  # counts up
    facts: Mapping[str, Any]  # plain words and numbers for the page
    picture: bytes  # JPEG

    def message(self) -> bytes:
        """One line of JSON, then the picture."""
        return (
            json.dumps({"number": self.number, **self.facts}, allow_nan=False).encode() + b"\n" + self.picture
        )


class Player:
    """Plays a champion in a thread of its own, at the environment's pace, while someone watches.

    Use it as a context manager: entering makes the environment and plays nothing yet; leaving closes it. It
    begins at the best weight, with seed 0.

    Args:
        champion: the network and its task.
        note: told in one line when the environment fails or a film cannot be written.

    Raises:
        ValueError: the task is a data set, or its environment does not draw pictures.
        RuntimeError: the environment fails at its first state, or cannot draw here; both when it is entered.
    """

    def __init__(self, champion: Champion, note: Callable[[str], None] | None = None) -> None:
        if is_data_set(champion.task):
            raise ValueError(
                f"{champion.task} is a data set, where nothing is played: 'wann evaluate' scores its "
                "champion, 'wann report' shows every weight's vote"
            )
        self.champion = champion
        self.shot = Shot(0, {}, b"")
        self._task: Task = champion.get_task()
        _check_that_it_draws(self._task)
        self._weight: Weight = champion.best_weight
        self._seed = 0
        self._note = note or (lambda _text: None)
        self._paused, self._speed, self._next_seed = False, 1.0, False
        self._wishes: SimpleQueue[Wish | None] = SimpleQueue()
        self._viewers: tuple[Callable[[], None], ...] = ()
        self._viewers_lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="wann play", daemon=True)
        self._ready: Future[None] = Future()
        self._env: Any = None
        self._rate = USUAL_RATE  # steps a second
        self._observation: Any = None
        self._now = Episode(0.0, 0, terminated=False, truncated=False)
        self._used: set[Weight] = set()  # weights of this episode so far
        self._failure: str | None = None
        self._drawn: Picture | None = None  # the picture of this moment, where it has been drawn
        self._due = 0.0  # when the next step is
        self._shown = -math.inf  # when the last picture was shown
        self._ended: deque[dict[str, Any]] = deque(maxlen=_EPISODES_KEPT)
        self._studio = Studio(champion.task)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._wishes.put(None)
        self._thread.join(_CLOSING_SECONDS)  # an environment may hang; then it ends with the program

    def ask(self, wish: Wish) -> None:
        """Fulfil a wish as soon as the step at hand is done.

        Raises:
            ValueError: it is for tuned weights, and the champion has none.
        """
        if wish.weight == "tuned" and self.champion.tuned is None:
            raise ValueError("the champion has no tuned weights; give a shared weight instead")
        self._wishes.put(wish)

    @contextmanager
    def viewed(self, tell: Callable[[], None]) -> Iterator[None]:
        """Play while the block lasts; `tell` is called, in another thread, when there is a new `shot`."""
        with self._viewers_lock:
            self._viewers = (*self._viewers, tell)
        self._wishes.put(None)
        try:
            yield
        finally:
            with self._viewers_lock:
                self._viewers = tuple(viewer for viewer in self._viewers if viewer is not tell)

    def film(self, number: int) -> Path | None:
        """The finished film with this number; only the last one is kept."""
        last = self._studio.last
        return last.path if last and last.number == number else None

    # All below is done in the player's own thread, as drawing libraries ask for.

    def _run(self) -> None:
        try:
            with ExitStack() as stack:
                stack.enter_context(closing(self._studio))
                stack.callback(self._close)
                try:
                    self._begin(self._seed)
                    self.champion.act(self._observation, self._weight)  # compiled where need be, beforehand
                    self._show()
                except Exception as error:  # noqa: BLE001  handed to whoever entered
                    self._ready.set_exception(error)
                    return
                self._ready.set_result(None)
                while not self._closing:
                    self._turn()
        finally:
            if not self._ready.done():
                self._ready.set_exception(RuntimeError(f"{self._task.name} could not be played"))

    def _turn(self) -> None:
        """Wait until a wish comes or a step is due, and do it."""
        wait = max(0.0, self._due - time.perf_counter()) if self._plays() else None
        try:
            wish = self._wishes.get(block=wait != 0.0, timeout=wait)
        except Empty:
            self._attempt(self._begin_next if self._over() else self._step)
            return
        if wish is None:
            self._due = max(self._due, time.perf_counter())
        else:
            self._attempt(lambda: self._fulfil(wish))

    def _plays(self) -> bool:
        return bool(self._viewers) and not self._paused and self._failure is None

    def _over(self) -> bool:
        return self._now.terminated or self._now.truncated

    def _attempt(self, act: Callable[[], None]) -> None:
        """Do something with the environment, which may raise anything: it is told, and the player goes on."""
        try:
            act()
        except Exception as error:  # noqa: BLE001
            self._failure = _one_line(error)
            self._note(f"{self._task.name}: {self._failure}")
            self._close()
            self._show()

    def _close(self) -> None:
        env, self._env = self._env, None
        if env is not None:
            with suppress(Exception):  # what a broken one raises now does not matter any more
                env.close()

    def _begin(self, seed: int) -> None:
        """Begin an episode, after a failure on a new environment."""
        if self._task.fresh_env:
            self._close()
        if self._env is None:
            self._env = self._task.make_env("rgb_array", disable_env_checker=True)
            self._rate = int(self._env.metadata.get("render_fps") or USUAL_RATE)
        self._seed, self._failure, self._drawn = seed, None, None
        self._observation, _ = self._env.reset(seed=seed)
        self._now = Episode(0.0, 0, terminated=False, truncated=False)
        self._used = set()
        self._record(self._step_seconds())
        self._due = time.perf_counter()

    def _begin_next(self) -> None:
        self._begin(self._seed + self._next_seed)
        self._show()

    def _step_seconds(self) -> float:
        return 1.0 / (self._rate * self._speed)

    def _step(self) -> None:
        action = self.champion.act(self._observation, self._weight)
        self._observation, reward, terminated, truncated, _ = self._env.step(action)
        self._drawn = None
        self._used.add(self._weight)
        self._now = Episode(
            self._now.total + float(reward), self._now.steps + 1, bool(terminated), bool(truncated)
        )
        seconds = self._step_seconds()
        if self._over():
            seconds = _HELD_SECONDS
            self._ended.appendleft(
                {
                    "seed": self._seed,
                    "weight": next(iter(self._used)) if len(self._used) == 1 else None,
                    "total": _finite(self._now.total),
                    "steps": self._now.steps,
                }
            )
        self._record(seconds)
        now = time.perf_counter()
        self._due = max(self._due, now - _FORGIVEN_SECONDS) + seconds
        pace = _MOST_PICTURES if self._due >= now else _FEWEST_PICTURES
        if self._over() or now - self._shown >= 1.0 / pace - 1e-3:
            self._show()

    def _fulfil(self, wish: Wish) -> None:
        if wish.weight is not None:
            self._weight = wish.weight
        if wish.speed is not None:
            self._speed = wish.speed
        if wish.next_seed is not None:
            self._next_seed = wish.next_seed
        if wish.paused is not None:
            self._paused = wish.paused
            self._due = time.perf_counter()
        if wish.seed is not None or wish.reset:
            self._begin(self._seed if wish.seed is None else wish.seed)
        if wish.film is not None:
            self._direct(wish.film)
        self._show()

    # pictures

    def _picture(self) -> Picture:
        if self._drawn is None:
            self._drawn = picture_of(self._env, self._task.name)
        return self._drawn

    def _show(self) -> None:
        """Make a new shot and tell the viewers; with the last picture where the environment has failed."""
        picture = self.shot.picture
        if self._failure is None:
            file = io.BytesIO()
            Image.fromarray(self._picture()).save(file, "JPEG", quality=90, subsampling=0)
            picture = file.getvalue()
        self.shot = Shot(self.shot.number + 1, self._facts(), picture)
        self._shown = time.perf_counter()
        for tell in self._viewers:
            tell()

    def _facts(self) -> dict[str, Any]:
        now = self._now
        return {
            "step": now.steps,
            "total": _finite(now.total),
            "end": "terminated" if now.terminated else "truncated" if now.truncated else None,
            "weight": self._weight,
            "seed": self._seed,
            "paused": self._paused,
            "speed": self._speed,
            "next_seed": self._next_seed,
            "failure": self._failure,
            "episodes": list(self._ended),
            **self._studio.facts(),
        }

    # films

    def _direct(self, what: Literal["gif", "mp4", "end"]) -> None:
        if what == "end":
            self._filming(self._studio.end)
        elif self._failure is None:
            self._filming(lambda: self._studio.begin(what, self._caption))

    def _record(self, seconds: float) -> None:
        self._filming(lambda: self._studio.add(self._caption, seconds))

    def _caption(self) -> Picture:
        return captioned(self._picture(), self._weight, self._now, self._rate)

    def _filming(self, act: Callable[[], None]) -> None:
        """Do something with a film; where the disk or the encoder fails, the playing goes on."""
        try:
            act()
        except OSError as error:
            self._note(f"the film could not be written: {_one_line(error)}")
            self._studio.give_up(_one_line(error))


def _check_that_it_draws(task: Task) -> None:
    """Refuse an environment without pictures, before one is made that should draw them."""
    with closing(task.make_env(disable_env_checker=True)) as env:
        modes = env.metadata.get("render_modes") or ()
    if "rgb_array" not in modes:
        found = ", ".join(map(str, modes)) or "none"
        raise ValueError(
            f"{task.name} draws no pictures (its render modes: {found}), so there is nothing to watch; "
            "'wann evaluate' scores its champion"
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:300] if isinstance(error, RuntimeError) and text else f"{type(error).__name__}: {text[:300]}"
