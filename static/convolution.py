"""Convolutions of ``tf.nn``, in one, two and three dimensions, with channels last or first."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.formats import applied, channels_first, channels_last, either, pads, per_axis, ranked
from static.tensor import apply, convert_to_tensor


# Convolutions


def convolve(
    x: Any, w: Any, strides: Any, padding: Any, data_format: str | None, dilations: Any, name: str | None, count: int
) -> Any:
    """The convolution of ``x`` in ``count`` dimensions; the arguments are ``conv2d``'s."""
    node = f"Conv{count}D" if count > 1 else "conv1d"
    first = channels_first(data_format)
    x = ranked(x, count + 2, node)
    w = convert_to_tensor(w, x.dtype)
    return applied(
        ops.convolution,
        first,
        name,
        node,
        channels_last(x, first),
        w,
        strides=per_axis(strides, count, first, "strides"),
        padding=pads(padding, count, first),
        dilation=per_axis(dilations, count, first, "dilations"),
    )


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: Any = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Any:
    """The convolution of ``value``, ``[batch, width, channels]``, with ``filters``, ``[width, channels, outputs]``."""
    return convolve(either(value, input, "value, input"), filters, stride, padding, data_format, dilations, name, 1)


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
    filters: Any = None,
) -> Any:
    """The convolution of ``input``, ``[batch, height, width, channels]``, with ``filter``.

    Args:
        input: a floating tensor; ``[batch, channels, height, width]`` for the data format ``NCHW``.
        filter: weights ``[height, width, channels, outputs]``, of the same dtype.
        strides: one number, two, or four of which those for batch and channels are 1.
        padding: ``"SAME"`` (``ceil(size / stride)`` windows, the odd padding after), ``"VALID"``, or four pairs.
        dilations: how far apart a window's elements are, as ``strides``.
    """
    return convolve(input, either(filter, filters, "filter, filters"), strides, padding, data_format, dilations, name, 2)


def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
    filters: Any = None,
) -> Any:
    """The convolution of ``input``, ``[batch, depth, height, width, channels]``; other arguments as for ``conv2d``."""
    return convolve(input, either(filter, filters, "filter, filters"), strides, padding, data_format, dilations, name, 3)


def convolution(
    input: Any,
    filter: Any = None,
    padding: Any = None,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """The convolution in as many dimensions as ``input`` has beside batch and channels."""
    x = convert_to_tensor(input)
    w = convert_to_tensor(either(filter, filters, "filter, filters"), x.dtype)
    count = len(x.shape if x.dims is not None else w.shape) - 2
    rate = dilation_rate if dilations is None else dilations
    return convolve(x, w, strides, padding, data_format, rate, name or "convolution", count)


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: str | None = None) -> Any:
    """The convolution whose windows take every ``rate``-th element."""
    return convolve(value, filters, 1, padding, None, rate, name or "convolution", 2)


# One group for each channel


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The convolution of each channel by itself.

    ``filter`` is ``[height, width, channels, multiplier]``; output ``c * multiplier + m`` is channel
    ``c`` with its filter ``m``.
    """
    first = channels_first(data_format)
    x = ranked(input, 4, "DepthwiseConv2dNative")
    w = convert_to_tensor(filter, x.dtype)
    height, width, channels, multiplier = w.shape.as_list()
    if channels is None or multiplier is None:
        raise ValueError(f"depthwise_conv2d: the shape of the filter {w.name} has to be known, not {w.shape}{at_line()}")
    sizes = tuple(-1 if n is None else n for n in (height, width))
    return applied(
        ops.convolution,
        first,
        name,
        "depthwise",
        channels_last(x, first),
        apply(ops.reshape, w, shape=(*sizes, 1, channels * multiplier)),
        strides=per_axis(strides, 2, first, "strides"),
        padding=pads(padding, 2, first),
        dilation=per_axis(dilations, 2, first, "dilations"),
        groups=channels,
    )


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Any:
    """``depthwise_conv2d_native`` with ``rate`` for its dilations."""
    spread = rate if dilations is None else dilations
    return depthwise_conv2d_native(input, filter, strides, padding, data_format or "NHWC", spread, name)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Any:
    """A convolution of each channel by itself, and then one with windows of a single element over all of them."""
    x = convert_to_tensor(input)
    with x.graph.name_scope(name or "separable_conv2d") as scope:
        each = depthwise_conv2d(x, depthwise_filter, strides, padding, rate, "depthwise", data_format, dilations)
        return convolve(each, pointwise_filter, 1, "VALID", data_format, None, scope, 2)
