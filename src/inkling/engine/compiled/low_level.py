"""What compiled code needs of the machine: counters that several threads may touch, and BLAS's matrix product.

Numba compiles Python, and Python has no words for these few things, so they are spelled out in LLVM's here: an atomic
addition, exchange, load and store on an array of counters, a pause for who is waiting, and a call of SciPy's `gemm`.
Nothing else of the engine knows LLVM.
"""

# mypy: ignore-errors
# (Numba's own types are unknown to mypy, and its intrinsics take types for values.)

from __future__ import annotations

import ctypes
import platform
import sys
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic
from numba.np.arrayobj import populate_array

LINE = 16
"""Counters stand so many places (128 bytes) apart: no two of them share a line of the cache."""
PATIENCE = 300
"""How often a waiting thread looks (some ten microseconds) before it lets others run in between."""


def provide_symbols() -> None:
    """Tell LLVM where the functions are that compiled code calls by name."""
    for name in ("sgemm", "dgemm"):
        llvm.add_symbol(f"inkling_{name}", get_cython_function_address("scipy.linalg.cython_blas", name))
    library = ctypes.WinDLL("kernel32") if sys.platform == "win32" else ctypes.CDLL(None)
    give_way = library.SwitchToThread if sys.platform == "win32" else library.sched_yield
    llvm.add_symbol("inkling_yield", ctypes.cast(give_way, ctypes.c_void_p).value)


provide_symbols()


def place(builder: Any, counters: Any, index: Any) -> Any:
    """A pointer to one of the counters that begin at an address."""
    whole = ir.IntType(64)
    return builder.gep(builder.inttoptr(counters, whole.as_pointer()), [index], source_etype=whole)


@intrinsic
def atomic_add(typing, counters, index, value):
    """counters[index] += value; returns what was there before."""

    def code(context, builder, signature, arguments):
        pointer = place(builder, arguments[0], arguments[1])
        return builder.atomic_rmw("add", pointer, arguments[2], "seq_cst")

    return types.int64(types.int64, types.int64, types.int64), code


@intrinsic
def atomic_exchange(typing, counters, index, value):
    """counters[index] = value; returns what was there before."""

    def code(context, builder, signature, arguments):
        pointer = place(builder, arguments[0], arguments[1])
        return builder.atomic_rmw("xchg", pointer, arguments[2], "seq_cst")

    return types.int64(types.int64, types.int64, types.int64), code


@intrinsic
def atomic_load(typing, counters, index):
    """counters[index], as the others left it."""

    def code(context, builder, signature, arguments):
        return builder.load_atomic(place(builder, *arguments), "seq_cst", 8, typ=ir.IntType(64))

    return types.int64(types.int64, types.int64), code


@intrinsic
def pause(typing):
    """Let the core rest for a moment: whoever waits in a loop calls it."""

    def code(context, builder, signature, arguments):
        nothing, number = ir.VoidType(), ir.IntType(32)
        if platform.machine() in ("x86_64", "AMD64"):
            function = ir.FunctionType(nothing, [])
            builder.call(cgutils.get_or_insert_function(builder.module, function, "llvm.x86.sse2.pause"), [])
        elif platform.machine() in ("arm64", "aarch64"):
            function = ir.FunctionType(nothing, [number])
            hint = cgutils.get_or_insert_function(builder.module, function, "llvm.aarch64.hint")
            builder.call(hint, [ir.Constant(number, 1)])
        return context.get_dummy_value()

    return types.void(), code


@intrinsic
def flush_denormals(typing):
    """From now on, in this thread, take for 0 what is too small for a normal number. Returns how it was before.

    Numbers that decay towards zero, as an optimizer's means do, would otherwise end as denormal ones, of which each
    costs a processor a hundred times as long.
    """

    def code(context, builder, signature, arguments):
        whole, nothing, long = ir.IntType(32), ir.VoidType(), ir.IntType(64)
        if platform.machine() in ("x86_64", "AMD64"):
            at = ir.FunctionType(nothing, [ir.IntType(8).as_pointer()])
            place = cgutils.alloca_once(builder, whole)
            address = builder.bitcast(place, ir.IntType(8).as_pointer())
            builder.call(cgutils.get_or_insert_function(builder.module, at, "llvm.x86.sse.stmxcsr"), [address])
            before = builder.load(place, typ=whole)
            builder.store(builder.or_(before, ir.Constant(whole, 0x8040)), place)
            builder.call(cgutils.get_or_insert_function(builder.module, at, "llvm.x86.sse.ldmxcsr"), [address])
            return builder.zext(before, long)
        if platform.machine() in ("arm64", "aarch64"):
            get, put = ir.FunctionType(long, []), ir.FunctionType(nothing, [long])
            before = builder.call(cgutils.get_or_insert_function(builder.module, get, "llvm.aarch64.get.fpcr"), [])
            after = builder.or_(before, ir.Constant(long, 1 << 24))
            builder.call(cgutils.get_or_insert_function(builder.module, put, "llvm.aarch64.set.fpcr"), [after])
            return before
        return ir.Constant(long, 0)

    return types.int64(), code


@intrinsic
def restore_denormals(typing, before):
    """Treat small numbers as they were treated before `flush_denormals`."""

    def code(context, builder, signature, arguments):
        whole, nothing, long = ir.IntType(32), ir.VoidType(), ir.IntType(64)
        if platform.machine() in ("x86_64", "AMD64"):
            at = ir.FunctionType(nothing, [ir.IntType(8).as_pointer()])
            place = cgutils.alloca_once_value(builder, builder.trunc(arguments[0], whole))
            address = builder.bitcast(place, ir.IntType(8).as_pointer())
            builder.call(cgutils.get_or_insert_function(builder.module, at, "llvm.x86.sse.ldmxcsr"), [address])
        elif platform.machine() in ("arm64", "aarch64"):
            put = ir.FunctionType(nothing, [long])
            builder.call(cgutils.get_or_insert_function(builder.module, put, "llvm.aarch64.set.fpcr"), [arguments[0]])
        return context.get_dummy_value()

    return types.void(types.int64), code


@intrinsic
def prefetch_line(typing, address):
    """Ask for the line of the cache at an address, without waiting for it."""

    def code(context, builder, signature, arguments):
        pointer, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, whole, whole, whole])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, keep, data = (ir.Constant(whole, n) for n in (0, 3, 1))
        builder.call(function, [builder.inttoptr(arguments[0], pointer), read, keep, data])
        return context.get_dummy_value()

    return types.void(types.int64), code


@njit(nogil=True, error_model="numpy")
def prefetch(address, size):
    """Ask for so many bytes that will be needed soon."""
    for line in range(0, size, 64):
        prefetch_line(address + line)


@intrinsic
def give_way(typing):
    """Let another thread run on this core."""

    def code(context, builder, signature, arguments):
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.IntType(32), []), "inkling_yield")
        builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), code


def array_at(context, builder, kind, address, start, shape):
    """An array of numbers that begin at an address, `start` numbers on."""
    number = context.get_data_type(kind.dtype)
    data = builder.gep(builder.inttoptr(address, number.as_pointer()), [start], source_etype=number)
    size = context.get_constant(types.intp, context.get_abi_sizeof(number))
    strides = [size] if len(shape) == 1 else [builder.mul(shape[1], size), size]
    array = context.make_array(kind)(context, builder)
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
    return array._getvalue()


@intrinsic
def row(typing, address, start, count, like):
    """Part of the array that begins at an address, (count,), without a copy; `like` tells of what (or a pointer to)."""
    kind = types.Array(like.dtype if isinstance(like, types.CPointer) else like, 1, "C")

    def code(context, builder, signature, arguments):
        return array_at(context, builder, kind, arguments[0], arguments[1], [arguments[2]])

    return kind(types.int64, types.int64, types.int64, like), code


@intrinsic
def rows(typing, address, start, count, length, like):
    """The same as (count, length)."""
    kind = types.Array(like.dtype if isinstance(like, types.CPointer) else like, 2, "C")

    def code(context, builder, signature, arguments):
        return array_at(context, builder, kind, arguments[0], arguments[1], [arguments[2], arguments[3]])

    return kind(types.int64, types.int64, types.int64, types.int64, like), code


@njit(nogil=True, error_model="numpy")
def copy(source, target):
    """target ← source, both flat."""
    for i in range(len(source)):
        target[i] = source[i]


@njit(nogil=True, error_model="numpy")
def fill(target, value):
    """All of a flat array ← value."""
    for i in range(len(target)):
        target[i] = value


@intrinsic
def call(typing, address, table, n, count):
    """Call an operation (operations.py) by its address."""

    def code(context, builder, signature, arguments):
        whole = ir.IntType(64)
        kind = ir.FunctionType(whole, [whole] * 4)
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        return builder.call(function, [*arguments[1:], ir.Constant(whole, 0)])

    return types.int64(types.int64, types.int64, types.int64, types.int64), code


@intrinsic
def blas_gemm(typing, trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc):
    """C ← op(A)·op(B) + beta·C as Fortran has it, columns first; single or double, by the type of beta."""
    number = ir.FloatType() if beta == types.float32 else ir.DoubleType()
    name = "inkling_sgemm" if beta == types.float32 else "inkling_dgemm"

    def code(context, builder, signature, arguments):
        def whole(value):
            return cgutils.alloca_once_value(builder, builder.trunc(value, ir.IntType(32)))

        def letter(transposed):
            chosen = builder.select(
                transposed, ir.Constant(ir.IntType(8), ord("T")), ir.Constant(ir.IntType(8), ord("N"))
            )
            return cgutils.alloca_once_value(builder, chosen)

        def address(value):
            return builder.inttoptr(value, ir.PointerType(number))

        ta, tb, m_, n_, k_, a_, lda_, b_, ldb_, beta_, c_, ldc_ = arguments
        one = cgutils.alloca_once_value(builder, ir.Constant(number, 1.0))
        passed = [
            letter(ta), letter(tb), whole(m_), whole(n_), whole(k_), one, address(a_), whole(lda_), address(b_),
            whole(ldb_), cgutils.alloca_once_value(builder, beta_), address(c_), whole(ldc_),
        ]  # fmt: skip
        kind = ir.FunctionType(ir.VoidType(), [each.type for each in passed])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), passed)
        return context.get_dummy_value()

    size, flag, address_type = types.int64, types.boolean, types.uintp
    arguments = (flag, flag, size, size, size, address_type, size, address_type, size, beta, address_type, size)
    return types.void(*arguments), code


@njit(nogil=True, error_model="numpy")
def product(trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc):
    """C (m, n) ← op(A) (m, k) · op(B) (k, n) + beta · C, rows first; a, b, c are addresses, ld… the lengths of rows."""
    blas_gemm(trans_b, trans_a, n, m, k, b, ldb, a, lda, beta, c, ldc)


@njit(nogil=True, error_model="numpy")
def rest(looked):
    """Between two looks at a counter: a moment, or, for whoever has looked long, whatever others need."""
    if looked < PATIENCE:
        pause()
    else:
        give_way()


@njit(nogil=True, error_model="numpy")
def wait_until(counters, index, value):
    """Return when the counter has reached the value."""
    looked = 0
    while atomic_load(counters, index) < value:
        looked += 1
        rest(looked)


@njit(nogil=True, error_model="numpy")
def barrier(counters, workers):
    """Return when all workers have called it as often as this one."""
    if workers > 1:
        arrived = atomic_add(counters, 0, 1)
        wait_until(counters, 0, (arrived // workers + 1) * workers)


def counters(workers: int) -> np.ndarray:
    """Counters for so many workers: of the barrier, of the steps, and one for each worker that sleeps."""
    return np.zeros((2 + workers) * LINE, np.int64)
