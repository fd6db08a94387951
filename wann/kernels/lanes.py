"""Eight float64 rollouts side by side as one machine value.

A `Lanes` value exists only inside compiled kernels. It is an LLVM vector of eight doubles, so a
formula written once over `+ - * /`, `absolute` and `select_greater` works on a float and on
eight lanes alike, and gives the same bits on every machine: each operation is one IEEE operation per
lane, nothing is contracted or reordered, and the compiler only chooses how wide its registers are.

Arrays of lanes have the shape (rows, blocks, WIDTH) and are contiguous; lane `j` of a row lies at
`[row, j // WIDTH, j % WIDTH]`.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

WIDTH = 8
"""Lanes in one block."""

_CONFIG: Any = numba.config  # an untyped module


def _cache_folder() -> str:
    """Where compiled code is kept: a folder of its own for each state of the sources.

    numba recompiles a function when its own file has changed, but not when a function it calls has, in
    another file; stale code would then go on computing the old results. Those that others call lie in this
    package.
    """
    here = Path(__file__).parent
    digest = sha256(b"".join(path.read_bytes() for path in sorted(here.glob("*.py")))).hexdigest()[:16]
    return os.path.join(_CONFIG.CACHE_DIR or here.parent / "__pycache__", f"wann-{digest}")


_CACHE_FOLDER = _cache_folder()


def compiled(*signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorator of every compiled function: cached on disk, without the interpreter lock, no fast-math.

    Division by zero follows IEEE (infinity or NaN) instead of raising.

    Args:
        signature: the one numba signature it is compiled for; by default one for each kind of arguments.
        options: more options of `numba.njit`.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        njit: Any = numba.njit
        before = _CONFIG.CACHE_DIR
        _CONFIG.CACHE_DIR = _CACHE_FOLDER  # read when caching is switched on, that is, by njit
        try:
            return njit(*signature, cache=True, nogil=True, error_model="numpy", **options)(function)
        finally:
            _CONFIG.CACHE_DIR = before

    return decorate


kernel = compiled()
"""Decorator of a compiled function of any arguments."""

inlined_kernel = compiled(forceinline=True)
"""As `kernel`, for a function that is worth copying into its hot callers."""

_INT32 = ir.IntType(32)
_INT64 = ir.IntType(64)
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_UNDEFINED = ir.Constant(_VECTOR, ir.Undefined)


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = _LanesType()
"""The numba type of a value of eight lanes."""


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _VECTOR)


def blocks_for(lanes: int) -> int:
    """Number of blocks that hold `lanes` lanes."""
    return -(-lanes // WIDTH)


def lane_array(rows: int, blocks: int) -> np.ndarray:
    """Zeroed array of shape (rows, blocks, WIDTH) whose blocks start on 64-byte boundaries."""
    size = rows * blocks * WIDTH
    raw = np.zeros(size + WIDTH)
    start = (-raw.ctypes.data // raw.itemsize) % WIDTH
    return raw[start : start + size].reshape(rows, blocks, WIDTH)


def _splat(builder: Any, value: Any) -> Any:
    first = builder.insert_element(_UNDEFINED, value, ir.Constant(_INT32, 0))
    zeros = ir.Constant(ir.VectorType(_INT32, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, _UNDEFINED, zeros)


def _widen(builder: Any, numba_type: Any, value: Any) -> Any:
    return value if isinstance(numba_type, _LanesType) else _splat(builder, value)


def _define_operator(operation: Any, method: str) -> None:
    @infer_global(operation)
    class _Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            known = all(isinstance(arg, (_LanesType, types.Float)) for arg in args)
            if known and any(isinstance(arg, _LanesType) for arg in args):
                return signature(LANES, *args)
            return None

    def implementation(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        left, right = (_widen(builder, *pair) for pair in zip(sig.args, args, strict=True))
        return getattr(builder, method)(left, right)

    for kinds in ((_LanesType, _LanesType), (_LanesType, types.Float), (types.Float, _LanesType)):
        lower_builtin(operation, *kinds)(implementation)


_define_operator(operator.add, "fadd")
_define_operator(operator.sub, "fsub")
_define_operator(operator.mul, "fmul")
_define_operator(operator.truediv, "fdiv")


def _define_unary(name: str) -> Any:
    @intrinsic
    def function(typing_context: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            kind = args[0].type
            suffix = f"v{WIDTH}f64" if isinstance(kind, ir.VectorType) else "f64"
            callee = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(kind, [kind]), f"{name}.{suffix}"
            )
            return builder.call(callee, args)

        return x(x), codegen

    return function


absolute = _define_unary("llvm.fabs")


@intrinsic
def to_float32(typing_context: Any, x: Any) -> Any:
    """The nearest float32, ties to even, as a float64: the rounding of an observation or an action."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        wide = isinstance(args[0].type, ir.VectorType)
        narrow: Any = ir.VectorType(ir.FloatType(), WIDTH) if wide else ir.FloatType()
        return builder.fpext(builder.fptrunc(args[0], narrow), args[0].type)

    return x(x), codegen


@intrinsic
def select_greater(typing_context: Any, a: Any, b: Any, chosen: Any, other: Any) -> Any:
    """Give `chosen` where a > b, else `other`; a NaN in the comparison gives `other`."""
    args = (a, b, chosen, other)
    wide = any(isinstance(arg, _LanesType) for arg in args)

    def codegen(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        if wide:
            values = [_widen(builder, *pair) for pair in zip(sig.args, values, strict=True)]
        return builder.select(builder.fcmp_ordered(">", values[0], values[1]), values[2], values[3])

    return (LANES if wide else types.float64)(*args), codegen


@intrinsic
def any_nonzero(typing_context: Any, x: Any) -> Any:
    """Whether any of eight lanes is not 0."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zeros = ir.Constant(_VECTOR, [0.0] * WIDTH)
        mask = builder.bitcast(builder.fcmp_unordered("!=", args[0], zeros), ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", mask, ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(LANES), codegen


WHOLE = 6755399441055744.0
"""1.5 * 2**52: added to a float of at most 2**51, it rounds it to a whole number held in the low bits."""


def _define_on_bits(codegen: Any) -> Any:
    """Intrinsic on the bits of its arguments; `codegen(builder, constant, *bits)` builds the result's."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = args[0].type
        wide = isinstance(kind, ir.VectorType)
        whole: Any = ir.VectorType(_INT64, WIDTH) if wide else _INT64

        def constant(value: int) -> Any:
            return ir.Constant(whole, [value] * WIDTH if wide else value)

        bits = (builder.bitcast(arg, whole) for arg in args)
        return builder.bitcast(codegen(builder, constant, *bits), kind)

    return emit


@intrinsic
def times_power_of_two(typing_context: Any, value: Any, shifted: Any) -> Any:
    """Give value * 2**n for `shifted` = n + WHOLE: n is added to the exponent, which has to have room for it.

    A NaN in both stays one, as the low bits of a NaN are zero, unless a foreign program left a message there.
    """

    def codegen(builder: Any, constant: Any, bits: Any, number: Any) -> Any:
        return builder.add(bits, builder.shl(number, constant(52)))

    return value(value, shifted), _define_on_bits(codegen)


@intrinsic
def negate_if_odd(typing_context: Any, value: Any, shifted: Any) -> Any:
    """Give -value where n is odd, else value, for `shifted` = n + WHOLE: n's last bit joins the sign."""

    def codegen(builder: Any, constant: Any, bits: Any, number: Any) -> Any:
        return builder.xor(bits, builder.shl(number, constant(63)))

    return value(value, shifted), _define_on_bits(codegen)


@intrinsic
def exponent_of(typing_context: Any, x: Any) -> Any:
    """Give n + WHOLE + 1023 for x = m * 2**n with m in [1, 2), x positive and not denormal."""

    def codegen(builder: Any, constant: Any, bits: Any) -> Any:
        return builder.add(builder.lshr(bits, constant(52)), constant(0x4338000000000000))

    return x(x), _define_on_bits(codegen)


@intrinsic
def mantissa_of(typing_context: Any, x: Any) -> Any:
    """Give m in [1, 2) for x = m * 2**n, x positive and not denormal."""

    def codegen(builder: Any, constant: Any, bits: Any) -> Any:
        return builder.or_(builder.and_(bits, constant(2**52 - 1)), constant(1023 << 52))

    return x(x), _define_on_bits(codegen)


def _block_pointer(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    array = context.make_array(sig.args[0])(context, builder, args[0])
    row, block = (
        context.cast(builder, args[k], sig.args[k], types.intp) for k in (1, 2)
    )  # an int32 row is as good as an int64 one
    blocks = cgutils.unpack_tuple(builder, array.shape, 3)[1]
    index = builder.mul(builder.add(builder.mul(row, blocks), block), ir.Constant(_INT64, WIDTH))
    return builder.bitcast(builder.gep(array.data, [index]), _VECTOR.as_pointer())


def _place_pointer(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    data = context.make_array(sig.args[0])(context, builder, args[0]).data
    return builder.bitcast(builder.gep(data, [args[1]], inbounds=True), _VECTOR.as_pointer())


@intrinsic
def load(typing_context: Any, array: Any, row: Any, block: Any) -> Any:
    """Eight lanes of a contiguous float64 array of shape (rows, blocks, WIDTH)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_block_pointer(context, builder, sig, args), align=8)

    return LANES(array, row, block), codegen


@intrinsic
def load_at(typing_context: Any, array: Any, place: Any) -> Any:
    """Eight lanes of a contiguous float64 array, the first of them at this place of the flat array."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_place_pointer(context, builder, sig, args), align=8)

    return LANES(array, types.int64), codegen


@intrinsic
def store(typing_context: Any, array: Any, row: Any, block: Any, value: Any) -> Any:
    """Write eight lanes, or one float to all eight, into an array of shape (rows, blocks, WIDTH)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = _widen(builder, sig.args[3], args[3])
        builder.store(lanes, _block_pointer(context, builder, sig, args), align=8)
        return context.get_dummy_value()

    return types.void(array, row, block, value), codegen


@intrinsic
def store_at(typing_context: Any, array: Any, place: Any, value: Any) -> Any:
    """Write eight lanes, the first of them to this place of the flat array."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _place_pointer(context, builder, sig, args), align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, LANES), codegen


@intrinsic
def element(typing_context: Any, array: Any, index: Any) -> Any:
    """An element of a contiguous array of one dimension, for an index that nobody has to check."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]], inbounds=True))

    return array.dtype(array, types.int64), codegen


@intrinsic
def broadcast(typing_context: Any, value: Any) -> Any:
    """One float in all eight lanes."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, args[0])

    return LANES(types.float64), codegen
