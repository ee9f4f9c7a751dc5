"""Functions that read and write at indices: gather, scatter, take, put, along one dimension and through masks."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, apply, wrap
from dynamic.dtypes import type_name
from dynamic.elsewhere import beside
from dynamic.functions.calling import named, on_host
from dynamic.functions.shapes import diagonal, narrow, select
from graphs.core.arrays import is_array
from graphs.core.errors import DtypeError, PositionError, ShapeError, at_line
from graphs.core.op import OPS
from graphs.core.spec import broadcast
from graphs.ops.selection import parted
from graphs.ops.slicing import Slice, getitem


def _row(x: Any) -> Any:
    """A tensor with dimensions: of a scalar a row of one."""
    return x if x._array.ndim else x.reshape(1)


def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """The elements at ``index`` along ``dim``; the result has the shape of ``index``."""
    if not input._array.ndim or not index._array.ndim:
        out = apply(OPS["take_along_axis"], (_row(input), _row(index)), {"axis": dim})
        return out if index._array.ndim else out.reshape(())
    return apply(OPS["take_along_axis"], (input, index), {"axis": dim})


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """The elements at ``indices`` along ``dim``, both broadcast along the other dimensions; flattened without ``dim``."""
    if dim is None:
        return take(input, indices.reshape(-1))
    if input._array.ndim != indices._array.ndim:
        raise ShapeError(f"take_along_dim: {input._array.ndim} and {indices._array.ndim} dimensions{at_line()}")
    axis = dim % input._array.ndim
    given = [x._array.shape for x in (input, indices)]
    before = broadcast(*(sizes[:axis] for sizes in given))
    after = broadcast(*(sizes[axis + 1 :] for sizes in given))
    wide = [x.expand(*before, x._array.shape[axis], *after) for x in (input, indices)]
    return gather(wide[0], axis, wide[1])


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The positions in the vector ``index`` along ``dim``."""
    if index._array.ndim > 1:
        raise PositionError(f"index_select takes a vector of positions, not shape {index._array.shape}{at_line()}")
    if not input._array.ndim:
        return apply(OPS["take"], (_row(input), _row(index)), {"axis": dim}).reshape(())
    return apply(OPS["take"], (input, _row(index)), {"axis": dim})


def take(input: Any, index: Any) -> Any:
    """The elements at ``index`` of the flattened tensor, in the shape of ``index``."""
    return apply(OPS["take"], (input.reshape(-1), index), {"axis": 0})


@on_host
def masked_select(input: Any, mask: Any) -> Any:
    """The elements where ``mask`` holds, the two broadcast, as a vector."""
    mask = _mask("masked_select", mask)
    shape: Any = broadcast(input._array.shape, mask._array.shape)
    if shape != input._array.shape:
        input = input.expand(*shape)
    flat = numpy.broadcast_to(mask._array, shape)
    return apply(OPS["index"], (_row(input), flat.reshape(_row(input)._array.shape)), {"axes": (0,)})


def _mask(name: str, mask: Any) -> Any:
    kind = mask._array.dtype
    if kind == numpy.uint8:  # as masks were until 1.2
        return mask.to("bool")
    if kind.kind != "b":
        raise DtypeError(f"{name}: a mask is of bools, not of {type_name(kind)}{at_line()}")
    return mask


# Scatter


def _source(name: str, input: Any, index: Any, src: Any) -> Any:
    """The part of ``src`` that lies under ``index``, in the dtype of ``input``."""
    if not isinstance(src, Carried):
        return src
    if src._array.dtype != input._array.dtype:
        raise DtypeError(f"{name}(): Expected self.dtype to be equal to src.dtype{at_line()}")
    src = _row(src)
    for axis, n in enumerate(index._array.shape):
        if src._array.ndim != index._array.ndim or n > src._array.shape[axis]:
            raise ShapeError(f"{name}: index of shape {index._array.shape} for a source of {src._array.shape}{at_line()}")
        if n < src._array.shape[axis]:
            src = narrow(src, axis, 0, n)
    return src


def _scattered(name: str, op: str, input: Any, dim: int, index: Any, src: Any) -> Any:
    if index._array.dtype != numpy.int64 and index._array.dtype != numpy.int32:
        raise DtypeError(f"{name}: an index is of int64, not of {type_name(index._array.dtype)}{at_line()}")
    row, index = _row(input), _row(index)
    if not index._array.size:
        return input.clone()
    out = apply(OPS[op], (row, index, _source(name, input, index, src)), {"axis": dim})
    return out if row is input else out.reshape(())


_REDUCTIONS = {"add": "scatter_add", "sum": "scatter_add", "multiply": "scatter_prod", "prod": "scatter_prod"}
_REDUCTIONS |= {"amax": "scatter_max", "amin": "scatter_min"}


def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """With the elements at ``index`` along ``dim`` replaced by ``src``, or added to or multiplied by it (``reduce``).

    ``src`` is a tensor or a number. Where a position occurs twice one of the updates stays.
    """
    update = value if src is None else src
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"scatter: reduce is 'add' or 'multiply', not {reduce!r}{at_line()}")
    return _scattered("scatter", "scatter" if reduce is None else _REDUCTIONS[reduce], input, dim, index, update)


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """With ``src`` added to the elements at ``index`` along ``dim``."""
    return _scattered("scatter_add", "scatter_add", input, dim, index, src)


def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """With the elements at ``index`` along ``dim`` reduced with those of ``src``, or replaced by the reduced ones.

    ``reduce`` is "sum", "prod", "mean", "amax" or "amin".
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"scatter_reduce: no reduction {reduce!r}{at_line()}")
    start = input
    if not include_self:
        start = scatter(input, dim, index, _neutral(reduce, input._array.dtype))
    if reduce != "mean":
        return _scattered("scatter_reduce", _REDUCTIONS[reduce], start, dim, index, src)
    total = _scattered("scatter_reduce", "scatter_add", start, dim, index, src)
    ones = input.new_ones(input._array.shape)
    begin = ones if include_self else scatter(ones, dim, index, 0)
    count = _scattered("scatter_reduce", "scatter_add", begin, dim, index, 1).clamp(min=1)
    return total / count if input._array.dtype.kind == "f" else total.div(count, rounding_mode="floor")


def _neutral(reduce: str, dtype: Any) -> Any:
    if reduce in ("sum", "mean", "prod"):
        return 1 if reduce == "prod" else 0
    if dtype.kind == "f":
        return -numpy.inf if reduce == "amax" else numpy.inf
    limits = numpy.iinfo(dtype)
    return int(limits.min if reduce == "amax" else limits.max)


# Along one dimension


def _put_along(name: str, input: Any, dim: int, index: Any, source: Any, accumulate: bool) -> Any:
    row, index = _row(input), _row(index)
    axis = dim % row._array.ndim
    if index._array.ndim != 1:
        raise PositionError(f"{name} takes a vector of positions, not shape {index._array.shape}{at_line()}")
    if isinstance(source, Carried):
        source = _row(source)
        wanted = (*row._array.shape[:axis], index._array.size, *row._array.shape[axis + 1 :])
        if source._array.shape != wanted:
            raise ShapeError(f"{name}: a source of shape {source._array.shape}, not {wanted}{at_line()}")
        if source._array.dtype != row._array.dtype:
            raise DtypeError(f"{name}: self and source expected to have the same dtype{at_line()}")
    out = apply(OPS["index_put"], (row, source, index), {"at": (), "axes": (axis,), "accumulate": accumulate})
    return out if row is input else out.reshape(())


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """With ``alpha * source`` added at the positions in the vector ``index`` along ``dim``."""
    return _put_along("index_add", input, dim, index, source if alpha == 1 else source * alpha, True)


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """With ``source`` at the positions in the vector ``index`` along ``dim``."""
    return _put_along("index_copy", input, dim, index, source, False)


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """With one value at the positions in the vector ``index`` along ``dim``."""
    row = _row(input)
    axis = dim % row._array.ndim
    at = (row, value, _row(index))
    if isinstance(value, Carried) and value._array.ndim:
        raise ShapeError(f"index_fill takes a number or a scalar, not shape {value._array.shape}{at_line()}")
    out = apply(OPS["index_put"], at, {"at": (), "axes": (axis,)})
    return out if row is input else out.reshape(())


def index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    """With the positions in the vector ``index`` along ``dim`` reduced with ``source``; see ``scatter_reduce``."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce: no reduction {reduce!r}{at_line()}")
    axis = dim % input._array.ndim
    places = index.reshape([-1 if i == axis else 1 for i in range(input._array.ndim)]).expand(*source._array.shape)
    return scatter_reduce(input, axis, places, source, reduce, include_self=include_self)


def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """With ``values`` put at, or added to, what the tensors of positions or masks ``indices`` take."""
    items = tuple(slice(None) if each is None else _plain_index(each, input._array) for each in indices)
    at, arrays, axes = parted(items, input._array.ndim, is_array)
    values = values if isinstance(values, Carried) else wrap(beside(numpy.asarray(values, input._array.dtype), input._array))
    if values._array.dtype != input._array.dtype:
        kinds = [type_name(x._array.dtype) for x in (values, input)]
        raise DtypeError(f"index_put: values of {kinds[0]} into {kinds[1]}{at_line()}")
    return apply(OPS["index_put"], (input, values, *arrays), {"at": at, "axes": axes, "accumulate": accumulate})


def _plain_index(each: Any, like: Any) -> Any:
    array = each._array if isinstance(each, Carried) else numpy.asarray(each)
    return beside(array.astype(bool) if array.dtype == numpy.uint8 else array, like)


def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """With ``source`` at, or added to, the elements at ``index`` of the flattened tensor."""
    if index._array.size != source._array.size:
        raise PositionError(f"put: {index._array.size} positions for {source._array.size} elements{at_line()}")
    if source._array.dtype != input._array.dtype:
        raise DtypeError(f"put: a source of {type_name(source._array.dtype)}{at_line()}")
    at = (input.reshape(-1), source.reshape(-1), index.reshape(-1))
    return apply(OPS["index_put"], at, {"at": (), "axes": (0,), "accumulate": accumulate}).reshape(*input._array.shape)


# Masks, and views written over


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """With ``value``, in the dtype of ``input``, where ``mask`` holds."""
    if isinstance(value, Carried):
        if value._array.ndim:
            raise ShapeError(f"masked_fill takes a number or a scalar, not shape {value._array.shape}{at_line()}")
        scalar: Any = value
        value = scalar.to(input._array.dtype)
    elif input._array.dtype.kind in "biu":
        try:
            value = bool(value) if input._array.dtype.kind == "b" else int(value)
        except (OverflowError, ValueError):
            raise DtypeError(f"masked_fill: {value} is no {type_name(input._array.dtype)}'s{at_line()}") from None
    return apply(OPS["where"], (_mask("masked_fill", mask), value, input))


@on_host
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """With the elements of ``source``, in order, where ``mask`` holds."""
    mask = _mask("masked_scatter", mask)
    if source._array.dtype != input._array.dtype:
        raise DtypeError(f"masked_scatter: a source of {type_name(source._array.dtype)}{at_line()}")
    shape: Any = broadcast(input._array.shape, mask._array.shape)
    flat = numpy.broadcast_to(mask._array, shape)
    if int(flat.sum()) > source._array.size:
        raise ShapeError(f"masked_scatter: {int(flat.sum())} places for {source._array.size} elements{at_line()}")
    if not source._array.size:
        return input.expand(*shape).clone()
    order = numpy.maximum(numpy.cumsum(flat.reshape(-1)) - 1, 0).reshape(shape)
    return apply(OPS["where"], (wrap(flat), take(source, wrap(order)), input))


def _written(input: Any, view: Any, src: Any) -> Any:
    """``input`` with ``src`` in place of what ``view`` shows of a copy of it."""
    out = input.clone()
    shown = view(out)
    if src._array.shape != shown._array.shape:
        raise ShapeError(f"expected src to have a size equal to the slice of self: {src._array.shape}{at_line()}")
    shown.copy_(src)
    return out


def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """With ``src`` on the diagonal of two dimensions."""
    return _written(input, lambda x: diagonal(x, offset, dim1, dim2), src)


def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """With ``src`` at position ``index`` of ``dim``."""
    return _written(input, lambda x: select(x, dim, index), src)


def slice_scatter(
    input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    """With ``src`` at the positions from ``start`` to ``end`` of ``dim``."""
    index = (*(Slice(),) * (dim % input._array.ndim), Slice(start, end, step))
    return _written(input, lambda x: apply(getitem, (x,), {"index": index}), src)


METHODS = named(
    *(gather, take_along_dim, index_select, take, masked_select, scatter, scatter_add, scatter_reduce, index_add),
    *(index_copy, index_fill, index_reduce, index_put, put, masked_fill, masked_scatter),
    *(diagonal_scatter, select_scatter, slice_scatter),
)
"""Functions that are methods too."""

FUNCTIONS = METHODS
"""Functions of the package."""

IN_PLACE = (
    *("scatter", "scatter_add", "scatter_reduce", "index_add", "index_copy", "index_fill", "index_reduce", "index_put"),
    *("put", "masked_fill", "masked_scatter"),
)
"""Functions that have a variant in place, named with an underscore."""
