"""Pools as layers, in one, two and three dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from static import nn
from static.layers.arguments import InputSpec, format_of, padding_of, sizes
from static.layers.base import Layer, functional


class _Pool(Layer):
    rank = 2
    pool: Callable[..., Any]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = sizes(pool_size, self.rank, "pool_size")
        self.strides = sizes(pool_size if strides is None else strides, self.rank, "strides")
        self.padding = padding_of(padding)
        self.data_format = data_format
        self._format = format_of(data_format, self.rank)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """What the layer gives for ``inputs``."""
        return type(self).pool(inputs, self.pool_size, self.strides, self.padding, self._format)


class MaxPooling1D(_Pool):
    """The maximum of each window of sequences, ``[batch, length, channels]``. Arguments as for ``MaxPooling2D``."""

    rank = 1
    pool = staticmethod(nn.max_pool1d)


class MaxPooling2D(_Pool):
    """The maximum of each window of images, ``[batch, height, width, channels]``.

    Args:
        pool_size: the size of windows, an int or one for each dimension.
        strides: how far apart windows are.
        padding: ``valid`` or ``same``; padding never wins and does not count.
        data_format: ``channels_last`` or ``channels_first``.
        name: as for ``Layer``.
    """

    pool = staticmethod(nn.max_pool)


class MaxPooling3D(_Pool):
    """The maximum of each window of volumes, with depth first. Arguments as for ``MaxPooling2D``."""

    rank = 3
    pool = staticmethod(nn.max_pool3d)


class AveragePooling1D(_Pool):
    """The mean of each window of sequences, ``[batch, length, channels]``. Arguments as for ``MaxPooling2D``."""

    rank = 1
    pool = staticmethod(nn.avg_pool1d)


class AveragePooling2D(_Pool):
    """The mean of each window of images, ``[batch, height, width, channels]``. Arguments as for ``MaxPooling2D``."""

    pool = staticmethod(nn.avg_pool)


class AveragePooling3D(_Pool):
    """The mean of each window of volumes, with depth first. Arguments as for ``MaxPooling2D``."""

    rank = 3
    pool = staticmethod(nn.avg_pool3d)


max_pooling1d = functional(MaxPooling1D, "max_pooling1d", reuse=False)
max_pooling2d = functional(MaxPooling2D, "max_pooling2d", reuse=False)
max_pooling3d = functional(MaxPooling3D, "max_pooling3d", reuse=False)
average_pooling1d = functional(AveragePooling1D, "average_pooling1d", reuse=False)
average_pooling2d = functional(AveragePooling2D, "average_pooling2d", reuse=False)
average_pooling3d = functional(AveragePooling3D, "average_pooling3d", reuse=False)
