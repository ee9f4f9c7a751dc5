"""Making, reshaping, joining, slicing and indexing tensors, under TensorFlow 1's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs import ops
from graphs.core.errors import GraphsError
from graphs.core.node import infer
from graphs.core.op import Op
from graphs.core.spec import Shape
from graphs.ops.slicing import Slice
from static.calls import axes, call, cast
from static.dtypes import as_dtype
from static.shapes import Dimension, TensorShape, dims_of
from static.tensor import Tensor, _read, apply, as_array, constant, constant_value, convert_to_tensor


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
    if dtype is None:
        given = [x.dtype.dtype if isinstance(x, Tensor) else as_array(x).dtype for x in map(_read, (first, last, delta))]
        kind = numpy.result_type(*given)
    else:
        kind = as_dtype(dtype).dtype
    if any(value is None for value in values):
        return apply(ops.arange_to, *(cast(x, kind) for x in (first, last, delta)), name=name, node="range")
    low, high, step = (v.item() for v in values)  # type: ignore[union-attr]
    return apply(ops.arange, name=name, node="range", start=low, stop=high, step=step, dtype=str(kind))


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Any:
    """``num`` numbers from ``start`` to ``stop``, both among them, at equal distances."""
    first, last, count = constant_value(start), constant_value(stop), constant_value(num)
    dtype = start.dtype.name if isinstance(start, Tensor) else str(as_array(start).dtype)
    if first is None or last is None or count is None:
        low, high = convert_to_tensor(start), convert_to_tensor(stop)
        steps = cast(range_(num), low.dtype) / ops.maximum(cast(convert_to_tensor(num) - 1, low.dtype), 1.0)
        return apply(ops.add, low, steps * (high - low), name=name, node="LinSpace")
    settings = {"start": first.item(), "stop": last.item(), "num": int(count), "dtype": dtype}
    return apply(ops.linspace, name=name, node="LinSpace", **settings)


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = "float32", name: str | None = None
) -> Any:
    """Ones on the diagonal, zeros elsewhere; with ``batch_shape`` as often as it says."""
    rows, columns = constant_value(num_rows), constant_value(num_rows if num_columns is None else num_columns)
    if rows is None or columns is None:
        across = ops.equal(expand_dims(range_(num_rows), 1), range_(num_rows if num_columns is None else num_columns))
        out = apply(ops.cast, across, name=name, node="eye", dtype=as_dtype(dtype).name)
    else:
        settings = {"rows": int(rows), "columns": int(columns), "dtype": as_dtype(dtype).name}
        out = apply(ops.eye, name=name, node="eye", **settings)
    if batch_shape is None:
        return out
    known = sizes(batch_shape)
    whole = concat([vector(batch_shape), shape(out)], 0) if known is None or not out.shape.is_fully_defined() else None
    return broadcast_to(out, (*(known or ()), *out.shape.as_list()) if whole is None else whole)


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
    x, reps = convert_to_tensor(input), sizes(multiples)
    if reps is not None:
        return call(ops.tile, x, name=name, reps=reps)
    out = apply(ops.tile_to, x, vector(multiples), name=name, node="Tile")
    parts = partial_sizes(multiples)
    if x.dims is not None and parts is not None and len(parts) == len(x.dims):
        out.set_shape([None if n is None or k is None else n * k for n, k in zip(x.dims, parts, strict=True)])
    return out


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """``tensor`` back to front along ``axis``."""
    return call(ops.flip, convert_to_tensor(tensor), name=name, axis=axes(axis))


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0) -> Any:
    """``tensor`` with axes lengthened by a pair of ``paddings``: with a constant, or by its mirror image without its edge
    (mode REFLECT) or with it (SYMMETRIC)."""
    if mode.upper() not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}")
    x, pairs, value = convert_to_tensor(tensor), constant_value(paddings), constant_value(constant_values)
    if value is None:
        inside = pad(ops.ones_like(x), paddings)
        return apply(ops.where, ops.equal(inside, 1), pad(x, paddings), constant_values, name=name, node="Pad")
    settings = {"mode": mode.lower(), "value": value.item()}
    if pairs is None:
        return apply(ops.pad_to, x, convert_to_tensor(paddings), name=name, node="Pad", **settings)
    each = tuple((int(before), int(after)) for before, after in pairs)
    return apply(ops.pad, x, name=name, node="Pad", paddings=each, **settings)


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
    x, axis = convert_to_tensor(value), axes(axis)
    given = constant_value(num_or_size_splits)
    if given is None:
        return _split_at(x, convert_to_tensor(num_or_size_splits), axis, num, name)
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


def _split_at(x: Any, lengths: Any, axis: int, num: int | None, name: str) -> list[Any]:
    """The parts of ``x`` along ``axis`` whose lengths are a tensor."""
    count = num if num is not None or not lengths.dims else lengths.dims[0]
    if count is None:
        raise ValueError(f"Cannot infer num from shape {lengths.shape} of {lengths.name}: pass num to tf.split")
    ends = ops.cumsum(lengths, axis=0)
    lead: tuple[Any, ...] = (slice(None),) * axis if axis >= 0 else (Ellipsis,)
    rest = (slice(None),) * (-1 - axis)
    at = [None, *(ends[i] for i in range(count))]
    return [identity(x[(*lead, slice(at[i], at[i + 1]), *rest)], name) for i in range(count)]


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """``x``, whose shape is ``shape``. Raises ShapeError, or InvalidArgumentError in the run, where it is another."""
    given, dims = convert_to_tensor(x), dims_of(shape)
    return given if dims is None else apply(ops.ensure_shape, given, name=name, node="EnsureShape", dims=dims)


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """The part of ``input_`` that starts at ``begin`` and has ``size``, where -1 means up to the end.

    Raises ShapeError, or InvalidArgumentError in the run, where ``input_`` ends before that.
    """
    x = convert_to_tensor(input_)
    starts, lengths = sizes(begin), sizes(size)
    if starts is not None and lengths is not None:
        at = tuple(Slice(b, None if n == -1 else b + n) for b, n in zip(starts, lengths, strict=True))
        return _of_sizes(lengths, ops.getitem, x, name=name, node="Slice", index=at)
    first, count = cast(vector(begin), "int64"), cast(vector(size), "int64")
    last = ops.where(ops.less(count, 0), ops.shape_of(x), first + count)
    rank = next((len(dims) for dims in (x.dims, partial_sizes(begin), partial_sizes(size)) if dims is not None), None)
    if rank is None:
        raise ValueError(f"Slice: the number of dimensions of {x.name} is not known")
    ends = [end for i in range(rank) for end in (first[i], last[i])]
    places = tuple((i, field) for i in range(rank) for field in (0, 1))
    known = partial_sizes(size) or (-1,) * rank
    return _of_sizes(known, ops.getitem_at, x, *ends, name=name, node="Slice", index=(Slice(),) * rank, places=places)


def _of_sizes(known: Sequence[Any], op: Op, *args: Any, name: str | None, node: str, **params: Any) -> Any:
    """The slice that a call of ``op`` takes, of the sizes ``known`` (None and -1: any); if need be the run looks at them."""
    wanted = tuple(None if n == -1 else n for n in known)
    try:
        dims = infer(op, args, params)[0].dims
    except GraphsError:
        dims = wanted  # the call itself says what is wrong, and where
    if dims is not None and all(n is None or n == dim for n, dim in zip(wanted, dims, strict=False)):
        return apply(op, *args, name=name, node=node, **params)
    return apply(ops.ensure_shape, apply(op, *args, node="sliced", **params), name=name, node=node, dims=wanted)
