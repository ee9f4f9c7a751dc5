"""What ``save`` writes down of things: a table of objects that name each other by number. ``unpacking`` makes them again."""

from __future__ import annotations

import base64
import sys
import types
from collections import OrderedDict, defaultdict
from typing import Any

import numpy
from numpy import ndarray

from dynamic.apply import Carried
from dynamic.conversion import OWN
from dynamic.devices import device
from dynamic.dtypes import DTYPES, dtype
from dynamic.elsewhere import to_numpy
from dynamic.formats import layout, memory_format
from dynamic.random import Generator
from dynamic.size import Size
from dynamic.storage import TypedStorage, UntypedStorage
from dynamic.strided import address, extent, root_of
from graphs.core.errors import GradientError, GraphsError, at_line


class SaveError(GraphsError, TypeError):
    """Something that cannot be described without code; the message names its place."""


_PLAIN = (str, int, float, bool, type(None))
MAPPINGS: dict[str, type[Any]] = {"dict": dict, "OrderedDict": OrderedDict}
ROWS: dict[str, type[Any]] = {"list": list, "tuple": tuple, "Size": Size, "set": set, "frozenset": frozenset}
_WORDS = (layout, memory_format)


def is_module(kind: Any) -> bool:
    """Whether a class is one of modules: our ``nn`` need not be imported for a file that has none."""
    module = getattr(sys.modules.get("dynamic.nn.modules.module"), "Module", None)
    return module is not None and isinstance(kind, type) and issubclass(kind, module)


class Packer:
    """Collects what stands in something to be saved.

    Attributes:
        objects: descriptions, as JSON takes them, by number.
    """

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []
        self._arrays: list[tuple[int, ndarray]] = []

    def add(self, value: Any, name: str) -> Any:
        """``value`` itself where JSON has it, else ``[number]``. ``name`` says where it stands."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        known = self._numbers.get(id(value))
        if known is not None:
            return [known]
        number = self._numbers[id(value)] = len(self.objects)
        self._alive.append(value)  # an id is an object's own only as long as it lives
        self.objects.append(None)
        self.objects[number] = self._described(value, kind, name, number)
        return [number]

    def _described(self, value: Any, kind: type[Any], name: str, number: int) -> dict[str, Any]:
        for word, mapping in MAPPINGS.items():
            if kind is mapping:
                return {"is": word, "items": self._pairs(value, name)}
        for word, row in ROWS.items():
            if kind is row:
                return {"is": word, "items": [self.add(item, f"{name}[{i}]") for i, item in enumerate(value)]}
        if isinstance(value, Carried):
            return self._tensor(value, name, number)
        if kind is ndarray or isinstance(value, numpy.generic):
            word = "array" if kind is ndarray else "number"
            return {"is": word, "name": name, **self._array(numpy.asarray(value), name, number)}
        if isinstance(value, (TypedStorage, UntypedStorage)):
            return {"is": kind.__name__, "name": name, **self._array(value._array, name, number)}
        if kind is complex:
            return {"is": "complex", "parts": [value.real, value.imag]}
        if kind in (bytes, bytearray):
            return {"is": kind.__name__, "text": base64.b64encode(value).decode()}
        if kind is dtype:
            return {"is": "dtype", "name": value.name}
        if kind is device:
            return {"is": "device", "name": str(value)}
        if kind in _WORDS:
            return {"is": "word", "name": repr(value).removeprefix("torch.")}
        if kind is slice:
            return {"is": "slice", "items": [self.add(x, name) for x in (value.start, value.stop, value.step)]}
        if kind is Generator:
            return {"is": "Generator", "state": value.get_state()._array.tolist()}
        if is_module(kind):
            return {"is": "module", **_path(kind, name), "items": self._pairs(vars(value), name)}
        if kind is defaultdict and not value.default_factory:
            return {"is": "dict", "items": self._pairs(value, name)}
        if isinstance(value, types.FunctionType) and f"{value.__module__}.".startswith("dynamic."):
            return {"is": "function", **_path(value, name)}
        what = f"{kind.__module__}.{kind.__qualname__}"
        raise SaveError(f"{name or 'what is to be saved'} is a {what}, which save cannot write{at_line()}")

    def _pairs(self, mapping: Any, name: str) -> list[Any]:
        pairs = []
        for key, value in mapping.items():
            place = f"{name}.{key}" if name and isinstance(key, str) else f"{name}[{key!r}]" if name else str(key)
            pairs.append([self.add(key, f"a key of {name}"), self.add(value, place)])
        return pairs

    def _tensor(self, tensor: Any, name: str, number: int) -> dict[str, Any]:
        if not tensor.is_leaf:
            raise GradientError(f"{name or 'the tensor'} is no leaf but what {tensor.grad_fn} made: detach() it{at_line()}")
        about = {"is": "tensor", "name": name, "device": str(tensor.device), **self._array(tensor._array, name, number)}
        about["requires_grad"] = tensor._edge is not None
        kind = type(tensor)
        if not (kind.__module__ == "dynamic.tensor" and kind.__qualname__ == "Tensor"):
            about["class"] = _path(kind, name)
        extra = {key: value for key, value in vars(tensor).items() if key not in OWN}
        if extra:
            about["items"] = self._pairs(extra, name)
        return about

    def _array(self, array: Any, name: str, number: int) -> dict[str, Any]:
        host = to_numpy(array)
        if host.dtype not in {each.numpy for each in DTYPES.values()}:
            raise SaveError(f"{name or 'the array'} is of {host.dtype}, which save cannot write{at_line()}")
        host = host if host.dtype.isnative and all(step >= 0 for step in host.strides) else numpy.array(host)
        self._arrays.append((number, host))
        return {"dtype": host.dtype.name, "shape": list(host.shape)}

    def memories(self) -> list[Any]:
        """The memories that the arrays lie in, as bytes; each array's description is told which, and where in it.

        Of a memory that one array shows, no more than that array is kept; of one that several show, the part from the first
        byte that one of them shows to the last.
        """
        groups: dict[int, list[tuple[int, ndarray]]] = {}
        for number, array in self._arrays:
            groups.setdefault(id(root_of(array)), []).append((number, array))
        made: list[Any] = []
        for group in groups.values():
            if len(group) == 1:
                number, array = group[0]
                compact = array if array.flags.c_contiguous else array.copy("K" if 0 not in array.strides else "C")
                self._place(number, compact, len(made), address(compact))
                made.append(_bytes(compact))
                continue
            shown = [array for _, array in group if array.size]
            start = min(map(address, shown), default=0)
            end = max((address(array) + extent(array) for array in shown), default=0)
            for number, array in group:
                self._place(number, array, len(made), start)
            made.append(_span(shown, start, end))
        return made

    def _place(self, number: int, array: ndarray, memory: int, start: int) -> None:
        about = self.objects[number]
        about["memory"] = memory
        about["offset"] = address(array) - start if array.size else 0
        about["strides"] = list(array.strides)


def _bytes(array: ndarray) -> ndarray:
    """The bytes of an array without gaps, in the order of memory."""
    if not array.size:
        return numpy.zeros(0, numpy.uint8)
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    flat = array.transpose(order).reshape(-1)
    return numpy.ascontiguousarray(flat).view(numpy.uint8)


def _span(arrays: list[ndarray], start: int, end: int) -> ndarray:
    """The bytes from one address to another, in the memory of the arrays."""
    out = numpy.zeros(end - start, numpy.uint8)
    for array in arrays:
        at = address(array) - start
        numpy.ndarray(array.shape, array.dtype, out, at, array.strides)[...] = array
    return out


def _path(of: Any, name: str) -> dict[str, str]:
    if "<locals>" in of.__qualname__ or of.__qualname__ == "<lambda>":
        place = name or "what is to be saved"
        raise SaveError(f"{place}: {of.__qualname__} is defined inside a function, where load cannot find it{at_line()}")
    return {"home": of.__module__, "path": of.__qualname__}
