"""Forms that keep digits where what was written loses them: logarithms of softmax and sigmoid, cross-entropies, logsumexp.

Inner expressions are rewritten before what reads them, so a long form needs a rule for its last step only: 1 - sigmoid(x)
has become sigmoid(-x) by the time its logarithm is looked at.
"""

from __future__ import annotations

from typing import Any

from graphs.ops import (
    expm1,
    log1p,
    log_sigmoid,
    log_softmax,
    logaddexp,
    logsumexp,
    negative,
    norm,
    sigmoid,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    softplus,
    var,
)
from graphs.rewrite.rules import Rules, is_float, one_dtype, same_shape, spec_of


stability = Rules("stability")


def one_axis(axis: Any, x: Any) -> int | None:
    """``axis`` of ``x`` as one number from 0, where it is one and the rank is known."""
    dims = spec_of(x).dims
    if isinstance(axis, tuple) and len(axis) == 1:
        axis = axis[0]
    if axis is None and dims is not None and len(dims) == 1:
        return 0
    return axis % len(dims) if isinstance(axis, int) and dims else None


# Logarithms and exponentials


@stability.rule("log(1 + x)", level="stable", ulps=4)
def logarithm_of_one_plus(x: Any) -> Any:
    """log(1 + x) -> log1p(x)"""
    return log1p(x) if is_float(x) else None


@stability.rule("log(1 - x)", level="stable", ulps=4)
def logarithm_of_one_minus(x: Any) -> Any:
    """log(1 - x) -> log1p(-x)"""
    return log1p(-x) if is_float(x) else None


@stability.rule("exp(x) - 1", "exp(x) + -1", level="stable", ulps=4)
def exponential_minus_one(x: Any) -> Any:
    """exp(x) - 1 -> expm1(x)"""
    return expm1(x) if is_float(x) else None


@stability.rule("log1p(exp(x))", level="stable", ulps=4)
def softplus_written_out(x: Any) -> Any:
    """log1p(exp(x)) -> softplus(x)"""
    return softplus(x)


@stability.rule("log(exp(x) + exp(y))", level="stable", ulps=8, scale="largest")
def logarithm_of_two_exponentials(x: Any, y: Any) -> Any:
    """log(exp(x) + exp(y)) -> logaddexp(x, y) for values of one dtype"""
    return logaddexp(x, y) if one_dtype(x, y) else None


@stability.rule("log(sum(exp(x), axis=axis, keepdims=keepdims))", level="stable", ulps=16, scale="largest")
def logarithm_of_sum_of_exponentials(x: Any, axis: Any, keepdims: bool) -> Any:
    """log(sum(exp(x))) -> logsumexp(x)"""
    return logsumexp(x, axis=axis, keepdims=keepdims)


# Sigmoid


@stability.rule("1 / (1 + exp(-x))", "reciprocal(1 + exp(-x))", level="stable", ulps=4)
def sigmoid_written_out(x: Any) -> Any:
    """1 / (1 + exp(-x)) -> sigmoid(x)"""
    return sigmoid(x)


@stability.rule("1 - sigmoid(x)", level="stable", ulps=4)
def one_minus_sigmoid(x: Any) -> Any:
    """1 - sigmoid(x) -> sigmoid(-x)"""
    return sigmoid(-x)


@stability.rule("log(sigmoid(x))", level="stable", ulps=4)
def logarithm_of_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)) -> log_sigmoid(x)"""
    return log_sigmoid(x)


@stability.rule("log1p(-sigmoid(x))", level="stable", ulps=4)
def logarithm_of_one_minus_sigmoid(x: Any) -> Any:
    """log1p(-sigmoid(x)) -> log_sigmoid(-x)"""
    return log_sigmoid(-x)


@stability.rule("exp(log_sigmoid(x))", level="stable", ulps=128)
def exponential_of_log_sigmoid(x: Any) -> Any:
    """exp(log_sigmoid(x)) -> sigmoid(x)"""
    return sigmoid(x)


@stability.rule("-log_sigmoid(-x)", level="close", ulps=1)
def negated_log_sigmoid(x: Any) -> Any:
    """-log_sigmoid(-x) -> softplus(x)"""
    return softplus(x)


@stability.rule("y * log_sigmoid(x) + (1 - y) * log_sigmoid(-x)", level="stable", ulps=8, scale="largest")
def binary_cross_entropy_written_out(x: Any, y: Any) -> Any:
    """y * log_sigmoid(x) + (1 - y) * log_sigmoid(-x) -> -sigmoid_cross_entropy_with_logits(x, y)"""
    suited = is_float(y) and one_dtype(x, y) and same_shape(x, y)
    return negative(sigmoid_cross_entropy_with_logits(x, y)) if suited else None


@stability.rule("-(y * log_sigmoid(x)) - (1 - y) * log_sigmoid(-x)", level="stable", ulps=8, scale="largest")
def negated_binary_cross_entropy_written_out(x: Any, y: Any) -> Any:
    """-(y * log_sigmoid(x)) - (1 - y) * log_sigmoid(-x) -> sigmoid_cross_entropy_with_logits(x, y)"""
    return sigmoid_cross_entropy_with_logits(x, y) if is_float(y) and one_dtype(x, y) and same_shape(x, y) else None


# Softmax


@stability.rule("log(softmax(x, axis=axis))", level="stable", ulps=8, scale="largest")
def logarithm_of_softmax(x: Any, axis: int) -> Any:
    """log(softmax(x)) -> log_softmax(x)"""
    return log_softmax(x, axis=axis)


@stability.rule("exp(log_softmax(x, axis=axis))", level="stable", ulps=128)
def exponential_of_log_softmax(x: Any, axis: int) -> Any:
    """exp(log_softmax(x)) -> softmax(x)"""
    return softmax(x, axis=axis)


@stability.rule("exp(x) / sum(exp(x), axis=axis, keepdims=True)", level="stable", ulps=128)
def softmax_written_out(x: Any, axis: Any) -> Any:
    """exp(x) / sum(exp(x), axis, keepdims) -> softmax(x, axis)"""
    place = one_axis(axis, x)
    return None if place is None else softmax(x, axis=place)


@stability.rule("-sum(y * log_softmax(x, axis=axis), axis=over)")
def cross_entropy_written_out(x: Any, y: Any, axis: int, over: Any) -> Any:
    """-sum(y * log_softmax(x), axis) -> softmax_cross_entropy_with_logits(x, y, axis)"""
    place = one_axis(over, x)
    if place is None or place != one_axis(axis, x) or not is_float(y) or not same_shape(x, y):
        return None
    return softmax_cross_entropy_with_logits(x, y, axis=place)


# Moments and norms


@stability.rule("sqrt(sum(square(x), axis=axis, keepdims=keepdims))")
def norm_written_out(x: Any, axis: Any, keepdims: bool) -> Any:
    """sqrt(sum(square(x))) -> norm(x)"""
    return norm(x, axis=axis, keepdims=keepdims) if is_float(x) else None


@stability.rule("mean(square(x - mean(x, axis=axis, keepdims=True)), axis=axis, keepdims=keepdims)")
def variance_written_out(x: Any, axis: Any, keepdims: bool) -> Any:
    """mean(square(x - mean(x))) -> var(x)"""
    return var(x, axis=axis, keepdims=keepdims)
