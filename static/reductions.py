"""Reductions, running sums and norms, under TensorFlow 1's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs import ops
from graphs.core.op import Op
from static.calls import BOOLS, FLOATS, NUMBERS, REALS, axes, call, cast, documented, taken
from static.tensor import apply, convert_to_tensor


def _reduction(tf_name: str, op: Op, kinds: str, after: Callable[[Any, Any], Any] | None = None) -> Callable[..., Any]:
    def function(
        input_tensor: Any,
        axis: Any = None,
        keepdims: bool | None = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: bool | None = None,
    ) -> Any:
        x = taken(input_tensor, kinds, tf_name)
        axis = axes(reduction_indices if axis is None else axis)
        out = call(op, x, name=name, axis=axis, keepdims=bool(keepdims or keep_dims))
        return out if out.dtype == x.dtype else cast(out, x.dtype)

    return documented(function, tf_name, op)


reduce_sum = _reduction("reduce_sum", ops.sum, NUMBERS)
reduce_mean = _reduction("reduce_mean", ops.mean, NUMBERS)
reduce_prod = _reduction("reduce_prod", ops.prod, NUMBERS)
reduce_max = _reduction("reduce_max", ops.max, REALS)
reduce_min = _reduction("reduce_min", ops.min, REALS)
reduce_any = _reduction("reduce_any", ops.any, BOOLS)
reduce_all = _reduction("reduce_all", ops.all, BOOLS)
reduce_logsumexp = _reduction("reduce_logsumexp", ops.logsumexp, FLOATS)
reduce_variance = _reduction("reduce_variance", ops.var, FLOATS)
reduce_std = _reduction("reduce_std", ops.std, FLOATS)


def count_nonzero(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = "int64",
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Any:
    """The number of elements that are not zero, over ``axis``."""
    axis = axes(reduction_indices if axis is None else axis)
    x = convert_to_tensor(input_tensor)
    return cast(call(ops.count_nonzero, x, name=name, axis=axis, keepdims=bool(keepdims or keep_dims)), dtype)


def argmax(input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = "int64") -> Any:
    """The position of the greatest element along ``axis`` (by default 0), the first where there are several."""
    at = axes(dimension if axis is None else axis)
    return cast(call(ops.argmax, taken(input, REALS, "argmax"), name=name, axis=at or 0), output_type)


def argmin(input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = "int64") -> Any:
    """The position of the least element along ``axis`` (by default 0), the first where there are several."""
    at = axes(dimension if axis is None else axis)
    return cast(call(ops.argmin, taken(input, REALS, "argmin"), name=name, axis=at or 0), output_type)


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Running sums along ``axis``; ``exclusive`` leaves each element itself out, ``reverse`` runs from the end."""
    return _running(ops.cumsum, x, axis, exclusive, reverse, name)


def cumprod(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Running products along ``axis``; ``exclusive`` leaves each element itself out, ``reverse`` runs from the end."""
    return _running(ops.cumprod, x, axis, exclusive, reverse, name)


def _running(op: Op, x: Any, axis: int, exclusive: bool, reverse: bool, name: str | None) -> Any:
    x = taken(x, NUMBERS, op.name)
    start = apply(ops.flip, x, axis=(axis,)) if reverse else x
    if exclusive:
        start = apply(ops.shift, start, by=1, axis=axis, fill=0 if op is ops.cumsum else 1)
    out = cast(call(op, start, name=name, axis=axis), x.dtype)
    return apply(ops.flip, out, axis=(axis,)) if reverse else out


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
) -> Any:
    """The norm over ``axis``: Euclidean (of matrices: Frobenius), 1, infinity, or any positive number as order."""
    order = 2.0 if ord in ("euclidean", "fro") else float(ord)
    keep = bool(keepdims or keep_dims)
    return apply(ops.norm, taken(tensor, FLOATS, "norm"), name=name, node="norm", ord=order, axis=axes(axis), keepdims=keep)


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The share of zeros, float32."""
    return reduce_mean(cast(ops.equal(convert_to_tensor(value), 0), "float32"), name=name)
