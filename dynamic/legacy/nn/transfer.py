"""Functions of each element, and those along channels: activations, powers, dropout, numbers added and multiplied."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dynamic.autograd import Function
from dynamic.functions.creation import rand
from dynamic.legacy.nn.module import Module
from dynamic.legacy.nn.simple import Weighted
from dynamic.names import lacking
from dynamic.nn import functional


class Transfer(Module):
    """A function without parameters."""

    _names = ()


def _plain(name: str, function: Callable[[Any], Any], doc: str) -> Any:
    """A layer that applies ``function``, and takes no settings."""
    return type(name, (Transfer,), {"_compute": lambda self, x: function(x), "__doc__": doc, "__module__": __name__})


def _dim(x: Any) -> int:
    """Along which dimension the classes are, as Lua Torch has it."""
    return 0 if x.dim() in (1, 3) else 1


Abs = _plain("Abs", lambda x: x.abs(), "``|x|``.")
Contiguous = _plain("Contiguous", lambda x: x.contiguous(), "The input, in memory in order.")
Exp = _plain("Exp", lambda x: x.exp(), "``exp(x)``.")
Identity = _plain("Identity", lambda x: x, "The input, a tensor or a table.")
Log = _plain("Log", lambda x: x.log(), "The natural logarithm.")
LogSigmoid = _plain("LogSigmoid", functional.logsigmoid, "``log(1 / (1 + exp(-x)))``.")
LogSoftMax = _plain("LogSoftMax", lambda x: functional.log_softmax(x, _dim(x)), "The logarithm of ``SoftMax``.")
Sigmoid = _plain("Sigmoid", functional.sigmoid, "``1 / (1 + exp(-x))``.")
SoftMax = _plain("SoftMax", lambda x: functional.softmax(x, _dim(x)), "Exponentials over their sum, along the classes.")
SoftMin = _plain("SoftMin", lambda x: functional.softmax(-x, _dim(x)), "``SoftMax`` of ``-x``.")
SoftSign = _plain("SoftSign", functional.softsign, "``x / (1 + |x|)``.")
SpatialSoftMax = _plain("SpatialSoftMax", lambda x: functional.softmax(x, x.dim() - 3), "``SoftMax`` over channels.")
Sqrt = _plain("Sqrt", lambda x: x.sqrt(), "The square root.")
Square = _plain("Square", lambda x: x.pow(2), "The square.")
Tanh = _plain("Tanh", functional.tanh, "The hyperbolic tangent.")
TanhShrink = _plain("TanhShrink", lambda x: x - x.tanh(), "``x - tanh(x)``.")


class Copy(Transfer):
    """The input cast from one type to another; either may be None."""

    def __init__(self, intype: Any = None, outtype: Any = None, dontCast: bool = False) -> None:
        super().__init__()
        self.intype, self.outtype = intype, outtype

    def _compute(self, x: Any) -> Any:
        return x.clone() if self.outtype is None else x.to(self.outtype)


class Threshold(Transfer):
    """The elements above ``threshold``, the others being ``value``."""

    def __init__(self, threshold: float = 0, value: float = 0, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.val, self.inplace = threshold, value, inplace

    def _compute(self, x: Any) -> Any:
        return functional.threshold(x, self.threshold, self.val)


class ReLU(Threshold):
    """The positive part."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0, 0, inplace)

    def _compute(self, x: Any) -> Any:
        return functional.relu(x)


class HardTanh(Transfer):
    """The elements brought between ``min_value`` and ``max_value``."""

    def __init__(self, min_value: float = -1, max_value: float = 1, inplace: bool = False) -> None:
        super().__init__()
        self.min_val, self.max_val, self.inplace = min_value, max_value, inplace

    def _compute(self, x: Any) -> Any:
        return functional.hardtanh(x, self.min_val, self.max_val)


class Clamp(HardTanh):
    """The elements brought between ``min_value`` and ``max_value``."""

    def __init__(self, min_value: float, max_value: float) -> None:
        super().__init__(min_value, max_value)


class ReLU6(HardTanh):
    """The elements brought between 0 and 6."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0, 6, inplace)


class ELU(Transfer):
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def _compute(self, x: Any) -> Any:
        return functional.elu(x, self.alpha)


class LeakyReLU(Transfer):
    """``x`` where it is positive, else ``negval * x``."""

    def __init__(self, negval: float = 1 / 100, inplace: bool = False) -> None:
        super().__init__()
        self.negval, self.inplace = negval, inplace

    def _compute(self, x: Any) -> Any:
        return functional.leaky_relu(x, self.negval)


class RReLU(Transfer):
    """``LeakyReLU`` with slopes drawn between ``lower`` and ``upper`` in training, and their mean in use."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def _compute(self, x: Any) -> Any:
        if not self.train:
            return functional.leaky_relu(x, (self.lower + self.upper) / 2)
        slope = rand(*x.shape, dtype=x.dtype) * (self.upper - self.lower) + self.lower
        return x * slope.masked_fill(x.detach() > 0, 1)


class PReLU(Weighted):
    """``x`` where it is positive, else a learned slope times ``x``: one for all, or one for each of ``nOutputPlane``."""

    _names = ("weight",)

    def __init__(self, nOutputPlane: int = 0) -> None:
        super().__init__()
        self.nOutputPlane = nOutputPlane
        self._make((nOutputPlane or 1,))
        self.weight.fill_(0.25)

    def reset(self, stdv: float | None = None) -> Any:
        """Set the slopes to a quarter again."""
        self.weight.fill_(0.25)
        return self

    def _compute(self, x: Any, weight: Any) -> Any:
        return functional.prelu(x, weight)


class SoftPlus(Transfer):
    """``log(1 + exp(beta * x)) / beta``, and ``x`` where ``beta * x`` is above ``threshold``."""

    def __init__(self, beta: float = 1, threshold: float = 20) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def _compute(self, x: Any) -> Any:
        return functional.softplus(x, self.beta, self.threshold)


class HardShrink(Transfer):
    """``x``, and zero within ``lambd`` of zero."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def _compute(self, x: Any) -> Any:
        return functional.hardshrink(x, self.lambd)


class SoftShrink(HardShrink):
    """``x`` moved towards zero by ``lambd``, and no further."""

    def _compute(self, x: Any) -> Any:
        return functional.softshrink(x, self.lambd)


class Power(Transfer):
    """``x ** p``."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.pow = p

    def _compute(self, x: Any) -> Any:
        return x.pow(self.pow)


class AddConstant(Transfer):
    """``x`` plus a number."""

    def __init__(self, constant_scalar: float, inplace: bool = False) -> None:
        super().__init__()
        self.constant_scalar, self.inplace = constant_scalar, inplace

    def _compute(self, x: Any) -> Any:
        return x + self.constant_scalar


class MulConstant(AddConstant):
    """``x`` times a number."""

    def _compute(self, x: Any) -> Any:
        return x * self.constant_scalar


class _Reversed(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, lambd: float) -> Any:
        ctx.lambd = lambd
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * -ctx.lambd, None


class GradientReversal(Transfer):
    """The input; its gradient is ``-lambd`` times that of the output (Ganin and Lempitsky 2015)."""

    def __init__(self, lambd: float = 1) -> None:
        super().__init__()
        self.lambd = lambd

    def setLambda(self, lambd: float) -> None:
        """Use another factor."""
        self.lambd = lambd

    def _compute(self, x: Any) -> Any:
        return _Reversed.apply(x, self.lambd)


class L1Penalty(Transfer):
    """The input; the sum of its absolute values, times ``l1weight``, is kept in ``loss`` and added to what is minimised."""

    def __init__(self, l1weight: float, sizeAverage: bool = False, provideOutput: bool = True) -> None:
        super().__init__()
        self.l1weight, self.sizeAverage, self.provideOutput = l1weight, sizeAverage, provideOutput
        self.loss: float = 0.0

    def _compute(self, x: Any) -> Any:
        self._scale = self.l1weight / x.numel() if self.sizeAverage else self.l1weight
        self.loss = float(x.detach().abs().sum().item()) * self._scale
        return x

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        """The gradient of the penalty, and what comes from the output with ``provideOutput``."""
        self._recorded(input)
        penalty = input.sign() * self._scale
        self.gradInput = penalty + gradOutput if self.provideOutput else penalty
        return self.gradInput


class Normalize(Transfer):
    """Each example divided by its ``p``-norm, to which ``eps`` is added."""

    def __init__(self, p: float, eps: float = 1e-10) -> None:
        super().__init__()
        self.p, self.eps = p, eps

    def _compute(self, x: Any) -> Any:
        size = x.abs()
        norm = size.max(-1, True)[0] if math.isinf(self.p) else (size.pow(self.p).sum(-1, True) + self.eps).pow(1 / self.p)
        return x / norm

    def __repr__(self) -> str:
        return f"nn.Normalize({self.p})"


__getattr__ = lacking(__name__)
