"""What commands share: options, their callbacks, notes, default places of files."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import textwrap
import threading
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from wann.evaluation.placement import Placement
from wann.utils.at_once import INTERRUPTED as INTERRUPTED
from wann.utils.places import refuse_taken
from wann.utils.plain_text import plain
from wann.utils.reading import load_json, shown
from wann.utils.words import counted

if TYPE_CHECKING:
    from wann.champion import Champion, Weight
    from wann.utils.terminal import PlainConsole

NAMES_SHOWN = 24


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text; a control character in a name or path is shown, and does nothing to the terminal."""
    click.echo(plain(text), err=err, nl=nl)


def examples(*lines: str) -> str:
    """The end of a command's help: command lines to be typed, which click leaves as they are."""
    return "\n".join(("\b", "Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)))


def parse_numbers(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[float, ...] | None:
    """Callback of an option that takes numbers separated by commas."""
    try:
        return None if text is None else tuple(float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of numbers such as -1,0.5,2") from None


def weight_or(*words: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Callback of an option that takes a shared weight or one of these words."""
    *others, last = (f'"{word}"' for word in words)
    choice = f"neither {', '.join(['a number', *others])} nor {last}"

    def parse(_context: click.Context, _option: click.Parameter, text: str | None) -> Any:
        if text is None or text in words:
            return text
        try:
            return float(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} is {choice}") from None

    return parse


parse_weight = weight_or("tuned")
parse_judged_weight = weight_or("best", "tuned")


def placement_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say where a command computes, as its argument `placement`; none changes a result."""

    @wraps(command)
    def placed(*, threads: int | None, workers: int | None, address: str | None, **arguments: Any) -> Any:
        return command(placement=Placement(threads, workers, address), **arguments)

    for option in (
        click.option("--address", metavar="auto|HOST:PORT", help="Address of a Ray cluster to compute on."),
        click.option(
            "--workers",
            metavar="N",
            type=click.IntRange(min=1),
            show_default="all processors for slow tasks, else none",
            help="Ray workers, one CPU each, on this machine or at --address. Results are the same for any "
            "number.",
        ),
        click.option(
            "--threads",
            metavar="N",
            type=click.IntRange(min=1),
            show_default="all processors",
            help="Threads of this process. Results are the same for any number.",
        ),
    ):
        placed = option(placed)
    return placed


def json_object(_context: click.Context, _option: click.Parameter, text: str | None) -> dict[str, Any] | None:
    """Callback of an option that takes a JSON object."""
    try:
        value = None if text is None else load_json(text)
    except ValueError:
        value = text
    if not isinstance(value, dict | None):
        raise click.BadParameter(f'{shown(text)} is not a JSON object such as {{"gravity": -5.0}}')
    return value


env_kwargs_option = click.option(
    "--env-kwargs",
    callback=json_object,
    metavar="JSON",
    help="""Arguments of the environment, a JSON object such as '{"g": 5.0}'.""",
)


def _name_folder(context: click.Context, _option: click.Parameter, folder: Path | None) -> None:
    from wann.tasks.mnist import FOLDER_VARIABLE

    if folder is None:
        return
    before = os.environ.get(FOLDER_VARIABLE)
    os.environ[FOLDER_VARIABLE] = os.fspath(folder)

    @context.call_on_close
    def restore() -> None:
        os.environ.pop(FOLDER_VARIABLE, None)
        if before is not None:
            os.environ[FOLDER_VARIABLE] = before


data_option = click.option(
    "--data",
    callback=_name_folder,
    expose_value=False,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder with the MNIST files, or the new place of a table that was moved; the variable WANN_DATA "
    "names it too.",
)


label_option = click.option("--label", metavar="COLUMN", help="Column of csv:FILE that holds the classes.")


_READING = (
    click.option("--encoding", metavar="NAME", show_default="found out", help="Encoding of a table's text."),
    click.option("--decimal", metavar=".|,", show_default="found out", help="Decimal mark of a table."),
    click.option(
        "--separator",
        metavar="CHARACTER",
        show_default="found out",
        help="Character between the values of a table.",
    ),
)
_LEARNING = (
    click.option("--columns", multiple=True, metavar="A,B", help="Columns of a table to use, and no others."),
    click.option("--drop", multiple=True, metavar="A,B", help="Columns of a table to leave out."),
    click.option("--target", metavar="COLUMN", help="Column of a table that holds numbers to be predicted."),
    label_option,
)


def table_words(env_kwargs: Mapping[str, Any]) -> str:
    """The options of `table_options` that give these arguments of a table, each after a space."""
    words = ""
    for name in ("label", "target", "drop", "columns", "separator", "decimal", "encoding"):
        given = env_kwargs.get(name, [])
        for value in given if isinstance(given, list) else [given]:
            words += f" --{name} {shlex.quote(str(value))}"
    return words


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how the text of a table is read, as its argument `reading`."""
    return _gathered(command, "reading", ("encoding", "decimal", "separator"), _READING)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how a table is read and what is learned of it, as its argument `table`."""
    names = ("label", "target", "drop", "columns", "separator", "decimal", "encoding")
    return _gathered(command, "table", names, (*_READING, *_LEARNING))


def _gathered(
    command: Callable[..., Any], argument: str, names: Sequence[str], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    """A command whose options of these names become one dictionary, without those that are not given."""

    @wraps(command)
    def gathered(**arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in names}
        plain = {name: [*value] if isinstance(value, tuple) else value for name, value in given.items()}
        return command(**{argument: {name: value for name, value in plain.items() if value}}, **arguments)

    for option in options:
        gathered = option(gathered)
    return gathered


def _trust(context: click.Context, _option: click.Parameter, given: bool) -> None:
    if given:
        from wann.tasks.trust import trusting

        context.with_resource(trusting())


trust_option = click.option(
    "--trust",
    is_flag=True,
    expose_value=False,
    callback=_trust,
    help="Trust the files given: the module that their task names is imported, and texts such as paths are "
    "handed to its environment.",
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--set`, as `assignments`."""
    return click.option(
        "--set",
        "assignments",
        metavar="NAME=VALUE",
        multiple=True,
        help="Value of one setting; repeat for more. 'wann settings' lists the names.",
    )(command)


def serving_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how a command serves its page."""
    for option in (
        click.option("--no-browser", is_flag=True, help="Only print the address."),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=0,
            metavar="N",
            show_default="any free port",
            help="Port for the page.",
        ),
    ):
        command = option(command)
    return command


def until_interrupted(what: str, address: str, *, no_browser: bool) -> None:
    """Print the address of a page, open it, and wait for Ctrl-C or SIGTERM."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        echo(f"{what} at {address}\nThe address opens once, on this machine only. Ctrl-C ends it.")
        # Without a screen, a browser would be one that takes over the terminal.
        if not no_browser and (
            sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        ):
            webbrowser.open(address)
        while not stop.wait(0.5):  # in slices, as Windows delivers no signal during a wait
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    echo("Ended.")


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON object, and nothing else."
)


def screen() -> PlainConsole:
    """Standard output for tables: as wide as the terminal, and wide enough for any table outside of one."""
    from wann.utils.terminal import PlainConsole

    return PlainConsole(wide=True)


def fitted(line: str, indent: int = 0) -> str:
    """A line of words; on a terminal the lines that it needs, cut between words, indented from the second."""
    console = screen()
    if not console.is_terminal:
        return line
    return textwrap.fill(
        plain(line),
        console.width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_note(text: str) -> None:
    """Print a note of one line on standard error."""
    echo(f"note: {text}", err=True)


def size_of(champion: Champion) -> str:
    """Size of a champion in words."""
    hidden = counted(champion.genome.hidden_count, "hidden node")
    return f"{champion.genome.connection_count} connections, {hidden}"


def refuse_data_folder(task: str, *, begins: bool = False) -> None:
    """Refuse `--data` for a task that does not read it, such as a table whose place has just been named."""
    from wann.tasks.tables import is_table

    if not task.startswith("mnist") and (begins or not is_table(task)):
        where = "the folder of MNIST or the new place of a table"
        refuse_given(("data",), f"--data names {where}, and the task is {task}")


def refuse_given(names: Sequence[str], reason: str) -> None:
    """Refuse options that would change nothing, where the user gave them."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise ValueError(f"{reason}: leave out --{name}")


theme_option = click.option(
    "--theme",
    type=click.Choice(["light", "dark"]),
    default="light",
    show_default=True,
    help="Colours of the drawing, for a light or a dark background.",
)


def refuse_existing(path: Path, option: str = "--out") -> None:
    """Refuse a file that exists already, and one whose folder does not exist."""
    refuse_taken(path, option)
    refuse_no_folder(path)


def is_folder_of_runs(path: Path) -> bool:
    """Whether a path is a folder that is no run but holds some."""
    from wann.run.listing import find_runs

    if not path.is_dir() or (path / "config.toml").is_file():
        return False
    try:
        return bool(find_runs([path]))
    except ValueError:
        return False


_OF_A_RUN = {
    "config.toml",
    "metrics.csv",
    "initial.json",
    "checkpoint.npz",
    "checkpoint.previous.npz",
    "failures.log",
    "champion.json",
    "front.json",
    "ended.json",
    "tuned.json",
    "fixed.json",
}


def refuse_own(path: Path, option: str = "--out") -> None:
    """Refuse to write over a file that a run needs."""
    if path.name in _OF_A_RUN and path.exists() and (path.parent / "config.toml").exists():
        raise ValueError(f"{path} belongs to the run in {path.parent}: choose another {option}")


def refuse_no_folder(path: Path) -> None:
    """Refuse, before a long computation, a file that could not be written at its end."""
    if path.is_dir() or not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise ValueError(
            f"{path} cannot be written: it is a folder, or {path.parent} is not a folder with write access"
        )


def judged_weight(champion: Champion, weight: Weight | Literal["best"] | None) -> Weight | None:
    """The weight that `parse_judged_weight` read, with "best" replaced by the champion's best one."""
    return champion.best_weight if weight == "best" else weight
