"""Products and extremes of elements and what is scattered to them (PyTorch's ``scatter_reduce``); see ``scatter_add``."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import DtypeError
from graphs.core.op import op
from graphs.core.portable import combine_at
from graphs.ops.elementwise import cast_like
from graphs.ops.indexing import added_dtype, grid, scatter_add, scattered, take_along_axis
from graphs.ops.logic import equal, logical_and, where
from graphs.ops.shape import broadcast_like, fit, ones_like, zeros_like


def _ordered(first: Any, indices: Any, updates: Any, **_: Any) -> Any:
    if first.kind == "c":
        raise DtypeError("complex numbers have no order")
    return added_dtype(first, indices, updates)


@op(scattered, dtype=added_dtype)
def scatter_prod(xp: Any, x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    """``x`` with the elements that ``take_along_axis`` would take at ``indices`` multiplied by ``updates``."""
    out = x.copy()
    combine_at(xp, "multiply", out, grid(xp, indices, axis), updates)
    return out


def _product_slope(g: Any, _out: Any, x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    return g * scatter_prod(ones_like(x), indices, updates, axis=axis)


def _factor_slope(g: Any, out: Any, x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    """By division; a factor that is the only 0 at its place is left out instead."""
    each = broadcast_like(updates, indices)
    zero = equal(each, 0.0)
    counts = scatter_add(zeros_like(x), indices, cast_like(zero, x), axis=axis)
    alone = logical_and(zero, equal(take_along_axis(counts, indices, axis=axis), 1.0))
    rest = scatter_prod(x, indices, where(alone, 1.0, each), axis=axis)
    left = take_along_axis(g * rest, indices, axis=axis)
    slope = where(alone, left, take_along_axis(g * out, indices, axis=axis) / where(zero, 1.0, each))
    return fit(slope, updates)


scatter_prod.vjp(_product_slope, None, _factor_slope)


@op(scattered, dtype=_ordered)
def scatter_max(xp: Any, x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    """``x``, where ``take_along_axis`` would take at ``indices`` the maximum with ``updates``.

    The gradient is shared equally among elements that tie.
    """
    out = x.copy()
    combine_at(xp, "maximum", out, grid(xp, indices, axis), updates)
    return out


@op(scattered, dtype=_ordered)
def scatter_min(xp: Any, x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    """``x``, where ``take_along_axis`` would take at ``indices`` the minimum with ``updates``.

    The gradient is shared equally among elements that tie.
    """
    out = x.copy()
    combine_at(xp, "minimum", out, grid(xp, indices, axis), updates)
    return out


def _shares(g: Any, out: Any, x: Any, indices: Any, updates: Any, axis: int) -> tuple[Any, Any, Any]:
    """``g`` in equal shares, and which elements and updates get one."""
    own = equal(x, out)
    come = equal(broadcast_like(updates, indices), take_along_axis(out, indices, axis=axis))
    count = scatter_add(cast_like(own, g), indices, cast_like(come, g), axis=axis)
    return g / count, own, come


def _own_share(g: Any, out: Any, x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    share, own, _ = _shares(g, out, x, indices, updates, axis)
    return where(own, share, 0.0)


def _update_share(g: Any, out: Any, x: Any, indices: Any, updates: Any, *, axis: int) -> Any:
    share, _, come = _shares(g, out, x, indices, updates, axis)
    return fit(where(come, take_along_axis(share, indices, axis=axis), 0.0), updates)


scatter_max.vjp(_own_share, None, _update_share)
scatter_min.vjp(_own_share, None, _update_share)
