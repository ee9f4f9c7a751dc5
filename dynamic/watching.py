"""What Python reads of tensors, for whoever traces: their truths, numbers, arrays and shapes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import getattr_static
from typing import Any

from dynamic.tensor import Tensor
from graphs.core.errors import own


_READS = {
    "__bool__": "branch",
    "__int__": "number",
    "__float__": "number",
    "__index__": "number",
    "item": "number",
    "tolist": "array",
    "numpy": "array",
    "__array__": "array",
    "__iter__": "rounds",
    "__len__": "shape",
    "size": "shape",
    "shape": "shape",
    "numel": "shape",
}
"""Methods by which Python reads a tensor, and what is then baked in."""


@contextmanager
def reads(listener: Any) -> Iterator[None]:
    """Call ``listener.read(kind, tensor, value)`` whenever Python reads a tensor; nobody else pays for it."""
    before = {name: getattr_static(Tensor, name) for name in _READS}
    own_names = set(vars(Tensor))
    inside: list[bool] = []
    for name, kind in _READS.items():
        plain = before[name]
        if isinstance(plain, property):
            setattr(Tensor, name, property(_told(plain.fget, kind, listener, inside)))
        else:
            setattr(Tensor, name, _told(plain, kind, listener, inside))
    try:
        yield
    finally:
        for name, plain in before.items():
            if name in own_names:
                setattr(Tensor, name, plain)
            else:
                delattr(Tensor, name)


def _told(plain: Callable[..., Any] | None, kind: str, listener: Any, inside: list[bool]) -> Callable[..., Any]:
    assert plain is not None

    def method(self: Any, *args: Any, **settings: Any) -> Any:
        if inside:
            return plain(self, *args, **settings)
        inside.append(True)
        try:
            value = plain(self, *args, **settings)
        finally:
            inside.pop()
        if kind != "shape" or not own(sys._getframe(1).f_code.co_filename):
            listener.read(kind, self, len(self._array) if kind == "rounds" else value)
        return value

    return method
