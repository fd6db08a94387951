"""The command line, the only place that prints."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wann import __version__

if TYPE_CHECKING:
    from rich.table import Table

    from wann.accuracy import Accuracy, ClassifierCard
    from wann.champion import Champion, Weight
    from wann.doctor import Finding
    from wann.run import Run
    from wann.scorecard import Score, Scorecard
    from wann.tasks import Task

USER_ERROR = 2
INTERRUPTED = 130


def _numbers(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[float, ...] | None:
    try:
        return None if text is None else tuple(float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of numbers such as -1,0.5,2") from None


def _weight(_context: click.Context, _option: click.Parameter, text: str | None) -> Weight | None:
    if text is None or text == "tuned":
        return text  # type: ignore[return-value]  # narrowed to the one word just above
    try:
        return float(text)
    except ValueError:
        raise click.BadParameter(f'{text!r} is neither a number nor "tuned"') from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; user errors end in one line and exit code 2."""
    try:
        code = commands.main(arguments, prog_name="wann", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context else ""
        _fail(error.format_message().replace("\n", " ") + hint, USER_ERROR)
    except click.Abort:
        _fail("interrupted", INTERRUPTED)
    except KeyboardInterrupt:
        _fail("interrupted", INTERRUPTED)
    except ValueError as error:
        _fail(str(error), USER_ERROR)
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}", 1)
    except RuntimeError as error:
        _fail(str(error), 1)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    click.echo(f"wann: {message}", err=True)
    sys.exit(code)


# The escaped b tells click to leave the lines after it as they are.
_HELP = """Search for networks whose shape solves a task: every connection carries the same weight.

\b
Start with:
  wann search swingup --preset laptop     a search of about a minute
  wann replay runs/...                    watch its champion
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=_HELP,
    epilog="CHAMPION is a run folder or a champion file everywhere.",
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="wann")
@click.pass_context
def commands(context: click.Context) -> None:
    """The program; without a command it shows its help."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _placement_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where a command computes; none of it changes a number."""
    for option in (
        click.option("--address", metavar="auto|HOST:PORT", help="Compute on this Ray cluster."),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            help="Ray workers, a CPU each; on this machine without --address.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(min=1),
            help="Threads of this process; all processors by default. Never changes a number.",
        ),
    ):
        command = option(command)
    return command


def _json_object(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> dict[str, Any] | None:
    try:
        value = None if text is None else json.loads(text)
    except ValueError:
        value = text
    if not isinstance(value, dict | None):
        raise click.BadParameter(f'{text!r} is not a JSON object such as {{"gravity": -5.0}}')
    return value


_env_kwargs = click.option(
    "--env-kwargs", callback=_json_object, metavar="JSON", help="Arguments of the environment."
)


def _name_folder(_context: click.Context, _option: click.Parameter, folder: Path | None) -> None:
    from wann.mnist import FOLDER_VARIABLE

    if folder is not None:
        os.environ[FOLDER_VARIABLE] = os.fspath(folder)


_data_option = click.option(
    "--data",
    callback=_name_folder,
    expose_value=False,
    type=click.Path(path_type=Path),
    help="Folder with the MNIST files; WANN_DATA names it too.",
)


_label_option = click.option("--label", metavar="COLUMN", help="The column with the classes, of csv:FILE.")


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--set",
        "assignments",
        metavar="NAME=VALUE",
        multiple=True,
        help="Set one setting; repeat for more. 'wann settings' lists them.",
    )(command)


@commands.command()
@click.argument("task")
@click.option("--preset", help="Preset to start from; 'wann tasks' lists them.")
@click.option("--config", "config", type=click.Path(path_type=Path), help="Settings file in TOML.")
@_settings_options
@_env_kwargs
@_label_option
@_data_option
@click.option("--no-compiled", is_flag=True, help="Step the environment itself, not its compiled physics.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the run.  [default: 1]")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; a new one in runs/ by default.")
@click.option("--resume", "go_on", is_flag=True, help="Go on if --out already holds this search.")
@_placement_options
@click.option("--quiet", is_flag=True, help="No live view.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object, print nothing else.")
def search(
    task: str,
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    env_kwargs: dict[str, Any] | None,
    label: str | None,
    no_compiled: bool,
    seed: int | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Search for a network that solves TASK.

    TASK is one of 'wann tasks' or any registered Gymnasium id; 'module:Name-v0' imports the module first;
    csv:FILE and FILE.npz (arrays x and y, or x_train, y_train, x_test and y_test; x rows or images) are
    tables of your own, to be classified. The run folder holds everything: settings,
    metrics, checkpoints and each new champion. Ctrl-C ends the search after saving; 'wann resume' goes on
    where it stopped.
    """
    from wann.live import starting, view

    with starting(quiet or as_json):
        from wann import run
        from wann.config import parse_assignment, read_settings_file
        from wann.tasks import get_task

    values: dict[str, Any] = {}
    if config:
        values, notes = read_settings_file(config)
        for note in notes:
            _note(note)
        named = values.pop("task", task)
        if named != task:
            raise ValueError(f"settings file {config} is for task {named!r}, not {task!r}")
    preset_in_file = values.pop("preset", None)
    preset = preset or preset_in_file
    if not isinstance(preset, str | None):
        raise ValueError(f"setting 'preset': must be a word, not {preset!r}")
    given = dict(map(parse_assignment, assignments))
    for name, instead in (("task", "TASK"), ("preset", "--preset NAME"), ("env_kwargs", "--env-kwargs JSON")):
        if name in given:
            raise ValueError(f"{name} is not a setting to --set: give it as 'wann search {instead}'")
    values |= given
    in_file = values.pop("env_kwargs", {})
    if not isinstance(in_file, dict):
        raise ValueError(f"setting 'env_kwargs': must be a table, not {in_file!r}")
    env_kwargs = in_file | (env_kwargs or {})
    if label is not None:
        env_kwargs["label"] = label
    _refuse_data_folder(task)
    if seed is not None:
        values["seed"] = seed
    if no_compiled:
        values["stepping"] = "gymnasium"
    if not as_json and not quiet:
        _describe(get_task(task, env_kwargs, values.get("stepping")), values.get("stepping"))
    with view(quiet, to_stderr=as_json) as observer:
        start = partial(run.search, task, preset=preset, env_kwargs=env_kwargs, out=out, **options, **values)
        ended = _run_to_end(start, observer=observer, note=_note)
    return _report_run(ended, as_json)


def _describe(task: Task, chosen: str | None) -> None:
    """What is searched and how it is stepped, before a search of an environment that is not our own."""
    from wann.tasks import DataTask, best_stepping

    if task.name == "swingup":
        return
    if isinstance(task, DataTask):
        data = task.samples
        sizes = ", ".join(
            f"{getattr(data, part).labels.size} {part}" for part in ("train", "validation", "test")
        )
        click.echo(f"{task.name}: {task.summary}; samples: {sizes}")
        _describe_sides(task)
        return
    how = {
        "compiled": "compiled physics",
        "gymnasium": "stepped by Gymnasium",
        "pool": "stepped in envpool's C++ pool, champions confirmed on Gymnasium's own",
    }[best_stepping(task) if chosen is None else task.stepping]
    from rich.console import Console

    kwargs = f" {json.dumps(dict(task.env_kwargs))}" if task.env_kwargs else ""
    Console(highlight=False, markup=False).print(
        f"{task.env_id}{kwargs}: {how}; episodes of {task.episode_steps} steps"
    )
    _describe_sides(task)


def _describe_sides(task: Task) -> None:
    """The names of a task's inputs and outputs."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for kind, names in (("inputs", task.inputs), ("outputs", task.outputs)):
        shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
        table.add_row(f"  {len(names)} {kind}", Text(shown))
    Console(highlight=False, markup=False).print(table)


_NAMES_SHOWN = 24


@commands.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@_settings_options
@_placement_options
@click.option("--quiet", is_flag=True, help="No live view.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object, print nothing else.")
def resume(run_path: Path, assignments: tuple[str, ...], quiet: bool, as_json: bool, **options: Any) -> int:
    """Go on with RUN exactly where it stopped.

    On any number of threads or workers. Stop rules may change: 'wann resume RUN --set generations=2048' makes
    a finished run longer.
    """
    from wann.live import starting, view

    with starting(quiet or as_json):
        from wann import run
        from wann.config import parse_assignment

    changes = dict(map(parse_assignment, assignments))
    with view(quiet, to_stderr=as_json) as observer:
        start = partial(run.resume, run_path, **options, **changes)
        ended = _run_to_end(start, observer=observer, note=_note)
    return _report_run(ended, as_json)


def _run_to_end(start: Callable[..., Run], **options: Any) -> Run:
    """Where a run stands when it has ended, by a stop rule or by a signal."""
    from wann.run import Interrupted

    try:
        return start(**options)
    except Interrupted as interrupted:
        return interrupted.run
    except OSError as error:
        error.strerror = (
            f"{error.strerror or error}; the last checkpoint is safe, 'wann resume' goes on from it"
        )
        raise


def _note(text: str) -> None:
    click.echo(f"note: {text}", err=True)


def _report_run(ended: Run, as_json: bool) -> int:
    from wann.live import shown_return
    from wann.tasks import is_data_set

    path = os.fspath(ended.path)
    champion = _champion_or_none(ended)
    finished = ended.stopped_by is not None
    if not finished:
        text = f"Stopped after generation {ended.generations}, saved. Go on: wann resume {shlex.quote(path)}"
        click.echo(text, err=as_json)
    if as_json:
        summary = {
            "run": path,
            "champion": os.path.join(path, "champion.json") if champion else None,
            "generations": ended.generations,
            "evaluations": ended.totals.evaluations,
            "steps": ended.totals.steps,
            "seconds": round(ended.totals.seconds, 3),
            "confirmed_mean": champion.scores.overall if champion else None,
            "best_shared": dict(zip(("weight", "mean"), champion.scores.best, strict=True))
            if champion
            else None,
            "stopped_by": ended.stopped_by or "interrupted",
        }
        click.echo(json.dumps(summary))
        return 0 if finished else INTERRUPTED
    if not finished:
        return INTERRUPTED
    click.echo(f"Ended by {ended.stopped_by} after generation {ended.generations}.")
    if champion is None:
        click.echo("No champion: no network had finite returns.")
        return 0
    weight, best = champion.scores.best
    rule, quoted = ended.stopped_by, shlex.quote(path)
    replay = "" if is_data_set(ended.settings.task) else f"Replay    wann replay {quoted}\n"
    longer = f"generations={2 * ended.generations}" if rule == "generations" else f"{rule}=none"
    click.echo(
        f"Champion  {os.path.join(path, 'champion.json')}\n"
        f"          mean return {'(- cross-entropy) ' * is_data_set(ended.settings.task)}"
        f"{shown_return(champion.scores.overall)} over "
        f"{len(champion.scores.weights)} shared weights, {shown_return(best)} at weight {weight:g}; "
        f"{_size(champion)}\n"
        f"Evaluate  wann evaluate {quoted}\n"
        f"{replay}"
        f"Draw      wann draw {quoted}\n"
        f"Plot      wann plot {quoted}\n"
        f"Resume    wann resume {quoted} --set {longer}"
    )
    return 0


def _champion_or_none(ended: Run) -> Champion | None:
    return ended.champion if (ended.path / "champion.json").exists() else None


def _size(champion: Champion) -> str:
    hidden = champion.genome.hidden_count
    return f"{champion.genome.connection_count} connections, {hidden} hidden node{'s' * (hidden != 1)}"


@commands.command()
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option("--episodes", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--weights", callback=_numbers, metavar="W,W,...", help="Shared weights to list one by one.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@_placement_options
@_data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(
    champion_path: Path,
    episodes: int,
    weights: tuple[float, ...] | None,
    seed: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Score CHAMPION on fresh episodes, or on the test part of its data.

    Prints the mean return and its standard deviation for single shared weights, over U(-2, 2), with
    individual random weights, at the best shared weight and, where there are any, with tuned weights. A
    classifier is scored on the test part of its data, also as an ensemble over weights, and by class.
    """
    from wann import scorecard
    from wann.accuracy import ClassifierCard
    from wann.champion import load_champion
    from wann.config import PAPER_WEIGHTS
    from wann.live import bar
    from wann.tasks import is_data_set

    champion = load_champion(champion_path)
    _refuse_data_folder(champion.task)
    if is_data_set(champion.task):
        _refuse_given(
            ("episodes", "seed", "workers", "address"),
            f"{champion.task} is a data set, whose whole test part is scored once",
        )
    with bar("Evaluating") as progress:
        card = scorecard.evaluate(
            champion,
            episodes=episodes,
            weights=weights or PAPER_WEIGHTS,
            seed=seed,
            progress=progress,
            note=_note,
            **options,
        )
    if as_json:
        click.echo(json.dumps(card.to_dict(), allow_nan=False))
        return
    if isinstance(card, ClassifierCard):
        _print_classifier(champion, card)
    else:
        _print_scorecard(champion, card)


def _refuse_data_folder(task: str) -> None:
    if not task.startswith("mnist"):
        _refuse_given(("data",), f"--data names the folder of MNIST, and the task is {task}")


def _refuse_given(names: Sequence[str], reason: str) -> None:
    """Refuse options that would change nothing, where the user gave them."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise ValueError(f"{reason}: leave out --{name}")


def _print_classifier(champion: Champion, card: ClassifierCard) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else 200
    console.print(f"{card.task}: {_size(champion)}; {card.samples} test samples")
    table = Table()
    for name in ("weights", "accuracy", *card.classes):
        table.add_column(name, justify="left" if name == "weights" else "right")
    for score, by_class in zip(card.per_weight, card.per_class, strict=True):
        percent = ("-" if share is None else f"{share:.0%}" for share in by_class)
        table.add_row(f"shared {score.weight:g}", f"{score.accuracy:.1%}", *percent)
    table.add_section()
    rows: list[tuple[str, Accuracy | None]] = [
        ("shared, over U(-2, 2)", card.uniform_shared),
        (f"ensemble of these {len(card.per_weight)}, one vote each", card.ensemble),
        (f"ensemble of these {len(card.per_weight)}, mean probability", card.ensemble_mean),
        (
            f"ensemble of {len(card.ensemble_chosen.weights or ())}, chosen on validation",
            card.ensemble_chosen,
        ),
        (f"shared {card.best_shared.weight:g}, best on validation", card.best_shared),
        ("individual, tuned", card.tuned),
    ]
    for name, row in rows:
        if row:
            spread = f" ± {100.0 * row.std:.1f}" if row.std is not None else ""
            table.add_row(name, f"{row.accuracy:.1%}{spread}")
    console.print(table)
    console.print(
        f"confidence is off by {card.reliability_votes.error:.1%} where it is the share of votes, "
        f"by {card.reliability_mean.error:.1%} where it is the mean probability"
    )
    confusion = Table(title="what the ensemble says (columns) of each class (rows)", title_justify="left")
    for name in ("", *card.classes):
        confusion.add_column(name, justify="right")
    for name, counts in zip(card.classes, card.confusion, strict=True):
        confusion.add_row(name, *(str(count) if count else "." for count in counts))
    console.print(confusion)


def _print_scorecard(champion: Champion, card: Scorecard) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"{card.task}: {_size(champion)}; {card.episodes} fresh episodes, seed {card.seed}")
    table = Table()
    table.add_column("weights")
    table.add_column("return", justify="right")

    def add(name: str, score: Score) -> None:
        table.add_row(name, f"{score.mean:.1f} ± {score.std:.1f}")

    for score in card.per_weight:
        add(f"shared {score.weight:g}", score)
    table.add_section()
    add("shared, over U(-2, 2)", card.uniform_shared)
    add("individual, random in U(-2, 2)", card.individual_random)
    add(f"best shared ({card.best_shared.weight:g})", card.best_shared)
    if card.tuned:
        add("individual, tuned", card.tuned)
    console.print(table)


@commands.command()
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option(
    "--weight", callback=_weight, metavar="W", help='Shared weight, or "tuned"; the best one by default.'
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the episode.")
@click.option("--out", type=click.Path(path_type=Path), help="A .gif or .mp4 file; a window by default.")
def replay(champion_path: Path, weight: Weight | None, seed: int, out: Path | None) -> None:
    """Watch CHAMPION play, in a window or as a film."""
    from wann.champion import load_champion
    from wann.live import bar
    from wann.replay import record_episode, show_episode
    from wann.tasks import is_data_set

    champion = load_champion(champion_path)
    if is_data_set(champion.task):
        raise ValueError(f"{champion.task} is a data set: there is nothing to replay")
    weight = champion.best_weight if weight is None else weight
    if out is None:
        episode = show_episode(champion, weight, seed)
    else:
        with bar("Recording") as progress:
            episode = record_episode(champion, weight, seed, out, progress=progress)
        click.echo(f"Wrote {out}")
    at = "the tuned weights" if weight == "tuned" else f"weight {weight:g}"
    click.echo(f"Return {episode.total:.1f} in {episode.steps} steps at {at}, seed {seed}")


@commands.command()
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="A .svg, .png or .pdf file.")
@click.option(
    "--only", metavar="OUTPUT", help="Only what feeds this output: a class, or an entry of the action."
)
def draw(champion_path: Path, out: Path | None, only: str | None) -> None:
    """Draw the topology of CHAMPION.

    By default as an SVG file in the run folder, or beside the champion file. Inputs that are the pixels of
    an image are drawn as the image, darker the more connections leave them.
    """
    from wann.champion import load_champion
    from wann.draw import draw_genome
    from wann.genome import one_output

    champion = load_champion(champion_path)
    out = out or _beside(champion_path, "champion", ".svg")
    genome, outputs, title = champion.genome, champion.outputs, champion.task
    if only is not None:
        if only not in outputs:
            raise ValueError(f"the champion has no output {only!r}; choose from {', '.join(outputs)}")
        genome, outputs, title = one_output(genome, outputs.index(only)), (only,), f"output {only} of {title}"
    draw_genome(genome, champion.inputs, outputs, out, title=title)
    click.echo(f"Wrote {out}")


@commands.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="A .svg, .png or .pdf file.")
@_placement_options
@_data_option
def plot(run_path: Path, out: Path | None, **options: Any) -> None:
    """Plot the learning curves of RUN.

    Beside them, the champion's return over the shared weight. Of a data set instead its accuracy on the test
    part, for each class too, and how far an ensemble's confidence can be relied on. By default
    RUN/curves.png.
    """
    from wann import accuracy, scorecard
    from wann.champion import load_champion
    from wann.live import bar
    from wann.plot import Profile, plot_classifier, plot_run
    from wann.storage import RunFolder
    from wann.tasks import is_data_set

    folder = RunFolder.open(run_path)
    out = out or run_path / "curves.png"
    champion, settings = load_champion(run_path), folder.settings
    _refuse_data_folder(champion.task)
    title = f"{settings.task}, preset {settings.preset}, seed {settings.seed}"
    if is_data_set(champion.task):
        _refuse_given(("workers", "address"), f"{champion.task} is a data set, which is scored at once")
        card = accuracy.evaluate_classifier(champion)
        plot_classifier(folder.read_metrics(), accuracy.sweep(champion), card, out, title=title)
    else:
        with bar("Evaluating") as progress:
            weights, returns = scorecard.profile(champion, progress=progress, note=_note, **options)
        profile = Profile(weights, returns.mean(axis=1), returns.std(axis=1))
        plot_run(folder.read_metrics(), profile, out, title=title)
    click.echo(f"Wrote {out}")


def _beside(path: Path, name: str, suffix: str) -> Path:
    return path / f"{name}{suffix}" if path.is_dir() else path.with_suffix(suffix)


@commands.command("import")
@click.argument("file", metavar="FILE.out", type=click.Path(path_type=Path))
@click.option("--task", default="swingup", show_default=True, help="Task the champion is for.")
@_env_kwargs
@click.option("--tuned", type=click.Path(path_type=Path), help="Its individual weights, a .wann.json file.")
@click.option("--out", type=click.Path(path_type=Path), help="Champion file; FILE.json by default.")
def import_(
    file: Path, task: str, env_kwargs: dict[str, Any] | None, tuned: Path | None, out: Path | None
) -> None:
    """Read a champion in the paper's format.

    Writes it as one of ours, scored at the paper's six weights on 20 fresh episodes.
    """
    from wann.champion import save_champion
    from wann.published import import_champion

    out = out or Path(file.name).with_suffix(".json")
    if out.exists():
        raise ValueError(f"{out} exists already: choose another --out")
    champion = import_champion(file, task, tuned, env_kwargs)
    save_champion(champion, out)
    click.echo(f"Wrote {out}: {_size(champion)}")


@commands.command()
def tasks() -> None:
    """List what can be searched.

    Every task with ready presets, its inputs and outputs; every other registered Gymnasium id is a task too.
    """
    from rich.console import Console

    from wann.tasks import facts, task_names

    console = Console(soft_wrap=True, highlight=False)
    for name in task_names():
        task = facts(name)
        console.print(f"[bold]{name}[/bold]  {task.summary}")
        for kind, names in (("inputs ", task.inputs), ("outputs", task.outputs)):
            shown = ", ".join(names[:_NAMES_SHOWN]) + (
                f", ... {len(names)} in all" * (len(names) > _NAMES_SHOWN)
            )
            console.print(f"  {kind}  {shown}", markup=False)
        for preset, settings in task.presets.items():
            chosen = ", ".join(
                f"{settings[key]} {key}" for key in ("population", "generations") if key in settings
            )
            default = " (default)" if preset == task.default_preset else ""
            console.print(f"  preset   {preset}{default}: {task.preset_notes[preset]}; {chosen}")
    console.print("Any other registered environment: wann search Name-v0, or module:Name-v0")
    console.print("A table of your own: wann search csv:FILE --label COLUMN, or FILE.npz with arrays x and y")


@commands.command()
@click.option("--task", default="swingup", show_default=True, help="Task whose preset is shown.")
@click.option("--preset", help="Preset to show.")
def settings(task: str, preset: str | None) -> None:
    """List every setting and its meaning."""
    from rich.console import Console
    from rich.table import Table

    from wann.config import Settings, build_settings
    from wann.tasks import get_task, preset_settings

    resolved = build_settings(preset_settings(get_task(task), preset))
    table = Table(title=f"{task}, preset {resolved.preset}", title_justify="left")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("meaning")
    for name, field in Settings.model_fields.items():
        value = getattr(resolved, name)
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        table.add_row(name, "not set" if value is None else shown, field.description)
    console = Console()
    # Names are to be read, typed and searched for: outside a terminal nothing is cut or folded.
    console.width = console.width if console.is_terminal else 200
    console.print(table)


@commands.command()
@click.argument("env_id", required=False)
@_env_kwargs
@_label_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(env_id: str | None, env_kwargs: dict[str, Any] | None, label: str | None, as_json: bool) -> int:
    """Check this machine, each finding with its fix.

    With ENV_ID also that environment: whether it can be searched, whether one seed gives the same episode
    twice, and how fast it is; of a data set, whether it can be read. The exit code is 1 where something is
    broken; what is only missing is a note.
    """
    from rich.console import Console

    from wann.doctor import examine

    if (env_kwargs or label) and not env_id:
        raise click.UsageError(f"--{'env-kwargs' if env_kwargs else 'label'} needs an ENV_ID")
    if label is not None:
        env_kwargs = {**(env_kwargs or {}), "label": label}
    console, findings = Console(highlight=False), []
    console.width = console.width if console.is_terminal else 200  # commands are to be copied whole
    with console.status("Checking") if console.is_terminal and not as_json else nullcontext():
        for finding in examine(env_id, env_kwargs):
            findings.append(finding)
            if not as_json:
                console.print(_finding_row(finding, console.encoding))
    problems, notes = (sum(each.level == level for each in findings) for level in ("problem", "note"))
    if as_json:
        click.echo(json.dumps({"problems": problems, "findings": [asdict(each) for each in findings]}))
    else:
        click.echo(f"\n{problems or 'No'} problem{'s' * (problems != 1)}, {notes} note{'s' * (notes != 1)}.")
    return 1 if problems else 0


_MARKS = {"ok": ("✓", "+", "green"), "note": ("•", "-", "yellow"), "problem": ("✗", "x", "bold red")}


def _finding_row(finding: Finding, encoding: str) -> Table:
    """A row of a table that is shown while it grows: mark, check, what was found and, below it, the fix."""
    from rich.table import Table
    from rich.text import Text

    symbol, letter, color = _MARKS[finding.level]
    mark, arrow = (symbol, "→") if encoding.startswith("utf") else (letter, "->")
    row = Table.grid(padding=(0, 1))
    row.add_column(width=1, style=color)
    row.add_column(width=19, no_wrap=True)
    row.add_column(overflow="fold")

    def text(words: str, style: str = "") -> Text:  # not markup: what was found may hold brackets
        return Text(words.encode(encoding, "replace").decode(encoding), style)

    row.add_row(mark, finding.check, text(finding.found, "" if finding.level == "problem" else "dim"))
    if finding.fix:
        row.add_row("", "", text(f"{arrow} {finding.fix}"))
    return row


if __name__ == "__main__":
    main()
