"""Progress of searches, tunings and comparisons: a live view on a terminal, else a line every ten seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from wann.utils.callbacks import ProgressCallback
from wann.utils.terminal import PlainConsole
from wann.utils.words import counted

if TYPE_CHECKING:
    from wann.random_weights.bench import comparison
    from wann.run import loop
    from wann.tuning import session

_State = TypeVar("_State")

_SECONDS_BETWEEN_LINES = 10.0
_FRAMES_PER_SECOND = 8.0


@contextmanager
def starting(quiet: bool) -> Iterator[None]:
    """Show a message on a terminal while the engine is loaded, or compiled for the first time."""
    console = PlainConsole(highlight=True, stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status("Starting; the first time, the engine is compiled, which takes 30 to 120 seconds"):
        yield


@contextmanager
def view(quiet: bool, *, to_stderr: bool = False) -> Iterator[loop.Observer | None]:
    """Observer that shows the progress of a search while the context lasts; None when quiet.

    Args:
        quiet: show nothing.
        to_stderr: write to standard error, and leave standard output to the result.
    """
    console = PlainConsole(highlight=True, stderr=to_stderr)
    if quiet or (to_stderr and not console.is_terminal):
        yield None
    elif console.is_terminal:
        with (
            Live(Text("Starting", style="dim"), console=console, auto_refresh=False) as live,
            _throttled(_shown_in(live), 1.0 / _FRAMES_PER_SECOND) as observe,
        ):
            live.refresh()
            yield observe
    else:

        def show(progress: loop.Progress) -> None:
            console.print(_line(progress), soft_wrap=True)

        with _throttled(show, _SECONDS_BETWEEN_LINES) as observe:
            yield observe


def _shown_in(live: Live) -> loop.Observer:
    return lambda progress: live.update(_panel(progress), refresh=True)


@contextmanager
def bar(label: str) -> Iterator[ProgressCallback]:
    """Progress on standard error: a bar on a terminal, else a line every ten seconds.

    Yields:
        A function to call with the numbers (done, total).
    """
    console = PlainConsole(highlight=True, stderr=True)
    if not console.is_terminal:
        yield _progress_lines(label, console)
        return
    columns = (
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("time left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _progress_lines(label: str, console: PlainConsole) -> ProgressCallback:
    """Function that prints a line at most every ten seconds, and none if the work ends sooner."""
    start = shown = time.monotonic()
    first: int | None = None  # done at the first call; the time before it may have gone into compiling

    def show(done: int, total: int) -> None:
        nonlocal start, shown, first
        now = time.monotonic()
        if first is None:
            start, first = now, done
        elif now - shown >= _SECONDS_BETWEEN_LINES and first < done < total:
            shown = now
            left = _duration((now - start) / (done - first) * (total - done))
            console.print(f"{label} {done:,}/{total:,}  {left} left", soft_wrap=True)

    return show


@contextmanager
def tuning_view(quiet: bool) -> Iterator[session.TuningObserver | None]:
    """Observer that shows the progress of a tuning or race while the context lasts; None when quiet."""
    console = PlainConsole(highlight=True, stderr=True)
    if quiet:
        yield None
    elif console.is_terminal:
        columns = (
            TextColumn("{task.fields[part]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[scores]}"),
            TextColumn("time left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("Tuning", total=None, part="Tuning", scores="")
            yield lambda now: progress.update(
                task,
                completed=now.done,
                total=now.budget,
                part=now.part.capitalize() or "Tuning",
                scores=_tuning_scores(now),
            )
    else:
        begun, first = time.monotonic(), None

        def show(now: session.TuningProgress) -> None:
            nonlocal first
            first = now.done if first is None else first
            pace = (now.done - first) / max(time.monotonic() - begun, 1e-9)
            left = _duration((now.budget - now.done) / pace if pace else math.inf)
            console.print(
                f"evaluation {now.done}/{now.budget}  {now.part}{'  ' * bool(now.part)}"
                f"{_tuning_scores(now)}  {left} left",
                soft_wrap=True,
            )

        with _throttled(show, _SECONDS_BETWEEN_LINES) as observe:
            yield observe


@contextmanager
def comparison_view(quiet: bool) -> Iterator[Callable[[comparison.ComparisonProgress], None] | None]:
    """Observer that shows the progress of a comparison while the context lasts; None when quiet."""
    console = PlainConsole(highlight=True, stderr=True)
    if quiet:
        yield None
    elif console.is_terminal:
        with console.status("Comparing") as status:
            yield lambda now: status.update(Text(_measurement(now)))
    else:
        yield lambda now: console.print(_measurement(now), soft_wrap=True)


def _measurement(now: comparison.ComparisonProgress) -> str:
    left = _duration(now.seconds_left)
    return f"measurement {now.done + 1} of {now.total}: {now.method}, seed {now.seed}; about {left} left"


def _tuning_scores(now: session.TuningProgress) -> str:
    if now.part:  # of a race, whose line has little room
        return f"best {shown_return(now.best)}"
    return f"return {shown_return(now.start)} at first, {shown_return(now.best)} now"


@contextmanager
def _throttled(show: Callable[[_State], None], seconds: float) -> Iterator[Callable[[_State], None]]:
    """Observer that calls `show` at most once every `seconds`, and with the last state at the end."""
    shown = -math.inf
    waiting: _State | None = None

    def observe(progress: _State) -> None:
        nonlocal shown, waiting
        now = time.monotonic()
        waiting = progress
        if now - shown >= seconds:
            shown, waiting = now, None
            show(progress)

    try:
        yield observe
    finally:
        if waiting is not None:
            show(waiting)


def _panel(progress: loop.Progress) -> RenderableType:
    row, settings = progress.row, progress.settings
    head = Table.grid(expand=True, padding=(0, 2))
    head.add_column()
    head.add_column(ratio=1)
    head.add_column(justify="right")
    head.add_row(
        _marked(f"generation [bold]{progress.generation}[/bold] of {settings.generations}"),
        ProgressBar(total=settings.generations, completed=progress.generation + progress.share),
        _marked(f"[bold]{_duration(progress.seconds_left)}[/bold] left"),
    )
    if progress.share:
        head.add_row(
            Text("the next one", "dim"),
            ProgressBar(total=1.0, completed=progress.share),
            Text(f"{progress.share:.0%}", "dim"),
        )
    title = Text(f"{settings.task} · {settings.preset} · seed {settings.seed}")
    parts = [head, "", _scores(row), "", _costs(progress, row)] if row else [head]
    return Panel(Group(*parts), title=title, title_align="left", padding=(1, 2), width=84)


def _marked(words: str) -> Text:
    """Text from markup; only for words and numbers of our own."""
    return Text.from_markup(words)


def _scores(row: Mapping[str, Any]) -> Table:
    body = Table.grid(padding=(0, 3))
    body.add_column(style="dim")
    for _ in range(4):
        body.add_column(justify="right")
    body.add_row("", *(Text(name, "dim") for name in ("mean", "best weight", "connections", "nodes")))
    body.add_row(
        "champion, confirmed",
        Text(shown_return(row["champion_mean"]), "bold green"),
        Text(shown_return(row["champion_best_weight"]), "bold"),
        f"{row['champion_connections']}",
        f"{row['champion_nodes']}",
    )
    body.add_row(
        "best of generation",
        f"{shown_return(row['best_mean'])}",
        f"{shown_return(row['best_weight_return'])}",
        f"{row['best_connections']}",
        f"{row['best_nodes']}",
    )
    body.add_row(
        "median",
        f"{shown_return(row['median_mean'])}",
        "",
        f"{row['median_connections']:g}",
        f"{row['median_nodes']:g}",
    )
    return body


def _costs(progress: loop.Progress, row: Mapping[str, Any]) -> Text:
    """Cost of the search so far, and shares of the time of the last generation."""
    totals, effort = progress.totals, progress.effort
    waiting = row["seconds_waiting"]
    spent = {
        "evaluation": row["seconds_evaluation"] - waiting,
        "variation": row["seconds_variation"],
        "waiting": waiting,
    }
    whole = max(sum(spent.values()) + row["seconds_other"], 1e-9)
    shares = " · ".join(f"{name} {seconds / whole:.0%}" for name, seconds in spent.items())
    chunks = f" · {effort.retried} chunks retried" if effort.retried else ""
    failed = f" · [red]{row['failed']} networks failed[/red]" if row["failed"] else ""
    return _marked(
        f"[dim]{totals.evaluations:,} networks · {_amount(totals.steps)} steps · "
        f"{_amount(progress.steps_per_second)} steps/s · {_duration(totals.seconds)} so far\n"
        f"{counted(effort.workers, 'worker')}, {effort.busy:.0%} busy · {shares}{chunks}[/dim]{failed}"
    )


def _line(progress: loop.Progress) -> str:
    row, share = progress.row, f" and {progress.share:.0%} of the next" if progress.share else ""
    head = f"generation {progress.generation}/{progress.settings.generations}{share}  "
    if row:
        best = shown_return(row["champion_best_weight"])
        head += (
            f"champion {shown_return(row['champion_mean'])} (best weight {best}, "
            f"{row['champion_connections']} connections)  best {shown_return(row['best_mean'])}  "
            f"median {shown_return(row['median_mean'])}  {_amount(progress.steps_per_second)} steps/s  "
        )
    return f"{head}{_duration(progress.seconds_left)} left"


def shown_return(value: float) -> str:
    """A return as text: one decimal, or three for small ones such as minus a cross-entropy."""
    return f"{value:.1f}" if abs(value) >= 10.0 else f"{value:.3f}"


def _amount(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f}"


def _duration(seconds: float) -> str:
    if math.isinf(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
