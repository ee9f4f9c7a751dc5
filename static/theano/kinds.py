"""Theano's types: a dtype, and for each dimension whether it is known to be of size 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs.core.spec import show
from static.theano.settings import config


_NAMES = {
    (): "scalar",
    (False,): "vector",
    (False, False): "matrix",
    (True, False): "row",
    (False, True): "col",
    (False,) * 3: "3D",
    (False,) * 4: "4D",
}


def literal(x: bool | int | float) -> Any:
    """The dtype that Theano gives a Python number: the smallest that holds it, for floats at most ``floatX``."""
    if isinstance(x, bool):
        return numpy.dtype(numpy.bool_)
    if isinstance(x, int):
        return next(
            (numpy.dtype(f"int{n}") for n in (8, 16, 32) if -(1 << n - 1) <= x < 1 << n - 1), numpy.dtype(numpy.int64)
        )
    if config.floatX == "float32" or x != x or float(numpy.float32(x)) == x:
        return numpy.dtype(numpy.float32)
    return numpy.dtype(numpy.float64)


class Kind:
    """Dtype and broadcastable dimensions: what a variable's values have to be.

    Args:
        dtype: a dtype or its name; ``"floatX"`` stands for ``theano.config.floatX``.
        broadcastable: a bool for each dimension: whether it is of size 1.
    """

    def __init__(self, dtype: Any, broadcastable: Sequence[Any], name: str | None = None) -> None:
        self.dtype = str(numpy.dtype(config.floatX if dtype == "floatX" else dtype))
        self.broadcastable = tuple(bool(b) for b in broadcastable)
        self.name = name

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.broadcastable)

    def filter(self, value: Any, strict: bool = False, allow_downcast: bool | None = None, name: str = "") -> Any:
        """``value`` as an array of this type.

        Raises TypeError where the dtype would lose something (``allow_downcast`` lets it; ``strict`` takes this dtype only)
        or the number of dimensions is another.
        """
        array = numpy.asarray(value)
        wanted = numpy.dtype(self.dtype)
        if array.dtype != wanted:
            array = self._converted(value, array, wanted, strict, allow_downcast, name)
        if array.ndim != self.ndim:
            raise TypeError(
                f"Wrong number of dimensions: expected {self.ndim}, got {array.ndim} with shape {show(array.shape)}."
            )
        if any(one and n != 1 for one, n in zip(self.broadcastable, array.shape, strict=True)):
            raise TypeError(
                f"Non-unit value on shape on a broadcastable dimension: shape {show(array.shape)} for {self.broadcastable}"
            )
        return array

    def _converted(self, value: Any, array: Any, wanted: Any, strict: bool, downcast: bool | None, name: str) -> Any:
        if strict:
            raise TypeError(f"{self} expected an array of dtype={wanted}, got one of dtype={array.dtype} for {name or self}")
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{self} cannot hold {value!r}")
        typed = isinstance(value, (numpy.ndarray, numpy.generic))
        if downcast or numpy.promote_types(array.dtype, wanted) == wanted:
            return array.astype(wanted)
        if downcast is None and type(value) is float and str(wanted) == config.floatX:
            return array.astype(wanted)
        if not typed and wanted.kind in "biufc":
            with numpy.errstate(all="ignore"):
                cast = array.astype(wanted)
            if numpy.array_equal(cast, array):
                return cast
        raise TypeError(
            f"{self}, with dtype {wanted}, cannot store a value of dtype {array.dtype} without risking loss of precision. "
            f"If you do not mind this loss, you can: 1) explicitly cast your data to {wanted}, or 2) set "
            f'"allow_input_downcast=True" when calling "function".'
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kind) and (self.dtype, self.broadcastable) == (other.dtype, other.broadcastable)

    def __hash__(self) -> int:
        return hash((self.dtype, self.broadcastable))

    def __str__(self) -> str:
        return self.name or f"TensorType({self.dtype}, {_NAMES.get(self.broadcastable, self.broadcastable)})"

    __repr__ = __str__
