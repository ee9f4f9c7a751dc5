"""What cupy has, read from ``cupy_api.json``: which names, and what each takes."""

from __future__ import annotations

import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def api() -> dict[str, Any]:
    """The file."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("cupy_api.json").read_text())
    return found


@cache
def signature(text: str) -> inspect.Signature:
    """The signature of a ``def`` with these parameters."""
    scope: dict[str, Any] = {}
    exec(f"def function({text}): pass", scope)
    return inspect.signature(scope["function"])


def has(path: str) -> bool:
    """Whether cupy's module has a name: ``linalg.svd``."""
    module, _, name = path.rpartition(".")
    return path in api()["functions"] or path in api()["ufuncs"] or name in api()["names"].get(module, "").split()


def function(path: str) -> inspect.Signature | None:
    """What a function takes; None where cupy does not tell. Raises AttributeError where there is none."""
    if path not in api()["functions"]:
        raise AttributeError(f"module 'cupy' has no attribute '{path}'")
    text = api()["functions"][path]
    return None if text is None else signature(text)


def method(kind: str, name: str) -> inspect.Signature:
    """What a method takes beside the object. Raises AttributeError where the class has none."""
    methods = api()["classes"][kind]["methods"]
    if name not in methods:
        raise AttributeError(f"'{kind}' object has no attribute '{name}'")
    return signature(methods[name])
