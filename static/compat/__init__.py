"""What TensorFlow keeps for programs of other versions: ``tf.compat.v1`` is ``static`` itself."""

import numbers
import os
from typing import Any

import numpy

import static as v1
from static.shapes import Dimension, TensorShape


integral_types = (numbers.Integral, numpy.integer)
real_types = (numbers.Real, numpy.integer, numpy.floating)
complex_types = (numbers.Complex, numpy.number)
bytes_or_text_types = (bytes, str)


def disable_v2_behavior() -> None:
    """Nothing: graphs and sessions are all there is. Programs that were carried over to TensorFlow 2 begin with it."""


def disable_eager_execution() -> None:
    """Nothing, as ``disable_v2_behavior``."""


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """``bytes_or_text`` as bytes. Raises TypeError for anything that is neither."""
    return _checked(bytes_or_text).encode(encoding) if isinstance(bytes_or_text, str) else _checked(bytes_or_text)


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """``bytes_or_text`` as text. Raises TypeError for anything that is neither."""
    return _checked(bytes_or_text).decode(encoding) if isinstance(bytes_or_text, bytes) else _checked(bytes_or_text)


as_str = as_text


def as_str_any(value: Any) -> str:
    """``value`` as text: what bytes say, else ``str(value)``."""
    return as_str(value) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """The path of an object that has one; anything else as it is."""
    return os.fspath(path) if hasattr(path, "__fspath__") else path


def dimension_value(dimension: Any) -> Any:
    """The size of a ``Dimension``; anything else as it is."""
    return dimension.value if isinstance(dimension, Dimension) else dimension


def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """The dimension of ``shape`` at ``index``, of unknown size where nothing is known of ``shape``."""
    return Dimension(None) if shape.dims is None else shape.dims[index]


def forward_compatible(year: int, month: int, day: int) -> bool:
    """True: there are no older readers of graphs to wait for."""
    return True


def _checked(value: Any) -> Any:
    if not isinstance(value, bytes_or_text_types):
        raise TypeError(f"Expected binary or unicode string, got {value!r}")
    return value


__all__ = [
    "as_bytes",
    "as_str",
    "as_str_any",
    "as_text",
    "bytes_or_text_types",
    "complex_types",
    "dimension_at_index",
    "dimension_value",
    "disable_eager_execution",
    "disable_v2_behavior",
    "forward_compatible",
    "integral_types",
    "path_to_str",
    "real_types",
    "v1",
]
