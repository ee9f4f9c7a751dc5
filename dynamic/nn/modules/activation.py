"""Activations as modules; those of straight pieces come from their own file."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn import activations as F
from dynamic.nn.modules.module import Module
from dynamic.nn.modules.piecewise import (
    Hardshrink as Hardshrink,
    Hardsigmoid as Hardsigmoid,
    Hardswish as Hardswish,
    Hardtanh as Hardtanh,
    InPlace,
    LeakyReLU as LeakyReLU,
    PReLU as PReLU,
    ReLU as ReLU,
    ReLU6 as ReLU6,
    RReLU as RReLU,
    Softshrink as Softshrink,
    Threshold as Threshold,
)


class SELU(InPlace):
    """The scaled ELU that keeps mean 0 and variance 1 (Klambauer et al. 2017)."""

    def forward(self, input: Any) -> Any:
        """``selu(input)``."""
        return F.selu(input, self.inplace)


class SiLU(InPlace):
    """``x * sigmoid(x)`` (Elfwing, Uchibe and Doya 2018)."""

    def forward(self, input: Any) -> Any:
        """``silu(input)``."""
        return F.silu(input, self.inplace)


class Mish(InPlace):
    """``x * tanh(softplus(x))`` (Misra 2019)."""

    def forward(self, input: Any) -> Any:
        """``mish(input)``."""
        return F.mish(input, self.inplace)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``."""

    def forward(self, input: Any) -> Any:
        """``sigmoid(input)``."""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """The logarithm of the sigmoid."""

    def forward(self, input: Any) -> Any:
        """``logsigmoid(input)``."""
        return F.logsigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Any) -> Any:
        """``tanh(input)``."""
        return F.tanh(input)


class Tanhshrink(Module):
    """``x - tanh(x)``."""

    def forward(self, input: Any) -> Any:
        """``tanhshrink(input)``."""
        return F.tanhshrink(input)


class Softsign(Module):
    """``x / (1 + |x|)`` (Turian, Bergstra and Bengio 2009)."""

    def forward(self, input: Any) -> Any:
        """``softsign(input)``."""
        return F.softsign(input)


class _Alpha(InPlace):
    """An exponential below 0, times ``alpha``."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def extra_repr(self) -> str:
        """``alpha``, and whether the input is changed."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class ELU(_Alpha):
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below (Clevert, Unterthiner and Hochreiter 2016)."""

    def forward(self, input: Any) -> Any:
        """``elu(input, alpha)``."""
        return F.elu(input, self.alpha, self.inplace)


class CELU(_Alpha):
    """``x`` above 0, ``alpha * (exp(x / alpha) - 1)`` below (Barron 2017)."""

    def forward(self, input: Any) -> Any:
        """``celu(input, alpha)``."""
        return F.celu(input, self.alpha, self.inplace)


class GELU(Module):
    """``x`` times the normal distribution function at ``x``, or its form with tanh (Hendrycks and Gimpel 2016)."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """``gelu(input)``."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """The form."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """``log(1 + exp(beta * x)) / beta``, and ``x`` itself where ``beta * x`` is above ``threshold``."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Any) -> Any:
        """``softplus(input, beta, threshold)``."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """``beta`` and ``threshold``."""
        return f"beta={self.beta}, threshold={self.threshold}"


class GLU(Module):
    """The first half along ``dim``, times the sigmoid of the second (Dauphin et al. 2017)."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """``glu(input, dim)``."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Softmin(Module):
    """``softmax`` of the negative, along ``dim``; without it, along the one that PyTorch took in 0.2, with a warning."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """``softmin(input, dim)``."""
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Softmax(Softmin):
    """Exponentials over their sum along ``dim`` (Bridle 1990)."""

    def forward(self, input: Any) -> Any:
        """``softmax(input, dim)``."""
        return F.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(Softmin):
    """The logarithm of ``softmax`` along ``dim``."""

    def forward(self, input: Any) -> Any:
        """``log_softmax(input, dim)``."""
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """``softmax`` over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Any) -> Any:
        """``softmax(input, -3)``. Raises ValueError for another number of dimensions."""
        if input._array.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input._array.ndim}D instead")
        return F.softmax(input, -3)


__getattr__ = lacking(__name__)
