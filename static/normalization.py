"""Moments and normalisations of ``tf.nn``."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.array import squeeze
from static.calls import FLOATS, axes as known_axes, both, cast, taken
from static.formats import applied, channels_first, channels_last, ranked
from static.math import reciprocal, rsqrt, square
from static.reductions import reduce_mean, reduce_sum
from static.tensor import apply, convert_to_tensor


def moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Any, Any]:
    """The mean and the variance (not corrected) over ``axes``."""
    x = taken(x, FLOATS, "moments")
    keep = bool(keepdims or keep_dims)
    with x.graph.name_scope(name or "moments"):
        mean = reduce_mean(x, axes, True, name="mean")
        variance = reduce_mean(ops.squared_difference(x, ops.stop_gradient(mean)), axes, keep, name="variance")
        return (mean if keep else reduce_mean(x, axes, name="mean"), variance)


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Any, Any]:
    """The mean and the variance over ``axes`` of elements that count as often as ``frequency_weights`` says.

    The weights broadcast to ``x``.
    """
    x, weights = both(x, frequency_weights)
    with x.graph.name_scope(name or "weighted_moments"):
        weights = cast(weights, x.dtype)
        every = weights + ops.zeros_like(x)
        divisor = reciprocal(reduce_sum(every, axes, True))
        mean = reduce_sum(weights * x, axes, True) * divisor
        variance = reduce_sum(weights * ops.squared_difference(x, mean), axes, True) * divisor
        if keepdims or keep_dims:
            return mean, variance
        at = known_axes(axes)
        return squeeze(mean, at), squeeze(variance, at)


def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None) -> tuple[Any, Any]:
    """The mean and the variance of ``counts`` numbers whose sum is ``mean_ss`` and whose squares' is ``variance_ss``.

    Both sums are of the numbers less ``shift``, where that is not None.
    """
    counts = convert_to_tensor(counts)
    with counts.graph.name_scope(name or "normalize"):
        divisor = reciprocal(counts, name="divisor")
        shifted = mean_ss * divisor
        variance = apply(ops.subtract, variance_ss * divisor, square(shifted), name="variance")
        return shifted if shift is None else shifted + shift, variance


def sufficient_statistics(
    x: Any,
    axes: Any,
    shift: Any = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> tuple[Any, Any, Any, Any]:
    """What ``normalize_moments`` takes of ``x`` over ``axes``: the count, the sum, the sum of squares, ``shift``."""
    x = taken(x, FLOATS, "sufficient_statistics")
    keep = bool(keepdims or keep_dims)
    with x.graph.name_scope(name or "sufficient_stats"):
        moved = x if shift is None else x - shift
        count = reduce_sum(ops.ones_like(ops.stop_gradient(x)), axes, name="count")
        count = ops.reshape(count, shape=(-1,))[0]
        total = reduce_sum(moved, axes, keep, name="mean_ss")
        squares = square(x) if shift is None else ops.squared_difference(x, shift)
        return count, total, reduce_sum(squares, axes, keep, name="var_ss"), shift


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: str | None = None
) -> Any:
    """``(x - mean) * scale / sqrt(variance + variance_epsilon) + offset`` (Ioffe and Szegedy 2015)."""
    inverse = rsqrt(variance + variance_epsilon)
    factor = inverse if scale is None else inverse * scale
    shift = -mean * factor if offset is None else offset - mean * factor
    return apply(ops.add, x * factor, shift, name=name, node="batchnorm")


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Any, Any, Any]:
    """Batch normalisation of ``x``, ``[batch, height, width, channels]``.

    Args:
        x: a tensor of four dimensions; ``[batch, channels, height, width]`` for the data format ``NCHW``.
        scale, offset: a number for each channel.
        mean, variance: those to normalise by, where ``is_training`` is False.
        epsilon: added to the variance, at least 1.001e-5.
        is_training: whether to normalise by the mean and variance of ``x``.

    Returns:
        What comes of it; the mean; the variance, corrected (divided by the count less 1) where it was taken from ``x``. No
        gradient flows through the last two. Raises ValueError where these do not go with ``is_training``.
    """
    if is_training == (mean is not None and variance is not None):
        raise ValueError(
            "fused_batch_norm takes 'mean' and 'variance' if is_training is False, and neither if it is True" + at_line()
        )
    first = channels_first(data_format)
    epsilon = max(float(epsilon), 1.001e-5)
    x = ranked(x, 4, "FusedBatchNorm")
    with x.graph.name_scope(name or "FusedBatchNorm"):
        last = channels_last(x, first)
        if not is_training:
            centre, spread = (ops.stop_gradient(convert_to_tensor(y)) for y in (mean, variance))
            factor = rsqrt(spread + epsilon) * scale
            return applied(ops.add, first, None, "y", last * factor, offset - centre * factor), centre, spread
        out, centre, spread = apply(ops.batch_norm, last, scale, offset, epsilon=epsilon)
        if first:
            out = apply(ops.transpose, out, axes=(0, 3, 1, 2))
        centre, spread = ops.stop_gradient(centre), ops.stop_gradient(spread)
        return out, centre, corrected(spread, last)


def corrected(variance: Any, x: Any) -> Any:
    """``variance``, which was taken over all but the last axis of ``x``, as one that is divided by the count less 1."""
    count = 1
    for n in x.shape[:-1].as_list():
        if n is None:
            many = cast(ops.size_of(x) // ops.shape_of(x)[-1], x.dtype)
            return variance * (many / ops.maximum(many - 1, 1.0))
        count *= n
    return variance * (count / max(count - 1, 1))


def batch_norm_with_global_normalization(
    t: Any,
    m: Any,
    v: Any,
    beta: Any,
    gamma: Any,
    variance_epsilon: float,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Any:
    """``batch_normalization`` with the arguments' old order; without ``scale_after_normalization``, without ``gamma``."""
    return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None, variance_epsilon, name)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Any:
    """``x`` scaled to Euclidean norm 1 over ``axis``."""
    x = taken(x, FLOATS, "l2_normalize")
    total = reduce_sum(square(x), dim if axis is None else axis, True)
    return apply(ops.multiply, x, rsqrt(ops.maximum(total, epsilon)), name=name, node="l2_normalize")
