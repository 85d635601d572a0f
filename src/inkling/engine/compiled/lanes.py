"""Lanes: a few numbers side by side in one register of the processor, which computes them all at once.

The compiler finds lanes by itself in simple loops. Where a kernel should keep sums in registers while it walks over
thousands of numbers, it has to be told; these are the words for it. A `Lanes` value holds 64 bytes, 16 numbers of
float32 or 8 of float64; the compiler makes of it what the processor has (one register of AVX-512, two of AVX2, four
of ARM's or of SSE).
"""

# mypy: ignore-errors

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

BYTES = 64


class LanesType(types.Type):
    """Numba's type of a `Lanes` value."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.count = BYTES * 8 // dtype.bitwidth
        super().__init__(f"Lanes({dtype})")


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """How LLVM holds it: as a vector."""

    def __init__(self, dmm, fe_type):
        number = ir.FloatType() if fe_type.dtype == types.float32 else ir.DoubleType()
        super().__init__(dmm, fe_type, ir.VectorType(number, fe_type.count))


def pointer(context, builder, array_type, array, index):
    """Where lanes begin in an array."""
    start = cgutils.get_item_pointer(
        context,
        builder,
        array_type,
        context.make_array(array_type)(context, builder, array),
        [index],
        boundscheck=False,
    )
    vector = context.get_value_type(LanesType(array_type.dtype))
    return builder.bitcast(start, vector.as_pointer()), vector


@intrinsic
def width(typing, array):
    """How many numbers of the array fill the lanes: 16 of float32, 8 of float64."""

    def code(context, builder, signature, arguments):
        return ir.Constant(ir.IntType(64), LanesType(array.dtype).count)

    return types.int64(array), code


@intrinsic
def take(typing, array, index):
    """array[index], for an index that is never negative: Numba would look, each time."""

    def code(context, builder, signature, arguments):
        data, number = (
            context.make_array(array)(context, builder, arguments[0]).data,
            context.get_data_type(array.dtype),
        )
        return builder.load(builder.gep(data, [arguments[1]], source_etype=number), typ=number)

    return array.dtype(array, types.int64), code


@intrinsic
def put(typing, array, index, value):
    """array[index] = value, likewise."""

    def code(context, builder, signature, arguments):
        data, number = (
            context.make_array(array)(context, builder, arguments[0]).data,
            context.get_data_type(array.dtype),
        )
        value = context.cast(builder, arguments[2], signature.args[2], array.dtype)
        builder.store(value, builder.gep(data, [arguments[1]], source_etype=number))
        return context.get_dummy_value()

    return types.void(array, types.int64, value), code


@intrinsic
def load(typing, array, index):
    """The lanes that begin at array[index]."""

    def code(context, builder, signature, arguments):
        start, vector = pointer(context, builder, array, *arguments)
        return builder.load(start, align=array.dtype.bitwidth // 8, typ=vector)

    return LanesType(array.dtype)(array, types.intp), code


@intrinsic
def store(typing, array, index, lanes):
    """array[index …] ← lanes."""

    def code(context, builder, signature, arguments):
        start, _ = pointer(context, builder, array, arguments[0], arguments[1])
        builder.store(arguments[2], start, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@intrinsic
def spread(typing, number):
    """The same number in all lanes."""

    def code(context, builder, signature, arguments):
        vector = context.get_value_type(LanesType(number))
        return splat(builder, arguments[0], vector)

    return LanesType(number)(number), code


@intrinsic
def broadcast(typing, array, index):
    """The number array[index] in all lanes."""

    def code(context, builder, signature, arguments):
        vector = context.get_value_type(LanesType(array.dtype))
        data = context.make_array(array)(context, builder, arguments[0]).data
        number = builder.load(builder.gep(data, [arguments[1]], source_etype=vector.element), typ=vector.element)
        return splat(builder, number, vector)

    return LanesType(array.dtype)(array, types.intp), code


def splat(builder, number, vector):
    """A vector of one number."""
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), mask)


@intrinsic
def multiply_add(typing, a, b, c):
    """a · b + c, lane by lane, rounded once where the processor can."""

    def code(context, builder, signature, arguments):
        may = ("contract",)
        return builder.fadd(builder.fmul(arguments[0], arguments[1], flags=may), arguments[2], flags=may)

    return a(a, b, c), code


@intrinsic
def maximum(typing, a, b):
    """The larger one, lane by lane; a where a is no number, so that what went wrong is not hidden."""

    def code(context, builder, signature, arguments):
        return builder.select(builder.fcmp_unordered(">", *arguments), *arguments)

    return a(a, b), code


@intrinsic
def where_positive(typing, a, b):
    """B where a is above 0, else 0, lane by lane."""

    def code(context, builder, signature, arguments):
        nothing = ir.Constant(arguments[0].type, None)
        return builder.select(builder.fcmp_ordered(">", arguments[0], nothing), arguments[1], nothing)

    return a(a, b), code


@intrinsic
def add(typing, a, b):
    """a + b, lane by lane."""

    def code(context, builder, signature, arguments):
        return builder.fadd(*arguments)

    return a(a, b), code
