"""What kernels need and not every array module has, or has only with the host waiting for the device.

cupy has no reductions from an initial value, no running ``ufunc.accumulate``, and adds up at positions only what the
hardware adds atomically. Kernels call these; how it is done for which module is decided here.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Any

import numpy

from graphs.core.arrays import is_array, xp_of


_ATOMIC = {
    "add": frozenset("ilqILQefd"),
    "maximum": frozenset("ilqILQfd"),
    "minimum": frozenset("ilqILQfd"),
}
"""The dtypes with which cupy has ``ufunc.at``, for those ufuncs that have it."""

_MOST_CONSTANTS = 256


def looks(xp: Any) -> bool:
    """Whether kernels look at what arrays hold, to refuse what makes no sense or to take a shorter way.

    On a GPU that would make the host wait for all work before, so there they do only where ``DIPTYCH_CHECK_VALUES`` asks for
    it: a class or row that there is not is then an error, where otherwise its number wraps around.
    """
    return xp is numpy or os.environ.get("DIPTYCH_CHECK_VALUES", "0") not in ("", "0")


def unseen(x: Any) -> bool:
    """Whether ``x`` is an array that kernels do not look at (see ``looks``)."""
    return is_array(x) and not isinstance(x, (numpy.ndarray, numpy.generic)) and not looks(None)


def largest(xp: Any, x: Any, least: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The maxima over ``axis``, at least ``least``, which is also the maximum of nothing."""
    if xp is numpy:
        return x.max(axis=axis, keepdims=keepdims, initial=least)
    if x.size:
        return xp.maximum(x.max(axis=axis, keepdims=keepdims), least)
    return xp.full(x.sum(axis=axis, keepdims=keepdims).shape, least, x.dtype)


def combine_at(xp: Any, name: str, out: Any, place: Any, values: Any) -> None:
    """``ufunc.at(out, place, values)`` for an associative ufunc, in place: where a position occurs twice, both count.

    Where the device cannot do that at once, values are sorted by position and combined in log2(n) passes over windows of
    twice the length each (Hillis and Steele 1986), without the host's waiting.
    """
    ufunc = getattr(xp, name)
    if xp is numpy or out.dtype.char in _ATOMIC.get(name, ()):
        ufunc.at(out, place, values)
        return
    at = xp.arange(out.size).reshape(out.shape)[place]
    if not at.size:
        return
    values = xp.broadcast_to(xp.asarray(values, out.dtype), at.shape).reshape(-1)
    at = at.reshape(-1)
    order = xp.argsort(at, kind="stable")
    at, values = at[order], values[order]
    width = 1
    while width < len(at):
        joined = ufunc(values[:-width], values[width:])
        values[width:] = xp.where(at[width:] == at[:-width], joined, values[width:])
        width *= 2
    slots = xp.arange(out.size)
    last = xp.maximum(xp.searchsorted(at, slots, side="right") - 1, 0)
    flat = out.reshape(-1)
    out[...] = xp.where(at[last] == slots, ufunc(flat, values[last]), flat).reshape(out.shape)


def running(xp: Any, name: str, x: Any, axis: int) -> Any:
    """``ufunc.accumulate(x, axis)`` for an associative ufunc."""
    ufunc = getattr(xp, name)
    if xp is numpy:
        return ufunc.accumulate(x, axis)
    out = xp.moveaxis(x, axis, 0).copy()
    width = 1
    while width < len(out):
        out[width:] = ufunc(out[:-width], out[width:])
        width *= 2
    return xp.moveaxis(out, 0, axis)


_constants: OrderedDict[Any, Any] = OrderedDict()


def constant(xp: Any, value: Any, dtype: Any = None) -> Any:
    """An array of the host that never changes as one of module ``xp``, which is not to be written to.

    What has been copied to a device is kept there for the next call.
    """
    host = numpy.asarray(value, dtype)
    if xp is numpy:
        return host
    key = (xp.cuda.get_device_id(), host.dtype.str, host.shape, host.tobytes())
    found = _constants.get(key)
    if found is None or xp_of((found,)).ndarray is not xp.ndarray:
        found = _constants[key] = xp.asarray(host)
        if len(_constants) > _MOST_CONSTANTS:
            _constants.popitem(last=False)
    else:
        _constants.move_to_end(key)
    return found


def forget() -> None:
    """Let go of the constants that are kept on devices."""
    _constants.clear()
