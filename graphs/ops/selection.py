"""Indexing by several arrays of positions or masks: ``x[i, j]``, ``x[:, mask]``, and assignment through them.

An index that mixes arrays with integers and slices is taken in two steps, the fixed part first (``parted``). That is
PyTorch's order: in ``x[0, :, positions]`` the integer does not count as an array, as it would in numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs.core.errors import DtypeError, PositionError, ShapeError
from graphs.core.op import numeric, op
from graphs.core.portable import combine_at
from graphs.core.spec import Dim, Shape, Spec, adjoint, broadcast, show
from graphs.ops.indexing import assigned
from graphs.ops.shape import check_fits, fit
from graphs.ops.slicing import Index, Slice, frozen, getitem, indexed, thawed


def parted(index: Any, rank: int | None, is_array: Callable[[Any], bool]) -> tuple[Index, tuple[Any, ...], tuple[int, ...]]:
    """What somebody wrote between brackets as a fixed index, the arrays in it, and the axes they stand at after the first.

    ``is_array`` tells arrays (with ``dtype`` and ``ndim``) from fixed items. Raises ShapeError where arrays follow an
    ellipsis and the rank is not known.
    """
    items = index if type(index) is tuple else (index,)
    widths = [
        _width(item.ndim, item.dtype) if is_array(item) else 0 if item is None or item is Ellipsis else 1 for item in items
    ]
    fixed: list[Any] = []
    arrays: list[Any] = []
    axes: list[int] = []
    axis = 0
    for place, (item, width) in enumerate(zip(items, widths, strict=True)):
        if is_array(item):
            arrays.append(item)
            axes.append(axis)
            fixed.extend([Slice()] * width)
            axis += width
            continue
        fixed.extend(frozen(item))
        if item is Ellipsis:
            if rank is None and any(map(is_array, items[place + 1 :])):
                raise ShapeError("an array after an ellipsis needs a known number of dimensions")
            axis += (rank or 0) - sum(widths)
        elif item is None or isinstance(fixed[-1], Slice):
            axis += 1
    return tuple(fixed), tuple(arrays), tuple(axes)


def _width(ndim: int, dtype: Any) -> int:
    """How many axes an array of positions, or a mask, stands for."""
    return ndim if dtype.kind == "b" else 1


def _selector(indices: Sequence[Any], axes: tuple[int, ...] | None) -> tuple[Any, ...]:
    if axes is None:
        return tuple(indices)
    out: list[Any] = []
    position = 0
    for array, axis in zip(indices, axes, strict=True):
        out.extend([slice(None)] * (axis - position))
        out.append(array)
        position = axis + _width(array.ndim, array.dtype)
    return tuple(out)


def _selected(x: Shape, indices: Sequence[Spec], axes: tuple[int, ...] | None) -> Shape:
    """The shape of what the arrays take: their own dimensions, at the first of their axes, or in front if they lie apart."""
    if not indices or (axes is not None and len(axes) != len(indices)):
        raise ShapeError(f"{len(indices)} arrays of positions at the axes {axes}")
    used: list[int] = []
    positions: list[Shape] = []
    for array, axis in zip(indices, axes or [None] * len(indices), strict=True):
        place = (used[-1] + 1 if used else 0) if axis is None else axis
        if used and place <= used[-1]:
            raise ShapeError(f"the axes {axes} are not in order")
        width = _width(array.ndim, array.dtype)
        mask = array.dtype.kind == "b"
        covered = x[place : place + width]
        if len(covered) < width or (mask and any(m != n for m, n in zip(covered, array.shape, strict=True) if m and n)):
            raise PositionError(f"{array} does not index the axes from {place} of {show(x)}")
        used.extend(range(place, place + width))
        positions.append((None,) if mask else array.shape)
    rest = [n for i, n in enumerate(x) if i not in used]
    begin = used[0] if used else place  # of masks without dimensions alone
    first = begin if not used or used[-1] - begin + 1 == len(used) else 0
    return (*rest[:first], *broadcast(*positions), *rest[first:])


def _check_positions(indices: Sequence[Any]) -> None:
    for dtype in indices:
        if dtype.kind not in "iub":
            raise DtypeError(f"positions are integers, and masks bool, not {dtype}")


def _first_dtype(first: Any, *indices: Any, **_: Any) -> Any:
    _check_positions(indices)
    return first


@op(lambda x, *indices, axes: _selected(x.shape, indices, axes), dtype=_first_dtype)
def index(xp: Any, x: Any, *indices: Any, axes: tuple[int, ...] | None = None) -> Any:
    """The elements of ``x`` at arrays of positions, broadcast together, or where masks hold, at ``axes`` (the first ones).

    The arrays' dimensions stand at the first of their axes, or in front where the axes are not neighbours, as in numpy.
    """
    out = x[_selector(indices, axes)]
    return out if any(i.ndim for i in indices) else out.copy()  # arrays without dimensions count as integers: a view


def _index_adjoint_dtype(first: Any, _like: Any, *indices: Any, **_: Any) -> Any:
    _check_positions(indices)
    return numeric(first)


@op(adjoint(lambda like, *indices, axes: _selected(like.shape, indices, axes)), dtype=_index_adjoint_dtype)
def index_adjoint(xp: Any, x: Any, _like: Any, *indices: Any, axes: tuple[int, ...] | None = None) -> Any:
    """Zeros of the shape of ``like``, each element of ``x`` added where ``index`` had taken it: its gradient."""
    out = xp.zeros(_like.shape, x.dtype)
    combine_at(xp, "add", out, _selector(indices, axes), x)
    return out


def _index_vjp(needs: Any, gs: Any, _outs: Any, args: Any, *, axes: tuple[int, ...] | None) -> Any:
    return (index_adjoint(gs[0], *args, axes=axes), *(None for _ in needs[1:]))


def _index_adjoint_vjp(needs: Any, gs: Any, _outs: Any, args: Any, *, axes: tuple[int, ...] | None) -> Any:
    return (index(gs[0], *args[2:], axes=axes), *(None for _ in needs[1:]))


index.joint_vjp(_index_vjp, ghosts=(0,))
index_adjoint.joint_vjp(_index_adjoint_vjp, ghosts=(0, 1))


def _put(x: Spec, values: Spec, *indices: Spec, at: Index, axes: tuple[int, ...] | None, **_: Any) -> Shape | None:
    if x.dims is None:
        return None
    taken: tuple[Dim, ...] = indexed(x.dims, at)
    if indices:
        taken = _selected(taken, indices, axes)
    if values.dims is not None:
        check_fits(values.dims, taken)
    return x.dims


def _put_dtype(x: Any, values: Any, *indices: Any, **_: Any) -> Any:
    _check_positions(indices)
    return assigned(x, values)


@op(_put, dtype=_put_dtype)
def index_put(
    xp: Any,
    x: Any,
    values: Any,
    *indices: Any,
    at: Index = (),
    axes: tuple[int, ...] | None = None,
    accumulate: bool = False,
) -> Any:
    """``x`` with ``values`` put (``accumulate``: added) at ``x[at]``, and within it at the arrays as ``index`` takes them.

    Where a position occurs twice the last value stays, but the gradient flows to each.
    """
    out = x.copy()
    inside = out[thawed(at)]
    place = _selector(indices, axes) if indices else Ellipsis
    if accumulate:
        combine_at(xp, "add", inside, place, values)
    else:
        inside[place] = values
    return out


def _index_put_vjp(
    needs: Any, gs: Any, _outs: Any, args: Any, *, at: Index, axes: tuple[int, ...] | None, accumulate: bool
) -> Any:
    g, indices = gs[0], args[2:]
    into = values = None
    if needs[0]:
        into = g if accumulate else index_put(g, 0.0, *indices, at=at, axes=axes)
    if needs[1]:
        taken = getitem(g, index=at) if at else g
        values = fit(index(taken, *indices, axes=axes) if indices else taken, args[1])
    return (into, values, *(None for _ in indices))


index_put.joint_vjp(_index_put_vjp, ghosts=(0, 1))
