"""Putting arrays together and taking them apart: concat, stack, split, tile, repeat, pad."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from graphs.core.arrays import module_of
from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import Ghost, op, promoted
from graphs.core.spec import Dim, Shape, Spec, adjoint, axis_of, check_shape, show
from graphs.ops.shape import first_number, zeros_like
from graphs.ops.slicing import Slice, getitem


# Several arrays to one and back


def agreed(shapes: Sequence[Shape], axis: int | None) -> list[Dim]:
    """The sizes that shapes agree on, except along ``axis``. Raises ShapeError where they do not agree."""
    out = list(shapes[0])
    for shape in shapes[1:]:
        for i, (dim, other) in enumerate(zip(out, shape, strict=False)):
            if i != axis and dim is not None and other is not None and dim != other:
                raise ShapeError(f"{' and '.join(map(show, shapes))} differ along axis {i}")
            out[i] = other if dim is None else dim
        if len(shape) != len(out):
            raise ShapeError(f"{' and '.join(map(show, shapes))} differ in the number of dimensions")
    return out


def _joined(*dtypes: Any, **_: Any) -> Any:
    if not dtypes:
        raise DtypeError("there is nothing to join")
    return promoted(*dtypes)


def _concatenated(*xs: Spec, axis: int) -> Shape:
    shapes = [x.shape for x in xs]
    place = axis_of(axis, len(shapes[0]))
    out = agreed(shapes, place)
    total: Dim = 0
    for shape in shapes:
        size = shape[place]
        total = None if total is None or size is None else total + size
    out[place] = total
    return tuple(out)


@op(_concatenated, dtype=_joined, traits={"strict"})
def concat(xp: Any, *xs: Any, axis: int = 0) -> Any:
    """The arrays one after another along an axis that they have."""
    return xp.concatenate(xs, axis)


@concat.joint_vjp
def _concat_vjp(needs: Any, gs: Any, _outs: Any, _args: Any, *, axis: int) -> Any:
    return (gs[0],) if len(needs) == 1 else split_like(gs[0], *_args, axis=axis)


def _parts(x: Any, cuts: Iterable[int], axis: int) -> tuple[Any, ...]:
    """``x`` cut before the positions ``cuts`` along ``axis``, as the array module would in ten times the time."""
    before = (slice(None),) * (axis % x.ndim)
    ends = [*cuts, None]
    return tuple([x[(*before, slice(start, end))] for start, end in zip([0, *ends[:-1]], ends, strict=True)])


def _split_like(x: Spec, *likes: Spec, axis: int) -> tuple[Shape | None, ...]:
    if x.dims is not None and all(like.dims is not None for like in likes):
        check_shape(x, _concatenated(*likes, axis=axis))
    return tuple(like.dims for like in likes)


@op(_split_like, dtype=lambda x, *likes, axis: (x,) * len(likes), traits={"lenient", "view"})
def split_like(xp: Any, x: Any, *_likes: Any, axis: int = 0) -> tuple[Any, ...]:
    """``x`` cut along ``axis`` into parts as long as those of ``likes``: the gradient of ``concat`` (views)."""
    return _parts(x, tuple(accumulate(like.shape[axis] for like in _likes[:-1])), axis)


@split_like.joint_vjp
def _split_like_vjp(needs: Any, gs: Any, _outs: Any, _args: Any, *, axis: int) -> Any:
    return (concat(*_zeros_for_none(gs, _outs), axis=axis), *(None for _ in needs[1:]))


def _zeros_for_none(gs: Sequence[Any], outs: Sequence[Any]) -> list[Any]:
    xp: Any = module_of([g for g in gs if g is not None])
    return [_zeros(xp, out) if g is None else g for g, out in zip(gs, outs, strict=True)]


def _zeros(xp: Any, out: Any) -> Any:
    """Zeros like ``out``; a ghost does not tell on which device it was."""
    return xp.zeros(out.shape, out.dtype) if isinstance(out, Ghost) else zeros_like(out)


def _sizes(dim: Dim, sections: int | tuple[int, ...]) -> tuple[Dim, ...]:
    """The lengths of the parts that an axis is cut into."""
    if isinstance(sections, tuple):
        if dim is not None and (dim != sum(sections) or min(sections, default=0) < 0):
            raise ShapeError(f"an axis of size {dim} cannot be cut into parts of {sections}")
        return sections
    if sections < 1 or (dim is not None and dim % sections):
        raise ShapeError(f"an axis of size {dim} cannot be cut into {sections} equal parts")
    return (None if dim is None else dim // sections,) * sections


def _split(x: Spec, *, sections: int | tuple[int, ...], axis: int) -> tuple[Shape, ...]:
    place = axis_of(axis, x.ndim)
    return tuple((*x.shape[:place], size, *x.shape[place + 1 :]) for size in _sizes(x.shape[place], sections))


@op(
    _split,
    dtype=lambda x, *, sections, axis: (x,) * (len(sections) if isinstance(sections, tuple) else sections),
    traits={"lenient", "view"},
)
def split(xp: Any, x: Any, *, sections: int | tuple[int, ...], axis: int = 0) -> tuple[Any, ...]:
    """The parts of ``x`` along ``axis``: so many equal ones, or parts of the lengths given (views)."""
    if isinstance(sections, tuple):
        return _parts(x, tuple(accumulate(sections[:-1])), axis)
    size, left = divmod(x.shape[axis], sections)
    if left:
        raise ShapeError(f"an axis of size {x.shape[axis]} cannot be cut into {sections} equal parts")
    return _parts(x, range(size, size * sections, size) if size else (0,) * (sections - 1), axis)


@split.joint_vjp
def _split_vjp(needs: Any, gs: Any, _outs: Any, _args: Any, *, axis: int) -> Any:
    return (concat(*_zeros_for_none(gs, _outs), axis=axis),)


def _stacked(*xs: Spec, axis: int) -> Shape:
    out = agreed([x.shape for x in xs], None)
    out.insert(axis_of(axis, len(out) + 1), len(xs))
    return tuple(out)


@op(_stacked, dtype=_joined, traits={"strict"})
def stack(xp: Any, *xs: Any, axis: int = 0) -> Any:
    """The arrays, all of one shape, side by side along a new axis."""
    return xp.stack(xs, axis)


@stack.joint_vjp
def _stack_vjp(needs: Any, gs: Any, _outs: Any, _args: Any, *, axis: int) -> Any:
    return [getitem(gs[0], index=_at(i, axis)) if need else None for i, need in enumerate(needs)]


def _at(position: int, axis: int) -> tuple[Any, ...]:
    """The index that takes ``position`` along ``axis``, whatever the number of dimensions."""
    if axis >= 0:
        return (*(Slice() for _ in range(axis)), position)
    return (Ellipsis, position, *(Slice() for _ in range(-axis - 1)))


# One array several times


def _tiled(x: Spec, *, reps: tuple[int, ...]) -> Shape:
    width = max(x.ndim, len(reps))
    dims, times = (1,) * (width - x.ndim) + x.shape, (1,) * (width - len(reps)) + reps
    return tuple(None if n is None else n * k for n, k in zip(dims, times, strict=True))


@op(_tiled)
def tile(xp: Any, x: Any, *, reps: tuple[int, ...]) -> Any:
    """``x`` repeated as a whole, ``reps`` times along each of the last axes (new axes come first, as in numpy)."""
    return xp.tile(x, reps)


@op(adjoint(_tiled), dtype=first_number, traits={"lenient", "reduction"})
def tile_adjoint(xp: Any, x: Any, _like: Any, *, reps: tuple[int, ...]) -> Any:
    """The sum of the copies of ``like`` that ``tile`` had laid out in ``x``: its gradient."""
    width = x.ndim
    dims = (1,) * (width - len(_like.shape)) + tuple(_like.shape)
    times = (1,) * (width - len(reps)) + reps
    parts = tuple(n for pair in zip(times, dims, strict=True) for n in pair)
    return x.reshape(parts).sum(axis=tuple(range(0, 2 * width, 2)), dtype=x.dtype).reshape(_like.shape)


tile.vjp(lambda g, _out, _x, *, reps: tile_adjoint(g, _x, reps=reps))
tile_adjoint.vjp(lambda g, _out, _x, _like, *, reps: tile(g, reps=reps), None)


def _repeated(x: Spec, *, repeats: int, axis: int) -> Shape:
    place = axis_of(axis, x.ndim)
    if repeats < 0:
        raise ShapeError(f"nothing is repeated {repeats} times")
    return tuple(n * repeats if i == place and n is not None else n for i, n in enumerate(x.shape))


@op(_repeated)
def repeat(xp: Any, x: Any, *, repeats: int, axis: int) -> Any:
    """``x`` with each of its elements along ``axis`` repeated on the spot."""
    return xp.repeat(x, repeats, axis)


@op(adjoint(_repeated), dtype=first_number, traits={"lenient", "reduction"})
def repeat_adjoint(xp: Any, x: Any, _like: Any, *, repeats: int, axis: int) -> Any:
    """The sum of the elements that ``repeat`` had made from each one of ``like``: its gradient."""
    place = axis % x.ndim
    shape = _like.shape
    return x.reshape((*shape[: place + 1], repeats, *shape[place + 1 :])).sum(axis=place + 1, dtype=x.dtype)


repeat.vjp(lambda g, _out, _x, *, repeats, axis: repeat_adjoint(g, _x, repeats=repeats, axis=axis))
repeat_adjoint.vjp(lambda g, _out, _x, _like, *, repeats, axis: repeat(g, repeats=repeats, axis=axis), None)


# Borders

Paddings = tuple[tuple[int, int], ...]
"""How much is added before and after, axis by axis."""

MODES = ("constant", "reflect", "symmetric", "edge", "wrap")


def _padded(x: Spec, *, paddings: Paddings, mode: str, **_: Any) -> Shape:
    if len(paddings) != x.ndim or any(n < 0 for pair in paddings for n in pair):
        raise ShapeError(f"paddings {paddings} for {x.ndim} dimensions")
    if mode not in MODES:
        raise ShapeError(f"no padding mode {mode!r}; there are {', '.join(MODES)}")
    for dim, (before, after) in zip(x.shape, paddings, strict=True):
        if mode == "reflect" and dim is not None and max(before, after) >= max(dim, 1):
            raise ShapeError(f"an axis of size {dim} does not reflect over {max(before, after)} elements")
        if mode == "symmetric" and dim is not None and max(before, after) > dim:
            raise ShapeError(f"an axis of size {dim} has no mirror image of {max(before, after)} elements")
        if mode != "constant" and dim == 0 and before + after:
            raise ShapeError(f"an empty axis has nothing to pad with in the mode {mode}")
    return tuple(None if n is None else n + before + after for n, (before, after) in zip(x.shape, paddings, strict=True))


@op(_padded)
def pad(xp: Any, x: Any, *, paddings: Paddings, mode: str = "constant", value: float = 0) -> Any:
    """``x`` with a border: of ``value``, of its mirror image without the edge (reflect) or with it (symmetric), of its edge,
    or wrapped around."""
    if mode == "constant":
        out = xp.full(tuple(n + sum(pair) for n, pair in zip(x.shape, paddings, strict=True)), value, x.dtype)
        out[tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, paddings, strict=True))] = x
        return out
    return xp.pad(x, paddings, mode)


def _unpadded(x: Spec, *, paddings: Paddings, **_: Any) -> Shape:
    if len(paddings) != x.ndim:
        raise ShapeError(f"{len(paddings)} pairs of widths for {x.ndim} dimensions")
    return tuple(None if n is None else n - sum(pair) for n, pair in zip(x.shape, paddings, strict=True))


@op(_unpadded, dtype=first_number, traits={"lenient", "view"})
def pad_adjoint(xp: Any, x: Any, *, paddings: Paddings, mode: str = "constant") -> Any:
    """The inside of ``x``, its border added to the elements that it was made of: the gradient of ``pad``.

    For constant borders a view.
    """
    for axis, (before, after) in enumerate(paddings):
        size = x.shape[axis] - before - after
        wide = xp.moveaxis(x, axis, 0)
        out = wide[before : before + size]
        if mode != "constant" and before + after:
            out = out.copy()
            origin = xp.pad(xp.arange(size), (before, after), mode)
            for place in (*range(before), *range(before + size, before + size + after)):
                out[origin[place]] += wide[place]
        x = xp.moveaxis(out, 0, axis)
    return x


pad.vjp(lambda g, _out, _x, *, paddings, mode: pad_adjoint(g, paddings=paddings, mode=mode))
pad_adjoint.vjp(lambda g, _out, _x, *, paddings, mode: pad(g, paddings=paddings, mode=mode))
