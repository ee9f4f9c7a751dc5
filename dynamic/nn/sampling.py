"""Images sampled at any points, and grids of such points: ``grid_sample`` and ``affine_grid`` of ``torch.nn.functional``."""

from __future__ import annotations

import math
import warnings
from typing import Any

from dynamic.apply import apply
from dynamic.functions.creation import linspace, ones, tensor, zeros
from dynamic.functions.pointwise import where
from dynamic.names import lacking
from dynamic.nn.layout import channels_first, channels_last
from graphs import ops
from graphs.core.errors import DtypeError, ShapeError, at_line


def _warn(what: str) -> bool:
    warnings.warn(f"{what} without align_corners takes False since 1.3; say which you mean", UserWarning, stacklevel=4)
    return False


# Points of a lattice


def _placed(grid: Any, sizes: tuple[int, ...], aligned: bool) -> Any:
    """Points of [-1, 1], the last dimension first, as positions among the elements, in the order of the dimensions."""
    count = len(sizes)
    turned = grid[..., list(range(count - 1, -1, -1))]
    each = tensor([float(n) for n in sizes], dtype=grid.dtype)
    # In PyTorch's order of operations: where a point falls on an element, rounding decides which side the gradient is of.
    if count == 2:
        return (turned + 1) * ((each - 1) / 2) if aligned else (turned + 1) * (each / 2) - 0.5
    return (turned + 1) / 2 * (each - 1) if aligned else ((turned + 1) * each - 1) / 2


def _inside(at: Any, padding: str, sizes: tuple[int, ...], aligned: bool) -> Any:
    """Positions outside brought to the border, or reflected at it; gradients flow where PyTorch lets them."""
    top = tensor([float(n - 1) for n in sizes], dtype=at.dtype)
    if padding == "reflection":
        at = _reflected(at, top, aligned)
    now = at.detach()
    clipped = apply(ops.minimum, (apply(ops.maximum, (now, 0.0)), top))
    return where((now > 0) & (now < top), at, clipped)


def _reflected(at: Any, top: Any, aligned: bool) -> Any:
    low = 0.0 if aligned else -0.5
    span = top if aligned else top + 1
    now = at.detach() - low
    way = span.masked_fill(span == 0, 1.0)
    flips = (abs(now) / way).floor()
    rest = abs(now) - flips * way
    even = flips % 2 == 0
    to = where(even, rest, span - rest) + low
    sign = where(now < 0, -1.0, 1.0) * where(even, 1.0, -1.0)
    sign = (sign * (span != 0)).to(at.dtype)
    to = where(span == 0, 0.0, to).to(at.dtype)
    return at * sign + (to - at.detach() * sign)


def _cubic(t: Any) -> list[Any]:
    """The weights of four neighbours at a distance ``t`` from the second (Keys 1981), as gradients flow through them."""
    a = -0.75

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _bicubic(rows: Any, at: Any, padding: str, sizes: tuple[int, ...], aligned: bool) -> Any:
    low = at.detach().floor()
    weights = _cubic(at - low)
    out: Any = 0
    for i in range(4):
        for j in range(4):
            place = low + tensor([i - 1.0, j - 1.0], dtype=at.dtype)
            if padding != "zeros":
                place = _inside(place, padding, sizes, aligned)
            found = apply(ops.interpolate_at, (rows, place), {"slopes": (False, False), "nearest": True})
            out = out + found * (weights[i][..., 0] * weights[j][..., 1]).unsqueeze(-1)
    return out


def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:
    """The values of ``input``, (N, C, H, W) or (N, C, D, H, W), at the points ``grid`` (Jaderberg et al. 2015).

    Args:
        grid: (N, H', W', 2), or (N, D', H', W', 3); points (x, y) or (x, y, z), -1 and 1 being the borders of the image.
        mode: ``"bilinear"`` (between the elements around, in volumes too), ``"nearest"``, or ``"bicubic"`` (images only).
        padding_mode: what lies outside: ``"zeros"``, the ``"border"``, or the ``"reflection"``.
        align_corners: whether -1 and 1 are the centres of the outermost elements, not their outer edges.

    Raises ShapeError or DtypeError where image and grid do not fit, ValueError for another mode.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"grid_sample: no mode {mode!r}; there are bilinear, nearest and bicubic{at_line()}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"grid_sample: no padding_mode {padding_mode!r}; there are zeros, border, reflection{at_line()}")
    aligned = _warn("grid_sample") if align_corners is None else align_corners
    shape, points = tuple(input._array.shape), tuple(grid._array.shape)
    count = len(shape) - 2
    if count not in (2, 3) or len(points) != len(shape) or points[0] != shape[0] or points[-1] != count:
        raise ShapeError(f"grid_sample: a grid of shape {points} for an input of shape {shape}{at_line()}")
    if input._array.dtype != grid._array.dtype:
        raise DtypeError(f"grid_sample takes tensors of one dtype, not {input.dtype} and {grid.dtype}{at_line()}")
    if min(shape[2:]) == 0:
        raise ShapeError(f"grid_sample: an input of shape {shape} has no elements{at_line()}")
    if mode == "bicubic" and count == 3:
        raise ShapeError(f"grid_sample: bicubic sampling is for images, not for volumes{at_line()}")
    at, rows = _placed(grid, shape[2:], aligned), channels_last(input, count)
    if mode == "bicubic":
        return channels_first(_bicubic(rows, at, padding_mode, shape[2:], aligned), count, True)
    if padding_mode != "zeros":
        at = _inside(at, padding_mode, shape[2:], aligned)
    how = {"slopes": (False,) * count, "nearest": mode == "nearest"}
    return channels_first(apply(ops.interpolate_at, (rows, at), how), count, True)


# Grids


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The points that the affine maps ``theta``, (N, 2, 3) or (N, 3, 4), take a grid of the given size to.

    ``size`` is (N, C, H, W) or (N, C, D, H, W); what comes back, (N, H, W, 2) or (N, D, H, W, 3), goes to ``grid_sample``.
    Raises ShapeError or ValueError where the two do not fit.
    """
    if theta._array.dtype.kind != "f":
        raise ValueError(f"affine_grid: maps are floating-point numbers, not {theta.dtype}{at_line()}")
    aligned = _warn("affine_grid") if align_corners is None else align_corners
    count, shape = len(size) - 2, tuple(theta._array.shape)
    if count not in (2, 3):
        raise NotImplementedError(f"affine_grid: size has 4 or 5 numbers, not {tuple(size)}{at_line()}")
    if len(shape) != 3 or shape[-2:] != (count, count + 1):
        raise ValueError(f"affine_grid: maps of shape {shape} for a grid of size {tuple(size)}{at_line()}")
    if min(size) < 1 or shape[0] != size[0]:
        raise (ValueError if min(size) < 1 else ShapeError)(f"affine_grid: {shape} for the size {tuple(size)}{at_line()}")
    lines = []
    like: Any = {"dtype": theta.dtype, "device": theta.device}
    for axis, n in enumerate(size[2:]):
        line = linspace(-1, 1, n, **like) if n > 1 else zeros(1, **like)
        line = line if aligned else line * (n - 1) / n
        layout = [1] * count
        layout[axis] = n
        lines.append(line.reshape(*layout).expand(*size[2:]))
    base = apply(ops.stack, (*reversed(lines), ones(*size[2:], **like)), {"axis": -1}).reshape(-1, count + 1)
    return (base @ theta.transpose(1, 2)).reshape(size[0], *size[2:], count) if math.prod(size[2:]) else base


__getattr__ = lacking(__name__)
