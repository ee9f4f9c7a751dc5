"""Softmax, the cross-entropies, dropout.

The cross-entropies give one loss per example (per element where they are element-wise); a mean or a sum is the caller's.
"""

from __future__ import annotations

from typing import Any

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import elementwise, op
from graphs.core.portable import largest
from graphs.core.random import Key
from graphs.core.spec import Shape, Spec, axis_of, check_shape, show
from graphs.ops.activations import sigmoid
from graphs.ops.dtypes import floats
from graphs.ops.elementwise import maximum
from graphs.ops.functions import exp, log, log1p
from graphs.ops.random import dropout_mask
from graphs.ops.reduction import expand_like, sum
from graphs.ops.shape import beside


# Softmax


def _same(x: Spec, *, axis: int) -> Shape | None:
    if x.dims is not None:
        axis_of(axis, len(x.dims))
    return x.dims


def _shifted(xp: Any, x: Any, axis: int) -> Any:
    """``x`` less its maximum along ``axis``, so that no exponential overflows."""
    return x - largest(xp, x, -xp.inf, axis, keepdims=True)


@op(_same, dtype=floats, traits={"strict"})
def softmax(xp: Any, x: Any, *, axis: int = -1) -> Any:
    """``exp(x)`` over its sum along ``axis`` (Bridle 1990)."""
    out = xp.exp(_shifted(xp, x, axis))
    out /= out.sum(axis=axis, keepdims=True)
    return out


softmax.vjp(lambda g, out, _x, *, axis: out * (g - sum(g * out, axis=axis, keepdims=True)))


@op(_same, dtype=floats, traits={"strict"})
def log_softmax(xp: Any, x: Any, *, axis: int = -1) -> Any:
    """Logarithm of the softmax, which does not lose small values."""
    out = _shifted(xp, x, axis)
    out -= xp.log(xp.exp(out).sum(axis=axis, keepdims=True))
    return out


log_softmax.vjp(lambda g, out, _x, *, axis: g - exp(out) * sum(g, axis=axis, keepdims=True))


# Two classes, element by element


def _beside(xp: Any, x: Any, y: Any) -> Any:
    """``x``, a Python number in the dtype that it has beside ``y``: a function of it alone would be float64."""
    return xp.asarray(x, xp.result_type(x, y)) if isinstance(x, (int, float)) else x


def _log_odds(x: Any) -> Any:
    return maximum(log1p(-x), -100.0) - maximum(log(x), -100.0)


@elementwise("(target - 1.0) * maximum(log1p(-x), -100.0) - target * maximum(log(x), -100.0)", dtype=floats)
def binary_cross_entropy(xp: Any, x: Any, target: Any) -> Any:
    """``-(target · log x + (1 - target) · log(1 - x))`` of probabilities ``x``, logarithms no less than -100 (PyTorch)."""
    x = _beside(xp, x, target)
    return (target - 1.0) * xp.maximum(xp.log1p(-x), -100.0) - target * xp.maximum(xp.log(x), -100.0)


binary_cross_entropy.vjp(
    lambda g, _out, x, target: g * ((x - target) / maximum(x * (1 - x), 1e-12)),
    lambda g, _out, x, _target: g * _log_odds(beside(x, g)),
)


@elementwise("maximum(logits, 0.0) - logits * labels + log1p(exp(-absolute(logits)))", dtype=floats)
def sigmoid_cross_entropy_with_logits(xp: Any, logits: Any, labels: Any) -> Any:
    """Cross-entropy of ``sigmoid(logits)`` with probabilities ``labels``, safe from overflow."""
    logits = _beside(xp, logits, labels)
    return xp.maximum(logits, 0.0) - logits * labels + xp.log1p(xp.exp(-xp.absolute(logits)))


sigmoid_cross_entropy_with_logits.vjp(
    lambda g, _out, logits, labels: g * (sigmoid(logits) - labels),
    lambda g, _out, logits, _labels: -g * logits,
)


# Many classes, along an axis


def _without(dims: Shape, axis: int) -> Shape:
    axis = axis_of(axis, len(dims))
    return dims[:axis] + dims[axis + 1 :]


def _both(one: Shape, other: Shape) -> Shape:
    """What two accounts of the same shape say together. Raises ShapeError where they differ."""
    if len(one) != len(other) or any(None not in (n, m) and n != m for n, m in zip(one, other, strict=True)):
        raise ShapeError(f"the labels would have the shape {show(one)}, not {show(other)}")
    return tuple(m if n is None else n for n, m in zip(one, other, strict=True))


def _dense(logits: Spec, labels: Spec, *, axis: int) -> Shape:
    return _without(_both(logits.shape, labels.shape), axis)


@op(_dense, dtype=lambda logits, labels, **_: floats(floats(logits), labels))
def softmax_cross_entropy_with_logits(xp: Any, logits: Any, labels: Any, *, axis: int = -1) -> Any:
    """``-Σ labels · log softmax(logits)`` along ``axis``; ``labels`` holds a probability for each class."""
    return -(labels * log_softmax.kernel(xp, logits, axis=axis)).sum(axis=axis)


softmax_cross_entropy_with_logits.vjp(
    lambda g, _out, logits, labels, *, axis: (
        expand_like(g, logits, axis=axis) * (softmax(logits, axis=axis) * sum(labels, axis=axis, keepdims=True) - labels)
    ),
    lambda g, _out, logits, _labels, *, axis: -expand_like(g, logits, axis=axis) * log_softmax(logits, axis=axis),
)


def _sparse(logits: Spec, labels: Spec, *, axis: int) -> Shape:
    return _both(_without(logits.shape, axis), labels.shape)


def _indexed(logits: Any, labels: Any, **_: Any) -> Any:
    if labels.kind not in "iu":
        raise DtypeError(f"labels are class numbers, not {labels}")
    return floats(logits)


@op(_sparse, dtype=_indexed)
def sparse_softmax_cross_entropy_with_logits(xp: Any, logits: Any, labels: Any, *, axis: int = -1) -> Any:
    """``-log softmax(logits)`` at the class that ``labels`` names, along ``axis``."""
    at = xp.expand_dims(labels, axis)
    return -xp.take_along_axis(log_softmax.kernel(xp, logits, axis=axis), at, axis).squeeze(axis)


def _class_mask(labels: Spec, like: Spec, *, axis: int) -> Shape | None:
    if like.dims is not None:
        place = axis_of(axis, len(like.dims))
        check_shape(labels, (*like.dims[:place], *like.dims[place + 1 :]), "an array of labels")
    return like.dims


@op(_class_mask, dtype=lambda _labels, like, **_: like)
def one_hot_like(xp: Any, labels: Any, _like: Any, *, axis: int = -1) -> Any:
    """1 at the class that ``labels`` names along ``axis``, else 0, of the shape and dtype of ``like``."""
    classes = xp.arange(_like.shape[axis]).reshape([-1] + [1] * ((_like.ndim - 1 - axis) % _like.ndim))
    return (xp.expand_dims(labels, axis) == classes).astype(_like.dtype)


one_hot_like.vjp(None, None)
sparse_softmax_cross_entropy_with_logits.vjp(
    lambda g, _out, logits, labels, *, axis: (
        expand_like(g, logits, axis=axis) * (softmax(logits, axis=axis) - one_hot_like(labels, logits, axis=axis))
    ),
    None,
)


def dropout(x: Any, *, rate: float, key: Key | None = None) -> Any:
    """``x`` with elements dropped at ``rate`` and the others scaled by ``1 / (1 - rate)``.

    The mask is an op of its own, so that the gradient drops the same elements.
    """
    return x * dropout_mask(x, rate=rate, key=key)
