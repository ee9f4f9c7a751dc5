"""Activations as functions, their variants in place, and softmax with what is made of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from dynamic.apply import apply, unary, wrap
from dynamic.functions.creation import next_key
from dynamic.functions.reductions import log_softmax as _log_softmax, softmax as _softmax
from dynamic.names import lacking
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.ops import (
    celu as celu_op,
    elu as elu_op,
    gelu as gelu_op,
    hard_shrink,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu as leaky_relu_op,
    log_sigmoid,
    mish as mish_op,
    random_uniform_like,
    relu as relu_op,
    relu6 as relu6_op,
    selu as selu_op,
    sigmoid as sigmoid_op,
    silu as silu_op,
    soft_shrink,
    softplus_below as softplus_op,
    softsign as softsign_op,
    tanh as tanh_op,
    threshold as threshold_op,
    where,
)


def relu(input: Any, inplace: bool = False) -> Any:
    """The positive part (Nair and Hinton 2010)."""
    out = unary(relu_op, input)
    return input._become(out) if inplace else out


def relu6(input: Any, inplace: bool = False) -> Any:
    """``min(max(x, 0), 6)`` (Krizhevsky 2010)."""
    out = unary(relu6_op, input)
    return input._become(out) if inplace else out


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """``x`` above 0, ``negative_slope * x`` below (Maas, Hannun and Ng 2013)."""
    out = apply(leaky_relu_op, (input,), {"negative_slope": float(negative_slope)})
    return input._become(out) if inplace else out


def prelu(input: Any, weight: Any) -> Any:
    """``x`` above 0, ``weight * x`` below (He et al. 2015); ``weight`` has one element, or one a channel (dimension 1).

    Raises RuntimeError for another number of them.
    """
    shape, slopes = input._array.shape, weight._array
    if slopes.ndim > 1:
        raise ShapeError(f"prelu: weight is a scalar or has one dimension, not {slopes.ndim}{at_line()}")
    if slopes.size != 1:
        channels = shape[1] if len(shape) > 1 else 1
        if not shape or channels != slopes.size:
            raise ShapeError(f"prelu: {slopes.size} slopes for {channels} channels{at_line()}")
        weight = weight.reshape((slopes.size,) + (1,) * (len(shape) - 2))
    elif slopes.ndim > len(shape):
        weight = weight.reshape(())
    return apply(where, (input > 0, input, weight * input))


def rrelu(input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False) -> Any:
    """``leaky_relu`` with slopes drawn from [lower, upper), or (out of training) with their mean (Xu et al. 2015)."""
    if training:
        if lower > upper:
            raise ShapeError(f"rrelu: the lower bound {lower} is above the upper bound {upper}{at_line()}")
        draws = apply(random_uniform_like, (input.detach(),), {"low": lower, "high": upper, "key": next_key()})
        out = input * apply(where, (input <= 0, draws, 1.0))
    else:
        out = apply(leaky_relu_op, (input,), {"negative_slope": (lower + upper) / 2})
    return input._become(out) if inplace else out


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below (Clevert, Unterthiner and Hochreiter 2016)."""
    out = apply(elu_op, (input,), {"alpha": float(alpha)})
    return input._become(out) if inplace else out


def selu(input: Any, inplace: bool = False) -> Any:
    """The scaled ELU that keeps mean 0 and variance 1 (Klambauer et al. 2017)."""
    out = unary(selu_op, input)
    return input._become(out) if inplace else out


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """``x`` above 0, ``alpha * (exp(x / alpha) - 1)`` below (Barron 2017). Raises RuntimeError for an ``alpha`` of 0."""
    if alpha == 0:
        raise ShapeError(f"celu: alpha is not 0{at_line()}")
    out = apply(celu_op, (input,), {"alpha": float(alpha)})
    return input._become(out) if inplace else out


def gelu(input: Any, approximate: str = "none") -> Any:
    """``x`` times the normal distribution function at ``x``, or its form with tanh (Hendrycks and Gimpel 2016)."""
    if approximate not in ("none", "tanh"):
        raise ShapeError(f"gelu: approximate is 'none' or 'tanh', not {approximate!r}{at_line()}")
    return apply(gelu_op, (input,), {"approximate": approximate == "tanh"})


def silu(input: Any, inplace: bool = False) -> Any:
    """``x * sigmoid(x)`` (Elfwing, Uchibe and Doya 2018)."""
    out = unary(silu_op, input)
    return input._become(out) if inplace else out


def mish(input: Any, inplace: bool = False) -> Any:
    """``x * tanh(softplus(x))`` (Misra 2019)."""
    out = unary(mish_op, input)
    return input._become(out) if inplace else out


def sigmoid(input: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return unary(sigmoid_op, input)


def logsigmoid(input: Any) -> Any:
    """The logarithm of the sigmoid, which does not lose small values."""
    return unary(log_sigmoid, input)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return unary(tanh_op, input)


def tanhshrink(input: Any) -> Any:
    """``x - tanh(x)``."""
    return input - unary(tanh_op, input)


def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Any:
    """``log(1 + exp(beta * x)) / beta``, and ``x`` itself where ``beta * x`` is above ``threshold``."""
    if beta == 1 and threshold == 20:
        return unary(softplus_op, input)
    return apply(softplus_op, (input,), {"beta": beta, "threshold": threshold})


def softsign(input: Any) -> Any:
    """``x / (1 + |x|)`` (Turian, Bergstra and Bengio 2009)."""
    return unary(softsign_op, input)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """``x`` limited to [min_val, max_val]. Raises ValueError where there is nothing between them."""
    if min_val > max_val:
        raise ValueError(f"min_val cannot be larger than max_val: {min_val}, {max_val}")
    out = apply(hard_tanh, (input,), {"min": min_val, "max": max_val})
    return input._become(out) if inplace else out


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """``relu6(x + 3) / 6`` (Howard et al. 2019)."""
    out = unary(hard_sigmoid, input)
    return input._become(out) if inplace else out


def hardswish(input: Any, inplace: bool = False) -> Any:
    """``x * relu6(x + 3) / 6`` (Howard et al. 2019)."""
    out = unary(hard_swish, input)
    return input._become(out) if inplace else out


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """``x`` where it lies outside of [-lambd, lambd], else 0."""
    return apply(hard_shrink, (input,), {"width": float(lambd)})


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """``x`` moved towards 0 by ``lambd``, and 0 where it would pass it. Raises RuntimeError for a negative ``lambd``."""
    if lambd < 0:
        raise ShapeError(f"softshrink: lambda is not negative: {lambd}{at_line()}")
    return apply(soft_shrink, (input,), {"width": float(lambd)})


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """``x`` where it exceeds ``threshold``, else ``value``."""
    kind = int if input._array.dtype.kind in "iu" else float
    out = apply(threshold_op, (input,), {"threshold": kind(threshold), "value": kind(value)})
    return input._become(out) if inplace else out


def glu(input: Any, dim: int = -1) -> Any:
    """The first half along ``dim``, times the sigmoid of the second (Dauphin et al. 2017).

    Raises RuntimeError for an odd size.
    """
    if not input._array.ndim:
        raise ShapeError(f"glu takes a tensor with dimensions{at_line()}")
    size = input.size(dim)
    if size % 2:
        raise ShapeError(f"glu halves dimension {dim}, whose size {size} is odd{at_line()}")
    return input.narrow(dim, 0, size // 2) * unary(sigmoid_op, input.narrow(dim, size // 2, size // 2))


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def in_place(input: Any, *settings: Any, **named: Any) -> Any:
        return function(input, *settings, inplace=True, **named)

    in_place.__name__ = in_place.__qualname__ = f"{function.__name__}_"
    in_place.__doc__ = f"``{function.__name__}``, in place."
    return in_place


relu_ = _in_place(relu)
leaky_relu_ = _in_place(leaky_relu)
rrelu_ = _in_place(rrelu)
elu_ = _in_place(elu)
selu_ = _in_place(selu)
celu_ = _in_place(celu)
hardtanh_ = _in_place(hardtanh)
threshold_ = _in_place(threshold)


# Softmax


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """Exponentials over their sum along ``dim``; without ``dim`` PyTorch's old choice is taken, with a warning."""
    return _softmax(input, implicit_dim("softmax", input, dim, _stacklevel), dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """The logarithm of ``softmax``, computed without leaving the range of numbers."""
    return _log_softmax(input, implicit_dim("log_softmax", input, dim, _stacklevel), dtype)


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """``softmax`` of the negative."""
    return _softmax(-input, implicit_dim("softmin", input, dim, _stacklevel), dtype)


def implicit_dim(name: str, input: Any, dim: int | None, stacklevel: int = 3) -> int:
    """``dim``, or, with a warning, the dimension that PyTorch took before one had to be named."""
    if dim is not None:
        return dim
    chosen = 0 if input._array.ndim in (0, 1, 3) else 1
    warnings.warn(f"{name} without dim takes dim={chosen} here; say which you mean", UserWarning, stacklevel=stacklevel)
    return chosen


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A draw from the categories along ``dim``, relaxed to numbers that add up to 1 (Jang, Gu and Poole 2017).

    With ``hard`` it is one-hot, and has the relaxed draw's gradient. ``eps`` is not used.
    """
    if logits._array.dtype.kind != "f":
        raise DtypeError(f"gumbel_softmax takes floating-point logits, not {logits.dtype}{at_line()}")
    draws = apply(random_uniform_like, (logits.detach(),), {"low": 0.0, "high": 1.0, "key": next_key()})
    noise = -(-(1 - draws).log()).log()  # draws can be 0, and never 1
    soft = _softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    numbers = soft._array
    along = [1] * numbers.ndim
    along[dim] = numbers.shape[dim]
    chosen = xp_of((numbers,)).arange(numbers.shape[dim]).reshape(along) == numbers.argmax(dim, keepdims=True)
    return wrap(chosen.astype(numbers.dtype) - numbers) + soft


__getattr__ = lacking(__name__)
