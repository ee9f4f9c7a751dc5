"""Shapes that only a run knows: ranges, slices, repeats and borders whose ends or counts are arrays themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import numeric, op
from graphs.core.spec import Dim, Shape, Spec, adjoint
from graphs.ops.dtypes import ordered
from graphs.ops.joining import MODES, pad, pad_adjoint, tile_adjoint
from graphs.ops.slicing import Index, Slice, frozen, indexed, thawed


ITEM = 3
"""The field of a place (see ``getitem_at``) that is the whole item, an integer position."""

Places = tuple[tuple[int, int], ...]


def _whole(*dtypes: Any) -> None:
    for dtype in dtypes:
        if dtype.kind not in "iu":
            raise DtypeError(f"positions and sizes are integers, not {dtype}")


# Ranges


def _scalars(*specs: Spec) -> Shape:
    if any(spec.dims for spec in specs):
        raise ShapeError("a range has scalars for its ends and its step")
    return (None,)


@op(_scalars, dtype=ordered)
def arange_to(xp: Any, start: Any, stop: Any, step: Any) -> Any:
    """The numbers from ``start`` up to but without ``stop``, ``step`` apart, each of the three a scalar array."""
    ends = [x.item() if hasattr(x, "item") else x for x in (start, stop, step)]
    return xp.arange(*ends, xp.result_type(start, stop, step))


# Slices


def opened(index: Any, is_bound: Callable[[Any], bool]) -> tuple[Index, Places, tuple[Any, ...]]:
    """What somebody wrote between brackets as a fixed index, and where in it the arrays among its numbers belong.

    A place is (item of the index, field of the slice), or ``ITEM`` for a position.
    """
    fixed: list[Any] = []
    places: list[tuple[int, int]] = []
    bounds: list[Any] = []
    for at, item in enumerate(index if type(index) is tuple else (index,)):
        if is_bound(item):
            places.append((at, ITEM))
            bounds.append(item)
            fixed.append(0)
        elif isinstance(item, slice):
            fields = [item.start, item.stop, item.step]
            for field, value in enumerate(fields):
                if is_bound(value):
                    places.append((at, field))
                    bounds.append(value)
                    fields[field] = None
            fixed.extend(frozen(slice(*fields)))
        else:
            fixed.extend(frozen(item))
    return tuple(fixed), tuple(places), tuple(bounds)


def _closed(bounds: tuple[Any, ...], index: Index, places: Places) -> tuple[Any, ...]:
    """``index`` with the arrays' numbers in their places."""
    items = list(index)
    for bound, (at, field) in zip(bounds, places, strict=True):
        value = int(bound)
        items[at] = value if field == ITEM else items[at]._replace(**{Slice._fields[field]: value})
    return thawed.__wrapped__(tuple(items))


def _opened_shape(dims: Shape, index: Index, places: Places) -> Shape:
    """What is known of the shape of ``getitem_at``: not the sizes of slices with an end that is an array.

    Nothing is said against a place in an axis without any: a loop over it may have no rounds.
    """
    items = list(index)
    for at, field in places:
        items[at] = 0 if field == ITEM else Slice()
    loose = {at for at, _ in places}
    sizes: list[Dim] = list(dims)
    taken = len(items) - items.count(None) - items.count(Ellipsis)
    axis = 0
    for at, item in enumerate(items):
        if item is Ellipsis:
            axis += len(dims) - taken
        elif item is not None:
            if at in loose and axis < len(sizes):
                sizes[axis] = None
            axis += 1
    return indexed(tuple(sizes), tuple(items))


def _bounds(specs: tuple[Spec, ...], places: Places) -> None:
    if len(specs) != len(places) or any(spec.dims for spec in specs):
        raise ShapeError(f"{len(places)} scalars are wanted for the places {places}")


def _got(x: Spec, *bounds: Spec, index: Index, places: Places) -> Shape:
    _bounds(bounds, places)
    return _opened_shape(x.shape, index, places)


def _got_dtype(x: Any, *bounds: Any, **_: Any) -> Any:
    _whole(*bounds)
    return x


@op(_got, dtype=_got_dtype, traits={"lenient", "view"})
def getitem_at(xp: Any, x: Any, *bounds: Any, index: Index, places: Places) -> Any:
    """``x[index]`` with the scalar ``bounds`` put into the index at ``places``: (which item, which field) (a view)."""
    return x[_closed(bounds, index, places)]


@op(adjoint(_got), dtype=lambda x, _like, *bounds, **_: _got_dtype(x, *bounds))
def put_at_like(xp: Any, x: Any, _like: Any, *bounds: Any, index: Index, places: Places) -> Any:
    """Zeros of the shape of ``like`` with ``x`` put where ``getitem_at`` had taken it: its gradient."""
    out = xp.zeros(_like.shape, x.dtype)
    out[_closed(bounds, index, places)] = x
    return out


def _getitem_at_vjp(needs: Any, gs: Any, _outs: Any, args: Any, *, index: Index, places: Places) -> Any:
    return (put_at_like(gs[0], *args, index=index, places=places), *(None for _ in needs[1:]))


def _put_at_vjp(needs: Any, gs: Any, _outs: Any, args: Any, *, index: Index, places: Places) -> Any:
    return (getitem_at(gs[0], *args[2:], index=index, places=places), *(None for _ in needs[1:]))


getitem_at.joint_vjp(_getitem_at_vjp, ghosts=(0,))
put_at_like.joint_vjp(_put_at_vjp, ghosts=(0, 1))


# Repeats and borders


def _vector_for(x: Spec, counts: Spec, width: tuple[int, ...] = ()) -> Shape | None:
    """Unknown sizes as many as ``x`` has dimensions, where ``counts`` has a row for each of them."""
    rows: Dim = counts.shape[0] if counts.dims else None
    if counts.dims is not None and (
        len(counts.dims) != 1 + len(width)
        or any(m != n for m, n in zip(counts.dims[1:], width, strict=True) if m is not None)
        or (None not in (rows, x.dims) and rows != x.ndim)
    ):
        raise ShapeError(f"{counts} is not one row for each of the dimensions of {x}")
    rank = rows if x.dims is None else x.ndim
    return None if rank is None else (None,) * rank


def _counted(x: Any, counts: Any, **_: Any) -> Any:
    _whole(counts)
    return x


@op(lambda x, reps: _vector_for(x, reps), dtype=_counted)
def tile_to(xp: Any, x: Any, reps: Any) -> Any:
    """``x`` repeated as a whole along each axis as often as the vector ``reps`` says."""
    return xp.tile(x, tuple(map(int, reps)))


def _summed(x: Any, _like: Any, reps: Any) -> Any:
    _whole(reps)
    return numeric(x)


@op(adjoint(_vector_for), dtype=_summed, traits={"lenient", "reduction"})
def tile_to_adjoint(xp: Any, x: Any, _like: Any, reps: Any) -> Any:
    """The sum of the copies of ``like`` that ``tile_to`` had laid out in ``x``: its gradient."""
    return tile_adjoint.kernel(xp, x, _like, reps=tuple(map(int, reps)))


tile_to.vjp(lambda g, _out, _x, reps: tile_to_adjoint(g, _x, reps), None)
tile_to_adjoint.vjp(lambda g, _out, _x, _like, reps: tile_to(g, reps), None, None)


def _bordered(x: Spec, paddings: Spec, *, mode: str, **_: Any) -> Shape | None:
    if mode not in MODES:
        raise ShapeError(f"no padding mode {mode!r}; there are {', '.join(MODES)}")
    return _vector_for(x, paddings, (2,))


def _pairs(paddings: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(before), int(after)) for before, after in paddings)


@op(_bordered, dtype=_counted)
def pad_to(xp: Any, x: Any, paddings: Any, *, mode: str = "constant", value: float = 0) -> Any:
    """``x`` with a border as ``pad`` makes it, its widths in a matrix of a row (before, after) for each axis."""
    return pad.kernel(xp, x, paddings=_pairs(paddings), mode=mode, value=value)


def _inside_dtype(x: Any, paddings: Any, **_: Any) -> Any:
    _whole(paddings)
    return numeric(x)


@op(lambda x, paddings, *, mode: _bordered(x, paddings, mode=mode), dtype=_inside_dtype, traits={"lenient", "view"})
def pad_to_adjoint(xp: Any, x: Any, paddings: Any, *, mode: str = "constant") -> Any:
    """The inside of ``x``, its border added to the elements that it was made of: the gradient of ``pad_to``."""
    return pad_adjoint.kernel(xp, x, paddings=_pairs(paddings), mode=mode)


pad_to.vjp(lambda g, _out, _x, paddings, *, mode: pad_to_adjoint(g, paddings, mode=mode), None)
pad_to_adjoint.vjp(lambda g, _out, _x, paddings, *, mode: pad_to(g, paddings, mode=mode), None)
