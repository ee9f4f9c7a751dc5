"""Views by strides: ``as_strided``, its gradient, and where an array lies in its memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy.lib.stride_tricks import as_strided as _strided

from dynamic.apply import apply
from graphs.core.errors import ShapeError, at_line
from graphs.core.op import Op, first_dtype
from graphs.core.spec import Shape, Spec


class Layout(NamedTuple):
    """Which elements of a memory an array shows: sizes, strides and the first element's place, all in elements."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int


def root_of(array: Any) -> Any:
    """The array whose memory ``array`` shows a part of, or shows itself."""
    while isinstance(array.base, numpy.ndarray):
        array = array.base
    return array


def address(array: Any) -> int:
    """Where the first element lies."""
    data = getattr(array, "data", None)
    return int(array.ctypes.data) if isinstance(array, numpy.ndarray) else int(getattr(data, "ptr", 0))


def extent(array: Any) -> int:
    """How many bytes lie between an array's first element and the end of its last, strides being positive."""
    if not array.size:
        return 0
    return int(array.itemsize + sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)))


def memory_of(array: Any) -> Any:
    """The memory that ``array`` lies in, as bytes."""
    root = root_of(array)
    if not root.size:
        return numpy.zeros(0, numpy.uint8)
    return _strided(_strided(root, (1,), (root.itemsize,)).view(numpy.uint8), (extent(root),), (1,))


def layout_of(array: Any) -> Layout:
    """The place of ``array`` in its memory."""
    step = array.itemsize
    offset = (address(array) - address(root_of(array))) // step if isinstance(array, numpy.ndarray) else 0
    return Layout(tuple(array.shape), tuple(n // step for n in array.strides), offset)


def within(memory: Any, dtype: Any, layout: Layout) -> Any:
    """What ``layout`` shows of ``memory``, which is bytes. Raises ShapeError where it reaches beyond."""
    size, stride, offset = layout
    if len(size) != len(stride):
        raise ShapeError(f"mismatch in length of strides and shape: {stride} and {size}{at_line()}")
    if any(n < 0 for n in size) or any(n < 0 for n in stride) or offset < 0:
        raise ShapeError(f"sizes, strides and offsets are not negative: {size}, {stride}, {offset}{at_line()}")
    step = dtype.itemsize
    last = offset + 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if all(size) else 0
    if last * step > len(memory):
        raise ShapeError(
            f"sizes {size}, strides {stride} and offset {offset} need {last * step} bytes, and the storage has "
            f"{len(memory)}{at_line()}"
        )
    if not all(size):
        return numpy.zeros(size, dtype)
    out = numpy.ndarray(size, dtype, memory, offset * step, tuple(s * step for s in stride))
    out.flags.writeable = memory.flags.writeable
    return out


def _view(xp: Any, x: Any, *, to: Layout, of: Layout) -> Any:
    """What ``to`` shows of the memory of ``x``, both places being counted from the first element of ``x``."""
    start = layout_of(x).offset - of.offset
    return within(memory_of(x), x.dtype, to._replace(offset=to.offset + start))


def _places(layout: Layout) -> Any:
    """The place of each element, as an array of the layout's size."""
    places = numpy.full(layout.size, layout.offset)
    for axis, (n, step) in enumerate(zip(layout.size, layout.stride, strict=True)):
        places += (numpy.arange(n) * step).reshape([-1 if i == axis else 1 for i in range(len(layout.size))])
    return places


def _through(xp: Any, x: Any, *, to: Layout, of: Layout, shared: str) -> Any:
    """What ``to`` shows of a memory of zeros into which ``x`` was added where ``of`` shows it.

    An element of the memory that is shown several times is shared out among them: by ``to`` where ``shared`` is "out", by
    ``of`` where it is "in".
    """
    into, out = _places(of), _places(to)
    memory = numpy.zeros(1 + max(into.max(initial=0), out.max(initial=0)), x.dtype)
    counts = _counts(into if shared == "in" else out, len(memory), x.real.dtype) if shared else None
    numpy.add.at(memory, into, x / counts[into] if shared == "in" and counts is not None else x)
    return memory[out] / counts[out] if shared == "out" and counts is not None else memory[out]


def _counts(places: Any, size: int, dtype: Any) -> Any:
    return numpy.maximum(numpy.bincount(places.reshape(-1), minlength=size), 1).astype(dtype)


def _size(_x: Spec, *, to: Layout, **_: Any) -> Shape:
    return to.size


as_strided_op = Op(_view, name="as_strided", shape=_size, dtype=first_dtype, traits={"view"})
through = Op(_through, name="as_strided_backward", shape=_size, dtype=first_dtype)


def _overlaps(layout: Layout) -> bool:
    places = _places(layout)
    return bool(numpy.unique(places).size < places.size)


_TURNED = {"": "", "in": "out", "out": "in"}
as_strided_op.vjp(lambda g, _out, _x, *, to, of: through(g, to=of, of=to, shared="out" if _overlaps(of) else ""))
through.vjp(lambda g, _out, _x, *, to, of, shared: through(g, to=of, of=to, shared=_TURNED[shared]))


def as_strided(input: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Any:
    """A view of the memory that ``input`` lies in, by sizes and strides in elements.

    Raises ShapeError (a RuntimeError) where that reaches beyond the memory.
    """
    of = layout_of(input._array)
    to = Layout(tuple(map(int, size)), tuple(map(int, stride)), of.offset if storage_offset is None else int(storage_offset))
    return apply(as_strided_op, (input,), {"to": to, "of": of})


def as_strided_(input: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Any:
    """``as_strided``, in place: the tensor itself shows other elements of its memory."""
    shown = as_strided(input, size, stride, storage_offset)
    input._array, input._edge = shown._array, shown._edge
    return input


def as_strided_scatter(input: Any, src: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """A copy of ``input`` whose elements at ``as_strided`` are those of ``src``."""
    out = input.clone()
    as_strided(out, size, stride, storage_offset).copy_(src)
    return out


FUNCTIONS = {"as_strided": as_strided, "as_strided_scatter": as_strided_scatter}
"""Functions of the package."""
