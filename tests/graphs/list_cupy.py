"""Writes ``cupy_api.json``: the names of cupy, and what each takes. Run where cupy is installed; it needs no GPU.

    python tests/graphs/list_cupy.py

Functions and methods are told as the text between the brackets of a ``def``, a default that is no plain number, word or None
as ``...``; ufuncs as their loops, in cupy's order, and which of their methods work.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any


MODULES = ["", "linalg", "fft", "lib", "lib.stride_tricks", "random", "cuda", "cuda.compiler", "cuda.runtime", "cuda.nvtx"]
CLASSES = ["ndarray", "broadcast", "flatiter"]
CUDA = ["Device", "Event", "Function", "Graph", "Memory", "MemoryAsyncPool", "MemoryPointer", "MemoryPool", "Module"]
CUDA += ["PinnedMemory", "PinnedMemoryPointer", "PinnedMemoryPool", "Stream", "UnownedMemory"]
SCATTERED = ["add", "sub", "max", "min", "and", "or", "xor"]
REDUCED = {"cupy_add": ["reduce", "accumulate", "reduceat"], "cupy_multiply": ["reduce", "accumulate"]}
"""Methods of ufuncs that do more than raise NotImplementedError, by the ufunc's name (``cupy/_core/_kernel.pyx``)."""


def parameters(what: Any) -> str | None:
    """What a function takes, from its signature or the first line of its text; None where neither tells."""
    first = (getattr(what, "__doc__", None) or "").strip().partition("\n")[0]
    found = re.match(r"[\w.]+\((.*)\)( -> [\w.]+)?$", first)
    if found and type(what).__name__ != "function":
        return _written(found[1])
    try:
        signature = inspect.signature(what)
    except (TypeError, ValueError):
        return None
    plain = [p.replace(annotation=p.empty, default=_default(p.default)) for p in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))[1:-1]


class _Word:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty or value is None or type(value) in (bool, int, float, str):
        return value
    return _Word("...")


def _written(text: str) -> str:
    """Cython's parameters without their types: ``Py_ssize_t axis=-1`` is ``axis=-1``."""
    parts = []
    for part in re.split(r",\s*(?![^(]*\))", text.replace("\\", "")):
        name, equals, default = part.partition("=")
        name = name.split()[-1] if name.split() else ""
        plain = re.fullmatch(r"-?\d+|None|True|False|'\w*'", default)
        parts.append(name + equals + (default if plain else "..." if equals else ""))
    return ", ".join(part for part in parts if part)


def ufunc(what: Any) -> dict[str, Any]:
    """A ufunc's loops, and those of its methods that are there."""
    methods = ["outer", *REDUCED.get(what.name, [])] + (["at"] if what._scatter_op in SCATTERED else [])
    return {"nin": what.nin, "nout": what.nout, "types": " ".join(what.types), "methods": " ".join(methods)}


def class_(kind: Any) -> dict[str, Any]:
    """What making one takes (None where nothing tells), its methods with what they take, and its other names."""
    methods, others = {}, []
    for name in sorted(dir(kind)):
        value = getattr(kind, name)
        special = name.startswith("_")
        if special and (name in dir(object) or not re.fullmatch(r"__\w+__", name) or "pyx" in name):
            continue
        text = parameters(value) if callable(value) and not special else None
        if text is None:
            others.append(name)
        else:
            methods[name] = _bound(text)
    made = parameters(kind) if "(" in (kind.__doc__ or "").partition("\n")[0] else parameters(kind.__init__)
    return {"made": made and _bound(made), "methods": methods, "others": " ".join(others)}


def _bound(text: str) -> str:
    return re.sub(r"^(self|cls)(, |$)", "", text)


def listed() -> dict[str, Any]:
    """Everything."""
    import cupy

    found: dict[str, Any] = {"version": cupy.__version__, "functions": {}, "ufuncs": {}, "names": {}, "classes": {}}
    for path in MODULES:
        module = cupy
        for part in path.split("."):
            module = getattr(module, part) if part else module
        names = [name for name in sorted(dir(module)) if not name.startswith(("_", "cudaDevAttr", "cudaGraph", "cudaMem"))]
        for name in names:
            value = getattr(module, name)
            full = f"{path}.{name}" if path else name
            if type(value).__name__ == "ufunc":
                found["ufuncs"][full] = ufunc(value)
            elif callable(value) and not isinstance(value, type):
                found["functions"][full] = parameters(value)
        others = [name for name in names if f"{path}.{name}".lstrip(".") not in (*found["functions"], *found["ufuncs"])]
        found["names"][path] = " ".join(others)
    for name in CLASSES:
        found["classes"][name] = class_(getattr(cupy, name))
    for name in CUDA:
        found["classes"][f"cuda.{name}"] = class_(getattr(cupy.cuda, name))
    return found


if __name__ == "__main__":
    Path(__file__).with_name("cupy_api.json").write_text(json.dumps(listed(), indent=1, sort_keys=True) + "\n")
