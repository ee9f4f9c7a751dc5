"""Convolutions and transposed convolutions as modules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from dynamic.functions.creation import empty
from dynamic.names import lacking
from dynamic.nn import convolution as functional, init
from dynamic.nn.modules.module import Module
from dynamic.nn.padding import pad
from dynamic.nn.parameter import Parameter
from graphs.core.errors import at_line


PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def each(value: Any, count: int) -> tuple[Any, ...]:
    """One value for each spatial dimension, where one stands for all."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * count


class _ConvNd(Module):
    """What all convolutions hold: ``weight`` and ``bias``, drawn from +-1 / sqrt(fan in), and the settings.

    Raises ValueError for channels that do not come in ``groups``, and for paddings that do not exist.
    """

    _count: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]
    transposed: ClassVar[bool] = False
    weight: Any
    bias: Any

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        output_padding: Any = 0,
    ) -> None:
        super().__init__()
        count = self._count
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = (each(value, count) for value in (kernel_size, stride, dilation))
        self.padding = padding if isinstance(padding, str) else each(padding, count)
        self.output_padding = each(output_padding, count)
        self.padding_mode = padding_mode
        self._check()
        if self.padding == "same":
            spare = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            sides = [(n // 2, n - n // 2) for n in spare]
        else:
            sides = [(n, n) for n in ((0,) * count if self.padding == "valid" else self.padding)]
        self._reversed_padding_repeated_twice = [n for pair in reversed(sides) for n in pair]
        channels = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(empty(channels[0], channels[1] // groups, *self.kernel_size, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _check(self) -> None:
        name = type(self).__name__
        if self.groups <= 0:
            raise ValueError(f"{name}: groups must be a positive integer, not {self.groups}{at_line()}")
        for what, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels % self.groups:
                raise ValueError(f"{name}: {what} {channels} must be divisible by groups {self.groups}{at_line()}")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(f"{name}: padding is 'valid', 'same' or integers, not {self.padding!r}{at_line()}")
            if self.padding == "same" and any(n != 1 for n in self.stride):
                raise ValueError(f"{name}: padding='same' goes with strides of 1, not {self.stride}{at_line()}")
        if self.padding_mode not in PADDING_MODES:
            raise ValueError(
                f"{name}: padding_mode is one of {', '.join(PADDING_MODES)}, not {self.padding_mode!r}{at_line()}"
            )

    def reset_parameters(self) -> None:
        """Draw the weight and the bias anew: uniform numbers up to 1 / sqrt(fan in) either way (He et al. 2015)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            if fan_in:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
        convolve = type(self)._function
        if self.padding_mode == "zeros":
            return convolve(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)
        bordered = pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return convolve(bordered, weight, bias, self.stride, 0, self.dilation, self.groups)

    def forward(self, input: Any) -> Any:
        """The convolution of a batch, or of one example."""
        return self._conv_forward(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings that are not the usual ones."""
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        usual = {"padding": 0, "dilation": 1, "output_padding": 0}
        for name, value in usual.items():
            if getattr(self, name) != (value,) * self._count:
                parts.append(f"{name}={getattr(self, name)}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )


class Conv1d(_Conv):
    """``conv1d`` of (N, C, L) or (C, L) with a weight (out, in / groups, k); arguments as for ``Conv2d``."""

    _count, _function = 1, functional.conv1d


class Conv2d(_Conv):
    """``conv2d`` of (N, C, H, W) or (C, H, W) with a weight (out, in / groups, kH, kW).

    Args:
        in_channels, out_channels: how many channels come in and go out, both in ``groups``.
        kernel_size, stride, dilation: one integer, or one for each dimension.
        padding: as many elements on either side; ``"valid"`` for none, ``"same"`` for as many as keep the size.
        bias: whether a learned number is added to each channel.
        padding_mode: what is added: zeros, or a border as ``functional.pad`` makes it.
    """

    _count, _function = 2, functional.conv2d


class Conv3d(_Conv):
    """``conv3d`` of (N, C, D, H, W) or (C, D, H, W) with a weight (out, in / groups, kD, kH, kW); see ``Conv2d``."""

    _count, _function = 3, functional.conv3d


# Transposed


class _ConvTransposeNd(_ConvNd):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f"{type(self).__name__}: only padding_mode 'zeros', not {padding_mode!r}{at_line()}")
        settings = (in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        super().__init__(*settings, device=device, dtype=dtype, output_padding=output_padding)

    def _output_padding(self, input: Any, output_size: Any) -> tuple[int, ...]:
        """How much is added for the sizes wanted, spatial ones or all. Raises ValueError where that is too much."""
        if output_size is None:
            return self.output_padding
        count = self._count
        lead = input.dim() - count
        wanted = tuple(output_size)[lead:] if len(output_size) == count + lead else tuple(output_size)
        if len(wanted) != count:
            raise ValueError(f"{type(self).__name__}: output_size {tuple(output_size)} for {count} dimensions{at_line()}")
        every = zip(tuple(input.shape)[lead:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in every]
        if any(not m <= n < m + s for n, m, s in zip(wanted, least, self.stride, strict=True)):
            raise ValueError(
                f"{type(self).__name__}: output_size {wanted} is less than {self.stride} above {least}{at_line()}"
            )
        return tuple(n - m for n, m in zip(wanted, least, strict=True))

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """The transposed convolution; ``output_size`` is one of the sizes that the convolution takes to the input's."""
        added = self._output_padding(input, output_size)
        how = (self.stride, self.padding, added, self.groups, self.dilation)
        return type(self)._function(input, self.weight, self.bias, *how)


class ConvTranspose1d(_ConvTransposeNd):
    """``conv_transpose1d`` of (N, C, L) or (C, L) with a weight (in, out / groups, k); see ``ConvTranspose2d``."""

    _count, _function = 1, functional.conv_transpose1d


class ConvTranspose2d(_ConvTransposeNd):
    """``conv_transpose2d`` of (N, C, H, W) or (C, H, W) with a weight (in, out / groups, kH, kW).

    Arguments as for ``Conv2d``; ``output_padding`` is how much larger than the least the output is, after each dimension.
    Called as ``module(input, output_size)`` it works that out itself.
    """

    _count, _function = 2, functional.conv_transpose2d


class ConvTranspose3d(_ConvTransposeNd):
    """``conv_transpose3d`` of (N, C, D, H, W) or (C, D, H, W) with a weight (in, out / groups, kD, kH, kW)."""

    _count, _function = 3, functional.conv_transpose3d


__getattr__ = lacking(__name__)
