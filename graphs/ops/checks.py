"""Ops that look at a value in the run and give it on: what a graph could not know while it was built."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import DtypeError, PositionError, ShapeError
from graphs.core.op import first_dtype, like_first, op
from graphs.core.portable import looks
from graphs.core.spec import Shape, Spec, show


def _ensured(x: Spec, *, dims: Shape) -> Shape:
    if x.dims is None:
        return dims
    if len(x.dims) != len(dims) or any(None not in (m, n) and m != n for m, n in zip(x.dims, dims, strict=True)):
        raise ShapeError(f"a value of shape {show(x.dims)} has not the shape {show(dims)}")
    return tuple(m if n is None else n for m, n in zip(x.dims, dims, strict=True))


@op(_ensured, dtype=first_dtype, traits={"view"})
def ensure_shape(xp: Any, x: Any, *, dims: Shape) -> Any:
    """``x``. Raises ShapeError where it has not the shape ``dims``, in which None stands for any size."""
    if not Spec(dims, x.dtype).admits(x.shape):
        raise ShapeError(f"a value of shape {show(x.shape)} has not the shape {show(dims)}")
    return x


ensure_shape.vjp(lambda g, _out, _x: g)


def _whole(dtype: Any) -> Any:
    if dtype.kind not in "iu":
        raise DtypeError(f"positions are integers, not {dtype}")
    return dtype


@op(like_first, dtype=_whole, traits={"lenient", "view"})
def from_front(xp: Any, indices: Any) -> Any:
    """``indices``. Raises PositionError where one is negative, as positions that count from the end are elsewhere."""
    if looks(xp) and indices.size and indices.min() < 0:
        raise PositionError(f"position {indices[indices < 0].reshape(-1)[0] if indices.ndim else indices} is negative")
    return indices


from_front.vjp(None)
