"""Pools of ``torch.nn.functional``, in one, two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

from dynamic.apply import unary
from dynamic.names import lacking
from dynamic.nn.layout import along_windows, check, check_rank, numbers
from graphs import ops
from graphs.core.errors import PositionError, ShapeError, at_line


def _windows(
    what: str, count: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> dict[str, Any]:
    """The kernels' settings for a pool: the padding after is what makes PyTorch's number of windows."""
    check_rank(input, count, what)
    window = numbers(kernel_size, count, f"{what}: kernel_size")
    given = stride is None or (isinstance(stride, (tuple, list)) and not stride)
    strides = window if given else numbers(stride, count, f"{what}: stride")
    pads = numbers(padding, count, f"{what}: padding")
    spread = numbers(dilation, count, f"{what}: dilation")
    for value, least, name in (
        (window, 1, "kernel_size"),
        (strides, 1, "stride"),
        (pads, 0, "padding"),
        (spread, 1, "dilation"),
    ):
        check(value, least, f"{what}: {name}")
    found = []
    shape = tuple(input._array.shape)
    for size, k, s, p, d in zip(shape[-count:], window, strides, pads, spread, strict=True):
        extent = (k - 1) * d + 1
        if p > extent // 2:
            raise ShapeError(f"{what}: padding {p} is more than half of a window of {extent}{at_line()}")
        number, room = _number(size, extent, s, p, ceil_mode)
        if number < 1:
            raise ShapeError(f"{what}: no window of {window} fits into the input of shape {shape}{at_line()}")
        found.append((p, p + max(0, (number - 1) * s - room)))
    return {"window": window, "strides": strides, "padding": tuple(found), "dilation": spread}


def _number(size: int, extent: int, stride: int, padding: int, ceil_mode: bool) -> tuple[int, int]:
    """How many windows there are, and how far the first can be moved."""
    room = size + 2 * padding - extent
    number = (-(-room // stride) if ceil_mode else room // stride) + 1
    # A last window that would begin in the padding after is left out.
    return (number - 1 if ceil_mode and (number - 1) * stride >= size + padding else number), room


def _max(
    count: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, indices: bool
) -> Any:
    how = _windows(f"max_pool{count}d", count, input, kernel_size, stride, padding, dilation, ceil_mode)
    out = along_windows(ops.max_pool, input, count, **how)
    return (out, along_windows(ops.max_pool_positions, input.detach(), count, **how)) if indices else out


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of each channel of ``input``, (N, C, L) or (C, L); arguments as for ``max_pool2d``."""
    return _max(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of each channel of ``input``, (N, C, H, W) or (C, H, W).

    Args:
        kernel_size, dilation: one integer, or one for each dimension.
        stride: the same; as far as a window is long by default.
        padding: the same, at most half of a window; it never wins.
        ceil_mode: whether a last window may reach beyond the input and its padding.
        return_indices: also give where the maxima are, int64 positions among the places of a channel in row-major order.

    A NaN is the maximum of its window: of several the first, where PyTorch takes the last. Raises ShapeError where sizes do
    not fit.
    """
    return _max(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of each channel of ``input``, (N, C, D, H, W) or (C, D, H, W)."""
    return _max(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _average(
    count: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: Any = None,
) -> Any:
    what = f"avg_pool{count}d"
    how = _windows(what, count, input, kernel_size, stride, padding, 1, ceil_mode)
    if divisor is not None:
        if not divisor:
            raise ShapeError(f"{what}: the divisor is not zero{at_line()}")
        return along_windows(ops.sum_pool, input, count, **how) / divisor
    del how["dilation"]
    counted = tuple((before, before) for before, _ in how["padding"]) if count_include_pad else None
    return along_windows(ops.avg_pool, input, count, **how, counted=counted)


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window of each channel of ``input``, (N, C, L) or (C, L); arguments as for ``avg_pool2d``."""
    return _average(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of each channel of ``input``, (N, C, H, W) or (C, H, W).

    Args:
        kernel_size, stride, padding, ceil_mode: as for ``max_pool2d``.
        count_include_pad: whether padding counts, as zeros.
        divisor_override: what to divide sums by in place of the number of elements.

    Raises ShapeError where sizes do not fit.
    """
    return _average(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of each channel of ``input``, (N, C, D, H, W) or (C, D, H, W)."""
    return _average(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# Norms


def _norm(count: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Any:
    what = f"lp_pool{count}d"
    if input._array.ndim <= count:
        raise PositionError(
            f"{what}: channels and {count} dimensions are wanted, not {tuple(input._array.shape)}{at_line()}"
        )
    window = numbers(kernel_size, count, f"{what}: kernel_size")
    mean = _average(count, input.pow(norm_type), kernel_size, stride, 0, ceil_mode, True)
    return (mean.sign() * unary(ops.relu, mean.abs()) * math.prod(window)).pow(1.0 / norm_type)


def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The ``norm_type``-norm of each window of each channel of ``input``, (N, C, L) or (C, L)."""
    return _norm(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """``sum(x ** p) ** (1 / p)`` over each window of each channel of ``input``, (N, C, H, W) or (C, H, W).

    ``norm_type`` is p; windows as for ``max_pool2d``. Where the sum is negative, its size counts.
    """
    return _norm(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The ``norm_type``-norm of each window of each channel of ``input``, (N, C, D, H, W) or (C, D, H, W)."""
    return _norm(3, input, norm_type, kernel_size, stride, ceil_mode)


__getattr__ = lacking(__name__)
