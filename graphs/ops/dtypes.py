"""Dtype rules that the element-wise families share. Each gives the output's dtype for the arguments', or raises DtypeError.

numpy's own elementary functions give float16 for int8 and bool and float32 for int16; those are refused here, since a
front-end that admits them converts them first, each to the dtype that its users expect.
"""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.errors import DtypeError
from graphs.core.spec import promote


_FLOAT64 = numpy.dtype(numpy.float64)
_BOOL = numpy.dtype(numpy.bool_)


def inexact(*dtypes: Any, **_: Any) -> Any:
    """The promoted dtype where it is floating or complex, float64 for integers of 32 bits and more."""
    dtype = promote(*dtypes)
    if dtype.kind in "fc":
        return dtype
    if dtype.kind in "iu" and dtype.itemsize >= 4:
        return _FLOAT64
    raise DtypeError(f"{dtype} has to be converted to a floating dtype first")


def real(*dtypes: Any, **_: Any) -> Any:
    """As ``inexact``, without complex numbers."""
    dtype = inexact(*dtypes)
    if dtype.kind == "c":
        raise DtypeError(f"{dtype} is not real")
    return dtype


def ordered(*dtypes: Any, **_: Any) -> Any:
    """The promoted dtype where it is integer or floating."""
    dtype = promote(*dtypes)
    if dtype.kind not in "iuf":
        raise DtypeError(f"{dtype} is neither integer nor floating")
    return dtype


def magnitude(dtype: Any, **_: Any) -> Any:
    """The dtype itself, or that of the parts of complex numbers."""
    return numpy.zeros((), dtype).real.dtype if dtype.kind == "c" else dtype


def bits(*dtypes: Any, **_: Any) -> Any:
    """The promoted dtype where it is integer or bool."""
    dtype = promote(*dtypes)
    if dtype.kind not in "iub":
        raise DtypeError(f"{dtype} has no bits to work on")
    return dtype


def whole(*dtypes: Any, **_: Any) -> Any:
    """The promoted dtype where it is integer."""
    dtype = promote(*dtypes)
    if dtype.kind not in "iu":
        raise DtypeError(f"{dtype} is not an integer dtype")
    return dtype


def logical(*dtypes: Any, **_: Any) -> Any:
    """Bool, from nothing but bool."""
    for dtype in dtypes:
        if dtype.kind != "b":
            raise DtypeError(f"{dtype} is not bool")
    return _BOOL


def comparable(*dtypes: Any, **_: Any) -> Any:
    """Bool, from anything that has an order."""
    if promote(*dtypes).kind == "c":
        raise DtypeError("complex numbers have no order")
    return _BOOL


def floats(*dtypes: Any, **_: Any) -> Any:
    """The promoted dtype where it is floating."""
    dtype = promote(*dtypes)
    if dtype.kind != "f":
        raise DtypeError(f"{dtype} is not a floating dtype")
    return dtype
