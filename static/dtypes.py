"""TensorFlow's dtype objects. Each is also a dtype to numpy: ``numpy.zeros(3, tf.float32)`` works."""

from __future__ import annotations

from typing import Any

import numpy


class DType:
    """A dtype under TensorFlow's name; equal to numpy's dtype of the same kind, and to its name."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: Any) -> None:
        self.dtype: numpy.dtype[Any] = numpy.dtype(dtype)

    @property
    def name(self) -> str:
        """The name, such as ``float32``."""
        return "string" if self.dtype.kind == "O" else self.dtype.name

    @property
    def as_numpy_dtype(self) -> Any:
        """numpy's scalar type."""
        return self.dtype.type

    @property
    def base_dtype(self) -> DType:
        """Itself: there are no reference dtypes here."""
        return self

    @property
    def kind(self) -> str:
        """numpy's letter for the kind: b, i, u, f or c."""
        return self.dtype.kind

    @property
    def itemsize(self) -> int:
        """Bytes an element takes."""
        return self.dtype.itemsize

    size = itemsize

    @property
    def as_datatype_enum(self) -> int:
        """TensorFlow's number for it."""
        return _NUMBERS[self.name]

    @property
    def real_dtype(self) -> DType:
        """The dtype of the real part; itself where it is not complex."""
        return as_dtype(numpy.zeros((), self.dtype).real.dtype)

    @property
    def is_unsigned(self) -> bool:
        """Whether it is an unsigned integer dtype."""
        return self.kind == "u"

    @property
    def is_quantized(self) -> bool:
        """Always False."""
        return False

    @property
    def is_numpy_compatible(self) -> bool:
        """Always True."""
        return True

    @property
    def is_floating(self) -> bool:
        """Whether it is a real floating-point dtype."""
        return self.kind == "f"

    @property
    def is_integer(self) -> bool:
        """Whether it is an integer dtype, signed or not."""
        return self.kind in "iu"

    @property
    def is_bool(self) -> bool:
        """Whether it is bool."""
        return self.kind == "b"

    @property
    def is_complex(self) -> bool:
        """Whether it is complex."""
        return self.kind == "c"

    @property
    def min(self) -> Any:
        """The least finite value. Raises TypeError for bool and complex."""
        return self._limits().min

    @property
    def max(self) -> Any:
        """The greatest finite value. Raises TypeError for bool and complex."""
        return self._limits().max

    def _limits(self) -> Any:
        if self.is_floating:
            return numpy.finfo(self.dtype)
        if self.is_integer:
            return numpy.iinfo(self.dtype)
        raise TypeError(f"{self.name} has no least and greatest value")

    def is_compatible_with(self, other: Any) -> bool:
        """Whether ``other`` is the same dtype."""
        return self == other

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self.dtype == other.dtype
        try:
            return other is not None and self.dtype == as_dtype(other).dtype
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"


float16 = half = DType("float16")
float32 = DType("float32")
float64 = double = DType("float64")
int8 = DType("int8")
int16 = DType("int16")
int32 = DType("int32")
int64 = DType("int64")
uint8 = DType("uint8")
uint16 = DType("uint16")
uint32 = DType("uint32")
uint64 = DType("uint64")
complex64 = DType("complex64")
complex128 = DType("complex128")
bool_ = DType("bool")
string = DType("object")

_KNOWN = {
    d.dtype: d
    for d in (
        float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, complex64, complex128, bool_,
        string,
    )
}  # fmt: skip


_NUMBERS = {
    "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "string": 7, "complex64": 8, "int64": 9,
    "bool": 10, "uint16": 17, "complex128": 18, "float16": 19, "uint32": 22, "uint64": 23,
}  # fmt: skip
_ALIASES: dict[Any, DType] = {
    "float": float32,
    float: float32,
    "string": string,
    **{_NUMBERS[known.name]: known for known in _KNOWN.values()},
}


def as_dtype(value: Any) -> DType:
    """The dtype object for a name, a number of TensorFlow's, a numpy dtype or a Python type (``float`` is float32).

    Raises TypeError for anything else.
    """
    if isinstance(value, DType):
        return value
    try:
        if value is None or isinstance(value, bool):
            raise TypeError
        alias = _ALIASES.get(value)
        if alias is not None:
            return alias
        found = numpy.dtype(value)
        return string if found.kind in "SU" else _KNOWN[found]
    except (KeyError, TypeError):
        raise TypeError(f"Cannot convert value {value!r} to a TensorFlow DType") from None


def natural(array: Any) -> Any:
    """The dtype that TensorFlow gives a Python number or list: float32 where numpy says float64, int32 for its int64."""
    found = numpy.asarray(array).dtype
    if found.kind == "f":
        return float32.dtype
    return int32.dtype if found.kind == "i" and _fits(array) else found


def _fits(array: Any) -> bool:
    values = numpy.asarray(array)
    return values.size == 0 or (values.min() >= int32.min and values.max() <= int32.max)
