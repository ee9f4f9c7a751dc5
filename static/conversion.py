"""Python numbers, lists and numpy arrays on their way into a graph: which dtype they get, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.arrays import is_array
from graphs.core.errors import DtypeError, ShapeError
from static.dtypes import natural


_KINDS = "biufc"
"""numpy's letters for the kinds of dtypes, each of which can hold those before it."""


def check_literal(value: Any, dtype: Any) -> None:
    """Raise TypeError where the Python scalar ``value`` would lose something in ``dtype``: a float among integers."""
    kind = {bool: "b", int: "i", float: "f", complex: "c"}[type(value)]
    if kind == "b" and dtype.kind == "b":
        return
    if kind == "b" or dtype.kind == "b" or _KINDS.index(kind) > _KINDS.index("i" if dtype.kind == "u" else dtype.kind):
        raise DtypeError(f"Expected {dtype.name}, got {value!r} of type '{type(value).__name__}' instead.")


def as_array(value: Any, dtype: Any = None) -> numpy.ndarray[Any, Any]:
    """``value`` (array, scalar, nested list) as an array of ``dtype``; without one, in the dtype that TensorFlow gives it.

    Raises TypeError where the conversion would lose something that the dtype's kind does not have.
    """
    if dtype is None and not is_array(value):
        _check_list(value)
        dtype = natural(value)
        return numpy.asarray(value, dtype)
    array = numpy.asarray(value)
    if array.dtype.kind not in "biufc":
        raise DtypeError(f"{value!r} is neither a tensor nor an array of numbers")
    if dtype is not None and array.dtype != dtype:
        if not numpy.can_cast(array.dtype, dtype, "same_kind") and array.size:
            raise DtypeError(f"Expected {numpy.dtype(dtype).name}, got {array.dtype.name} values instead.")
        array = array.astype(dtype)
    return array


def _check_list(value: Any) -> None:
    try:
        kind = numpy.asarray(value).dtype.kind
    except ValueError as error:
        raise ShapeError(f"a list whose rows differ in length is no tensor: {error}") from None
    if kind not in "biufc":
        raise DtypeError(f"{value!r} is neither a tensor nor an array of numbers")
