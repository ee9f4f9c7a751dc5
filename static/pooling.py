"""Pools of ``tf.nn``, local response normalisation, and patches of images."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from graphs.core.op import Op
from static.array import reshape, shape
from static.calls import FLOATS, REALS, cast, taken
from static.formats import applied, channels_first, channels_last, either, pads, per_axis, ranked
from static.tensor import apply, convert_to_tensor


def _pool(
    op: Op,
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None,
    name: str | None,
    count: int,
    node: str,
    **params: Any,
) -> Any:
    first = channels_first(data_format)
    x = taken(value, REALS if op is ops.max_pool else FLOATS, node)
    x = x if x.dims is not None and len(x.dims) == count + 2 else ranked(x, count + 2, node)
    return applied(
        op,
        first,
        name,
        node,
        channels_last(x, first),
        window=per_axis(ksize, count, first, "ksize"),
        strides=per_axis(strides, count, first, "strides"),
        padding=pads(padding, count, first),
        **params,
    )


def max_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Any:
    """The maximum of each window of each channel of ``value``, ``[batch, height, width, channels]``.

    Args:
        value: a tensor; ``[batch, channels, height, width]`` for the data format ``NCHW``.
        ksize, strides: one number, two, or four of which those for batch and channels are 1.
        padding: ``"SAME"`` or ``"VALID"``, as for ``conv2d``; it never wins.
    """
    return _pool(
        ops.max_pool, either(value, input, "value, input"), ksize, strides, padding, data_format, name, 2, "MaxPool"
    )


def avg_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Any:
    """The mean of each window of each channel; padding does not count. Arguments as for ``max_pool``."""
    return _pool(
        ops.avg_pool, either(value, input, "value, input"), ksize, strides, padding, data_format, name, 2, "AvgPool"
    )


def max_pool1d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None) -> Any:
    """The maximum of each window of each channel of ``input``, ``[batch, width, channels]``."""
    return _pool(ops.max_pool, input, ksize, strides, padding, data_format, name, 1, "max_pool1d")


def avg_pool1d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None) -> Any:
    """The mean of each window of each channel of ``input``, ``[batch, width, channels]``."""
    return _pool(ops.avg_pool, input, ksize, strides, padding, data_format, name, 1, "avg_pool1d")


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """``max_pool``."""
    return _pool(ops.max_pool, input, ksize, strides, padding, data_format, name, 2, "max_pool2d")


def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """``avg_pool``."""
    return _pool(ops.avg_pool, input, ksize, strides, padding, data_format, name, 2, "avg_pool2d")


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Any:
    """The maximum of each window of each channel of ``input``, ``[batch, depth, height, width, channels]``."""
    return _pool(ops.max_pool, input, ksize, strides, padding, data_format, name, 3, "MaxPool3D")


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Any:
    """The mean of each window of each channel of ``input``, ``[batch, depth, height, width, channels]``."""
    return _pool(ops.avg_pool, input, ksize, strides, padding, data_format, name, 3, "AvgPool3D")


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: Any,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Any:
    """The pool in as many dimensions as ``window_shape`` has numbers, of the type ``"MAX"`` or ``"AVG"``.

    Raises ValueError for another type, and for dilated windows whose stride is not 1.
    """
    if pooling_type not in ("MAX", "AVG"):
        raise ValueError(f"no pool of the type {pooling_type!r}: there are 'MAX' and 'AVG'{at_line()}")
    count = len(window_shape)
    first = channels_first(data_format)
    rate = per_axis(dilation_rate if dilations is None else dilations, count, first, "dilation_rate")
    node = "max_pool" if pooling_type == "MAX" else "avg_pool"
    if max(rate) == 1:
        op = ops.max_pool if pooling_type == "MAX" else ops.avg_pool
        return _pool(op, input, window_shape, strides, padding, data_format, name, count, node)
    if max(per_axis(strides, count, first, "strides")) > 1:
        raise ValueError(f"strides > 1 not supported in conjunction with dilation_rate > 1{at_line()}")
    how = (window_shape, strides, padding, data_format)
    if pooling_type == "MAX":
        return _pool(ops.max_pool, input, *how, name, count, node, dilation=rate)
    x = taken(input, FLOATS, node)
    total = _pool(ops.sum_pool, x, *how, None, count, node, dilation=rate)
    inside = _pool(ops.sum_pool, ops.ones_like(x), *how, None, count, node, dilation=rate)
    return apply(ops.divide, total, inside, name=name, node=node)


def max_pool_v2(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Any:
    """``max_pool`` in as many dimensions as ``input`` has beside batch and channels."""
    x = convert_to_tensor(input)
    return _pool(ops.max_pool, x, ksize, strides, padding, data_format, name, len(x.shape) - 2, "max_pool")


def avg_pool_v2(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Any:
    """``avg_pool`` in as many dimensions as ``input`` has beside batch and channels."""
    x = convert_to_tensor(input)
    return _pool(ops.avg_pool, x, ksize, strides, padding, data_format, name, len(x.shape) - 2, "avg_pool")


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    Targmax: Any = None,  # noqa: N803 (TensorFlow's name of it)
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Any, Any]:
    """``max_pool``, and where each maximum stands: ``(y * width + x) * channels + channel``, int64.

    With ``include_batch_in_index`` examples are counted too: ``((b * height + y) * width + x) * channels + channel``.
    """
    if data_format != "NHWC":
        raise ValueError(f"max_pool_with_argmax takes the data format NHWC{at_line()}")
    x = convert_to_tensor(input)
    dtype = output_dtype or Targmax or "int64"
    with x.graph.name_scope(name or "MaxPoolWithArgmax"):
        values = max_pool(x, ksize, strides, padding, name="max")
        places = _pool(ops.max_pool_positions, x, ksize, strides, padding, None, None, 2, "argmax")
        channels = ops.shape_of(x)[3]
        flat = places * channels + _number(places, 3)
        if include_batch_in_index:
            flat = flat + _number(places, 0) * (ops.size_of(x) // ops.shape_of(x)[0])
        return values, cast(flat, dtype)


def _number(x: Any, axis: int) -> Any:
    """For each element of the integers ``x`` its own place along ``axis``."""
    return ops.cumsum(ops.ones_like(x), axis=axis) - 1


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Any:
    """``input / (bias + alpha * s) ** beta``, ``s`` being the sum of squares over ``depth_radius`` channels on either side
    (Krizhevsky, Sutskever and Hinton 2012)."""
    x = ranked(input, 4, "LRN")
    radius = int(depth_radius)
    squares = apply(ops.expand_dims, ops.square(x), axis=-1)
    around = ((0, 0), (0, 0), (radius, radius))
    total = apply(ops.squeeze, ops.sum_pool(squares, window=(1, 1, 2 * radius + 1), padding=around), axis=-1)
    return apply(ops.multiply, x, (float(bias) + float(alpha) * total) ** -float(beta), name=name, node="LRN")


lrn = local_response_normalization


def extract_image_patches(
    images: Any,
    ksizes: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    sizes: Any = None,
) -> Any:
    """The windows of ``images``, ``[batch, rows, columns, height * width * channels]``."""
    x = taken(images, REALS, "ExtractImagePatches")
    window = per_axis(ksizes if sizes is None else sizes, 2, False, "ksizes")
    patches = apply(
        ops.unfold,
        x,
        window=window,
        strides=per_axis(strides, 2, False, "strides"),
        padding=pads(padding, 2, False),
        dilation=per_axis(rates, 2, False, "rates"),
    )
    return _joined(patches, 3, name, "ExtractImagePatches")


def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Any:
    """Blocks of ``block_size`` by ``block_size`` pixels moved into the channels.

    Raises ValueError where height or width is no multiple of it.
    """
    first, size = channels_first(data_format), int(block_size)
    x = channels_last(_image(input, "SpaceToDepth"), first)
    for n in x.shape[1:3].as_list():
        if n is not None and n % size:
            raise ValueError(f"SpaceToDepth: {x.name} {x.shape} does not come in blocks of {size}{at_line()}")
    blocks = apply(ops.unfold, x, window=(size, size), strides=(size, size))
    out = _joined(blocks, 3, None if first else name, "SpaceToDepth")
    return apply(ops.transpose, out, name=name, node="SpaceToDepth", axes=(0, 3, 1, 2)) if first else out


def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Any:
    """Channels moved into blocks of ``block_size`` by ``block_size`` pixels.

    Raises ValueError where the number of channels is no multiple of the pixels in a block.
    """
    first, size = channels_first(data_format), int(block_size)
    x = channels_last(_image(input, "DepthToSpace"), first)
    batch, height, width, channels = _sizes(x)
    if not isinstance(channels, int) or channels % size**2:
        raise ValueError(f"DepthToSpace: the channels of {x.name} {x.shape} do not fill blocks of {size}{at_line()}")
    blocks = reshape(x, [batch, height, width, size, size, channels // size**2])
    rows = apply(ops.transpose, blocks, axes=(0, 1, 3, 2, 4, 5))
    out = reshape(rows, [batch, height * size, width * size, channels // size**2], None if first else name or "DepthToSpace")
    return apply(ops.transpose, out, name=name, node="DepthToSpace", axes=(0, 3, 1, 2)) if first else out


def _image(x: Any, what: str) -> Any:
    x = convert_to_tensor(x)
    if x.spec.dims is None or len(x.shape) != 4:
        raise ValueError(f"{what}: Shape must be rank 4; {x.name} has shape {x.shape}{at_line()}")
    return x


def _sizes(x: Any) -> list[Any]:
    """The sizes of ``x``: numbers where they are known, else scalar tensors."""
    return [shape(x)[i] if n is None else n for i, n in enumerate(x.shape.as_list())]


def _joined(x: Any, axis: int, name: str | None, node: str) -> Any:
    """``x`` with the axes from ``axis`` on made one, whose size is known."""
    *lead, _ = _sizes(x)[: axis + 1]
    last = x.shape[axis:].num_elements()
    if last is None:
        raise ValueError(f"{node}: the number of channels has to be known ({x.name} {x.shape}){at_line()}")
    return reshape(x, [*lead, last], name or node)
