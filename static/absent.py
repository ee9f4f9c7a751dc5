"""What is said about a name that is not here: whether TensorFlow 1.15 has it, and which names like it there are.

``names.txt`` lists the public names of TensorFlow 1.15.5, a module a line.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


_RENAMED = {
    "batch_cholesky": "cholesky", "batch_matmul": "matmul", "batch_matrix_inverse": "matrix_inverse", "complex_abs": "abs",
    "inv": "reciprocal", "listdiff": "setdiff1d", "mul": "multiply", "neg": "negative", "pack": "stack", "select": "where",
    "sub": "subtract", "unpack": "unstack",
}  # fmt: skip
"""Names that TensorFlow 0 had, and what TensorFlow 1 calls them."""


@cache
def listed() -> dict[str, frozenset[str]]:
    """TensorFlow 1.15's public names by module: ``tf``, ``nn``, ``nn.rnn_cell``."""
    lines = Path(__file__).with_name("names.txt").read_text(encoding="ascii").splitlines()
    parts = (line.partition(": ") for line in lines)
    return {path: frozenset(names.split()) for path, _, names in parts}


def dotted(path: str) -> str:
    """A module's name as programs write it: ``tf``, ``tf.nn``."""
    return path if path == "tf" else f"tf.{path}"


def present(module: ModuleType, path: str) -> frozenset[str]:
    """Those of TensorFlow's names for the module ``path`` that ``module`` has."""
    modules = listed()
    prefix = "" if path == "tf" else f"{path}."
    return frozenset(
        name
        for name, value in vars(module).items()
        if name in modules.get(path, ()) and (not isinstance(value, ModuleType) or _is_module(f"{prefix}{name}"))
    )


def _is_module(path: str) -> bool:
    return path in listed() or path in ("compat", "contrib")


def modules(root: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    """``root`` and the modules in it that TensorFlow has too, by their paths; those that come late are imported."""
    for name in vars(root)["_LATE"]:
        getattr(root, name)
    yield from _loaded("tf", root)


def _loaded(first: str, root: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    waiting = [(first, root)]
    while waiting:
        path, module = waiting.pop()
        yield path, module
        prefix = "" if path == "tf" else f"{path}."
        waiting += [
            (f"{prefix}{name}", value)
            for name, value in vars(module).items()
            if isinstance(value, ModuleType) and value.__name__.startswith(root.__name__) and _is_module(f"{prefix}{name}")
        ]


def explain(root: ModuleType, late: Mapping[str, str]) -> None:
    """Have ``root`` and the modules in it say of a name that they lack whether TensorFlow has it.

    The names ``late`` are those of modules in ``root``, or of what these have: imported when somebody first asks for them.
    """
    for path, module in _loaded("tf", root):
        vars(module).setdefault("__getattr__", _refusal(module, path, late if module is root else {}))


def _refusal(module: ModuleType, path: str, late: Mapping[str, str]) -> Callable[[str], Any]:
    def absent(name: str) -> Any:
        if name in late:
            found = import_module(f"{module.__name__}.{late[name]}")
            if late[name] == name:
                vars(found).setdefault("__getattr__", _refusal(found, name, {}))
                return found
            vars(module)[name] = value = getattr(found, name)
            return value
        raise AttributeError(message(module, path, name) if not name.startswith("_") else f"{dotted(path)} has no {name}")

    return absent


def message(module: Any, path: str, name: str) -> str:
    """What there is to say about ``name``, which ``module`` lacks."""
    here = present(module, path) or frozenset(n for n in vars(module) if not n.startswith("_"))
    near = difflib.get_close_matches(name, sorted(here), 3)
    nearest = f"; nearest: {', '.join(f'{dotted(path)}.{n}' for n in near)}" if near else ""
    if path == "tf" and name in _RENAMED:
        return f"tf.{name} was TensorFlow 0's; since 1.0 it is tf.{_RENAMED[name]}"
    if name in listed().get(path, ()):
        return f"TensorFlow 1.15 has {dotted(path)}.{name}; Diptych does not (yet){nearest}"
    return f"neither TensorFlow 1.15 nor Diptych has {dotted(path)}.{name}{nearest}"
