"""``save`` and ``load``: one safetensors file with the tensors' memory, and a description of what they stood in.

Reading executes nothing: what can be described is numbers, text, containers, tensors, dtypes, and modules, which are made
again only from classes that the program has imported by itself. Every part has a digest, so damage is told, not loaded.
"""

from __future__ import annotations

import json
import os
from typing import Any, BinaryIO

from dynamic.devices import available, device_of, moved
from dynamic.elsewhere import to_numpy
from dynamic.names import lacking
from dynamic.packing import Packer, SaveError as SaveError
from dynamic.storage import UntypedStorage
from dynamic.unpacking import ClassError, Unpacker
from graphs.core.errors import GraphsError, at_line
from graphs.core.files import reading, write_whole
from graphs.core.jsontext import digest, strict
from graphs.core.tensorfile import TensorFile, TensorFileError, packed, taken


_FORMAT, _VERSION = "diptych save", 1


class LoadError(GraphsError, RuntimeError, ValueError):
    """A file that is damaged, or none of ours; the message names the file, and the tensor where it is one."""


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: Any = None, **_: Any) -> None:
    """Write ``obj`` (tensors, state dicts, modules, containers and numbers) to a path or a file object.

    A file takes the place of an old one in one step, so that a crash leaves the old or the new one. Tensors that share
    memory share it again after ``load``. Raises SaveError (a TypeError) naming the place of what cannot be described.
    """
    packer = Packer()
    try:
        root = packer.add(obj, "")
    except RecursionError:
        raise SaveError(f"what is to be saved is nested too deeply for save{at_line()}") from None
    memories = packer.memories()
    stored = {f"memory.{i}": to_numpy(memory) for i, memory in enumerate(memories)}
    about = {
        "format": _FORMAT,
        "version": _VERSION,
        "root": root,
        "objects": packer.objects,
        "digests": {name: digest(array) for name, array in stored.items()},
    }
    text = json.dumps(about)
    data = packed(stored, {"diptych": text, "digest": digest(text.encode())})
    if hasattr(f, "write"):
        f.write(data)
    else:
        write_whole(os.fspath(f), data)


def load(f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool = False, **_: Any) -> Any:
    """What ``save`` wrote to a path or a file object.

    Args:
        f: a path, or a file object, which is read from where it stands to the end of what was saved.
        map_location: a device, or a dict or function that says where tensors of a device go; by default where they were
            (the processor's memory, where that is not there).
        weights_only: refuse modules and functions.

    Raises LoadError (a RuntimeError) naming the file, and the tensor where it is one, for a file that is damaged, cut short,
    or not written by ``save``; ClassError (a RuntimeError) for a class that is not there; FileNotFoundError where there is
    no file.
    """
    if hasattr(f, "read"):
        name = getattr(f, "name", None)
        path = os.fsdecode(name) if isinstance(name, (str, bytes)) else "the file object"
        about, memories = _unpack(f, None, path)
    else:
        path = os.fsdecode(f)
        with reading(path) as (file, size):
            about, memories = _unpack(file, size, path)
    unpacker = Unpacker(about["objects"], memories, _places(map_location), weights_only)
    try:
        return unpacker.get(about["root"])
    except ClassError as error:
        raise ClassError(f"{path}: {error}") from None
    except _NONSENSE as error:
        if unpacker.moving:
            raise
        what = f"{unpacker.place}: {error or type(error).__name__}"
        raise LoadError(f"{path}: what it says of its contents is not to be made sense of: {what}{at_line()}") from error


_NONSENSE = (GraphsError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What making things of a description without sense may raise."""


def _unpack(file: BinaryIO, size: int | None, path: Any) -> tuple[dict[str, Any], list[Any]]:
    """The description and the memories in a file, every digest checked."""
    head = bytes(taken(file, 8, False))
    try:
        stored = TensorFile(head, file, None if size is None else size - len(head))
        about = _described(stored)
    except ValueError as error:
        if head[:2] == b"PK" or (head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5")):
            raise LoadError(
                f"{path} is a pickle of PyTorch's, and reading one would run what is in it: save it with safetensors there, "
                f"or convert the state dict to numpy arrays{at_line()}"
            ) from None
        raise LoadError(f"{path} is damaged, cut short, or not written by save: {error}{at_line()}") from None
    try:
        memories = {}
        for name, memory in stored.arrays():
            memories[name] = memory
            if digest(memory) != about["digests"][name]:
                raise TensorFileError(f"the memory of {_names(about, name)} has changed", name)
    except TensorFileError as error:
        names = f" ({_names(about, error.name)})" if error.name else ""
        raise LoadError(f"{path} is damaged or cut short: {error}{names}{at_line()}") from None
    return about, [memories[name] for name in about["digests"]]


def _described(stored: TensorFile) -> dict[str, Any]:
    """What the description says. Raises ValueError where it has changed, or cannot be one."""
    text, hashed = stored.metadata.get("diptych"), stored.metadata.get("digest")
    if text is None or hashed is None:
        raise ValueError("it has not the description that save writes")
    if digest(text.encode()) != hashed:
        raise ValueError("the description of its contents has changed")
    about = strict(text, constants=True)
    if not isinstance(about, dict) or about.get("format") != _FORMAT or type(about.get("version")) is not int:
        raise ValueError(f"its description is not of the format {_FORMAT!r}")
    if not 1 <= about["version"] <= _VERSION:
        raise ValueError(f"it has the format's version {about['version']}, and we know {_VERSION}")
    objects, digests = about.get("objects"), about.get("digests")
    if "root" not in about or not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise ValueError("its description has no objects")
    if not isinstance(digests, dict) or digests.keys() != {place.name for place in stored.places}:
        raise ValueError("its description names other memories than there are")
    for place in stored.places:
        if place.dtype != "uint8" or len(place.shape) != 1:
            raise ValueError(f"{place.name} is no row of bytes")
    return about


def _names(about: dict[str, Any], memory: str) -> str:
    """The tensors that lie in a memory, for people."""
    number = [*about["digests"]].index(memory)
    found = [str(each.get("name") or "a tensor") for each in about["objects"] if each.get("memory") == number]
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def _places(map_location: Any) -> Any:
    """A function from a tensor and the name of the device it was on to the tensor where it belongs now."""

    def place(tensor: Any, location: str) -> Any:
        target: Any = map_location
        if map_location is None and location != "cpu" and available():
            target = location
        elif isinstance(map_location, dict):
            target = map_location.get(location)
        elif callable(map_location):
            storage = tensor.untyped_storage()
            found = map_location(storage, location)
            target = found.device if isinstance(found, UntypedStorage) else None
        return tensor if target is None else moved(tensor, device_of(target))

    return place


__getattr__ = lacking(__name__)
