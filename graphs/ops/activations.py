"""Activation functions. Where their slope jumps, they take the value that TensorFlow and PyTorch agree on."""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs.core.op import elementwise
from graphs.ops.dtypes import ordered, real
from graphs.ops.elementwise import minimum, multiply
from graphs.ops.functions import erf, exp, square
from graphs.ops.logic import logical_and, logical_or, not_equal, where
from graphs.ops.shape import ones_like
from graphs.ops.trigonometric import tanh


# Piecewise linear


@elementwise("maximum(x, 0)", dtype=ordered)
def relu(xp: Any, x: Any) -> Any:
    """``max(x, 0)`` (Nair and Hinton 2010); its slope at 0 is 0."""
    return xp.maximum(x, 0)


relu.vjp(lambda g, out, _x: multiply(g, out > 0))


@elementwise("minimum(maximum(x, 0), 6)", dtype=ordered)
def relu6(xp: Any, x: Any) -> Any:
    """``min(max(x, 0), 6)`` (Krizhevsky 2010)."""
    return xp.minimum(xp.maximum(x, 0), 6)


relu6.vjp(lambda g, out, _x: multiply(g, logical_and(out > 0, out < 6)))


@elementwise("where(x > 0, x, negative_slope * x)", dtype=real)
def leaky_relu(xp: Any, x: Any, *, negative_slope: float = 0.01) -> Any:
    """``x`` above 0, ``negative_slope · x`` below (Maas, Hannun and Ng 2013)."""
    return xp.maximum(x, 0.0) + negative_slope * xp.minimum(x, 0.0)


leaky_relu.vjp(lambda g, _out, x, *, negative_slope: multiply(g, x > 0) + multiply(g, x <= 0) * negative_slope)


@elementwise("minimum(maximum(x, min), max)", dtype=real)
def hard_tanh(xp: Any, x: Any, *, min: float = -1.0, max: float = 1.0) -> Any:
    """``x`` limited to ``[min, max]``, flat at the limits themselves (Collobert 2004)."""
    return xp.minimum(xp.maximum(x, min), max)


hard_tanh.vjp(lambda g, out, _x, *, min, max: multiply(g, logical_and(out > min, out < max)))


@elementwise("minimum(maximum(x + 3.0, 0.0), 6.0) / 6.0", dtype=real)
def hard_sigmoid(xp: Any, x: Any) -> Any:
    """``relu6(x + 3) / 6``: a sigmoid of three straight pieces (Howard et al. 2019)."""
    return xp.minimum(xp.maximum(x + 3.0, 0.0), 6.0) / 6.0


hard_sigmoid.vjp(lambda g, out, _x: multiply(g / 6.0, logical_and(out > 0, out < 1)))


@elementwise("x * (minimum(maximum(x + 3.0, 0.0), 6.0) / 6.0)", dtype=real)
def hard_swish(xp: Any, x: Any) -> Any:
    """``x · hard_sigmoid(x)`` (Howard et al. 2019)."""
    return x * (xp.minimum(xp.maximum(x + 3.0, 0.0), 6.0) / 6.0)


hard_swish.vjp(lambda g, _out, x: g * where(x <= -3, 0.0, where(x < 3, x / 3.0 + 0.5, 1.0)))


@elementwise("where(x <= threshold, value, x)", dtype=lambda x, *, threshold, value: numpy.result_type(ordered(x), value))
def threshold(xp: Any, x: Any, *, threshold: float, value: float) -> Any:
    """``value`` where ``x`` is not above ``threshold``, else ``x``, a NaN too."""
    return xp.where(x <= threshold, value, x)


threshold.vjp(lambda g, _out, x, *, threshold, value: multiply(g, x > threshold))


@elementwise("where(absolute(x) <= width, x * 0.0, x)", dtype=real)
def hard_shrink(xp: Any, x: Any, *, width: float = 0.5) -> Any:
    """``x`` where it lies outside of ``[-width, width]``, else 0."""
    return xp.where(xp.absolute(x) <= width, x * 0.0, x)


hard_shrink.vjp(lambda g, _out, x, *, width: multiply(g, logical_or(x > width, x < -width)))


@elementwise("x - minimum(maximum(x, -width), width)", dtype=real)
def soft_shrink(xp: Any, x: Any, *, width: float = 0.5) -> Any:
    """``x`` moved towards 0 by ``width``, and 0 where it would pass it (Donoho 1995)."""
    return x - xp.minimum(xp.maximum(x, -width), width)


soft_shrink.vjp(lambda g, out, _x, *, width: multiply(g, not_equal(out, 0)))


# Sigmoids


@elementwise("1.0 / (1.0 + exp(-x))", dtype=real)
def sigmoid(xp: Any, x: Any) -> Any:
    """Logistic function ``1 / (1 + exp(-x))``, accurate in both tails.

    The numerator is 1 from 0 on, since the decay never exceeds it. In place, because a third temporary of 50,000 floats has
    the allocator map fresh pages at every call (340 µs against 44 µs).
    """
    decay = xp.exp(-xp.absolute(x))
    out = xp.maximum(decay, xp.greater_equal(x, 0))
    decay += 1.0
    out /= decay
    return out


sigmoid.vjp(lambda g, out, _x: g * (out * (1 - out)))


@elementwise("minimum(x, 0.0) - log1p(exp(-absolute(x)))", dtype=real)
def log_sigmoid(xp: Any, x: Any) -> Any:
    """Logarithm of the sigmoid, which does not lose small values."""
    return xp.minimum(x, 0.0) - xp.log1p(xp.exp(-xp.absolute(x)))


log_sigmoid.vjp(lambda g, _out, x: g * sigmoid(-x))


@elementwise("maximum(x, 0.0) + log1p(exp(-absolute(x)))", dtype=real)
def softplus(xp: Any, x: Any) -> Any:
    """Smooth hinge ``log(1 + exp(x))`` (Dugas et al. 2000), safe from overflow.

    numpy's ``logaddexp`` says the same fifteen times more slowly.
    """
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.absolute(x)))


softplus.vjp(lambda g, _out, x: g * sigmoid(x))


@elementwise("where(x * beta > threshold, x, (maximum(x * beta, 0.0) + log1p(exp(-absolute(x * beta)))) / beta)", dtype=real)
def softplus_below(xp: Any, x: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """``softplus(beta · x) / beta``, and ``x`` itself where ``beta · x`` is above ``threshold``: PyTorch's softplus."""
    steep = x * beta
    return xp.where(xp.greater(steep, threshold), x, softplus.kernel(xp, steep) / beta)


softplus_below.vjp(
    lambda g, _out, x, *, beta, threshold: g * where(x * beta > threshold, ones_like(x * beta), sigmoid(x * beta))
)


@elementwise("x / (1.0 + absolute(x))", dtype=real)
def softsign(xp: Any, x: Any) -> Any:
    """``x / (1 + |x|)`` (Turian, Bergstra and Bengio 2009)."""
    return x / (xp.absolute(x) + 1.0)


softsign.vjp(lambda g, _out, x: g / square(abs(x) + 1.0))


# Exponential below 0

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


@elementwise("maximum(x, 0.0) + alpha * expm1(minimum(x, 0.0))", dtype=real)
def elu(xp: Any, x: Any, *, alpha: float = 1.0) -> Any:
    """``x`` above 0, ``alpha · (exp(x) - 1)`` below (Clevert, Unterthiner and Hochreiter 2016)."""
    return xp.maximum(x, 0.0) + alpha * xp.expm1(xp.minimum(x, 0.0))


def _elu_slope(x: Any, alpha: float) -> Any:
    slope = exp(minimum(x, 0.0))  # 1 above 0 already
    return slope if alpha == 1 else where(x > 0, 1.0, slope * alpha)


elu.vjp(lambda g, _out, x, *, alpha: g * _elu_slope(x, alpha))


@elementwise(f"maximum({_SELU_SCALE} * x, 0.0) + {_SELU_SCALE * _SELU_ALPHA} * expm1(minimum(x, 0.0))", dtype=real)
def selu(xp: Any, x: Any) -> Any:
    """The scaled ELU that keeps mean 0 and variance 1 (Klambauer et al. 2017)."""
    return xp.maximum(_SELU_SCALE * x, 0.0) + _SELU_SCALE * _SELU_ALPHA * xp.expm1(xp.minimum(x, 0.0))


selu.vjp(lambda g, _out, x: where(x > 0, g * _SELU_SCALE, g * (exp(minimum(x, 0.0)) * (_SELU_SCALE * _SELU_ALPHA))))


@elementwise("maximum(x, 0.0) + alpha * expm1(minimum(x, 0.0) / alpha)", dtype=real)
def celu(xp: Any, x: Any, *, alpha: float = 1.0) -> Any:
    """``x`` above 0, ``alpha · (exp(x / alpha) - 1)`` below, smooth for every ``alpha`` (Barron 2017)."""
    return xp.maximum(x, 0.0) + alpha * xp.expm1(xp.minimum(x, 0.0) / alpha)


celu.vjp(lambda g, _out, x, *, alpha: g * exp(minimum(x, 0.0) / alpha))


# x times something smooth


@elementwise("x / (1.0 + exp(-x))", dtype=real)
def silu(xp: Any, x: Any) -> Any:
    """``x · sigmoid(x)`` (Elfwing, Uchibe and Doya 2018), also known as swish."""
    return x * sigmoid.kernel(xp, x)


def _silu_slope(x: Any) -> Any:
    gate = sigmoid(x)
    return gate * (x * (1 - gate) + 1)


silu.vjp(lambda g, _out, x: g * _silu_slope(x))


@elementwise("x * tanh(softplus(x))", dtype=real)
def mish(xp: Any, x: Any) -> Any:
    """``x · tanh(softplus(x))`` (Misra 2019)."""
    return x * xp.tanh(softplus.kernel(xp, x))


def _mish_slope(x: Any) -> Any:
    gate = tanh(softplus(x))
    return gate + x * (1 - square(gate)) * sigmoid(x)


mish.vjp(lambda g, _out, x: g * _mish_slope(x))


_ROOT_HALF = math.sqrt(0.5)
_GELU_SCALE = math.sqrt(2.0 / math.pi)
_GELU_CUBIC = 0.044715


@elementwise(
    f"where(approximate, 0.5 * x * (1.0 + tanh({_GELU_SCALE} * (x + {_GELU_CUBIC} * x * x * x))), "
    f"0.5 * x * (1.0 + erf({_ROOT_HALF} * x)))",
    dtype=real,
)
def gelu(xp: Any, x: Any, *, approximate: bool = False) -> Any:
    """``x`` times the normal distribution function at ``x`` (Hendrycks and Gimpel 2016).

    ``approximate`` takes their formula with tanh in place of the error function.
    """
    gate = xp.tanh(_GELU_SCALE * (x + _GELU_CUBIC * x * x * x)) if approximate else erf.kernel(xp, _ROOT_HALF * x)
    return 0.5 * x * (1.0 + gate)


def _gelu_slope(x: Any, *, approximate: bool) -> Any:
    if not approximate:
        return (erf(x * _ROOT_HALF) + 1) * 0.5 + x * (exp(square(x) * -0.5) * (_GELU_SCALE * 0.5))
    gate = tanh((x + x * x * x * _GELU_CUBIC) * _GELU_SCALE)
    bend = (square(x) * (3 * _GELU_CUBIC) + 1) * _GELU_SCALE
    return (gate + 1) * 0.5 + x * (1 - square(gate)) * bend * 0.5


gelu.vjp(lambda g, _out, x, *, approximate: g * _gelu_slope(x, approximate=approximate))
