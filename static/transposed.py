"""Transposes of convolutions, and their gradients as functions of their own, under ``tf.nn``'s names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import ShapeError, at_line
from static.array import partial_sizes, zeros
from static.formats import applied, channels_first, channels_last, either, pads, per_axis, ranked
from static.tensor import apply, convert_to_tensor


def _transpose(
    x: Any,
    w: Any,
    output_shape: Any,
    strides: Any,
    padding: Any,
    data_format: str | None,
    dilations: Any,
    name: str | None,
    count: int,
    node: str,
) -> Any:
    first = channels_first(data_format)
    x = ranked(x, count + 2, node)
    w = convert_to_tensor(w, x.dtype)
    how = {
        "strides": per_axis(strides, count, first, "strides"),
        "padding": pads(padding, count, first),
        "dilation": per_axis(dilations, count, first, "dilations"),
    }
    wanted = partial_sizes(output_shape)
    known: Sequence[Any] = [None] * (count + 2) if wanted is None else [None if n == -1 else n for n in wanted]
    if len(known) != count + 2:
        raise ShapeError(f"{node}: output_shape must have shape ({count + 2},), not ({len(known)},){at_line()}")
    channels, each = known[1 if first else -1], w.shape[-2].value
    if None not in (channels, each) and channels != each:
        raise ShapeError(f"{node}: output_shape has {channels} channels, and the filter {w.shape} is for {each}{at_line()}")
    sizes = tuple(known[2:] if first else known[1:-1])
    source = channels_last(x, first)
    if None not in sizes:
        out = applied(ops.convolution_transpose, first, name, node, source, w, sizes=sizes, **how)
    else:
        like = channels_last(zeros(output_shape, x.dtype), first)
        out = applied(ops.convolution_input, first, name, node, source, w, like, **how)
    out.set_shape(known)
    return out


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The gradient of ``conv1d`` of an array of ``output_shape``; ``filters`` is ``[width, outputs, channels]``."""
    return _transpose(input, filters, output_shape, strides, padding, data_format, dilations, name, 1, "conv1d_transpose")


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """The gradient of ``conv2d`` of an array of ``output_shape``, as an operation of its own ("deconvolution").

    Args:
        value: what a convolution of an array of ``output_shape`` would give.
        filter: weights ``[height, width, outputs, channels]``, ``channels`` being those of ``value``.
        output_shape: the whole shape, of which sizes may be tensors; the batch is always that of ``value``.
        strides, padding, data_format, dilations: those of that convolution.
    """
    x, w = either(value, input, "value, input"), either(filter, filters, "filter, filters")
    return _transpose(x, w, output_shape, strides, padding, data_format, dilations, name, 2, "conv2d_transpose")


def conv3d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """The gradient of ``conv3d`` of an array of ``output_shape``; arguments as for ``conv2d_transpose``."""
    x, w = either(value, input, "value, input"), either(filter, filters, "filter, filters")
    return _transpose(x, w, output_shape, strides, padding, data_format, dilations, name, 3, "conv3d_transpose")


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: str | None = None
) -> Any:
    """The gradient of ``atrous_conv2d`` of an array of ``output_shape``."""
    return _transpose(value, filters, output_shape, 1, padding, None, rate, name, 2, "atrous_conv2d_transpose")


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
    filters: Any = None,
) -> Any:
    """The gradient of ``conv2d`` of an input of shape ``input_sizes``."""
    w = either(filter, filters, "filter, filters")
    node = "Conv2DBackpropInput"
    return _transpose(out_backprop, w, input_sizes, strides, padding, data_format, dilations, name, 2, node)


def _filter_gradient(
    x: Any, sizes: Any, g: Any, strides: Any, padding: Any, data_format: str, dilations: Any, name: str | None, count: int
) -> Any:
    first = channels_first(data_format)
    node = f"Conv{count}DBackpropFilter"
    x = ranked(x, count + 2, node)
    return apply(
        ops.convolution_weight,
        channels_last(x, first),
        channels_last(ranked(g, count + 2, node), first),
        zeros(sizes, x.dtype),
        name=name,
        node=node,
        strides=per_axis(strides, count, first, "strides"),
        padding=pads(padding, count, first),
        dilation=per_axis(dilations, count, first, "dilations"),
    )


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The gradient of ``conv2d`` in its filter, of shape ``filter_sizes``."""
    return _filter_gradient(input, filter_sizes, out_backprop, strides, padding, data_format, dilations, name, 2)


def conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The gradient of ``conv3d`` in its filter, of shape ``filter_sizes``."""
    return _filter_gradient(input, filter_sizes, out_backprop, strides, padding, data_format, dilations, name, 3)


def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The gradient of a convolution in as many dimensions as ``output_shape`` has beside batch and channels."""
    known = partial_sizes(output_shape)
    if known is None or not 3 <= len(known) <= 5:
        raise ValueError(f"output_shape must be of length 3, 4 or 5, not {output_shape}{at_line()}")
    count = len(known) - 2
    node = name or "conv_transpose"
    return _transpose(input, filters, output_shape, strides, padding, data_format, dilations, None, count, node)


# Depthwise


def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The gradient of ``depthwise_conv2d_native`` of an input of shape ``input_sizes``."""
    first = channels_first(data_format)
    node = "DepthwiseConv2dNativeBackpropInput"
    g = ranked(out_backprop, 4, node)
    w = convert_to_tensor(filter, g.dtype)
    like = channels_last(zeros(input_sizes, g.dtype), first)
    how, channels = _depthwise(w.shape.as_list(), strides, padding, dilations, first, node)
    weights = apply(ops.reshape, w, shape=channels)
    return applied(ops.convolution_input, first, name, node, channels_last(g, first), weights, like, **how)


def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The gradient of ``depthwise_conv2d_native`` in its filter, of shape ``filter_sizes``."""
    first = channels_first(data_format)
    node = "DepthwiseConv2dNativeBackpropFilter"
    x, g = channels_last(ranked(input, 4, node), first), channels_last(ranked(out_backprop, 4, node), first)
    sizes = partial_sizes(filter_sizes)
    how, joined = _depthwise(sizes or [None], strides, padding, dilations, first, node)
    slope = apply(ops.convolution_weight, x, g, zeros(joined, x.dtype), **how)
    return apply(ops.reshape, slope, name=name, node=node, shape=tuple(sizes or ()))


def _depthwise(
    sizes: Sequence[Any], strides: Any, padding: Any, dilations: Any, first: bool, node: str
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The settings of a depthwise convolution with a filter of shape ``sizes``, and the filter's shape as ops take it."""
    if len(sizes) != 4 or None in sizes:
        raise ValueError(f"{node}: the shape of the filter has to be known, not {sizes}{at_line()}")
    height, width, channels, multiplier = sizes
    how = {
        "strides": per_axis(strides, 2, first, "strides"),
        "padding": pads(padding, 2, first),
        "dilation": per_axis(dilations, 2, first, "dilations"),
        "groups": channels,
    }
    return how, (height, width, 1, channels * multiplier)
