"""Data sets: named ones and what all are made of, three parts that never mix.

Networks are scored on the training part, champions are chosen on the validation part, and the test part is
for the last word. Where a set comes without parts, each class is dealt out: a third for the test, a fifth of
the rest for validation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wann.tasks.columns import Columns
from wann.tasks.mnist import SIDE, UNIT_DESKEWED, mnist_images
from wann.utils.arrays import FloatArray, IntArray
from wann.utils.reading import shown
from wann.utils.seeding import Purpose, stream
from wann.utils.words import counted

_VALIDATION_IMAGES = 10_000  # the last ones of MNIST's training images
_DIGITS = tuple(str(digit) for digit in range(10))
_LEVELS = 255.0  # grey levels of a pixel


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One part of a data set. N samples, I inputs."""

    values: NDArray[Any]  # (N, I), in a type that holds them closely
    labels: IntArray  # (N,) positions in the data set's classes
    unit: float = 1.0  # which of `values` counts as 1
    targets: FloatArray | None = None  # (N, A) numbers that the outputs should be, instead of classes
    importance: FloatArray | None = None  # (N,) how much each sample counts; None where all count alike
    codes: NDArray[Any] | None = None  # (N, C) what a table's columns hold, from which the values were made

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
    columns: Columns | None = None  # what was done to the columns of a user's own table
    settled: Mapping[str, Any] = field(
        default_factory=dict
    )  # options that were found out, to be kept with a run
    notes: tuple[str, ...] = ()  # what a user should know of how the file was read, a line each


class Named(NamedTuple):
    """What is known of a named data set without loading it."""

    summary: str
    shape: tuple[int, int]
    white: float  # which of the pixels counts as 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return pixel_names(self.shape)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return _DIGITS


NAMED: Mapping[str, Named] = {
    "digits": Named("1,797 handwritten digits of 8 x 8 pixels, part of scikit-learn", (8, 8), 16.0),
    "mnist": Named(
        "70,000 handwritten digits, 16 x 16 pixels, deskewed, as in the paper", (SIDE, SIDE), UNIT_DESKEWED
    ),
    "mnist28": Named("70,000 handwritten digits, 28 x 28 pixels as they are", (28, 28), _LEVELS),
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
    unit = NAMED[name].white
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
    train, validation, test = (
        Samples(values[rows], labels[rows], NAMED["digits"].white) for rows in deal(labels, _DIGITS)
    )
    return DataSet(NAMED["digits"].inputs, _DIGITS, train, validation, test, NAMED["digits"].shape)


def deal(labels: IntArray, classes: Sequence[str]) -> tuple[IntArray, IntArray, IntArray]:
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
