"""Shapes: reshape, transpose, broadcast, and the pairs that gradient rules use instead of reading ``x.shape``.

Each op named ``*_like`` takes a reference array of which it reads nothing but the shape, so that rules hold for unknown
dimensions; ``broadcast_like`` and ``unbroadcast`` are each other's gradient.
"""

from __future__ import annotations

from typing import Any

from graphs.core.op import first_dtype, like_first, op
from graphs.core.spec import Shape, Spec


def _like_second(_x: Spec, like: Spec, **_: Any) -> Shape | None:
    return like.dims


@op(_like_second, dtype=first_dtype, traits={"reduction"})
def unbroadcast(xp: Any, x: Any, _like: Any) -> Any:
    """``x`` summed over the axes along which ``like`` would be broadcast to it: the gradient of broadcasting."""
    shape = _like.shape
    if x.shape == shape:
        return x
    extra = x.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1 and x.shape[i + extra] != 1)
    out = xp.sum(x, axis=axes, keepdims=True) if axes else x
    return out.reshape(shape)


unbroadcast.vjp(lambda g, _out, _x, _like: broadcast_like(g, _x), None)


@op(_like_second, dtype=first_dtype, traits={"view"})
def broadcast_like(xp: Any, x: Any, _like: Any) -> Any:
    """``x`` broadcast to the shape of ``like`` (a view)."""
    return xp.broadcast_to(x, _like.shape)


broadcast_like.vjp(lambda g, _out, _x, _like: unbroadcast(g, _x), None)


@op(like_first, dtype=first_dtype)
def ones_like(xp: Any, _x: Any) -> Any:
    """Ones of the shape and dtype of ``x``."""
    return xp.ones(_x.shape, _x.dtype)


ones_like.vjp(None)


@op(like_first, dtype=first_dtype)
def zeros_like(xp: Any, _x: Any) -> Any:
    """Zeros of the shape and dtype of ``x``."""
    return xp.zeros(_x.shape, _x.dtype)


zeros_like.vjp(None)
