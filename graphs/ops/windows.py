"""Windows that slide over the middle axes of an array: where they stand, taking them out (unfold), adding them back (fold).

Arrays are channels-last, ``(batch, *spatial, channels)``, with any number of spatial axes. ``padding`` is one pair (before,
after) per spatial axis, None for none, or ``"same"``: as much as makes ``ceil(size / stride)`` windows, the odd one after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from graphs.core.errors import ShapeError
from graphs.core.op import numeric, op
from graphs.core.spec import Dim, Shape, Spec, show


Pairs = tuple[tuple[int, int], ...]
Padding = str | Pairs | None
Counts = tuple[int, ...] | None
"""One number per spatial axis; None for ones."""

Slices = tuple[slice, ...]


class Axis(NamedTuple):
    """How windows stand along one axis."""

    size: int
    window: int
    stride: int
    dilation: int
    before: int
    after: int
    number: int

    def reach(self, tap: int) -> tuple[slice, slice] | None:
        """The windows whose element ``tap`` lies inside, and where these elements are; None where there are none."""
        offset = tap * self.dilation - self.before
        low = max(0, -(offset // self.stride))
        high = min(self.number, (self.size - 1 - offset) // self.stride + 1)
        if high <= low:
            return None
        return slice(low, high), slice(low * self.stride + offset, (high - 1) * self.stride + offset + 1, self.stride)

    @property
    def padded(self) -> bool:
        """Whether windows reach beyond the axis."""
        return self.before > 0 or (self.number - 1) * self.stride - self.before + self.extent > self.size

    @property
    def extent(self) -> int:
        """How far apart the first and the last element of a window are, plus one."""
        return (self.window - 1) * self.dilation + 1

    @property
    def tiles(self) -> bool:
        """Whether each element lies in exactly one window."""
        return (
            self.dilation == 1 and self.window == self.stride and self.size == self.number * self.window and not self.padded
        )


def _placed(size: Dim, window: Dim, stride: int, dilation: int, padding: str | tuple[int, int]) -> Dim:
    """How many windows there are along an axis, as far as that is known."""
    if isinstance(padding, str):
        return None if size is None else -(-size // stride)
    if size is None or window is None:
        return None
    room = size + sum(padding) - (window - 1) * dilation - 1
    if room < 0:
        raise ShapeError(
            f"a window of {(window - 1) * dilation + 1} is longer than an axis of size {size} padded by {sum(padding)}"
        )
    return room // stride + 1


def _settings(
    ndim: int, strides: Counts, dilation: Counts, padding: Padding
) -> tuple[tuple[int, ...], tuple[int, ...], Sequence[Any]]:
    """Strides, dilation and padding for ``ndim`` axes, defaults filled in. Raises ShapeError where they do not fit."""
    strides = (1,) * ndim if strides is None else strides
    dilation = (1,) * ndim if dilation is None else dilation
    if isinstance(padding, str) and padding != "same":
        raise ShapeError(f"no padding {padding!r}: there are 'same' and pairs of sizes")
    pads: Sequence[Any] = ((0, 0),) * ndim if padding is None else (padding,) * ndim if padding == "same" else padding
    if not len(strides) == len(dilation) == len(pads) == ndim:
        raise ShapeError(f"strides {strides}, dilation {dilation} and padding {padding} for {ndim} spatial dimensions")
    if min((*strides, *dilation), default=1) < 1:
        raise ShapeError(f"strides {strides} and dilation {dilation} are at least 1")
    if padding is not None and padding != "same" and min(min(pair) for pair in pads) < 0:
        raise ShapeError(f"padding {padding} is not negative")
    return strides, dilation, pads


def placed(sizes: Shape, window: Shape, strides: Counts, dilation: Counts, padding: Padding) -> Shape:
    """How many windows there are along each axis. Raises ShapeError where a window is too long for its axis."""
    if len(sizes) != len(window):
        raise ShapeError(f"windows {show(window)} for {len(sizes)} spatial dimensions {show(sizes)}")
    if any(n is not None and n < 1 for n in window):
        raise ShapeError(f"windows {show(window)} are at least 1")
    each = _settings(len(window), strides, dilation, padding)
    return tuple(_placed(*axis) for axis in zip(sizes, window, *each, strict=True))


@lru_cache(maxsize=1024)
def layout(
    sizes: tuple[int, ...], window: tuple[int, ...], strides: Counts, dilation: Counts, padding: Padding
) -> tuple[Axis, ...]:
    """How windows stand along each axis."""
    numbers: Any = placed(sizes, window, strides, dilation, padding)
    settings = _settings(len(window), strides, dilation, padding)
    axes = []
    for size, width, number, stride, gap, pads in zip(sizes, window, numbers, *settings, strict=True):
        if isinstance(pads, str):
            total = max((number - 1) * stride + (width - 1) * gap + 1 - size, 0)
            pads = total // 2, total - total // 2
        axes.append(Axis(size, width, stride, gap, pads[0], pads[1], number))
    return tuple(axes)


def taps(axes: Sequence[Axis]) -> Iterator[tuple[tuple[int, ...], Slices, Slices]]:
    """For each element of a window: its position, and the indices of the windows and of the elements that it stands for."""
    every = slice(None)
    for tap in product(*(range(axis.window) for axis in axes)):
        reached = [axis.reach(at) for axis, at in zip(axes, tap, strict=True)]
        if None not in reached:
            yield tap, (every, *(r[0] for r in reached)), (every, *(r[1] for r in reached))  # type: ignore[index]


def view(xp: Any, x: Any, axes: Sequence[Axis], channels_first: bool = False) -> Any:
    """The windows of ``x``, which is padded already, as a view ``(batch, *counts, *window, channels)``.

    With ``channels_first``, as ``(*window, channels, batch, *counts)``.
    """
    batch, *middle, channel = x.strides
    counts = [axis.number for axis in axes]
    window = [axis.window for axis in axes]
    steps = [n * axis.stride for n, axis in zip(middle, axes, strict=True)]
    inner = [n * axis.dilation for n, axis in zip(middle, axes, strict=True)]
    if channels_first:
        shape, strides = (*window, x.shape[-1], x.shape[0], *counts), (*inner, channel, batch, *steps)
    else:
        shape, strides = (x.shape[0], *counts, *window, x.shape[-1]), (batch, *steps, *inner, channel)
    return xp.lib.stride_tricks.as_strided(x, shape, strides)


def padded(xp: Any, x: Any, axes: Sequence[Axis]) -> Any:
    """``x`` with zeros around it as far as windows reach; itself where they do not reach beyond it."""
    if not any(axis.padded for axis in axes):
        return x
    out = xp.zeros(bordered(len(x), axes, x.shape[-1]), x.dtype)
    out[interior(axes)] = x
    return out


def bordered(batch: int, axes: Sequence[Axis], channels: int) -> tuple[int, ...]:
    """The shape of an array with its padding."""
    return (batch, *(axis.before + axis.size + axis.after for axis in axes), channels)


def interior(axes: Sequence[Axis]) -> Slices:
    """The index of an array inside its padding."""
    return (slice(None), *(slice(axis.before, axis.before + axis.size) for axis in axes))


# Taking windows out and adding them back


def _unfolded(x: Spec, *, window: tuple[int, ...], strides: Counts, padding: Padding, dilation: Counts) -> Shape:
    batch, *sizes, channels = spatial(x)
    return (batch, *placed(tuple(sizes), window, strides, dilation, padding), *window, channels)


def spatial(x: Spec) -> Shape:
    """The shape of an array with a batch axis, spatial axes and a channel axis. Raises ShapeError for fewer than three."""
    if x.ndim < 3:
        raise ShapeError(f"an array of a batch axis, spatial axes and channels is wanted, not of shape {show(x.dims)}")
    return x.shape


@op(_unfolded)
def unfold(
    xp: Any,
    x: Any,
    *,
    window: tuple[int, ...],
    strides: Counts = None,
    padding: Padding = None,
    dilation: Counts = None,
) -> Any:
    """The windows of ``x`` with zeros around it: ``(batch, *counts, *window, channels)``."""
    axes = layout(x.shape[1:-1], window, strides, dilation, padding)
    return view(xp, padded(xp, x, axes), axes).copy()


def _folded_like(x: Spec, like: Spec, *, window: tuple[int, ...], **how: Any) -> Shape | None:
    if like.dims is not None and x.dims is not None:
        check_windows(x, _unfolded(like, window=window, **how))
    return like.dims


def check_windows(x: Spec, wanted: Shape) -> None:
    """Raise ShapeError where ``x`` is known not to have the shape ``wanted``."""
    dims = x.shape
    if len(dims) != len(wanted) or any(None not in (n, m) and n != m for n, m in zip(dims, wanted, strict=True)):
        raise ShapeError(f"the windows have the shape {show(dims)} and not {show(wanted)}")


def _number(first: Any, *_: Any, **__: Any) -> Any:
    return numeric(first)


@op(_folded_like, dtype=_number)
def fold_like(
    xp: Any,
    x: Any,
    _like: Any,
    *,
    window: tuple[int, ...],
    strides: Counts = None,
    padding: Padding = None,
    dilation: Counts = None,
) -> Any:
    """The windows ``x`` added up where they had stood in ``like``: the gradient of ``unfold``."""
    return _fold(xp, x, layout(_like.shape[1:-1], window, strides, dilation, padding))


def _fold(xp: Any, x: Any, axes: tuple[Axis, ...]) -> Any:
    out = xp.zeros((len(x), *(axis.size for axis in axes), x.shape[-1]), x.dtype)
    rest = (slice(None),) * (len(axes) + 1)
    for tap, windows, places in taps(axes):
        out[places] += x[(*rest, *tap)][windows]
    return out


def _folded(
    x: Spec, *, sizes: tuple[int, ...], window: tuple[int, ...], strides: Counts, padding: Padding, dilation: Counts
) -> Shape:
    dims = x.shape
    counts = placed(sizes, window, strides, dilation, padding)
    check_windows(x, (dims[0], *counts, *window, dims[-1]))
    return (dims[0], *sizes, dims[-1])


@op(_folded, dtype=_number)
def fold(
    xp: Any,
    x: Any,
    *,
    sizes: tuple[int, ...],
    window: tuple[int, ...],
    strides: Counts = None,
    padding: Padding = None,
    dilation: Counts = None,
) -> Any:
    """The windows ``x`` added up in an array with spatial axes of ``sizes``, where ``unfold`` would have taken them."""
    return _fold(xp, x, layout(sizes, window, strides, dilation, padding))


unfold.vjp(lambda g, _out, _x, **how: fold_like(g, _x, **how))
fold_like.vjp(lambda g, _out, _x, _like, **how: unfold(g, **how), None)
fold.vjp(
    lambda g, _out, _x, *, window, strides, padding, dilation: unfold(
        g, window=window, strides=strides, padding=padding, dilation=dilation
    )
)
