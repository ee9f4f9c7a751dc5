"""Fresh variables of Theano's types, ``scalar`` to ``tensor5``: in ``floatX``, or with a letter before it another dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from static.theano.variable import TensorType


_SHAPES: dict[str, tuple[bool, ...]] = {
    "scalar": (),
    "vector": (False,),
    "matrix": (False, False),
    "row": (True, False),
    "col": (False, True),
    "tensor3": (False,) * 3,
    "tensor4": (False,) * 4,
    "tensor5": (False,) * 5,
}
_LETTERS = {
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
    "u": "uint8",
    "f": "float32",
    "d": "float64",
    "c": "complex64",
    "z": "complex128",
}


def _maker(shape: str) -> Callable[..., Any]:
    def make(name: str | None = None, dtype: Any = None) -> Any:
        return TensorType(dtype or "floatX", _SHAPES[shape])(name)

    make.__name__ = make.__qualname__ = shape
    make.__doc__ = f"A fresh {shape} called ``name``, of ``dtype`` (``floatX`` by default)."
    return make


def _several(make: Callable[..., Any]) -> Callable[..., list[Any]]:
    def makes(*names: Any, dtype: Any = None) -> list[Any]:
        each = [None] * names[0] if len(names) == 1 and isinstance(names[0], int) else names
        kind = {} if dtype is None else {"dtype": dtype}
        return [make(name, **kind) for name in each]

    makes.__name__ = makes.__qualname__ = f"{make.__name__}s"
    makes.__doc__ = f"A fresh variable as ``{make.__name__}`` makes them for each name, or as many as a number says."
    return makes


scalar, vector, matrix, row, col, tensor3, tensor4, tensor5 = map(_maker, _SHAPES)
scalars, vectors, matrices = map(_several, (scalar, vector, matrix))


TYPED: dict[str, Any] = {
    f"{letter}{shape}": TensorType(dtype, pattern, f"{letter}{shape}")
    for letter, dtype in _LETTERS.items()
    for shape, pattern in _SHAPES.items()
}
"""The types with a dtype in their name, ``dmatrix`` say; called, each makes a variable."""
TYPED.update(
    {
        f"{letter}{plural}": _several(TYPED[f"{letter}{one}"].__call__)
        for letter in _LETTERS
        for one, plural in (("scalar", "scalars"), ("vector", "vectors"), ("matrix", "matrices"))
    }
)
