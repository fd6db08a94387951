"""Data sets for classification: named ones and a user's own table, in three parts that never mix.

Networks are scored on the training part, champions are chosen on the validation part, and the test part is
for the last word. Where a set comes without parts, each class is dealt out: a third for the test, a fifth of
the rest for validation.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wann.tasks.mnist import SIDE, UNIT_DESKEWED, mnist_images
from wann.utils.arrays import FloatArray, IntArray
from wann.utils.reading import LARGEST_ARRAYS, in_file, load_arrays, read_bytes, shown
from wann.utils.seeding import Purpose, stream
from wann.utils.words import counted

_VALIDATION_IMAGES = 10_000  # the last ones of MNIST's training images
_DIGITS = tuple(str(digit) for digit in range(10))
_LEVELS = 255.0  # grey levels of a pixel
_WHITE = (1.0, 16.0, _LEVELS)  # what white is in images of one kind or another


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One part of a data set. N samples, I inputs."""

    values: NDArray[Any]  # (N, I), in a type that holds them closely
    labels: IntArray  # (N,) positions in the data set's classes
    unit: float = 1.0  # which of `values` counts as 1
    targets: FloatArray | None = None  # (N, A) numbers that the outputs should be, instead of classes

    def inputs(self, rows: IntArray | slice = slice(None)) -> FloatArray:
        """Network inputs (n, I) of some samples."""
        result: FloatArray = self.values[rows].astype(np.float64) / self.unit
        return result


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """Labelled samples in three parts."""

    inputs: tuple[str, ...]  # names
    classes: tuple[str, ...]  # names, in the order of the labels
    train: Samples
    validation: Samples
    test: Samples
    shape: tuple[int, int] | None = None  # rows and columns, where the inputs are the pixels of an image
    digest: str | None = None  # SHA-256 of a user's own file


class Named(NamedTuple):
    """What is known of a named data set without loading it."""

    summary: str
    shape: tuple[int, int]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return pixel_names(self.shape)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return _DIGITS


NAMED: Mapping[str, Named] = {
    "digits": Named("1,797 handwritten digits of 8 x 8 pixels, part of scikit-learn", (8, 8)),
    "mnist": Named("70,000 handwritten digits, 16 x 16 pixels, deskewed, as in the paper", (SIDE, SIDE)),
    "mnist28": Named("70,000 handwritten digits, 28 x 28 pixels as they are", (28, 28)),
}
"""The data sets that have a name."""


def pixel_names(shape: tuple[int, int]) -> tuple[str, ...]:
    """Names of an image's pixels, row by row."""
    return tuple(f"row {row} column {column}" for row in range(shape[0]) for column in range(shape[1]))


def image_shape(names: Sequence[str]) -> tuple[int, int] | None:
    """Rows and columns of the image whose pixels these names are; None where they are not `pixel_names`."""
    last = re.fullmatch("row ([0-9]{1,5}) column ([0-9]{1,5})", names[-1]) if names else None
    shape = (int(last[1]) + 1, int(last[2]) + 1) if last else (0, 0)
    return shape if shape[0] * shape[1] == len(names) > 0 and tuple(names) == pixel_names(shape) else None


def load_named(name: str) -> DataSet:
    """A data set of `NAMED`.

    MNIST is read from the folder that the environment variable WANN_DATA names; without one from the local
    cache, and where that does not hold it, it is downloaded into the cache.

    Raises:
        ValueError: a file is missing or damaged, there is no network, or an extra is not installed.
    """
    if name == "digits":
        return _digits()
    images, labels = mnist_images(deskewed=name == "mnist")
    unit = UNIT_DESKEWED if name == "mnist" else _LEVELS
    first = len(images) - len(images) // 7 - _VALIDATION_IMAGES
    ends = (0, first, first + _VALIDATION_IMAGES, len(images))
    train, validation, test = (
        Samples(images[low:high], labels[low:high], unit) for low, high in pairwise(ends)
    )
    return DataSet(NAMED[name].inputs, _DIGITS, train, validation, test, NAMED[name].shape)


def _digits() -> DataSet:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ValueError("digits are part of scikit-learn: pip install 'wann[data]'") from None
    values, labels = load_digits(return_X_y=True)
    values, labels = values.astype(np.uint8), labels.astype(np.int64)
    train, validation, test = (Samples(values[rows], labels[rows], 16.0) for rows in _deal(labels, _DIGITS))
    return DataSet(NAMED["digits"].inputs, _DIGITS, train, validation, test, NAMED["digits"].shape)


def _deal(labels: IntArray, classes: Sequence[str]) -> tuple[IntArray, IntArray, IntArray]:
    """Rows for training, validation and test, each class dealt out by itself; always the same ones."""
    parts: tuple[list[IntArray], ...] = ([], [], [])
    for label, name in enumerate(classes):
        rows = np.flatnonzero(labels == label)
        if rows.size < 3:
            raise ValueError(
                f"class {shown(name)} has {counted(rows.size, 'row')}: each class needs at least 3, "
                "for training, validation and test"
            )
        rows = stream(0, Purpose.SPLIT, label).permutation(rows)
        test = max(1, round(rows.size / 3))
        validation = max(1, round((rows.size - test) / 5))
        for part, chosen in zip(
            parts, (rows[test + validation :], rows[test : test + validation], rows[:test]), strict=True
        ):
            part.append(chosen)
    train, validating, testing = (np.sort(np.concatenate(part)) for part in parts)
    return train, validating, testing


# A user's own table


def is_table(name: str) -> bool:
    """Whether a task's name stands for a user's own table: `csv:FILE`, or `FILE.npz`."""
    return name.startswith("csv:") or name.endswith(".npz")


def table_name(name: str) -> str:
    """The same table's name wherever it is asked for: with the whole path of its file."""
    prefix = "csv:" * name.startswith("csv:")
    return prefix + os.path.abspath(name.removeprefix("csv:"))


def load_table(name: str, label: str | None = None, digest: str | None = None) -> DataSet:
    """A user's own table.

    Columns of a table are moved and scaled to mean 0 and standard deviation 1 over the training part. Pixels
    are divided by 1, 16 or 255, the least that holds those of the training part, or else by their largest.

    Args:
        name: `csv:FILE`, a file whose first line names the columns; or `FILE.npz` with the arrays `x` (rows,
            features) or (images, height, width) and `y` (rows,), or with `x_train`, `y_train`, `x_test` and
            `y_test`, in small or capital letters.
        label: the column with the classes, of a CSV file.
        digest: SHA-256 that the file must have; by default any. Nothing of another file is told.

    Raises:
        ValueError: the file cannot be read, is another one, or is no table of numbers with at least two
            classes.
    """
    path = Path(name.removeprefix("csv:"))
    content = read_bytes(path, largest=LARGEST_ARRAYS)
    found = sha256(content).hexdigest()
    if digest not in (None, found):
        raise ValueError(f"{name} is not the file that it was when the search began: its SHA-256 differs")
    with in_file(path):
        if path.suffix != ".npz":
            names, values, words = _read_csv(content, label)
            return _table(names, [values], [words], found)
        if label is not None:
            raise ValueError("--label names a column of a CSV file; here the array y holds the classes")
        values_of, labels_of = _read_npz(content)
        return _table(None, values_of, labels_of, found)


def _read_csv(content: bytes, label: str | None) -> tuple[tuple[str, ...], FloatArray, NDArray[Any]]:
    """Names of the features, their values and the classes as words."""
    try:
        lines = csv.reader(content.decode("utf-8-sig").splitlines())
        header = [name.strip() for name in next((row for row in lines if row), [])]
        rows = [(lines.line_num, row) for row in lines if row]
    except UnicodeDecodeError:
        raise ValueError("is not text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"is not a CSV file ({error})") from None
    if not rows:
        raise ValueError("holds no rows below a line with the names of the columns")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise ValueError(f"has two columns named {shown(doubled[0])}")
    if label is None:
        raise ValueError(f"name the column with the classes: --label {shown(header[-1])}, or another")
    if label not in header:
        raise ValueError(f"has no column {shown(label)} for --label; choose from {', '.join(header)}")
    at = header.index(label)
    features = header[:at] + header[at + 1 :]
    for line, row in rows:
        if len(row) != len(header):
            raise ValueError(f"line {line} has {len(row)} values for {len(header)} columns")
    values = np.empty((len(rows), len(features)))
    words = []
    for place, (line, row) in enumerate(rows):
        words.append(row.pop(at).strip())
        for column, word in enumerate(row):
            try:
                values[place, column] = float(word)
            except ValueError:
                what = f"{shown(word)} is not a number" if word.strip() else "a value is missing"
                raise ValueError(f"line {line}, column {shown(features[column])}: {what}") from None
        if not words[-1]:
            raise ValueError(f"line {line}: the class is missing")
    return tuple(features), values, np.array(words)


def _read_npz(content: bytes) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Values and labels: of all rows, or of the training and the test part."""
    arrays = {name.lower(): array for name, array in load_arrays(content).items()}
    for names in (("x", "y"), ("x_train", "y_train", "x_test", "y_test")):
        if set(names) <= set(arrays):
            return [arrays[name] for name in names[::2]], [arrays[name] for name in names[1::2]]
    found = ", ".join(sorted(arrays)) or "nothing"
    raise ValueError(f"must hold the arrays x and y, or x_train, y_train, x_test and y_test, not {found}")


def _table(
    names: tuple[str, ...] | None, values: list[NDArray[Any]], labels: list[NDArray[Any]], digest: str
) -> DataSet:
    """Data set of all rows, or of a training and a test part."""
    shape = values[0].shape[1:]
    for part, own in zip(values, labels, strict=True):
        if part.ndim not in (2, 3) or not part.size:
            raise ValueError(
                f"x must have the shape (rows, features) or (images, height, width), not {part.shape}"
            )
        if part.dtype.kind not in "fiub":
            raise ValueError(f"x must hold numbers, not {part.dtype}")
        if part.shape[1:] != shape:
            raise ValueError(
                f"images and rows must be of one size: {_size(part)} in test, {_size(values[0])} in training"
            )
        if own.shape != part.shape[:1]:
            raise ValueError(f"y must hold a class for each of the {len(part)} rows, not {own.shape}")
        _check_finite(part, names)
    if len({own.dtype.kind if own.dtype.kind in "US" else "" for own in labels}) > 1:
        raise ValueError("the classes of the training and the test part must be of one kind")
    labels = _of_one_type(labels)
    found = np.unique(np.concatenate(labels))
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError("y must not hold a class that is not a number")
    classes = sorted((str(name) for name in found.tolist()), key=_number_first)
    if len(classes) < 2:
        raise ValueError(f"has one class only, {shown(classes[0])}: there is nothing to tell apart")
    position = {name: place for place, name in enumerate(classes)}
    places = [np.array([position[str(name)] for name in own.tolist()], np.int64) for own in labels]
    for place in sorted(set(range(len(classes))) - set(places[0].tolist())):
        raise ValueError(f"class {shown(classes[place])} is in the test part but absent from training")
    flat = [part.reshape(len(part), -1) for part in values]
    rows = _deal(places[0], classes)
    if len(values) == 2:  # the third that would be the test part belongs to the training here
        rows = (np.sort(np.concatenate([rows[0], rows[2]])), rows[1], np.arange(len(flat[1])))
    trained, unit = flat[0][rows[0]].astype(np.float64), 1.0
    if len(shape) == 2:
        largest = float(np.abs(trained).max())
        unit = next((level for level in _WHITE if largest <= level), largest)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            middle, spread = trained.mean(axis=0), trained.std(axis=0)
            scale = np.where(spread > 0.0, spread, 1.0)
            flat = [(part - middle) / scale for part in flat]
        if not all(np.isfinite(part).all() for part in (middle, spread, *flat)):
            raise ValueError("x holds numbers too far apart to be scaled: give smaller ones")
    train, validation, test = (
        Samples(flat[which][chosen], places[which][chosen], unit)
        for which, chosen in zip((0, 0, len(flat) - 1), rows, strict=True)
    )
    pixels = (int(shape[0]), int(shape[1])) if len(shape) == 2 else None
    named = names or (pixel_names(pixels) if pixels else tuple(f"x{k}" for k in range(shape[0])))
    return DataSet(named, tuple(classes), train, validation, test, pixels, digest)


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


def _check_finite(values: NDArray[Any], names: tuple[str, ...] | None) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0][:2].tolist()
        where = f"column {shown(names[column])}" if names else f"x[{', '.join(map(str, bad[0]))}]"
        raise ValueError(f"{where} holds a value that is not a finite number, in row {row + 1}")


def _number_first(name: str) -> tuple[int, float, str]:
    """Sorting key: numbers by their value, then words."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
