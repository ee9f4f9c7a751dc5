"""Distances and similarities of vectors, and vectors of length 1, as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy

from dynamic.apply import apply, wrap
from dynamic.elsewhere import beside
from dynamic.names import lacking
from graphs.core.errors import ShapeError, at_line
from graphs.core.spec import broadcast
from graphs.ops import norm as norm_op


def _norm(x: Any, p: float, dim: Any, keepdim: bool) -> Any:
    axis = tuple(dim) if isinstance(dim, (tuple, list)) else dim
    return apply(norm_op, (x,), {"ord": p, "axis": axis, "keepdims": keepdim})


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """``input`` over its ``p``-norm along ``dim``, which counts as ``eps`` at least."""
    result = input / _norm(input, p, dim, True).clamp(min=eps)
    return result if out is None else out.copy_(result)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along ``dim``; lengths count as ``eps`` at least. Shapes broadcast."""
    if x1._array.shape != x2._array.shape:
        try:
            shape = broadcast(x1._array.shape, x2._array.shape)
        except ShapeError as error:
            raise ShapeError(f"cosine_similarity: {error}{at_line()}") from None
        x1, x2 = x1.expand(shape), x2.expand(shape)
    return (_unit(x1, dim, eps) * _unit(x2, dim, eps)).sum(dim)


def _unit(x: Any, dim: int, eps: float) -> Any:
    """``x`` over its length, whose gradient does not know that it is no less than ``eps``."""
    length = _norm(x, 2, dim, True)
    array = length._array
    if (array < eps).any():
        length = length + wrap(array.clip(eps, None) - array)
    return x / length


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The ``p``-norm of ``x1 - x2 + eps`` along the last dimension."""
    return _norm(x1 - x2 + eps, p, -1, keepdim)


def pdist(input: Any, p: float = 2.0) -> Any:
    """The ``p``-norm distances of all pairs of rows, in the order (0, 1), (0, 2), ... (1, 2), ..."""
    if input._array.ndim != 2:
        raise ShapeError(f"pdist takes a matrix, not {input._array.ndim} dimensions{at_line()}")
    if p < 0 or math.isnan(p):
        raise ShapeError(f"pdist: p is not negative: {p}{at_line()}")
    first, second = (wrap(beside(each, input._array)) for each in numpy.triu_indices(len(input._array), 1))
    return _norm(input.index_select(0, first) - input.index_select(0, second), p, 1, False)


__getattr__ = lacking(__name__)
