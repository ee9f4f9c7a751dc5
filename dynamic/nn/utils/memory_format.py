"""The order of dimensions in memory of convolutions' weights."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn.modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d


def _convert(module: Any, kinds: Any, memory_format: Any) -> Any:
    for each in module.modules():
        if isinstance(each, kinds):
            each.weight.data = each.weight.data.clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """``module`` with the weights of its two-dimensional convolutions in another order in memory."""
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """``module`` with the weights of its three-dimensional convolutions in another order in memory."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)


__getattr__ = lacking(__name__)
