"""PyTorch's dtypes, and the typed constructors of its early years (``FloatTensor``), which are also casts."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, wrap
from dynamic.devices import DeviceError, check_here, placed, where_is
from dynamic.elsewhere import to_numpy
from dynamic.size import sizes_of
from graphs.core.errors import DtypeError, at_line


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
    def is_signed(self) -> bool:
        """Whether it has negative numbers."""
        return self.numpy.kind in "ifc"

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.numpy.itemsize

    @property
    def abbr(self) -> str:
        """The short name: ``f32``."""
        kind = self.numpy.kind
        return f"{'i' if kind == 'i' else kind}{8 * self.itemsize}"

    def to_real(self) -> dtype:
        """The dtype of the parts of complex numbers; any other itself."""
        return _BY_NUMPY[numpy.empty(0, self.numpy).real.dtype]

    def to_complex(self) -> dtype:
        """The complex dtype whose parts have this one. Raises DtypeError (a RuntimeError) where there is none."""
        if self.is_complex:
            return self
        found = {"float32": "complex64", "float64": "complex128"}.get(self.name)
        if found is None:
            raise DtypeError(f"there are no complex numbers of {self.name} here{at_line()}")
        return DTYPES[found]

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
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
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
    "cfloat": "complex64",
    "cdouble": "complex128",
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
        if name in TYPES:
            return TYPES[name].dtype
        of = ALIASES.get(name, name)
    try:
        return _BY_NUMPY[numpy.dtype(of)]
    except (TypeError, KeyError):
        raise DtypeError(f"{of!r} is not a dtype; there are {', '.join(DTYPES)}{at_line()}") from None


class NoTypeError(DeviceError, TypeError):
    """A typed constructor of a device that there is not (PyTorch raises a TypeError)."""


class TensorType:
    """A typed constructor: ``FloatTensor(2, 3)`` of a size, ``FloatTensor([1.0, 2.0])`` from data; a cast's target too.

    Attributes:
        dtype: what the elements are.
        device: ``"cuda"`` for the constructors of ``torch.cuda``, else None.
    """

    def __init__(self, name: str, of: dtype, device: str | None = None) -> None:
        self.__name__ = name
        self.dtype = of
        self.device = device

    def __call__(self, *args: Any, device: Any = None) -> Any:
        """A new tensor of this type. Raises TypeError for a tensor of another one."""
        if self.device and device is None:
            try:
                check_here(self.device)
            except DeviceError as error:
                raise NoTypeError(f"there is no type {self!r}: {error}") from None
        return wrap(placed(made_of(args, self.dtype.numpy), device or self.device))

    def __instancecheck__(self, instance: Any) -> bool:
        if not isinstance(instance, Carried) or instance._array.dtype != self.dtype.numpy:
            return False
        return where_is(instance._array).type == (self.device or "cpu")

    def __repr__(self) -> str:
        return f"<class 'torch.{'cuda.' if self.device else ''}{self.__name__}'>"


_NAMES = {
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "HalfTensor": "float16",
    "LongTensor": "int64",
    "IntTensor": "int32",
    "ShortTensor": "int16",
    "CharTensor": "int8",
    "ByteTensor": "uint8",
    "BoolTensor": "bool",
}
TYPES = {name: TensorType(name, DTYPES[of]) for name, of in _NAMES.items()}
"""The typed constructors by name."""

CUDA_TYPES = {name: TensorType(name, DTYPES[of], "cuda") for name, of in _NAMES.items()}
"""Those of ``torch.cuda``."""

FloatTensor = TYPES["FloatTensor"]
DoubleTensor = TYPES["DoubleTensor"]
HalfTensor = TYPES["HalfTensor"]
LongTensor = TYPES["LongTensor"]
IntTensor = TYPES["IntTensor"]
ShortTensor = TYPES["ShortTensor"]
CharTensor = TYPES["CharTensor"]
ByteTensor = TYPES["ByteTensor"]
BoolTensor = TYPES["BoolTensor"]


def made_of(args: tuple[Any, ...], kind: Any) -> Any:
    """The array that the old constructors make: of zeros in a size, given as numbers or as a Size, or of data.

    A tensor or storage of the dtype ``kind`` gives its own memory; one of another dtype is a TypeError.
    """
    if not args:
        return numpy.zeros(0, kind)
    data = args[0]
    if len(args) > 1 or isinstance(data, (int, numpy.integer)):
        return numpy.zeros(sizes_of(args), kind)
    if isinstance(data, tuple) and type(data) is not tuple:  # a Size
        return numpy.zeros(data, kind)
    if isinstance(data, (float, complex, str)):
        raise TypeError(f"a tensor is made of a sequence, not of a {type(data).__name__}{at_line()}")
    held = getattr(data, "_array", None)
    if held is not None:
        if held.dtype != kind:
            raise DtypeError(f"expected {type_name(kind)} and got {type_name(held.dtype)}: cast with .type(){at_line()}")
        return held
    try:
        return numpy.array(_plain(data)).astype(kind)
    except ValueError as error:
        raise DtypeError(f"a tensor cannot be made of such data: {error}{at_line()}") from None


def _plain(data: Any) -> Any:
    if isinstance(data, Carried):
        return to_numpy(data._array)
    return [_plain(item) for item in data] if isinstance(data, (list, tuple)) else data


_MORE = {"complex64": "ComplexFloatTensor", "complex128": "ComplexDoubleTensor"}
_MORE |= {"uint16": "UInt16Tensor", "uint32": "UInt32Tensor", "uint64": "UInt64Tensor"}
_TYPE_NAMES = {DTYPES[of].numpy: name for name, of in (*_NAMES.items(), *((name, of) for of, name in _MORE.items()))}


def type_name(of: Any, device: str = "cpu") -> str:
    """``torch.FloatTensor`` for float32, and so on; ``torch.cuda.FloatTensor`` on a GPU."""
    name = _TYPE_NAMES.get(numpy.dtype(of), f"{of}Tensor")
    return f"torch.cuda.{name}" if device == "cuda" else f"torch.{name}"


def typed_constructor(name: str) -> TensorType | dtype:
    """The typed constructor of a name like ``torch.FloatTensor``. Raises DtypeError (a ValueError) where there is none."""
    short = name.removeprefix("torch.")
    found = CUDA_TYPES.get(short[5:]) if short.startswith("cuda.") else TYPES.get(short)
    if found is not None:
        return found
    for kind, other in _MORE.items():
        if other == short:
            return DTYPES[kind]
    if short in DTYPES or short in ALIASES:
        return dtype_of(short)
    raise DtypeError(f"invalid type: {name!r}{at_line()}")
