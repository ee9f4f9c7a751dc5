"""Functions that change shapes, join and take apart."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy

from dynamic import tape
from dynamic.apply import Carried, apply, counter_of, wrap
from dynamic.dtypes import dtype_of
from dynamic.elsewhere import may_share
from dynamic.formats import contiguous_format
from dynamic.functions.calling import named
from graphs.core.arrays import xp_of
from graphs.core.errors import PositionError, ShapeError, at_line
from graphs.core.op import OPS
from graphs.ops.slicing import Slice


def given_sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """``view(2, 3)`` and ``view((2, 3))`` alike."""
    given = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    return tuple(int(n) for n in given)


def reshape(input: Any, *shape: Any) -> Any:
    """The same elements in another shape, in which one size may be -1; a view where memory allows."""
    return apply(OPS["reshape"], (input,), {"shape": given_sizes(shape)})


def view(input: Any, *shape: Any) -> Any:
    """A view of the same memory in another shape (or read as another dtype). Raises where it would need a copy.

    What a convolution or pool gives has its channels last in memory, where PyTorch has them first: it is laid out anew.
    """
    if len(shape) == 1 and not isinstance(shape[0], (int, numpy.integer, tuple, list)):
        return _reinterpreted(input, dtype_of(shape[0]).numpy)
    out = reshape(input, *shape)
    if out._array.size and not may_share(out._array, input._array):
        if input._source is None and _channels_last(input._array):
            xp: Any = xp_of((input._array,))
            # Who follows operations knows values by their arrays.
            anew = input.clone(memory_format=contiguous_format)._array if tape.watched else input._array
            input._array = xp.ascontiguousarray(anew)
            return reshape(input, *shape)
        raise ShapeError(f"view of shape {tuple(input._array.shape)} as {given_sizes(shape)} needs a copy: use reshape")
    return out


def _channels_last(array: Any) -> bool:
    """Whether dimension 1 is the innermost in memory, and the others are in order."""
    return bool(array.ndim > 2 and numpy.moveaxis(array, 1, -1).flags.c_contiguous)


def _reinterpreted(input: Any, dtype: Any) -> Any:
    """The same memory read as another dtype, which shares changes but no gradient."""
    if dtype == input._array.dtype:
        return input
    out = wrap(input._array.view(dtype))
    out._counter = counter_of(input)
    return out


def view_as(input: Any, other: Any) -> Any:
    """A view in the shape of ``other``."""
    return view(input, tuple(other._array.shape))


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Dimensions ``start_dim`` to ``end_dim`` made one."""
    shape = input._array.shape
    rank = max(len(shape), 1)
    for dim in (start_dim, end_dim):
        if not -rank <= dim < rank:
            raise PositionError(f"flatten: dimension {dim} of a tensor of shape {tuple(shape)}{at_line()}")
    start, end = start_dim % rank, end_dim % rank
    if start > end:
        raise ShapeError(f"flatten: dimension {start_dim} comes after {end_dim}{at_line()}")
    if len(shape) < 2:
        return input if shape else reshape(input, 1)
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
    wanted = list(given_sizes(sizes))
    shape = input._array.shape
    for i in range(1, len(shape) + 1):
        if i <= len(wanted) and wanted[-i] == -1:
            wanted[-i] = shape[-i]
    return apply(OPS["broadcast_to"], (input,), {"shape": tuple(wanted)})


def expand_as(input: Any, other: Any) -> Any:
    """A view in the shape of ``other``, in which dimensions of size 1 are repeated."""
    return expand(input, tuple(other._array.shape))


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
    return apply(OPS["transpose"], (input,), {"axes": given_sizes(dims)})


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """``length`` positions of ``dim`` from ``start`` on, as a view."""
    at = dim % input._array.ndim
    size = input._array.shape[at]
    start = int(start) + size if start < 0 else int(start)
    if not 0 <= start <= size or length < 0 or start + length > size:
        raise PositionError(f"narrow: {length} positions from {start} of dimension {dim}, whose size is {size}{at_line()}")
    index = (*(Slice(),) * at, Slice(start, start + int(length)))
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


def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """So many pieces along ``dim``, the first ones larger by one where they do not fit; or pieces between indices; views."""
    cuts = indices_or_sections
    if isinstance(cuts, Carried):
        cuts = cuts._array.tolist()
    size = input._array.shape[dim]
    if isinstance(cuts, int):
        if cuts < 1:
            raise ShapeError(f"tensor_split into {cuts} pieces{at_line()}")
        whole, more = divmod(size, cuts)
        ends = [i * whole + min(i, more) for i in range(cuts + 1)]
        return tuple(narrow(input, dim, start, end - start) for start, end in pairwise(ends))
    ends = [slice(None, int(cut)).indices(size)[1] for cut in cuts]
    starts = [0, *ends]
    return tuple(narrow(input, dim, start, max(end - start, 0)) for start, end in zip(starts, [*ends, size], strict=True))


def _split_at(name: str, rank: int, input: Any, cuts: Any, dim: int) -> tuple[Any, ...]:
    if input._array.ndim < rank:
        raise ShapeError(f"{name} is for {rank} dimensions and more, not for shape {input._array.shape}{at_line()}")
    if isinstance(cuts, int) and (cuts < 1 or input._array.shape[dim] % cuts):
        raise ShapeError(f"{name}: {input._array.shape[dim]} positions do not make {cuts} equal pieces{at_line()}")
    return tensor_split(input, cuts, dim)


def hsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Pieces side by side: along the second dimension, of a vector along its first; views."""
    return _split_at("hsplit", 1, input, indices_or_sections, min(input._array.ndim - 1, 1))


def vsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Pieces one above the other: along the first dimension; views."""
    return _split_at("vsplit", 2, input, indices_or_sections, 0)


def dsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Pieces one behind the other: along the third dimension; views."""
    return _split_at("dsplit", 3, input, indices_or_sections, 2)


def movedim(input: Any, source: Any, destination: Any) -> Any:
    """With some dimensions moved to other places and the rest in order, as a view."""
    ndim = input._array.ndim
    before, after = (tuple(d) if isinstance(d, (tuple, list)) else (d,) for d in (source, destination))
    if len(before) != len(after):
        raise ShapeError(f"movedim: from {before} to {after}{at_line()}")
    for d in (*before, *after):
        if not -max(ndim, 1) <= d < max(ndim, 1):
            raise PositionError(f"movedim: dimension {d} of {ndim}{at_line()}")
    if not ndim:
        return reshape(input, ())
    before, after = (tuple(d % ndim for d in dims) for dims in (before, after))
    if len(set(before)) != len(before) or len(set(after)) != len(after):
        raise ShapeError(f"movedim: a dimension twice in {before} or {after}{at_line()}")
    order = [d for d in range(ndim) if d not in before]
    for to, of in sorted(zip(after, before, strict=True)):
        order.insert(to, of)
    return permute(input, order)


def adjoint(input: Any) -> Any:
    """The conjugate with the last two dimensions exchanged."""
    return input.mH


def ravel(input: Any) -> Any:
    """The elements as a vector; a view where memory allows."""
    return reshape(input, -1)


def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """With ``dim`` taken apart into ``sizes``, one of which may be -1; a view."""
    at = dim % input._array.ndim
    shape = input._array.shape
    if not sizes:
        raise ShapeError(f"unflatten: sizes are wanted{at_line()}")
    given = tuple(map(int, sizes))
    known = math.prod(n for n in given if n != -1)
    if given.count(-1) > 1 or (known != shape[at] if -1 not in given else not known or shape[at] % known):
        raise ShapeError(f"unflatten: sizes {given} do not make {shape[at]}, the size of dimension {dim}{at_line()}")
    return reshape(input, *shape[:at], *(shape[at] // known if n == -1 else n for n in given), *shape[at + 1 :])


def unfold(input: Any, dimension: int, size: int, step: int) -> Any:
    """The windows of ``size`` elements along ``dimension``, ``step`` apart, as a last dimension; a view."""
    if not input._array.ndim:
        return apply(OPS["frames"], (reshape(input, 1),), {"axis": 0, "size": size, "step": step}).squeeze(0)
    return apply(OPS["frames"], (input,), {"axis": dimension, "size": size, "step": step})


def _ends(input: Any, dim1: int, dim2: int) -> Any:
    """With two dimensions moved to the end, as a view."""
    ndim = input._array.ndim
    for d in (dim1, dim2):
        if not -ndim <= d < ndim:
            raise PositionError(f"dimension {d} of {ndim}{at_line()}")
    first, second = dim1 % ndim, dim2 % ndim
    if first == second:
        raise ShapeError(f"diagonal dimensions cannot be identical: {dim1} and {dim2}{at_line()}")
    if (first, second) == (ndim - 2, ndim - 1):
        return input
    return permute(input, [d for d in range(ndim) if d not in (first, second)] + [first, second])


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of two dimensions, ``offset`` to the right of the main one, as a last dimension; a view."""
    return apply(OPS["diagonal"], (_ends(input, dim1, dim2),), {"offset": int(offset)})


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The last dimension on the diagonal of two new ones, zeros elsewhere."""
    out = apply(OPS["diag"], (input,), {"offset": int(offset)})
    ndim = out._array.ndim
    for d in (dim1, dim2):
        if not -ndim <= d < ndim:
            raise PositionError(f"dimension {d} of {ndim}{at_line()}")
    if dim1 % ndim == dim2 % ndim:
        raise ShapeError(f"diagonal dimensions cannot be identical: {dim1} and {dim2}{at_line()}")
    return movedim(out, (-2, -1), (dim1, dim2))


def diag(input: Any, diagonal: int = 0) -> Any:
    """A matrix with a vector on its diagonal; of a matrix, its diagonal, as a copy."""
    if input._array.ndim not in (1, 2):
        raise ShapeError(f"diag is for vectors and matrices, not for shape {tuple(input._array.shape)}{at_line()}")
    if input._array.ndim == 1:
        return apply(OPS["diag"], (input,), {"offset": int(diagonal)})
    return apply(OPS["diagonal"], (input,), {"offset": int(diagonal)}).clone()


def diagflat(input: Any, offset: int = 0) -> Any:
    """A matrix with all elements on its diagonal."""
    return apply(OPS["diag"], (reshape(input, -1),), {"offset": int(offset)})


def broadcast_to(input: Any, size: Any) -> Any:
    """A view in the shape ``size``, in which dimensions of size 1 are repeated."""
    return expand(input, tuple(size))


def sum_to_size(input: Any, *size: Any) -> Any:
    """The sum over the dimensions along which a tensor of that size would be broadcast."""
    shape = given_sizes(size)
    if len(shape) > input._array.ndim or any(
        n not in (1, m) for n, m in zip(shape[::-1], input._array.shape[::-1], strict=False)
    ):
        raise ShapeError(f"size {shape} does not broadcast to {tuple(input._array.shape)}{at_line()}")
    return apply(OPS["unbroadcast"], (input, input.new_empty(shape)))


def narrow_copy(input: Any, dim: int, start: int, length: int) -> Any:
    """``narrow``, as a copy."""
    return narrow(input, dim, start, length).clone()


METHODS = named(
    *(reshape, view, view_as, flatten, squeeze, unsqueeze, expand, expand_as, t, transpose, permute, movedim, adjoint),
    *(narrow, narrow_copy, select, split, chunk, unbind, tensor_split, hsplit, vsplit, dsplit, ravel, unflatten, unfold),
    *(diagonal, diag_embed, diag, diagflat, broadcast_to, sum_to_size),
)
METHODS |= {
    f.__name__: f for f in (reshape, view, view_as, flatten, expand, expand_as, t, transpose, permute, chunk, unbind)
}
METHODS |= {
    "moveaxis": METHODS["movedim"],
    "swapaxes": transpose,
    "swapdims": transpose,
    "reshape_as": METHODS["view_as"],
    "split_with_sizes": METHODS["split"],
    "unsafe_split": METHODS["split"],
    "unsafe_split_with_sizes": METHODS["split"],
    "unsafe_chunk": METHODS["chunk"],
}
"""Functions that are methods too."""

_ONLY_METHODS = frozenset({"view", "view_as", "reshape_as", "expand", "expand_as", "unfold", "sum_to_size"})
FUNCTIONS = {name: METHODS[name] for name in METHODS if name not in _ONLY_METHODS}
"""Functions of the package."""

TURNED = ("squeeze", "unsqueeze", "t", "transpose", "swapaxes", "swapdims")
"""Functions that have a variant in place, which makes the tensor itself the view."""
