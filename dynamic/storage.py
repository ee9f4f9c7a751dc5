"""The memory of tensors as PyTorch's storages: rows of bytes, or of elements of one dtype, that tensors show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy

from dynamic.apply import default_dtype
from dynamic.devices import device as Device, where_is
from dynamic.dtypes import ALIASES, DTYPES, dtype as Dtype, dtype_of
from dynamic.strided import address, memory_of, root_of
from graphs.core.errors import PositionError, ShapeError, at_line


class _Storage:
    """A row of elements over memory that tensors share."""

    _array: Any
    _what: str

    @property
    def device(self) -> Device:
        """Where the memory is."""
        return where_is(self._array)

    def data_ptr(self) -> int:
        """The address of the first byte: equal for tensors that show the same memory."""
        return address(self._array)

    def nbytes(self) -> int:
        """The number of bytes."""
        return int(self._array.nbytes)

    def size(self) -> int:
        """The number of elements."""
        return int(self._array.size)

    __len__ = size

    def element_size(self) -> int:
        """Bytes per element."""
        return int(self._array.itemsize)

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        elements: list[Any] = self._array.tolist()
        return elements

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: Any) -> Any:
        try:
            found = self._array[index]
        except IndexError:
            raise PositionError(f"{index} is outside a storage of {len(self)}{at_line()}") from None
        return self._over(found) if isinstance(index, slice) else found.item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._array[index] = value

    def fill_(self, value: Any) -> Self:
        """Fill with one value, in place."""
        self._array.fill(value)
        return self

    def copy_(self, source: _Storage, non_blocking: bool = False) -> Self:
        """Take over the elements of another storage of the same size, in place."""
        if len(source) != len(self):
            raise ShapeError(f"a storage of {len(source)} does not fit into one of {len(self)}{at_line()}")
        self._array[...] = source._array
        return self

    def clone(self) -> Self:
        """A copy."""
        return self._over(self._array.copy())

    def cpu(self) -> Self:
        """The storage itself: its memory is the processor's."""
        return self

    def resizable(self) -> bool:
        """Whether its size can be changed: never, since arrays keep theirs."""
        return False

    def resize_(self, size: int) -> Self:
        """Raise a RuntimeError for another size; see ``resizable``."""
        if size != len(self):
            raise ShapeError(f"Trying to resize storage that is not resizable, from {len(self)} to {size}{at_line()}")
        return self

    def _over(self, array: Any) -> Self:
        made = object.__new__(type(self))
        made._array = array
        return made

    def __repr__(self) -> str:
        rows = "\n ".join(map(str, self.tolist()))
        return f" {rows}\n[torch.storage.{self._what}(device={self.device}) of size {len(self)}]"


class UntypedStorage(_Storage):
    """The bytes of a memory. ``UntypedStorage(n)`` makes one of n bytes."""

    _what = "UntypedStorage"

    def __init__(self, size: int = 0, *, device: Any = None) -> None:
        self._array = numpy.zeros(size, numpy.uint8)

    def untyped(self) -> UntypedStorage:
        """The storage itself."""
        return self


class TypedStorage(_Storage):
    """The elements of a memory. ``TypedStorage(n, dtype=...)`` makes one of n elements, a sequence one of its numbers."""

    _what = "TypedStorage"

    def __init__(self, data: Any = 0, *, dtype: Any = None, device: Any = None) -> None:
        kind = default_dtype.get() if dtype is None else dtype_of(dtype).numpy
        if isinstance(data, _Storage):
            self._array = data._array.view(kind)
        else:
            self._array = numpy.zeros(data, kind) if isinstance(data, int) else numpy.array(data, kind)

    @property
    def dtype(self) -> Dtype:
        """The dtype of the elements."""
        return dtype_of(self._array.dtype)

    def untyped(self) -> UntypedStorage:
        """The bytes of the same memory."""
        return UntypedStorage()._over(self._array.view(numpy.uint8))

    def type(self, dtype: Any = None) -> Any:
        """The name of the storage's type; or, given a dtype, the elements cast to it."""
        if dtype is not None:
            return self._over(self._array.astype(dtype_of(dtype).numpy))
        return next(f"torch.{name}" for name, of in _NAMES.items() if of == self.dtype)

    def __repr__(self) -> str:
        return super().__repr__().replace("(device", f"(dtype={self.dtype}, device")


class StorageType:
    """A typed constructor of storages: ``FloatStorage(3)``, ``FloatStorage([1.0, 2.0])``."""

    def __init__(self, name: str, of: Dtype) -> None:
        self.__name__ = name
        self.dtype = of

    def __call__(self, data: Any = 0) -> TypedStorage:
        """A new storage of this type."""
        return TypedStorage(data, dtype=self.dtype)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype == self.dtype

    def __repr__(self) -> str:
        return f"<class 'torch.{self.__name__}'>"


_NAMES = {f"{alias.title()}Storage": DTYPES[name] for alias, name in ALIASES.items() if not alias.startswith("c")}
_NAMES |= {"CharStorage": DTYPES["int8"], "BoolStorage": DTYPES["bool"]}
_NAMES |= {"ComplexFloatStorage": DTYPES["complex64"], "ComplexDoubleStorage": DTYPES["complex128"]}

STORAGES = {name: StorageType(name, of) for name, of in _NAMES.items()}
"""The typed constructors of storages by name."""


def is_storage(obj: Any) -> bool:
    """Whether ``obj`` is a storage."""
    return isinstance(obj, _Storage)


def untyped(array: Any) -> UntypedStorage:
    """The bytes of the memory that ``array`` lies in."""
    return UntypedStorage()._over(memory_of(array))


def typed(array: Any) -> TypedStorage:
    """The memory that ``array`` lies in, as elements of its dtype."""
    root = root_of(array)
    memory = memory_of(array)
    rest = len(memory) % array.itemsize
    made = TypedStorage()
    made._array = (memory[:-rest] if rest else memory).view(array.dtype) if root.size else numpy.zeros(0, array.dtype)
    return made
