"""A user's own table as a data set: the columns to learn from, the answers, the rows of each part."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wann.tasks.array_file import ArrayPart, read_arrays
from wann.tasks.columns import (
    Column,
    Columns,
    Target,
    encode,
    fit_columns,
    number_words,
    understand,
    values_of,
)
from wann.tasks.data_sets import DataSet, Samples, deal, image_shape, pixel_names
from wann.tasks.mnist import FOLDER_VARIABLE
from wann.tasks.table_file import RawColumn, RawTable, TableOptions, read_table
from wann.utils.arrays import FloatArray, IntArray
from wann.utils.nearest import nearest
from wann.utils.reading import LARGEST_ARRAYS, in_file, read_bytes, shown

_WHITE = (1.0, 16.0, 255.0)  # what white is in images of one kind or another
_LEAST_INDEX = 10  # rows from which on ascending numbers are taken for a count of the rows
_INDEX_NAMES = ("id", "index", "column 1", "unnamed: 0", "row", "rowid", "row_id", "nr", "no", "#", "key")
_MOST_CLASSES = 20  # whole numbers as answers, of which some are rare


def is_table(name: str) -> bool:
    """Whether a task's name stands for a user's own table: `csv:FILE`, `FILE.parquet` or `FILE.npz`."""
    return name.startswith("csv:") or name.endswith((".npz", ".parquet"))


def predicts_numbers(name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a task predicts the numbers of a column, told by its name and arguments."""
    return is_table(name) and arguments.get("target") is not None


def shown_name(task: str) -> str:
    """A task's name without the folders of a user's own file."""
    prefix, colon, path = task.rpartition("csv:") if task.startswith("csv:") else ("", "", task)
    return f"{prefix}{colon}{Path(path).name}" if is_table(task) else task


def table_name(name: str) -> str:
    """The same table's name wherever it is asked for: with the whole path of its file."""
    prefix = "csv:" * name.startswith("csv:")
    return prefix + os.path.abspath(name.removeprefix("csv:"))


def load_table(name: str, label: str | None = None, options: TableOptions | None = None) -> DataSet:
    """A user's own table.

    Columns of numbers are moved and scaled to mean 0 and standard deviation 1 over the training part, as are
    the inputs that stand for words and missing values; see `wann.tasks.columns`. Pixels are divided by 1, 16
    or 255, the least that holds those of the training part, or else by their largest.

    Args:
        name: `csv:FILE`, a text file whose first line names the columns; `FILE.parquet`; or `FILE.npz` with
            the arrays `x` (rows, features) or (images, height, width) and `y` (rows,), see
            `wann.tasks.array_file.read_arrays`. Where `options` hold a SHA-256: if `WANN_DATA` names a file,
            that is read instead, and if it names a folder, a file that is not where it was is looked for
            there.
        label: the column with the classes, of a table with named columns.
        options: all there is to say about reading it, in place of `label`.

    Raises:
        ValueError: the file cannot be read, or is no table with at least two classes or numbers to predict.
    """
    path, options = Path(name.removeprefix("csv:")), options or TableOptions(label=label)
    if options.settled:
        path = _place_of(path)
    try:
        content = read_bytes(path, largest=LARGEST_ARRAYS)
    except ValueError as error:
        moved = "; if it was moved, --data FILE names its new place" if options.settled else ""
        raise ValueError(f"{error}{moved}") from None
    digest = sha256(content).hexdigest()
    if options.settled and options.sha256 != digest:
        raise ValueError(f"{path} is not the file that it was when the search began: its SHA-256 differs")
    with in_file(path):
        return _data_set(_File(digest, path.suffix, content), options)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was read; two with one digest are one."""

    digest: str
    suffix: str
    content: bytes = field(repr=False, compare=False)


@lru_cache(maxsize=1)  # a command asks for its table more than once
def _data_set(file: _File, options: TableOptions) -> DataSet:
    if file.suffix != ".npz":
        kept = () if options.label is None else (options.label,)
        data = _of_table(read_table(file.content, options, kept), options)
    elif options.label is not None:
        raise ValueError("--label names a column of a CSV file; here the array y holds the classes")
    else:
        data = _of_arrays(read_arrays(file.content), options)
    return replace(data, digest=file.digest)


def _place_of(path: Path) -> Path:
    """Where the file of a table that was read before is now."""
    told = os.environ.get(FOLDER_VARIABLE)
    if told and Path(told).is_file():
        return Path(told)
    moved = Path(told) / path.name if told else path
    return moved if moved.is_file() and not path.exists() else path


def _of_table(table: RawTable, options: TableOptions) -> DataSet:
    """Data set of a table with named columns."""
    answer, notes = options.target or options.label, [*table.notes]
    settled: dict[str, Any] = {}
    if answer is None:
        raise ValueError(
            f"name the column with the classes: --label {shown(table.names[-1])}, or another; or that "
            "with the numbers to be predicted: --target COLUMN"
        )
    option = "--target" if options.target is not None else "--label"
    if options.target is not None and options.label is not None:
        raise ValueError("--label and --target exclude each other: classes, or numbers")
    if answer not in table.names:
        raise ValueError(f"has no column {shown(answer)} for {option}; {nearest(answer, table.names)}")
    given = table.column(answer)
    predicts = options.target is not None
    if not predicts and not options.settled and _is_measure(given, table.decimal):
        predicts, settled = True, {"target": answer, "label": None}
        notes.append(
            f"column {shown(answer)} holds numbers, most of them in one or two rows: they are predicted, "
            "as with --target"
        )
    names = _used(table, options, answer)
    if not options.settled:
        if table.separator not in (None, ","):  # with a comma between values the decimal mark is a point
            settled |= {"separator": table.separator, "decimal": table.decimal}
        left = [] if options.columns else _of_no_use(table, names)
        names = [name for name in names if name not in dict(left)]
        if left:
            settled["drop"] = [*options.drop, *(name for name, _ in left)]
            notes += [f"column {shown(name)} {why}: it is left out" for name, why in left]
    if not names:
        raise ValueError(f"has no columns to learn from besides {shown(answer)}")
    answers = _numbers_of(answer, given, table.decimal) if predicts else _classes_of([label_words(given)])
    rows = deal(answers.labels[0], answers.classes if not predicts else ("all",))
    columns = [understand(name, table.column(name), rows[0], table.decimal) for name in names]
    codes = np.column_stack([encode(each, table.column(each.name), table.decimal) for each in columns])
    fitted = fit_columns(columns, codes[rows[0]])
    data = _dealt(fitted, [codes], answers, tuple((0, chosen) for chosen in rows))
    return replace(data, settled=settled, notes=tuple(notes))


def _of_arrays(parts: Mapping[str, ArrayPart], options: TableOptions) -> DataSet:
    """Data set of the arrays of a file, with parts of its own or without."""
    first, every = parts[""], [*parts.values()]
    shape = first.x.shape[1:]
    for x, y in every:
        if x.shape[1:] != shape:
            raise ValueError(
                f"images and rows must be of one size: {_size(x)} in test, {_size(first.x)} in training"
            )
        if y.shape != x.shape[:1]:
            raise ValueError(f"y must hold a class for each of the {len(x)} rows, not {y.shape}")
        _check_finite(x)
    if options.target not in (None, "y"):
        raise ValueError(
            f"has no array {shown(options.target)} for --target; the numbers to be predicted are those of y"
        )
    settled: dict[str, Any] = {}
    predicts = options.target is not None
    if not predicts and not options.settled and first.y.dtype.kind == "f":
        predicts = _is_measure(first.y.astype(np.float64), ".")
        settled = {"target": "y"} if predicts else {}
    if predicts:
        answers = _numbers_of("y", *(part.y for part in every))
    else:
        answers = _classes_of([part.y for part in every])
    dealt = deal(answers.labels[0], answers.classes if not predicts else ("all",))
    places: dict[str, tuple[int, IntArray]] = {"validation": (0, dealt[1]), "test": (0, dealt[2])}
    training = [dealt[0]]
    for place, part in enumerate(parts):
        if part:  # what would be this part belongs to the training here
            training.append(places[part][1])
            places[part] = place, np.arange(len(parts[part].x))
    trained = np.sort(np.concatenate(training))
    flat = [part.x.reshape(len(part.x), -1) for part in every]
    if len(shape) == 2:
        largest = float(np.abs(flat[0][trained].astype(np.float64)).max())
        unit = next((level for level in _WHITE if largest <= level), largest)
        fitted = pixel_columns((int(shape[0]), int(shape[1])), unit)
    else:
        given = flat[0][trained].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # numbers too large for a mean are refused below
            means = np.nan_to_num(given.mean(axis=0), posinf=0.0, neginf=0.0).tolist()
        columns = [Column(name=f"x{place}", fill=mean) for place, mean in enumerate(means)]
        fitted = fit_columns(columns, given)
    data = _dealt(fitted, flat, answers, ((0, trained), places["validation"], places["test"]))
    notes = ("y holds numbers, most of them in one or two rows: they are predicted",) if settled else ()
    return replace(data, settled=settled, notes=notes)


class _Answers(NamedTuple):
    """What is to be said of the rows of each part."""

    classes: tuple[str, ...]  # names, or that of the numbers
    labels: list[IntArray]  # (N,) each
    numbers: list[FloatArray] | None = None  # (N,) each, where they are predicted


def _dealt(
    columns: Columns, codes: list[NDArray[Any]], answers: _Answers, rows: tuple[tuple[int, IntArray], ...]
) -> DataSet:
    """Data set whose parts are these rows of these arrays."""
    pixels = image_shape(columns.names)
    if answers.numbers is not None:
        which, chosen = rows[0]
        trained = answers.numbers[which][chosen]
        if not trained.std() > 0.0:
            raise ValueError(
                f"column {shown(answers.classes[0])} holds one number only: there is nothing to predict"
            )
        target = Target(name=answers.classes[0], mean=float(trained.mean()), scale=float(trained.std()))
        columns = columns.model_copy(update={"target": target})
    parts = []
    for which, chosen in rows:
        given, targets = codes[which][chosen], None
        if answers.numbers is not None and columns.target is not None:
            wanted = answers.numbers[which][chosen]
            targets = ((wanted - columns.target.mean) / columns.target.scale)[:, None]
        # Pixels stay in their own type, which is small.
        values, unit = (given, columns.scale[0]) if pixels else (columns.inputs(given), 1.0)
        parts.append(Samples(values, answers.labels[which][chosen], unit, targets, codes=given))
    names = columns.input_names
    return DataSet(names, answers.classes, parts[0], parts[1], parts[2], pixels, columns=columns)


def pixel_columns(shape: tuple[int, int], unit: float) -> Columns:
    """Columns of the pixels of an image, which are divided by a unit."""
    names = pixel_names(shape)
    columns = tuple(Column(name=name) for name in names)
    return Columns(columns=columns, mean=(0.0,) * len(names), scale=(unit,) * len(names))


def _used(table: RawTable, options: TableOptions, answer: str) -> list[str]:
    """Names of the columns to learn from: all but the answer, or those that the options leave."""
    named = {
        "--drop": _split_names(options.drop, table.names),
        "--columns": _split_names(options.columns, table.names),
    }
    for option, names in named.items():
        for name in names:
            if name not in table.names:
                raise ValueError(f"has no column {shown(name)} for {option}; {nearest(name, table.names)}")
    return [
        name
        for name in table.names
        if name != answer
        and name not in named["--drop"]
        and (not named["--columns"] or name in named["--columns"])
    ]


def _split_names(given: Sequence[str], names: Sequence[str]) -> list[str]:
    """Names of columns, several of which may be in one word, with commas between them."""
    return [part.strip() for word in given for part in ([word] if word in names else word.split(","))]


def _of_no_use(table: RawTable, names: Sequence[str]) -> list[tuple[str, str]]:
    """Columns that say nothing about a row, and why."""
    found = []
    for name in names:
        numbers, absent, wrong = values_of(table.column(name), table.decimal)
        if absent.all():
            found.append((name, "is empty"))
        elif table.size >= _LEAST_INDEX and not wrong.any() and not absent.any():
            ascending = np.sort(numbers) if name.casefold() in _INDEX_NAMES else numbers
            if ascending[0] in (0.0, 1.0) and bool((np.diff(ascending) == 1.0).all()):
                found.append((name, "numbers the rows"))
    return found


def _is_measure(given: RawColumn, decimal: str) -> bool:
    """Whether answers are numbers that cannot be classes: many or broken ones, most of them rare."""
    numbers, absent, wrong = values_of(given, decimal)
    if wrong.any() or absent.any() or not len(numbers):
        return False
    distinct, counts = np.unique(numbers, return_counts=True)
    broken = bool((distinct != np.round(distinct)).any())
    rare = 2 * np.count_nonzero(counts < 3) > distinct.size  # a class has at least three rows
    return bool(rare) and (broken or distinct.size > _MOST_CLASSES)


def _numbers_of(name: str, *parts: Any) -> _Answers:
    """Numbers to predict, of each part; the last argument may be their decimal mark."""
    *given, decimal = parts if isinstance(parts[-1], str) else (*parts, ".")
    found = []
    for part in given:
        numbers, absent, wrong = values_of(part, decimal)
        bad = np.flatnonzero(wrong | absent | ~np.isfinite(np.where(wrong | absent, 0.0, numbers)))
        if bad.size:
            what = "is missing" if absent[bad[0]] else f"is {shown(part[bad[0]])}, not a finite number"
            raise ValueError(f"column {shown(name)}, row {bad[0] + 1}: the number to be predicted {what}")
        found.append(numbers)
    return _Answers((name,), [np.zeros(len(numbers), np.int64) for numbers in found], found)


def label_words(given: RawColumn) -> NDArray[Any]:
    """Classes of a column as they are written; the empty word where one is missing.

    Raises:
        ValueError: one is an infinite number.
    """
    if isinstance(given, list):
        return np.array(given)
    infinite = np.flatnonzero(np.isinf(given))
    if infinite.size:
        raise ValueError(
            f"row {infinite[0] + 1}: the class is {given[infinite[0]]:g}, which is not a finite number"
        )
    return np.array(number_words(given))


def _classes_of(labels: list[NDArray[Any]]) -> _Answers:
    """Names of the classes of each part, and the place of each row's."""
    if len({own.dtype.kind if own.dtype.kind in "US" else "" for own in labels}) > 1:
        raise ValueError("the classes of the training and the test part must be of one kind")
    labels = _of_one_type(labels)
    found = np.unique(np.concatenate(labels))
    if "" in found.tolist():
        row = next(int(np.flatnonzero(own == "")[0]) for own in labels if (own == "").any())
        raise ValueError(f"row {row + 1}: the class is missing")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError("y must not hold a class that is not a number")
    classes = sorted((str(name) for name in found.tolist()), key=_number_first)
    if len(classes) < 2:
        raise ValueError(f"has one class only, {shown(classes[0])}: there is nothing to tell apart")
    position = {name: place for place, name in enumerate(classes)}
    places = [np.array([position[str(name)] for name in own.tolist()], np.int64) for own in labels]
    for place in sorted(set(range(len(classes))) - set(places[0].tolist())):
        raise ValueError(f"class {shown(classes[place])} is in the test part but absent from training")
    return _Answers(tuple(classes), places)


def _of_one_type(labels: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """The classes of the parts in the type of the training part, where they fit it: 1.0 there is 1 here."""
    first, *others = labels
    with np.errstate(invalid="ignore"):  # of one that is not finite, which fits no whole number
        cast = [own.astype(first.dtype) for own in others]
    if all(np.array_equal(new, own) for new, own in zip(cast, others, strict=True)):
        return [first, *cast]
    whole = np.result_type(*labels)
    return [own.astype(whole) for own in labels]


def _size(values: NDArray[Any]) -> str:
    return " x ".join(map(str, values.shape[1:])) + (" pixels" if values.ndim == 3 else " features")


def _check_finite(values: NDArray[Any]) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where = f"x[{', '.join(map(str, bad[0]))}]"
        raise ValueError(f"{where} holds a value that is not a finite number, in row {bad[0][0] + 1}")


def _number_first(name: str) -> tuple[int, float, str]:
    """Sorting key: numbers by their value, then words."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
