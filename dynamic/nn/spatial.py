"""Convolutions, pools and borders as PyTorch has them beside ``nn.functional``: in the package, and by other names."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn.adaptive import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d as _adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    fractional_max_pool2d,
    fractional_max_pool3d,
)
from dynamic.nn.convolution import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from dynamic.nn.padding import pad as _pad
from dynamic.nn.pooling import avg_pool1d, max_pool1d, max_pool2d, max_pool3d
from dynamic.nn.resizing import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from dynamic.nn.sampling import affine_grid, grid_sample
from graphs.core.errors import ShapeError, at_line


_FORWARD = {1: conv1d, 2: conv2d, 3: conv3d}
_TRANSPOSED = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}
_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


# Maxima with their places


def max_pool1d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Any, Any]:
    """``max_pool1d`` and where its maxima are."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Any, Any]:
    """``max_pool2d`` and where its maxima are."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Any, Any]:
    """``max_pool3d`` and where its maxima are."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d(input: Any, output_size: Any) -> tuple[Any, Any]:
    """The maxima of ``output_size`` regions of (N, C, L) or (C, L), and where they are, unlike ``nn.functional``."""
    return _adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool1d_with_indices(input: Any, output_size: Any, return_indices: bool = True) -> tuple[Any, Any]:
    """``nn.functional.adaptive_max_pool1d`` and where its maxima are."""
    return _adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Any, output_size: Any, return_indices: bool = True) -> tuple[Any, Any]:
    """``nn.functional.adaptive_max_pool2d`` and where its maxima are."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Any, output_size: Any, return_indices: bool = True) -> tuple[Any, Any]:
    """``nn.functional.adaptive_max_pool3d`` and where its maxima are."""
    return adaptive_max_pool3d(input, output_size, True)


def fractional_max_pool2d_with_indices(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = True,
    _random_samples: Any = None,
) -> tuple[Any, Any]:
    """``nn.functional.fractional_max_pool2d`` and where its maxima are."""
    return fractional_max_pool2d(input, kernel_size, output_size, output_ratio, True, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = True,
    _random_samples: Any = None,
) -> tuple[Any, Any]:
    """``nn.functional.fractional_max_pool3d`` and where its maxima are."""
    return fractional_max_pool3d(input, kernel_size, output_size, output_ratio, True, _random_samples)


# Convolutions


def convolution(
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    """A convolution in one to three dimensions, or its transpose; settings as for ``conv2d`` and ``conv_transpose2d``."""
    count = weight._array.ndim - 2
    if count not in _FORWARD:
        raise ShapeError(f"convolution: weight of 3 to 5 dimensions is wanted, not {tuple(weight._array.shape)}{at_line()}")
    if transposed:
        return _TRANSPOSED[count](input, weight, bias, stride, padding, output_padding, groups, dilation)
    return _FORWARD[count](input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """The convolution of sequences, (T, N, C), with a weight (k, C, O), and ``pad`` zeros at either end: (T', N, O)."""
    if input._array.ndim != 3 or weight._array.ndim != 3:
        raise ShapeError(
            f"conv_tbc: (T, N, C) and (k, C, O) are wanted, not {input._array.shape} and {weight._array.shape}{at_line()}"
        )
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)


# Borders and points


def constant_pad_nd(input: Any, pad: Any, value: float = 0) -> Any:
    """``nn.functional.pad`` with a border of one value."""
    return _pad(input, pad, "constant", value)


def grid_sampler(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """``nn.functional.grid_sample`` with its modes as numbers: bilinear, nearest, bicubic; zeros, border, reflection."""
    if interpolation_mode not in range(3) or padding_mode not in range(3):
        raise ShapeError(f"grid_sampler: modes are 0 to 2, not {interpolation_mode} and {padding_mode}{at_line()}")
    return grid_sample(input, grid, _MODES[interpolation_mode], _PADDINGS[padding_mode], align_corners)


def affine_grid_generator(theta: Any, size: Any, align_corners: bool) -> Any:
    """``nn.functional.affine_grid``."""
    return affine_grid(theta, size, align_corners)


FUNCTIONS = {
    function.__name__: function
    for function in (
        *(conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, convolution, conv_tbc),
        *(max_pool1d, max_pool2d, max_pool3d, max_pool1d_with_indices, avg_pool1d),
        *(adaptive_avg_pool1d, adaptive_max_pool1d, pixel_shuffle, pixel_unshuffle, channel_shuffle),
        *(constant_pad_nd, grid_sampler, affine_grid_generator),
    )
}
"""Functions of the package."""

FUNCTIONS["native_channel_shuffle"] = native_channel_shuffle


__getattr__ = lacking(__name__)
