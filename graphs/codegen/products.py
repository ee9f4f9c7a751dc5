"""Matrix products that can be part of a CUDA graph.

cupy refuses to call cuBLAS while a stream is being captured (cupy issue 6290), though cuBLAS itself can be captured. So
here it is called directly, from the library that cupy has loaded, with memory of the graph's own to work in.
"""

from __future__ import annotations

import ctypes
import math
import sys
from functools import cache
from typing import Any

import numpy


WORKSPACE = 8 * 2**20
"""Bytes that cuBLAS may work in. It is given some, since what it took itself while captured would be freed after it."""

_LETTERS = {"f": "S", "d": "D"}


class Products:
    """cuBLAS on one stream of the current device of cupy's module ``xp``. Raises OSError where the library is not found.

    What its products are computed in, and with, is memory of the allocator that is current; it must be kept as long as a
    graph that has products in it.
    """

    def __init__(self, xp: Any, stream: Any) -> None:
        self._xp = xp
        self._library = library(xp)
        self._handle = ctypes.c_void_p()
        self._say("cublasCreate_v2", ctypes.byref(self._handle))
        self._workspace = xp.empty(WORKSPACE, numpy.uint8)
        self._say("cublasSetStream_v2", self._handle, ctypes.c_void_p(stream.ptr))
        at = ctypes.c_void_p(self._workspace.data.ptr)
        self._say("cublasSetWorkspace_v2", self._handle, at, ctypes.c_size_t(WORKSPACE))

    def close(self) -> None:
        """Give back what only calls need. What has been captured stays good as long as this object is kept."""
        handle, self._handle = self._handle, ctypes.c_void_p()
        if handle:
            self._say("cublasDestroy_v2", handle)

    def matmul(self, x: Any, y: Any, out: Any = None) -> Any:
        """``x @ y``, as ``numpy.matmul`` has it, written to ``out`` where given."""
        if out is not None:
            alike = x.ndim == y.ndim == out.ndim == 2 and x.dtype == y.dtype == out.dtype and out.dtype.char in _LETTERS
            if alike and out.flags.c_contiguous and out.size and x.shape[1]:
                self._plain(x, y, out)
                return out
            out[...] = self.matmul(x, y)
            return out
        dtype = numpy.result_type(x.dtype, y.dtype)
        if dtype.char not in _LETTERS or not x.ndim or not y.ndim or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
            return self._xp.matmul(x, y)
        x, y = x.astype(dtype, copy=False), y.astype(dtype, copy=False)
        row, column = x.ndim == 1, y.ndim == 1
        x = x.reshape(1, -1) if row else x
        y = y.reshape(-1, 1) if column else y
        batch = numpy.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        shape = (*batch, x.shape[-2], y.shape[-1])
        if y.ndim == 2 and x.ndim > 2:  # one product with all rows
            x, batch = x.reshape(-1, x.shape[-1]), ()
        out = self._xp.empty((*batch, x.shape[-2], y.shape[-1]), dtype)
        if not out.size or not x.shape[-1]:
            out[...] = 0
        elif batch:
            self._stacked(self._stack(x, batch), self._stack(y, batch), out)
        else:
            self._plain(x, y, out)
        out = out.reshape(shape)
        if row:
            out = out.reshape(*shape[:-2], shape[-1])
        return out.reshape(out.shape[:-1]) if column else out

    def _stack(self, x: Any, batch: tuple[int, ...]) -> Any:
        """``x`` for each matrix of a stack of shape ``batch``, in C's order."""
        return self._xp.ascontiguousarray(self._xp.broadcast_to(x, (*batch, *x.shape[-2:])))

    def _plain(self, x: Any, y: Any, out: Any) -> None:
        # cuBLAS counts along columns: to it, these rows are columns, and outᵀ = yᵀ xᵀ is what it is asked for.
        second, step, second_turned = self._read(y)
        first, stride, first_turned = self._read(x)
        self._gemm("", (second_turned, first_turned), out, (second, step), (first, stride), ())

    def _stacked(self, x: Any, y: Any, out: Any) -> None:
        count = math.prod(out.shape[:-2])
        self._gemm("StridedBatched", (0, 0), out, (y, y.shape[-1]), (x, x.shape[-1]), (count,))

    def _read(self, x: Any) -> tuple[Any, int, int]:
        """How to read a matrix: from which array, with how many elements from row to row, and whether columns are rows."""
        size = x.dtype.itemsize
        down, across = (step // size for step in x.strides)
        rows, columns = x.shape
        if (across == 1 or columns == 1) and (rows == 1 or down >= columns):
            return x, max(down, columns) if rows > 1 else columns, 0
        if (down == 1 or rows == 1) and (columns == 1 or across >= rows):
            return x, max(across, rows) if columns > 1 else rows, 1
        return self._xp.ascontiguousarray(x), columns, 0

    def _gemm(self, kind: str, turned: tuple[int, int], out: Any, y: Any, x: Any, count: tuple[int, ...]) -> None:
        number = ctypes.c_float if out.dtype.char == "f" else ctypes.c_double
        one, zero = number(1), number(0)
        (second, step), (first, stride) = y, x
        rows, columns = out.shape[-2:]
        inner = first.shape[-1]

        def operand(each: Any, leading: int) -> list[Any]:
            placed = [ctypes.c_void_p(each.data.ptr), ctypes.c_int(leading)]
            return [*placed, ctypes.c_longlong(each.shape[-2] * each.shape[-1])] if count else placed

        self._say(
            f"cublas{_LETTERS[out.dtype.char]}gemm{kind or '_v2'}",
            self._handle,
            *map(ctypes.c_int, (*turned, columns, rows, inner)),
            ctypes.byref(one),
            *operand(second, step),
            *operand(first, stride),
            ctypes.byref(zero),
            *operand(out, columns),
            *map(ctypes.c_int, count),
        )

    def _say(self, name: str, *args: Any) -> None:
        status = getattr(self._library, name)(*args)
        if status:
            raise RuntimeError(f"{name} fails with status {status}")


@cache
def library(xp: Any) -> Any:
    """cuBLAS of the CUDA that cupy's module ``xp`` runs on. Raises OSError where it is not found."""
    try:
        xp.cuda.get_cublas_handle()  # cupy loads the library when it first needs it, from wherever it was installed to
    except ImportError as error:
        raise OSError(str(error)) from error
    major = int(xp.cuda.runtime.runtimeGetVersion()) // 1000
    if sys.platform == "win32":
        return ctypes.CDLL(f"cublas64_{major}.dll")
    return ctypes.CDLL(f"libcublas.so.{major}")


__all__ = ["WORKSPACE", "Products", "library"]
