"""One search for each of several seeds, one after the other or side by side on Ray."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from secrets import token_hex
from typing import Any

from wann.champion import load_champion
from wann.evaluation.evaluator import available_threads
from wann.evaluation.opening import cost_of_episode
from wann.evaluation.placement import Note, Placement
from wann.evolution.shared_weights import generation_weights
from wann.run.folder import RunFolder, as_initial, task_of
from wann.run.loop import Interrupted, Observer, SearchFailedError
from wann.run.search import is_same_search, resolve, search
from wann.run.state import read_state
from wann.settings import CHANGEABLE, Settings, with_changes
from wann.utils.reading import one_line
from wann.utils.signals import stop_signals

MOST_SEEDS = 10_000

WORTH_SECONDS = 60.0
"""Computing time of all runs together from which they are side by side unasked: Ray takes some to start."""

Follow = Callable[[Sequence[Path]], None]

_NO_SETTINGS = ("preset", "env_kwargs", "init_from")  # arguments of `search` that are none
_LOOK_SECONDS = 1.0  # from one look at the runs to the next


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from a text such as "1-10" or "1,5,8-12", each once, in the order given.

    Raises:
        ValueError: it is no such text, or names more than `MOST_SEEDS`.
    """
    seeds: dict[int, None] = {}
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise ValueError(f"seeds are given as 1-10 or 1,5,8-12, not {text!r}")
        if len(seeds) + last - first >= MOST_SEEDS:
            raise ValueError(f"{text!r} names more than {MOST_SEEDS:,} seeds")
        seeds.update(dict.fromkeys(range(first, last + 1)))
    return tuple(seeds)


def run_path(folder: str | os.PathLike[str], seed: int) -> Path:
    """The run folder of a seed in a folder of runs."""
    return Path(folder) / f"seed-{seed}"


def search_seeds(
    task: str,
    seeds: Sequence[int],
    folder: str | os.PathLike[str],
    options: Mapping[str, Any],
    placement: Placement,
    observer: Callable[[int], Observer | None] = lambda _seed: None,
    follow: Follow | None = None,
    note: Note | None = None,
) -> list[Path] | None:
    """Search once for each seed, into `folder/seed-N`; runs that are there go on where they stopped.

    Side by side on Ray where workers or a cluster are asked for, and unasked where that is faster: where all
    processors together have `WORTH_SECONDS` to compute, and threads are not asked for. A run that fails keeps
    none of the others from their end; `wann.run.state` tells which did.

    Args:
        task: name of the task.
        seeds: of the runs.
        folder: of the runs; on a cluster of several machines, one that all of them share.
        options: further arguments of `search`, without `seed`, `out` and those that say where it computes.
        placement: where it computes; `workers` is the number of runs side by side.
        observer: gives the observer of the run of a seed, where one run comes after the other.
        follow: called about every second with the folders of the runs, where they are side by side.
        note: told in a line what a user should know.

    Returns:
        The folders of the runs that failed; None after a signal, when all that was running is saved.

    Raises:
        ValueError: a name or value is wrong, a folder holds another search, or the cluster cannot be reached.
    """
    note = note or (lambda _text: None)
    settings = {name: value for name, value in options.items() if name not in _NO_SETTINGS}
    if options.get("init_from") is not None:
        settings["initial_genome"] = as_initial(load_champion(options["init_from"]))[1]
    first = resolve(
        task, options.get("preset"), options.get("env_kwargs"), settings | {"seed": seeds[0]}, note
    )
    # Found out about the environment once, not for each seed.
    options = {**options, "fresh_env": first.fresh_env, "stepping": first.stepping}
    left = [seed for seed in seeds if not _is_done(run_path(folder, seed), first, seed, settings)]
    if not left:
        return []
    asked = placement.workers is not None or placement.address is not None
    if asked or (placement.threads is None and _is_long(first, len(left))):
        from wann.evaluation.ray_cluster import connect, ray

        try:
            ours = connect(placement.address, placement.workers if placement.address is None else None, note)
        except ValueError as error:
            if asked:
                raise
            note(f"searching one seed after the other in this process instead: {error}")
            placement = Placement(threads=available_threads())  # so that no run tries again
        else:
            try:
                return _side_by_side(task, left, folder, options, placement.workers, follow, note)
            finally:
                if ours:
                    ray.shutdown()
    return _one_by_one(task, left, folder, options, placement, observer, note)


def _is_long(settings: Settings, runs: int) -> bool:
    """Whether so many runs take longer than it takes to start Ray, by what an episode costs."""
    if runs == 1 or available_threads() == 1:
        return False
    episodes = settings.population * generation_weights(settings, 0).size * settings.episodes
    cost = cost_of_episode(task_of(settings), settings.max_steps)
    return cost * episodes * settings.generations * runs / available_threads() >= WORTH_SECONDS


def _is_done(path: Path, first: Settings, seed: int, given: Mapping[str, Any]) -> bool:
    """Whether the run of a seed is finished, with the stop rules that are asked for.

    Raises:
        ValueError: the folder holds another search.
    """
    wanted = with_changes(first, {"seed": seed})
    if not is_same_search(path, wanted) or read_state(path).name != "finished":
        return False
    found = RunFolder.open(path).settings
    return all(getattr(found, name) == getattr(wanted, name) for name in given if name in CHANGEABLE)


def _one_by_one(
    task: str,
    seeds: Sequence[int],
    folder: str | os.PathLike[str],
    options: Mapping[str, Any],
    placement: Placement,
    observer: Callable[[int], Observer | None],
    note: Note,
) -> list[Path] | None:
    failed = []
    for seed in seeds:
        path = run_path(folder, seed)
        try:
            search(
                task,
                out=path,
                go_on=True,
                seed=seed,
                observer=observer(seed),
                note=note,
                **asdict(placement),
                **options,
            )
        except Interrupted:
            return None
        except (ValueError, SearchFailedError, OSError) as error:
            failed.append(path)
            note(f"{path} failed: {one_line(error)}")
    return failed


def _side_by_side(
    task: str,
    seeds: Sequence[int],
    folder: str | os.PathLike[str],
    options: Mapping[str, Any],
    workers: int | None,
    follow: Follow | None,
    note: Note,
) -> list[Path] | None:
    from wann.evaluation.ray_cluster import exceptions, first_line, ray

    paths = [run_path(folder, seed) for seed in seeds]
    Path(folder).mkdir(parents=True, exist_ok=True)
    shared = Path(folder).absolute() / f".wann-{token_hex(8)}"
    try:
        shared.touch()
        nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        cpus = max(1, sum(nodes))
        at_once = min(len(seeds), workers or cpus, cpus)
        threads = _threads_each(nodes, at_once)
        note(f"searching {at_once} seeds side by side, {threads} thread{'s' * (threads > 1)} each")
        start = ray.remote(num_cpus=threads, max_retries=0)(_search_here)
        waiting = dict(zip(seeds, paths, strict=True))
        running: dict[Any, Path] = {}
        failed = []
        cancelled = False
        with stop_signals() as stop:
            while running or (waiting and not stop.is_set()):
                while waiting and len(running) < at_once and not stop.is_set():
                    seed = next(iter(waiting))
                    path = waiting.pop(seed)
                    given = {**options, "seed": seed, "threads": threads}
                    running[start.remote(os.getcwd(), os.fspath(shared), task, os.fspath(path), given)] = path
                done, _ = ray.wait(list(running), timeout=_LOOK_SECONDS)
                for each in done:
                    path = running.pop(each)
                    try:
                        trouble = ray.get(each)
                    except exceptions.TaskCancelledError:
                        trouble = None
                    except exceptions.RayError as error:
                        trouble = first_line(error)
                    if trouble:
                        failed.append(path)
                        note(f"{path} failed: {trouble}")
                if stop.is_set() and not cancelled:
                    cancelled = True
                    for each in running:
                        ray.cancel(each, force=False, recursive=False)
                if follow:
                    follow(paths)
            return None if stop.is_set() else failed
    finally:
        shared.unlink(missing_ok=True)


def _threads_each(nodes: Sequence[int], runs: int) -> int:
    """The most threads with which so many runs find room at a time on nodes of so many CPUs; at least 1."""
    return next(
        (each for each in range(max(nodes, default=1), 1, -1) if sum(cpus // each for cpus in nodes) >= runs),
        1,
    )


def _search_here(folder: str, shared: str, task: str, path: str, options: Mapping[str, Any]) -> str | None:
    """One of the searches, in a process of the cluster; gives what went wrong."""
    if not Path(shared).is_file():
        return f"a machine of the cluster does not see {Path(shared).parent}: choose a folder that all share"
    try:
        os.chdir(folder)  # which names of files are relative to
        search(task, out=path, go_on=True, **options)
    except Interrupted:
        return None
    except (ValueError, SearchFailedError, OSError) as error:
        return one_line(error)
    return None
