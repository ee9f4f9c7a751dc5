"""Windows along one axis as a view, whose gradient adds up where they overlap."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import ShapeError
from graphs.core.op import op
from graphs.core.spec import Shape, Spec, adjoint, axis_of
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


@op(adjoint(_framed), dtype=first_number)
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
