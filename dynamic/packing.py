"""What ``save`` writes down of things and ``load`` makes of it again: a table of objects that name each other by number."""

from __future__ import annotations

import base64
import sys
import types
from collections import OrderedDict, defaultdict
from typing import Any

import numpy
from numpy import ndarray

from dynamic.apply import Carried, wrap
from dynamic.conversion import OWN
from dynamic.devices import device
from dynamic.dtypes import DTYPES, dtype
from dynamic.elsewhere import to_numpy
from dynamic.formats import WORDS, layout, memory_format
from dynamic.random import Generator
from dynamic.size import Size
from dynamic.storage import TypedStorage, UntypedStorage
from dynamic.strided import Layout, address, extent, root_of, within
from dynamic.tape import new_leaf
from graphs.core.errors import GradientError, GraphsError, at_line


class SaveError(GraphsError, TypeError):
    """Something that cannot be described without code; the message names its place."""


class ClassError(GraphsError, RuntimeError, AttributeError):
    """A class that the program has not imported, or that is none of modules: it is not made again."""


_PLAIN = (str, int, float, bool, type(None))
_MAPPINGS: dict[str, type[Any]] = {"dict": dict, "OrderedDict": OrderedDict}
_ROWS: dict[str, type[Any]] = {"list": list, "tuple": tuple, "Size": Size, "set": set, "frozenset": frozenset}
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
        for word, mapping in _MAPPINGS.items():
            if kind is mapping:
                return {"is": word, "items": self._pairs(value, name)}
        for word, row in _ROWS.items():
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


class Unpacker:
    """Makes objects again of their descriptions."""

    def __init__(self, objects: list[Any], memories: list[Any], place: Any, weights_only: bool) -> None:
        self._objects, self._memories, self._place, self._strict = objects, memories, place, weights_only
        self._made: dict[int, Any] = {}

    def get(self, value: Any) -> Any:
        """What ``Packer.add`` gave a number for, or wrote down as it was."""
        if not isinstance(value, list):
            return value
        (number,) = value
        if number not in self._made:
            about = self._objects[number]
            made = self._build(number, about, about["is"])
            self._made.setdefault(number, made)
        return self._made[number]

    def _build(self, number: int, about: dict[str, Any], word: str) -> Any:
        if word in _MAPPINGS:
            mapping = self._made[number] = _MAPPINGS[word]()
            for key, value in about["items"]:
                mapping[self.get(key)] = self.get(value)
            return mapping
        if word == "list":
            row: list[Any] = []
            self._made[number] = row
            row.extend(map(self.get, about["items"]))
            return row
        if word in _ROWS:
            return _ROWS[word](map(self.get, about["items"]))
        if word == "module":
            return self._module(number, about)
        make = getattr(self, f"_make_{word}", None)
        if make is None:
            raise ValueError(f"an object of the kind {word!r}")
        return make(about)

    def _module(self, number: int, about: dict[str, Any]) -> Any:
        if self._strict:
            raise ClassError(f"weights_only: the file has a module, {about['home']}.{about['path']}{at_line()}")
        kind = _found(about)
        if not is_module(kind):
            raise ClassError(f"{about['home']}.{about['path']} is no class of modules: it is not made again{at_line()}")
        module: Any = object.__new__(kind)
        self._made[number] = module
        for key, value in about["items"]:
            vars(module)[self.get(key)] = self.get(value)
        return module

    def _make_tensor(self, about: dict[str, Any]) -> Any:
        tensor = self._place(wrap(self._make_array(about)), about["device"])
        if "class" in about:
            kind = _found(about["class"])
            if not (isinstance(kind, type) and issubclass(kind, type(tensor))):
                raise ClassError(f"{about['class']['path']} is no class of tensors: it is not made again{at_line()}")
            made: Any = object.__new__(kind)
            made._array = tensor._array
            tensor = made
        for key, value in about.get("items", ()):
            vars(tensor)[self.get(key)] = self.get(value)
        if about["requires_grad"]:
            tensor._edge = new_leaf(tensor)
        return tensor

    def _make_array(self, about: dict[str, Any]) -> Any:
        kind = DTYPES[about["dtype"]].numpy
        steps = [step / kind.itemsize for step in about["strides"]]
        offset = about["offset"] / kind.itemsize
        memory, shape = self._memories[about["memory"]], tuple(about["shape"])
        if all(n == int(n) for n in (*steps, offset)):
            return within(memory, kind, Layout(shape, tuple(map(int, steps)), int(offset)))
        return numpy.ndarray(shape, kind, memory, about["offset"], tuple(about["strides"]))

    def _make_number(self, about: dict[str, Any]) -> Any:
        return self._make_array(about)[()]

    def _make_TypedStorage(self, about: dict[str, Any]) -> Any:  # noqa: N802 (the class's name)
        return TypedStorage()._over(self._make_array(about))

    def _make_UntypedStorage(self, about: dict[str, Any]) -> Any:  # noqa: N802 (the class's name)
        return UntypedStorage()._over(self._make_array(about))

    def _make_complex(self, about: dict[str, Any]) -> complex:
        return complex(*about["parts"])

    def _make_bytes(self, about: dict[str, Any]) -> bytes:
        return base64.b64decode(about["text"])

    def _make_bytearray(self, about: dict[str, Any]) -> bytearray:
        return bytearray(base64.b64decode(about["text"]))

    def _make_dtype(self, about: dict[str, Any]) -> dtype:
        return DTYPES[about["name"]]

    def _make_device(self, about: dict[str, Any]) -> device:
        return device(about["name"])

    def _make_word(self, about: dict[str, Any]) -> Any:
        return WORDS[about["name"]]

    def _make_slice(self, about: dict[str, Any]) -> slice:
        return slice(*map(self.get, about["items"]))

    def _make_Generator(self, about: dict[str, Any]) -> Generator:  # noqa: N802 (the class's name)
        return Generator().set_state(wrap(numpy.array(about["state"], numpy.uint8)))

    def _make_function(self, about: dict[str, Any]) -> Any:
        found = _found(about)
        if not (isinstance(found, types.FunctionType) and f"{found.__module__}.".startswith("dynamic.")):
            raise ClassError(f"{about['home']}.{about['path']} is no function of ours: it is not taken{at_line()}")
        return found


def _found(about: dict[str, str]) -> Any:
    """A class or function by module and name, among the modules that have been imported already."""
    found: Any = sys.modules.get(about["home"])
    if found is None:
        raise ClassError(f"{about['home']} is not imported, so {about['path']} is not to be had: import it first{at_line()}")
    for part in about["path"].split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    if found is None:
        raise ClassError(f"{about['home']} has no {about['path']}{at_line()}")
    return found
