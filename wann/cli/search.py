"""The command `wann search`."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wann.cli.options import (
    INTERRUPTED,
    NAMES_SHOWN,
    data_option,
    echo,
    env_kwargs_option,
    examples,
    fitted,
    json_option,
    placement_options,
    print_note,
    refuse_data_folder,
    settings_options,
    size_of,
    table_options,
    trust_option,
)
from wann.cli.runs import print_runs, read_lines
from wann.cli.tune import tune_to_end

if TYPE_CHECKING:
    from wann.champion import Champion
    from wann.evaluation.placement import Placement
    from wann.run.loop import Observer, Run
    from wann.tasks.task import Task


def _seeds(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Callback of the option that takes seeds."""
    from wann.run.seeds import parse_seeds

    try:
        return None if text is None else parse_seeds(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    epilog=examples(
        "wann search swingup --preset laptop --out runs/first",
        "wann search CartPole-v1 --seed 7 --set population=128 --set generations=64",
        "wann search swingup --preset laptop --seeds 1-10 --out runs/ten",
        "wann search --config mine.toml",
    )
)
@click.argument("task", required=False)
@click.option(
    "--preset",
    metavar="NAME",
    show_default="the task's own",
    help="Preset with the settings to start from; 'wann tasks' lists them.",
)
@click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file in TOML, or in the JSON of the reference program.",
)
@settings_options
@env_kwargs_option
@table_options
@data_option
@trust_option
@click.option(
    "--init-from",
    metavar="CHAMPION",
    type=click.Path(path_type=Path),
    help="Champion whose topology the search starts from, of this task or another of the same shape.",
)
@click.option(
    "--no-compiled", is_flag=True, help="Step the environment itself instead of its compiled physics."
)
@click.option("--seed", type=click.IntRange(min=0), metavar="N", show_default="1", help="Seed of the run.")
@click.option(
    "--seeds",
    callback=_seeds,
    metavar="1-10|1,5,8",
    help="Seeds of several runs, each in a folder seed-N of --out. The same command again continues them.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    show_default="a new one in runs/; of --seeds runs/TASK-seeds",
    help="Run folder to write.",
)
@click.option("--resume", "go_on", is_flag=True, help="Continue if --out already holds this search.")
@placement_options
@click.option("--quiet", is_flag=True, help="No progress output.")
@json_option
def search(
    task: str | None,
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    env_kwargs: dict[str, Any] | None,
    table: dict[str, Any],
    no_compiled: bool,
    seed: int | None,
    seeds: tuple[int, ...] | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    init_from: Path | None,
    go_on: bool,
    placement: Placement,
) -> int:
    """Search for a network that solves a task.

    TASK may be left out where --config names it, and is one of:

    \b
    a name that 'wann tasks' lists
    Name-v0         any registered Gymnasium environment
    module:Name-v0  the same, after the module is imported
    csv:FILE        a table of your own as text: classes (see --label) or
                    numbers to be predicted (see --target)
    FILE.parquet    the same as a Parquet file
    FILE.npz        arrays x and y, or x_train, y_train, x_test and y_test;
                    x holds rows or images

    The run folder holds the settings, the metrics, the checkpoints, every new champion and the last Pareto
    front. Ctrl-C saves and ends the search; 'wann resume' continues it exactly where it stopped.

    With --seeds the runs come one after the other, or side by side on Ray where that is faster. --workers is
    then the number of runs at a time, and --threads puts them one after the other. The results are the same.
    """
    from wann.progress import starting, view

    with starting(quiet or as_json):
        from wann.run import search as run
        from wann.settings_file import parse_assignment, read_settings_file
        from wann.tasks.registry import get_task, is_data_set
        from wann.tasks.tables import is_table
        from wann.tasks.trust import refuse_untrusted

    values: dict[str, Any] = {}
    by_file = False  # whether the file alone names the task
    if config:
        values, notes = read_settings_file(config)
        for note in notes:
            print_note(note)
        if notes and preset is None and "preset" not in values:
            preset = "paper"
            print_note("settings that are not in the file are those of the preset paper")
        named = values.pop("task", task)
        if task is not None and named != task:
            raise ValueError(f"settings file {config} is for task {named!r}, not {task!r}")
        if not isinstance(named, str | None):
            raise ValueError(f"setting 'task': must be a word, not {named!r}")
        by_file, task = task is None, named
    if task is None:
        raise click.UsageError(
            f"Missing argument 'TASK'{f': {config} names none' if config else ''}.",
            click.get_current_context(),
        )
    preset_in_file = values.pop("preset", None)
    preset = preset or preset_in_file
    if not isinstance(preset, str | None):
        raise ValueError(f"setting 'preset': must be a word, not {preset!r}")
    given = dict(map(parse_assignment, assignments))
    for name, instead in (
        ("task", "TASK"),
        ("preset", "--preset NAME"),
        ("env_kwargs", "--env-kwargs JSON"),
        ("initial_genome", "--init-from CHAMPION"),
    ):
        if name in given:
            raise ValueError(f"{name} is not a setting to --set: give it as 'wann search {instead}'")
    values |= given
    in_file = values.pop("env_kwargs", {})
    if not isinstance(in_file, dict):
        raise ValueError(f"setting 'env_kwargs': must be a table, not {in_file!r}")
    if by_file:
        if is_table(task) and "sha256" not in in_file:
            raise ValueError(
                f"settings file {config} names the table {task!r} without its SHA-256: give TASK too"
            )
        refuse_untrusted(task, in_file)
    elif not is_data_set(task):  # the task itself is named by the user
        refuse_untrusted(task.rpartition(":")[2], in_file)
    env_kwargs = in_file | (env_kwargs or {}) | table
    refuse_data_folder(task, begins=True)
    if seeds:
        if seed is not None or "seed" in given:
            raise ValueError("--seeds names the seeds of all runs: leave out --seed and --set seed")
        values.pop("seed", None)  # of the file, as 'wann settings --toml' writes one
    if seed is not None:
        values["seed"] = seed
    if no_compiled:
        values["stepping"] = "gymnasium"
    if not as_json and not quiet:
        _describe(get_task(task, env_kwargs, values.get("stepping")), values.get("stepping"))
    values |= {"preset": preset, "env_kwargs": env_kwargs, "init_from": init_from}
    if seeds:
        return _search_seeds(task, seeds, out, values, placement, quiet=quiet, as_json=as_json)
    with view(quiet, to_stderr=as_json) as observer:
        start = partial(run.search, task, out=out, go_on=go_on, **asdict(placement), **values)
        ended = _run_to_end(start, observer=observer, note=print_note)
    return _report_run(ended, as_json)


def _search_seeds(
    task: str,
    seeds: Sequence[int],
    out: Path | None,
    values: dict[str, Any],
    placement: Placement,
    *,
    quiet: bool,
    as_json: bool,
) -> int:
    from wann.progress import runs_view, view
    from wann.run.search import new_run_path
    from wann.run.seeds import run_path, search_seeds
    from wann.tasks.tables import predicts_numbers
    from wann.tasks.trust import trust_word

    folder = out or new_run_path(task, "seeds")
    with ExitStack() as stack:
        shown = ExitStack()  # of the run under way
        stack.push(shown)

        def observer(seed: int) -> Observer | None:
            shown.close()
            if not quiet:
                echo(f"Seed {seed}: {run_path(folder, seed)}", err=as_json)
            return shown.enter_context(view(quiet, to_stderr=as_json))

        follow = stack.enter_context(runs_view(quiet, to_stderr=as_json))
        failed = search_seeds(task, seeds, folder, values, placement, observer, follow, print_note)
    paths = [path for path in (run_path(folder, seed) for seed in seeds) if path.exists()]
    lines = read_lines(paths)
    states = {line.state.name for line in lines}
    quoted = shlex.quote(os.fspath(folder))
    if failed is None:
        echo(f"Stopped, saved. The same command with --out {quoted} goes on.", err=as_json)
    if as_json:
        echo(json.dumps({"folder": os.fspath(folder), "runs": [line.to_dict() for line in lines]}))
    else:
        print_runs(folder, lines)
        echo(f"Plot      wann plot {quoted}")
        if not predicts_numbers(task, values["env_kwargs"]):  # which have no place in the paper's table
            echo(f"Table     wann table {quoted} --untuned{trust_word(task, values['env_kwargs'])}")
    return INTERRUPTED if failed is None else int(bool(failed) or states != {"finished"})


def _describe(task: Task, chosen: str | None) -> None:
    """What is searched and how it is stepped, before a search of an environment that is not our own."""
    from wann.tasks.data_task import DataTask
    from wann.tasks.registry import best_stepping
    from wann.utils.terminal import PlainConsole

    if task.name == "swingup":
        return
    if isinstance(task, DataTask):
        data = task.samples
        sizes = ", ".join(
            f"{getattr(data, part).labels.size} {part}" for part in ("train", "validation", "test")
        )
        echo(f"{task.name}: {task.summary}; samples: {sizes}")
        _describe_sides(task)
        return
    how = {
        "compiled": "compiled physics",
        "gymnasium": "stepped by Gymnasium",
        "pool": "stepped in envpool's C++ pool, champions confirmed on Gymnasium's own",
    }[best_stepping(task) if chosen is None else task.stepping]

    kwargs = f" {json.dumps(dict(task.env_kwargs))}" if task.env_kwargs else ""
    PlainConsole().print(f"{task.env_id}{kwargs}: {how}; episodes of {task.episode_steps} steps")
    _describe_sides(task)


def _describe_sides(task: Task) -> None:
    """The names of a task's inputs and outputs."""
    from rich.table import Table

    from wann.utils.terminal import PlainConsole

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for kind, names in (("inputs", task.inputs), ("outputs", task.outputs)):
        shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
        table.add_row(f"  {len(names)} {kind}", shown)
    PlainConsole().print(table)


@click.command(epilog=examples("wann resume runs/first", "wann resume runs/first --set generations=2048"))
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="Value of one setting named above; repeat for more.",
)
@data_option
@trust_option
@placement_options
@click.option("--quiet", is_flag=True, help="No progress output.")
@json_option
def resume(
    run_path: Path, assignments: tuple[str, ...], quiet: bool, as_json: bool, placement: Placement
) -> int:
    """Continue a search, tuning or race exactly where it stopped.

    RUN is the run folder of a search, the champion file of a tuning, or the folder of a race. The number of
    threads or workers may differ from before. Of the settings, --set may change these:

    \b
    search  stop rules, such as generations=2048; checkpoint_seconds,
            episode_seconds; skip_episodes=7 has generation 7 play other
            episodes
    tuning  budget, such as budget=40000
    race    generations of offspring, such as generations=8
    """
    from wann.progress import starting, view

    with starting(quiet or as_json):
        from wann.run import search as run
        from wann.settings_file import parse_assignment
        from wann.tuning import plan as tuning

        is_tuning = run_path.is_file() or (not run_path.exists() and tuning.is_tuning(run_path))
        if is_tuning:
            from wann.tuning import tune
        from wann.tuning.race import is_race, resume_race

    changes = dict(map(parse_assignment, assignments))
    if is_race(run_path):
        go_on = partial(resume_race, run_path, placement=placement, **changes)
        return tune_to_end(go_on, quiet=quiet, as_json=as_json)
    if is_tuning:
        go_on = partial(tune.resume_tuning, run_path, placement=placement, **changes)
        return tune_to_end(go_on, quiet=quiet, as_json=as_json)
    with view(quiet, to_stderr=as_json) as observer:
        start = partial(run.resume, run_path, **asdict(placement), **changes)
        ended = _run_to_end(start, observer=observer, note=print_note)
    return _report_run(ended, as_json)


def _run_to_end(start: Callable[..., Run], **options: Any) -> Run:
    """Where a run stands when it has ended, by a stop rule or by a signal."""
    from wann.run.loop import Interrupted

    try:
        return start(**options)
    except Interrupted as interrupted:
        return interrupted.run
    except OSError as error:
        error.strerror = (
            f"{error.strerror or error}; the last checkpoint is safe, 'wann resume' goes on from it"
        )
        raise


def _report_run(ended: Run, as_json: bool) -> int:
    from wann.analysis.achievement import achievement
    from wann.progress import shown_return
    from wann.tasks.registry import is_data_set
    from wann.tasks.tables import predicts_numbers
    from wann.tasks.trust import trust_word

    path, trust = os.fspath(ended.path), trust_word(ended.settings.task, ended.settings.env_kwargs)
    champion = _champion_or_none(ended)
    finished = ended.stopped_by is not None
    if not finished:
        text = f"Stopped after generation {ended.generations}, saved."
        echo(f"{text} Go on: wann resume {shlex.quote(path)}{trust}", err=as_json)
    done = achievement(champion) if champion and finished and not is_data_set(champion.task) else None
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
            "achievement": done.to_dict() if done else None,
            "stopped_by": ended.stopped_by or "interrupted",
        }
        echo(json.dumps(summary))
        return 0 if finished else INTERRUPTED
    if not finished:
        return INTERRUPTED
    echo(f"Ended by {ended.stopped_by} after generation {ended.generations}.")
    if champion is None:
        echo("No champion: no network had finite returns.")
        return 0
    weight, best = champion.scores.best
    unit = "(- cross-entropy) " * is_data_set(ended.settings.task)
    if predicts_numbers(ended.settings.task, ended.settings.env_kwargs):
        unit = "(- mean square error, scaled) "
    rule, quoted = ended.stopped_by, shlex.quote(path)
    replay = "" if is_data_set(ended.settings.task) else f"Replay    wann replay {quoted}{trust}\n"
    predict = f"Predict   wann predict {quoted} NEW.csv\n" if champion.columns else ""
    front = f"Front     wann front {quoted}\n" if (ended.path / "front.json").exists() else ""
    longer = f"generations={2 * ended.generations}" if rule == "generations" else f"{rule}=none"
    scores = fitted(
        f"          mean return {unit}"
        f"{shown_return(champion.scores.overall)} over "
        f"{len(champion.scores.weights)} shared weights, {shown_return(best)} at weight {weight:g}; "
        f"{size_of(champion)}",
        10,
    )
    achieved = fitted(f"          at this weight {done.words}", 10) + "\n" if done else ""
    echo(
        f"Champion  {os.path.join(path, 'champion.json')}\n{scores}\n{achieved}"
        f"Evaluate  wann evaluate {quoted}{trust}\n"
        f"{predict}"
        f"Tune      wann tune {quoted}{trust}\n"
        f"{replay}"
        f"Draw      wann draw {quoted}\n"
        f"Plot      wann plot {quoted}{trust}\n"
        f"Report    wann report {quoted}{trust}\n"
        f"{front}"
        f"Resume    wann resume {quoted}{trust} --set {longer}"
    )
    return 0


def _champion_or_none(ended: Run) -> Champion | None:
    return ended.champion if (ended.path / "champion.json").exists() else None
