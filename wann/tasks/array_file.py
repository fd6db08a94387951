"""Arrays of features and answers as libraries save them in `.npz` files, in one to three parts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wann.utils.reading import load_arrays, shown

_PARTS = {
    "": ("", "_train", "_training", "train_"),
    "validation": ("_val", "_valid", "_validation", "val_", "valid_", "validation_"),
    "test": ("_test", "test_"),
}
_FEATURES, _ANSWERS = ("x", "images", "data", "features"), ("y", "labels", "label", "target", "targets")


class ArrayPart(NamedTuple):
    """Samples of one part, N of them."""

    x: NDArray[Any]  # (N, I) or (N, height, width)
    y: NDArray[Any]  # (N,)


def read_arrays(content: bytes) -> dict[str, ArrayPart]:
    """The parts of a file by name: "" for training, and "validation" and "test" where there are any.

    Known are `x` and `y`, `images` and `labels`, `data` and `target`, each also with `train`, `val` and
    `test` before or behind. Answers may be columns (N, 1), one-hot rows (N, A) or bytes; images (N, H, W, 1).

    Raises:
        ValueError: it is no such file, or holds other arrays.
    """
    arrays = _load(content)
    found = {part: _pair(arrays, forms) for part, forms in _PARTS.items()}
    if found[""] is None:
        held = ", ".join(map(shown, sorted(arrays))) or "nothing"
        raise ValueError(f"must hold the arrays x and y, or x_train, y_train, x_test and y_test, not {held}")
    parts = {}
    for part, names in found.items():
        if names is not None:
            x, y = (arrays[name] for name in names)
            parts[part] = ArrayPart(_features(x, names[0]), _answers(y, names[1]))
    return parts


def read_features(content: bytes) -> NDArray[Any]:
    """The features alone, of rows without answers: (N, I) or (N, height, width).

    Raises:
        ValueError: it is no such file, or holds other arrays.
    """
    arrays = _load(content)
    names = [name for form in ("", "_test", "test_") for name in _named(_FEATURES, form) if name in arrays]
    if not names and len(arrays) == 1:
        names = [*arrays]
    if not names:
        raise ValueError(f"must hold the array x, not {', '.join(sorted(arrays)) or 'nothing'}")
    return _features(arrays[names[0]], names[0])


def _load(content: bytes) -> dict[str, NDArray[Any]]:
    return {name.lower(): array for name, array in load_arrays(content).items()}


def _pair(arrays: dict[str, NDArray[Any]], forms: tuple[str, ...]) -> tuple[str, str] | None:
    """Names of the features and answers of a part; None where the file has none.

    Raises:
        ValueError: there are features without answers.
    """
    for form in forms:
        for one, many in zip(_named(_FEATURES, form), [_named(_ANSWERS, form)] * len(_FEATURES), strict=True):
            if one in arrays:
                other = next((name for name in many if name in arrays), None)
                if other is None and form:
                    raise ValueError(f"holds {one} but no {many[0]}")
                if other is not None:
                    return one, other
    return None


def _named(words: tuple[str, ...], form: str) -> list[str]:
    return [f"{form}{word}" if form.endswith("_") else f"{word}{form}" for word in words]


def _features(x: NDArray[Any], name: str) -> NDArray[Any]:
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    if x.ndim == 4 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim == 4:
        raise ValueError(
            f"{name} must hold grey images, (images, height, width), not {x.shape}: save {name}.mean(axis=3)"
        )
    if x.ndim not in (2, 3) or not x.size:
        raise ValueError(
            f"{name} must have the shape (rows, features) or (images, height, width), not {x.shape}"
        )
    if x.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold numbers, not {x.dtype}")
    return x


def _answers(y: NDArray[Any], name: str) -> NDArray[Any]:
    """One answer for each row."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if (
        y.ndim == 2
        and y.dtype.kind in "fiub"
        and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())
    ):
        y = y.argmax(axis=1)
    if y.dtype.kind == "S":
        try:
            y = np.char.decode(y, "utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"{name} holds bytes that are not text in UTF-8") from None
    if y.dtype.kind not in "fiubU":
        raise ValueError(f"{name} must hold words or numbers, not {y.dtype}")
    return y
