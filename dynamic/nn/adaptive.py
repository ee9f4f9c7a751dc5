"""Pools of ``torch.nn.functional`` that are told their output's size, at random places too, and the way back from maxima."""

from __future__ import annotations

import math
from operator import index as as_int
from typing import Any

from dynamic.apply import apply, wrap
from dynamic.functions.creation import rand, tensor, zeros
from dynamic.names import lacking
from dynamic.nn.layout import along_windows, check, check_rank, numbers
from graphs import ops
from graphs.core.errors import ShapeError, at_line


def _sizes(what: str, count: int, input: Any, output_size: Any) -> tuple[int, ...]:
    """The sizes wanted; None stands for the input's."""
    check_rank(input, count, what)
    shape = tuple(input._array.shape)
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * count
    if len(given) != count:
        raise ShapeError(f"{what}: output_size is a single integer or {count} of them, not {given}{at_line()}")
    sizes = tuple(
        n if wanted is None and count > 1 else as_int(wanted) for n, wanted in zip(shape[-count:], given, strict=True)
    )
    if min(shape[-count - 1 :]) == 0:
        raise ShapeError(f"{what}: an input of shape {shape} has nothing to pool{at_line()}")
    check(sizes, 0, f"{what}: output_size")
    return sizes


def _even(input: Any, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The window that an ordinary pool would have, where all regions are alike and none is missing."""
    shape = input._array.shape[-len(sizes) :]
    if 0 in sizes or any(size % number for size, number in zip(shape, sizes, strict=True)):
        return None
    return tuple(size // number for size, number in zip(shape, sizes, strict=True))


def _empty(input: Any, sizes: tuple[int, ...]) -> Any:
    return zeros(*input._array.shape[: -len(sizes)], *sizes, dtype=input.dtype, device=input.device)


# Means


def _average(count: int, input: Any, output_size: Any) -> Any:
    sizes = _sizes(f"adaptive_avg_pool{count}d", count, input, output_size)
    axes = tuple(range(-count, 0))
    if set(sizes) == {1} and input._array.dtype.kind == "f":
        return apply(ops.mean, (input,), {"axis": axes, "keepdims": True})
    if 0 in sizes:
        return _empty(input, sizes)
    window = _even(input, sizes)
    if window is not None:
        return along_windows(ops.avg_pool, input, count, window=window, strides=window)
    return apply(ops.resample, (input,), {"axes": axes, "sizes": sizes, "kind": "mean"})


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The means of ``output_size`` regions of each channel of ``input``, (N, C, L) or (C, L)."""
    return _average(1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The means of regions of each channel of ``input``, (N, C, H, W) or (C, H, W): (N, C, *output_size).

    Of n elements, output i of m has those from floor(i n / m) to ceil((i + 1) n / m). In ``output_size``, one integer or
    one for each dimension, None keeps the input's size. Raises ShapeError where sizes do not fit.
    """
    return _average(2, input, output_size)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """The means of regions of each channel of ``input``, (N, C, D, H, W) or (C, D, H, W)."""
    return _average(3, input, output_size)


# Maxima


def at_positions(input: Any, positions: Any, count: int) -> Any:
    """The elements of each channel at ``positions`` among its places, which gradients flow back to."""
    lead = input._array.shape[:-count]
    flat = input.reshape(*lead, -1).gather(-1, positions.reshape(*lead, -1))
    return flat.reshape(*positions._array.shape)


def _maximum(count: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    sizes = _sizes(f"adaptive_max_pool{count}d", count, input, output_size)
    window = _even(input, sizes)
    if window is not None and not return_indices:
        return along_windows(ops.max_pool, input, count, window=window, strides=window)
    if 0 in sizes:
        out = _empty(input, sizes)
        return (out, out.long()) if return_indices else out
    shape = input._array.shape[-count:]
    starts = tuple(tuple(i * n // m for i in range(m)) for n, m in zip(shape, sizes, strict=True))
    stops = tuple(tuple(-(-(i + 1) * n // m) for i in range(m)) for n, m in zip(shape, sizes, strict=True))
    positions = apply(ops.region_positions, (input.detach(),), {"starts": starts, "stops": stops})
    out = at_positions(input, positions, count)
    return (out, positions) if return_indices else out


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of ``output_size`` regions of each channel of ``input``, (N, C, L) or (C, L)."""
    return _maximum(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of regions of each channel of ``input``, (N, C, H, W) or (C, H, W); regions as in ``adaptive_avg_pool2d``.

    With ``return_indices`` also where they are, int64 positions among the places of a channel in row-major order.
    """
    return _maximum(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of regions of each channel of ``input``, (N, C, D, H, W) or (C, D, H, W)."""
    return _maximum(3, input, output_size, return_indices)


# Back to where maxima were


def _unpool(count: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Any:
    what = f"max_unpool{count}d"
    check_rank(input, count, what)
    if indices._array.shape != input._array.shape:
        raise ShapeError(
            f"{what}: indices of shape {tuple(indices._array.shape)} for {tuple(input._array.shape)}{at_line()}"
        )
    if indices._array.dtype.kind not in "iu":
        raise ShapeError(f"{what}: indices are int64{at_line()}")
    window = numbers(kernel_size, count, f"{what}: kernel_size")
    strides = numbers(stride, count, f"{what}: stride") if stride not in (None, (), []) else window
    pads = numbers(padding, count, f"{what}: padding")
    *lead, _ = input._array.shape if count == 1 else (*input._array.shape[:-count], 0)
    every = zip(input._array.shape[-count:], window, strides, pads, strict=True)
    sizes = tuple((n - 1) * s + k - 2 * p for n, k, s, p in every)
    if output_size is not None:
        wanted = tuple(map(as_int, output_size))
        if len(wanted) == count + 2:
            wanted = wanted[2:]
        if len(wanted) != count:
            raise ValueError(f"{what}: output_size has {count} or {count + 2} numbers, not {tuple(output_size)}{at_line()}")
        if any(not n - s < m < n + s for n, m, s in zip(sizes, wanted, strides, strict=True)):
            raise ValueError(f"{what}: output_size {wanted} is less than a stride of {strides} away from {sizes}{at_line()}")
        sizes = wanted
    empty = zeros(*lead, math.prod(sizes), dtype=input.dtype, device=input.device)
    values, places = (x.reshape(*lead, -1) for x in (input, indices))
    return apply(ops.scatter, (empty, places, values), {"axis": -1}).reshape(*lead, *sizes)


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Zeros with ``input`` at ``indices``, where a pool of (N, C, L) or (C, L) had its maxima; see ``max_unpool2d``."""
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Zeros with ``input`` at ``indices``, where ``max_pool2d`` with these settings had its maxima (Zeiler et al. 2011).

    ``output_size`` says which of the sizes it was that the pool takes to the input's, with or without batch and channels.
    Raises ShapeError where sizes do not fit, ValueError for an ``output_size`` that the pool would not have taken there.
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Zeros with ``input`` at ``indices``, where a pool of (N, C, D, H, W) or (C, D, H, W) had its maxima."""
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)


# Pools at random places


def _fractional(
    count: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, return_indices: bool, samples: Any
) -> Any:
    what = f"fractional_max_pool{count}d"
    check_rank(input, count, what)
    shape = tuple(input._array.shape)
    window = numbers(kernel_size, count, f"{what}: kernel_size")
    if output_size is None:
        if output_ratio is None:
            raise ValueError(f"{what}: output_size or output_ratio is to be given{at_line()}")
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * count
        sizes = tuple(int(n * ratio) for n, ratio in zip(shape[-count:], ratios, strict=True))
    else:
        sizes = numbers(output_size, count, f"{what}: output_size")
    check(sizes, 1, f"{what}: output_size")
    # Of volumes PyTorch wants one element more than the windows need.
    if any(m + k - 1 > n - (count == 3) for n, m, k in zip(shape[-count:], sizes, window, strict=True)):
        raise ShapeError(f"{what}: {sizes} windows of {window} do not fit into an input of shape {shape}{at_line()}")
    batch = 1 if len(shape) == count + 1 else shape[0]
    if samples is None:
        samples = rand(batch, shape[-count - 1], count, dtype=input.dtype)
    places: Any = 0
    # PyTorch's samples of planes are for the last dimension first, those of volumes for the first.
    order = (1, 0) if count == 2 else range(count)
    for axis, sample in enumerate(order):
        first = _starts(samples[..., sample], shape[axis - count], sizes[axis], window[axis])
        inside = first.unsqueeze(-1) + tensor(range(window[axis]))
        layout = [batch, shape[-count - 1], *(1,) * (2 * count)]
        layout[2 + axis], layout[2 + count + axis] = sizes[axis], window[axis]
        places = places * shape[axis - count] + inside.reshape(*layout)
    lead = shape[:-count]
    found = places.reshape(*lead, math.prod(sizes), math.prod(window))
    values = input.detach().reshape(*lead, 1, -1).expand(*lead, math.prod(sizes), -1).gather(-1, found)
    best = values.argmax(-1).unsqueeze(-1)
    positions = found.gather(-1, best).reshape(*lead, *sizes)
    out = at_positions(input, positions, count)
    return (out, positions) if return_indices else out


def _starts(samples: Any, size: int, number: int, window: int) -> Any:
    """Where windows begin: about evenly apart, moved by a random sample, the last at the end (Graham 2014)."""
    last = size - window
    if number == 1:
        return wrap(samples._array[..., None] * 0 + last).long()
    step = last / (number - 1)
    at = ((samples.unsqueeze(-1) + tensor(range(number))) * step).long() - (samples.unsqueeze(-1) * step).long()
    return at.masked_fill(tensor(range(number)) == number - 1, last)


def fractional_max_pool2d(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The maxima of windows of ``kernel_size`` at random places of ``input``, (N, C, H, W) or (C, H, W) (Graham 2014).

    Args:
        output_size: how many windows there are, one integer or one for each dimension; or
        output_ratio: which part of the input's size that is.
        return_indices: also give where the maxima are, as ``max_pool2d`` does.

    Raises ShapeError where sizes do not fit, ValueError where neither size nor ratio is given.
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool3d(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The maxima of windows at random places of ``input``, (N, C, D, H, W) or (C, D, H, W)."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


__getattr__ = lacking(__name__)
