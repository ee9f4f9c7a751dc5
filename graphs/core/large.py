"""Kernels of element-wise ops on large arrays: natively, where somebody knows how (``graphs.codegen.wide``).

What has an exponential, a logarithm or a hyperbolic tangent in it takes numpy many times as long as memory does. From
``LARGE`` elements on it is left to compiled functions and several threads. Their last bits are others than numpy's, so the
choice depends on nothing but shapes and dtypes, and is made here, for both modes: they stay equal in every bit.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy
from numpy import ndarray


LARGE = 1 << 16
"""Elements from which on kernels give way: below, numpy is done in less time than a thread takes to wake up."""

OWN = ("exp", "expm1", "log", "log1p", "tanh")
"""The ufuncs that there are native functions for."""

_MENTIONED = re.compile(rf"\b({'|'.join(OWN)})\(")

Native = Callable[[Any, Sequence[ndarray], dict[str, Any]], Any]


class _Chosen:
    native: Native | None = None


def use(native: Native) -> None:
    """Have ``native(op, arrays, attributes)`` called for large arrays of one shape. Where it gives None, the kernel is."""
    _Chosen.native = native


@functools.cache
def possible() -> bool:
    """Whether there may be native code at all."""
    return _Chosen.native is not None and find_spec("llvmlite") is not None


def applies(text: str | None) -> bool:
    """Whether an op of this fusion text is left to native code where arrays are large."""
    return text is not None and _MENTIONED.search(text) is not None


def is_large(shapes: Sequence[Any]) -> bool:
    """Whether arrays of these shapes, which are known, are left to native code."""
    return len(set(shapes)) == 1 and math.prod(shapes[0]) >= LARGE


def widened(op: Any) -> Callable[..., Any]:
    """The kernel of ``op``, with native code in its place where arrays are large."""
    kernel = op.kernel

    @functools.wraps(kernel)
    def wide(xp: Any, x: Any, *more: Any, **params: Any) -> Any:
        if xp is numpy and x.__class__ is ndarray and x.size >= LARGE and _Chosen.native is not None:
            shape = x.shape
            if all(y.__class__ is ndarray and y.shape == shape for y in more):
                made = _Chosen.native(op, (x, *more), params)
                if made is not None:
                    return made
        return kernel(xp, x, *more, **params)

    return wide
