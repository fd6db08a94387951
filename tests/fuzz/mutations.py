"""Damage to files: of bytes, of a JSON tree, of lines of text, of the arrays of an .npz file.

Every function takes the content of a good file and a generator, and gives the content of a damaged one.
"""

import copy
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

import numpy as np

Mutation = Callable[[bytes, Random], bytes]

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30,
    10**400, 1e308, -1e308, 5e-324, 0.5, -0.0, 1e-9, float("nan"), float("inf"), "", "x", "tuned", "nan",
    "\x1b[31mred", "two\nlines", "[/b]", "[red]", "é", "\ud800", "../../etc/passwd", "x" * 5000, "swingup",
    "CartPole-v1", "csv:/nowhere", "os:Name-v0", "1", "<script>alert(1)</script>", [], {}, [[]], [None],
    {"a": 1}, [1, 2, 3], ["x"], [0.5], [[1, 2]], [1e308, 1e308],
)  # fmt: skip
"""What may stand anywhere in a tree, and hardly ever should."""

WORDS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1e308", b"9" * 400, b"9" * 5000, b"-1", b"0",
    b"1.5", b"null", b"true", b'""', b'"\\ud800"', b"[" * 3000, b'{"a":' * 3000, b"[" * 60, b"[", b"]", b"{",
    b"}", b",", b"\n", b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b"#", b"=", b"nan", b"inf",
    b"1_000", b"0x10", b"1979-05-27T07:32:00Z", b"\x1b[2J", b"e" * 200_000, b"a.b.c=1\n", b"a." * 3000,
    b"[[x]]\n", b'"""', b"4294967296", b"2147483647", b"2147483646",
)  # fmt: skip
"""What may be put among bytes."""

SHAPES = ("(1000000000000,)", "(2,)", "(-1,)", "(10000000000, 0)", "(1,)*9", f"({'9' * 50},)", "(300000000,)")
TYPES = ("'<f8'", "'|O'", "'<U1000000'", "'|V8'", "'<M8[ns]'", "[('a', '<f8')]", "'<f8 '", "5")
METHODS = [zipfile.ZIP_STORED] * 4 + [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


class Trap:
    """Runs code where it is unpickled: the exception says so."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('code of a file ran')",)


def of_bytes(content: bytes, rng: Random) -> bytes:
    """A few bytes changed, cut out, doubled or put in."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        size, at = len(data), rng.randrange(len(data) + 1)
        match rng.randrange(9):
            case 0 if size:
                data[rng.randrange(size)] ^= 1 << rng.randrange(8)
            case 1 if size:
                data[rng.randrange(size)] = rng.randrange(256)
            case 2:
                del data[at:]
            case 3:
                del data[at : at + rng.choice((1, 2, 10, 100))]
            case 4:
                data[at:at] = rng.choice(WORDS)
            case 5:
                other = rng.randrange(size + 1)
                data[at:at] = data[other : other + rng.choice((1, 10, 100, 2000))]
            case 6:
                data[at : at + rng.choice((1, 4, 8))] = rng.choice(WORDS)
            case 7 if size >= 8:
                at = rng.randrange(size - 7)
                data[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 2**24, 2**31, 2**32 - 1)))
            case _:
                data[at:at] = rng.randbytes(rng.choice((1, 4, 40)))
    return bytes(data)


# JSON


def of_json(content: bytes, rng: Random) -> bytes:
    """A changed tree, or changed bytes."""
    if rng.random() < 0.35:
        return of_bytes(content, rng)
    return _written(of_tree(json.loads(content), rng), rng)


def of_tree(tree: Any, rng: Random) -> Any:
    """A tree with a few entries changed, removed, added, moved or doubled."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))[1:]
        if not places:
            return rng.choice(VALUES)
        # Half of the time high up, where the names are.
        *above, last = rng.choice([p for p in places if len(p) <= 2] if rng.random() < 0.5 else places)
        branch = _at(tree, above)
        value = branch[last]
        match rng.randrange(8):
            case 0 | 1 | 2:
                branch[last] = copy.deepcopy(rng.choice(VALUES))
            case 3:
                del branch[last]
            case 4 if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
                near = (value + 1, value - 1, -value, 2 * value, float(value), str(value))
                branch[last] = rng.choice((*near, value * 10 ** rng.randrange(20)))
            case 5 if isinstance(value, list) and value:
                value.insert(rng.randrange(len(value) + 1), copy.deepcopy(rng.choice(value)))
            case 6 if isinstance(value, list):
                rng.shuffle(value)
            case 7 if isinstance(branch, dict):
                name = rng.choice(("x", "extra", "format", "version", "race", "generations", "mean"))
                branch[name] = copy.deepcopy(rng.choice(VALUES))
            case _:
                with suppress(KeyError, IndexError, TypeError):  # it may have gone
                    branch[last] = copy.deepcopy(_at(tree, rng.choice(places)))
    return tree


def _places(tree: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from _places(value, (*here, key))


def _at(tree: Any, place: Any) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def _written(tree: Any, rng: Random) -> bytes:
    text = json.dumps(tree, indent=rng.choice((None, 1)))
    if rng.random() < 0.05 and isinstance(tree, dict) and tree:  # a name twice
        name, value = rng.choice(list(tree)), rng.choice(VALUES)
        text = f"{text.rstrip()[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"
    return text.encode()


# text


def of_text(content: bytes, rng: Random) -> bytes:
    """Lines dropped, doubled or put in; words of a line exchanged; or changed bytes."""
    if rng.random() < 0.4:
        return of_bytes(content, rng)
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        match rng.randrange(6):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, rng.choice(lines))
            case 2:
                lines.insert(at, rng.choice(WORDS))
            case how:
                lines[at] = _other_words(lines[at], how, rng)
        lines = lines or [b""]
    return b"\n".join(lines)


def _other_words(line: bytes, how: int, rng: Random) -> bytes:
    mark = b"," if b"," in line else b"="
    words = line.split(mark)
    at = rng.randrange(len(words))
    if how == 3:
        words[at] = rng.choice(WORDS)
    elif how == 4:
        words.insert(at, rng.choice(words))
    else:
        del words[at]
    return mark.join(words)


# arrays


def of_arrays(content: bytes, rng: Random) -> bytes:
    """Arrays of another type, shape or value, headers that lie, pickles, other packing; or changed bytes."""
    if rng.random() < 0.3:
        return of_bytes(content, rng)
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    raw: dict[str, bytes] = {}
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change(arrays, raw, rng)
    members = {name: raw[name] if name in raw else _saved(array) for name, array in arrays.items()}
    if rng.random() < 0.03:
        return next(iter(members.values()))  # an .npy file under another name
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", rng.choice(METHODS)) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
        if rng.random() < 0.03:
            archive.writestr("notes.txt", "no array")
    return _flagged(packed.getvalue(), rng) if rng.random() < 0.05 else packed.getvalue()


def _change(arrays: dict[str, np.ndarray], raw: dict[str, bytes], rng: Random) -> None:
    """Change one of the arrays, or what stands in its place."""
    name = rng.choice(list(arrays))
    array = arrays[name]
    values = array.copy()
    match rng.randrange(14):
        case 0 if len(arrays) > 1:
            del arrays[name]
        case 1 if array.dtype.kind in "fiub":
            with np.errstate(all="ignore"):
                arrays[name] = array.astype(
                    rng.choice(("f4", "f8", "i4", "i8", "u1", "c16", "U5", "S3", "?", "f2"))
                )
        case 2 if array.size and array.dtype.kind in "iu":
            with suppress(OverflowError, ValueError):
                values.flat[rng.randrange(array.size)] = rng.choice((0, 1, -1, 2, 7, 127, 10**9, 2**31 - 1))
            arrays[name] = values
        case 3 if array.size and array.dtype.kind == "f":
            values.flat[rng.randrange(array.size)] = rng.choice(
                (np.nan, np.inf, -np.inf, 1e308, 5e-324, 0, -1, 7)
            )
            arrays[name] = values
        case 4:
            arrays[name] = array.ravel()[: rng.randrange(array.size + 1)]
        case 5:
            arrays[name] = np.concatenate([array.ravel()] * 2)
        case 6:
            arrays[name] = array[None]
        case 7:
            raw[name] = _lying(rng)
        case 8:
            raw[name] = _saved(np.array([Trap()], object))
        case 9:
            raw[name] = pickle.dumps(Trap())
        case 10:
            other = rng.choice(("extra", "format", "../../x", "x" * 300))
            arrays[other] = np.array(rng.choice((2, 10**6, "x", 1.5)))
        case 11:
            arrays[name] = np.array(rng.choice((2, -1, 10**9, "word", 1.5, np.nan)))
        case 12:
            arrays[name] = np.sort(array.ravel())[::-1].reshape(array.shape)
        case _ if array.dtype.kind == "U":  # a header of JSON
            with suppress(ValueError):
                arrays[name] = np.array(_written(of_tree(json.loads(str(array)), rng), rng).decode())
        case _:
            arrays[name] = values.T


def _saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def _lying(rng: Random) -> bytes:
    """An array whose header tells of more than there is."""
    head = f"{{'descr': {rng.choice(TYPES)}, 'fortran_order': False, 'shape': {rng.choice(SHAPES)}, }}"
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    version = rng.choice((b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x09\x00"))
    return b"\x93NUMPY" + version + struct.pack("<H", len(head)) + head.encode() + bytes(16)


def _flagged(content: bytes, rng: Random) -> bytes:
    """A zip whose first member is encrypted, or packed by an unknown method, as its flags say."""
    data = bytearray(content)
    at = data.find(b"PK\x01\x02")
    data[at + rng.choice((8, 10))] = rng.choice((1, 99))
    if rng.random() < 0.7:
        data[6] = 1
    return bytes(data)
