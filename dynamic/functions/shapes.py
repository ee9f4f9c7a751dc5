"""Functions that change shapes, join and take apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from dynamic.apply import Carried, apply, wrap
from graphs.core.errors import PositionError, ShapeError
from graphs.core.op import OPS
from graphs.ops.slicing import Slice


def _sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """``view(2, 3)`` and ``view((2, 3))`` alike."""
    given = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    return tuple(int(n) for n in given)


def reshape(input: Any, *shape: Any) -> Any:
    """The same elements in another shape, in which one size may be -1; a view where memory allows."""
    return apply(OPS["reshape"], (input,), {"shape": _sizes(shape)})


def view(input: Any, *shape: Any) -> Any:
    """A view of the same memory in another shape (or, given a dtype, cast). Raises where it would need a copy."""
    if len(shape) == 1 and not isinstance(shape[0], (int, tuple, list)):
        return input.to(shape[0])
    out = reshape(input, *shape)
    if out._array.size and not numpy.may_share_memory(out._array, input._array):
        raise ShapeError(f"view of shape {tuple(input._array.shape)} as {_sizes(shape)} needs a copy: use reshape")
    return out


def view_as(input: Any, other: Any) -> Any:
    """A view in the shape of ``other``."""
    return view(input, tuple(other._array.shape))


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Dimensions ``start_dim`` to ``end_dim`` made one."""
    shape = input._array.shape
    if not shape:
        return reshape(input, 1)
    start, end = start_dim % len(shape), end_dim % len(shape)
    return reshape(input, *shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def squeeze(input: Any, dim: int | tuple[int, ...] | None = None) -> Any:
    """Without the dimensions of size 1 (or without ``dim``, if its size is 1)."""
    if dim is not None:
        shape = input._array.shape
        dims = (dim,) if isinstance(dim, int) else dim
        dim = tuple(d for d in dims if shape and shape[d] == 1)
    return apply(OPS["squeeze"], (input,), {"axis": dim})


def unsqueeze(input: Any, dim: int) -> Any:
    """With a dimension of size 1 put in at ``dim``."""
    return apply(OPS["expand_dims"], (input,), {"axis": dim})


def expand(input: Any, *sizes: Any) -> Any:
    """A view in which dimensions of size 1 are repeated; -1 keeps a size."""
    wanted = list(_sizes(sizes))
    shape = input._array.shape
    for i in range(1, len(shape) + 1):
        if i <= len(wanted) and wanted[-i] == -1:
            wanted[-i] = shape[-i]
    return apply(OPS["broadcast_to"], (input,), {"shape": tuple(wanted)})


def expand_as(input: Any, other: Any) -> Any:
    """A view in the shape of ``other``, in which dimensions of size 1 are repeated."""
    return expand(input, tuple(other._array.shape))


def repeat(input: Any, *sizes: Any) -> Any:
    """Copies side by side: ``sizes[i]`` times along dimension i; more sizes than dimensions put new ones in front."""
    reps = _sizes(sizes)
    if len(reps) < input._array.ndim:
        raise ShapeError(f"repeat: {len(reps)} numbers for {input._array.ndim} dimensions")
    return apply(OPS["tile"], (input,), {"reps": reps})


def t(input: Any) -> Any:
    """The transpose of a matrix, as a view; a vector or scalar itself."""
    if input._array.ndim > 2:
        raise ShapeError(f"t() takes at most 2 dimensions, not {input._array.ndim}; use transpose or mT")
    return apply(OPS["matrix_transpose"], (input,)) if input._array.ndim == 2 else input


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """With two dimensions exchanged, as a view."""
    return apply(OPS["swapaxes"], (input,), {"axis1": dim0, "axis2": dim1})


def permute(input: Any, *dims: Any) -> Any:
    """With the dimensions in the given order, as a view."""
    return apply(OPS["transpose"], (input,), {"axes": _sizes(dims)})


def flip(input: Any, *dims: Any) -> Any:
    """With the order of the elements reversed along the given dimensions; a copy."""
    out = apply(OPS["flip"], (input,), {"axis": _sizes(dims)})
    out._array, out._counter, out._source = out._array.copy(), None, None  # the op makes a view, PyTorch does not
    return out


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """With the elements shifted along the given dimensions, those pushed out put in at the other end."""
    return apply(OPS["roll"], (input,), {"shift": shifts, "axis": dims})


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """``length`` positions of ``dim`` from ``start`` on, as a view."""
    at = dim % input._array.ndim
    if start + length > input._array.shape[at]:
        raise PositionError(
            f"narrow: {length} positions from {start} of dimension {dim}, whose size is {input._array.shape[at]}"
        )
    index = (*(Slice(),) * at, Slice(int(start), int(start) + length))
    return apply(OPS["getitem"], (input,), {"index": index})


def select(input: Any, dim: int, index: int) -> Any:
    """Position ``index`` of ``dim``, which goes away; a view."""
    return apply(OPS["getitem"], (input,), {"index": (*(Slice(),) * (dim % input._array.ndim), int(index))})


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Pieces of the given size (the last may be smaller), or of the given sizes, along ``dim``; views."""
    n = tensor._array.shape[dim]
    size = split_size_or_sections
    sections = tuple(size) if not isinstance(size, int) else tuple(min(size, n - i) for i in range(0, max(n, 1), size))
    if sum(sections) != n:
        raise ShapeError(f"split: sizes {sections} do not add up to {n}, the size of dimension {dim}")
    return tuple(apply(OPS["split"], (tensor,), {"sections": sections, "axis": dim}))


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """About ``chunks`` pieces of equal size along ``dim``; views."""
    if chunks < 1:
        raise ShapeError(f"chunk: {chunks} pieces")
    return split(input, -(-input._array.shape[dim] // chunks) or 1, dim)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """The positions of ``dim``, one by one; views."""
    return tuple(select(input, dim, i) for i in range(input._array.shape[dim]))


def _need_tensors(name: str, tensors: Any) -> None:
    if isinstance(tensors, Carried) or not all(isinstance(x, Carried) for x in tensors):
        raise TypeError(f"{name} takes a sequence of tensors")


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors joined along a dimension that they have."""
    _need_tensors("cat", tensors)
    kept = [x for x in tensors if x._array.shape != (0,)] or list(tensors)[:1]
    return apply(OPS["concat"], tuple(kept), {"axis": dim})


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape joined along a new dimension."""
    _need_tensors("stack", tensors)
    return apply(OPS["stack"], tuple(tensors), {"axis": dim})


def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangle of a matrix, zero above."""
    return apply(OPS["tril"], (input,), {"offset": diagonal})


def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangle of a matrix, zero below."""
    return apply(OPS["triu"], (input,), {"offset": diagonal})


def gather(input: Any, dim: int, index: Any) -> Any:
    """The elements at ``index`` along ``dim``; the result has the shape of ``index``."""
    return apply(OPS["take_along_axis"], (input, index), {"axis": dim})


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The positions in the vector ``index`` along ``dim``."""
    return apply(OPS["take"], (input, index), {"axis": dim})


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """With ``value`` where ``mask`` holds."""
    return apply(OPS["where"], (mask.to("bool"), value, input))


def masked_select(input: Any, mask: Any) -> Any:
    """The elements where ``mask`` holds, as a vector."""
    return input[mask.to("bool")]


def nonzero(input: Any) -> Any:
    """The indices of the elements that are not zero, one per row."""
    return wrap(numpy.argwhere(input._array))


METHODS = {
    function.__name__: function
    for function in (
        *(reshape, view, view_as, flatten, squeeze, unsqueeze, expand, expand_as, repeat, t, transpose, permute, flip, roll),
        *(narrow, select, split, chunk, unbind, tril, triu, gather, index_select, masked_fill, masked_select, nonzero),
    )
}
"""Functions that are methods too."""

FUNCTIONS = {
    **{name: METHODS[name] for name in METHODS if name not in ("view", "view_as", "expand", "expand_as", "repeat")},
    "cat": cat,
    "concat": cat,
    "stack": stack,
}
"""Functions of the package."""
