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
    if kind == "b" or dtype.kind in "bO" or _KINDS.index(kind) > _KINDS.index("i" if dtype.kind == "u" else dtype.kind):
        raise DtypeError(f"Expected {dtype.name}, got {value!r} of type '{type(value).__name__}' instead.")


def as_array(value: Any, dtype: Any = None) -> numpy.ndarray[Any, Any]:
    """``value`` (array, scalar, nested list) as an array of ``dtype``; without one, in the dtype that TensorFlow gives it.

    Raises TypeError where the conversion would lose something that the dtype's kind does not have.
    """
    if (dtype is not None and dtype.kind == "O") or (dtype is None and _is_text(value)):
        return as_strings(value)
    if dtype is None and not is_array(value):
        _check_list(value)
        dtype = natural(value)
        return numpy.asarray(value, dtype)
    array = numpy.asarray(value)
    if array.dtype.kind not in "biufc":
        raise DtypeError(f"{value!r} is neither a tensor nor an array of numbers")
    if dtype is not None and array.dtype != dtype:
        # Python's whole numbers have no sign of their own: what an unsigned dtype can hold is no loss.
        whole = not is_array(value) and array.dtype.kind == "i" and numpy.dtype(dtype).kind == "u"
        fits = whole and array.size and array.min() >= 0 and array.max() <= numpy.iinfo(dtype).max
        if not fits and not numpy.can_cast(array.dtype, dtype, "same_kind") and array.size:
            raise DtypeError(f"Expected {numpy.dtype(dtype).name}, got {array.dtype.name} values instead.")
        array = array.astype(dtype)
    return array


def as_strings(value: Any) -> numpy.ndarray[Any, Any]:
    """``value`` (strings, bytes, nested lists, arrays of them) as an array of bytes objects, which is how strings are kept.

    Raises TypeError where something else is among them.
    """
    given = numpy.asarray(value, dtype=object)
    array = numpy.empty(given.shape, dtype=object)
    for index, item in enumerate(given.flat):
        if not isinstance(item, (str, bytes)):
            raise DtypeError(f"Expected string, got {item!r} of type '{type(item).__name__}' instead.")
        array.flat[index] = item.encode() if isinstance(item, str) else bytes(item)
    return array


def _is_text(value: Any) -> bool:
    """Whether ``value`` is a string, an array of strings, or a nested list that begins with one."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    if isinstance(value, numpy.ndarray):
        return value.dtype.kind in "SU" or (value.dtype.kind == "O" and all(isinstance(x, (str, bytes)) for x in value.flat))
    return isinstance(value, (str, bytes))


def _check_list(value: Any) -> None:
    try:
        kind = numpy.asarray(value).dtype.kind
    except ValueError as error:
        raise ShapeError(f"a list whose rows differ in length is no tensor: {error}") from None
    if kind not in "biufc":
        raise DtypeError(f"{value!r} is neither a tensor nor an array of numbers")
