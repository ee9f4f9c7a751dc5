"""Asking the rules of an op before its kernel runs, where that takes more than they do, and what to say of failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.arrays import xp_of
from graphs.core.errors import GraphsError, PositionError, ShapeError, at_line
from graphs.core.node import infer
from graphs.core.op import Op
from graphs.core.spec import Spec


_granted: set[Any] = set()
_MOST_GRANTED = 1024
_EACH_ANEW = frozenset(["control", "random"])
"""Traits of ops whose attributes differ from call to call, or hold bodies that would be kept alive."""

_INTEGERS_TOO = frozenset(["convolution", "convolution_transpose"])
"""Ops that PyTorch computes on integers, and TensorFlow does not."""


def ask(op: Op, arrays: Sequence[Any], params: Mapping[str, Any]) -> None:
    """Raise what the rules of ``op`` raise for a call; they are asked once for calls of the same shapes."""
    if op.name == "sign":  # of complex numbers too: the derivative of their absolute value
        return
    key: Any = None
    if op.traits.isdisjoint(_EACH_ANEW):
        try:
            key = (op, *[(x.shape, x.dtype) if x.__class__ is ndarray else x.__class__ for x in arrays], *params.items())
            if key in _granted:
                return
        except TypeError:  # an attribute that is a list
            key = None
    if op.name in _INTEGERS_TOO and all(x.dtype.kind in "iu" for x in arrays):
        op.infer(*[Spec(x.shape, numpy.float64) for x in arrays], **params)
    else:
        infer(op, arrays, params)
    if key is not None:
        if len(_granted) >= _MOST_GRANTED:
            _granted.clear()
        _granted.add(key)


def explain(error: Exception, op: Op, arrays: list[Any], params: Mapping[str, Any]) -> Any:
    """Raise ``error`` in our words, with the user's line; a numpy warning turned into an error is no error here."""
    if isinstance(error, RuntimeWarning):
        with numpy.errstate(all="ignore"):
            return op.kernel(xp_of(arrays), *arrays, **params)
    if isinstance(error, GraphsError) and "\n  at " in str(error):
        raise error
    given = [Spec.of(array) for array in arrays]
    kind: type[Exception] = PositionError if isinstance(error, IndexError) else ShapeError
    if isinstance(error, GraphsError):
        kind = type(error)
    message = f"{op.name}({', '.join(map(str, given))}): {error}"
    try:
        op.infer(*given, **params)
    except (GraphsError, TypeError) as wrong:
        kind, message = type(wrong), str(wrong)
    raise kind(message + at_line()) from error
