"""Segments, counts in several dimensions, and non-zero elements in a given number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from dynamic.apply import apply, wrap
from dynamic.functions.calling import named, on_host, results
from graphs.core.errors import PositionError, ShapeError, at_line
from graphs.core.op import OPS


HISTOGRAMDD = results("histogramdd", "hist bin_edges")

_EMPTY = {"sum": 0.0, "mean": math.nan, "max": -math.inf, "min": math.inf, "prod": 1.0}
"""What each way to reduce makes of nothing."""

_WAYS: dict[str, Callable[[Any, int], Any]] = {
    "sum": lambda x, axis: x.sum(axis),
    "mean": lambda x, axis: x.sum(axis),
    "max": lambda x, axis: x.amax(axis),
    "min": lambda x, axis: x.amin(axis),
    "prod": lambda x, axis: x.prod(axis),
}
_SAME = {"amax": "max", "amin": "min"}


@on_host
def segment_reduce(
    data: Any,
    reduce: str,
    *,
    lengths: Any = None,
    indices: Any = None,
    offsets: Any = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: Any = None,
) -> Any:
    """Segments of ``data`` along ``axis``, which follow one another, each reduced to one element.

    Args:
        data: floating-point numbers.
        reduce: sum, mean, max, min or prod; an empty segment gives what these have for nothing, or ``initial``.
        lengths: of the segments, along the last dimension; those before it are dimensions of ``data`` up to ``axis``.
        indices: not supported, as in PyTorch.
        offsets: where the segments begin and the last one ends, in place of lengths.
        axis: the last dimension of ``lengths``.
        unsafe: do not check that the lengths come to the size of ``data``.
        initial: what each reduction begins with.
    """
    way = _SAME.get(reduce, reduce)
    if way not in _WAYS:
        raise ShapeError(f"segment_reduce: reduce is sum, mean, max, min or prod, not {reduce!r}{at_line()}")
    if indices is not None:
        raise ShapeError(f"segment_reduce: indices based reduction is not supported yet{at_line()}")
    if lengths is None and offsets is None:
        raise ShapeError(f"segment_reduce: either lengths or offsets must be defined{at_line()}")
    if not -data.dim() <= axis < data.dim():
        raise PositionError(f"Dimension out of range: {axis} of {data.dim()} dimensions{at_line()}")
    axis %= data.dim()
    given = (lengths if offsets is None else offsets)._array
    if given.ndim - 1 != axis:
        raise ShapeError(f"segment_reduce: axis {axis} is the last of the {given.ndim} dimensions of lengths{at_line()}")
    if offsets is None:
        bounds = numpy.concatenate([numpy.zeros_like(given[..., :1]), numpy.cumsum(given, -1)], -1)
        if not unsafe and given.size and given.min() < 0:
            raise ShapeError(f"lengths contains negative value!{at_line()}")
        if not unsafe and (bounds[..., -1] != data._array.shape[axis]).any():
            raise ShapeError(f"segment_reduce: lengths do not sum to the {data._array.shape[axis]} of data{at_line()}")
    else:
        bounds = given

    def inside(x: Any, rows: Any) -> Any:
        if rows.ndim > 1:
            parts = tuple(inside(x[i], row) for i, row in enumerate(rows))
        else:
            parts = tuple(_one(x[a:b], way, initial) for a, b in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True))
        return apply(OPS["stack"], parts, {"axis": 0})

    return inside(data, bounds)


def _one(x: Any, way: str, initial: Any) -> Any:
    """One segment reduced along its first dimension."""
    count = len(x)
    if not count:
        return wrap(numpy.full(x._array.shape[1:], _EMPTY[way] if initial is None else initial, x._array.dtype))
    y = _WAYS[way](x, 0)
    if initial is not None:
        if way in ("max", "min"):
            y = apply(OPS["maximum" if way == "max" else "minimum"], (y, wrap(numpy.asarray(initial, y._array.dtype))))
        else:
            y = y * initial if way == "prod" else y + initial
    return y / count if way == "mean" else y


@on_host
def nonzero_static(input: Any, *, size: int, fill_value: int = -1) -> Any:
    """The positions of the first ``size`` non-zero elements, a row each; rows of ``fill_value`` where there are fewer."""
    if size < 0:
        raise ShapeError(f"nonzero_static: size must be a non-negative integer, not {size}{at_line()}")
    found = numpy.argwhere(input._array)[:size] if input.dim() else numpy.zeros((size, 0), numpy.int64)
    out = numpy.full((size, input.dim()), fill_value, numpy.int64)
    out[: len(found)] = found
    return wrap(out)


@on_host
def histogramdd(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """How many rows of ``input`` fall into each of a grid of bins, and the edges of the bins.

    Args:
        input: (..., D): points in D dimensions.
        bins: the number of bins, for all dimensions or each, or the edges for each.
        range: lower and upper bound for each dimension, one after the other; by default those of the points.
        weight: what each point counts.
        density: give densities, which integrate to 1.
    """
    array = input._array
    if array.ndim < 2:
        raise ShapeError(f"histogramdd: input has to have at least 2 dimensions, not {array.ndim}{at_line()}")
    points = array.reshape(-1, array.shape[-1])
    given = bins if isinstance(bins, int) else [getattr(each, "_array", each) for each in bins]
    pairs = None if range is None else list(zip(range[::2], range[1::2], strict=True))
    weights = None if weight is None else weight._array.reshape(-1)
    counts, edges = numpy.histogramdd(points, given, pairs, density, weights)
    return HISTOGRAMDD(
        wrap(counts.astype(array.dtype)), tuple(wrap(numpy.asarray(edge, dtype=array.dtype)) for edge in edges)
    )


METHODS = named(nonzero_static)
"""What is a method too."""

FUNCTIONS = {**METHODS, **named(segment_reduce, histogramdd)}
"""Functions of the package."""
