"""Functions that put elements in order, or pick one by its place in the order: sort, topk, median, mode, quantile.

Where elements are picked, their places are found on the array and the elements gathered, so that a gradient flows to them.
"""

from __future__ import annotations

from operator import index as as_int
from typing import Any

import numpy

from dynamic.apply import Carried, apply, wrap
from dynamic.dtypes import type_name
from dynamic.functions.calling import named, on_host, results
from dynamic.functions.reductions import axes_of
from graphs.core.errors import DtypeError, PositionError, ShapeError, at_line
from graphs.core.op import OPS


RESULTS: dict[str, Any] = {
    name: results(name, "values indices") for name in ("sort", "topk", "kthvalue", "median", "nanmedian", "mode")
}
"""What the functions of these names return."""


def _as_row(input: Any, dim: Any) -> tuple[Any, int]:
    """A tensor with dimensions, of a scalar a row of one, and ``dim`` from the front."""
    ndim = input._array.ndim
    if not ndim:
        axes_of(input, dim)
        return input.reshape(1), 0
    if not -ndim <= dim < ndim:
        raise PositionError(f"dimension {dim} of {ndim}{at_line()}")
    return input, as_int(dim) % ndim


def sort(input: Any, dim: Any = -1, descending: bool = False, stable: bool | None = False) -> Any:
    """The elements in order along ``dim``, and where they stood; equal ones keep their order."""
    if isinstance(dim, bool):  # sort(stable, dim, descending)
        dim, descending = -1 if descending is False else descending, bool(stable)
    x, axis = _as_row(input, dim)
    values, indices = apply(OPS["sort"], (x,), {"axis": axis, "descending": descending})
    if x is not input:
        values, indices = values.reshape(()), indices.reshape(())
    return RESULTS["sort"](values, indices)


def argsort(input: Any, dim: Any = -1, descending: bool = False, stable: bool = False) -> Any:
    """Where the elements in order stood."""
    if isinstance(dim, bool):
        dim, descending = -1 if descending is False else descending, stable
    x, axis = _as_row(input, dim)
    out = apply(OPS["argsort"], (x,), {"axis": axis, "descending": descending})
    return out if x is input else out.reshape(())


def msort(input: Any) -> Any:
    """The elements in order along the first dimension."""
    return sort(input, 0).values


def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The ``k`` greatest (or smallest) elements along ``dim``, and where they stood."""
    x, axis = _as_row(input, dim)
    if not 0 <= k <= x._array.shape[axis]:
        raise ShapeError(f"topk: {k} of {x._array.shape[axis]} elements{at_line()}")
    values, indices = apply(OPS["topk"], (x,), {"k": int(k), "axis": axis, "largest": largest})
    if x is not input and k == 1:
        values, indices = values.reshape(()), indices.reshape(())
    return RESULTS["topk"](values, indices)


def _picked(name: str, input: Any, axis: int, places: Any, keepdim: bool, scalar: bool) -> Any:
    """The elements at ``places`` along ``axis``, where these have size 1."""
    indices = wrap(places)
    values = apply(OPS["take_along_axis"], (input, indices), {"axis": axis})
    if scalar or not keepdim:
        values, indices = values.squeeze(axis), indices.squeeze(axis)
    return RESULTS[name](values, indices)


@on_host
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The ``k``-th smallest element along ``dim``, counted from 1, and where it stood."""
    x, axis = _as_row(input, dim)
    size = x._array.shape[axis]
    if not 1 <= k <= size:
        raise ShapeError(f"kthvalue: {k} of {size} elements{at_line()}")
    order = numpy.argsort(x._array, axis, stable=True)
    return _picked("kthvalue", x, axis, order.take([k - 1], axis), keepdim, x is not input)


def _middle(name: str, input: Any, dim: int | None, keepdim: bool, skip_nan: bool) -> Any:
    if dim is None:
        return apply(OPS["median"], (input,), {"skip_nan": skip_nan})
    return _middle_along(name, input, dim, keepdim, skip_nan)


@on_host
def _middle_along(name: str, input: Any, dim: int, keepdim: bool, skip_nan: bool) -> Any:
    x, axis = _as_row(input, dim)
    array = x._array
    size = array.shape[axis]
    if not size:
        raise PositionError(f"{name}: dimension {dim} is empty{at_line()}")
    order = numpy.argsort(array, axis, stable=True)
    if array.dtype.kind != "f":
        return _picked(name, x, axis, order.take([(size - 1) // 2], axis), keepdim, x is not input)
    count = size - numpy.isnan(array).sum(axis, keepdims=True)
    # NaN stand last: the first of them where there is one and it counts.
    rank = numpy.maximum(count - 1, 0) // 2 if skip_nan else numpy.where(count < size, count, (size - 1) // 2)
    return _picked(name, x, axis, numpy.take_along_axis(order, rank, axis), keepdim, x is not input)


def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower of two: of all, or along ``dim`` with where it stood. NaN where there is one."""
    return _middle("median", input, dim, keepdim, False)


def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle one of the elements that are no NaN; see ``median``."""
    return _middle("nanmedian", input, dim, keepdim, True)


@on_host
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent element along ``dim``, the smallest of several, and the last place where it stands."""
    x, axis = _as_row(input, dim)
    array = numpy.moveaxis(x._array, axis, -1)
    places = numpy.empty((*array.shape[:-1], 1), numpy.int64)
    for at in numpy.ndindex(*array.shape[:-1]):
        values, counts = numpy.unique(array[at], return_counts=True)
        places[at] = numpy.flatnonzero(array[at] == values[counts.argmax()])[-1]
    return _picked("mode", x, axis, numpy.moveaxis(places, -1, axis), keepdim, x is not input)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(input: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str, skip_nan: bool) -> Any:
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"quantile: interpolation is one of {', '.join(_INTERPOLATIONS)}, not {interpolation!r}{at_line()}"
        )
    if input._array.dtype.kind != "f":
        raise DtypeError(f"quantile takes floating-point tensors, not {type_name(input._array.dtype)}{at_line()}")
    wanted = q._array if isinstance(q, Carried) else numpy.asarray(q, input._array.dtype)
    if wanted.ndim > 1 or (isinstance(q, Carried) and wanted.dtype != input._array.dtype):
        raise DtypeError(f"quantile: q is a number, a scalar or a vector of the same dtype{at_line()}")
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise RuntimeError(f"quantile: q lies between 0 and 1{at_line()}")
    rank = input._array.ndim
    x, axis = (input.reshape(-1), 0) if dim is None else _as_row(input, dim)
    size = x._array.shape[axis]
    if not size:
        raise RuntimeError(f"quantile of nothing{at_line()}")
    ordered = sort(x.movedim(axis, -1), -1).values
    count = (~numpy.isnan(ordered._array)).sum(-1, keepdims=True)
    last = numpy.maximum(count - 1, 0) if skip_nan else numpy.full_like(count, size - 1)
    place = wanted.reshape(-1) * last.astype(wanted.dtype)  # (..., number of q)
    if not skip_nan:
        place = numpy.where(count < size, size - 1, place)  # there stands a NaN
    if interpolation in ("lower", "higher", "nearest"):
        rounding: Any = {"lower": numpy.floor, "higher": numpy.ceil, "nearest": numpy.round}[interpolation]
        out = _gathered(ordered, rounding(place))
    else:
        low = numpy.floor(place)
        weight = numpy.full_like(place, 0.5) if interpolation == "midpoint" else place - low
        out = apply(
            OPS["lerp"], (_gathered(ordered, low), _gathered(ordered, numpy.ceil(place)), wrap(weight.astype(wanted.dtype)))
        )
    out = out.movedim(-1, 0)
    if dim is not None and rank:
        out = out.unsqueeze(axis + 1) if keepdim else out
    elif keepdim:
        out = out.reshape(len(out), *(1,) * rank)
    return out if wanted.ndim else out.squeeze(0)


def _gathered(ordered: Any, place: Any) -> Any:
    return apply(OPS["take_along_axis"], (ordered, wrap(place.astype(numpy.int64))), {"axis": -1})


@on_host
def quantile(input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
    """The quantiles ``q`` of all elements or along ``dim``, interpolated; several ``q`` make a first dimension."""
    return _quantile(input, q, dim, keepdim, interpolation, False)


@on_host
def nanquantile(input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
    """The quantiles of the elements that are no NaN; see ``quantile``."""
    return _quantile(input, q, dim, keepdim, interpolation, True)


FUNCTIONS = named(sort, argsort, msort, topk, kthvalue, median, nanmedian, mode, quantile, nanquantile)
"""Functions of this module; all are methods too."""

METHODS = FUNCTIONS
