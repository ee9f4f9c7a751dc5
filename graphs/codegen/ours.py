"""numpy with functions of our own in place of some ufuncs: it interprets fused nodes with the bits of compiled ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen.functions import FUNCTIONS, loops
from graphs.codegen.machine import available
from graphs.codegen.primitives import scalars
from graphs.codegen.scalar_text import function
from graphs.core.function import Function
from graphs.core.node import Value


class Ours:
    """The array module that kernels are handed."""

    def __getattr__(self, name: str) -> Any:
        value = _standing_in(name) if any(name == each for each, _ in FUNCTIONS) else getattr(numpy, name)
        setattr(self, name, value)
        return value


OURS = Ours()


def _standing_in(name: str) -> Callable[..., Any]:
    ufunc = getattr(numpy, name)

    def call(x: Any) -> Any:
        loop = loops().get((name, x.dtype.char)) if isinstance(x, (ndarray, numpy.generic)) else None
        if loop is None:
            return ufunc(x)
        dense = numpy.asarray(x)
        if not dense.flags.forc:
            dense = dense.copy(order="K")
        out = numpy.empty_like(dense)
        loop(dense, out)
        return out if out.ndim else out[()]

    return call


def needed(body: Function) -> bool:
    """Whether a function of our own stands for something in ``body`` when it is compiled."""
    made: bool | None = body.cache.get("ours")
    if made is None:
        found = scalars(body) if available() else None
        made = body.cache["ours"] = found is not None and any(function(call) is not None for call in found.calls)
    return made


def evaluated(body: Function, *args: Any) -> tuple[Any, ...]:
    """The outputs of ``body`` on numpy arrays, with the bits that its compiled code gives."""
    values: dict[Any, Any] = {(x.node, x.index): arg for x, arg in zip(body.inputs, args, strict=True)}

    def look(x: Any) -> Any:
        return values[x.node, x.index] if isinstance(x, Value) else x

    for node in body.nodes:
        values[node, 0] = node.op.kernel(OURS, *map(look, node.inputs), **node.params)
    return tuple(map(look, body.outputs))
