"""``save`` and ``load``: one safetensors file with the tensors' memory, and a description of what they stood in.

Reading executes nothing: what can be described is numbers, text, containers, tensors, dtypes, and modules, which are made
again only from classes that the program has imported by itself. Every part has a digest, so damage is told, not loaded.
"""

from __future__ import annotations

import io
import json
import os
from typing import Any

import numpy

from dynamic.devices import available, device_of, moved
from dynamic.elsewhere import to_numpy
from dynamic.names import lacking
from dynamic.packing import Packer, SaveError as SaveError, Unpacker
from dynamic.storage import UntypedStorage
from graphs.core.errors import GraphsError, at_line
from graphs.core.files import write_whole


_FORMAT, _VERSION = "diptych save", 1


class LoadError(GraphsError, RuntimeError, ValueError):
    """A file that is damaged, or none of ours; the message names the file, and the tensor where it is one."""


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: Any = None, **_: Any) -> None:
    """Write ``obj`` (tensors, state dicts, modules, containers and numbers) to a path or a file object.

    A file takes the place of an old one in one step, so that a crash leaves the old or the new one. Tensors that share
    memory share it again after ``load``. Raises SaveError (a TypeError) naming the place of what cannot be described.
    """
    packer = Packer()
    root = packer.add(obj, "")
    memories = packer.memories()
    stored = {f"memory.{i}": to_numpy(memory) for i, memory in enumerate(memories)}
    about = {
        "format": _FORMAT,
        "version": _VERSION,
        "root": root,
        "objects": packer.objects,
        "digests": {name: _digest(array) for name, array in stored.items()},
    }
    text = json.dumps(about)
    data = _pack(stored, {"diptych": text, "digest": _digest(text.encode())})
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
        weights_only: refuse modules.

    Raises LoadError (a RuntimeError) naming the file, and the tensor where it is one, for a file that is damaged, cut short,
    or not written by ``save``; FileNotFoundError where there is none.
    """
    path = getattr(f, "name", None) if hasattr(f, "read") else os.fspath(f)
    if hasattr(f, "read"):
        data = _read_from(f)
    else:
        with open(f, "rb") as file:
            data = file.read()
    about, memories = _unpack(data, path if isinstance(path, (str, bytes)) else "the file object")
    unpacker = Unpacker(about["objects"], memories, _places(map_location), weights_only)
    try:
        return unpacker.get(about["root"])
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, GraphsError):
            raise
        raise LoadError(f"{path}: what it says of its contents is not to be made sense of: {error!r}{at_line()}") from error


def _digest(data: Any) -> str:
    import hashlib  # takes 5 ms, which other programs do without

    made = hashlib.blake2b(digest_size=16)
    made.update(data)
    return made.hexdigest()


def _pack(stored: dict[str, Any], metadata: dict[str, str]) -> bytes:
    """A safetensors file of rows of bytes. Its header is written here, so that the library is needed by readers only."""
    header: dict[str, Any] = {"__metadata__": metadata}
    at = 0
    for name, array in stored.items():
        header[name] = {"dtype": "U8", "shape": [array.size], "data_offsets": [at, at + array.size]}
        at += array.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    out = io.BytesIO()
    out.write(len(text).to_bytes(8, "little"))
    out.write(text)
    for array in stored.values():
        out.write(memoryview(array))
    return out.getvalue()


def _read_from(file: Any) -> bytes:
    """The bytes of one saved thing: the header tells how many there are, so that more than one can follow each other."""
    start = file.read(8)
    size = int.from_bytes(start, "little")
    if len(start) < 8 or size > 1 << 40:
        return bytes(start + file.read())
    text = file.read(size)
    try:
        end = max((each["data_offsets"][1] for name, each in json.loads(text).items() if name != "__metadata__"), default=0)
    except (ValueError, KeyError, TypeError, AttributeError):
        return bytes(start + text + file.read())
    return bytes(start + text + file.read(end))


def _unpack(data: bytes, path: Any) -> tuple[dict[str, Any], list[Any]]:
    """The description and the memories in ``data``, every digest checked."""
    size = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + size])
        metadata = header["__metadata__"]
        text, digest = metadata["diptych"], metadata["digest"]
    except (ValueError, KeyError, TypeError) as error:
        if data[:2] == b"PK" or (data[:1] == b"\x80" and data[1:2] in (b"\2", b"\3", b"\4", b"\5")):
            raise LoadError(
                f"{path} is a pickle of PyTorch's, and reading one would run what is in it: save it with safetensors there, "
                f"or convert the state dict to numpy arrays{at_line()}"
            ) from None
        raise LoadError(
            f"{path} is damaged, cut short, or not written by save ({len(data)} bytes): {error!r}{at_line()}"
        ) from None
    if _digest(text.encode()) != digest:
        raise LoadError(f"{path} is damaged: the description of its contents has changed{at_line()}")
    about = json.loads(text)
    if about["version"] > _VERSION:
        raise LoadError(f"{path} has the format's version {about['version']}, and we know {_VERSION}{at_line()}")
    buffer = numpy.frombuffer(bytearray(data), numpy.uint8)
    memories: list[Any] = []
    for name, wanted in about["digests"].items():
        try:
            start, end = header[name]["data_offsets"]
            if header[name] != {"dtype": "U8", "shape": [end - start], "data_offsets": [start, end]}:
                raise ValueError("not as it was written")
        except (KeyError, TypeError, ValueError):
            raise LoadError(f"{path} is damaged: {name} is not described as it was{at_line()}") from None
        part = buffer[8 + size + start : 8 + size + end]
        if part.size != end - start:
            raise LoadError(f"{path} is cut short: {_names(about, len(memories))} ends after {part.size} bytes{at_line()}")
        if _digest(part) != wanted:
            raise LoadError(f"{path} is damaged: the memory of {_names(about, len(memories))} has changed{at_line()}")
        memories.append(part.copy())
    return about, memories


def _names(about: dict[str, Any], memory: int) -> str:
    """The tensors that lie in a memory, for people."""
    found = [each.get("name") or "a tensor" for each in about["objects"] if each.get("memory") == memory]
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
