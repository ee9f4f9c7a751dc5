"""A matrix product added to a matrix in one call of numpy's BLAS, as native code makes it: ``before + scale * (x @ y)``."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen.symbols import address, blas_symbol


_NAMES = {"f": ("sgemm", ctypes.c_float), "d": ("dgemm", ctypes.c_double)}
_ROWS, _AS_IT_IS, _TRANSPOSED = 101, 111, 112


def accumulates(dtype: Any) -> bool:
    """Whether numpy brings a BLAS that does it in ``dtype``."""
    return dtype.char in _NAMES and blas_symbol(_NAMES[dtype.char][0]) is not None


def accumulated(before: ndarray, x: ndarray, y: ndarray, scale: float) -> ndarray:
    """A new array of ``before + scale * (x @ y)``: matrices of one dtype, for which ``accumulates`` holds."""
    out = numpy.array(before, order="C")
    if not out.size or not x.size:
        return out
    (x, flip_x, lead_x), (y, flip_y, lead_y) = _laid_out(x), _laid_out(y)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (x, y, out)]
    (m, n), k = out.shape, x.shape[1]
    call = _gemm(out.dtype.char)
    call(_ROWS, flip_x, flip_y, m, n, k, scale, pointers[0], lead_x, pointers[1], lead_y, 1.0, pointers[2], n)
    return out


@cache
def _gemm(char: str) -> Any:
    name, number = _NAMES[char]
    symbol = blas_symbol(name)
    assert symbol is not None
    flags, sizes, pointer = [ctypes.c_int] * 3, ctypes.c_int64, ctypes.c_void_p
    given: list[Any] = [*flags, *[sizes] * 3, number, pointer, sizes, pointer, sizes, number, pointer, sizes]
    return ctypes.CFUNCTYPE(None, *given)(address(symbol))


def _laid_out(array: ndarray) -> tuple[ndarray, int, int]:
    """A matrix as BLAS takes it, whether it is read transposed, and the elements from one row or column to the next."""
    down, across = (s // array.itemsize for s in array.strides)
    rows, columns = array.shape
    if (across == 1 or columns == 1) and (down >= columns or rows == 1):
        return array, _AS_IT_IS, max(down, columns)
    if (down == 1 or rows == 1) and (across >= rows or columns == 1):
        return array, _TRANSPOSED, max(across, rows)
    return numpy.ascontiguousarray(array), _AS_IT_IS, columns
