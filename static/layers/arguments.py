"""What layers are given: activations, sizes, paddings and data formats; and what they ask of their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphs.core.errors import at_line
from static import nn
from static.dtypes import as_dtype
from static.initializers import Ones, Zeros
from static.tensor import constant_value


ZEROS, ONES = Zeros(), Ones()
"""Initialisers that are defaults."""


def known_bool(value: Any) -> bool | None:
    """``value`` (a bool, a number, a tensor) as a bool where it is known while building, else None."""
    found = constant_value(value)
    return None if found is None else bool(found)


def activation_of(function: Any) -> Callable[[Any], Any] | None:
    """An activation: a function, or its name in ``tf.nn``. Raises ValueError for a name that is not there."""
    if function is None or callable(function):
        return function
    if function == "linear":
        return None
    found = getattr(nn, str(function), None)
    if not callable(found):
        raise ValueError(f"Unknown activation function: {function}{at_line()}")
    return found


def sizes(value: Any, count: int, name: str) -> tuple[int, ...]:
    """An int or that many of them as a tuple. Raises ValueError for anything else."""
    if isinstance(value, int):
        return (value,) * count
    try:
        each = tuple(int(n) for n in value)
    except (TypeError, ValueError):
        each = ()
    if len(each) != count:
        raise ValueError(f"The `{name}` argument must be a tuple of {count} integers. Received: {value}{at_line()}")
    return each


def padding_of(value: Any) -> str:
    """``VALID`` or ``SAME``, from either in any case. Raises ValueError for anything else."""
    if not isinstance(value, str) or value.lower() not in ("valid", "same"):
        raise ValueError(f'The `padding` argument must be one of "valid", "same". Received: {value}{at_line()}')
    return value.upper()


def format_of(data_format: Any, count: int) -> str:
    """``NHWC`` or ``NCHW``, or the like for ``count`` spatial dimensions. Raises ValueError for an unknown format."""
    spatial = "DHW"[-count:] if count > 1 else "W"
    if data_format == "channels_last":
        return f"N{spatial}C"
    if data_format == "channels_first":
        return f"NC{spatial}"
    raise ValueError(
        f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {data_format}{at_line()}'
    )


class InputSpec:
    """What a layer asks of an input: dtype, number of dimensions, sizes of axes. None asks nothing."""

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int] | None = None,
    ) -> None:
        self.dtype = dtype
        self.shape = shape
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})

    def check(self, x: Any, layer: str) -> None:
        """Raise ValueError where the tensor ``x`` is not what ``layer`` asks for."""
        dims = x.spec.dims
        if dims is None:
            if self.ndim is not None or self.min_ndim is not None or self.max_ndim is not None:
                self._refuse(layer, "its rank is undefined, but the layer requires a defined rank.", x)
            return
        if self.ndim is not None and len(dims) != self.ndim:
            self._refuse(layer, f"expected ndim={self.ndim}, found ndim={len(dims)}. Full shape received: {x.shape}", x)
        if self.max_ndim is not None and len(dims) > self.max_ndim:
            self._refuse(layer, f"expected max_ndim={self.max_ndim}, found ndim={len(dims)}", x)
        if self.min_ndim is not None and len(dims) < self.min_ndim:
            found = f"found ndim={len(dims)}. Full shape received: {x.shape}"
            self._refuse(layer, f"expected min_ndim={self.min_ndim}, {found}", x)
        if self.dtype is not None and x.dtype != as_dtype(self.dtype):
            self._refuse(layer, f"expected dtype={self.dtype}, found dtype={x.dtype.name}", x)
        for axis, size in self.axes.items():
            if size is not None and dims[axis] not in (size, None):
                wanted = f"expected axis {axis} of input shape to have value {size} but got shape {x.shape}"
                self._refuse(layer, wanted, x)

    def _refuse(self, layer: str, why: str, x: Any) -> None:
        raise ValueError(f"Input 0 of layer {layer} is incompatible with the layer: {why} ({x.name}){at_line()}")
