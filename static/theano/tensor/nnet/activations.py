"""Activations, under Theano's names."""

from __future__ import annotations

from typing import Any

from graphs import ops
from static.theano.variable import as_tensor_variable, floating


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return ops.sigmoid(floating(x))


def hard_sigmoid(x: Any) -> Any:
    """``0.2 x + 0.5`` between 0 and 1."""
    return (floating(x) * 0.2 + 0.5).clip(0.0, 1.0)


def ultra_fast_sigmoid(x: Any) -> Any:
    """An approximation of the sigmoid in pieces: a fraction, a line, a constant (Theano's, within 0.03 of it)."""
    half = 0.5 * floating(x)
    size = abs(half)
    near = 1.5 * size / (1.0 + size)
    line = 0.935409070603099 + 0.0458812946797165 * (size - 1.7)
    far = ops.where(size < 3.0, line, 0.99505475368673)
    return 0.5 * (ops.sign(half) * ops.where(size < 1.7, near, far) + 1.0)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``."""
    return ops.softplus(floating(x))


def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``."""
    return ops.softsign(floating(x))


def relu(x: Any, alpha: Any = 0) -> Any:
    """``x`` where it is positive, else ``alpha x``, ``alpha`` being a number or a variable."""
    x = as_tensor_variable(x)
    if isinstance(alpha, (int, float)) and alpha == 0:
        return 0.5 * (x + abs(x))  # Theano's form, whose gradient at 0 is one half
    return ops.where(x > 0, x, x * alpha)


def elu(x: Any, alpha: float = 1) -> Any:
    """``x`` where it is positive, else ``alpha (exp(x) - 1)``."""
    x = floating(x)
    return ops.where(x > 0, x, alpha * ops.expm1(ops.minimum(x, 0.0)))


def selu(x: Any) -> Any:
    """The scaled ``elu`` that keeps mean 0 and variance 1 (Klambauer et al. 2017)."""
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)
