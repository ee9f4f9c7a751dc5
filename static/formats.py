"""Settings of convolutions and pools as TensorFlow 1 writes them: data formats, strides, windows and paddings."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import ShapeError, at_line
from graphs.core.op import Op
from static.calls import FLOATS, taken
from static.tensor import apply


def channels_first(data_format: str | None) -> bool:
    """Whether a data format like ``NCHW`` puts channels before the spatial axes. Raises ValueError for an unknown one."""
    if data_format is None or data_format in ("NWC", "NHWC", "NDHWC"):
        return False
    if data_format in ("NCW", "NCHW", "NCDHW"):
        return True
    raise ValueError(f"no data format {data_format!r}: there are NWC, NHWC, NDHWC, NCW, NCHW and NCDHW{at_line()}")


def per_axis(value: Any, count: int, first: bool, what: str) -> tuple[int, ...]:
    """A setting as one number per spatial axis: given as one number, one each, or one for every axis of the array.

    Raises ValueError where there are another number of them, or for windows over the batch or the channels.
    """
    if value is None:
        return (1,) * count
    each = (int(value),) if isinstance(value, int) or not hasattr(value, "__len__") else tuple(int(n) for n in value)
    if len(each) == 1:
        return each * count
    if len(each) == count:
        return each
    if len(each) != count + 2:
        raise ValueError(f"{what} should be of length 1, {count} or {count + 2} but was {len(each)}{at_line()}")
    if each[0] != 1 or each[1 if first else -1] != 1:
        raise ValueError(f"{what} {list(each)} over the batch or the channels are not taken{at_line()}")
    return each[2:] if first else each[1:-1]


def pads(padding: Any, count: int, first: bool) -> Any:
    """``SAME``, ``VALID``, or a pair for every axis of the array, as ops take paddings. Raises ValueError for others."""
    if isinstance(padding, str):
        if padding not in ("SAME", "VALID"):
            raise ValueError(f"no padding {padding!r}: there are 'SAME' and 'VALID'{at_line()}")
        return "same" if padding == "SAME" else ((0, 0),) * count
    pairs = None if padding is None else tuple((int(before), int(after)) for before, after in padding)
    if pairs is None or len(pairs) != count + 2 or any(pairs[0]) or any(pairs[1 if first else -1]):
        raise ValueError(
            f"padding is 'SAME', 'VALID' or {count + 2} pairs, 0 for batch and channels, not {padding}{at_line()}"
        )
    return pairs[2:] if first else pairs[1:-1]


def channels_last(x: Any, first: bool) -> Any:
    """``x`` with its channels at the end."""
    return apply(ops.transpose, x, axes=(0, *range(2, len(x.shape)), 1)) if first else x


def applied(op: Op, first: bool, name: str | None, node: str, *args: Any, **params: Any) -> Any:
    """A call of ``op``, which gives channels last, with its channels where they are wanted."""
    if not first:
        return apply(op, *args, name=name, node=node, **params)
    out = apply(op, *args, node=node, **params)
    rank = len(out.shape)
    return apply(ops.transpose, out, name=name, node=node, axes=(0, rank - 1, *range(1, rank - 1)))


def ranked(x: Any, rank: int, what: str) -> Any:
    """``x`` as a floating tensor that is known to have ``rank`` dimensions. Raises ShapeError where it has others."""
    x = taken(x, FLOATS, what)
    if x.dims is None:
        x = apply(ops.identity, x)
        x.set_shape([None] * rank)
    if len(x.dims) != rank:
        raise ShapeError(f"{what}: Shape must be rank {rank} but is rank {len(x.dims)} ({x.name} {x.shape}){at_line()}")
    return x


def either(one: Any, other: Any, names: str) -> Any:
    """The argument that was given under one of two names."""
    if (one is None) == (other is None):
        raise ValueError(f"exactly one of {names} is to be given{at_line()}")
    return other if one is None else one
