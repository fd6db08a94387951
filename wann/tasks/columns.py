"""What is done to the columns of a table before a network sees them; plain JSON in a champion's file.

A row of a table is C numbers, its codes: a number is itself, a word its position among the words of its
column, -1 where it is not one of them, and NaN stands for a missing value. The network's I inputs follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wann.tasks.table_file import MISSING, RawColumn, RawTable, read_numbers, table_of
from wann.utils.arrays import BoolArray, FloatArray, IntArray
from wann.utils.nearest import nearest
from wann.utils.reading import shown
from wann.utils.seeding import Purpose, stream
from wann.utils.words import counted

MOST_WORDS = 50
"""Largest number of different words in a column."""

_INFINITE = ("inf", "infinity")

UNKNOWN = -1.0
"""Code of a word that is not one of its column."""


class Term(NamedTuple):
    """How an input is made of the code of a column, before it is moved and scaled."""

    name: str  # of the input
    column: int  # position
    kind: Literal["number", "word", "missing"]  # the code; 1 where it equals `value`; 1 where it is missing
    value: float = 0.0  # of a number, what stands in for a missing one; of a word, its code


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Column(_Plain):
    """A column of a table: numbers, or words."""

    name: str
    words: tuple[str, ...] | None = None  # of the training rows, ascending; None for a column of numbers
    fill: float = 0.0  # stands in for a missing number: the mean of the training rows
    missing: bool = False  # whether an input says where the value is missing


class Target(_Plain):
    """The column of numbers that a network predicts; its outputs are these, moved and scaled."""

    name: str
    mean: float
    scale: float = Field(gt=0.0)


class Columns(_Plain):
    """The columns of a table, and what is done to them. C columns, I inputs."""

    columns: tuple[Column, ...] = Field(min_length=1)
    mean: tuple[float, ...]  # (I,) of the training rows, taken off each input
    scale: tuple[float, ...]  # (I,) their standard deviation, which each input is divided by then
    target: Target | None = None  # where numbers are predicted

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not len(self.mean) == len(self.scale) == len(self.terms):
            raise ValueError(f"'mean' and 'scale' must have {len(self.terms)} numbers, one for each input")
        if min(self.scale, default=1.0) <= 0.0:
            raise ValueError("'scale' must hold numbers above 0")
        return self

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """How each of the I inputs is made."""
        return terms_of(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(term.name for term in self.terms)

    def inputs(self, codes: FloatArray) -> FloatArray:
        """Network inputs (N, I) of codes (N, C)."""
        result: FloatArray = (plain_inputs(self.columns, codes) - np.array(self.mean)) / np.array(self.scale)
        return result

    def answers(self, outputs: FloatArray) -> FloatArray:
        """The target's numbers from outputs of the network."""
        assert self.target is not None, "there are classes, not numbers"  # noqa: S101
        return outputs * self.target.scale + self.target.mean

    def codes(self, table: RawTable) -> FloatArray:
        """Codes (N, C) of rows of another table, which has these columns, in any order, and any others.

        Raises:
            ValueError: a column is not there, or holds something else than before.
        """
        positions = {name: place for place, name in enumerate(table.names)}
        result = np.empty((table.size, len(self.columns)))
        for place, column in enumerate(self.columns):
            if column.name not in positions:
                raise ValueError(f"has no column {shown(column.name)}; {nearest(column.name, table.names)}")
            result[:, place] = encode(column, table.columns[positions[column.name]], table.decimal)
        return result

    def codes_of(self, rows: Any) -> FloatArray:
        """Codes (N, C) of rows at hand: an array of the columns in their order, or what `table_of` takes.

        Raises:
            ValueError: as `codes` and `table_of`, or an array has another shape.
        """
        if isinstance(rows, RawTable):
            return self.codes(rows)
        if isinstance(rows, np.ndarray) or (
            isinstance(rows, Sequence) and not all(isinstance(r, Mapping) for r in rows)
        ):
            given = np.asarray(rows)
            flat = given.reshape(len(given), -1) if given.ndim > 1 else given
            if flat.shape[1:] != (len(self.columns),):
                raise ValueError(f"rows must have the shape (rows, {len(self.columns)}), not {given.shape}")
            if flat.dtype.kind == "b" and all(column.words is None for column in self.columns):
                flat = flat.astype(np.float64)  # as in training; of a text they are the words True and False
            rows = dict(zip(self.names, flat.T, strict=True))
        return self.codes(table_of(rows))

    def to_dict(self) -> dict[str, Any]:
        """The columns as plain lists, words and numbers; what has its default is left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def example_codes(self, rows: int) -> FloatArray:
        """Made-up codes (N, C), as those of training: a number here and there is missing, as is a word."""
        random = stream(0, Purpose.SPLIT, 0)
        codes = np.empty((rows, len(self.columns)))
        for place, column in enumerate(self.columns):
            own = [k for k, term in enumerate(self.terms) if term.column == place]
            if column.words is None:
                codes[:, place] = random.normal(self.mean[own[0]], self.scale[own[0]], rows)
            else:
                codes[:, place] = random.integers(-1, len(column.words), rows)
            if column.missing:
                codes[random.random(rows) < 0.1, place] = np.nan
        return codes

    def strangers(self, table: RawTable) -> list[str]:
        """What is new in the rows of another table, which has these columns: a line for each column."""
        codes, found = self.codes(table), []
        for column, given in zip(self.columns, codes.T, strict=True):
            new, absent = np.flatnonzero(given == UNKNOWN), int(np.isnan(given).sum())
            if column.words is not None and new.size:
                word = table.column(column.name)[new[0]]
                rows = f"{counted(new.size, 'row')} of column {shown(column.name)}"
                found.append(
                    f"{rows} hold words that the training did not, such as {shown(word)}: "
                    "all its inputs are 0"
                )
            if absent and not column.missing:
                rows = f"{counted(absent, 'value')} of column {shown(column.name)}"
                instead = f"{column.fill:.6g} stands in" if column.words is None else "all its inputs are 0"
                found.append(f"{rows} missing, as none was in training: {instead}")
        return found


def terms_of(columns: Sequence[Column]) -> tuple[Term, ...]:
    """How each input is made. Of a column of two words one input is enough: that of the second."""
    terms = []
    for place, column in enumerate(columns):
        if column.words is None:
            terms.append(Term(column.name, place, "number", column.fill))
        else:
            first = int(len(column.words) == 2)
            terms += [
                Term(f"{column.name} = {word}", place, "word", float(code))
                for code, word in enumerate(column.words)
                if code >= first
            ]
        if column.missing:
            terms.append(Term(f"{column.name} missing", place, "missing"))
    return tuple(terms)


def plain_inputs(columns: Sequence[Column], codes: FloatArray) -> FloatArray:
    """Inputs (N, I) of codes (N, C), not moved and scaled yet."""
    terms = terms_of(columns)
    result = np.empty((len(codes), len(terms)))
    for place, term in enumerate(terms):
        given = codes[:, term.column]
        if term.kind == "number":
            result[:, place] = np.where(np.isnan(given), term.value, given)
        else:
            result[:, place] = given == term.value if term.kind == "word" else np.isnan(given)
    return result


def fit_columns(columns: Sequence[Column], codes: FloatArray) -> Columns:
    """The columns with the mean and standard deviation of their inputs over training rows (N, C).

    Raises:
        ValueError: the numbers of a column are too far apart to be scaled.
    """
    trained = plain_inputs(columns, codes)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = trained.mean(axis=0), trained.std(axis=0)
    bad = np.flatnonzero(~(np.isfinite(mean) & np.isfinite(spread)))
    if bad.size:
        name = terms_of(columns)[bad[0]].name
        raise ValueError(f"column {shown(name)} holds numbers too far apart to be scaled: give smaller ones")
    scale = np.where(spread > 0.0, spread, 1.0)
    return Columns(columns=tuple(columns), mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))


def understand(name: str, given: RawColumn, training: IntArray, decimal: str) -> Column:
    """What a column holds: numbers where all values but the missing ones are, else words.

    Args:
        name: of the column.
        given: its values.
        training: rows that its words and the mean of its numbers are taken of.
        decimal: the decimal mark.

    Raises:
        ValueError: it holds an infinite number, both numbers and words, or too many different words.
    """
    numbers, absent, wrong = values_of(given, decimal)
    missing = bool(absent[training].any())
    if not wrong.any():
        present = numbers[training][~absent[training]]
        with np.errstate(over="ignore"):
            fill = float(present.mean()) if present.size else 0.0
        return Column(name=name, fill=fill if np.isfinite(fill) else 0.0, missing=missing)
    if not isinstance(given, list):
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"column {shown(name)} holds a value that is not a finite number, in row {row + 1}")
    words = _words(given)
    infinite = [
        row for row in np.flatnonzero(wrong).tolist() if words[row].casefold().lstrip("+-") in _INFINITE
    ]
    if infinite:
        raise ValueError(
            f"column {shown(name)}, row {infinite[0] + 1}: {shown(given[infinite[0]])} is not a finite number"
        )
    distinct = sorted(set(words) - {""})
    least = 5 if not wrong[~absent].all() else 2  # rows for each word
    if len(distinct) > MOST_WORDS or (len(distinct) * least > (~absent).sum() and len(distinct) > 2):
        first = int(np.flatnonzero(wrong)[0])
        if least == 5:
            raise ValueError(
                f"column {shown(name)}, row {first + 1}: {shown(given[first])} is not a number; mend it, or "
                f"leave the column out: --drop {shown(name)}"
            )
        raise ValueError(
            f"column {shown(name)} holds {len(distinct)} different words in {int((~absent).sum())} rows, "
            f"too many for an input each: leave it out: --drop {shown(name)}"
        )
    kept = {words[row] for row in training.tolist()} - {""}
    return Column(name=name, words=tuple(sorted(kept)), missing=missing)


def encode(column: Column, given: RawColumn, decimal: str) -> FloatArray:
    """Codes (N,) of the values of a column.

    Raises:
        ValueError: it is a column of numbers, and a value is none.
    """
    numbers, absent, wrong = values_of(given, decimal)
    if column.words is None:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"column {shown(column.name)}, row {row + 1}: {shown(given[row])} is not a finite number"
            )
        return np.where(absent, np.nan, numbers)
    code = {word: float(place) for place, word in enumerate(column.words)}
    small = {word.casefold(): code[word] for word in reversed(column.words)}
    words = _words(given if isinstance(given, list) else number_words(given))
    found = np.array([code.get(word, small.get(word.casefold(), UNKNOWN)) for word in words], np.float64)
    return np.where(np.array([word == "" for word in words], np.bool_), np.nan, found)


def _words(given: Sequence[str]) -> list[str]:
    """Values as words: the empty one where a value is missing."""
    return ["" if word.casefold() in MISSING else word for word in map(str.strip, given)]


def number_words(given: FloatArray) -> list[str]:
    """Numbers as words, whole ones without a point; the empty word where one is missing."""
    return ["" if np.isnan(x) else str(int(x)) if x.is_integer() else repr(x) for x in given.tolist()]


def values_of(given: RawColumn, decimal: str) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Numbers (N,) of a column, where they are missing, and where there is something else."""
    if isinstance(given, list):
        return read_numbers(given, decimal)
    numbers = np.asarray(given, np.float64)
    return numbers, np.isnan(numbers), np.isinf(numbers)


def columns_from_dict(data: Mapping[str, Any] | None, inputs: int) -> Columns | None:
    """Columns of a network with so many inputs, from their plain JSON; champions of before have none.

    Raises:
        ValueError: it is something else, in one line.
    """
    if data is None:
        return None
    try:
        columns = Columns.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"'columns'{f' at {place}' if place else ''}: {first['msg']}") from None
    if len(columns.terms) != inputs:
        raise ValueError(f"'columns' give {len(columns.terms)} inputs, but the network has {inputs}")
    return columns
