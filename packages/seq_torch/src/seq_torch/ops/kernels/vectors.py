"""Several numbers side by side that stay in registers: what loops over arrays do not bring about.

A compiler keeps the entries of a small product in registers only if they are values of their own.
`load`, `store` and `multiply_add` make them so, whatever vectors the machine has: what is wider
than those is cut into several.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic as _intrinsic
from numba.extending import models, register_model

intrinsic: Any = _intrinsic  # what it makes is called without the context of types

BYTES = 64 if binding.get_host_cpu_features().get("avx512f") else 32
"""Of a vector; twice what a register holds where there are more of them than 16."""


class Vector(types.Type):
    """Type of a vector of numbers of one type."""

    def __init__(self, dtype: Any):
        self.dtype, self.lanes = dtype, 8 * BYTES // dtype.bitwidth
        super().__init__(name=f"vector({dtype}, {self.lanes})")


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any):
        number = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(number, kind.lanes))


@intrinsic
def load(typing: Any, array: Any, i: Any, j: Any) -> Any:
    """Entries of row i from column j on."""
    _check_rows(array)
    kind = Vector(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held, i, j = arguments
        vector = context.get_value_type(kind)
        return _unaligned(
            builder.load(_address(context, builder, array, held, i, j, vector)), array
        )

    return kind(array, types.intp, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, i: Any, j: Any, vector: Any) -> Any:
    """Put a vector into row i from column j on."""
    _check_rows(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held, i, j, value = arguments
        address = _address(context, builder, array, held, i, j, value.type)
        _unaligned(builder.store(value, address), array)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, vector), generate


SIDE = 8
"""Of a square that `transpose` turns."""


@intrinsic
def transpose(typing: Any, source: Any, i: Any, j: Any, target: Any) -> Any:
    """Put the square of `SIDE` rows and columns from (i, j) on into (j, i) of `target`, turned.

    A round interleaves row r of the first half with row r of the second, and so moves the highest
    bit of an entry's column to the lowest of its row: as many rounds as bits turn the square.
    """
    _check_rows(source)
    _check_rows(target)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held, i, j, place = arguments
        vector = ir.VectorType(context.get_value_type(source.dtype), SIDE)
        shift = [ir.Constant(ir.IntType(64), row) for row in range(SIDE)]
        at = [
            _address(context, builder, source, held, builder.add(i, row), j, vector)
            for row in shift
        ]
        rows = [_unaligned(builder.load(address), source) for address in at]
        for _ in range(SIDE.bit_length() - 1):
            pairs = zip(rows[: SIDE // 2], rows[SIDE // 2 :], strict=True)
            rows = [half for pair in pairs for half in _interleaved(builder, *pair)]
        for row, value in zip(shift, rows, strict=True):
            to = _address(context, builder, target, place, builder.add(j, row), i, vector)
            _unaligned(builder.store(value, to), target)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target), generate


def _interleaved(builder: Any, left: Any, right: Any) -> list[Any]:
    """Entries of two vectors in turn: their first halves, and their second halves."""
    order = [entry for n in range(SIDE) for entry in (n, n + SIDE)]
    halves = order[:SIDE], order[SIDE:]
    kind = ir.VectorType(ir.IntType(32), SIDE)
    return [builder.shuffle_vector(left, right, ir.Constant(kind, half)) for half in halves]


def _unaligned(access: Any, array: Any) -> Any:
    """Let a load or store begin at any entry of an array."""
    access.align = array.dtype.bitwidth // 8
    return access


@intrinsic
def multiply_add(typing: Any, number: Any, vector: Any, total: Any) -> Any:
    """Give number * vector + total, rounded once where the machine can."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number, vector, total = arguments
        undefined, none = ir.Constant(vector.type, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        one = builder.insert_element(undefined, number, none)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.type.count), None)
        spread = builder.shuffle_vector(one, undefined, zeros)
        product = builder.fmul(spread, vector, flags=("contract",))
        return builder.fadd(product, total, flags=("contract",))

    return total(number, vector, total), generate


def _check_rows(array: Any) -> None:
    if array.layout != "C":
        raise TypingError(
            f"got {array}, expected layout 'C': a vector is a part of a row in memory"
        )


def _address(context: Any, builder: Any, kind: Any, array: Any, i: Any, j: Any, vector: Any) -> Any:
    held = context.make_array(kind)(context, builder, array)
    place = cgutils.get_item_pointer(context, builder, kind, held, [i, j], wraparound=False)
    return builder.bitcast(place, vector.as_pointer())
