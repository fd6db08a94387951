"""Rollouts side by side as one machine value: eight in float64, or sixteen in float32.

A value of lanes exists only inside compiled kernels. It is an LLVM vector, so a formula written once over
`+ - * /`, `absolute` and `select_greater` works on a float and on lanes alike, and gives the same bits on
every machine: each operation is one IEEE operation per lane, nothing is contracted or reordered, and the
compiler only chooses how wide its registers are.

Arrays of lanes have the shape (rows, blocks, WIDTH) and are contiguous; lane `j` of a row lies at
`[row, j // WIDTH, j % WIDTH]`. Those of single precision, which are of one block, have (rows, WIDTH32).
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

WIDTH32 = 16
"""Lanes in one block of single precision."""

_CONFIG: Any = numba.config  # an untyped module


def _cache_folder() -> str:
    """Where compiled code is kept: a folder of its own for each state of the sources.

    numba recompiles a function when its own file has changed, but not when a function it calls has, in
    another file; stale code would then go on computing the old results. Those that others call lie in this
    package and in those below it.
    """
    here = Path(__file__).parent
    digest = sha256(b"".join(path.read_bytes() for path in sorted(here.rglob("*.py")))).hexdigest()[:16]
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
_MACHINE_TYPES = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


class LanesType(types.Type):
    """numba's type of a value of several lanes."""

    def __init__(self, width: int, element: Any) -> None:
        super().__init__(name=f"Lanes({width} x {element})")
        self.width, self.element = width, element

    @property
    def vector(self) -> Any:
        """The machine's type."""
        return ir.VectorType(_MACHINE_TYPES[self.element], self.width)


LANES = LanesType(WIDTH, types.float64)
"""The numba type of a value of eight lanes."""

LANES32 = LanesType(WIDTH32, types.float32)
"""The numba type of a value of sixteen lanes of single precision."""


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, numba_type.vector)


def blocks_for(lanes: int) -> int:
    """Number of blocks that hold `lanes` lanes."""
    return -(-lanes // WIDTH)


def lane_array(rows: int, blocks: int) -> np.ndarray:
    """Zeroed array of shape (rows, blocks, WIDTH) whose blocks start on 64-byte boundaries."""
    size = rows * blocks * WIDTH
    raw = np.zeros(size + WIDTH)
    start = (-raw.ctypes.data // raw.itemsize) % WIDTH
    return raw[start : start + size].reshape(rows, blocks, WIDTH)


def _splat(builder: Any, vector: Any, value: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_INT32, 0))
    zeros = ir.Constant(ir.VectorType(_INT32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, zeros)


def common_kind(args: Any) -> Any:
    """The type of lanes among these types, else that of the floats; None if they do not go together."""
    kinds = {arg for arg in args if isinstance(arg, LanesType)} or set(args)
    kind = kinds.pop()
    fitting = (kind, kind.element) if isinstance(kind, LanesType) else (types.float32, types.float64)
    return kind if not kinds and all(arg in fitting for arg in args) else None


def as_lanes(builder: Any, kind: Any, values: Any) -> Any:
    """Every value as lanes of this kind, if it is one of lanes."""
    if not isinstance(kind, LanesType):
        return values
    wide = kind.vector
    return [value if value.type == wide else _splat(builder, wide, value) for value in values]


def _define_operator(operation: Any, method: str) -> None:
    @infer_global(operation)
    class _Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            kind = common_kind(args)
            return signature(kind, *args) if isinstance(kind, LanesType) else None

    def implementation(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, method)(*as_lanes(builder, sig.return_type, args))

    for kinds in ((LanesType, LanesType), (LanesType, types.Float), (types.Float, LanesType)):
        lower_builtin(operation, *kinds)(implementation)
    lower_builtin(operation, LanesType)(implementation)


_define_operator(operator.add, "fadd")
_define_operator(operator.sub, "fsub")
_define_operator(operator.mul, "fmul")
_define_operator(operator.truediv, "fdiv")
_define_operator(operator.neg, "fneg")


def call_machine(builder: Any, name: str, *args: Any) -> Any:
    """Call one of LLVM's functions of values of one type."""
    kind = args[0].type
    wide = isinstance(kind, ir.VectorType)
    width = {"double": "f64", "float": "f32"}[str(kind.element if wide else kind)]
    suffix = f"v{kind.count}{width}" if wide else width
    callee = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * len(args)), f"{name}.{suffix}"
    )
    return builder.call(callee, args)


def define_unary(name: str) -> Any:
    """One of LLVM's functions of one value."""

    @intrinsic
    def function(typing_context: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return call_machine(builder, name, args[0])

        return x(x), codegen

    return function


absolute = define_unary("llvm.fabs")


@intrinsic
def to_float32(typing_context: Any, x: Any) -> Any:
    """The nearest float32, ties to even, as a float64: the rounding of an observation or an action."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        wide = isinstance(args[0].type, ir.VectorType)
        narrow: Any = ir.VectorType(ir.FloatType(), args[0].type.count) if wide else ir.FloatType()
        return builder.fpext(builder.fptrunc(args[0], narrow), args[0].type)

    return x(x), codegen


def define_select(comparison: str) -> Any:
    """The choice by a comparison, as `select_greater` has it."""

    @intrinsic
    def select(typing_context: Any, a: Any, b: Any, chosen: Any, other: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            left, right, yes, no = as_lanes(builder, sig.return_type, args)
            return builder.select(builder.fcmp_ordered(comparison, left, right), yes, no)

        args = (a, b, chosen, other)
        return common_kind(args)(*args), codegen

    return select


select_greater = define_select(">")
"""Give `chosen` where a > b, else `other`; a NaN in the comparison gives `other`."""


@intrinsic
def any_nonzero(typing_context: Any, x: Any) -> Any:
    """Whether any lane is not 0."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        width = sig.args[0].width
        zeros = ir.Constant(args[0].type, [0.0] * width)
        mask = builder.bitcast(builder.fcmp_unordered("!=", args[0], zeros), ir.IntType(width))
        return builder.icmp_unsigned("!=", mask, ir.Constant(ir.IntType(width), 0))

    return types.boolean(x), codegen


WHOLE = 6755399441055744.0
"""1.5 * 2**52: added to a float of at most 2**51, it rounds it to a whole number held in the low bits."""


def define_on_bits(codegen: Any) -> Any:
    """Intrinsic on the bits of its arguments; `codegen(builder, constant, *bits)` builds the result's."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = args[0].type
        wide = isinstance(kind, ir.VectorType)
        single = (kind.element if wide else kind) == ir.FloatType()
        whole: Any = _INT32 if single else _INT64
        if wide:
            whole = ir.VectorType(whole, kind.count)

        def constant(value: int) -> Any:
            return ir.Constant(whole, [value] * kind.count if wide else value)

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

    return value(value, shifted), define_on_bits(codegen)


@intrinsic
def negate_if_odd(typing_context: Any, value: Any, shifted: Any) -> Any:
    """Give -value where n is odd, else value, for `shifted` = n + WHOLE: n's last bit joins the sign."""

    def codegen(builder: Any, constant: Any, bits: Any, number: Any) -> Any:
        return builder.xor(bits, builder.shl(number, constant(63)))

    return value(value, shifted), define_on_bits(codegen)


@intrinsic
def exponent_of(typing_context: Any, x: Any) -> Any:
    """Give n + WHOLE + 1023 for x = m * 2**n with m in [1, 2), x positive and not denormal."""

    def codegen(builder: Any, constant: Any, bits: Any) -> Any:
        return builder.add(builder.lshr(bits, constant(52)), constant(0x4338000000000000))

    return x(x), define_on_bits(codegen)


@intrinsic
def mantissa_of(typing_context: Any, x: Any) -> Any:
    """Give m in [1, 2) for x = m * 2**n, x positive and not denormal."""

    def codegen(builder: Any, constant: Any, bits: Any) -> Any:
        return builder.or_(builder.and_(bits, constant(2**52 - 1)), constant(1023 << 52))

    return x(x), define_on_bits(codegen)


def lanes_of(array: Any) -> Any:
    """The type of the lanes of a contiguous array."""
    return {kind.element: kind for kind in (LANES, LANES32)}[array.dtype]


def pointer_to(builder: Any, sig: Any, data: Any, place: Any, inbounds: bool = False) -> Any:
    """Pointer to the lanes that begin at a place of an array, the first of the arguments."""
    return builder.bitcast(
        builder.gep(data, [place], inbounds=inbounds), lanes_of(sig.args[0]).vector.as_pointer()
    )


def _block_pointer(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    array = context.make_array(sig.args[0])(context, builder, args[0])
    row, block = (
        context.cast(builder, args[k], sig.args[k], types.intp) for k in (1, 2)
    )  # an int32 row is as good as an int64 one
    blocks = cgutils.unpack_tuple(builder, array.shape, 3)[1]
    width = ir.Constant(_INT64, lanes_of(sig.args[0]).width)
    place = builder.mul(builder.add(builder.mul(row, blocks), block), width)
    return pointer_to(builder, sig, array.data, place)


def _place_pointer(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    data = context.make_array(sig.args[0])(context, builder, args[0]).data
    return pointer_to(builder, sig, data, args[1], inbounds=True)


def load_lanes(builder: Any, sig: Any, pointer: Any) -> Any:
    """The lanes there, which are aligned as the elements of the array are."""
    return builder.load(pointer, align=sig.args[0].dtype.bitwidth // 8)


def store_lanes(context: Any, builder: Any, sig: Any, value: Any, pointer: Any) -> Any:
    """Write lanes there, or one float to all lanes."""
    array = sig.args[0]
    (lanes,) = as_lanes(builder, lanes_of(array), [value])
    builder.store(lanes, pointer, align=array.dtype.bitwidth // 8)
    return context.get_dummy_value()


@intrinsic
def load(typing_context: Any, array: Any, row: Any, block: Any) -> Any:
    """The lanes of a block of a contiguous array of shape (rows, blocks, WIDTH)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return load_lanes(builder, sig, _block_pointer(context, builder, sig, args))

    return lanes_of(array)(array, row, block), codegen


@intrinsic
def load_at(typing_context: Any, array: Any, place: Any) -> Any:
    """Lanes of a contiguous array, the first of them at this place of the flat array."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return load_lanes(builder, sig, _place_pointer(context, builder, sig, args))

    return lanes_of(array)(array, types.int64), codegen


@intrinsic
def store(typing_context: Any, array: Any, row: Any, block: Any, value: Any) -> Any:
    """Write lanes, or one float to all lanes, into an array of shape (rows, blocks, WIDTH)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return store_lanes(context, builder, sig, args[3], _block_pointer(context, builder, sig, args))

    return types.void(array, row, block, value), codegen


@intrinsic
def store_at(typing_context: Any, array: Any, place: Any, value: Any) -> Any:
    """Write lanes, the first of them to this place of the flat array."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return store_lanes(context, builder, sig, args[2], _place_pointer(context, builder, sig, args))

    return types.void(array, types.int64, lanes_of(array)), codegen


@intrinsic
def element(typing_context: Any, array: Any, index: Any) -> Any:
    """An element of a contiguous array of one dimension, for an index that nobody has to check."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]], inbounds=True))

    return array.dtype(array, types.int64), codegen


@intrinsic
def broadcast(typing_context: Any, value: Any) -> Any:
    """One float in all lanes."""
    kind = {lanes.element: lanes for lanes in (LANES, LANES32)}[value]

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, kind.vector, args[0])

    return kind(value), codegen
