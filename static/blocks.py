"""Blocks of space moved into the batch and back, elements moved along axes."""

from __future__ import annotations

from typing import Any

import numpy

from graphs import ops
from static.array import pad, reshape, shape, transpose
from static.calls import axes
from static.counting import len_of
from static.tensor import apply, constant_value, convert_to_tensor


def _known(value: Any, what: str) -> Any:
    found = constant_value(value)
    if found is None:
        raise ValueError(f"{what} have to be known while the graph is being built")
    return found


def _sizes(x: Any) -> list[Any]:
    """The sizes of ``x``: numbers where they are known, else scalar tensors."""
    dims = shape(x)
    return [dims[i] if n is None else n for i, n in enumerate(x.shape.as_list())]


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """``input`` padded and cut into blocks along its axes after the first; the places within a block move into the first."""
    block = [int(n) for n in numpy.ravel(_known(block_shape, "blocks"))]
    borders = [[int(n) for n in pair] for pair in _known(paddings, "paddings")]
    x = convert_to_tensor(input)
    rest = len(x.shape) - len(block) - 1
    x = pad(x, [[0, 0], *borders, *[[0, 0]] * rest])
    batch, *sizes = _sizes(x)
    space, inner = sizes[: len(block)], sizes[len(block) :]
    for n, b in zip(space, block, strict=True):
        if isinstance(n, int) and n % b:
            raise ValueError(f"SpaceToBatchND: an axis of size {n} (padded) is no multiple of the block's {b}")
    cut = [part for n, b in zip(space, block, strict=True) for part in (n // b, b)]
    count = len(block)
    order = [*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count, 2), *range(2 * count + 1, 2 * count + 1 + rest)]
    moved = transpose(reshape(x, [batch, *cut, *inner]), order)
    first = -1 if not isinstance(batch, int) else batch * int(numpy.prod(block))
    return reshape(moved, [first, *cut[::2], *inner], name or "SpaceToBatchND")


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """What ``space_to_batch_nd`` was given, its border taken off by ``crops``."""
    block = [int(n) for n in numpy.ravel(_known(block_shape, "blocks"))]
    cut = [[int(n) for n in pair] for pair in _known(crops, "crops")]
    x = convert_to_tensor(input)
    batch, *sizes = _sizes(x)
    count = len(block)
    space, inner = sizes[:count], sizes[count:]
    whole = int(numpy.prod(block))
    if isinstance(batch, int) and batch % whole:
        raise ValueError(f"BatchToSpaceND: a batch of {batch} is no multiple of the {whole} places in a block")
    apart = reshape(x, [*block, -1 if not isinstance(batch, int) else batch // whole, *space, *inner])
    order = [count, *[axis for i in range(count) for axis in (count + 1 + i, i)]]
    order += range(2 * count + 1, 2 * count + 1 + len(inner))
    wide = [n * b for n, b in zip(space, block, strict=True)]
    out = reshape(transpose(apart, order), [-1 if not isinstance(batch, int) else batch // whole, *wide, *inner])
    keep = [slice(before, -after or None) for before, after in cut]
    return apply(ops.identity, out[(slice(None), *keep)], name=name, node="BatchToSpaceND")


def space_to_batch(
    input: Any, paddings: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Any:
    """``space_to_batch_nd`` of images, with square blocks."""
    block = [block_size, block_size] if block_shape is None else block_shape
    return space_to_batch_nd(input, block, paddings, name or "SpaceToBatch")


def batch_to_space(input: Any, crops: Any, block_size: int, name: str | None = None, block_shape: Any = None) -> Any:
    """``batch_to_space_nd`` of images, with square blocks."""
    block = [block_size, block_size] if block_shape is None else block_shape
    return batch_to_space_nd(input, block, crops, name or "BatchToSpace")


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Any, Any]:
    """The paddings and crops with which blocks fit: those of ``base_paddings``, the ends lengthened."""
    sizes, block = (numpy.ravel(_known(x, "sizes and blocks")) for x in (input_shape, block_shape))
    base = numpy.zeros((len(block), 2), int) if base_paddings is None else numpy.asarray(_known(base_paddings, "paddings"))
    extra = -(sizes + base.sum(1)) % block
    paddings = numpy.stack([base[:, 0], base[:, 1] + extra], 1)
    crops = numpy.stack([numpy.zeros_like(extra), extra], 1)
    return convert_to_tensor(paddings.astype("int32")), convert_to_tensor(crops.astype("int32"))


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Any:
    """``input`` with its elements moved by ``shift`` along ``axis``, those pushed out coming in at the other end."""
    by = axes(shift)
    return apply(ops.roll, convert_to_tensor(input), name=name, node="Roll", shift=by, axis=axes(axis))


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Any:
    """``input_[begin:end:strides]`` along its first axes; the bits of the masks say where it reads otherwise."""
    x = convert_to_tensor(input_)
    starts, ends = _items(begin), _items(end)
    steps = [1] * len(starts) if strides is None else _items(strides)
    key: list[Any] = []
    for i, (first, last, step) in enumerate(zip(starts, ends, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(first)
        else:
            key.append(slice(None if begin_mask & bit else first, None if end_mask & bit else last, step))
    return apply(ops.identity, x[tuple(key)], name=name, node="StridedSlice")


def _items(vector: Any) -> list[Any]:
    known = constant_value(vector)
    if known is not None:
        return [int(n) for n in numpy.ravel(known)]
    if isinstance(vector, (list, tuple)):
        return list(vector)
    return [vector[i] for i in range(len_of(vector))]


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Any:
    """``input`` with each of its elements along ``axis`` repeated ``repeats`` times; flattened where there is no axis."""
    x = convert_to_tensor(input)
    x = reshape(x, [-1]) if axis is None else x
    at = 0 if axis is None else axis % len(x.shape)
    counts = _known(repeats, "the repeats of tf.repeat")
    if counts.size == 1:
        return apply(ops.repeat, x, name=name, node="repeat", repeats=int(counts.reshape(())), axis=at)
    places = numpy.repeat(numpy.arange(counts.size), counts)
    return apply(ops.take, x, places, name=name, node="repeat", axis=at)
