"""Methods side by side on one task, seed after seed; measurements are kept, and a comparison can go on."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from wann.random_weights.bench.champions import METHODS as CHAMPION_METHODS
from wann.random_weights.bench.champions import measure_champion
from wann.random_weights.bench.champions import published as champions_published
from wann.random_weights.bench.method import Measurement, Method, Problem
from wann.random_weights.bench.methods import data_methods, recurrent_methods
from wann.random_weights.bench.methods_torch import IMAGE_PRIOR
from wann.tasks.data_sets import NAMED, DataSet, load_named
from wann.tasks.tables import is_table, load_table
from wann.utils.files import atomic_path, lock_folder
from wann.utils.nearest import nearest
from wann.utils.reading import Natural, Schema, checked, load_json, one_line, read_bytes

FORMAT = "wann-comparison"
VERSION = 1
RESULTS = "results.json"
"""Name of the file with what was measured, in the folder of a comparison."""

GATED = "mnist28"
"""The data set that the gates are of."""

_ROWS = 60_000  # of MNIST, that costs are known for
_PIXELS = 784
_USED = 0.92  # of the budget; the rest is for starting, and for table and figure
_LEAST_SECONDS = 0.5  # that a measurement is expected to take
_MISSING = {
    "torch": "needs PyTorch: pip install 'wann[torch]'",
    "sklearn": "needs scikit-learn: pip install 'wann[data]'",
}


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """A task on which methods are compared."""

    name: str
    score: str  # what is measured
    percent: bool  # whether scores are shares of 1
    methods: Mapping[str, Method]
    problem: Problem | None  # what the methods are given; the folder where it is None
    digest: str  # of what they are given
    costs: float  # of a measurement here, beside what `Method.seconds` says
    classes: int = 2
    images: bool = True
    gated: bool = True  # whether the gates of its methods are for this task


@dataclass(slots=True)
class Row:
    """A method and its measurements."""

    name: str
    title: str
    outcomes: dict[str, Measurement] = field(default_factory=dict)  # by "seed 0", or the name of a champion
    anchor: str = ""
    gate: float | None = None
    ceiling: float | None = None
    ablation_of: str | None = None
    remark: str = ""
    left_out: str = ""  # why something is missing

    def mean(self, what: Literal["score", "trained", "stored", "seconds"] = "score") -> float:
        """Mean over seeds; NaN where nothing was measured."""
        values = [getattr(outcome, what) for outcome in self.outcomes.values()]
        return float(np.mean(values)) if values else math.nan

    @property
    def spread(self) -> float | None:
        """Sample standard deviation of the score over seeds, of two or more."""
        scores = [outcome.score for outcome in self.outcomes.values()]
        return float(np.std(scores, ddof=1)) if len(scores) > 1 else None

    @property
    def reached(self) -> bool | None:
        """Whether the mean is where it has to be; None where nothing is asked or measured."""
        if not self.outcomes or (self.gate is None and self.ceiling is None):
            return None
        return (self.gate is None or self.mean() >= self.gate) and (
            self.ceiling is None or self.mean() < self.ceiling
        )


@dataclass(frozen=True, slots=True)
class ComparisonProgress:
    """Where a comparison stands, as a measurement begins."""

    done: int  # measurements
    total: int
    method: str
    seed: int
    seconds_left: float


def bench_names() -> tuple[str, ...]:
    """The tasks that have a name."""
    return (*NAMED, *recurrent_methods(), "image-prior")


def open_bench(name: str, label: str | None = None) -> Bench:
    """The task of this name: a data set, a user's own table, a task with hidden velocities, `image-prior`.

    Args:
        name: one of `bench_names`, `csv:FILE` or `FILE.npz`.
        label: the column with the classes, of a CSV file.

    Raises:
        ValueError: there is no such task, or its data cannot be read.
    """
    if is_table(name) or name in NAMED:
        if label is not None and not is_table(name):
            raise ValueError(f"--label names a column of csv:FILE, and the data set is {name}")
        data = load_table(name, label) if is_table(name) else load_named(name)
        if data.train.targets is not None:
            raise ValueError(
                f"{name} has numbers to predict, and classes are compared: choose another --label"
            )
        return _data_bench(name, data)
    if label is not None:
        raise ValueError(f"--label names a column of csv:FILE, and the task is {name}")
    if name in recurrent_methods():
        return Bench(name, "return", False, recurrent_methods()[name], None, "", 1.0)
    if name == "image-prior":
        methods = {method.name: method for method in IMAGE_PRIOR}
        return Bench(name, "gain in dB", False, methods, None, "", 1.0)
    names = (*bench_names(), "csv:FILE", "FILE.npz")
    raise ValueError(f"unknown data set {name!r}; {nearest(name, names)}")


def _data_bench(name: str, data: DataSet) -> Bench:
    parts = (data.train, data.validation, data.test)
    x, more, test_x = (part.inputs().astype(np.float32) for part in parts)
    y, more_y, test_y = (part.labels for part in parts)
    x, y = np.concatenate([x, more]), np.concatenate([y, more_y])
    problem = Problem(name, x, y, test_x, test_y, len(data.classes), data.shape)
    digest = sha256()
    for array in (x, y, test_x, test_y):
        digest.update(np.ascontiguousarray(array).data)
    return Bench(
        name,
        "test accuracy",
        True,
        data_methods(),
        problem,
        digest.hexdigest(),
        len(x) / _ROWS * max(x.shape[1] / _PIXELS, 0.2),
        len(data.classes),
        data.shape is not None,
        name == GATED,
    )


def choose_methods(bench: Bench, names: Sequence[str] | None) -> list[Method]:
    """The methods of these names, or all.

    Raises:
        ValueError: one is unknown.
    """
    for name in names or ():
        if name not in bench.methods:
            raise ValueError(f"unknown method {name!r} for {bench.name}; {nearest(name, bench.methods)}")
    return [method for method in bench.methods.values() if not names or method.name in names]


def compare(
    bench: Bench,
    folder: Path,
    *,
    methods: Sequence[str] | None = None,
    champions: Sequence[Path] = (),
    seeds: int = 3,
    budget: float | None = None,
    observer: Callable[[ComparisonProgress], None] | None = None,
) -> list[Row]:
    """Measure every method with every seed, in one thread, the cheapest first; seed after seed.

    Measurements in the folder are not repeated. After each new one, all are written aside and renamed.

    Args:
        bench: the task.
        folder: folder of this comparison; it is made if it is missing.
        methods: names; all by default.
        champions: run folders or files of the search, for rows of their own.
        seeds: 0 up to this many less one.
        budget: seconds; measurements expected to take longer than the rest of them are left out.
        observer: told before each measurement.

    Returns:
        The rows of champions that lie in the folder, then one for each method, in the order of the bench.

    Raises:
        ValueError: a method is unknown, a champion is for another task, or the folder holds the results of
            something else or is in use.
        OSError: the folder cannot be written to.
    """
    chosen = choose_methods(bench, methods)
    measured = {path: _champion(path, bench) for path in champions}
    folder.mkdir(parents=True, exist_ok=True)
    with lock_folder(folder, "comparison is writing to it"):
        kept = _read(folder, bench)
        for name, found in measured.values():
            for method_name, outcome in found.items():
                kept.setdefault(method_name, {})[name] = outcome
            _write(folder, bench, kept)
        rows = _measure_all(bench, folder, chosen, kept, seeds, budget, observer)
    return [*_champion_rows(bench, kept), *rows]


def _champion(path: Path, bench: Bench) -> tuple[str, dict[str, Measurement]]:
    if not bench.percent:
        raise ValueError(f"--champion is for a data set, and the task is {bench.name}: leave it out")
    return measure_champion(path, bench.name)


def _measure_all(
    bench: Bench,
    folder: Path,
    chosen: Sequence[Method],
    kept: dict[str, dict[str, Measurement]],
    seeds: int,
    budget: float | None,
    observer: Callable[[ComparisonProgress], None] | None,
) -> list[Row]:
    """The rows of the chosen methods; new measurements are added to `kept`."""
    begun = time.monotonic()
    rows = {method.name: _row(bench, method) for method in chosen}
    for name, outcomes in kept.items():
        if name in rows:
            of_seeds = {f"seed {seed}" for seed in range(seeds)}
            rows[name].outcomes = {key: value for key, value in outcomes.items() if key in of_seeds}
    usable = []
    for method in chosen:
        rows[method.name].left_out = _unfit(bench, method)
        if not rows[method.name].left_out:
            usable.append(method)
    waiting = [
        (seed, method)
        for seed in range(seeds)
        for method in sorted(usable, key=lambda method: method.seconds)
        if f"seed {seed}" not in rows[method.name].outcomes and (method.drawn or seed == 0)
    ]
    pace = _Pace(bench.costs)
    with threadpool_limits(1):
        for place, (seed, method) in enumerate(waiting):
            row = rows[method.name]
            expected = pace.expected(method, row)
            left = math.inf if budget is None else _USED * budget - (time.monotonic() - begun)
            if expected > left:
                row.left_out = f"about {_words(expected)} a seed, more than the budget had left"
                continue
            if observer:
                ahead = sum(pace.expected(other, rows[other.name]) for _, other in waiting[place:])
                observer(ComparisonProgress(place, len(waiting), method.name, seed, min(ahead, left)))
            started = time.monotonic()
            outcome = method.measure(folder if bench.problem is None else bench.problem, seed)
            pace.learn(method, time.monotonic() - started)
            row.outcomes[f"seed {seed}"] = outcome
            kept.setdefault(method.name, {})[f"seed {seed}"] = outcome
            _write(folder, bench, kept)
    return list(rows.values())


def _champion_rows(bench: Bench, kept: Mapping[str, dict[str, Measurement]]) -> list[Row]:
    return [
        Row(
            each.name,
            each.title,
            kept[each.name],
            anchor=champions_published(bench.name, each.column),
        )
        for each in CHAMPION_METHODS
        if each.name in kept
    ]


class _Pace:
    """Expected seconds of measurements: from those of the same method, or from the speed of this machine."""

    def __init__(self, costs: float) -> None:
        self._costs = costs
        self._expected = self._taken = 0.0
        self._own: dict[str, float] = {}

    def expected(self, method: Method, row: Row) -> float:
        if method.name in self._own:
            return self._own[method.name]
        if row.outcomes:
            return max(row.mean("seconds"), _LEAST_SECONDS)
        return self._rough(method) * (self._taken / self._expected if self._expected else 1.0)

    def _rough(self, method: Method) -> float:
        return max(method.seconds * self._costs, _LEAST_SECONDS)

    def learn(self, method: Method, seconds: float) -> None:
        self._own[method.name] = seconds
        self._expected += self._rough(method)
        self._taken += seconds


def _words(seconds: float) -> str:
    return f"{max(seconds, 1.0):.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _row(bench: Bench, method: Method) -> Row:
    return Row(
        method.name,
        method.title,
        anchor=f"{method.anchor.figure} ({method.anchor.source})" if method.anchor else "",
        gate=method.gate if bench.gated else None,
        ceiling=method.ceiling if bench.gated else None,
        ablation_of=method.ablation_of,
        remark=method.remark,
    )


def _unfit(bench: Bench, method: Method) -> str:
    """Why a method cannot be measured here; empty where it can."""
    if method.needs in _MISSING and find_spec(method.needs) is None:
        return _MISSING[method.needs]
    if method.images and not bench.images:
        return "needs images"
    if bench.classes < method.least_classes:
        return f"needs {method.least_classes} classes or more"
    return ""


def _read(folder: Path, bench: Bench) -> dict[str, dict[str, Measurement]]:
    """Earlier measurements, by method and then by seed or champion."""
    path = folder / RESULTS
    if not path.exists():
        return {}
    content = read_bytes(path)
    try:
        table = checked(_ResultsTable, load_json(content))
    except ValueError as error:
        raise ValueError(
            f"{path} holds no results of a comparison ({error}): move it away, or choose another --out"
        ) from None
    kept: dict[str, dict[str, Measurement]] = {}
    for each in table.results:
        outcome = Measurement(each.score, each.trained, each.stored, each.seconds)
        kept.setdefault(each.method, {})[each.of] = outcome
    name, digest = table.task, table.digest
    if (name, digest) != (bench.name, bench.digest):
        raise ValueError(
            f"{path} is of {one_line(name)}, not of {bench.name} as it is now: choose another --out"
        )
    return kept


def _write(folder: Path, bench: Bench, kept: Mapping[str, Mapping[str, Measurement]]) -> None:
    results = [
        {"method": name, "of": of, **asdict(outcome)}
        for name, outcomes in kept.items()
        for of, outcome in outcomes.items()
    ]
    data = {
        "format": FORMAT,
        "version": VERSION,
        "task": bench.name,
        "digest": bench.digest,
        "results": results,
    }
    with atomic_path(folder / RESULTS) as temporary:
        temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


class _ResultTable(Schema):
    method: str
    of: str
    score: Annotated[float, Field(allow_inf_nan=True)]
    trained: Natural
    stored: Natural
    seconds: float


class _ResultsTable(Schema):
    """What the file of a comparison must be."""

    format: Literal["wann-comparison"]
    version: Literal[1]
    task: str
    digest: str
    results: list[_ResultTable]
