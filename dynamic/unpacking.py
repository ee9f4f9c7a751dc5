"""What ``load`` makes of the table of objects that ``save`` wrote down. What makes no sense is an error, never a guess."""

from __future__ import annotations

import base64
import math
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy

from dynamic.apply import wrap
from dynamic.conversion import OWN
from dynamic.devices import device
from dynamic.dtypes import DTYPES, dtype
from dynamic.formats import WORDS
from dynamic.packing import MAPPINGS, ROWS, is_module
from dynamic.random import Generator
from dynamic.storage import TypedStorage, UntypedStorage
from dynamic.strided import Layout, within
from dynamic.tape import new_leaf
from graphs.core.errors import GraphsError, at_line


class ClassError(GraphsError, RuntimeError, AttributeError):
    """A class that the program has not imported, or that is none of modules: it is not made again."""


_HASHED = 1 << 16
"""How many things a key may be made of: tuples of one tuple, twice, of one tuple, twice, … would be hashed for ever."""

_HELD = 1 << 47
"""How many bytes no machine holds: a shape of so many is none, even where its elements are one and the same."""


class Unpacker:
    """Makes objects again of their descriptions.

    Attributes:
        moving: whether it is at what was asked of ``load``, to bring a tensor to a device.
    """

    def __init__(self, objects: list[Any], memories: list[Any], place: Any, weights_only: bool) -> None:
        self._objects, self._memories, self._place, self._strict = objects, memories, place, weights_only
        self._made: dict[int, Any] = {}
        self._weights: dict[int, int] = {}
        self._at: list[int] = []
        self.moving = False

    @property
    def place(self) -> str:
        """The object that it is at, for people."""
        if not self._at:
            return "the whole"
        about = self._objects[self._at[-1]]
        name = about.get("name")
        return f"object {self._at[-1]} ({about.get('is')!r:.40})" + (f", {name!r:.80}" if isinstance(name, str) else "")

    def get(self, value: Any) -> Any:
        """What ``Packer.add`` gave a number for, or wrote down as it was."""
        if isinstance(value, dict):
            raise ValueError("an object stands where its number should")
        if not isinstance(value, list):
            return value
        (number,) = _whole(value, len(self._objects))
        if number not in self._made:
            self._at.append(number)
            about = self._objects[number]
            made = self._build(number, about, _text(about, "is"))
            self._made.setdefault(number, made)
            self._at.pop()
        return self._made[number]

    def _build(self, number: int, about: dict[str, Any], word: str) -> Any:
        if word in MAPPINGS:
            mapping = self._made[number] = MAPPINGS[word]()
            for key, value in _pairs(about):
                found = self._hashed(key)
                if found in mapping:
                    raise ValueError(f"the key {found!r:.80} stands twice")
                mapping[found] = self.get(value)
            return mapping
        if word == "list":
            row: list[Any] = []
            self._made[number] = row
            row.extend(map(self.get, _items(about)))
            return row
        if word in ("set", "frozenset"):
            return ROWS[word](map(self._hashed, _items(about)))
        if word in ROWS:
            items = _items(about)
            made = ROWS[word](_whole(items) if word == "Size" else map(self.get, items))
            self._weights[number] = 1 + sum(map(self._weight, items))
            return made
        if word == "module":
            return self._module(number, about)
        make = getattr(self, f"_make_{word}", None)
        if make is None:
            raise ValueError(f"there are no objects of the kind {word!r:.40}")
        return make(about)

    def _weight(self, value: Any) -> int:
        return self._weights.get(value[0], 1) if isinstance(value, list) else 1

    def _hashed(self, value: Any) -> Any:
        """As ``get``, of what is a key or in a set."""
        found = self.get(value)
        if self._weight(value) > _HASHED:
            raise ValueError("a key is made of too much")
        return found

    def _module(self, number: int, about: dict[str, Any]) -> Any:
        if self._strict:
            raise ClassError(f"weights_only: the file has a module, {about['home']}.{about['path']}{at_line()}")
        kind = _found(about)
        if not is_module(kind):
            raise ClassError(f"{about['home']}.{about['path']} is no class of modules: it is not made again{at_line()}")
        module: Any = object.__new__(kind)
        self._made[number] = module
        for key, value in _pairs(about):
            vars(module)[self._attribute(key)] = self.get(value)
        return module

    def _attribute(self, key: Any) -> str:
        if not isinstance(key, str):
            raise ValueError(f"{key!r:.80} is no name of an attribute")
        return key

    def _make_tensor(self, about: dict[str, Any]) -> Any:
        array = self._make_array(about)
        location, graded = _text(about, "device"), about["requires_grad"]
        device(location)
        if type(graded) is not bool or (graded and array.dtype.kind not in "fc"):
            raise ValueError(f"a tensor of {array.dtype} has requires_grad {graded!r:.40}")
        self.moving = True
        tensor = self._place(wrap(array), location)
        self.moving = False
        if "class" in about:
            kind = _found(about["class"])
            if not (isinstance(kind, type) and issubclass(kind, type(tensor))):
                raise ClassError(f"{about['class']['path']} is no class of tensors: it is not made again{at_line()}")
            made: Any = object.__new__(kind)
            made._array = tensor._array
            tensor = made
        for key, value in _pairs(about) if "items" in about else ():
            if key in OWN:
                raise ValueError(f"{key} is no attribute that a file gives")
            vars(tensor)[self._attribute(key)] = self.get(value)
        if graded:
            tensor._edge = new_leaf(tensor)
        return tensor

    def _make_array(self, about: dict[str, Any]) -> Any:
        kind = DTYPES[_text(about, "dtype")].numpy
        shape, strides = _whole(about["shape"]), _whole(about["strides"])
        offset, memory = _whole([about["offset"], about["memory"]])
        if math.prod(n or 1 for n in shape) * kind.itemsize >= _HELD or len(shape) > 64:
            raise ValueError(f"{list(shape)!r:.80} is a shape that no tensor can have")
        if all(n % kind.itemsize == 0 for n in (*strides, offset)):
            steps = tuple(n // kind.itemsize for n in strides)
            return within(self._memories[memory], kind, Layout(shape, steps, offset // kind.itemsize))
        return numpy.ndarray(shape, kind, self._memories[memory], offset, strides)

    def _make_number(self, about: dict[str, Any]) -> Any:
        return self._make_array(about)[()] if about["shape"] == [] else _refuse(about["shape"])

    def _make_TypedStorage(self, about: dict[str, Any]) -> Any:  # noqa: N802 (the class's name)
        return TypedStorage()._over(self._make_array(about))

    def _make_UntypedStorage(self, about: dict[str, Any]) -> Any:  # noqa: N802 (the class's name)
        return UntypedStorage()._over(self._make_array(about))

    def _make_complex(self, about: dict[str, Any]) -> complex:
        real, imaginary = about["parts"]
        return complex(real, imaginary) if type(real) is type(imaginary) is float else _refuse(about["parts"])

    def _make_bytes(self, about: dict[str, Any]) -> bytes:
        return base64.b64decode(_text(about, "text"), validate=True)

    def _make_bytearray(self, about: dict[str, Any]) -> bytearray:
        return bytearray(self._make_bytes(about))

    def _make_dtype(self, about: dict[str, Any]) -> dtype:
        return DTYPES[_text(about, "name")]

    def _make_device(self, about: dict[str, Any]) -> device:
        return device(_text(about, "name"))

    def _make_word(self, about: dict[str, Any]) -> Any:
        return WORDS[_text(about, "name")]

    def _make_slice(self, about: dict[str, Any]) -> slice:
        start, stop, step = map(self.get, _items(about))
        return slice(start, stop, step)

    def _make_Generator(self, about: dict[str, Any]) -> Generator:  # noqa: N802 (the class's name)
        return Generator().set_state(wrap(numpy.array(_whole(about["state"], 256), numpy.uint8)))

    def _make_function(self, about: dict[str, Any]) -> Any:
        if self._strict:
            raise ClassError(f"weights_only: the file has a function, {about['home']}.{about['path']}{at_line()}")
        found = _found(about)
        if not (isinstance(found, types.FunctionType) and f"{found.__module__}.".startswith("dynamic.")):
            raise ClassError(f"{about['home']}.{about['path']} is no function of ours: it is not taken{at_line()}")
        return found


def _refuse(what: Any) -> Any:
    raise ValueError(f"{what!r:.80} is not what stands here")


def _text(about: dict[str, Any], key: str) -> str:
    return about[key] if isinstance(about[key], str) else _refuse(about[key])


def _items(about: dict[str, Any]) -> list[Any]:
    return about["items"] if isinstance(about["items"], list) else _refuse(about["items"])


def _pairs(about: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    for pair in _items(about):
        if not isinstance(pair, list) or len(pair) != 2:
            _refuse(pair)
        yield pair[0], pair[1]


def _whole(numbers: Any, below: int | None = None) -> tuple[int, ...]:
    """Sizes, places or numbers of objects: whole, and not negative."""
    if not isinstance(numbers, list) or not all(type(n) is int and n >= 0 and (below is None or n < below) for n in numbers):
        _refuse(numbers)
    return tuple(numbers)


def _found(about: Any) -> Any:
    """A class or function by module and name, among the modules that have been imported already."""
    home, path = _text(about, "home"), _text(about, "path")
    found: Any = sys.modules.get(home)
    if found is None:
        raise ClassError(f"{home} is not imported, so {path} is not to be had: import it first{at_line()}")
    for part in path.split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    if found is None:
        raise ClassError(f"{home} has no {path}{at_line()}")
    return found
