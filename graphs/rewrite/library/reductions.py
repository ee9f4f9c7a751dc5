"""Reductions: over axes of size 1, of reductions, of what was transposed, negated or repeated before."""

from __future__ import annotations

from typing import Any

from graphs.core.spec import axes_of
from graphs.ops import (
    all as all_of,
    any as any_of,
    argmax,
    argmin,
    dot,
    max as max_of,
    mean,
    min as min_of,
    reshape,
    sum as sum_of,
)
from graphs.rewrite.rules import Rules, is_float, same_shape, scalar, spec_of


reductions = Rules("reductions")


def _over_ones(x: Any, axis: Any) -> bool:
    """Whether a reduction of ``x`` over ``axis`` reduces nothing but axes of size 1."""
    dims = spec_of(x).dims
    return dims is not None and None not in dims and all(dims[i] == 1 for i in axes_of(axis, len(dims)))


def _as_it_is(x: Any, axis: Any, keepdims: bool) -> Any:
    """``x`` in the shape of its reduction over axes of size 1."""
    if not _over_ones(x, axis):
        return None
    dims = spec_of(x).shape
    axes = axes_of(axis, len(dims))
    return x if keepdims or not axes else reshape(x, shape=tuple(n for i, n in enumerate(dims) if i not in axes))


# Axes of size 1


@reductions.rule("sum(x, axis=axis, keepdims=keepdims)", level="close", ulps=1)
def sum_of_one(x: Any, axis: Any, keepdims: bool) -> Any:
    """sum over axes of size 1 -> x, of -0.0 too, of which numpy makes 0.0"""
    return _as_it_is(x, axis, keepdims)


@reductions.rule("mean(x, axis=axis, keepdims=keepdims)", level="close", ulps=1)
def mean_of_one(x: Any, axis: Any, keepdims: bool) -> Any:
    """mean over axes of size 1 -> x"""
    return _as_it_is(x, axis, keepdims)


@reductions.rule("max(x, axis=axis, keepdims=keepdims)", "min(x, axis=axis, keepdims=keepdims)")
def extreme_of_one(x: Any, axis: Any, keepdims: bool) -> Any:
    """max or min over axes of size 1 -> x"""
    return _as_it_is(x, axis, keepdims)


@reductions.rule("prod(x, axis=axis, keepdims=keepdims)")
def product_of_one(x: Any, axis: Any, keepdims: bool) -> Any:
    """prod over axes of size 1 -> x"""
    return _as_it_is(x, axis, keepdims)


# Reductions of reductions


def _together(x: Any, first: Any, second: Any) -> Any:
    """The axes of ``x`` that two reductions without ``keepdims`` take, one after the other; None where it is all."""
    dims = spec_of(x).dims
    if dims is None:
        return None
    inner = axes_of(first, len(dims))
    left = [i for i in range(len(dims)) if i not in inner]
    axes = tuple(sorted((*inner, *(left[i] for i in axes_of(second, len(left))))))
    return None if len(axes) == len(dims) else axes


def _is_ranked(x: Any) -> bool:
    return spec_of(x).dims is not None


@reductions.rule("sum(sum(x, axis=first), axis=second)", level="close", ulps=32, scale="largest")
def sum_of_sum(x: Any, first: Any, second: Any) -> Any:
    """sum(sum(x, a), b) -> sum(x, a and b)"""
    return sum_of(x, axis=_together(x, first, second)) if _is_ranked(x) else None


@reductions.rule("mean(mean(x, axis=first), axis=second)", level="close", ulps=32, scale="largest")
def mean_of_mean(x: Any, first: Any, second: Any) -> Any:
    """mean(mean(x, a), b) -> mean(x, a and b)"""
    known = spec_of(x).known and 0 not in spec_of(x).shape
    return mean(x, axis=_together(x, first, second)) if known else None


@reductions.rule("max(max(x, axis=first), axis=second)", level="close", ulps=1)
def max_of_max(x: Any, first: Any, second: Any) -> Any:
    """max(max(x, a), b) -> max(x, a and b)"""
    return max_of(x, axis=_together(x, first, second)) if _is_ranked(x) else None


@reductions.rule("min(min(x, axis=first), axis=second)", level="close", ulps=1)
def min_of_min(x: Any, first: Any, second: Any) -> Any:
    """min(min(x, a), b) -> min(x, a and b)"""
    return min_of(x, axis=_together(x, first, second)) if _is_ranked(x) else None


@reductions.rule("any(any(x, axis=first), axis=second)")
def any_of_any(x: Any, first: Any, second: Any) -> Any:
    """any(any(x, a), b) -> any(x, a and b)"""
    return any_of(x, axis=_together(x, first, second)) if _is_ranked(x) else None


@reductions.rule("all(all(x, axis=first), axis=second)")
def all_of_all(x: Any, first: Any, second: Any) -> Any:
    """all(all(x, a), b) -> all(x, a and b)"""
    return all_of(x, axis=_together(x, first, second)) if _is_ranked(x) else None


# The same elements in other places


@reductions.rule(
    "sum(transpose(x, axes=_a))",
    "sum(matrix_transpose(x))",
    "sum(reshape(x, shape=_s))",
    "sum(flip(x, axis=_f))",
    level="close",
    ulps=32,
    scale="largest",
)
def sum_in_any_order(x: Any) -> Any:
    """sum(transpose(x)) -> sum(x) over all axes, and of reshape and flip"""
    return sum_of(x)


@reductions.rule(
    "max(transpose(x, axes=_a))",
    "max(matrix_transpose(x))",
    "max(reshape(x, shape=_s))",
    "max(flip(x, axis=_f))",
    level="close",
    ulps=1,
)
def max_in_any_order(x: Any) -> Any:
    """max(transpose(x)) -> max(x) over all axes, and of reshape and flip"""
    return max_of(x)


# Signs and factors


@reductions.rule("sum(-x, axis=axis, keepdims=keepdims)", level="close", ulps=1)
def negative_out_of_sum(x: Any, axis: Any, keepdims: bool) -> Any:
    """sum(-x) -> -sum(x)"""
    return -sum_of(x, axis=axis, keepdims=keepdims) if is_float(x) else None


@reductions.rule("mean(-x, axis=axis, keepdims=keepdims)", level="close", ulps=1)
def negative_out_of_mean(x: Any, axis: Any, keepdims: bool) -> Any:
    """mean(-x) -> -mean(x)"""
    return -mean(x, axis=axis, keepdims=keepdims) if is_float(x) else None


@reductions.rule("max(-x, axis=axis, keepdims=keepdims)", level="close", ulps=1)
def negative_out_of_max(x: Any, axis: Any, keepdims: bool) -> Any:
    """max(-x) -> -min(x)"""
    return -min_of(x, axis=axis, keepdims=keepdims) if is_float(x) else None


@reductions.rule("min(-x, axis=axis, keepdims=keepdims)", level="close", ulps=1)
def negative_out_of_min(x: Any, axis: Any, keepdims: bool) -> Any:
    """min(-x) -> -max(x)"""
    return -max_of(x, axis=axis, keepdims=keepdims) if is_float(x) else None


@reductions.rule("argmax(-x, axis=axis, keepdims=keepdims)")
def argmax_of_negative(x: Any, axis: Any, keepdims: bool) -> Any:
    """argmax(-x) -> argmin(x) for floats"""
    return argmin(x, axis=axis, keepdims=keepdims) if is_float(x) else None


@reductions.rule("argmin(-x, axis=axis, keepdims=keepdims)")
def argmin_of_negative(x: Any, axis: Any, keepdims: bool) -> Any:
    """argmin(-x) -> argmax(x) for floats"""
    return argmax(x, axis=axis, keepdims=keepdims) if is_float(x) else None


@reductions.rule(
    "argmax(softmax(x, axis=over), axis=axis, keepdims=keepdims)",
    "argmax(log_softmax(x, axis=over), axis=axis, keepdims=keepdims)",
    level="fast",
    ulps=1,
)
def argmax_of_softmax(x: Any, over: int, axis: Any, keepdims: bool) -> Any:
    """argmax(softmax(x)) -> argmax(x) along the softmax's axis, where rounding has made no ties"""
    rank = len(spec_of(x).dims or ())
    along = rank and axis is not None and axis % rank == over % rank
    return argmax(x, axis=axis, keepdims=keepdims) if along else None


@reductions.rule("sum(x * constant(c), axis=axis, keepdims=keepdims)", level="fast", ulps=32, scale="largest")
def factor_out_of_sum(x: Any, c: Any, axis: Any, keepdims: bool) -> Any:
    """sum(x * c) -> sum(x) * c for a number c"""
    return None if scalar(c) is None or not is_float(x) else sum_of(x, axis=axis, keepdims=keepdims) * c


@reductions.rule("mean(x * constant(c), axis=axis, keepdims=keepdims)", level="fast", ulps=32, scale="largest")
def factor_out_of_mean(x: Any, c: Any, axis: Any, keepdims: bool) -> Any:
    """mean(x * c) -> mean(x) * c for a number c"""
    return None if scalar(c) is None or not is_float(x) else mean(x, axis=axis, keepdims=keepdims) * c


@reductions.rule("sum(x * y)", level="close", ulps=64, scale="largest")
def sum_of_product(x: Any, y: Any) -> Any:
    """sum(x * y) -> dot(x, y), one call and no array of products"""
    if not is_float(x) or not is_float(y) or not same_shape(x, y) or not spec_of(x).dims:
        return None
    flat = spec_of(x).shape
    return dot(x, y) if len(flat) == 1 else dot(reshape(x, shape=(-1,)), reshape(y, shape=(-1,)))


# What was repeated before


@reductions.rule(
    "sum(expand_like(x, like, axis=axis, keepdims=keepdims), axis=axis, keepdims=keepdims)", level="fast", ulps=32
)
def sum_of_expanded(x: Any, like: Any, axis: Any) -> Any:
    """sum(expand_like(x, y)) -> x * the number of repeats, where it is known"""
    return _times(x, like, axis)


@reductions.rule(
    "mean(expand_like(x, like, axis=axis, keepdims=keepdims), axis=axis, keepdims=keepdims)", level="fast", ulps=32
)
def mean_of_expanded(x: Any, like: Any, axis: Any) -> Any:
    """mean(expand_like(x, y)) -> x"""
    return x if spec_of(like).known and 0 not in spec_of(like).shape and axis != () else None


def _times(x: Any, like: Any, axis: Any) -> Any:
    dims = spec_of(like).dims
    if dims is None or not is_float(x):
        return None
    count = 1
    for i in axes_of(axis, len(dims)):
        size = dims[i]
        if size is None:
            return None
        count *= size
    return x * float(count)


# Logic


@reductions.rule("any(~x, axis=axis, keepdims=keepdims)")
def any_of_not(x: Any, axis: Any, keepdims: bool) -> Any:
    """any(not x) -> not all(x)"""
    return ~all_of(x, axis=axis, keepdims=keepdims)


@reductions.rule("all(~x, axis=axis, keepdims=keepdims)")
def all_of_not(x: Any, axis: Any, keepdims: bool) -> Any:
    """all(not x) -> not any(x)"""
    return ~any_of(x, axis=axis, keepdims=keepdims)
