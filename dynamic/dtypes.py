"""PyTorch's dtypes, and the typed constructors of its early years (``FloatTensor``), which are also casts."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, wrap
from graphs.core.errors import DtypeError


class dtype:  # noqa: N801 (PyTorch's name)
    """A dtype as PyTorch names it; ``numpy`` is the one that the arrays have."""

    __slots__ = ("name", "numpy")

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.numpy: numpy.dtype[Any] = numpy.dtype(kind)

    @property
    def is_floating_point(self) -> bool:
        """Whether it is a floating-point dtype."""
        return self.numpy.kind == "f"

    @property
    def is_complex(self) -> bool:
        """Whether it is a complex dtype."""
        return self.numpy.kind == "c"

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.numpy.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return dtype_of, (self.name,)


_KINDS = {
    "float32": "f4",
    "float64": "f8",
    "float16": "f2",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint8": "u1",
    "bool": "?",
    "complex64": "c8",
    "complex128": "c16",
}
DTYPES: dict[str, dtype] = {name: dtype(name, kind) for name, kind in _KINDS.items()}
"""PyTorch's dtypes by name."""

_BY_NUMPY = {each.numpy: each for each in DTYPES.values()}
ALIASES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "char": "int8",
    "byte": "uint8",
}
"""PyTorch's second names of dtypes."""


def dtype_of(of: Any) -> dtype:
    """The PyTorch dtype of a numpy dtype, a Python type, a name, a typed constructor or a dtype itself.

    Raises DtypeError where there is none.
    """
    if isinstance(of, dtype):
        return of
    if isinstance(of, TensorType):
        return of.dtype
    if isinstance(of, str):
        name = of.removeprefix("torch.").removeprefix("cuda.")
        if name in _TYPES:
            return _TYPES[name].dtype
        of = ALIASES.get(name, name)
    if of is float:
        of = numpy.float32
    try:
        return _BY_NUMPY[numpy.dtype(of)]
    except (TypeError, KeyError):
        raise DtypeError(f"{of!r} is not a dtype; there are {', '.join(DTYPES)}") from None


class TensorType:
    """A typed constructor: ``FloatTensor(2, 3)`` of a size, ``FloatTensor([1.0, 2.0])`` from data; a cast's target too."""

    def __init__(self, name: str, of: dtype) -> None:
        self.__name__ = name
        self.dtype = of

    def __call__(self, *args: Any) -> Any:
        """A new tensor of this type."""
        if len(args) == 1 and not isinstance(args[0], (int, numpy.integer)):
            data = args[0]
            if isinstance(data, tuple) and type(data) is not tuple:  # a Size
                return wrap(numpy.zeros(data, self.dtype.numpy))
            return wrap(numpy.array(data._array if isinstance(data, Carried) else data, self.dtype.numpy))
        return wrap(numpy.zeros(args or (0,), self.dtype.numpy))

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Carried) and instance._array.dtype == self.dtype.numpy

    def __repr__(self) -> str:
        return f"<class 'torch.{self.__name__}'>"


_TYPES = {
    name: TensorType(name, DTYPES[of])
    for name, of in {
        "FloatTensor": "float32",
        "DoubleTensor": "float64",
        "HalfTensor": "float16",
        "LongTensor": "int64",
        "IntTensor": "int32",
        "ShortTensor": "int16",
        "CharTensor": "int8",
        "ByteTensor": "uint8",
        "BoolTensor": "bool",
    }.items()
}
FloatTensor = _TYPES["FloatTensor"]
DoubleTensor = _TYPES["DoubleTensor"]
HalfTensor = _TYPES["HalfTensor"]
LongTensor = _TYPES["LongTensor"]
IntTensor = _TYPES["IntTensor"]
ShortTensor = _TYPES["ShortTensor"]
CharTensor = _TYPES["CharTensor"]
ByteTensor = _TYPES["ByteTensor"]
BoolTensor = _TYPES["BoolTensor"]


def type_name(of: Any) -> str:
    """``torch.FloatTensor`` for float32, and so on."""
    for name, kind in _TYPES.items():
        if kind.dtype.numpy == of:
            return f"torch.{name}"
    return f"torch.{of}Tensor"
