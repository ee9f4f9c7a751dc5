"""Differences of neighbours, and integrals and slopes of what is known at points."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, apply, binary
from dynamic.functions.calling import named, on_host
from dynamic.functions.joining import cat
from dynamic.functions.shapes import narrow
from graphs.core.errors import PositionError, ShapeError, at_line
from graphs.core.op import OPS


def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along ``dim``, taken ``n`` times; of bools whether they differ."""
    if not input._array.ndim:
        raise ShapeError(f"diff is for 1 dimension and more{at_line()}")
    if n < 0:
        raise RuntimeError(f"diff: order must be non-negative, not {n}{at_line()}")
    if not -input._array.ndim <= dim < input._array.ndim:
        raise PositionError(f"diff: dimension {dim} of {input._array.ndim}{at_line()}")
    parts = [x for x in (prepend, input, append) if x is not None]
    x = cat(parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, x._array.shape[dim])):
        size = max(x._array.shape[dim] - 1, 0)
        later, before = narrow(x, dim, 1, size), narrow(x, dim, 0, size)
        x = apply(OPS["not_equal"], (later, before)) if x._array.dtype.kind == "b" else later - before
    return x.clone() if x is input else x


def _panels(y: Any, x: Any, dx: Any, dim: int) -> Any:
    """The areas between neighbours along ``dim``."""
    size = y._array.shape[dim]
    if y._array.dtype.kind in "biu":
        y = y.float()
    heights = narrow(y, dim, 1, size - 1) + narrow(y, dim, 0, size - 1)
    if x is None:
        return heights * (dx * 0.5)
    if x._array.ndim == 1 and y._array.ndim > 1:
        if x._array.size != size:
            raise ShapeError(f"trapezoid: {x._array.size} points for {size} values{at_line()}")
        x = x.reshape([-1 if i == dim % y._array.ndim else 1 for i in range(y._array.ndim)])
    return heights * diff(x, 1, dim if x._array.ndim == y._array.ndim else -1) * 0.5


def trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    """The integral along ``dim`` of values at points ``x``, or ``dx`` apart, by the trapezoidal rule."""
    if not y._array.shape[dim]:
        return y.sum(dim)
    return _panels(y, x, dx, dim).sum(dim)


def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    """The running integral along ``dim``; see ``trapezoid``."""
    return _panels(y, x, dx, dim).cumsum(dim)


@on_host
def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Any, ...]:
    """The slope along each of the dimensions, of second order inside, of first or second order at the edges.

    ``spacing`` is one distance, one for each dimension, or a vector of coordinates for each.
    """
    ndim = input._array.ndim
    dims = tuple(range(ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order is 1 or 2, not {edge_order}{at_line()}")
    steps = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError(f"gradient: {len(steps)} spacings for {len(dims)} dimensions{at_line()}")
    x = input if input._array.dtype.kind in "fc" else input.float()
    return tuple(_slope(x, step, d % ndim, edge_order) for step, d in zip(steps, dims, strict=True))


def _slope(y: Any, step: Any, dim: int, edge_order: int) -> Any:
    size = y._array.shape[dim]
    if size <= edge_order:
        raise ShapeError(f"gradient: dimension {dim} has size {size}, too small for edges of order {edge_order}{at_line()}")
    if isinstance(step, Carried) and step._array.ndim:
        gaps = numpy.diff(step._array).astype(y._array.dtype)
    else:
        gaps = numpy.full(size - 1, step._array.item() if isinstance(step, Carried) else step, y._array.dtype)
    matrix = numpy.zeros((size, size), y._array.dtype)
    rows = numpy.arange(1, size - 1)
    a, b = gaps[:-1], gaps[1:]
    matrix[rows, rows - 1] = -b / (a * (a + b))
    matrix[rows, rows] = (b - a) / (a * b)
    matrix[rows, rows + 1] = a / (b * (a + b))
    if edge_order == 1:
        matrix[0, :2] = -1 / gaps[0], 1 / gaps[0]
        matrix[-1, -2:] = -1 / gaps[-1], 1 / gaps[-1]
    else:
        for row, places, (p, q), sign in ((0, (0, 1, 2), gaps[:2], 1), (-1, (-1, -2, -3), gaps[:-3:-1], -1)):
            matrix[row, list(places)] = sign * numpy.array(
                [-(2 * p + q) / (p * (p + q)), (p + q) / (p * q), -p / (q * (p + q))]
            )
    moved = y.movedim(dim, -1)
    weights = y.new_tensor(matrix.T)
    return binary(OPS["matmul"], moved, weights).movedim(-1, dim)


METHODS = named(diff)
"""Functions that are methods too."""

FUNCTIONS = {**METHODS, **named(gradient, trapezoid, cumulative_trapezoid)}
FUNCTIONS["trapz"] = FUNCTIONS["trapezoid"]
"""Functions of the package."""
