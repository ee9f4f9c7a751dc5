"""Normalisation by mean and variance, of batches, layers, groups and instances, as functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from dynamic.apply import apply, wrap
from dynamic.names import lacking
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.ops import pad, standardize


def _several(size: int, shape: Sequence[int]) -> None:
    if size == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size torch.Size({list(shape)})")


def _per_channel(tensor: Any, input: Any, what: str) -> Any:
    """A vector with an element for each channel, in a shape that broadcasts against ``input``; None stays None."""
    if tensor is None:
        return None
    spatial = input._array.ndim - 2
    if tensor._array.shape != (input._array.shape[1],):
        raise ShapeError(
            f"{what} should contain {input._array.shape[1]} elements, not be of shape {tensor._array.shape}{at_line()}"
        )
    return tensor.reshape((-1,) + (1,) * spatial) if spatial > 0 else tensor


def _standardized(input: Any, weight: Any, bias: Any, axis: tuple[int, ...], eps: float, uniform: bool) -> tuple[Any, ...]:
    """``input`` normalised along ``axis``, with the mean and the variance that it had."""
    dtype = input._array.dtype
    if weight is not None and weight._array.dtype != dtype and dtype.itemsize > 2:  # half precision has wider weights too
        raise DtypeError(f"normalization takes one dtype, not {dtype} with weights of {weight._array.dtype}{at_line()}")
    scale = numpy.ones((), dtype) if weight is None else weight
    offset = numpy.zeros((), dtype) if bias is None else bias
    params = {"axis": axis, "epsilon": eps, "uniform": uniform}
    found: tuple[Any, ...] = apply(standardize, (input, scale, offset), params)
    return found


def _by_running(input: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    """``input`` normalised by the mean and the variance of each channel that were collected in training."""
    if mean is None or variance is None:
        raise ShapeError(f"out of training, running_mean and running_var are needed{at_line()}")
    xp: Any = xp_of((variance._array,))
    inverse = 1 / xp.sqrt(variance._array + variance._array.dtype.type(eps))
    scale = wrap(inverse) if weight is None else weight * wrap(inverse)
    shift = scale * wrap(-mean._array)
    return input * scale + (shift if bias is None else shift + bias)


def _follow(running: Any, value: Any, momentum: float) -> None:
    """Move a running mean or variance towards ``value``, in place."""
    if running is not None:
        array = running._array
        array += momentum * (value.reshape(array.shape) - array)
        running._touch()


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel of (N, C, ...) with mean 0 and variance 1, times ``weight`` plus ``bias`` (Ioffe and Szegedy 2015).

    In training these are the batch's own, and the running ones move towards them by ``momentum`` (the variance's corrected);
    else they are the running ones. Raises ValueError for a batch of one value for each channel.
    """
    if input._array.ndim < 2:
        raise ShapeError(f"batch_norm takes 2 dimensions or more, not {input._array.ndim}{at_line()}")
    shape = input._array.shape
    size = math.prod(shape) // shape[1] if shape[1] else 0
    if training:
        _several(size, shape)
    scale, offset = _per_channel(weight, input, "weight"), _per_channel(bias, input, "bias")
    mean, variance = _per_channel(running_mean, input, "running_mean"), _per_channel(running_var, input, "running_var")
    if not training:
        return _by_running(input, mean, variance, scale, offset, eps)
    axes = (0, *range(2, len(shape)))
    out, centre, spread = _standardized(input, scale, offset, axes, eps, True)
    if size:
        _follow(running_mean, centre._array, momentum)
        _follow(running_var, spread._array * (size / max(size - 1, 1)), momentum)
    return out


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel of each example of (N, C, ...) with mean 0 and variance 1 (Ulyanov, Vedaldi and Lempitsky 2016).

    Without ``use_input_stats`` the running mean and variance are used, as by ``batch_norm``. Raises ValueError where a
    channel has one value.
    """
    if input._array.ndim < 2:
        raise ShapeError(f"instance_norm takes 2 dimensions or more, not {input._array.ndim}{at_line()}")
    shape = input._array.shape
    scale, offset = _per_channel(weight, input, "weight"), _per_channel(bias, input, "bias")
    mean, variance = _per_channel(running_mean, input, "running_mean"), _per_channel(running_var, input, "running_var")
    if not use_input_stats:
        return _by_running(input, mean, variance, scale, offset, eps)
    size = math.prod(shape[2:])
    if size == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size torch.Size({list(shape)})")
    out, centre, spread = _standardized(input, scale, offset, tuple(range(2, len(shape))), eps, True)
    _follow(running_mean, centre._array.mean(axis=0), momentum)
    _follow(running_var, spread._array.mean(axis=0) * (size / max(size - 1, 1)), momentum)
    return out


def _normalized_axes(name: str, input: Any, normalized_shape: Sequence[int], **given: Any) -> tuple[int, ...]:
    """The last dimensions of ``input``, which have the shape ``normalized_shape``, as have ``given``."""
    wanted = tuple(normalized_shape)
    if not wanted:
        raise ShapeError(f"{name}: normalized_shape has one dimension at least{at_line()}")
    shape = input._array.shape
    if shape[max(len(shape) - len(wanted), 0) :] != wanted:
        raise ShapeError(f"{name}: the input's last dimensions are to be {wanted}, not those of {shape}{at_line()}")
    for what, tensor in given.items():
        if tensor is not None and tensor._array.shape != wanted:
            raise ShapeError(f"{name}: {what} is of shape {tensor._array.shape}, not {wanted}{at_line()}")
    return tuple(range(len(shape) - len(wanted), len(shape)))


def layer_norm(input: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """The last dimensions with mean 0 and variance 1, times ``weight`` plus ``bias`` (Ba, Kiros and Hinton 2016)."""
    axes = _normalized_axes("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return _standardized(input, weight, bias, axes, eps, False)[0]


def rms_norm(input: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """The input over the root of the mean square of its last dimensions, times ``weight`` (Zhang and Sennrich 2019).

    ``eps`` is the dtype's precision where it is not given.
    """
    axes = _normalized_axes("rms_norm", input, normalized_shape, weight=weight)
    least = float(numpy.finfo(input._array.dtype).eps) if eps is None else eps
    out = input * ((input * input).mean(axes, keepdim=True) + least).rsqrt()
    return out if weight is None else out * weight


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each group of channels of each example of (N, C, ...) with mean 0 and variance 1 (Wu and He 2018)."""
    if input._array.ndim < 2:
        raise ShapeError(f"group_norm takes 2 dimensions or more, not {input._array.ndim}{at_line()}")
    examples, channels, *rest = input._array.shape
    if num_groups <= 0 or channels % num_groups:
        raise ShapeError(f"group_norm: {channels} channels do not make {num_groups} groups{at_line()}")
    _several(examples * channels // num_groups * math.prod(rest), (examples * channels // num_groups, num_groups, *rest))
    inner = (num_groups, channels // num_groups)
    ones = (1,) * len(rest)
    scale, offset = (
        None if tensor is None else _per_channel(tensor, input, what).reshape((*inner, *ones))
        for what, tensor in (("weight", weight), ("bias", bias))
    )
    grouped = input.reshape((examples, *inner, *rest))
    out = _standardized(grouped, scale, offset, tuple(range(2, len(rest) + 3)), eps, False)[0]
    return out.reshape((examples, channels, *rest))


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """Each element over ``(k + alpha * m) ** beta``, where ``m`` is the mean square of ``size`` channels around its own.

    Channels beyond the first and the last count as zeros (Krizhevsky, Sutskever and Hinton 2012).
    """
    array = input._array
    if array.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {array.ndim} dimensions)")
    if not array.size:
        return input
    widths = [(0, 0)] * array.ndim
    widths[1] = (size // 2, (size - 1) // 2)
    squares = apply(pad, (input * input,), {"paddings": tuple(widths)})
    total = squares.narrow(1, 0, array.shape[1])
    for start in range(1, size):
        total = total + squares.narrow(1, start, array.shape[1])
    return input / (total * (alpha / size) + k) ** beta


__getattr__ = lacking(__name__)
