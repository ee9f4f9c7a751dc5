"""Losses of ``torch.nn.functional`` between numbers and between probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy

from dynamic.apply import apply, result_type
from dynamic.dtypes import type_name
from dynamic.names import lacking
from dynamic.nn.reducing import reduced, reduction_of, warn
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.ops import (
    binary_cross_entropy as bce_op,
    huber_loss as huber_op,
    mse_loss as mse_op,
    sigmoid_cross_entropy_with_logits,
    smooth_l1_loss as smooth_l1_op,
    softplus,
    xlogy,
)


def _pair(name: str, input: Any, target: Any) -> tuple[Any, Any]:
    """Both in one shape and dtype; with a warning where shapes are broadcast. Raises ShapeError where they cannot be."""
    shape, other = input._array.shape, target._array.shape
    if shape != other:
        message = f"{name}: a target of shape {other} for an input of shape {shape} is broadcast, which is seldom wanted"
        warn(message)
        try:
            both = numpy.broadcast_shapes(shape, other)
        except ValueError:
            message = f"{name}: a target of shape {other} does not fit an input of shape {shape}"
            raise ShapeError(message + at_line()) from None
        input, target = input.expand(*both), target.expand(*both)
    if input._array.dtype != target._array.dtype:
        dtype = result_type((input, target))
        input, target = input.to(dtype), target.to(dtype)
    return input, target


def _weighted(name: str, losses: Any, weight: Any, shape: Any, reduction: str) -> Any:
    """``losses`` times ``weight``, reduced; the mean is one by weight. Raises ValueError for another shape of weights."""
    if weight._array.shape != shape:
        raise ShapeError(f"{name}: weights are of the input's shape {shape}, not {weight._array.shape}{at_line()}")
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" else reduced(losses, reduction)


# Between numbers


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """Squared differences, each times its ``weight``, by which the mean then is one too."""
    reduction = reduction_of(reduction, size_average, reduce)
    shape = input._array.shape
    input, target = _pair("mse_loss", input, target)
    if weight is None:
        return apply(mse_op, (input, target), {"reduction": reduction})
    return _weighted("mse_loss", apply(mse_op, (input, target), {"reduction": "none"}), weight, shape, reduction)


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """Absolute differences, each times its ``weight``, by which the mean then is one too."""
    reduction = reduction_of(reduction, size_average, reduce)
    shape = input._array.shape
    input, target = _pair("l1_loss", input, target)
    losses = (input - target).abs()
    return reduced(losses, reduction) if weight is None else _weighted("l1_loss", losses, weight, shape, reduction)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """``d² / (2 beta)`` of differences ``d`` below ``beta``, and ``|d| - beta / 2`` of others (Girshick 2015).

    Raises RuntimeError where ``beta`` is negative; where it is 0 this is ``l1_loss``.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if beta < 0:
        raise ShapeError(f"smooth_l1_loss: beta is not negative: {beta}{at_line()}")
    input, target = _pair("smooth_l1_loss", input, target)
    if beta == 0:
        return reduced((input - target).abs(), reduction)
    return apply(smooth_l1_op, (input, target), {"reduction": reduction, "beta": beta})


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """``d² / 2`` of differences ``d`` below ``delta``, and ``delta (|d| - delta / 2)`` of others (Huber 1964).

    Raises RuntimeError where ``delta`` is not positive.
    """
    reduction = reduction_of(reduction)
    if delta <= 0:
        raise ShapeError(f"huber_loss: delta is positive, not {delta}{at_line()}")
    dtype, shape = input._array.dtype, input._array.shape
    input, target = _pair("huber_loss", input, target)
    how = {"reduction": reduction if weight is None else "none", "delta": delta}
    losses = apply(huber_op, (input.to(dtype), target.to(dtype)), how)
    if weight is None:
        return losses
    if weight._array.shape != shape:
        raise ShapeError(f"huber_loss: weights are of the input's shape {shape}, not {weight._array.shape}{at_line()}")
    return reduced(losses * weight, reduction)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """Minus the log-probability of counts by Poisson distributions.

    Their rates are ``exp(input)``; without ``log_input`` they are ``input``, to which ``eps`` is added in logarithms. The
    term of the counts alone is left out unless ``full``, which takes Stirling's approximation for counts above 1.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        several = target > 1
        count = target.masked_fill(several.logical_not(), 1)
        stirling = count * count.log() - count + 0.5 * (2 * math.pi * count).log()
        losses = losses + stirling.masked_fill(several.logical_not(), 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """Minus the log-density of ``target`` by normal distributions of the means ``input`` and the variances ``var``.

    Args:
        var: one number, a number for each element, or one for all along the last dimension; no less than ``eps`` is taken.
        full: whether to add the constant term.

    Raises ValueError for negative variances and those that do not fit.
    """
    reduction = reduction_of(reduction)
    shape = tuple(input._array.shape)
    if isinstance(var, (int, float)):
        var = input.new_full(shape, var)
    given = tuple(var._array.shape)
    if given != shape:
        if given == shape[:-1]:
            var = var.unsqueeze(-1)
        elif len(given) != len(shape) or sum(n != m for n, m in zip(given, shape, strict=True)) != 1 or 1 not in given:
            raise ShapeError(f"gaussian_nll_loss: variances of shape {given} for means of shape {shape}{at_line()}")
    if (var._array < 0).any():
        raise ShapeError(f"gaussian_nll_loss: a variance is negative{at_line()}")
    # What is too small is lifted, and yet has a slope.
    var = var + (var.detach().clamp(min=eps) - var.detach())
    losses = 0.5 * (var.log() + (input - target) ** 2 / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


# Between probabilities


def kl_div(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """``target (log target - input)``: the divergence of the log-probabilities ``input`` from the probabilities ``target``.

    Args:
        reduction: also "batchmean", which divides the sum by the size of the first dimension and is what
            mathematics means; "mean" divides by the number of elements.
        log_target: whether ``target`` holds logarithms too.

    Raises RuntimeError for integers.
    """
    batch = size_average is None and reduce is None and reduction == "batchmean"
    reduction = "sum" if batch else reduction_of(reduction, size_average, reduce)
    if reduction == "mean" and size_average is None and reduce is None:
        message = "kl_div: 'mean' divides by the number of elements; the divergence is 'batchmean'"
        warn(message)
    if "i" in (input._array.dtype.kind, target._array.dtype.kind):
        raise DtypeError(f"kl_div takes floating-point tensors{at_line()}")
    losses = target.exp() * (target - input) if log_target else apply(xlogy, (target, target)) - target * input
    out = reduced(losses, reduction)
    return out / input._array.shape[0] if batch and input._array.ndim else out


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """Cross-entropy of probabilities against targets in [0, 1]; logarithms do not go below -100.

    A target of another shape with as many elements is taken, with a warning, as PyTorch did until 1.5. Raises ValueError for
    another number of elements, RuntimeError for another dtype and for an input outside of [0, 1].
    """
    reduction = reduction_of(reduction, size_average, reduce)
    array, other = input._array, target._array
    if array.shape != other.shape:
        message = f"binary_cross_entropy: a target of shape {other.shape} for an input of shape {array.shape}"
        if array.size != other.size:
            raise ShapeError(message + at_line())
        warn(message)
        target = target.reshape(array.shape)
    if array.dtype != other.dtype:
        types = f"{type_name(other.dtype)} for an input of {type_name(array.dtype)}"
        raise DtypeError(f"binary_cross_entropy: a target of {types}{at_line()}")
    losses = apply(bce_op, (input, target))
    out = reduced(losses if weight is None else losses * weight, reduction)
    # Logarithms of what is below 0 or above 1 are NaN, and make NaN of sums: what is in order costs no pass over the input.
    if reduction == "none" or out._array != out._array:
        array = input._array
        if not ((array >= 0) & (array <= 1)).all():
            raise ShapeError(f"binary_cross_entropy: the input holds numbers that are no probabilities{at_line()}")
    return out


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """Cross-entropy of the sigmoid of ``input`` against targets in [0, 1], computed stably.

    ``pos_weight``, which broadcasts, multiplies the terms of what is true. Raises ValueError for a target of another shape.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    array, other = input._array, target._array
    if array.shape != other.shape:
        shapes = f"a target of shape {other.shape} for an input of shape {array.shape}"
        raise ShapeError(f"binary_cross_entropy_with_logits: {shapes}{at_line()}")
    if other.dtype.kind in "iub":
        raise DtypeError(f"binary_cross_entropy_with_logits: a target of {type_name(other.dtype)}{at_line()}")
    if pos_weight is None:
        losses = apply(sigmoid_cross_entropy_with_logits, (input, target))
    else:
        losses = (1 - target) * input + (1 + (pos_weight - 1) * target) * apply(softplus, (-input,))
    return reduced(losses if weight is None else losses * weight, reduction)


__getattr__ = lacking(__name__)
