"""Other ways to walk over the same memory: windows along an axis, and any sizes and strides. Their gradients add up."""

from __future__ import annotations

import math
from typing import Any

from graphs.core.errors import ShapeError
from graphs.core.op import op
from graphs.core.spec import Shape, Spec, axis_of
from graphs.ops.shape import first_number


def _framed(x: Spec, *, axis: int, size: int, step: int) -> Shape:
    place = axis_of(axis, x.ndim)
    length = x.shape[place]
    if size < 0 or step < 1 or (length is not None and size > length):
        raise ShapeError(f"windows of {size} in steps of {step} along an axis of {length}")
    number = None if length is None else (length - size) // step + 1
    return (*x.shape[:place], number, *x.shape[place + 1 :], size)


@op(_framed, traits={"view"})
def frames(xp: Any, x: Any, *, axis: int, size: int, step: int = 1) -> Any:
    """The windows of ``size`` elements along ``axis`` that begin ``step`` elements apart, as a last axis (a view)."""
    windows = xp.lib.stride_tricks.sliding_window_view(x, size, axis, writeable=True)
    return windows[(*(slice(None),) * (axis % x.ndim), slice(None, None, step))]


@op(lambda x, like, **_: like.dims, dtype=first_number)
def frames_adjoint(xp: Any, x: Any, _like: Any, *, axis: int, size: int, step: int = 1) -> Any:
    """Zeros of the shape of ``like``, the windows ``x`` added where ``frames`` had taken them: its gradient."""
    out = xp.zeros(_like.shape, x.dtype)
    place = axis % out.ndim
    number = x.shape[place]
    along = (slice(None),) * place
    for tap in range(size if number else 0):
        out[(*along, slice(tap, tap + (number - 1) * step + 1, step))] += x[..., tap]
    return out


frames.vjp(lambda g, _out, _x, *, axis, size, step: frames_adjoint(g, _x, axis=axis, size=size, step=step))
frames_adjoint.vjp(lambda g, _out, _x, _like, *, axis, size, step: frames(g, axis=axis, size=size, step=step), None)


def _strided(x: Spec, *, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Shape:
    if len(size) != len(stride) or any(n < 0 for n in (*size, *stride, offset)):
        raise ShapeError(f"sizes {size} with strides {stride} from {offset}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if math.prod(size) and x.size is not None and last >= x.size:
        raise ShapeError(f"sizes {size} with strides {stride} from {offset} reach beyond {x.size} elements")
    return size


@op(_strided, traits={"view"})
def as_strided(xp: Any, x: Any, *, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> Any:
    """An array of the given size whose steps along each axis are ``stride`` elements of ``x`` in row-major order.

    A view where ``x`` lies in memory in that order. Elements may come several times.
    """
    _strided(Spec.of(x), size=size, stride=stride, offset=offset)
    flat = x.reshape(-1)
    return xp.lib.stride_tricks.as_strided(flat[offset:], size, [step * flat.strides[0] for step in stride])


@op(lambda x, like, **_: like.dims, dtype=first_number)
def as_strided_adjoint(
    xp: Any, x: Any, _like: Any, *, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0
) -> Any:
    """Zeros of the shape of ``like``, each of ``x`` added where ``as_strided`` had read it: its gradient."""
    out = xp.zeros(math.prod(_like.shape), x.dtype)
    places = xp.full((1,) * len(size), offset)
    for axis, (n, step) in enumerate(zip(size, stride, strict=True)):
        places = places + (xp.arange(n) * step).reshape([n if i == axis else 1 for i in range(len(size))])
    xp.add.at(out, places.reshape(-1), x.reshape(-1))
    return out.reshape(_like.shape)


as_strided.vjp(
    lambda g, _out, _x, *, size, stride, offset: as_strided_adjoint(g, _x, size=size, stride=stride, offset=offset)
)
as_strided_adjoint.vjp(
    lambda g, _out, _x, _like, *, size, stride, offset: as_strided(g, size=size, stride=stride, offset=offset), None
)
