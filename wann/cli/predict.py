"""The command `wann predict`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from wann.cli.options import (
    data_option,
    echo,
    examples,
    print_note,
    reading_options,
    refuse_data_folder,
    refuse_own,
    weight_or,
)
from wann.utils.nearest import nearest
from wann.utils.words import counted

if TYPE_CHECKING:
    from wann.champion import Weight
    from wann.tasks.columns import Columns
    from wann.tasks.prediction import Prediction
    from wann.tasks.table_file import RawTable


@click.command(
    epilog=examples(
        "wann predict runs/flowers new.csv",
        "wann predict runs/flowers new.csv --weight ensemble --out answers.csv",
    )
)
@click.argument("champion_path", metavar="CHAMPION", type=click.Path(path_type=Path))
@click.argument("rows_path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--weight",
    callback=weight_or("tuned", "ensemble"),
    metavar="W|tuned|ensemble",
    show_default="the best one; of an estimator's file, its ensemble",
    help="Shared weight; tuned for the individual ones; ensemble for the mean over several.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="standard output",
    help="File to write, as CSV.",
)
@click.option(
    "--answers",
    metavar="COLUMN",
    show_default="the column that is predicted",
    help="Column of FILE with the right answers, to be compared.",
)
@reading_options
@data_option
def predict(
    champion_path: Path,
    rows_path: Path,
    weight: Weight | Literal["ensemble"] | None,
    out: Path | None,
    answers: str | None,
    reading: dict[str, Any],
) -> None:
    """Predict the classes or numbers of new rows.

    CHAMPION is a run folder or a champion file of a table of your own, or the file of a fitted estimator.
    FILE is a table with the same columns, in any order, as CSV, Parquet or .npz. What was done to the columns
    before the search is done again. The answers are written as CSV: the class of each row and the probability
    of each class, or the number. If FILE has the column that is predicted, the command also tells how many
    answers are right.

    The file of an estimator gives the answers of the estimator, the mean over its own weights. --weight
    ensemble is the mean over the weights -2, -1, -0.5, 0.5, 1 and 2, or, for numbers, 0.1, 0.3, 0.5, 0.7, 0.9
    and 1.1.
    """
    from wann.champion import load_champion
    from wann.settings import NUMBER_WEIGHTS, PAPER_WEIGHTS
    from wann.utils.files import atomic_path

    champion, rows_path = load_champion(champion_path), Path(str(rows_path).removeprefix("csv:"))
    refuse_data_folder(champion.task)
    columns = champion.table_columns
    if out is not None:
        refuse_own(out)
        if out.resolve() == rows_path.resolve():
            raise ValueError(f"{out} is the table itself: choose another --out")
    name = answers or champion.env_kwargs.get("target") or champion.env_kwargs.get("label")
    words = {column.name for column in columns.columns if column.words is not None} | {str(name)}
    table = _read(rows_path, columns, reading, champion.env_kwargs, words)
    if answers is not None and answers not in table.names:
        raise ValueError(
            f"{rows_path} has no column {answers!r} for --answers; {nearest(answers, table.names)}"
        )
    chosen: Any = weight
    if weight == "ensemble":
        chosen = PAPER_WEIGHTS if columns.target is None else NUMBER_WEIGHTS
    elif weight is None:
        chosen = _estimator_weights(champion_path)
    try:
        found, strangers = champion.predict(table, chosen), columns.strangers(table)
    except ValueError as error:
        raise ValueError(f"{rows_path}: {error}") from None
    for text in (*table.notes, *strangers, *_compared(name, table, found)):
        print_note(text)
    text = _as_csv(found, columns.target.name if columns.target else None)
    if out is None:
        echo(text, nl=False)
        return
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    echo(f"Wrote {out}: {counted(len(found.answers), 'row', ',')}")


def _estimator_weights(path: Path) -> list[float] | None:
    """Weights over which a fitted estimator takes the mean; None where the file is a champion's.

    Raises:
        ValueError: they are not valid, or it counts votes instead.
    """
    from wann.champion import ESTIMATOR
    from wann.utils.reading import Numbers, Schema, checked, in_file, load_json, read_text

    class Parameters(Schema):
        ensemble: str = "mean"

    class Estimator(Schema):
        format: str
        weights: Numbers | None = None
        parameters: Parameters = Parameters()

    if path.is_dir():
        return None
    with in_file(path, "model"):
        data = load_json(read_text(path, "model"), finite=True)
        if data.get("format") != ESTIMATOR:
            return None
        found = checked(Estimator, data)
        if found.parameters.ensemble == "vote":
            raise ValueError(
                "its ensemble counts votes, which this command does not: give --weight W, or ensemble"
            )
        return found.weights


def _read(
    path: Path, columns: Columns, reading: dict[str, Any], before: Mapping[str, Any], words: set[str]
) -> RawTable:
    """Rows of a file; these columns as they are written.

    Args:
        path: the file.
        columns: those of the training.
        reading: options of the command.
        before: arguments with which the table of the training was read. Its decimal mark is kept where values
            are separated as they were, as a few rows of 1.234 do not tell it.
        words: names of columns that stay as they are written.

    Raises:
        ValueError: it cannot be read, in one line.
    """
    from wann.tasks.array_file import read_features
    from wann.tasks.table_file import RawTable, read_table, table_options
    from wann.utils.reading import LARGEST_ARRAYS, in_file, read_bytes

    content = read_bytes(path, largest=LARGEST_ARRAYS)
    with in_file(path):
        if path.suffix != ".npz":
            table = read_table(content, table_options(reading), words)
            mark, as_before = before.get("decimal"), before.get("separator") in (None, table.separator)
            if mark in (None, table.decimal) or "decimal" in reading or not as_before or not table.separator:
                return table
            return read_table(content, table_options({**reading, "decimal": mark}), words)
        x, names = read_features(content), columns.names
        flat = x.reshape(len(x), -1)
        if flat.shape[1] != len(names):
            raise ValueError(f"holds rows of {flat.shape[1]} numbers, not {len(names)}")
        return RawTable(names, tuple(flat.astype(float).T))


def _as_csv(found: Prediction, name: str | None) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if found.probabilities is None:
        writer.writerow([f"predicted {name}"])
        writer.writerows([answer] for answer in found.answers.tolist())
    else:
        writer.writerow(["predicted class", *(f"probability of {each}" for each in found.classes)])
        for answer, row in zip(found.answers.tolist(), found.probabilities.tolist(), strict=True):
            writer.writerow([answer, *(f"{share:.6g}" for share in row)])
    return text.getvalue()


def _compared(name: Any, table: RawTable, found: Prediction) -> list[str]:
    """How good the answers are, where the table has the right ones."""
    from wann.tasks.columns import values_of
    from wann.tasks.tables import label_words

    if name not in table.names:
        return []
    given = table.column(name)
    if found.probabilities is not None:
        words = label_words(given)
        known = words != ""
        if not known.any():
            return []
        share, count = (words == found.answers)[known].mean(), int(known.sum())
        return [f"column {name!r} holds the classes: {share:.1%} of {count} answers are right"]
    numbers, absent, wrong = values_of(given, table.decimal)
    known = ~(absent | wrong)
    if known.sum() < 2:
        return []
    missed = ((numbers - found.answers)[known] ** 2).mean()
    share = 1.0 - missed / max(numbers[known].var(), 1e-300)
    return [
        f"column {name!r} holds the numbers: R² is {share:.3f}, the root mean square error {missed**0.5:.6g}"
    ]
