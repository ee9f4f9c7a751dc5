"""Changing a variable, or a tensor, at positions: ``scatter_sub``, ``scatter_nd_update``, ``tensor_scatter_add``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from graphs import ops
from graphs.core.arrays import to_numpy
from graphs.core.op import Op, first_dtype, like_first
from graphs.core.portable import combine_at
from static.indexing import positions
from static.state import _check_rows, _session_op
from static.tensor import apply, convert_to_tensor


def _put(xp: Any, out: Any, at: Any, updates: Any, how: str) -> Any:
    """Put ``updates`` into ``out``, an array of our own, in the way that ``how`` names."""
    if how == "update":
        out[at] = updates
    elif xp is not numpy:
        return _combined(xp, out, at, updates, how)
    elif how == "div":
        xp.divide.at(out, at, updates) if out.dtype.kind in "fc" else xp.floor_divide.at(out, at, updates)
    else:
        getattr(xp, _UFUNCS[how]).at(out, at, updates)
    return out


def _combined(xp: Any, out: Any, at: Any, updates: Any, how: str) -> Any:
    """``_put`` on a GPU, where not all ufuncs have ``at``."""
    if how == "div" and out.dtype.kind not in "fc":  # the order of the quotients counts
        places = tuple(map(to_numpy, at)) if isinstance(at, tuple) else to_numpy(at)
        return xp.asarray(_put(numpy, to_numpy(out), places, to_numpy(updates), how))
    if how == "div":
        divisors = xp.ones_like(out)
        combine_at(xp, "multiply", divisors, at, updates)
        return out / divisors
    combine_at(xp, "add" if how == "sub" else _UFUNCS[how], out, at, -updates if how == "sub" else updates)
    return out


_UFUNCS = {"add": "add", "sub": "subtract", "mul": "multiply", "min": "minimum", "max": "maximum"}


@_session_op("scatter_rows", like_first, first_dtype, "update")
def scatter_rows_op(xp: Any, variable: Any, indices: Any, updates: Any, *, how: str) -> Any:
    """The variable's value with ``updates`` put into the rows at ``indices``, once for each time an index occurs."""
    _check_rows(xp, variable, indices, updates)
    return _put(xp, variable.copy(), indices, updates, how)


@_session_op("scatter_elements", like_first, first_dtype, "update")
def scatter_elements_op(xp: Any, variable: Any, indices: Any, updates: Any, *, how: str) -> Any:
    """The variable's value with ``updates`` put at the positions that the last axis of ``indices`` holds."""
    at = tuple(xp.moveaxis(indices, -1, 0))
    for axis, places in enumerate(at):
        if places.size and (places.min() < 0 or places.max() >= variable.shape[axis]):
            raise IndexError(f"positions from {places.min()} to {places.max()} along axis {axis} of {variable.shape}")
    return _put(xp, variable.copy(), at, updates, how)


for _op in (scatter_rows_op, scatter_elements_op):
    _op.vjp(None, None, None)


def _scatter(name: str, op: Op, how: str, node: str, doc: str) -> Callable[..., Any]:
    def function(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
        given = convert_to_tensor(updates, ref.dtype)
        return apply(op, ref.handle, convert_to_tensor(indices), given, name=name, node=node, how=how)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _rows(how: str) -> Callable[..., Any]:
    doc = f"A tensor that, when it is run, changes ({how}) the rows of the variable at ``indices``, and is its new value."
    return _scatter(f"scatter_{how}", scatter_rows_op, how, f"Scatter{how.capitalize()}", doc)


def _elements(how: str) -> Callable[..., Any]:
    doc = f"A tensor that, when it is run, changes ({how}) the variable at the positions in the last axis of ``indices``."
    return _scatter(f"scatter_nd_{how}", scatter_elements_op, how, f"ScatterNd{how.capitalize()}", doc)


scatter_sub = _rows("sub")
scatter_mul = _rows("mul")
scatter_div = _rows("div")
scatter_min = _rows("min")
scatter_max = _rows("max")
scatter_nd_update = _elements("update")
scatter_nd_add = _elements("add")
scatter_nd_sub = _elements("sub")


def tensor_scatter_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """``tensor`` with ``updates`` at the positions that the last axis of ``indices`` holds."""
    return _tensor_put(tensor, indices, updates, False, name, "TensorScatterUpdate")


def tensor_scatter_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """``tensor`` with ``updates`` added at the positions that the last axis of ``indices`` holds."""
    return _tensor_put(tensor, indices, updates, True, name, "TensorScatterAdd")


def tensor_scatter_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """``tensor`` with ``updates`` subtracted at the positions that the last axis of ``indices`` holds."""
    x = convert_to_tensor(tensor)
    taken = ops.negative(convert_to_tensor(updates, preferred_dtype=x.dtype))
    return _tensor_put(x, indices, taken, True, name, "TensorScatterSub")


def _tensor_put(tensor: Any, indices: Any, updates: Any, add: bool, name: str | None, node: str) -> Any:
    x = convert_to_tensor(tensor)
    values = convert_to_tensor(updates, preferred_dtype=x.dtype)
    places = positions(convert_to_tensor(indices))
    return apply(ops.index_put, x, values, *places, name=name, node=node, accumulate=add)
