"""Arrays sampled anew along some axes, on a finer or coarser grid, and at points between the places of a lattice.

Along an axis each new element is a weighted sum of a few old ones (``Tap``), so that axes are gone through one by one. The
positions are PyTorch's: half-pixel centres, or corners that stay in place where ``aligned``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy

from graphs.core.errors import ShapeError
from graphs.core.op import op
from graphs.core.portable import combine_at, constant, looks
from graphs.core.spec import Shape, Spec, adjoint, axes_of
from graphs.ops.dtypes import floats
from graphs.ops.joining import stack
from graphs.ops.reduction import sum
from graphs.ops.shape import zeros_like


KINDS = ("nearest", "nearest-exact", "linear", "cubic", "mean")

Steps = tuple[float | None, ...] | None
"""How far apart new elements lie among the old ones, axis by axis; None for what the two sizes say."""


class Tap(NamedTuple):
    """One term of the sums: for which new elements (None for all), the old ones, and the weights (None for ones)."""

    places: Any
    source: Any
    weight: Any


# Along axes


@lru_cache(maxsize=256)
def _taps(size: int, number: int, kind: str, aligned: bool, smooth: bool, step: float | None) -> tuple[Tap, ...]:
    """How ``number`` new elements are made of ``size`` old ones. The old ones of a tap never go backwards."""
    at = numpy.arange(number)
    if kind == "mean":
        first = at * size // number
        return _runs(first, -(-(at + 1) * size // number) - first, None)
    if aligned:
        step = (size - 1) / (number - 1) if number > 1 else 0.0
    elif step is None:
        step = size / number
    if kind.startswith("nearest"):
        # In single precision, as PyTorch does: where a position is whole, rounding decides which element is the nearest.
        single = numpy.float32(step)
        found = at * single if kind == "nearest" else (at.astype("f") + numpy.float32(0.5)) * single
        return (Tap(None, numpy.minimum(found.astype("f").astype(int), size - 1), None),)
    if smooth:
        return _smoothed(at, size, kind, step)
    position = at * step if aligned else (at + 0.5) * step - 0.5
    if kind == "linear":
        position = numpy.maximum(position, 0)
    low = numpy.floor(position).astype(int)
    t = position - low
    if kind == "linear":
        return tuple(Tap(None, numpy.minimum(low + k, size - 1), w) for k, w in enumerate((1 - t, t)))
    return tuple(Tap(None, numpy.clip(low + k, 0, size - 1), _cubic(abs(t - k), -0.75)) for k in (-1, 0, 1, 2))


def _cubic(x: Any, a: float) -> Any:
    """The kernel of cubic convolution (Keys 1981) at distances ``x``."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return numpy.where(x <= 1, near, numpy.where(x < 2, far, 0.0))


def _smoothed(at: Any, size: int, kind: str, step: float) -> tuple[Tap, ...]:
    """Kernels as wide as the new elements lie apart, which keeps out what a coarser grid cannot show."""
    wide = max(step, 1.0)
    reach = wide * (1 if kind == "linear" else 2)
    centre = (at + 0.5) * step
    first = numpy.maximum((centre - reach + 0.5).astype(int), 0)
    length = numpy.minimum((centre + reach + 0.5).astype(int), size) - first
    offset = numpy.arange(length.max()) + first[:, None]
    distance = abs((offset - centre[:, None] + 0.5) / wide)
    weight = numpy.maximum(1 - distance, 0) if kind == "linear" else _cubic(distance, -0.5)
    weight *= offset < (first + length)[:, None]
    return _runs(first, length, weight / weight.sum(1, keepdims=True))


def _runs(first: Any, length: Any, weight: Any) -> tuple[Tap, ...]:
    """Taps for runs of old elements; ``weight`` is one row for each run, None for the mean."""
    out = []
    for k in range(int(length.max())):
        reached = None if (length > k).all() else numpy.flatnonzero(length > k)
        chosen = slice(None) if reached is None else reached
        out.append(Tap(reached, first[chosen] + k, (1 / length if weight is None else weight[:, k])[chosen]))
    return tuple(out)


def _index(at: Any) -> Any:
    """``at`` as a slice, where it is one: taking it then costs nothing."""
    step = int(at[1] - at[0]) if len(at) > 1 else 1
    if step > 0 and (numpy.diff(at) == step).all():
        return slice(int(at[0]), int(at[-1]) + 1, step)
    return at


@lru_cache(maxsize=256)
def _forward(*how: Any) -> tuple[Tap, ...]:
    """The taps, with slices for positions."""
    return tuple(Tap(None if p is None else _index(p), _index(source), w) for p, source, w in _taps(*how))


@lru_cache(maxsize=256)
def _back(*how: Any) -> tuple[Tap, ...]:
    """The taps the other way round, each old element once in a tap: its new ones are next to each other."""
    out = []
    for places, source, weight in _taps(*how):
        new = numpy.arange(len(source)) if places is None else places
        first = numpy.flatnonzero(numpy.diff(source, prepend=-1))
        length = numpy.diff(first, append=len(source))
        for k in range(int(length.max())):
            at = first[length > k] + k
            out.append(Tap(_index(source[at]), _index(new[at]), None if weight is None else weight[at]))
    return tuple(out)


def _settings(ndim: int, sizes: Any, axes: Any, numbers: Any, steps: Steps, *how: Any) -> Iterator[tuple[int, Any]]:
    """For each axis its place from the front, and what its taps depend on."""
    for place, (axis, number) in enumerate(zip(axes, numbers, strict=True)):
        yield axis % ndim, (sizes[axis], number, *how, None if steps is None else steps[place])


def _term(xp: Any, x: Any, at: Any, weight: Any, axis: int) -> Any:
    """The elements of ``x`` at some positions of an axis, times weights; a view where there are none to be made."""
    lead = (slice(None),) * axis
    part = x[(*lead, at)] if isinstance(at, slice) else xp.take(x, constant(xp, at), axis)
    if weight is None:
        return part
    weight = constant(xp, weight, x.dtype).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    return part * weight if isinstance(at, slice) else xp.multiply(part, weight, out=part)


def _place(xp: Any, at: Any) -> Any:
    return at if isinstance(at, slice) else constant(xp, at)


def _resampled(x: Spec, *, axes: tuple[int, ...], sizes: tuple[int, ...], kind: str, steps: Steps, **_: Any) -> Shape:
    places = axes_of(axes, x.ndim)
    if kind not in KINDS:
        raise ShapeError(f"no kind of sampling {kind!r}; there are {', '.join(KINDS)}")
    if len(sizes) != len(places) or (steps is not None and len(steps) != len(places)):
        raise ShapeError(f"sizes {sizes} and steps {steps} for {len(places)} axes")
    out = list(x.shape)
    for axis, number in zip(axes, sizes, strict=True):
        if number < 1 or out[axis] == 0:
            raise ShapeError(f"{number} elements cannot be made of {out[axis]}")
        out[axis] = number
    return tuple(out)


@op(_resampled, dtype=floats)
def resample(
    xp: Any,
    x: Any,
    *,
    axes: tuple[int, ...],
    sizes: tuple[int, ...],
    kind: str,
    aligned: bool = False,
    smooth: bool = False,
    steps: Steps = None,
) -> Any:
    """``x`` with ``sizes`` elements along ``axes``: the nearest old ones, between two (linear) or four (cubic), or means.

    ``mean`` takes the old elements from floor(i * size / number) to ceil((i + 1) * size / number), as adaptive pools do.
    ``smooth`` widens the linear and cubic kernels where the new grid is the coarser one.
    """
    source = x
    for axis, settings in _settings(x.ndim, x.shape, axes, sizes, steps, kind, aligned, smooth):
        out = None
        for places, at, weight in _forward(*settings):
            part = _term(xp, x, at, weight, axis)
            if out is None:
                out = part
            elif places is None:
                out += part
            else:
                out[(slice(None),) * axis + (_place(xp, places),)] += part
        x = out
    return x.copy() if x is source or x.base is not None else x


@op(adjoint(_resampled), dtype=lambda x, _like, **_: floats(x))
def resample_adjoint(
    xp: Any,
    x: Any,
    _like: Any,
    *,
    axes: tuple[int, ...],
    sizes: tuple[int, ...],
    kind: str,
    aligned: bool = False,
    smooth: bool = False,
    steps: Steps = None,
) -> Any:
    """For each element of ``like`` the sum of what ``resample`` had made of it, weighted: its gradient."""
    source = x
    for axis, settings in _settings(x.ndim, _like.shape, axes, sizes, steps, kind, aligned, smooth):
        taps = _back(*settings)
        lead = (slice(None),) * axis
        every, at, weight = taps[0]
        if len(taps) == 1 and isinstance(every, slice) and every == slice(0, _like.shape[axis], 1):
            x = _term(xp, x, at, weight, axis)
            continue
        out = xp.zeros((*x.shape[:axis], _like.shape[axis], *x.shape[axis + 1 :]), x.dtype)
        for places, at, weight in taps:
            out[(*lead, _place(xp, places))] += _term(xp, x, at, weight, axis)
        x = out
    return x.copy() if x is source or x.base is not None else x


resample.vjp(lambda g, _out, _x, **how: resample_adjoint(g, _x, **how))
resample_adjoint.vjp(lambda g, _out, _x, _like, **how: resample(g, **how), None)


# At points of a lattice


def _met(x: Spec, at: Spec, *, slopes: tuple[bool, ...], nearest: bool) -> Shape | None:
    if x.dims is not None and x.ndim != len(slopes) + 2:
        raise ShapeError(f"a lattice of {len(slopes)} dimensions, with a batch and channels, is not {x}")
    if at.dims is None:
        return None
    if at.ndim < 2 or at.shape[-1] not in (len(slopes), None):
        raise ShapeError(f"points of {at} for a lattice of {len(slopes)} dimensions")
    if x.dims is not None and None not in (x.shape[0], at.shape[0]) and x.shape[0] != at.shape[0]:
        raise ShapeError(f"{x.shape[0]} lattices and points for {at.shape[0]}")
    return (*at.shape[:-1], None if x.dims is None else x.shape[-1])


def _corners(
    xp: Any, sizes: tuple[int, ...], at: Any, slopes: tuple[bool, ...], nearest: bool
) -> Iterator[tuple[Any, Any, Any]]:
    """For each corner around the points: which points have it, where it is among all places, and its weights."""
    at = at.reshape(len(at), math.prod(at.shape[1:-1]), len(sizes))
    low = xp.rint(at) if nearest else xp.floor(at)
    t = at - low
    first = xp.arange(len(at))[:, None]
    for corner in product((0, 1), repeat=0 if nearest else len(sizes)):
        inside: Any = True
        place: Any = first
        weight: Any = 1
        for axis, size in enumerate(sizes):
            up = bool(corner and corner[axis])
            found = low[..., axis] + up
            here = (found >= 0) & (found < size)
            inside = inside & here
            place = place * size + xp.where(here, found, 0).astype(int)
            if not nearest:
                weight = weight * ((1 if up else -1) if slopes[axis] else t[..., axis] if up else 1 - t[..., axis])
        if nearest or all(slopes):
            weight = xp.full(place.shape, weight, at.dtype)
        yield inside.reshape(-1), place.reshape(-1), weight.reshape(-1, 1)


@op(_met, dtype=lambda x, at, **_: floats(floats(x), floats(at)))
def interpolate_at(xp: Any, x: Any, at: Any, *, slopes: tuple[bool, ...], nearest: bool = False) -> Any:
    """The values of the lattices ``x`` (batch, *spatial, channels) at the points ``at`` (batch, ..., coordinates).

    Coordinates count places, one for each spatial axis in order. Values are linear between places, or those of the
    ``nearest``; outside everything is zero. Along axes where ``slopes`` says so the derivative is taken.
    """
    if not x.size:
        return xp.zeros((*at.shape[:-1], x.shape[-1]), xp.result_type(x, at))
    rows = x.reshape(-1, x.shape[-1])
    out: Any = None
    for inside, place, weight in _corners(xp, x.shape[1:-1], at, slopes, nearest):
        part = xp.take(rows, place, 0) * weight
        if not looks(xp):
            part = xp.where(inside[:, None], part, part.dtype.type(0))
        elif not inside.all():
            part[~inside] = 0
        out = part if out is None else out.__iadd__(part)
    return out.reshape((*at.shape[:-1], x.shape[-1]))


@op(adjoint(_met), dtype=lambda x, _like, at, **_: floats(floats(x), floats(at)))
def interpolate_at_adjoint(xp: Any, x: Any, _like: Any, at: Any, *, slopes: tuple[bool, ...], nearest: bool = False) -> Any:
    """Zeros of the shape of ``like``, to which ``x`` is added as ``interpolate_at`` had read: its gradient."""
    channels = _like.shape[-1]
    rows = x.reshape(math.prod(x.shape[:-1]), channels)
    out = xp.zeros(tuple(_like.shape), xp.result_type(x, at))
    flat = out.reshape(-1)
    for inside, place, weight in _corners(xp, _like.shape[1:-1], at, slopes, nearest):
        part = rows * weight
        if not looks(xp):
            part = xp.where(inside[:, None], part, part.dtype.type(0))
        elif not inside.all():
            part, place = part[inside], place[inside]
        combine_at(xp, "add", flat, (place[:, None] * channels + xp.arange(channels)).reshape(-1), part.reshape(-1))
    return out


def _by_point(g: Any, x: Any, at: Any, slopes: tuple[bool, ...], nearest: bool) -> Any:
    """How the sum of ``g * interpolate_at(x, at)`` changes with each coordinate."""
    if nearest:
        return zeros_like(at)
    parts = []
    for axis, taken in enumerate(slopes):
        along = tuple(i == axis or slope for i, slope in enumerate(slopes))
        value = sum(g * interpolate_at(x, at, slopes=along), axis=-1)
        parts.append(zeros_like(value) if taken else value)
    return stack(*parts, axis=-1)


interpolate_at.vjp(
    lambda g, _out, _x, at, *, slopes, nearest: interpolate_at_adjoint(g, _x, at, slopes=slopes, nearest=nearest),
    lambda g, _out, x, at, *, slopes, nearest: _by_point(g, x, at, slopes, nearest),
)
interpolate_at_adjoint.vjp(
    lambda g, _out, _x, _like, at, *, slopes, nearest: interpolate_at(g, at, slopes=slopes, nearest=nearest),
    None,
    lambda g, _out, x, _like, at, *, slopes, nearest: _by_point(x, g, at, slopes, nearest),
)
