"""Making, reshaping, joining, slicing and indexing tensors, under TensorFlow 1's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs import ops
from graphs.core.spec import Shape
from graphs.ops.slicing import Slice
from static.calls import axes, call, cast
from static.dtypes import as_dtype
from static.shapes import Dimension, TensorShape
from static.tensor import Tensor, apply, as_array, constant, constant_value, convert_to_tensor


_SMALL = 1000
"""Up to so many elements zeros and ones are constants, as in TensorFlow; more are filled in when a run needs them."""


# Shapes as arguments


def sizes(shape: Any) -> tuple[int, ...] | None:
    """A shape argument as a tuple where all of it is known while building, else None."""
    found = partial_sizes(shape)
    return None if found is None or None in found else found  # type: ignore[return-value]


def partial_sizes(shape: Any) -> Shape | None:
    """What is known while building of a shape argument: ints, dimensions, tensors, or lists of these; -1 is kept."""
    if isinstance(shape, TensorShape):
        return tuple(shape.as_list())
    if isinstance(shape, (int, Dimension, numpy.integer)):
        return (int(shape),)
    if isinstance(shape, (list, tuple)):
        return tuple(_size(item) for item in shape)
    value = constant_value(shape)
    if value is not None:
        return tuple(int(n) for n in value.reshape(-1))
    node = shape.node
    if node.op is ops.cast or node.op is ops.identity:
        return partial_sizes(node.inputs[0])
    if node.op is ops.shape_of:
        return node.inputs[0].dims
    if node.op is ops.stack:
        return tuple(_size(item) for item in node.inputs)
    dims = shape.dims
    return None if dims is None or len(dims) != 1 or dims[0] is None else (None,) * dims[0]


def _size(item: Any) -> int | None:
    if isinstance(item, Dimension):
        return item.value
    value = constant_value(item)
    return None if value is None else int(value)


def vector(shape: Any) -> Any:
    """A shape argument as an int32 vector tensor."""
    if isinstance(shape, (list, tuple)):
        return convert_to_tensor([int(x) if isinstance(x, Dimension) else x for x in shape], "int32")
    return convert_to_tensor(shape)


def fill(dims: Any, value: Any, name: str | None = None) -> Any:
    """A tensor of shape ``dims``, which may be known to the run only, filled with the scalar ``value``."""
    out = call(ops.fill, vector(dims), convert_to_tensor(value), name=name)
    out.set_shape(_unknown(partial_sizes(dims)))
    return out


def _unknown(dims: Shape | None) -> Shape | None:
    return None if dims is None else tuple(None if n == -1 else n for n in dims)


def filled(shape: Any, value: Any, dtype: Any, name: str) -> Any:
    """A tensor of ``shape`` filled with the Python scalar ``value``: a constant if it is small."""
    dtype = as_dtype(dtype)
    known = sizes(shape)
    if known is None:
        return fill(shape, constant(value, dtype), name)
    if numpy.prod(known) < _SMALL:
        return constant(numpy.full(known, value, dtype.dtype), name=name)
    return apply(ops.full, name=name, shape=known, value=value, dtype=dtype.name)


def zeros(shape: Any, dtype: Any = "float32", name: str | None = None) -> Any:
    """Zeros of ``shape``."""
    return filled(shape, 0, dtype, name or "zeros")


def ones(shape: Any, dtype: Any = "float32", name: str | None = None) -> Any:
    """Ones of ``shape``."""
    return filled(shape, 1, dtype, name or "ones")


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Any:
    """Zeros of the shape and dtype of ``tensor``, or of ``dtype``."""
    out = apply(ops.zeros_like, convert_to_tensor(tensor), name=name, node="zeros_like")
    return out if dtype is None else cast(out, dtype)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Any:
    """Ones of the shape and dtype of ``tensor``, or of ``dtype``."""
    out = apply(ops.ones_like, convert_to_tensor(tensor), name=name, node="ones_like")
    return out if dtype is None else cast(out, dtype)


def range_(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Any:
    """The numbers from ``start`` up to but without ``limit``, ``delta`` apart; with ``start`` alone, from 0 up to it."""
    first, last = (0, start) if limit is None else (start, limit)
    values = [constant_value(x) for x in (first, last, delta)]
    if any(value is None for value in values):
        raise ValueError("the ends of a range have to be known while the graph is being built")
    kind = numpy.result_type(*(as_array(v).dtype for v in (first, last, delta))) if dtype is None else as_dtype(dtype).dtype
    low, high, step = (v.item() for v in values)  # type: ignore[union-attr]
    return apply(ops.arange, name=name, node="range", start=low, stop=high, step=step, dtype=str(kind))


def linspace(start: Any, stop: Any, num: int, name: str | None = None) -> Any:
    """``num`` numbers from ``start`` to ``stop``, both among them, at equal distances."""
    ends = [as_array(constant_value(x)) for x in (start, stop)]
    dtype = str(as_array(start).dtype) if not isinstance(start, Tensor) else start.dtype.name
    return apply(ops.linspace, name=name, node="LinSpace", start=ends[0].item(), stop=ends[1].item(), num=num, dtype=dtype)


def eye(
    num_rows: int, num_columns: int | None = None, batch_shape: Any = None, dtype: Any = "float32", name: str | None = None
) -> Any:
    """Ones on the diagonal, zeros elsewhere; with ``batch_shape`` as often as it says."""
    out = apply(ops.eye, name=name, node="eye", rows=num_rows, columns=num_columns, dtype=as_dtype(dtype).name)
    if batch_shape is None:
        return out
    rows, columns = out.shape.as_list()
    return call(ops.broadcast_to, out, shape=(*(sizes(batch_shape) or ()), rows, columns))


# What is known of a tensor


def shape(input: Any, name: str | None = None, out_type: Any = "int32") -> Any:
    """The shape of ``input`` as a vector."""
    return cast(apply(ops.shape_of, convert_to_tensor(input), name=name, node="Shape"), out_type)


def shape_n(input: Sequence[Any], out_type: Any = "int32", name: str | None = None) -> list[Any]:
    """The shape of each of the tensors."""
    return [shape(x, None, out_type) for x in input]


def size(input: Any, name: str | None = None, out_type: Any = "int32") -> Any:
    """The number of elements of ``input``."""
    return cast(apply(ops.size_of, convert_to_tensor(input), name=name, node="Size"), out_type)


def rank(input: Any, name: str | None = None) -> Any:
    """The number of dimensions of ``input``."""
    x = convert_to_tensor(input)
    return constant(len(x.dims), "int32", name=name or "Rank") if x.dims is not None else size(shape(x), name)


def identity(input: Any, name: str | None = None) -> Any:
    """The same value as a new tensor, which comes after the control dependencies in force."""
    return apply(ops.identity, convert_to_tensor(input), name=name, node="Identity")


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """The same value, through which no gradient flows."""
    return apply(ops.stop_gradient, convert_to_tensor(input), name=name, node="StopGradient")


# The same elements in another shape


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """The elements of ``tensor`` in ``shape``, where one size may be -1 for what is left."""
    x = convert_to_tensor(tensor)
    known = sizes(shape)
    if known is not None:
        return apply(ops.reshape, x, name=name, node="Reshape", shape=known)
    out = apply(ops.reshape_to, x, vector(shape), name=name, node="Reshape")
    out.set_shape(_unknown(partial_sizes(shape)))
    return out


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """``input`` with an axis of size 1 put in at ``axis``."""
    return call(ops.expand_dims, convert_to_tensor(input), name=name, axis=axes(dim if axis is None else axis))


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Any:
    """``input`` without the axes ``axis``, or without all axes of size 1."""
    at = axes(squeeze_dims if axis is None else axis)
    return call(ops.squeeze, convert_to_tensor(input), name=name, axis=at)


def transpose(a: Any, perm: Any = None, name: str | None = None, conjugate: bool = False) -> Any:
    """``a`` with its axes in the order ``perm``, by default reversed."""
    return apply(ops.transpose, convert_to_tensor(a), name=name, node="transpose", axes=axes(perm))


def matrix_transpose(a: Any, name: str | None = None) -> Any:
    """``a`` with its last two axes exchanged."""
    return apply(ops.matrix_transpose, convert_to_tensor(a), name=name, node="matrix_transpose")


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """``input`` broadcast to ``shape``."""
    x = convert_to_tensor(input)
    known = sizes(shape)
    if known is not None:
        return call(ops.broadcast_to, x, name=name, shape=known)
    like = fill(shape, constant(0, x.dtype))
    return apply(ops.broadcast_like, x, like, name=name, node="BroadcastTo")


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """``input`` repeated along each axis as often as ``multiples`` says."""
    return call(ops.tile, convert_to_tensor(input), name=name, reps=_given(multiples, "the multiples of tf.tile"))


def _given(value: Any, what: str) -> tuple[int, ...]:
    found = sizes(value)
    if found is None:
        raise ValueError(f"{what} have to be known while the graph is being built")
    return found


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """``tensor`` back to front along ``axis``."""
    return call(ops.flip, convert_to_tensor(tensor), name=name, axis=axes(axis))


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: float = 0) -> Any:
    """``tensor`` with axes lengthened by a pair of ``paddings``: with a constant, or by its reflection (mode REFLECT)."""
    pairs = constant_value(paddings)
    if pairs is None:
        raise ValueError("the paddings of tf.pad have to be known while the graph is being built")
    if mode.upper() not in ("CONSTANT", "REFLECT"):
        raise ValueError(f"tf.pad has the modes CONSTANT and REFLECT, not {mode}")
    each = tuple((int(before), int(after)) for before, after in pairs)
    settings = {"paddings": each, "mode": mode.lower(), "value": constant_values}
    return apply(ops.pad, convert_to_tensor(tensor), name=name, node="Pad", **settings)


# Joining and taking apart


def concat(values: Any, axis: Any, name: str = "concat") -> Any:
    """The tensors ``values`` one after another along ``axis``."""
    if not isinstance(values, (list, tuple)):
        return identity(values, name)
    return apply(ops.concat, *values, name=name, axis=axes(axis))


def stack(values: Any, axis: int = 0, name: str = "stack") -> Any:
    """The tensors ``values`` along a new axis."""
    return apply(ops.stack, *values, name=name, axis=axis)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Any]:
    """The tensors that ``value`` is made of along ``axis``, which goes."""
    x = convert_to_tensor(value)
    count = num if num is not None else None if x.dims is None else x.dims[axis]
    if count is None:
        raise ValueError(f"Cannot infer num from shape {x.shape} of {x.name}: pass num to tf.unstack")
    before = () if axis >= 0 else (Ellipsis,)
    after = (Slice(),) * (-1 - axis if axis < 0 else 0)
    lead = (Slice(),) * max(axis, 0)
    return [apply(ops.getitem, x, name=name, index=(*before, *lead, i, *after)) for i in range(count)]


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None, name: str = "split") -> list[Any]:
    """``value`` cut along ``axis`` into that many equal parts, or into parts of those sizes (one of which may be -1)."""
    x = convert_to_tensor(value)
    given = constant_value(num_or_size_splits)
    if given is None:
        raise ValueError("the sizes of tf.split have to be known while the graph is being built")
    if given.ndim == 0:
        parts: Any = int(given)
    else:
        whole = x.dims[axis] if x.dims is not None else None
        known = sum(int(n) for n in given if n != -1)
        parts = tuple(int(n) if n != -1 else (whole or 0) - known for n in given)
    if parts == 1:
        return [identity(x, name)]
    if isinstance(parts, tuple) and len(parts) == 1:
        return [identity(x, name)]
    return list(apply(ops.split, x, name=name, sections=parts, axis=axis))


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """The part of ``input_`` that starts at ``begin`` and has ``size``, where -1 means up to the end."""
    starts, lengths = _given(begin, "the begin of tf.slice"), _given(size, "the sizes of tf.slice")
    at = tuple(Slice(b, None if n == -1 else b + n) for b, n in zip(starts, lengths, strict=True))
    return apply(ops.getitem, convert_to_tensor(input_), name=name, node="Slice", index=at)
