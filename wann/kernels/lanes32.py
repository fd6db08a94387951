"""What only kernels of single precision use: float32, alone or sixteen lanes of it.

As in `lanes`, each function is one IEEE operation per value, and takes a float and lanes alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from wann.kernels.lanes import (
    LANES32,
    WIDTH32,
    LanesType,
    as_lanes,
    call_machine,
    common_kind,
    define_on_bits,
    define_select,
    define_unary,
    lanes_of,
    load_lanes,
    pointer_to,
    store_lanes,
)

_WIDENED = {types.float32: types.float64, LANES32: LanesType(WIDTH32, types.float64)}
_NARROWED = {wide: narrow for narrow, wide in _WIDENED.items()}

square_root = define_unary("llvm.sqrt")


@intrinsic
def fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Give a * b + c, rounded once."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call_machine(builder, "llvm.fma", *as_lanes(builder, sig.return_type, args))

    return common_kind((a, b, c))(a, b, c), codegen


@intrinsic
def widened(typing_context: Any, x: Any) -> Any:
    """A float32, or sixteen, as float64."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fpext(args[0], context.get_value_type(sig.return_type))

    return _WIDENED[x](x), codegen


@intrinsic
def narrowed(typing_context: Any, x: Any) -> Any:
    """The float32 nearest to a float64, or to sixteen, ties to even."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fptrunc(args[0], context.get_value_type(sig.return_type))

    return _NARROWED[x](x), codegen


select_less = define_select("<")
"""Give `chosen` where a < b, else `other`; a NaN in the comparison gives `other`."""

select_at_least = define_select(">=")
"""Give `chosen` where a >= b, else `other`; a NaN in the comparison gives `other`."""


def _row_pointer(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    data = context.make_array(sig.args[0])(context, builder, args[0]).data
    width = ir.Constant(ir.IntType(64), lanes_of(sig.args[0]).width)
    return pointer_to(builder, sig, data, builder.mul(args[1], width), inbounds=True)


@intrinsic
def load_row(typing_context: Any, array: Any, row: Any) -> Any:
    """The lanes of a row of a contiguous array of shape (rows, WIDTH32), or (rows, WIDTH) in float64."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return load_lanes(builder, sig, _row_pointer(context, builder, sig, args))

    return lanes_of(array)(array, types.int64), codegen


@intrinsic
def store_row(typing_context: Any, array: Any, row: Any, value: Any) -> Any:
    """Write lanes, or one float to all lanes, into a row of an array as that of `load_row`."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return store_lanes(context, builder, sig, args[2], _row_pointer(context, builder, sig, args))

    return types.void(array, types.int64, value), codegen


WHOLE32 = np.float32(1.5 * 2**23)
"""1.5 * 2**23: added to a float32 of at most 2**22, it rounds it to a whole number held in the low bits."""


@intrinsic
def where_odd(typing_context: Any, shifted: Any, chosen: Any, other: Any) -> Any:
    """Give `chosen` where n is odd, else `other`, for `shifted` = n + WHOLE32."""

    def codegen(builder: Any, constant: Any, number: Any, chosen: Any, other: Any) -> Any:
        odd = builder.icmp_signed("<", builder.shl(number, constant(31)), constant(0))
        return builder.select(odd, chosen, other)

    return chosen(shifted, chosen, other), define_on_bits(codegen)


@intrinsic
def negate_second_half(typing_context: Any, shifted: Any, value: Any) -> Any:
    """Give -value where n is 2 or 3 of every 4, else value, for `shifted` = n + WHOLE32."""

    def codegen(builder: Any, constant: Any, number: Any, value: Any) -> Any:
        sign = builder.and_(builder.shl(number, constant(30)), constant(-(2**31)))
        return builder.xor(value, sign)

    return value(shifted, value), define_on_bits(codegen)


@intrinsic
def ones(typing_context: Any, bits: Any) -> Any:
    """How many bits of an integer are 1."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return bits(bits), codegen
