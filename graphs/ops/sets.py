"""Vectors as sets: the values that differ, how often each occurs, and what one has that the other lacks."""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import first_dtype, numeric, op
from graphs.core.portable import combine_at, largest
from graphs.core.spec import Shape, Spec
from graphs.ops.logic import less, where
from graphs.ops.segments import segment_take
from graphs.ops.shape import check_fits, fit, size_of


_INT64 = numpy.dtype(numpy.int64)


def _vector(*specs: Spec) -> None:
    if any(spec.dims is not None and spec.ndim != 1 for spec in specs):
        raise ShapeError(f"vectors are wanted, not {' and '.join(map(str, specs))}")


def _distinct(x: Spec) -> tuple[Shape, Shape, Shape]:
    _vector(x)
    return ((None,), (None,) if x.dims is None else x.dims, (None,))


@op(_distinct, dtype=lambda x: (x, _INT64, _INT64))
def unique(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    """The values of a vector that differ, in the order in which they first occur; which of them each element is; how often
    each occurs (both int64). Every NaN differs."""
    values, first, which, counts = xp.unique(x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False)
    order = xp.argsort(first)
    return values[order], xp.argsort(order)[which], counts[order]


def _difference(x: Spec, y: Spec) -> tuple[Shape, Shape]:
    _vector(x, y)
    return ((None,), (None,))


@op(_difference, dtype=lambda x, y: (first_dtype(x), _INT64))
def listdiff(xp: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """The elements of the vector ``x`` that are not in ``y``, in their order, and their positions, int64."""
    places = xp.flatnonzero(~xp.isin(x, y))
    return x[places], places


def _counts(x: Spec, weights: Spec, *, minlength: int, maxlength: int | None) -> Shape:
    if weights.dims is not None and x.dims is not None:
        check_fits(weights.dims, x.dims)
    return (minlength,) if minlength == maxlength else (None,)


def _weighed(x: Any, weights: Any, **_: Any) -> Any:
    if x.kind not in "iu":
        raise DtypeError(f"integers are counted, not {x}")
    return numeric(weights)


@op(_counts, dtype=_weighed)
def bincount(xp: Any, x: Any, weights: Any, *, minlength: int = 0, maxlength: int | None = None) -> Any:
    """For each number from 0 up to the greatest of ``x`` the sum of the ``weights`` of the elements that are it.

    The numbers go at least up to ``minlength`` and at most up to ``maxlength``, both excluded; those beyond are not counted.
    """
    numbers = x.reshape(-1)
    if (numbers < 0).any():
        raise ValueError(f"bincount: {numbers.min()} is negative")
    size = max(int(largest(xp, numbers, -1)) + 1, minlength)
    size = size if maxlength is None else min(size, maxlength)
    counted = numbers < size
    out = xp.zeros(size, weights.dtype)
    combine_at(xp, "add", out, numbers[counted], xp.broadcast_to(weights, x.shape).reshape(-1)[counted])
    return out


bincount.vjp(None, lambda g, _out, x, _weights: fit(segment_take(g, where(less(x, size_of(g)), x, -1)), _weights))
