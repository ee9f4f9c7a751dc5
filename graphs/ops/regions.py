"""Windows of different lengths, side by side or overlapping, as adaptive pools have them."""

from __future__ import annotations

import math
from typing import Any

from graphs.core.errors import ShapeError
from graphs.core.op import index_dtype, op
from graphs.core.portable import constant
from graphs.core.spec import Shape, Spec
from graphs.ops.dtypes import ordered


Bounds = tuple[tuple[int, ...], ...]
"""For each of the last axes, from the front: a number for each region."""


def _regions(x: Spec, *, starts: Bounds, stops: Bounds) -> Shape:
    sizes = x.shape[x.ndim - len(starts) :]
    if len(sizes) < len(starts) or list(map(len, starts)) != list(map(len, stops)):
        raise ShapeError(f"regions from {starts} to {stops} of {x}")
    for size, first, last in zip(sizes, starts, stops, strict=True):
        if any(not 0 <= i < j or (size is not None and j > size) for i, j in zip(first, last, strict=True)):
            raise ShapeError(f"regions from {first} to {last} of an axis of size {size}")
    return (*x.shape[: x.ndim - len(starts)], *map(len, starts))


@op(_regions, dtype=lambda x, **_: index_dtype(ordered(x)))
def region_positions(xp: Any, x: Any, *, starts: Bounds, stops: Bounds) -> Any:
    """Where each region of the last axes has its maximum: a position among their places in row-major order, int64.

    A region is a product of ranges from ``starts`` to before ``stops``. Of equal elements the first is taken; a NaN is the
    maximum.
    """
    sizes = x.shape[x.ndim - len(starts) :]
    found = xp.arange(math.prod(sizes)).reshape(sizes)  # broadcast as late as can be: these are large
    for axis in range(-1, -len(starts) - 1, -1):
        first, last = constant(xp, starts[axis]), constant(xp, stops[axis])
        best = xp.take(x, first, axis)
        place = xp.empty(best.shape, xp.int64)
        place[...] = xp.take(found, first, axis)
        for offset in range(1, max(j - i for i, j in zip(starts[axis], stops[axis], strict=True))):
            at = xp.minimum(first + offset, last - 1)
            other = xp.take(x, at, axis)
            better = ~(other <= best) & ~xp.isnan(best) if x.dtype.kind == "f" else other > best
            xp.copyto(best, other, where=better)
            xp.copyto(place, xp.take(found, at, axis), where=better)
        x, found = best, place
    return found


region_positions.vjp(None)
