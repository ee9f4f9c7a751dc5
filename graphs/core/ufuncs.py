"""Kernels that are one plain call of a ufunc, found by asking them: such a call can be made without the kernel around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs.core import large
from graphs.core.node import Node, Value


OUT_BY_NAME = (numpy.maximum, numpy.minimum)
"""Ufuncs that deprecate a positional ``out``; elsewhere it saves 0.04 µs a call."""


class _Probe:
    """Stands in for the array module, to see what a kernel would call."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args: (name, args)


def as_ufunc(node: Node) -> tuple[numpy.ufunc, Sequence[Any]] | None:
    """The ufunc of which ``node``'s kernel is one plain call, and that call's arguments; None where it does more.

    The kernel itself is asked: it runs on stand-ins, with an array module that writes down the call. Only kernels of
    element-wise ops are: others may call what users wrote.
    """
    if not node.op.elementwise or (node.op.large and large.possible() and not _is_small(node)):
        return None
    standins = [object() if isinstance(x, Value) else x for x in node.inputs]
    try:
        name, args = node.op.kernel(_Probe(), *standins, **node.params)
    except (TypeError, AttributeError, ValueError):
        return None
    ufunc = getattr(numpy, name, None) if isinstance(name, str) else None
    meant = {id(s): x for s, x in zip(standins, node.inputs, strict=True) if isinstance(x, Value)}
    if not isinstance(ufunc, numpy.ufunc) or len(args) != ufunc.nin:
        return None
    if not all(id(x) in meant or isinstance(x, (bool, int, float)) for x in args):
        return None
    return ufunc, [meant.get(id(x), x) for x in args]


def _is_small(node: Node) -> bool:
    """Whether it is known that a node's arrays are not left to native code."""
    size = node.specs[0].size
    return size is not None and size < large.LARGE


def literals(node: Node, args: Sequence[Any]) -> list[Any]:
    """``args`` with Python numbers as 0-d arrays, where they are read in the one floating dtype of the values beside them.

    That is what a weak number comes to, and it costs a ufunc 0.25 µs less.
    """
    dtypes = {x.dtype for x in node.inputs if isinstance(x, Value)}
    dtype = dtypes.pop() if len(dtypes) == 1 else None
    if dtype is None or dtype.kind != "f":
        return list(args)
    return [numpy.asarray(x, dtype) if x.__class__ in (int, float) else x for x in args]
