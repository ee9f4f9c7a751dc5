"""Between PyTorch's layout, with channels after the batch, and that of the kernels, with channels last."""

from __future__ import annotations

from operator import index as as_int
from typing import Any

from dynamic.apply import apply
from graphs.core.errors import ShapeError, at_line
from graphs.core.op import Op
from graphs.ops import expand_dims, squeeze, transpose


def numbers(value: Any, count: int, what: str) -> tuple[int, ...]:
    """One integer per spatial dimension, where one stands for all. Raises ShapeError for another number of them."""
    if not isinstance(value, (tuple, list)):
        return (as_int(value),) * count
    if len(value) not in (1, count):
        raise ShapeError(f"{what} is a single integer or {count} of them, not {tuple(value)}{at_line()}")
    each = tuple(as_int(n) for n in value)
    return each * count if len(each) == 1 else each


def check(value: tuple[int, ...], least: int, what: str) -> None:
    """Raise ShapeError where one of ``value`` is less than ``least``."""
    if min(value) < least:
        raise ShapeError(f"{what} is at least {least}, not {value}{at_line()}")


def check_rank(input: Any, count: int, what: str) -> None:
    """Raise ShapeError where ``input`` has neither channels and ``count`` spatial dimensions nor a batch of them."""
    if input._array.ndim not in (count + 1, count + 2):
        raise ShapeError(
            f"{what}: input of {count + 1} dimensions, or {count + 2} with a batch, is wanted, "
            f"not of shape {tuple(input._array.shape)}{at_line()}"
        )


def channels_last(input: Any, count: int) -> Any:
    """``input`` with its channels at the end, a view; where it has no batch, with a batch of one."""
    if input._array.ndim == count + 1:
        input = apply(expand_dims, (input,), {"axis": 0})
    return apply(transpose, (input,), {"axes": (0, *range(2, count + 2), 1)})


def channels_first(out: Any, count: int, batched: bool) -> Any:
    """What a kernel gave, with the channels where PyTorch has them; without the batch where there was none.

    The memory stays as it is, but nobody else sees it in another way: the result is no view of another tensor.
    """
    out = apply(transpose, (out,), {"axes": (0, count + 1, *range(1, count + 1))})
    out = out if batched else apply(squeeze, (out,), {"axis": (0,)})
    out._source = None  # its count of changes it keeps: the record of a kernel may have kept what it gave
    return out


def along_windows(op: Op, input: Any, count: int, **params: Any) -> Any:
    """What ``op`` makes of ``input``, both with channels first."""
    out = apply(op, (channels_last(input, count),), params)
    return channels_first(out, count, input._array.ndim == count + 2)
