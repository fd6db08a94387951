"""From Gymnasium spaces to the inputs and outputs of a network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import Space, spaces
from numpy.typing import NDArray

from wann.utils.arrays import FloatArray

MOST_NUMBERS = 4096
"""Inputs, or outputs, that a network may have; more cannot be searched in any sensible time."""

_SEARCHABLE = "Box, Discrete, MultiDiscrete, MultiBinary, and Dict or Tuple of those"

Encode = Callable[[Any], FloatArray]
Decode = Callable[[FloatArray], Any]


@dataclass(frozen=True, slots=True)
class ObservationCodec:
    """How an observation becomes the I inputs of a network.

    `encode(observation)` gives a contiguous array (I,) float64, which may share its memory with the
    observation: numbers as they are, in row-major order and not rescaled; one 1 among zeros for each
    discrete value; the parts of a Dict or Tuple in the order of the space. It raises ValueError where the
    observation has another size than the space says, or a discrete value is outside of it.
    """

    names: tuple[str, ...]  # (I,) of the inputs, all different
    encode: Encode
    row_dtype: np.dtype[Any] | None = (
        None  # float32 or float64 where an observation (I,) of it needs no encoding
    )

    @property
    def size(self) -> int:
        """Number of inputs, I."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class ActionCodec:
    """How the A outputs of a network become an action.

    `decode(outputs)` takes an array (A,) float64 and gives an action that the space contains, whatever the
    outputs are. Continuous: clipped to [-1, 1], then scaled linearly to the range (for a range of -1 to 1,
    the clipped output itself), whole numbers rounded; a NaN gives the middle of the range. Discrete: the
    value of the largest output, the first of equal ones; a NaN is passed over, and where there is nothing
    else, the first value is chosen. Binary: on where the output is above 0; a NaN is off.
    """

    names: tuple[str, ...]  # (A,) of the outputs, all different
    decode: Decode

    @property
    def size(self) -> int:
        """Number of outputs, A."""
        return len(self.names)


def observation_codec(space: Space[Any], names: Sequence[str] | None = None) -> ObservationCodec:
    """The codec of an observation space.

    Args:
        space: Box of any shape, Discrete, MultiDiscrete, MultiBinary, or Dict and Tuple of those, nested.
        names: of the inputs; derived from the space where they are not given.

    Raises:
        ValueError: the space cannot be searched, or the names do not fit it; one line that says what to do.
    """
    _check_size("observation", space)
    leaves = _Leaves("observation", "x", "state", "bit")
    encode = leaves.encoder(space, "")
    is_row = (
        isinstance(space, spaces.Box) and len(space.shape) == 1 and space.dtype in (np.float32, np.float64)
    )
    row_dtype = np.dtype(space.dtype) if is_row else None
    return ObservationCodec(_checked(names, leaves.names, "input"), encode, row_dtype)


def action_codec(space: Space[Any], names: Sequence[str] | None = None) -> ActionCodec:
    """The codec of an action space.

    Args:
        space: as `observation_codec`; a Box needs finite bounds.
        names: of the outputs; derived from the space where they are not given.

    Raises:
        ValueError: as `observation_codec`.
    """
    _check_size("action", space)
    leaves = _Leaves("action", "action ", "action", "button")
    decode = leaves.decoder(space, "")
    return ActionCodec(_checked(names, leaves.names, "output"), decode)


def _check_size(role: str, space: Space[Any]) -> None:
    """Refuse what is too large, before anything of that size is made."""
    size = _size(role, space)
    if size == 0:
        raise ValueError(f"the {role} space {space} is empty: there is nothing to search with it")
    if size > MOST_NUMBERS:
        raise ValueError(
            f"the {role} space needs {size:,} numbers (a discrete value needs one for each choice), which is "
            f"more than can be searched; wrap the environment so that {MOST_NUMBERS:,} or fewer are left"
        )


def _size(role: str, space: Space[Any]) -> int:
    if isinstance(space, spaces.Box):
        size = math.prod(space.shape)
        if role == "observation" and space.dtype == np.uint8 and len(space.shape) == 3:
            raise ValueError(
                f"raw images cannot be searched: the observation has a part of shape {space.shape} uint8; "
                f"wrap the environment so that it observes features, or flatten and shrink the picture to "
                f"{MOST_NUMBERS:,} numbers or fewer"
            )
        return size
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return sum(space.nvec.ravel().tolist())
    if isinstance(space, spaces.MultiBinary):
        return math.prod(space.shape)
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        return sum(_size(role, part) for _, part in _parts(space))
    kind = type(space).__name__
    does = "observes" if role == "observation" else "takes"
    raise ValueError(
        f"{role}s of the kind {kind} cannot be searched; wrap the environment so that it {does} numbers "
        f"({_SEARCHABLE})"
    )


def _parts(space: spaces.Dict | spaces.Tuple[Any]) -> Iterator[tuple[Any, Space[Any]]]:
    """Key and space of each part, as an observation or action is indexed."""
    return iter(space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces))


def _checked(given: Sequence[str] | None, derived: list[str], kind: str) -> tuple[str, ...]:
    """The given names, checked; else the derived ones, numbered where two are equal."""
    if given is None:
        unique: dict[str, None] = {}
        for name in derived:
            free = name
            while free in unique:
                free += "'"
            unique[free] = None
        return tuple(unique)
    names = tuple(given)
    if len(names) != len(derived):
        raise ValueError(f"the space has {len(derived)} {kind}s, but {len(names)} names were given for them")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"names of {kind}s must differ, but {repeated[0]!r} was given more than once")
    return names


class _Leaves:
    """Walks a space, makes the functions for its parts and collects the names of their numbers.

    Args:
        role: "observation" or "action".
        numbers, choice, bits: what a Box or MultiDiscrete, a Discrete and a MultiBinary are called where
            the space is nothing else; the parts of a Dict or Tuple are called by their keys.
    """

    def __init__(self, role: str, numbers: str, choice: str, bits: str) -> None:
        self.names: list[str] = []
        self._role, self._numbers, self._choice, self._bits = role, numbers, choice, bits

    def encoder(self, space: Any, path: str) -> Encode:
        """Function from an observation to its numbers."""
        if isinstance(space, (spaces.Dict, spaces.Tuple)):
            parts = [(key, self.encoder(part, self._path(path, key))) for key, part in _parts(space)]
            nothing = np.empty(0)
            return lambda value: np.concatenate([nothing, *[encode(value[key]) for key, encode in parts]])
        self._name(space, path)
        if isinstance(space, spaces.Discrete):
            return _encode_choices([int(space.n)], [int(space.start)])
        if isinstance(space, spaces.MultiDiscrete):
            return _encode_choices(space.nvec.ravel().tolist(), space.start.ravel().tolist())
        return _encode_numbers(math.prod(space.shape))

    def decoder(self, space: Any, path: str) -> Decode:
        """Function from outputs to an action."""
        if isinstance(space, (spaces.Dict, spaces.Tuple)):
            return self._decode_parts(space, path)
        self._name(space, path)
        if isinstance(space, spaces.Discrete):
            return _decode_choice(int(space.n), int(space.start), space.dtype)
        if isinstance(space, spaces.MultiDiscrete):
            return _decode_choices(space)
        if isinstance(space, spaces.MultiBinary):
            return _decode_bits(space)
        self._check_bounds(space)
        return _decode_floats(space) if space.dtype.kind == "f" else _decode_integers(space)

    def _decode_parts(self, space: spaces.Dict | spaces.Tuple[Any], path: str) -> Decode:
        parts, at = [], 0
        for key, part in _parts(space):
            size = _size(self._role, part)
            parts.append((key, self.decoder(part, self._path(path, key)), slice(at, at + size)))
            at += size
        if isinstance(space, spaces.Tuple):
            return lambda outputs: tuple(decode(outputs[own]) for _, decode, own in parts)
        return lambda outputs: {key: decode(outputs[own]) for key, decode, own in parts}

    @staticmethod
    def _path(path: str, key: Any) -> str:
        own = key if isinstance(key, str) else f"part {key}"
        return f"{path}.{own}" if path else own

    def _name(self, space: Any, path: str) -> None:
        """Add the names of a space that is no Dict or Tuple."""
        if isinstance(space, spaces.Discrete):
            choices = range(int(space.start), int(space.start) + int(space.n))
            self.names += [f"{path or self._choice}={choice}" for choice in choices]
            return
        own = f"{self._bits} " if isinstance(space, spaces.MultiBinary) else self._numbers
        entries = list(_entry_names(space.shape, path, own))
        if isinstance(space, spaces.MultiDiscrete):
            limits = zip(space.start.ravel().tolist(), space.nvec.ravel().tolist(), strict=True)
            for entry, (low, count) in zip(entries, limits, strict=True):
                self.names += [f"{entry}={choice}" for choice in range(low, low + count)]
        else:
            self.names += entries

    def _check_bounds(self, space: spaces.Box) -> None:
        bounded = space.bounded_below & space.bounded_above & np.isfinite(space.low) & np.isfinite(space.high)
        if space.dtype.kind == "f":  # the largest float stands for "no bound" in many environments
            largest: Any = np.finfo(space.low.dtype).max  # type: ignore[type-var]
            bounded &= (space.low > -largest) & (space.high < largest)
        if not bounded.all():
            entry = int(np.flatnonzero(~bounded.ravel())[0])
            name = self.names[len(self.names) - bounded.size + entry]
            low, high = space.low.ravel()[entry], space.high.ravel()[entry]
            raise ValueError(
                f"{self._role}s without bounds cannot be searched: entry {entry} ({name!r}) goes from "
                f"{low} to {high}; wrap the environment so that its action space has finite bounds "
                "(gymnasium.wrappers.TransformAction)"
            )


def _entry_names(shape: tuple[int, ...], path: str, own: str) -> Iterator[str]:
    """Names of an array's entries: `own` and a number where it has no path, else the path and an index."""
    for index in np.ndindex(shape):
        text = ",".join(map(str, index))
        if path:
            yield f"{path}[{text}]" if text else path
        elif len(shape) == 1:
            yield f"{own}{text}"
        else:
            yield f"{own.strip()}[{text}]" if text else own.strip()


def _encode_numbers(size: int) -> Encode:
    def encode(observation: Any) -> FloatArray:
        array = np.asarray(observation, np.float64, order="C")
        if array.size != size:
            raise ValueError(f"an observation has shape {array.shape}, but its space has {size} entries")
        return array if array.ndim == 1 else array.reshape(size)

    return encode


def _encode_choices(counts: list[int], starts: list[int]) -> Encode:
    firsts = [sum(counts[:k]) for k in range(len(counts))]
    size = sum(counts)
    ranges = list(zip(firsts, counts, starts, strict=True))

    def encode(observation: Any) -> FloatArray:
        row = np.zeros(size)
        values = np.asarray(observation).ravel().tolist()
        for value, (first, count, start) in zip(values, ranges, strict=True):
            choice = value - start
            if not 0 <= choice < count:
                raise ValueError(f"an observation holds {value}, outside of {start} to {start + count - 1}")
            row[first + choice] = 1.0
        return row

    return encode


def _largest(outputs: FloatArray) -> int:
    """Index of the largest output that is a number, the first of equal ones; 0 where none is a number."""
    values = outputs.tolist()  # for a few numbers a list is faster than NumPy
    largest = max(values)
    if largest != largest:  # a NaN in front is never exceeded; one further on never exceeds
        largest = max((value for value in values if value == value), default=None)
    return 0 if largest is None else values.index(largest)


def _decode_choice(count: int, start: int, dtype: Any) -> Decode:
    choices = [np.dtype(dtype).type(start + k) for k in range(count)]
    return lambda outputs: choices[_largest(outputs)]


def _decode_choices(space: spaces.MultiDiscrete[Any]) -> Decode:
    counts, start = space.nvec.ravel().tolist(), space.start
    slices = [slice(sum(counts[:k]), sum(counts[: k + 1])) for k in range(len(counts))]
    shape, dtype = space.shape, space.dtype

    def decode(outputs: FloatArray) -> NDArray[Any]:
        array: NDArray[Any] = np.array([_largest(outputs[at]) for at in slices], dtype).reshape(shape)
        array += start
        return array

    return decode


def _decode_bits(space: spaces.MultiBinary) -> Decode:
    shape, dtype = space.shape, space.dtype
    return lambda outputs: (outputs > 0.0).astype(dtype).reshape(shape)


def _clipped(outputs: FloatArray) -> list[float]:
    """Outputs within [-1, 1], NaN as 0."""
    return [
        x if -1.0 <= x <= 1.0 else 1.0 if x > 1.0 else -1.0 if x < -1.0 else 0.0 for x in outputs.tolist()
    ]


def _decode_floats(space: spaces.Box) -> Decode:
    shape, dtype, low, high = space.shape, space.dtype, space.low, space.high
    if (low == -1.0).all() and (high == 1.0).all():
        if len(shape) == 1:
            return lambda outputs: np.array(_clipped(outputs), dtype)
        return lambda outputs: np.array(_clipped(outputs), dtype).reshape(shape)
    half, middle = _half_and_middle(space)
    lows, highs = (bound.ravel().astype(np.float64).tolist() for bound in (low, high))

    def decode(outputs: FloatArray) -> NDArray[Any]:
        entries = zip(_clipped(outputs), half, middle, lows, highs, strict=True)
        # The sum may miss the ends by one rounding.
        scaled = [b if x == 1.0 else a if x == -1.0 else m + h * x for x, h, m, a, b in entries]
        array: NDArray[Any] = np.array(scaled, dtype).reshape(shape)
        np.maximum(array, low, out=array)
        np.minimum(array, high, out=array)
        return array

    return decode


def _decode_integers(space: spaces.Box) -> Decode:
    shape, dtype = space.shape, space.dtype
    lows, highs = ([int(x) for x in bound.ravel()] for bound in (space.low, space.high))
    half, middle = _half_and_middle(space)

    def decode(outputs: FloatArray) -> NDArray[Any]:
        # In Python's whole numbers, which do not overflow where a float is rounded beyond int64.
        entries = zip(_clipped(outputs), half, middle, lows, highs, strict=True)
        whole = [min(max(round(m + h * x), low), high) for x, h, m, low, high in entries]
        return np.array(whole, dtype).reshape(shape)

    return decode


def _half_and_middle(space: spaces.Box) -> tuple[list[float], list[float]]:
    """Half the width of each entry's range, and its middle; halved first, so that neither overflows."""
    lows, highs = (0.5 * bound.ravel().astype(np.float64) for bound in (space.low, space.high))
    return (highs - lows).tolist(), (highs + lows).tolist()
