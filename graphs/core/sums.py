"""Sums over the leading axes of large arrays with short rows, such as the gradient of a bias.

numpy adds up row by row, and a row of 16 numbers takes it longer to begin than to add. So many rows at once as make up about
``_WIDE`` numbers are added as one, and what comes out is added up: up to ten times as fast, and more exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphs.core.spec import axes_of


_LARGE = 1 << 16
_SHORT = 128
_WIDE = 1024


def sum_over(x: Any, axis: int | Sequence[int] | None, keepdims: bool = False) -> Any:
    """``x.sum(axis, keepdims)``, quicker where the summed axes lead."""
    if x.size < _LARGE or not folds(x.shape, axis, x.dtype):
        return x.sum(axis=axis, keepdims=keepdims)
    leading = len(axes_of(axis, x.ndim))
    shape = x.shape[leading:]
    rows = x.ravel().reshape(-1, math.prod(shape))
    count, columns = rows.shape
    together = _WIDE // columns
    whole = count - count % together
    out = rows[:whole].reshape(-1, together * columns).sum(axis=0).reshape(together, columns).sum(axis=0)
    if whole < count:
        out += rows[whole:].sum(axis=0)
    return out.reshape((1,) * leading + shape if keepdims else shape)


def folds(shape: Sequence[int], axis: int | Sequence[int] | None, dtype: Any) -> bool:
    """Whether ``sum_over`` adds up an array of this shape and dtype in an order of its own."""
    axes = axes_of(axis, len(shape))
    columns = math.prod(shape[len(axes) :])
    return (
        dtype.kind == "f" and 1 < columns <= _SHORT and math.prod(shape) >= _LARGE and sorted(axes) == list(range(len(axes)))
    )
