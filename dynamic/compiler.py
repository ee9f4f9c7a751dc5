"""What programs ask of a compiler (PyTorch's ``torch.compiler``): nothing is compiled, so nothing has to be kept from it."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.settings import compile as compile


def is_compiling() -> bool:
    """False: a dynamic program always runs as it is written."""
    return False


is_dynamo_compiling = is_compiling


def disable(fn: Any = None, recursive: bool = True, **_: Any) -> Any:
    """``fn`` itself; works as a decorator with and without arguments."""
    return (lambda function: function) if fn is None else fn


allow_in_graph = disable


def reset() -> None:
    """Forget what was compiled: nothing."""


__getattr__ = lacking(__name__)
