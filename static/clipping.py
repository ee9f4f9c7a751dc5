"""Keeping gradients small: ``tf.clip_by_value``, ``clip_by_norm`` and the like, of tensors and of ``IndexedSlices``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from graphs import ops
from static.calls import FLOATS, taken
from static.reductions import norm, reduce_sum
from static.slices import IndexedSlices
from static.tensor import apply, convert_to_tensor


def _rows(change: Callable[[Any], Any], t: Any) -> Any:
    """``change`` of a tensor, or of the rows of slices."""
    return t.with_values(change(t.values)) if isinstance(t, IndexedSlices) else change(t)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """``t`` with what lies below ``clip_value_min`` or above ``clip_value_max`` set to these."""

    def clipped(values: Any) -> Any:
        low = apply(ops.minimum, convert_to_tensor(values), clip_value_max, node="Minimum")
        return apply(ops.maximum, low, clip_value_min, name=name, node="clip_by_value")

    return _rows(clipped, t)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """``t`` scaled down so that its Euclidean norm over ``axes`` (by default all) is at most ``clip_norm``."""

    def clipped(values: Any) -> Any:
        values = taken(values, FLOATS, "clip_by_norm")
        length = norm(values, axis=axes, keepdims=True)
        return apply(ops.divide, values * clip_norm, ops.maximum(length, clip_norm), name=name, node="clip_by_norm")

    return _rows(clipped, t)


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Any:
    """``t`` scaled down so that its Euclidean norm, divided by the number of its elements, is at most ``clip_norm``."""
    t = taken(t, FLOATS, "clip_by_average_norm")
    average = norm(t) / ops.cast_like(ops.size_of(t), t)
    return apply(ops.divide, t * clip_norm, ops.maximum(average, clip_norm), name=name, node="clip_by_average_norm")


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Any:
    """The Euclidean norm of all the tensors together; those that are None are passed over.

    Raises TypeError for a single tensor in place of a sequence.
    """
    listed = _listed(t_list, "global_norm")
    rows = [t.values if isinstance(t, IndexedSlices) else convert_to_tensor(t) for t in listed if t is not None]
    squares = [reduce_sum(ops.square(t)) for t in rows]
    return apply(ops.sqrt, sum(squares[1:], squares[0]), name=name, node="global_norm")


def clip_by_global_norm(t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    """The tensors scaled down together so that their global norm is at most ``clip_norm``, and that norm.

    ``use_norm`` is the norm where it is known already. Where the norm is not finite all results are NaN.
    """
    listed = _listed(t_list, "clip_by_global_norm")
    length = global_norm(listed) if use_norm is None else use_norm
    scale = ops.where(ops.isfinite(length), clip_norm / ops.maximum(length, clip_norm), math.nan)

    def clipped(values: Any) -> Any:
        return apply(ops.multiply, values, scale, name=name, node="clip_by_global_norm")

    return [None if t is None else _rows(clipped, t) for t in listed], length


def _listed(t_list: Any, what: str) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"{what}: t_list should be a sequence")
    return list(t_list)
