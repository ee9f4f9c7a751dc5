"""Shapes: reshape, transpose, broadcast, flip, and the pairs that gradient rules use instead of reading ``x.shape``.

Each op named ``*_like`` takes a reference array of which it reads nothing but the shape, so that rules hold for unknown
dimensions; ``broadcast_like`` and ``unbroadcast`` are each other's gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs.core.arrays import spread
from graphs.core.errors import DtypeError, ShapeError
from graphs.core.node import Value
from graphs.core.op import first_dtype, index_dtype, like_first, numeric, op
from graphs.core.portable import constant
from graphs.core.spec import Shape, Spec, axes_of, axis_of, broadcast, show
from graphs.core.sums import sum_over


Axes = int | tuple[int, ...] | None
"""One axis, several, or None for all."""


def dims_of(x: Any) -> Shape | None:
    """What is known of the shape of a rule's argument: an array, a ghost, a tensor or a graph value."""
    return x.dims if isinstance(x, Value) else x.shape


def rank(x: Any) -> int | None:
    """The number of dimensions of a rule's argument; None where it is not known."""
    dims = dims_of(x)
    return None if dims is None else len(dims)


def fit(g: Any, x: Any) -> Any:
    """``g`` unbroadcast to the shape of ``x``; ``g`` itself where the two shapes are known to agree."""
    dims = dims_of(x)
    if dims is not None and None not in dims and dims_of(g) == dims:
        return g
    return unbroadcast(g, x)


def check_fits(dims: Shape, into: Shape) -> None:
    """Raise ShapeError where a value of shape ``dims`` does not broadcast to the shape ``into``."""
    out = broadcast(dims, into)
    if len(out) != len(into) or any(m != n and m is not None and n is not None for m, n in zip(out, into, strict=True)):
        raise ShapeError(f"{show(dims)} does not broadcast to {show(into)}")


def first_number(first: Any, *_: Any, **__: Any) -> Any:
    """The dtype rule of ops that add up elements of their first argument: its dtype. Raises DtypeError for bool."""
    return numeric(first)


def _spread(x: Spec, like: Spec) -> Shape | None:
    if x.dims is not None and like.dims is not None:
        check_fits(x.dims, like.dims)
    return like.dims


def _gathered(x: Spec, like: Spec) -> Shape | None:
    if x.dims is not None and like.dims is not None:
        check_fits(like.dims, x.dims)
    return like.dims


def _as_many(x: Spec, like: Spec) -> Shape | None:
    if x.size is not None and like.size is not None and x.size != like.size:
        raise ShapeError(f"{x.size} elements cannot take the shape {show(like.dims)}")
    return like.dims


# The pairs that rules use


@op(_gathered, dtype=first_number, traits={"reduction", "view"})
def unbroadcast(xp: Any, x: Any, _like: Any) -> Any:
    """``x`` summed over the axes along which ``like`` would be broadcast to it: the gradient of broadcasting."""
    shape = _like.shape
    if x.shape == shape:
        return x
    extra = x.ndim - len(shape)
    if x.shape[extra:] == shape:
        return sum_over(x, tuple(range(extra))) if x.dtype.kind == "f" else x.sum(axis=tuple(range(extra)), dtype=x.dtype)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1 and x.shape[i + extra] != 1)
    out = x.sum(axis=axes, keepdims=True, dtype=x.dtype) if axes else x
    return out.reshape(shape)


@op(_spread, dtype=first_dtype, traits={"view"})
def broadcast_like(xp: Any, x: Any, _like: Any) -> Any:
    """``x`` broadcast to the shape of ``like`` (a view)."""
    return spread(xp, x, _like.shape)


unbroadcast.vjp(lambda g, _out, _x, _like: broadcast_like(g, _x), None)
broadcast_like.vjp(lambda g, _out, _x, _like: unbroadcast(g, _x), None)


@op(_as_many, dtype=first_dtype, traits={"view"})
def reshape_like(xp: Any, x: Any, _like: Any) -> Any:
    """``x`` in the shape of ``like``, which has as many elements (a view where memory allows)."""
    return x.reshape(_like.shape)


reshape_like.vjp(lambda g, _out, _x, _like: reshape_like(g, _x), None)


@op(like_first, dtype=first_dtype, traits={"strict"})
def ones_like(xp: Any, _x: Any) -> Any:
    """Ones of the shape and dtype of ``x``."""
    return xp.ones(_x.shape, _x.dtype)


ones_like.vjp(None)


@op(like_first, dtype=first_dtype, traits={"strict"})
def zeros_like(xp: Any, _x: Any) -> Any:
    """Zeros of the shape and dtype of ``x``."""
    return xp.zeros(_x.shape, _x.dtype)


zeros_like.vjp(None)


def beside(x: Any, like: Any) -> Any:
    """``x``; where it is a Python number, an array of it in the dtype of ``like``, as functions in gradient rules need."""
    return x + zeros_like(like) if isinstance(x, (int, float)) else x


@op(like_first, dtype=lambda x, *, value, dtype: numpy.dtype(dtype or x))
def full_like(xp: Any, _x: Any, *, value: Any, dtype: Any = None) -> Any:
    """An array of the shape of ``x``, filled with the scalar ``value``; of its dtype where none is given."""
    return xp.full(_x.shape, value, dtype or _x.dtype)


full_like.vjp(None)


@op(lambda x: (None if x.dims is None else len(x.dims),), dtype=index_dtype)
def shape_of(xp: Any, _x: Any) -> Any:
    """The shape of ``x`` as an int64 vector."""
    return constant(xp, _x.shape, xp.int64).copy()


shape_of.vjp(None)


@op(lambda x: (), dtype=index_dtype)
def size_of(xp: Any, _x: Any) -> Any:
    """The number of elements of ``x``, int64."""
    return xp.asarray(math.prod(_x.shape), xp.int64)


size_of.vjp(None)


# The same elements in another shape


def _reshaped(x: Spec, *, shape: tuple[int, ...]) -> Shape:
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) > 1 or any(n < -1 for n in shape):
        raise ShapeError(f"{show(shape)} is no shape: sizes are not negative, and at most one -1 stands for the rest")
    if x.size is None:
        return tuple(None if n == -1 else n for n in shape)
    if -1 not in shape:
        if known != x.size:
            raise ShapeError(f"{x.size} elements do not fit the shape {show(shape)}")
        return shape
    if known == 0 or x.size % known:
        raise ShapeError(f"{x.size} elements do not fit the shape {show(shape)}")
    return tuple(x.size // known if n == -1 else n for n in shape)


@op(_reshaped, traits={"view"})
def reshape(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    """``x`` in another shape, in row-major order; one -1 stands for what is left (a view where memory allows)."""
    return x.reshape(shape)


reshape.vjp(lambda g, _out, _x: reshape_like(g, _x))


def vector_to_shape(dims: Spec) -> Shape | None:
    """What is known of a shape that is itself computed: the number of dimensions, at most."""
    if dims.ndim != 1:
        raise ShapeError("a shape is a vector")
    return None if dims.shape[0] is None else (None,) * dims.shape[0]


def _sized_dtype(first: Any, dims: Any) -> Any:
    if dims.kind not in "iu":
        raise DtypeError(f"a shape is made of integers, not of {dims}")
    return first


@op(lambda _x, dims: vector_to_shape(dims), dtype=_sized_dtype, traits={"view", "lenient"})
def reshape_to(xp: Any, x: Any, dims: Any) -> Any:
    """``x`` in the shape that the integer vector ``dims`` holds, one -1 allowed: for shapes known only when running."""
    return x.reshape(tuple(map(int, dims)))


reshape_to.vjp(lambda g, _out, _x, _dims: reshape_like(g, _x), None)


def _transposed(x: Spec, *, axes: tuple[int, ...] | None) -> Shape:
    if axes is None:
        return x.shape[::-1]
    if len(axes_of(axes, x.ndim)) != x.ndim:
        raise ShapeError(f"axes {axes} do not name each of {x.ndim} dimensions")
    return tuple(x.shape[axis] for axis in axes)


@op(_transposed, traits={"view"})
def transpose(xp: Any, x: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    """``x`` with its axes in the order ``axes``; reversed by default (a view)."""
    return x.transpose(axes)


def _inverse(axes: tuple[int, ...] | None) -> tuple[int, ...] | None:
    if axes is None:
        return None
    out = [0] * len(axes)
    for position, axis in enumerate(axes):
        out[axis] = position
    return tuple(out)


transpose.vjp(lambda g, _out, _x, *, axes: transpose(g, axes=_inverse(axes)))


def _swapped(x: Spec, *, axis1: int, axis2: int) -> Shape:
    out = list(x.shape)
    i, j = axis_of(axis1, x.ndim), axis_of(axis2, x.ndim)
    out[i], out[j] = out[j], out[i]
    return tuple(out)


@op(_swapped, traits={"view"})
def swapaxes(xp: Any, x: Any, *, axis1: int, axis2: int) -> Any:
    """``x`` with two of its axes exchanged (a view)."""
    return x.swapaxes(axis1, axis2)


swapaxes.vjp(lambda g, _out, _x, *, axis1, axis2: swapaxes(g, axis1=axis1, axis2=axis2))


@op(lambda x: (*x.shape[:-2], *_last_two(x)[::-1]), traits={"view"})
def matrix_transpose(xp: Any, x: Any) -> Any:
    """``x`` with its last two axes exchanged (a view)."""
    return x.swapaxes(-1, -2)


matrix_transpose.vjp(lambda g, _out, _x: matrix_transpose(g))


def _last_two(x: Spec) -> Shape:
    if x.ndim < 2:
        raise ShapeError("a matrix has at least two dimensions")
    return x.shape[-2:]


def _expanded(x: Spec, *, axis: int | tuple[int, ...]) -> Shape:
    added = 1 if isinstance(axis, int) else len(axis)
    places = axes_of(axis, x.ndim + added)
    rest = iter(x.shape)
    return tuple(1 if i in places else next(rest) for i in range(x.ndim + added))


@op(_expanded, traits={"view"})
def expand_dims(xp: Any, x: Any, *, axis: int | tuple[int, ...]) -> Any:
    """``x`` with axes of size 1 put in, at the places ``axis`` of the result (a view)."""
    return xp.expand_dims(x, axis)


def _squeezed(x: Spec, *, axis: Axes) -> Shape | None:
    shape = x.shape
    if axis is None:
        return None if None in shape else tuple(n for n in shape if n != 1)
    axes = axes_of(axis, x.ndim)
    for i in axes:
        if shape[i] not in (1, None):
            raise ShapeError(f"axis {i} has size {shape[i]}, and only axes of size 1 can be squeezed")
    return tuple(n for i, n in enumerate(shape) if i not in axes)


@op(_squeezed, traits={"view"})
def squeeze(xp: Any, x: Any, *, axis: Axes = None) -> Any:
    """``x`` without the axes ``axis`` of size 1, by default without any of size 1 (a view)."""
    return x.squeeze(axis)


expand_dims.vjp(lambda g, _out, _x, *, axis: squeeze(g, axis=axis))
squeeze.vjp(lambda g, _out, _x: reshape_like(g, _x))


def _broadcast_to(x: Spec, *, shape: tuple[int, ...]) -> Shape:
    if x.dims is not None:
        check_fits(x.dims, shape)
    return shape


@op(_broadcast_to, traits={"view"})
def broadcast_to(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    """``x`` broadcast to ``shape`` by numpy's rule (a view)."""
    return spread(xp, x, shape)


broadcast_to.vjp(lambda g, _out, _x: unbroadcast(g, _x))


# The same elements in other places


def _same_with_axes(x: Spec, *, axis: Axes, **_: Any) -> Shape | None:
    if x.dims is not None:
        axes_of(axis, x.ndim)
    return x.dims


@op(_same_with_axes, traits={"view"})
def flip(xp: Any, x: Any, *, axis: Axes = None) -> Any:
    """``x`` with the order of its elements reversed along ``axis``, by default along every axis (a view)."""
    return xp.flip(x, axis)


flip.vjp(lambda g, _out, _x, *, axis: flip(g, axis=axis))


def _rolled(x: Spec, *, shift: int | tuple[int, ...], axis: Axes) -> Shape | None:
    if isinstance(shift, tuple) and (not isinstance(axis, tuple) or len(axis) != len(shift)):
        raise ShapeError(f"{len(shift)} shifts want as many axes, got {axis}")
    return _same_with_axes(x, axis=axis)


@op(_rolled)
def roll(xp: Any, x: Any, *, shift: int | tuple[int, ...], axis: Axes = None) -> Any:
    """``x`` with its elements moved by ``shift`` along ``axis``, those pushed out coming in at the other end.

    Without an axis the elements move in row-major order.
    """
    return xp.roll(x, shift, axis)


roll.vjp(
    lambda g, _out, _x, *, shift, axis: roll(
        g, shift=tuple(-n for n in shift) if isinstance(shift, tuple) else -shift, axis=axis
    )
)


@op(_same_with_axes)
def shift(xp: Any, x: Any, *, by: int, axis: int, fill: float = 0) -> Any:
    """``x`` with its elements moved by ``by`` along ``axis``; those pushed out are lost, ``fill`` comes in."""
    out = xp.full(x.shape, fill, x.dtype)
    to, source = xp.moveaxis(out, axis, 0), xp.moveaxis(x, axis, 0)
    if by >= 0:
        to[by:] = source[: max(len(source) - by, 0)]
    else:
        to[:by] = source[-by:]
    return out


shift.vjp(lambda g, _out, _x, *, by, axis: shift(g, by=-by, axis=axis))
