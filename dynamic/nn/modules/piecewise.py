"""Activations of straight pieces as modules."""

from __future__ import annotations

import warnings
from typing import Any

from dynamic.functions.creation import empty
from dynamic.names import lacking
from dynamic.nn import activations as F, init
from dynamic.nn.modules.module import Module
from dynamic.nn.parameter import Parameter


class InPlace(Module):
    """A function of one argument that can write its result where it read: ``inplace=True``."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Whether the input is changed."""
        return "inplace=True" if self.inplace else ""


class ReLU(InPlace):
    """The positive part (Nair and Hinton 2010)."""

    def forward(self, input: Any) -> Any:
        """``max(input, 0)``."""
        return F.relu(input, self.inplace)


class LeakyReLU(InPlace):
    """``x`` above 0, ``negative_slope * x`` below (Maas, Hannun and Ng 2013)."""

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Any) -> Any:
        """``leaky_relu(input, negative_slope)``."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The slope, and whether the input is changed."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class RReLU(InPlace):
    """``x`` above 0, ``x`` times a slope drawn from [lower, upper) below; their mean out of training (Xu et al. 2015)."""

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower, self.upper = lower, upper

    def forward(self, input: Any) -> Any:
        """``rrelu(input, lower, upper)``."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The bounds of the slope, and whether the input is changed."""
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")


class PReLU(Module):
    """``x`` above 0, ``weight * x`` below, one weight for all or one a channel (He et al. 2015)."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to its first value."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        """``prelu(input, weight)``."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The number of weights."""
        return f"num_parameters={self.num_parameters}"


class Hardtanh(InPlace):
    """``x`` limited to [min_val, max_val]. Raises ValueError where there is nothing between them."""

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(inplace)
        for name, old in (("min", min_value), ("max", max_value)):
            if old is not None:
                warnings.warn(f"{name}_value is deprecated: it is {name}_val", FutureWarning, stacklevel=2)
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        if not self.max_val > self.min_val:
            raise AssertionError(f"Hardtanh: max_val {self.max_val} is to be above min_val {self.min_val}")

    def forward(self, input: Any) -> Any:
        """``hardtanh(input, min_val, max_val)``."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """The limits, and whether the input is changed."""
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class ReLU6(Hardtanh):
    """``min(max(x, 0), 6)`` (Krizhevsky 2010)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Whether the input is changed."""
        return "inplace=True" if self.inplace else ""


class Threshold(InPlace):
    """``x`` where it exceeds ``threshold``, else ``value``."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value

    def forward(self, input: Any) -> Any:
        """``threshold(input, threshold, value)``."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Threshold and value, and whether the input is changed."""
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")


class Hardsigmoid(InPlace):
    """``relu6(x + 3) / 6`` (Howard et al. 2019)."""

    def forward(self, input: Any) -> Any:
        """``hardsigmoid(input)``."""
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


class Hardswish(Hardsigmoid):
    """``x * relu6(x + 3) / 6`` (Howard et al. 2019)."""

    def forward(self, input: Any) -> Any:
        """``hardswish(input)``."""
        return F.hardswish(input, self.inplace)


class _Shrink(Module):
    """What is 0 in [-lambd, lambd]."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """``lambd``."""
        return str(self.lambd)


class Hardshrink(_Shrink):
    """``x`` where it lies outside of [-lambd, lambd], else 0."""

    def forward(self, input: Any) -> Any:
        """``hardshrink(input, lambd)``."""
        return F.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """``x`` moved towards 0 by ``lambd``, and 0 where it would pass it."""

    def forward(self, input: Any) -> Any:
        """``softshrink(input, lambd)``."""
        return F.softshrink(input, self.lambd)


__getattr__ = lacking(__name__)
