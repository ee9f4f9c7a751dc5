"""Pools over the last two axes, under Theano's names."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.theano.variable import as_tensor_variable


def pool_2d(
    input: Any,
    ws: Any = None,
    ignore_border: bool | None = None,
    stride: Any = None,
    pad: tuple[int, int] = (0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """The maximum, sum or mean of each window of the last two axes of ``input``.

    Args:
        ws: rows and columns of a window (``ds`` in older programs).
        ignore_border: whether windows that do not lie wholly inside are left out.
        stride: how far windows are apart, by default as far as they are long.
        pad: how many rows and columns stand before and after; windows then lie wholly inside.
        mode: ``"max"``, ``"sum"``, ``"average_inc_pad"`` or ``"average_exc_pad"``.
    """
    x = as_tensor_variable(input)
    window = _pair(ds if ws is None else ws)
    strides = _pair(stride if st is None else st) if (stride, st) != (None, None) else window
    around = _pair(pad if padding is None else padding)
    if x.ndim < 2:
        raise NotImplementedError(f"pool_2d requires a dimension >= 2{at_line()}")
    if around != (0, 0) and not ignore_border:
        raise NotImplementedError(f"padding works only with ignore_border=True{at_line()}")
    # Where borders count, so much room after the end lets every window stand that begins inside.
    room = [0 if ignore_border else (w if s >= w else s) - 1 for w, s in zip(window, strides, strict=True)]
    pads = tuple((n, n + more) for n, more in zip(around, room, strict=True))
    lead = [x.shape[i] for i in range(x.ndim - 2)]
    flat = x.reshape([-1, x.shape[x.ndim - 2], x.shape[x.ndim - 1], 1])
    how = {"window": window, "strides": strides, "padding": pads}
    if mode == "max":
        out = ops.max_pool(flat, **how)
    elif mode == "sum" or (mode == "average_inc_pad" and around != (0, 0)):
        out = ops.sum_pool(flat, **how)
        out = out if mode == "sum" else out / float(window[0] * window[1])
    elif mode in ("average_exc_pad", "average_inc_pad"):
        out = ops.avg_pool(flat, **how)
    else:
        raise ValueError(f"invalid pooling mode {mode!r}{at_line()}")
    return out.reshape([*lead, out.shape[1], out.shape[2]])


def _pair(given: Any) -> tuple[int, int]:
    if given is None:
        raise ValueError(f"pool_2d is not given the size of its windows{at_line()}")
    rows, columns = (given, given) if isinstance(given, int) else given
    return int(rows), int(columns)


def max_pool_2d(
    input: Any, ds: Any, ignore_border: bool | None = None, st: Any = None, padding: Any = (0, 0), mode: str = "max"
) -> Any:
    """``pool_2d`` with the names of its arguments before Theano 0.9."""
    return pool_2d(input, ds, ignore_border, st, padding, mode)
