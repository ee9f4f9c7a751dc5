"""Where native code finds numpy's inner loops, numpy's BLAS and CPython: names that stay the same, addresses that do not.

A ufunc of numpy holds, for each combination of types, the C function that runs over a strided array. To call that function
is to call what ``numpy.exp`` calls, so the bits are numpy's. Its name here is ``np.<ufunc>.<types>``, as in ``np.exp.ff`` or
``np.greater.ff?`` (``numpy.ufunc.types`` without the arrow), its signature ``void (ptr args, ptr dims, ptr steps, ptr
data)``, and the pointer to pass as ``data`` is ``np.<ufunc>.<types>.data``.

numpy's BLAS is ``blas.sgemm`` and ``blas.dgemm``: CBLAS's functions, with T float or double::

    void (i32 order, i32 transA, i32 transB, i64 m, i64 n, i64 k,
          T alpha, ptr a, i64 lda, ptr b, i64 ldb, T beta, ptr c, i64 ldc)

where order is 101 for C's row-major arrays, and transA and transB are 111 (as it is) or 112 (transposed).
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import numpy


# Offsets into PyArrayObject and PyUFuncObject on a 64-bit machine. `trustworthy` checks them before anybody relies on them.
DATA, NDIM, DIMS = 16, 24, 32
_NIN, _NOUT, _FUNCTIONS, _LOOP_DATA, _NTYPES, _TYPES = 16, 20, 32, 40, 48, 64

_BLAS = {"sgemm": "scipy_cblas_sgemm64_", "dgemm": "scipy_cblas_dgemm64_"}


def trustworthy() -> bool:
    """Whether this interpreter and this numpy lay out their objects as the offsets here say. Raises nothing of its own."""
    if sys.implementation.name != "cpython" or sys.byteorder != "little" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    if object.__basicsize__ != DATA:  # free-threaded Python has larger objects, and so has Python built to trace references
        return False
    return _arrays_fit() and all(_ufunc_fits(ufunc) for ufunc in (numpy.exp, numpy.add, numpy.matmul)) and _loops_compute()


def _arrays_fit() -> bool:
    whole = numpy.arange(12.0).reshape(3, 4)
    for array in (whole, whole[1:, ::2], whole[2, 3:].reshape(()), numpy.zeros((0, 2), "i1")):
        if ctypes.c_void_p.from_address(id(array) + DATA).value != array.ctypes.data:
            return False
        dims = ctypes.c_void_p.from_address(id(array) + DIMS).value
        if ctypes.c_int.from_address(id(array) + NDIM).value != array.ndim:
            return False
        if array.ndim and (dims is None or tuple((ctypes.c_ssize_t * array.ndim).from_address(dims)) != array.shape):
            return False
    return True


def _ufunc_fits(ufunc: numpy.ufunc) -> bool:
    at = id(ufunc)
    counts = (ctypes.c_int.from_address(at + offset).value for offset in (_NIN, _NOUT, _NTYPES))
    if tuple(counts) != (ufunc.nin, ufunc.nout, ufunc.ntypes):
        return False
    numbers = bytes(numpy.dtype(char).num for types in ufunc.types for char in types.replace("->", ""))
    types = ctypes.c_void_p.from_address(at + _TYPES).value
    return types is not None and ctypes.string_at(types, len(numbers)) == numbers


def _loops_compute() -> bool:
    x, y, out = numpy.linspace(-3.0, 3.0, 37, dtype="f"), numpy.linspace(5.0, 9.0, 37, dtype="f"), numpy.zeros(37, "f")
    for ufunc, types, arrays in ((numpy.exp, "ff", (x, out)), (numpy.add, "fff", (x, y, out))):
        found = _loop(ufunc, types)
        if found is None:
            return False
        out.fill(0)
        pointers = (ctypes.c_void_p * 3)(*(array.ctypes.data for array in arrays))
        dims, steps = (ctypes.c_ssize_t * 1)(x.size), (ctypes.c_ssize_t * 3)(4, 4, 4)
        loop = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(found[0])
        loop(ctypes.addressof(pointers), ctypes.addressof(dims), ctypes.addressof(steps), found[1])
        if out.tobytes() != ufunc(*arrays[:-1]).tobytes():
            return False
    return True


def _loop(ufunc: numpy.ufunc, types: str) -> tuple[int, int | None] | None:
    """The address of the loop that ``ufunc`` runs for ``types`` (its characters, without the arrow) and its data."""
    for i, each in enumerate(ufunc.types):  # the first that fits, as numpy's own look-up takes it
        if each.replace("->", "") == types:
            functions = ctypes.c_void_p.from_address(id(ufunc) + _FUNCTIONS).value
            data = ctypes.c_void_p.from_address(id(ufunc) + _LOOP_DATA).value
            loop = ctypes.c_void_p.from_address(functions + 8 * i).value if functions else None
            if loop is None:
                return None
            return loop, ctypes.c_void_p.from_address(data + 8 * i).value if data else None
    return None


@cache
def loop_symbol(ufunc: numpy.ufunc, dtypes: tuple[numpy.dtype, ...]) -> str | None:
    """The symbol of numpy's own loop of ``ufunc`` for exactly these dtypes, inputs first and outputs last, or None.

    There is none where the ufunc is not one of numpy's own, where numpy would cast an input first, for object arrays,
    datetimes and other dtypes that a single character does not say whole, and for dtypes of foreign byte order. In LLVM text
    the name is written in quotes, ``@"np.greater.ff?"``.
    """
    if getattr(numpy, ufunc.__name__, None) is not ufunc or ufunc.ntypes != len(ufunc.types):
        return None
    if len(dtypes) != ufunc.nargs or not all(dtype.isnative and dtype.kind in "?biufc" for dtype in dtypes):
        return None
    types = "".join(dtype.char for dtype in dtypes)
    return f"np.{ufunc.__name__}.{types}" if _loop(ufunc, types) else None


@cache
def blas_symbol(name: str) -> str | None:
    """The symbol of numpy's own CBLAS function, ``name`` being "sgemm" or "dgemm"; None where numpy brings none.

    numpy's wheels bring OpenBLAS with 64-bit integers. A numpy built on another BLAS gives None.
    """
    return f"blas.{name}" if name in _BLAS and _blas_address(name) else None


@cache
def _blas_address(name: str) -> int | None:
    # A symbol looked up by way of numpy's extension module is searched in what that module was linked with and nowhere else.
    # The module is loaded already: this opens it once more.
    try:
        library = ctypes.CDLL(sys.modules["numpy._core._multiarray_umath"].__file__)
        return ctypes.cast(getattr(library, _BLAS[name]), ctypes.c_void_p).value
    except (KeyError, OSError, AttributeError):
        return None


def address(symbol: str) -> int:
    """Where ``symbol``, of this module or of CPython, is in this process; 0 for a loop's data where that is null.

    Raises ValueError where nobody has it.
    """
    kind, _, rest = symbol.partition(".")
    found: int | None = None
    if kind == "np":
        name, _, types = rest.partition(".")
        types, _, data = types.partition(".")
        ufunc = getattr(numpy, name, None)
        loop = _loop(ufunc, types) if isinstance(ufunc, numpy.ufunc) else None
        if loop is not None and data in ("", "data"):
            found = (loop[1] or 0) if data else loop[0]
    elif kind == "blas" and rest in _BLAS:
        found = _blas_address(rest)
    elif hasattr(ctypes.pythonapi, symbol):
        found = ctypes.cast(getattr(ctypes.pythonapi, symbol), ctypes.c_void_p).value
    if found is None:
        raise ValueError(f"native code asks for {symbol!r}, which neither numpy nor Python has")
    return found
