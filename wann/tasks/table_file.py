"""Tables as they come: text with any separator, packed or not, Parquet, data frames and arrays.

They are read as words and numbers; what their columns mean is said by `wann.tasks.columns`.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import math
import re
import sys
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wann.utils.arrays import BoolArray, FloatArray
from wann.utils.reading import LARGEST_ARRAYS, shown
from wann.utils.words import counted

RawColumn = FloatArray | list[str]
"""Numbers, NaN where one is missing, or words, empty where one is."""

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", "--", "."})
"""Words, in small letters, that say that a value is missing."""

_SEPARATORS = (",", ";", "\t", "|", " ")
_NUMBERS = (int, float, np.number, Decimal)
_SAMPLE = 50  # lines from which the separator is told
_GROUPED = {
    ".": re.compile(r"[+-]?[1-9][0-9]{0,2}([,' \u00a0\u202f])[0-9]{3}(\1[0-9]{3})*(\.[0-9]+)?"),
    ",": re.compile(r"[+-]?[1-9][0-9]{0,2}([.' \u00a0\u202f])[0-9]{3}(\1[0-9]{3})*(,[0-9]+)?"),
}
_TOLD = re.compile('"?sep=(.)"?\r?\n')
_PACKED: Mapping[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


class TableOptions(BaseModel):
    """How a table is to be read; kept with a run as the arguments of its task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str | None = None  # the column with the classes
    target: str | None = None  # the column with the numbers to be predicted
    drop: tuple[str, ...] = ()  # columns to leave out
    columns: tuple[str, ...] = ()  # the only ones to use, where any are named
    separator: str | None = Field(None, min_length=1, max_length=1)  # of values; told where it is not given
    decimal: str | None = Field(None, pattern="^[.,]$")  # the decimal mark; told where it is not given
    encoding: str | None = None  # of the text; told where it is not given
    sha256: str | None = None  # of the file, where it must be the one of before

    @property
    def settled(self) -> bool:
        """Whether all that is found out about a table was found out before."""
        return self.sha256 is not None


def table_options(arguments: Mapping[str, Any]) -> TableOptions:
    """Options from the arguments of a task.

    Raises:
        ValueError: one is not known or not valid, in one line.
    """
    try:
        return TableOptions.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"argument {first['loc'][0]!r} of a table: {first['msg']}") from None


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A table of N rows and C columns as it was found."""

    names: tuple[str, ...]  # (C,)
    columns: tuple[RawColumn, ...]  # (C,) of N values each
    decimal: str = "."  # decimal mark of numbers in words
    notes: tuple[str, ...] = ()  # what was found out about the file, a line each
    separator: str | None = None  # of values, in a file of text

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def column(self, name: str) -> RawColumn:
        """The column of this name."""
        return self.columns[self.names.index(name)]


def read_table(content: bytes, options: TableOptions, as_words: Collection[str] = ()) -> RawTable:
    """Table from the bytes of a file.

    Args:
        content: of the file.
        options: how it is read.
        as_words: columns of text that stay as they are written, even where all of it is numbers.

    Raises:
        ValueError: it is none, or the extra `data` is not installed.
    """
    pandas = _pandas()
    if content[:4] == b"PAR1":
        try:
            frame = pandas.read_parquet(io.BytesIO(content))
        except ImportError:
            raise ValueError("is a Parquet file: pip install 'wann[data]'") from None
        except Exception as error:  # noqa: BLE001 - whatever damaged bytes make a reader raise
            raise ValueError(f"is not a whole Parquet file ({_one_line(error)})") from None
        return table_of(frame)
    text, notes = _decoded(_unpacked(content), options.encoding)
    told = _TOLD.match(text)  # what some spreadsheets write first
    text = text[told.end() :] if told else text
    separator = options.separator or (told[1] if told else _separator_of(text))
    _refuse_uneven_lines(text, separator)
    try:
        frame = pandas.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            skipinitialspace=True,
        )
    except pandas.errors.EmptyDataError:
        raise ValueError("holds no rows below a line with the names of the columns") from None
    except pandas.errors.ParserError as error:
        raise ValueError(f"is not a CSV file ({_one_line(error)})") from None
    cells = frame.to_numpy(dtype=object)
    if len(cells) < 2:
        raise ValueError("holds no rows below a line with the names of the columns")
    names = _names([str(name).strip() for name in cells[0]])
    columns = tuple([*map(str.strip, given)] for given in cells[1:].T.tolist())
    decimal = options.decimal or _decimal_of(columns, separator)
    if separator not in (",", "\t") and options.separator is None:
        notes.append(f"values are separated by {'spaces' if separator == ' ' else repr(separator)}")
    if decimal == "," and options.decimal is None:
        notes.append("the decimal mark is a comma")
    given = (
        words if name in as_words else _numbers_if_all_are(words, decimal)
        for name, words in zip(names, columns, strict=True)
    )
    return RawTable(names, tuple(given), decimal, tuple(notes), separator)


def _numbers_if_all_are(words: list[str], decimal: str) -> RawColumn:
    numbers, _, wrong = read_numbers(words, decimal)
    return words if wrong.any() else numbers


def _refuse_uneven_lines(text: str, separator: str) -> None:
    """Refuse a line with more or fewer values than the first, which pandas would fill up at any cost."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    columns = 0
    try:
        for row in lines:
            columns = columns or len(row)
            if row and len(row) != columns:
                raise ValueError(
                    f"line {lines.line_num} has {len(row)} values for {counted(columns, 'column')}"
                )
    except csv.Error as error:
        raise ValueError(f"is not a CSV file ({_one_line(error)})") from None


def table_of(rows: Any) -> RawTable:
    """Table of rows at hand: a data frame, a mapping of columns, a sequence of mappings.

    Raises:
        ValueError: it is something else.
    """
    if "pandas" in sys.modules and isinstance(rows, sys.modules["pandas"].DataFrame):
        # One after the other, as two columns may have one name.
        names = [str(name) for name in rows.columns]
        columns = [_raw_column(rows.iloc[:, place]) for place in range(len(names))]
        return RawTable(_names(names), tuple(columns))
    if isinstance(rows, Mapping):
        columns = [_raw_column(values) for values in rows.values()]
        if len({len(column) for column in columns}) != 1:
            raise ValueError("the columns of a table must have one length")
        return RawTable(_names([str(name) for name in rows]), tuple(columns))
    if isinstance(rows, Sequence) and rows and all(isinstance(row, Mapping) for row in rows):
        return table_of({name: [row.get(name) for row in rows] for name in rows[0]})
    raise ValueError("rows must be a data frame, a mapping of columns or a list of mappings")


def _raw_column(values: Any) -> RawColumn:
    """Numbers from values that are, and words from others."""
    given = np.asarray(values)
    if given.ndim != 1:
        raise ValueError(f"a column must have the shape (rows,), not {given.shape}")
    if given.dtype.kind in "fiu":
        return given.astype(np.float64)
    times = given.dtype.kind in "mM"  # words, as in a file of text; as numbers they would be nanoseconds
    found = [*values] if times else given.tolist()
    absent = [value is None or str(value) in ("nan", "<NA>", "NaT", "None") for value in found]
    present = [value for value, gone in zip(found, absent, strict=True) if not gone]
    if not times and present and all(map(_is_number, present)):
        filled = [math.nan if gone else float(value) for value, gone in zip(found, absent, strict=True)]
        return np.array(filled, np.float64)
    decoded = (value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in found)
    return ["" if gone else value.strip() for value, gone in zip(decoded, absent, strict=True)]


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool | np.timedelta64)


def _names(names: list[str]) -> tuple[str, ...]:
    """Names of columns; those without one are numbered.

    Raises:
        ValueError: two have one name.
    """
    found = tuple(name or f"column {place + 1}" for place, name in enumerate(names))
    doubled = sorted({name for name in found if found.count(name) > 1})
    if doubled:
        raise ValueError(f"has two columns named {shown(doubled[0])}")
    return found


def read_numbers(words: Sequence[str], decimal: str) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Numbers (N,) from words, where they are missing, and where a word is no number.

    Args:
        words: as they were written; "1,234.5" and "1 234" are numbers too.
        decimal: the decimal mark.
    """
    plain = [word.replace(",", ".") for word in words] if decimal == "," else words
    joined = "".join(words)
    if "_" not in joined and not (decimal == "," and "." in joined):
        try:  # fast, where all is in order
            quick = np.array(plain, np.str_).astype(np.float64)
        except ValueError:
            pass
        else:
            if np.isfinite(quick).all():
                return quick, np.zeros(len(words), np.bool_), np.zeros(len(words), np.bool_)
    numbers = np.full(len(words), np.nan)
    absent, wrong = np.zeros(len(words), np.bool_), np.zeros(len(words), np.bool_)
    for place, word in enumerate(words):
        if word.casefold() in MISSING:
            absent[place] = True
            continue
        try:
            numbers[place] = _number(word, decimal)
        except ValueError:
            wrong[place] = True
    return numbers, absent, wrong


def _number(word: str, decimal: str) -> float:
    grouped = _GROUPED[decimal].fullmatch(word)
    if grouped:
        word = word.replace(grouped[1], "")
    if decimal == ",":
        if "." in word:
            raise ValueError(word)
        word = word.replace(",", ".")
    if "_" in word or not np.isfinite(value := float(word)):
        raise ValueError(word)
    return value


def _decimal_of(columns: Sequence[list[str]], separator: str) -> str:
    """The decimal mark with which more columns are numbers."""
    if separator == ",":
        return "."
    comma, point = ([not read_numbers(given, mark)[2].any() for given in columns] for mark in ",.")
    if sum(comma) != sum(point):
        return "," if sum(comma) > sum(point) else "."
    # Such as 1,234 in all rows. Semicolons separate where a comma is the decimal mark.
    numbers = [given for given, both in zip(columns, comma, strict=True) if both]
    commas, points = (any(mark in word for given in numbers for word in given) for mark in ",.")
    return "," if separator == ";" and commas and not points else "."


def _unpacked(content: bytes) -> bytes:
    """The file that a packed one holds."""
    opener = next((opener for start, opener in _PACKED.items() if content.startswith(start)), None)
    try:
        if opener:
            with opener(io.BytesIO(content)) as file:
                found: bytes = file.read(LARGEST_ARRAYS + 1)
        elif content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
                if "[Content_Types].xml" in names:
                    raise ValueError("is a workbook of a spreadsheet: save its sheet as CSV")
                if len(names) != 1:
                    raise ValueError(f"is an archive of {len(names)} files: give one table")
                with archive.open(names[0]) as member:
                    found = member.read(LARGEST_ARRAYS + 1)
        else:
            return content
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise ValueError(f"is packed and damaged ({_one_line(error)})") from None
    if len(found) > LARGEST_ARRAYS:
        raise ValueError(f"is larger than {LARGEST_ARRAYS} bytes when it is unpacked")
    return found


def _decoded(content: bytes, encoding: str | None) -> tuple[str, list[str]]:
    """Text of a file, and what is to be told of its encoding."""
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding is not None:
        try:
            return content.decode(encoding), []
        except (UnicodeDecodeError, LookupError):
            raise ValueError(f"is not text in the encoding {shown(encoding)}") from None
    try:
        return content.decode(marked), []
    except UnicodeDecodeError:
        pass
    try:
        if b"\x00" in content:
            raise ValueError
        # What spreadsheets on Windows write in western Europe.
        return content.decode("cp1252"), [
            "its text is not UTF-8: read as Windows-1252; or name the --encoding"
        ]
    except ValueError:
        raise ValueError("is not text in UTF-8 or Windows-1252: name its --encoding") from None


def _separator_of(text: str) -> str:
    """The separator that splits the first lines into most columns, as many in each."""
    lines = [line for _, line in zip(range(_SAMPLE), filter(str.strip, io.StringIO(text)), strict=False)]
    best, most = ",", 1
    for separator in _SEPARATORS:
        try:
            rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
            counts = {len(row) for row in rows if row}
        except csv.Error:
            continue
        if len(counts) == 1 and (found := counts.pop()) > most:
            best, most = separator, found
    return best


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise ValueError("tables are read by pandas: pip install 'wann[data]'") from None
    return pandas
