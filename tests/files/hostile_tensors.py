"""Hostile files of tensors: what nobody's ``save`` has written, digests and all."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from graphs.core.jsontext import digest


Made = Callable[[], bytes]


def raw(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A file with this header, which is text, bytes or JSON, and this length of it."""
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype: Any = "F32", shape: Any = (2,), at: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape if isinstance(shape, dict | str) else list(shape), "data_offsets": list(at)}


def one(**changes: Any) -> bytes:
    """A file of one array, of which the header says something else."""
    return raw({"w": entry(**changes)}, bytes(8))


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("../../archive/data.pkl", pickle.dumps({}))
        file.writestr("archive/data/0", bytes(80 << 20))
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        link = tarfile.TarInfo("model")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    return out.getvalue()


def pickled() -> bytes:
    class Evil:
        def __reduce__(self) -> Any:
            return exec, ("raise SystemExit('it was run')",)

    return pickle.dumps(Evil())


def of_numpy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


CONTAINERS: dict[str, Made] = {
    "nothing": lambda: b"",
    "three bytes": lambda: b"\x01\0\0",
    "a header of no length": lambda: raw({}, length=0),
    "a header of 2**63 bytes": lambda: raw({}, length=1 << 63),
    "a header of 2**64 - 1 bytes": lambda: raw({}, length=(1 << 64) - 1),
    "a header of 2**40 bytes": lambda: raw({}, length=1 << 40),
    "a header beyond the end": lambda: raw({}, length=100),
    "a header that is no text": lambda: raw(b"\xff\xfe{}\xff\xff\xff\xff"),
    "a header that is no JSON": lambda: raw(b"{w: 1}  "),
    "a header that is a list": lambda: raw([1]),
    "a header 100,000 lists deep": lambda: raw(b"[" * 100_000 + b"]" * 100_000),
    "a header 100,000 objects deep": lambda: raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "NaN": lambda: raw(b'{"w":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', bytes(8)),
    "infinity": lambda: raw(b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,Infinity]}}', bytes(8)),
    "a number of 100,000 digits": lambda: raw(b'{"w":{"dtype":"F32","shape":[%b],"data_offsets":[0,8]}}' % (b"9" * 100_000)),
    "a shape that overflows": lambda: one(dtype="F64", shape=(1 << 31, 1 << 31, 1 << 31)),
    "a shape that overflows to what there is": lambda: one(dtype="F64", shape=(1 << 32, 1 << 29, 9)),
    "2**62 elements in a KiB": lambda: raw({"w": entry(shape=(1 << 62,))}, bytes(1024)),
    "no elements of 2**62 rows": lambda: raw({"w": entry(shape=(1 << 62, 0, 1 << 62), at=(0, 0))}),
    "a hundred thousand dimensions": lambda: one(dtype="F64", shape=[1] * 100_000),
    "a negative size": lambda: one(shape=(-2,)),
    "two negative sizes": lambda: one(shape=(-2, -1)),
    "a size that is true": lambda: one(shape=(2, True)),
    "a size that is a float": lambda: one(shape=(2.0,)),
    "a shape that is an object": lambda: one(shape={"2": 1}),
    "a shape that is text": lambda: one(shape="2"),
    "an unknown dtype": lambda: one(dtype="PY"),
    "a dtype that is an object": lambda: one(dtype={"F32": 1}),
    "a wrong dtype": lambda: one(dtype="F64"),
    "an entry that is none": lambda: raw({"w": 3}),
    "an entry that says more": lambda: raw({"w": {**entry(), "loader": "os.system"}}, bytes(8)),
    "places that overlap": lambda: raw({"a": entry(), "b": entry(at=(4, 12))}, bytes(12)),
    "two of one place": lambda: raw({"a": entry(), "b": entry()}, bytes(8)),
    "a gap": lambda: raw({"a": entry(), "b": entry(at=(16, 24))}, bytes(24)),
    "a place beyond the end": lambda: one(at=(1 << 40, (1 << 40) + 8)),
    "a place before the beginning": lambda: one(at=(-8, 0)),
    "a place that ends before it begins": lambda: one(at=(8, 0)),
    "a place that overflows": lambda: one(at=((1 << 64) - 8, 1 << 64)),
    "a place that is a float": lambda: one(at=(0.0, 8.0)),
    "a place of three numbers": lambda: one(at=(0, 8, 16)),
    "less than it says": lambda: raw({"w": entry(dtype="U8", shape=(1 << 40,), at=(0, 1 << 40))}, bytes(8)),
    "more than it says": lambda: raw({"w": entry()}, bytes(4096)),
    "a name twice": lambda: raw(b'{"w":%b,"w":%b}' % ((json.dumps(entry()).encode(),) * 2), bytes(8)),
    "a description twice": lambda: raw(b'{"__metadata__":{"a":"b"},"__metadata__":{}}'),
    "a description that is no text": lambda: raw({"__metadata__": {"diptych": {"a": 1}, "digest": []}}),
    "a description that is a list": lambda: raw({"__metadata__": ["diptych"]}),
    "no description": lambda: one(),
    "half a surrogate": lambda: raw(b'{"\\ud800":1}'),
    "another layout of the header": lambda: raw(json.dumps({"w": entry()}, indent=1).encode(), bytes(8)),
    "a zip bomb": zipped,
    "a gzip bomb": lambda: gzip.compress(bytes(80 << 20), 1),
    "an archive with a link": tarred,
    "a pickle": pickled,
    "a numpy file of objects": lambda: of_numpy(np.array([{}], object)),
}


def forged(about: Any, arrays: dict[str, tuple[str, list[int], bytes]]) -> bytes:
    """A file whose description, arrays and digest agree."""
    text = about if isinstance(about, str) else json.dumps(about)
    header: dict[str, Any] = {"__metadata__": {"diptych": text, "digest": digest(text.encode())}}
    at, data = 0, b""
    for name, (dtype, shape, content) in arrays.items():
        header[name] = entry(dtype, shape, (at, at + len(content)))
        at, data = at + len(content), data + content
    return raw(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode(), data)


# Checkpoints


def checkpoint(
    changes: dict[str, Any], values: Any = None, dtype: str = "F32", shape: Any = (2,), data: bytes = bytes(8)
) -> bytes:
    if values is None:
        numpy_name = {"F32": "float32", "U8": "uint8"}[dtype]
        given = {"dtype": "float32", "shape": [2], **changes}
        about = json.dumps(["w", _numpy_name(given["dtype"]), given["shape"], numpy_name, list(shape)]).encode()
        values = {"w": {**given, "digest": digest(about, data)}}
        changes = {}
    about = {"format": "diptych checkpoint", "version": 1, "global_step": None, "values": values, **changes}
    return forged(about, {"w": (dtype, list(shape), data)})


def _numpy_name(word: Any) -> Any:
    return "object" if word == "string" else word


def words(text: bytes, shape: Any) -> bytes:
    return checkpoint({"dtype": "string", "shape": shape}, dtype="U8", shape=(len(text),), data=text)


CHECKPOINTS: dict[str, Made] = {
    "a newer version": lambda: checkpoint({"version": 7}, {}),
    "a version that is true": lambda: checkpoint({"version": True}, {}),
    "a version that is NaN": lambda: checkpoint({"version": float("nan")}, {}),
    "another format": lambda: checkpoint({"format": "diptych save"}, {}),
    "a description that is no JSON": lambda: forged("import os", {}),
    "a deep description": lambda: forged("[" * 100_000, {}),
    "a description with a key twice": lambda: forged('{"version":1,"version":1}', {}),
    "values that are a list": lambda: checkpoint({}, ["w"]),
    "a value that is not there": lambda: checkpoint({}, {"w": {}, "v": {}}),
    "a value that says nothing": lambda: checkpoint({}, {"w": {}}),
    "a value that is text": lambda: checkpoint({}, {"w": "float32"}),
    "a value of no dtype": lambda: checkpoint({}, {"w": {"dtype": "os.system", "shape": [2], "digest": ""}}),
    "a value of a dtype that is a list": lambda: checkpoint({}, {"w": {"dtype": [], "shape": [2], "digest": ""}}),
    "a value of 2**62 elements": lambda: checkpoint({"shape": [1 << 62]}),
    "a value of another shape": lambda: checkpoint({"shape": [2, 1]}),
    "a value of another dtype": lambda: checkpoint({"dtype": "int32"}),
    "a value of objects": lambda: checkpoint({"dtype": "string"}),
    "a value of a negative size": lambda: checkpoint({"shape": [-2]}),
    "a value of a size that is true": lambda: checkpoint({"shape": [2, True]}),
    "words that are no list": lambda: words(b'{"a":1}', [1]),
    "words that are numbers": lambda: words(b"[1,2]", [2]),
    "words of 2**62 rows": lambda: words(b"[]", [1 << 62]),
    "words of 2**62 rows of nothing": lambda: words(b"[]", [1 << 62, 0]),
    "words that are no base64": lambda: words(b'["!!!!"]', [1]),
    "deep words": lambda: words(b"[" * 50_000, [1]),
}


# What ``dynamic.save`` writes


def saved(objects: Any, root: Any = [0], **changes: Any) -> bytes:  # noqa: B006 (nobody changes it)
    about = {"format": "diptych save", "version": 1, "root": root, "objects": objects}
    about |= {"digests": {"memory.0": digest(bytes(16))}, **changes}
    return forged(about, {"memory.0": ("U8", [16], bytes(16))})


def tensor(**changes: Any) -> bytes:
    about = {"is": "tensor", "name": "w", "device": "cpu", "dtype": "float32", "shape": [4], "memory": 0, "offset": 0}
    return saved([{**about, "strides": [4], "requires_grad": False, **changes}])


def doubled(last: Any) -> list[dict[str, Any]]:
    """Tuples of two of the next, 64 deep: 2**64 items for whoever counts them one by one."""
    rows = [{"is": "tuple", "items": [[i + 2], [i + 2]]} for i in range(64)]
    return [last, *rows, {"is": "tuple", "items": []}]


SAVES: dict[str, Made] = {
    "a newer version": lambda: saved([], None, version=2),
    "a version that is true": lambda: saved([], None, version=True),
    "no objects": lambda: saved({}),
    "objects that are none": lambda: saved([1]),
    "no root": lambda: forged({"format": "diptych save", "version": 1, "objects": [], "digests": {}}, {}),
    "other memories": lambda: saved([], None, digests={"memory.1": ""}),
    "memories that are a list": lambda: saved([], None, digests=[]),
    "a deep description": lambda: forged("[" * 100_000, {}),
    "an object that is not there": lambda: saved([], [3]),
    "an object before the first": lambda: saved([{"is": "list", "items": []}], [-1]),
    "an object called true": lambda: saved([{"is": "list", "items": []}] * 2, [True]),
    "an object called 0.0": lambda: saved([{"is": "list", "items": []}], [0.0]),
    "an object in its number's place": lambda: saved([], {"is": "list"}),
    "an unknown kind": lambda: saved([{"is": "exec", "text": "1"}]),
    "a kind that is a list": lambda: saved([{"is": ["list"]}]),
    "a tuple that holds itself": lambda: saved([{"is": "tuple", "items": [[0]]}]),
    "a set that holds itself": lambda: saved([{"is": "frozenset", "items": [[0]]}]),
    "two tuples that hold each other": lambda: saved([{"is": "tuple", "items": [[1]]}, {"is": "tuple", "items": [[0]]}]),
    "tuples 100,000 deep": lambda: saved([{"is": "tuple", "items": [[i + 1]]} for i in range(100_000)]),
    "a key of 2**64 items": lambda: saved(doubled({"is": "dict", "items": [[[1], 1]]})),
    "a set of 2**64 items": lambda: saved(doubled({"is": "set", "items": [[1]]})),
    "a key that is a list": lambda: saved([{"is": "dict", "items": [[[1], 1]]}, {"is": "list", "items": []}]),
    "a key twice": lambda: saved([{"is": "dict", "items": [["a", 1], ["a", 2]]}]),
    "a pair of three": lambda: saved([{"is": "dict", "items": [["a", 1, 2]]}]),
    "a size that is text": lambda: saved([{"is": "Size", "items": ["2"]}]),
    "a module of no module": lambda: saved([{"is": "module", "home": "os", "path": "environ", "items": []}]),
    "a module that is a function": lambda: saved([{"is": "module", "home": "os", "path": "system", "items": []}]),
    "a module that is not imported": lambda: saved([{"is": "module", "home": "antigravity", "path": "x", "items": []}]),
    "a module of a home that is a list": lambda: saved([{"is": "module", "home": [], "path": "x", "items": []}]),
    "a module's attribute that is a number": lambda: saved(
        [{"is": "module", "home": "dynamic.nn", "path": "ReLU", "items": [[1, 2]]}]
    ),
    "a function of others": lambda: saved([{"is": "function", "home": "os", "path": "system"}]),
    "a function inside a function": lambda: saved([{"is": "function", "home": "os", "path": "system.__globals__"}]),
    "a function by a way round": lambda: saved([{"is": "function", "home": "dynamic", "path": "serialization.os.system"}]),
    "a tensor of Popen": lambda: tensor(**{"class": {"home": "subprocess", "path": "Popen"}}),
    "a tensor of 2**62 elements": lambda: tensor(shape=[1 << 62], strides=[0]),
    "a tensor whose shape overflows": lambda: tensor(shape=[1 << 32, 1 << 32], strides=[0, 0]),
    "a tensor of nothing in 2**62 rows": lambda: tensor(shape=[1 << 62, 0], strides=[0, 0]),
    "a tensor beyond its memory": lambda: tensor(shape=[5]),
    "a tensor that begins beyond its memory": lambda: tensor(offset=1 << 62),
    "a tensor before its memory": lambda: tensor(offset=-4),
    "a tensor that steps back": lambda: tensor(strides=[-4]),
    "a tensor that steps beyond": lambda: tensor(strides=[1 << 62]),
    "a tensor that steps by floats": lambda: tensor(strides=[4.0]),
    "a tensor of a size that is true": lambda: tensor(shape=[True]),
    "a tensor of a size that is a float": lambda: tensor(shape=[4.0]),
    "a tensor of a negative size": lambda: tensor(shape=[-4]),
    "a tensor of two shapes": lambda: tensor(shape=[2, 2]),
    "a tensor of odd places beyond": lambda: tensor(offset=3, shape=[4]),
    "a tensor of no memory": lambda: tensor(memory=1),
    "a tensor of the last memory": lambda: tensor(memory=-1),
    "a tensor of no dtype": lambda: tensor(dtype="object"),
    "a tensor of no device": lambda: tensor(device="/etc/passwd"),
    "a tensor of a device that is a list": lambda: tensor(device=[]),
    "a tensor with an array of its own": lambda: tensor(items=[["_array", 1]]),
    "a tensor with an edge": lambda: tensor(items=[["_edge", 1]]),
    "a gradient of integers": lambda: tensor(dtype="int32", requires_grad=True),
    "a gradient of perhaps": lambda: tensor(requires_grad="yes"),
    "a number with a shape": lambda: saved(
        [{"is": "number", "dtype": "float32", "shape": [1], "memory": 0, "offset": 0, "strides": [4]}]
    ),
    "bytes that are no base64": lambda: saved([{"is": "bytes", "text": "!!!!"}]),
    "a complex number of texts": lambda: saved([{"is": "complex", "parts": ["1", "2"]}]),
    "a state of random numbers of nothing": lambda: saved([{"is": "Generator", "state": [1 << 80]}]),
    "a short state of random numbers": lambda: saved([{"is": "Generator", "state": [1]}]),
    "a dtype that is none": lambda: saved([{"is": "dtype", "name": "os"}]),
    "a slice of two": lambda: saved([{"is": "slice", "items": [1, 2]}]),
}
